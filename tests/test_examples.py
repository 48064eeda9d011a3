"""Examples that others worked out and printed: their numbers, digit for digit, through JSON and through [ask]."""

import json
import math
from decimal import ROUND_HALF_UP, Decimal

import pytest

import derive
from derive.spec import BUILT_IN

# Matt Mazur, "A Step by Step Backpropagation Example", mattmazur.com, 17 March 2015.
MAZUR = {
    "net_h1": "0.3775",
    "out_h1": "0.593269992",
    "out_h2": "0.596884378",
    "net_o1": "1.105905967",
    "out_o1": "0.75136507",
    "out_o2": "0.772928465",
    "E_o1": "0.274811083",
    "E_o2": "0.023560026",
    "E_total": "0.298371109",
    "dE_total/dout_o1": "0.74136507",
    "dout_o1/dnet_o1": "0.186815602",
    "dnet_o1/dw5": "0.593269992",
    "dE_total/dw5": "0.082167041",
    "dE_o1/dnet_o1": "0.138498562",
    "dE_o1/dout_h1": "0.055399425",
    "dE_total/dout_h1": "0.036350306",
    "dout_h1/dnet_h1": "0.241300709",
    "dE_total/dw1": "0.000438568",
    "w5+": "0.35891648",
    "w6+": "0.408666186",
    "w7+": "0.511301270",
    "w8+": "0.561370121",
    "w1+": "0.149780716",
    "w2+": "0.19956143",
    "w3+": "0.24975114",
    "w4+": "0.29950229",
}

# Question 1 of the homework (built-in q1), from its answer key.
Q1 = {
    "h1": "0.594475931",
    "h2": "0.596282699",
    "y1": "0.791820118",
    "y2": "0.801464007",
    "L": "0.323394259",
    "dL/dw5": "0.0766136947",
    "dL/dw6": "-0.0178341258",
    "dL/dw1": "0.000458650181",
    "dL/dw4": "0.00115401344",
    "dL/db1": "0.020713138",
    "dL/db2": "0.0988762805",
    "w5+": "0.361693153",
    "b2+": "0.75056186",
}

# Stanford CS231n, notes "Backpropagation, Intuitions": f = (x + y)z at x = -2, y = 5, z = -4 ...
CIRCUIT = (
    '[given]\nx = -2\ny = 5\nz = -4\n[forward]\nq = "x + y"\nf = "q*z"\n[train]\nparameters = ["x", "y", "z"]\n',
    {"q": "3", "f": "-12", "df/dz": "3", "df/dq": "-4", "df/dx": "-4", "df/dy": "-4"},
)
# ... and the neuron f = σ(w0 x0 + w1 x1 + w2) at w = (2, -3, -3), x = (-1, -2), as the notes' circuit diagram shows it.
NEURON = (
    '[given]\nw0 = 2\nx0 = -1\nw1 = -3\nx1 = -2\nw2 = -3\n[forward]\ndot = "w0*x0 + w1*x1 + w2"\nf = "sigmoid(dot)"\n'
    '[train]\nparameters = ["w0", "w1", "w2", "x0", "x1"]\n',
    {"dot": "1.00", "f": "0.73", "df/ddot": "0.20", "df/dw0": "-0.20", "df/dx0": "0.39", "df/dw1": "-0.39", "df/dx1": "-0.59",
     "df/dw2": "0.20"},
)  # fmt: skip

PRINTED = {
    "mazur": ((BUILT_IN / "mazur.toml").read_text("utf-8"), MAZUR),
    "q1": ((BUILT_IN / "q1.toml").read_text("utf-8"), Q1),
    "circuit": CIRCUIT,
    "neuron": NEURON,
}


def as_printed(value, printed):
    """The value to the places the source prints."""
    return Decimal(value).quantize(Decimal(printed), rounding=ROUND_HALF_UP)


def in_json(text, **asked):
    problem = derive.load_text(text + "\n[ask]\n" + "".join(f'"{label}" = "{quantity}"\n' for label, quantity in asked.items()))
    return json.loads(derive.render(derive.derive(problem, derive.Rounding(digits=17)), "json"))


@pytest.mark.parametrize("name", PRINTED)
def test_asked(name):
    text, printed = PRINTED[name]
    asked = in_json(text, **{f"a{place}": quantity for place, quantity in enumerate(printed)})["asked"]
    found = {entry["quantity"]: str(as_printed(entry["value"], printed[entry["quantity"]])) for entry in asked.values()}
    assert found == printed


@pytest.mark.parametrize("name", PRINTED)
def test_in_the_sections_of_the_json(name):
    text, printed = PRINTED[name]
    data = in_json(text)
    loss = derive.load_text(text).train.loss
    found = dict(data["values"])
    found |= {f"d{loss}/d{parameter}": entry["value"] for parameter, entry in data["gradients"].items()}
    found |= {f"{parameter}+": value for parameter, value in data["updated"].items()}
    shared = printed.keys() & found.keys()
    assert len(shared) >= len(data["values"].keys() & printed.keys()) + 2
    assert {q: str(as_printed(found[q], printed[q])) for q in shared} == {q: printed[q] for q in shared}


def mazur_error(w1, w2, w3, w4, w5, w6, w7, w8):
    """Mazur's network in floats, written out here: the activations and E_total."""
    h1, h2 = logistic(w1 * 0.05 + w2 * 0.10 + 0.35), logistic(w3 * 0.05 + w4 * 0.10 + 0.35)
    o1, o2 = logistic(w5 * h1 + w6 * h2 + 0.60), logistic(w7 * h1 + w8 * h2 + 0.60)
    return (h1, h2, o1, o2), ((0.01 - o1) ** 2 + (0.99 - o2) ** 2) / 2


def logistic(z):
    return 1 / (1 + math.exp(-z))


def test_error_after_the_update_follows_from_the_weights_mazur_prints():
    _, expected = mazur_error(*(float(MAZUR[f"w{k}+"]) for k in range(1, 9)))
    found = in_json(PRINTED["mazur"][0], after="E_total@1")["asked"]["after"]["value"]
    assert float(found) == pytest.approx(expected, abs=2e-9)


def test_error_after_the_update_that_mazur_prints_is_that_of_a_slip():
    """The post prints 0.291027924; its own printed weights give 0.291027774.

    The printed number is what comes out when the hidden gradients are taken through w5…w8 after these have moved, which the post
    itself says not to do (its w1+…w4+ are right).
    """
    old = (0.15, 0.20, 0.25, 0.30)
    moved = tuple(float(MAZUR[f"w{k}+"]) for k in range(5, 9))
    (h1, h2, o1, o2), _ = mazur_error(*old, 0.40, 0.45, 0.50, 0.55)
    d1, d2 = (o1 - 0.01) * o1 * (1 - o1), (o2 - 0.99) * o2 * (1 - o2)
    g1, g2 = (d1 * moved[0] + d2 * moved[2]) * h1 * (1 - h1), (d1 * moved[1] + d2 * moved[3]) * h2 * (1 - h2)
    hidden = (old[0] - 0.5 * g1 * 0.05, old[1] - 0.5 * g1 * 0.10, old[2] - 0.5 * g2 * 0.05, old[3] - 0.5 * g2 * 0.10)
    _, slipped = mazur_error(*hidden, *moved)
    assert slipped == pytest.approx(0.291027924, abs=5e-10)
    found = in_json(PRINTED["mazur"][0], after="E_total@1")["asked"]["after"]["value"]
    assert abs(float(found) - 0.291027924) > 1e-7
