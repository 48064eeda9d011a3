"""Problem files: what is wrong with one is said in a line that names the place; a good one means what it says."""

import gc
import time
from decimal import Decimal

import mpmath
import pytest

import derive
from derive.cli import main
from derive.errors import InputError
from derive.formats.plain import typed
from derive.spec import MAX_BYTES, load, load_text

ONE = '[forward]\nL = "w*x"\n'
LOSS = '[forward]\nloss = "w*x"\n'
BATCH = "[train]\nbatch = true\n[[examples]]\nx = 1"
LAYERS = "[layers]\nsizes = [2, 1]\n"
RATE = ONE + "[train]\nlearning_rate = 0.5\n"


def forward(formula):
    return f'[forward]\nL = "{formula}"\n'


BAD = [  # id, the file, what its message begins with
    # formulas
    ("unknown-function", '[forward]\nh1 = "sigmiod(2)"', "forward.h1: unknown function 'sigmiod'; did you mean 'sigmoid'?"),
    ("bare-function", forward("2*sigmoid"), "forward.L: 'sigmoid' is a function: write sigmoid(…)"),
    ("two-pis", '[forward]\na = "erf(pi)"\nL = "a^2"\n', "forward: 'pi' is a quantity here, and erf is written with the number π"),
    ("empty-formula", forward(""), "forward.L: the formula is empty"),
    ("open-formula", forward("w*"), "forward.L: the formula ends too early (at character 3)"),
    ("two-readings", forward("1/2w"), "forward.L: '1/2w' can be read in two ways: write (1/2)*w or 1/(2*w)"),
    ("decimal-comma", forward("w + (1,5)"), "forward.L: ',' is not a decimal sign; write 1.5 (at character 6)"),
    ("cyrillic", forward("а*x"), "forward.L: 'а' (U+0430 CYRILLIC SMALL LETTER A) does not belong in a formula (at character 1)"),
    ("parentheses", forward("(" * 5000 + "w" + ")" * 5000), "forward.L: the formula has more than 8,000 symbols"),
    ("deep-parentheses", forward("(" * 70 + "w" + ")" * 70), "forward.L: brackets are nested more than 60 deep"),
    ("tower", forward("9^9^9^9"), "forward.L: a power of a number in an exponent is too large"),
    ("tower-of-stars", forward("9**9**9**9"), "forward.L: a power of a number in an exponent is too large"),
    ("comparison", forward("w > x"), "forward.L: a comparison is no formula for a value"),
    ("matrices", forward("A @ x"), "forward.L: matrices need [shapes]"),
    ("formula-true", "[forward]\nL = true", "forward.L: should be a formula in quotes"),
    ("formula-list", '[forward]\nL = ["w"]', "forward.L: should be a formula in quotes"),
    ("softmax-alone", forward("1 + softmax(w, x)"), "forward.L: softmax gives several outputs"),
    ("softmax-outputs", '[forward]\n"a, b" = "softmax(w, x, z)"', "forward.a, b: softmax of 3 arguments gives 3 outputs, not 2"),
    ("no-outputs", '[forward]\n"a, b" = "w"', "forward.a, b: softmax gives several outputs"),
    # the order of equations
    ("circle", '[forward]\na = "b"\nb = "a"', "forward.a: 'b' is used before it is given (they depend on each other in a circle)"),
    ("self", '[forward]\na = "a + 1"', "forward.a: 'a' is used before it is given (it depends on itself)"),
    ("too-early", '[forward]\na = "b"\nb = "c"', "forward.a: 'b' is used before it is given; put its equation above"),
    ("twice", '[forward]\na = "x"\n"b, a" = "softmax(x, y)"', "forward.a: is given twice"),
    ("twice-in-one", '[forward]\n"a, a" = "softmax(x, y)"', "forward.a: is given twice"),
    ("duplicate-key", '[forward]\na = "1"\na = "2"', "is not valid TOML: Cannot overwrite a value"),
    ("given-and-forward", '[given]\na = 1\n[forward]\na = "x"', "given.a: is also computed in [forward]; a name is given once"),
    # numbers
    ("true", "[given]\nw = true\n" + ONE, "given.w: true is not a number"),
    ("nan", "[given]\nw = nan\n" + ONE, "given.w: nan is not a number to compute with"),
    ("inf", "[given]\nw = -inf\n" + ONE, "given.w: -inf is not a number to compute with"),
    ("huge", "[given]\nw = 1e999\n" + ONE, "given.w: the number is too long or too large"),
    ("tiny", "[given]\nw = 1e-999999999\n" + ONE, "given.w: the number is too long or too large"),
    ("long", f"[given]\nw = {'1' * 60}\n" + ONE, "given.w: the number is too long or too large"),
    ("very-long", f"[given]\nw = {'1' * 5000}\n" + ONE, "holds a number that is too long"),
    ("text", '[given]\nw = "half"\n' + ONE, "given.w: 'half' is not a number"),
    ("comma", '[given]\nw = "1,5"\n' + ONE, "given.w: '1,5' is not a number; write a decimal point: 1.5"),
    ("list", "[given]\nw = [1]\n" + ONE, "given.w: should be a number"),
    ("date", "[given]\nw = 1979-05-27\n" + ONE, "given.w: should be a number"),
    # sections and keys
    ("nothing", "", "[forward] is missing or empty"),
    ("no-forward", "[given]\nw = 1\n", "[forward] is missing or empty"),
    ("misspelt-forward", '[forwards]\nL = "w"', "unknown section 'forwards'; did you mean 'forward'?"),
    ("misspelt-train", '[trian]\nloss = "L"\n' + ONE, "unknown section 'trian'; did you mean 'train'?"),
    ("unknown-section", "[zzz]\na = 1\n" + ONE, "unknown section 'zzz'"),
    ("section-as-value", "forward = 3", "forward: should be a section, written [forward]"),
    ("title", "title = 3\n" + ONE, "title: should be text in quotes"),
    ("notation", 'notation = "bishp"\n' + ONE, "notation: unknown notation 'bishp'; did you mean 'bishop'?"),
    ("not-toml", "[forward]\nL = sigmoid(x)", "is not valid TOML: Invalid value (at line 2, column 5)"),
    # names
    ("injected-name", '[forward]\n"__import__(\\"os\\")" = "x"', "forward.__import__(\"os\"): '(' does not belong in a name"),
    ("injected-given", '[given]\n"__import__(\\"os\\")" = 1\n' + ONE, "given.__import__(\"os\"): '(' does not belong in a name"),
    ("cyrillic-name", '[forward]\n"а" = "x"', "forward.а: 'U+0430' does not belong in a name"),
    ("full-width-name", '[given]\n"ｘ" = 1\n' + ONE, "given.ｘ: 'U+FF58' does not belong in a name"),
    ("bold-name", '[given]\n"𝐱" = 1\n' + ONE, "given.𝐱: 'U+1D431' does not belong in a name"),
    ("accented-name", '[given]\n"a\u0301" = 1\n' + ONE, "given.a\u0301: 'U+0301' does not belong in a name"),
    ("override-name", '[given]\n"x\\u202Ey" = 1\n' + ONE, "given.x?y: 'U+202E' does not belong in a name"),
    ("escape-name", '[given]\n"x\\u001B[2J" = 1\n' + ONE, "given.x?[2J: 'U+001B' does not belong in a name"),
    ("newline-name", '[given]\n"x\\n" = 1\n' + ONE, "given.x?: 'U+000A' does not belong in a name"),
    ("digit-first", '[forward]\n1a = "x"', "forward.1a: a name starts with a letter"),
    ("underscore-first", '[forward]\n_a = "x"', "forward._a: a name starts with a letter"),
    ("dash-name", '[forward]\na-b = "x"', "forward.a-b: '-' does not belong in a name"),
    ("function-name", '[forward]\nsigmoid = "x"', "forward.sigmoid: 'sigmoid' is the name of a function"),
    ("rate-name", '[forward]\nlearning_rate = "x"', "forward.learning_rate: 'learning_rate' belongs in [train]"),
    ("long-name", f"[given]\n{'a' * 41} = 1\n" + ONE, f"given.{'a' * 41}: a name has at most 40 characters"),
    ("latex-input", ONE + '[names]\nw = "\\\\input{x}"', "names.w: '\\input' is not allowed in a written name"),
    ("latex-write", ONE + '[names]\nw = "\\\\write18{id}"', "names.w: '\\write' is not allowed in a written name"),
    ("latex-def", ONE + '[names]\nw = "\\\\def\\\\a{\\\\a\\\\a}\\\\a"', "names.w: '\\def' is not allowed in a written name"),
    ("latex-csname", ONE + '[names]\nw = "\\\\csname x"', "names.w: '\\csname' is not allowed in a written name"),
    ("latex-href", ONE + '[names]\nw = "\\\\href{javascript:1}{x}"', "names.w: '\\href' is not allowed in a written name"),
    ("latex-percent", ONE + '[names]\nw = "a%b"', "names.w: '%' is not allowed in a written name"),
    ("latex-dollar", ONE + '[names]\nw = "$x$"', "names.w: '$' is not allowed in a written name"),
    ("latex-brace", ONE + '[names]\nw = "w_{1"', "names.w: a '{' is not closed"),
    ("latex-deep", ONE + f'[names]\nw = "{"{" * 20}"', "names.w: braces are nested more than 8 deep"),
    ("latex-empty", ONE + '[names]\nw = ""', "names.w: a written name cannot be empty"),
    ("name-number", ONE + "[names]\nw = 3", "names.w: should be text in quotes"),
    ("name-of-nothing", ONE + '[names]\nv9 = "v"', "names.v9: is not a quantity of this problem"),
    # training
    ("parameters-unknown", ONE + '[train]\nparameters = ["q"]', "train.parameters: 'q' is not used in [forward]"),
    ("parameters-computed", ONE + '[train]\nparameters = ["L"]', "train.parameters: 'L' is computed in [forward], so it cannot"),
    ("parameters-text", ONE + '[train]\nparameters = "w"', "train.parameters: should list names"),
    ("parameters-numbers", ONE + "[train]\nparameters = [1]", "train.parameters: should list names"),
    ("parameters-twice", ONE + '[train]\nparameters = ["w", "w"]', "train.parameters: a name stands twice"),
    ("loss-unknown", LOSS + '[train]\nloss = "los"', "train.loss: 'los' is not given in [forward]; did you mean 'loss'?"),
    ("loss-number", ONE + "[train]\nloss = 3", "train.loss: '3' is not given in [forward]"),
    ("rule", ONE + '[train]\nrule = "sdg"', "train.rule: unknown rule 'sdg'; did you mean 'sgd'?"),
    ("rate-true", ONE + "[train]\nlearning_rate = true", "train.learning_rate: true is not a number"),
    ("rate-text", ONE + '[train]\nlearning_rate = "fast"', "train.learning_rate: 'fast' is not a number"),
    ("rate-nan", ONE + "[train]\nlearning_rate = nan", "train.learning_rate: nan is not a number"),
    ("train-key", ONE + "[train]\nlearning_rat = 1", "train.learning_rat: unknown key; did you mean 'learning_rate'?"),
    ("batch-alone", ONE + "[train]\nbatch = true", "train.batch: there are no [[examples]] to make a batch of"),
    ("batch-median", ONE + '[train]\nbatch = "median"\n[[examples]]\nx = 1', "train.batch: should be true"),
    ("batch-elsewhere", '[forward]\na = "x"\nL = "w"\n' + BATCH, "train.batch: the loss does not depend"),
    ("batch-clash", '[forward]\nx_1 = "w"\nL = "x*x_1"\n' + BATCH, "train.batch: 'x_1' is needed"),
    # examples
    ("example-short", ONE + "[[examples]]\nx = 1\nw = 1\n[[examples]]\nx = 2", "examples[2]: no value for 'w'"),
    ("example-unused", ONE + "[[examples]]\nx = 1\nz = 1", "examples[1].z: no equation uses it"),
    ("example-text", ONE + '[[examples]]\nx = "one"', "examples[1].x: 'one' is not a number"),
    ("example-section", ONE + "[examples]\nx = 1", "examples: should be written [[examples]], once for each example"),
    # asking
    ("ask-unknown", ONE + '[ask]\nq1 = "q"', "ask.q1: unknown name 'q'"),
    ("ask-derivative", LOSS + '[ask]\nq1 = "dlos/dw"', "ask.q1: unknown quantity 'los' in dlos/dw; did you mean 'loss'?"),
    ("ask-against", ONE + '[ask]\nq1 = "dw/dL"', "ask.q1: 'w' does not depend on 'L'"),
    ("ask-later", ONE + '[ask]\nq1 = "L@1"', "ask.q1: values after an update need learning_rate in [train]"),
    ("ask-later-symbols", RATE + '[ask]\nq1 = "L@1"', "ask.q1: values after an update need numbers for every name; missing: w, x"),
    ("ask-number", ONE + "[ask]\nq1 = 1", "ask.q1: should be a quantity in quotes"),
    ("ask-nothing", ONE + '[ask]\nq1 = ""', "ask.q1: the formula is empty"),
    ("ask-comparison", ONE + '[ask]\nq1 = "w >= x"', "ask.q1: a comparison has no value"),
    # the layered shorthand
    ("layers-and-forward", "[layers]\nsizes = [2, 1]\n" + ONE, "[layers] expands into [forward]; give one of the two"),
    ("layers-key", "[layers]\nsize = [2, 1]", "layers.size: unknown key; did you mean 'sizes'?"),
    ("layers-one", "[layers]\nsizes = [2]", "layers.sizes: should list two or more whole numbers"),
    ("layers-true", "[layers]\nsizes = [2, true]", "layers.sizes: should list two or more whole numbers"),
    ("layers-float", "[layers]\nsizes = [2, 2.0]", "layers.sizes: should list two or more whole numbers"),
    ("layers-none", "[layers]\nsizes = [2, 0]", "layers.sizes: should list two or more whole numbers"),
    ("layers-large", "[layers]\nsizes = [1000000000, 1]", "layers.sizes: should list two or more whole numbers"),
    ("layers-many", "[layers]\nsizes = [1000, 1000]", "layers.sizes: more than 100,000 weights"),
    ("layers-activation", LAYERS + 'activations = "rlu"', "layers.activations: unknown activation 'rlu'; did you mean 'relu'?"),
    ("layers-activations", LAYERS + 'activations = ["relu", "relu"]', "layers.activations: should be one name, or a list of 1"),
    ("layers-loss", '[layers]\nsizes = [2, 1]\nloss = "mes"', "layers.loss: unknown loss 'mes'; did you mean 'mse'?"),
    ("layers-biases", '[layers]\nsizes = [2, 1]\nbiases = "one"', 'layers.biases: should be "each"'),
    # vectors
    ("vector-of-nothing", ONE + '[vectors]\nv = ["q"]', "vectors.v: 'q' is not a quantity of [forward]"),
    ("vector-taken", ONE + '[vectors]\nw = ["x"]', "vectors.w: is already the name of a quantity"),
    ("vector-ragged", ONE + '[vectors]\nv = [["w"], ["x", "L"]]', "vectors.v: the rows differ in length"),
    ("vector-twice", ONE + '[vectors]\nv = ["w", "w"]', "vectors.v: a name stands twice"),
    # the file itself
    ("latin-1", b'[forward]\nL = "\xff"', "is not UTF-8 text (byte 16)"),
    ("utf-16", ONE.encode("utf-16"), "is not UTF-8 text (byte 1)"),
    ("binary", bytes(range(256)), "is not UTF-8 text (byte 129)"),
    ("too-large", ONE + "#" * MAX_BYTES, "the file is over the limit of 256 KiB"),
    ("dotted-key", "a." * 19_999 + "a = 1", "line 1: a key of more than 32 parts"),
    ("dotted-section", "[" + "a." * 19_999 + "a]", "line 1: a key of more than 32 parts"),
    ("brackets", f"a = {'[' * 5000}{']' * 5000}", "line 1: more than 64 brackets on a line"),
    ("braces", "a = " + "{b = " * 3000, "line 1: more than 64 brackets on a line"),
    ("brackets-by-line", "a = " + "[\n" * 20_000 + "]\n" * 20_000, "is nested too deeply"),
]  # fmt: skip

FAULTS = [  # the same for what is still wrong in derive: strict, so that a repair turns the mark into a failure
    ("rule-list", ONE + '[train]\nrule = ["sgd"]', "train.rule:", "TypeError: unhashable type"),
    ("loss-list", ONE + '[train]\nloss = ["L"]', "train.loss:", "TypeError: unhashable type"),
    ("chain", forward("/".join("a" * 3000)), "forward.L:", "RecursionError: a chain makes a deep tree"),
    ("listing", forward("2*[w, x]"), "forward.L:", "loads, then TypeError: a Listing is not part of a scalar equation"),
    ("nested-listing", forward("mse([[w]], [[x]])"), "forward.L:", "loads, then the same TypeError"),
    ("partial", forward("partial(w, x)"), "forward.L:", "loads, then KeyError: 'w'"),
    ("ask-listing", ONE + '[ask]\nq1 = "[w, x]"', "ask.q1:", "loads, then TypeError: a Listing has no single value"),
    ("ask-transpose", ONE + '[ask]\nq1 = "w.T"', "ask.q1:", "loads, then TypeError: a Transpose has no single value"),
    ("example-computed", ONE + "[[examples]]\nL = 1", "examples[1].L:", "the message says given.L"),
]
TABLE = [
    *(pytest.param(data, message, id=name) for name, data, message in BAD),
    *(pytest.param(*row[1:3], id=row[0]) for row in FAULTS),
]


@pytest.fixture(autouse=True)
def collecting():
    """The command switches the collector off for its own short life; a test process lives on."""
    yield
    gc.enable()


@pytest.mark.parametrize(("data", "message"), TABLE)
def test_a_bad_file_is_refused_in_one_line(data, message, tmp_path, capsys):
    with pytest.raises(InputError) as caught:
        load_text(data, "q.toml")
    said = str(caught.value)
    assert said.startswith(f"q.toml: {message}")
    assert said.isprintable()
    assert len(said) < 400

    path, output = tmp_path / "q.toml", tmp_path / "out.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    started = time.perf_counter()
    status = main(["show", str(path), "-o", str(output)])
    assert time.perf_counter() - started < 0.8
    assert (status, *capsys.readouterr()) == (3, "", f"derive: {said}\n")
    assert sorted(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_refused_in_one_line(tmp_path, capsys):
    missing = tmp_path / "missing.toml"
    for path, message in ((tmp_path, "not a regular file"), (missing, "no such file")):
        with pytest.raises(InputError, match=message):
            load(path)
        assert main(["show", str(path)]) == 3
        assert tuple(capsys.readouterr()) == ("", f"derive: {path}: {message}\n")


def test_an_empty_forward_section_is_not_said_to_be_misspelt():
    with pytest.raises(InputError) as caught:
        load_text("[forward]\n", "q.toml")
    assert str(caught.value) == "q.toml: [forward] is missing or empty: it holds the named equations"


def equations(problem):
    return {e.goal: typed(e.rhs) for e in problem.network.equations}


WRITTEN = '[given]\nw = 1.50\n[forward]\nL = "w*x"\n'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(WRITTEN.encode(), id="plain"),
        pytest.param(WRITTEN, id="text"),
        pytest.param(b"\xef\xbb\xbf" + WRITTEN.encode(), id="byte order mark"),
        pytest.param(WRITTEN.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(WRITTEN.replace("\n", "\r").encode(), id="CR"),
        pytest.param(WRITTEN.rstrip("\n").encode(), id="no last line end"),
        pytest.param(WRITTEN.replace("1.50", '"۱٫۵۰"').encode(), id="Persian digits"),
        pytest.param(WRITTEN.replace("1.50", '"١٫٥٠"').encode(), id="Arabic digits"),
        pytest.param(WRITTEN.replace("w*x", "w·x").encode(), id="typographic dot"),
    ],
)
def test_the_same_problem_however_it_is_written(data):
    problem = load_text(data)
    assert problem.given["w"].text == "1.50"
    assert equations(problem) == {"L": "w*x"}
    assert (problem.train.loss, problem.train.parameters) == ("L", ("w",))


def test_layers_become_the_equations_of_a_textbook():
    problem = load_text('[layers]\nsizes = [2, 2, 1]\nactivations = ["tanh", "sigmoid"]\nloss = "bce"')
    assert equations(problem) == {
        "z1_1": "w1_11*x1 + w1_12*x2 + b1_1",
        "z1_2": "w1_21*x1 + w1_22*x2 + b1_2",
        "a1_1": "tanh(z1_1)",
        "a1_2": "tanh(z1_2)",
        "z2_1": "w2_11*a1_1 + w2_12*a1_2 + b2_1",
        "a2_1": "sigmoid(z2_1)",
        "L": "bce(a2_1, t1)",
    }
    assert problem.train.parameters == ("w1_11", "w1_12", "b1_1", "w1_21", "w1_22", "b1_2", "w2_11", "w2_12", "b2_1")
    assert problem.vectors["W1"] == (("w1_11", "w1_12"), ("w1_21", "w1_22"))
    assert problem.notation == "ng"


@pytest.mark.parametrize(
    ("more", "last"),
    [
        ('biases = "shared"', {"z1_1": "w1_11*x1 + b1", "z1_2": "w1_21*x1 + b1"}),
        ("", {"L": "half_squared_error([a1_1, a1_2], [t1, t2])"}),
        ('biases = "none"', {"z1_1": "w1_11*x1", "z1_2": "w1_21*x1"}),
        ("biases = false", {"z1_1": "w1_11*x1", "z1_2": "w1_21*x1"}),
        ("biases = true", {"z1_1": "w1_11*x1 + b1_1", "z1_2": "w1_21*x1 + b1_2"}),
        ('loss = "bce"', {"L": "bce(a1_1, t1) + bce(a1_2, t2)"}),
        ('activations = "relu"', {"a1_1": "relu(z1_1)", "a1_2": "relu(z1_2)"}),
    ],
)
def test_what_the_layered_shorthand_can_say(more, last):
    found = equations(load_text(f"[layers]\nsizes = [1, 2]\n{more}"))
    assert {goal: found[goal] for goal in last} == last


def test_layers_without_a_loss_and_softmax_in_layers():
    problem = load_text('[layers]\nsizes = [1, 2]\nactivations = "softmax"\nloss = "none"')
    assert [e.goal for e in problem.network.equations] == ["z1_1", "z1_2", "a1_1", "a1_2"]
    assert [e.siblings for e in problem.network.equations[2:]] == [("a1_1", "a1_2")] * 2
    assert [e.rhs.part for e in problem.network.equations[2:]] == [0, 1]


# One neuron, two examples, written out in mpmath.
NEURON = """
[given]
w = 0.7
b = -0.2
[forward]
z = "w*x + b"
y = "sigmoid(z)"
L = "1/2*(t - y)^2"
[train]
parameters = ["w", "b"]
learning_rate = 0.5
{batch}
[[examples]]
x = 0.4
t = 0.9
[[examples]]
x = -1.3
t = 0.2
[ask]
{asks}
"""
DATA = [("0.4", "0.9"), ("-1.3", "0.2")]


def neuron(w, b, x, t):
    """The loss and its derivatives by w and b."""
    y = 1 / (1 + mpmath.exp(-(w * x + b)))
    slope = (y - t) * y * (1 - y)
    return (t - y) ** 2 / 2, slope * x, slope


def asked(asks, batch=""):
    problem = load_text(NEURON.format(batch=batch, asks="\n".join(f'"{ask}" = "{ask}"' for ask in asks)))
    return {answer.ask.label: mpmath.mpf(str(answer.values[0])) for answer in derive.derive(problem).answers}


def close(found, wanted):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert mpmath.almosteq(found[name], value, rel_eps=mpmath.mpf(10) ** -30), name


def test_update_k_uses_example_k_in_turn():
    with mpmath.workdps(50):
        w, b, rate = mpmath.mpf("0.7"), mpmath.mpf("-0.2"), mpmath.mpf("0.5")
        wanted = {}
        for k in range(6):
            x, t = map(mpmath.mpf, DATA[k % 2])
            loss, by_w, by_b = neuron(w, b, x, t)
            wanted |= {f"L@{k}": loss, f"w@{k}": w, f"b@{k}": b, f"dL/dw@{k}": by_w, f"dL/db@{k}": by_b, f"x@{k}": x}
            w, b = w - rate * by_w, b - rate * by_b
        wanted |= {"L": wanted["L@0"], "dL/dw": wanted["dL/dw@0"], "w+": wanted["w@1"], "b+": wanted["b@1"]}
        wanted["-0.5*dL/dw"] = -rate * wanted["dL/dw@0"]
        wanted["w+ - w"] = wanted["-0.5*dL/dw"]
        wanted["-learning_rate*dL/db@1"] = -rate * wanted["dL/db@1"]
        wanted["(L@2 - L)/L"] = (wanted["L@2"] - wanted["L@0"]) / wanted["L@0"]
        assert wanted["L@0"] != wanted["L@1"] != wanted["L@2"]
        close(asked(wanted), wanted)


@pytest.mark.parametrize(("batch", "divisor"), [("batch = true", 2), ('batch = "mean"', 2), ('batch = "sum"', 1)])
def test_a_batch_uses_every_example(batch, divisor):
    with mpmath.workdps(50):
        w, b, rate = mpmath.mpf("0.7"), mpmath.mpf("-0.2"), mpmath.mpf("0.5")
        wanted = {}
        for k in range(3):
            each = [neuron(w, b, *map(mpmath.mpf, row)) for row in DATA]
            loss, by_w, by_b = (sum(column) / divisor for column in zip(*each, strict=True))
            wanted |= {f"L@{k}": loss, f"w@{k}": w, f"dL/dw@{k}": by_w, f"dL/db@{k}": by_b}
            w, b = w - rate * by_w, b - rate * by_b
        wanted |= {"dL/dw": wanted["dL/dw@0"], "w+": wanted["w@1"]}
        wanted["y"] = wanted["y_1"] = 1 / (1 + mpmath.exp(-(mpmath.mpf("0.7") * mpmath.mpf("0.4") - mpmath.mpf("0.2"))))
        close(asked(wanted, batch), wanted)


def test_asks_are_expressions_over_the_quantities_of_question_1():
    def sigmoid(z):
        return 1 / (1 + mpmath.exp(-z))

    with mpmath.workdps(50):
        n = mpmath.mpf
        x1, x2, b1, b2 = n("0.05"), n("0.10"), n("0.35"), n("0.80")
        h1 = sigmoid(n("0.15") * x1 + n("0.25") * x2 + b1)
        h2 = sigmoid(n("0.20") * x1 + n("0.30") * x2 + b1)
        y1 = sigmoid(n("0.40") * h1 + n("0.50") * h2 + b2)
        y2 = sigmoid(n("0.45") * h1 + n("0.55") * h2 + b2)
        d1, d2 = (y1 - n("0.01")) * y1 * (1 - y1), (y2 - n("0.99")) * y2 * (1 - y2)
        by_h1 = d1 * n("0.40") + d2 * n("0.45")
        wanted = {
            "-0.5*dL/dw5": -d1 * h1 / 2,
            "w5+ - w5": -d1 * h1 / 2,
            "dL/dh1": by_h1,
            "dL/dw1": by_h1 * h1 * (1 - h1) * x1,
            "2(y1 - t1)": 2 * (y1 - n("0.01")),
            "sigmoid(net_h1) - h1 + max(y1, y2)": max(y1, y2),
        }
        source = (derive.spec.BUILT_IN / "q1.toml").read_text(encoding="utf-8")
        problem = load_text(source + "\n[ask]\n" + "\n".join(f'"{ask}" = "{ask}"' for ask in wanted))
        answers = derive.derive(problem).answers
        close({answer.ask.text: n(str(answer.values[0])) for answer in answers}, wanted)


def test_numbers_keep_their_digits_and_symbols_stay_symbols():
    problem = load_text('[given]\nw = 0.40\nx = -3\nt = 1e-3\n[forward]\nL = "w*x + t*q"')
    assert {name: number.text for name, number in problem.given.items()} == {"w": "0.40", "x": "-3", "t": "1e-3"}
    worked = derive.derive(problem)
    assert worked.states[0].values["w"] == Decimal("0.4")
    assert "L" not in worked.states[0].values
