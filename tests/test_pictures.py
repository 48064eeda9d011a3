"""What the pictures show: nothing upon anything else, everything there, and only what is true."""

import functools
import re
import shutil
import subprocess
from collections import Counter
from decimal import Decimal
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import mpmath
import pytest
from conftest import work_out

import derive
from derive.bidi import width
from derive.blocks import Equations, Figure
from derive.decisions import prove_decisions
from derive.formats.canvas import ASCII, BOXES, draw_canvas
from derive.formats.exam import render_exam
from derive.formats.mathematics import write
from derive.formats.plain import typed
from derive.formats.svg import draw_svg
from derive.formats.text import TEXT, picture_lines
from derive.formats.tikz import POINTS, WIDEST, draw_tikz
from derive.keypages import sheets_of, worksheet_of
from derive.layouts import network_picture
from derive.pages import page_of
from derive.pictures import Label, Mark, Stroke, Unit
from derive.planes import SIDE, Plane
from derive.plots import activation_pictures, kinks_between, operating_points, ticks
from derive.problem import missing_numbers
from derive.scripts import script_of
from derive.sentences import LANGUAGES, Speaker
from derive.tables.ops import OPS
from derive.wiring import wiring_of
from derive.written import Name, Number

# Networks that no built-in problem has: fully joined layers, more units and more layers than a picture can hold, edges that skip
# layers, one weight in several places, a batch.
MORE = {
    "3-4-4-2": '[layers]\nsizes = [3, 4, 4, 2]\nactivations = "tanh"\nloss = "mse"\n',
    "16-16-16": "[layers]\nsizes = [16, 16, 16]\n",
    "8-8-3": "[layers]\nsizes = [8, 8, 3]\n",
    "ten layers": f"[layers]\nsizes = [{'2, ' * 10}1]\n",
    "twenty layers": f"[layers]\nsizes = [{'3, ' * 20}1]\n",
    "softmax output": '[layers]\nsizes = [2, 3, 3]\nactivations = ["relu", "softmax"]\nloss = "cross_entropy"\n',
    "skip": """
[given]
x1 = 0.5
x2 = -0.3
w1 = 0.1
w2 = 0.2
w3 = 0.3
v = 0.7
s = 0.11
t = 1
[forward]
z1 = "w1*x1 + w2*x2"
h1 = "tanh(z1)"
z2 = "w3*h1 + s*x1"
h2 = "relu(z2)"
y = "v*h2 - s*x2 + x1*h1"
L = "1/2*(t - y)^2 + 0.1*w1^2"
[train]
learning_rate = 0.1
""",
    "unrolled": """
[forward]
z1 = "w*h0 + u*x1 + b"
h1 = "tanh(z1)"
z2 = "w*h1 + u*x2 + b"
h2 = "tanh(z2)"
z3 = "w*h2 + u*x3 + b"
h3 = "tanh(z3)"
L = "1/2*(t - h3)^2"
[train]
parameters = ["u", "w", "b"]
""",
    "batch": """
[given]
w1 = 0.1
w2 = 0.2
b = 0.3
[forward]
z = "w1*x1 + w2*x2 + b"
y = "sigmoid(z)"
L = "1/2*(t - y)^2"
[train]
learning_rate = 0.5
batch = true
[[examples]]
x1 = 1
x2 = 0
t = 1
[[examples]]
x1 = 0
x2 = 1
t = 0
""",
}
BUILT_IN = [name for name in derive.built_in_names() if derive.find(name).decision is None]
NETWORKS = [*BUILT_IN, *MORE]


def problem_of(name):
    return derive.load_text(MORE[name]) if name in MORE else derive.find(name)


_WORKS, _PICTURES = {}, {}


def worked(name):
    if name not in _WORKS:
        _WORKS[name] = derive.derive(problem_of(name))
    return _WORKS[name]


def picture_of(name):
    """The picture as the page of the derivation has it, with every value there is."""
    if name not in _PICTURES:
        _PICTURES[name] = next(block.picture for block in page_of(worked(name)).blocks if isinstance(block, Figure))
    return _PICTURES[name]


def of(kind, picture):
    return [item for item in picture.items if isinstance(item, kind)]


def box(item):
    """Left, top, right, bottom."""
    if isinstance(item, Unit):
        return item.x - item.width / 2, item.y - item.radius, item.x + item.width / 2, item.y + item.radius
    left = {"start": item.x, "middle": item.x - item.width / 2, "end": item.x - item.width}[item.anchor]
    return left, item.y - item.height / 2, left + item.width, item.y + item.height / 2


def overlap(one, other):
    (left, top, right, bottom), (left2, top2, right2, bottom2) = box(one), box(other)
    return left < right2 and left2 < right and top < bottom2 and top2 < bottom


# --- the network ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_stands_upon_anything_else(name):
    picture = picture_of(name)
    units, labels = of(Unit, picture), of(Label, picture)
    assert len(units) > 1
    for one, other in combinations((*units, *labels), 2):
        assert not overlap(one, other), (one, other)
    for left, top, right, bottom in map(box, (*units, *labels)):
        assert 0 <= left < right <= picture.width
        assert 0 <= top < bottom <= picture.height
    for x, y in (point for stroke in of(Stroke, picture) for point in stroke.points):
        assert 0 <= x <= picture.width
        assert 0 <= y <= picture.height


@pytest.mark.parametrize("name", NETWORKS)
def test_edges_begin_and_end_at_their_units_and_pass_no_other(name):
    picture = picture_of(name)
    units = {unit.key: unit for unit in of(Unit, picture)}
    for stroke in of(Stroke, picture):
        source, target = (units[end] for end in stroke.edge.split(">"))
        for (x, y), unit in ((stroke.points[0], source), (stroke.points[-1], target)):
            left, top, right, bottom = box(unit)
            assert left - 0.2 <= x <= right + 0.2
            assert top - 0.2 <= y <= bottom + 0.2
        for (x, y), (x1, y1) in pairwise(stroke.points):
            for unit in units.values():
                if unit not in (source, target):
                    inside = [
                        (x + part * (x1 - x), y + part * (y1 - y))
                        for part in (k / 20 for k in range(21))
                        if (x + part * (x1 - x) - unit.x) ** 2 + (y + part * (y1 - y) - unit.y) ** 2 < (unit.radius - 1) ** 2
                    ]
                    assert not inside, (stroke.edge, unit.key)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("16-16-16", "ten layers", "twenty layers")])
def test_everything_is_there(name):
    """Every quantity is a unit or stands on an edge; nothing is drawn that the problem does not have."""
    problem, picture = problem_of(name) if name in MORE else derive.find(name), picture_of(name)
    problem = worked(name).problem
    units = {key for unit in of(Unit, picture) for key in (unit.key, *unit.also)}
    weights = {stroke.key for stroke in of(Stroke, picture)} - {""}
    assert units | weights == set(problem.network.quantities)
    assert {unit.kind for unit in of(Unit, picture) if unit.key == problem.train.loss} <= {"loss", "output"}
    right = max(of(Unit, picture), key=lambda unit: unit.x)
    assert right.key == problem.train.loss


def test_question_1_is_drawn_as_its_sheet_draws_it():
    picture = picture_of("q1")
    units = {unit.key: unit for unit in of(Unit, picture)}
    columns = [["x1", "x2"], ["h1", "h2"], ["y1", "y2"], ["L"]]
    xs = [{units[name].x for name in column} for column in columns]
    assert all(len(x) == 1 for x in xs)
    assert sorted(x for (x,) in xs) == [x for (x,) in xs]
    for first, second in (column for column in columns if len(column) == 2):
        assert units[first].y < units[second].y
    assert {unit.key: unit.kind for unit in units.values() if unit.small} == {
        "b1": "bias",
        "b2": "bias",
        "t1": "target",
        "t2": "target",
    }
    labels = {label.edge: label.key for label in of(Label, picture)}
    sheet = {"x1>h1": "w1", "x1>h2": "w2", "x2>h1": "w3", "x2>h2": "w4", "h1>y1": "w5", "h1>y2": "w6", "h2>y1": "w7", "h2>y2": "w8"}
    assert labels == sheet
    assert {label.value.text for label in of(Label, picture)} == {"0.15", "0.20", "0.25", "0.30", "0.40", "0.45", "0.50", "0.55"}


def test_an_activation_of_an_activation_is_a_unit_of_its_own():
    network = derive.load_text('[forward]\nz = "w*x + b"\na = "relu(z)"\ng = "gelu(a)"\nL = "(g - t)^2"')
    assert [link.id for link in wiring_of(network).links] == ["x>a", "b>a", "a>g", "g>L", "t>L"]


@pytest.mark.parametrize(("name", "columns"), [("3-4-4-2", 2), ("q1", 2), ("q2", 2)])
def test_labels_between_two_full_layers_are_equally_spaced(name, columns):
    picture = picture_of(name)
    by_column = {}
    for label in of(Label, picture):
        by_column.setdefault(label.x, []).append(label.y)
    assert len(by_column) >= columns
    for heights in by_column.values():
        steps = [after - before for before, after in pairwise(sorted(heights))]
        assert max(steps) - min(steps) < 0.3


def test_of_many_units_and_layers_the_first_and_the_last_are_drawn():
    wide, deep = picture_of("16-16-16"), picture_of("twenty layers")
    assert [unit.key for unit in of(Unit, wide) if unit.kind == "input"] == ["x1", "x2", "x3", "x16"]
    assert Counter(label.text for label in of(Label, wide)) == {("⋮",): 3}
    assert [label.text for label in of(Label, deep) if label.kind == "dots"] == [("⋯",)]
    shown = {unit.key for unit in of(Unit, deep)}
    assert {"a1_1", "a19_1", "a20_1", "L"} <= shown
    assert "a9_1" not in shown
    # its own edge, one unit to three, seventeen times three to three, three to the output, the loss: drawn or not
    assert len(deep.paths["w1_11"]) == 1 + 3 + 17 * 9 + 3 + 1


@pytest.mark.parametrize("name", NETWORKS)
def test_paths_are_the_edges_between_what_depends_on_a_quantity_and_the_loss(name):
    """Counted on the network's own graph: from every quantity below this one to each of its users above the loss."""
    problem, picture = worked(name).problem, picture_of(name)
    network, loss = problem.network, problem.train.loss
    assert set(picture.paths) == set(network.quantities)
    unit = {key: drawn.key for drawn in of(Unit, picture) for key in (drawn.key, *drawn.also)}
    merged = {pre: own for pre, own in network.pre_activations.items() if network.users[pre] == (own,) and pre != loss}
    unit |= {name: merged.get(name, name) for name in network.by_goal}
    above = network.above(loss)
    labelled = {(key, label.edge) for label in of(Label, picture) if (key := label.key)}
    labelled |= {(stroke.key, stroke.edge) for stroke in of(Stroke, picture)}
    for key in dict.fromkeys((*problem.train.parameters[:40], *network.by_goal)):
        below, own = network.below(key), {edge for weight, edge in labelled if weight == key}
        weighted, edges = {edge.partition(">")[2] for edge in own}, set(own)
        for source in below if key in unit else below - {key}:
            for user in network.users[source]:
                inner = merged.get(user, user) == unit[source] and source not in network.by_goal[user].lagged
                if user in above and not inner and not (source == key and unit[user] in weighted):
                    edges.add(f"{unit[source]}>{unit[user]}")
        found = set(picture.paths[key])
        if own or key in unit:
            assert found == edges
        else:
            assert len(found - edges) == 1  # its own edge lies between units that are left out
            assert edges < found
        assert len(found) == len(picture.paths[key])
        assert bool(found) == (key in above and key != loss)


@pytest.mark.parametrize("name", [name for name in NETWORKS if worked(name).problem.arrays is None])
def test_values_are_those_of_the_derivation(name):
    work, picture = worked(name), picture_of(name)
    shown = {item.key: item.value.text for item in (*of(Unit, picture), *of(Label, picture)) if item.value is not None}
    if missing_numbers(work.problem):
        assert set(shown) <= set(work.problem.example(0))
        return
    for key, text in shown.items():
        exact = work.states[0].values[key]
        assert Decimal(text) == exact or abs(Decimal(text) - exact) < abs(exact) * Decimal("1e-5")
    assert all(unit.value is not None for unit in of(Unit, picture))


@pytest.mark.parametrize("name", ["q1", "mazur", "adam", "skip"])
def test_a_paper_and_a_worksheet_show_given_numbers_only(name):
    work = worked(name)
    sheets = sheets_of(work)
    for blocks in (sheets.front, worksheet_of(work).blocks):
        (figure,) = (block for block in blocks if isinstance(block, Figure))
        valued = {item.key for item in (*of(Unit, figure.picture), *of(Label, figure.picture)) if item.value is not None}
        assert valued == {name for name in work.problem.network.free if name not in ("", "h0")}
    assert not any(isinstance(block, Figure) for block in (*sheets.solution, *sheets.room))
    told = render_exam(sheets)
    assert told.count(r"\begin{tikzpicture}") == 1


def test_variants_of_a_paper_have_one_picture():
    """Whatever digits the given numbers have."""
    problem = derive.find("q1")
    long = {name: type(number)("0.777000120777") for name, number in problem.given.items()}
    one, other = (network_picture(problem, numbers, Speaker("en")) for numbers in (problem.given, long))
    assert [box(item) for item in of(Unit, one)] == [box(item) for item in of(Unit, other)]
    assert [stroke.points for stroke in of(Stroke, one)] == [stroke.points for stroke in of(Stroke, other)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_alternative_text_names_every_unit_and_no_place_is_left_open(language):
    for name in ("q1", "mazur", "batchnorm", "rnn", "16-16-16"):
        picture = network_picture(problem_of(name), {}, Speaker(language))
        script = script_of(problem_of(name))
        assert "{" not in picture.alt
        for unit in of(Unit, picture):
            if not unit.small or unit.kind in ("bias", "target"):
                assert script.symbol(unit.key).text in picture.alt


# --- curves ---------------------------------------------------------------------------------------------------------------

UNITS = """
[given]
x = 0.5
t = 1
w1 = 0.8
w2 = -0.9
w3 = 2
b = 0.1
[forward]
z1 = "w1*x + b"
z2 = "w2*x + b"
z3 = "w3*x + b"
h1 = "{0}(z1)"
h2 = "{0}(z2)"
h3 = "{0}(z3)"
L = "1/2*(t - h1 - h2 - h3)^2"
[train]
learning_rate = 0.1
"""
CURVED = [name for name, op in OPS.items() if op.kind == "activation" and not op.spread]

# Each activation and its slope as its paper defines it, of a number of mpmath.
MEANT = {
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, mpmath.mpf(0)),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "elu": lambda z: z if z > 0 else mpmath.expm1(z),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "gelu": lambda z: z * mpmath.ncdf(z),
    "gelu_tanh": lambda z: z / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (z + mpmath.mpf("0.044715") * z**3))),
    "mish": lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "identity": lambda z: z,
}


def curves_of(function):
    work = derive.derive(derive.load_text(UNITS.format(function)))
    (picture,) = activation_pictures(work.problem.network, work.states[0], work.rounding, script_of(work.problem), Speaker("en"))
    return work, picture


def scale_of(picture, across):
    """From places on an axis to its numbers, read off two of the numbers that stand at it."""
    line = Counter(round(tick.y if across else tick.x, 1) for tick in of(Label, picture) if tick.kind == "tick")
    at = [tick for tick in of(Label, picture) if tick.kind == "tick" and tick.anchor == ("middle" if across else "end")]
    first, last = at[0], at[-1]
    assert line
    start, end = (first.x, last.x) if across else (first.y, last.y)
    low, high = (float(Decimal(tick.text[0].text)) for tick in (first, last))
    return lambda place: low + (place - start) / (end - start) * (high - low)


@pytest.mark.parametrize("function", CURVED)
def test_a_curve_and_its_slope_are_what_they_are_said_to_be(function):
    work, picture = curves_of(function)
    right, up = scale_of(picture, True), scale_of(picture, False)
    for kind, wanted in (("curve", MEANT[function]), ("slope", lambda z: mpmath.diff(MEANT[function], z))):
        points = [point for stroke in of(Stroke, picture) if stroke.kind == kind for point in stroke.points]
        assert len(points) > 60
        for x, y in points:
            if abs(right(x)) > 0.05:  # at a kink the slope has two ends
                assert up(y) == pytest.approx(float(wanted(mpmath.mpf(right(x)))), abs=0.012), (kind, right(x))
    marks = of(Mark, picture)
    assert Counter(mark.key for mark in marks) == {"h1": 2, "h2": 2, "h3": 2}
    for mark in marks:
        z = float(work.states[0].values["z" + mark.key[1:]])
        assert right(mark.x) == pytest.approx(z, abs=0.02)
        both = [float(MEANT[function](z)), float(mpmath.diff(MEANT[function], z))]
        assert min(abs(up(mark.y) - value) for value in both) < 0.02
    for point in operating_points(work.problem.network, work.states[0], function):
        assert float(point.slope) == pytest.approx(float(mpmath.diff(MEANT[function], float(point.at))), rel=1e-6)


def test_a_kink_is_drawn_as_one():
    _, picture = curves_of("relu")
    pieces = [stroke for stroke in of(Stroke, picture) if stroke.kind == "slope"]
    assert len(pieces) == 2
    up = scale_of(picture, False)
    assert [round(up(y), 2) for piece in pieces for y in {y for _, y in piece.points}] == [0, 1]
    assert pieces[0].points[-1][0] == pieces[1].points[0][0]
    (curve,) = (stroke for stroke in of(Stroke, picture) if stroke.kind == "curve")
    assert pieces[0].points[-1][0] in [x for x, _ in curve.points]
    assert len([stroke for stroke in of(Stroke, curves_of("tanh")[1]) if stroke.kind == "slope"]) == 1


def test_kinks_are_found_where_they_are():
    assert kinks_between((Name("z"),), Decimal(-4), Decimal(4)) == [0]
    gap = derive.load_text('[forward]\nf = "3*z - 1"\n').network.by_goal["f"].rhs
    (found,) = kinks_between((gap,), Decimal(-4), Decimal(4))
    assert abs(found - Decimal(1) / 3) < Decimal("1e-11")


@pytest.mark.parametrize(("low", "high"), [("-4", "4"), ("-0.31", "1.07"), ("0", "0.0003"), ("-1200", "80")])
def test_ticks_are_round_few_and_inside(low, high):
    found = ticks(Decimal(low), Decimal(high))
    assert 2 <= len(found) <= 9
    assert Decimal(low) <= found[0] < found[-1] <= Decimal(high)
    step = found[1] - found[0]
    assert all(after - before == step for before, after in pairwise(found))
    assert step.normalize().as_tuple().digits in ((1,), (2,), (5,))


@pytest.mark.parametrize("name", ["q1", "mazur", "adam", "skip", "batch"])
def test_bars_of_the_loss_are_as_high_as_it_is(name):
    work = worked(name)
    blocks = page_of(work).blocks
    (picture,) = (b.picture for b in blocks if isinstance(b, Figure) and any(s.kind == "bar" for s in of(Stroke, b.picture)))
    before, after = (
        max(y for _, y in bar.points) - min(y for _, y in bar.points) for bar in of(Stroke, picture) if bar.kind == "bar"
    )
    (first, _), (second, _) = work.losses
    assert after / before == pytest.approx(float(second / first), abs=0.01)
    told = [label.text[0] for label in of(Label, picture) if label.kind == "tick"]
    assert [Decimal(number.text) for number in told] == [
        pytest.approx(first, rel=Decimal("1e-4")),
        pytest.approx(second, rel=Decimal("1e-4")),
    ]


def test_more_updates_are_a_line_of_their_losses():
    work = worked("adam")
    figures = [block.picture for block in page_of(work).blocks if isinstance(block, Figure)]
    line = figures[-1]
    (curve,) = (stroke for stroke in of(Stroke, line) if stroke.kind == "curve")
    assert len(curve.points) == len(of(Mark, line)) == len(work.states) == 3
    heights = [y for _, y in curve.points]
    losses = [float(state.values["L"]) for state in work.states]
    assert (heights[1] - heights[0]) / (heights[2] - heights[0]) == pytest.approx(
        (losses[1] - losses[0]) / (losses[2] - losses[0]), abs=0.1
    )


# --- the plane ------------------------------------------------------------------------------------------------------------


@functools.cache
def proofs():
    """Question 3, and the same with either rule the other way round."""
    typed_in = (Path(derive.__file__).parent / "problems" / "q3.toml").read_text(encoding="utf-8")
    texts = (typed_in, typed_in.replace("y <= 0.5", "y >= 0.5"), typed_in.replace("y1 >= y2", "y1 <= y2"))
    return [prove_decisions(derive.load_text(text)) for text in texts]


@pytest.mark.parametrize("place", range(3))
def test_the_plane_shows_what_both_classifiers_say(place):
    """Softmax by its definition and the neuron by its own, in mpmath, at every point that is drawn, on the side where it is drawn."""
    proof = proofs()[place]
    plane, problem = Plane(proof), proof.problem
    figure = plane_of(page_of(proof))
    picture, n = figure.picture, {name: mpmath.mpf(str(value)) for name, value in plane.numbers.items()}
    softmax, logistic = problem.decision.rules["softmax"], problem.decision.rules["logistic"]
    marks = of(Mark, picture)
    assert len(marks) == len(plane.points) >= 8
    assert {mark.kind for mark in marks} == {"class0", "class1"}
    (region,) = (stroke for stroke in of(Stroke, picture) if stroke.kind == "region")
    right, up = scale_of(picture, True), scale_of(picture, False)
    for mark, ((x, y), is_class_0) in zip(marks, plane.points, strict=True):
        assert (right(mark.x), up(mark.y)) == (pytest.approx(float(x), abs=0.02), pytest.approx(float(y), abs=0.02))
        z1, z2, z = (
            n[f"{w}_1"] * mpmath.mpf(str(x)) + n[f"{w}_2"] * mpmath.mpf(str(y)) + n[b]
            for w, b in (("ws1", "bs1"), ("ws2", "bs2"), ("wl", "bl"))
        )
        first, second = mpmath.exp(z1) / (mpmath.exp(z1) + mpmath.exp(z2)), mpmath.exp(z2) / (mpmath.exp(z1) + mpmath.exp(z2))
        by_softmax = first >= second if softmax.sign == ">=" else first <= second
        output = 1 / (1 + mpmath.exp(-z))
        by_neuron = output >= 0.5 if logistic.sign == ">=" else output <= 0.5
        assert by_softmax == by_neuron == is_class_0 == (mark.kind == "class0") == contains(region.points, mark.x, mark.y)


def plane_of(page):
    """The figure with points on it."""
    return next(block for block in page.blocks if isinstance(block, Figure) and of(Mark, block.picture))


def test_both_classifiers_are_drawn_with_their_own_parameters():
    """The pair of Question 3 has twice as many as the neuron; nothing is differentiated, so no path can light up."""
    picture = next(block.picture for block in page_of(proofs()[0]).blocks if isinstance(block, Figure))
    edges = {label.edge: label.key for label in of(Label, picture)}
    assert edges == {"x>z1": "ws1", "x>z2": "ws2", "x>y": "wl"}
    assert {unit.key: unit.kind for unit in of(Unit, picture)} == {
        "x": "input", "z1": "hidden", "z2": "hidden", "y1": "output", "y2": "output", "y": "output",
        "bs1": "bias", "bs2": "bias", "bl": "bias",
    }  # fmt: skip
    assert not picture.paths


def problem_free(proof):
    """The parameters of both classifiers."""
    return [name for name in proof.problem.network.free if name != "x"]


def contains(corners, x, y):
    """Whether a polygon holds a point, by the crossings of a ray."""
    inside = False
    for (x0, y0), (x1, y1) in pairwise((*corners, corners[0])):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
    return inside


@pytest.mark.parametrize("place", range(3))
def test_both_boundaries_are_one_line_and_the_caption_says_its_numbers(place):
    proof = proofs()[place]
    plane = Plane(proof)
    page = page_of(proof)
    figure = plane_of(page)
    lines = {stroke.kind: stroke.points for stroke in of(Stroke, figure.picture)}
    assert lines["boundary"] == lines["neuron"]
    n = plane.numbers
    for x, y in plane.cut(plane.linear[0]):  # on the line both scores are the same, and the neuron's is 0
        gap = (n["ws1_1"] - n["ws2_1"]) * x + (n["ws1_2"] - n["ws2_2"]) * y + n["bs1"] - n["bs2"]
        assert abs(gap) < Decimal("1e-20")
        assert abs(n["wl_1"] * x + n["wl_2"] * y + n["bl"]) < Decimal("1e-20")
        assert max(abs(x), abs(y)) == SIDE
    said = {}
    for part in figure.caption:
        if isinstance(part, Name):
            last = said.setdefault(part.name, [])
        elif isinstance(part, Number):
            last.append(Decimal(part.text))
    assert said == {name: [n[entry] for entry in plane.vectors.get(name, (name,))] for name in problem_free(proof)}


# --- formats --------------------------------------------------------------------------------------------------------------


def drawn(name):
    """Every picture of a page with its script."""
    work = work_out(name) if name not in MORE else worked(name)
    page = page_of(work)
    return [(block.picture, page.script) for block in page.blocks if isinstance(block, Figure)]


@pytest.mark.parametrize("name", [*NETWORKS, "q3"])
def test_svg_is_xml_without_style_or_script(name):
    for picture, script in drawn(name):
        for interactive in (False, True):
            text = draw_svg(picture, script, interactive=interactive)
            root = ElementTree.fromstring(text)
            assert root.get("viewBox") == f"0 0 {picture.width:g} {picture.height:g}"
            assert root.find("title").text == picture.alt
            for element in root.iter():
                assert element.tag not in ("script", "style", "foreignObject")
                assert not any(key == "style" or key.startswith("on") or "href" in key for key in element.attrib)
                assert element.get("id") is None  # several pictures may stand on one page
            buttons = [element for element in root.iter() if element.get("role") == "button"]
            assert bool(buttons) == (interactive and bool(picture.paths))
            for button in buttons:
                assert button.get("tabindex") in ("0", "-1")
                assert button.get("data-path", "").split() == list(picture.paths[button.get("data-key")])
                assert button.get("aria-label").startswith(button.get("data-name"))
            if interactive and picture.paths:
                reached = Counter(button.get("data-key") for button in buttons if button.get("tabindex") == "0")
                keys = {unit.key for unit in of(Unit, picture)} | {stroke.key for stroke in of(Stroke, picture)} - {""}
                assert set(reached) == keys


def test_an_svg_of_its_own_brings_its_style_and_nothing_else():
    root = ElementTree.fromstring(derive.render(work_out("q1"), "svg"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    (style,) = root.iter("{http://www.w3.org/2000/svg}style")
    assert "prefers-color-scheme: dark" in style.text
    assert "@media print" in style.text
    assert "url(" not in style.text
    with pytest.raises(derive.DeriveError):
        derive.render(work_out("q1").only("dL/dw5"), "svg")


def test_names_are_typed_by_their_owner_and_shown_as_text():
    problem = derive.load_text('[names]\nw = "\\\\mathrm{a}"\n[forward]\nz = "w*x"\nL = "z^2"\n')
    picture = network_picture(problem, {}, Speaker("en"))
    root = ElementTree.fromstring(draw_svg(picture, script_of(problem), interactive=True))
    assert "a" in ["".join(text.itertext()) for text in root.iter("text")]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_drawing_in_characters_is_narrow_and_its_boxes_are_whole(name):
    picture, script = picture_of(name), script_of(worked(name).problem)
    lines = draw_canvas(picture, lambda tree: write(tree, TEXT, script))
    assert lines or name in MORE, "every built-in network can be drawn"
    assert all(width(line) <= 76 for line in lines)
    text = "\n".join(lines)
    for item in (*of(Unit, picture), *of(Label, picture)) if lines else ():
        assert (isinstance(item, Label) and item.kind == "dots") or script.symbol(item.key).text in text
    cells = [re.findall(r".[\u0300-\u036f\u20d0-\u20ff]*", line) for line in lines]
    boxes = 0
    for top, middle, bottom in zip(cells, cells[1:], cells[2:], strict=False):
        for start, sign in enumerate(top):
            if sign in "╭▼" and bottom[start : start + 1] == ["╰"]:
                end = bottom.index("╯", start)
                level = end - start - 1
                assert bottom[start : end + 1] == ["╰", *"─" * level, "╯"]
                assert top[start + 1 : end] == ["─"] * level or "▼" in top
                assert top[end] in "╮┼"
                assert middle[start] in "│┤"
                assert middle[end] in "│├"
                boxes += 1
    assert boxes == (sum(not unit.small for unit in of(Unit, picture)) if lines else 0)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_in_ascii_has_the_same_shape(name):
    boxes, plain = (draw_canvas(picture_of(name), typed, characters) for characters in (BOXES, ASCII))
    assert all(line.isascii() for line in plain)
    assert [len(line) for line in plain if ":" not in line and ".." not in line] == [
        len(line) for line in boxes if "⋮" not in line and "⋯" not in line
    ]


def test_a_text_shows_the_network_and_no_other_picture():
    page = page_of(work_out("q1"))
    figures = [block for block in page.blocks if isinstance(block, Figure)]
    assert [bool(picture_lines(figure, page.script)) for figure in figures] == [True, False, False]
    markdown = derive.render(work_out("q1"), "markdown")
    assert markdown.count("```") == 2


@pytest.mark.parametrize("name", [*NETWORKS, "q3"])
def test_a_picture_fits_the_text_block_of_a_document(name):
    for picture, _ in drawn(name):
        first, *_ = draw_tikz(picture, lambda words: "x")
        scale = re.search(r"scale=([\d.]+)", first)
        assert picture.width * POINTS * (float(scale[1]) if scale else 1) <= WIDEST + 0.5


def test_tikz_is_loaded_where_there_is_a_picture():
    work = work_out("q1")
    assert r"\usepackage{tikz}" in derive.render(work, "latex")
    assert r"\usepackage{tikz}" not in derive.render(work.only("dL/dw5"), "latex")
    assert not any(isinstance(block, Figure) for block in page_of(work.only("dL/dw5")).blocks)
    assert any(isinstance(block, Equations) for block in page_of(work.only("dL/dw5")).blocks)


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed, so no document was compiled")
@pytest.mark.parametrize("name", ["q1", "q3", "3-4-4-2", "twenty layers", "skip"])
def test_a_document_with_pictures_compiles(name, tmp_path):
    work = work_out(name) if name not in MORE else worked(name)
    (tmp_path / "page.tex").write_text(derive.render(work, "latex"), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    told = done.stdout.decode(errors="replace")
    assert done.returncode == 0, told[-2000:]
    pictures = r"Overfull \\hbox \((\d+)"
    assert not [found for found in re.findall(pictures, told) if int(found) > 5], "wider than the text"
