"""Answers over arrays: what books print is right, in whatever form; slips are named; a line spoilt by 1 % is blamed."""

from dataclasses import replace

import pytest

import derive
from derive.backward import Line
from derive.formats.plain import typed
from derive.tensors.judges import judge_entries
from derive.tensors.problems import sizes_in
from derive.tensors.reader import read_array_formula
from derive.written import ZERO, Number, Product

# Closed forms as they are published; ∂/∂ of an intermediate quantity is written with its name, as the sources do.
PUBLISHED = {
    ("mlp", "Nielsen, Neural Networks and Deep Learning, ch. 2: BP1 to BP4"): """
        dL/dz3 = (a3 - t)*a3*(1 - a3)
        dL/dz2 = (W3.T @ dL/dz3)*a2*(1 - a2)
        dL/dz1 = (W2.T @ dL/dz2)*a1*(1 - a1)
        dL/db2 = dL/dz2
        dL/dW2[j,k] = a1[k]*dL/dz2[j]
        dL/dW3 = dL/dz3 @ a2.T
    """,
    ("softmax", "Bishop, PRML, eq. 4.106"): """
        dp/dz = diag(p) - p @ p.T
        dp/dz[k,j] = p[k]*(delta(k, j) - p[j])
    """,
    ("crossentropy", "Bishop, PRML, eq. 4.109"): "dL/dz = p - y",
    ("labelsmoothing", "Szegedy et al. 2016, section 7"): """
        dL/dz = p - q
        dL/dz[k] = p[k] - (1 - epsilon)*y[k] - epsilon/K
    """,
    ("logits", "Bishop, PRML, eq. 4.91"): "dL/dz = p - y",
    ("logistic", "Bishop, PRML, eq. 4.91"): "dL/dw = X.T @ (p - y)",
    ("ridge", "the normal equations with λ, halved"): "dL/dw = X.T @ (X @ w - y)/N + lambda*w",
    ("dense", "CS231n, Stanford, Vector, matrix and tensor derivatives, for examples in columns"): """
        dL/dW = dL/dZ @ X.T
        dL/db = dL/dZ @ ones(N)
        dL/dX = W.T @ dL/dZ
    """,
    ("batchnorm", "Ioffe and Szegedy 2015, section 3, stage by stage"): """
        dL/dH = dL/dY*gamma
        dL/dv = sum(dL/dH*(X - mu), 0)*(-1/2)*(v + epsilon)^(-3/2)
        dL/dmu = sum(dL/dH*(-1/sqrt(v + epsilon)), 0) + dL/dv*sum(-2*(X - mu), 0)/N
        dL/dX = dL/dH/sqrt(v + epsilon) + dL/dv*2*(X - mu)/N + dL/dmu/N
        dL/dgamma = sum(dL/dY*H, 0)
        dL/dbeta = sum(dL/dY, 0)
    """,
    ("batchnorm", "Zakka, Deriving the Gradient for the Backward Pass of Batch Normalization, 2016"): """
        dL/dX = (1/N)*(1/sqrt(v + epsilon))*(N*dL/dH - sum(dL/dH, 0) - H*sum(dL/dH*H, 0))
    """,
    ("batchnorm", "Thorey, What does gradient flowing through batch normalization look like?, 2016"): """
        dL/dX = (1/N)*gamma*(v + epsilon)^(-1/2)*(N*dL/dY - sum(dL/dY, 0) - (X - mu)*(v + epsilon)^(-1)*sum(dL/dY*(X - mu), 0))
    """,
    ("layernorm", "Ba, Kiros and Hinton 2016, with the means over the units of one example"): """
        dL/dX = (dL/dH - mean(dL/dH, 0) - H*mean(dL/dH*H, 0))/s
        dL/dgamma = (dL/dY*H) @ ones(N)
    """,
    ("rmsnorm", "Zhang and Sennrich 2019, section 4"): "dL/dX = (dL/dH - H*mean(dL/dH*H, 0))/r",
    ("rnn", "Werbos 1990; Goodfellow, Bengio and Courville, Deep Learning, eq. 10.21 to 10.28"): """
        dL/dz[t,i] = (sum(j, W[j,i]*dL/dz[t+1,j]) + partial(L, h[t,i]))*(1 - h[t,i]^2)
        dL/dz[t] = (W.T @ dL/dz[t+1] + partial(L, h[t]))*(1 - h[t]^2)
        dL/dW[i,j] = sum(t, dL/dz[t,i]*h[t-1,j])
        dL/dW = sum(t < T, dL/dz[t] @ h[t-1].T)
        dL/dU = dL/dz.T @ x
        dL/db = sum(dL/dz, 0)
    """,
    ("rnn3", "the same, three steps unrolled"): """
        dL/dz3 = dL/dh3*(1 - h3^2)
        dL/dz2 = (W.T @ dL/dz3 + partial(L, h2))*(1 - h2^2)
        dL/dz1 = (W.T @ dL/dz2 + partial(L, h1))*(1 - h1^2)
        dL/dW = dL/dz1 @ h0.T + dL/dz2 @ h1.T + dL/dz3 @ h2.T
    """,
    ("attention", "Dao et al., FlashAttention, 2022, appendix B.2"): """
        dL/dV = P.T @ dL/dO
        dL/dP = dL/dO @ V.T
        dL/dS[i,j] = P[i,j]*(dL/dP[i,j] - sum(l, dL/dP[i,l]*P[i,l]))
        dL/dS = P*dL/dP - diag(sum(P*dL/dP, 1)) @ P
        dL/dQ = dL/dS @ K/sqrt(d)
        dL/dK = dL/dS.T @ Q/sqrt(d)
    """,
    ("lstm", "Greff et al., LSTM: A Search Space Odyssey, 2017, appendix A"): """
        dL/dzo = dL/dh*tanh(c)*o*(1 - o)
        dL/dc = dL/dh*o*(1 - tanh(c)^2) + partial(L, c)
        dL/dzf = dL/dc*c0*f*(1 - f)
        dL/dzi = dL/dc*g*i*(1 - i)
        dL/dzg = dL/dc*i*(1 - g^2)
        dL/dWf = dL/dzf @ x.T
        dL/dx = Wf.T @ dL/dzf + Wi.T @ dL/dzi + Wg.T @ dL/dzg + Wo.T @ dL/dzo
        dL/dc0 = dL/dc*f
    """,
    ("conv1d", "Dumoulin and Visin, A guide to convolution arithmetic, 2016, chapter 4, entry by entry"): """
        dL/dw[j] = sum(i < (n + 2*p - m)/s + 1, dL/dz[i]*x[s*i + j - p])
        dL/db = sum(dL/dz)
    """,
    ("embedding", "a row for each word it stands for"): "dL/dE[v,j] = sum(k < N, delta(ids[k], v)*dL/dY[k,j])",
    ("residual", "He et al. 2016, Identity Mappings in Deep Residual Networks, eq. 5"): "dL/dx = dL/dy + W1.T @ dL/dz",
}


def lines_of(text):
    return [line.strip() for line in text.strip().splitlines()]


def audit(name, text):
    problem = derive.find(name) if isinstance(name, str) else name
    (found,) = derive.audit_papers(problem, derive.read_answers(text, problem))
    return found


@pytest.mark.parametrize(("name", "source"), PUBLISHED, ids=str)
def test_what_is_published_is_right(name, source):
    lines = lines_of(PUBLISHED[name, source])
    found = audit(name, "\n".join(lines))
    assert [(line.entry.name, line.verdict, line.entry.fault) for line in found.lines] == [
        (line.split(" = ")[0], "right", "") for line in lines
    ]


@pytest.mark.parametrize(("name", "source"), PUBLISHED, ids=str)
def test_with_one_per_cent_more_it_is_wrong(name, source):
    spoilt = [line.replace(" = ", " = 1.01*(", 1) + ")" for line in lines_of(PUBLISHED[name, source])]
    found = audit(name, "\n".join(spoilt))
    assert {line.verdict for line in found.lines} == {"wrong"}
    assert not found.slips or {slip.id for slip in found.slips} == {"missing-factor"}


REGRESSION = """
[shapes]
X = ["N", "d"]
w = ["d"]
y = ["N"]
[forward]
r = "X @ w - y"
L = "1/2*sum(r^2)"
[train]
parameters = ["w"]
learning_rate = 0.1
"""
SLIPS = [
    ("dense", "dL/dX = W @ dL/dZ", {"transposed"}),
    ("dense", "dL/dW = X @ dL/dZ.T", {"transposed"}),
    ("dense", "dL/dW = -dL/dZ @ X.T", {"loss-sign"}),
    ("dense", "dL/dW = dL/dZ @ X.T/N", {"missing-factor"}),
    ("dense", "dL/db = mean(dL/dZ, 1)", {"missing-factor"}),
    ("mlp", "dL/dz2 = (W3 @ dL/dz3)*a2*(1 - a2)", {"transposed"}),
    ("mlp", "dL/da3 = t - a3", {"loss-sign"}),
    ("mlp", "dL/dz3 = 2*(a3 - t)*a3*(1 - a3)", {"missing-factor"}),
    ("mlp", "dL/dz2 = W3.T @ dL/dz3", set()),  # the slope is left out: wrong, but no factor explains it
    ("crossentropy", "dL/dz = y - p", {"loss-sign"}),
    ("softmax", "dp/dz = p @ p.T - diag(p)", {"loss-sign"}),
    ("softmax", "dp/dz = diag(p) + p @ p.T", set()),
    ("rnn3", "dL/dh2 = W @ dL/dz3 + partial(L, h2)", {"transposed"}),  # W is square, so its shape says nothing
    ("rnn3", "dL/dz2 = (W.T @ dL/dz3)*(1 - h2^2)", set()),  # one of two paths
    ("rnn", "dL/dz[t] = (W @ dL/dz[t+1] + partial(L, h[t]))*(1 - h[t]^2)", {"transposed"}),
    ("rnn", "dL/dW = sum(t < T, h[t-1] @ dL/dz[t].T)", {"transposed"}),
    ("rnn", "dL/dW = sum(t < T, dL/dz[t] @ h[t].T)", set()),  # the state of the same step
    ("attention", "dL/dQ = dL/dS.T @ K/sqrt(d)", {"transposed"}),
    ("attention", "dL/dQ = dL/dS @ K", set()),  # sqrt(d) is no constant number
    ("batchnorm", "dL/dbeta = mean(dL/dY, 0)", {"missing-factor"}),
    ("batchnorm", "dL/dX = dL/dY*gamma/s", set()),  # mean and variance taken for constants
    ("layernorm", "dL/dX = (dL/dH - mean(dL/dH, 0) + H*mean(dL/dH*H, 0))/s", set()),
    ("regression", "w+ = w + 0.1*X.T @ r", {"ascent"}),
    ("regression", "w+ = w + learning_rate*dL/dw", {"ascent"}),
    ("regression", "dL/dw = X.T @ (y - X @ w)", {"loss-sign"}),
]


@pytest.mark.parametrize(("name", "line", "slips"), SLIPS, ids=str)
def test_a_slip_is_wrong_and_named(name, line, slips):
    found = audit(derive.load_text(REGRESSION) if name == "regression" else name, line)
    assert [judged.verdict for judged in found.lines] == ["wrong"]
    assert {slip.id for slip in found.slips} == slips


@pytest.mark.parametrize("activation", ["relu(z)", "max(0, z)", "abs(z)", "leaky_relu(z)"])
def test_a_slope_of_one_side_of_a_kink_is_wrong(activation):
    """One number stands at the kink, and by chance on the same side at the first points."""
    problem = derive.load_text(f'''
        [shapes]
        w = ["d"]
        x = ["d"]
        [forward]
        z = "w @ x"
        a = "{activation}"
        [train]
        parameters = ["w"]
    ''')
    found = audit(problem, "da/dw = x\nda/dw = 0*x\nda/dw = -x\nda/dw = da/dz*x")
    assert [judged.verdict for judged in found.lines] == ["wrong", "wrong", "wrong", "right"]


@pytest.mark.parametrize("shift", ["- 3", "+ 5"])
def test_a_kink_that_stands_far_out_is_crossed(shift):
    problem = derive.load_text(f"""
        [shapes]
        w = ["d"]
        x = ["d"]
        [forward]
        a = "relu(w @ x {shift})"
        [train]
        parameters = ["w"]
    """)
    found = audit(problem, f"da/dw = x\nda/dw = 0*x\nda/dw = step(w @ x {shift})*x")
    assert [judged.verdict for judged in found.lines] == ["wrong", "wrong", "right"]


def test_the_signs_of_the_page_are_read():
    found = audit("dense", "∂L/∂W = ∂L/∂Z @ Xᵀ\n∂L/∂W[i,j] = sum(n < N, ∂L/∂Z[i,n]*X[j,n])\n∂L/∂Z = ∂L/∂Z ⊙ ∂L/∂Z/∂L/∂Z")
    assert [judged.verdict for judged in found.lines] == ["right", "right", "right"]


def test_weights_in_one_column_have_one_side():
    """Least squares with a column of weights: Xᵀ(P − Y) is a column, and its transpose is not the gradient."""
    problem = derive.load_text("""
        [shapes]
        X = ["N", "d"]
        W = ["d", 1]
        Y = ["N", 1]
        [forward]
        P = "X @ W"
        L = "mse(P, Y)"
    """)
    assert typed(derive.derive(problem).partials[-1].answer) == "2/N*X.T @ (P - Y)"
    found = audit(problem, "dL/dW = 2/N*X.T @ (P - Y)\ndL/dW = 2/N*(P - Y).T @ X")
    assert [judged.verdict for judged in found.lines] == ["right", "wrong"]
    assert {slip.id for slip in found.slips} == {"transposed"}


UNJUDGED = [
    (
        "dense",
        r"\frac{\partial L}{\partial W} = \frac{\partial L}{\partial Z} X^{\top}",
        "unknown",
        "LaTeX is not read for problems over arrays; write dL/dW = dL/dZ @ X.T",
    ),
    ("dense", "dL/dW = dL/dZ @ Q.T", "unreadable", "unknown name 'Q'"),
    ("dense", "dL/dW = sum(sum(dL/dZ))", "unreadable", "sum: there is no axis in a single number"),
    ("dense", "dZ/dL = X", "unknown", "'Z' does not depend on 'L'"),
    ("dense", "dL/dW[i] = X[i,0]", "wrong", ""),
    ("dense", "dL/dW[i,j,k] = X[j,0]", "unknown", "dL/dW has the shape (m, d), which is not 3 letters"),
    ("dense", "dL/dW[i,j] = sum(k < N, X[k,j])", "unreadable", "'k' runs over N and, in the shape (d, N), over d"),
    ("dense", "dL/dW = W/0", "undecided", ""),
    ("dense", "dL/dW = W.T@2", "wrong", ""),
    ("ridge", "dL/dw = w@2", "undecided", ""),
    ("ridge", "dL/dw = w*X[1.5,0]", "undecided", ""),
    ("ridge", "dL/dw = w*sum(ones(1000000000))", "undecided", ""),
    ("ridge", "dL/dw = w*sum(ones(y))", "unreadable", "a size is made of names of sizes and whole numbers, added, multiplied and divided"),
    ("ridge", f"dL/dw = {'w*sum(' * 30}w{')' * 30}", "undecided", ""),
    ("rnn", "dL/dW = sum(t < T, dL/dz[t] @ h[t])", "wrong", ""),  # an inner product where an outer one belongs
]


@pytest.mark.parametrize(("name", "line", "verdict", "fault"), UNJUDGED, ids=str)
def test_what_cannot_be_read_or_judged_says_so(name, line, verdict, fault):
    (judged,) = audit(name, line).lines
    assert (judged.verdict, judged.entry.fault) == (verdict, fault)


# --- the judges themselves ----------------------------------------------------------------------------------------------------

WORKED = {
    name: derive.derive(derive.find(name))
    for name in ("dense", "batchnorm", "softmax", "conv1d", "maxpool", "rnn", "rnn3", "attention", "ridge")
}


@pytest.mark.parametrize("name", WORKED)
def test_every_spoilt_line_is_blamed(name):
    """One per cent more on every line of every step, the zeros left out."""
    work = WORKED[name]
    spoilt = [
        replace(
            step, lines=tuple(replace(line, tree=Product((Number("1.01"), line.tree))) for line in step.lines if line.tree != ZERO)
        )
        for step in work.steps
    ]
    findings, _ = judge_entries(work.problem, spoilt)
    blamed = {id(finding.line) for finding in findings}
    assert [typed(line.tree) for step in spoilt for line in step.lines if id(line) not in blamed] == []


BLAMED = [
    ("rnn3", "dL/dh2", (), "W @ dL/dz3 + partial(L, h2)", "W in place of its transpose, where the shape allows it"),
    ("rnn3", "dL/dh2", (), "W.T @ dL/dz3", "a path dropped"),
    ("rnn", "dL/dz", "ti", "(sum(j, dL/dz[t,j]*W[j,i]) + partial(L, h[t,i]))*(1 - h[t,i]^2)", "t in place of t + 1"),
    ("rnn", "dL/dW", "ij", "sum(t, dL/dz[t,i]*h[t,j])", "t in place of t - 1"),
    ("softmax", "dp/dz", "ki", "p[k]*(1 - p[i])", "the δ dropped"),
    ("dense", "dL/dX", "jn", "sum(i, p, l, dL/dZ[i,p]*W[i,l]*delta(l, j)*delta(p, j))", "a δ with the wrong letters"),
    ("conv1d", "dL/dw", "j", "sum(i < (n + 2*p - m)/s + 1, dL/dz[i]*x[s*i + j - p + 1])", "an index moved by one"),
    ("conv1d", "dL/dw", "j", "sum(i < (n + 2*p - m)/s + 1, dL/dz[i]*x[i + j - p])", "the stride left out"),
    ("batchnorm", "dL/dX", (), "(N*dL/dY - ones(N).T @ dL/dY)*(gamma/(N*s))", "the last of three terms dropped"),
    ("attention", "dL/dS", (), "P*dL/dP", "the row's sum dropped"),
]


@pytest.mark.parametrize(
    ("name", "goal", "letters", "text", "what"), BLAMED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_wrong_line_is_blamed_and_no_other(name, goal, letters, text, what):
    work = WORKED[name]
    step = work.step(goal)
    at = next((line.at for line in step.lines if line.at), ()) if letters else ()
    assert [index.name for index in at] == list(letters)
    problem = work.problem
    shapes, known = problem.arrays.shapes, {index.name: index.size for index in at}
    wrong = read_array_formula(text, problem.network.quantities, shapes, sizes_in(shapes), known, quantities=True)
    spoilt = replace(step, lines=(*step.lines[:-1], Line(wrong, "index-form", at=at), step.lines[-1]))
    steps = [spoilt if step.goal == other.goal else other for other in work.steps]
    findings, _ = judge_entries(problem, steps)
    assert [finding.line.tree for finding in findings] == [wrong], what
