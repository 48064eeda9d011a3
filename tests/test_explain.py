"""What is explained: everything in the tables, each with an example that was derived, proved or audited."""

import shutil
import subprocess
from functools import cache

import pytest
from conftest import worked

import derive
from derive.blocks import Equations, Heading, Table
from derive.exercises.answers import read_answers
from derive.exercises.audit import audit_papers
from derive.explainpages import EXAMPLES, MADE, MADE_IN, explained, groups, list_page
from derive.formats import draw_page
from derive.sentences import Speaker, catalogue
from derive.tables.laws import LAWS
from derive.tables.ops import OPS
from derive.tables.rules import RULES
from derive.tables.slips import SLIPS

EXPLAINED = [(group, name) for group, names in groups().items() for name in names]
EVERY = pytest.mark.parametrize(("group", "name"), EXPLAINED, ids=[f"{group} {name}" for group, name in EXPLAINED])
WORDS = catalogue("en")


@cache
def explanation(name):
    return explained(name)


def test_everything_in_the_tables_is_explained_under_a_name_of_its_own():
    names = [name for _, name in EXPLAINED]
    assert len(set(names)) == len(names)
    assert set(names) == {*LAWS, *SLIPS, *OPS, *RULES}
    assert (EXAMPLES.keys(), MADE.keys()) == (LAWS.keys(), SLIPS.keys())
    assert (WORDS["law-statement"].keys(), WORDS["slip-statement"].keys()) == (LAWS.keys(), SLIPS.keys())


@EVERY
def test_every_page_has_an_example_and_is_drawn_in_every_format(group, name, run):
    page = explanation(name)
    assert isinstance(page.blocks[0], Heading)
    assert any(isinstance(block, Equations | Table) for block in page.blocks)
    status, text, error = run("explain", name)
    assert (status, error) == (0, "")
    assert name in text
    for style in ("text-ascii", "latex", "markdown"):
        drawn_page = draw_page(page, style)
        assert name in drawn_page.replace("\\", "")
        assert style != "text-ascii" or drawn_page.isascii()


@pytest.mark.parametrize("law", LAWS)
def test_the_line_with_a_reason_is_one_of_the_law(law):
    """Worked out again: as many lines have a reason as the step, or the whole proof's step, has lines of that law."""
    example = EXAMPLES[law]
    problem = derive.load_text(example.problem) if "\n" in example.problem else derive.find(example.problem)
    chain = next(block for block in explanation(law).blocks if isinstance(block, Equations))
    reasons = [row.reason for row in chain.rows if row.reason]
    if example.step:
        lines = derive.derive(problem).step(example.step).lines
        assert len(reasons) == sum(line.law == law for line in lines) > 0
        assert [line.tree for line in lines][-1] == chain.rows[-1].right
    else:
        steps = [step for part in worked(example.problem).parts for step in part.steps]
        counts = {sum(line.law == law for line in step.lines) for step in steps}
        assert len(reasons) in counts - {0}


@pytest.mark.parametrize("slip", SLIPS)
def test_the_answers_with_a_slip_are_found_to_have_that_slip_and_no_other(slip):
    problem = derive.find(MADE_IN)
    (audit,) = audit_papers(problem, read_answers(MADE[slip], problem), derive.Rounding())
    assert {found.id for found in audit.slips} == {slip}
    assert not any(found.tie for found in audit.slips)
    assert f"({slip})" in draw_page(explanation(slip), "text")


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.kink])
def test_a_kink_is_stated(name):
    assert Speaker("en").word("kink", name) in draw_page(explanation(name), "text")


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_shown_with_all_its_equations(rule):
    chain = [block for block in explanation(rule).blocks if isinstance(block, Equations)]
    own = [goal for goal, _ in RULES[rule].equations]
    assert len(own) == 1 or len(chain[0].rows) == len(own)
    assert "≈ 0." in draw_page(explanation(rule), "text") or "= 0." in draw_page(explanation(rule), "text")


@pytest.mark.parametrize(
    ("typed_name", "meant"),
    [("chain rule", "chain-rule"), ("Chain-Rule", "chain-rule"), ("ReLU", "relu"), ("σ", "sigmoid"), ("ln", "log"), ("leaky relu", "leaky_relu"), ("loss_sign", "loss-sign")],
)
def test_a_name_may_be_spelled_otherwise(typed_name, meant, run):
    assert run("explain", typed_name) == run("explain", meant)


def test_an_unknown_name_is_answered_with_what_was_meant(run, tmp_path):
    path = tmp_path / "page"
    for word, tail in (("chian-rule", "; did you mean 'chain-rule'?"), ("qqq", ""), ("\x1b[2J", ""), ("", "")):
        said = run("explain", word, "-o", path)
        assert said == (2, "", f"derive: nothing is called '{word.replace(chr(27), '?')}'{tail} (derive explain lists what can be explained)\n")
        assert not path.exists()


def test_the_list_has_everything_in_its_group(run):
    status, text, error = run("explain")
    assert (status, error) == (0, "")
    assert text == draw_page(list_page(), "text")
    tables = [block for block in list_page().blocks if isinstance(block, Table)]
    assert [[row[0][0] for row in table.rows] for table in tables] == [list(names) for names in groups().values()]
    assert all(row[1] for table in tables for row in table.rows)


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed, so no document was compiled")
def test_explanations_compile(tmp_path):
    bodies = "\n".join(draw_page(explanation(name), "latex-fragment") for _, name in EXPLAINED)
    document = draw_page(list_page(), "latex").replace(r"\end{document}", f"{bodies}\n\\end{{document}}")
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert b"Missing character" not in (tmp_path / "all.log").read_bytes()
