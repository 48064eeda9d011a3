"""A program as a Python file: functions called by keyword, and below them a test with the numbers of the page.

Owns `lay_out`.  May import: written, arithmetic, tables.ops, tables.targets, formats.mathematics, formats.text, emission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from derive.arithmetic import Key
from derive.emission.comments import bare, explained, said
from derive.emission.formulas import Writer
from derive.emission.programs import Function, Program
from derive.emission.spellings import Spellings
from derive.emission.trials import NEAR, ROUGH, SEED, SMALL, STEP, drawn_names, given_numbers, trials_of
from derive.tables.ops import OPS
from derive.tables.rules import COUNT
from derive.tables.targets import Target
from derive.written import Later

WIDTH = 120
"""Columns up to which a comment stands behind its line; further on it stands above."""

FOLD = 100
"""Columns of a list of names or numbers."""


def lay_out(program: Program, target: Target) -> str:
    """The text of the file."""
    spellings = Spellings(program, target.reserved | target.imports.keys() | OPS.keys())
    writer = Writer(target, spellings.of)
    functions = [_function(function, program, spellings, writer) for function in program.functions]
    helpers = [_helper(name, arguments, text, target) for name, arguments, text in writer.helpers()]
    numbered = bool(trials_of(program))
    test = _numbered(program, spellings, writer) if numbered else _drawn(program, spellings, writer)
    imports = {line for word, line in target.imports.items() if word in writer.words} | {"import inspect", "import sys"}
    imports |= set() if numbered else {"import random"}
    top = "\n".join((_docstring(program, spellings), "", *_merged(sorted(imports))))
    return "\n\n\n".join([top, *helpers, *functions, "# --- the test" + " " + "-" * 100, *test]) + "\n"


def _merged(imports: Iterable[str]) -> list[str]:
    """Import lines, several names of one module in one line."""
    plain = [line for line in imports if line.startswith("import")]
    named: dict[str, list[str]] = {}
    for line in imports:
        if line.startswith("from"):
            _, module, _, name = line.split()
            named.setdefault(module, []).append(name)
    return sorted(plain) + [f"from {module} import {', '.join(names)}" for module, names in named.items()]


def _docstring(program: Program, spellings: Spellings) -> str:
    title, *rest = explained(program, spellings)
    lines = [f'"""{docstring_text(title)}', *map(docstring_text, rest), '"""']
    return "\n".join(lines)


def docstring_text(text: str) -> str:
    r"""A line that may stand between three quotes.

    >>> docstring_text('\"\"\" \\')
    '\\"\\"\\" \\\\'
    """
    return bare(text).replace("\\", "\\\\").replace('"', '\\"')


def _helper(name: str, arguments: Sequence[str], text: str, target: Target) -> str:
    if not text:
        head, *body = target.helpers[name]
        return "\n".join([head, *(f"    {line}" for line in body)])
    return f"def {name}({', '.join(arguments)}):\n    return {text}"


def _function(function: Function, program: Program, spellings: Spellings, writer: Writer) -> str:
    inputs = ", ".join(spellings.of(key) for key in function.inputs)
    lines = folded(f"def {function.name}(", ["*", *(spellings.of(key) for key in function.inputs)] if inputs else [], "):")
    lines += [f'    """{DONE[function.name]}"""']
    for statement in function.statements:
        code = f"    {spellings.of(statement.goal)} = {writer.write(statement.line.tree)}"
        comment = f"# {said(statement, spellings.script)}"
        lines += [f"{code}  {comment}"] if len(code) + len(comment) < WIDTH else [f"    {comment}", code]
    results = [f"{spellings.returned(key)}={spellings.of(key)}" for key in returned_keys(function)]
    return "\n".join([*lines, *folded("    return dict(", results, ")")])


DONE = {
    "forward": "Every quantity of the network.",
    "backward": "The derivatives; that of the loss by a parameter has the parameter's name.",
    "update": "The new values, each by the name of the old one.",
}


def returned_keys(function: Function) -> list[Key]:
    """What a function gives back: all it computes, of an update only what is kept."""
    return [key for key in function.goals if function.name != "update" or isinstance(key, Later)]


def folded(head: str, items: Sequence[str], tail: str) -> list[str]:
    """A list of items in one line, or a line for as many as there is room for."""
    whole = head + ", ".join(items) + tail
    if len(whole) <= WIDTH:
        return [whole]
    indent = " " * (len(head) - len(head.lstrip())) + "    "
    lines, line = [], indent
    for item in items:
        if len(line) + len(item) > FOLD and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += f"{item}, "
    return [head, *lines, line.rstrip(), indent[4:] + tail]


# --- the test ---------------------------------------------------------------------------------------------------------------

PICK = '''def pick(function, numbers):
    """The numbers that a function takes."""
    return {name: numbers[name] for name in inspect.signature(function).parameters}'''

COMPARE = f'''def compare(what, found, expected, near, where):
    """How many results are not what they should be; what was compared is printed."""
    furthest, wrong = 0.0, 0
    for name, number in expected.items():
        difference = abs(found[name] - number)/(abs(number) + {SMALL})
        furthest = max(furthest, difference)
        if not difference <= near:
            print(f"  {{what}}: {{name}} is {{found[name]:.15g}} here, {{number:.15g}} {{where}}")
            wrong += 1
    print(f"{{what}}: {{len(expected)}} numbers compared, largest relative difference {{furthest:.1e}}")
    return wrong'''

CLOSE = """if __name__ == "__main__":
    sys.exit(main())"""


def _numbered(program: Program, spellings: Spellings, writer: Writer) -> list[str]:
    """The test with the numbers of the page."""
    examples, train = program.problem.examples, program.problem.train
    tables = _table("GIVEN = dict(", {spellings.of(name): writer.signed(number) for name, number in given_numbers(program).items()})
    if examples:
        rows = [_inline({spellings.of(name): writer.signed(number) for name, number in example.items()}) for example in examples]
        tables += ["", "EXAMPLES = [", *(f"    dict({row})," for row in rows), "]"]
    tables += ["", "EXPECTED = ["]
    for trial in trials_of(program):
        tables.append("    dict(")
        for name, values in trial.expected.items():
            kept = [key for key in values if name != "update" or isinstance(key, Later)]
            keyed = {spellings.returned(key): _shortest(values[key]) for key in kept}
            tables += _table(f"        {name}=dict(", keyed, "),")
        tables.append("    ),")
    tables += ["]", "", f"NEAR = {NEAR}"]
    body = ["numbers, wrong = dict(GIVEN), 0", "for updates, expected in enumerate(EXPECTED):"]
    if examples:
        body.append("    numbers |= EXAMPLES[updates % len(EXAMPLES)]")
    if train.counts:
        body.append(f"    numbers |= dict({spellings.of(COUNT)}=updates + 1)")
    body += [
        "    values = forward(**pick(forward, numbers))",
        "    gradients = backward(**pick(backward, numbers | values))",
        '    wrong += compare("forward", values, expected["forward"], NEAR, "on the page")',
        '    wrong += compare("backward", gradients, expected["backward"], NEAR, "on the page")',
    ]
    if program.update is not None:
        body += [
            '    if "update" in expected:',
            f'        named = {{f"{spellings.gradients}{{name}}": number for name, number in gradients.items()}}',
            "        changed = update(**pick(update, numbers | named))",
            '        wrong += compare(f"update {updates + 1}", changed, expected["update"], NEAR, "on the page")',
            "        numbers |= changed",
        ]
    body += ['print("DIFFERENT" if wrong else "all agree with the page")', "return 1 if wrong else 0"]
    main = ["def main():", '    """Compare with the page; the value is the exit status."""', *(f"    {line}" for line in body)]
    return ["\n".join(tables), PICK, COMPARE, "\n".join(main), CLOSE]


def _table(head: str, values: Mapping[str, str], tail: str = ")") -> list[str]:
    return folded(head, [f"{name}={value}" for name, value in values.items()], tail)


def _inline(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _shortest(value: Decimal) -> str:
    """A value as the float nearest to it."""
    return repr(float(value))


DRAW = f'''def draw():
    """Seeded random numbers at which the forward pass has a value."""
    source = random.Random({SEED})
    while True:
        numbers = GIVEN | {{name: source.uniform(0.1, 0.9) for name in DRAWN}}
        try:
            forward(**pick(forward, numbers))
        except (ArithmeticError, ValueError):
            continue
        return numbers'''


def _drawn(program: Program, spellings: Spellings, writer: Writer) -> list[str]:
    """The test with numbers drawn and central differences."""
    loss = spellings.of(program.problem.train.loss)
    tables = _table("GIVEN = dict(", {spellings.of(name): writer.signed(number) for name, number in given_numbers(program).items()})
    names = [f'"{spellings.of(name)}"' for name in drawn_names(program)]
    tables += ["", *folded("DRAWN = [", names, "]"), "", f"STEP, NEAR = {STEP}, {ROUGH}"]
    body = f"""def main():
    \"\"\"Compare with central differences; the value is the exit status.\"\"\"
    numbers, slopes = draw(), {{}}
    gradients = backward(**pick(backward, numbers | forward(**pick(forward, numbers))))
    for name in pick(forward, numbers):
        if name in gradients:
            sides = [forward(**pick(forward, numbers | {{name: numbers[name] + step}})) for step in (STEP, -STEP)]
            slopes[name] = (sides[0]["{loss}"] - sides[1]["{loss}"])/(2*STEP)
    wrong = compare("backward", gradients, slopes, NEAR, "by a central difference")
    print("DIFFERENT" if wrong else "all agree with central differences")
    return 1 if wrong else 0"""
    return ["\n".join(tables), PICK, COMPARE, DRAW, body, CLOSE]
