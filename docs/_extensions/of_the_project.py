"""Pages that are made of the project itself while the site is built, so that they are never of yesterday.

The gallery of recipes (catalogue, records and report), the commands with their help, the words of the report, and
the files at the project's top that are pages of the site, too.
"""

import html
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.domains.std import Glossary
from sphinx.util.docutils import SphinxDirective

from keras_reprise import catalog, results
from keras_reprise.base.errors import UserError
from keras_reprise.catalog.lockfile import LockEntry
from keras_reprise.cli import main
from keras_reprise.judge import groups
from keras_reprise.judge.groups import Group
from keras_reprise.record import wording
from keras_reprise.report.site.drawing import drawings
from keras_reprise.report.site.glossary import TERMS
from keras_reprise.report.telling import told

TOP = Path(__file__).parents[2]
RESULTS = TOP / "results"
REPORT = RESULTS / "reports"  # copied into the site, as the folder `report`
PAGES = {"README.md": None, "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
SIGNS = {"reproduced": "✓", "contradicted": "✗", "inconclusive": "?"}


class Card(NamedTuple):
    """A recipe as the gallery shows it; `group` stands for it, and is None where nothing was measured yet."""

    entry: LockEntry
    group: Group | None
    place: str


def cards() -> list[Card]:
    """A card for each recipe, by family and slug."""
    entries = sorted(catalog.current(), key=lambda entry: (entry.family, entry.slug))
    try:
        found = results(RESULTS)
    except UserError:  # a site without results is a site
        return [Card(entry, None, "") for entry in entries]
    judged = groups.gather(found._summaries, found._store)
    shown = []
    for entry in entries:
        mine = [
            group for group in judged if (group.slug, group.version) == (entry.slug, entry.version) and group.stands
        ]
        if not mine:
            shown.append(Card(entry, None, ""))
            continue
        group = max(mine, key=lambda group: group.rank)
        machine = wording.hardware(found._store.document("machines", group.machine))
        backend = wording.backend_name(found._store.document("environments", group.environment))
        shown.append(Card(entry, group, f"{backend}, {group.scale} scale, {len(group.complete)} replicates, {machine}"))
    return shown


def as_html(card: Card) -> str:
    """One card; everything in it is text."""
    entry, group = card.entry, card.group
    verdict, measured, picture, page = "not measured yet", "", "", ""
    if group is not None:
        word = group.rule.verdict or "inconclusive"
        verdict = f'<span class="{word}">{SIGNS[word]} {word}</span>'
        if (decided := group.rule.deciding) is not None:
            found = told(decided, next(claim for claim in group.card.claims if claim.id == decided.claim))
            measured = f"{', '.join(filter(None, (found.number, found.spread)))}; {card.place}"
        page = f"{entry.slug}-v{entry.version}.html"
        files = [one.file for one in drawings(group)[:1] if (REPORT / one.file).is_file()]
        picture = "".join(f'<img src="report/{html.escape(one)}" alt="" loading="lazy">' for one in files)
    head = html.escape(entry.card.title)
    if page and (REPORT / page).is_file():
        head = f'<a href="report/{html.escape(page)}">{head}</a>'
    return (
        f'<article class="recipe">{picture}<p class="rule">{head}</p><p class="verdict">{verdict}</p>'
        f'<p class="measured">{html.escape(measured)}</p>'
        f"<p><code>reprise run {html.escape(entry.slug)}</code></p></article>"
    )


def counted(found: list[Card]) -> str:
    """How many rules have which verdict, in a sentence."""
    verdicts = Counter(card.group.rule.verdict if card.group else None for card in found)
    told = ", ".join(f"{verdicts[word]} {word}" for word in SIGNS)
    missing = len(found) - sum(verdicts[word] for word in SIGNS)
    return f"{len(found)} rules: {told}" + (f", {missing} without a verdict yet." if missing else ".")


class Gallery(SphinxDirective):
    """`{recipe-gallery}`: every recipe, a section for each family; or the named ones, under how many rules hold."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        found = cards()
        if self.arguments:
            slugs = [catalog.find(name).slug for name in self.arguments[0].split()]  # UserError for one that is gone
            by_slug = {card.entry.slug: card for card in found}
            named = [as_html(by_slug[slug]) for slug in slugs]
            return [nodes.raw("", f'<p>{counted(found)}</p><div class="gallery">{"".join(named)}</div>', format="html")]
        by_family: dict[str, list[str]] = {}
        for card in found:
            by_family.setdefault(card.entry.family, []).append(as_html(card))
        return [self._section(family, texts) for family, texts in by_family.items()]

    def _section(self, family: str, texts: list[str]) -> nodes.section:
        title = family.upper() if len(family) <= 3 else family.replace("-", " ").capitalize()
        inside = nodes.raw("", f'<div class="gallery">{"".join(texts)}</div>', format="html")
        return nodes.section("", nodes.title("", title), inside, ids=[f"family-{family}"], names=[f"family-{family}"])


class Commands(SphinxDirective):
    """`{commands}`: every command, with the help that it prints."""

    def run(self) -> list[nodes.Node]:
        whole = click.Context(main, info_name="reprise", **main.context_settings)
        found = {name: main.get_command(whole, name) for name in main.list_commands(whole)}
        return [self._section(name, command, whole) for name, command in found.items() if command is not None]

    def _section(self, name: str, command: click.Command, whole: click.Context) -> nodes.section:
        text = command.get_help(click.Context(command, info_name=name, parent=whole))
        inside = nodes.literal_block(text, text, language="none")
        label = f"command-{name}"
        return nodes.section("", nodes.title("", "", nodes.literal("", name)), inside, ids=[label], names=[label])


class Terms(Glossary):
    """`{terms}`: a glossary that also has the words of the report, so that both say the same of them."""

    def run(self) -> list[nodes.Node]:
        lines = [line for term in TERMS for line in (term.word, f"  {term.means}", "")]
        self.content = self.content + StringList(["", *lines], source="keras_reprise.report.site.glossary")
        return super().run()


def as_pages(text: str, folder: str) -> str:
    """A text of the project whose links lead to pages of the site; `folder` leads from the text's to the docs'."""
    for name, page in PAGES.items():
        text = re.sub(rf"\]\((?:\.\./)?{re.escape(name)}(?=[)#])", f"]({page or 'index.md'}", text)
    if folder:
        text = re.sub(rf"\]\({folder}/", "](", text)
        text = re.sub(r"\]\((examples|documents|results|recipes)/", r"](../\1/", text)
    return text


def _read(app: Sphinx, name: str, content: list[str]) -> None:
    content[0] = as_pages(content[0], "")


def _included(app: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    content[0] = as_pages(content[0], "docs")


def _as_plain_text(app: Sphinx, what: str, name: str, of: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text with code within backticks: no other character means anything in them."""
    lines[:] = ["`".join(_escaped(line.split("`"))) for line in lines]


def _escaped(parts: list[str]) -> list[str]:
    return [part if number % 2 else re.sub(r"([\\*|]|_(?!\w))", r"\\\1", part) for number, part in enumerate(parts)]


def _add_report(app: Sphinx, error: Exception | None) -> None:
    """Copy the report into the site, to which the gallery leads."""
    if error is None and app.builder.format == "html" and REPORT.is_dir():
        shutil.copytree(REPORT, Path(app.outdir) / "report", dirs_exist_ok=True)


def setup(app: Sphinx) -> dict[str, object]:
    """Register all of it with Sphinx."""
    app.add_directive("recipe-gallery", Gallery)
    app.add_directive("commands", Commands)
    app.add_directive("terms", Terms)
    app.connect("source-read", _read)
    app.connect("include-read", _included)
    app.connect("autodoc-process-docstring", _as_plain_text)
    app.connect("build-finished", _add_report)
    return {"parallel_read_safe": True}
