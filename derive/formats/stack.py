"""Papers as STACK questions, with a response tree for each answer: right, rounded, carried, then each slip with its own words.

Owns `render_stack`.  The fields are those that STACK's own reader takes, in the order in which it writes them; no seed is needed,
for every variant has its own numbers.  Each question brings its own tests.  May import: quizpages, rounding, formats.moodle,
formats.webtex, formats.plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from derive.arithmetic import Key
from derive.exercises.carrying import Carried
from derive.exercises.formulagradings import FormulaGrading
from derive.exercises.gradings import Grading
from derive.formats.markup import tag
from derive.formats.moodle import category, field, general_feedback, page, plain, said
from derive.formats.plain import typed
from derive.formats.webtex import literal, paragraphs, sentence
from derive.quizpages import Quiz
from derive.rounding import spell
from derive.tables.ops import OPS
from derive.written import Call, Name, Tree, walk

MOST_WRONG = 12
"""Slips that have a node of their own in one tree."""

CARRIED = "1"
"""What an answer is worth that follows from an earlier wrong one: the slip was paid for there."""

VERSION = "2024012900"
"""The version of STACK whose fields these are."""

PENALTY = "0.1"


@dataclass(frozen=True)
class Node:
    """A test of an answer: what is compared with what and how closely; then the score, the note and the words if it holds."""

    name: str
    student: str
    teacher: str
    within: str
    score: str
    feedback: str
    test: str = "NumAbsolute"


def render_stack(quizzes: Sequence[Quiz[Any]]) -> str:
    """The file that Moodle imports where STACK is installed; of many papers all questions are in one category."""
    first = quizzes[0]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<quiz>"]
    lines.append(category(first.name) if len(quizzes) == 1 else category(first.title, first.wholes))
    return "\n".join([*lines, *map(_question, quizzes), "</quiz>"]) + "\n"


def _question(quiz: Quiz[Any]) -> str:
    front = paragraphs(quiz.front, quiz.script, quiz.right_to_left)
    rows = [tag("p", sentence(quiz.carry, quiz.script, quiz.right_to_left))]
    for k, question in enumerate(quiz.questions, 1):
        what = f" ({question.what})" if question.what else ""
        find = sentence((*question.find, what), quiz.script, quiz.right_to_left)
        rows.append(tag("p", f"{find} [[input:ans{k}]] [[validation:ans{k}]]") + f"[[feedback:prt{k}]]")
    drawn = [_formula_answer(quiz, k) if quiz.in_symbols else _answer(quiz, k) for k in range(1, len(quiz.questions) + 1)]
    parts = [
        tag("name", tag("text", plain(f"{quiz.name}: {quiz.whole}"))),
        field("questiontext", page(quiz, "\n".join((front, *rows))), format="html"),
        field("generalfeedback", general_feedback(quiz, quiz.questions), format="html"),
        f"<defaultgrade>{len(quiz.questions)}</defaultgrade><penalty>{PENALTY}</penalty><hidden>0</hidden><idnumber></idnumber>",
        tag("stackversion", tag("text", VERSION)),
        tag("questionvariables", tag("text", plain(_definitions(quiz) if quiz.in_symbols else ""))),
        field("specificfeedback", "", format="html"),
        field("questionnote", literal(quiz.name), format="html"),
        "<questionsimplify>1</questionsimplify><assumepositive>0</assumepositive><assumereal>0</assumereal>",
        *(field(kind, "", format="html") for kind in ("prtcorrect", "prtpartiallycorrect", "prtincorrect")),
        "<decimals>.</decimals><scientificnotation>*10</scientificnotation><multiplicationsign>dot</multiplicationsign>",
        "<sqrtsign>1</sqrtsign><complexno>i</complexno><inversetrig>cos-1</inversetrig><logicsymbol>lang</logicsymbol>",
        "<matrixparens>[</matrixparens><variantsselectionseed></variantsselectionseed>",
    ]
    parts += [_input(answer) for answer in drawn]
    parts += [_tree(answer, said(quiz, question.unexplained)) for answer, question in zip(drawn, quiz.questions, strict=True)]
    parts += _tests(drawn)
    return tag("question", "\n".join(("", *parts, "")), type="stack")


@dataclass(frozen=True)
class Answer:
    """A field to answer in and its tree: the right answer, the `nodes`, the variables they use, and what the field takes.

    A field that other answers may rest on may stay empty, so that those are marked all the same.
    """

    k: int
    right: str
    nodes: tuple[Node, ...]
    variables: tuple[str, ...]
    optional: bool
    kind: str = "numerical"
    words: str = ""


def _input(answer: Answer) -> str:
    size, shown = ("15", "0") if answer.kind == "numerical" else ("40", "1")
    fields = {
        "name": f"ans{answer.k}", "type": answer.kind, "tans": answer.right, "boxsize": size, "strictsyntax": "1",
        "insertstars": "0", "syntaxhint": "", "syntaxattribute": "0", "forbidwords": "", "allowwords": answer.words,
        "forbidfloat": "0", "requirelowestterms": "0", "checkanswertype": "0", "mustverify": shown, "showvalidation": shown,
        "options": "allowempty" if answer.optional else "",
    }  # fmt: skip
    return tag("input", "".join(tag(name, plain(value)) for name, value in fields.items()))


# --- the tree -----------------------------------------------------------------------------------------------------------


def _is_source(quiz: Quiz[Any], key: Key) -> bool:
    """Whether another answer may follow from this one."""
    gradings = [question.grading for question in quiz.questions]
    if quiz.in_symbols:
        return any(key in grading.sources for grading in gradings)
    return any(key in grading.carried.sources for grading in gradings if grading.carried is not None)


def _answer(quiz: Quiz[Grading], k: int) -> Answer:
    """A number: what is tried on it, in this order."""
    question = quiz.questions[k - 1]
    grading, optional = question.grading, _is_source(quiz, question.grading.key)
    answer = f"seen{k}" if optional else f"ans{k}"
    nodes = [
        Node("right", answer, _number(grading.value), _half(grading), "1", said(quiz, question.right)),
        Node("rounded", answer, grading.shown, spell(grading.tolerance), "1", said(quiz, question.rounded)),
    ]
    variables = [f"seen{k}: if numberp(float(ans{k})) then ans{k} else 1.0e99;"] if optional else []
    if grading.carried is not None:
        nodes.append(Node("carried", f"way{k}", "0", "1", CARRIED, said(quiz, question.carried)))
        variables.append(_way(quiz, k, grading, grading.carried))
    for place, (wrong, feedback) in enumerate(zip(grading.wrong[:MOST_WRONG], question.wrong, strict=False), 1):
        name = f"{wrong.slips[0].slip}-{place}"
        nodes.append(Node(name, answer, spell(wrong.value), spell(wrong.tolerance), "0", said(quiz, feedback)))
    return Answer(k, grading.shown, tuple(nodes), tuple(variables), optional)


def _formula_answer(quiz: Quiz[FormulaGrading], k: int) -> Answer:
    """A formula: what it is compared with, in this order."""
    question = quiz.questions[k - 1]
    grading, optional = question.grading, _is_source(quiz, question.grading.key)
    full = f"subst(forward,{maxima(grading.formula)})"
    right = Node("right", f"subst(forward,ans{k})", full, "", "1", said(quiz, question.right), "AlgEquiv")
    nodes, variables = [right], []
    if grading.carried is not None:
        places = [next(k for k, other in enumerate(quiz.questions, 1) if other.grading.key == key) for key in grading.sources]
        plainly = " or ".join(f"is(ans{place}=EMPTYANSWER) or is(abs(ans{place})=1) or is(ans{place}=0)" for place in places)
        variables = [f"way{k}: if {plainly} then EMPTYANSWER else {maxima(grading.carried)};"]
        nodes.append(Node("carried", f"ans{k}", f"way{k}", "", CARRIED, said(quiz, question.carried), "AlgEquiv"))
    for place, (wrong, feedback) in enumerate(zip(grading.wrong[:MOST_WRONG], question.wrong, strict=False), 1):
        name = f"{wrong.slips[0].slip}-{place}"
        nodes.append(Node(name, f"ans{k}", maxima(wrong.formula), "", "0", said(quiz, feedback), "AlgEquiv"))
    words = ",".join(name for name in _functions(*_trees(grading)) if name not in BUILT_IN and OPS[name].arguments)
    return Answer(k, maxima(grading.formula), tuple(nodes), tuple(variables), optional, "algebraic", words)


def _trees(grading: FormulaGrading) -> list[Tree]:
    """Every formula that has to do with an answer."""
    wrong = (wrong.formula for wrong in grading.wrong[:MOST_WRONG])
    return [grading.formula, *(tree for _, tree in grading.forward), *wrong]


BUILT_IN = frozenset(("exp", "log", "sqrt", "abs", "max", "min", "tanh", "sin", "cos", "erf"))
"""Operations that Maxima has by the same name."""


def maxima(tree: Tree) -> str:
    """A formula as Maxima reads it."""
    return typed(tree).replace("pi()", "%pi")


def _functions(*trees: Tree) -> tuple[str, ...]:
    """The operations in some formulas, and those in theirs, each once and after those it is made of."""
    found: dict[str, None] = {}
    for tree in trees:
        for node in walk(tree):
            if isinstance(node, Call) and node.function not in found:
                formula = OPS[node.function].formula
                inner = () if formula is None else _functions(formula(node.arguments, node.part or 0))
                found |= dict.fromkeys(inner) | {node.function: None}
    return tuple(found)


def _definitions(quiz: Quiz[FormulaGrading]) -> str:
    """The operations that these formulas call by name, for Maxima: sigmoid(z):=1/(1 + exp(-z));"""
    lines = []
    for name in _functions(*(tree for question in quiz.questions for tree in _trees(question.grading))):
        op = OPS[name]
        if op.formula is not None and len(op.arguments) == 1 and name not in BUILT_IN:
            lines.append(f"{name}(z):={maxima(op.formula((Name('z'),), 0))};")
    forward = ",".join(f"{name}={maxima(tree)}" for name, tree in quiz.questions[0].grading.forward)
    return "\n".join([*lines, f"forward: [{forward}];"])


def _half(grading: Grading) -> str:
    """Half a unit of the last digit asked for, and a hair: by so much a rounded value differs."""
    asked, value = grading.asked, grading.value
    if asked.places is None and not value:
        return spell(grading.tolerance)
    place = -asked.places if asked.places is not None else value.adjusted() - asked.digits + 1
    return spell(Decimal("0.500000001").scaleb(place))


def _number(value: Decimal) -> str:
    """A value to the digits that Maxima's floats hold."""
    return spell(Decimal(f"{value:.16e}"))


def _tree(answer: Answer, last: str) -> str:
    """The tree: each node goes on to the next, and the last says that no slip is known."""
    k, nodes = answer.k, answer.nodes
    head = f"<name>prt{k}</name><value>1.0000000</value><autosimplify>1</autosimplify><feedbackstyle>1</feedbackstyle>"
    head += tag("feedbackvariables", tag("text", "\n".join(map(plain, answer.variables))))
    written = []
    for place, node in enumerate(nodes):
        ends = place == len(nodes) - 1
        fields = {"name": str(place), "description": node.name, "answertest": node.test, "sans": node.student, "tans": node.teacher,
                  "testoptions": node.within, "quiet": "1", "truescoremode": "=", "truescore": node.score, "truepenalty": "",
                  "truenextnode": "-1", "trueanswernote": f"prt{k}-{node.name}"}  # fmt: skip
        otherwise = {"falsescoremode": "=", "falsescore": "0", "falsepenalty": ""}
        otherwise |= {"falsenextnode": "-1", "falseanswernote": f"prt{k}-unexplained"} if ends else {
            "falsenextnode": str(place + 1), "falseanswernote": f"prt{k}-not-{node.name}"}  # fmt: skip
        body = "".join(tag(name, plain(value)) for name, value in fields.items())
        body += field("truefeedback", node.feedback, format="html")
        body += "".join(tag(name, plain(value)) for name, value in otherwise.items())
        written.append(tag("node", body + field("falsefeedback", last if ends else "", format="html")))
    return tag("prt", "\n".join((head, *written)))


def _way(quiz: Quiz[Grading], k: int, grading: Grading, carried: Carried) -> str:
    """How far an answer is from what follows from the other ones, in units of what rounding can do; 2 where that is no question.

    It is one where all of them are numbers, not 0 or ±1, which leave nothing to be worked out, and one of them is not accepted.
    """
    by_key = {other.grading.key: (place, other.grading) for place, other in reversed(list(enumerate(quiz.questions, 1)))}
    sources = [by_key[key] for key in carried.sources]
    given = " and ".join(f"numberp(float(ans{place}))" for place, _ in ((k, grading), *sources))
    real = " and ".join(f"not(member(float(abs(ans{place})),[0.0,1.0]))" for place, _ in sources)
    wrong = " or ".join(f"is(abs(ans{place}-({other.shown}))>{spell(other.tolerance)})" for place, other in sources)
    turn = "-" if grading.negative else ""
    distance = f"(ans{k}-{turn}({maxima(carried.tree)}))/({carried.unit:.6e}*({maxima(carried.size)})+1.0e-30)"
    return f"way{k}: if {given} then (if {real} and ({wrong}) then float({distance}) else 2) else 2;"


# --- its own tests ------------------------------------------------------------------------------------------------------


def _tests(answers: Sequence[Answer]) -> Iterable[str]:
    """The tests that STACK runs on a question: everything right; then for each answer its likeliest slip, the others right."""
    right = [answer.right for answer in answers]
    yield _test(1, right, [(answer.k, "1.0000000", "0.0000000", f"prt{answer.k}-right") for answer in answers])
    case = 1
    for answer in answers:
        slip = next((node for node in answer.nodes if node.score == "0"), None)
        if slip is not None:
            case += 1
            inputs = [*right[: answer.k - 1], slip.teacher, *right[answer.k :]]
            yield _test(case, inputs, [(answer.k, "0.0000000", "0.1000000", f"prt{answer.k}-{slip.name}")])


def _test(case: int, inputs: Sequence[str], expected: Iterable[tuple[int, str, str, str]]) -> str:
    body = f"<testcase>{case}</testcase><description></description>"
    body += "".join(tag("testinput", f"<name>ans{k}</name>" + tag("value", plain(value))) for k, value in enumerate(inputs, 1))
    for k, score, penalty, note in expected:
        told = f"<name>prt{k}</name><expectedscore>{score}</expectedscore><expectedpenalty>{penalty}</expectedpenalty>"
        body += tag("expected", told + tag("expectedanswernote", note))
    return tag("qtest", body)

