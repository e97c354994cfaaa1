"""From a drawing to a file: one style for all figures, and the same bytes for the same records."""

import io
import re
import shutil
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure as Plot
from matplotlib.text import Text

from keras_reprise.base.errors import UserError, printable

INK, LINE, GRID = "#262626", "#cccccc", "#e6e6e6"
STYLE: Any = {
    "axes.edgecolor": LINE,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": GRID,
    "legend.frameon": False,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "keras-reprise",
    "text.color": INK,
}
# What a dark page shows instead: attributes stay, so that programs that know no style sheet draw the light figure.
DARK = {INK: "#e8e8e8", "#000000": "#ffffff", LINE: "#5a5f66", GRID: "#3a3f46"}


class Saving(TypedDict, total=False):
    """What `savefig` is told beside the format."""

    metadata: dict[str, str | None]


METADATA: Mapping[str, Saving] = {  # no dates: the same records give the same bytes
    "png": {"metadata": {"Software": "keras-reprise"}},
    "svg": {"metadata": {"Date": None, "Creator": "keras-reprise"}},
    "pdf": {"metadata": {"CreationDate": None, "ModDate": None, "Creator": "keras-reprise"}},
    "pgf": {},
}


def render(make: Callable[[], Plot], form: str, style: Mapping[str, object] | None = None) -> bytes:
    """What `make` draws, in the style of all figures, as SVG, PDF, PGF or PNG; a `style` of its own is not turned for
    a dark page."""
    if form not in METADATA:
        raise UserError(f"Figures are drawn as {', '.join(METADATA)}, not {form}.\nName the file something.svg.")
    with mpl.rc_context(), sns.axes_style("whitegrid"), sns.color_palette("colorblind"):
        mpl.rcParams.update(STYLE | (_latex() if form == "pgf" else {}) | dict(style or {}))
        figure = make()
        for text in figure.findobj(Text):
            if not text.get_text().isprintable():
                text.set_text(printable(text.get_text()))
            if "$" in text.get_text() and "mathdefault" not in text.get_text():
                text.set_parse_math(False)  # labels are data: a dollar sign is a dollar sign
        buffer = io.StringIO() if form == "pgf" else io.BytesIO()
        try:
            figure.savefig(buffer, format=form, **METADATA[form])
        finally:
            plt.close(figure)
    content = buffer.getvalue()
    content = content.encode() if isinstance(content, str) else content
    return _themed(content) if form == "svg" and style is None else content


def _latex() -> dict[str, object]:
    """Settings of PGF: the LaTeX that is here, and the fonts of the document that inputs the figure."""
    here = [name for name in ("pdflatex", "xelatex", "lualatex") if shutil.which(name)]
    if not here:
        raise UserError(
            "A PGF figure needs pdflatex, xelatex or lualatex, and none is here.\nInstall LaTeX, or draw PDF."
        )
    return {"pgf.texsystem": here[0], "pgf.rcfonts": False}


def _themed(svg: bytes) -> bytes:
    """The SVG without trailing blanks, with a style sheet that turns ink and grid for a dark page."""
    rules = " ".join(
        f'[style*="{name}: {light}"] {{ {name}: {dark} !important }}'
        for light, dark in DARK.items()
        for name in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark) {{ {rules} }}</style>".encode()
    stripped = b"\n".join(line.rstrip() for line in svg.split(b"\n"))
    return re.sub(rb"(<svg [^>]*>)", rb"\1" + style.replace(b"\\", rb"\\"), stripped, count=1)
