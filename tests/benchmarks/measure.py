"""What derive costs, as one Markdown table: `python tests/benchmarks/measure.py`.

Start-up is measured on whole processes with byte code present, the rest inside this process.  Every figure is a median; a ratio
is the median of the ratios of rounds run in turns, so that a busy machine slows both sides alike.
"""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from importlib.util import find_spec
from math import log
from pathlib import Path
from statistics import linear_regression, median

import sympy
from prototype import Prototype, print_prototype
from sympy.core.cache import clear_cache

import derive
from derive.backward import Step, derive_partials
from derive.derivation import _forward_step
from derive.formats.latex import formula
from derive.scripts import script_of
from derive.slopes import Slopes
from derive.spec import Problem

PROCESS_ROUNDS, DEPTH_ROUNDS, WIDTH_ROUNDS = 15, 3, 5
DEPTHS, FITTED_FROM = (1, 2, 5, 10, 20, 50), 5
WIDTH = (16, 16, 16)
HELP_GOAL, SHOW_GOAL, LINEAR_GOAL, WIDTH_GOAL = 2.5, 1.3, 1.1, 0.1
CHECK_GOAL = 8
PDF_GOAL = 0.3

Row = tuple[str, str, str, str]


def main() -> None:
    """Measure everything and print the table."""
    rows = [*start_up(), *pages(), *depth(), *width()]
    print(f"{date.today()}, Python {platform.python_version()}, SymPy {sympy.__version__}, {os.cpu_count()} cores\n")
    print("| figure | measured | goal | |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def verdict(value: float, goal: float, unit: str = "×") -> tuple[str, str]:
    """The last two cells of a row: the goal, and whether it is met."""
    return f"≤ {goal}{unit}", "met" if value <= goal else "**missed**"


def in_turns(rounds: int, *sides: Callable[[], object]) -> list[list[float]]:
    """The seconds each side took, round by round; one round before them is not counted.

    SymPy's cache is emptied before each, as for a net met the first time.
    """
    taken: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds + 1):
        for side, seconds in zip(sides, taken, strict=True):
            gc.collect()
            clear_cache()
            start = time.perf_counter()
            side()
            if turn:
                seconds.append(time.perf_counter() - start)
    return taken


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median ratio of rounds run in turns."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def milliseconds(seconds: Sequence[float]) -> str:
    """The median, to read."""
    return f"{median(seconds) * 1e3:,.3g} ms" if median(seconds) < 1 else f"{median(seconds) * 1e3:,.0f} ms"


# --- start-up ----------------------------------------------------------------------------------------------------------


def start_up() -> Iterator[Row]:
    """Whole processes: the help and the audit of right numbers against bare Python, a page against importing SymPy."""
    script = Path(sys.executable).with_name("derive")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "derive"]
    answers = Path(tempfile.mkdtemp()) / "answers.txt"
    answers.write_text("h1 = 0.5945\ny1 = 0.7918\nL = 0.3234\ndL/dw5 = 0.07661\nw5+ = 0.3617\n", encoding="utf-8")
    pairs = (
        ("derive check q1 answers.txt", [*command, "check", "q1", str(answers)], "pass", CHECK_GOAL),
        ("derive --help", [*command, "--help"], "pass", HELP_GOAL),
        ("derive show q1 --format latex", [*command, "show", "q1", "--format", "latex"], "import sympy", SHOW_GOAL),
    )
    for label, ours, theirs, goal in pairs:
        a, b = in_turns(PROCESS_ROUNDS, process(ours), process([sys.executable, "-c", theirs]))
        shown = f"{ratio(a, b):.2f}× ({milliseconds(a)} : {milliseconds(b)})"
        yield f"`{label}` : `python -c '{theirs}'`", shown, *verdict(ratio(a, b), goal)


def process(command: list[str]) -> Callable[[], object]:
    """A run of a command that may write byte code; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return lambda: subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


def pages() -> Iterator[Row]:
    """Question 1, worked out, as a page in each format; the PDF where the compiler is installed."""
    work = derive.derive(derive.find("q1"))
    for style in ("text", "latex", "html"):
        (seconds,) = in_turns(DEPTH_ROUNDS, lambda style=style: derive.render(work, style))
        yield f"q1 worked out, its page as {style}", milliseconds(seconds), "", ""
    if find_spec("typst") is None:
        return
    from derive.formats.pdf import compile_pdf

    source = derive.render(work, "typst")
    (seconds,) = in_turns(DEPTH_ROUNDS, lambda: compile_pdf(source))
    yield "its PDF compiled by Typst (7 sheets)", milliseconds(seconds), *verdict(median(seconds), PDF_GOAL, " s")


# --- ours --------------------------------------------------------------------------------------------------------------


def layered(sizes: Sequence[int]) -> Problem:
    """A network of sigmoid units with a bias each and half the squared error, without numbers."""
    return derive.load_text(f'[layers]\nsizes = {list(sizes)}\nactivations = "sigmoid"\nloss = "half_squared_error"\n')


def unjudged(problem: Problem) -> tuple[Step, ...]:
    """The forward lines and the partials of every parameter."""
    partials = derive_partials(problem.network, problem.train.loss, problem.train.parameters, Slopes())
    return (*map(_forward_step, problem.network.equations), *partials)


def judged(problem: Problem) -> tuple[Step, ...]:
    """The same steps, every line judged."""
    work = derive.derive(problem)
    return (*work.forward, *work.partials)


def print_lines(sizes: Sequence[int], steps_of: Callable[[Problem], tuple[Step, ...]]) -> list[str]:
    """Every right side as LaTeX, from the problem file on."""
    problem = layered(sizes)
    script = script_of(problem)
    return [formula(line.tree, script) for step in steps_of(problem) for line in step.lines]


# --- depth -------------------------------------------------------------------------------------------------------------


def depth() -> Iterator[Row]:
    """Time and text by layer of nets 2-[2]×L-2, and the exponents with which they grow."""
    layers, bare, full, texts = [], [], [], []
    for hidden in DEPTHS:
        sizes, pages = (2, *[2] * hidden, 2), []
        a, b = in_turns(
            DEPTH_ROUNDS,
            lambda sizes=sizes: unjudged(layered(sizes)),
            lambda sizes=sizes, pages=pages: pages.append(derive.render(derive.derive(layered(sizes)), "latex")),
        )
        n, length = hidden + 1, len(pages[-1])
        for column, value in zip((layers, bare, full, texts), (n, median(a), median(b), length), strict=True):
            column.append(value)
        per_layer = f"{median(a) * 1e3 / n:.2f} ms, {median(b) * 1e3 / n:.1f} ms, {length / n:,.0f} characters"
        shown = f"{milliseconds(a)}; {milliseconds(b)}; {length:,} characters"
        yield f"L = {hidden}: derived; judged and printed; LaTeX", shown, "a layer:", per_layer
    for what, column in (("deriving", bare), ("deriving, judging and printing", full), ("LaTeX", texts)):
        power = exponent(layers, column)
        yield f"{what} grows as layers^p, L ≥ {FITTED_FROM}", f"p = {power:.2f}", *verdict(power, LINEAR_GOAL, " (linear)")


def exponent(layers: Sequence[int], column: Sequence[float]) -> float:
    """The least-squares slope of the logarithms, over the deeper nets."""
    start = DEPTHS.index(FITTED_FROM)
    return linear_regression([log(n) for n in layers[start:]], [log(value) for value in column[start:]]).slope


# --- width: the same lines in SymPy ------------------------------------------------------------------------------------


def width() -> Iterator[Row]:
    """A wide net, derived and printed, against a layered SymPy prototype of the same lines."""
    name = "-".join(map(str, WIDTH))
    assert len(print_lines(WIDTH, unjudged)) == len(list(Prototype(WIDTH, True).lines())), "the prototype writes other lines"
    for slopes, label in ((False, "slopes read off"), (True, "slopes by sympy.diff")):
        bare, full, theirs = in_turns(
            WIDTH_ROUNDS,
            lambda: print_lines(WIDTH, unjudged),
            lambda: print_lines(WIDTH, judged),
            lambda slopes=slopes: print_prototype(WIDTH, slopes),
        )
        for what, ours in (("not judged", bare), ("judged", full)):
            shown = f"{ratio(ours, theirs):.3f}× ({milliseconds(ours)} : {milliseconds(theirs)})"
            yield f"{name} {what} : SymPy, {label}", shown, *verdict(ratio(ours, theirs), WIDTH_GOAL)


if __name__ == "__main__":
    main()
