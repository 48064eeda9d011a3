"""The test in a Python file: the numbers of the page, or numbers drawn and compared with central differences and autograd.

Owns `test_of`, `unknown_of` and `Test`.  May import: written, problem, tables.rules, tables.targets, tensors.shapes, emission.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.emission.comments import folded
from derive.emission.formulas import signed
from derive.emission.programs import Program
from derive.emission.spellings import Spellings
from derive.emission.strays import SMALL
from derive.emission.trials import (
    FAIR,
    ROUGH,
    SEED,
    STEP,
    Values,
    draws_of,
    given_numbers,
    is_at_kink,
    is_numbered,
    near_of,
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
    helpers: tuple[str, ...] = ()


PICK = '''def pick(function, numbers):
    """The numbers that a function takes."""
    return {name: numbers[name] for name in inspect.signature(function).parameters}'''

COMPARE = f'''def compare(what, found, expected, near, where):
    """How many results are not what they should be; what was compared is printed."""
    furthest, wrong = 0.0, 0
    for name, number in expected.items():
        difference = distance(found[name], number)
        furthest = max(furthest, difference)
        if not difference <= near:
            print(f"  {{what}}: {{name}} is {{found[name]}} here, {{number}} {{where}}")
            wrong += 1
    print(f"{{what}}: {{len(expected)}} compared, largest relative difference {{furthest:.1e}}")
    return wrong


def distance(one, other):
    """How far two results are apart, as a part of the second; a small one counts as {SMALL}."""
    DISTANCE'''

DISTANCES = {
    "": f"return abs(one - other)/(abs(other) + {SMALL})",
    "np": f"""one, other = np.asarray(one), np.asarray(other)
    return np.max(np.abs(one - other)/(np.abs(other) + {SMALL})) if one.shape == other.shape else math.inf""",
    "torch": f"""one, other = tensor(one), tensor(other)
    return torch.max(torch.abs(one - other)/(torch.abs(other) + {SMALL})).item() if one.shape == other.shape else math.inf""",
}
"""By the library: how far results are apart."""

TENSOR = '''def tensor(numbers):
    """Numbers as PyTorch has them, all digits of a float."""
    return torch.as_tensor(numbers, dtype=torch.float64)'''

CLOSE = """if __name__ == "__main__":
    sys.exit(main())"""

DRAWS = {
    "": ("random.Random({0})", "source.choice(signs)*source.uniform(0.2, 0.9)", ""),
    "np": (
        "np.random.default_rng({0})",
        "np.asarray(source.choice(signs, shape)*source.uniform(0.2, 0.9, shape))",
        "source.integers(0, below, shape)",
    ),
    "torch": (
        "torch.Generator().manual_seed({0})",
        "tensor(signs)[torch.randint(len(signs), shape, generator=source)]*(0.2 + 0.7*torch.rand(shape, generator=source))",
        "torch.randint(0, below, shape, generator=source)",
    ),
}
"""By the library: a source of numbers, numbers from it, and places from it."""

FINITE = {
    "": "if all(math.isfinite(value) for value in values.values()):",
    "np": "if all(np.all(np.isfinite(value)) for value in values.values()):",
    "torch": "if all(torch.all(torch.isfinite(tensor(value))) for value in values.values()):",
}

DIFFERENCES = {
    "": '''def differences(of, wrt, numbers):
    """A derivative by a central difference."""
    above, below = (result(of, numbers | {wrt: numbers[wrt] + step}) for step in (STEP, -STEP))
    return (above - below)/(2*STEP)''',
    "np": '''def differences(of, wrt, numbers):
    """A derivative by central differences, entry by entry."""
    columns = []
    for place in itertools.product(*map(range, numbers[wrt].shape)):
        step = LIB.zeros_like(numbers[wrt])
        step[place] = STEP
        above, below = (result(of, numbers | {wrt: numbers[wrt] + side}) for side in (step, -step))
        columns.append(LIB.TO((above - below)/(2*STEP)))
    return LIB.stack(columns, -1).reshape((*columns[0].shape, *numbers[wrt].shape))''',
}

AUTOGRAD = '''def autograd(of, wrt, numbers):
    """A derivative by PyTorch's autograd."""
    return torch.autograd.functional.jacobian(lambda there: result(of, numbers | {wrt: there}), numbers[wrt])'''


def test_of(program: Program, spellings: Spellings, target: Target, sizes: Sequence[str]) -> Test:
    """The test of a file; `sizes` are the names of sizes that its functions are given."""
    return _Tester(program, spellings, target, sizes).test()


class _Tester:
    def __init__(self, program: Program, spellings: Spellings, target: Target, sizes: Sequence[str]) -> None:
        self.program, self.spellings, self.target, self.sizes = program, spellings, target, sizes
        self.library = target.library
        self.loss = spellings.of(program.problem.train.loss)
        self.numbered = is_numbered(program)

    def test(self) -> Test:
        imports = {"import inspect", "import sys"}
        compare = COMPARE.replace("DISTANCE", DISTANCES[self.library])
        helpers = (TENSOR,) if self.library == "torch" else ()
        parts = self.page() if self.numbered else self.drawn()
        text = "\n\n\n".join([parts[0], PICK, compare, *parts[1:], CLOSE])
        imports |= {f"import {word}" for word in ("itertools", "math", "random") if f"{word}." in text.replace("np.random.", "")}
        if helpers:
            imports |= {"import torch"}
        return Test(text, frozenset(imports), helpers)

    # --- numbers ------------------------------------------------------------------------------------------------------

    def given(self) -> list[str]:
        """The numbers of the page, and sizes."""
        numbers = {self.spellings.of(name): self.number(name, value) for name, value in given_numbers(self.program).items()}
        lengths = sizes_of(self.program)
        numbers |= {self.spellings.of(name): str(lengths[name]) for name in self.sizes}
        return table("GIVEN = dict(", numbers)

    def number(self, name: str, value: Numbers) -> str:
        """A number or array as it is typed, in the library's own type."""
        text = _typed(value, self.target)
        arrays = self.program.problem.arrays
        if arrays is not None and name in arrays.integers:
            return self.target.calls["places"].format(text)
        if isinstance(value, Number) and self.library != "torch":
            return text
        return self.target.calls["array"].format(text)

    # --- the page -----------------------------------------------------------------------------------------------------

    def page(self) -> list[str]:
        """The test with the numbers of the page."""
        tables = self.given()
        examples, spelled = self.program.problem.examples, self.spellings.of
        if examples:
            rows = [", ".join(f"{spelled(name)}={self.number(name, value)}" for name, value in row.items()) for row in examples]
            tables += ["", "EXAMPLES = [", *(f"    dict({row})," for row in rows), "]"]
        tables += ["", "EXPECTED = ["]
        kept = {function.name: function.kept for function in self.program.functions}
        for trial in trials_of(self.program):
            tables.append("    dict(")
            for name, values in trial.expected.items():
                keyed = {self.spellings.returned(key): _floats(value) for key, value in values.items() if key in kept[name]}
                tables += table(f"        {name}=dict(", keyed, "),")
            tables.append("    ),")
        tables += ["]", "", f"NEAR = {near_of(self.program):.0e}"]
        asked = self.library == "torch" and not is_at_kink(self.program)
        more = [self.derivatives(), self.result(), AUTOGRAD] if asked else []
        if asked:
            tables[-1] += f"\nFAIR = {FAIR}\n\n{more.pop(0)}"
        return ["\n".join(tables), *more, self.main(asked)]

    def main(self, asked: bool) -> str:
        """The function that compares with the page."""
        problem = self.program.problem
        body = ["numbers, wrong = dict(GIVEN), 0", "for updates, expected in enumerate(EXPECTED):"]
        if problem.examples:
            body.append("    numbers |= EXAMPLES[updates % len(EXAMPLES)]")
        if problem.train.counts and COUNT in given_numbers(self.program):
            counted = "updates + 1" if self.library != "torch" else "tensor(updates + 1)"
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
        if self.library == "torch" and not asked:
            body.append('print("autograd is not asked: the numbers stand at a kink, where its slope may be another")')
        end = "all agree with the page and with autograd" if asked else "all agree with the page"
        body += [f'print("DIFFERENT" if wrong else "{end}")', "return 1 if wrong else 0"]
        head = ["def main():", '    """Compare with the page; the value is the exit status."""']
        return "\n".join([*head, *(f"    {line}" for line in body)])

    # --- numbers drawn ------------------------------------------------------------------------------------------------

    def derivatives(self) -> str:
        """The table of derivatives by what the forward pass is given."""
        rows = {}
        for key in self.program.backward.goals:
            if isinstance(key, Partial) and key.wrt in self.program.problem.network.free_set:
                rows[self.spellings.returned(key)] = f'("{self.spellings.of(key.of)}", "{self.spellings.of(key.wrt)}")'
        return "\n".join(table("DERIVATIVES = dict(", rows))

    def result(self) -> str:
        """The function that gives one result of the forward pass; for a loss that nothing is known of, one stands in."""
        lines = [
            "def result(of, numbers):",
            '    """A result of the forward pass."""',
            "    values = numbers | forward(**pick(forward, numbers))",
        ]
        named = [self.spellings.of(name) for name in unknown_of(self.program)]
        if named:
            squares = " + ".join(f'{self.library}.sum((values["{name}"] - 1/3)**2)' for name in named)
            lines[1] = f'    """A result of the forward pass; half of squared distances from 1/3 stands in for {self.loss}."""'
            lines += [f'    if of == "{self.loss}":', f"        return ({squares})/2"]
        found = "tensor(values[of])" if self.library == "torch" else "values[of]"
        return "\n".join([*lines, f"    return {found}"])

    def drawn(self) -> list[str]:
        """The test with numbers drawn and central differences."""
        draws, library = draws_of(self.program), self.library
        named = [f'"{self.spellings.of(draw.name)}"' for draw in draws if not draw.below]
        shapes = {self.spellings.of(draw.name): str(draw.shape) for draw in draws if not draw.below}
        places = {self.spellings.of(draw.name): f"({draw.shape}, {draw.below})" for draw in draws if draw.below}
        tables = [*self.given(), "", *(table("DRAWN = dict(", shapes) if library else folded("DRAWN = [", named, "]"))]
        tables += table("PLACES = dict(", places) if places else []
        tables += ["", self.derivatives(), "", f"STEP, ROUGH = {STEP}, {ROUGH}"]
        if library == "torch":
            tables += [f"FAIR = {FAIR}"]
        known = DIFFERENCES["np" if library else ""]
        known = known.replace("LIB.TO", f"{library}.as{'tensor' if library == 'torch' else 'array'}").replace("LIB", library)
        known = known.replace("torch.astensor", "torch.as_tensor").replace("torch.asarray", "torch.as_tensor")
        return ["\n".join(tables), self.draw(bool(places)), self.result(), known, *self.compared()]

    def draw(self, places: bool) -> str:
        """The function that draws."""
        library = self.library
        source, uniform, integers = DRAWS[library]
        body = [f"source = {source.format(SEED)}", "for signs in 50*[(-1, 1), (1,)]:", "    numbers = dict(GIVEN)"]
        body += [f"    for name{', shape' if library else ''} in DRAWN{'.items()' if library else ''}:"]
        body += [f"        numbers[name] = {uniform}"]
        if places:
            body += ["    for name, (shape, below) in PLACES.items():", f"        numbers[name] = {integers}"]
        body += [f"    {line}" for line in self.facts()]
        body += [
            "    try:",
            "        values = forward(**pick(forward, numbers))",
            "    except (ArithmeticError, ValueError):",
            "        continue",
            f"    {FINITE[library]}",
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
            kept = "dim={0}, keepdim=True" if self.library == "torch" else "axis={0}, keepdims=True"
            missing = f"{fact.total} - {self.library}.sum({name}, {kept.format(fact.axis)})"
            lines.append(f"{name} = {name} + ({missing})/{name}.shape[{fact.axis}]")
        return lines

    def compared(self) -> list[str]:
        """The functions that compare."""
        body = ["numbers = draw()", "values = forward(**pick(forward, numbers))"]
        upstream = {self.spellings.of(key): self.spellings.of(key.wrt) for key in self.program.upstream}
        if upstream:
            given = ", ".join(f'{name}=(numbers | values)["{of}"] - 1/3' for name, of in upstream.items())
            body.append(f"numbers |= dict({given})")
        body += [
            "gradients = backward(**pick(backward, numbers | values))",
            "slopes = {name: differences(of, wrt, numbers) for name, (of, wrt) in DERIVATIVES.items()}",
            'wrong = compare("backward", gradients, slopes, ROUGH, "by central differences")',
        ]
        if self.library == "torch":
            body += [
                "slopes = {name: autograd(of, wrt, numbers) for name, (of, wrt) in DERIVATIVES.items()}",
                'wrong += compare("backward", gradients, slopes, FAIR, "by autograd")',
            ]
        if self.library == "np":
            body = ['np.seterr(all="ignore")', *body]
        end = "central differences and with autograd" if self.library == "torch" else "central differences"
        body += [f'print("DIFFERENT" if wrong else "all agree with {end}")', "return 1 if wrong else 0"]
        head = ["def main():", '    """Compare with derivatives found otherwise; the value is the exit status."""']
        main = "\n".join([*head, *(f"    {line}" for line in body)])
        return [AUTOGRAD, main] if self.library == "torch" else [main]


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
    return repr(float(value))


def table(head: str, values: Mapping[str, str], tail: str = ")") -> list[str]:
    """Named values, folded."""
    return folded(head, [f"{name}={value}" for name, value in values.items()], tail)
