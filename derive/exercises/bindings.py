"""What the names in somebody's code mean: the parameters of a function, and the keys of what it returns.

Owns `Arguments`, `arguments_for`, `trained_names`, `entries_of`, `quantity_of_key` and `Purpose`.  The name of a vector or matrix
stands for its entries.  May import: errors, written, tables.layers, reader, problem, scripts, exercises.processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derive.errors import InputError, shown, suggest
from derive.exercises.processes import Parameter
from derive.problem import Problem
from derive.reader import LEARNING_RATE
from derive.scripts import script_of
from derive.tables.layers import rows_of
from derive.written import Later, Name, Partial, Tree

RATES = ("lr", "eta", "alpha", "rate", "learningrate")
"""Other names for the learning rate."""

WHOLE = ("given", "values", "data", "numbers", "inputs", "quantities", "cache", "forward", "args", "q", "v")
"""Names of a parameter that takes a dictionary of everything."""

TRAINED = ("params", "parameters", "weights", "theta")
"""Names of a parameter that takes a dictionary of what is trained; of everything, where no other takes that."""

UPSTREAM = ("dout", "upstream", "grad_out", "grad_output")
"""Names of what comes back from above, where the loss is some number that depends on one array."""

MOST_KEYS = 100
"""Keys that a dictionary may have beside four for each quantity."""

Values = Mapping[str, Any]
"""The value of everything a function may ask for, by name; a gradient is filed as `dw5`."""


def plain(name: str) -> str:
    """A name without what is often spelt otherwise."""
    return name.replace("_", "").lower()


@dataclass(frozen=True)
class Arguments:
    """What a function is called with: the names of the values, in order and by name, and who takes a dictionary of them."""

    positional: tuple[str, ...]
    named: Mapping[str, str]
    whole: tuple[str, ...] = ()
    trained: tuple[str, ...] = ()
    rest: bool = False

    @property
    def passed(self) -> frozenset[str]:
        """The values that are passed each by itself: what is computed from them is not computed again."""
        return frozenset((*self.positional, *self.named.values())) - {*self.whole, *self.trained}

    def filled(self, values: Values, problem: Problem) -> tuple[list[Any], dict[str, Any]]:
        """The arguments for some values of a problem."""
        trained = {name: values[name] for name in trained_names(problem)}

        def of(name: str, source: str) -> Any:
            return dict(values) if name in self.whole else trained if name in self.trained else values[source]

        positional = [of(name, name) for name in self.positional]
        named = {name: of(name, source) for name, source in self.named.items()}
        taken = {*self.positional, *self.named, *self.named.values()}
        rest = {name: value for name, value in values.items() if self.rest and name not in taken}
        return positional, rest | named


def trained_names(problem: Problem) -> tuple[str, ...]:
    """The parameters, and the vectors and matrices of nothing else."""
    whole = (name for name in problem.vectors if problem.trained.issuperset(entries_of(name, problem)))
    return (*problem.train.parameters, *whole)


def entries_of(name: str, problem: Problem) -> tuple[str, ...]:
    """The entries of a vector or matrix, row by row; of any other name itself."""
    return tuple(entry for row in rows_of(problem.vectors[name]) for entry in row) if name in problem.vectors else (name,)


def arguments_for(parameters: Sequence[Parameter], values: Values, problem: Problem, where: str) -> Arguments:
    """What a function is called with.  Raises InputError for a parameter that is no quantity of the problem."""
    positional: list[str] = []
    named: dict[str, str] = {}
    dictionaries: list[str] = []
    rest = False
    for parameter in parameters:
        if parameter.kind == "VAR_KEYWORD":
            rest = True
        elif parameter.kind != "VAR_POSITIONAL":
            source = value_asked(parameter.name, values, problem)
            if source is None and not parameter.default:
                if parameter.name not in (*WHOLE, *TRAINED):
                    raise InputError(f"{where} asks for '{parameter.name}', " + stranger(parameter.name, values, problem))
                dictionaries.append(parameter.name)
                source = parameter.name
            if source is not None:
                if parameter.kind == "POSITIONAL_ONLY":
                    positional.append(source)
                else:
                    named[parameter.name] = source
    trained = tuple(name for name in dictionaries if name in TRAINED and len(dictionaries) > 1)
    return Arguments(tuple(positional), named, tuple(name for name in dictionaries if name not in trained), trained, rest)


def value_asked(name: str, values: Values, problem: Problem) -> str | None:
    """Under which name a parameter's value is filed; None for a stranger.  `lambda_` is lambda, which Python keeps for itself."""
    for asked in (name, name.removesuffix("_")):
        if asked in values:
            return asked
        if asked in RATES and LEARNING_RATE in values:
            return LEARNING_RATE
    if name in UPSTREAM:
        of = problem.network.mentions[problem.train.loss]
        return f"d{of[0]}" if len(of) == 1 and problem.arrays is not None else None
    direct = "_direct" if name.endswith("_direct") else ""
    found = gradient_named(name.removesuffix("_direct"), problem)
    return f"d{found}{direct}" if found is not None and f"d{found}{direct}" in values else None


def stranger(name: str, values: Values, problem: Problem) -> str:
    """What to say of a name that is no quantity."""
    meant = suggested(name, values)
    names = (*problem.vectors, *problem.network.quantities)
    has = "" if meant else f"; it has {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"
    return f"which is no quantity of this problem{meant}{has}"


def suggested(name: str, known: Iterable[str]) -> str:
    """A tail for a message: which of the known names was probably meant."""
    alike = [here for here in known if plain(here) == plain(name)]
    return f"; did you mean '{alike[0]}'?" if alike else suggest(name, known)


def gradient_named(name: str, problem: Problem) -> str | None:
    """The quantity whose gradient a name stands for: `dw5`, `dL_dw5`, `grad_w5`; None where it stands for none."""
    loss = problem.train.loss
    above = problem.network.above(loss) - {loss}
    known = above | {name for name in problem.vectors if not above.isdisjoint(entries_of(name, problem))}
    for pattern in _GRADIENTS:
        found = re.fullmatch(pattern.replace("LOSS", re.escape(loss)), name)
        if found and found[1] in known:
            return found[1]
    found = re.fullmatch(r"(?:delta|δ)_?(.+)", name)
    if found is None:
        return None
    if found[1] in known:
        before = tuple(problem.network.activations.get(entry, entry) for entry in entries_of(found[1], problem))
        return next((name for name in known if entries_of(name, problem) == before), found[1])
    signals = script_of(problem).signals.items()  # the names of the page: delta_3_1 for δ^[3]_1
    return next((wrt for (of, wrt), symbol in signals if of == loss and _letters(symbol.text) == f"delta_{found[1]}"), None)


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text.replace("δ", "_delta_")).strip("_")


_GRADIENTS = (
    r"d(?:LOSS|[Ll]oss|[Ll]|[EJC])_?/?_?d_?(.+)",
    r"d_?(.+)",
    r"(?:grad|gradient|nabla|g)_?(.+)",
    r"(.+)_(?:grad|gradient)",
)
"""How code calls a gradient.  An identifier has no slash, a key may have one."""


# --- what is returned -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Purpose:
    """What a function is for, told by its name: what the plain name of a parameter stands for in what it returns."""

    name: str

    def quantity(self, name: str, problem: Problem) -> Tree:
        """What a plain name stands for."""
        entries = entries_of(name, problem)
        if self.name == "update" and not {*problem.train.parameters, *problem.train.states}.isdisjoint(entries):
            return Later(Name(name), 1)
        above, computed = problem.network.above(problem.train.loss), problem.network.by_goal
        if self.name == "backward" and not above.isdisjoint(entries) and not any(entry in computed for entry in entries):
            return Partial(problem.train.loss, name)
        return Name(name)

    def order(self, problem: Problem, whole: bool = False) -> tuple[str, ...]:
        """The names of what a list has, in order; with `whole`, vectors and matrices in place of their entries."""
        names = tuple(problem.network.by_goal) if self.name == "forward" else problem.moving
        vectors = {name: entries_of(name, problem) for name in problem.vectors if whole}
        of = {entry: name for name, entries in vectors.items() if {*names}.issuperset(entries) for entry in entries}
        return tuple(dict.fromkeys(of.get(name, name) for name in names))

    def expected(self, problem: Problem, whole: bool = False) -> tuple[Tree, ...]:
        """What a list stands for, in that order."""
        names = self.order(problem, whole)
        match self.name:
            case "forward":
                return tuple(map(Name, names))
            case "update":
                return tuple(Later(Name(name), 1) for name in names)
        return tuple(Partial(problem.train.loss, name) for name in names)


def purpose_of(function: str) -> Purpose:
    """What a function is for: forward, update, or backward when its name says neither.

    >>> [purpose_of(name).name for name in ("backward", "my_forward_pass", "sgd_step", "grads")]
    ['backward', 'forward', 'update', 'backward']
    """
    words = set(re.split(r"[_\W\d]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", function).lower()))
    if words & {"forward", "predict", "loss"} and not words & {"grad", "grads", "gradient", "gradients", "backward"}:
        return Purpose("forward")
    return Purpose("update" if words & {"update", "updates", "step", "sgd", "train"} else "backward")


def quantity_of_key(key: str, purpose: Purpose, problem: Problem, reading: Any) -> tuple[Tree | None, str]:
    """The quantity a key stands for, or None and why it stands for none; `reading` reads quantities as answers type them."""
    for name in (key, key.removesuffix("_")):
        if name in problem.known:
            entries = {*entries_of(name, problem)}
            if purpose.name != "forward" and entries <= problem.trained and entries.isdisjoint(problem.moving):
                return None, f"{problem.train.loss} does not depend on '{name}', and it does not move"
            return purpose.quantity(name, problem), ""
    found = gradient_named(key, problem)
    if found is not None:
        return Partial(problem.train.loss, found), ""
    entry = reading.entry("", key, "1")
    if entry.quantity is not None:
        return entry.quantity, ""
    meant = "" if "did you mean" in entry.fault else suggested(key, problem.vectors)
    return None, shown(entry.fault, 200) + meant


def has_keys(returned: Any) -> bool:
    """Whether something that was returned is a dictionary."""
    return isinstance(returned, dict) and "keys" in returned


def flattened(returned: Any, purpose: Purpose, problem: Problem, where: str) -> Iterator[tuple[str | Tree, Any]]:
    """What was returned, each number or array under its key, or under its quantity where a list has none.

    Raises InputError for a list of another length, and for what has no numbers at all.
    """
    if isinstance(returned, list) and returned and all(has_keys(item) for item in returned):
        for item in returned:
            yield from flattened(item, purpose, problem, where)
        return
    if has_keys(returned):
        if not returned["keys"]:
            raise InputError(f"{where} returned an empty dictionary")
        if len(returned["keys"]) > MOST_KEYS + 4 * len(problem.network.quantities):
            raise InputError(f"{where} returned a dictionary of {len(returned['keys']):,} keys, far more than there are quantities")
        for key, value in returned["keys"]:
            if has_keys(value):
                yield from flattened(value, purpose, problem, where)
            else:
                yield key, value
        return
    quantities = purpose.expected(problem)
    if isinstance(returned, dict):  # an array: of all numbers, or the one answer itself
        returned = returned["array"] if problem.arrays is None else [returned]
    values = returned if isinstance(returned, list) else [returned]
    if any(has_keys(value) for value in values):
        raise InputError(f"{where} returned a list with numbers and dictionaries; return one dictionary")
    if len(values) != len(quantities):
        quantities = purpose.expected(problem, whole=True)
    if len(values) != len(quantities):
        count = f"{len(values)} {'value' if problem.vectors else 'number'}{'' if len(values) == 1 else 's'}"
        order = ", ".join(purpose.order(problem, whole=True))
        raise InputError(
            f"{where} returned {count} without names, and {len(quantities)} were expected, in the order {shown(order, 120)}; "
            "a dictionary says which is which"
        )
    yield from zip(quantities, values, strict=True)
