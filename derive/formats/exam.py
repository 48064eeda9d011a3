r"""A key as one LaTeX file and two documents, with the `exam` class: the paper, and with `\printanswers` the worked key.

Owns `render_exam`.  May import: bidi, blocks, keypages, formats.latex,
formats.preambles.
"""

from __future__ import annotations

from derive.bidi import PLAIN, setting_of
from derive.blocks import Figure, Heading
from derive.formats.latex import body, words
from derive.formats.preambles import preamble
from derive.keypages import Sheets

OPENING = r"""% One file, two documents.  As it stands this is the paper; for the key take the % from before \printanswers below,
% or leave the file as it is and run:  ENGINE "\def\withkey{}\input{FILE}"
"""

COMMANDS = r"""\unframedsolutions
\ifdefined\withkey\printanswers\fi
\pagestyle{headandfoot}
"""


def render_exam(sheets: Sheets, paper_id: str = "") -> str:
    """The whole document; every title, question and id is escaped."""
    top, *front = sheets.front
    assert isinstance(top, Heading)
    script, setting = sheets.script, setting_of(sheets.paper)
    engine = "pdflatex" if setting == PLAIN else "xelatex"
    drawn = any(isinstance(block, Figure) for block in (*front, *sheets.solution))
    head = preamble("exam", setting, drawn).replace("{exam}\n", "{exam}\n%\\printanswers\n")
    paper, title = words((paper_id,), script, setting), words((top.text,), script, setting)
    lines = [OPENING.replace("ENGINE", engine) + head + COMMANDS]
    lines[0] += rf"\firstpageheader{{}}{{}}{{{paper}}}\runningheader{{}}{{}}{{{paper}}}"
    page = r"$\arabic{page}$" if setting.right_to_left and setting.digits == "latin" else r"\thepage"
    lines += [rf"\cfoot{{{page}}}", r"\begin{document}", rf"\section*{{{title}}}", r"\begin{questions}", r"\question"]
    lines += body(front, script, setting)
    lines += [r"\ifprintanswers", r"\begin{solution}", *body(sheets.solution, script, setting), r"\end{solution}"]
    lines += [r"\else", *body(sheets.room, script, setting), r"\fi", r"\end{questions}", r"\end{document}"]
    return "\n".join(lines) + "\n"
