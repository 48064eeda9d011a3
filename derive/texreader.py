r"""Formulas as people write them, LaTeX or plain, into the one grammar that `reader` reads.

Owns `Glossary` (the ways the quantities of one problem are written) and the LaTeX subset of answers.  Text in, text out: nothing
is evaluated and no command outside the subset is passed on.  May import: errors, written, reader, symbols, tables, problem.

    \frac{a}{b}  \dfrac  \tfrac  \sqrt{a}  a^{2}  e^{-z}  \cdot  \times  \left( \right)  \, \; \quad
    \sigma(z)  \tanh  \exp  \ln  \log  \max                           functions, their arguments in brackets
    w_{11}^{[1]}  \hat y_1  \mathrm{net}_{h1}  \delta_{y_1}           symbols, in any order of ^ and _
    \frac{\partial L}{\partial w_5}  \partial L/\partial w_5          derivatives
    w_5^{+}  w_5^{new}  w_5^{old}                                     a parameter after and before an update
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from derive.errors import FormulaError, shown, suggest
from derive.problem import Problem
from derive.reader import LEARNING_RATE, MAX_CHARACTERS, MAX_DEPTH, NAME, fold_characters
from derive.symbols import GREEK, Script, plain_symbol, read_symbol, signal_symbol
from derive.tables.ops import ALIASES, OPS

FUNCTIONS = {op.latex[1:]: name for name, op in OPS.items() if op.arguments and op.latex[1:].isalpha()} | {
    "log": "log",
    "phi": "normal_pdf",
}
CONSTANTS = {op.latex: f"{name}()" for name, op in OPS.items() if not op.arguments}
SIGNS = {"cdot": "*", "times": "*", "ast": "*", "div": "/", "ge": ">=", "geq": ">=", "le": "<=", "leq": "<=", "lt": "<", "gt": ">"}
SPACING = {",", ";", "!", ":", " ", "quad", "qquad", "left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "displaystyle"}
FRACTIONS = ("frac", "dfrac", "tfrac")
FONTS = ("mathrm", "mathbf", "mathit", "mathcal", "text", "operatorname")
ACCENTS = ("hat", "bar", "tilde", "dot", "vec")
COMMANDS = {*FUNCTIONS, *FRACTIONS, "sqrt", "partial", "cdot", "times", "mathrm", "text", "delta"}

_OPERATORS = {op.latex: name for name, op in OPS.items() if op.latex.startswith("\\operatorname")}
_LETTERS = {ord(letter): f"\\{command} " for command, letter in reversed(GREEK.items())}
_LETTERS |= {ord("∂"): "\\partial ", ord("ŷ"): "\\hat{y}", ord("⁺"): "^{+}", ord("′"): "'"}
_BELOW = "₀₁₂₃₄₅₆₇₈₉"
_WRITTEN = re.compile(f"[\\\\{{}}|∂ŷ⁺\u0302{_BELOW}{''.join(set(GREEK.values()) - {'σ'})}]|\\^[\\[+]|\\^\\(\\d\\)|σ(?![ \t]*\\()")
_WORD = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?P<name>[A-Za-z][A-Za-z0-9_]*)", re.ASCII)
_LAYERED = re.compile(r"(?<![A-Za-z0-9_])([A-Za-zδ]+)\[(\d{1,9})\]_(\d+(?:_\d+)?)(?![A-Za-z0-9_])", re.ASCII)
_ENTRY = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z]\w*)\[\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*)?\]", re.ASCII)
_TOKEN = re.compile(
    r"\\[A-Za-z]+|\\.|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
    rf"|(?:{'|'.join(name for name in OPS if '_' in name)})(?![A-Za-z0-9_])|[A-Za-z]+\d*|\*\*|>=|<=|[ \t\r\n]+|.",
    re.DOTALL | re.ASCII,
)


@dataclass(frozen=True)
class Plain:
    """A formula in the plain grammar; `strangers` are undeclared names that differ from declared ones only in their indices."""

    text: str
    strangers: tuple[str, ...] = ()


Key = tuple[str, str, str]
"""A written symbol: its letters, what stands below, what stands above."""


@dataclass(frozen=True)
class Glossary:
    """Every way the quantities of a problem may be written; built once for a file, and only as far as it is needed."""

    problem: Problem
    _found: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def known(self) -> frozenset[str]:
        """The names as they are typed."""
        return frozenset(self.problem.known)

    @cached_property
    def letters(self) -> frozenset[str]:
        """The names of the network without their digits, to know a wrong index by."""
        return frozenset(letters_of(name) for name in self.problem.network.quantities)

    @cached_property
    def script(self) -> Script:
        """The notation of the problem."""
        problem = self.problem
        brought = problem.train.symbols(Script(problem.names, problem.notation).symbol)
        return Script(problem.names, problem.notation, problem.vectors, extra=brought)

    @cached_property
    def table(self) -> tuple[dict[Key, str], dict[tuple[str, str], set[str]]]:
        """What each written symbol means, as plain text: with the commas between its indices, and without."""
        rows: list[tuple[str, str]] = []
        problem, script = self.problem, self.script
        names = sorted(self.known - {LEARNING_RATE})
        loss, network = problem.train.loss, problem.network
        signals = [
            (owner, f"(d{loss}/d{pre})")
            for pre, activation in network.pre_activations.items()
            if pre != loss
            for owner in ((activation, pre) if activation else (pre,))
        ]
        rows += [(script.symbol(name).latex, name) for name in names]
        for ask in problem.asks:
            if re.fullmatch(r"(?:δ|delta)_?\d+", ask.label.strip()):
                rows.append((ask.label.strip().replace("δ", "delta"), f"({ask.text})"))
        rows += [(signal_symbol(script.symbol(owner)).latex, meaning) for owner, meaning in signals]
        rows += [(plain_symbol(name).latex, name) for name in names]
        rows += [(name, name) for name in names]
        for owner, meaning in signals:
            rows.append((f"delta_{owner}", meaning))
            if script.symbol(owner).scripted:
                rows.append((re.sub(r"\A[A-Za-z]+", "delta", owner), meaning))
            elif owner.partition("_")[2][:1].isalpha():
                rows.append((f"delta_{owner.partition('_')[2]}", meaning))
        rows += list(problem.aliases.items())
        if LEARNING_RATE in self.known:
            rows += [("eta", LEARNING_RATE), ("alpha", LEARNING_RATE)]
        exact: dict[Key, str] = {}
        loose: dict[tuple[str, str], set[str]] = {}
        for latex, meaning in rows:
            key = symbol_key(latex)
            exact.setdefault(key, meaning)
        for key, meaning in exact.items():
            loose.setdefault(_run_together(key), set()).add(meaning)
        return exact, loose

    def meaning(self, key: Key, source: str) -> str | None:
        """What a symbol means in plain text, or None.  Raises FormulaError where commas would have to tell."""
        exact, loose = self.table
        if key in exact:
            return exact[key]
        base, below, above = key
        if above in ("+", "new", "(new)"):
            return self.later((base, below, ""), source)
        if above in ("old", "(old)"):
            return self.meaning((base, below, ""), source)
        found = sorted(loose.get(_run_together(key), ()))
        if len(found) > 1:
            raise FormulaError(f"'{shown(source)}' can be read as {' or '.join(found[:3])}; put a comma between the indices")
        if found:
            return found[0]
        for ending, reads in (("new", self.later), ("old", self.meaning)):
            if below.endswith(ending) and below != ending:
                return reads((base, below.removesuffix(ending).rstrip(","), above), source)
        return None

    def later(self, key: Key, source: str) -> str | None:
        """The updated parameter of that symbol."""
        name = self.meaning(key, source)
        return None if name is None or not NAME.match(name) else f"({name}@1)"

    def word(self, name: str) -> str | None:
        """What an undeclared name typed plainly means: `w_5` is w5, `delta_y1` an error signal."""
        if name not in self._found:
            if len(self._found) > 10_000:
                self._found.clear()
            self._found[name] = self.meaning(symbol_key(name), name) if len(name) <= 80 else None
        return self._found[name]

    def is_stranger(self, name: str) -> bool:
        """Whether an undeclared name has the letters of declared ones and other indices."""
        return len(name) <= 40 and any(c.isdigit() for c in name) and letters_of(name) in self.letters


def letters_of(name: str) -> str:
    """A name without digits and underscores.

    >>> letters_of("net_h1")
    'neth'
    """
    return re.sub(r"[0-9_]", "", name)


def symbol_key(source: str) -> Key:
    r"""The canonical form of a symbol, typed or in LaTeX: the order of ^ and _, fonts, braces and spaces do not matter.

    >>> symbol_key(r"\hat y_1") == symbol_key(r"\hat{y}_{1}") == symbol_key(r"\hat{y_1}")
    True
    >>> symbol_key("w_{11}^{[1]}"), symbol_key(r"\mathrm{net}_{h_{1}}"), symbol_key("w1_11")
    (('w', '11', '[1]'), ('net', 'h,1', ''), ('w', '1,11', ''))
    """
    text = read_symbol(source).latex if re.search(r"[\\{^]", source) else source
    text = re.sub(r"\\(?:mathrm|mathbf|mathit|mathcal|text)(?![A-Za-z])", "", text)
    above = ""
    found = re.search(r"\^\{((?:[^{}]|\{[^{}]*\})*)\}", text)
    if found:
        text = text[: found.start()] + text[found.end() :]
        above = re.sub(r"[{}\s]", "", found[1])
        above = re.sub(r"\A\((\d+)\)\Z", r"[\1]", above)
    text = re.sub(r"\\([A-Za-z]+)", r"~\1~", text)
    text = re.sub(r"[{}\s]", "", text)
    match = re.match(r"((?:~[a-zA-Z]+~|[A-Za-z])*)(.*)\Z", text, re.DOTALL)
    assert match is not None
    base, below = match.groups()
    if base in GREEK:
        base = f"~{base}~"
    below = re.sub(r"[_,]+", ",", below).strip(",")
    return base, re.sub(r"~(\w+)~", r"\1", below), above


def _run_together(key: Key) -> tuple[str, str]:
    """The key when letters and indices are written together: w_{1,1} and w_{11}, net_{h1} and net h_1 are the same."""
    return key[0] + key[1].replace(",", ""), key[2]


def plain_formula(text: str, glossary: Glossary, strange: bool = False) -> Plain:
    r"""A formula as people write it, in the plain grammar; with `strange`, names that are wrong only in their indices stay.

    Raises FormulaError for a command outside the subset, and for an index that a matrix does not have.

    >>> from derive.spec import find
    >>> q1 = Glossary(find("q1"))
    >>> plain_formula(r"\delta_{y_1} \cdot h_1", q1).text
    '(dL/dnet_y1)*h1'
    >>> plain_formula(r"\frac{\partial L}{\partial w_5}", q1).text, plain_formula("w_5 - w9", q1, strange=True).strangers
    ('(dL/dw5)', ('w9',))
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"the formula is longer than {MAX_CHARACTERS:,} characters")
    strangers: dict[str, None] = {}
    if "[" in text:
        text = _layered(text, glossary)
    if _WRITTEN.search(text):
        text = _Translator(text, glossary, strangers if strange else None).formula()
    if not all(c in "0123456789.+-*/() " for c in text):
        text = _words(fold_characters(text) if not text.isascii() else text, glossary, strangers if strange else None)
    return Plain(text, tuple(strangers))


def _layered(text: str, glossary: Glossary) -> str:
    """`w[1]_11` and `W1[1,1]` as w1_11."""
    vectors = glossary.problem.vectors

    def entry(found: re.Match[str]) -> str:
        name, row, column = found[1], int(found[2]), int(found[3] or 1)
        if name not in vectors:
            return found[0]
        grid = vectors[name]
        rows = [cell if isinstance(cell, tuple) else (cell,) for cell in grid]
        if (found[3] is None) != isinstance(grid[0], str) or not (1 <= row <= len(rows) and 1 <= column <= len(rows[0])):
            entries = f"[1] to [{len(rows)}]" if isinstance(grid[0], str) else f"[1,1] to [{len(rows)},{len(rows[0])}]"
            raise FormulaError(f"'{shown(found[0])}': {name} has {entries}")
        return rows[row - 1][column - 1]

    return _ENTRY.sub(entry, _LAYERED.sub(r"\1\2_\3", text))


def _words(text: str, glossary: Glossary, strangers: dict[str, None] | None) -> str:
    """The names of a plain formula, each as the problem spells it."""
    known = glossary.known

    def spelled(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None or name in known or name in OPS or name in ALIASES or name == "e":
            return found[0]
        if name[0] == "d" and name[1:] in known:
            return name
        meaning = glossary.word(name)
        if meaning is not None:
            return meaning
        if name[0] == "d" and len(name) > 1:
            inner = glossary.word(name[1:])
            if inner is not None and NAME.match(inner):
                return "d" + inner
        if strangers is not None and glossary.is_stranger(name):
            name = name if re.search(r"\d_", name) else re.sub(r"_(?=\d)", "", name)
            strangers[name] = None
        return name

    return _WORD.sub(spelled, text)


class _Translator:
    """LaTeX into the plain grammar, one pass, nothing looked at twice."""

    def __init__(self, text: str, glossary: Glossary, strangers: dict[str, None] | None) -> None:
        text = re.sub(r"([A-Za-z])\u0302", r"\\hat{\1}", text)
        text = re.sub(r"δ(\d+)", r"δ_{\1}", fold_characters(text))
        text = re.sub(f"[{_BELOW}]+", lambda m: "_{" + "".join(str(_BELOW.index(c)) for c in m[0]) + "}", text)
        text = re.sub(r"\\[lr]?vert(?![A-Za-z])", "|", text.translate(_LETTERS))
        self.tokens = [token for token in _TOKEN.findall(text) if not token.isspace() and token not in ("\\,", "\\!", "\\;", "\\:")]
        self.glossary, self.strangers, self.at, self.depth = glossary, strangers, 0, 0

    def formula(self) -> str:
        return self.sequence("")

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def sequence(self, closing: str) -> str:
        """Everything up to the closing bracket.

        Symbols side by side are a product; after a '/' the sign is left out, so that the reader refuses what has two readings.
        """
        self.depth += 1
        if self.depth > 2 * MAX_DEPTH:
            raise FormulaError(f"brackets are nested more than {MAX_DEPTH} deep")
        parts: list[str] = []
        touching = divided = False
        while (token := self.peek()) != closing:
            if not token:
                raise FormulaError(f"'{closing}' is missing at the end")
            if self.is_spacing(token):
                self.at += 1
                continue
            operand = self.operand(token)
            if operand is None:
                self.at += 1
                sign = SIGNS.get(token[1:], token) if token.startswith("\\") else token
                if sign.startswith("\\"):
                    raise self.unknown_command(token)
                parts.append(f" {sign} " if sign in "+-" else sign)
                divided = sign == "/" or (divided and sign not in "+-,")
                touching = False
                continue
            if touching:
                parts.append(" " if operand[0].isdigit() else "" if divided and operand[0] == "(" else " " if divided else "*")
            parts.append(operand)
            touching = True
        self.at += 1
        self.depth -= 1
        return "".join(parts).strip()

    def is_spacing(self, token: str) -> bool:
        return token == "~" or (token.startswith("\\") and token[1:] in SPACING)

    def unknown_command(self, token: str) -> FormulaError:
        return FormulaError(f"the command '{shown(token, 30)}' is not read in answers" + suggest(token[1:], COMMANDS))

    def operand(self, token: str) -> str | None:
        """The operand that begins here with its power, or None when a sign stands here."""
        self.depth += 1
        if self.depth > 2 * MAX_DEPTH:
            raise FormulaError(f"brackets are nested more than {MAX_DEPTH} deep")
        found = self.operand_at(token)
        self.depth -= 1
        return found

    def operand_at(self, token: str) -> str | None:
        start = self.at
        if token.startswith("\\") and token[1:] in FUNCTIONS and self.names_function(token):
            self.at += 1
            return self.powered(self.function(FUNCTIONS[token[1:]], token))
        if token == "\\sqrt" or (token[1:] in FRACTIONS and token[0] == "\\"):
            self.at += 1
            if token == "\\sqrt":
                if self.peek() == "[":
                    raise FormulaError("'\\sqrt[…]' is not read in answers: write a power")
                return self.powered(f"sqrt({self.argument()})")
            return self.powered(self.fraction())
        if token == "\\partial":
            return self.powered(self.slanted_partial())
        if token == "{":
            self.at += 1
            return self.powered(f"({self.sequence('}')})")
        if token == "|":
            self.at += 1
            return self.powered(f"abs({self.sequence('|')})")
        if token in ("(", "["):
            self.at += 1
            inner = self.sequence(")" if token == "(" else "]")
            return self.powered(f"[{inner}]" if token == "[" and "," in inner else f"({inner})")
        if re.match(r"[\d.]", token, re.ASCII) and token != ".":
            self.at += 1
            return self.powered(token)
        if token[0].isalpha() and token.isascii():
            function = ALIASES.get(token, token)
            if function in OPS and OPS[function].arguments:
                opens = self.opens(1)
                self.at += 1
                return self.powered(self.function(function, token) if opens else token)
            if token == "e" and "e" not in self.glossary.known and self.peek(1) == "^":
                self.at += 1
                return self.powered("e")
            return self.symbol()
        if token in CONSTANTS and self.peek(1) != "_" and self.glossary.meaning(symbol_key(token), token) is None:
            self.at += 1
            return self.powered(CONSTANTS[token])
        if token.startswith("\\") and (token[1:] in GREEK or token[1:] in ACCENTS or token[1:] in FONTS):
            if token[1:] in FONTS:
                name = self.named_operator()
                if name is not None:
                    return self.powered(self.function(name, token))
            self.at = start
            return self.symbol()
        return None

    def opens(self, ahead: int) -> bool:
        while self.peek(ahead) and self.is_spacing(self.peek(ahead)):
            ahead += 1
        return self.peek(ahead) in ("(", "[")

    def names_function(self, token: str) -> bool:
        r"""Whether a command is a function here: a Greek letter only before a bracket, \Phi only if it is no quantity."""
        if token[1:] not in GREEK:
            return True
        return self.opens(1) and (token == "\\sigma" or self.glossary.meaning(symbol_key(token), token) is None)

    def function(self, name: str, token: str) -> str:
        while self.is_spacing(self.peek()):
            self.at += 1
        if self.peek() in ("(", "["):
            closing = ")" if self.peek() == "(" else "]"
            self.at += 1
            return f"{name}({self.sequence(closing)})"
        if self.peek() == "{":
            return f"{name}({self.argument()})"
        inner = self.operand(self.peek()) if self.peek() else None
        if inner is None:
            raise FormulaError(f"'{shown(token)}' is a function: write {token}(…)")
        while self.is_spacing(self.peek()):
            self.at += 1
        following = self.peek()
        is_sign = following[:1] == "\\" and following[1:] in SIGNS
        if following and not is_sign and (following[0].isalnum() or following[0] in "\\([{"):
            raise FormulaError(f"'{shown(token)} …' is ambiguous: put brackets around what it is taken of")
        return f"{name}({inner})"

    def named_operator(self) -> str | None:
        r"""The operation a `\text{…}` or `\operatorname{…}` names, if a bracket follows."""
        word = self.peek(2) if self.peek(1) == "{" and self.peek(3) == "}" else ""
        name = _OPERATORS.get(f"\\operatorname{{{word}}}") or FUNCTIONS.get(word) or (word if word in OPS else None)
        if name is None or not self.opens(4):
            return None
        self.at += 4
        return name

    def group(self) -> list[str]:
        """The tokens of one argument: a braced group without its braces, or one token; of a number, its first digit."""
        while self.is_spacing(self.peek()):
            self.at += 1
        token = self.peek()
        if not token or token == "}":
            raise FormulaError("the formula ends too early")
        if token != "{":
            if len(token) > 1 and token[0].isdigit():
                self.tokens[self.at] = token[1:]
                return [token[0]]
            self.at += 1
            return [token]
        end, open_braces = self.at, 0
        while True:
            if end >= len(self.tokens):
                raise FormulaError("a '{' is not closed")
            open_braces += {"{": 1, "}": -1}.get(self.tokens[end], 0)
            end += 1
            if not open_braces:
                break
        inside = self.tokens[self.at + 1 : end - 1]
        self.at = end
        return inside

    def argument(self) -> str:
        """One argument of a command, translated."""
        while self.is_spacing(self.peek()):
            self.at += 1
        if self.peek() == "{":
            self.at += 1
            return self.sequence("}")
        (token,) = self.group() or [""]
        outer, place, self.tokens, self.at = self.tokens, self.at, [token], 0
        try:
            return self.sequence("")
        finally:
            self.tokens, self.at = outer, place

    def fraction(self) -> str:
        start = self.at
        if self.peek() == "{" and (self.peek(1) in ("\\partial", "\\mathrm") or self.peek(1)[:1] == "d"):
            above, below = self.group(), self.group()
            of, by = self.differential(above), self.differential(below)
            if of and by:
                return f"(d{of}/d{by})"
            if above[:1] == ["\\partial"]:
                wrong = "".join(above if not of else below).replace("\\partial", "∂")
                raise FormulaError(f"'{shown(wrong)}' is not ∂ and a quantity of this problem")
            self.at = start
        top = self.argument()
        return f"(({top})/({self.argument()}))"

    def differential(self, tokens: list[str]) -> str | None:
        """The quantity behind ∂ or d, or None."""
        if tokens[:1] == ["\\partial"]:
            rest = tokens[1:]
        elif tokens[:4] == ["\\mathrm", "{", "d", "}"]:
            rest = tokens[4:]
        elif tokens and tokens[0][0] == "d":
            rest = ([tokens[0][1:]] if tokens[0] != "d" else []) + tokens[1:]
        else:
            return None
        if not rest or len(rest) > 40:
            return None
        outer, place, self.tokens, self.at = self.tokens, self.at, rest, 0
        try:
            found = self.quantity()
            return found if found is not None and self.at == len(self.tokens) else None
        finally:
            self.tokens, self.at = outer, place

    def quantity(self) -> str | None:
        """A symbol that is a bare quantity, without a power."""
        below, above, base = self.extent()
        source = base + (f"^{{{above}}}" if above is not None else "") + (f"_{{{below}}}" if below else "")
        if source in self.glossary.known:
            return source
        found = self.meaning(base, below, above)
        return found if found is not None and NAME.match(found) else None

    def slanted_partial(self) -> str:
        r"""`\partial L/\partial w_5`, also with a space or a group between."""
        self.at += 1
        of = self.quantity() if self.peek() else None
        if of is None:
            raise FormulaError("behind ∂ stands a quantity of this problem: ∂L/∂w5")
        if self.peek() != "/" or self.peek(1) != "\\partial":
            raise FormulaError(f"'∂{of}' stands alone: write ∂{of}/∂ and the quantity it is taken by")
        self.at += 2
        by = self.quantity() if self.peek() else None
        if by is None:
            raise FormulaError(f"behind ∂ stands a quantity of this problem: ∂{of}/∂w5")
        return f"(d{of}/d{by})"

    # --- symbols ------------------------------------------------------------------------------------------------------

    def extent(self) -> tuple[str, str | None, str]:
        """The pieces of the symbol that begins here: below, above, and its letters with an accent or a font."""
        token = self.peek()
        self.at += 1
        base = token
        if token.startswith("\\") and (token[1:] in ACCENTS or token[1:] in FONTS):
            base = f"{token}{{{_joined(self.group())}}}".replace("\\operatorname", "\\mathrm")
            if token[1:] in FONTS and base.endswith("{net}") and self.peek()[:1].isalpha():  # \text{net}y_1
                base += self.peek()
                self.at += 1
        below: list[str] = []
        above: str | None = None
        while self.peek() in ("_", "^"):
            sign = self.peek()
            if sign == "^" and above is not None:
                raise FormulaError("two '^' on one symbol")
            place = self.at
            self.at += 1
            inside = self.script(sign)
            if sign == "_":
                below.append(inside)
            else:
                above = inside
                self.power_at = place
        return ",".join(below), above, base

    power_at = 0

    def script(self, sign: str) -> str:
        """What stands below or above: a group, `[1]`, a number, or letters with a number below."""
        token = self.peek()
        if token == "{":
            return _joined(self.group())
        if token == "[" and self.peek(2) == "]":
            self.at += 3
            return f"[{self.tokens[self.at - 2]}]"
        if token == "(" and self.peek(2) == ")" and sign == "^" and self.peek(1).isdigit():
            self.at += 3
            return f"({self.tokens[self.at - 2]})"
        if token.startswith("\\") and (token[1:] in ACCENTS or token[1:] in FONTS):
            self.at += 1
            return f"{token}{{{_joined(self.group())}}}"
        if not token or token in "}_^)":
            raise FormulaError(f"'{sign}' has nothing behind it")
        self.at += 1
        if sign == "_" and token.isdigit():
            return token
        if token == "(":
            self.at -= 1
            return "\0"  # a power that is a formula
        return token

    def meaning(self, base: str, below: str, above: str | None) -> str | None:
        """What the symbol means; None when the problem has no such symbol."""
        if above is not None and ("\0" in above or len(above) > 40):
            return None
        source = base + (f"^{{{above}}}" if above is not None else "") + (f"_{{{below}}}" if below else "")
        if len(source) > 160:
            raise FormulaError(f"a symbol of more than 160 characters: '{shown(source, 30)}'")
        try:
            return self.glossary.meaning(symbol_key(source), source)
        except FormulaError as error:
            if above is not None and "not allowed" in str(error):
                return None
            raise

    def symbol(self) -> str:
        """A symbol in plain text; a superscript that is part of no symbol is a power."""
        below, above, base = self.extent()
        end = self.at
        if not below and above is None and base in self.glossary.known:
            return base
        found = self.meaning(base, below, above)
        if found is not None:
            return self.powered(found)
        layered = above is not None and re.fullmatch(r"[\[(](\d+)[\])]", above)
        if above is not None and not layered:
            self.at = self.power_at
            found = self.meaning(base, below, None)
            if end > self.at and below and self.tokens[end - 1 :] and self.power_at < end:
                return self.power_before(found or self.stranger(base, below, None), end)
            return self.powered(found or self.stranger(base, below, None))
        return self.powered(self.stranger(base, below, above))

    def power_before(self, base: str, end: int) -> str:
        """The power of a symbol whose ^ may stand before its _: `y^2_1`."""
        self.at = self.power_at
        text = self.powered(base)
        self.at = max(self.at, end)
        return text

    def stranger(self, base: str, below: str, above: str | None) -> str:
        """The plain spelling of a symbol the problem does not have.  Raises FormulaError unless only its indices are wrong."""
        letters, indices, layer = symbol_key(base + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else ""))
        letters = letters.replace("~", "")
        layer = re.sub(r"\W", "", layer)
        indices = re.sub(r"\W", "_" if layer else "", indices)
        joint = "_" if layer or indices[:1].isalpha() or (indices[:1].isdigit() and letters[-1:].isdigit()) else ""
        name = f"{letters}{layer}{joint if indices else ''}{indices}"
        if self.strangers is not None and NAME.match(name) and self.glossary.is_stranger(name):
            self.strangers[name] = None
            return name
        source = base + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")
        what = "command" if base.startswith("\\") and base[1:] not in GREEK and "{" not in base else "symbol"
        raise FormulaError(f"unknown {what} '{shown(source)}'" + suggest(re.sub("|".join(ACCENTS), "", name), self.glossary.known))

    def powered(self, base: str) -> str:
        """The base with the powers that follow it; what the reader would take for two readings is put in brackets."""
        if self.peek() not in ("^", "**"):
            return base
        self.at += 1
        if self.peek() in ("-", "(", "["):
            minus = "-" if self.peek() == "-" else ""
            self.at += bool(minus)
            exponent = minus + (self.operand(self.peek()) or "") if self.peek() else minus
            exponent = f"({exponent})"
        else:
            exponent = f"({self.argument()})"
        if self.peek() in ("^", "**"):
            raise FormulaError("a power of a power: put brackets around one of them")
        return f"({base}^{exponent})"


def _joined(tokens: list[str]) -> str:
    """Tokens back into LaTeX that reads the same."""
    text = ""
    for token in tokens:
        text += (" " if re.search(r"\\[A-Za-z]+\Z", text) and token[:1].isalpha() else "") + token
    return text
