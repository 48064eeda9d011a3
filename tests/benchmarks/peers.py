"""derive beside other tools on the same work, in one run: `python tests/benchmarks/peers.py [--only deriving] [--cap 60]`.

Five Markdown tables: start-up, deriving and writing by width and depth, the numbers of variants, telling equal formulas from unequal
ones.  The peers: SymPy with one composed loss and with named layers, symengine, CasADi, JAX; one that is not installed says so in its row.

The net is always of sigmoid units with a bias each and half the squared error, every weight a name.  Times are medians.  Deriving and
writing are CPU seconds of a fresh process that has done a net of 1-1-1 first, so lazy imports are not counted; whole processes are timed by the
clock.  Peers take turns within a table, so that a busy machine slows all alike; a run that outlives the cap is not tried larger.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout, suppress
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

Sizes = tuple[int, ...]
Writer = Callable[[], str]

WIDTHS: tuple[Sizes, ...] = ((2, 2, 2), (4, 4, 4), (8, 8, 8), (16, 16, 16), (784, 30, 10))
DEPTHS: tuple[Sizes, ...] = tuple((2,) * (hidden + 2) for hidden in (2, 5, 10, 20))
PRIME: Sizes = (1, 1, 1)
REPEATS, LONG = 3, 2.0
"""Runs of each figure, and the seconds from which on one run is enough."""
PROCESSES = 11
MODULES = ("sympy", "symengine", "casadi", "jax")


def main() -> None:
    """Measure what is asked for and print the tables."""
    sections = {
        "start-up": start_up,
        "deriving": deriving,
        "variants": variants,
        "equality": equality,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sections, action="append", help="this table; may be given several times")
    parser.add_argument("--cap", type=float, default=60, metavar="S", help="seconds for one run of one peer")
    parser.add_argument("--child", nargs=2, metavar=("PEER", "SIZES"), help=argparse.SUPPRESS)
    parser.add_argument("--decide", nargs=3, metavar=("WAY", "CASE", "SPOILT"), help=argparse.SUPPRESS)
    parser.add_argument("--once", metavar="PEER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.setrecursionlimit(100_000)
    if options.child:
        measure_child(options.child[0], tuple(map(int, options.child[1].split("-"))))
    elif options.decide:
        decide_child(options.decide[0], options.decide[1], options.decide[2] == "spoilt")
    elif options.once:
        print(PEERS[options.once].derive((2, 2, 2))())
    else:
        versions = ", ".join(f"{name} {release(name)}" for name in (*MODULES, "numpy"))
        print(f"{date.today()}, Python {platform.python_version()}, {versions}, {os.cpu_count()} cores")
        for section in options.only or sections:
            print("\n" + "\n".join(sections[section](options.cap)))


def release(module: str) -> str:
    """The version that is installed."""
    try:
        return version(module)
    except PackageNotFoundError:
        return "not installed"


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """A Markdown table, its first column to the left."""
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def shown(seconds: float) -> str:
    """A time to read, in three digits.

    >>> shown(0.00123), shown(0.0456), shown(12.34)
    ('1.23 ms', '45.6 ms', '12.3 s')
    """
    return f"{seconds * 1e3:.3g} ms" if seconds < 0.9995 else f"{seconds:,.3g} s"


def beside(seconds: float, ours: float | None) -> str:
    """A time, and how many times ours it is.

    >>> beside(0.5, 0.004), beside(0.5, 0.4), beside(0.5, None)
    ('500 ms (125×)', '500 ms (1.2×)', '500 ms')
    """
    if ours is None:
        return shown(seconds)
    times = seconds / ours
    return f"{shown(seconds)} ({times:.0f}×)" if times >= 99.5 else f"{shown(seconds)} ({times:.2g}×)"


# --- the peers: each derives all gradients of a net and gives what writes them -------------------------------------------


def composed(sizes: Sizes, symbol: Callable[[str], Any], exp: Callable[[Any], Any], add: Callable[..., Any]) -> tuple[Any, list[Any]]:
    """The loss as one closed expression, and its parameters, under the names derive gives them."""
    below, parameters = [symbol(f"x{k}") for k in range(1, sizes[0] + 1)], []
    for layer, (inputs, units) in enumerate(pairwise(sizes), start=1):
        above = []
        for j in range(1, units + 1):
            weights = [symbol(f"w{layer}_{j}{k}" if inputs < 10 else f"w{layer}_{j}_{k}") for k in range(1, inputs + 1)]
            bias = symbol(f"b{layer}_{j}")
            parameters += [*weights, bias]
            total = add(*(w * a for w, a in zip(weights, below, strict=True)), bias)
            above.append(1 / (1 + exp(-total)))
        below = above
    targets = [symbol(f"t{j}") for j in range(1, sizes[-1] + 1)]
    return add(*((a - t) ** 2 for a, t in zip(below, targets, strict=True))) / 2, parameters


def plus(*terms: Any) -> Any:
    """A sum by the + of what is added."""
    return sum(terms[1:], terms[0])


def ours_derived(sizes: Sizes) -> Writer:
    """Every line of the derivation, not judged; each written as LaTeX."""
    from measure import layered, unjudged

    from derive.formats.latex import formula
    from derive.scripts import script_of

    problem = layered(sizes)
    steps, script = unjudged(problem), script_of(problem)
    return lambda: "\n".join(formula(line.tree, script) for step in steps for line in step.lines)


def ours_judged(sizes: Sizes) -> Writer:
    """The whole work, every line judged; written as its page in LaTeX."""
    from measure import layered

    import derive

    work = derive.derive(layered(sizes))
    return lambda: derive.render(work, "latex")


def ours_arrays(sizes: Sizes) -> Writer:
    """Over arrays in matrix form, judged; written as its page in LaTeX."""
    from arrays import derived

    import derive

    work = derived(sizes)
    return lambda: derive.render(work, "latex")


def sympy_composed(sizes: Sizes) -> Writer:
    """The gradient of one closed expression by each parameter."""
    import sympy

    loss, parameters = composed(sizes, sympy.Symbol, sympy.exp, sympy.Add)
    found = [sympy.diff(loss, parameter) for parameter in parameters]
    return lambda: "\n".join(map(sympy.latex, found))


def sympy_layered(sizes: Sizes) -> Writer:
    """Named layers by hand, the slopes of a weighted sum read off: the lines that derive writes."""
    from prototype import Prototype
    from sympy.printing.latex import LatexPrinter

    lines = list(Prototype(sizes, False).lines())
    return lambda: "\n".join(map(LatexPrinter().doprint, lines))


def symengine_composed(sizes: Sizes) -> Writer:
    """SymPy's way in C++."""
    import symengine
    from symengine.lib.symengine_wrapper import latex

    loss, parameters = composed(sizes, symengine.Symbol, symengine.exp, plus)
    found = [symengine.diff(loss, parameter) for parameter in parameters]
    return lambda: "\n".join(map(latex, found))


def casadi_scalars(sizes: Sizes) -> Writer:
    """CasADi's scalar graph, by reverse accumulation; its own text, there being no LaTeX."""
    import casadi

    loss, parameters = composed(sizes, casadi.SX.sym, casadi.exp, plus)
    found = casadi.gradient(loss, casadi.vertcat(*parameters))
    return lambda: str(found)


def jax_scalars(sizes: Sizes) -> Writer:
    """The program of jax.grad with one argument for each name; its own text."""
    import jax

    names: list[str] = []
    composed(sizes, lambda name: names.append(name) or 1.0, lambda x: 1.0, lambda *terms: 1.0)
    place = {name: k for k, name in enumerate(names)}
    program = jax.make_jaxpr(jax.grad(lambda v: composed(sizes, lambda n: v[place[n]], jax.numpy.exp, plus)[0]))([1.0] * len(names))
    return lambda: str(program)


def jax_arrays(sizes: Sizes) -> Writer:
    """The program of jax.grad with one array for each layer; its own text."""
    import jax

    numbers = jax.numpy
    layers = [(numbers.zeros((units, inputs)), numbers.zeros(units)) for inputs, units in pairwise(sizes)]
    x, t = numbers.zeros(sizes[0]), numbers.zeros(sizes[-1])

    def loss(layers: Any) -> Any:
        a = x
        for weights, bias in layers:
            a = jax.nn.sigmoid(weights @ a + bias)
        return numbers.sum((a - t) ** 2) / 2

    program = jax.make_jaxpr(jax.grad(loss))(layers)
    return lambda: str(program)


class Peer(NamedTuple):
    """A tool: what its row says, the module it needs, and what derives and gives a writer."""

    label: str
    module: str
    derive: Callable[[Sizes], Writer]


PEERS = {
    "ours": Peer("**derive**, not judged", "derive", ours_derived),
    "judged": Peer("**derive**, judged, the whole page", "derive", ours_judged),
    "matrices": Peer("**derive**, arrays, judged, the whole page", "derive", ours_arrays),
    "layered": Peer("SymPy, named layers by hand", "sympy", sympy_layered),
    "composed": Peer("SymPy, composed loss", "sympy", sympy_composed),
    "symengine": Peer("symengine, composed loss", "symengine", symengine_composed),
    "casadi": Peer("CasADi, scalar graph (not LaTeX)", "casadi", casadi_scalars),
    "jax": Peer("JAX, one name for each weight (a jaxpr)", "jax", jax_scalars),
    "jax-arrays": Peer("JAX, one array for each layer (a jaxpr)", "jax", jax_arrays),
}
BASE = "ours"


# --- deriving and writing ------------------------------------------------------------------------------------------------


def measure_child(name: str, sizes: Sizes) -> None:
    """In a fresh process: derive and write one net, and say as JSON what each took."""
    peer = PEERS[name]
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        peer.derive(PRIME)()
    start = time.process_time()
    write = peer.derive(sizes)
    told(derive=time.process_time() - start)
    start = time.process_time()
    length = len(write())
    told(write=time.process_time() - start, characters=length)


def told(**figures: Any) -> None:
    """A line of figures for the process that waits for them."""
    print(json.dumps(figures), flush=True)


def run_child(arguments: Sequence[str], cap: float) -> dict[str, Any]:
    """What a fresh process of this file told until it ended, or until the cap."""
    command = [sys.executable, __file__, *arguments]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONHASHSEED": "0"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        out, _ = process.communicate(timeout=cap)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    else:
        assert process.returncode == 0, f"{' '.join(arguments)} failed"
    figures: dict[str, Any] = {"ended": process.returncode == 0}
    for line in out.splitlines():
        with suppress(json.JSONDecodeError):  # the last line of a process that was stopped
            figures |= json.loads(line)
    return figures


def deriving(cap: float) -> Iterator[str]:
    """Two tables, a column for each net: what deriving took, and what writing took and came to."""
    nets = (*WIDTHS, *DEPTHS)
    installed = [name for name, peer in PEERS.items() if find_spec(peer.module)]
    found: dict[tuple[str, Sizes], dict[str, Any]] = {}
    for family in (WIDTHS, DEPTHS):
        beaten: set[str] = set()
        for sizes in family:
            runs: dict[str, list[dict[str, Any]]] = {name: [] for name in installed if name not in beaten}
            for _ in range(REPEATS):
                for name, its in runs.items():
                    if not its or (its[-1]["ended"] and its[-1]["derive"] + its[-1]["write"] < LONG):
                        its.append(run_child(["--child", name, "-".join(map(str, sizes))], cap))
            for name, its in runs.items():
                keys = {key for run in its for key in run}
                found[name, sizes] = {key: median(run[key] for run in its if key in run) for key in keys}
                if not all(run["ended"] for run in its):
                    beaten.add(name)
    head = ["-".join(map(str, s)) if len(s) == 3 else f"{len(s) - 1} layers of 2" for s in nets]

    def cells(name: str, key: str, say: Callable[[dict[str, Any], float | None], str]) -> Iterator[str]:
        for sizes in nets:
            if name not in installed:
                yield "not installed"
                continue
            figures, base = found.get((name, sizes), {}), found.get((BASE, sizes), {}).get(key)
            yield say(figures, None if name == BASE else base) if key in figures else f"> {cap:g} s"

    yield from table(
        ["all gradients derived", *head],
        ([peer.label, *cells(name, "derive", lambda f, base: beside(f["derive"], base))] for name, peer in PEERS.items()),
    )
    yield ""
    yield from table(
        ["and written", *head],
        (
            [peer.label, *cells(name, "write", lambda f, base: f"{shown(f['write'])}, {letters(f['characters'])}")]
            for name, peer in PEERS.items()
        ),
    )


def letters(count: float) -> str:
    """How long a text is.

    >>> letters(958), letters(17_395), letters(103_393_020)
    ('958 chars', '17 k', '103 M')
    """
    if count < 1000:
        return f"{count:.0f} chars"
    return f"{count / 1e3:,.0f} k" if count < 1e6 else f"{count / 1e6:,.3g} M"


# --- start-up ------------------------------------------------------------------------------------------------------------


def start_up(cap: float) -> Iterator[str]:
    """Whole processes by the clock, beside a bare Python."""
    python, here = sys.executable, str(Path(__file__))
    script = Path(python).with_name("derive")
    derive = [str(script)] if script.exists() else [python, "-m", "derive"]
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "**derive --help**": [*derive, "--help"],
        **{f"import {module}": [python, "-c", f"import {module}"] for module in MODULES},
        "**derive show mazur --format latex**": [*derive, "show", "mazur", "--format", "latex"],
    }
    for name in ("layered", "composed", "symengine", "casadi", "jax"):
        commands[f"2-2-2 derived and written: {PEERS[name].label}"] = [python, here, "--once", name]
    taken: dict[str, list[float]] = {label: [] for label in commands}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for turn in range(PROCESSES + 1):  # one round before them writes the byte code
        for label, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, env=environment, timeout=cap)
            if turn and done.returncode == 0:
                taken[label].append(time.perf_counter() - start)
    bare = median(taken["python -c pass"])

    def rows() -> Iterator[Sequence[str]]:
        for label, seconds in taken.items():
            yield [label, *((shown(median(seconds)), f"{median(seconds) / bare:.1f}×") if seconds else ("not installed", ""))]

    return table(["whole process", "clock", ": bare Python"], rows())


# --- the numbers of variants ---------------------------------------------------------------------------------------------

VARIANTS, TIMED = 10_000, 5
ORDER = ["i1", "i2", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "b1", "b2", "t1", "t2"]
WEIGHTS = ORDER[2:10]
RATE = 0.5


def mazur_loss(named: Callable[[str], Any], exp: Callable[[Any], Any]) -> Any:
    """The loss of Mazur's network as one expression."""
    i1, i2, w1, w2, w3, w4, w5, w6, w7, w8, b1, b2, t1, t2 = map(named, ORDER)
    h1 = 1 / (1 + exp(-(w1 * i1 + w2 * i2 + b1)))
    h2 = 1 / (1 + exp(-(w3 * i1 + w4 * i2 + b1)))
    o1 = 1 / (1 + exp(-(w5 * h1 + w6 * h2 + b2)))
    o2 = 1 / (1 + exp(-(w7 * h1 + w8 * h2 + b2)))
    return ((t1 - o1) ** 2 + (t2 - o2) ** 2) / 2


def ours_numbers(numpy: Any, vector: bool) -> Callable[[Any], Any]:
    """The program that `derive key --variants` runs, on rows in `ORDER`."""
    import derive
    from derive.exercises.programs import build_program, numpy_kernels
    from derive.exercises.variants import Variants
    from derive.rounding import Rounding
    from derive.written import Later, Name, Partial

    problem = derive.find("mazur")
    sheet = Variants(problem, "mazur", Rounding()).sheet
    wanted = (*(Partial("E_total", name) for name in WEIGHTS), *(Later(Name(name), 1) for name in WEIGHTS))
    names = (*ORDER[:-2], "target_o1", "target_o2", "learning_rate")
    if vector:
        program = build_program(sheet.rows, names, wanted, numpy_kernels())
        return lambda rows: numpy.stack(program(*rows.T, RATE), 1)
    program = build_program(sheet.rows, names, wanted)
    return lambda rows: numpy.array([program(*row, RATE) for row in rows.tolist()])


def sympy_numbers(numpy: Any, cse: bool) -> Callable[[Any], Any]:
    """What lambdify makes of the composed gradients."""
    import sympy

    loss = mazur_loss(sympy.Symbol, sympy.exp)
    gradients = [sympy.diff(loss, sympy.Symbol(w)) for w in WEIGHTS]
    moved = [sympy.Symbol(w) - RATE * g for w, g in zip(WEIGHTS, gradients, strict=True)]
    program = sympy.lambdify([sympy.Symbol(name) for name in ORDER], gradients + moved, modules="numpy", cse=cse)
    return lambda rows: numpy.stack(program(*rows.T), 1)


def symengine_numbers(numpy: Any) -> Callable[[Any], Any]:
    """What symengine's Lambdify makes of them."""
    import symengine

    loss = mazur_loss(symengine.Symbol, symengine.exp)
    gradients = [symengine.diff(loss, symengine.Symbol(w)) for w in WEIGHTS]
    moved = [symengine.Symbol(w) - RATE * g for w, g in zip(WEIGHTS, gradients, strict=True)]
    return symengine.Lambdify([symengine.Symbol(name) for name in ORDER], gradients + moved, cse=True)


def casadi_numbers(numpy: Any) -> Callable[[Any], Any]:
    """CasADi's virtual machine, mapped over the rows."""
    import casadi

    v = casadi.SX.sym("v", len(ORDER))
    gradient = casadi.gradient(mazur_loss(lambda name: v[ORDER.index(name)], casadi.exp), v)[2:10]
    function = casadi.Function("f", [v], [casadi.vertcat(gradient, v[2:10] - RATE * gradient)])
    return lambda rows: numpy.array(function.map(len(rows))(rows.T)).T


def jax_numbers(numpy: Any) -> Callable[[Any], Any]:
    """Compiled by XLA, vectorised over the rows."""
    import jax

    jax.config.update("jax_enable_x64", True)

    def gradients(rows: Any) -> Any:
        g = jax.vmap(jax.grad(lambda v: mazur_loss(lambda name: v[ORDER.index(name)], jax.numpy.exp)))(rows)[:, 2:10]
        return jax.numpy.concatenate([g, rows[:, 2:10] - RATE * g], 1)

    compiled = jax.jit(gradients)
    return lambda rows: numpy.asarray(compiled(rows))


WAYS: dict[str, tuple[str, Callable[[Any], Callable[[Any], Any]]]] = {
    "**derive**, plain Python, one after the other": ("derive", lambda numpy: ours_numbers(numpy, False)),
    "**derive**, NumPy": ("derive", lambda numpy: ours_numbers(numpy, True)),
    "SymPy, composed, lambdify to NumPy": ("sympy", lambda numpy: sympy_numbers(numpy, False)),
    "SymPy, the same with cse": ("sympy", lambda numpy: sympy_numbers(numpy, True)),
    "symengine, composed, Lambdify with cse": ("symengine", symengine_numbers),
    "CasADi, Function.map": ("casadi", casadi_numbers),
    "JAX, jit(vmap(grad))": ("jax", jax_numbers),
}


def variants(cap: float) -> Iterator[str]:
    """All gradients and new weights of 10,000 copies of Mazur's network with other numbers, each way held against a hand's NumPy."""
    if not find_spec("numpy"):
        yield "The numbers of variants are compared where NumPy is installed."
        return
    import numpy
    from variants import hand_numpy

    rows = numpy.random.default_rng(1).uniform(-1, 1, (VARIANTS, len(ORDER)))
    expected = hand_numpy(numpy, rows)
    ways = {"hand-written NumPy": ("numpy", lambda numpy: lambda rows: hand_numpy(numpy, rows))} | WAYS
    found: dict[str, tuple[float, float]] = {}
    programs = {}
    for label, (module, make) in ways.items():
        if find_spec(module):
            start = time.perf_counter()
            programs[label] = make(numpy)
            off = numpy.abs(programs[label](rows) - expected).max()
            assert off < 1e-12, f"{label} is off by {off}"
            found[label] = time.perf_counter() - start, 0.0
    taken: dict[str, list[float]] = {label: [] for label in programs}
    for _ in range(TIMED):
        for label, program in programs.items():
            start = time.perf_counter()
            program(rows)
            taken[label].append(time.perf_counter() - start)
    floor = median(taken["hand-written NumPy"])

    def lines() -> Iterator[Sequence[str]]:
        for label in ways:
            if label not in taken:
                yield label, "not installed", "", ""
                continue
            each = median(taken[label])
            yield label, shown(found[label][0]), f"{each / VARIANTS * 1e6:.3g} µs", f"{each / floor:.2g}×"

    yield from table([f"numbers of {VARIANTS:,} variants", "until the first are there", "each, from then on", ": by hand"], lines())


# --- telling equal from unequal ------------------------------------------------------------------------------------------

Pairs = list[tuple[Any, Any]]


class Case(NamedTuple):
    """Derivatives of a problem, as typed, and for each the same formula in two ways."""

    problem: str
    goals: list[str]
    pairs: Pairs


def net_case(sizes: Sizes) -> Case:
    """Each gradient of a net, differentiated from the composed loss, and as the named layers give it, written out."""
    import sympy

    loss, parameters = composed(sizes, sympy.Symbol, sympy.exp, sympy.Add)
    found, below = {}, [[sympy.Symbol(f"x{k}") for k in range(1, sizes[0] + 1)]]

    def weight(layer: int, j: int, k: int) -> Any:
        return sympy.Symbol(f"w{layer}_{j}{k}")

    for layer, (inputs, units) in enumerate(pairwise(sizes), start=1):
        sums = (plus(*(weight(layer, j, k) * below[-1][k - 1] for k in range(1, inputs + 1))) for j in range(1, units + 1))
        below.append([1 / (1 + sympy.exp(-(total + sympy.Symbol(f"b{layer}_{j}")))) for j, total in enumerate(sums, start=1)])
    incoming = [a - sympy.Symbol(f"t{j}") for j, a in enumerate(below[-1], start=1)]
    for layer in range(len(sizes) - 1, 0, -1):
        delta = [g * a * (1 - a) for g, a in zip(incoming, below[layer], strict=True)]
        for j, d in enumerate(delta, start=1):
            found[f"b{layer}_{j}"] = d
            found |= {f"w{layer}_{j}{k}": d * a for k, a in enumerate(below[layer - 1], start=1)}
        incoming = [
            plus(*(d * weight(layer, j, k) for j, d in enumerate(delta, start=1))) for k in range(1, sizes[layer - 1] + 1)
        ]
    problem = f'[layers]\nsizes = {list(sizes)}\nactivations = "sigmoid"\nloss = "half_squared_error"\n'
    pairs = [(found[parameter.name], sympy.diff(loss, parameter)) for parameter in parameters]
    return Case(problem, [f"dL/d{parameter}" for parameter in parameters], pairs)


def softmax_case(count: int) -> Case:
    """The Jacobian of the softmax, as p_i (δ_ij − p_j) and differentiated."""
    import sympy

    z = sympy.symbols(f"z1:{count + 1}")
    p = [sympy.exp(a) / plus(*map(sympy.exp, z)) for a in z]
    places = [(i, j) for i in range(count) for j in range(i, count)]
    pairs = [(p[i] * (int(i == j) - p[j]), sympy.diff(p[i], z[j])) for i, j in places]
    outputs, inputs = (", ".join(f"{letter}{k}" for k in range(1, count + 1)) for letter in "pz")
    problem = f'[forward]\n"{outputs}" = "softmax({inputs})"\n[train]\nloss = "p1"\nparameters = ["z1"]\n'
    return Case(problem, [f"dp{i + 1}/dz{j + 1}" for i, j in places], pairs)


CASES: dict[str, Callable[[], Case]] = {
    "net 2-2-2": lambda: net_case((2, 2, 2)),
    "net 4-4-4": lambda: net_case((4, 4, 4)),
    "net 2-2-2-2": lambda: net_case((2, 2, 2, 2)),
    "softmax of 4": lambda: softmax_case(4),
    "softmax of 8": lambda: softmax_case(8),
}


def by_simplify(case: Case) -> bool | None:
    """Whether `simplify` brings every difference to 0."""
    import sympy

    return True if all(sympy.simplify(a - b) == 0 for a, b in case.pairs) else None


def by_equals(case: Case) -> bool | None:
    """What SymPy's `equals` says of them together."""
    verdicts = [a.equals(b) for a, b in case.pairs]
    return False if False in verdicts else None if None in verdicts else True


def by_expand(case: Case) -> bool | None:
    """Whether `expand` brings every difference to 0."""
    import sympy

    return True if all(sympy.expand(a - b) == 0 for a, b in case.pairs) else None


def by_audit(case: Case) -> bool | None:
    """What `derive check` says of formulas typed as answers: the second way, held against its own forward pass."""
    import derive

    problem = derive.load_text(case.problem)
    typed = "\n".join(f"{goal} = {formula}" for goal, (_, formula) in zip(case.goals, case.pairs, strict=True))
    (audit,) = derive.audit_papers(problem, derive.read_answers(typed, problem))
    verdicts = {line.verdict for line in audit.lines}
    return False if "wrong" in verdicts else True if verdicts == {"right"} else None


DECIDERS: dict[str, tuple[str, Callable[[Case], bool | None]]] = {
    "audit": ("**derive check**, 40 digits at seeded points, from text", by_audit),
    "simplify": ("SymPy, simplify(a − b)", by_simplify),
    "equals": ("SymPy, a.equals(b)", by_equals),
    "expand": ("SymPy, expand(a − b)", by_expand),
}
CAP_EQUALITY = 20.0


def decide_child(way: str, case: str, spoilt: bool) -> None:
    """In a fresh process: one way on one case, with one side of its middle pair off by a billionth if spoilt."""
    import sympy

    _, decide = DECIDERS[way]
    x, y = sympy.symbols("x y")
    decide(Case('[forward]\nL = "exp(x + y)"\n', ["dL/dx"], [(sympy.exp(x) * sympy.exp(y), sympy.exp(x + y))]))  # first use imports
    problem, goals, pairs = CASES[case]()
    if spoilt:
        middle = len(pairs) // 2
        pairs[middle] = pairs[middle][0], pairs[middle][1] * (1 + sympy.Rational(1, 10**9))
    start = time.process_time()
    said = decide(Case(problem, goals, pairs))
    told(said=said, seconds=time.process_time() - start)


def equality(cap: float) -> Iterator[str]:
    """Right pairs, and the same with one of them off by a billionth: what each way says, and how long it takes."""
    cap = min(cap, CAP_EQUALITY)

    def cell(way: str, case: str) -> str:
        parts = []
        for spoilt, words in (("right", {True: "equal"}), ("spoilt", {False: "refuted", True: "**fooled**"})):
            figures = run_child(["--decide", way, case, spoilt], cap)
            if "said" not in figures:
                parts.append(f"> {cap:g} s")
            else:
                parts.append(f"{words.get(figures['said'], 'undecided')} {shown(figures['seconds'])}")
        return "; ".join(parts)

    return table(
        ["equal formulas; one off by 10⁻⁹", *CASES],
        ([label, *(cell(way, case) for case in CASES)] for way, (label, _) in DECIDERS.items()),
    )


if __name__ == "__main__":
    main()
