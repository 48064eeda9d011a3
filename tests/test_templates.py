"""The key from a template is the same bytes as the key worked out in full, or it says that it cannot tell."""

from decimal import Decimal

import pytest

import derive
from derive import cli, keycommand
from derive.exercises.keys import entries_of
from derive.exercises.nearly import Undecided, in_digits, is_near
from derive.exercises.variants import Variants
from derive.formats import templates
from derive.formats.keys import key_files
from derive.formats.templates import KeyTemplate, supported
from derive.keypages import sheets_of
from derive.rounding import Rounding
from derive.tables.ops import OPS

TANH = """
title = "Two tanh units & a 'linear' one"
[given]
x1 = 0.35
x2 = -0.62
u1 = 0.45
u2 = -0.25
v1 = 0.85
v2 = 0.55
b = 0.15
w1 = -1.25
w2 = 0.75
t = 0.8
[forward]
z1 = "u1*x1 + u2*x2 + b"
z2 = "v1*x1 + v2*x2 + b"
a1 = "tanh(z1)"
a2 = "tanh(z2)"
y = "w1*a1 + w2*a2"
L = "1/2*(t - y)^2"
[train]
learning_rate = 0.1
"""

RELU = """
[given]
x1 = 0.55
x2 = 0.85
w1 = 0.45
w2 = 0.35
b = 0.25
v = 0.75
t = 1
[forward]
z = "w1*x1 + w2*x2 + b"
h = "relu(z)"
y = "v*h"
L = "(t - y)^2"
[train]
learning_rate = 0.1
"""

PROBLEMS = {"q1": None, "mazur": None, "tanh": TANH, "relu": RELU}


def family(name, rounding=None):
    problem = derive.load_text(PROBLEMS[name]) if PROBLEMS[name] else derive.find(name)
    return Variants(problem, name, rounding or Rounding(), slips=False)


@pytest.mark.parametrize("rounding", [Rounding(), Rounding(digits=4), Rounding(places=5)], ids=["6 digits", "4 digits", "5 places"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_filled_template_is_the_page_worked_out_in_full(name, rounding):
    papers = family(name, rounding)
    templates = {style: KeyTemplate(papers, style) for style in ("text", "latex", "markdown", "typst")}
    told = dict.fromkeys(templates, 0)
    for seed, number in [(seed, number) for seed in (1, 2) for number in range(1, 9)]:
        paper = papers.paper(seed, number)
        numbers, sheets, answers = papers.numbers_of(paper.problem), sheets_of(paper.work, paper.id), entries_of(paper.work)
        for style, template in templates.items():
            try:
                found = template.fill(seed, number, numbers)
            except Undecided:
                continue
            told[style] += 1
            assert found.files == key_files(sheets, paper.work, style, paper.id)
            assert (found.id, found.answers) == (paper.id, answers)
    assert min(told.values()) >= 12


ACTIVATIONS = [name for name, op in OPS.items() if op.kind == "activation" and not op.spread]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_filled_in_as_worked_out(activation):
    """One that is exact on some papers and not on others is left to the full way."""
    papers = Variants(derive.load_text(TANH.replace("tanh", activation)), activation, Rounding(), slips=False)
    try:
        template = KeyTemplate(papers, "text")
    except Undecided:
        assert activation == "elu"
        return
    told = 0
    for number in range(1, 6):
        paper = papers.paper(1, number)
        try:
            found = template.fill(1, number, papers.numbers_of(paper.problem))
        except Undecided:
            continue
        told += 1
        assert found.files == key_files(sheets_of(paper.work, paper.id), paper.work, "text", paper.id)
    assert told >= 3


def test_a_template_fills_in_what_changes_the_page():
    """Negative numbers in brackets, = beside ≈, and guard digits: all of them occur among the pages compared above."""
    papers = family("q1")
    template = KeyTemplate(papers, "text")
    pages = [template.fill(3, n, papers.numbers_of(papers.paper(3, n).problem)) for n in range(1, 9)]
    pages = [page.files[f"{page.id}-key.txt"] for page in pages]
    assert any("(−0.0" in page for page in pages)
    assert len({page.count("≈") for page in pages}) > 1  # in some, a line gives its value exactly
    assert len({tuple(len(line) for line in page.splitlines()) for page in pages}) > 1


def test_what_a_template_cannot_say_is_left_to_the_full_way():
    assert not supported(family("q1", Rounding("hand", 4, 4)))
    asked = derive.load_text(RELU + '[ask]\n"slope" = "dL/dv"\n')
    assert not supported(Variants(asked, "asked", Rounding()))
    with pytest.raises(Undecided):
        KeyTemplate(Variants(asked, "asked", Rounding()), "text")


def test_a_float_that_might_round_either_way_is_not_printed():
    assert in_digits(0.12345678, 1e-15, 4, None) == "0.1235"
    assert in_digits(-12.5, 1e-15, 4, None) == "-12.50"
    for value, error in [(0.123450000001, 1e-9), (0.5, float("inf")), (float("nan"), 0.0), (0.99999, 1e-15), (1e-9, 1e-20)]:
        with pytest.raises(Undecided):
            in_digits(value, error, 4, None)
    assert is_near(0.12344, 1e-12, Decimal("0.1234"))
    assert not is_near(0.12346, 1e-12, Decimal("0.1234"))
    with pytest.raises(Undecided):
        is_near(0.12345, 1e-9, Decimal("0.1234"))


def test_a_wrong_second_computation_stops_the_page(monkeypatch):
    """The decimals are there to contradict the floats."""
    papers = family("q1")
    template = KeyTemplate(papers, "text")
    texts = papers.numbers_of(papers.paper(1, 1).problem)
    right = template.bounded
    monkeypatch.setattr(template, "bounded", lambda *inputs: (tuple(v * (1 + 1e-12) for v in right(*inputs)[0]), right(*inputs)[1]))
    with pytest.raises(Undecided):
        template.fill(1, 1, texts)
    assert templates.MOST_GUARDS > 1


@pytest.mark.parametrize("style", ["text", "latex"])
def test_the_command_writes_the_same_bytes_with_a_template_and_without(style, tmp_path, monkeypatch, capsys):
    """And the same account of rejected draws, and the same answer sheet."""
    told = []
    for folder, many in (("full", 1000), ("fast", 1)):
        monkeypatch.setattr(keycommand, "MANY", many)
        assert cli.main(["key", "mazur", "--variants", "6", "--seed", "3", "-o", str(tmp_path / folder), "--format", style]) == 0
        told.append(capsys.readouterr().err)
    full, fast = ({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("full", "fast"))
    assert fast == full
    assert told[0] == told[1]


@pytest.mark.parametrize("title", ["0.777000010777", "777000777777-777"])
def test_a_title_that_looks_like_our_marks_is_left_to_the_full_way(title):
    problem = derive.load_text(f'title = "{title}"\n' + RELU)
    assert templates.template_of(Variants(problem, "odd", Rounding(), slips=False), "text") is None
