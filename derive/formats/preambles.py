r"""What stands before \begin{document}: the packages, the fonts and the digits a page needs.

Owns `preamble`.  May import: bidi.
"""

from __future__ import annotations

from derive.bidi import PLAIN, Setting

_ENGINES = r"""\usepackage{iftex}
\ifpdftex\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\else\usepackage{fontspec}\fi
"""

_PACKAGES = r"""\usepackage{amsmath,amssymb,longtable}
\usepackage[margin=18mm]{geometry}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
\allowdisplaybreaks
"""

FONTS = ("Vazirmatn", "XB Niloofar", "Nazli", "Amiri", "Noto Naskh Arabic", "DejaVu Sans")
"""The fonts with Persian letters and digits, the better ones first; a document takes the first that is there."""


def preamble(document_class: str, setting: Setting = PLAIN, drawn: bool = False) -> str:
    r"""The preamble of a document up to its own commands; the document still lacks \begin{document}.  It may have pictures `drawn`.

    From right to left it is for xelatex with xepersian, with Persian digits alone for xelatex or lualatex; else for any engine.
    """
    packages = (r"\usepackage{tikz}" + "\n" if drawn else "") + _PACKAGES
    if setting == PLAIN:
        return rf"\documentclass[10pt,a4paper,fleqn]{{{document_class}}}" + f"\n{_ENGINES}{packages}"
    engine = "xelatex" if setting.right_to_left else "xelatex or lualatex"
    lines = [f"% Run {engine}: the letters and digits of this document are those of a system font."]
    lines += [rf"\documentclass[10pt,a4paper,fleqn]{{{document_class}}}", packages.rstrip("\n")]
    lines.append(r"\usepackage{xepersian}" if setting.right_to_left else r"\usepackage{fontspec}")
    lines.append(_first_font(r"\def\wordsfont{%s}"))
    if setting.right_to_left:
        lines.append(r"\settextfont{\wordsfont}")
        if setting.digits == "latin":
            lines += _LATIN_COUNTERS[document_class]
    if setting.digits == "persian":
        lines += [r"\newfontfamily\digitsfont[NFSSFamily=persiandigits]{\wordsfont}", *_MATHEMATICAL_DIGITS]
    return "\n".join(lines) + "\n"


_MATHEMATICAL_DIGITS = (
    r"\DeclareSymbolFont{persiandigits}{TU}{persiandigits}{m}{n}",
    r'\makeatletter\count@="06F0',
    r'\@whilenum\count@<"06FA\do{\Umathcode\count@=0 \sympersiandigits\count@\advance\count@1 }',
    r'\Umathcode"066B=0 \sympersiandigits"066B\makeatother',
)
"""Persian digits and their decimal sign in formulas, from a font that has them."""


_LATIN_COUNTERS = {
    "article": (
        r"\makeatletter\def\@oddfoot{\hfil$\arabic{page}$\hfil}",
        r"\def\ps@plain{\let\@mkboth\@gobbletwo\let\@oddhead\@empty\let\@evenfoot\@oddfoot}\pagestyle{plain}\makeatother",
    ),
    "exam": (r"\renewcommand{\questionlabel}{$\arabic{question}$.}",),
}
"""The numbers of pages and questions in Latin digits too, where the font of the words would turn them into Persian ones."""


def _first_font(command: str) -> str:
    """The command with the first font of `FONTS` that is there."""
    *others, last = FONTS
    text = command % last
    for font in reversed(others):
        text = rf"\IfFontExistsTF{{{font}}}{{{command % font}}}{{{text}}}"
    return text
