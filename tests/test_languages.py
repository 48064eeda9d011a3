"""The languages: the catalogues agree, no word of one slips into the other, a problem brings its own words, and numbers read right."""

import ast
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from conftest import work_out

import derive
from derive.bidi import END, LEFT, RIGHT, TURN, numerals, runs, width, without_marks
from derive.catalogues import LANGUAGES, catalogue
from derive.cli import main
from derive.errors import DeriveError, InputError, UsageError
from derive.exercises.audit import audit_papers
from derive.exercises.classes import Class
from derive.exercises.nearly import Undecided
from derive.exercises.variants import Variants
from derive.exercises.verdicts import VERDICTS
from derive.explainpages import explained, groups, list_page
from derive.formats import draw_page
from derive.formats.keys import key_files
from derive.formats.templates import KeyTemplate
from derive.formats.toml import render_problem
from derive.keypages import GATES, sheets_of, worksheet_of
from derive.pages import page_of
from derive.tables.laws import LAWS
from derive.tables.ops import OPS
from derive.tables.rules import DECAYED, RULES
from derive.tables.slips import SLIPS
from derive.written import Name, Number

HOUSE = Path(derive.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]
ARABIC = re.compile("[\u0621-\u06d3]")


def sentences(language):
    return {(section, key): text for section, words in catalogue(language).items() for key, text in words.items()}


def places(text):
    return sorted(set(re.findall(r"\{(\w[\w-]*)\}", text)))


def terms(text):
    return [name[0].lower() + name[1:] for name in re.findall(r"\{:([\w-]+)\}", text)]


# --- the catalogues -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_says_what_english_says(language):
    english, other = sentences("en"), sentences(language)
    assert list(english) == list(other)
    assert [place for place in english if places(english[place]) != places(other[place])] == []
    assert [place for place in english if bool(english[place]) != bool(other[place])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_term_is_known_and_used(language):
    used = {term for text in sentences(language).values() for term in terms(text)}
    assert used == set(catalogue(language)["term"])


NOT_WORDS = {("text", "flow"), ("text", "flow-arrow"), ("text", "comma"), ("text", "semicolon"), ("text", "gap"), ("law", "known-sum"), ("note", "shapes")}
"""Sentences that are only what fills them, and signs."""

LATIN = {
    "ReLU", "Leaky", "ELU", "SiLU", "GELU", "Mish", "SymPy", "NumPy", "PyTorch", "Adam", "AdamW", "RMSprop", "Polyak", "Nesterov", "Sutskever",
    "Tieleman", "Hinton", "Kingma", "Ba", "Loshchilov", "Hutter", "ln", "min", "max", "a", "e", "k", "t", "x", "y", "z", "L", "W",
}  # fmt: skip
"""Names, and what stands in formulas."""
COMMANDS = {"derive", "show", "check", "explain", "expand", "each", "shared", "none", "numbers", "symbols", "NAME"}
"""What is typed: commands, and values of a problem file."""


def test_persian_is_persian():
    for place, text in sentences("fa").items():
        bare = re.sub(r"\{[^}]*\}", "", text)
        assert not text or place in NOT_WORDS or ARABIC.search(bare) or terms(text), place
        assert set(re.findall("[A-Za-z]+", bare)) <= LATIN | (COMMANDS if place[0] in ("new", "explain") else set()), place
        assert not re.search("[\u064a\u0643\u06c0\u06d5,;?\u06f0-\u06f9\u0660-\u0669]", bare), f"{place}: letters and signs of another language"
        assert not re.search(" \u200c|\u200c |\u200c$", text), f"{place}: a half-space beside a space"


def literals_by_section():
    """For each section of the catalogue, what the code that speaks from it may take for a key, as patterns."""
    found = {}
    for module in HOUSE.rglob("*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        outside = [pattern_of(node) for top in tree.body if isinstance(top, ast.Assign | ast.AnnAssign) for node in ast.walk(top)]
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            nodes = list(ast.walk(function))
            patterns = {pattern for pattern in (*outside, *map(pattern_of, nodes)) if re.search("[a-z]", pattern or "")}
            for section in sections_in(nodes):
                found.setdefault(section, set()).update(patterns)
    return found


def pattern_of(node):
    match node:
        case ast.Constant(str(text)):
            return re.escape(text)
        case ast.JoinedStr(values):
            return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in values)
    return None


def sections_in(nodes):
    """The sections that calls of say and word name; `said` in a call stands for a pair chosen just above it."""
    for node in nodes:
        match node:
            case ast.Call(ast.Attribute(_, "word"), [_], []):
                yield "html"  # that format asks for the words of its own section
            case ast.Call(ast.Attribute(_, "say" | "word") | ast.Name("say"), [ast.Constant(section), *_]):
                yield section
            case ast.Call(ast.Attribute(_, "say" | "word") | ast.Name("say"), [ast.Starred(), *_]):
                yield from ("text", "law", "array")
            case ast.Call(ast.Attribute(_, "prose")):
                yield "text"
            case ast.Call(ast.Attribute(_, "heading")):
                yield "heading"


def keys_of_tables():
    """The keys that the rows of a table ask for, or that one module passes on to another."""
    slips_known = (*SLIPS, "swapped-classes")  # the slip of a decision
    slips = {key for key in catalogue("en")["slip"] for name in slips_known if key == name or key.startswith(f"{name}-")}
    code = " ".join(path.read_text(encoding="utf-8") for path in HOUSE.rglob("*.py"))
    passed_on = {section: {key for key in catalogue("en")[section] if f'"{key}"' in code} for section in ("note", "progress", "picture", "model")}
    parts = {step.key for step in work_out("q3").parts}
    return {
        "operation": set(OPS),
        "kink": {name for name, op in OPS.items() if op.kink},
        "rule": set(RULES),
        "hyperparameter": {number.name for rule in RULES.values() for number in rule.numbers},
        "own": {own.word for rule in RULES.values() for own in (DECAYED, *rule.own)},
        "law": set(LAWS),
        "law-statement": set(LAWS),
        "slip-statement": set(SLIPS),
        "gate": set(GATES),
        "verdict": set(VERDICTS),
        "slip": slips,
        **passed_on,
        "proof": parts | {f"{part}-heading" for part in parts} | (set(LAWS) & set(catalogue("en")["proof"])),
        "convention": {"negative-delta"},
        "term": {term for text in sentences("en").values() for term in terms(text)},
        "html": {"level", "show"} | {f"{kind}-{value}" for kind in ("level", "show", "more") for value in ("brief", "steps", "full", "both", "symbols", "numbers")},
    }


def test_every_sentence_is_spoken():
    """No page can show a sentence that the code does not name, or that no row of a table asks for."""
    literals, tables = literals_by_section(), keys_of_tables()
    for section, key in sentences("en"):
        named = any(re.fullmatch(pattern, key) for pattern in literals.get(section, ()))
        assert named or key in tables.get(section, ()), f"[{section}] {key} is said nowhere"


def test_what_the_tables_ask_for_has_words():
    english = catalogue("en")
    for section in ("operation", "kink", "rule", "hyperparameter", "own", "law", "gate", "verdict"):
        assert keys_of_tables()[section] == set(english[section]), section
    assert {name: op.title for name, op in OPS.items()} == english["operation"]
    assert {name for name in SLIPS if not any(key == name or key.startswith(f"{name}-") for key in english["slip"])} == set()


def test_an_unknown_language_is_refused():
    with pytest.raises(UsageError, match=r"unknown language 'fr' \(known: en, fa\)"):
        derive.render(work_out("q2"), "text", "fr")


# --- pages --------------------------------------------------------------------------------------------------------------

ENGLISH = re.compile(r"[a-z]{2,}( [a-z]{2,})+", re.IGNORECASE)
"""Two words of a language written in Latin letters: our names of quantities are one."""


def persian_pages():
    for name in derive.built_in_names():
        work = work_out(name)
        yield name, page_of(work, "fa")
        yield name, sheets_of(work, "x-1-001-abcdef", "fa").paper
        yield name, sheets_of(work, "x-1-001-abcdef", "fa").key
    yield "q1", worksheet_of(work_out("q1"), language="fa")
    problem = derive.find("q1")
    paper = derive.load_answers(HOUSE / "problems" / "q1-key.txt", problem)
    audits = tuple(audit_papers(problem, paper))
    yield "q1", page_of(audits[0], "fa")
    yield "q1", page_of(Class(problem, audits), "fa")
    yield "list", list_page("fa")
    for names in groups().values():
        yield from ((name, explained(name, "fa")) for name in names)


def test_no_english_on_a_persian_page():
    for name, page in persian_pages():
        for line in without_marks(draw_page(page, "text")).splitlines():
            if not line.startswith("منبع:"):  # the titles of papers
                assert not ENGLISH.search(re.sub(r"derive (show|check|explain) \w+|Leaky ReLU", "", line)), f"{name}: {line}"


def test_the_key_of_a_paper_from_a_template_is_the_persian_key():
    papers = Variants(derive.find("q1"), "q1", derive.Rounding(), slips=False)
    for style in ("text", "latex", "markdown"):
        template, told = KeyTemplate(papers, style, "fa"), 0
        for number in range(1, 7):
            paper = papers.paper(1, number)
            try:
                found = template.fill(1, number, papers.numbers_of(paper.problem))
            except Undecided:
                continue
            told += 1
            assert found.files == key_files(sheets_of(paper.work, paper.id, "fa"), paper.work, style, paper.id)
        assert told > 3, style


# --- the words of a problem ---------------------------------------------------------------------------------------------

BARE = '[given]\nx = 2\nb = 1\n[forward]\nz = "w*x + b"\nL = "(z - 1)^2"\n[train]\nparameters = ["w", "b"]\n'
ARRAYS = '[shapes]\nx = ["n"]\nw = ["n"]\n[forward]\nL = "sum((w*x)^2)"\n[train]\nparameters = ["w"]\n'
ASK = '[ask]\n"slope of b" = "dL/db"\n'
OWN = '[words.fa]\ntitle = "مسئلهٔ من"\nquestion = "چه می‌شود؟"\nparameter = "ضریب"\n'


@pytest.mark.parametrize("body", [BARE, ARRAYS], ids=["numbers", "arrays"])
def test_a_problem_brings_its_own_words(body):
    problem = derive.load_text(f'title = "Mine"\nquestion = "What happens?"\nsource = "Me"\n{body}{OWN}')
    work = derive.derive(problem)
    persian, english = (without_marks(derive.render(work, "text", language)) for language in ("fa", "en"))
    assert persian.startswith("مسئلهٔ من\n")
    assert "چه می‌شود؟" in persian
    assert "منبع: Me" in persian  # what [words] does not say again stays
    assert "ضریب" in persian
    assert "پارامتر" not in persian
    assert english.startswith("Mine\n")
    assert "parameter" in english
    assert page_of(work, "fa").title == sheets_of(work, language="fa").title == "مسئلهٔ من"


def test_a_problem_brings_its_own_labels():
    work = derive.derive(derive.load_text(f'{BARE}{ASK}[words.fa.ask]\n"slope of b" = "مشتق نسبت به b"\n'))
    for text in (derive.render(work, "text", "fa"), draw_page(sheets_of(work, language="fa").paper, "text")):
        assert "مشتق نسبت به b:" in without_marks(text)
        assert "slope of b" not in text
    assert "slope of b:" in derive.render(work, "text")
    assert set(json.loads(derive.render(work, "json", "fa"))["asked"]) == {"slope of b"}


REFUSED = [
    ("[words.fr]\nloss = 'x'", "words.fr: unknown language (known: en, fa)"),
    ("[words.fa]\nlos = 'x'", "words.fa.los: no page has such a word; did you mean 'loss'?"),
    ("[words.fa]\nloss = 1", "words.fa.loss: should be text in quotes"),
    ("[words.fa]\nloss = 1.5", "words.fa.loss: should be text in quotes"),
    ("[words.fa]\ntitle = ' '", "words.fa.title: should be text in quotes"),
    ("[words.fa.ask]\n'slop of b' = 'x'", "words.fa.ask.slop of b: [ask] has no such label; did you mean 'slope of b'?"),
    ("[words]\nfa = 'x'", "words.fa: should be a section, written [words.fa]"),
    ("[words.fa]\nask = 'x'", "words.fa.ask: should be a section, written [words.fa.ask]"),
]


@pytest.mark.parametrize(("section", "message"), REFUSED, ids=[row[0] for row in REFUSED])
@pytest.mark.parametrize("body", [BARE + ASK, ARRAYS + ASK.replace("dL/db", "dL/dw")], ids=["numbers", "arrays"])
def test_words_no_page_has_are_refused(body, section, message):
    with pytest.raises(InputError) as told:
        derive.load_text(f"{body}{section}\n")
    assert str(told.value) == f"problem: {message}"


def test_words_are_written_back_and_change_no_id():
    plain = derive.load_text(BARE + ASK)
    own = derive.load_text(f'{BARE}{ASK}{OWN}[words.fa.ask]\n"slope of b" = "مشتق"\n[words.en]\nloss = "cost"\n')
    assert derive.load_text(render_problem(own)) == own
    assert repr(own) == repr(plain)
    assert own != plain


@pytest.mark.parametrize("name", derive.built_in_names())
def test_every_problem_speaks_persian(name):
    problem = derive.find(name)
    words = problem.words["fa"]
    assert ARABIC.search(words.title)
    assert ARABIC.search(words.question)
    assert bool(words.source) == bool(problem.source)
    spoken = [ask.label for ask in problem.asks if not re.match("[δ∂]", ask.label)]
    assert list(words.asks) == spoken


# --- runs ---------------------------------------------------------------------------------------------------------------

X, HALF = Name("x"), Number("-0.5")
RUNS = [
    (("عدد -0.0217 است",), ["-0.0217"]),
    (("عدد −0.0217 و 12.5 و 1e-5.",), ["−0.0217", "12.5", "1e-5"]),
    (("پرسش 12: 5",), ["12", "5"]),
    (("برگهٔ q1-7-012-698b9a.",), ["q1-7-012-698b9a"]),
    (("از Matt Mazur, A Step by Step Example, 2015 است",), ["Matt Mazur, A Step by Step Example, 2015"]),
    (("در C. Bishop بخش 3.2.2",), ["C. Bishop", "3.2.2"]),
    (("مقدار ", X, " = ", HALF, "، پس ", X, " منفی است"), [(X, " = ", HALF), (X,)]),
    (("مشتق −∂L/∂z و w5+ از (N, d) و f(x)",), ["−∂L/∂z", "w5+", "(N, d)", "f(x)"]),
    (("وزن w5 (یعنی b2) و [0, 1)",), ["w5", "b2", "0, 1"]),
    (("نمونه: ½ · 2(t − y) = y − t و ½، 2.",), ["½ · 2(t − y) = y − t", "½", "2"]),
    ((X, ": ", X, " به جای ", HALF, ". ", X), [(X,), (X,), (HALF,), (X,)]),
    (("خودِ سطر",), []),
    (("≈ ", HALF), [("≈ ", HALF)]),
    (("(y1 - t1)*y1*(1 - y1)",), ["(y1 - t1)*y1*(1 - y1)"]),
    (("مقدار = 5",), ["5"]),
    (("–",), []),
]


@pytest.mark.parametrize(("text", "held"), RUNS)
def test_what_reads_from_left_to_right_is_held_together(text, held):
    found = runs(text)
    assert [run.parts for run in found if run.left] == [part if isinstance(part, tuple) else (part,) for part in held]
    assert "".join(map(str, (part for run in found for part in run.parts))) == "".join(map(str, text))


# --- numbers that a right-to-left paragraph would turn round ------------------------------------------------------------

TRAPS = """
[given]
w = -0.0217
x = 12.5
t = 1
[forward]
z = "w*x"
L = "1/2*(t - z)^2"
[train]
learning_rate = 0.5
parameters = ["w"]
[words.fa]
title = "دو عدد -0.0217 و 12.5"
question = "وزن -0.0217 است (و ورودی 12.5)؛ برگهٔ q1-7-012-698b9a را ببینید."
"""
DRESS = {"latin": ("0.0217", "12.5"), "persian": ("۰٫۰۲۱۷", "۱۲٫۵")}


@pytest.fixture(scope="module")
def traps():
    return derive.derive(derive.load_text(TRAPS))


@pytest.mark.parametrize("digits", DRESS)
def test_numbers_in_persian_text(traps, digits):
    small, large = DRESS[digits]
    page = derive.render(traps, "text", "fa", digits=digits)
    minus = "-" if digits == "latin" else "−"
    assert page.startswith(f"{TURN}دو عدد {LEFT}{minus}{small}{END} و {LEFT}{large}{END}\n{TURN}=")
    assert f"وزن {LEFT}{minus}{small}{END} است (و ورودی {LEFT}{large}{END})؛ برگهٔ {LEFT}q1-7-012-698b9a{END} را" in page
    assert f"{LEFT}w = −{small}{END}، {LEFT}x = {large}{END}" in page
    assert f"{LEFT}  = (−{small}) · {large}{END}" in page
    row = rf"  {TURN}{LEFT}w{END} +{LEFT}−{small}{END} +{LEFT}\S+{END} +{LEFT}−{small} − [^\n]*{END} +{LEFT}≈ \S+{END}\n"
    assert re.search(row, page)


@pytest.mark.parametrize("digits", DRESS)
def test_numbers_in_persian_markdown(traps, digits):
    small, large = DRESS[digits]
    page = derive.render(traps, "markdown", "fa", digits=digits)
    minus = "-" if digits == "latin" else "−"
    assert page.startswith(f'<div dir="rtl">\n\n# دو عدد {LEFT}{minus}{small}{END} و {LEFT}{large}{END}\n')
    assert f"$`w = -{small}`$، $`x = {large}`$" in page
    assert rf"\left(-{small}\right) \cdot {large}" in page
    assert page.endswith("\n\n</div>\n")
    for formula in re.findall(r"\$\$(.*?)\$\$|\$`(.*?)`\$", page, re.DOTALL):
        assert not ARABIC.search("".join(formula).replace("٫", "")), "a formula would set its words in the wrong order"


@pytest.mark.parametrize("digits", DRESS)
def test_numbers_in_persian_latex(traps, digits):
    small, large = DRESS[digits]
    page = derive.render(traps, "latex", "fa", digits=digits)
    assert rf"\section*{{دو عدد $-{small}$ و ${large}$}}" in page
    assert r"برگهٔ \lr{q1-7-012-698b9a} را" in page
    assert f"$w = -{small}$، $x = {large}$" in page
    body = page.partition(r"\begin{document}")[2]
    reasons = re.findall(r"\\tag\*\{(.*)\}", body)
    assert reasons
    words = re.sub(r"(?s)\\begin\{(tikzpicture|align\*)\}.*?\\end\{\1\}|^\\begin\{center\}\\renewcommand.*?$", "", body, flags=re.MULTILINE)
    for text in (*reasons, words):
        assert not re.search(r"\d", re.sub(r"\$[^$]*\$|\\lr\{[^}]*\}", "", text)), "a number among words stands in no formula"


def test_no_name_has_persian_digits_and_no_number_latin_ones(traps):
    for language in LANGUAGES:
        page = without_marks(derive.render(work_out("q1"), "text", language, digits="persian"))
        names = re.sub(r"\b(net_)?[a-zA-Zδ]+_?[a-z]*\d\b", "", page)
        assert not re.findall(r"[0-9½²]", names), language
        assert not re.findall(r"[A-Za-z_][۰-۹]", page)
        assert "۰٫۰۷۶۶۱۳۷" in page
        assert "−۰٫۰۱۷۸۳۴۱" in page
        assert "(t1 − y1)^۲" in page
        assert "(۱/۲)" in page


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("12.5", "۱۲٫۵"), ("-0.0217", "−۰٫۰۲۱۷"), ("step 3 of h1", "step ۳ of h1"), ("w5+ L@2 q1-7-012-698b9a", "w5+ L@2 q1-7-012-698b9a"),
        ("1964, 3.2.2", "۱۹۶۴, 3.2.2"), ("x=-2", "x=−۲"), ("a-2", "a-2"),
    ],
)  # fmt: skip
def test_numerals(typed, told):
    assert numerals(typed, "persian") == told
    assert numerals(told, "latin").replace("−", "-") == typed


def test_data_keep_latin_digits(traps):
    assert derive.render(traps, "json", "fa", digits="persian") == derive.render(traps, "json")


def test_second_derivatives_keep_the_2_of_their_sign():
    work = derive.derive(derive.load_text('[given]\nx = 3\n[forward]\nf = "x^2*x"\n[train]\nparameters = ["x"]\n'), hessian=True)
    page = derive.render(work, "text", digits="persian")
    assert "∂²f/∂x²" in page
    assert "x^۲" in page


# --- columns and marks --------------------------------------------------------------------------------------------------


def test_marks_move_no_column_and_can_be_left_out():
    marked, unmarked = (derive.render(work_out("q1"), style, "fa") for style in ("text", "text-unmarked"))
    assert without_marks(marked) == unmarked
    assert marked != unmarked
    assert not re.search("[\u2066-\u2069\u200f]", unmarked)
    assert "\u200c" in unmarked


def test_reasons_stand_below_each_other():
    """A reason begins in the column it has without marks, accents and half-spaces counted as nothing."""
    for name in ("q1", "q3", "batchnorm"):
        page = derive.render(work_out(name), "text", "fa")
        for chain in page.split("\n\n"):
            lines = [line.split(f"   {RIGHT}") for line in chain.splitlines() if line.startswith(f"  {LEFT}")]
            columns = {width(formula) for formula, *reason in lines if reason and width(formula) < 72}
            assert len(columns) <= 1, chain


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("style", ["text", "latex", "markdown"])
def test_marks_are_closed_where_they_are_opened(language, style):
    for line in derive.render(work_out("q1"), style, language).splitlines():
        assert len(re.findall(f"[{LEFT}{RIGHT}]", line)) == line.count(END)
    assert (LEFT in derive.render(work_out("q1"), "text", language)) is (language != "en")


def test_the_command_speaks_persian(capsys, tmp_path):
    assert main(["show", "q1", "--lang", "fa"]) == 0
    marked = capsys.readouterr().out
    assert main(["show", "q1", "--lang", "fa", "--no-bidi-marks", "--digits-script", "persian", "-o", str(tmp_path / "q1.txt")]) == 0
    plain = (tmp_path / "q1.txt").read_text(encoding="utf-8")
    assert LEFT in marked
    assert plain.startswith("پرسش ۱\n")
    assert main(["key", "q1", "--lang", "fa", "--digits-script", "persian", "--no-bidi-marks"]) == 0
    key = capsys.readouterr().out
    assert "کلید پاسخ" in key
    assert "[ ۰٫۰۷۶۶۱۳۷ ]" in key
    assert LEFT not in key
    answers = str(HOUSE / "problems" / "q1-key.txt")
    assert main(["check", "q1", answers, "--lang", "fa", "--digits-script", "persian"]) == 0
    assert "بررسی پاسخ‌ها: پرسش" in capsys.readouterr().out
    assert main(["show", "q1", "--lang", "fr"]) == 2


def test_many_papers_in_persian(tmp_path, capsys):
    arguments = ["key", "q1", "--variants", "2", "--lang", "fa", "--digits-script", "persian", "--no-bidi-marks", "-o", str(tmp_path / "p")]
    assert main(arguments) == 0
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "p").iterdir()}
    assert all("پرسش ۱" in text and LEFT not in text for name, text in pages.items() if name.endswith(".txt"))
    assert re.search(r"\d\.\d", pages["answers.csv"])
    assert not re.search("[۰-۹]", pages["answers.csv"])
    assert "برگه" in capsys.readouterr().err


# --- a real TeX ---------------------------------------------------------------------------------------------------------


def compiled(source, folder, name="page", job=None):
    """The words of a document and where they stand, as xelatex sets it."""
    missing = [tool for tool in ("xelatex", "pdftotext") if shutil.which(tool) is None]
    if missing or not subprocess.run(["kpsewhich", "xepersian.sty"], capture_output=True, check=False).stdout:
        pytest.skip(f"{' and '.join(missing) or 'xepersian'} is missing, so no Persian document was compiled: apt-get install texlive-xetex texlive-lang-arabic poppler-utils")
    (folder / f"{name}.tex").write_text(source, encoding="utf-8")
    command = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", f"-jobname={name}", job or f"{name}.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert "Missing character" not in (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    boxes = subprocess.run(["pdftotext", "-bbox", f"{name}.pdf", "-"], cwd=folder, capture_output=True, check=True).stdout.decode()
    return re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="[\d.]+" yMax="[\d.]+">([^<]*)</word>', boxes)


@pytest.mark.tex
@pytest.mark.parametrize(("language", "digits"), [("fa", "latin"), ("fa", "persian"), ("en", "persian")])
def test_numbers_read_right_on_paper(traps, language, digits, tmp_path):
    """In words, tables and formulas; pdftotext gives the characters as they stand on the page, left to right."""
    small, large = DRESS[digits]
    words = [word for _, word in compiled(derive.render(traps, "latex", language, digits=digits), tmp_path)]
    whole = " ".join(words)
    assert words.count(large) >= (4 if language == "fa" else 2)
    assert sum(word.strip("()") == f"−{small}" for word in words) >= (4 if language == "fa" else 2)
    for turned in (large[::-1], f"{small}−", f"{small}-", small[::-1]):
        assert turned not in whole


@pytest.mark.tex
def test_the_trap_is_there(tmp_path):
    """Typed among Persian words, 12.5 is another number on paper."""
    source = "\\documentclass{article}\\usepackage{xepersian}\\settextfont{Amiri}\\begin{document}\nعدد 12.5 است\n\\end{document}\n"
    try:
        words = [word for _, word in compiled(source, tmp_path)]
    except AssertionError as error:
        pytest.skip(f"without the font Amiri nothing can be shown: {str(error)[:60]}")
    assert "".join(words).find("۵.۱۲") > 0


@pytest.mark.tex
@pytest.mark.parametrize("name", ["q1", "q2", "q3", "batchnorm", "adam"])
def test_persian_documents_compile(name, tmp_path):
    words = compiled(derive.render(work_out(name), "latex", "fa"), tmp_path)
    assert len(words) > 200


@pytest.mark.tex
@pytest.mark.parametrize("job", [None, r"\def\withkey{}\input{page.tex}"], ids=["paper", "key"])
def test_a_persian_exam_compiles(job, tmp_path):
    source = draw_exam(work_out("q1"))
    words = [word for _, word in compiled(source, tmp_path, job=job)]
    assert "q1-7-001-abcdef" in words
    assert ("0.0766137" in words) is (job is not None)


def draw_exam(work):
    from derive.formats.exam import render_exam

    return render_exam(sheets_of(work, "q1-7-001-abcdef", "fa"), "q1-7-001-abcdef")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_toml_of_short_texts(language):
    text = (HOUSE / "languages" / f"{language}.toml").read_text(encoding="utf-8")
    assert all(isinstance(value, str) for words in tomllib.loads(text).values() for value in words.values())
    with pytest.raises(DeriveError):
        derive.load_text(text)
