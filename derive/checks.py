"""Every line judged by something that shares nothing with what wrote it.

Owns `Checks`, `Finding` and the judges: the forward pass with a quantity nudged, to 40 digits; the printed numbers computed once
more by another library; SymPy's own derivative of the composed output.  May import: errors, written,
arithmetic, network, backward, curvature, values, vectors, witnesses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from derive.arithmetic import Evaluator, compile_tree, key_of, mpmath_arithmetic, precision, spelled
from derive.backward import Line, Step
from derive.curvature import Hessian, gradient_name
from derive.errors import JudgementError, LimitError
from derive.network import Network
from derive.progress import track
from derive.values import State
from derive.vectors import Vectors, components
from derive.witnesses import (
    FINE_DIGITS,
    FINE_NUDGE,
    LARGEST_COMPOSED,
    LEAST_POINTS,
    NUDGE,
    SMALLEST_SCALE,
    TOLERANCE,
    WORKING_DIGITS,
    ComposedPoint,
    ComposedSecondPoint,
    Point,
    SecondPoint,
    Witness,
    composed_size,
    kinks_hit,
    points,
)
from derive.written import Name, Number, Partial, Tree, walk

NUDGED, FORWARD_AGAIN, RECOMPUTED, COMPOSED = "nudge-40-digits", "mpmath-forward", "recompute-as-printed", "sympy-diff"
NUDGED_TWICE = "nudge-twice-40-digits"


@dataclass(frozen=True)
class Finding:
    """A line that does not hold: where, what it gives, what it should give, and the point that shows it."""

    goal: Tree
    line: Line
    given: str
    expected: str
    point: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checks:
    """How many lines there are, how many were judged, and by whom; none of them failed, or there would be no page."""

    lines: int
    judged: int
    judges: tuple[str, ...]


@dataclass
class _Claim:
    """One component of one symbolic line: the formula that was written, and the quantity it claims to be."""

    step: Step
    line: Line
    formula: Evaluator
    goal: Any
    judged: bool = False
    alive: bool = False


def judge_symbols(
    network: Network, steps: Sequence[Step], vectors: Vectors, witness: Witness = Point, unprinted: Sequence[Step] = ()
) -> tuple[list[Finding], int]:
    """The symbolic lines that a witness contradicts, each blamed where it stands, and how many were judged.

    Each is judged at two points at least, and at more while it has been 0 = 0 at all of them (a dead ReLU proves nothing).  The
    lines of `unprinted` steps are judged like the others and not counted.
    """
    claims = []
    for step in (*steps, *unprinted):
        for line in step.lines:
            if not line.numeric and step.kind in ("forward", "partial", "vector", "second"):
                whole = step.kind == "vector"
                trees, goals = (components(t, vectors) if whole else (t,) for t in (line.tree, step.goal))
                claims += [_Claim(step, line, compile_tree(t), key_of(g)) for t, g in zip(trees, goals, strict=True)]
    findings = _contradictions(network, claims, witness, WORKING_DIGITS, NUDGE)
    if findings:  # a steep place can make a nudge too coarse: only what a much finer one confirms is a finding
        findings = _contradictions(network, claims, witness, FINE_DIGITS, FINE_NUDGE)
    printed = {id(line) for step in steps for line in step.lines}
    judged = {id(claim.line) for claim in claims} - {id(claim.line) for claim in claims if not claim.judged}
    return findings, len(judged & printed)


def _contradictions(network: Network, claims: Sequence[_Claim], witness: Witness, digits: int, nudge: Decimal) -> list[Finding]:
    findings: dict[int, Finding] = {}
    with precision(digits):
        for count, point in enumerate(points(network, "derive", witness, nudge), start=1):
            here = claims if count <= LEAST_POINTS else [claim for claim in claims if not claim.alive]
            for claim in track(here, len(here), "judging"):
                finding = _compare(claim, point)
                if finding is not None:
                    findings.setdefault(id(claim.line), finding)
            if findings or (count >= LEAST_POINTS and all(claim.alive for claim in claims)):
                break
    return list(findings.values())


def _compare(claim: _Claim, point: Point) -> Finding | None:
    try:
        expected, given = point[claim.goal], claim.formula(point)
    except ArithmeticError:  # one side has no value here: this point says nothing
        return None
    claim.judged = True
    claim.alive = claim.alive or bool(expected)
    if abs(given - expected) <= TOLERANCE * max(abs(expected), abs(given), SMALLEST_SCALE):
        return None
    where = {name: f"{point[name]:f}" for name in point.network.free}
    return Finding(claim.step.goal, claim.line, f"{given:.12g}", f"{expected:.12g}", where)


def judge_numbers(steps: Sequence[Step]) -> tuple[list[Finding], int]:
    """The lines with numbers in place that, recomputed by mpmath from the digits they show, miss the value the step shows.

    A line must round to that value; before an `=` it must be that value.
    """
    import mpmath

    arithmetic, findings, judged = mpmath_arithmetic(), [], 0
    with mpmath.workdps(60):
        for step in steps:
            lines = [line for line in step.lines if line.numeric]
            if not lines or not isinstance(lines[-1].tree, Number):
                continue
            *numeric, value = lines
            shown = lines[-1].tree.text
            judged += 1 + len(numeric)
            target = mpmath.mpf(shown)
            exponent = Decimal(shown).as_tuple().exponent
            half_unit = mpmath.mpf(10) ** int(exponent) / 2
            for line in numeric:
                result = compile_tree(line.tree, arithmetic)({})
                room = 0 if line is numeric[-1] and value.relation == "=" else half_unit
                largest = max((abs(mpmath.mpf(node.text)) for node in walk(line.tree) if isinstance(node, Number)), default=0)
                if abs(result - target) > room + max(abs(target), largest) * mpmath.mpf("1e-45"):
                    findings.append(Finding(step.goal, line, mpmath.nstr(result, 12), shown))
    return findings, judged


def witness_of(hessian: Hessian) -> Witness:
    """Points that know the second derivatives of a problem."""
    return partial(SecondPoint, whole=hessian.network)


def judge_second(hessian: Hessian, network: Network, vectors: Vectors, prove: bool) -> tuple[list[Finding], int]:
    """The lines of second derivatives that a witness contradicts, and how many were judged.

    Each entry off the diagonal is derived in the other order too, and that is held to the same value: the matrix is symmetric.
    """
    witnesses = [witness_of(hessian)]
    if prove:
        for name in hessian.quantities:
            _demand_small(hessian.network, gradient_name(Partial(hessian.of, name)))
        witnesses.append(partial(ComposedSecondPoint, whole=hessian.network))
    findings, judged = [], 0
    for witness in witnesses:
        found, judged = judge_symbols(network, hessian.steps, vectors, witness, hessian.mirrored)
        findings += found
    return findings, judged


def judge_values(
    network: Network, steps: Sequence[Step], states: Sequence[State], witness: Witness = Point
) -> list[Finding]:
    """The values that mpmath's own forward pass or a nudge of it contradicts in 40 digits.

    A value that depends on a kink stands by the convention printed on the page, which no nudge can confirm; those are left out.
    """
    findings = []
    for state in states:
        findings += judge_forward(network, state)
    state = states[0]
    if any(name not in state.values for name in network.free) or kinks_hit(network, state.values):
        return findings
    with precision(FINE_DIGITS):
        point = witness(network, {name: state.values[name] for name in network.free}, FINE_NUDGE)
        for step in steps:
            key = key_of(step.goal)
            if key is not None and key in state.values:
                claim = _Claim(step, Line(step.answer, "value"), _constantly(state.values[key]), key)
                finding = _compare(claim, point)
                findings += [finding] if finding is not None else []
    return findings


def _constantly(value: Decimal) -> Evaluator:
    return lambda _: value


def judge_forward(network: Network, state: State) -> list[Finding]:
    """The values of the forward pass that another library, mpmath, contradicts."""
    import mpmath

    findings, arithmetic = [], mpmath_arithmetic()
    with mpmath.workdps(WORKING_DIGITS):
        values = {name: mpmath.mpf(str(state.values[name])) for name in network.free if name in state.values}
        for equation in network.equations:
            if all(name in values for name in network.mentions[equation.goal]):
                values[equation.goal] = expected = compile_tree(equation.rhs, arithmetic)(values)
                given = mpmath.mpf(str(state.values[equation.goal]))
                if abs(given - expected) > mpmath.mpf("1e-40") * max(abs(expected), mpmath.mpf("1e-9")):
                    line = Line(equation.rhs, "value")
                    findings.append(Finding(Name(equation.goal), line, mpmath.nstr(given, 12), mpmath.nstr(expected, 12)))
    return findings


def judge_composed(network: Network, steps: Sequence[Step], vectors: Vectors) -> list[Finding]:
    """The lines that SymPy's derivative of the composed output contradicts.  Raises LimitError where that output is too large."""
    for of in sorted({step.goal.of for step in steps if isinstance(step.goal, Partial)}):
        _demand_small(network, of)
    return judge_symbols(network, steps, vectors, ComposedPoint)[0]


def _demand_small(network: Network, of: str) -> None:
    size = composed_size(network, of)
    if size > LARGEST_COMPOSED:
        raise LimitError(f"--prove composes '{of}' whole: {size:,} nodes, over the limit of {LARGEST_COMPOSED:,}")


def demand(findings: Sequence[Finding]) -> None:
    """Nothing to say if every line holds.  Raises JudgementError naming the first line that does not."""
    if not findings:
        return
    first = findings[0]
    where = ", ".join(f"{name} = {value}" for name, value in list(first.point.items())[:6])
    message = f"{spelled(key_of(first.goal))}: a line ({first.line.law}) gives {first.given} where it should give {first.expected}"
    raise JudgementError(message + (f" at {where}" if where else ""))
