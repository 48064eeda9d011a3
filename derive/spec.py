"""A problem file into a Problem, with errors a student can read.

Owns the file format (TOML), its checks and its limits.  Every message says file, place, what is wrong and what was probably
meant.  May import: errors, written, reader, symbols, network, tables.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from derive.batches import in_batch
from derive.errors import FormulaError, InputError, printable, shown, suggest
from derive.network import Equation, Network, guess_parameters
from derive.problem import Ask, Decision, Problem, check_quantity, has_stray_list
from derive.reader import MAX_CHARACTERS, MAX_EXPONENT, check_name, fold_characters, read_formula
from derive.symbols import read_symbol
from derive.tables.layers import Grid, Layers, expand_layers
from derive.tables.notations import NOTATIONS
from derive.tables.ops import ALIASES, OPS, constants_of
from derive.tables.rules import COUNT, RULES, Rule
from derive.updates import Train
from derive.wording import read_words
from derive.written import (
    Call,
    Name,
    Number,
    Partial,
    Relation,
    Tree,
    walk,
)

MAX_BYTES = 256 * 1024
MAX_DOTS, MAX_BRACKETS = 32, 64


SECTIONS = {
    "title", "source", "question", "notation", "given", "forward", "train", "names", "ask", "examples", "shapes", "layers",
    "vectors", "decision", "assume", "words",
}  # fmt: skip


def load(path: Path | str, matrices: bool = False) -> Problem:
    """The problem in a file; [layers] unit by unit, or as `matrices`.  Raises InputError (unreadable or invalid)."""
    path = Path(path)
    try:
        if not path.is_file():
            raise InputError(f"{path}: " + ("not a regular file" if path.exists() else "no such file"))
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return load_text(data, path.name, matrices)


def load_text(data: bytes | str, where: str = "problem", matrices: bool = False) -> Problem:
    r"""The problem in a TOML text; `where` names it in messages.  [layers] are written unit by unit, or as `matrices`.

    >>> load_text('[forward]\nh1 = "sigmiod(2)"', "q.toml")
    Traceback (most recent call last):
    derive.errors.InputError: q.toml: forward.h1: unknown function 'sigmiod'; did you mean 'sigmoid'?
    """
    try:
        document = _parse_toml(data)
        if has_arrays(document, matrices):
            from derive.tensors.problems import ArrayLoader

            return ArrayLoader(document).problem()
        return Loader(document).problem()
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def has_arrays(document: Mapping[str, Any], matrices: bool = False) -> bool:
    """Whether a problem is over arrays: it has [shapes] (a decision has its own), or layers of which some size is a name."""
    if "shapes" in document:
        return "decision" not in document
    layers = document.get("layers")
    sizes = layers.get("sizes") if isinstance(layers, dict) else None
    return isinstance(sizes, list) and (matrices or any(type(size) is str for size in sizes))


def _parse_toml(data: bytes | str) -> dict[str, Any]:
    raw = data.encode() if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise InputError(f"the file is over the limit of {MAX_BYTES // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start + 1})") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for place, line in enumerate(text.split("\n"), start=1):
        bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', "q", line).partition("#")[0]
        if max(run.count(".") for run in re.split(r"[,=\[\]{}]", bare)) > MAX_DOTS:
            raise InputError(f"line {place}: a key of more than {MAX_DOTS} parts")
        if bare.count("[") + bare.count("{") > MAX_BRACKETS:
            raise InputError(f"line {place}: more than {MAX_BRACKETS} brackets on a line")
    try:
        return tomllib.loads(text, parse_float=_Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not valid TOML: {error}") from None
    except RecursionError:
        raise InputError("is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"holds a number that is too long: {error}") from None


class _Decimal(str):
    """The digits of a TOML float, kept as typed."""


class Loader:
    """One problem file, section by section."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def check_sections(self) -> None:
        """Refuse a section that is none of ours."""
        for key in self.document:
            if key not in SECTIONS:
                raise InputError(f"unknown section '{shown(key)}'" + suggest(key, SECTIONS))

    def problem(self) -> Problem:
        """The problem, every section checked.  Raises InputError."""
        self.check_sections()
        if "assume" in self.document:
            raise InputError("[assume] goes with [shapes]")
        texts = {key: self.text(key) for key in ("title", "source", "question", "notation")}
        notation = texts["notation"] or ("ng" if "layers" in self.document else "plain")
        if notation not in NOTATIONS:
            raise InputError(
                f"notation: unknown notation '{shown(notation)}'"
                + suggest(notation, NOTATIONS)
                + f" (known: {', '.join(sorted(NOTATIONS))})"
            )
        if "layers" in self.document and "forward" in self.document:
            raise InputError("[layers] expands into [forward]; give one of the two")
        decision_shapes = self.shapes()
        equations, vectors = self.layers() if "layers" in self.document else (self.forward(), {})
        network = Network(equations)
        self.check_constants(network)
        vectors = {**vectors, **self.vectors(network)}
        given = self.numbers(self.section("given"), "given")
        self.check_given(given, network)
        examples = self.examples(network)
        problem = Problem(
            title=texts["title"] or "Problem",
            network=network,
            train=self.train(network, examples),
            given=given,
            examples=examples,
            names=self.names(network, vectors),
            notation=notation,
            vectors=vectors,
            source=texts["source"],
            question=texts["question"],
        )
        if problem.train.batch:
            problem = in_batch(problem)
        self.check_brought(problem)
        problem = replace(problem, decision=self.decision(network, decision_shapes))
        return self.with_words(replace(problem, asks=self.asks(problem)))

    # --- sections -----------------------------------------------------------------------------------------------------

    def section(self, name: str) -> dict[str, Any]:
        """A section of the file, empty where there is none."""
        value = self.document.get(name, {})
        if not isinstance(value, dict):
            raise InputError(f"{name}: should be a section, written [{name}]")
        return value

    def text(self, key: str) -> str:
        """A line of text."""
        value = self.document.get(key, "")
        if isinstance(value, _Decimal) or not isinstance(value, str):
            raise InputError(f"{key}: should be text in quotes")
        return printable(value)

    def forward(self) -> tuple[Equation, ...]:
        """The equations of [forward]."""
        section = self.section("forward")
        if not section:
            raise InputError("[forward] is missing or empty: it holds the named equations" + self.near_miss("forward"))
        equations: list[Equation] = []
        for key, value in section.items():
            place = f"forward.{shown(key)}"
            goals = tuple(part.strip() for part in key.split(","))
            for goal in goals:
                fault = check_name(goal)
                if fault:
                    raise InputError(f"{place}: {fault}")
            equations += self.equation(place, goals, value)
        return tuple(equations)

    def equation(self, place: str, goals: tuple[str, ...], value: Any) -> list[Equation]:
        """One equation, or one for each output."""
        if isinstance(value, bool | dict | list):
            raise InputError(f"{place}: should be a formula in quotes")
        tree = self.number(value, place) if isinstance(value, int | _Decimal) else self.formula(str(value), place)
        spread = [node for node in walk(tree) if isinstance(node, Call) and OPS[node.function].spread]
        if len(goals) == 1 and all(node.part is not None for node in spread):
            return [Equation(goals[0], tree)]
        call = tree
        if not isinstance(call, Call) or not OPS[call.function].spread or len(spread) != 1:
            what = spread[0].function if spread else "softmax"
            raise InputError(f'{place}: {what} gives several outputs: "y1, y2" = "{what}(z1, z2)", or {what}(z1, z2)[1]')
        if len(goals) != len(call.arguments):
            raise InputError(
                f"{place}: {call.function} of {len(call.arguments)} arguments gives {len(call.arguments)} outputs, not {len(goals)}"
            )
        return [Equation(goal, Call(call.function, call.arguments, part), goals) for part, goal in enumerate(goals)]

    def check_constants(self, network: Network) -> None:
        """π cannot be the number and a quantity on one page."""
        functions = [node.function for e in network.equations for node in walk(e.rhs) if isinstance(node, Call)]
        for function in dict.fromkeys(functions):
            for constant in sorted(constants_of(function) & set(network.quantities)):
                raise InputError(
                    f"forward: '{constant}' is a quantity here, and {function} is written with the number {OPS[constant].text}; "
                    "give the quantity another name"
                )

    def formula(self, text: str, place: str, names: Sequence[str] | None = None) -> Tree:
        """A typed formula as a tree."""
        try:
            tree = read_formula(text, names if names is not None else self.known)
        except FormulaError as error:
            at = f" (at character {error.position})" if error.position else ""
            raise InputError(f"{place}: {error}{at}") from None
        if has_stray_list(tree):
            raise InputError(f"{place}: a list stands only as an argument: mse([y1, y2], [t1, t2])")
        for node in walk(tree):
            if isinstance(node, Partial):
                raise InputError(f"{place}: a derivative is no part of the forward pass")
            if isinstance(node, Relation) and not place.startswith("decision"):
                raise InputError(f"{place}: a comparison is no formula for a value")
            if type(node).__name__ in ("MatrixProduct", "Transpose") and "shapes" not in self.document:
                raise InputError(f"{place}: matrices need [shapes], the sizes of each: X = [\"d\", \"N\"]")
        return tree

    @cached_property
    def known(self) -> frozenset[str]:
        """The names a formula may use: those given or computed, and those that stand somewhere without a bracket behind them.

        So `a(1 - a)` is a product because `a` stands alone elsewhere, and `sigmiod(z)` is a misspelt function.
        """
        formulas = [text for text in self.section("forward").values() if type(text) is str]
        found = {name for text in formulas for name in re.findall(r"(?<![A-Za-z0-9_])[A-Za-z]\w*+(?!\s*\()", text[:MAX_CHARACTERS])}
        found |= {goal.strip() for key in self.section("forward") for goal in key.split(",")} | self.section("given").keys()
        return frozenset(found - {name for name, op in OPS.items() if op.arguments} - ALIASES.keys())

    def layers(self) -> tuple[tuple[Equation, ...], dict[str, Grid]]:
        """The equations and vectors that [layers] stand for."""
        section = self.section("layers")
        for key in section:
            if key not in ("sizes", "activations", "loss", "biases"):
                raise InputError(f"layers.{shown(key)}: unknown key" + suggest(key, ("sizes", "activations", "loss", "biases")))
        sizes = section.get("sizes")
        if not isinstance(sizes, list) or len(sizes) < 2 or not all(type(n) is int and 0 < n <= 10_000 for n in sizes):
            raise InputError("layers.sizes: should list two or more whole numbers from 1, inputs first: [2, 3, 1]")
        if sum(a * b for a, b in pairwise(sizes)) > 100_000:
            raise InputError("layers.sizes: more than 100,000 weights")
        activations = section.get("activations", "sigmoid")
        if isinstance(activations, str):
            activations = [activations] * (len(sizes) - 1)
        known = [name for name, op in OPS.items() if op.kind == "activation"]
        if not isinstance(activations, list) or len(activations) != len(sizes) - 1:
            raise InputError(f"layers.activations: should be one name, or a list of {len(sizes) - 1}")
        for activation in activations:
            if activation not in known:
                raise InputError(f"layers.activations: unknown activation '{shown(activation)}'" + suggest(str(activation), known))
        losses = [name for name, op in OPS.items() if op.kind == "loss"]
        loss = section.get("loss", "half_squared_error")
        if loss not in (*losses, "none"):
            raise InputError(f"layers.loss: unknown loss '{shown(loss)}'" + suggest(str(loss), losses))
        biases = section.get("biases", "each")
        biases = {True: "each", False: "none"}.get(biases, biases) if isinstance(biases, bool) else biases
        if biases not in ("each", "shared", "none"):
            raise InputError('layers.biases: should be "each" (one a unit), "shared" (one a layer) or "none"')
        return expand_layers(Layers(tuple(sizes), tuple(activations), None if loss == "none" else loss, biases))

    def vectors(self, network: Network) -> dict[str, Grid]:
        """The vectors and matrices of [vectors]."""
        found: dict[str, Grid] = {}
        for name, rows in self.section("vectors").items():
            place = f"vectors.{shown(name)}"
            fault = check_name(name)
            if fault or name in network.quantities:
                raise InputError(f"{place}: {fault or 'is already the name of a quantity'}")
            matrix = isinstance(rows, list) and bool(rows) and isinstance(rows[0], list)
            flat = [entry for row in rows for entry in row] if matrix and all(isinstance(row, list) for row in rows) else rows
            if not isinstance(flat, list) or not flat or not all(type(entry) is str for entry in flat):
                raise InputError(f'{place}: should list names, ["z1", "z2"], or rows of names')
            if matrix and len({len(row) for row in rows}) != 1:
                raise InputError(f"{place}: the rows differ in length")
            for entry in flat:
                if entry not in network.quantities:
                    raise InputError(
                        f"{place}: '{shown(entry)}' is not a quantity of [forward]" + suggest(entry, network.quantities)
                    )
            if len(set(flat)) != len(flat):
                raise InputError(f"{place}: a name stands twice")
            found[name] = tuple(map(tuple, rows)) if matrix else tuple(rows)
        return found

    def numbers(self, section: Mapping[str, Any], place: str) -> dict[str, Number]:
        """Named numbers."""
        found = {}
        for name, value in section.items():
            fault = check_name(name)
            if fault:
                raise InputError(f"{place}.{shown(name)}: {fault}")
            found[name] = self.number(value, f"{place}.{name}")
        return found

    def number(self, value: Any, place: str) -> Number:
        """One number, its digits as typed."""
        if isinstance(value, bool):
            raise InputError(f"{place}: {str(value).lower()} is not a number")
        if not isinstance(value, int | str):
            raise InputError(f"{place}: should be a number")
        text = fold_characters(str(value)).strip().lstrip("+").replace("_", "").lower()
        if re.fullmatch(r"-?(inf|nan)", text):
            raise InputError(f"{place}: {text} is not a number to compute with")
        if not re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d{1,9})?", text):
            hint = "; write a decimal point: 1.5" if re.fullmatch(r"-?\d+,\d+", text) else ""
            raise InputError(f"{place}: '{shown(str(value))}' is not a number{hint}")
        digits, _, exponent = text.partition("e")
        if len(digits) > 42 or (exponent and abs(int(exponent)) > MAX_EXPONENT):
            raise InputError(f"{place}: the number is too long or too large")
        return Number(text)

    def check_given(self, given: Mapping[str, Number], network: Network, place: str = "given") -> None:
        """Refuse a number for what is computed."""
        for name in given:
            if name in network.by_goal:
                raise InputError(f"{place}.{name}: is also computed in [forward]; a name is given once")

    def examples(self, network: Network) -> tuple[dict[str, Number], ...]:
        """The training examples."""
        rows = self.document.get("examples", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError("examples: should be written [[examples]], once for each example")
        found = [self.numbers(row, f"examples[{place}]") for place, row in enumerate(rows, start=1)]
        every = {name for row in found for name in row}
        for place, row in enumerate(found, start=1):
            self.check_given(row, network, f"examples[{place}]")
            for name in sorted(every - row.keys() - self.section("given").keys()):
                raise InputError(f"examples[{place}]: no value for '{name}', which another example gives")
            for name in row:
                if name not in network.free:
                    raise InputError(f"examples[{place}].{name}: no equation uses it" + suggest(name, network.free))
        return tuple(found)

    def train(self, network: Network, examples: Sequence[Mapping[str, Number]]) -> Train:
        """What is trained, and how."""
        section = self.section("train")
        rule = self.rule(section)
        loss = section.get("loss", network.equations[-1].goal)
        if not isinstance(loss, str) or loss not in network.by_goal:
            raise InputError(f"train.loss: '{shown(loss)}' is not given in [forward]" + suggest(str(loss), network.by_goal))
        parameters = section.get("parameters")
        if parameters is None:
            parameters = guess_parameters(network, loss, examples[0] if examples else ())
        elif not isinstance(parameters, list) or not all(type(p) is str for p in parameters):
            raise InputError('train.parameters: should list names: ["w1", "b1"]')
        for name in parameters:
            if name not in network.free:
                what = (
                    "is computed in [forward], so it cannot be trained" if name in network.by_goal else "is not used in [forward]"
                )
                raise InputError(f"train.parameters: '{shown(name)}' {what}" + suggest(name, network.free))
        if len(set(parameters)) != len(parameters):
            raise InputError("train.parameters: a name stands twice")
        rate = section.get("learning_rate")
        batch = section.get("batch", False)
        batch = {True: "mean", False: ""}[batch] if isinstance(batch, bool) else batch
        if batch not in ("", "mean", "sum"):
            raise InputError('train.batch: should be true (the mean over the examples), "mean" or "sum"')
        if batch and not examples:
            raise InputError("train.batch: there are no [[examples]] to make a batch of")
        rate = None if rate is None else self.number(rate, "train.learning_rate")
        return Train(loss, tuple(parameters), rate, rule.name, batch, self.hyperparameters(section, rule))

    def rule(self, section: Mapping[str, Any]) -> Rule:
        """The rule of the table, with nothing in [train] that neither it nor [train] itself knows."""
        name = section.get("rule", "sgd")
        if not isinstance(name, str) or name not in RULES:
            raise InputError(
                f"train.rule: unknown rule '{shown(name)}'" + suggest(str(name), RULES) + f" (known: {', '.join(sorted(RULES))})"
            )
        own = [number.name for number in RULES[name].numbers]
        known = ("loss", "parameters", "learning_rate", "rule", "batch", *own)
        for key in section:
            others = [rule.name for rule in RULES.values() if any(number.name == key for number in rule.numbers)]
            if key not in known and others:
                raise InputError(f"train.{key}: belongs to the rule {' or '.join(others)}; {name} has {', '.join(own)}")
            if key not in known:
                raise InputError(f"train.{shown(key)}: unknown key" + suggest(key, known))
        return RULES[name]

    def hyperparameters(self, section: Mapping[str, Any], rule: Rule) -> dict[str, Number]:
        """The hyperparameters as typed, or as published; a decay of 0 that is added to the gradient is none."""
        found = {}
        for row in rule.numbers:
            if row.name not in section and not row.default:
                continue
            place = f"train.{row.name}"
            number = self.number(section[row.name], place) if row.name in section else Number(row.default)
            if number.value < 0 or (row.below_one and number.value >= 1):
                bounds = "from 0 up to, but not including, 1" if row.below_one else "at least 0"
                raise InputError(f"{place}: {number.text} does not fit; it should be {bounds}")
            if number.value or row.default:
                found[row.name] = number
        return found

    def check_brought(self, problem: Problem) -> None:
        """Whether the names that the rule brings are free."""
        train, taken = problem.train, {*problem.network.quantities, *problem.vectors, *problem.aliases}
        words = {COUNT: "the number of the update", **dict.fromkeys(train.numbers, "its hyperparameter")}
        for name in train.brought:
            if name in taken:
                what = words.get(name, "its own quantity")
                raise InputError(f"train.rule: {train.rule} needs the name '{name}' for {what}; give that name to nothing else")

    def names(self, network: Network, vectors: Mapping[str, Grid]) -> dict[str, str]:
        """How names are written."""
        found = {}
        for name, source in self.section("names").items():
            if name not in network.quantities and name not in vectors:
                raise InputError(
                    f"names.{shown(name)}: is not a quantity of this problem" + suggest(name, (*network.quantities, *vectors))
                )
            if type(source) is not str:
                raise InputError(f"names.{name}: should be text in quotes")
            try:
                read_symbol(source)
            except FormulaError as error:
                raise InputError(f"names.{name}: {error}") from None
            found[name] = source
        return found

    def asks(self, problem: Problem) -> tuple[Ask, ...]:
        """What is asked."""
        found = []
        for label, text in self.section("ask").items():
            place = f"ask.{shown(label)}"
            if type(text) is not str:
                raise InputError(f"{place}: should be a quantity in quotes")
            try:
                tree = problem.read(text)
                check_quantity(tree, problem)
            except FormulaError as error:
                raise InputError(f"{place}: {error}") from None
            named = {node.name for node in walk(tree) if isinstance(node, Name)}
            named |= {name for node in walk(tree) if isinstance(node, Partial) for name in (node.of, node.wrt)}
            vector = bool(named & problem.vectors.keys())
            if vector and not isinstance(tree, Name | Partial):
                raise InputError(f"{place}: a vector is asked for by its name alone")
            found.append(Ask(printable(label), text, tree, vector))
        return tuple(found)

    def with_words(self, problem: Problem) -> Problem:
        """The problem with what [words] says of it in each language."""
        return replace(problem, words=read_words(self.section("words"), [ask.label for ask in problem.asks]))

    def shapes(self) -> tuple[tuple[str, ...], str]:
        """The vectors of a decision problem and the name of their size."""
        section = self.section("shapes")
        sizes = set()
        for name, shape in section.items():
            if not isinstance(shape, list) or len(shape) != 1 or type(shape[0]) is not str or check_name(shape[0]):
                raise InputError(f'shapes.{shown(name)}: should name one size: ["n"]')
            sizes.add(shape[0])
        if len(sizes) > 1:
            raise InputError("shapes: the vectors of a decision share one size")
        return tuple(section), next(iter(sizes), "")

    def decision(self, network: Network, shapes: tuple[tuple[str, ...], str]) -> Decision | None:
        """The two classifiers of a decision."""
        section = self.section("decision")
        if not section:
            return None
        rules = {}
        for key, text in section.items():
            place = f"decision.{shown(key)}"
            if key not in ("softmax", "logistic"):
                raise InputError(
                    f"{place}: unknown classifier" + suggest(key, ("softmax", "logistic")) + " (known: logistic, softmax)"
                )
            tree = self.formula(text, place, network.quantities) if type(text) is str else None
            if not isinstance(tree, Relation):
                raise InputError(f'{place}: should be the statement that means class 0: "y1 >= y2"')
            rules[key] = tree
        if len(rules) != 2:
            raise InputError("decision: needs both softmax and logistic")
        vectors, dimension = shapes
        for name in vectors:
            if name not in network.free:
                raise InputError(f"shapes.{shown(name)}: is not a free name of [forward]" + suggest(name, network.free))
        return Decision(rules, vectors, dimension)

    def near_miss(self, wanted: str) -> str:
        """A tail for a message about a missing section."""
        return next(
            (f"; did you mean [{wanted}] for [{key}]?" for key in self.document if key != wanted and suggest(key, [wanted])), ""
        )


BUILT_IN = Path(__file__).parent / "problems"


def built_in_names() -> tuple[str, ...]:
    """The names of the built-in problems."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def find(name: str, matrices: bool = False) -> Problem:
    """A problem by its built-in name or its path; [layers] unit by unit, or as `matrices`.  Raises InputError."""
    if name in built_in_names():
        return load(BUILT_IN / f"{name}.toml", matrices)
    if not Path(name).exists() and "/" not in name and not name.endswith(".toml"):
        raise InputError(
            f"no problem '{shown(name)}'" + suggest(name, built_in_names()) + " (derive list names those built in)"
        )
    return load(name, matrices)
