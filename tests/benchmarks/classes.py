"""What a class costs: numeric and formula lines, memory, and many papers with their worked keys.

    python tests/benchmarks/classes.py [--lines 100000] [--variants 10000] [--jobs 2]

Prints one Markdown table: what was measured, the goal, and whether it is met.  The class is made up, the same every time: students of
q1 hand in 20 numbers each, worked to 3 to 6 digits or places.  Of a hundred papers 30 are right, 30 have every intermediate rounded,
25 have one slip of the table that is carried on from there (the common ones more often), 8 have one to three lines of random digits,
and in 7 the digits of a line are garbled.  Formulas are ten gradients and values in plain notation and LaTeX with their factors in
any order, one in four with a slip.  Memory is the peak of each process, read from /proc while the command runs.
"""

import argparse
import csv
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from audit import another_number, by_hand

import derive
from derive.exercises.sheets import make_sheet
from derive.formats.plain import typed
from derive.rounding import Rounding
from derive.tables.slips import SLIPS, candidates, garbles
from derive.written import Later, Name, Partial

POLICIES = [Rounding("hand", **{kind: n}) for n in (3, 4, 5, 6) for kind in ("digits", "places")]
KINDS = {"right": 30, "rounded": 30, "slipped": 25, "random": 8, "garbled": 7}
HOME = Path(derive.__file__).parent.parent


# --- a class ----------------------------------------------------------------------------------------------------------------


def numeric_class(students, seed=1):
    """The header and a row for each student."""
    sheet, source = make_sheet(derive.find("q1")), random.Random(seed)
    keys = [key for key in sheet.base if isinstance(key, str)]
    keys += [key for key in sheet.base if isinstance(key, Partial) and key.wrt in sheet.problem.train.parameters]
    keys.append(Later(Name("w5"), 1))
    yield ["student", *(key if isinstance(key, str) else typed(key) for key in keys)]
    places = {}
    for slipped in candidates(sheet):
        places.setdefault(slipped.slip, []).append(slipped)
    slips = sorted(places)
    exact, worked = by_hand(sheet, Rounding("hand", digits=38)), [by_hand(sheet, rounding) for rounding in POLICIES]
    for number in range(1, students + 1):
        policy, (kind,) = source.randrange(len(POLICIES)), source.choices(list(KINDS), list(KINDS.values()))
        rounding, values = POLICIES[policy], exact if kind == "right" else worked[policy]
        while kind == "slipped":
            slipped = source.choice(places[source.choices(slips, [SLIPS[slip].common for slip in slips])[0]])
            wrong = {slipped.given: another_number(sheet.given[slipped.given], source)} if slipped.given else None
            values = by_hand(sheet if wrong else sheet.done_wrong(slipped.rows, slipped.ways, {}), rounding, wrong)
            kind = "slipped" if values is None else "done"
        cells = [rounding.show(values[key]) for key in keys]
        if kind == "random":
            for place in source.sample(range(len(keys)), source.randint(1, 3)):
                cells[place] = "".join(source.choice("0123456789") if c.isdigit() and k else c for k, c in enumerate(cells[place]))
        if kind == "garbled":
            place = source.randrange(len(keys))
            cells[place] = source.choice(sorted({text for _, text in garbles(cells[place])}) or [cells[place]])
        yield [f"s{number:06d}", *cells]


SIGNALS = {"dL/dnet_y1": ["(y1 - t1)", "y1", "(1 - y1)"], "dL/dnet_y2": ["(y2 - t2)", "y2", "(1 - y2)"]}
FACTORS = {
    "dL/dw5": [*SIGNALS["dL/dnet_y1"], "h1"],
    "dL/dw6": [*SIGNALS["dL/dnet_y2"], "h1"],
    "dL/dw7": [*SIGNALS["dL/dnet_y1"], "h2"],
    "dL/dw8": [*SIGNALS["dL/dnet_y2"], "h2"],
    "dL/dw1": [r"(\delta_{y_1} w_5 + \delta_{y_2} w_6)", "h_1", "(1 - h_1)", "x_1"],
    "dL/dw2": [r"(\delta_{y_1} w_7 + \delta_{y_2} w_8)", "h_2", "(1 - h_2)", "x_1"],
    "dL/dw3": [r"(\delta_{y_1} w_5 + \delta_{y_2} w_6)", "h_1", "(1 - h_1)", "x_2"],
    **SIGNALS,
    "y1": ["sigmoid(w5*h1 + w7*h2 + b2)"],
}
"""Answers as products: what stands in each."""

OTHERS = {"h1": "h2", "h2": "h1", "h_1": "h_2", "h_2": "h_1", "x_1": "x_2", "x_2": "x_1", "(1 - y1)": "(1 - y2)", "(y1 - t1)": "(t1 - y1)"}


def formula_class(students, seed=1):
    """The header and a row for each student: formulas, one in four with a factor left out or another one in its place."""
    source = random.Random(seed)
    yield ["student", *FACTORS]
    for number in range(1, students + 1):
        row = []
        for factors in FACTORS.values():
            here = source.sample(factors, len(factors))
            if source.random() < 0.25 and len(here) > 1:
                place = source.randrange(len(here))
                here[place : place + 1] = [OTHERS[here[place]]] if here[place] in OTHERS else []
            row.append((r" \cdot " if "_{" in "".join(here) or "h_" in "".join(here) else "*").join(here))
        yield [f"s{number:06d}", *row]


def write_class(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


# --- measuring --------------------------------------------------------------------------------------------------------------


def peaks(group):
    """The peak memory so far of each process of a group, in MiB, the oldest first."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group:
                told = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
                found[int(folder.name)] = int(told["VmHWM"].split()[0]) / 1024
        except (OSError, KeyError, ValueError):
            continue
    return found


def run(*arguments):
    """Seconds that a command takes, the peak memory of the process that was started, and that of the largest other one."""
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    began = time.perf_counter()
    going = subprocess.Popen(
        [sys.executable, "-m", "derive", *map(str, arguments)], env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    most = {}
    while going.poll() is None:
        if os.path.isdir("/proc"):
            for process, peak in peaks(going.pid).items():
                most[process] = max(peak, most.get(process, 0))
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    if going.returncode:
        raise SystemExit(going.stderr.read().decode())
    others = [peak for process, peak in most.items() if process != going.pid]
    return seconds, most.get(going.pid, math.nan), max(others, default=math.nan)


def each(path, quantities):
    """Lines of a class judged in a second by this process alone, the reading of them included."""
    problem = derive.find("q1")
    began = time.process_time()
    papers = derive.load_answers(path, problem)
    lines = sum(len(audit.lines) for audit in derive.audit_papers(problem, papers))
    assert lines == len(papers) * quantities
    return lines / (time.process_time() - began)


def rows(chosen, folder):
    small, large = chosen.lines // 10, chosen.lines
    numbers, formulas = folder / "numbers.csv", folder / "formulas.csv"
    write_class(numbers, numeric_class(small // 20))
    yield "numeric lines a second, one process", f"{each(numbers, 20):,.0f}", "", None
    write_class(formulas, formula_class(max(1, large // 500)))
    speed = each(formulas, len(FACTORS))
    yield "formula lines a second, one process", f"{speed:,.0f}", "≥ 500", speed >= 500
    _, parent, worker = run("check", "q1", numbers, "--jobs", chosen.jobs, "-o", folder / "small.csv")
    write_class(numbers, numeric_class(large // 20))
    seconds, parents, workers = run("check", "q1", numbers, "--jobs", chosen.jobs, "-o", folder / "large.csv")
    yield f"{large:,} numeric lines, `derive check --jobs {chosen.jobs}`", f"{seconds:.1f} s", f"≤ {30 * large / 1e5:g} s", seconds <= 30 * large / 1e5
    for name, before, after in (("the command", parent, parents), ("its largest worker", worker, workers)):
        flat = after < 1.1 * before
        yield f"peak memory of {name}, {small:,} : {large:,} lines", f"{before:.1f} : {after:.1f} MiB", "flat (+ 10%)", flat
    seconds, parents, workers = run(
        "key", "mazur", "--variants", chosen.variants, "--format", "latex", "--jobs", chosen.jobs, "-o", folder / "papers"
    )
    limit = 60 * chosen.variants / 1e4
    yield f"{chosen.variants:,} papers with worked keys in LaTeX, `derive key --jobs {chosen.jobs}`", f"{seconds:.1f} s", f"≤ {limit:g} s", seconds <= limit
    yield "its peak memory, and that of its largest worker", f"{parents:.1f}, {workers:.1f} MiB", "", None


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--lines", type=int, default=100_000)
    options.add_argument("--variants", type=int, default=10_000)
    options.add_argument("--jobs", type=int, default=2)
    chosen = options.parse_args()
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    print(f"Python {sys.version.split()[0]}, derive {derive.__version__}, {os.cpu_count()} cores{load}, {time.strftime('%Y-%m-%d')}\n")
    print("| figure | measured | goal | |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, figure, goal, met in rows(chosen, Path(folder)):
            print(f"| {name} | {figure} | {goal} | {'' if met is None else 'met' if met else '**missed**'} |", flush=True)


if __name__ == "__main__":
    main()
