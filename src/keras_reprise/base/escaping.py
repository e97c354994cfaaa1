"""Texts of records and cards as plain text of a markup language: nothing in them acts there.

No command, link, table cell, mathematics or control character is their own.
"""

import html
import re
from json import dumps

from keras_reprise.base.errors import printable

LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": r"$-$", "×": r"$\times$", "²": r"\textsuperscript{2}", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$",
    "µ": r"$\mu$",
}  # fmt: skip


def markdown(text: object) -> str:
    """Text that stands in Markdown as it is: no HTML, no links, no table cells of its own."""
    return re.sub(r"([\\`*_{}\[\]|#])", r"\\\1", html.escape(printable(str(text)), quote=False)).replace("\n", " ")


def markdown_code(text: str) -> str:
    """Text within backticks: what would end them or the table's cell, or look like a link, is changed."""
    text = printable(text)
    for bad, good in (("`", "'"), ("|", "/"), ("\n", " "), ("](", "] (")):
        text = text.replace(bad, good)
    return html.escape(text, quote=False)


def latex(text: str) -> str:
    """Text that LaTeX sets as it is: no command, no mathematics, no comment, on one line."""
    return "".join(LATEX.get(character, character) for character in printable(" ".join(text.split())))


def json(text: str) -> str:
    """JSON of the same meaning, whose lines have printable characters alone: the others stand in JSON's own escapes."""
    lines = text.split("\n")
    return "\n".join("".join(c if c.isprintable() else dumps(c).strip('"') for c in line) for line in lines)
