"""How each name is written, in LaTeX and in plain Unicode.

Owns `Symbol`, `Script` (the table of all written names of one problem), the reader of the LaTeX subset that `[names]` allows, and
`Pen`, how a format spells it.
May import: errors, written, tables.notations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from derive.errors import FormulaError
from derive.tables.notations import NOTATIONS
from derive.written import Partial

GREEK = dict(
    alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ε", varepsilon="ε", zeta="ζ", eta="η", theta="θ", iota="ι", kappa="κ",
    lambda_="λ", mu="μ", nu="ν", xi="ξ", pi="π", rho="ρ", sigma="σ", tau="τ", upsilon="υ", phi="φ", varphi="φ", chi="χ", psi="ψ",
    omega="ω", Gamma="Γ", Delta="Δ", Theta="Θ", Lambda="Λ", Xi="Ξ", Pi="Π", Sigma="Σ", Phi="Φ", Psi="Ψ", Omega="Ω",
)  # fmt: skip
GREEK["lambda"] = GREEK.pop("lambda_")
ACCENTS = dict(hat="\u0302", bar="\u0304", tilde="\u0303", dot="\u0307", vec="\u20d7")
_FONTS = ("mathrm", "mathbf", "mathit", "mathcal", "text")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A written name; `scripted` says that it carries a superscript, so that a power needs brackets."""

    latex: str
    text: str
    scripted: bool = False


@dataclass(frozen=True)
class Pen:
    r"""How one format spells a written name, piece by piece; every function takes and gives text.

    `character` is given a letter, a digit, a mark or a Greek command such as `\sigma`; `accent` and `font` a command, what stands
    under it, and that as plain text; `scripts` a base and its marks, each `^` or `_` with what stands there; `row` pieces side
    by side.
    """

    character: Callable[[str], str]
    accent: Callable[[str, str, str], str]
    font: Callable[[str, str, str], str]
    scripts: Callable[[str, Sequence[tuple[str, str]]], str]
    row: Callable[[Sequence[str]], str]


def _latex_row(pieces: Sequence[str]) -> str:
    latex = ""
    for piece in pieces:
        latex += " " + piece if re.search(r"\\[A-Za-z]+\Z", latex) and piece[:1].isalpha() else piece
    return latex


def _latex_scripts(base: str, marks: Sequence[tuple[str, str]]) -> str:
    """A base with its marks; one that has marks of its own stands in braces, as TeX allows no two subscripts."""
    inner = re.sub(r"\{(?:[^{}]|\{[^{}]*\})*\}", "", base)
    return (f"{{{base}}}" if "_" in inner or "^" in inner else base) + "".join(f"{sign}{{{body}}}" for sign, body in marks)


LATEX = Pen(
    character=lambda token: token,
    accent=lambda command, body, plain: f"{command}{{{body}}}",
    font=lambda command, body, plain: f"{command}{{{body}}}",
    scripts=_latex_scripts,
    row=_latex_row,
)


def read_symbol(source: str) -> Symbol:
    r"""The symbol a LaTeX fragment of the allowed subset stands for.

    Letters, digits, Greek commands, `\hat \bar \tilde \dot \vec \mathrm \mathbf \text`, `^` and `_`.  Raises FormulaError.

    >>> read_symbol(r"w^{[3]}_1")
    Symbol(latex='w^{[3]}_{1}', text='w^[3]_1', scripted=True)
    >>> read_symbol(r"\hat y")
    Symbol(latex='\\hat{y}', text='ŷ', scripted=False)
    """
    return _read(source, LATEX)


def spell(symbol: Symbol, pen: Pen) -> str:
    """A written name as another format spells it; what it means is read off its LaTeX.

    >>> spell(Symbol(r"w^{[2]}_{11}", ""), LATEX)
    'w^{[2]}_{11}'
    """
    return _read(symbol.latex, pen).latex


def _read(source: str, pen: Pen) -> Symbol:
    if len(source) > 200:
        raise FormulaError("a written name has at most 200 characters")
    tokens = re.findall(r"\\[A-Za-z]+|\s+|.", source, re.DOTALL)
    symbol = _SymbolReader(tokens, pen).sequence(closing=None)
    if not symbol.text:
        raise FormulaError("a written name cannot be empty")
    return symbol


class _SymbolReader:
    """Reads tokens into a Symbol whose first field is what the pen writes."""

    def __init__(self, tokens: list[str], pen: Pen) -> None:
        self.tokens, self.pen, self.at, self.depth = tokens, pen, 0, 0

    def sequence(self, closing: str | None) -> Symbol:
        pieces: list[tuple[str, list[tuple[str, str]]]] = []
        text = ""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token == closing:
                return self.whole(pieces, text)
            if token in "^_":
                if not pieces or token in [sign for sign, _ in pieces[-1][1]]:
                    raise FormulaError(f"'{token}' has nothing to stand on" if not pieces else f"two '{token}' on one symbol")
                inner = self.argument()
                pieces[-1][1].append((token, inner.latex))
                text += f"{token}{inner.text}"
            elif not token.isspace():
                piece = self.piece(token)
                if piece.text:
                    pieces.append((piece.latex, []))
                text += piece.text
        if closing is not None:
            raise FormulaError("a '{' is not closed")
        return self.whole(pieces, text)

    def whole(self, pieces: list[tuple[str, list[tuple[str, str]]]], text: str) -> Symbol:
        written = [self.pen.scripts(base, marks) if marks else base for base, marks in pieces]
        return Symbol(self.pen.row(written), text, bool(pieces) and "^" in [sign for sign, _ in pieces[-1][1]])

    def argument(self) -> Symbol:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        if self.at >= len(self.tokens):
            raise FormulaError("the written name ends too early")
        token = self.tokens[self.at]
        self.at += 1
        return self.piece(token)

    def piece(self, token: str) -> Symbol:
        if token == "{":
            self.depth += 1
            if self.depth > 8:
                raise FormulaError("braces are nested more than 8 deep")
            inner = self.sequence("}")
            self.depth -= 1
            return inner
        if re.match(r"[A-Za-z0-9\[\](),+\-'*]\Z", token):
            return Symbol(self.pen.character(token), "′" if token == "'" else token)
        command = token[1:]
        if token.startswith("\\") and command in GREEK:
            return Symbol(self.pen.character(token), GREEK[command])
        if token.startswith("\\") and command in ACCENTS:
            inner = self.argument()
            import unicodedata

            accented = unicodedata.normalize("NFC", inner.text + ACCENTS[command])
            return Symbol(self.pen.accent(token, inner.latex, inner.text), accented)
        if token.startswith("\\") and command in _FONTS:
            inner = self.argument()
            return Symbol(self.pen.font(token, inner.latex, inner.text), inner.text)
        shown = token if token.isprintable() else f"U+{ord(token[0]):04X}"
        raise FormulaError(f"'{shown}' is not allowed in a written name")


def plain_symbol(name: str) -> Symbol:
    r"""A typed name in the plain notation: letters, digits below, Greek words as letters; the text form is the name itself.

    >>> plain_symbol("net_h1").latex, plain_symbol("w5").latex, plain_symbol("eta").text
    ('\\mathrm{net}_{h_{1}}', 'w_{5}', 'η')
    """
    head, *tail = name.split("_")
    latex = _letters(head)
    below = ",".join(_letters(part) for part in tail if part)
    if below:
        latex = f"{{{latex}}}_{{{below}}}" if "_" in latex else f"{latex}_{{{below}}}"
    return Symbol(latex, GREEK.get(name, name))


def _letters(part: str) -> str:
    found = re.match(r"([A-Za-z]*)(\d*)(.*)\Z", part)
    assert found is not None
    letters, digits, rest = found.groups()
    base = f"\\{letters}" if letters in GREEK else letters if len(letters) <= 1 else f"\\mathrm{{{letters}}}"
    base += rest if not rest or rest.isdigit() else f"\\mathrm{{{rest}}}"
    if not digits:
        return base
    return f"{base}_{{{digits}}}" if letters else digits


class Script:
    """The written names of one problem.

    `names` are LaTeX fragments given by hand, `notation` a row of the notations table, `vectors` the names that stand for
    vectors, `signals` the partials with a name of their own (δ), `extra` names that no problem can type.
    Raises FormulaError for a fragment outside the subset.
    """

    def __init__(
        self,
        names: Mapping[str, str] | None = None,
        notation: str = "plain",
        vectors: Collection[str] = (),
        signals: Mapping[tuple[str, str], Symbol] | None = None,
        extra: Mapping[str, Symbol] | None = None,
    ) -> None:
        self.given = {name: read_symbol(source) for name, source in (names or {}).items()}
        self.notation, self.vectors = NOTATIONS[notation], frozenset(vectors)
        self.signals = dict(signals or {})
        self._written: dict[str, Symbol] = {**(extra or {}), **self.given}

    def symbol(self, name: str) -> Symbol:
        """How a name is written."""
        if name not in self._written:
            self._written[name] = self._by_notation(name) or plain_symbol(name)
        return self._written[name]

    def _by_notation(self, name: str) -> Symbol | None:
        for pattern, template in self.notation.vectors if name in self.vectors else self.notation.rows:
            found = re.fullmatch(pattern, name)
            if found:
                return read_symbol(template.format(**found.groupdict()))
        return None

    def signal(self, partial: Partial) -> Symbol | None:
        """The δ a partial is written as, if it has one."""
        return self.signals.get((partial.of, partial.wrt))


def signal_symbol(of: Symbol) -> Symbol:
    r"""δ with the marks of the symbol it belongs to: layer above and unit below are kept, anything else goes below.

    >>> signal_symbol(read_symbol("z^{[2]}_1")).latex, signal_symbol(plain_symbol("y1")).text
    ('\\delta^{[2]}_{1}', 'δ_y1')
    """
    found = re.fullmatch(r"[A-Za-z]((?:\^\{[^{}]*\})(?:_\{[^{}]*\})?)", of.latex)
    if found:
        return Symbol(r"\delta" + found[1], "δ" + of.text[1:], of.scripted)
    return Symbol(rf"\delta_{{{of.latex}}}", f"δ_{of.text}")
