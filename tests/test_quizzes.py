"""Questions that a machine marks: every honest hand is accepted, no slip is, and each format is what its own reader takes.

The hands here share nothing with the code that bounds them: they work in Decimal, by formulas written out once more, and round or
cut after every single operation, each time as a coin falls.
"""

import csv
import html
import io
import json
import math
import pickle
import random
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from functools import cache

import pytest
from conftest import missing

import derive
from derive.arithmetic import compile_tree, key_of
from derive.editions import Edition
from derive.exercises.audit import make_answer_key
from derive.exercises.formulagradings import formula_gradings_of
from derive.exercises.gradings import gradings_of, items_of
from derive.exercises.reckoning import true_values
from derive.formats import render_bank
from derive.intervals import FLOATS
from derive.quizpages import formula_quiz_of, quiz_of
from derive.quizsets import make_quizzes
from derive.rounding import Rounding
from derive.tables.ops import OPS
from derive.tables.slips import SLIPS, candidates
from derive.written import Call, Negative, Number, Power, Product, Quotient, Sum

NUMERIC = ("q1", "mazur", "rmsprop")

ATTACK = "]]></text> {1:NM:=5} {#1} ~=#} {@1@} [[input:ans9]] \\(x\\) $$x$$ `r system('x')` <b>&\"' ##ANSWER1## ۷"

HOSTILE = f'''
title = {json.dumps(ATTACK)}
question = """{ATTACK.replace(chr(92), chr(92) * 2)}
Meta-information
================
exsolution: 9
```{{r}}
system("x")
```
"""
[given]
x = 0.3
w = 0.7
t = 1
[forward]
y = "tanh(w*x)"
L = "(y - t)^2"
[ask]
"=cmd|' /C calc'!A1" = "dL/dw"
'''


@cache
def gradings(name, digits=6, places=None):
    return {grading.label: grading for grading in gradings_of(derive.find(name), Rounding(digits=digits, places=places))}


# --- honest hands -------------------------------------------------------------------------------------------------------


class Hand:
    """Somebody who works with so many digits or places, and rounds or cuts whatever comes out of an operation."""

    def __init__(self, coin, digits=None, places=None, cuts=0.5):
        self.coin, self.digits, self.places, self.cuts = coin, digits, places, cuts

    def kept(self, value):
        way = ROUND_DOWN if self.coin.random() < self.cuts else ROUND_HALF_UP
        if self.places is not None:
            return value.quantize(Decimal(1).scaleb(-self.places), rounding=way)
        return Context(prec=self.digits, rounding=way).plus(value)

    def add(self, *terms):
        terms = list(terms)
        self.coin.shuffle(terms)
        total = terms.pop()
        while terms:
            total = self.kept(total + terms.pop())
        return total

    def times(self, *factors):
        factors = list(factors)
        self.coin.shuffle(factors)
        product = factors.pop()
        while factors:
            product = self.kept(product * factors.pop())
        return product

    def sigmoid(self, z):
        return self.kept(1 / self.add(Decimal(1), self.kept((-z).exp())))


Q1 = {name: Decimal(text) for name, text in (
    ("x1", "0.05"), ("x2", "0.10"), ("w1", "0.15"), ("w2", "0.20"), ("w3", "0.25"), ("w4", "0.30"), ("w5", "0.40"), ("w6", "0.45"),
    ("w7", "0.50"), ("w8", "0.55"), ("b1", "0.35"), ("b2", "0.80"), ("t1", "0.01"), ("t2", "0.99"), ("eta", "0.5"),
)}  # fmt: skip
SLIPS_OF_Q1 = (
    "loss-sign", "ascent", "no-slope-out", "no-slope-hidden", "slope-at-input", "no-path", "moved-weights", "no-half", "no-rate",
    "rate-twice", "no-bias", "bias-stays", "transposed", "inputs-swapped", "doubled",
)  # fmt: skip


def question_1(hand, slip="", expanded=False):
    """Question 1 by hand, all of it, with one slip or none; `expanded` multiplies the sums out."""
    v, one = Q1, Decimal(1)
    add, times = hand.add, hand.times
    b1 = Decimal(0) if slip == "no-bias" else v["b1"]
    w2, w3 = (v["w3"], v["w2"]) if slip == "transposed" else (v["w2"], v["w3"])
    x1, x2 = (v["x2"], v["x1"]) if slip == "inputs-swapped" else (v["x1"], v["x2"])
    z1, z2 = add(times(v["w1"], x1), times(w3, x2), b1), add(times(w2, x1), times(v["w4"], x2), b1)
    h1, h2 = hand.sigmoid(z1), hand.sigmoid(z2)
    n1 = add(times(v["w5"], h1), times(v["w7"], h2), v["b2"])
    n2 = add(times(v["w6"], h1), times(v["w8"], h2), v["b2"])
    y1, y2 = hand.sigmoid(n1), hand.sigmoid(n2)
    e1, e2 = add(y1, -v["t1"]), add(y2, -v["t2"])
    half = one if slip == "no-half" else Decimal("0.5")
    found = {"L": add(times(half, e1, e1), times(half, e2, e2)) if expanded else times(half, add(times(e1, e1), times(e2, e2)))}

    def slope(a, z):
        if slip == "slope-at-input":
            a = z
        return add(a, -times(a, a)) if expanded else times(a, add(one, -a))

    turn = -one if slip == "loss-sign" else Decimal(2) if slip == "doubled" else one
    s1, s2 = (one, one) if slip == "no-slope-out" else (slope(y1, n1), slope(y2, n2))
    d1, d2 = times(turn, e1, s1), times(turn, e2, s2)
    found |= {"dL/dw5": times(d1, h1), "dL/dw6": times(d2, h1), "dL/dw7": times(d1, h2), "dL/dw8": times(d2, h2)}
    found["dL/db2"] = add(d1, d2)
    rate = {"no-rate": one, "rate-twice": times(v["eta"], v["eta"])}.get(slip, v["eta"])

    def moved(name):
        step = times(rate, found[f"dL/d{name}"])
        if slip == "bias-stays" and name.startswith("b"):
            return v[name]
        return add(v[name], step if slip == "ascent" else -step)

    back = {name: moved(name) if slip == "moved-weights" else v[name] for name in ("w5", "w6", "w7", "w8")}
    k1, k2 = (one, one) if slip == "no-slope-hidden" else (slope(h1, z1), slope(h2, z2))
    if slip == "no-path":
        g1, g2 = times(d1, back["w5"], k1), times(d1, back["w7"], k2)
    elif expanded:
        g1 = add(times(d1, back["w5"], k1), times(d2, back["w6"], k1))
        g2 = add(times(d1, back["w7"], k2), times(d2, back["w8"], k2))
    else:
        g1 = times(add(times(d1, back["w5"]), times(d2, back["w6"])), k1)
        g2 = times(add(times(d1, back["w7"]), times(d2, back["w8"])), k2)
    found |= {"dL/dw1": times(g1, v["x1"]), "dL/dw2": times(g2, v["x1"]), "dL/dw3": times(g1, v["x2"]), "dL/dw4": times(g2, v["x2"])}
    found["dL/db1"] = add(g1, g2)
    found |= {f"{name}+": moved(name) for name in ("w5", "w6", "w7", "w8", "b2", "w1", "w2", "w3", "w4", "b1")}
    return found


EXACTLY = question_1(Hand(random.Random(0), digits=50))


def test_every_honest_hand_is_accepted():
    key = gradings("q1")
    for seed in range(40):
        coin = random.Random(seed)
        for label, grading in key.items():
            digits = grading.asked.digits + coin.choice([0, 0, 0, 1, 3])
            hand = Hand(coin, digits=digits, cuts=coin.choice([0, 0.5, 1]))
            ended = question_1(hand, expanded=coin.random() < 0.5)[label]
            answer = Hand(coin, digits=grading.asked.digits).kept(ended)
            assert grading.accepts(answer), (seed, label, digits, answer, grading.shown, grading.tolerance)


def test_every_honest_hand_is_accepted_at_decimal_places():
    for seed in range(40):
        coin = random.Random(seed)
        for label, grading in gradings("q1", 6, 5).items():
            hand = Hand(coin, places=grading.asked.places + coin.choice([0, 0, 2]), cuts=coin.choice([0, 0.5, 1]))
            assert grading.accepts(question_1(hand, expanded=coin.random() < 0.5)[label]), (seed, label)


SOFTMAX = """
[given]
x1 = 0.45
x2 = -0.80
w1 = 0.35
w2 = 0.25
w3 = -0.60
w4 = 0.15
t1 = 1
t2 = 0
[forward]
h1 = "tanh(w1*x1 + w2*x2)"
h2 = "softplus(w3*x1 + w4*x2)"
p1 = "exp(h1)/(exp(h1) + exp(h2))"
p2 = "exp(h2)/(exp(h1) + exp(h2))"
L = "-(t1*log(p1) + t2*log(p2)) + sqrt(w1^2 + 1)/10"
[train]
parameters = ["w1", "w2", "w3", "w4"]
learning_rate = 0.4
"""


def by_hand(tree, values, hand):
    """A formula by hand, operation by operation; functions that a table has none of are opened."""
    match tree:
        case Number(text):
            return Decimal(text)
        case Sum(terms):
            return hand.add(*(by_hand(term, values, hand) for term in terms))
        case Product(factors):
            return hand.times(*(by_hand(factor, values, hand) for factor in factors))
        case Negative(body):
            return -by_hand(body, values, hand)
        case Quotient(top, bottom):
            return hand.kept(by_hand(top, values, hand) / by_hand(bottom, values, hand))
        case Power(base, exponent):
            return hand.kept(by_hand(base, values, hand) ** by_hand(exponent, values, hand))
        case Call("tanh", (z,)):
            z = by_hand(z, values, hand)
            up, down = hand.kept(z.exp()), hand.kept((-z).exp())
            return hand.kept(hand.add(up, -down) / hand.add(up, down))
        case Call("exp" | "log" as function, (z,)):
            z = by_hand(z, values, hand)
            return hand.kept(z.exp() if function == "exp" else z.ln())
        case Call(function, arguments, part):
            return by_hand(OPS[function].formula(arguments, part or 0), values, hand)
    return values[key_of(tree)]


@pytest.mark.parametrize("name", ["mazur", "rmsprop", "momentum", "softmax"])
def test_every_honest_hand_is_accepted_elsewhere(name):
    problem = derive.load_text(SOFTMAX) if name == "softmax" else derive.find(name)
    sheet = make_answer_key(problem, [entry.quantity for entry in items_of(problem)]).sheet
    key = gradings_of(problem, Rounding()) if name == "softmax" else gradings(name).values()
    for seed in range(12):
        coin = random.Random(seed)
        for digits in {grading.asked.digits for grading in key}:
            hand = Hand(coin, digits=digits, cuts=coin.choice([0, 0.5, 1]))
            values = {given: Decimal(number.text) for given, number in sheet.given.items()}
            for row, tree in sheet.rows.items():
                if all(need in values for need in sheet.needs[row]):
                    values[row] = by_hand(tree, values, hand)
            for grading in key:
                if grading.asked.digits == digits:
                    assert grading.accepts(values[grading.key]), (seed, grading.label, values[grading.key], grading.shown)


@pytest.mark.parametrize("slip", SLIPS_OF_Q1)
def test_no_slip_is_accepted_however_it_is_rounded(slip):
    touched = 0
    wrong = question_1(Hand(random.Random(0), digits=50), slip)
    for usual, places in ((6, None), (6, 5)):
        for label, grading in gradings("q1", usual, places).items():
            if abs(wrong[label] - EXACTLY[label]) > abs(EXACTLY[label]) * Decimal("1e-20"):
                touched += 1
                for seed in range(3):
                    asked = grading.asked
                    hand = Hand(random.Random(seed), digits=asked.digits, places=asked.places)
                    assert not grading.accepts(question_1(hand, slip)[label]), (label, grading.asked, wrong[label])
    assert touched


@pytest.mark.parametrize("name", NUMERIC)
def test_no_slip_of_the_table_is_accepted_unless_the_key_says_so(name):
    """Each slip done on the sheet in 40 digits, by the machinery of the audit rather than that of the bounds."""
    problem = derive.find(name)
    key = make_answer_key(problem, [entry.quantity for entry in items_of(problem)])
    told = hidden = 0
    slips = [slip for slip in candidates(key.sheet) if not slip.given]
    for slip in random.Random(name).sample(slips, min(len(slips), 120)):
        try:
            wrong = true_values(key.sheet.done_wrong(slip.rows, slip.ways, {}))
        except ArithmeticError:
            continue
        for label, grading in gradings(name).items():
            value = wrong.get(grading.key)
            if value is None or abs(value - key.truth[grading.key]) <= abs(value) * Decimal("1e-11"):
                continue
            if any((slip.slip, slip.where, slip.variant, slip.rows) == (a.slip, a.where, a.variant, a.rows) for a in grading.alike):
                hidden += 1
                continue
            assert not grading.accepts(-value if grading.negative else value), (label, slip.slip, slip.where, value)
            told += 1
    assert told > 200 > hidden


def test_more_digits_are_asked_for_where_fewer_do_not_tell():
    """Beside a bias of 100000 a slip in the other term is lost in six digits of the sum, and seen in more."""
    lone, beside = (
        gradings_of(derive.load_text(f"""
[given]
x = 0.31
w = 0.72
v = 0.45
b = {bias}
[forward]
z = "w*x + v*x + b"
L = "z^2"
[ask]
"z" = "z"
"""), Rounding())[0]
        for bias in ("0.10", "100000")
    )  # fmt: skip
    assert lone.asked.digits == 6 < beside.asked.digits
    assert beside.accepts(Decimal("100000.3627"))
    assert not beside.accepts(Decimal("0.72") * Decimal("0.31") + Decimal("0.31") ** 2 + 100000)  # x in place of v


ARRAYS = """
title = "A batch of two"
[shapes]
X = [2, 2]
W = [1, 2]
b = [1, 1]
T = [1, 2]
[given]
X = [[0.5, -1.0], [0.25, 0.75]]
W = [[0.30, -0.20]]
b = [[0.1]]
T = [[1, 0]]
[forward]
Z = "W @ X + b"
A = "sigmoid(Z)"
L = "sum(1/2*(A - T)*(A - T))"
[train]
parameters = ["W", "b"]
learning_rate = 0.5
[ask]
"output" = "A"
"""


@pytest.mark.parametrize("style", ["moodle", "stack", "rexams", "csv"])
def test_arrays_are_asked_for_entry_by_entry(style):
    work = derive.derive(derive.load_text(ARRAYS))
    quiz = quiz_of(work, Rounding())
    x, w, t = ((0.5, 0.25), (-1.0, 0.75)), (0.3, -0.2), (1, 0)
    a = [1 / (1 + math.exp(-(w[0] * k[0] + w[1] * k[1] + 0.1))) for k in x]
    d = [(out - goal) * out * (1 - out) for out, goal in zip(a, t, strict=True)]
    wanted = {f"dL/dW[0,{j}]": sum(d[k] * x[k][j] for k in (0, 1)) for j in (0, 1)}
    wanted |= {"dL/db[0,0]": sum(d), "output[0,0]": a[0], "output[0,1]": a[1]}
    shown = {question.label: question.grading for question in quiz.questions}
    assert list(shown) == list(wanted)
    for label, value in wanted.items():
        assert shown[label].accepts(Decimal(value))
        assert not shown[label].accepts(Decimal(-value))
    out = render_bank((quiz,), style)
    assert "W_{0,1}" in out or "W[0,1]" in out
    assert "full precision" not in out


def test_what_cannot_be_told_is_said():
    """A learning rate of 1, a live ReLU: the slip is there, its number is the right one."""
    problem = derive.load_text("""
[given]
x = 0.6
w = 0.5
t = 0.9
[forward]
z = "w*x"
y = "relu(z)"
L = "(y - t)^2"
[train]
learning_rate = 1
""")
    new = {grading.label: grading for grading in gradings_of(problem, Rounding())}
    assert {"missing-rate", "missing-slope"} <= {slip.slip for slip in new["w+"].alike}
    assert "missing-rate" not in {slip.slip for wrong in new["w+"].wrong for slip in wrong.slips}
    assert "missing-slope" in {slip.slip for slip in new["dL/dw"].alike}


# --- Moodle -------------------------------------------------------------------------------------------------------------

ALTERNATIVE = r"(=|%(-?[0-9]+(?:[.,][0-9]*)?)%)?(.+?(?<!\\)(?<!&)(?<!&amp;)(?=[~#}]|$))(#(.*?(?<!\\)(?=[~}]|$)))?"
NUMBER = r"-?(([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][-+]?[0-9]+)?)"
GAP = re.compile(
    rf"\{{([0-9]*):(NUMERICAL|NM|MULTICHOICE|MC|MCV|MCH|SHORTANSWER|SA|MW|SAC|MWC|MR|MRH):(?P<all>{ALTERNATIVE}(~{ALTERNATIVE})*)\}}",
    re.DOTALL,
)
"""What Moodle's reader takes for a gap and its alternatives (question/type/multianswer/questiontype.php)."""


def read_gaps(text):
    """The gaps of a cloze text as Moodle reads them: for each, its alternatives as fraction, value, tolerance and feedback."""
    gaps = []
    while found := GAP.search(text):
        rest, alternatives = found["all"], []
        while piece := re.match(rf"~?{ALTERNATIVE}", rest, re.DOTALL):
            number = re.fullmatch(rf"({NUMBER})(?::({NUMBER}))?", piece[3])
            fraction = 1 if piece[1] == "=" else int(piece[2]) / 100
            alternatives.append((fraction, number[1], number[5], html.unescape(piece[5])))
            rest = rest[piece.end() :]
        assert not rest
        gaps.append(alternatives)
        text = text[: found.start()] + f"{{#{len(gaps)}}}" + text[found.end() :]
    return gaps, text


def bank(run, *arguments):
    status, out, err = run("key", *arguments, "--format", "moodle")
    assert status == 0, err
    return ElementTree.fromstring(out)


def text_of(question, path):
    return question.findtext(f"{path}/text")


@pytest.mark.parametrize("language", ["en", "fa"])
def test_moodle_reads_the_questions(run, language):
    quiz = bank(run, "q1", "--lang", language)
    key = gradings("q1")
    numerical, (cloze,) = quiz.findall("question[@type='numerical']"), quiz.findall("question[@type='cloze']")
    assert [text_of(question, "name").rpartition(": ")[2] for question in numerical] == list(key)
    gaps, text = read_gaps(text_of(cloze, "questiontext"))
    assert [f"{{#{place}}}" for place in range(1, len(key) + 1)] == re.findall(r"\{#\d+\}", text)
    for question, gap, grading in zip(numerical, gaps, key.values(), strict=True):
        answers = question.findall("answer")
        assert [float(answer.get("fraction")) / 100 for answer in answers] == [1, *[0] * len(grading.wrong)]
        read = [(text_of(answer, "feedback"), answer.findtext("text"), answer.findtext("tolerance")) for answer in answers]
        assert [(feedback, value, tolerance) for _, value, tolerance, feedback in gap] == read
        assert (Decimal(read[0][1]), Decimal(read[0][2])) == (Decimal(grading.shown), grading.tolerance)
        for feedback, value, tolerance in read[1:]:  # the first answer that fits is taken: no wrong one may hide behind the right one
            assert feedback
            assert not grading.accepts(Decimal(value))
            assert Decimal(tolerance) > 0
        assert str(grading.asked.digits) in text_of(question, "questiontext")
    assert all(character.isascii() for character in ElementTree.tostring(quiz, "unicode") if character.isdigit())


@pytest.mark.parametrize("style", ["moodle", "stack"])
def test_nothing_that_was_typed_is_a_tag_a_gap_or_a_formula(run, tmp_path, style):
    path = tmp_path / "hostile.toml"
    path.write_text(HOSTILE, encoding="utf-8")
    _, out, _ = run("key", path, "--format", style)
    quiz = ElementTree.fromstring(out)
    name = text_of(quiz[-1], "name")
    assert "]]></text> {1:NM:=5}" in name
    assert "۷" not in name
    for question in quiz.findall("question")[1:]:
        assert not re.search(r"\{[@#]|\[\[", "".join(text_of(question, name) or "" for name in ("questionnote", "generalfeedback")))
        text = text_of(question, "questiontext")
        gaps, _ = read_gaps(text)
        assert len(gaps) == (question.get("type") == "cloze")
        told = re.sub(r"\\\(.*?\\\)|\\\[.*?\\\]", "", GAP.sub("", text), flags=re.DOTALL)  # ours aside
        told = re.sub(r'src="data:[^"]*"|\[\[(input|validation|feedback):(ans|prt)1\]\]', "", told)
        assert not re.search(r"<b>|\{|\[\[|\\|\$|`|@", told)
        assert not re.search(r"\\[(\[]|\$\$", html.unescape(told))
        assert html.unescape(re.sub(r"<[^>]*>", "", told)).replace("\u2060", "").count("{1:NM:=5}") == 1


SMALL = """
title = "One unit"
[given]
x = 0.30
w = 0.70
t = 0.25
[forward]
y = "tanh(w*x)"
L = "(y - t)^2"
[train]
learning_rate = 0.5
"""


def test_variants_are_one_bank_with_a_category_for_each_answer(run, tmp_path):
    path, folder = tmp_path / "small.toml", tmp_path / "papers"
    path.write_text(SMALL, encoding="utf-8")
    status, _, err = run("key", path, "--variants", 3, "--seed", 5, "--format", "moodle", "-o", folder)
    assert status == 0, err
    assert sorted(path.name for path in folder.iterdir()) == ["answers.csv", "small-questions.xml"]
    quiz = ElementTree.parse(folder / "small-questions.xml").getroot()
    assert [question.get("type") for question in quiz] == ["category", *["numerical"] * 3] * 3 + ["category", *["cloze"] * 3]
    assert text_of(quiz[4], "category") == "$course$/top/One unit/dL//dw"
    rows = list(csv.DictReader(io.StringIO((folder / "answers.csv").read_text(encoding="utf-8"))))
    for place, row in enumerate(rows, start=5):
        shown, tolerance = Decimal(quiz[place].findtext("answer/text")), Decimal(quiz[place].findtext("answer/tolerance"))
        assert abs(shown - Decimal(row["dL/dw"])) <= tolerance + Decimal(row["dL/dw"]).scaleb(-5).copy_abs()
    status, out, _ = run("key", path, "--paper", rows[1]["paper"], "--format", "moodle")
    again = ElementTree.fromstring(out)[2]
    assert [a.findtext("text") for a in again.findall("answer")] == [a.findtext("text") for a in quiz[6].findall("answer")]


# --- STACK --------------------------------------------------------------------------------------------------------------

CHAIN = """
title = "One unit, step by step"
[given]
x = 0.60
w = 0.50
v = 0.70
t = 0.90
[forward]
z = "w*x"
h = "sigmoid(z)"
y = "v*h"
L = "1/2*(y - t)^2"
[train]
learning_rate = 0.5
[ask]
"hidden" = "h"
"output" = "y"
"loss" = "L"
"slope" = "dL/dy"
"signal" = "dL/dz"
"gradient" = "-dL/dw"
"new weight" = "w+"
"""


def read_prts(question):
    """The response trees as STACK reads them: for each, its feedback variables and its nodes by name."""
    fields = ("answertest", "sans", "tans", "testoptions", "truescore", "truenextnode", "trueanswernote", "falsenextnode", "falseanswernote")
    return {
        prt.findtext("name"): (
            [line for line in (text_of(prt, "feedbackvariables") or "").split("\n") if line],
            {node.findtext("name"): {name: node.findtext(name) for name in fields} for node in prt.findall("node")},
        )
        for prt in question.findall("prt")
    }


def worth(expression, names):
    """A Maxima expression of ours as Python has it: only numbers, comparisons and the few functions that such trees use."""
    expression = expression.strip()
    if expression.startswith("if "):
        depth, cuts = 0, {}
        for place, character in enumerate(expression):
            depth += (character == "(") - (character == ")")
            for word in (" then ", " else "):
                if depth == 0 and expression.startswith(word, place):
                    cuts.setdefault(word, place) if word == " then " else cuts.update({word: place})
        condition, yes = expression[3 : cuts[" then "]], expression[cuts[" then "] + 6 : cuts[" else "]]
        return worth(yes if worth(condition, names) else expression[cuts[" else "] + 6 :], names)
    if expression.startswith("(if ") and expression.endswith(")"):
        return worth(expression[1:-1], names)
    known = {"numberp": lambda x: isinstance(x, float), "member": lambda x, those: x in those, "bool": bool, "abs": abs, "exp": math.exp}
    known |= {"float": lambda x: float(x) if isinstance(x, int | float) else x, "max": max, "tanh": math.tanh}
    return eval(re.sub(r"\bis\(", "bool(", expression.replace("^", "**")), {"__builtins__": {}}, {**known, **names})  # what we wrote ourselves


def walk_tree(prt, answers):
    """Where an answer ends in a tree, and what it is worth."""
    variables, nodes = prt
    names = {f"ans{k}": value if value is None else float(value) for k, value in enumerate(answers, 1)}
    for line in variables:
        name, _, expression = line.rstrip(";").partition(":")
        names[name] = worth(expression, names)
    place = "0"
    while True:
        node = nodes[place]
        assert node["answertest"] == "NumAbsolute"
        holds = abs(worth(node["sans"], names) - float(node["tans"])) <= float(node["testoptions"])
        note, place = (node["trueanswernote"], node["truenextnode"]) if holds else (node["falseanswernote"], node["falsenextnode"])
        if place == "-1":
            return note.partition("-")[2], float(node["truescore"]) if holds else 0.0


def by_maxima(cases):
    """The same walks by Maxima itself: one batch for all, each printing its note."""
    lines = []
    for prt, answers in cases:
        variables, nodes = prt
        lines += [f"ans{k}: {'EMPTYANSWER' if value is None else value}$" for k, value in enumerate(answers, 1)]
        lines += [line.rstrip(";") + "$" for line in variables]
        walk = 'print("walk: lost")'
        for place in reversed(range(len(nodes))):
            node = nodes[str(place)]
            test = f"is(abs(float({node['sans']})-float({node['tans']}))<={node['testoptions']})"
            after = f'print("walk: {node["falseanswernote"]}")' if node["falsenextnode"] == "-1" else walk
            walk = f'if {test} then print("walk: {node["trueanswernote"]}") else ({after})'
        lines.append(walk + "$")
    out = subprocess.run(["maxima", "--very-quiet"], input="\n".join(lines), capture_output=True, text=True, timeout=60, check=True)
    return [line.split("-", 1)[1].strip() for line in re.findall(r"walk: (.*)", out.stdout)]


def one_unit(hand, h=None, y=None, slope=None, signal=None, gradient=None):
    """The chain by hand, going on from whatever was given for a step."""
    x, w, v, t, eta = map(Decimal, ("0.60", "0.50", "0.70", "0.90", "0.5"))
    h = hand.sigmoid(hand.times(w, x)) if h is None else h
    y = hand.times(v, h) if y is None else y
    error = hand.add(y, -t)
    slope = error if slope is None else slope
    signal = hand.times(slope, v, h, hand.add(Decimal(1), -h)) if signal is None else signal
    gradient = -hand.times(signal, x) if gradient is None else gradient
    return [h, y, hand.times(Decimal("0.5"), error, error), slope, signal, gradient, hand.add(w, hand.times(eta, gradient))]


@pytest.fixture(scope="module")
def chain_trees(tmp_path_factory):
    path = tmp_path_factory.mktemp("stack") / "chain.toml"
    path.write_text(CHAIN, encoding="utf-8")
    quiz = render_bank((quiz_of(derive.derive(derive.find(str(path))), Rounding()),), "stack")
    return ElementTree.fromstring(quiz).find("question[@type='stack']")


def chain_cases(question):
    """Papers on the chain, and where each of their answers must end."""
    prts = list(read_prts(question).values())
    right = one_unit(Hand(random.Random(0), digits=40))
    digits = [int(re.search(r"(\d+) significant", html.unescape(text))[1]) for text in
              re.findall(r"<p>[^<]*find.*?</p>", text_of(question, "questiontext"))]  # fmt: skip
    coin = random.Random(3)
    for prt, k in zip(prts, range(7), strict=True):
        yield prt, [str(value) for value in right], {"right"}
        for _ in range(6):
            hand = Hand(coin, digits=max(digits))
            answers = [str(Hand(coin, digits=digits[place]).kept(value)) for place, value in enumerate(one_unit(hand))]
            yield prt, answers, {"right", "rounded"}
        yield prt, [*map(str, right[:k]), "123.5", *map(str, right[k + 1 :])], {"unexplained"}
    steps = ("h", "y", "loss", "slope", "signal", "gradient", "new")
    rests = {"y": ("h",), "loss": ("y",), "slope": ("y",), "signal": ("h", "slope"), "gradient": ("signal",), "new": ("gradient",)}
    wrong = {"h": "0.61", "y": "0.31", "slope": "0.44", "signal": "-0.2", "gradient": "0.07"}
    for k, start in ((steps.index(step), start) for step, starts in rests.items() for start in starts):
        for _ in range(3):
            answers = [str(value) for value in right]
            answers[steps.index(start)] = wrong[start]
            own = {step: Decimal(answers[steps.index(step)]) for step in wrong if step != steps[k]}
            answers[k] = str(Hand(coin, digits=digits[k]).kept(one_unit(Hand(coin, digits=max(digits)), **own)[k]))
            yield prts[k], list(answers), {"carried"}
            answers[steps.index(start)] = None
            yield prts[k], answers, {"unexplained", *(f"{slip}-{n}" for slip in SLIPS for n in range(1, 13))}
    trivial = [str(value) for value in right]
    trivial[5], trivial[6] = "0", "0.5"
    yield prts[6], trivial, {"bias-left-out-1", "unexplained"}


def test_answers_end_in_their_node(chain_trees):
    cases = list(chain_cases(chain_trees))
    for prt, answers, wanted in cases:
        note, score = walk_tree(prt, answers)
        assert note in wanted, (answers, note, wanted)
        assert score == (note in ("right", "rounded", "carried"))
    assert {"carried", "right", "rounded", "unexplained"} <= {walk_tree(prt, answers)[0] for prt, answers, _ in cases}


@missing("maxima")
def test_maxima_walks_the_trees_alike(chain_trees):
    cases = list(chain_cases(chain_trees))
    assert by_maxima([(prt, answers) for prt, answers, _ in cases]) == [walk_tree(prt, answers)[0] for prt, answers, _ in cases]


def test_each_slip_ends_in_its_own_node(run):
    _, out, _ = run("key", "q1", "--format", "stack")
    question = ElementTree.fromstring(out).find("question[@type='stack']")
    trees, key = read_prts(question), list(gradings("q1").values())
    right = [grading.shown for grading in key]
    exactly = true_values_of("q1")
    sheet = make_answer_key(derive.find("q1"), [entry.quantity for entry in items_of(derive.find("q1"))]).sheet
    seen = 0
    for k, grading in enumerate(key):
        for place, wrong in enumerate(grading.wrong[:12], 1):
            slip = wrong.slips[0]
            value = true_values(sheet.done_wrong(slip.rows, slip.ways, {}))[grading.key]
            assert value != exactly[grading.key]
            answers = [*right[:k], str(grading.asked.round(value)), *right[k + 1 :]]
            assert walk_tree(trees[f"prt{k + 1}"], answers) == (f"{slip.slip}-{place}", 0.0)
            seen += 1
    assert seen == 12 * len(key)


def true_values_of(name):
    problem = derive.find(name)
    return make_answer_key(problem, [entry.quantity for entry in items_of(problem)]).truth


def test_formulas_are_the_slopes_of_the_forward_pass():
    """Each right formula of question 2 is what a nudge of its quantity does to f, and no wrong one is."""
    for seed in range(2):
        coin = random.Random(seed)
        names = [*(f"w{layer}_{unit}{k}" for layer in (1, 2) for unit in (1, 2) for k in (1, 2)), "x1", "x2", "w3_1", "w3_2"]
        given = {name: coin.uniform(-1, 1) for name in names}

        def forward(nudged="", given=given):
            v = {name: value + 1e-6 * (name == nudged) for name, value in given.items()}
            for layer, below in ((1, "x{}"), (2, "a1_{}")):
                for unit in (1, 2):
                    z = sum(v[f"w{layer}_{unit}{k}"] * v[below.format(k)] for k in (1, 2))
                    v[f"z{layer}_{unit}"] = z + 1e-6 * (nudged == f"z{layer}_{unit}")
                    v[f"a{layer}_{unit}"] = 1 / (1 + math.exp(-v[f"z{layer}_{unit}"]))
            return v | {"f": v["w3_1"] * v["a2_1"] + v["w3_2"] * v["a2_2"]}

        here = forward()
        for grading in formula_gradings_of(derive.find("q2")):
            slope = (forward(grading.key.wrt)["f"] - here["f"]) / 1e-6
            values = [compile_tree(tree, FLOATS)(here) for tree in (grading.formula, *(wrong.formula for wrong in grading.wrong))]
            close = [abs(value - slope) < 1e-4 * abs(slope) for value in values]
            assert close == [True, *[False] * (len(values) - 1)]
            assert len(values) > 15


@missing("maxima")
def test_formulas_end_in_their_node(run):
    """Question 2 in symbols, by Maxima: equal in another form, carried from a wrong formula, each slip, and nothing known."""
    _, out, _ = run("key", "q2", "--format", "stack")
    question = ElementTree.fromstring(out).find("question[@type='stack']")
    trees = list(read_prts(question).values())
    d1, d2 = "w3_1*a2_1*(1-a2_1)", "w3_2*a2_2*(1-a2_2)"
    right = [d1, d1, d2, f"(({d1})*w2_11+({d2})*w2_21)*a1_1*(1-a1_1)", f"(({d1})*w2_12+({d2})*w2_22)*a1_2*(1-a1_2)"]
    right.append(f"({right[3]})*x1")
    no_slope = "w3_1"
    cases = [(k, right, "right") for k in range(6)]
    cases += [(0, ["w3_1*exp(-z2_1)/(1+exp(-z2_1))^2", *right[1:]], "right"), (0, ["w3_1*sigmoid(z2_1)*(1-a2_1)", *right[1:]], "right")]
    cases += [(0, ["w3_1*a2_1-w3_1*a2_1^2", *right[1:]], "right"), (0, [f"-({d1})", *right[1:]], "loss-sign")]
    cases += [(0, [no_slope, *right[1:]], "missing-slope"), (0, ["x1", *right[1:]], "unexplained")]
    carried = [no_slope, *right[1:3], f"({no_slope}*w2_11+({d2})*w2_21)*a1_1*(1-a1_1)", *right[4:]]
    cases += [(3, carried, "carried"), (5, [*right[:3], "w2_11", right[4], "w2_11*x1"], "carried")]
    cases += [(5, [*right[:3], "0", right[4], "0"], "unexplained"), (5, [*right[:3], "EMPTYANSWER", right[4], "7"], "unexplained")]
    lines = [text_of(question, "questionvariables").replace(";", "$")]
    for k, answers, _ in cases:
        variables, nodes = trees[k]
        lines += [f"ans{place}: {value}$" for place, value in enumerate(answers, 1)] + [line.rstrip(";") + "$" for line in variables]
        walk = 'print("walk: unexplained")'
        for place in reversed(range(len(nodes))):
            node = nodes[str(place)]
            assert (node["answertest"], node["testoptions"]) == ("AlgEquiv", "")
            walk = f'if is(ratsimp(({node["sans"]})-({node["tans"]}))=0) then print("walk: {node["trueanswernote"]}") else ({walk})'
        lines.append(walk + "$")
    out = subprocess.run(["maxima", "--very-quiet"], input="\n".join(lines), capture_output=True, text=True, timeout=60, check=True)
    ended = [re.sub(r"^prt\d-|-\d+$", "", note.strip()) for note in re.findall(r"walk: (.*)", out.stdout)]
    assert ended == [wanted for _, _, wanted in cases]
    assert [answer.findtext("type") for answer in question.findall("input")] == ["algebraic"] * 6
    softmax = derive.load_text('''
[forward]
z1 = "w1*x"
z2 = "w2*x"
p1 = "softmax(z1, z2)[1]"
p2 = "softmax(z1, z2)[2]"
L = "-(t1*log(p1) + t2*log(p2))"
[ask]
"g" = "dL/dw1"
''')
    question = ElementTree.fromstring(render_bank((formula_quiz_of(derive.derive(softmax)),), "stack"))[-1]
    node = read_prts(question)["prt1"][1]["0"]
    lines = [text_of(question, "questionvariables").replace(";", "$")]
    for answer in ("(t2*p1-t1*(1-p1))*x", "(t2*p1-t1*p2)*x", "(p1-t1)*x"):
        lines += [f"ans1: {answer}$", f"print(\"is: \", is(ratsimp(({node['sans']})-({node['tans']}))=0))$"]
    out = subprocess.run(["maxima", "--very-quiet"], input="\n".join(lines), capture_output=True, text=True, timeout=60, check=True)
    assert re.findall(r"is:\s+(\w+)", out.stdout) == ["true", "true", "false"]


def test_stack_finds_every_field_it_reads(chain_trees):
    """The fields of STACK's import_from_xml, and the rules of its own validation."""
    text = text_of(chain_trees, "questiontext")
    inputs = [i.findtext("name") for i in chain_trees.findall("input")]
    prts = list(read_prts(chain_trees))
    for name in inputs:
        assert text.count(f"[[input:{name}]]") == text.count(f"[[validation:{name}]]") == 1
    assert re.findall(r"\[\[feedback:(\w+)\]\]", text) == prts
    assert all(re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,17}", name) for name in (*inputs, *prts))
    for field in ("stackversion", "questionvariables", "specificfeedback", "questionnote", "prtcorrect", "prtincorrect"):
        assert chain_trees.find(f"{field}/text") is not None
    for _, nodes in read_prts(chain_trees).values():
        reached = {"0"} | {node[way] for node in nodes.values() for way in ("truenextnode", "falsenextnode")} - {"-1"}
        assert reached == set(nodes)
    tests = chain_trees.findall("qtest")
    trees = read_prts(chain_trees)
    for test in tests:
        answers = [value.findtext("value") for value in test.findall("testinput")]
        for expected in test.findall("expected"):
            note, score = walk_tree(trees[expected.findtext("name")], answers)
            assert expected.findtext("expectedanswernote") == f"{expected.findtext('name')}-{note}"
            assert float(expected.findtext("expectedscore")) == score
    assert len(tests) == 1 + len(prts)

# --- R/exams ------------------------------------------------------------------------------------------------------------


def read_exercise(text):
    """An exercise as R/exams reads it (read_exercise and read_metainfo, for Markdown): its sections, its lists, its fields."""
    lines = text.split("\n")
    marks = [place for place, line in enumerate(lines) if re.match("====|----", line)]
    titles = {place - 1: lines[place - 1].lower().replace("-", "") for place in marks}
    assert list(titles.values()) in (
        ["question", "answerlist", "solution", "answerlist", "metainformation"],
        ["question", "solution", "metainformation"],
    )
    found = {}
    for place, title in titles.items():
        ends = [other for other in titles if other > place and (lines[place + 1][0] == "-" or lines[other + 1][0] == "=")]
        found.setdefault(title, []).append(lines[place + 2 : min(ends) - 1 if ends else len(lines)])
        assert not ends or lines[min(ends) - 1] == ""
    fields = {}
    for name in ("exname", "extype", "exsolution", "exclozetype", "extol", "expoints"):
        told = [line for line in lines if f"{name}:" in line]
        assert len(told) <= 1  # the last one would be taken, wherever it stands
        if told:
            fields[name] = told[0].replace(f"{name}:", "").strip().split("|")
    lists = [re.split(r" *\\item", re.sub(r"^ *\\item *", "", " ".join(re.sub(r"^\* ", r"\\item ", line) for line in items)))
             for items in found.get("answerlist", [])]  # fmt: skip
    return fields, lists


def test_rexams_reads_the_exercise(run):
    _, out, _ = run("key", "q1", "--format", "rexams", "--lang", "fa")
    fields, (asked, solved) = read_exercise(out)
    key = list(gradings("q1").values())
    assert fields["extype"] == ["cloze"]
    assert fields["exclozetype"] == ["num"] * len(key) == ["num"] * len(asked) == ["num"] * len(solved)
    assert [(Decimal(value), Decimal(tolerance)) for value, tolerance in zip(fields["exsolution"], fields["extol"], strict=True)] == [
        (Decimal(grading.shown), grading.tolerance) for grading in key
    ]
    assert all(character.isascii() for character in out if character.isdigit())


def test_nothing_that_was_typed_runs_in_r(run, tmp_path):
    path = tmp_path / "hostile.toml"
    path.write_text(HOSTILE, encoding="utf-8")
    status, out, _ = run("key", path, "--format", "rexams")
    fields, lists = read_exercise(out)
    assert (status, fields["extype"], len(fields["exname"]), lists) == (0, ["num"], 1, [])
    told = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$", "", out, flags=re.DOTALL)
    assert not re.search(r"`|\$|<b>|##|\\|\[\[", told)
    assert html.unescape(told).count("exsolution: 9") == 1


@missing("Rscript")
def test_knitr_runs_nothing(run, tmp_path):
    """What knitr makes of the file is the file itself."""
    path = tmp_path / "hostile.toml"
    path.write_text(HOSTILE, encoding="utf-8")
    run("key", path, "--format", "rexams", "-o", tmp_path / "hostile.Rmd")
    knit = 'if (!requireNamespace("knitr", quietly = TRUE)) quit(status = 77); knitr::knit("hostile.Rmd", "hostile.md", quiet = TRUE)'
    done = subprocess.run(["Rscript", "-e", knit], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    if done.returncode == 77:
        pytest.skip("knitr is not installed, so nothing was tried with it")
    assert (tmp_path / "hostile.md").read_text(encoding="utf-8") == (tmp_path / "hostile.Rmd").read_text(encoding="utf-8")


def test_variants_are_one_exercise_each(run, tmp_path):
    path, folder = tmp_path / "small.toml", tmp_path / "papers"
    path.write_text(SMALL, encoding="utf-8")
    status, _, err = run("key", path, "--variants", 2, "--format", "rexams", "-o", folder)
    assert status == 0, err
    names = sorted(file.name for file in folder.iterdir())
    assert names[0] == "answers.csv"
    assert all(re.fullmatch(r"small-1-00[12]-[0-9a-f]{6}\.Rmd", name) for name in names[1:])
    assert len({(folder / name).read_text(encoding="utf-8") for name in names[1:]}) == 2


def test_workers_make_the_same_quizzes():
    """In order, through a pickle, whoever makes them."""
    edition = Edition(derive.load_text(SMALL), "small", 3, Rounding())
    here = [made.quiz for made in make_quizzes(edition, range(1, 6))]
    with ThreadPoolExecutor(2) as executor:
        there = [pickle.loads(pickle.dumps(made.quiz)) for made in make_quizzes(edition, range(1, 6), executor)]
    assert [quiz.paper_id for quiz in there] == [quiz.paper_id for quiz in here]
    assert all(render_bank(there, style) == render_bank(here, style) for style in ("moodle", "stack", "csv"))


# --- CSV ----------------------------------------------------------------------------------------------------------------


def test_the_table_opens_cleanly(run, tmp_path):
    path = tmp_path / "hostile.toml"
    path.write_text(HOSTILE, encoding="utf-8")
    status, out, _ = run("key", path, "--format", "csv")
    assert out.startswith("\ufeff") is not out.isascii()
    (row,) = csv.DictReader(io.StringIO(out.removeprefix("\ufeff")))
    assert (status, row["label"][:5]) == (0, "'=cmd")
    number = re.compile(NUMBER)
    for cells in csv.reader(io.StringIO(out)):
        assert not any(cell[:1] in "=+-@\t" and not number.fullmatch(cell) for cell in cells if cell)
    assert float(row["low"]) < float(row["value"]) < float(row["high"])
    assert float(row["slip 1 value"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("q2",), "--format stack asks for formulas"),
        (("dense",), "a number for every entry"),
        (("q1", "--worksheet"), "--worksheet"),
        (("q1", "--variants", "2"), "-o DIR"),
        (("q1", "--force"), "--variants"),
        (("q1", "--digits", "11"), "10 digits"),
        (("q1", "--digits-script", "persian"), "--digits-script"),
    ],
)
def test_what_is_no_quiz_is_told_in_one_line(run, arguments, said):
    status, out, err = run("key", *arguments, "--format", "moodle")
    assert (status in (2, 3), out, err.count("\n")) == (True, "", 1)
    assert said in err
