"""A new problem file: what may be chosen, and the file with comments on everything that can be changed.

Owns `FIELDS`, the choices with what each may be, and `problem_file`.  May import: errors, network, problem, rounding, spec,
sentences, tables, exercises.variants, formats.toml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import shake_256
from itertools import pairwise
from struct import unpack

from derive.errors import UsageError, shown, suggest
from derive.exercises.variants import Variants
from derive.formats.toml import quoted
from derive.network import INPUT_NAME
from derive.problem import Problem
from derive.reader import fold_characters
from derive.rounding import Rounding
from derive.sentences import Speaker
from derive.spec import load_text
from derive.tables.ops import OPS
from derive.tables.rules import RULES
from derive.written import Call, Name, walk

ACTIVATIONS = tuple(name for name, op in OPS.items() if op.kind == "activation")
LOSSES = tuple(name for name, op in OPS.items() if op.kind == "loss")
BIASES = ("each", "shared", "none")

PROBABILITIES = ("sigmoid", "softmax")
"""Activations with values between 0 and 1, whose logarithm can always be taken."""

MOST_WEIGHTS, MOST_NUMBERS = 100_000, 300
"""Weights a network may have, and numbers a file may give."""

DRAWS = 100
"""Draws tried for numbers with which no unit is dead, saturated or at a kink."""

Choices = Mapping[str, str]
"""What was chosen before, as it was typed."""


@dataclass(frozen=True)
class Field:
    """Something to choose: what it is when nothing is said, and `read`, which gives it as the file has it.

    `read` takes what was typed and what was chosen before, and raises UsageError with the reason why it cannot be that.
    """

    default: str
    read: Callable[[str, Choices], str]


def _title(text: str, before: Choices) -> str:
    plain = text.replace("\u200c", "")  # Persian writes its half-space within words
    if not plain.isprintable() or not plain.strip() or len(text) > 100:
        raise UsageError("should be a line of at most 100 characters")
    return text.strip()


def _sizes(text: str, before: Choices) -> str:
    parts = [part for part in re.split(r"[\s,;x×-]+", fold_characters(text).strip("[] ")) if part]
    if len(parts) < 2 or not all(re.fullmatch(r"[1-9]\d{0,3}", part, re.ASCII) for part in parts):
        raise UsageError("should be two or more whole numbers from 1, inputs first, such as 2,2,1")
    if len(parts) > 50:
        raise UsageError("should be at most 50 layers")
    if sum(int(a) * int(b) for a, b in pairwise(parts)) > MOST_WEIGHTS:
        raise UsageError(f"that is more than {MOST_WEIGHTS:,} weights")
    return ",".join(parts)


def sizes_of(choices: Choices) -> list[int]:
    """The sizes that were chosen."""
    return [int(size) for size in choices["sizes"].split(",")]


def _activations(text: str, before: Choices) -> str:
    """One for every layer, one for the hidden layers and one for the output, or one for each."""
    names = [one_of(name, ACTIVATIONS) for name in re.split(r"[\s,;]+", text.strip(" ,;"))]
    sizes = sizes_of(before)
    layers = len(sizes) - 1
    if len(names) == 1:
        names *= layers
    elif len(names) == 2 and layers > 2:
        names = [names[0]] * (layers - 1) + [names[1]]
    if len(names) != layers:
        raise UsageError(f"should be one name, two (hidden layers, output layer), or {layers}, one for each layer")
    if any(OPS[name].spread and size == 1 for name, size in zip(names, sizes[1:], strict=True)):
        raise UsageError("softmax of a single unit is 1 whatever goes in: use sigmoid, or more units")
    return ",".join(names)


def _loss(text: str, before: Choices) -> str:
    loss = one_of(text, LOSSES)
    output = before["activation"].split(",")[-1]
    if takes_logarithms(loss) and output not in PROBABILITIES:
        raise UsageError(f"{loss} takes logarithms of the outputs: their activation should be sigmoid or softmax, not {output}")
    return loss


def takes_logarithms(loss: str) -> bool:
    """Whether a loss needs outputs above 0."""
    op = OPS[loss]
    formula = op.formula((Name("y"), Name("t")), 0) if op.formula is not None else None
    return formula is not None and any(isinstance(node, Call) and node.function == "log" for node in walk(formula))


def _rate(text: str, before: Choices) -> str:
    text = fold_characters(text).strip()
    if not re.fullmatch(r"\d{1,6}(\.\d{1,8})?", text, re.ASCII) or not Decimal(text):
        raise UsageError("should be a number above 0, such as 0.5")
    return text


def _values(text: str, before: Choices) -> str:
    values = one_of(text, ("numbers", "symbols"))
    sizes = sizes_of(before)
    if values == "numbers" and sum(a * b for a, b in pairwise(sizes)) + sum(sizes) > MOST_NUMBERS:
        raise UsageError(f"numbers are for networks with at most {MOST_NUMBERS} of them; this one should stay in symbols")
    return values


def _seed(text: str, before: Choices) -> str:
    text = fold_characters(text).strip()
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII):
        raise UsageError("should be a whole number from 0 to 99999")
    return text


def one_of(text: str, known: Sequence[str]) -> str:
    """A word of a list.  Raises UsageError with what was probably meant."""
    word = text.strip()
    if word not in known:
        raise UsageError(f"'{shown(word)}' is none of {', '.join(known)}" + suggest(word, known))
    return word


FIELDS: dict[str, Field] = {
    "title": Field("A small network", _title),
    "sizes": Field("2,2,1", _sizes),
    "activation": Field("sigmoid", _activations),
    "loss": Field("half_squared_error", _loss),
    "biases": Field("each", lambda text, before: one_of(text, BIASES)),
    "learning_rate": Field("0.5", _rate),
    "rule": Field("sgd", lambda text, before: one_of(text, tuple(RULES))),
    "values": Field("numbers", _values),
    "seed": Field("1", _seed),
}
"""The choices in the order in which they are made: a later one may depend on those before it."""


def chosen(typed: Mapping[str, str | None]) -> dict[str, str]:
    """Every choice, read; what is not typed is as usual.  Raises UsageError naming the option that does not fit."""
    found: dict[str, str] = {}
    for name, field in FIELDS.items():
        text = typed.get(name)
        try:
            found[name] = field.read(field.default if text is None else text, found)
        except UsageError as error:
            option = name.replace("_", "-").replace("values", text or field.default)
            raise UsageError(f"--{option}: {error}") from None
    return found


def problem_file(choices: Choices, path: str, language: str = "en") -> str:
    r"""The commented file for these choices; `path` is how its comments call it.

    >>> choices = chosen({"sizes": "1,1", "title": "One neuron", "seed": "3"})
    >>> print(*problem_file(choices, "net.toml").splitlines()[2:5], sep="\n")
    title = "One neuron"
    <BLANKLINE>
    [layers]                                  # derive show net.toml --expand writes every equation out
    """
    speaker = Speaker(language)
    head = "\n".join(_head(choices, shown(path), speaker))
    problem = load_text(f"{head}\n[train]\n{_train(choices)}")
    numbers = _numbers(choices, problem) if choices["values"] == "numbers" else {}
    lines = [head, ""]
    if numbers:
        lines += [_commented("[given]", speaker.word("new", "given-comment")), *_given(problem, numbers, speaker), ""]
    else:
        lines += [f"# {speaker.word('new', 'symbols-comment')}", "# [given]", f"# {problem.network.free[0]} = 0.50", ""]
    rules = speaker.word("new", "one-of-comment", names=", ".join(RULES))
    lines += ["[train]", *(_commented(line, rules if line.startswith("rule") else "") for line in _train(choices).splitlines())]
    return "\n".join(lines) + "\n"


COMMENT_COLUMN = 42


def _commented(line: str, comment: str) -> str:
    return f"{line:<{COMMENT_COLUMN - 1}} # {comment}" if comment else line


def _head(choices: Choices, path: str, speaker: Speaker) -> Iterator[str]:
    say = speaker.word
    yield f"# {say('new', 'first-comment', path=path)}"
    yield f"# {say('new', 'second-comment', path=path)}"
    yield f"title = {quoted(choices['title'])}"
    yield ""
    yield _commented("[layers]", say("new", "layers-comment", path=path))
    yield _commented(f"sizes = [{choices['sizes'].replace(',', ', ')}]", say("new", "sizes-comment"))
    names = ", ".join(map(quoted, choices["activation"].split(",")))
    yield _commented(f"activations = [{names}]", say("new", "activations-comment", names=", ".join(ACTIVATIONS)))
    yield _commented(f"loss = {quoted(choices['loss'])}", say("new", "one-of-comment", names=", ".join(LOSSES)))
    yield _commented(f"biases = {quoted(choices['biases'])}", say("new", "biases-comment"))


def _train(choices: Choices) -> str:
    return f"learning_rate = {choices['learning_rate']}\nrule = {quoted(choices['rule'])}\n"


def _given(problem: Problem, numbers: Mapping[str, str], speaker: Speaker) -> Iterator[str]:
    """The numbers by what they are: inputs, weights and biases layer by layer, targets."""
    groups: dict[str, list[str]] = {}
    for name in numbers:
        groups.setdefault(name[0] if name[0] in "xt" else re.findall(r"\d+", name)[0], []).append(name)
    for group in ("x", *sorted(groups.keys() - {"x", "t"}, key=int), "t"):
        if group in "xt":
            yield f"# {speaker.word('new', 'inputs-comment' if group == 'x' else 'targets-comment')}"
        else:
            ends = {name: _ends(name) for name in groups[group] if name.startswith("w")}
            weight = next((name for name, (row, column) in ends.items() if row != column), next(iter(ends)))
            row, column = ends[weight]
            yield f"# {speaker.word('new', 'layer-comment', layer=group, weight=weight, row=row, column=column)}"
        yield from (f"{name} = {numbers[name]}" for name in groups[group])


def _ends(weight: str) -> tuple[str, str]:
    """The unit a weight leads to, and the one it comes from: w1_12 and w1_1_12."""
    row, column = re.findall(r"\d+" if weight.count("_") > 1 else r"\d", weight)[-2:]
    return row, column


# --- numbers --------------------------------------------------------------------------------------------------------------


def _numbers(choices: Choices, problem: Problem) -> dict[str, str]:
    """Numbers of two decimals; of the draws the first at which all is well, or else the one at which least is wrong."""
    drawn = [_draw(choices, problem.network.free, attempt) for attempt in range(DRAWS)]
    given = "\n".join(f"{name} = {text}" for name, text in drawn[0].items())
    head = "\n".join(_head(choices, "", Speaker("en")))
    family = Variants(load_text(f"{head}\n[given]\n{given}\n[train]\n{_train(choices)}"), "new", Rounding(), slips=False)
    faults: list[int] = []
    for numbers in drawn:
        texts = [numbers[slot.name] for slot in family.slots]
        try:
            faults.append(sum(1 for _ in family.faults(family.program(*family.inputs(texts)))))
        except (ArithmeticError, ValueError):
            faults.append(MOST_WEIGHTS)
        if not faults[-1]:
            break
    if min(faults) == MOST_WEIGHTS:
        raise UsageError("no numbers were found at which every quantity has a value; --symbols goes without")
    return drawn[faults.index(min(faults))]


def _draw(choices: Choices, names: Iterable[str], attempt: int) -> dict[str, str]:
    """A number for every name: inputs above 0, some weights below it, targets as the loss wants them."""
    names = tuple(names)
    source = f"{choices['sizes']}/{choices['seed']}/{attempt}".encode()
    chances = dict(zip(names, unpack(f"<{len(names)}Q", shake_256(source).digest(8 * len(names))), strict=True))
    targets = [name for name in names if name.startswith("t")]
    found: dict[str, str] = {}
    used: set[int] = set()
    for name, chance in chances.items():
        mantissa = 5 + chance % 91
        while mantissa % 10 == 0 or (mantissa in used and len(used) < 60):
            mantissa = 5 + (mantissa - 4) % 91
        used.add(mantissa)
        sign = "-" if not INPUT_NAME.fullmatch(name) and chance >> 32 & 3 == 0 else ""
        found[name] = f"{sign}0.{mantissa:02d}"
    return found | dict(zip(targets, _targets(choices, len(targets), chances[targets[0]]), strict=True))


def _targets(choices: Choices, count: int, chance: int) -> list[str]:
    """Classes where the loss is about classes, one of them where the outputs share 1; else numbers as any other."""
    loss, output = choices["loss"], choices["activation"].split(",")[-1]
    place = chance % count
    if loss == "hinge":
        return ["1" if (chance >> k) & 1 else "-1" for k in range(count)]
    if loss == "kl":  # targets above 0; of shares the rest is for one of them
        small = 90 // (2 * count)
        shares = [5 + (chance >> k) % small if small > 5 else 1 for k in range(count)]
        shares[place] = max(1, 100 - sum(share for k, share in enumerate(shares) if k != place))
        return [f"0.{share:02d}" if share < 100 else "0.95" for share in shares]
    if takes_logarithms(loss):
        if OPS[output].spread or count > 1:
            return ["1" if k == place else "0" for k in range(count)]
        return ["1" if loss != "bce" or chance & 1 else "0"]
    return [f"0.{5 + (chance >> (8 * (k % 7))) % 91:02d}" for k in range(count)]
