"""A program as a C file: three functions over numbers in a record and arrays of any size, and below them a test.

Owns `lay_out` and `interface_of`.  C99 and its mathematics, nothing else.  May import: written, tables.ops, tables.targets,
tensors, emission.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.arithmetic import Key
from derive.derivation import Derivation
from derive.emission.comments import bare, commented, explained, folded, said
from derive.emission.ctests import test_of
from derive.emission.formulas import Helper, Vocabulary
from derive.emission.interfaces import Interface
from derive.emission.loops import LoopWriter
from derive.emission.programs import Function, Statement, goes_round, program_of
from derive.emission.spellings import Spellings
from derive.tables.ops import OPS
from derive.tables.targets import Target
from derive.tensors.components import component
from derive.tensors.work import ArrayDerivation
from derive.written import Later, Name, Tree, substitute

USAGE = (
    "A function reads and writes the numbers of a record by their names; arrays are given to it, of any size, behind the "
    "lengths of their axes.  The gradient of w is dL_dw"
)
UPDATED = "; an update puts new values in the place of the old"


def lay_out(work: Derivation | ArrayDerivation, target: Target) -> str:
    """The text of the file."""
    return _File(interface_of(work, target), target).text()


def interface_of(work: Derivation | ArrayDerivation, target: Target) -> Interface:
    """What the functions of the file are given."""
    program = program_of(work, wholes=False)
    spellings = Spellings(program, target.reserved | OPS.keys())
    return Interface(program, spellings, LoopWriter(target, spellings, Vocabulary(), program.shapes))


def safe(text: str) -> str:
    """A text that may stand in a comment: neither sign of one is in it.

    >>> safe("w*/x /* y")
    'w* /x / * y'
    """
    return bare(text).replace("*/", "* /").replace("/*", "/ *")


class _File:
    def __init__(self, interface: Interface, target: Target) -> None:
        self.interface, self.target = interface, target
        self.program, self.spellings = interface.program, interface.spellings
        self.used = Vocabulary()

    def comment(self, text: str) -> str:
        """A text as a comment."""
        return self.target.syntax.comment.format(safe(text))

    def text(self) -> str:
        functions = [self.function(function) for function in self.program.functions]
        writer = LoopWriter(self.target, self.spellings, self.used, self.program.shapes)
        helpers = [self.helper(helper) for helper in writer.helpers()]
        record = self.record()
        top = [*self.title(), "", "#include <math.h>", "#include <stdio.h>", *record]
        test = test_of(self.program, self.spellings, self.interface, self.target)
        return "\n\n".join(["\n".join(top), *helpers, *functions, self.comment("--- the test ---"), *test]) + "\n"

    def title(self) -> list[str]:
        """What the file is, as one comment."""
        usage = USAGE + (UPDATED if self.program.update is not None else "") + "."
        lines = [safe(line) for line in explained(self.program, self.spellings, usage)]
        return [f"/* {lines[0]}", *(f" * {line}".rstrip() for line in lines[1:]), " */"]

    def record(self) -> list[str]:
        """The record of all numbers that are no arrays."""
        names = self.interface.members
        if not names:
            return []
        return ["", "typedef struct {", *(f"    {line}" for line in folded("double ", names, ";", ";")), "} Numbers;"]

    def helper(self, helper: Helper) -> str:
        """A function of an operation."""
        if not helper.formula:
            return "\n".join(self.target.helpers[helper.name])
        arguments = ", ".join(f"double {name}" for name in helper.arguments)
        return f"static double {helper.name}({arguments})\n{{\n    return {helper.formula};\n}}"

    def function(self, function: Function) -> str:
        """One of the three functions."""
        shapes = self.program.shapes
        loops = LoopWriter(self.target, self.spellings, Vocabulary(self.used.operations, self.used.words), shapes)
        if function.name == "update":
            self.update(function, loops)
        else:
            for group in function.groups:
                self.group(group, loops)
        of, shape = self.spellings.of, self.program.shape
        scalars = [of(key) for key in function.inputs if not shape(key)]
        read = [f"{name} = numbers->{name}" for name in scalars]
        stored = [key for key in function.kept if not shape(key)]
        body = [*(folded("const double ", read, ";", ";") if read else []), *loops.lines]
        body += [f"numbers->{self.interface.member(key)} = {of(key)};" for key in stored]
        return "\n".join(
            [
                *folded(f"static void {function.name}(", self.interface.parameters(function), ")", ""),
                "{",
                *(f"    {line}" for line in body),
                "}",
            ]
        )

    def group(self, group: Sequence[Statement], loops: LoopWriter) -> None:
        """The lines of one quantity, or of those that need each other."""
        comments = [self.comment(said(statement, self.spellings.script)) for statement in group]
        lines, loops.lines = loops.lines, []
        if goes_round(group):
            loops.recurrence(group)
        else:
            loops.statement(group[0])
        loops.lines = [*lines, *commented(loops.lines, comments)]

    def update(self, function: Function, loops: LoopWriter) -> None:
        """The lines of the update, parameter by parameter, for arrays entry by entry."""
        train = self.program.problem.train
        for parameter in self.program.problem.moving:
            goals = {self.base(key) for key in train.rows(parameter)}
            mine = [statement for statement in function.statements if self.base(statement.step.goal) in goals]
            if not self.program.shapes.get(parameter):
                for statement in mine:
                    self.group((statement,), loops)
            else:
                self.by_entry(parameter, mine, loops)

    @staticmethod
    def base(goal: Tree) -> str:
        """The name whose new value, or which itself, is a goal of an update."""
        body = goal.body if isinstance(goal, Later) else goal
        assert isinstance(body, Name)
        return body.name

    def by_entry(self, parameter: str, statements: Sequence[Statement], loops: LoopWriter) -> None:
        """The update of an array, what is new kept in numbers until the entry is done."""
        shapes = {**self.program.shapes, **{self.base(s.step.goal): () for s in statements if isinstance(s.goal, str)}}
        assert isinstance(self.program.work, ArrayDerivation)
        space = replace(self.program.work.space, shapes=shapes)
        place = space.place(self.program.shapes[parameter])
        inner = LoopWriter(self.target, loops.spellings, loops.used, shapes)
        inner.spelled = lambda key: self.spellings.of(_new_key(key))
        loops.open(place)
        inner.depth = loops.depth
        for statement in statements:
            plain = substitute(statement.line.tree, _renamed)
            lines, inner.lines = inner.lines, []
            inner.put(self.target.syntax.fixed, self.spellings.of(statement.goal), inner.write(component(plain, place, space)))
            inner.lines = [*lines, *commented(inner.lines, [self.comment(said(statement, self.spellings.script))])]
        for statement in statements:
            if isinstance(statement.goal, Later):
                name = self.base(statement.step.goal)
                inner.put(self.target.syntax.put, loops.entry(name, place), self.spellings.of(statement.goal))
        loops.lines += inner.lines
        loops.close(place)


NEW = " new"
"""What stands behind a name while its new value is a number among entries."""


def _renamed(leaf: Tree) -> Tree | None:
    return Name(leaf.body.name + NEW) if isinstance(leaf, Later) and isinstance(leaf.body, Name) else None


def _new_key(key: Key) -> Key:
    return Later(Name(key.removesuffix(NEW)), 1) if isinstance(key, str) and key.endswith(NEW) else key
