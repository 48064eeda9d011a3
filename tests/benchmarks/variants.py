"""What a variant costs: its numbers in plain Python and in NumPy, its gates, and its worked text, against the best a hand could write.

    python tests/benchmarks/variants.py [--n 10000] [--problem mazur]

Prints one table: the measured figure, the goal, and what it was measured against.  The hand-written NumPy is that of the 2-2-2 network of
Mazur's example; the ready template is the same page with `%.6f` in place of every number, filled from floats that are there already.
NumPy is not needed by anything else; without it those rows are left out.
"""

import argparse
import contextlib
import math
import re
import statistics
import time

import derive
from derive.exercises.nearly import Undecided
from derive.exercises.programs import build_program, numpy_kernels
from derive.exercises.variants import Variants
from derive.formats.keys import key_files
from derive.formats.templates import KeyTemplate
from derive.keypages import sheets_of
from derive.rounding import Rounding
from derive.written import Later, Name, Partial


def best(run, repeat=7):
    """Seconds of the fastest of several runs."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def hand_numpy(numpy, V):
    """All gradients and new weights of Mazur's network, as a careful hand writes them."""
    i1, i2, w1, w2, w3, w4, w5, w6, w7, w8, b1, b2, t1, t2 = V.T
    h1 = 1 / (1 + numpy.exp(-(w1 * i1 + w2 * i2 + b1)))
    h2 = 1 / (1 + numpy.exp(-(w3 * i1 + w4 * i2 + b1)))
    o1 = 1 / (1 + numpy.exp(-(w5 * h1 + w6 * h2 + b2)))
    o2 = 1 / (1 + numpy.exp(-(w7 * h1 + w8 * h2 + b2)))
    d1, d2 = (o1 - t1) * o1 * (1 - o1), (o2 - t2) * o2 * (1 - o2)
    e1, e2 = (d1 * w5 + d2 * w7) * h1 * (1 - h1), (d1 * w6 + d2 * w8) * h2 * (1 - h2)
    g = [e1 * i1, e1 * i2, e2 * i1, e2 * i2, d1 * h1, d1 * h2, d2 * h1, d2 * h2]
    p = [w1, w2, w3, w4, w5, w6, w7, w8]
    return numpy.stack(g + [a - 0.5 * b for a, b in zip(p, g, strict=True)], 1)


def rows(problem, count):
    family = Variants(problem, "bench", Rounding())
    draws = [family.draw(1, k) for k in range(count)]
    inputs = [family.inputs(texts) for texts in draws]
    sheet, loss, parameters = family.sheet, problem.train.loss, problem.train.parameters
    wanted = sorted(parameters, key=lambda name: (name[0] == "b", name))
    outputs = (*(Partial(loss, name) for name in wanted), *(Later(Name(name), 1) for name in wanted))
    given = tuple(sheet.given)

    program = build_program(sheet.rows, given, outputs)
    seconds = best(lambda: [program(*row) for row in inputs])
    yield "numbers, plain Python, drawn already", seconds / count * 1e6, "us", 40
    drawing = best(lambda: [program(*family.inputs(family.draw(1, k))) for k in range(count)], 3)
    yield "numbers, plain Python, with the drawing", drawing / count * 1e6, "us", 40

    try:
        import numpy
    except ImportError:
        numpy = None
    if numpy is not None and "i1" in problem.given:
        vector = build_program(sheet.rows, given, outputs, numpy_kernels())
        names = ["i1", "i2", *(f"w{k}" for k in range(1, 9)), "b1", "b2", "target_o1", "target_o2"]
        table = numpy.array(inputs)
        by_hand = numpy.ascontiguousarray(table[:, [given.index(name) for name in names]])
        ours = numpy.stack(vector(*table.T), 1)
        assert numpy.abs(ours - hand_numpy(numpy, by_hand)).max() < 1e-14
        ratios = []
        for _ in range(15):
            floor, mine = best(lambda: hand_numpy(numpy, by_hand), 3), best(lambda: numpy.stack(vector(*table.T), 1), 3)
            ratios.append(mine / floor)
        yield f"numbers, NumPy, {count:,} at once ({mine / count * 1e6:.2f} us each)", statistics.median(ratios), "x hand-written NumPy", 1.5

    family.slip_table  # noqa: B018  (made once)
    some = draws[:200]
    yield "gates, slips among them", best(lambda: [family.gate(texts) for texts in some], 3) / len(some) * 1e6, "us a draw", None

    papers = [family.paper(1, k) for k in range(1, 31)]
    yield "paper worked out and judged in full", best(lambda: [derive.derive(p.problem) for p in papers], 3) / 30 * 1e6, "us", None
    for style in ("text", "latex", "markdown"):
        template = KeyTemplate(family, style)
        full = [key_files(sheets_of(p.work, p.id), p.work, style, p.id) for p in papers]
        numbers = [family.numbers_of(p.problem) for p in papers]
        undecided = wrong = 0
        for k, (texts, page) in enumerate(zip(numbers, full, strict=True), 1):
            try:
                wrong += template.fill(1, k, texts).files != page
            except Undecided:
                undecided += 1
        assert not wrong
        text = "".join(full[0].values())
        decimals = [float(d) for d in re.findall(r"(?<![\w.])\d+\.\d+", text)]
        ready = re.sub(r"(?<![\w.])\d+\.\d+", "%.6f", text.replace("%", "%%"))
        values = tuple(decimals)
        floor = best(lambda: [ready % values for _ in range(500)]) / 500  # noqa: B023

        def fill(template=template, numbers=numbers):
            for k, texts in enumerate(numbers, 1):
                with contextlib.suppress(Undecided):
                    template.fill(1, k, texts)

        mine = best(fill) / len(numbers)
        figures = template.figures(numbers[0])
        alone = best(lambda: [template.put_in(1, 1, figures) for _ in range(500)]) / 500  # noqa: B023
        name = f"worked text, {style}: {mine * 1e6:.0f} us, {len(values)} numbers, {undecided} of 30 left to the full way"
        yield f"  of that, putting the numbers in: {alone * 1e6:.0f} us", alone / floor, "x a ready template", 5
        yield name, mine / floor, f"x a ready template ({floor * 1e6:.0f} us)", 5


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--n", type=int, default=10_000)
    options.add_argument("--problem", default="mazur")
    chosen = options.parse_args()
    for name, figure, unit, goal in rows(derive.find(chosen.problem), chosen.n):
        verdict = "" if goal is None else f"goal {goal}: " + ("met" if figure <= goal and not math.isnan(figure) else "MISSED")
        print(f"{name:<92}{figure:>9.2f} {unit:<32}{verdict}")


if __name__ == "__main__":
    main()
