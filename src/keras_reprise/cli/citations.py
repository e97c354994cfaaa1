"""Commands about citations: cite, check-citations, resolve."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from keras_reprise.base import errors
from keras_reprise.cli.console import Selection, given_store, print_json, published_store, read_store, say
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION, selecting
from keras_reprise.cli.root import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_reprise.judge.groups import Group
    from keras_reprise.store.store import Store

    Keyed = Sequence[tuple[str, Group]]  # what is cited of, by the key of its macros

FORMATS = ("sentence", "markdown", "bibtex", "biblatex", "csl-json", "cff", "latex")


@main.command()
@click.argument("what", nargs=-1)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="sentence", show_default=True, help="What to print."
)
@click.option(
    "--latex", is_flag=True, help="The same as --format latex: macros for every number of WHAT, or of the store."
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw what is cited as a slide into this PNG, SVG or PDF file: figure, rule, verdict, number and source.",
)
@click.option(
    "--figures", type=click.Path(path_type=Path, file_okay=False), help="Also draw the figures into this folder."
)
@click.option(
    "--figure-format",
    type=click.Choice(["pdf", "pgf", "svg"]),
    default="pdf",
    show_default=True,
    help="Their format; pgf needs LaTeX.",
)
@selecting
@STORE_OPTION
@JSON_OPTION
def cite(
    what: tuple[str, ...], form: str, latex: bool, figure: Path | None, figures: Path | None, figure_format: str,
    store_path: Path | None, as_json: bool, selection: Selection,
) -> None:  # fmt: skip
    """Cite a recipe, a claim, a record or one number.

    WHAT is a recipe (cifar10-lr-drop), a claim or metric of it (cifar10-lr-drop/drop-lowers-train-loss,
    cifar10-lr-drop/arm/drop/test_error), an identifier (reprise:...) or the start of a record's id.

    Examples: reprise cite cifar10-lr-drop/drop-lowers-train-loss --format markdown

              reprise cite --latex --figures figures > results.tex

              reprise cite cifar10-lr-drop --figure slide.png

    A page that certifies a replay, and a badge for a README: `reprise certificate`.
    """
    formatted = _is_given("form") and not (latex and form == "latex")
    ways = {"--json": as_json, "--latex": latex, f"--format {form}": formatted}
    if len(given := [way for way, is_given in ways.items() if is_given]) > 1:
        raise errors.UserError(
            f"{given[0]} and {given[1]} are two ways to print what is cited.\n"
            "Only one of them would be printed. Give one."
        )
    from keras_reprise.judge import groups
    from keras_reprise.report.cite import bibliography, slides
    from keras_reprise.report.cite import citations as citing
    from keras_reprise.report.cite import latex as tex

    summaries, store, broken = read_store(store_path, (), selection)
    found = groups.gather(summaries, store)
    latex = latex or form == "latex"
    if not what and not latex:
        raise errors.UserError(
            "Say what to cite.\nA recipe, recipe/claim, an identifier or a record's id; "
            "--latex without any writes macros for the whole store."
        )
    if figure and len(what) != 1:
        raise errors.UserError(f"A slide shows one thing, and {len(what)} are cited.\nName one with --figure.")
    citations = [citing.find(name, found, store) for name in what]
    chosen = list({c.key: c.group for c in citations}.items()) or tex.keyed(found)
    lines = _draw(chosen, store, figures, figure_format) if figures else []
    if figure:
        slides.write(citations[0], store, figure)
    if latex:
        command = " ".join(["reprise cite --latex", *what]) + published_store()
        click.echo(tex.macros(chosen, store, command) + "\n".join(lines))
    elif as_json:
        print_json([citing.facts(citation) for citation in citations])
    else:
        say(bibliography.FORMATS[form](citations))
    warnings = [c.warning for c in citations] if not latex else [group.uncitable for _, group in chosen]
    for reason in dict.fromkeys(filter(None, warnings)):
        click.echo(f"reprise: not citable: {errors.printable(reason)}", err=True)
    if latex:
        _tell_of_names_without_macros(chosen, store)
    if broken:
        sys.exit(errors.BROKEN)


def _is_given(option: str) -> bool:
    """Whether the command line says what this option is, be it the default."""
    return click.get_current_context().get_parameter_source(option) is not ParameterSource.DEFAULT


def _draw(chosen: "Keyed", store: "Store", folder: Path, form: str) -> list[str]:
    """Draw the figures of what is cited; returns the LaTeX that includes them, and says which could not be drawn."""
    from keras_reprise.base.progress import counter
    from keras_reprise.report.cite import latex as tex

    not_drawn: list[str] = []
    with counter("figures") as tell:
        lines = tex.draw(chosen, store, folder, form, tell, not_drawn.append)
    for text in not_drawn:
        click.echo(f"reprise: not drawn: {errors.printable(text)}", err=True)
    return lines


def _tell_of_names_without_macros(chosen: "Keyed", store: "Store") -> None:
    from keras_reprise.report.cite import quantities

    for key, group in chosen:
        for name in quantities.uncarried(group, store):
            click.echo(f"reprise: left out: {key}/{errors.printable(name)}: no macro can carry this name", err=True)


@main.command("check-citations")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--as-cited", is_flag=True, help="Accept what was true when it was cited, though newer records say otherwise."
)
@STORE_OPTION
@JSON_OPTION
def check_citations(files: tuple[Path, ...], as_cited: bool, store_path: Path | None, as_json: bool) -> None:
    """Say which numbers of a document no longer match the store, and which identifiers do not exist.

    Reads Markdown, LaTeX and reStructuredText: identifiers with the numbers before them, and LaTeX macros; and the
    JSON files of certificates.

    Example: reprise check-citations article.tex README.md certificate.json
    """
    from keras_reprise.judge import groups
    from keras_reprise.report.cite import checking as checking

    summaries, store, broken = read_store(store_path, ())
    checker = checking.Checker(groups.gather(summaries, store), store, as_cited)
    findings = [finding for file in files for finding in checker.check(file)]
    wrong = [finding for finding in findings if not finding.note]
    if as_json:
        facts = [{"file": f.file, "line": f.line, "what": f.what, "note": f.note} for f in findings]
        print_json({"checked": checker.checked, "wrong": len(wrong), "findings": facts})
    else:
        for finding in findings:
            say(str(finding))
        say(f"{checker.checked} citations checked, {len(wrong)} wrong.")
    if wrong or broken:
        sys.exit(errors.BROKEN)
    if not checker.checked:
        raise errors.NothingMeasuredError(
            "The files cite nothing of a store.\n"
            "Identifiers look like reprise:slug@1/0123456789ab#claim/mean; `reprise cite` prints them."
        )


@main.command()
@click.argument("identifier")
@STORE_OPTION
@JSON_OPTION
def resolve(identifier: str, store_path: Path | None, as_json: bool) -> None:
    """Find what an identifier names, and print the command that replays it.

    Example: reprise resolve reprise:cifar10-lr-drop@1/0123456789ab
    """
    from keras_reprise.judge import groups
    from keras_reprise.report.cite import citations as citing
    from keras_reprise.report.cite import identifiers

    summaries, store, broken = read_store(store_path, ())
    found = identifiers.find(identifier.split("#")[0], groups.gather(summaries, store), store)
    members = [found.record] if found.record else found.group.replicates
    citation = citing.of(found.group, store, record=found.record, pooled=found.pooled)
    commits = sorted({s.code.git_commit for s in members if s.code.git_commit})
    if as_json:
        of_now = {"outdated": found.outdated, "current": found.current.identifier}
        print_json(citing.facts(citation) | {"paths": [s.path for s in members], "commits": commits} | of_now)
    else:
        say(citing.sentence(citation))
        say("\n".join(f"  {s.path}  ({s.status}, {s.finished_at[:19]}Z)" for s in members))
        if found.outdated:
            say(f"More replicates have joined since: {found.current.identifier} has {len(found.current.complete)}.")
        if commits:
            say(f"Measured with the code of {', '.join(commits)}; for the same code:\n  git checkout {commits[-1]}")
        say(f"Replay:\n  {citation.replay}{given_store()}")
    if broken:
        sys.exit(errors.BROKEN)
