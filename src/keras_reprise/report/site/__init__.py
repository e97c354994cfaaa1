"""The report: a static web site that needs no network, with Markdown beside it.

Texts of records are data: they are escaped.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from keras_reprise.base.errors import StoreError, UserError
from keras_reprise.base.files import make_folder, write_atomically
from keras_reprise.report.site import html, markdown
from keras_reprise.report.site.build import build
from keras_reprise.report.site.model import Site
from keras_reprise.store.store import Store, Summary

MARK = 'name="generator" content="keras-reprise '  # what tells that a page is ours to replace or remove


def write(
    summaries: Sequence[Summary],
    store: Store,
    folder: Path,
    tell: Callable[[int, int], None] = lambda done, total: None,
    *,
    warn: Callable[[str], None] = lambda text: None,
    whole: bool = False,
    all_figures: bool = False,
    store_option: str = "",
) -> Path:
    """Write the report of the records `summaries` to `folder`; returns its front page.

    A report of the `whole` store also removes the pages and figures of an earlier one that nothing leads to any more.
    UserError, before anything is written, where a front page would replace a file that is none of a report.
    `tell(done, total)` hears of the figures that are drawn, `warn(text)` of each that cannot be; `store_option` ends
    the commands that the pages print.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file, so no report can be written there.\nGive --output a folder.")
    _require_ours(folder)
    make_folder(folder)
    site = build(summaries, store, folder, tell, all_figures=all_figures, store_option=store_option, whole=whole)
    for text in _not_drawn(site):
        warn(text)
    written = {
        **html.render(site),
        **markdown.render(site),
        ".nojekyll": "",  # GitHub Pages would else turn the Markdown into pages of the same names
    }
    for name, text in written.items():
        path = folder / name
        content = text.encode()
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)
    if whole:
        _remove_others(site, set(written), folder)
    return folder / "index.html"


def _require_ours(folder: Path) -> None:
    """UserError where a front page of the report would replace a file that no report wrote."""
    ours = {"index.html": MARK in _beginning(folder / "index.html")}
    ours["README.md"] = _beginning(folder / "README.md").startswith(markdown.BEGINNINGS)
    for path in (folder / name for name, known in ours.items() if not known):
        if path.is_file():
            raise UserError(
                f"{path} is no page of a report, and would be replaced by one.\n"
                "Nothing was written. Give --output a folder of its own, or move that file away."
            )


def _beginning(path: Path) -> str:
    """The first 2,000 letters of a file; nothing where there is none."""
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(2000)


def _not_drawn(site: Site) -> list[str]:
    """Which figures the pages lack and why, each once for all machines."""
    found = [
        f"{page.name}: {figure.caption} {figure.fault}"
        for page in (*site.recipes, *site.superseded)
        for section in page.sections
        for figure in section.figures
        if figure.fault
    ]
    return list(dict.fromkeys(found))


def _remove_others(site: Site, written: set[str], folder: Path) -> None:
    shown = {figure.file for page in (*site.recipes, *site.superseded) for s in page.sections for figure in s.figures}
    shown |= {one.figure for machine in site.machines for one in machine.histories if one.figure}
    shown |= {file for page in site.gate.comparisons for _, file in page.figures}
    for path in folder.glob("*.html"):
        if path.name not in written and MARK in _beginning(path):
            path.unlink()
            path.with_suffix(".md").unlink(missing_ok=True)
    for path in (folder / "figures").glob("*.svg"):
        if f"figures/{path.name}" not in shown and path.read_bytes().rstrip().endswith(b"-->"):
            path.unlink()
