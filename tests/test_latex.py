"""Every formula the pages print is parsed by a strict LaTeX-maths parser; a real TeX compiles one document with all of them."""

import shutil
import subprocess

import math_core
import pytest
from conftest import work_out

import derive
from derive.blocks import Equations, Matrix, Prose, Table
from derive.formats.latex import formula, matrix, words
from derive.pages import page_of

ODD = """
[forward]
"p1, p2" = "softmax(u, v)"
r = "relu(u) + leaky_relu(v) + max(u, v) + sqrt(p1)"
q = "square(r)^-2 + softplus(tanh(r)) + 1/(3*identity(r))"
f = "cross_entropy([p1, p2], [t1, t2]) + bce(p1, t1)*q + mse([p1, p2], [t1, t2]) + half_squared_error(q, t1) + u*1e-12"
[ask]
"one after the other" = "df/dr"
"""


def works():
    yield from (work_out(name) for name in derive.built_in_names())
    yield from (derive.derive(problem, level="matrix") for name in derive.built_in_names() if (problem := derive.find(name)).arrays)
    small = 'batch = "N"\nsizes = [2, 2, 1]\n[given]\nN = 2\n[train]\nlearning_rate = 0.5\nrule = "momentum"\n'
    yield derive.derive(derive.load_text(f"[layers]\n{small}", matrices=True), level="components")
    yield derive.derive(derive.load_text(ODD))
    yield derive.derive(derive.find("q2"), wrt=["w1_11", "w2_11", "w3_1"], hessian=True)
    yield derive.derive(derive.find("mazur"), hessian=True)
    yield derive.derive(derive.load_text("[layers]\nsizes = [2, 11, 1]\n"))


@pytest.fixture(scope="module")
def all_works():
    return list(works())


def formulas(page):
    for block in page.blocks:
        match block:
            case Equations(rows):
                for row in rows:
                    yield formula(row.right, page.script)
                    if row.left is not None:
                        yield formula(row.left, page.script)
            case Prose(parts):
                yield from (formula(part, page.script) for part in parts if not isinstance(part, str))
            case Matrix():
                yield matrix(block, page.script)
            case Table(_, rows):
                cells = [cell for row in rows for cell in row]
                yield from (formula(part, page.script) for cell in cells for part in cell if not isinstance(part, str))


def test_the_parser_is_strict():
    converter = math_core.LatexToMathML()
    for broken in (r"\frac{1}{2", r"x_{1}_{2}", r"\foo{x}", r"\left( x"):
        with pytest.raises(Exception, match=r".+"):
            convert(converter, broken)


def convert(converter, text):
    return converter.convert_with_local_state(text, displaystyle=True)


def test_every_formula_is_latex(all_works):
    converter = math_core.LatexToMathML()
    count = 0
    for work in all_works:
        for text in formulas(page_of(work)):
            assert "<math" in convert(converter, text), text
            count += 1
    assert count > 1500


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed, so no document was compiled")
def test_one_document_with_all_of_them_compiles(all_works, tmp_path):
    first, *more = (derive.render(work, "latex") for work in all_works)
    bodies = [derive.render(work, "latex-fragment") for work in all_works[1:]]
    assert len(more) == len(bodies)
    (tmp_path / "all.tex").write_text(first.replace(r"\end{document}", "\n".join(bodies) + "\n\\end{document}"), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 50_000


def test_words_are_escaped():
    assert words((r"50% of \input{x}",), page_of(work_out("q2")).script) == r"50\% of \textbackslash{}input\{x\}"
