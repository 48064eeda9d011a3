"""The page of a derivation over arrays: every line in index form, or what it comes to as matrices, or entry by entry.

Owns `array_page`, `array_sections` and `ArrayPage`.  May import everything but formats and cli.
"""

from __future__ import annotations

from collections.abc import Sequence

from derive.backward import Line, Step
from derive.blocks import Block, Equations, Heading, Page, Part, Prose, Row, Table, Text
from derive.checks import FORWARD_AGAIN
from derive.curvature import leaf_of
from derive.derivationpages import DerivationPage, depths_of
from derive.problem import Numbers, Problem
from derive.scripts import label_symbol
from derive.sentences import Speaker, opening, separated, series, speaker_of
from derive.tables.ops import OPS
from derive.tensors.expansion import Cell
from derive.tensors.judges import crosses_axes, small_sizes
from derive.tensors.shapes import Shape, Shapes, shape_of
from derive.tensors.work import BENT, ArrayDerivation, slice_of, written_out
from derive.updatepages import rule_blocks, update_symbols
from derive.written import (
    ONE,
    Call,
    Delta,
    Elementwise,
    Index,
    Indexed,
    Later,
    MatrixProduct,
    Name,
    Negative,
    Nested,
    Number,
    Over,
    Partial,
    Power,
    Product,
    Quotient,
    Rule,
    Second,
    Shaped,
    Size,
    Sum,
    Tree,
    children,
    rebuild,
    walk,
)

WHOLE = ("matrix-form", "insert-found", "update-rule", "value", "definition")
"""Laws whose lines without letters speak of whole arrays."""


def array_page(work: ArrayDerivation, speaker: Speaker) -> Page:
    """The page of a derivation over arrays."""
    return ArrayPage(work, speaker).page()


def array_sections(work: ArrayDerivation, language: str = "en") -> dict[str, list[Block]]:
    """The parts of the page by name, in their order, without the picture."""
    return ArrayPage(work, speaker_of(work.problem, language), drawn=False).sections()


def equation_rows(problem: Problem, speaker: Speaker) -> list[Block]:
    """The network as equations, each on a line, an index equation with its letters; and the shapes of what is free."""
    assert problem.arrays is not None
    sizes = {name: shape for name in problem.network.free if (shape := problem.arrays.shapes.get(name))}
    shapes = separated(((Name(name), " ", *ArrayPage.shape_text(shape)) for name, shape in sizes.items()), speaker.comma)
    rows = []
    for equation in problem.network.equations:
        rule = equation.rhs
        left: Tree = Indexed(Name(equation.goal), rule.indices) if isinstance(rule, Rule) else Name(equation.goal)
        rows.append(Row(left, "=", rule.body if isinstance(rule, Rule) else rule))
    return [Equations(tuple(rows)), *([Prose(speaker.say("array", "shapes", shapes=shapes))] if shapes else [])]


class ArrayPage(DerivationPage):
    """What a page of a derivation over arrays says, part by part."""

    def __init__(self, work: ArrayDerivation, speaker: Speaker, drawn: bool = True) -> None:
        super().__init__(work, speaker, drawn)  # type: ignore[arg-type]
        assert self.problem.arrays is not None
        self.arrays, self.array_work, self.shapes = self.problem.arrays, work, work.space.shapes

    def sections(self) -> dict[str, list[Block]]:
        """The parts of the page by name, in their order."""
        work = self.array_work
        found: dict[str, list[Block]] = {
            "opening": [Heading(1, self.title), *opening(self.problem, self.speaker)]
        }
        if not work.requested:
            found |= {"network": self.the_network(), "notation": self.the_notation(), "kinks": self.kinks()}
            found |= {"given": self.the_numbers(), "forward": self.forward()}
        else:
            found["notation"] = self.remarks()
        if work.level == "components":
            return found | {"entries": self.every_entry(), "checks": self.checked()}
        return found | {
            "backward": self.backward(),
            "second": self.second(),
            "asked": self.asked(),
            "update": self.updates(),
            "checks": self.checked(),
        }

    # --- what is given ------------------------------------------------------------------------------------------------

    def the_notation(self) -> list[Block]:
        """Each symbol once, with its shape."""
        rows: list[tuple[Text, ...]] = []
        groups: dict[tuple[str, Shape], list[str]] = {}
        for name in self.network.quantities:
            groups.setdefault((self.role(name), self.shapes.get(name, ())), []).append(name)
        order = ("input", "target", "parameter", "constant", "pre-activation", "activation", "quantity", "output", "loss")
        for role in order:
            for (its, shape), names in groups.items():
                if its == role:
                    rows.append((self.names(names), self.speaker.say("role", role), self.shape_text(shape)))
        for step in self.array_work.partials:
            goal = step.goal
            if isinstance(goal, Partial) and self.signal(goal):
                named: Text = (Partial(goal.of, goal.wrt, signal=True), " = ", goal)
                rows.append(
                    (
                        (Partial(goal.of, goal.wrt, signal=True),),
                        self.speaker.say("role", "signal", partial=named),
                        self.shape_text(self.shapes[goal.wrt]),
                    )
                )
        if self.array_work.updates:
            rows += [(symbol, meaning, ("–",)) for symbol, meaning in update_symbols(self.problem.train, self.speaker)]
        head = tuple(self.speaker.word("column", key) for key in ("symbol", "meaning", "shape"))
        return [self.speaker.heading("notation"), Table(head, tuple(rows)), *self.remarks()]

    @staticmethod
    def shape_text(shape: Shape) -> Text:
        """A shape as it stands in a table."""
        if not shape:
            return ("–",)
        parts: list[Part] = ["("]
        for size in shape:
            parts += [", ", size] if len(parts) > 1 else [size]
        return (*parts, ")")

    def remarks(self) -> list[Block]:
        """What the lines below take for granted: how far letters run, δ, what comes from above, sums that are given."""
        trees = [line.tree for step in self.array_work.steps for line in self.shown_lines(step)]
        trees += [a for step in self.array_work.steps for line in self.shown_lines(step) for a in line.at]
        sizes: dict[str, list[Tree]] = {}
        for tree in trees:
            for node in walk(tree):
                for index in (node,) if isinstance(node, Index) else node.indices if isinstance(node, Over) else ():
                    if index.size not in sizes.setdefault(index.name, []):
                        sizes[index.name].append(index.size)
        blocks: list[Block] = []
        if sizes:
            listed = []
            for name, tops in sorted(sizes.items()):
                top = series(map(last_place, tops), f" {self.speaker.word('array', 'or')} ")
                listed.append(self.speaker.say("array", "letter", letter=Index(name, tops[0]), size=top))
            blocks.append(Prose(self.speaker.say("array", "letters", letters=separated(listed, self.speaker.comma))))
        if any(
            not isinstance(a, Index | Number) for tree in trees for node in walk(tree) if isinstance(node, Indexed) for a in node.at
        ):
            blocks.append(Prose(self.speaker.say("array", "outside")))
        deltas = [node for tree in trees for node in walk(tree) if isinstance(node, Delta) and not isinstance(node.right, Over)]
        if deltas:
            blocks.append(Prose(self.speaker.say("array", "kronecker", delta=deltas[0])))
        ones = [node for tree in trees for node in walk(tree) if isinstance(node, Call) and node.function == "ones"]
        if ones:
            blocks.append(Prose(self.speaker.say("array", "ones", ones=ones[0])))
        whole = [node for tree in trees for node in walk(tree)]
        if any(isinstance(node, Elementwise) or self.is_entrywise(node) for node in whole):
            blocks.append(Prose(self.speaker.say("array", "entrywise")))
        if any(isinstance(node, Sum | Elementwise) and self.is_stretching(node) for node in whole):
            blocks.append(Prose(self.speaker.say("array", "rows")))
        above = self.upstream(trees)
        if above:
            blocks.append(Prose(self.speaker.say("array", "upstream", partials=series(above, self.speaker.comma))))
        for fact in self.arrays.facts:
            said = self.speaker.say("array", "given-sum", name=Name(fact.name), total=Number(str(fact.total)), axis=str(fact.axis))
            blocks.append(Prose(said))
        return blocks

    def is_entrywise(self, node: Tree) -> bool:
        """Whether a node is a quotient by an array or a power of one."""
        of = node.bottom if isinstance(node, Quotient) else node.base if isinstance(node, Power) else None
        return of is not None and shape_of(of, self.shapes) != ()

    def is_stretching(self, node: Sum | Elementwise) -> bool:
        """Whether a vector stands beside a matrix."""
        shapes = [shape_of(part, self.shapes) for part in children(node)]
        return any(len(shape) == 2 and ONE not in shape for shape in shapes) and any(
            len(shape) == 1 or (len(shape) == 2 and shape[0] == ONE) for shape in shapes
        )

    def upstream(self, trees: Sequence[Tree]) -> list[Tree]:
        """The derivatives that no step finds, because they come from a loss of which nothing is known."""
        found = {step.goal for step in self.array_work.partials}
        unknown = [e.goal for e in self.network.equations if isinstance(e.rhs, Call) and e.rhs.function == "loss_of"]
        mentioned = dict.fromkeys(node for tree in trees for node in walk(tree) if isinstance(node, Partial) and node.of in unknown)
        plain = dict.fromkeys(Partial(p.of, p.wrt, p.direct) for p in mentioned)
        return [
            partial
            for partial in plain
            if partial not in found and (partial.direct or Partial(partial.of, partial.wrt) not in found)
        ]

    def kinks_here(self) -> Sequence[str]:
        """The first entry of each array that stands exactly at a kink."""
        first: dict[str, str] = {}
        for name in self.array_work.kinks:
            first.setdefault(name.partition("[")[0], name)
        return tuple(first.values())

    def the_numbers(self) -> list[Block]:
        """The numbers given, arrays as arrays."""
        given = self.arrays.given
        known = [name for name in sorted(self.arrays.sizes) if name in self.problem_sizes()]
        if not given and not known:
            return []
        blocks: list[Block] = [self.speaker.heading("given")]
        if known:
            sizes = [(Size(name), " = ", Number(str(self.arrays.sizes[name]))) for name in known]
            blocks.append(Prose(separated(sizes, self.speaker.comma)))
        blocks += [Equations((Row(Name(name), "=", _array(numbers)),)) for name, numbers in given.items()]
        missing = [name for name in self.network.free if name not in given and self.array_work.states == ()]
        if missing and given:
            blocks.append(self.speaker.prose("unvalued", names=self.names(missing)))
        if self.array_work.states:
            blocks.append(
                Prose(self.speaker.say("array", "same-values")) if self.array_work.rounding.carry == "full" else self.by_hand()
            )
        return blocks

    def by_hand(self) -> Block:
        """How numbers are rounded by hand."""
        rounding = self.array_work.rounding
        kind, n = ("places", rounding.places) if rounding.places is not None else ("digits", rounding.digits)
        return self.speaker.prose("carry-hand", what=self.speaker.word("text", f"what-{kind}", n=n))

    def problem_sizes(self) -> set[str]:
        """The names of sizes that shapes are made of."""
        return {node.name for shape in self.shapes.values() for size in shape for node in walk(size) if isinstance(node, Size)}

    # --- the steps ----------------------------------------------------------------------------------------------------

    def shown_lines(self, step: Step) -> list[Line]:
        """The lines of a step that the level shows."""
        if self.array_work.level == "index":
            return list(step.lines)
        if step.kind != "partial":
            return [line for line in step.lines if line.law != "entry"]
        whole = [line for line in step.lines if not line.at and line.law in WHOLE]
        if any(line.law == "matrix-form" for line in whole):
            return whole
        index = [line for line in step.lines if not line.numeric][-1:]
        return [*index, *(line for line in step.lines if line.numeric)]

    def chain(self, step: Step) -> Equations:
        """The lines of a step; the left side is written anew where lines begin to speak of whole arrays."""
        rows: list[Row] = []
        before: object = None
        lines = self.shown_lines(step)
        for line, depth in zip(lines, depths_of(lines), strict=True):
            goal = step.goal
            place = line.at or slice_of(line.tree)
            left: Tree | None = None
            if place != before:
                before = place
                left = self.entry_of(goal, place)
                if isinstance(goal, Partial) and self.signal(goal):
                    named = self.entry_of(Partial(goal.of, goal.wrt, signal=True), place)
                    rows.append(Row(named, "=", left))
                    left = None
            row = Row(left, line.relation, self.shown_tree(line), self.reason(line, step), depth=depth, numeric=line.numeric)
            rows.append(row)
        return Equations(tuple(rows))

    def entry_of(self, goal: Tree, place: tuple[Tree, ...]) -> Tree:
        """An entry of what a step finds; the whole where there is no place."""
        if not place:
            return goal
        return Indexed(goal, place, min(self.upper_rank(goal), len(place)))

    def upper_rank(self, goal: Tree) -> int:
        """How many letters of a place belong to what is differentiated, or in a second derivative to the first quantity."""
        match goal:
            case Partial(of):
                return len(self.shapes.get(of, ()))
            case Second(_, first):
                return len(self.shapes.get(first, ()))
            case Nested(Partial(_, wrt)):
                return len(self.shapes.get(wrt, ()))
        return 0

    def shown_tree(self, line: Line) -> Tree:
        """A line of matrices at the level of matrices has the shapes under its factors."""
        if self.array_work.level == "matrix" and line.law in ("matrix-form", "insert-found", "definition") and not line.at:
            return with_shapes(line.tree, self.shapes)
        return line.tree

    def reason(self, line: Line, step: Step) -> Text:
        """Why a line holds."""
        say = self.speaker.say
        match line.law:
            case "entry" if line.about:
                texts = [say("array", "stretched", **self.stretched(told)) for told in line.about]
                return self.listed(texts)
            case "definition":
                return ()
            case "insert-found":
                partials = [self.found_for(step.goal, name) for name in line.about]
                return say("law", line.law, partials=self.listed([(partial,) for partial in partials]))
            case "known-sum":
                told = [tuple(text.split("=")) for text in line.about]
                return self.listed([say("array", "sum-is", name=Name(name), total=Number(total)) for name, total in told])
            case "kronecker" | "local-slopes":
                return say("law", line.law, slopes=self.slopes(line.about))
        return super().reason(line, step)

    def found_for(self, goal: Tree, name: str) -> Tree:
        """The derivative that was found above for a quantity, and is put in."""
        match goal:
            case Partial(of):
                return Partial(of, name)
            case Second(of, first) | Nested(Partial(of, first)):
                leaf = leaf_of(name)
                return Nested(Partial(of, first), leaf)
        return Name(name)

    @staticmethod
    def stretched(told: str) -> dict[str, Part]:
        """The parts of the reason that an array was stretched."""
        name, _, rest = told.partition(", ")
        shape, _, whole = rest.partition("), ")
        return {"name": Name(name), "shape": f"{shape})", "whole": whole}

    def slope_of(self, goal: str) -> Text:
        """What a slope on a line belongs to."""
        rhs = self.network.by_goal[goal].rhs if goal in self.network.by_goal else None
        if not (isinstance(rhs, Call) and rhs.function in OPS):
            return self.speaker.say("slope", "formula", name=self.quantity(goal))
        return super().slope_of(goal)

    def forward(self) -> list[Block]:
        """The equations, and one entry of each."""
        steps = self.array_work.forward
        return [self.speaker.heading("forward"), *map(self.chain, steps)] if steps else []

    def backward(self) -> list[Block]:
        """The derivatives, those next to the output first."""
        blocks: list[Block] = [self.speaker.heading("backward")]
        for step in self.array_work.partials:
            blocks.append(self.chain(step))
            goal = step.goal
            assert isinstance(goal, Partial)
            if shape_of(goal, self.shapes) and not any(line.law == "matrix-form" for line in step.lines):
                blocks.append(Prose(self.speaker.say("array", "unrecognised")))
        return blocks

    def second(self) -> list[Block]:
        """The second derivatives."""
        steps = self.array_work.seconds
        return (
            [self.speaker.heading("second"), Prose(self.speaker.say("array", "second")), *map(self.chain, steps)] if steps else []
        )

    def asked(self) -> list[Block]:
        """What the problem asked for, each with the formula it comes to."""
        if self.array_work.requested or not self.problem.asks:
            return []
        steps = {step.goal: step for step in self.array_work.steps}
        blocks: list[Block] = [self.speaker.heading("asked")]
        for ask in self.problem.asks:
            step = steps[ask.tree]
            label = self.speaker.label(ask.label)
            symbol = label_symbol(label) if label == ask.label else None
            lines = [line for line in step.lines if not line.numeric]
            last = lines[-1]
            place = last.at or slice_of(last.tree)
            left = Name(f"label:{label}") if symbol is not None else self.entry_of(ask.tree, place)
            if symbol is None and label not in (f"∂{ask.text[1:].replace('/d', '/∂')}",):
                blocks.append(Prose((label + ":",)))
            rows = [Row(left, "=", last.tree)]
            rows += [Row(None, line.relation, line.tree) for line in step.lines if line.numeric]
            blocks.append(Equations(tuple(rows)))
        return blocks

    def updates(self) -> list[Block]:
        """The update of every parameter, and what the loss becomes by it."""
        work = self.array_work
        if not work.updates:
            return []
        blocks: list[Block] = [self.speaker.heading("update"), *rule_blocks(self.problem.train, self.speaker)]
        blocks += map(self.chain, work.updates)
        if len(work.states) > 1:
            blocks.append(self.speaker.heading("after"))
            for state, key in zip(work.states[:2], ("before", "after"), strict=True):
                shown = work.rounding.number(state.values[self.loss], self.loss in state.exact)
                name: Tree = Later(Name(self.loss), 1) if key == "after" else Name(self.loss)
                relation = "=" if self.loss in state.exact else "≈"
                blocks.append(Equations((Row(name, relation, shown, self.speaker.say("column", key)),)))
        return blocks

    def every_entry(self) -> list[Block]:
        """Every gradient, entry by entry."""
        blocks: list[Block] = [Heading(2, self.speaker.word("array", "entry-by-entry"))]
        for step in self.array_work.partials:
            goal = step.goal
            assert isinstance(goal, Partial)
            for name, formula in self.array_work.entries(f"d{goal.of}/d{goal.wrt}"):
                blocks.append(Equations((Row(Name(name), "=", formula),)))
        return blocks

    def checked(self) -> list[Block]:
        """What was judged, and how."""
        checks = self.array_work.checks
        both = (False, True) if crosses_axes(self.problem) else (False,)
        tried = dict.fromkeys(
            self.speaker.comma.join(f"{name} = {length}" for name, length in sorted(small_sizes(self.problem, turned).items()))
            for turned in both
        )
        sizes = f" {self.speaker.word('array', 'and')} ".join(tried) or self.speaker.word("array", "as-given")
        lengths = list(small_sizes(self.problem).values())
        how = ("array", "checked") if len(set(lengths)) == len(lengths) else ("array", "checked-small")
        said = self.speaker.say(*how, judged=checks.judged, lines=checks.lines, sizes=sizes)
        if FORWARD_AGAIN in checks.judges:
            # at a kink a nudge tells no slope
            where = ("text", "checked-forward") if self.array_work.kinks else ("array", "checked-numbers")
            said = (*said, " ", *self.speaker.say(*where))
        if BENT in checks.judges:
            said = (*said, " ", *self.speaker.say("array", "checked-second"))
        return [self.speaker.heading("checks"), Prose(said)]


def last_place(size: Tree) -> Tree:
    """The last place of an axis, counted from 0: n − 1, and n − m of one that has n − m + 1."""
    match size:
        case Number() if size.value.denominator == 1:
            return Number(str(size.value - 1))
        case Sum((*terms, Number("1"))) if terms:
            return terms[0] if len(terms) == 1 else Sum(tuple(terms))
    return Sum((size, Negative(Number("1"))))


def _array(numbers: Numbers) -> Tree:
    cells: dict[Cell, Tree] = {}

    def open_up(item: Numbers, place: Cell) -> None:
        if isinstance(item, Number):
            cells[place] = item
        else:
            for k, inner in enumerate(item):
                open_up(inner, (*place, k))

    open_up(numbers, ())
    first = next(iter(cells))
    return written_out(cells, tuple(max(place[k] for place in cells) + 1 for k in range(len(first))))


def with_shapes(tree: Tree, shapes: Shapes) -> Tree:
    """A formula of matrices with the shape under each factor."""

    def mark(node: Tree) -> Tree:
        if isinstance(node, MatrixProduct | Elementwise | Sum | Product | Negative | Quotient | Over):
            return rebuild(node, mark)
        shape = shape_of(node, shapes)
        return Shaped(node, shape) if shape else node

    return mark(tree)
