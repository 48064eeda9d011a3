"""The update rules: one body over all rows, against recurrences written out here and against PyTorch's optimisers."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import mpmath
import pytest
from test_oracles import check_numeric_lines

import derive
from derive.arithmetic import precision
from derive.errors import FormulaError, InputError, JudgementError
from derive.exercises.draws import digest_of
from derive.exercises.variants import Variants
from derive.formats.plain import typed
from derive.formats.toml import render_problem
from derive.problem import check_quantity
from derive.rounding import Rounding
from derive.spec import BUILT_IN
from derive.tables import rules
from derive.tables.rules import RULES
from derive.written import Later, Name, Number, Partial, Product, substitute, walk

# --- the rules, written again ---------------------------------------------------------------------------------------------


def sgd(w, g, n, state, t):
    return w - n["rate"] * g


def momentum(w, g, n, state, t):
    state["v"] = n["momentum"] * state.get("v", 0) + g
    return w - n["rate"] * state["v"]


def nesterov(w, g, n, state, t):
    state["v"] = n["momentum"] * state.get("v", 0) + g
    return w - n["rate"] * (g + n["momentum"] * state["v"])


def rmsprop(w, g, n, state, t):
    state["s"] = n["rho"] * state.get("s", 0) + (1 - n["rho"]) * g**2
    return w - n["rate"] * g / (mpmath.sqrt(state["s"]) + n["epsilon"])


def adam(w, g, n, state, t):
    state["m"] = n["beta1"] * state.get("m", 0) + (1 - n["beta1"]) * g
    state["v"] = n["beta2"] * state.get("v", 0) + (1 - n["beta2"]) * g**2
    mhat, vhat = state["m"] / (1 - n["beta1"] ** t), state["v"] / (1 - n["beta2"] ** t)
    return w - n["rate"] * mhat / (mpmath.sqrt(vhat) + n["epsilon"])


def adamw(w, g, n, state, t):
    return adam(w, g, n, state, t) - n["rate"] * n["weight_decay"] * w


RECURRENCES = {function.__name__: function for function in (sgd, momentum, nesterov, rmsprop, adam, adamw)}
PUBLISHED = {"momentum": "0.9", "rho": "0.9", "beta1": "0.9", "beta2": "0.999", "epsilon": "1e-8"}

LINE = """
title = "A line through two points, in turn"
[given]
w = 0.80
b = 0.10
[forward]
y = "w*x1 + b"
L = "1/2*(t - y)^2"
[train]
learning_rate = 0.1
{train}
[ask]
{asks}
[[examples]]
x1 = 0.5
t = 1
[[examples]]
x1 = -1.5
t = 0.5
"""
POINTS = [("0.5", "1"), ("-1.5", "0.5")]
DECAYS = ["", "0.25"]


def line(rule, decay="", asks="", train=""):
    decayed = f"weight_decay = {decay}\n" if decay else ""
    return derive.load_text(LINE.format(train=f'rule = "{rule}"\n{decayed}{train}', asks=asks))


def q1(rule, train=""):
    text = (BUILT_IN / "q1.toml").read_text("utf-8")
    return derive.load_text(text.replace("learning_rate = 0.5", f'learning_rate = 0.1\nrule = "{rule}"\n{train}'))


def followed(rule, decay, updates, number):
    """The weight and the bias of the line before any update, after one, and so on, in numbers of any kind."""
    w = {"w": number("0.80"), "b": number("0.10")}
    n = {name: number(text) for name, text in PUBLISHED.items()}
    n |= {"rate": number("0.1"), "weight_decay": number(decay or ("0.01" if rule == "adamw" else "0"))}
    states, found = {"w": {}, "b": {}}, [dict(w)]
    for t in range(1, updates + 1):
        x, target = map(number, POINTS[(t - 1) % 2])
        error = w["w"] * x + w["b"] - target
        gradients = {"w": error * x, "b": error}
        if rule != "adamw":
            gradients = {name: g + n["weight_decay"] * w[name] for name, g in gradients.items()}
        w = {name: RECURRENCES[rule](w[name], g, n, states[name], t) for name, g in gradients.items()}
        found.append(dict(w))
    return found, states


def asked_for(updates):
    return "\n".join(f'"{name} {k}" = "{name}@{k}"' for k in range(1, updates + 1) for name in "wb")


def test_every_rule_is_written_again():
    assert set(RECURRENCES) == set(RULES)


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("rule", RULES)
def test_parameters_and_states_follow_the_recurrence(rule, decay):
    work = derive.derive(line(rule, decay, asked_for(6)))
    with mpmath.workdps(70):
        expected, states = followed(rule, decay, 6, mpmath.mpf)
        for state, at in zip(work.states, expected, strict=True):
            for name, value in at.items():
                assert abs(mpmath.mpf(str(state.values[name])) - value) < mpmath.mpf("1e-40"), (name, state.updates)
        for parameter, own in states.items():
            for name, value in own.items():
                assert abs(mpmath.mpf(str(work.states[-1].values[f"{name}_{parameter}"])) - value) < mpmath.mpf("1e-40")
    shown = {answer.ask.label: answer.values[0] for answer in work.answers}
    assert all(shown[f"{name} {k}"] == work.states[k].values[name] for name in "wb" for k in range(1, 7))


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov"])
def test_rules_without_a_root_are_exact(rule, decay):
    work = derive.derive(line(rule, decay, asked_for(3)))
    expected, _ = followed(rule, decay, 3, Fraction)
    for state, at in zip(work.states, expected, strict=True):
        assert {name: Fraction(state.values[name]) for name in "wb"} == at
        assert {"w", "b"} <= state.exact


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_moves_once_for_all_examples(rule):
    work = derive.derive(line(rule, train="batch = true\n"))
    with mpmath.workdps(60):
        n = {name: mpmath.mpf(text) for name, text in {**PUBLISHED, "rate": "0.1", "weight_decay": "0.01"}.items()}
        w, b = mpmath.mpf("0.80"), mpmath.mpf("0.10")
        errors = [(w * mpmath.mpf(x) + b - mpmath.mpf(t), mpmath.mpf(x)) for x, t in POINTS]
        for name, old, g in (("w", w, sum(e * x for e, x in errors) / 2), ("b", b, sum(e for e, _ in errors) / 2)):
            new = RECURRENCES[rule](old, g, n, {}, 1)
            assert abs(mpmath.mpf(str(work.states[1].values[name])) - new) < mpmath.mpf("1e-40")


@pytest.mark.parametrize("rule", ["adam", "adamw"])
def test_the_first_step_of_adam_is_about_the_rate(rule):
    """Kingma & Ba 2015, section 2.1: the effective step is bounded by α, and is about ±α for a gradient that has never changed."""
    work = derive.derive(q1(rule, "weight_decay = 0\n"))
    for name in work.problem.train.parameters:
        step = work.states[1].values[name] - work.states[0].values[name]
        assert Decimal("0.09999") < abs(step) < Decimal("0.1"), name


@pytest.mark.parametrize("rule", RULES)
def test_numbers_of_the_rule_can_be_typed(rule):
    """With other hyperparameters than the published ones the values are other ones, and follow the same recurrence."""
    numbers = {row.name: {"epsilon": "0.001", "weight_decay": "0.125"}.get(row.name, "0.75") for row in RULES[rule].numbers}
    work = derive.derive(line(rule, train="".join(f"{name} = {text}\n" for name, text in numbers.items()), asks='"w" = "w@2"'))
    with mpmath.workdps(60):
        n = {name: mpmath.mpf(text) for name, text in {**PUBLISHED, **numbers, "rate": "0.1"}.items()}
        w, b, states = mpmath.mpf("0.80"), mpmath.mpf("0.10"), ({}, {})
        for t, (x, target) in enumerate(POINTS, start=1):
            error, x = w * mpmath.mpf(x) + b - mpmath.mpf(target), mpmath.mpf(x)
            decay = 0 if rule == "adamw" else n["weight_decay"]
            gw, gb = error * x + decay * w, error + decay * b
            w, b = (RECURRENCES[rule](p, g, n, s, t) for p, g, s in ((w, gw, states[0]), (b, gb, states[1])))
        assert abs(mpmath.mpf(str(work.states[2].values["w"])) - w) < mpmath.mpf("1e-40")


@pytest.mark.torch
@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("rule", RULES)
def test_parameters_follow_pytorchs_optimiser(rule, decay):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.80, 0.10))
    kept = {"weight_decay": float(decay)} if decay else {}
    optimiser = {
        "sgd": lambda: torch.optim.SGD([w, b], lr=0.1, **kept),
        "momentum": lambda: torch.optim.SGD([w, b], lr=0.1, momentum=0.9, **kept),
        "nesterov": lambda: torch.optim.SGD([w, b], lr=0.1, momentum=0.9, nesterov=True, **kept),
        "rmsprop": lambda: torch.optim.RMSprop([w, b], lr=0.1, alpha=0.9, **kept),
        "adam": lambda: torch.optim.Adam([w, b], lr=0.1, **kept),
        "adamw": lambda: torch.optim.AdamW([w, b], lr=0.1, **kept),
    }[rule]()
    work = derive.derive(line(rule, decay, asked_for(3)))
    for k in range(3):
        x, target = map(float, POINTS[k % 2])
        optimiser.zero_grad()
        (0.5 * (target - (w * x + b)) ** 2).backward()
        optimiser.step()
        assert float(work.states[k + 1].values["w"]) == pytest.approx(w.item(), rel=1e-12)
        assert float(work.states[k + 1].values["b"]) == pytest.approx(b.item(), rel=1e-12)


# --- the judges -----------------------------------------------------------------------------------------------------------


def spoiled(tree):
    return Product((Number("1.01"), tree))


PLACES = [(rule, place) for rule, row in RULES.items() for place in range(len(row.equations))]


@pytest.mark.parametrize(("rule", "place"), PLACES)
def test_an_equation_spoiled_by_one_per_cent_is_no_page(rule, place, monkeypatch):
    row = RULES[rule]
    goal, tree = row.equations[place]
    wrong = replace(row, equations=(*row.equations[:place], (goal, spoiled(tree)), *row.equations[place + 1 :]))
    monkeypatch.setitem(rules.RULES, rule, wrong)
    with pytest.raises(JudgementError):
        derive.derive(line(rule))


@pytest.mark.parametrize("hyper", ["momentum", "rho", "beta1", "beta2", "epsilon"])
@pytest.mark.parametrize("rule", RULES)
def test_a_forgotten_hyperparameter_is_no_page(rule, hyper, monkeypatch):
    row = RULES[rule]
    if not any(number.name == hyper for number in row.numbers):
        pytest.skip(f"{rule} has no {hyper}")
    forgotten = Number("0.5")
    equations = tuple((goal, substitute(tree, {Name(hyper): forgotten}.get)) for goal, tree in row.equations)
    monkeypatch.setitem(rules.RULES, rule, replace(row, equations=equations))
    with pytest.raises(JudgementError):
        derive.derive(line(rule))


@pytest.mark.parametrize("rule", RULES)
def test_a_value_off_in_its_thirtieth_digit_is_no_page(rule, monkeypatch):
    """Everything after it follows from the wrong value; only the update itself can tell."""
    from derive import values

    honest = values._moved

    def off(name, state):
        value, exact = honest(name, state)
        with precision(80):
            return (value * (1 + Decimal("1e-30")) if state.updates == 1 and name == "w" else value), exact

    monkeypatch.setattr(values, "_moved", off)
    with pytest.raises(JudgementError, match=r"w\+"):
        derive.derive(line(rule, asks='"b" = "b@2"'))


POLICIES = [Rounding(), Rounding(digits=4), Rounding(places=9), Rounding("hand", digits=4), Rounding("hand", places=12)]


@pytest.mark.parametrize("rounding", POLICIES)
@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("rule", RULES)
def test_numeric_lines_hold_as_printed(rule, decay, rounding):
    work = derive.derive(q1(rule, f"weight_decay = {decay}\n" if decay else ""), rounding)
    with mpmath.workdps(80):
        rows = len(work.problem.train.rows("w5"))
        assert sum(check_numeric_lines(step) for step in work.updates) == 2 * rows * len(work.problem.train.parameters)
    assert work.checks.lines == work.checks.judged


@pytest.mark.parametrize("rule", RULES)
def test_by_hand_every_state_is_rounded_and_used(rule):
    work = derive.derive(q1(rule), Rounding("hand", digits=4))
    for step in work.updates:
        *_, numbers, value = step.lines
        assert len(value.tree.text.lstrip("-0.").replace(".", "").split("e")[0]) <= 4, step.goal
        for node in walk(numbers.tree):
            if isinstance(node, Number):
                assert len(node.text.split("e")[0].replace(".", "").lstrip("-0")) <= 4, step.goal


def test_by_hand_a_square_that_is_lost_is_no_divisor():
    with pytest.raises(InputError, match=r"v_w5\+: rounds to 0 though the gradient does not"):
        derive.derive(q1("adam"), Rounding("hand", places=4))


# --- what is printed and typed --------------------------------------------------------------------------------------------

SAID = {
    "momentum": ["v_θ⁺ = μ · v_θ + ∂L/∂θ", "θ⁺   = θ − η · v_θ⁺", "v_w5⁺      0.9 · 0 + 0.0766137", "as PyTorch keeps it"],
    "nesterov": ["θ⁺   = θ − η · (∂L/∂θ + μ · v_θ⁺)", "0.40 − 0.1 · (0.0766137 + 0.9 · 0.0766137)"],
    "rmsprop": ["s_θ⁺ = ρ · s_θ + (1 − ρ) · (∂L/∂θ)²", "0.9 · 0 + (1 − 0.9) · 0.0766137²", "Before the first update s_θ = 0."],
    "adam": ["m̂_θ  = m_θ⁺/(1 − β1^k)", "0.00766137/(1 − 0.9¹)", "θ⁺   = θ − η · m̂_θ/(√v̂_θ + ε)", "ε = 1·10⁻⁸"],
    "adamw": ["θ⁺   = θ − η · (m̂_θ/(√v̂_θ + ε) + λ · θ)", "+ 0.01 · 0.40", "λ = 0.01"],
}


@pytest.mark.parametrize("rule", SAID)
def test_page_says(rule):
    page = derive.render(derive.derive(q1(rule)), "text")
    for piece in SAID[rule]:
        assert piece in page


@pytest.mark.parametrize("rule", RULES)
def test_decay_is_one_more_equation(rule):
    page = derive.render(derive.derive(q1(rule, "weight_decay = 0.25\n")), "text")
    assert ("g_θ  = ∂L/∂θ + λ · θ" in page or "g_θ = ∂L/∂θ + λ · θ" in page) == (rule != "adamw")
    assert "λ = 0.25" in page


@pytest.mark.parametrize("style", ["text", "latex", "markdown", "json"])
@pytest.mark.parametrize("rule", RULES)
def test_without_numbers_the_update_stays_in_symbols(rule, style):
    text = f'[forward]\ny = "w*x"\nL = "1/2*(t - y)^2"\n[train]\nlearning_rate = 0.5\nrule = "{rule}"\n'
    work = derive.derive(derive.load_text(text))
    assert work.checks.lines == work.checks.judged
    assert derive.render(work, style)


def test_a_parameter_that_the_loss_does_not_need_stays():
    text = '[given]\nx = 0.5\nw = 0.4\nu = 0.3\nt = 1\n[forward]\nz = "u*x"\ny = "w*x"\nL = "1/2*(t - y)^2"\n[train]\n'
    text += 'parameters = ["w", "u"]\nlearning_rate = 0.1\nrule = '
    for rule in RULES:
        work = derive.derive(derive.load_text(f'{text}"{rule}"\n'))
        assert work.states[1].values["u"] == Decimal("0.3")
        assert "L does not depend on u; nothing moves there." in derive.render(work, "text")


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("rule", RULES)
def test_what_is_expanded_loads_as_the_same_problem(rule, decay):
    problem = line(rule, decay)
    assert derive.load_text(render_problem(problem)) == problem


@pytest.mark.parametrize("rule", RULES)
def test_the_json_names_every_equation(rule):
    problem = q1(rule)
    data = json.loads(derive.render(derive.derive(problem), "json"))
    assert set(data["updated"]) == set(problem.train.parameters)
    goals = [step["goal"] for step in data["steps"] if any(entry["law"] == "update-rule" for entry in step["lines"])]
    assert len(goals) == len(problem.train.parameters) * len(RULES[rule].equations)
    for step in data["steps"][-len(goals) :]:
        assert problem.read(step["lines"][0]["formula"]) is not None


NAMES = {"momentum": "v", "nesterov": "v", "rmsprop": "s", "adam": "mhat", "adamw": "vhat"}


@pytest.mark.parametrize("rule", NAMES)
def test_what_a_rule_keeps_can_be_asked_for(rule):
    own = NAMES[rule]
    work = derive.derive(line(rule, asks=f'"now" = "{own}_w"\n"then" = "{own}_w@1"'))
    now, then = (answer.values[0] for answer in work.answers)
    assert now == work.states[0].values[f"{own}_w"]
    assert then == work.states[1].values[f"{own}_w"] != now


def test_the_ids_of_plain_problems_stay():
    assert digest_of(derive.find("q1"), Rounding()) == "698b9a"


# --- keys and audits ------------------------------------------------------------------------------------------------------


def shown(value, digits=5):
    return f"{value:.{digits - 1}e}" if abs(value) < Decimal("0.001") else f"{value:.{digits}f}"


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("rule", RULES)
def test_an_honest_paper_is_right(rule, decay):
    problem = line(rule, decay)
    with mpmath.workdps(50):
        expected, states = followed(rule, decay, 2, mpmath.mpf)
        numbers = {f"{name}@{k}": expected[k][name] for name in "wb" for k in (1, 2)}
        numbers |= {f"{own}_{name}@2": value for name, kept in states.items() for own, value in kept.items()}
        lines = "\n".join(f"{name} = {shown(Decimal(mpmath.nstr(value, 30)), 7)}" for name, value in numbers.items())
    (paper,) = derive.read_answers(lines, problem)
    (audit,) = derive.audit_papers(problem, [paper])
    assert [line.verdict for line in audit.lines] == ["right"] * len(numbers)


@pytest.mark.parametrize("digits", [4, 5])
@pytest.mark.parametrize("rule", RULES)
def test_a_paper_worked_by_hand_is_not_accused(rule, digits):
    problem = q1(rule)
    work = derive.derive(problem, Rounding("hand", digits=digits))
    values = {f"dL/d{name}": work.states[0].values[Partial("L", name)] for name in problem.train.parameters}
    values |= {f"{name}+": work.states[1].values[name] for name in (*problem.train.parameters, *problem.train.states)}
    (paper,) = derive.read_answers("\n".join(f"{name} = {value:f}" for name, value in values.items()), problem)
    (audit,) = derive.audit_papers(problem, [paper])
    assert {line.verdict for line in audit.lines} <= {"right", "rounded"}


def slipped(rule, step):
    """A paper on Question 1 whose updates go `step` times the right way."""
    work = derive.derive(q1(rule))
    first, after = work.states[0].values, work.states[1].values
    names = work.problem.train.parameters
    lines = [f"dL/d{name} = {first[Partial('L', name)]:.9f}" for name in names]
    lines += [f"{name}+ = {first[name] + step * (after[name] - first[name]):.7f}" for name in names]
    (paper,) = derive.read_answers("\n".join(lines), work.problem)
    (audit,) = derive.audit_papers(work.problem, [paper])
    return {line.entry.name: (line.verdict, line.slips) for line in audit.lines}


@pytest.mark.parametrize(("slip", "step"), [("ascent", -1), ("missing-rate", 10)])
@pytest.mark.parametrize("rule", RULES)
def test_a_slip_in_the_step_is_named(rule, slip, step):
    found = slipped(rule, step)
    wrong = {name: slips for name, (verdict, slips) in found.items() if name.endswith("+") and verdict == "wrong"}
    assert len(wrong) >= 9
    assert all(slip in slips for slips in wrong.values())


@pytest.mark.parametrize("rule", RULES)
def test_formulas_of_an_update_are_judged(rule):
    problem = line(rule)
    right = typed(problem.train.rows("w")[Later(Name("w"), 1)])
    (paper,) = derive.read_answers(f"w+ = {right}\nw+ = {right} + 0.001*dL/dw", problem)
    (audit,) = derive.audit_papers(problem, [paper])
    assert [line.verdict for line in audit.lines] == ["right", "wrong"]


@pytest.mark.parametrize("rule", RULES)
def test_variants_of_every_rule_come_back(rule):
    family = Variants(q1(rule), "q1", Rounding())
    paper = family.paper(3, 1)
    assert family.again(paper.id).problem.given == paper.problem.given
    assert paper.work.checks.judged == paper.work.checks.lines


# --- problem files --------------------------------------------------------------------------------------------------------

BAD = [
    ('rule = "adam"\nmomentum = 0.9', "train.momentum: belongs to the rule momentum or nesterov; adam has beta1, beta2, epsilon"),
    ('rule = "adam"\nbeta3 = 0.9', "train.beta3: unknown key; did you mean 'beta2'?"),
    ('rule = "rmsprop"\nrhoo = 0.9', "train.rhoo: unknown key; did you mean 'rho'?"),
    ('rule = "adam"\nbeta1 = 1', "train.beta1: 1 does not fit; it should be from 0 up to, but not including, 1"),
    ('rule = "momentum"\nmomentum = -0.1', "train.momentum: -0.1 does not fit"),
    ("weight_decay = -1", "train.weight_decay: -1 does not fit; it should be at least 0"),
    ('rule = "rmsprop"\nepsilon = true', "train.epsilon: true is not a number"),
    ('rule = "momentum"\nmomentum = nan', "train.momentum: nan is not a number to compute with"),
]


@pytest.mark.parametrize(("train", "message"), BAD)
def test_bad_hyperparameters(train, message):
    with pytest.raises(InputError, match=re.escape(f"problem: {message}")):
        derive.load_text(f'[forward]\nL = "w*x"\n[train]\nlearning_rate = 0.5\n{train}\n')


@pytest.mark.parametrize(
    ("name", "what"), [("v_w", "its own quantity"), ("beta1", "its hyperparameter"), ("k", "the number of the update")]
)
def test_a_name_that_the_rule_needs_is_taken(name, what):
    text = f'[forward]\n{name} = "w*x"\nL = "1/2*{name}^2"\n[train]\nlearning_rate = 0.5\nrule = '
    with pytest.raises(InputError, match=f"train.rule: adam needs the name '{name}' for {what}"):
        derive.load_text(f'{text}"adam"\n')
    assert derive.load_text(f'{text}"sgd"\n')


def test_a_decay_of_nothing_is_no_decay():
    assert line("sgd", "0") == line("sgd")


def test_what_belongs_to_the_update_has_no_derivative():
    problem = line("momentum")
    with pytest.raises(FormulaError, match="'v_w' belongs to the update"):
        check_quantity(problem.read("dv_w/dw"), problem)
