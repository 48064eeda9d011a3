"""A key into pages: the paper with room for answers, the worked key with its answers in boxes, and the worksheet in between.

Owns `Sheets`, `sheets_of` and `worksheet_of`.  May import everything but formats and cli.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile

from derive.arithmetic import Key, key_of
from derive.arraypages import array_sections, equation_rows
from derive.backward import Step
from derive.blocks import BLANK, Blank, Block, Boxed, Equations, Heading, Page, Prose, Row, Shown, Table, Text
from derive.decisions import Proof
from derive.derivation import Derivation
from derive.derivationpages import network_blocks, sections_of
from derive.errors import FormulaError, UsageError, shown
from derive.exercises.keys import asked_of
from derive.problem import Problem, missing_numbers
from derive.proofpages import proof_page
from derive.rounding import Rounding
from derive.scripts import label_symbol, script_of
from derive.sentences import Speaker, opening, speaker_of, title_of
from derive.symbols import Script
from derive.tensors.work import ArrayDerivation
from derive.updatepages import equalities
from derive.written import Later, Name, Partial, Product, Sum, Tree, walk


@dataclass(frozen=True)
class Sheets:
    """One problem as two documents that begin alike: `front`, then the `room` for answers or the `solution`."""

    title: str
    language: str
    script: Script
    front: tuple[Block, ...]
    room: tuple[Block, ...]
    solution: tuple[Block, ...]
    digits: str = "latin"

    @property
    def paper(self) -> Page:
        """What students get."""
        return Page(self.title, self.language, self.script, (*self.front, *self.room), self.digits)

    @property
    def key(self) -> Page:
        """What the marker gets."""
        return Page(self.title, self.language, self.script, (*self.front, *self.solution), self.digits)


def sheets_of(
    work: Derivation | ArrayDerivation | Proof, paper_id: str = "", language: str = "en", digits: str = "latin"
) -> Sheets:
    """The paper and the key of a problem worked out; `paper_id` names a variant, `digits` are those of `Page`."""
    return replace(_sheets(work, paper_id, language), digits=digits)


def _sheets(work: Derivation | ArrayDerivation | Proof, paper_id: str, language: str) -> Sheets:
    speaker, problem = speaker_of(work.problem, language), work.problem
    title = title_of(problem, speaker)
    if isinstance(work, Proof):
        page = proof_page(work, speaker)
        told: list[Block] = [Heading(1, title), *opening(problem, speaker)]
        after = [block for block in page.blocks if block not in told]
        start = [place for place, block in enumerate(after) if isinstance(block, Heading)][1]
        front, rest = [*_head(problem, paper_id, speaker), *after[:start]], tuple(after[start:])
        room: list[Block] = [_name_line(speaker), speaker.heading("to-answer"), Prose((BLANK,))]
        return Sheets(page.title, language, page.script, tuple(front), tuple(room), rest)
    if isinstance(work, ArrayDerivation):
        return _array_sheets(work, speaker)
    sections = sections_of(work, language)
    front = [*_head(problem, paper_id, speaker), *_network(problem, speaker), *_model(problem), *sections["kinks"]]
    rule = takewhile(lambda block: not isinstance(block, Table), sections["update"][1:])
    front += [*_data(problem, speaker), *rule]
    room = [_name_line(speaker), *_room(problem, work.rounding, speaker)]
    solution: list[Block] = [*sections["notation"], *sections["given"][-1:]]
    goals = set() if work.answers else {key_of(tree) for _, tree, _ in asked_of(problem)}
    solution += [_boxed_if(block, goals) for block in (*sections["forward"], *sections["backward"])]
    solution += sections["vectors"]
    solution += [_boxed(block) for block in sections["asked"]]
    solution += [_boxed_new(block, problem) for block in sections["update"]]
    if paper_id:
        solution += [speaker.heading("gates"), Prose(speaker.say("key", "gates", gates=gate_list(speaker)))]
    solution += sections["checks"]
    return Sheets(title, language, script_of(problem), tuple(front), tuple(room), tuple(solution))


def _array_sheets(work: ArrayDerivation, speaker: Speaker) -> Sheets:
    """The paper and the key of a problem over arrays: what is asked, or else every gradient."""
    problem, sections = work.problem, array_sections(work, speaker.language)
    front = [*_head(problem, "", speaker), *_network(problem, speaker), *equation_rows(problem, speaker)]
    front += [*sections["kinks"], *sections["given"]]
    gradients = [Partial(problem.train.loss, name) for name in problem.train.parameters]
    wanted = list(dict.fromkeys((*gradients, *(ask.tree for ask in problem.asks))))
    room: list[Block] = [_name_line(speaker), speaker.heading("to-answer")]
    room += [Equations((Row(tree, "=", BLANK),)) for tree in wanted]
    solution: list[Block] = [*sections["notation"], *sections["forward"]]
    for block in sections["backward"]:
        named = isinstance(block, Equations) and any(row.left in wanted for row in block.rows)
        solution.append(_boxed(block) if named else block)
    for name in ("second", "asked", "update", "checks"):
        solution += sections[name]
    return Sheets(title_of(problem, speaker), speaker.language, script_of(problem), tuple(front), tuple(room), tuple(solution))


def gate_list(speaker: Speaker) -> str:
    """The gates in words."""
    return speaker.semicolon.join(speaker.word("gate", gate) for gate in GATES)


GATES = ("ugly", "no-value", "kink", "dead", "saturated", "vanishing", "tie", "slip")
"""The gates in the order they are tried."""


def rejections(papers: int, gates: Collection[str], language: str = "en") -> str:
    """One sentence: how many papers were made, and how many draws each gate turned away."""
    speaker = Speaker(language)
    counts = [(list(gates).count(gate), gate) for gate in GATES]
    parts = [f"{count} {speaker.word('gate', gate)}" for count, gate in sorted(counts, key=lambda c: -c[0]) if count]
    if not parts:
        return speaker.word("key", "none-rejected", papers=papers)
    return speaker.word("key", "rejected", papers=papers, draws=len(gates), gates=speaker.comma.join(parts))


def repeated(papers: int, language: str = "en") -> str:
    """One sentence: how many papers have the numbers of an earlier one."""
    return Speaker(language).word("key", "repeated", papers=papers)


def _head(problem: Problem, paper_id: str, speaker: Speaker) -> list[Block]:
    blocks: list[Block] = [Heading(1, title_of(problem, speaker))]
    if paper_id:
        blocks.append(Prose(speaker.say("key", "paper", id=paper_id)))
    return [*blocks, *opening(problem, speaker)]


def _name_line(speaker: Speaker) -> Block:
    return Prose((speaker.word("key", "name"), " ", BLANK))


def _network(problem: Problem, speaker: Speaker) -> list[Block]:
    """The network with the numbers that are given; any other would be an answer."""
    return network_blocks(problem, problem.example(0) if problem.arrays is None else {}, speaker)


def _model(problem: Problem) -> list[Block]:
    """The network as equations, each on a line."""
    return [Equations(tuple(Row(Name(equation.goal), "=", equation.rhs) for equation in problem.network.equations))]


def _data(problem: Problem, speaker: Speaker) -> list[Block]:
    """The given numbers, every example's too."""
    used = {name: number for name, number in problem.given.items() if name in problem.network.free_set}
    lines: list[Text] = [equalities(used, speaker)] if used else []
    for place, example in enumerate(problem.examples, start=1):
        lines.append((*speaker.say("key", "example", k=place), " ", *equalities(example, speaker)))
    if problem.train.given:
        lines.append(equalities(problem.train.given, speaker))
    return [speaker.heading("given"), *map(Prose, lines)] if lines else []


def _room(problem: Problem, rounding: Rounding, speaker: Speaker) -> list[Block]:
    """What is asked, each with room for the answer."""
    blocks: list[Block] = [speaker.heading("to-answer")]
    if not missing_numbers(problem):
        kind, n = ("places", rounding.places) if rounding.places is not None else ("digits", rounding.digits)
        what = speaker.word("text", f"what-{kind}", n=n)
        blocks.append(Prose(speaker.say("key", f"to-{rounding.carry}", what=what)))
    if problem.asks:
        for ask in problem.asks:
            label = speaker.label(ask.label)
            if label == ask.label and label_symbol(label) is not None:
                rows = (Row(Name(f"label:{label}"), "=", ask.tree), Row(None, "=", BLANK))
                blocks.append(Equations(rows))
            else:
                blocks += [Prose((label + ":",)), Equations((Row(ask.tree, "=", BLANK),))]
        return blocks
    loss, *rest = [tree for _, tree, _ in asked_of(problem)]
    blocks.append(Equations((Row(loss, "=", BLANK),)))
    gradients = [tree for tree in rest if isinstance(tree, Partial)]
    moves = len(rest) > len(gradients)
    head = tuple(speaker.word("column", key) for key in ("parameter", "gradient", "new")[: 2 + moves])
    table = tuple(((Name(tree.wrt),), (tree, " = ", BLANK), *(((BLANK,),) if moves else ())) for tree in gradients)
    return [*blocks, Table(head, table)] if table else blocks


# --- boxes ------------------------------------------------------------------------------------------------------------


def _boxed(block: Block) -> Block:
    """A chain with its last right side in a box."""
    if not isinstance(block, Equations):
        return block
    last = block.rows[-1]
    return Equations((*block.rows[:-1], replace(last, right=_in_box(last.right))))


def _boxed_if(block: Block, goals: Collection[Key | None]) -> Block:
    if isinstance(block, Equations) and block.rows[0].left is not None and key_of(block.rows[0].left) in goals:
        return _boxed(block)
    return block


def _boxed_new(block: Block, problem: Problem) -> Block:
    """The update with every new parameter in a box."""
    if not _is_update(block):
        return block
    assert isinstance(block, Table)
    parameters = {Name(name) for name in problem.train.parameters}
    rows = []
    for row in block.rows:
        goal = row[0][0]
        new = (goal.body if isinstance(goal, Later) else goal) in parameters
        last = tuple(part if isinstance(part, str) else _in_box(part) for part in row[-1])
        rows.append((*row[:-1], last) if new else row)
    return Table(block.head, tuple(rows))


def _is_update(block: Block) -> bool:
    """Whether a block is the table of the update: its rows begin with what moves."""
    return isinstance(block, Table) and isinstance(block.rows[0][0][0], Name | Later)


def _in_box(shown: Shown) -> Shown:
    return shown if isinstance(shown, Blank | Boxed) else Boxed(shown)


# --- the worksheet ----------------------------------------------------------------------------------------------------


def worksheet_of(
    work: Derivation, blanks: Collection[str] = (), paper_id: str = "", language: str = "en", digits: str = "latin"
) -> Page:
    """The derivation with lines left out to fill in: the result of each step named in `blanks` (of every step, when none is named),
    and every line whose numbers would give such a result away.

    Raises UsageError for a quantity without a step.
    """
    speaker, problem, sections = speaker_of(work.problem, language), work.problem, sections_of(work, language)
    steps = {key_of(step.goal): step for step in (*work.forward, *work.partials)}
    chosen = _chosen(blanks, problem, steps) or set(steps)
    formulas = {key: step.answer for key, step in steps.items() if key in chosen and not step.lines[-1].numeric}
    answers: dict[Key | None, Counter[Tree]] = {key: _factors(tree) for key, tree in formulas.items() if isinstance(key, Partial)}
    blocks: list[Block] = [*_head(problem, paper_id, speaker), _name_line(speaker)]
    blocks += [*_network(problem, speaker), *sections["notation"], *sections["kinks"]]
    blocks += [*_data(problem, speaker), *sections["given"][-1:]]
    for block in (*sections["forward"], *sections["backward"]):
        goal = key_of(block.rows[0].left) if isinstance(block, Equations) and block.rows[0].left is not None else None
        if isinstance(block, Equations) and goal in steps:
            block = _with_blanks(block, steps[goal], chosen, answers)
        blocks.append(block)
    updates = next((place for place, block in enumerate(sections["update"]) if isinstance(block, Table)), -1)
    blocks += [_table_with_blanks(block, chosen, problem) for block in sections["update"][: updates + 1]]
    return Page(title_of(problem, speaker), language, script_of(problem), tuple(blocks), digits)


def _chosen(blanks: Collection[str], problem: Problem, steps: dict[Key | None, Step]) -> set[Key | None]:
    found: set[Key | None] = set()
    for text in blanks:
        try:
            key = key_of(problem.read(text))
        except FormulaError as error:
            raise UsageError(f"--blank {shown(text)}: {error}") from None
        if key not in steps:
            raise UsageError(f"--blank {shown(text)}: the page has no step for it")
        found.add(key)
    return found


def _mentions(trees: Iterable[Tree], chosen: Collection[Key | None]) -> bool:
    return any(key_of(node) in chosen for tree in trees for node in walk(tree) if key_of(node) is not None)


def _factors(tree: Tree) -> Counter[Tree]:
    """What a product is made of, products in it opened; anything else is one factor."""
    if not isinstance(tree, Product):
        return Counter([tree])
    return sum((_factors(factor) for factor in tree.factors), Counter())


def _spells_out(tree: Tree, key: Key | None, answers: Mapping[Key | None, Counter[Tree]]) -> bool:
    """Whether a line of one step writes out the answer that another one leaves blank."""
    told = [_factors(node) for node in walk(tree) if isinstance(node, Product | Sum)]
    others = [answer for other, answer in answers.items() if other != key and answer.total() > 1]
    return any(answer <= factors for answer in others for factors in told)


def _with_blanks(
    block: Equations, step: Step, chosen: Collection[Key | None], answers: Mapping[Key | None, Counter[Tree]]
) -> Block:
    given_away = _mentions((line.tree for line in step.lines if not line.numeric), chosen)
    asked = key_of(step.goal) in chosen
    before = len(block.rows) - len(step.lines)
    rows = list(block.rows[:before])
    for place, (row, line) in enumerate(zip(block.rows[before:], step.lines, strict=True)):
        last = place == len(step.lines) - 1
        hide = (last and asked) or (line.law == "numbers" and given_away) or _spells_out(line.tree, key_of(step.goal), answers)
        rows.append(replace(row, right=BLANK) if hide else row)
    return Equations(tuple(rows))


def _table_with_blanks(block: Block, chosen: Collection[Key | None], problem: Problem) -> Block:
    """The update with everything blank that rests on a blanked gradient."""
    if not _is_update(block):
        return block
    assert isinstance(block, Table)
    train = problem.train
    owner = {own: name for name in train.parameters for own in train.names(name).values()}
    kept = len(block.head) - 3 if len(block.head) > 3 else 1
    rows = []
    for row in block.rows:
        goal = row[0][0]
        moved = goal.body if isinstance(goal, Later) else goal
        hidden = isinstance(moved, Name) and Partial(train.loss, owner[moved.name]) in chosen
        rows.append((*row[:kept], *(((BLANK,),) * (len(row) - kept) if hidden else row[kept:])))
    return Table(block.head, tuple(rows))
