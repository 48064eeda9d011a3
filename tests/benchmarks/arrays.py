"""What derivations over arrays cost, as one Markdown table: `python tests/benchmarks/arrays.py`.

CPU time in this process, medians of rounds run in turns; a ratio is the median of the ratios of the rounds.  CasADi
(`pip install casadi`) is measured where it is installed, built and differentiated the way its users do it.
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib.util import find_spec
from itertools import pairwise
from math import log
from statistics import linear_regression, median

import sympy

import derive
from derive.formats.plain import typed

ROUNDS = 5
SIZE_GOAL, LISTED_GOAL, MEMORY_GOAL, LINEAR_GOAL, LAYER_GOAL = 1.2, 0.5, 32, 1.1, 2
WIDE, SMALL = (784, 30, 10), (2, 2, 2)
DEPTHS = (5, 10, 20, 50)

Row = tuple[str, str, str, str]


def main() -> None:
    """Measure everything and print the table."""
    rows = [*sizes(), *listed(), *depth(), *layers()]
    print(f"{date.today()}, Python {platform.python_version()}, SymPy {sympy.__version__}\n")
    print("| figure | measured | goal | |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def verdict(value: float, goal: float, unit: str = "×") -> tuple[str, str]:
    """The last two cells of a row: the goal, and whether it is met."""
    return f"≤ {goal}{unit}", "met" if value <= goal else "**missed**"


def in_turns(rounds: int, *sides: Callable[[], object]) -> list[list[float]]:
    """The CPU seconds each side took, round by round; one round before them is not counted."""
    taken: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds + 1):
        for side, seconds in zip(sides, taken, strict=True):
            start = time.process_time()
            side()
            if turn:
                seconds.append(time.process_time() - start)
    return taken


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median ratio of rounds run in turns."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def milliseconds(seconds: list[float]) -> str:
    """The median, to read."""
    return f"{median(seconds) * 1e3:,.0f} ms" if median(seconds) > 0.1 else f"{median(seconds) * 1e3:.3g} ms"


def derived(sizes: tuple[int, ...]) -> derive.ArrayDerivation:
    """A network of sigmoid units over arrays, derived and judged."""
    problem = derive.load_text(f"[layers]\nsizes = {list(sizes)}\n", matrices=True)
    return derive.derive(problem, level="matrix")


def sizes() -> Iterator[Row]:
    """The work grows with the number of equations, not with the sizes."""
    wide, small = in_turns(
        ROUNDS, lambda: derive.render(derived(WIDE), "latex"), lambda: derive.render(derived(SMALL), "latex")
    )
    shown = f"{ratio(wide, small):.2f}× ({milliseconds(wide)} : {milliseconds(small)})"
    yield "784-30-10 : 2-2-2, as matrices, derived, judged and written in LaTeX", shown, *verdict(ratio(wide, small), SIZE_GOAL)


def listing() -> int:
    """Every scalar gradient of 784-30-10, derived, judged and written out as text; how many there are."""
    work = derived(WIDE)
    count = 0
    for name in work.problem.train.parameters:
        for quantity, formula in work.entries(f"dL/d{name}"):
            count += len(f"{quantity} = {typed(formula)}") > 0
    return count


def listed() -> Iterator[Row]:
    """All gradients in full, beside CasADi's graph of the same gradients."""
    grown = memory()
    if find_spec("casadi") is None:
        (ours,) = in_turns(ROUNDS, listing)
        yield f"all {listing():,} gradients of 784-30-10 listed", milliseconds(ours), "–", "CasADi is not installed"
    else:
        ours, whole = in_turns(ROUNDS, listing, casadi_gradient)
        alone = [casadi_gradient() for _ in ours]
        label = f"all {listing():,} gradients of 784-30-10, derived, judged and listed : CasADi's SX"
        yield f"{label}, built and differentiated", *compared(ours, whole)
        yield f"{label}, differentiated alone", *compared(ours, alone)
    yield "memory for that listing over the import", f"{grown:.1f} MiB", *verdict(grown, MEMORY_GOAL, " MiB")


def compared(ours: list[float], theirs: list[float]) -> tuple[str, str, str]:
    """The ratio of two lists of seconds, with the goal."""
    shown = f"{ratio(ours, theirs):.2f}× ({milliseconds(ours)} : {milliseconds(theirs)})"
    return shown, *verdict(ratio(ours, theirs), LISTED_GOAL)


def casadi_gradient() -> float:
    """The net in CasADi's scalar symbols, and its gradient by every weight and bias; the CPU seconds of the gradient alone."""
    import casadi

    before = [casadi.SX.sym(f"x{k}") for k in range(WIDE[0])]
    weights = []
    for layer, (inner, width) in enumerate(pairwise(WIDE), start=1):
        after = []
        for j in range(width):
            row = [casadi.SX.sym(f"w{layer}_{j}_{k}") for k in range(inner)]
            bias = casadi.SX.sym(f"b{layer}_{j}")
            weights += [*row, bias]
            total = bias
            for w, a in zip(row, before, strict=True):
                total = total + w * a
            after.append(1 / (1 + casadi.exp(-total)))
        before = after
    loss = sum((casadi.SX.sym(f"t{j}") - a) ** 2 for j, a in enumerate(before)) / 2
    start = time.process_time()
    casadi.gradient(loss, casadi.vertcat(*weights))
    return time.process_time() - start


def memory() -> float:
    """By how many MiB a fresh process grows while it lists every gradient, over what importing costs."""
    script = (
        "import resource, sys\n"
        f"sys.path.insert(0, {str(__file__).rpartition('/')[0]!r})\n"
        "import arrays, derive.tensors.work, derive.formats.plain, derive.tensors.problems\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "arrays.listing()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def depth() -> Iterator[Row]:
    """Deriving, judging and writing against the number of layers."""
    times = [in_turns(3, lambda d=d: derive.render(derived((2,) * (d + 1)), "latex"))[0] for d in DEPTHS]
    for d, seconds in zip(DEPTHS, times, strict=True):
        yield f"{d} layers as matrices", milliseconds(seconds), "a layer:", f"{median(seconds) / d * 1e3:.1f} ms"
    power = linear_regression([log(d) for d in DEPTHS], [log(median(seconds)) for seconds in times]).slope
    yield "that grows as layers^p", f"p = {power:.2f}", *verdict(power, LINEAR_GOAL, " (linear)")


def layers() -> Iterator[Row]:
    """Every layer that is shipped, derived and judged, against importing SymPy."""
    base = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", "import sympy"], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        base.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    unit = median(base)
    found = {}
    for name in derive.built_in_names():
        if derive.find(name).arrays is not None:
            (seconds,) = in_turns(3, lambda name=name: derive.derive(derive.find(name)))
            found[name] = median(seconds) / unit
    slowest = max(found, key=lambda name: found[name])
    spread = f"{median(found.values()):.2f}× in the middle, {found[slowest]:.2f}× for {slowest}"
    label = f"each of {len(found)} layers, derived and judged : `import sympy` ({unit * 1e3:.0f} ms)"
    yield label, spread, *verdict(found[slowest], LAYER_GOAL)


if __name__ == "__main__":
    main()
