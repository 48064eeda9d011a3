"""The test in a Python file: the numbers of the page, or numbers drawn and compared with central differences and autograd.

Owns `test_of`, `unknown_of` and `Test`.  May import: written, problem, tables.rules, tables.targets, tensors.shapes, emission.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.emission.comments import folded
from derive.emission.formulas import signed
from derive.emission.programs import Program
from derive.emission.pythonidioms import CLOSE, COMPARE, IDIOMS, PICK
from derive.emission.spellings import Spellings
from derive.emission.trials import (
    FAIR,
    KINK,
    ROUGH,
    SEED,
    STEP,
    Values,
    draws_of,
    given_numbers,
    is_at_kink,
    is_numbered,
    near_of,
    shortest,
    sizes_of,
    trials_of,
)
from derive.problem import Numbers
from derive.tables.rules import COUNT
from derive.tables.targets import Target
from derive.written import Call, Name, Number, Partial


@dataclass(frozen=True)
class Test:
    """The text below the functions, what it wants imported, and functions that stand above them."""

    text: str
    imports: frozenset[str]
    above: tuple[str, ...] = ()


def test_of(program: Program, spellings: Spellings, target: Target, sizes: Sequence[str]) -> Test:
    """The test of a file; `sizes` are the names of sizes that its functions are given."""
    return _Tester(program, spellings, target, sizes).test()


class _Tester:
    def __init__(self, program: Program, spellings: Spellings, target: Target, sizes: Sequence[str]) -> None:
        self.program, self.spellings, self.target, self.sizes = program, spellings, target, sizes
        self.idiom = IDIOMS[target.library]
        self.loss = spellings.of(program.problem.train.loss)

    def test(self) -> Test:
        first, *parts = self.page() if is_numbered(self.program) else self.drawn()
        text = "\n\n\n".join([first, PICK, COMPARE + self.idiom.distance, *parts, CLOSE])
        used = [word for word in ("itertools", "math", "random") if f"{word}." in text.replace(f"{self.target.library}.random", "")]
        imports = frozenset(f"import {word}" for word in ("inspect", "sys", *used))
        return Test(text, imports, (self.idiom.above,) if self.idiom.above else ())

    # --- numbers ------------------------------------------------------------------------------------------------------

    def given(self) -> list[str]:
        """The numbers of the page, and sizes."""
        numbers = {self.spellings.of(name): self.number(name, value) for name, value in given_numbers(self.program).items()}
        lengths = sizes_of(self.program)
        numbers |= {self.spellings.of(name): str(lengths[name]) for name in self.sizes}
        return _table("GIVEN = dict(", numbers)

    def number(self, name: str, value: Numbers) -> str:
        """A number or array as it is typed, in the library's own type."""
        text = _typed(value, self.target)
        arrays = self.program.problem.arrays
        if arrays is not None and name in arrays.integers:
            return self.target.calls["places"].format(text)
        if isinstance(value, Number) and not self.idiom.autograd:
            return text
        return self.target.calls["array"].format(text)

    def main(self, told: str, body: Sequence[str], agreed: str) -> str:
        """The function that compares."""
        lines = [*body, f'print("DIFFERENT" if wrong else "all agree with {agreed}")', "return 1 if wrong else 0"]
        return "\n".join(["def main():", f'    """{told}; the value is the exit status."""', *(f"    {line}" for line in lines)])

    # --- the page -----------------------------------------------------------------------------------------------------

    def page(self) -> list[str]:
        """The test with the numbers of the page."""
        tables, spelled = self.given(), self.spellings.of
        examples = self.program.problem.examples
        if examples:
            rows = [", ".join(f"{spelled(name)}={self.number(name, value)}" for name, value in row.items()) for row in examples]
            tables += ["", "EXAMPLES = [", *(f"    dict({row})," for row in rows), "]"]
        tables += ["", "EXPECTED = ["]
        kept = {function.name: function.kept for function in self.program.functions}
        for trial in trials_of(self.program):
            tables.append("    dict(")
            for name, values in trial.expected.items():
                keyed = {self.spellings.returned(key): _floats(value) for key, value in values.items() if key in kept[name]}
                tables += _table(f"        {name}=dict(", keyed, "),")
            tables.append("    ),")
        tables += ["]", "", f"NEAR = {near_of(self.program):.0e}"]
        if not self.idiom.autograd or is_at_kink(self.program):
            return ["\n".join(tables), self.compared_with_page(asked=False)]
        tables += [f"FAIR = {FAIR}", "", self.derivatives()]
        return ["\n".join(tables), self.result(), self.idiom.autograd, self.compared_with_page(asked=True)]

    def compared_with_page(self, asked: bool) -> str:
        """The function that compares with the page, and where that is `asked` with autograd."""
        body = ["numbers, wrong = dict(GIVEN), 0", "for updates, expected in enumerate(EXPECTED):"]
        if self.program.problem.examples:
            body.append("    numbers |= EXAMPLES[updates % len(EXAMPLES)]")
        if self.program.problem.train.counts and COUNT in given_numbers(self.program):
            counted = "tensor(updates + 1)" if self.idiom.autograd else "updates + 1"
            body.append(f"    numbers |= dict({self.spellings.of(COUNT)}={counted})")
        body += [
            "    values = forward(**pick(forward, numbers))",
            "    gradients = backward(**pick(backward, numbers | values))",
            '    wrong += compare("forward", values, expected["forward"], NEAR, "on the page")',
            '    wrong += compare("backward", gradients, expected["backward"], NEAR, "on the page")',
        ]
        if asked:
            body += [
                "    slopes = {name: autograd(of, wrt, numbers) for name, (of, wrt) in DERIVATIVES.items()}",
                '    wrong += compare("backward", gradients, slopes, FAIR, "by autograd")',
            ]
        if self.program.update is not None:
            body += [
                '    if "update" in expected:',
                f'        named = {{f"{self.spellings.gradients}{{name}}": number for name, number in gradients.items()}}',
                "        changed = update(**pick(update, numbers | named))",
                '        wrong += compare(f"update {updates + 1}", changed, expected["update"], NEAR, "on the page")',
                "        numbers |= changed",
            ]
        if self.idiom.autograd and not asked:
            body.append('print("autograd is not asked: the numbers stand at a kink, where its slope may be another")')
        return self.main("Compare with the page", body, "the page and with autograd" if asked else "the page")

    # --- numbers drawn ------------------------------------------------------------------------------------------------

    def derivatives(self) -> str:
        """The table of derivatives by what the forward pass is given."""
        rows = {}
        for key in self.program.backward.goals:
            if isinstance(key, Partial) and key.wrt in self.program.problem.network.free_set:
                rows[self.spellings.returned(key)] = f'("{self.spellings.of(key.of)}", "{self.spellings.of(key.wrt)}")'
        return "\n".join(_table("DERIVATIVES = dict(", rows))

    def result(self) -> str:
        """The function that gives one result of the forward pass; for a loss that nothing is known of, one stands in."""
        named = [self.spellings.of(name) for name in unknown_of(self.program)]
        told = f"; half of squared distances from 1/3 stands in for {self.loss}" if named else ""
        lines = ["def result(of, numbers):", f'    """A result of the forward pass{told}."""']
        lines += ["    values = numbers | forward(**pick(forward, numbers))"]
        if named:
            squares = " + ".join(f'{self.target.library}.sum((values["{name}"] - 1/3)**2)' for name in named)
            lines += [f'    if of == "{self.loss}":', f"        return ({squares})/2"]
        return "\n".join([*lines, f"    return {self.idiom.number.format('values[of]')}"])

    def drawn(self) -> list[str]:
        """The test with numbers drawn and central differences."""
        draws, spelled = draws_of(self.program), self.spellings.of
        shapes = {spelled(draw.name): str(draw.shape) for draw in draws if not draw.below}
        places = {spelled(draw.name): f"({draw.shape}, {draw.below})" for draw in draws if draw.below}
        named = [f'"{name}"' for name in shapes]
        tables = [*self.given(), ""]
        tables += _table("DRAWN = dict(", shapes) if self.target.library else folded("DRAWN = [", named, "]")
        tables += _table("PLACES = dict(", places) if places else []
        tables += ["", self.derivatives(), "", f"STEP, ROUGH, KINK = {STEP}, {ROUGH}, {KINK}"]
        tables += [f"FAIR = {FAIR}"] if self.idiom.autograd else []
        asked = [self.idiom.autograd] if self.idiom.autograd else []
        functions = [self.draw(bool(places)), self.result(), self.idiom.differences, *asked]
        return ["\n".join(tables), *functions, self.compared_with_differences()]

    def draw(self, places: bool) -> str:
        """The function that draws."""
        over = "name, shape in DRAWN.items()" if self.target.library else "name in DRAWN"
        body = [f"source = {self.idiom.source.format(SEED)}", "for signs in 50*[(-1, 1), (1,)]:", "    numbers = dict(GIVEN)"]
        body += [f"    for {over}:", f"        numbers[name] = {self.idiom.drawn}"]
        if places:
            body += ["    for name, (shape, below) in PLACES.items():", f"        numbers[name] = {self.idiom.places}"]
        body += [f"    {line}" for line in self.facts()]
        body += [
            "    try:",
            "        values = forward(**pick(forward, numbers))",
            "    except (ArithmeticError, ValueError):",
            "        continue",
            f"    if {self.idiom.finite}:",
            "        return numbers",
            'raise SystemExit("no numbers were found at which the forward pass has a value")',
        ]
        head = ["def draw():", '    """Seeded random numbers at which the forward pass has a value."""']
        return "\n".join([*head, *(f"    {line}" for line in body)])

    def facts(self) -> list[str]:
        """What the page assumes of its data, made true."""
        arrays = self.program.problem.arrays
        lines = []
        for fact in arrays.facts if arrays is not None else ():
            name = f'numbers["{self.spellings.of(fact.name)}"]'
            missing = f"{fact.total} - {self.target.library}.sum({name}, {self.idiom.keep.format(fact.axis)})"
            lines.append(f"{name} = {name} + ({missing})/{name}.shape[{fact.axis}]")
        return lines

    def compared_with_differences(self) -> str:
        """The function that compares with differences, and with autograd where there is one."""
        body = [self.idiom.quiet] if self.idiom.quiet else []
        body += ["numbers = draw()", "values = forward(**pick(forward, numbers))"]
        upstream = {self.spellings.of(key): self.spellings.of(key.wrt) for key in self.program.upstream}
        if upstream:
            given = ", ".join(f'{name}=(numbers | values)["{of}"] - 1/3' for name, of in upstream.items())
            body.append(f"numbers |= dict({given})")
        body += [
            "gradients = backward(**pick(backward, numbers | values))",
            "slopes = {name: differences(of, wrt, numbers) for name, (of, wrt) in DERIVATIVES.items()}",
            'wrong = compare("backward", gradients, slopes, ROUGH, "by central differences")',
        ]
        if self.idiom.autograd:
            body += [
                "for name, (of, wrt) in DERIVATIVES.items():",
                "    slopes[name] = torch.where(torch.isnan(slopes[name]), math.nan, autograd(of, wrt, numbers))",
                'wrong += compare("backward", gradients, slopes, FAIR, "by autograd")',
            ]
        agreed = "central differences and with autograd" if self.idiom.autograd else "central differences"
        return self.main("Compare with derivatives found otherwise", body, agreed)


def unknown_of(program: Program) -> list[str]:
    """What a loss depends on, of which nothing else is known; nothing for any other loss."""
    equation = program.problem.network.by_goal.get(program.problem.train.loss)
    call = equation.rhs if equation is not None else None
    if not isinstance(call, Call) or call.function != "loss_of":
        return []
    return [part.name for part in call.arguments if isinstance(part, Name)]


def _typed(value: Numbers, target: Target) -> str:
    """Numbers as they are typed, nested lists alike."""
    if isinstance(value, Number):
        return signed(value, target)
    return f"[{', '.join(_typed(item, target) for item in value)}]"


def _floats(value: Values) -> str:
    """Values as the floats nearest to them."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_floats, value))}]"
    return shortest(value)


def _table(head: str, values: Mapping[str, str], tail: str = ")") -> list[str]:
    """Named values, folded."""
    return folded(head, [f"{name}={value}" for name, value in values.items()], tail)
