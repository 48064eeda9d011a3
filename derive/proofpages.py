"""The page of a decision proof.

Owns `proof_page`.  May import: blocks, catalogues, sentences, scripts, decisions.
"""

from __future__ import annotations

from dataclasses import replace

from derive.backward import Line, Step
from derive.blocks import Block, Equations, Figure, Heading, Page, Prose, Row
from derive.catalogues import catalogue
from derive.decisions import Proof
from derive.layouts import network_picture
from derive.planes import boundary_picture
from derive.scripts import RESERVED
from derive.sentences import Speaker, opening, separated, title_of
from derive.symbols import Script
from derive.written import (
    Name,
    Relation,
    Tree,
)

DRAWN = "to-logistic"
"""The part behind which both classifiers are drawn."""


def proof_page(proof: Proof, speaker: Speaker) -> Page:
    """The page of a proof: each part with its sentence and its chains, then the answer."""
    problem = proof.problem
    script = Script(problem.names, problem.notation, extra=RESERVED)
    facts = dict(proof.facts)
    blocks: list[Block] = [Heading(1, title_of(problem, speaker)), *opening(problem, speaker)]
    blocks += [speaker.heading("classifiers"), *(Equations((Row(Name(e.goal), "=", e.rhs),)) for e in problem.network.equations)]
    picture = network_picture(problem, {}, speaker)
    blocks += [Figure(replace(picture, paths={}))] if picture is not None else []  # nothing is differentiated here
    blocks.append(Prose(speaker.say("proof", "rules", **facts)))
    for part in proof.parts:
        blocks.append(Heading(2, speaker.word("proof", f"{part.key}-heading")))
        blocks.append(Prose(speaker.say("proof", part.key, **facts)))
        blocks += [_proof_chain(step, speaker) for step in part.steps]
        if part.key == DRAWN:
            blocks.append(Figure(*boundary_picture(proof, script, speaker)))
    blocks += [speaker.heading("answer"), Prose(speaker.say("proof", "answer", **facts))]
    checks = proof.checks
    blocks += [speaker.heading("checks"), Prose(speaker.say("proof", "checked", judged=checks.judged, lines=checks.lines))]
    return Page(title_of(problem, speaker), speaker.language, script, tuple(blocks))


def _proof_chain(step: Step, speaker: Speaker) -> Equations:
    rows: list[Row] = []
    if isinstance(step.goal, Relation):
        rows.append(Row(step.goal, "", step.goal))
    for place, line in enumerate(step.lines, start=1):
        conditions = separated(((condition,) for condition in line.holds), speaker.comma)
        if line.law == "operation":
            reason = speaker.say("law", "operation", operation=(Name(f"operation:{line.about[0]}"),))
        elif line.law == "divide-by-positive":
            reason = speaker.say("law", line.law, by=step_condition(line))
            conditions = ()
        else:
            reason = (
                speaker.say("proof", line.law) if line.law in catalogue(speaker.language)["proof"] else speaker.say("law", line.law)
            )
        reason = (*reason, " (", *conditions, ")") if conditions else reason
        depth = 0 if place == len(step.lines) else 1
        rows.append(Row(None if rows else step.goal, line.relation, line.tree, reason, depth))
    return Equations(tuple(rows))


def step_condition(line: Line) -> Tree:
    """What a line says is positive."""
    condition = line.holds[0]
    assert isinstance(condition, Relation)
    return condition.left
