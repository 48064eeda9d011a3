"""Whole pages, as a reader gets them; `pytest --rewrite` writes them anew, and the difference is read as prose."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import work_out

import derive
from derive.blocks import LEVELS, Equations
from derive.formats import FORMATS
from derive.pages import page_of
from derive.rounding import Rounding
from derive.tensors.components import letters_in
from derive.written import Over, children

EXPECTED = Path(__file__).parent / "expected"
OWN_TESTS = {"html"}
"""Formats that no teacher reads as a file: test_html looks at what they show."""
ENDINGS = {"text": "txt", "latex": "tex", "markdown": "md", "typst": "typ", "json": "json", "svg": "svg"}


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
    assert {style.partition("-")[0] for style in FORMATS} | {"json"} == {*ENDINGS, *OWN_TESTS}


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
    ("ridge", "text"): ["  y        target ", "  λ        given, not trained ", "  L        loss ", "= Xᵀ "],
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
    assert set(bundle) == {"text/html", "text/latex", "text/plain"}
    assert r"\begin{aligned}" in bundle["text/latex"]


@pytest.mark.parametrize("name", derive.built_in_names())
def test_jupyter_has_no_text_macros(name):
    r"""MathJax typesets no macro inside \text{…}, only what stands between dollars there."""
    shown = work_out(name)._repr_mimebundle_()["text/latex"]
    for words in re.findall(r"\\text\{((?:[^{}]|\{[^{}]*\})*)\}", shown):
        assert "\\" not in re.sub(r"\$[^$]*\$", "", words), words


@pytest.mark.parametrize(("name", "quantity"), [("q1", "dL/dh1"), ("dense", "dL/dX"), ("batchnorm", "v"), ("rnn", "dL/dW")])
def test_an_excerpt_shows_one_step_and_keeps_the_rest(name, quantity):
    work = work_out(name)
    part = work.only(quantity)
    assert part.steps == work.steps
    shown = part._repr_mimebundle_()["text/latex"]
    assert shown.count(r"\begin{aligned}") == 1
    assert shown.partition("$$")[2] in work._repr_mimebundle_()["text/latex"]
    with pytest.raises(derive.DeriveError):
        work.only("dL/dnothing")


@pytest.mark.parametrize("typed", ["d2L/dwdA", "d2L/dAdw", "d2L/dw^2"])
def test_an_excerpt_of_second_derivatives_over_arrays(typed):
    problem = derive.load_text('[shapes]\nA = ["m", "n"]\nw = ["n"]\n[forward]\nL = "sum((A @ w)^2)"\n[train]\nparameters = ["A", "w"]\n')
    shown = derive.render(derive.derive(problem, hessian=True).only(typed), "text")
    assert shown.count("∂²L/∂w") + shown.count("∂²L/∂A") >= 1
    assert "Backward" not in shown


@pytest.mark.parametrize("name", [name for name in derive.built_in_names() if derive.find(name).arrays is not None])
def test_no_letter_says_two_things_on_a_line(name):
    def check(tree, outside):
        inner = {index.name for index in tree.indices} if isinstance(tree, Over) else set()
        assert not inner & outside, tree
        for part in children(tree):
            check(part, outside | inner)

    for step in getattr(work_out(name), "partials", ()):
        for line in step.lines:
            check(line.tree, letters_in(*line.at))


def test_markup_in_a_title_is_printed_as_text():
    source = r'title = "[bold]x[/] \\input{a} <script> $#&_%~^{}"' + '\n[forward]\nf = "a*b"\n'
    work = derive.derive(derive.load_text(source))
    assert r"\textbackslash{}input\{a\}" in derive.render(work, "latex")
    assert "&lt;script&gt;" in derive.render(work, "markdown")
    assert derive.render(work, "text").startswith(r"[bold]x[/] \input{a} <script> $#&_%~^{}")


# What a textbook writes for the activations and losses that no built-in problem uses; Φ(1) and φ(1) from a printed table.
TAUGHT = {
    "gelu(z)": ["a = GELU(z)", "= z·Φ(z)", "Φ(z) = ½(1 + erf(z/√2))", "φ(z) = e^(−z²/2)/√(2·π)", "≈ 0.841345",
                "= Φ(z) + z·φ(z)", "≈ 1.08332"],
    "gelu_tanh(z)": ["= (z/2)(1 + tanh(√(2/π)(z + 0.044715 · z³)))", "tanh(z) = (e^z − e^(−z))/(e^z + e^(−z))", "≈ 0.841192"],
    "silu(z)": ["= z·σ(z)", "= a + σ(z)(1 − a)", "σ(z) = 1/(1 + e^(−z))", "≈ 0.731059"],
    "elu(z)": ["= max(0, z) + e^(min(0, z)) − 1", "= min(1, a + 1)", "= 1"],
    "mish(z)": ["= z·tanh(softplus(z))", "softplus(z) = ln(1 + e^z)", "≈ 0.865098"],
    "softplus(z)": ["= σ(z)", "σ(z) = 1/(1 + e^(−z))"],
    "erf(z)": ["= (2/√π)·e^(−z²)", "≈ 0.842701"],
    "hinge(z, t)": ["= max(0, 1 − t·z)", "= −t·[1 − t·z > 0]", "= 2"],
    "huber(z, t)": ["= ½·min(1, |z − t|)² + max(0, |z − t| − 1)", "= max(−1, min(1, z − t))", "= 1.5"],
    "kl(z, p)": ["= p·ln(p/z)", "= −p/z", "≈ −0.346574"],
}  # fmt: skip


@pytest.mark.parametrize("formula", TAUGHT)
def test_an_operation_is_taught_as_a_textbook_teaches_it(formula):
    problem = derive.load_text(f'[given]\nx = 1\nt = -1\np = 0.5\n[forward]\nz = "1*x"\na = "{formula}"\n[train]\nparameters = ["x"]\n')
    page = derive.render(derive.derive(problem), "text")
    assert [said for said in TAUGHT[formula] if said not in page] == []


@pytest.mark.parametrize("level", ["brief", "steps"])
@pytest.mark.parametrize("name", derive.built_in_names())
def test_a_level_leaves_lines_out_and_keeps_a_rounding_visible(name, level):
    """Between two lines that still stand, an ≈ that was left out stays an ≈; every chain still begins with its left side."""
    work = work_out(name)
    whole, cut = page_of(work), page_of(work, level=level)
    assert len(whole.blocks) == len(cut.blocks)
    for before, after in zip(whole.blocks, cut.blocks, strict=True):
        if not isinstance(before, Equations):
            assert before == after
            continue
        assert after.rows, "a chain keeps its result"
        kept = [row for row in before.rows if row.depth <= LEVELS[level]]
        assert [row.right for row in after.rows] == [row.right for row in kept]
        assert after.rows[0].left is not None
        start = 0
        for row, found in zip(kept, after.rows, strict=True):
            end = next(place for place in range(start, len(before.rows)) if before.rows[place] is row)
            passed = before.rows[start : end + 1]
            if any(other.relation == "≈" for other in passed[1:] if other.left is None) and not any(o.left for o in passed[1:]):
                assert found.relation == "≈"
            start = end + 1
