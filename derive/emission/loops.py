"""A formula entry by entry, as loops: sums gathered in a variable, places that may lie outside asked for.

Owns `LoopWriter`.  One writer for all languages: `Syntax` says how each spells a loop.  May import: errors, written,
tensors.algebra, tensors.shapes, emission.formulas, emission.programs, emission.spellings.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from derive.arithmetic import Key, key_of
from derive.emission.formulas import Vocabulary, Writer
from derive.emission.programs import Statement
from derive.emission.spellings import Spellings
from derive.errors import UsageError
from derive.formats.plain import typed
from derive.tables.targets import Target
from derive.tensors.algebra import affine
from derive.tensors.shapes import Shapes, shape_of
from derive.written import Delta, Index, Indexed, Name, Number, Over, Tree, Within, walk

INDENT = "    "


class LoopWriter(Writer):
    """Writes lines that compute entries; `lines` gathers them, so many indents deep.  `held` are arrays still being written."""

    def __init__(self, target: Target, spellings: Spellings, used: Vocabulary, shapes: Shapes) -> None:
        super().__init__(target, spellings.of, used)
        self.spellings, self.shapes = spellings, shapes
        self.variable = self.outside = spellings.variables()
        self.lines: list[str] = []
        self.depth = 0
        self.held: Collection[Key] = ()

    def put(self, template: str, *parts: str) -> None:
        """Add a line."""
        self.lines.append(INDENT * self.depth + template.format(*parts))

    def open(self, letters: Sequence[Tree], backwards: bool = False) -> None:
        """Begin a loop over each letter; a place that is 0 has none."""
        syntax = self.target.syntax
        for letter in letters:
            if isinstance(letter, Index):
                self.put(syntax.backwards if backwards else syntax.loop, self.place(letter), self.place(letter.size))
                self.depth += 1

    def close(self, letters: Sequence[Tree]) -> None:
        """End the loops over the letters."""
        for letter in letters:
            if isinstance(letter, Index):
                self.depth -= 1
                if self.target.syntax.close:
                    self.put("{0}", self.target.syntax.close)

    def entry(self, key: Key, at: Sequence[Tree]) -> str:
        """An entry of an array."""
        return f"{self.spelled(key)}[{self.target.syntax.between.join(map(self.place, at))}]"

    def statement(self, statement: Statement) -> None:
        """Compute every entry of a statement's goal, or the number it is."""
        at = statement.line.at
        if not at:
            self.put(self.target.syntax.fixed, self.spelled(statement.goal), self.formula(statement))
            return
        self.variable = self.spellings.variables()  # what is kept on the way of one entry is forgotten at the next
        self.open(at)
        self.put(self.target.syntax.put, self.entry(statement.goal, at), self.formula(statement))
        self.close(at)
        self.variable = self.outside

    def formula(self, statement: Statement) -> str:
        """The expression of one entry, behind the lines it takes.  Raises UsageError for what cannot be written so."""
        try:
            return self.write(statement.line.tree)
        except TypeError:
            raise UsageError(f"--emit: {self.target.title} has no way to spell '{typed(statement.line.tree)}'") from None

    def recurrence(self, group: Sequence[Statement]) -> None:
        """Statements that take turns along their first axis, onwards where they look back and backwards where they look on."""
        keys = {statement.goal for statement in group}
        steps = {s.goal: _looks(s, keys) for s in group}
        ways = {step > 0 for looked in steps.values() for found in looked.values() for step in found if step}
        if len(ways) != 1 or not all(statement.line.at for statement in group):
            raise UsageError(f"--emit: no order in which '{typed(group[0].line.tree)}' can be computed step by step")
        self.held, self.variable = keys, self.spellings.variables()
        time = group[0].line.at[0]
        self.open((time,), backwards=ways == {True})
        for statement in _in_turn(group, steps):
            first, *rest = statement.line.at
            if first != time:
                self.put(self.target.syntax.count, self.place(first), self.place(time))
            self.open(rest)
            self.put(self.target.syntax.put, self.entry(statement.goal, statement.line.at), self.formula(statement))
            self.close(rest)
        self.close((time,))
        self.held, self.variable = (), self.outside

    def lowered(self, tree: Tree) -> Tree:
        """The tree with identifiers for its leaves and entries, and a variable for each sum."""
        syntax = self.target.syntax
        match tree:
            case Indexed(base, at):
                return self.component(base, at)
            case Delta(left, right):
                return Name(syntax.when.format(f"{self.where(left)} == {self.where(right)}", "1.0"))
            case Within(at, size):
                return Name(syntax.when.format(syntax.inside.format(self.place(at), self.place(size)), "1.0"))
            case Over("sum", indices, body):
                return self.total(indices, body)
            case Over("max", indices, body):
                return self.largest(indices, body)
        return super().lowered(tree)

    def component(self, base: Tree, at: Sequence[Tree]) -> Tree:
        """An entry; outside its array it is 0."""
        key = key_of(base)
        assert key is not None
        syntax = self.target.syntax
        text = self.entry(key, at)
        if key in self.held:
            text = syntax.held.format(text)
        axes = shape_of(base, self.shapes)
        doubtful = [(place, size) for place, size in zip(at, axes, strict=True) if not _surely_inside(place, size)]
        if not doubtful:
            return Name(text)
        conditions = [syntax.inside.format(self.place(place), self.place(size)) for place, size in doubtful]
        return Name(syntax.when.format(syntax.both.join(conditions), text))

    def where(self, side: Tree) -> str:
        """A place of a δ: a sum of letters, or where something is largest."""
        return self.place_of_largest(side.indices, side.body) if isinstance(side, Over) else self.place(side)

    def total(self, indices: Sequence[Index], body: Tree) -> Tree:
        """A sum, gathered in a variable before the line it stands in."""
        name = self.variable("total")
        self.put(self.target.syntax.let, name, "0.0")
        self.open(indices)
        self.put(self.target.syntax.add, name, self.write(body))
        self.close(indices)
        return Name(name)

    def largest(self, indices: Sequence[Index], body: Tree) -> Tree:
        """The largest of some numbers."""
        syntax = self.target.syntax
        name = self.variable("best")
        self.put(syntax.let, name, self.used.noted(syntax.lowest))
        self.open(indices)
        self.put(syntax.largest, name, self.write(body))
        self.close(indices)
        return Name(name)

    def place_of_largest(self, indices: Sequence[Index], body: Tree) -> str:
        """The first place where some number is largest."""
        syntax = self.target.syntax
        name, place = self.variable("best"), self.variable("place")
        self.put(syntax.let, name, self.used.noted(syntax.lowest))
        self.put(syntax.count, place, "0")
        self.open(indices)
        value = self.variable("value")
        self.put(syntax.let, value, self.write(body))
        for line in syntax.argmax:
            self.put(line, name, value, place, self.place(indices[-1]))
        self.close(indices)
        return place


def _surely_inside(place: Tree, size: Tree) -> bool:
    """Whether a place is one of the axis for certain: its letter, a place that data name, or a number below its length."""
    match place:
        case Index(_, length):
            return length == size
        case Number(text):
            return text == "0" or (isinstance(size, Number) and int(text) < int(size.text))
        case Indexed():
            return True
    return False


def _looks(statement: Statement, keys: Collection[Key]) -> dict[Key, set[int]]:
    """How many steps away a statement takes each of some arrays that are still being written."""
    found: dict[Key, set[int]] = {}
    for node in walk(statement.line.tree):
        if isinstance(node, Indexed) and (key := key_of(node.base)) in keys and key is not None:
            sums = affine(node.at[0])
            step = sums.get(None, 0)
            if sums.get(statement.line.at[0]) != 1 or len(sums) > 2 or (len(sums) == 2 and None not in sums):
                raise UsageError(f"--emit: no order in which '{typed(statement.line.tree)}' can be computed step by step")
            found.setdefault(key, set()).add(int(step))
    return found


def _in_turn(group: Sequence[Statement], steps: dict[Key, dict[Key, set[int]]]) -> list[Statement]:
    """The statements in an order in which one step of all can be computed."""
    waiting, done = list(group), list[Statement]()
    while waiting:
        goals = {statement.goal for statement in waiting}
        ready = next((s for s in waiting if not any(0 in looked and key in goals for key, looked in steps[s.goal].items())), None)
        if ready is None:
            raise UsageError(f"--emit: no order in which '{typed(group[0].line.tree)}' can be computed step by step")
        done.append(ready)
        waiting.remove(ready)
    return done
