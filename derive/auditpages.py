"""The page of an audit, and of a class: a table line by line, then the story.

Owns `audit_page`, `class_page`, `slip_sentence` and `sentence_at`.  May import: written, rounding, exercises, blocks, catalogues,
sentences, scripts, trialpages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from derive.blocks import Block, Heading, Page, Part, Prose, Table, Text
from derive.catalogues import catalogue
from derive.errors import shown
from derive.exercises.classes import Class, Item, Summary
from derive.exercises.verdicts import VERDICTS, Audit, Judged, Named, Note
from derive.rounding import Rounding
from derive.scripts import script_of
from derive.sentences import Speaker, separated, title_of
from derive.trialpages import apart, code_named, given_number, trial_blocks
from derive.written import Name, Tree

WIDEST_BAR = 24


def audit_page(audit: Audit, speaker: Speaker, rounding: Rounding) -> Page:
    """The page of one paper's audit."""
    title = speaker.word("audit", "title", title=title_of(audit.problem, speaker))
    blocks: list[Block] = [Heading(1, title)]
    if audit.trial is not None:
        blocks.append(Prose((code_named(audit.trial),)))
    if audit.paper.student or audit.paper.variant:
        whose = " · ".join(shown(part) for part in (audit.paper.student, audit.paper.variant) if part)
        blocks.append(Prose((whose,)))
    blocks += [_lines_table(audit, speaker, rounding), *_story(audit, speaker, rounding), *_closing(audit, speaker)]
    return Page(title, speaker.language, script_of(audit.problem), tuple(blocks))


def _lines_table(audit: Audit, speaker: Speaker, rounding: Rounding) -> Table:
    head = tuple(speaker.word("audit", key) for key in ("line", "given", "expected", "verdict", "why"))
    rows = []
    for line in audit.lines:
        name: Text = (shown(line.name),) if line.entry.quantity is None else (line.entry.quantity,)
        fine = rounding if audit.trial is None else apart(line, rounding)
        given: Text = (shown(line.entry.text) or "–",) if audit.trial is None else _returned(line, fine)
        rows.append(
            (name, given, _expected(line, fine), (speaker.word("verdict", line.verdict),), _why(line, speaker, rounding))
        )
    return Table(head, tuple(rows), tuple(line.verdict for line in audit.lines))


def _returned(line: Judged, rounding: Rounding) -> Text:
    """What a function returned, in so many digits."""
    return (given_number(line, rounding) or shown(line.entry.text) or "–",)


LONG = ("witness", "false-arithmetic", "false-arithmetic-alone")
"""Notes that are sentences, and stand in the story."""


def _expected(line: Judged, rounding: Rounding) -> Text:
    if line.value is not None:
        return (rounding.number(line.value),)
    return ("–",) if line.formula is None else (line.formula,)


def _why(line: Judged, speaker: Speaker, rounding: Rounding) -> Text:
    reasons: list[Text] = [(slip,) for slip in line.slips]
    if line.verdict == "carried":
        reasons.append(speaker.say("audit", "from", lines=_names(line.sources, speaker)))
    reasons += [_note(note, speaker, rounding) for note in line.notes if note.key not in LONG]
    if line.entry.fault:
        reasons.append((line.entry.fault,))
    reasons += [speaker.say("note", note) for note in line.entry.notes]
    return separated(reasons, speaker.semicolon)


def _names(typed: Iterable[str], speaker: Speaker) -> str:
    return speaker.comma.join(map(shown, typed))


def _note(note: Note, speaker: Speaker, rounding: Rounding) -> Text:
    parts = dict(note.parts)
    if "value" in parts:
        parts["value"] = rounding.number(parts["value"])
    if "fits" in parts:
        parts["fits"] = separated(((Name(name), " = ", number) for name, number in parts["fits"]), speaker.comma)
    return speaker.say("note", note.key, **parts)


# --- the story ------------------------------------------------------------------------------------------------------------


def _story(audit: Audit, speaker: Speaker, rounding: Rounding) -> list[Block]:
    wrong = [line for line in audit.lines if line.verdict == "wrong"]
    carried = [line for line in audit.lines if line.verdict == "carried"]
    blocks: list[Block] = []
    if wrong:
        first = wrong[0]
        blocks += [Heading(2, speaker.word("audit", "first-heading")), Prose(_line_sentence(first, speaker, rounding, audit))]
    if audit.slips:
        blocks.append(Heading(2, speaker.word("audit", "slips-heading")))
        for number, (_, group) in enumerate(groupby(audit.slips, key=_group), start=1):
            blocks += [Prose(_numbered(number, text)) for text in _told(list(group), speaker)]
    if carried:
        pairs = [(shown(line.name), _names(line.sources, speaker)) for line in carried]
        told = speaker.semicolon.join(speaker.word("audit", "follows", line=name, lines=sources) for name, sources in pairs)
        blocks += [Heading(2, speaker.word("audit", "carried-heading")), Prose((f"{told}.",))]
    left = [line for line in wrong if not line.slips]
    if left:
        blocks.append(Heading(2, speaker.word("audit", "unexplained-heading")))
        rest = [Prose(_line_sentence(line, speaker, rounding, audit)) for line in left if line is not wrong[0]]
        if audit.trial is not None and not audit.trial.searched:
            blocks += [Prose(speaker.say("trial", "not-searched")), *rest]
        else:
            blocks += rest or [Prose(speaker.say("audit", "unexplained", line=shown(left[0].name)))]
    if wrong:
        head = (speaker.word("audit", "line"), speaker.word("audit", "corrected"))
        places = audit.trial.places if audit.trial is not None else {}
        rows: list[tuple[Text, ...]] = [((place,), (formula,)) for place, formula in places.items()]
        rows += [
            ((line.entry.quantity or line.name,), _corrected(line, rounding, audit))
            for line in (*wrong, *carried)
            if audit.trial is None or (line.formula is not None and line.entry.quantity not in places)
        ]
        blocks += [Heading(2, speaker.word("audit", "corrected-heading")), Table(head, tuple(rows))] if rows else []
    return blocks


def _group(slip: Named) -> tuple[Any, ...]:
    return (slip.tie or slip.id, None if slip.tie else slip.variant, slip.number)


def _numbered(number: int, text: Text) -> Text:
    return (f"{number}. ", *text)


def _told(slips: Sequence[Named], speaker: Speaker) -> list[Text]:
    """One slip at one or more places, or a tie of several, in sentences."""
    sentences = []
    for _, same in groupby(slips, key=lambda slip: (slip.id, slip.variant)):
        places = list(same)
        lines = _names(dict.fromkeys(line for slip in places for line in slip.explains), speaker)
        where = speaker.say("audit", "places", first=places[0].where, last=places[-1].where, n=len(places))
        said = (
            separated([sentence_at(slip, (slip.where,), speaker) for slip in places], speaker.semicolon)
            if len(places) <= 3
            else sentence_at(places[0], where, speaker)
        )
        sentences.append(speaker.say("audit", "slip", id=places[0].id, said=said, lines=lines))
    if len(sentences) == 1:
        return sentences
    return [separated([speaker.say("audit", "tie"), *sentences], " ")]


def slip_sentence(slip: Named, speaker: Speaker) -> Text:
    """What was done in a slip, and where."""
    return sentence_at(slip, (slip.where,), speaker)


def sentence_at(slip: Named, where: Text, speaker: Speaker) -> Text:
    """What was done in a slip, and where, in these words."""
    words = catalogue(speaker.language)["slip"]
    kind = slip.variant.partition(" ")[0].partition("-")[0] if slip.id == "stale-forward" else slip.variant
    key = next((k for k in (f"{slip.id}-{kind}", slip.id) if k in words), slip.id)
    said = [_shown(tree, speaker) for tree in slip.said]
    parts: dict[str, Any] = {"where": where, "wrong": said[0] if said else "", "right": said[-1] if said else ""}
    if slip.number is not None and slip.given is not None:
        parts |= {"number": slip.number, "given": slip.given}
    return speaker.say("slip", key, **parts)


def _shown(tree: Tree, speaker: Speaker) -> Part:
    operation = tree.name.partition("operation:")[2] if isinstance(tree, Name) else ""
    return speaker.word("operation", operation) if operation else tree


def _line_sentence(line: Judged, speaker: Speaker, rounding: Rounding, audit: Audit) -> Text:
    name = line.entry.quantity or shown(line.name)
    given: Text = (shown(line.entry.text),)
    if audit.trial is not None:
        rounding = apart(line, rounding)
        given = _returned(line, rounding)
    key = "stands" if line.entry.text or audit.trial is None else "stands-alone"
    parts = speaker.say("audit", key, place=_place(line.entry.place, speaker), line=name, given=given)
    expected = _expected(line, rounding)
    if expected != ("–",):
        parts = (*parts, *speaker.say("audit", "should", expected=expected))
    parts = (*parts, ".")
    for note in line.notes:
        parts = (*parts, " ", *_capital(_note(note, speaker, rounding)), ".")
    return parts


def _place(place: str, speaker: Speaker) -> str:
    """Where an answer stands: a line of a text, a row of a table and perhaps its column, an input, else the path to it."""
    found = re.fullmatch(r"(line|row|input) (\d+)(?:, column (.*))?", place, re.DOTALL)
    if found is None:
        return place
    key = f"at-{found[1]}" if found[3] is None else "at-column"
    return speaker.word("audit", key, n=found[2], column=found[3])


def _capital(text: Text) -> Text:
    first, *rest = text
    return (first[:1].upper() + first[1:] if isinstance(first, str) else first, *rest)


def _corrected(line: Judged, rounding: Rounding, audit: Audit) -> Text:
    if audit.trial is not None and line.formula is not None:
        return (line.formula,)
    if line.formula is not None and line.value is not None:
        return (line.formula, " ≈ ", *_expected(line, rounding))
    return _expected(line, rounding)


def _closing(audit: Audit, speaker: Speaker) -> list[Block]:
    blocks: list[Block] = []
    for convention in audit.conventions:
        blocks += [
            Heading(2, speaker.word("audit", "conventions-heading")),
            Prose((speaker.word("convention", convention.id), " ", _names(convention.lines, speaker), ".")),
        ]
    counts = speaker.comma.join(f"{count} {speaker.word('verdict', verdict)}" for verdict, count in audit.score.items() if count)
    told = [Prose(speaker.say("audit", "how"))] if audit.trial is None else trial_blocks(audit.trial, speaker)
    return [*blocks, Heading(2, speaker.word("audit", "score-heading")), Prose((f"{counts}.",)), *told]


# --- a class --------------------------------------------------------------------------------------------------------------


def class_page(grades: Class | Summary, speaker: Speaker) -> Page:
    """The page of a class: each student's count of verdicts, where they are listed, then a bar for each item."""
    summary = grades.summary if isinstance(grades, Class) else grades
    title = speaker.word("audit", "class-title", title=title_of(summary.problem, speaker), n=summary.papers)
    blocks: list[Block] = [Heading(1, title)]
    if summary.standings or not summary.papers:
        head = (
            speaker.word("audit", "student"),
            *(speaker.word("verdict", verdict) for verdict in VERDICTS),
            speaker.word("audit", "slips"),
        )
        rows: list[tuple[Text, ...]] = []
        for one in summary.standings:
            rows.append(((shown(one.student) or "–",), *((str(n),) for n in one.counts), (speaker.comma.join(one.slips),)))
        blocks.append(Table(head, tuple(rows)))
    else:
        blocks.append(Prose((speaker.word("audit", "not-listed"),)))
    items = tuple(_bar(item, summary.papers, speaker) for item in summary.items)
    columns = tuple(speaker.word("audit", key) for key in ("line", "bar", "good", "slips"))
    blocks += [
        Heading(2, speaker.word("audit", "items-heading")),
        Prose((speaker.word("audit", "legend"),)),
        Table(columns, items),
    ]
    return Page(title, speaker.language, script_of(summary.problem), tuple(blocks))


SHADES = {"right": "█", "rounded": "▓", "carried": "▒", "wrong": "░"}


def _bar(item: Item, papers: int, speaker: Speaker) -> tuple[Text, ...]:
    """One item's row: its name, a bar with a shade for each verdict, how many have it right, and the slips."""
    bar, told = "", 0
    for verdict, shade in SHADES.items():
        told += item.verdicts[verdict]
        bar += shade * (round(WIDEST_BAR * told / papers) - len(bar))
    good = item.verdicts["right"] + item.verdicts["rounded"]
    told_slips = sorted(item.slips.items(), key=lambda pair: (-pair[1], pair[0]))
    slips = speaker.comma.join(f"{slip} {count}" for slip, count in told_slips)
    return (shown(item.name),), (f"{bar:·<{WIDEST_BAR}}",), (f"{good}/{papers}",), (slips,)
