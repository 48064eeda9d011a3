"""The audit: every line of somebody's answers judged, the slips that explain the wrong ones, and what follows from what.

Owns `audit_papers`, `AnswerKey` and `make_answer_key`.  May import: errors, written, tables.ops, arithmetic, intervals,
problem, exercises; what judges formulas, searches for slips or writes the right formula is loaded only for a paper that needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from derive.arithmetic import Key, compile_tree, key_of, mentioned
from derive.exercises.answers import Entry, Paper
from derive.exercises.reckoning import Reckoning, digits_shown, true_values
from derive.exercises.sheets import Sheet, make_sheet
from derive.exercises.verdicts import SEVERITY, Audit, Convention, Judged, Link, Named, Note, Verdict
from derive.intervals import INTERVALS, Digits, Interval, Printed, nearest, read_printed
from derive.problem import Problem
from derive.rounding import Rounding
from derive.tables.ops import OPS
from derive.written import Call, Later, Name, Negative, Number, Partial, Tree, walk

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from derive.exercises.search import Case, Explanation
    from derive.tables.slips import Slipped


def audit_papers(
    problem: Problem,
    papers: Sequence[Paper],
    rounding: Rounding | None = None,
    digits: Digits | None = None,
    search: bool = True,
    executor: Executor | None = None,
) -> Iterator[Audit]:
    """Each paper judged, in order.  What the problem itself gives is worked out once for all of them.

    The right values are exact, or with a `rounding` by hand those that it gives.  `digits` are those that every number carries,
    where that need not be read off the paper; without `search`, no slip is looked for.  The work may be done by any `executor` of
    `concurrent.futures`; a line that stops a worker is undecided then.  Raises InputError for a decision of another kind than ours,
    UsageError where the executor takes no work.
    """
    if executor is not None:
        from derive.exercises.judging import judged
        from derive.exercises.marking import Marking, judge_papers

        marking = Marking(problem, tuple(dict.fromkeys(_quantities(problem, papers))), rounding, digits=digits, search=search)
        yield from judged(executor, judge_papers, marking, papers)
        return
    if problem.decision is not None:
        from derive.exercises.decided import audit_decision

        for paper in papers:
            yield audit_decision(problem, paper)
        return
    if problem.arrays is not None:
        from derive.exercises.arrayaudit import audit_array_paper

        for paper in papers:
            yield audit_array_paper(problem, paper, rounding)
        return
    key = make_answer_key(problem, _quantities(problem, papers), rounding)
    for paper in papers:
        yield audit_paper(key, paper, digits, search)


def _quantities(problem: Problem, papers: Iterable[Paper]) -> Iterator[Tree]:
    """What is answered in some papers."""
    for paper in papers:
        for entry in paper.entries:
            for part in scalar_parts(entry, problem):
                if part.quantity is not None and not part.verdict:
                    yield part.quantity


def audit_paper(key: AnswerKey, paper: Paper, digits: Digits | None = None, search: bool = True) -> Audit:
    """One paper judged by an answer key."""
    return _Auditor(key, paper, digits, search).report()


def refused(problem: Problem, paper: Paper, fault: str) -> Audit:
    """A paper that cannot be judged as a whole, and why."""
    return Audit(problem, paper, tuple(Judged(replace(entry, fault=fault), "unreadable") for entry in paper.entries))


def scalar_parts(entry: Entry, problem: Problem) -> tuple[Entry, ...]:
    """The scalar answers a line is made of: itself, or one for each component of a vector; none where the sizes do not fit."""
    if entry.verdict or entry.quantity is None or not problem.vectors:
        return (entry,)
    from derive.vectors import components

    try:
        quantities, *sides = (components(tree, problem.vectors) for tree in (entry.quantity, *entry.sides))
    except (TypeError, ValueError, IndexError):
        return ()
    if any(len(side) != len(quantities) for side in sides):
        return ()
    if len(quantities) == 1:
        return (entry,)
    rows = zip(quantities, *sides, strict=True)
    return tuple(replace(entry, quantity=quantity, sides=tuple(row)) for quantity, *row in rows)


@dataclass(frozen=True)
class AnswerKey:
    """What is the same for every paper: the sheet, with a row for each expression that is answered, and the true values.

    `keys` says under which key of the sheet a quantity is found, and whether with a minus.
    """

    sheet: Sheet
    truth: Mapping[Key, Decimal]
    keys: Mapping[Tree, tuple[Key, bool]]


def make_answer_key(problem: Problem, quantities: Iterable[Tree], rounding: Rounding | None = None) -> AnswerKey:
    """The answer key for these quantities."""
    quantities = dict.fromkeys(quantities)
    leaves = [node for quantity in quantities for node in walk(quantity)]
    leaves += [node.body for node in leaves if isinstance(node, Later)]
    updates = max((_passes(node, problem) for node in leaves if isinstance(node, Later)), default=0)
    sheet = make_sheet(problem, dict.fromkeys(node for node in leaves if isinstance(node, Partial)), updates)
    keys: dict[Tree, tuple[Key, bool]] = {}
    asked: dict[Key, Tree] = {}
    for number, quantity in enumerate(quantities):
        negative, body = (True, quantity.body) if isinstance(quantity, Negative) else (False, quantity)
        key = key_of(sheet.plain(body))
        if key is None or key not in sheet.rows:  # an expression, or a given number copied out
            key, negative = f"answer {number}", False
            asked[key] = sheet.plain(quantity)
        keys[quantity] = (key, negative)
    sheet = replace(sheet, overlaid=asked) if asked else sheet
    by_hand = rounding if rounding is not None and rounding.carry == "hand" else None
    return AnswerKey(sheet, true_values(sheet, by_hand), keys)


def _passes(later: Later, problem: Problem) -> int:
    """How many further passes a later value needs: a parameter or a state of the rule after an update needs none."""
    train = problem.train
    return later.updates - (isinstance(later.body, Name) and later.body.name in (*train.parameters, *train.states))


def _negated(printed: Printed) -> Printed:
    return Printed(printed.text, -printed.value, printed.unit)


class _Auditor:
    """One paper on its way through the judges."""

    def __init__(self, answer_key: AnswerKey, paper: Paper, digits: Digits | None = None, search: bool = True) -> None:
        self.sheet, self.truth, self.keys, self.paper = answer_key.sheet, answer_key.truth, answer_key.keys, paper
        self.case: Case | None = None
        self.search = search
        self.problem = self.sheet.problem
        self.exact = frozenset(number.text for number in self.sheet.given.values())
        self.names: dict[Key, str] = {}
        self.printed: dict[Key, Printed] = {}
        self.parts = [scalar_parts(entry, self.problem) for entry in paper.entries]
        for entry in (part for parts in self.parts for part in parts):
            printed = self.number(entry)
            if printed is not None and entry.quantity is not None and (key := self.keys[entry.quantity][0]) in self.truth:
                self.names.setdefault(key, entry.name)
                self.printed.setdefault(key, printed)
        self.digits = digits or digits_shown(self.printed.values())

    def number(self, entry: Entry) -> Printed | None:
        """The number a line ends with, for its quantity without a minus."""
        if entry.verdict or not entry.sides or entry.quantity is None or entry.quantity not in self.keys:
            return None
        printed = read_printed(entry.sides[-1])
        return _negated(printed) if printed is not None and self.keys[entry.quantity][1] else printed

    def reckon(self, turned: frozenset[Key] = frozenset()) -> Reckoning:
        """The paper's numbers reckoned, some of them with the other sign."""
        numbers = {key: _negated(printed) if key in turned else printed for key, printed in self.printed.items()}
        return Reckoning(self.sheet, numbers, self.truth, self.digits)

    def report(self) -> Audit:
        """The paper judged."""
        self.reckoning = self.reckon()
        turned, convention = self.convention()
        if turned:
            self.reckoning = self.reckon(turned)
        reckoning = self.reckoning
        accepted = reckoning.honest[1]
        follows = {key for key in reckoning.printed if key not in accepted and reckoning.follows(key)}
        self.carried = {key for key in follows if not self.is_trivial(key)}
        false = {self.keys[part.quantity][0] for parts in self.parts for part in parts if part.quantity and self.is_false(part)}
        wrong = [key for key in reckoning.printed if key not in accepted and key not in follows and key not in false]
        found: tuple[Explanation, ...] = ()
        if wrong and self.search:  # the search is loaded only for a paper that needs it
            from derive.exercises.search import explain

            found, self.case = explain(reckoning, wrong)
        of_numbers = _named(found, reckoning, self.names)
        named = list(of_numbers)
        lines = []
        for entry, parts in zip(self.paper.entries, self.parts, strict=True):
            line, own = self.judge_parts(entry, parts)
            if convention is not None and line.name in convention.lines and line.verdict == "wrong":
                line = replace(line, verdict="right")
            if line.verdict == "wrong":
                numeric = any(self.number(part) is not None for part in parts)
                line = self.with_slips(line, [*of_numbers, *own] if numeric else own)
                named += own
            lines.append(line)
        place = {line.name: number for number, line in reversed(list(enumerate(lines)))}
        named = [replace(slip, explains=tuple(sorted(slip.explains, key=place.__getitem__))) for slip in named]
        named.sort(key=lambda slip: place[slip.explains[0]])
        return Audit(self.problem, self.paper, tuple(lines), tuple(named), (convention,) if convention is not None else ())

    def with_slips(self, line: Judged, named: Sequence[Named]) -> Judged:
        """A wrong line with the ids of the slips that explain it."""
        slips = dict.fromkeys(slip.id for slip in named if line.name in slip.explains)
        return replace(line, slips=tuple(slips)) if line.verdict == "wrong" else line

    def is_false(self, entry: Entry) -> bool:
        """Whether a line ends with an expression of numbers and another number: then that alone explains it."""
        printed = self.number(entry)
        before = entry.sides[-2] if len(entry.sides) > 1 else None
        return printed is not None and before is not None and not mentioned(before) and self.comes_to(before, entry) == "wrong"

    def is_trivial(self, key: Key) -> bool:
        """Whether a line follows only because a wrong line before it is 0 or ±1, which leaves nothing to be worked out."""
        reckoning = self.reckoning
        wrong = [source for source in reckoning.sources[key] if source not in reckoning.honest[1]]
        return any(abs(reckoning.printed[source].value) in (0, 1) for source in wrong)

    # --- one line -----------------------------------------------------------------------------------------------------

    def judge_parts(self, entry: Entry, parts: tuple[Entry, ...]) -> tuple[Judged, tuple[Named, ...]]:
        """The verdict on a line: that on its worst component."""
        judged = [self.judge(part) for part in parts]
        if not judged:
            return Judged(replace(entry, fault="the two sides differ in size"), "unreadable"), ()
        worst = max(judged, key=lambda pair: SEVERITY.index(pair[0].verdict))[0]
        return replace(worst, entry=entry), tuple(dict.fromkeys(slip for _, slips in judged for slip in slips))

    def judge(self, entry: Entry) -> tuple[Judged, tuple[Named, ...]]:
        """The verdict on a line, and the slips found in its own formulas and arithmetic."""
        if entry.verdict or entry.quantity is None:
            return Judged(entry, "unreadable" if entry.verdict == "missing" else entry.verdict or "unreadable"), ()
        if not mentioned(entry.quantity):
            return self.judge_sum(entry)
        key = self.keys[entry.quantity][0]
        line = self.judge_number(entry, key) if self.number(entry) is not None else Judged(entry, "")
        sides = entry.sides
        links: list[Link] = []
        named: tuple[Named, ...] = ()
        for place, side in enumerate(sides):
            if place == len(sides) - 1 and line.verdict:
                verdict = self.comes_to(sides[place - 1], entry) if place else line.verdict
                if place and verdict == "wrong":
                    line, named = self.with_false_arithmetic(line, key, sides[place - 1], named)
            else:
                judged = self.judge_side(entry, side)
                verdict = judged.verdict
                if not line.verdict or (verdict == "wrong" and not line.witness):
                    line = self.with_formula(line, judged)
                if verdict == "wrong" and mentioned(side) and self.search:
                    from derive.exercises.formulas import explain_formula

                    slips = explain_formula(self.sheet, key, self.goal(entry), self.sheet.plain(side), entry.strangers)
                    named += tuple(_formula_slip(slip, entry.name) for slip in slips)
            links.append(Link(entry.name if place == 0 else entry.typed[place - 1], entry.typed[place], verdict))
        if any(link.verdict == "wrong" for link in links):
            line = replace(line, verdict="wrong")
        return replace(line, links=tuple(links) if len(links) > 1 else ()), named

    def goal(self, entry: Entry) -> Tree:
        """What a line claims to be, as the sheet files it."""
        assert entry.quantity is not None
        return self.sheet.plain(entry.quantity)

    def judge_sum(self, entry: Entry) -> tuple[Judged, tuple[Named, ...]]:
        """A line without a quantity: `0.594*0.40 + 0.35 = 0.5876`."""
        from derive.exercises.chains import judge_arithmetic, value_of

        assert entry.quantity is not None
        value = value_of(entry.quantity)
        printed = read_printed(entry.sides[-1]) if entry.sides else None
        if printed is None or value is None:
            return Judged(entry, "undecided", value, notes=(Note("undefined"),)), ()
        line = Judged(entry, judge_arithmetic(entry.quantity, printed, self.exact), value)
        if line.verdict != "wrong":
            return line, ()
        meant = (key for key, raw in self.reckoning.own[0].items() if key in self.problem.network.by_goal and printed.admits(raw))
        return self.with_false_arithmetic(line, next(meant, None), entry.quantity, ())

    def with_false_arithmetic(
        self, line: Judged, key: Key | None, side: Tree, named: tuple[Named, ...]
    ) -> tuple[Judged, tuple[Named, ...]]:
        """The line with the remark that its own numbers do not come to what it says, and which numbers would."""
        from derive.exercises.chains import fitting, value_of

        value = value_of(side)
        fits = () if key is None else fitting(self.sheet, key, side)
        parts: dict[str, Any] = {"value": value, "fits": fits} if fits else {"value": value}
        notes = (Note("false-arithmetic" if fits else "false-arithmetic-alone", parts),) if value is not None else ()
        slip = Named("false-arithmetic", line.entry.quantity or side, (line.name,))
        return replace(line, notes=(*line.notes, *notes)), (*named, slip)

    def comes_to(self, side: Tree, entry: Entry) -> str:
        """Whether the last formula of a chain comes to the number behind it."""
        from derive.exercises.chains import judge_arithmetic

        printed = read_printed(entry.sides[-1])
        assert printed is not None
        if not mentioned(side):
            return judge_arithmetic(side, printed, self.exact)
        if self.has_values(side):
            raw = self.bounds(side)
            return "right" if raw is None or printed.admits(raw) else "wrong"
        return "right"

    def has_values(self, tree: Tree) -> bool:
        """Whether every name of a formula has a number in this paper's reckoning."""
        return all(need in self.reckoning.own[0] or need in self.truth for need in mentioned(self.sheet.plain(tree)))

    def bounds(self, tree: Tree) -> Interval | None:
        """Where a formula can stand with the writer's own numbers in it."""
        values: dict[Any, Interval] = {key: Interval(float(value), float(value)) for key, value in self.truth.items()}
        values |= self.reckoning.own[0]
        try:
            found: Interval = compile_tree(self.sheet.plain(tree), INTERVALS)(values)
        except (ArithmeticError, KeyError):
            return None
        return self.digits.widen(found)

    def compare(self, entry: Entry, goal: Tree, formula: Tree) -> Verdict:
        """Whether a formula of an entry is a goal: wherever both have a value, or at least wherever the targets are as given, or
        around the given numbers where an operation has several pieces.

        p − t for the slope of cross-entropy behind softmax needs targets that add up to 1; 1 for the slope of ReLU, a live unit.
        """
        from derive.exercises.formulas import judge_formula

        verdict = judge_formula(self.sheet, goal, formula, entry.strangers)
        targets = {name: Decimal(self.sheet.given[name].text) for name in self.sheet.targets if name in self.sheet.given}
        if verdict.verdict != "wrong" or not self.truth:
            return verdict
        if judge_formula(self.sheet, goal, formula, entry.strangers, targets).verdict == "right":
            return Verdict("right", "at-targets")
        pieces = any(isinstance(node, Call) and OPS[node.function].seams(node.arguments) for node in walk(formula))
        shifts = ("0.0003", "-0.0007") if pieces or self.problem.network.seams else ()
        around = [self.around(Decimal(shift)) for shift in shifts]
        near = [judge_formula(self.sheet, goal, formula, entry.strangers, point).verdict for point in around]
        return Verdict("right", "at-kinks") if near and set(near) == {"right"} else verdict

    def around(self, shift: Decimal) -> dict[str, Decimal]:
        """The given numbers, each moved a little and by another share."""
        free = [name for name in self.problem.network.free if name in self.sheet.given]
        values = {name: Decimal(self.sheet.given[name].text) for name in free}
        return {name: value * (1 + shift * (1 + Decimal(place) / 7)) for place, (name, value) in enumerate(values.items())}

    def judge_side(self, entry: Entry, side: Tree) -> Verdict:
        """Whether a side is its quantity: as a formula at every point, or as an expression of numbers at the given ones."""
        from derive.exercises.chains import reach_of, value_of

        assert entry.quantity is not None
        key, negative = self.keys[entry.quantity]
        side = self.sheet.plain(side)
        if mentioned(side):
            verdict = self.compare(entry, self.goal(entry), side)
        elif key not in self.truth:
            verdict = Verdict("undecided", "no-numbers")
        else:
            verdict = Verdict("wrong") if value_of(side) is not None else Verdict("undecided", "undefined")
        if verdict.verdict != "wrong" or key not in self.truth or entry.strangers:
            return verdict
        literals = [node for node in walk(side) if isinstance(node, Number) and "." in node.text]
        if not literals:
            return verdict
        values: dict[Any, Interval] = dict(self.reckoning.honest[0])
        reach = reach_of(side, self.exact, values)
        truth = float(self.truth[key]) * (-1 if negative else 1)
        honest = self.reckoning.honest[0].get(key, Interval(truth, truth))
        low, high = (-honest.high, -honest.low) if negative else (honest.low, honest.high)
        return Verdict("right", "at-given") if reach is not None and reach.low <= high and low <= reach.high else verdict

    def with_formula(self, line: Judged, verdict: Verdict) -> Judged:
        """The line with what was found about its formula."""
        notes = (Note(verdict.reason),) if verdict.reason else ()
        if verdict.witness:
            notes = (*notes, Note("witness", {"given": verdict.values[0], "expected": verdict.values[1]}))
        correct = self.corrected(line.entry) if line.formula is None else line.formula
        return replace(
            line, verdict=line.verdict or verdict.verdict, formula=correct, notes=(*line.notes, *notes), witness=verdict.witness
        )

    def corrected(self, entry: Entry) -> Tree | None:
        """The formula a student should have ended with."""
        quantity = entry.quantity
        if isinstance(quantity, Partial) and not quantity.direct:
            if quantity not in self.sheet.derived:
                self.sheet.derived[quantity] = derived_formula(self.problem, quantity)
            return self.sheet.derived[quantity]
        return None if quantity is None else self.sheet.rows.get(self.keys[quantity][0])

    # --- a number -----------------------------------------------------------------------------------------------------

    def judge_number(self, entry: Entry, key: Key) -> Judged:
        """The verdict on the number a line ends with."""
        assert entry.quantity is not None
        negative = self.keys[entry.quantity][1]
        if key not in self.truth:
            missing = [name for name in self.problem.network.free if name not in self.sheet.given]
            return Judged(entry, "undecided", notes=(Note("no-numbers" if missing else "undefined"),))
        value = -self.truth[key] if negative else self.truth[key]
        accepted = self.reckoning.honest[1]
        if key in accepted:
            return Judged(entry, accepted[key], value, notes=self.how_rounded(key) if accepted[key] == "rounded" else ())
        if key in self.carried:
            sources = tuple(self.names[source] for source in self.reckoning.sources[key] if source not in accepted)
            return Judged(entry, "carried", value, notes=self.how_rounded(key), sources=sources)
        if self.reckoning.follows(key):
            return Judged(entry, "wrong", value, notes=(Note("trivial"),))
        return Judged(entry, "wrong", value, notes=self.near(key))

    def how_rounded(self, key: Key) -> tuple[Note, ...]:
        """Whether a number was cut off where it should have been rounded."""
        printed = self.reckoning.printed[key]
        exact = [Decimal(value) for choice in self.reckoning.choices(key) for value in self.reckoning.exactly(key, {}, choice)]
        if any(printed.rounds(value) for value in exact) or not exact:
            return ()
        return (Note("cut", {"value": next(v for v in exact if printed.cuts(v))}),) if any(map(printed.cuts, exact)) else ()

    def near(self, key: Key) -> tuple[Note, ...]:
        """What is to be said of a wrong number that misses by a unit or two of its last digit."""
        reckoning = self.reckoning if self.case is None else self.case.reckoning
        printed = reckoning.printed[key]
        exact = [Decimal(value) for choice in reckoning.choices(key) for value in reckoning.exactly(key, {}, choice)]
        if not exact or any(printed.rounds(value) or printed.cuts(value) for value in exact):
            return ()
        closest = min(exact, key=lambda value: abs(value - printed.value))
        if abs(closest - printed.value) > 2 * printed.unit or reckoning.hidden[key]:
            return ()
        off = int(abs(nearest(closest, printed.unit) - printed.value) / printed.unit)
        return (Note("off-by-one" if off == 1 else "no-rounding", {"value": closest}),)

    # --- conventions --------------------------------------------------------------------------------------------------

    def convention(self) -> tuple[frozenset[Key], Convention | None]:
        """The keys written as −∂L/∂z throughout while every update goes the right way, and what is to be said about it."""
        parameters, loss = self.problem.train.parameters, self.problem.train.loss
        accepted = self.reckoning.honest[1]
        partials = [key for key in self.printed if isinstance(key, Partial) and key.of == loss]
        signals = frozenset(key for key in partials if key.wrt in self.problem.network.by_goal)
        updates = [
            key for key in self.printed if isinstance(key, Later) and isinstance(key.body, Name) and key.body.name in parameters
        ]
        typed = [
            entry
            for entry in self.paper.entries
            if entry.quantity in self.keys and not entry.verdict and self.number(entry) is None
        ]
        moving = [entry for entry in typed if isinstance(entry.quantity, Later)]
        backward = [entry for entry in typed if isinstance(entry.quantity, Partial) and entry.quantity.of == loss]
        good = [self.judge_side(entry, entry.sides[-1]).verdict == "right" for entry in moving]
        told = any(key in accepted and self.tells(key) for key in updates) or any(good)
        if not told or not all(good) or any(key not in accepted for key in updates):
            return frozenset(), None
        for turned in (frozenset(partials), signals):
            telling = [key for key in turned if self.printed[key].value]
            if not telling or any(key in accepted for key in telling):
                continue
            now = self.reckon(turned).honest[1]
            if all(key in now for key in partials):
                return turned, Convention("negative-delta", tuple(self.names[key] for key in self.printed if key in turned))
        against = [self.compare(entry, Negative(self.goal(entry)), self.sheet.plain(entry.sides[-1])) for entry in backward]
        if against and all(verdict.verdict == "right" for verdict in against):
            return frozenset(), Convention("negative-delta", tuple(entry.name for entry in backward))
        return frozenset(), None

    def tells(self, key: Later) -> bool:
        """Whether an update as printed shows which way it went."""
        assert isinstance(key.body, Name)
        before = self.truth.get(key.body.name if key.updates == 1 else Later(key.body, key.updates - 1))
        return before is not None and not (self.printed[key].rounds(before) or self.printed[key].cuts(before))


def derived_formula(problem: Problem, partial: Partial) -> Tree | None:
    """The formula of a derivative as the derivation ends it."""
    from derive.backward import derive_partials
    from derive.slopes import Slopes

    named = partial.of == problem.train.loss
    steps = derive_partials(problem.network, partial.of, (partial.wrt,), Slopes(by_heart=True), named=named)
    return next((step.answer for step in steps if step.goal == partial), None)


# --- slips as they are reported ---------------------------------------------------------------------------------------------


def _named(found: Iterable[Explanation], reckoning: Reckoning, names: Mapping[Key, str]) -> list[Named]:
    """The explanations, one entry for each place of each; a tie is numbered."""
    named: list[Named] = []
    for number, best in enumerate(found, start=1):
        for explanation in (best, *best.ties):
            named += _places(explanation, reckoning, names, number if best.ties else 0)
    return named


def _places(explanation: Explanation, reckoning: Reckoning, names: Mapping[Key, str], tie: int) -> Iterator[Named]:
    slipped = explanation.slipped
    reached = {
        key: [line for line in explanation.explains if key == line or key in reckoning.hidden[line]] for key in slipped.where
    }
    places = [key for key in slipped.where if reached[key]] or list(slipped.where[:1])
    for key in places:
        lines = tuple(names[line] for line in reached[key] or explanation.explains)
        given = reckoning.sheet.given.get(key) if slipped.given else None
        said = next((part.said for part in slipped.parts if key in part.where), slipped.said)
        yield Named(slipped.slip, leaf_of(key), lines, said, explanation.number, given, slipped.variant, tie)


def _formula_slip(slipped: Slipped, name: str) -> Named:
    return Named(slipped.slip, leaf_of(slipped.where[0]), (name,), slipped.said, variant=slipped.variant)


def leaf_of(key: Key) -> Tree:
    """A key as a leaf of a formula."""
    return Name(key) if isinstance(key, str) else key
