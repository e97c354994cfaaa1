"""Commands about citations: cite, check-citations, resolve."""

import re
import sys
from pathlib import Path
from typing import Any

import click

from keras_reprise import errors
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION, selecting
from keras_reprise.cli.root import main
from keras_reprise.console import print_json, read_store, say

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
    "--figures", type=click.Path(path_type=Path, file_okay=False), help="Also draw the figures into this folder."
)
@click.option("--figure-format", type=click.Choice(["pdf", "pgf", "svg"]), default="pdf", show_default=True, help="Their format; pgf needs LaTeX.")  # fmt: skip
@selecting
@STORE_OPTION
@JSON_OPTION
def cite(
    what: tuple[str, ...], form: str, latex: bool, figures: Path | None, figure_format: str, store_path: Path | None,
    as_json: bool, **selection: Any,
) -> None:  # fmt: skip
    """Cite a recipe, a claim, a record or one number.

    WHAT is a recipe (cifar10-lr-drop), a claim or metric of it (cifar10-lr-drop/drop-lowers-train-loss,
    cifar10-lr-drop/arm/drop/test_accuracy), an identifier (reprise:...) or the start of a record's id.

    Examples: reprise cite cifar10-lr-drop/drop-lowers-train-loss --format markdown

              reprise cite --latex --figures figures > results.tex
    """
    from keras_reprise import citing, groups, identifiers
    from keras_reprise import latex as tex
    from keras_reprise.progress import counter
    from keras_reprise.quantities import find_group, quantities, quantity, split_key

    summaries, store, broken = read_store(store_path, (), **selection)
    found = groups.gather(summaries, store)
    if not what and not (latex or form == "latex"):
        raise errors.UserError(
            "Say what to cite.\nA recipe, recipe/claim, an identifier or a record's id; --latex without any writes macros for the whole store."
        )
    if latex or form == "latex":
        chosen = []
        for name in what:
            slug, version, place, _, _ = split_key(name)
            group = find_group(found, slug, version, place)
            chosen.append((name.split("/")[0], group))
        chosen = chosen or _every(found)
        with counter("figures") as tell:
            lines = tex.draw(chosen, store, figures, figure_format, tell) if figures else []
        command = " ".join(["reprise cite --latex", *what])
        text = tex.macros([(key, group, list(quantities(group, store))) for key, group in chosen], command)
        click.echo(text + "\n".join(lines))
        _warn([group.uncitable for _, group in chosen if group.uncitable])
        sys.exit(errors.BROKEN if broken else errors.OK)
    citations = []
    for name in what:
        if name.startswith("reprise:") or re.fullmatch(r"[0-9a-f]{6,64}", name):
            whole, _, fragment = name.partition("#")
            hit = identifiers.find(whole, found, store)
            group, more = hit.group, what_of(record=hit.record)
            if fragment:
                more = what_of(quantity=quantity(group, split_key(f"x/{fragment}")[3], store))
        else:
            slug, version, place, part, _ = split_key(name)
            group = find_group(found, slug, version, place)
            more = what_of(quantity=quantity(group, part, store) if part else None)
        cited = [more["record"]] if "record" in more else list(group.members)
        for summary in cited:
            store.read(store.root / summary.path)
        swhid = identifiers.swhid(store, [summary.path for summary in cited])
        citations.append(citing.of(group, store, swhid, **more))
        if figures:
            with counter("figures") as tell:
                tex.draw([(group.slug, group)], store, figures, figure_format, tell)
    if as_json:
        print_json([citing.facts(citation) for citation in citations])
    else:
        for citation in citations:
            say(citing.FORMATS[form](citation))
    _warn([f"{c.identifier}: {c.warning}" for c in citations if c.warning])
    if broken:
        sys.exit(errors.BROKEN)


def what_of(**what: Any) -> dict[str, Any]:
    """What of a group is cited: nothing where it is the group itself."""
    return {name: value for name, value in what.items() if value is not None}


def _every(found: list[Any]) -> list[tuple[str, Any]]:
    """Each recipe's standing group under its slug, the others under their full key."""
    keyed, seen = [], set()
    for group in sorted(found, key=lambda group: (group.slug, group.version, group.rank), reverse=True):
        key = f"{group.slug}@{group.version}:{group.key}" if group.slug in seen else group.slug
        seen.add(group.slug)
        keyed.append((key, group))
    return sorted(keyed, key=lambda pair: pair[0])


def _warn(reasons: list[str]) -> None:
    for reason in dict.fromkeys(reasons):
        click.echo(f"reprise: not citable: {errors.printable(reason)}", err=True)


@main.command("check-citations")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--as-cited", is_flag=True, help="Accept what was true when it was cited, though newer records say otherwise."
)
@STORE_OPTION
@JSON_OPTION
def check_citations(files: tuple[Path, ...], as_cited: bool, store_path: Path | None, as_json: bool) -> None:
    """Say which numbers of a document no longer match the store, and which identifiers do not exist.

    Reads Markdown, LaTeX and reStructuredText: identifiers with the numbers before them, and LaTeX macros.

    Example: reprise check-citations article.tex README.md
    """
    from keras_reprise import check_citations as checking
    from keras_reprise import groups

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
            "The files cite nothing of a store.\nIdentifiers look like reprise:slug@1/0123456789ab#claim/mean; `reprise cite` prints them."
        )


@main.command()
@click.argument("identifier")
@STORE_OPTION
@JSON_OPTION
def resolve(identifier: str, store_path: Path | None, as_json: bool) -> None:
    """Find what an identifier names, and print the command that replays it.

    Example: reprise resolve reprise:cifar10-lr-drop@1/0123456789ab
    """
    from keras_reprise import citing, groups, identifiers

    summaries, store, broken = read_store(store_path, ())
    found = identifiers.find(identifier.split("#")[0], groups.gather(summaries, store), store)
    members = [found.record] if found.record else found.group.replicates
    for summary in members:
        store.read(store.root / summary.path)
    citation = citing.of(found.group, store, identifiers.swhid(store, [s.path for s in members]), record=found.record)
    commits = sorted({s.code.git_commit for s in members if s.code.git_commit})
    if as_json:
        print_json(citing.facts(citation) | {"paths": [s.path for s in members], "commits": commits, "outdated": found.outdated, "current": found.current.identifier})  # fmt: skip
    else:
        say(citing.sentence(citation))
        say("\n".join(f"  {s.path}  ({s.status}, {s.finished_at[:19]}Z)" for s in members))
        if found.outdated:
            say(f"More replicates have joined since: {found.current.identifier} has {len(found.current.complete)}.")
        if commits:
            say(f"Measured with the code of {', '.join(commits)}; for the same code:\n  git checkout {commits[-1]}")
        say(f"Replay:\n  {citation.replay}")
    if broken:
        sys.exit(errors.BROKEN)
