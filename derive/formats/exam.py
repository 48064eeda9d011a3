r"""A key as one LaTeX file and two documents, with the `exam` class: the paper, and with `\printanswers` the worked key.

Owns `render_exam`.  May import: blocks, keypages, formats.latex.
"""

from __future__ import annotations

from derive.blocks import Heading
from derive.formats.latex import body, escape
from derive.keypages import Sheets

PREAMBLE = r"""% One file, two documents.  As it stands this is the paper; for the key take the % from before \printanswers below,
% or leave the file as it is and run:  pdflatex "\def\withkey{}\input{FILE}"
\documentclass[10pt,a4paper,fleqn]{exam}
%\printanswers
\usepackage{iftex}
\ifpdftex\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\else\usepackage{fontspec}\fi
\usepackage{amsmath,amssymb,longtable}
\usepackage[margin=18mm]{geometry}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
\allowdisplaybreaks
\unframedsolutions
\ifdefined\withkey\printanswers\fi
\pagestyle{headandfoot}
"""


def render_exam(sheets: Sheets, paper_id: str = "") -> str:
    """The whole document; every title, question and id is escaped."""
    top, *front = sheets.front
    assert isinstance(top, Heading)
    lines = [PREAMBLE + rf"\firstpageheader{{}}{{}}{{{escape(paper_id)}}}\runningheader{{}}{{}}{{{escape(paper_id)}}}"]
    lines += [r"\cfoot{\thepage}", r"\begin{document}", rf"\section*{{{escape(top.text)}}}", r"\begin{questions}", r"\question"]
    lines += body(front, sheets.script)
    lines += [r"\ifprintanswers", r"\begin{solution}", *body(sheets.solution, sheets.script), r"\end{solution}"]
    lines += [r"\else", *body(sheets.room, sheets.script), r"\fi", r"\end{questions}", r"\end{document}"]
    return "\n".join(lines) + "\n"
