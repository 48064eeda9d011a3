"""The page that explains one thing by its name: a law, a slip, an operation, an update rule; and the list of all of them.

Owns `explained`, `list_page` and `EXAMPLES`, where each law is shown at work.  What stands on a page was derived, proved or audited
for it.  May import everything but formats and cli.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from derive.blocks import Block, Equations, Heading, Page, Prose, Row, Table, Text
from derive.decisions import Proof, prove_decisions
from derive.derivation import Derivation, derive
from derive.derivationpages import sections_of
from derive.errors import UsageError, shown, suggest
from derive.exercises.answers import read_answers
from derive.exercises.audit import audit_papers
from derive.pages import page_of
from derive.problem import Problem
from derive.rounding import Rounding
from derive.scripts import RESERVED
from derive.sentences import Speaker, speaker_of, title_of
from derive.spec import find, load_text
from derive.symbols import Script
from derive.tables.laws import LAWS
from derive.tables.ops import ALIASES, OPS
from derive.tables.rules import RULES
from derive.tables.slips import SLIPS
from derive.updatepages import equalities, update_symbols
from derive.works import derive as work_out
from derive.written import Call, Name, Tree

STEP = '[given]\nz = 0.5\nw = 0.8\n[forward]\na = "step(z)"\nL = "w*a"\n'


@dataclass(frozen=True)
class Example:
    """Where a law is at work: a built-in problem, or the text of one, and the step, as it is typed; of a proof the first one."""

    problem: str
    step: str = ""


EXAMPLES: dict[str, Example] = {
    "definition": Example("q1", "net_h1"),
    "operation": Example("q1", "h1"),
    "chain-rule": Example("q1", "dL/dw5"),
    "chain-rule-sum": Example("q1", "dL/dh1"),
    "local-slopes": Example("q1", "dL/dw5"),
    "differentiate": Example("q1", "dL/dy1"),
    "no-slope": Example(STEP, "dL/dz"),
    "simplify": Example("q1", "dL/dy1"),
    "reuse-signal": Example("q1", "dL/dw5"),
    "update-rule": Example("q1", "w5+"),
    "numbers": Example("q1", "dL/dw5"),
    "value": Example("q1", "dL/dw5"),
    "stack": Example("q2", "df/da1"),
    "found-above": Example("q2", "df/da1"),
    "vector-form": Example("q2", "df/da1"),
    "entry": Example("dense", "Z"),
    "kronecker": Example("dense", "dL/dW"),
    "contract": Example("dense", "dL/dW"),
    "index-form": Example("softmax", "dp/dz"),
    "insert-found": Example("crossentropy", "dL/dz"),
    "known-sum": Example("crossentropy", "dL/dz"),
    "matrix-form": Example("dense", "dL/dW"),
    "divide-by-positive": Example("q3"),
    "exponentials": Example("q3"),
    "common-denominator": Example("q3"),
    "increasing-function": Example("q3"),
    "move-terms": Example("q3"),
    "distribute": Example("q3"),
    "turn-sign": Example("q3"),
    "match": Example("q3"),
}
"""For each law, the step that shows it best."""

MADE: dict[str, str] = {
    "loss-sign": "dL/dy1 = t1 - y1",
    "ascent": "w5+ = 0.438307\nnet_y1@1 = 1.284094",
    "missing-slope": "dL/dw5 = (y1 - t1)*h1",
    "slope-of-input": "dL/dw5 = (y1 - t1)*net_y1*(1 - net_y1)*h1",
    "missing-path": "dL/dh1 = dL/dnet_y1*w5",
    "extra-path": "dL/dnet_y2 = 0.094403\ndL/dh2 = 0.116360",
    "wrong-index": "dL/dw7 = dL/dnet_y1*h1",
    "transposed": "dL/dh1 = 0.036551\ndL/dh2 = 0.041494",
    "uses-updated-weights": "w5+ = 0.361693\nw6+ = 0.458917\ndL/dh1 = 0.032846",
    "missing-factor": "L = (t1 - y1)^2 + (t2 - y2)^2",
    "inverted": "dL/dw8 = dL/dnet_y2/h2",
    "missing-rate": "w5+ = w5 - dL/dw5",
    "wrong-given": "net_h1 = 0.05*0.15 + 0.1*0.52 + 0.35 = 0.4095",
    "bias-left-out": "net_h1 = w1*x1 + w3*x2",
    "stale-forward": "h1 = 0.594476\nh1@1 = 0.594476",
    "wrong-function": "h1 = tanh(net_h1)",
    "garbled-digits": "h1 = 0.549476",
    "false-arithmetic": "net_h1 = 0.05*0.15 + 0.1*0.25 + 0.35 = 0.3925",
}
"""For each slip, answers to the problem of `MADE_IN` in which somebody made it."""

MADE_IN = "q1"

NEURON = """
[given]
x = 0.5
w = 0.8
t = 1
[forward]
y = "w*x"
L = "half_squared_error(y, t)"
[train]
parameters = ["w"]
learning_rate = 0.1
rule = "{rule}"
"""

FUNCTIONS = ("function", "distribution", "constant")
"""Kinds of operation that are listed together."""


def groups() -> dict[str, tuple[str, ...]]:
    """The names that can be explained, by what they are."""
    kinds = {"activation": ("activation",), "loss": ("loss",), "function": FUNCTIONS}
    operations = {group: tuple(op.name for op in OPS.values() if op.kind in kind) for group, kind in kinds.items()}
    return {"law": tuple(LAWS), "slip": tuple(SLIPS), **operations, "rule": tuple(RULES)}


def named(word: str) -> tuple[str, str]:
    """The group and the name that are meant, however the name is spelled.  Raises UsageError where there is none."""
    stripped = word.strip()
    plain = ALIASES.get(stripped, ALIASES.get(stripped.lower(), stripped)).lower()
    spellings = (plain, plain.replace(" ", "-").replace("_", "-"), plain.replace(" ", "_").replace("-", "_"))
    for spelling in spellings:
        for group, names in groups().items():
            if spelling in names:
                return group, spelling
    known = [name for names in groups().values() for name in names]
    raise UsageError(f"nothing is called '{shown(word)}'{suggest(plain, known)} (derive explain lists what can be explained)")


def explained(word: str, language: str = "en") -> Page:
    """The page about a law, a slip, an operation or an update rule.  Raises UsageError for another word."""
    group, name = named(word)
    speaker = Speaker(language)
    make = {"law": _law, "slip": _slip, "rule": _rule}.get(group, _operation)
    title = speaker.word("explain", f"{group if group in ('law', 'slip', 'rule') else 'operation'}-title", name=name)
    script, blocks = make(name, speaker)
    return Page(title, language, script, (Heading(1, title), *blocks))


def list_page(language: str = "en") -> Page:
    """Everything that can be explained, in groups."""
    speaker = Speaker(language)
    title = speaker.word("explain", "list-title")
    blocks: list[Block] = [Heading(1, title), Prose(speaker.say("explain", "list"))]
    head = (speaker.word("explain", "name"), speaker.word("explain", "meaning"))
    for group, names in groups().items():
        rows = tuple(((name,), _meaning(group, name, speaker)) for name in names)
        blocks += [Heading(2, speaker.word("explain", f"{group}-heading")), Table(head, rows)]
    return Page(title, language, Script(), tuple(blocks))


def _meaning(group: str, name: str, speaker: Speaker) -> Text:
    """What something is, in a line."""
    match group:
        case "law":
            return speaker.say("law-statement", name)
        case "slip":
            return speaker.say("slip-statement", name)
        case "rule":
            return speaker.say("rule", name)
    return speaker.say("operation", name)


def _problem(source: str) -> Problem:
    """A built-in problem, or the one that a text holds."""
    return load_text(source) if "\n" in source else find(source)


# --- laws -----------------------------------------------------------------------------------------------------------------


def _law(name: str, speaker: Speaker) -> tuple[Script, list[Block]]:
    """What a law says, in small, and a step that a line of this kind stands in."""
    example = EXAMPLES[name]
    problem = _problem(example.problem)
    title = title_of(problem, speaker_of(problem, speaker.language))
    page, chain = _worked(problem, example.step, name, speaker)
    said = "worked" if "\n" not in example.problem else "worked-small"
    blocks: list[Block] = [Prose(speaker.say("law-statement", name))]
    blocks += [Prose(speaker.say("explain", "small", example=LAWS[name].example))]
    blocks += [Heading(2, speaker.word("explain", "worked-heading"))]
    return page.script, [*blocks, Prose(speaker.say("explain", said, title=title, problem=example.problem)), chain]


def _worked(problem: Problem, step: str, law: str, speaker: Speaker) -> tuple[Page, Equations]:
    """The page of a problem, and the chain with a line of this law, the one line that keeps its reason."""
    work = prove_decisions(problem) if problem.decision is not None else work_out(problem)
    steps = [its for part in work.parts for its in part.steps] if isinstance(work, Proof) else [work.step(step)]
    found = next(its for its in steps if any(line.law == law for line in its.lines))
    page = page_of(work if isinstance(work, Proof) else work.only(step), speaker.language)
    chains = [block.rows for block in page.blocks if isinstance(block, Equations)]
    rows = next(rows for rows in chains if any(row.right is found.lines[-1].tree for row in rows))
    own = [line.tree for line in found.lines if line.law == law]
    behind = len(rows) - len(found.lines)  # vectors are shown by the names of their components, so their lines go by place
    places = {place + behind for place, line in enumerate(found.lines) if line.law == law} if found.kind == "vector" else set()
    meant = [any(row.right is tree for tree in own) or place in places for place, row in enumerate(rows)]
    reasons = [(row.reason or (law,)) if here else () for row, here in zip(rows, meant, strict=True)]
    return page, Equations(tuple(replace(row, reason=reason) for row, reason in zip(rows, reasons, strict=True)))


# --- slips ----------------------------------------------------------------------------------------------------------------


def _slip(name: str, speaker: Speaker) -> tuple[Script, list[Block]]:
    """What is done instead, and answers in which somebody did it, as they are audited."""
    problem, rounding = find(MADE_IN), Rounding()
    audit = next(audit_papers(problem, read_answers(MADE[name], problem), rounding))
    page = page_of(audit, speaker.language, rounding)
    table = next(block for block in page.blocks if isinstance(block, Table))
    told = _section(page.blocks, speaker.word("audit", "slips-heading"))
    title = title_of(problem, speaker_of(problem, speaker.language))
    blocks: list[Block] = [Prose(speaker.say("slip-statement", name)), Heading(2, speaker.word("explain", "made-heading"))]
    return page.script, [*blocks, Prose(speaker.say("explain", "made", title=title, problem=MADE_IN)), table, *told]


def _section(blocks: Iterable[Block], title: str) -> list[Block]:
    """What stands under a heading, up to the next one."""
    found: list[Block] = []
    inside = False
    for block in blocks:
        if isinstance(block, Heading):
            inside = block.text == title
        elif inside:
            found.append(block)
    return found


# --- operations and update rules ------------------------------------------------------------------------------------------


def _operation(name: str, speaker: Speaker) -> tuple[Script, list[Block]]:
    """What an operation is, its formula, its slope with the convention at a kink, and its value and slopes at some numbers."""
    op = OPS[name]
    names = tuple(map(Name, ("z1", "z2", "z3")[: len(op.example)] if op.spread else op.arguments))
    meaning = speaker.word("operation", name)
    blocks: list[Block] = [Prose(speaker.say("explain", f"{op.kind}-is", title=meaning, call=Call(name, names)))]
    if op.formula is not None:
        blocks.append(Equations((Row(Call(name, names, 0 if op.spread else None), "=", op.formula(names, 0)),)))
    work = derive(load_text(_call_text(name, names)))
    sections = sections_of(work, speaker.language)
    blocks += sections["kinks"]
    at = {leaf.name: work.problem.given[leaf.name] for leaf in names}
    numbers = speaker.comma.join(f"{leaf} = {number.text.replace('-', '−')}" for leaf, number in at.items())
    title = speaker.word("explain", "at-heading", numbers=numbers)
    blocks += [Heading(2, title if at else speaker.word("explain", "worked-heading"))]
    blocks += [block for section in ("forward", "backward") for block in sections[section] if isinstance(block, Equations)]
    return Script(work.problem.names, extra={**RESERVED}), blocks


def _call_text(name: str, names: Iterable[Tree]) -> str:
    """A problem that is one call."""
    op = OPS[name]
    leaves = [leaf.name for leaf in names if isinstance(leaf, Name)]
    if not leaves:
        return f'[given]\nr = 0.5\n[forward]\na = "{name}()*r^2"\n[train]\nparameters = ["r"]\n'
    given = "".join(f"{leaf} = {text}\n" for leaf, text in zip(leaves, op.example, strict=True))
    goals = ", ".join(f"a{k}" for k in range(1, len(leaves) + 1)) if op.spread else "c" if "a" in leaves else "a"
    parameters = [leaf for leaf in leaves if leaf != "t"]
    inside = f'[forward]\n"{goals}" = "{name}({", ".join(leaves)})"\n'
    loss = '[train]\nloss = "a1"\n' if op.spread else "[train]\n"
    return f"[given]\n{given}{inside}{loss}parameters = {parameters}\n".replace("'", '"')


def _rule(name: str, speaker: Speaker) -> tuple[Script, list[Block]]:
    """How a rule moves any parameter, what its letters mean, and one update of one weight."""
    work = derive(load_text(NEURON.format(rule=name)))
    page = page_of(work, speaker.language)
    blocks = list(sections_of(work, speaker.language)["update"])
    place = next(k for k, block in enumerate(blocks) if isinstance(block, Table))
    head = tuple(speaker.word("column", key) for key in ("symbol", "meaning"))
    letters = Table(head, tuple(update_symbols(work.problem.train, speaker)))
    told: list[Block] = [*blocks[1:place], letters, Heading(2, speaker.word("explain", "worked-heading"))]
    return page.script, [*told, *_neuron(work, speaker), blocks[place]]


def _neuron(work: Derivation, speaker: Speaker) -> list[Block]:
    """The neuron whose weight moves, and its gradient."""
    network = Equations(tuple(Row(Name(equation.goal), "=", equation.rhs) for equation in work.problem.network.equations))
    gradient = page_of(work.only("dL/dw"), speaker.language).blocks[1:]
    numbers = equalities(work.problem.given, speaker)
    return [Prose(speaker.say("explain", "neuron", numbers=numbers)), network, *gradient]
