"""What each quantity is called in code.

Owns `Spellings`.  A name stays what was typed, unless the language has taken it: then it gets underscores behind it.  ∂L/∂w5 is
dL_dw5, δ_y1 is delta_y1, the new value of w5 is w5_new; who comes later gets underscores where two would be called the same.  May
import: written, symbols, problem, scripts, emission.programs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from itertools import count

from derive.arithmetic import Key
from derive.emission.programs import Program
from derive.scripts import script_of
from derive.symbols import GREEK, Symbol
from derive.written import Later, Name, Nested, Partial, Second, Size, walk

LETTERS = {letter: name for name, letter in GREEK.items() if not name.startswith("var")}
"""What a Greek letter is spelled as."""

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""What is a name in every language, unless it is taken."""


class Spellings:
    """The identifiers of a program in a language that has `reserved` some words."""

    def __init__(self, program: Program, reserved: Collection[str]) -> None:
        self.program, self.problem = program, program.problem
        self.script = script_of(self.problem)
        self.taken = set(reserved)
        self.loss = self.problem.train.loss
        self.names: dict[Key, str] = {self.loss: self.free(self.loss)}
        self.gradients = f"d{self.of(self.loss)}_d"
        for name in (*self.problem.known, *self.sizes):
            if name not in self.names:
                self.names[name] = self.free(f"n_{name}" if name.startswith(self.gradients) else name)
        for name in self.problem.train.parameters:  # what an update is given is found by this name
            self.names[Partial(self.loss, name)] = self.free(self.gradients + self.of(name))
        keys = [key for function in program.functions for key in (*function.inputs, *function.goals)]
        for key in dict.fromkeys(key for key in keys if key not in self.names):
            self.names[key] = self.free(self.plain(key))

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """The names of sizes, in the order of the shapes and then of the formulas."""
        arrays = self.problem.arrays
        if arrays is None:
            return ()
        trees = [size for shape in arrays.shapes.values() for size in shape]
        trees += [equation.rhs for equation in self.problem.network.equations]
        return tuple(dict.fromkeys(node.name for tree in trees for node in walk(tree) if isinstance(node, Size)))

    def free(self, name: str) -> str:
        """The name, with underscores behind it until nothing else is called so; a program may have made it of other characters."""
        if not PLAIN.fullmatch(name):
            name = "n_" + re.sub(r"[^A-Za-z0-9]+", "_", name)
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def plain(self, key: Key) -> str:
        """What a derivative or a new value is called before it is compared with other names."""
        match key:
            case Partial(of, wrt, direct):
                delta = self.script.signals.get((of, wrt)) if wrt in self.problem.network.by_goal else None
                if delta is not None and not direct:
                    return lettered(delta)
                return f"d{self.of(of)}_d{self.of(wrt)}" + ("_direct" if direct else "")
            case Later(Name(name)):
                return f"{self.of(name)}_new"
            case Second() | Nested() | Later():
                raise TypeError("only what a page computes has a name")
        return key

    def of(self, key: Key) -> str:
        """What a quantity is called, or a size, or under `letter i` a letter of a place."""
        if key not in self.names and isinstance(key, str) and key.startswith("letter "):
            self.names[key] = self.free(key.removeprefix("letter "))
        return self.names[key]

    def variables(self) -> Callable[[str], str]:
        """Names for what one function keeps on its way: total, total2 and so on."""
        used: set[str] = set()

        def variable(name: str) -> str:
            numbers = (name if place == 1 else f"{name}{place}" for place in count(1))
            found = next(other for other in numbers if other not in self.taken and other not in used)
            used.add(found)
            return found

        return variable

    def returned(self, key: Key) -> str:
        """Under what a function hands a result back: the gradient of a parameter by the parameter, a new value by the old one."""
        match key:
            case Partial(of, wrt) if of == self.loss and wrt in self.problem.trained:
                return self.of(wrt)
            case Later(Name(name)):
                return self.of(name)
        return self.of(key)

    @property
    def changed(self) -> Mapping[str, str]:
        """The names that are not what was typed."""
        known = {*self.problem.known, *self.sizes}
        return {key: name for key, name in self.names.items() if isinstance(key, str) and key in known and key != name}


def lettered(symbol: Symbol) -> str:
    """A written name in letters.

    >>> lettered(Symbol("", "δ_y1")), lettered(Symbol("", "δ^[3]")), lettered(Symbol("", "ŷ"))
    ('delta_y1', 'delta_3', 'y')
    """
    letters = unicodedata.normalize("NFD", symbol.text)
    spelled = "".join(f"_{LETTERS[letter]}_" if letter in LETTERS else letter for letter in letters)
    plain = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    return re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
