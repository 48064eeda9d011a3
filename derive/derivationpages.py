"""The page of a derivation.

Owns `derivation_page`, `sections_of` and `network_blocks`.  May import everything but formats and cli.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from derive.backward import Line, Step
from derive.blocks import Block, Equations, Figure, Heading, Page, Part, Prose, Row, Table, Text
from derive.checks import COMPOSED, FORWARD_AGAIN, NUDGED_TWICE, RECOMPUTED
from derive.curvature import leaf_of
from derive.derivation import Answer, Derivation
from derive.hessianpages import hessian_blocks
from derive.layouts import network_picture
from derive.plots import activation_pictures, loss_picture
from derive.problem import Problem, missing_numbers
from derive.roles import role_of
from derive.scripts import label_symbol, script_of
from derive.sentences import Speaker, opening, separated, series, speaker_of, title_of
from derive.tables.layers import rows_of
from derive.tables.ops import OPS
from derive.unrolled import CLOSED_FORM
from derive.updatepages import equalities, listed_names, update_blocks, update_symbols
from derive.witnesses import kinks_hit
from derive.written import (
    Call,
    Later,
    Listing,
    Name,
    Negative,
    Number,
    Partial,
    Product,
    Relation,
    Sum,
    Tree,
    walk,
)


def derivation_page(work: Derivation, speaker: Speaker) -> Page:
    """The page of a derivation."""
    return DerivationPage(work, speaker).page()


def sections_of(work: Derivation, language: str = "en") -> dict[str, list[Block]]:
    """The parts of a derivation's page by name, in the order of the page, without pictures: they show what a paper asks for."""
    return DerivationPage(work, speaker_of(work.problem, language), drawn=False).sections()


CHECKED = {
    NUDGED_TWICE: "checked-second",
    FORWARD_AGAIN: "checked-forward",
    RECOMPUTED: "checked-recomputed",
    CLOSED_FORM: "checked-update",
    COMPOSED: "checked-composed",
}
"""The sentence on each judge that was not needed for every page."""


class DerivationPage:
    """One derivation's page, section by section."""

    def __init__(self, work: Derivation, speaker: Speaker, drawn: bool = True) -> None:
        self.work, self.speaker, self.drawn = work, speaker, drawn
        self.problem, self.network = work.problem, work.problem.network
        self.script = script_of(work.problem)
        self.loss = self.problem.train.loss
        self.title = title_of(work.problem, speaker)

    def page(self) -> Page:
        """The whole page, or the title and the few steps that an excerpt names."""
        excerpt = self.work.excerpt
        sections = self.sections() if not excerpt else {"steps": [Heading(1, self.title), *self.chains(excerpt)]}
        blocks = tuple(block for section in sections.values() for block in section)
        return Page(self.title, self.speaker.language, self.script, blocks)

    def sections(self) -> dict[str, list[Block]]:
        """The parts of the page by name, in their order."""
        found: dict[str, list[Block]] = {
            "opening": [Heading(1, self.title), *opening(self.problem, self.speaker)]
        }
        if not self.work.requested:
            found |= {"network": self.the_network(), "notation": self.the_notation(), "kinks": self.kinks()}
            found |= {"given": self.the_numbers(), "forward": self.forward()}
        found |= {"backward": self.backward(), "vectors": self.vectors(), "second": self.seconds(), "asked": self.asked()}
        return found | {"update": self.updates(), "checks": self.checked()}

    # --- what is given ------------------------------------------------------------------------------------------------

    def the_network(self) -> list[Block]:
        """The picture with every value there is, and the flow in words."""
        given: dict[str, Number] = {**self.problem.example(0)} if self.problem.arrays is None else {}
        for state in self.work.states[:1] if self.problem.arrays is None else ():
            found = {name: state.leaf(Name(name), self.work.rounding) for name in self.network.quantities}
            given |= {name: number for name, number in found.items() if number is not None}
        return network_blocks(self.problem, given, self.speaker, self.drawn)

    def role(self, name: str) -> str:
        """What a quantity is in this problem."""
        return role_of(self.problem, name)

    def the_notation(self) -> list[Block]:
        """Each symbol once, by its role."""
        by_role: dict[str, list[str]] = {}
        told = list(self.problem.example(0))
        place = {name: told.index(name) if name in told else len(told) for name in self.network.free}
        for name in sorted(self.network.quantities, key=lambda name: place.get(name, len(told))):
            by_role.setdefault(self.role(name), []).append(name)
        order = ("input", "target", "parameter", "constant", "pre-activation", "activation", "quantity", "output", "loss")
        rows = [(self.names(by_role[role]), self.speaker.say("role", role)) for role in order if role in by_role]
        for name, grid in self.problem.vectors.items():
            kind = "vector" if len(rows_of(grid)[0]) == 1 else "matrix"
            rows.append(((Name(name),), self.speaker.say("role", kind)))
        signals = [step.goal for step in self.work.partials if isinstance(step.goal, Partial) and self.signal(step.goal)]
        if signals:
            first = signals[0]
            shown = (
                series([Partial(s.of, s.wrt, signal=True) for s in signals], self.speaker.comma)
                if len(signals) <= 12
                else series([Partial(s.of, s.wrt, signal=True) for s in (first, signals[-1])], self.speaker.gap)
            )
            rows.append(
                (shown, self.speaker.say("role", "signal", partial=(Partial(first.of, first.wrt, signal=True), " = ", first)))
            )
        if self.work.updates:
            rows += update_symbols(self.problem.train, self.speaker)
        head = (self.speaker.word("column", "symbol"), self.speaker.word("column", "meaning"))
        direct = [
            node
            for step in self.work.partials
            for line in step.lines
            for node in walk(line.tree)
            if isinstance(node, Partial) and node.direct
        ]
        notes = [self.speaker.prose("direct", partial=direct[0], of=Name(direct[0].of), wrt=Name(direct[0].wrt))] if direct else []
        return [self.speaker.heading("notation"), Table(head, tuple(rows)), *notes, *self.operations()]

    def operations(self) -> list[Block]:
        """The formula of each operation that only our own lines bring in: Φ where the network has a GELU."""
        own = {node.function for equation in self.network.equations for node in walk(equation.rhs) if isinstance(node, Call)}
        lines = [line.tree for step in self.work.steps for line in step.lines if not line.numeric]
        brought = dict.fromkeys(node.function for tree in lines for node in walk(tree) if isinstance(node, Call))
        formulas = []
        for op in (OPS[function] for function in brought if function not in own):
            if op.formula is not None and op.kind in ("activation", "distribution"):
                formulas.append(Relation("=", Call(op.name, (Name("z"),)), op.formula((Name("z"),), 0)))
        return [self.speaker.prose("operations", formulas=series(formulas, self.speaker.comma))] if formulas else []

    def kinks(self) -> list[Block]:
        """The conventions for slopes at kinks, and where one is met."""
        calls = [node for equation in self.network.equations for node in walk(equation.rhs) if isinstance(node, Call)]
        used = dict.fromkeys(node.function for node in calls if node.function in OPS and OPS[node.function].kink)
        blocks: list[Block] = [Prose(self.speaker.say("kink", function)) for function in used]
        return blocks + [self.speaker.prose("kink-here", name=Name(name)) for name in self.kinks_here()]

    def kinks_here(self) -> Sequence[str]:
        """The quantities that stand exactly at a kink."""
        return kinks_hit(self.network, self.work.states[0].values)

    def the_numbers(self) -> list[Block]:
        """The given numbers, and how they are rounded."""
        typed = self.problem.example(0)
        if not typed:
            return []
        used = [name for name in typed if name in self.network.free]
        idle = [name for name in typed if name not in self.network.free]
        blocks: list[Block] = [self.speaker.heading("given")]
        if used:
            blocks.append(Prose(equalities({name: typed[name] for name in used}, self.speaker)))
        missing = missing_numbers(self.problem)
        if missing:
            blocks.append(self.speaker.prose("unvalued", names=self.names(missing)))
        if idle:
            blocks.append(self.speaker.prose("unused", names=self.speaker.comma.join(idle)))
        if self.problem.examples:
            blocks.append(self.speaker.prose("example", n=len(self.problem.examples)))
        if self.problem.train.batch:
            how = self.speaker.word("text", f"batch-{self.problem.train.batch}")
            blocks.append(self.speaker.prose("batch", n=self.problem.batch_size, how=how))
        rounding = self.work.rounding
        if rounding.carry == "hand":
            kind, n = ("places", rounding.places) if rounding.places is not None else ("digits", rounding.digits)
            blocks.append(self.speaker.prose("carry-hand", what=self.speaker.word("text", f"what-{kind}", n=n)))
        else:
            blocks.append(self.speaker.prose("carry-full"))
        return blocks

    # --- the steps ----------------------------------------------------------------------------------------------------

    def signal(self, partial: Partial) -> bool:
        """Whether a partial is an error signal, written δ."""
        return self.script.signal(partial) is not None and partial.wrt in self.network.pre_activations

    def chains(self, goals: Sequence[Tree]) -> list[Block]:
        """The steps with these goals, each as a chain."""
        return [self.chain(step) for goal in goals for step in self.work.steps if step.goal == goal]

    def chain(self, step: Step) -> Equations:
        """The lines of a step, below each other."""
        rows: list[Row] = []
        left: Tree | None = step.goal
        if (
            isinstance(step.goal, Partial)
            and self.script.signal(step.goal) is not None
            and (self.signal(step.goal) or step.kind == "vector")
        ):
            rows.append(Row(Partial(step.goal.of, step.goal.wrt, signal=True), "=", step.goal))
            left = None
        numbered = False
        depths = depths_of(step.lines)
        for line, depth in zip(step.lines, depths, strict=True):
            reason = self.reason(line, step) if not (line.law == "numbers" and numbered) else ()
            numbered = numbered or line.law == "numbers"
            rows.append(Row(left, line.relation, self.shown(line.tree, step), reason, depth=depth, numeric=line.numeric))
            left = None
        return Equations(tuple(rows))

    def shown(self, tree: Tree, step: Step) -> Tree:
        """In vector lines, the components of a vector of signals are written by their names δ."""
        if step.kind == "vector" and isinstance(tree, Listing):
            return Listing(
                tuple(Partial(t.of, t.wrt, signal=True) if isinstance(t, Partial) and self.signal(t) else t for t in tree.items)
            )
        return tree

    def reason(self, line: Line, step: Step) -> Text:
        """Why a line holds."""
        say, about = self.speaker.say, line.about
        match line.law:
            case "operation":
                return say("law", "operation", operation=self.operation(about[0]))
            case "chain-rule" | "chain-rule-sum":
                name, of, *users = about
                between = [(self.quantity(user),) for user in users if user != of]
                said = ("text", "chain-rule-direct") if of in users else ("law", line.law)
                return say(*said, wrt=self.quantity(name), of=self.quantity(of), users=self.listed(between))
            case "no-slope":
                return say("law", line.law, of=self.quantity(about[0]), wrt=self.quantity(about[1]))
            case "local-slopes":
                return say("law", line.law, slopes=self.slopes(about))
            case "differentiate":
                return say("law", line.law, of=self.slope_of(about[0]) if self.is_operation(about[0]) else self.quantity(about[0]))
            case "reuse-signal":
                plain = Partial(self.loss, about[0])
                return say("law", line.law, signal=Partial(self.loss, about[0], signal=True), partial=plain)
        return say("law", line.law)

    def operation(self, function: str) -> Text:
        """An operation by its sign."""
        return (Name(f"operation:{function}"),)

    def quantity(self, name: str) -> Name | Partial:
        """What a reason speaks of: a quantity, or a partial by its δ where it has one."""
        leaf = leaf_of(name)
        return replace(leaf, signal=True) if isinstance(leaf, Partial) and self.signal(leaf) else leaf

    def is_operation(self, goal: str) -> bool:
        """Whether a quantity is one operation."""
        return goal in self.network.by_goal and isinstance(self.network.by_goal[goal].rhs, Call)

    def slopes(self, goals: Sequence[str]) -> Text:
        """σ, a weighted sum, and the formula of L: what the slopes on a line belong to, each once."""
        return self.listed(list(dict.fromkeys(self.slope_of(goal) for goal in goals)))

    def listed(self, texts: Sequence[Text]) -> Text:
        """a, b and c; of many, the first and the last."""
        if len(texts) > 4:
            return separated((texts[0], texts[-1]), self.speaker.gap)
        *rest, last = texts or [()]
        return separated([separated(rest, self.speaker.comma), last] if rest else [last], self.speaker.word("text", "and"))

    def names(self, names: Sequence[str]) -> Text:
        """The names; of very many, the first and the last."""
        return listed_names(names, self.speaker)

    def slope_of(self, goal: str) -> Text:
        """What the slope of one equation is called."""
        rhs = self.network.by_goal[goal].rhs if goal in self.network.by_goal else None
        if isinstance(rhs, Call):
            return self.operation(rhs.function)
        if rhs is not None and is_weighted_sum(rhs):
            return self.speaker.say("slope", "weighted-sum")
        return self.speaker.say("slope", "formula", name=self.quantity(goal))

    def forward(self) -> list[Block]:
        """The forward pass, the output last."""
        if not self.work.forward:
            return []
        steps = {step.goal: step for step in self.work.forward}
        last = steps.pop(Name(self.loss))
        blocks: list[Block] = [self.speaker.heading("forward"), *map(self.chain, steps.values()), *self.curves()] if steps else []
        key = "loss" if self.role(self.loss) == "loss" else "output"
        return [*blocks, self.speaker.heading(key), self.chain(last)]

    def curves(self) -> list[Block]:
        """The curves of the activations, with the units that have a value on them."""
        if not self.drawn or not self.work.states:
            return []
        pictures = activation_pictures(self.network, self.work.states[0], self.work.rounding, self.script, self.speaker)
        return [Figure(picture, self.speaker.say("picture", "activations")) for picture in pictures]

    def backward(self) -> list[Block]:
        """The backward pass."""
        if not self.work.partials:
            return []
        return [self.speaker.heading("backward"), *map(self.chain, self.work.partials)]

    def vectors(self) -> list[Block]:
        """The same in vector form."""
        blocks: list[Block] = []
        for step in self.work.vectors:
            blocks.append(self.chain(step))
            if step.lines[-1].law != "vector-form":
                blocks.append(self.speaker.prose("undecided"))
        return [self.speaker.heading("vectors"), *blocks] if blocks else []

    def seconds(self) -> list[Block]:
        """The second derivatives."""
        if self.work.hessian is None:
            return []
        stated = self.kinks() if self.work.requested else []
        chains = [self.chain(step) for step in self.work.hessian.steps]
        return hessian_blocks(self.work, self.work.hessian, self.speaker, stated, chains)

    # --- what was asked, and the update -------------------------------------------------------------------------------

    def asked(self) -> list[Block]:
        """What was asked, each answer with its value."""
        blocks: list[Block] = []
        for answer in self.work.answers:
            asked, chain = answer.ask.tree, []
            left: Tree | None = asked
            label = self.speaker.label(answer.ask.label)
            if label == answer.ask.label and label_symbol(label) is not None:
                chain.append(Row(Name(f"label:{label}"), "=", asked))
                left = None
            else:
                blocks.append(Prose((label + ":",)))
            if answer.formula != asked:
                chain.append(Row(left, "=", answer.formula))
                left = None
            values = self.answer_values(answer)
            if values is not None:
                chain.append(Row(left, "=" if answer.exact else "≈", values, self.on_example(asked)))
            blocks.append(Equations(tuple(chain)) if chain else Prose((asked,)))
        return [self.speaker.heading("asked"), *blocks] if blocks else []

    def on_example(self, asked: Tree) -> Text:
        """Which example a value after some updates belongs to, where there are several."""
        train = self.problem.train
        moved = {Name(name) for name in (*train.parameters, *train.states)}
        later = [node.updates for node in walk(asked) if isinstance(node, Later) and node.body not in moved]
        count = len(self.problem.examples)
        if not later or not count:
            return ()
        return self.speaker.say("text", "on-example", k=self.speaker.comma.join(str(k % count + 1) for k in dict.fromkeys(later)))

    def answer_values(self, answer: Answer) -> Tree | None:
        """The value of an answer, where it has one."""
        if answer.values is None:
            return None
        numbers = tuple(self.number(value, answer.exact) for value in answer.values)
        return Listing(numbers) if answer.ask.vector else numbers[0]

    def number(self, value: Decimal, exact: bool) -> Tree:
        """A value as it is shown."""
        return self.work.rounding.number(value, exact)

    def updates(self) -> list[Block]:
        """The update."""
        blocks = update_blocks(self.work, self.speaker)
        return [*blocks, *self.after()] if blocks else []

    def after(self) -> list[Block]:
        """The loss before and after."""
        work = self.work
        if not work.losses:
            return []
        before, after = (self.number(loss, exact) for loss, exact in work.losses)
        row = Row(Name(self.loss), "=" if work.losses[0][1] else "≈", before, self.speaker.say("column", "before"))
        moved = Name(self.loss) if self.problem.examples else Later(Name(self.loss), 1)
        later = Row(moved, "=" if work.losses[1][1] else "≈", after, self.speaker.say("column", "after"))
        blocks: list[Block] = [self.speaker.heading("after")]
        if self.problem.examples:
            blocks.append(self.speaker.prose("after-example"))
        blocks += [Equations((row,)), Equations((later,))]
        if self.drawn:
            words = (self.speaker.word("column", key) for key in ("before", "after"))
            bars = [(word, loss, exact) for word, (loss, exact) in zip(words, work.losses, strict=True)]
            blocks.append(self.loss_figure(bars))
        if len(work.states) > 2:
            head = tuple(self.speaker.word("column", key) for key in ("updates", "example", "loss"))
            count = len(self.problem.examples)
            rows = tuple(
                (
                    (str(state.updates),),
                    (str(state.updates % count + 1) if count else "–",),
                    (state.leaf(Name(self.loss), work.rounding) or "–",),
                )
                for state in work.states
            )
            blocks += [self.speaker.heading("later"), Table(head, rows)]
            if self.drawn and not count:
                known = [(str(s.updates), s.values[self.loss], self.loss in s.exact) for s in work.states if self.loss in s.values]
                blocks.append(self.loss_figure(known))
        return blocks

    def loss_figure(self, losses: Sequence[tuple[str, Decimal, bool]]) -> Figure:
        """Losses one beside the other."""
        return Figure(loss_picture(losses, self.loss, self.work.rounding, self.script, self.speaker))

    def checked(self) -> list[Block]:
        """What was judged, and how."""
        checks = self.work.checks
        parts = self.speaker.say("text", "checked", judged=checks.judged, lines=checks.lines)
        for judge, key in CHECKED.items():
            if judge in checks.judges:
                parts = (*parts, " ", *self.speaker.say("text", key))
        return [self.speaker.heading("checks"), Prose(parts)]


def network_blocks(problem: Problem, values: Mapping[str, Number], speaker: Speaker, drawn: bool = True) -> list[Block]:
    """Which quantities feed which: as a picture with these values in it, where it can be read, and by depth in words."""
    network = problem.network
    depth = dict.fromkeys(network.free, 0)
    for equation in network.equations:
        # a recurrence mentions what comes later
        before = [depth[n] for n in network.mentions[equation.goal] if n in depth]
        depth[equation.goal] = 1 + max(before, default=0)
    inputs = [n for n in network.free if role_of(problem, n) == "input"]
    layers: list[list[str]] = [inputs] if inputs else []
    for level in range(1, max(depth.values()) + 1):
        layers.append([e.goal for e in network.equations if depth[e.goal] == level])
    parts: list[Part] = []
    for layer in layers:
        parts += [speaker.word("text", "flow-arrow")] if parts else []
        parts += series(map(Name, layer), ", ") if len(layer) <= 8 else (Name(layer[0]), ", …, ", Name(layer[-1]))
    picture = network_picture(problem, values, speaker) if drawn else None
    figures = [Figure(picture)] if picture is not None else []
    return [speaker.heading("network"), *figures, speaker.prose("flow", flow=tuple(parts))]


def depths_of(lines: Sequence[Line]) -> list[int]:
    """How deep each line of a step is: the formula a student should end with, and the last number, are for everybody.

    >>> from derive.written import ONE
    >>> depths_of([Line(ONE, "chain-rule"), Line(ONE, "local-slopes"), Line(ONE, "simplify"), Line(ONE, "value", numeric=True)])
    [1, 2, 0, 0]
    """
    symbolic = [place for place, line in enumerate(lines) if not line.numeric]
    first = lines[symbolic[0]].law if symbolic else ""
    results = {symbolic[0] if first == "definition" else symbolic[-1]} if symbolic else set()
    if lines[-1].numeric:
        results.add(len(lines) - 1)
    chains = {place for place in symbolic if lines[place].law in ("chain-rule", "chain-rule-sum")}
    return [0 if place in results else 1 if place in chains else 2 for place in range(len(lines))]


def is_weighted_sum(tree: Tree) -> bool:
    """Whether a right side is a sum of products of names and numbers."""
    terms = tree.terms if isinstance(tree, Sum) else (tree,)
    for term in terms:
        body = term.body if isinstance(term, Negative) else term
        factors = body.factors if isinstance(body, Product) else (body,)
        if not all(isinstance(factor, Name | Number) for factor in factors):
            return False
    return any(isinstance(term, Product) for term in terms)
