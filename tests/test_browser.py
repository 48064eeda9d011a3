"""The HTML page in a real browser: clicking, keys, levels, the switch, widths, dark, print, without a script, and axe.

Runs where Chromium, Playwright and axe are (`pip install playwright axe-playwright-python`); elsewhere it says that it did not.
"""

import re
import shutil

import pytest
from conftest import work_out

import derive
from derive.blocks import Figure
from derive.formats.svg import SVG_STYLE, draw_svg
from derive.pages import page_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed, so no page was opened in a browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed, so no page was opened in a browser"),
    pytest.mark.xdist_group("browser"),
]

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1300, "height": 900}


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, tmp_path):
    """Opens a page's source, and at the end demands that the console stayed silent and nothing was fetched."""
    contexts, complaints = [], []

    def go(source, viewport=None, **settings):
        path = tmp_path / f"{len(contexts)}.html"
        path.write_text(source, encoding="utf-8")
        context = chromium.new_context(viewport=viewport or DESKTOP, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
        page.goto(path.as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def source_of(name):
    name, _, language = name.partition("-")
    return derive.render(work_out(name), "html", language or "en")


def visible(page, selector):
    return page.locator(selector).filter(visible=True).count()


def test_a_click_on_a_weight_lights_its_path_and_the_steps_that_use_it(visit):
    page = visit(source_of("q1"))
    page.locator('svg [data-key="w1"][tabindex="0"]').first.click()
    lit = set(page.eval_on_selector_all("svg .lit[data-edge]", "found => found.map(edge => edge.dataset.edge)"))
    # w1 enters h1, and h1 feeds both outputs (Question 1's sheet says so in words)
    assert lit == {"x1>h1", "h1>y1", "h1>y2", "y1>L", "y2>L"}
    own = page.eval_on_selector_all(".step.lit", "found => found.map(step => step.dataset.goal)")
    assert own == ["dL/dw1"]
    used = page.eval_on_selector_all(".step.uses", "found => found.map(step => step.dataset.goal)")
    assert used == ["net_h1"]
    assert "w1" in page.locator(".told").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".lit, .uses").count() == 0


def test_a_unit_lights_its_own_path_and_not_the_others(visit):
    page = visit(source_of("q1"))
    page.locator('svg [data-key="y1"][tabindex="0"]').first.click()
    lit = page.eval_on_selector_all("svg .lit[data-edge]", "found => found.map(edge => edge.dataset.edge)")
    assert set(lit) == {"y1>L"}


def test_keys_reach_what_a_click_reaches(visit):
    page = visit(source_of("q1"))
    page.locator('svg [data-key="w5"][tabindex="0"]').first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".step.lit").get_attribute("data-goal") == "dL/dw5"
    assert page.locator('svg [aria-pressed="true"]').count() >= 1
    page.locator(".step.lit summary").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.classList.contains('row')")
    assert page.locator(".row.lit").count() == 1


def test_a_click_on_a_line_lights_the_path_of_its_gradient(visit):
    page = visit(source_of("q1"))
    page.locator('.step[data-goal="dL/dw5"] .row').nth(1).click()
    lit = page.eval_on_selector_all("svg .lit[data-edge]", "found => found.map(edge => edge.dataset.edge)")
    assert set(lit) == {"h1>y1", "y1>L"}


def test_every_place_that_reuses_a_signal_answers_the_pointer(visit):
    page = visit(source_of("q1"))
    page.locator('.step[data-goal="dL/dw5"] [data-q="dL/dnet_y1"]').first.hover()
    steps = page.eval_on_selector_all(
        "[data-q].echo", "found => [...new Set(found.map(part => part.closest('.step')?.dataset.goal))].filter(Boolean)"
    )
    # δ_y1 is found once and used by both weights into y1, by the bias, and by both hidden units
    assert {"dL/dnet_y1", "dL/dw5", "dL/dw7", "dL/db2", "dL/dh1", "dL/dh2"} <= set(steps)
    page.mouse.move(2, 2)
    assert page.locator("[data-q].echo").count() == 0


def test_levels_fold_and_unfold_every_step_and_one_step(visit):
    page = visit(source_of("q1"))
    rows = '.step[data-goal="dL/dw5"] .row'
    assert visible(page, rows) == 6
    page.locator('[data-switch="level"] [value="brief"]').check()
    assert visible(page, rows) == 2
    assert visible(page, '.step[data-goal="dL/dw5"] .left') == 1
    page.locator('[data-switch="level"] [value="steps"]').check()
    assert visible(page, rows) == 3
    page.locator('.step[data-goal="dL/dw5"] .more').click()
    assert visible(page, rows) == 6
    assert visible(page, '.step[data-goal="dL/dw6"] .row') == 3
    page.locator('.step[data-goal="dL/dw5"] summary').click()
    assert visible(page, rows) == 0
    assert "0.0766137" in page.locator('.step[data-goal="dL/dw5"] summary').inner_text().replace("\n", "")


def test_symbols_and_numbers_are_a_switch(visit):
    page = visit(source_of("q1"))
    page.locator('[data-switch="show"] [value="symbols"]').check()
    assert visible(page, ".row.numeric") == 0
    assert visible(page, "svg .value") == 0
    page.locator('[data-switch="show"] [value="numbers"]').check()
    assert visible(page, ".numbered > .row.symbolic") == 0
    assert visible(page, "svg .value") > 10
    # the first line of each chain has a left side, whatever is folded away
    assert visible(page, '.step[data-goal="dL/dw5"] .left') == 1


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("name", ["q1", "q3", "batchnorm"])
def test_the_page_reads_completely_with_and_without_a_script(visit, name, script):
    page = visit(source_of(name), java_script_enabled=script)
    assert visible(page, ".row") == page.locator(".row").count() > 5
    assert visible(page, ".told a") == 0


TRAP = """title = "آزمون"
question = "مقدار -0.0217 و 12.5 را در نظر بگیرید."
[given]
x = 12.5
w = -0.0217
[forward]
L = "(w*x)^2"
"""

PLACES = """() => {
  const found = [], walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, at = node.data.search(/[-−]?(0\\.0217|12\\.5|۰٫۰۲۱۷|۱۲٫۵)/);
    if (at < 0) continue;
    const word = node.data.slice(at).match(/^[-−]?[0-9.۰-۹٫]+/)[0];
    found.push([word, [...word].map((_, k) => {
      const range = document.createRange();
      range.setStart(node, at + k);
      range.setEnd(node, at + k + 1);
      return range.getBoundingClientRect().left;
    })]);
  }
  return found;
}"""


@pytest.mark.parametrize("digits", ["latin", "persian"])
def test_numbers_on_a_persian_page_read_from_left_to_right(visit, digits):
    """The traps that were measured: −0.0217 shown as 0.0217−, and 12.5 as 5.12."""
    page = visit(derive.render(derive.derive(derive.load_text(TRAP)), "html", "fa", digits=digits))
    found = page.evaluate(PLACES)
    assert len(found) > 8
    for word, places in found:
        assert places == sorted(places), f"{word} is turned round"
    written = {word for word, _ in found}
    assert ("۱۲٫۵" in written) == (digits == "persian")
    assert page.evaluate("getComputedStyle(document.querySelector('.row math')).direction") == "ltr"
    assert page.evaluate("getComputedStyle(document.querySelector('main')).direction") == "rtl"


WORKS = ["q1", "q2", "q3", "mazur", "adam", "attention", "lstm", "batchnorm", "activations", "q1-fa", "q3-fa"]


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", WORKS)
def test_nothing_is_wider_than_the_window(visit, name, viewport):
    page = visit(source_of(name), viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


AXE = [*((name, "light") for name in ("q3", "batchnorm", "audit", "key", "q1-fa")), ("key", "dark")]
"""The key has the page of q1 in it.  What differs in the dark is colours alone, and the key has all of them but those of an audit."""


@pytest.mark.parametrize(("name", "scheme"), [*AXE, ("audit", "dark")])
def test_axe_finds_nothing(visit, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed, so accessibility was not checked")
    # the page's policy lets no other script in, so axe is given the page without it; the policy is tested elsewhere
    source = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", paper_of(name))
    page = visit(source, color_scheme=scheme)
    found = axe.Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()


def paper_of(name):
    if name == "audit":
        return derive.render(next(iter(audits())), "html")
    if name == "key":
        from derive.formats.keys import render_key
        from derive.keypages import sheets_of

        return render_key(sheets_of(work_out("q1")), work_out("q1"), "html")
    return source_of(name)


def audits():
    from importlib.resources import files

    problem = derive.find("q1")
    key = files("derive") / "problems" / "q1-key.txt"
    return derive.audit_papers(problem, derive.load_answers(str(key), problem))


def test_printed_it_is_a_key_with_every_line(visit, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed, so the printed page was not read")
    import subprocess

    page = visit(paper_of("key"))
    page.locator(".step summary").first.click()  # folded on the screen, unfolded on paper
    page.pdf(path=tmp_path / "key.pdf", format="A4")
    text = subprocess.run(["pdftotext", "-layout", tmp_path / "key.pdf", "-"], capture_output=True, text=True, check=True).stdout
    assert "0.0766137" in text
    assert "0.3825" in text
    assert "fewer lines" not in text
    assert "Shown of each step" not in text


def test_a_notebook_output_is_the_page_with_scripts_and_latex_without(visit):
    output = work_out("q1")["dL/dw5"]._repr_mimebundle_()["text/html"]
    source = f"<!doctype html><meta charset=utf-8><title>output</title><link rel=icon href=data:,><body>{output}"
    page = visit(source)
    assert page.locator(".derive[data-awake] .step .row").count() == 6
    page.locator(".more").click()
    assert visible(page, ".row") == 2
    without = visit(source, java_script_enabled=False)
    assert without.locator(".derive").count() == 0
    assert r"\frac{\partial L}{\partial w_{5}}" in without.locator("body").inner_text()


WORDS = """svgs => svgs.flatMap(svg => {
  const box = element => element.getBoundingClientRect();
  const told = [...svg.querySelectorAll("text")].map(text => [text.textContent, box(text)]);
  const out = [...svg.querySelectorAll(".unit")].flatMap(unit => {
    const body = box(unit.querySelector(".body"));
    return [...unit.querySelectorAll("text")].map(box)
      .filter(text => text.left < body.left - 1 || text.right > body.right + 1).map(() => unit.textContent);
  });
  const meets = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4;
  const both = told.flatMap(([words, place], k) => told.slice(k + 1).filter(other => meets(place, other[1])).map(other => words + " on " + other[0]));
  return [...out.map(words => words + " out of its unit"), ...both].map(words => svg.querySelector("title").textContent + ": " + words);
})"""


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_words_of_every_picture_stay_in_their_units_and_off_each_other(visit, language):
    """As the browser sets them: the pictures are laid out with estimates."""
    drawn = ""
    for name in derive.built_in_names():
        page = page_of(work_out(name), language, digits={"en": "latin", "fa": "persian"}[language])
        drawn += "".join(draw_svg(b.picture, page.script, digits=page.digits) for b in page.blocks if isinstance(b, Figure))
    page = visit(f"<style>{SVG_STYLE}</style>{drawn}")
    assert page.eval_on_selector_all("svg", WORDS) == []
