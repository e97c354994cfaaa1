"""The report as a web site, from the templates beside this file. Everything that is inserted is escaped."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import jinja2
from markupsafe import Markup, escape

from keras_reprise.base.errors import printable
from keras_reprise.catalog import documents
from keras_reprise.gate.present import MARKS
from keras_reprise.gate.rule import IMPROVED, REGRESSED
from keras_reprise.record import wording
from keras_reprise.report import phrases, side_by_side
from keras_reprise.report.site.claim_views import counted
from keras_reprise.report.site.document_pages import document_pages
from keras_reprise.report.site.figure_pages import figure_pages
from keras_reprise.report.site.glossary import BY_KEY, TERMS
from keras_reprise.report.site.model import Site
from keras_reprise.report.site.over_places import number_histories, place_table
from keras_reprise.report.telling import probability

NAMES = re.compile(r"`([^`]+)`")  # a backtick is never part of an entity
FIGURE_STYLE = ("report.css", "uplot/uPlot.min.css", "figure.css")
FIGURE_SCRIPT = ("uplot/uPlot.iife.min.js", "report.js", "figure.js")  # beside the pages: many load it
CHANGED = {REGRESSED: "contradicted", IMPROVED: "reproduced"}  # a verdict's colour
SIGNS = {"reproduced": "✓", "contradicted": "✗", "inconclusive": "?"}


def render(site: Site) -> dict[str, str]:
    """The pages by file name: the front page, one for each recipe version, figure, document and machine, the places,
    what is missing, and the gate with its comparisons; and what all pages of figures load."""
    environment = _environment()
    walks = document_pages(site.recipes)
    shared: dict[str, object] = {
        "site": site,
        "walked": {one.document.key for one in walks},
        "described_machines": {one.machine: f"{one.hardware} ({one.machine[:8]})" for one in site.machines},
    }
    histories = number_histories(site.recipes, site.superseded)
    written = {
        "index.html": environment.get_template("front.html").render(shared),
        "glossary.html": environment.get_template("glossary.html").render(shared, terms=TERMS),
        "comparison.html": environment.get_template("comparison.html").render(shared, table=place_table(site.recipes)),
        "gate.html": environment.get_template("gate.html").render(shared, gate=site.gate),
        "history.html": environment.get_template("history.html").render(shared, histories=histories),
    }
    recipe, machine = environment.get_template("recipe.html"), environment.get_template("machine.html")
    for page in (*site.recipes, *site.superseded):
        written[f"{page.stem}.html"] = recipe.render(shared, page=page)
    document = environment.get_template("document.html")
    for one in walks:
        written[f"{one.stem}.html"] = document.render(shared, page=one)
    figure = environment.get_template("figure.html")
    for shown in figure_pages((*site.recipes, *site.superseded)):
        written[f"{shown.stem}.html"] = figure.render(shared, shown=shown)
    environments = environment.get_template("environments.html")
    for one_compared in site.gate.comparisons:
        written[f"{one_compared.stem}.html"] = environments.render(shared, page=one_compared)
    if site.missing:
        pages = {page.card.slug: page.stem for page in site.recipes if not page.foreign}
        written["missing.html"] = environment.get_template("missing.html").render(
            shared, page=site.missing, pages=pages
        )
    for place in site.machines:
        written[f"machine-{place.machine}.html"] = machine.render(shared, page=place)
    return written | {"figure.css": _joined(FIGURE_STYLE), "figure.js": _joined(FIGURE_SCRIPT)}


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("keras_reprise.report.site"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"code": _code, "capitalize_first": lambda text: text[:1].upper() + text[1:]}
    style, script = _static("report.css"), _static("report.js")
    environment.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        "policy": _policy(style, script),
        "figure_policy": _policy_of("'self' file:", "'self' file:"),
        "signs": SIGNS,
        "marks": MARKS,
        "changed": CHANGED,
        "glossary": BY_KEY,
        "counted": counted,
        "aligned": wording.aligned,
        "number": wording.number,
        "interval": wording.interval,
        "described": documents.described,
        "tally": phrases.tally,
        "probability": probability,
        "told": side_by_side.summary,
        "overall_speed": side_by_side.overall_speed,
        "speed_interval": side_by_side.speed_interval,
        "claim_change": side_by_side.change,
    }
    return environment


def _code(text: str) -> Markup:
    """A text of ours or of a card, what it has between backticks as code; all of it escaped."""
    return Markup(NAMES.sub(r"<code>\1</code>", str(escape(printable(text)))))  # escaped before it is marked


def _static(name: str) -> str:
    return (files("keras_reprise.report.site") / "templates" / name).read_text("utf-8")


def _joined(names: Sequence[str]) -> str:
    return "\n".join(map(_static, names))


def _policy(style: str, script: str) -> str:
    """The content security policy: our own style and script and the site's pictures, and nothing else."""
    return _policy_of(_hash(style), _hash(script))


def _policy_of(style: str, script: str) -> str:
    return (
        f"default-src 'none'; img-src 'self' file: data:; style-src {style}; script-src {script}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
