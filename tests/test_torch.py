"""PyTorch modules: published ones are derived and compared with their own autograd; what cannot be read is refused, with the place."""

import json
import re
import runpy
import textwrap
from pathlib import Path

import pytest

import derive
from derive.errors import InputError, JudgementError, UsageError
from derive.models.files import read_file

torch = pytest.importorskip("torch", reason="PyTorch is not installed, so no module was read")
published = pytest.importorskip("published")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def derived(name, **options):
    torch.manual_seed(0)
    row = published.PUBLISHED[name]
    return derive.from_torch(row.build(), *row.example(), loss=row.loss, **options)


@pytest.mark.parametrize("name", published.PUBLISHED)
def test_published_models_agree_with_their_own_autograd(name):
    """The formulas that are printed, computed at the model's own sizes, give what autograd gives."""
    work = derived(name)
    assert work.comparison.draws == 3
    assert work.comparison.largest < 1e-12
    assert work.checks.judged == work.checks.lines
    told = {parameter.path for parameter in work.model.parameters.values()}
    torch.manual_seed(0)
    trained = {path for path, tensor in published.PUBLISHED[name].build().named_parameters() if tensor.requires_grad}
    assert told >= trained  # none is left out
    assert work.comparison.gradients >= len(trained)


@pytest.mark.parametrize("what", published.REFUSED)
def test_what_is_not_known_is_refused_with_its_place(what):
    build, example, said = published.REFUSED[what]
    with pytest.raises(InputError) as refusal:
        derive.from_torch(build(), *example())
    assert str(refusal.value).startswith(said)
    if what != "compiled":  # of which nothing is seen
        assert "; " in str(refusal.value)  # and what to do
    if what in ("data decide", "unknown", "no gradient", "detached", "written into", "own backward"):
        assert "published.py line" in str(refusal.value)


def test_a_wrong_formula_is_an_error(monkeypatch):
    """Were one of our rows wrong, nothing would be printed: the module itself is asked."""
    from derive.models import entries

    stem, _ = entries.ENTRYWISE["tanh"]
    monkeypatch.setitem(entries.ENTRYWISE, "tanh", (stem, "sigmoid({0})"))
    with pytest.raises(JudgementError, match="own autograd"):
        derive.from_torch(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh()), torch.randn(4, 2))


LAYERS = {
    "RNN with a first state": (lambda: torch.nn.RNN(4, 3, nonlinearity="relu"), [(3, 2, 4), (1, 2, 3)]),
    "GRU cell": (lambda: torch.nn.GRUCell(4, 3), [(2, 4), (2, 3)]),
    "LSTM cell without a state": (lambda: torch.nn.LSTMCell(4, 3), [(2, 4)]),
    "RNN cell": (lambda: torch.nn.RNNCell(4, 3), [(2, 4), (2, 3)]),
    "attention, places first": (lambda: torch.nn.MultiheadAttention(6, 2), [(3, 2, 6), (4, 2, 6), (4, 2, 6)]),
    "batch normalisation as after training": (lambda: torch.nn.BatchNorm2d(2).eval(), [(2, 2, 3, 2)]),
    "group normalisation": (lambda: torch.nn.GroupNorm(2, 4), [(2, 4, 3)]),
    "dropout while training": (lambda: torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.4)), [(4, 3)]),
    "one-dimensional convolution": (lambda: torch.nn.Conv1d(2, 3, 3, stride=2, padding=1, dilation=2), [(2, 2, 9)]),
    "average pooling": (lambda: torch.nn.AvgPool2d(3, 2, 1), [(1, 2, 5, 6)]),
    "grouped convolution": (lambda: torch.nn.Conv2d(4, 6, 3, groups=2, padding=1), [(1, 4, 4, 3)]),
    "convolution of every channel": (lambda: torch.nn.Conv1d(3, 3, 2, groups=3), [(2, 3, 4)]),
    "upsampling": (lambda: torch.nn.Upsample(scale_factor=2), [(1, 2, 2, 3)]),
    "pixel shuffle": (lambda: torch.nn.PixelShuffle(2), [(1, 4, 2, 3)]),
    "normalisation of each example": (lambda: torch.nn.InstanceNorm2d(2, affine=True), [(2, 2, 3, 2)]),
    "normalisation by the root of the mean square": (lambda: torch.nn.RMSNorm(4), [(2, 4)]),
    "a weight by direction and length": (lambda: torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 2)), [(4, 3)]),
    "leaky unit with its own slope": (lambda: torch.nn.PReLU(3), [(2, 3, 2)]),
    "bilinear form": (lambda: torch.nn.Bilinear(3, 4, 2), [(2, 3), (2, 4)]),
    "gated linear unit": (lambda: torch.nn.GLU(), [(2, 4)]),
    "cosine": (lambda: torch.nn.CosineSimilarity(), [(2, 3), (2, 3)]),
    "distance": (lambda: torch.nn.PairwiseDistance(), [(2, 3), (2, 3)]),
    "adaptive pooling": (lambda: torch.nn.AdaptiveAvgPool2d((2, 3)), [(1, 2, 4, 3)]),
}


@pytest.mark.parametrize("what", LAYERS)
def test_layers_of_torch_agree(what):
    build, shapes = LAYERS[what]
    torch.manual_seed(0)
    assert derive.from_torch(build(), *(torch.randn(shape) for shape in shapes)).comparison.largest < 1e-12


@pytest.mark.parametrize("loss", ["mse", "l1", "huber", "bce_logits", "cross_entropy"])
def test_losses_behind_a_model(loss):
    work = derive.from_torch(torch.nn.Linear(2, 3), torch.randn(4, 2), loss=loss)
    assert work.comparison.largest < 1e-12
    assert work.problem.train.loss == "L"


class Calculation(torch.nn.Module):
    """What a model writes itself, behind one layer."""

    def __init__(self, compute):
        super().__init__()
        self.layer, self.compute = torch.nn.Linear(3, 4), compute

    def forward(self, x):
        return self.compute(self.layer(x))


WRITTEN = {
    "where": lambda y: torch.where(y > 0, y, 0.1 * y),
    "mask": lambda y: y * (y <= 0.2).float(),
    "flip": lambda y: y.flip(1) * y,
    "both ends": lambda y: y[:, -1] * y[:, 0] + y[..., 1],
    "slices": lambda y: y[:, 1:] * y[:, :-1] - y[:, ::2].sum(1, keepdim=True),
    "stack": lambda y: torch.stack([y, y * y], 1).mean(2),
    "cat of cats": lambda y: torch.cat([torch.cat([y, y.tanh()], 1), y * y, y.exp()], 1) ** 2,
    "repeat": lambda y: y.unsqueeze(1).repeat(1, 2, 1) * torch.ones(2, 4),
    "variance": lambda y: (y - y.mean(1, keepdim=True)) / (y.var(1, keepdim=True) + 0.1).sqrt(),
    "spread": lambda y: y / y.std(1, keepdim=True, unbiased=False),
    "largest": lambda y: y.max(1).values + y.amax(1),
    "logarithm of a sum": lambda y: torch.logsumexp(y, 1),
    "length": lambda y: torch.nn.functional.normalize(y, dim=1),
    "einsum": lambda y: torch.einsum("ni,nj->nij", y, y).tanh(),
    "taken apart": lambda y: y.view(-1, 2, 2).transpose(1, 2).reshape(-1, 4) * y,
    "loop": lambda y: [h := torch.zeros(y.size(0))] and [h := torch.tanh(h + y[:, k]) for k in range(3)][-1],
    "own loss": lambda y: (1 + y - y.pow(2) - y.exp()).sum() * -0.5,
}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_models_write_themselves_agrees(what):
    torch.manual_seed(0)
    assert derive.from_torch(Calculation(WRITTEN[what]), torch.randn(5, 3)).comparison.largest < 1e-12


# --- the command ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A Python file of a user, in the folder where they are."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "model.py").write_text("import torch\nfrom torch import nn\n" + textwrap.dedent(text))

    write("torch.manual_seed(3)\nnet = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))\n")
    return write


def test_the_page_says_which_name_is_which_and_how_it_compared(run, file):
    status, page, _ = run("show", "model.py:net", "--input", "2", "--level", "matrix")
    assert status == 0
    assert "  W2       2.weight       1 × 3\n" in page
    assert "Compared with the module's own autograd at its own sizes, on 3 random inputs" in page
    assert "∂L/∂W1 = δ_a1ᵀ   X" in page
    assert "\nd1 = 2, d2 = 3, d3 = 1\n" in page  # the number of examples is anything


def test_weights_are_given_as_they_are(run, file):
    status, text, _ = run("show", "model.py:net", "--input", "2", "--weights", "--expand")
    assert status == 0
    problem = derive.load_text(text)
    module = read_file("model.py:net", ["2"]).module
    ours = [[float(entry.value) for entry in row] for row in problem.arrays.given["W1"]]
    assert torch.tensor(ours).equal(module[0].weight.float())


def test_numbers_are_those_of_the_model(run, file):
    """With its weights, an example and a target as tensors, the page has the numbers, and they are what PyTorch computes."""
    file(
        "torch.manual_seed(1)\nnet = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))\nx = torch.randn(4, 2)\nt = torch.randn(4, 1)\n"
    )
    words = ["show", "model.py:net", "--input", "x", "--target", "t", "--loss", "mse", "--weights", "--format", "json"]
    status, text, _ = run(*words)
    data, space = json.loads(text), runpy.run_path("model.py")
    net = space["net"].double()
    loss = torch.nn.functional.mse_loss(net(space["x"].double()), space["t"].double())
    loss.backward()
    assert status == 0
    assert float(data["values"]["L"]) == pytest.approx(float(loss), rel=1e-6)  # the digits of single precision are typed
    for name, parameter in zip(("W1", "b1", "W2", "b2"), net.parameters(), strict=True):
        ours = torch.tensor(
            [[float(entry) for entry in row] if isinstance(row, list) else float(row) for row in data["gradients"][name]["value"]]
        )
        assert torch.allclose(ours.double(), parameter.grad, rtol=1e-5, atol=1e-7)


def test_the_file_sees_none_of_our_options(run, file):
    file(
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--width', type=int, default=3)\nnet = nn.Linear(2, parser.parse_args().width)\n"
    )
    status, text, _ = run("show", "model.py:net", "--input", "2", "--expand")
    assert status == 0
    assert "d2 = 3" in text


def test_what_the_file_prints_is_no_part_of_the_page(run, file):
    file(
        "print('read')\nclass M(nn.Linear):\n    def forward(self, x):\n        print('run')\n        return super().forward(x)\nnet = M(2, 3)\n"
    )
    status, text, message = run("show", "model.py:net", "--input", "2", "--format", "json")
    assert (status, message) == (0, "read\n")
    assert set(json.loads(text)["gradients"]) == {"W1", "b1"}


def test_what_was_compared_is_said(run, file):
    _, page, _ = run("show", "model.py:net", "--input", "2", "--of", "a1", "--wrt", "W1")
    assert "What is shown here is no gradient of L. Those were compared" in page
    _, page, _ = run("show", "model.py:net", "--input", "2", "--wrt", "W1")
    assert "over what comes out and 4 gradients of L." in page


def test_flattened_axes_are_said(run, file):
    file("net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.Flatten(), nn.Linear(8, 3))\n")
    status, page, _ = run("show", "model.py:net", "--input", "1,3,3", "--level", "matrix")
    assert status == 0
    assert "Of W2 an axis in the model is several here" in page
    assert "  W2       2.weight       3 × 8\n" in page


WRONG = [
    (["model.py"], 2, "model.py: a Python file runs only if you say what is meant in it: model.py:NAME"),
    (["model.py:nett", "--input", "2"], 3, "model.py: there is no 'nett' in it; did you mean 'net'?"),
    (["model.py:nn", "--input", "2"], 3, "model.py: 'nn' is a module, not a PyTorch module (modules in it: net)"),
    (["model.py:net"], 2, "model.py:net: needs the sizes of one example, such as --input 2"),
    (["model.py:net", "--input", "two"], 2, "--input two: is no tensor in the file"),
    (["model.py:net", "--input", "2x3"], 2, "--input 2x3: should be sizes"),
    (
        ["model.py:net", "--input", "2", "--loss", "mse", "--target", "t"],
        2,
        "--target t: should be the name of a tensor in the file",
    ),
    (["model.py:net", "--input", "3"], 3, "the model fails on this example (in 0: Linear)"),
    (["model.py:net", "--input", "2", "--loss", "msee"], 2, "unknown loss 'msee'; did you mean 'mse'?"),
    (["none.py:net", "--input", "2"], 3, "none.py: no such file"),
    (["model.py:net:x", "--input", "2"], 3, "model.py: there is no 'net:x' in it"),
    (["q1", "--input", "2"], 2, "--input goes with a PyTorch module"),
]


@pytest.mark.parametrize(("words", "status", "said"), WRONG, ids=lambda item: " ".join(item) if isinstance(item, list) else None)
def test_mistakes_are_told_in_one_line(run, file, words, status, said):
    found, page, message = run("show", *words)
    assert (found, page) == (status, "")
    assert message.startswith(f"derive: {said}")
    assert message.count("\n") == 1


def test_other_commands_say_how_a_module_becomes_a_problem_file(run, file):
    for words in (["key", "model.py:net"], ["check", "model.py:net", "-"]):
        status, page, message = run(*words)
        assert (status, page) == (2, "")
        assert "with --expand that prints a problem file" in message


def test_an_error_in_the_file_is_told_with_its_line(run, file):
    file("\nx = 1\nnet = nn.Linear(2, x / 0)\n")
    status, page, message = run("show", "model.py:net", "--input", "2")
    assert (status, page) == (3, "")
    assert message == "derive: model.py: line 5: ZeroDivisionError: division by zero\n"
    file("net = nn.Linear(2,\n")
    assert "model.py: line 3: " in run("show", "model.py:net", "--input", "2")[2]


def test_whole_numbers_are_made_up_where_a_table_is_read(run, file):
    file("net = nn.Sequential(nn.Embedding(7, 2), nn.Flatten(), nn.Linear(6, 7))\n")
    status, text, _ = run("show", "model.py:net", "--input", "3", "--loss", "cross_entropy", "--format", "json")
    assert status == 0
    data = json.loads(text)
    assert set(data["gradients"]) == {"E1", "W2", "b2"}
    assert data["shapes"]["ids"] == ["N", "S"]
    assert data["model"]["parameters"]["W2"] == {"path": "2.weight"}
    assert float(data["model"]["autograd"]["largest"]) < 1e-12


def test_an_unknown_loss_is_refused():
    with pytest.raises(UsageError, match="did you mean 'mse'"):
        derive.from_torch(torch.nn.Linear(2, 1), torch.randn(2, 2), loss="mes")


MISUSED = [
    ((torch.relu, torch.ones(2)), "from_torch takes a torch.nn.Module, not a builtin_function_or_method"),
    ((torch.nn.Linear(1, 1), [1.0]), "from_torch: an example is a tensor of real or whole numbers, not a list"),
    (
        (torch.nn.Linear(1, 1), torch.ones(1, dtype=torch.cfloat)),
        "from_torch: an example is a tensor of real or whole numbers, not of",
    ),
]


@pytest.mark.parametrize(("arguments", "said"), MISUSED)
def test_from_torch_says_what_it_takes(arguments, said):
    with pytest.raises(UsageError) as refusal:
        derive.from_torch(*arguments)
    assert str(refusal.value).startswith(said)


def test_parameters_without_a_shape_are_refused():
    with pytest.raises(InputError, match="run it once on an example first"):
        derive.from_torch(torch.nn.LazyLinear(2), torch.randn(3, 2))


def test_the_readme_shows_what_is_printed(run, file, tmp_path):
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    told = re.findall(r"```console\n\$ cat (\w+\.py)\n(.*?)\$ derive (.*?)\n(.*?)```", readme, re.DOTALL)
    for name, source, command, shown in told:
        (tmp_path / name).write_text(source)
        status, page, message = run(*command.split())
        assert status == (3 if shown.startswith("derive: ") else 0)
        for piece in shown.split("…\n"):
            assert piece.strip("\n") in page + message
    assert len(told) == 2
    for name in published.PUBLISHED:
        assert f"| {name} (" in readme
