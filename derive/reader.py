"""Typed text into a tree: a closed grammar that evaluates nothing.

Owns the tokens, the grammar and its limits.  What is ambiguous is refused with both readings shown.  May import: errors,
written, tables.ops.

    relation   sum (('>=' | '<=' | '>' | '<') sum)?
    sum        product (('+' | '-') product)*
    product    power (('*' | '/') '-'? power | '@' power | power)*   without a sign: 2a, a(1 - a), never after '/' or '^'
    power      atom ('^' '-'? power)?
    atom       number | name | dA/dB | f(…) | (…) | [ … ]          each may carry '.T', '+' or '@2'

A number with a name is written as a function of nothing, `pi()`; among the names of a problem that has no such name, `pi` will do.

Among quantities, dA/dB is a derivative, d2A/dBdC and d2A/dB^2 are second ones, and d(dA/dB)/dC is the derivative of a derivative (C
may be one in brackets too).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from derive.errors import FormulaError, shown, suggest
from derive.tables.ops import ALIASES, OPS
from derive.written import (
    Call,
    Later,
    Listing,
    MatrixProduct,
    Name,
    Negative,
    Nested,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Relation,
    Second,
    Sum,
    Transpose,
    Tree,
    children,
)

MAX_CHARACTERS = 20_000
MAX_TOKENS = 8_000
MAX_DEPTH = 60
MAX_DIGITS = 40
MAX_EXPONENT = 400
MAX_CHAIN = 60
MAX_HEIGHT = 200
MAX_NAME = 80
SPACES = " \t\r\n"

LEARNING_RATE = "learning_rate"
"""The one name that is no quantity of the network: the rate of [train]."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|>=|<=|[-+*/^()@,><\[\]]|\.T\b))",
    re.ASCII,
)
_FOLDED = {ord("٫"): ".", ord("٬"): "", ord("−"): "-", ord("–"): "-", ord("·"): "*", ord("⋅"): "*", ord("×"): "*", ord("÷"): "/"}
_FOLDED |= {ord(c): ("≥≤".index(c) and "<=") or ">=" for c in "≥≤"}
_FOLDED |= {ord(c): str(i) for digits in ("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩") for i, c in enumerate(digits)}
_FOLDED |= {ord(c): "" for c in "\u200c\u200e\u200f\u2066\u2067\u2068\u2069"}
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


class Token(NamedTuple):
    """A word of a formula: its kind, text, place (from 1), and whether a space stands before it."""

    kind: str
    text: str
    position: int
    spaced: bool


def fold_characters(text: str) -> str:
    """Persian and Arabic-Indic digits, typographic minus and times, superscripts: as the grammar spells them.

    >>> fold_characters("۰٫۵ × a²")
    '0.5 * a^2'
    """
    text = text.translate(_FOLDED)
    return re.sub(f"[{_SUPERSCRIPTS}]+", lambda m: "^" + "".join(str(_SUPERSCRIPTS.index(c)) for c in m[0]), text)


def tokenize(text: str) -> list[Token]:
    """The words of a formula.  Raises FormulaError at the first character that belongs to none."""
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"the formula is longer than {MAX_CHARACTERS:,} characters")
    for alias, name in ALIASES.items():
        if not alias.isascii():
            text = text.replace(alias, name if OPS[name].arguments else f"{name}()")
    text = fold_characters(text)
    tokens: list[Token] = []
    end = 0
    stripped = text.rstrip(SPACES)
    while end < len(stripped):
        found = _TOKEN.match(stripped, end)
        if found is None:
            at = end + len(stripped[end:]) - len(stripped[end:].lstrip(SPACES))
            raise FormulaError(_bad_character(stripped[at]), at + 1)
        kind = found.lastgroup or ""
        start = found.start(kind)
        if kind == "name" and found.end() - start > MAX_NAME:
            raise FormulaError(f"a name of more than {MAX_NAME} letters", start + 1)
        tokens.append(Token(kind, found[kind], start + 1, start > end))
        end = found.end()
        if len(tokens) > MAX_TOKENS:
            raise FormulaError(f"the formula has more than {MAX_TOKENS:,} symbols")
    return tokens


def _bad_character(character: str) -> str:
    import unicodedata

    if character == "=":
        return "'=' does not belong in a formula"
    if character in "'\"`":
        return "quotes do not belong in a formula"
    name = unicodedata.name(character, "control character")
    shown = repr(character) if character.isascii() else f"'{character}' (U+{ord(character):04X} {name})"
    return (
        f"{shown} does not belong in a formula"
        if character.isprintable()
        else f"a {name} (U+{ord(character):04X}) does not belong in a formula"
    )


def read_formula(text: str, names: Collection[str] | None = None, *, quantities: bool = False) -> Tree:
    """The tree of a typed formula.

    `names` are the names that may stand in it (any name when None).  With `quantities`, `dA/dB`, `w5+` and `L@1` are read as the
    derivative, the updated parameter and the later value.  Raises FormulaError.

    >>> read_formula("2a(1 - a)")
    Product(factors=(Number(text='2'), Name(name='a'), Sum(terms=(Number(text='1'), Negative(body=Name(name='a'))))), tight=False)
    >>> read_formula("1/2a")
    Traceback (most recent call last):
    derive.errors.FormulaError: '1/2a' can be read in two ways: write (1/2)*a or 1/(2*a)
    """
    tokens = tokenize(text)
    if not tokens:
        raise FormulaError("the formula is empty")
    parser = Parser(tokens, None if names is None else frozenset(names), quantities, text)
    tree = parser.relation()
    if parser.here is not None:
        parser.refuse_here()
    if len(tokens) > MAX_HEIGHT and _is_higher(tree, MAX_HEIGHT):
        raise FormulaError(f"the formula is more than {MAX_HEIGHT} operations deep")
    return tree


def _is_higher(tree: Tree, limit: int) -> bool:
    """Whether some leaf is more than so many nodes below the root; such a tree is too deep to walk by recursion."""
    level: list[Tree] = [tree]
    for _ in range(limit):
        level = [part for node in level for part in children(node)]
    return bool(level)


class Parser:
    """The grammar above, one word after the other; `names` are those allowed, None for any."""

    def __init__(self, tokens: list[Token], names: frozenset[str] | None, quantities: bool, text: str) -> None:
        self.tokens, self.names, self.quantities, self.text = tokens, names, quantities, text
        self.at = self.depth = 0

    # --- moving along -------------------------------------------------------------------------------------------------

    @property
    def here(self) -> Token | None:
        """The word that comes next, or None at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def peek(self, ahead: int) -> Token | None:
        """A word further on."""
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def is_sign(self, *signs: str) -> bool:
        """Whether one of these signs comes next."""
        token = self.here
        return token is not None and token.kind == "sign" and token.text in signs

    def take(self) -> Token:
        """The next word, and on."""
        token = self.here
        if token is None:
            raise FormulaError("the formula ends too early", len(self.text) + 1)
        self.at += 1
        return token

    def expect(self, sign: str) -> None:
        """One certain sign, and on.  Raises FormulaError."""
        if not self.is_sign(sign):
            if self.here is None:
                raise FormulaError(f"'{sign}' is missing at the end", len(self.text) + 1)
            raise FormulaError(f"'{sign}' is missing before '{shown(self.here.text)}'", self.here.position)
        self.at += 1

    def refuse_here(self) -> None:
        """Say what is wrong with the next word.  Raises FormulaError."""
        token = self.here
        assert token is not None
        before = self.tokens[self.at - 1]
        if token.kind != "sign" and before.kind != "sign":
            raise self.two_readings(before.text, token.text)
        raise FormulaError(f"'{shown(token.text)}' is not expected here", token.position)

    def two_readings(self, before: str, after: str) -> FormulaError:
        """The error for two words side by side."""
        before, after = shown(before), shown(after)
        if before in OPS or before in ALIASES:
            return FormulaError(
                f"'{before} {after}' is ambiguous: write {before}({after}) for the function, or put an operator between"
            )
        return FormulaError(f"'{before} {after}' is ambiguous: write {before}*{after} for the product, or one name without a space")

    # --- the grammar --------------------------------------------------------------------------------------------------

    def relation(self) -> Tree:
        """A comparison, or a sum."""
        left = self.sum()
        if self.is_sign(">=", "<=", ">", "<"):
            sign = self.take().text
            return Relation(sign, left, self.sum())
        return left

    def sum(self) -> Tree:
        """Terms with signs between them."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(
                f"brackets are nested more than {MAX_DEPTH} deep", self.tokens[min(self.at, len(self.tokens) - 1)].position
            )
        terms = [self.signed()]
        while self.is_sign("+", "-"):
            sign = self.take()
            if self.is_sign("+", "-"):
                raise FormulaError(f"two signs in a row: '{sign.text}{self.take().text}'", sign.position)
            term = self.product()
            terms.append(Negative(term) if sign.text == "-" else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def signed(self) -> Tree:
        """A first term, which may have a minus."""
        if self.is_sign("-"):
            sign = self.take()
            if self.is_sign("+", "-"):
                raise FormulaError("two signs in a row", sign.position)
            return Negative(self.product())
        return self.product()

    def product(self) -> Tree:
        """Factors and divisions, left to right."""
        start = self.at
        result = self.power()
        factors = [result]
        divided, chained = False, 0
        while (token := self.here) is not None:
            chained += self.is_sign("/", "@")
            self.count_chain(chained, token)
            if self.is_sign("*"):
                self.take()
                factors.append(self.factor())
                continue
            if self.is_sign("/"):
                self.take()
                top = factors[0] if len(factors) == 1 else Product(tuple(factors))
                factors = [Quotient(top, self.factor())]
                divided = True
                continue
            if self.is_sign("@"):
                self.take()
                left = factors[0] if len(factors) == 1 else Product(tuple(factors))
                factors = [MatrixProduct(left, self.power())]
                continue
            if token.kind == "sign" and token.text != "(":
                break
            factors.append(self.side_by_side(token, factors[-1], divided, start))
        return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def count_chain(self, length: int, token: Token) -> None:
        """Divisions, matrix products and transposes hang on each other; a long chain would be a tree too deep to walk."""
        if length > MAX_CHAIN:
            raise FormulaError(f"more than {MAX_CHAIN} '{token.text}' in a row", token.position)

    def factor(self) -> Tree:
        """A factor after a sign, which may bring one minus of its own: 2*-3."""
        if self.is_sign("-"):
            self.take()
            return Negative(self.power())
        return self.power()

    def side_by_side(self, token: Token, left: Tree, divided: bool, start: int) -> Tree:
        """A product written without a sign: only `2a`, `2(…)`, `a(…)`, `(…)(…)`, with no space and no '/' or '^' before it."""
        before = self.tokens[self.at - 1]
        if before.kind == "name" and token.text == "(" and self.names is not None and before.text not in self.names:
            raise FormulaError(f"unknown function '{before.text}'" + suggest(before.text, OPS))
        fits = before.text == ")" or (before.kind == "number" and not re.match(r"[eE]\Z", token.text)) or token.text == "("
        if not fits or (token.spaced and token.text != "(") or token.kind == "number":
            raise self.two_readings(before.text, token.text)
        if divided or isinstance(left, Power):
            piece = "".join(t.text for t in self.tokens[start : self.at])
            rest = shown(token.text) if token.text != "(" else "(…)"
            sign = "/" if divided else "^"
            head, _, tail = piece.rpartition(sign)
            if len(piece) > MAX_NAME:
                raise FormulaError(f"'…{shown(sign + tail, 40)}{rest}' can be read in two ways: write brackets", token.position)
            raise FormulaError(f"'{piece}{rest}' can be read in two ways: write ({piece})*{rest} or {head}{sign}({tail}*{rest})")
        return self.power()

    def power(self) -> Tree:
        """A base with its exponent."""
        base = self.atom()
        if self.is_sign("^", "**"):
            sign = self.take()
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise FormulaError(f"powers are nested more than {MAX_DEPTH} deep", sign.position)
            exponent = self.factor()
            self.depth -= 1
            self.guard_exponent(exponent, sign)
            return Power(base, exponent)
        return base

    def guard_exponent(self, exponent: Tree, sign: Token) -> None:
        """Refuse an exponent that would take for ever."""
        match exponent:
            case Negative(body):
                self.guard_exponent(body, sign)
            case Number() if abs(exponent.value) > MAX_EXPONENT:
                raise FormulaError(f"the exponent {shown(exponent.text)} is over the limit of {MAX_EXPONENT}", sign.position)
            case Power(Number(), Number()):
                raise FormulaError("a power of a number in an exponent is too large", sign.position)

    def atom(self) -> Tree:
        """A number, a name, a call, or brackets."""
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "name":
            return self.after(self.named(token), token)
        if token.text == "(":
            inner = self.sum()
            self.expect(")")
            return self.after(inner, token)
        if token.text == "[":
            return Listing(self.items("]"))
        raise FormulaError(f"'{shown(token.text)}' is not expected here", token.position)

    def number(self, token: Token) -> Tree:
        """A number with its digits."""
        digits, _, exponent = token.text.lower().partition("e")
        if len(digits.replace(".", "").lstrip("0")) > MAX_DIGITS:
            raise FormulaError(f"the number has more than {MAX_DIGITS} digits", token.position)
        if len(exponent.lstrip("+-0")) > 3 or int(exponent or 0) > MAX_EXPONENT or int(exponent or 0) < -MAX_EXPONENT:
            raise FormulaError(f"the exponent of {shown(token.text)} is over the limit of {MAX_EXPONENT}", token.position)
        if self.is_sign(","):
            follower = self.peek(1)
            if self.depth and not self.in_call and follower is not None and follower.kind == "number":
                typed = f"{token.text}.{follower.text}"
                hint = f"write {shown(typed, 30)}" if typed.count(".") == 1 else "write 1.5"
                raise FormulaError(f"',' is not a decimal sign; {hint}", token.position)
        text = token.text
        return Number("0" + text if text.startswith(".") else text.rstrip(".") if text.endswith(".") else text)

    in_call = 0

    def items(self, closing: str) -> tuple[Tree, ...]:
        """Sums with commas between them."""
        self.in_call += 1
        parts = [self.sum()]
        while self.is_sign(","):
            self.take()
            parts.append(self.sum())
        self.expect(closing)
        self.in_call -= 1
        return tuple(parts)

    def named(self, token: Token) -> Tree:
        """A name: a function, a derivative or a quantity."""
        name = token.text
        derivative = self.derivative(token)
        if derivative is not None:
            return derivative
        opens = self.is_sign("(")
        function = ALIASES.get(name, name)
        if opens and name == "partial":
            return self.direct_partial(token)
        if opens and (self.names is None or name not in self.names) and function in OPS:
            self.take()
            if not OPS[function].arguments:
                self.expect(")")
                return Call(function, ())
            arguments = self.items(")")
            fault = OPS[function].fault(arguments)
            if fault:
                raise FormulaError(fault, token.position)
            return Call(function, arguments, self.part(len(arguments)) if OPS[function].spread else None)
        if self.names is not None and name not in self.names:
            if opens:
                raise FormulaError(f"unknown function '{name}'" + suggest(name, OPS))
            if function in OPS and not OPS[function].arguments:
                return Call(function, ())
            if function in OPS:
                raise FormulaError(f"'{name}' is a function: write {name}(…)")
            raise FormulaError(f"unknown name '{name}'" + suggest(name, self.names))
        if self.names is None and not opens and function in OPS and OPS[function].arguments:
            raise FormulaError(f"'{name}' is a function: write {name}(…)")
        return Name(name)

    def part(self, count: int) -> int | None:
        """Which output of an operation with several is meant: softmax(a, b)[1] is the first."""
        if not self.is_sign("["):
            return None
        self.take()
        token = self.take()
        if not token.text.isdigit() or len(token.text) > 4 or not 1 <= int(token.text) <= count:
            raise FormulaError(f"in square brackets stands a whole number from 1 to {count}", token.position)
        self.expect("]")
        return int(token.text) - 1

    def derivative(self, token: Token) -> Tree | None:
        """`dA/dB` and its kin, when A and B are quantities and dA and dB are not names themselves."""
        if self.quantities and self.names is not None and self.is_nested(token):
            return self.nested()
        slash, below = self.peek(0), self.peek(1)
        if not self.quantities or self.names is None or slash is None or below is None or slash.text != "/":
            return None
        above, under = token.text, below.text
        if not (above.startswith("d") and under.startswith("d")) or above in self.names or under in self.names:
            return None
        if above.startswith("d2"):
            return self.second(token, below)
        for typed in (above, under):
            if typed[1:] not in self.names:
                if typed == "d":
                    return None
                raise FormulaError(
                    f"unknown quantity '{typed[1:]}' in {above}/{under}" + suggest(typed[1:], self.names), token.position
                )
        self.at += 2
        return Partial(above[1:], under[1:])

    def second(self, token: Token, below: Token) -> Tree:
        """`d2A/dBdC` or `d2A/dB^2`; no name begins with a digit, so the 2 is never part of one."""
        assert self.names is not None
        above, under = token.text, below.text
        of = above[2:]
        if of not in self.names:
            raise FormulaError(f"unknown quantity '{of}' in {above}/{under}" + suggest(of, self.names), token.position)
        self.at += 2
        if under[1:] in self.names and self.is_sign("^", "**") and (twice := self.peek(1)) is not None and twice.text == "2":
            self.at += 2
            return Second(of, under[1:], under[1:])
        places = [place for place, letter in enumerate(under) if letter == "d" and place > 1]
        cuts = [(first, then) for place in places if {first := under[1:place], then := under[place + 1 :]} <= self.names]
        if len({frozenset(cut) for cut in cuts}) > 1:
            ways = " or ".join(f"{first}, {then}" for first, then in cuts)
            raise FormulaError(f"'{above}/{under}' can be read in more than one way: by {ways}", token.position)
        if not cuts:
            raise FormulaError(f"a second derivative is by two quantities: d2{of}/dAdB, or d2{of}/dA^2", token.position)
        return Second(of, *cuts[0])

    def is_nested(self, token: Token) -> bool:
        """Whether `d(` begins here, where d is no name."""
        return token.text == "d" and self.names is not None and "d" not in self.names and self.is_sign("(")

    def nested(self) -> Tree:
        """`d(dA/dB)/dC`, the derivative of a derivative, and by one: `d(dA/dB)/d(dA/dC)`."""
        of = self.bracketed()
        self.expect("/")
        token = self.take()
        if self.is_nested(token):
            return Nested(of, self.bracketed())
        if self.names is None or not token.text.startswith("d") or token.text[1:] not in self.names:
            raise FormulaError(f"behind '/' stands the d of a quantity, not '{shown(token.text)}'", token.position)
        return Nested(of, Name(token.text[1:]))

    def bracketed(self) -> Partial:
        """A derivative in brackets."""
        opening = self.take()
        inner = self.sum()
        self.expect(")")
        if not isinstance(inner, Partial):
            raise FormulaError("behind d( stands a derivative: d(dA/dB)/dC", opening.position)
        return inner

    def direct_partial(self, token: Token) -> Tree:
        """`partial(of, by)`, the slope along one equation."""
        self.take()
        both = self.items(")")
        match both:
            case (Name(of), Name(wrt)):
                return Partial(of, wrt, direct=True)
            case (Name() | Partial() as of, Name() | Partial() as wrt):
                return Nested(of, wrt, direct=True)
        raise FormulaError("partial takes two names: partial(of, by)", token.position)

    def after(self, tree: Tree, token: Token) -> Tree:
        """What may hang on an atom: `.T`, and among quantities `+` and `@k`."""
        for length in range(MAX_CHAIN + 2):
            self.count_chain(length, token)
            if self.is_sign(".T"):
                self.take()
                tree = Transpose(tree)
            elif self.quantities and self.is_sign("@") and (k := self.peek(1)) is not None and k.kind == "number":
                self.take()
                tree = Later(tree, self.updates(self.take()))
            elif self.quantities and isinstance(tree, Name) and self.is_plus_mark():
                self.take()
                tree = Later(tree, 1)
            else:
                break
        return tree

    def updates(self, token: Token) -> int:
        """A whole number of updates."""
        if not token.text.isdigit() or len(token.text) > 4 or int(token.text) > 1000:
            raise FormulaError("after '@' stands a whole number of updates, 0 to 1000", token.position)
        return int(token.text)

    def is_plus_mark(self) -> bool:
        """Whether the '+' here is the mark of an updated parameter: it touches the name, and no operand touches it."""
        sign, follower = self.here, self.peek(1)
        if sign is None or sign.text != "+" or sign.spaced:
            return False
        if follower is None or follower.text in (")", ",", "]"):
            return True
        if follower.kind != "sign" or follower.text in ("(", "["):
            return False
        if not follower.spaced:
            raise FormulaError(f"'+{follower.text}' is ambiguous: put a space after the + of an updated parameter", sign.position)
        return True


def check_name(name: str) -> str | None:
    """What is wrong with a name for a quantity, or None."""
    if not NAME.match(name):
        bad = next((c for c in name if not re.match(r"[A-Za-z0-9_]", c)), None)
        if bad is not None:
            shown = bad if bad.isprintable() and bad.isascii() else f"U+{ord(bad):04X}"
            return f"'{shown}' does not belong in a name: letters a-z, digits and _ do"
        return "a name starts with a letter"
    if len(name) > 40:
        return "a name has at most 40 characters"
    if (name in OPS and OPS[name].arguments) or name in ALIASES or name == "partial":
        return f"'{name}' is the name of a function"
    if name == LEARNING_RATE:
        return f"'{name}' belongs in [train]"
    return None
