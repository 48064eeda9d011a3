"""Papers as STACK questions, with a response tree for each answer: right, rounded, carried, then each slip with its own words.

Owns `render_stack`.  The fields are those that STACK's own reader takes, in the order in which it writes them; no seed is needed,
for every variant has its own numbers.  Each question brings its own tests.  May import: quizpages, rounding, formats.moodle,
formats.webtex, formats.plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from derive.exercises.carrying import Carried
from derive.exercises.gradings import Grading
from derive.formats.markup import tag
from derive.formats.moodle import category, field, general_feedback, page, plain, said
from derive.formats.plain import typed
from derive.formats.webtex import paragraphs, sentence
from derive.quizpages import Question, Quiz
from derive.rounding import spell

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


def render_stack(quizzes: Sequence[Quiz]) -> str:
    """The file that Moodle imports where STACK is installed; of many papers all questions are in one category."""
    first = quizzes[0]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<quiz>"]
    lines.append(category(first.name) if len(quizzes) == 1 else category(first.title, first.wholes))
    return "\n".join([*lines, *map(_question, quizzes), "</quiz>"]) + "\n"


def _question(quiz: Quiz) -> str:
    front = paragraphs(quiz.front, quiz.script, quiz.right_to_left)
    rows = [tag("p", sentence(quiz.carry, quiz.script, quiz.right_to_left))]
    for k, question in enumerate(quiz.questions, 1):
        find = sentence((*question.find, f" ({question.what})"), quiz.script, quiz.right_to_left)
        rows.append(tag("p", f"{find} [[input:ans{k}]] [[validation:ans{k}]]") + f"[[feedback:prt{k}]]")
    sources = {key for question in quiz.questions if question.grading.carried for key in question.grading.carried.sources}
    optional = [question.grading.key in sources for question in quiz.questions]
    trees = [_nodes(quiz, k, question, empty) for k, (question, empty) in enumerate(zip(quiz.questions, optional, strict=True), 1)]
    parts = [
        tag("name", tag("text", plain(f"{quiz.name}: {quiz.whole}"))),
        field("questiontext", page(quiz, "\n".join((front, *rows))), format="html"),
        field("generalfeedback", general_feedback(quiz, quiz.questions), format="html"),
        f"<defaultgrade>{len(quiz.questions)}</defaultgrade><penalty>{PENALTY}</penalty><hidden>0</hidden><idnumber></idnumber>",
        tag("stackversion", tag("text", VERSION)),
        tag("questionvariables", "<text></text>"),
        field("specificfeedback", "", format="html"),
        tag("questionnote", tag("text", plain(quiz.name)), format="moodle_auto_format"),
        "<questionsimplify>1</questionsimplify><assumepositive>0</assumepositive><assumereal>0</assumereal>",
        *(field(kind, "", format="html") for kind in ("prtcorrect", "prtpartiallycorrect", "prtincorrect")),
        "<decimals>.</decimals><scientificnotation>*10</scientificnotation><multiplicationsign>dot</multiplicationsign>",
        "<sqrtsign>1</sqrtsign><complexno>i</complexno><inversetrig>cos-1</inversetrig><logicsymbol>lang</logicsymbol>",
        "<matrixparens>[</matrixparens><variantsselectionseed></variantsselectionseed>",
    ]
    for k, (question, empty) in enumerate(zip(quiz.questions, optional, strict=True), 1):
        parts.append(_input(k, question, empty))
    for k, (question, nodes) in enumerate(zip(quiz.questions, trees, strict=True), 1):
        parts.append(_tree(quiz, k, nodes, [_seen(k)] if optional[k - 1] else [], question))
    parts += _tests(quiz, trees)
    return tag("question", "\n".join(("", *parts, "")), type="stack")


def _input(k: int, question: Question, optional: bool) -> str:
    """A field for a number; one that other answers may rest on may stay empty, so that those are marked all the same."""
    fields = {
        "name": f"ans{k}", "type": "numerical", "tans": question.grading.shown, "boxsize": "15", "strictsyntax": "1",
        "insertstars": "0", "syntaxhint": "", "syntaxattribute": "0", "forbidwords": "", "allowwords": "", "forbidfloat": "0",
        "requirelowestterms": "0", "checkanswertype": "0", "mustverify": "0", "showvalidation": "0",
        "options": "allowempty" if optional else "",
    }  # fmt: skip
    return tag("input", "".join(tag(name, plain(value)) for name, value in fields.items()))


# --- the tree -----------------------------------------------------------------------------------------------------------


def _nodes(quiz: Quiz, k: int, question: Question, optional: bool) -> list[Node]:
    """What is tried on an answer, in this order."""
    grading, answer = question.grading, f"seen{k}" if optional else f"ans{k}"
    nodes = [
        Node("right", answer, _number(grading.value), _half(grading), "1", said(quiz, question.right)),
        Node("rounded", answer, grading.shown, spell(grading.tolerance), "1", said(quiz, question.rounded)),
    ]
    if grading.carried is not None:
        nodes.append(Node("carried", f"way{k}", "0", "1", CARRIED, said(quiz, question.carried)))
    for place, (wrong, feedback) in enumerate(question.wrong[:MOST_WRONG], 1):
        name = f"{wrong.slips[0].slip}-{place}"
        nodes.append(Node(name, answer, spell(wrong.value), spell(wrong.tolerance), "0", said(quiz, feedback)))
    return nodes


def _half(grading: Grading) -> str:
    """Half a unit of the last digit asked for, and a hair: by so much a rounded value differs."""
    asked, value = grading.asked, grading.value
    if asked.places is None and not value:
        return spell(grading.tolerance)
    place = -asked.places if asked.places is not None else value.adjusted() - asked.digits + 1
    return spell(Decimal("0.500000001").scaleb(place))


def _seen(k: int) -> str:
    """An answer as a number; one that was left empty is none that could be right."""
    return f"seen{k}: if numberp(float(ans{k})) then ans{k} else 1.0e99;"


def _number(value: Decimal) -> str:
    """A value to the digits that Maxima's floats hold."""
    return spell(Decimal(f"{value:.16e}"))


def _tree(quiz: Quiz, k: int, nodes: Sequence[Node], variables: Sequence[str], question: Question) -> str:
    """The tree: each node goes on to the next, and the last says that no slip is known."""
    carried, last = question.grading.carried, said(quiz, question.unexplained)
    variables = variables if carried is None else [*variables, _way(quiz, k, question, carried)]
    head = f"<name>prt{k}</name><value>1.0000000</value><autosimplify>1</autosimplify><feedbackstyle>1</feedbackstyle>"
    head += tag("feedbackvariables", tag("text", "\n".join(map(plain, variables))))
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


def _way(quiz: Quiz, k: int, question: Question, carried: Carried) -> str:
    """How far an answer is from what follows from the other ones, in units of what rounding can do; 2 where that is no question.

    It is one where all of them are numbers, not 0 or ±1, which leave nothing to be worked out, and one of them is not accepted.
    """
    by_key = {other.grading.key: (place, other.grading) for place, other in reversed(list(enumerate(quiz.questions, 1)))}
    sources = [by_key[key] for key in carried.sources]
    given = " and ".join(f"numberp(float(ans{place}))" for place, _ in ((k, question.grading), *sources))
    real = " and ".join(f"not(member(float(abs(ans{place})),[0.0,1.0]))" for place, _ in sources)
    wrong = " or ".join(f"is(abs(ans{place}-({grading.shown}))>{spell(grading.tolerance)})" for place, grading in sources)
    turn = "-" if question.grading.negative else ""
    distance = f"(ans{k}-{turn}({typed(carried.tree)}))/({carried.unit:.6e}*({typed(carried.size)})+1.0e-30)"
    return f"way{k}: if {given} then (if {real} and ({wrong}) then float({distance}) else 2) else 2;"


# --- its own tests ------------------------------------------------------------------------------------------------------


def _tests(quiz: Quiz, trees: Sequence[Sequence[Node]]) -> Iterable[str]:
    """The tests that STACK runs on a question: everything right; then for each answer its likeliest slip, the others right."""
    right = [question.grading.shown for question in quiz.questions]
    yield _test(1, right, [(k, "1.0000000", "0.0000000", f"prt{k}-right") for k in range(1, len(right) + 1)])
    case = 1
    for k, nodes in enumerate(trees, 1):
        slip = next((node for node in nodes if node.score == "0"), None)
        if slip is not None:
            case += 1
            inputs = [slip.teacher if place == k else value for place, value in enumerate(right, 1)]
            yield _test(case, inputs, [(k, "0.0000000", "0.1000000", f"prt{k}-{slip.name}")])


def _test(case: int, inputs: Sequence[str], expected: Iterable[tuple[int, str, str, str]]) -> str:
    body = f"<testcase>{case}</testcase><description></description>"
    body += "".join(tag("testinput", f"<name>ans{k}</name>" + tag("value", value)) for k, value in enumerate(inputs, 1))
    for k, score, penalty, note in expected:
        told = f"<name>prt{k}</name><expectedscore>{score}</expectedscore><expectedpenalty>{penalty}</expectedpenalty>"
        body += tag("expected", told + tag("expectedanswernote", note))
    return tag("qtest", body)

