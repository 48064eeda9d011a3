"""A program as a Python file: functions called by keyword, and below them a test.

Owns `lay_out`.  May import: written, tables.ops, tables.targets, tensors, emission.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from derive.derivation import Derivation
from derive.emission.comments import WIDTH, bare, commented, explained, folded, said
from derive.emission.formulas import Helper, Vocabulary, Writer
from derive.emission.loops import LoopWriter
from derive.emission.programs import Function, Program, Statement, goes_round, program_of
from derive.emission.pythontests import test_of
from derive.emission.spellings import Spellings
from derive.emission.wholes import WholeWriter
from derive.tables.ops import OPS
from derive.tables.targets import Target
from derive.tensors.work import ArrayDerivation, slice_of
from derive.written import Size


def lay_out(work: Derivation | ArrayDerivation, target: Target) -> str:
    """The text of the file."""
    program = program_of(work)
    spellings = Spellings(program, target.reserved | target.imports.keys() | OPS.keys())
    return _File(program, spellings, target).text()


class _File:
    def __init__(self, program: Program, spellings: Spellings, target: Target) -> None:
        self.program, self.spellings, self.target = program, spellings, target
        self.used = Vocabulary()
        self.parameters: dict[str, None] = {}

    def writer(self, used: Vocabulary) -> Writer:
        """What writes whole formulas."""
        if self.program.problem.arrays is None:
            return Writer(self.target, self.spellings.of, used)
        return WholeWriter(self.target, self.spellings.of, used, self.program.shapes)

    def text(self) -> str:
        functions = [self.function(function) for function in self.program.functions]
        test = test_of(self.program, self.spellings, self.target, tuple(self.parameters))
        self.used.noted(test.text)
        helpers = [self.helper(helper) for helper in self.writer(self.used).helpers()]
        imports = {line for word, line in self.target.imports.items() if word in self.used.words} | test.imports
        top = "\n".join((self.docstring(), "", *_merged(imports)))
        border = "# --- the test ".ljust(WIDTH, "-")
        return "\n\n\n".join([top, *test.above, *helpers, *functions, border, test.text]) + "\n"

    def docstring(self) -> str:
        usage = USAGE + (UPDATED if self.program.update is not None else "") + "."
        title, *rest = map(docstring_text, explained(self.program, self.spellings, usage))
        return "\n".join([f'"""{title}', *rest, '"""'])

    def helper(self, helper: Helper) -> str:
        """A function of an operation."""
        if not helper.formula:
            head, *body = self.target.helpers[helper.name]
            return "\n".join([head, *(f"    {line}" for line in body)])
        return f"def {helper.name}({', '.join(helper.arguments)}):\n    return {helper.formula}"

    def function(self, function: Function) -> str:
        """One of the three functions."""
        used = Vocabulary(self.used.operations, self.used.words)
        loops = LoopWriter(self.target, self.spellings, used, self.program.shapes)
        body: list[str] = []
        for group in function.groups:
            body += self.turns(group, loops) if goes_round(group) else self.lines(group[0], loops, used)
        named = [name for name in self.spellings.sizes if name in used.sizes]
        derived = [line for name in named if (line := self.length(name, function))]
        free = [name for name in named if not self.length(name, function)]
        self.parameters |= dict.fromkeys(free)
        names = [self.spellings.of(key) for key in (*function.inputs, *free)]
        results = [f"{self.spellings.returned(key)}={self.spellings.of(key)}" for key in function.kept]
        return "\n".join(
            [
                *folded(f"def {function.name}(", ["*", *names] if names else [], "):"),
                f'    """{DONE[function.name]}"""',
                *(f"    {line}" for line in (*derived, *body)),
                *folded("    return dict(", results, ")"),
            ]
        )

    def length(self, name: str, function: Function) -> str:
        """The line that reads a size off an array; "" where no array tells it."""
        for key in function.inputs:
            shape = self.program.shape(key)
            if Size(name) in shape:
                return f"{self.spellings.of(name)} = {self.spellings.of(key)}.shape[{shape.index(Size(name))}]"
        return ""

    def lines(self, statement: Statement, loops: LoopWriter, used: Vocabulary) -> list[str]:
        """The lines that compute one quantity."""
        comment = self.target.syntax.comment.format(said(statement, self.spellings.script))
        goal = self.spellings.of(statement.goal)
        if statement.by_entry:
            loops.lines = [comment, *self.zeros(statement, used)]
            loops.statement(statement)
            return loops.lines
        writer, tree = self.writer(used), statement.line.tree
        if not isinstance(writer, WholeWriter):
            return commented([f"{goal} = {writer.write(tree)}"], [comment])
        letters, shape = slice_of(tree), self.program.shape(statement.goal)
        if not letters:
            return commented([f"{goal} = {writer.fitted(tree, shape)}"], [comment])
        loops.lines = [comment, *self.zeros(statement, used)]
        loops.open(letters)
        loops.put("{0} = {1}", loops.entry(statement.goal, letters), writer.fitted(tree, shape[len(letters) :]))
        loops.close(letters)
        return loops.lines

    def turns(self, group: Sequence[Statement], loops: LoopWriter) -> list[str]:
        """The lines of quantities that need each other, step by step."""
        loops.lines = [self.target.syntax.comment.format(said(statement, self.spellings.script)) for statement in group]
        loops.lines += [line for statement in group for line in self.zeros(statement, loops.used)]
        loops.recurrence(group)
        return loops.lines

    def zeros(self, statement: Statement, used: Vocabulary) -> list[str]:
        """The line that makes room for an array that is computed entry by entry."""
        shape, writer = self.program.shape(statement.goal), self.writer(used)
        if not shape or not isinstance(writer, WholeWriter):
            return []
        return [f"{self.spellings.of(statement.goal)} = {writer.called('zeros', (writer.room(shape),), None)}"]


USAGE = (
    "Every function is called by keyword with just what it needs, which pick() finds, and gives back a dictionary: "
    "values = forward(**pick(forward, given)), gradients = backward(**pick(backward, given | values)).  The gradient of a "
    "parameter has its name"
)
UPDATED = "; an update is given it as dL_dw of w and gives back new values by the names of the old"

DONE = {
    "forward": "The quantities of the network, each by its name.",
    "backward": "The derivatives; that of the loss by a parameter has the parameter's name.",
    "update": "The new values, each by the name of the old one.",
}


def _merged(imports: Iterable[str]) -> list[str]:
    """Import lines, several names of one module in one line, the standard library first."""
    plain = [line for line in imports if line.startswith("import")]
    named: dict[str, list[str]] = {}
    for line in sorted(imports):
        if line.startswith("from"):
            _, module, _, name = line.split()
            named.setdefault(module, []).append(name)
    ours = sorted(line for line in plain if "numpy" not in line and "torch" not in line)
    theirs = sorted(line for line in plain if line not in ours)
    joined = [f"from {module} import {', '.join(names)}" for module, names in named.items()]
    return [*ours, *joined, *(["", *theirs] if theirs else [])]


def docstring_text(text: str) -> str:
    r"""A line that may stand between three quotes.

    >>> print(docstring_text('\"\"\" \\'))
    \"\"\" \\
    """
    return bare(text).replace("\\", "\\\\").replace('"', '\\"')
