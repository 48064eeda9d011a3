"""The HTML page: what its formulas mean, what it fetches (nothing), what folding may never make false, and what a click does."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from conftest import work_out

import derive
from derive.arithmetic import compile_tree, key_of, precision
from derive.blocks import LEVELS, Equations
from derive.formats.folding import SHOWS
from derive.formats.html import document, fragment, literal
from derive.formats.mathematics import write
from derive.pages import page_of
from derive.reader import read_formula
from derive.tables.ops import OPS
from derive.written import Elementwise, Listing, MatrixProduct, Rows, walk

ARRAYS = {name for name in derive.built_in_names() if derive.find(name).arrays is not None}
SCALARS = [name for name in derive.built_in_names() if name not in ARRAYS and derive.find(name).decision is None]

# --- formulas: MathML read back, by a reader that shares nothing with the writer ------------------------------------------

FUNCTIONS = {op.text or op.name: op.name for op in OPS.values()}
SIGNS = {"−": "-", "·": "*", "⊙": "*", "\u2061": "\u2061", "≥": ">=", "≤": "<="}


def typed_again(node):
    """What a MathML element says, as it would be typed."""
    if (quantity := node.get("data-q")) is not None:
        return quantity if "/" not in quantity else f"({quantity})"
    parts = [typed_again(child) for child in node]
    text = (node.text or "").strip() if not parts else ""
    match node.tag:
        case "mn":
            return text
        case "mi":
            return FUNCTIONS.get(text, text)
        case "mo":
            return SIGNS.get(text, text)
        case "mspace":
            return "*"
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msup":
            return f"exp({parts[1]})" if parts[0] == "e" else f"(({parts[0]})^({parts[1]}))"
        case "msqrt":
            return f"sqrt({parts[0]})"
        case "mrow" | "math":
            told = ""
            for part in parts:
                beside = told and re.match(r"[\w(]", part) and re.search(r"[\w)]\Z", told)
                told += ("*" if beside else "") + part
            return re.sub(r"\*?\u2061\*?", "", told)
    raise AssertionError(node.tag)


def value_of(tree):
    values = {key: Decimal(sum(map(ord, str(key))) % 89 + 3) / 97 for node in walk(tree) if (key := key_of(node)) is not None}
    with precision(30):
        return compile_tree(tree)(values)


@pytest.mark.parametrize("name", SCALARS)
def test_mathml_means_what_the_tree_means(name):
    from derive.formats.html import FACE

    work = work_out(name)
    page = page_of(work)
    read = 0
    for block in page.blocks:
        for row in block.rows if isinstance(block, Equations) else ():
            tree = row.right
            if row.relation not in ("=", "≈") or any(isinstance(node, Rows | Listing | Elementwise | MatrixProduct) for node in walk(tree)):
                continue  # a reader of numbers reads no columns
            told = typed_again(ElementTree.fromstring(f"<math>{write(tree, FACE, page.script)}</math>"))
            if "|" in told or "θ" in told:  # a slope along one equation, and the rule for any parameter, cannot be typed
                continue
            again = read_formula(told, work.problem.known, quantities=True)
            assert abs(value_of(again) - value_of(tree)) < Decimal("1e-25"), (told, tree)
            read += 1
    assert read > 10


# --- the file -------------------------------------------------------------------------------------------------------------

VOID = {"meta", "link", "input"}


class Checker(HTMLParser):
    """Every element closed where it should be, nothing that runs or is fetched, headings in order, ids once."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.headings, self.links = [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        found = dict(attributes)
        assert len(found) == len(attributes), f"an attribute twice on <{tag}>"
        assert "style" not in found, f"<{tag} style> is forbidden by the policy"
        assert not [key for key in found if key.startswith("on")]
        for key in ("src", "href"):
            target = found.get(key, "#")
            assert target.startswith("#") or target == "data:,", target
            if target.startswith("#") and target != "#":
                self.links.append(target[1:])
        if "id" in found:
            self.ids.append(found["id"])
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()


def checked(source):
    checker = Checker()
    checker.feed(source)
    checker.close()
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert set(checker.links) <= set(checker.ids)
    return checker


@pytest.mark.parametrize("name", derive.built_in_names())
def test_the_file_is_whole_and_fetches_nothing(name):
    source = derive.render(work_out(name), "html")
    checker = checked(source)
    assert checker.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(checker.headings, checker.headings[1:], strict=False))
    assert set(re.findall(r'https?://[^"<\s]+', source)) <= {"http://www.w3.org/2000/svg"}


def test_the_policy_names_the_style_and_the_script_by_their_hashes():
    source = derive.render(work_out("q1"), "html")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', source)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for element_name, directive in (("style", "style-src"), ("script", "script-src")):
        ((body),) = re.findall(rf"<{element_name}>(.*?)</{element_name}>", source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "</title><b>", "a & b < c", "\x1b[2J", "]]>"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_stays_text(text):
    printable = "".join(c for c in text if c.isprintable())
    problem = derive.load_text(f'title = {json_string(text)}\nquestion = {json_string(text)}\n[forward]\nL = "w^2"\n'.encode())
    source = derive.render(derive.derive(problem), "html")
    checked(source)
    assert literal(printable) in source
    assert printable == literal(printable) or printable not in source


def json_string(text):
    import json

    return json.dumps(text)


def test_several_notebook_fragments_do_not_share_names():
    first, second = (fragment(page_of(work_out(name))) for name in ("q1", "q2"))
    names = [set(re.findall(r'\s(?:id|name)="([^"]+)"', part)) for part in (first, second)]
    assert not names[0] & names[1]


# --- folding --------------------------------------------------------------------------------------------------------------


def shown_rows(chain, level, show):
    """The rows of a chain that the style sheet leaves visible in a view, each with the relation it then shows."""
    numbered = "numbered" in chain.get("class").split()
    view = level[0] + SHOWS[show]
    for row in chain:
        classes = row.get("class").split()
        hidden = {"both": "", "symbols": "numeric", "numbers": "symbolic" if numbered else ""}[show]
        if hidden in classes or int(classes[1][1:]) > LEVELS[level]:
            continue
        right = next((span for span in row if span.get("class") == "right"), row)
        signs = {found.get("class"): found[0].text for found in right.iter("mrow") if found.get("class") in ("plain", "folded")}
        plain = next((found.text for found in right.iter("mo") if found.get("form") == "infix"), "")
        yield row, signs["folded"] if signs and view in row.get("data-folded", "").split() else plain


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["q1", "mazur", "adam", "batchnorm", "logistic"])
def test_what_stays_of_a_folded_chain_is_what_the_page_says_at_that_level(name, level):
    """The style sheet's folding and `Page.at_level` were written apart; they must leave the same relations."""
    work = work_out(name)
    source = derive.render(work, "html")
    chains = [ElementTree.fromstring(found) for found in re.findall(r'<ol class="chain.*?</ol>', entities(source), re.DOTALL)]
    blocks = [block for block in page_of(work, level=level).blocks if isinstance(block, Equations)]
    assert len(chains) == len(blocks)
    for chain, block in zip(chains, blocks, strict=True):
        found = [relation for _, relation in shown_rows(chain, level, "both")]
        assert found == [{"iff": "⟺"}.get(row.relation, row.relation) for row in block.rows]


@pytest.mark.parametrize("name", derive.built_in_names())
def test_a_folded_step_says_of_its_goal_what_its_last_line_says_of_it(name):
    """The goal in the heading is the left side that the last line belongs to: never an entry beside the whole array."""
    source = entities(derive.render(work_out(name), "html"))
    steps = re.findall(r'<details class="step".*?</details>', source, re.DOTALL)
    for step in steps:
        lefts = re.findall(r'<span class="left">(.*?)</span>', step)
        goal = re.search(r"<h3[^>]*>(.*?)</h3>", step)[1]
        plain = [re.sub(r' displaystyle="true"', "", left) for left in lefts]
        assert letters_of(goal) == letters_of(plain[-1]), name
    assert steps or name == "q3"


def letters_of(markup):
    """What a formula shows, whether its derivatives are upright or slanted."""
    return re.sub(r"<[^>]*>|/|\s", "", markup)


@pytest.mark.parametrize("name", ["q1", "mazur", "adam"])
@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize("level", LEVELS)
def test_the_first_row_of_every_view_has_its_left_side(name, level, show):
    source = entities(derive.render(work_out(name), "html"))
    for found in re.findall(r'<ol class="chain.*?</ol>', source, re.DOTALL):
        rows = list(shown_rows(ElementTree.fromstring(found), level, show))
        if not rows:
            continue
        row, _ = rows[0]
        own = row[0].get("class") in ("left", "statement")
        assert own or level[0] + SHOWS[show] in row.get("data-first", "").split()


def entities(source):
    return source.replace(" hidden>", ">").replace(" open ", " ")


def test_the_style_sheet_has_a_rule_for_every_view():
    style = re.search(r"<style>(.*?)</style>", derive.render(work_out("q1"), "html"), re.DOTALL)[1]
    for level in LEVELS:
        for letter in SHOWS.values():
            assert style.count(f"[data-first~={level[0]}{letter}]") == style.count(f"[data-folded~={level[0]}{letter}] .plain") == 2


def test_a_key_is_one_file_with_the_paper_and_the_key():
    from derive.keypages import sheets_of

    sheets = sheets_of(work_out("q1"))
    source = document((sheets.paper, sheets.key))
    checked(source)
    assert source.count('<div class="derive"') == 2
    assert '<mrow class="boxed">' in source
    assert 'class="blank"' in source
