"""Whole pages, as a reader gets them; `pytest --rewrite` writes them anew, and the difference is read as prose."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import work_out

import derive
from derive.formats import FORMATS
from derive.rounding import Rounding

EXPECTED = Path(__file__).parent / "expected"
ENDINGS = {"text": "txt", "latex": "tex", "markdown": "md", "json": "json"}


PAGES = [(name, style) for name in ("q1", "q2", "q3", "dense") for style in ENDINGS] + [("mlp-matrix", "text"), ("batchnorm", "text")]


@pytest.mark.parametrize(("file", "style"), PAGES)
def test_page(file, style, rewrite):
    name, _, level = file.partition("-")
    options = {"rounding": Rounding(digits=17)} if style == "json" else {}
    page = derive.render(work_out(name, **options, **({"level": level} if level else {})), style)
    path = EXPECTED / f"{file}.{ENDINGS[style]}"
    if rewrite:
        path.write_text(page, encoding="utf-8")
    assert page == path.read_text(encoding="utf-8")


def test_every_format_has_an_expected_page():
    assert {style.partition("-")[0] for style in FORMATS} | {"json"} == set(ENDINGS)


# What the question's own sheet and the field write, in the order a teacher writes it; none of it comes from our output.
SAID = {
    ("q1", "text"): [
        "∂L/∂w5 = ∂L/∂y1 · ∂y1/∂net_y1 · ∂net_y1/∂w5",
        "= (y1 − t1) · y1(1 − y1) · h1",
        "= δ_y1 · h1",
        "= (δ_y1 · w5 + δ_y2 · w6) · h1(1 − h1)",
        "0.128876 · 0.40 + (−0.0299997) · 0.45",
        "0.15 · 0.05 + 0.25 · 0.10 + 0.35",
    ],
    ("q2", "text"): ["= w^[3] ⊙ a^[2] ⊙ (1 − a^[2])", "= (W^[2])ᵀ δ2 ⊙ a^[1] ⊙ (1 − a^[1])", "= δ_3,1 · x1", "δ1 = ∂f/∂z^[2]_1"],
    ("q2", "latex"): [
        r"w^{[3]} \odot a^{[2]} \odot \left(1 - a^{[2]}\right)",
        r"{\left(W^{[2]}\right)}^{\mathsf{T}} \, \delta_{2} \odot a^{[1]} \odot \left(1 - a^{[1]}\right)",
        r"\delta_{4} & = \frac{\partial f}{\partial w^{[1]}_{11}}",
    ],
    # Nielsen, Neural Networks and Deep Learning, chapter 2, BP1 to BP4, and the same for a batch in columns
    ("mlp", "text"): [
        "= (a^[3] − t) ⊙ a^[3] ⊙ (1 − a^[3])",
        "= (W^[3])ᵀ δ^[3] ⊙ a^[2] ⊙ (1 − a^[2])",
        "∂L/∂b^[2]    = δ^[2]",
        "∂L/∂W^[2]      = δ^[2] (a^[1])ᵀ",
    ],
    ("dense", "text"): ["= ∂L/∂Z Xᵀ", "= ∂L/∂Z 1_N", "= Wᵀ ∂L/∂Z", "= Σ_n ∂L/∂Z[i,n]·X[j,n]"],
    # Werbos 1990: the error comes back from the next step and from the loss itself
    ("rnn", "text"): ["= (Wᵀ δ_h[t + 1] + ∂L/∂h[t]|direct) ⊙ (1 − h[t]²)", "= Σ_t δ_h[t] h[t − 1]ᵀ"],
    ("softmax", "text"): ["= p[k](δ[k,i] − p[i])"],
    ("crossentropy", "text"): ["= p − y"],
    ("q3", "text"): [
        "⇔ e^z1 ≥ e^z2",
        "⇔ z1 ≥ z2",
        "⇔ (w_s1 − w_s2) · x + (b_s1 − b_s2) ≥ 0",
        "W_l = w_s2 − w_s1",
        "b_l = b_s2 − b_s1",
        "= σ(z1 − z2)",
    ],
}


@pytest.mark.parametrize(("name", "style"), SAID)
def test_page_says(name, style):
    page = derive.render(work_out(name), style)
    for line in SAID[name, style]:
        assert line in page


POLICIES = [Rounding(), Rounding(digits=4), Rounding(places=5), Rounding("hand", places=4), Rounding("hand", digits=3)]


@pytest.mark.parametrize("rounding", POLICIES)
def test_no_step_says_the_same_twice(rounding):
    work = work_out("q1", rounding=rounding)
    for step in work.steps:
        trees = [line.tree for line in step.lines]
        assert all(first != second for first, second in pairwise(trees)), step.goal


def test_hand_uses_what_it_shows():
    """By hand to 4 places: 0.1289 · 0.5945 is 0.0766, and 0.40 − 0.5 · 0.0766 is 0.3617."""
    page = derive.render(work_out("q1", rounding=Rounding("hand", places=4)), "text")
    assert re.search(r"≈ 0\.1289 · 0\.5945\s+≈ 0\.0766", page)
    assert re.search(r"0\.40 − 0\.5 · 0\.0766 +[=≈] 0\.3617", page)


def test_jupyter_shows_latex_and_text():
    bundle = work_out("q1")._repr_mimebundle_()
    assert set(bundle) == {"text/latex", "text/plain"}
    assert r"\begin{aligned}" in bundle["text/latex"]


def test_markup_in_a_title_is_printed_as_text():
    source = r'title = "[bold]x[/] \\input{a} <script> $#&_%~^{}"' + '\n[forward]\nf = "a*b"\n'
    work = derive.derive(derive.load_text(source))
    assert r"\textbackslash{}input\{a\}" in derive.render(work, "latex")
    assert "&lt;script&gt;" in derive.render(work, "markdown")
    assert derive.render(work, "text").startswith(r"[bold]x[/] \input{a} <script> $#&_%~^{}")
