"""Questions that a machine marks: every honest hand is accepted, no slip is, and each format is what its own reader takes.

The hands here share nothing with the code that bounds them: they work in Decimal, by formulas written out once more, and round or
cut after every single operation, each time as a coin falls.
"""

import csv
import html
import io
import json
import random
import re
import xml.etree.ElementTree as ElementTree
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from functools import cache

import pytest

import derive
from derive.exercises.audit import make_answer_key
from derive.exercises.gradings import gradings_of, items_of
from derive.exercises.reckoning import true_values
from derive.rounding import Rounding
from derive.tables.slips import candidates

NUMERIC = ("q1", "mazur", "momentum", "rmsprop", "weightdecay")

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


@pytest.mark.parametrize("usual", [4, 6])
def test_every_honest_hand_is_accepted(usual):
    key = gradings("q1", usual)
    for seed in range(60):
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


@pytest.mark.parametrize("slip", SLIPS_OF_Q1)
def test_no_slip_is_accepted_however_it_is_rounded(slip):
    touched = 0
    wrong = question_1(Hand(random.Random(0), digits=50), slip)
    for usual in (4, 6):
        for label, grading in gradings("q1", usual).items():
            if abs(wrong[label] - EXACTLY[label]) > abs(EXACTLY[label]) * Decimal("1e-20"):
                touched += 1
                for seed in range(3):
                    hand = Hand(random.Random(seed), digits=grading.asked.digits)
                    assert not grading.accepts(question_1(hand, slip)[label]), (label, grading.asked, wrong[label])
    assert touched


@pytest.mark.parametrize("name", NUMERIC)
def test_no_slip_of_the_table_is_accepted_unless_the_key_says_so(name):
    """Each slip done on the sheet in 40 digits, by the machinery of the audit rather than that of the bounds."""
    problem = derive.find(name)
    key = make_answer_key(problem, items_of(problem))
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


def test_more_digits_are_asked_for_only_where_fewer_do_not_tell():
    """With one digit less, some slip ends among the honest hands; q1 needs the digits, its loss-sign alone would not."""
    for label, grading in gradings("q1", 4).items():
        assert 4 <= grading.asked.digits <= 10, label
    finer = [grading for grading in gradings("q1", 4).values() if grading.asked.digits > 4]
    assert finer


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


def test_nothing_that_was_typed_is_a_tag_a_gap_or_a_formula(run, tmp_path):
    path = tmp_path / "hostile.toml"
    path.write_text(HOSTILE, encoding="utf-8")
    quiz = bank(run, str(path))
    name = text_of(quiz.find("question[@type='cloze']"), "name")
    assert "]]></text> {1:NM:=5}" in name
    assert "۷" not in name
    for question in quiz.findall("question")[1:]:
        text = text_of(question, "questiontext")
        gaps, _ = read_gaps(text)
        assert len(gaps) == (question.get("type") == "cloze")
        told = re.sub(r"\\\(.*?\\\)|\\\[.*?\\\]", "", GAP.sub("", text), flags=re.DOTALL)  # ours aside
        told = re.sub(r'src="data:[^"]*"', "", told)
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


# --- CSV ----------------------------------------------------------------------------------------------------------------


def test_the_table_opens_cleanly(run, tmp_path):
    path = tmp_path / "hostile.toml"
    path.write_text(HOSTILE, encoding="utf-8")
    status, out, _ = run("key", path, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (status, row["label"][:5]) == (0, "'=cmd")
    number = re.compile(NUMBER)
    for cells in csv.reader(io.StringIO(out)):
        assert not any(cell[:1] in "=+-@\t" and not number.fullmatch(cell) for cell in cells if cell)
    assert float(row["low"]) < float(row["value"]) < float(row["high"])
    assert float(row["slip 1 value"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("q2",), "no number is given"),
        (("q3",), "a proof"),
        (("mlp",), "over arrays"),
        (("q1", "--worksheet"), "--worksheet"),
        (("q1", "--variants", "2"), "-o DIR"),
        (("q1", "--force"), "--variants"),
    ],
)
def test_what_is_no_quiz_is_told_in_one_line(run, arguments, said):
    status, out, err = run("key", *arguments, "--format", "moodle")
    assert (status in (2, 3), out, err.count("\n")) == (True, "", 1)
    assert said in err
