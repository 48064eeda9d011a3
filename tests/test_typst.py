"""The Typst writer and the PDFs made of it: what comes from outside stays text, formulas stand inside the margins, bytes repeat."""

import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from xml.etree import ElementTree

import pytest
from conftest import work_out
from hypothesis import given, settings
from hypothesis import strategies as st

import derive
from derive.bidi import Setting
from derive.blocks import BLANK, Boxed, Equations, Figure, Heading, Page, Prose, Row, Table
from derive.cli import main
from derive.errors import DeriveError, FormulaError, UsageError
from derive.exercises.answers import read_answers
from derive.exercises.audit import audit_papers
from derive.exercises.classes import Class
from derive.formats import pdf
from derive.formats.typst import DRAWING, PRELUDE, document, render_typst
from derive.formats.typstmath import PEN, printable, quoted
from derive.formats.typstwords import escape, words
from derive.keypages import sheets_of, worksheet_of
from derive.pages import page_of
from derive.pictures import Label, Mark, Picture, Stroke, Unit
from derive.reader import read_formula
from derive.symbols import Script, read_symbol, spell
from derive.written import Name, Number

typst = pytest.mark.typst
compiler = pytest.mark.skipif(find_spec("typst") is None, reason="the typst wheel is not installed, so no PDF was made")
reader = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed, so no PDF was read back")


def compiles(test):
    return typst(compiler(test))


def read_back(data, tmp_path, *options):
    (tmp_path / "page.pdf").write_bytes(data)
    done = subprocess.run(["pdftotext", *options, str(tmp_path / "page.pdf"), "-"], capture_output=True, check=True)
    return done.stdout.decode()


def squashed(text):
    return re.sub(r"\s", "", text)


# --- text from outside ----------------------------------------------------------------------------------------------------

# ecosystem: rows 31 to 36 of the attacks on what is printed, then everything that Typst itself would read as markup or code
ATTACKS = [
    r"\input{secret}", "$#&_%~^{}", "<script>alert(1)</script>", '"><img onerror=alert(1)>', "]]>", "&xxe;", "=cmd|' /C calc'!A0",
    "@SUM(1)", "+1+1", "-1", "[/]", "[bold]x", "[link=http://x.y]z[/link]", ":smile:", "a[delta]", "\x1b]0;title\x07x", "\x1b[2Jx",
    '#read("/etc/passwd")', '#include "/etc/passwd"', '#import "@preview/cetz:0.3.0": *', "#{1+1}", "#let x = 1", "#panic()", "$x^2$",
    "$ #read(\"/etc/passwd\") $", "a \\ b", "end\\", r"\u{41}", "@fig", "<label>", "*bold*", "_slanted_", "`raw`", "```typ #panic() ```",
    "// gone", "a // gone", "/* gone */", "https://example.org//x", "= heading", "== heading", "- item", "+ item", "1. item", "12.",
    "/ term: text", "a--b", "a---b", "-?", "a...b", "..", "-5", "- 5", "a -5", "_-5", "a~b", "it's", '"quoted"', "]", "[", "[]]", ")", "(", ";", ",",
    "a: b", "#", "$", "\\", "$$", "##", "{", "}", "context", "#[", "a_b_c", "x@y.z", "−5 – —", "½ ≤ ∂ δ σ",
]  # fmt: skip

SCRIPT = Script()
FORMULA = read_formula("w1*x1")


def flat(content):
    """The text of a piece of Typst's content, as its query gives it."""
    match content:
        case {"children": children}:
            return "".join(map(flat, children))
        case {"func": "text" | "symbol", "text": text}:
            return text
        case {"func": "space"}:
            return " "
        case {"func": "equation"}:
            return "∎"
    raise AssertionError(f"{content} is no plain text")


def queried(source, selector, field):
    import typst

    return json.loads(typst.query(source.encode(), selector, field=field, ignore_system_fonts=True))


def spoken(text):
    """What of a text is printed, white space in a row as one space."""
    return re.sub(" +", " ", printable(text)).strip(" ")


@compiles
@pytest.mark.parametrize("text", ATTACKS)
def test_markup_from_outside_is_read_as_text(text):
    (found,) = queried(f"= {escape('x' + text)}\n", "heading", "body")
    assert flat(found) == spoken("x" + text)
    for parts in ((text,), ("a", text, "b"), (text, FORMULA), (FORMULA, text), (" ", text, FORMULA, text)):
        (found,) = queried(f"#metadata[{words(parts, SCRIPT)}]\n", "metadata", "value")
        assert flat(found).strip(" ") == spoken("".join(part if isinstance(part, str) else "∎" for part in parts))
    (found,) = queried(f"#metadata({quoted(text)})", "metadata", "value")
    assert found == printable(text)


@compiles
@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.text(max_size=30) | st.sampled_from([*ATTACKS, FORMULA]), min_size=1, max_size=4))
def test_any_text_is_read_as_text(parts):
    """However a sentence is put together of them, no part gives another a meaning."""
    (found,) = queried(f"#metadata[{words(tuple(parts), SCRIPT)}]\n", "metadata", "value")
    assert flat(found).strip(" ") == spoken("".join(part if isinstance(part, str) else "∎" for part in parts))


@compiles
@reader
@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "S", "Z"], exclude_characters="¨¯´¸"), max_size=25))
def test_any_text_is_found_again_in_the_pdf(text, tmp_path_factory):
    """Of Latin letters and every sign; pdftotext joins an accent that stands alone to the letter before it."""
    page = Page(
        text, "en", SCRIPT, (Heading(1, text + "."), Prose((text, FORMULA, text)), Table((text, "b"), (((text,), (FORMULA,)),)))
    )
    found = squashed(read_back(pdf.compile_pdf(render_typst(page)), tmp_path_factory.mktemp("any"), "-raw"))
    assert found.count(squashed(printable(text))) >= 4


def pages_saying(text):
    """Every page on which a text from outside stands, by where it came in."""
    problem = derive.load_text(
        f"title = {json.dumps(text)}\nsource = {json.dumps(text)}\nquestion = {json.dumps(text)}\n[given]\nx = 2\nw = 3\n"
        f'[forward]\nf = "w*x"\n[train]\nparameters = ["w"]\n[ask]\n{json.dumps("x" + text)} = "df/dw"\n'
    )
    work = derive.derive(problem)
    yield page_of(work)
    sheets = sheets_of(work, text)
    yield from (sheets.paper, sheets.key, worksheet_of(work, (), text))
    cell = text.replace('"', '""')
    papers = read_answers(f'student,f\n"{cell}",6\n"b","{cell}"\n', problem)
    yield page_of(Class(problem, tuple(audit_papers(problem, papers))))


@compiles
@reader
def test_every_attack_is_literal_in_every_pdf(tmp_path):
    """All of them in a few documents: whatever one of them did would be done to the others too."""
    wanted, pages = [], []
    for text in ATTACKS:
        try:
            pages += pages_saying(text)
            wanted.append(squashed(printable(text)))
        except DeriveError:  # an answers file or a problem may refuse it; its title alone may still be printed
            pages.append(Page(text, "en", SCRIPT, (Heading(1, text), Prose((text,)))))
            wanted.append(squashed(printable(text)))
    found = squashed(read_back(pdf.compile_pdf(document(pages)), tmp_path, "-raw"))
    assert [text for text in wanted if text not in found] == []
    assert "root:" not in found


@compiles
@pytest.mark.parametrize(
    "code", ['#read("/etc/passwd")', '#read("../../../../../../etc/passwd")', '#include "/etc/hostname"', "#nothing"]
)
def test_the_compiler_sees_no_file(code):
    """Even if code came in: the folder it may read is empty.  What it refuses is our fault, told in one line."""
    with pytest.raises(DeriveError) as caught:
        pdf.compile_pdf(code)
    assert caught.value.exit_status == 70
    assert "\n" not in str(caught.value)


# --- formulas -------------------------------------------------------------------------------------------------------------

FRAGMENTS = [
    "w_1", "w^{[1]}_{11}", r"\hat y", r"\mathrm{net}_{h_1}", r"\mathbf{W}", r"\mathcal{L}", r"\mathit{loss}", r"\text{net1}_2",
    "x'", "x_1'", "x'_1", "'", r"\bar{x,y}", r"\vec{'}", "w^{(1}", "w_{)}", "a[b", "a]", "a,b", "(a", "x^{'}", "a-b", "a+", "*", r"\delta^{[2]}_{3,1}",
    r"\tilde{\theta}_{i'}", r"{a_b}_c", r"\dot{\mathrm{z1}}", "abs", "frac", "12ab3", "a1b22", "---", "+-", r"\varepsilon\phi",
]  # fmt: skip


def rendered(fragments):
    """Every fragment as a formula of its own, in the ways a page writes it."""
    lines = []
    for fragment in fragments:
        name = spell(read_symbol(fragment), PEN)
        lines.append(
            f"${name}$ ${name} ({name} - {name})$ $frac(∂ {name}, ∂ {name})$ $attach({name}, t: +)$ $mat({name}, {name}; {name}, {name})$"
        )
    return "\n\n".join(lines)


@compiles
def test_every_written_name_compiles():
    assert pdf.compile_pdf(rendered(FRAGMENTS)).startswith(b"%PDF")


TOKENS = [*"abw19[](),+-*'^_{}", r"\hat", r"\bar", r"\mathrm", r"\mathbf", r"\text", r"\sigma", r"\Delta", " "]


@compiles
@settings(max_examples=100, deadline=None)
@given(tokens=st.lists(st.sampled_from(TOKENS), max_size=12))
def test_any_written_name_compiles(tokens):
    source = "".join(tokens)
    try:
        read_symbol(source)
    except FormulaError:
        return
    pdf.compile_pdf(rendered([source]))


# What a Typst user would type; none of it comes from our output.
TYPED = {
    ("q1", "δ_y1"): "($δ_(y_1)$, $= frac(∂ L, ∂ upright(n e t)_(y_1))$, []),",
    ("q1", "slope"): "$= (y_1 - t_1) dot y_1 (1 - y_1)$, [slopes of $σ$]),",
    ("q2", "layers"): r"$z^(\[2\])_1$",
    ("dense", "sum"): "∑_(",
    ("adam", "root"): "sqrt(",
    ("q3", "iff"): "$⟺ z_1 ≥ z_2$",
}


@pytest.mark.parametrize(("name", "what"), TYPED)
def test_a_formula_is_typed_as_in_typst(name, what):
    assert TYPED[name, what] in derive.render(work_out(name), "typst")


# --- the page -------------------------------------------------------------------------------------------------------------

WIDTH, MARGIN = 210 / 25.4 * 72, 18 / 25.4 * 72


def outside(data, tmp_path):
    """The words that stand outside the margins."""
    boxes = read_back(data, tmp_path, "-bbox")
    words = re.findall(r'<word xMin="([\d.-]+)" yMin="[\d.-]+" xMax="([\d.-]+)" yMax="[\d.-]+">(.*)</word>', boxes)
    assert words
    return [word for left, right, word in words if float(left) < MARGIN - 1 or float(right) > WIDTH - MARGIN + 1]


@compiles
@reader
@pytest.mark.parametrize("name", derive.built_in_names())
def test_every_page_compiles_and_stays_inside_its_margins(name, tmp_path):
    work = work_out(name)
    sheets = sheets_of(work)
    assert outside(pdf.compile_pdf(document((page_of(work), sheets.paper, sheets.key))), tmp_path) == []


BROAD = {
    "product": "*".join(f"(a{k} + b{k})" for k in range(20)),
    "fraction": f"({'*'.join(f'(a{k} + b{k})' for k in range(16))})/({'*'.join(f'(c{k} + d{k})' for k in range(12))})",
    "sum": " + ".join(f"a{k}*b{k}*c{k}" for k in range(25)),
    "root": f"sqrt({' + '.join(f'a{k}*b{k}' for k in range(25))})",
    "exponent": f"exp({' + '.join(f'a{k}*b{k}' for k in range(30))})",
}


@compiles
@reader
@pytest.mark.parametrize("formula", BROAD.values(), ids=BROAD)
def test_a_formula_of_any_breadth_stays_inside_the_margins(formula, tmp_path):
    tree = read_formula(formula)
    rows = (Row(FORMULA, "=", tree, ("a reason",)), Row(None, "=", Boxed(tree), ("another",)), Row(None, "=", BLANK))
    page = Page("broad", "en", SCRIPT, (Heading(1, "broad"), Equations(rows)))
    assert outside(pdf.compile_pdf(render_typst(page)), tmp_path) == []


@compiles
@reader
def test_a_table_repeats_its_head_on_every_sheet(tmp_path):
    rows = tuple((((f"row {k}",)), (FORMULA,)) for k in range(120))
    found = read_back(pdf.compile_pdf(render_typst(Page("t", "en", SCRIPT, (Table(("first", "second"), rows),)))), tmp_path)
    sheets = found.rstrip("\f").split("\f")
    assert len(sheets) > 2
    assert all("first" in sheet and "second" in sheet for sheet in sheets)


@compiles
@reader
def test_a_heading_stays_with_what_follows(tmp_path):
    for lines in range(34, 54):  # somewhere there the heading would be the last line of a sheet
        blocks = (*(Prose((f"line {k}",)) for k in range(lines)), Heading(2, "Heading"), Prose(("body",)))
        found = read_back(pdf.compile_pdf(render_typst(Page("t", "en", SCRIPT, blocks))), tmp_path)
        (sheet,) = (sheet for sheet in found.split("\f") if "Heading" in sheet)
        assert "body" in sheet


# --- pictures -------------------------------------------------------------------------------------------------------------

STROKES = ["edge", "loop", "axis", "curve", "slope", "boundary", "neuron", "region", "bar", "guide", "a kind of tomorrow"]
UNITS = ["input", "hidden", "output", "loss", "bias", "target", "parameter", "constant", "a kind of tomorrow"]
LABELS = ["weight", "tick", "title", "dots", "point", "note", "a kind of tomorrow"]


def every_item(text):
    ways = [(0, 0), (60, 40), (120, 0), (180, 90)]
    for kind in STROKES:
        yield Stroke(tuple(ways), kind, arrow=kind == "loop", filled=kind in ("region", "bar"))
        yield Stroke(tuple(ways[:2]), kind)
    for place, kind in enumerate(UNITS):
        yield Unit(50 + 70 * place, 150, 28, 56, Name("h1"), kind, "h1", value=Number("-0.594476"))
        yield Unit(50 + 70 * place, 210, 11, 64, Name("b1"), kind, "b1", shape=("(m, ", Name("n"), ")"), small=True)
    for kind in LABELS:
        for anchor in ("start", "middle", "end"):
            yield Label(200, 260, (Name("w5"), text), kind, 60, 17, anchor, value=Number("0.40"))
    yield from (Mark(10, 10, kind) for kind in ("operating", "class0", "class1"))


@compiles
@reader
def test_every_kind_of_item_is_drawn_inside_the_margins(tmp_path):
    """Of known kinds and of any other; a picture broader than the page is drawn smaller."""
    for width in (200, 700, 2000):
        items = tuple(every_item(" said"))
        page = Page("drawn", "en", SCRIPT, (Figure(Picture(width, 300, items, "what it shows"), ("under it",)),))
        source = render_typst(page)
        assert sum(source.count(f"  {call}(") for call in ("path", "unit", "words", "mark")) >= len(items)
        data = pdf.compile_pdf(source)
        found = read_back(data, tmp_path, "-raw")
        assert found.count("said") == 3 * len(LABELS)
        assert "under it" in found
        assert outside(data, tmp_path) == [] or width == 200


@compiles
@reader
def test_markup_in_a_picture_is_read_as_text(tmp_path):
    figures = [Figure(Picture(300, 300, (Label(100, 100, (text,), "note", 60, 17),), text), (text,)) for text in ATTACKS]
    found = squashed(read_back(pdf.compile_pdf(render_typst(Page("p", "en", SCRIPT, tuple(figures)))), tmp_path, "-raw"))
    assert [text for text in ATTACKS if found.count(squashed(printable(text))) < 2] == []


# --- right to left --------------------------------------------------------------------------------------------------------

HELD = {
    "latin": {"-0.0217": "-0.0217", "12.5": "12.5", "−۰٫۰۲۱۷": "-0.0217", "w5 = 12.5": "w5 = 12.5", "0.40 + 0.45": "0.40 + 0.45", "dL/dw5": "dL/dw5",
              "q1-7-012-698b9a": "q1-7-012-698b9a"},
    "persian": {"-0.0217": "−۰٫۰۲۱۷", "12.5": "۱۲٫۵", "w5 = 12.5": "w5 = ۱۲٫۵", "0.40 + 0.45": "۰٫۴۰ + ۰٫۴۵"},
}  # fmt: skip
"""What is said in a sentence, and how it reads from left to right, by the digits of the page."""

WAYS = {"alone": ("", ""), "among words": ("وزن ", " است."), "at the end": ("وزن ", "")}


def drawn(content, head=""):
    """The letters of a piece of content as they stand on a page without a number, from left to right."""
    import typst

    page = "#set page(width: auto, height: auto, margin: 5pt, numbering: none)\n"
    source = f"{PRELUDE}{DRAWING}{page}{head}{content}".encode()
    svg = ElementTree.fromstring(typst.compile(source, ignore_system_fonts=True, format="svg"))

    def letters(element, left):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", element.get("transform", ""))]
        left += numbers[-2] if len(numbers) > 1 else sum(numbers)  # matrix(… x y), translate(x y), translate(x)
        if element.tag.endswith("use"):
            yield left + float(element.get("x", "0")), element.get("{http://www.w3.org/1999/xlink}href")
        for part in element:
            yield from letters(part, left)

    found = [letter for _, letter in sorted(letters(svg, 0))]
    assert found
    return found


@compiles
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("digits", "text"), [(digits, text) for digits, texts in HELD.items() for text in texts])
def test_what_reads_from_left_to_right_looks_so_among_persian_words(digits, text, way):
    """As a box that runs from left to right, which is known to hold."""
    before, after = WAYS[way]
    head = '#set text(lang: "fa", dir: rtl)\n'
    boxed = f"#box(text(dir: ltr)[{escape(HELD[digits][text])}])"
    assert drawn(words((before, text, after), SCRIPT, Setting(digits, True)), head) == drawn(f"{before}{boxed}{after}", head)


@compiles
def test_a_number_that_is_not_held_is_turned_round():
    head = '#set text(lang: "fa", dir: rtl)\n'
    assert drawn(r"وزن \-0.0217 است", head) != drawn(words(("وزن -0.0217 است",), SCRIPT, Setting("latin", True)), head)


@compiles
def test_a_label_of_a_picture_runs_as_its_words_do():
    """Though the picture itself runs from left to right."""
    head = '#set text(lang: "fa", dir: rtl)\n'
    label = Label(100, 50, ("کلاس ", Number("0")), "note", 60, 17)
    page = Page("t", "fa", SCRIPT, (Figure(Picture(200, 100, (label,), "")),))
    (call,) = re.findall(r"^#picture.*?^\)", render_typst(page), re.DOTALL | re.MULTILINE)
    assert drawn(f"#block(width: 300pt)[{call}]", head) == drawn("#text(size: 9pt)[کلاس $0$]", head)


@compiles
@reader
@pytest.mark.parametrize("digits", ["latin", "persian"])
@pytest.mark.parametrize("name", ["q2", "dense", "multihead"])
def test_a_persian_page_stays_inside_its_margins(name, digits, tmp_path):
    assert outside(pdf.compile_pdf(render_typst(page_of(work_out(name), "fa", digits=digits))), tmp_path) == []


# --- the command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys):
    """Runs the command in this process: exit status, standard output, standard error."""

    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    return command


COMMANDS = {
    "show": ["show", "q2"],
    "key": ["key", "q2"],
    "paper": ["key", "q2", "--paper-only"],
    "solution": ["key", "q2", "--key-only"],
    "worksheet": ["key", "q1", "--worksheet"],
    "audit": ["check", "q1", "answers.txt"],
    "class": ["check", "q1", "class.csv"],
}


@compiles
@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_every_page_can_be_a_pdf(arguments, run, tmp_path, monkeypatch):
    """The same bytes twice, and a file only."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "answers.txt").write_text("h1 = 0.594\ndL/dw5 = -0.0766\n", encoding="utf-8")
    (tmp_path / "class.csv").write_text("student,h1\nAda,0.594\nBo,0.5\n", encoding="utf-8")
    before = set(tmp_path.iterdir())
    assert run(*arguments, "-o", "once.pdf") == (0, "", "")
    assert run(*arguments, "--format", "pdf", "-o", "twice") == (0, "", "")
    assert {path.name for path in set(tmp_path.iterdir()) - before} == {"once.pdf", "twice"}
    data = (tmp_path / "once.pdf").read_bytes()
    assert data == (tmp_path / "twice").read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"CreationDate" not in data


@compiles
@reader
def test_a_key_is_the_paper_and_on_a_new_sheet_the_key(run, tmp_path):
    assert run("key", "q1", "-o", tmp_path / "key.pdf") == (0, "", "")
    sheets = read_back((tmp_path / "key.pdf").read_bytes(), tmp_path).split("\f")
    starts = [number for number, sheet in enumerate(sheets) if sheet.startswith("Question 1")]
    assert len(starts) == 2
    numbers = [sheet.split()[-1] for sheet in sheets if sheet.strip()]
    assert numbers[starts[0]] == numbers[starts[1]] == "1"


@compiles
def test_variants_are_pdfs_in_a_folder(run, tmp_path):
    status, out, _ = run("key", "q1", "--variants", 2, "--format", "pdf", "-o", tmp_path / "papers")
    assert (status, out) == (0, "")
    assert run("key", "q1", "--variants", 2, "--format", "typst", "-o", tmp_path / "sources")[0] == 0
    made = {path.stem: path for path in (tmp_path / "papers").glob("*.pdf")}
    sources = {path.stem: path for path in (tmp_path / "sources").glob("*.typ")}
    assert len(made) == 4
    assert made.keys() == sources.keys()
    for stem, path in made.items():
        assert path.read_bytes() == pdf.compile_pdf(sources[stem].read_text(encoding="utf-8"))


@compiles
def test_a_pdf_is_dated_only_where_the_environment_says_when(monkeypatch):
    source = derive.render(work_out("q2"), "typst")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert b"D:20231114221320" in pdf.compile_pdf(source)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH: 'yesterday'"):
        pdf.compile_pdf(source)


def test_a_pdf_needs_a_file(run):
    assert run("show", "q1", "--format", "pdf") == (2, "", "derive: --format pdf is not text: add -o FILE.pdf\n")


@pytest.mark.parametrize("arguments", [["show", "q1"], ["key", "q1", "--variants", 2, "--format", "pdf"]])
def test_without_the_compiler_the_other_ways_are_told(arguments, run, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "find_spec", lambda name: None)
    status, out, err = run(*arguments, "-o", tmp_path / "page.pdf")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert all(way in err for way in ("pip install 'derive-backprop[pdf]'", "-o q1.tex", "pdflatex", "-o q1.html"))
    assert list(tmp_path.iterdir()) == []


def test_the_source_goes_to_standard_output(run, tmp_path):
    status, out, err = run("show", "q2", "--format", "typst")
    assert (status, err) == (0, "")
    assert out == derive.render(work_out("q2"), "typst")
    assert run("show", "q2", "-o", tmp_path / "page.typ") == (0, "", "")
    assert (tmp_path / "page.typ").read_text(encoding="utf-8") == out
