"""Commands that read the store: status, verdict, report, compare, export."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_reprise.base import columns, errors
from keras_reprise.cli.console import (
    Selection,
    given_store,
    open_store,
    print_json,
    published_store,
    read_store,
    say_verdicts,
    say_wrapped,
)
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION, selecting
from keras_reprise.cli.root import main

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keras_reprise.judge.compare import Comparison
    from keras_reprise.judge.groups import Group
    from keras_reprise.judge.missing import Missing
    from keras_reprise.store.store import Store, Summary

VERDICT_KEYS = (
    "recipe", "version", "scale", "claim", "verdict", "n", "n_failed", "mean", "sd", "ci_low", "ci_high",
    "interval", "unit", "machine", "environment", "data",
)  # fmt: skip


MORE_KEYS = (
    "says", "where", "p", "p_exact", "reason", "printed", "erratum", "measurement", "source_sha256",
    "role", "kind", "retired", "n_inside", "n_undefined",
)  # fmt: skip


@main.command()
@click.option(
    "--missing", "only_missing", is_flag=True, help="List what this machine lacks of a suite, with the commands."
)
@click.option("--suite", "suite_name", default="all", show_default=True, help="The suite that is to be complete.")
@click.option("--scale", help="quick or full (default: the suite's).")
@click.option("--machine", help="Another machine than this one (start of its id).")
@STORE_OPTION
@JSON_OPTION
def status(
    only_missing: bool, suite_name: str, scale: str | None, machine: str | None, store_path: Path | None, as_json: bool
) -> None:
    """Show how many replicates the store holds, by machine, recipe, scale and data set, and what this machine lacks.

    Examples: reprise status

              reprise status --missing --scale full
    """
    from keras_reprise.judge.missing import missing

    try:
        summaries, store, _ = read_store(store_path)
    except errors.NothingMeasuredError:
        if not only_missing:
            raise
        summaries, store = [], open_store(store_path)
    wanted = missing(summaries, suite_name, _machine(store, machine), scale, given_store())
    rows = [vars(row) for row in wanted if row.missing] if only_missing else status_rows(summaries)
    if as_json:
        return print_json(rows)
    if only_missing:
        for line in missing_lines(wanted):
            click.echo(line)
    else:
        say_verdicts(status_text(rows, store))
    say_wrapped(missing_text(wanted, suite_name, "this machine" if machine is None else f"machine {machine}"))


def _machine(store: "Store", start: str | None) -> str:
    """The id of this machine, or of the one in the store whose id starts so."""
    if start is None:
        from keras_reprise.base.machine import machine_facts
        from keras_reprise.store.store import document_id

        return document_id(machine_facts())
    known = sorted(path.stem for path in (store.root / "machines").glob("*.json") if path.stem.startswith(start))
    if len(known) != 1:
        raise errors.UserError(
            f"{len(known)} machines of the store have an id that starts with {start!r}.\n"
            "`reprise status` shows their ids."
        )
    return known[0]


def status_rows(summaries: "Sequence[Summary]") -> list[dict[str, object]]:
    """How many replicates there are, by what makes them comparable; `source` is empty for the package's recipes."""
    from keras_reprise.catalog import sources
    from keras_reprise.judge.comparable import data_label, groups, one_per_seed

    rows = []
    for group in groups(summaries).values():
        members = one_per_seed(group)
        first = members[0]
        rows.append(
            {
                "recipe": first.recipe.slug,
                "version": first.recipe.version,
                "scale": first.recipe.scale,
                "data": data_label(first),
                "machine": first.machine,
                "environment": first.environment,
                "complete": sum(s.status == "complete" for s in members),
                "failed": sum(s.status != "complete" for s in members),
                "seconds": round(sum(s.duration_s for s in members), 1),
                "latest": max(s.finished_at for s in members)[:19] + "Z",
                "source": sources.label(first.recipe),
            }
        )
    return rows


STATUS_HEADERS = ("recipe", "scale", "data", "n", "failed", "took", "latest")


def status_text(rows: "Sequence[dict[str, object]]", store: "Store") -> str:
    """A line for each recipe, scale and data set, below the place where it was measured."""
    from keras_reprise.base.progress import format_seconds
    from keras_reprise.judge.comparable import together
    from keras_reprise.report.phrases import environment_line, machine_line

    texts = []
    for (machine, environment), mine in together(rows, lambda row: (row["machine"], row["environment"])).items():
        head = machine_line(store, str(machine)), environment_line(store, str(environment))
        cells = [
            [
                f"{row['recipe']}@{row['version']}{' of ' if row['source'] else ''}{row['source']}",
                *(str(row[name] or "-") for name in ("scale", "data")),
                *(str(row[name]) for name in ("complete", "failed")),
                format_seconds(float(str(row["seconds"]))),
                str(row["latest"])[:16].replace("T", " "),
            ]
            for row in mine
        ]
        wide = columns.available()
        lines = [part for line in head for part in columns.wrapped(line, wide, rest="  ")]
        texts.append("\n".join([*lines, "", *columns.table(STATUS_HEADERS, cells, wide)]))
    return "\n\n\n".join(texts)


def missing_lines(rows: "Sequence[Missing]") -> "Iterator[str]":
    """What is missing of each recipe and how long it takes, with the command that measures it below."""
    from keras_reprise.base.progress import format_seconds

    for row in rows:
        if row.missing:
            left = "" if row.seconds is None else f"; what is missing takes about {format_seconds(row.seconds)}"
            elsewhere = ", if it is as fast as another machine" if row.timed_elsewhere else ""
            yield from columns.wrapped(
                f"{row.recipe}@{row.version}, scale {row.scale}, data {row.data or 'none'}: {row.complete} of "
                f"{row.wanted}{left}{elsewhere}",
                columns.available(),
            )
            yield from (f"  {line}" for line in columns.command(row.command, columns.available() - 2))


def missing_text(rows: "Sequence[Missing]", suite: str, machine: str) -> str:
    """In a line or two what a machine lacks of a suite."""
    complete = sum(not row.missing for row in rows)
    scale = f" at {rows[0].scale} scale" if rows else ""
    text = f"On {machine} {complete} of {len(rows)} recipes of the suite {suite} are complete{scale}"
    if not (lacking := sum(row.missing for row in rows)):
        return f"{text}."
    return f"{text}; {lacking} replicates are missing (`reprise status --missing` lists them). {hours_text(rows)}"


def hours_text(rows: "Sequence[Missing]") -> str:
    """In a sentence how long what is missing takes, as far as records tell."""
    from keras_reprise.base.progress import format_seconds

    lacking = [row for row in rows if row.missing]
    known = [row.seconds for row in lacking if row.seconds is not None]
    unknown = len(lacking) - len(known)
    if not known:
        return "No record tells yet how long they take."
    text = f"One after the other they take about {format_seconds(sum(known))}"
    return f"{text}, and those of {unknown} recipes that no record tells of." if unknown else f"{text}."


@main.command()
@click.argument("recipes", nargs=-1)
@click.option("--strict", is_flag=True, help="Exit 5 when a claim is inconclusive.")
@click.option("-v", "--verbose", is_flag=True, help="Tell every claim, with its numbers and what stands against it.")
@selecting
@STORE_OPTION
@JSON_OPTION
def verdict(
    recipes: tuple[str, ...],
    strict: bool,
    verbose: bool,
    store_path: Path | None,
    as_json: bool,
    selection: Selection,
) -> None:
    """Say of every rule, and with -v of every claim, whether it is reproduced, contradicted or inconclusive.

    Where no card tells which of its claims are the rule, every claim is told.

    Examples: reprise verdict --scale full

              reprise verdict cifar10-lr-drop -v
    """
    from keras_reprise.judge import comparable, groups
    from keras_reprise.report import verdict_text

    summaries, store, broken = read_store(store_path, recipes, selection)
    found = sorted(groups.gather(summaries, store), key=lambda group: comparable.key(group.first).order)
    verdicts = [verdict for group in found for verdict in group.verdicts]
    if as_json:
        print_json(verdict_facts(found))
    else:
        say_verdicts(verdict_text.rule_lines(found, store, columns.available()))
        if not verbose and any(group.rule.verdict for group in found):
            say_wrapped("Add -v for every claim, its numbers, and what stands against it.")
        else:
            say_verdicts("\n\n" + verdict_text.claim_tables(found, store, columns.available()))
    if broken:
        sys.exit(errors.BROKEN)
    if strict and any(v.verdict == "inconclusive" for v in verdicts if v.counts):
        sys.exit(errors.INCONCLUSIVE)


def verdict_facts(groups: "Sequence[Group]") -> list[dict[str, object]]:
    """Every verdict as `verdict --json` prints it; `source` is empty for the numbers of the package's recipes.

    `rule` and `rule_verdict` are of the recipe's rule, the same at each of its claims there; None where it has none.
    """
    return [
        {key: getattr(verdict, key) for key in (*VERDICT_KEYS, *MORE_KEYS)}
        | {"source": group.source, "superseded": group.superseded}
        | {"rule": group.rule.rule, "rule_verdict": group.rule.verdict}
        for group in groups
        for verdict in group.verdicts
    ]


@main.command()
@click.argument("recipes", nargs=-1)
@click.option("--output", type=click.Path(path_type=Path), help="Folder to write (default: reports/ of the store).")
@click.option("--all-figures", is_flag=True, help="Draw the figures of every machine, not of three for each setting.")
@selecting
@STORE_OPTION
def report(
    recipes: tuple[str, ...], output: Path | None, all_figures: bool, store_path: Path | None, selection: Selection
) -> None:
    """Write a web site and Markdown with verdicts and figures of every recipe that has records.

    Example: reprise report --scale full --output slides
    """
    from keras_reprise.base.progress import counter
    from keras_reprise.report import site as reports

    summaries, store, broken = read_store(store_path, recipes, selection)
    whole = not recipes and selection.whole and not broken
    not_drawn: list[str] = []
    if output is None:
        store.require_own(store.root / "reports" / "figures" / "a figure")
    with counter("figures") as tell:
        index = reports.write(
            summaries,
            store,
            output or store.root / "reports",
            tell,
            warn=not_drawn.append,
            whole=whole,
            all_figures=all_figures,
            store_option=published_store(),
        )
    for text in not_drawn:
        click.echo(f"reprise: not drawn: {errors.printable(text)}", err=True)
    click.echo(f"The report is at {index}")
    if broken:
        sys.exit(errors.BROKEN)


@main.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "-v", "--verbose", is_flag=True, help="List every package, claim and recipe, not only what is to be seen."
)
@selecting
@STORE_OPTION
@JSON_OPTION
def compare(a: str, b: str, verbose: bool, store_path: Path | None, as_json: bool, selection: Selection) -> None:
    """Put two machines, environments, backends, recipe versions, git revisions or stores side by side.

    Examples: reprise compare backend:jax backend:tensorflow

              reprise compare 91d80901 6a920096

              reprise compare results ../other/results

              reprise compare reference backend:tensorflow   (with the project's own results)
    """
    from keras_reprise.judge import compare as comparing
    from keras_reprise.judge import sides
    from keras_reprise.report import comparison_facts, side_by_side

    stores = _Stores(store_path, selection)
    comparison = comparing.compare(*(sides.side(name, stores.read, stores.project) for name in (a, b)))
    if as_json:
        print_json(comparison_facts.comparison_facts(comparison))
    else:
        say_verdicts(side_by_side.comparison_text(comparison, verbose=verbose, columns=columns.available()))
    if comparison.overlapping:
        click.echo(f"reprise: {errors.printable(overlap_text(comparison))}", err=True)
    if stores.broken:
        sys.exit(errors.BROKEN)


class _Stores:
    """The stores that the sides of a comparison name, read when they are asked for. `broken`: files were left out."""

    def __init__(self, default: Path | None, selection: Selection) -> None:
        self.default, self.selection = default, selection
        self.known: dict[Path | None, tuple[list[Summary], Store]] = {}
        self.broken = False

    def read(self, path: Path | None) -> "tuple[list[Summary], Store]":
        """The selected records of the store at `path`, or of the command's own."""
        if path not in self.known:
            self.known[path] = self._read(path or self.default, self.selection)
        return self.known[path]

    def project(self) -> "tuple[list[Summary], Store]":
        """The project's own results, which are of other machines: only scale and data set choose among them."""
        from keras_reprise.judge import reference

        anywhere = Selection(scale=self.selection.scale, data_name=self.selection.data_name)
        store = reference.store()
        if not isinstance(store, reference.Reference):
            return self._read(store.root, anywhere)
        return [summary for summary in store.summaries()[0] if anywhere.has(summary)], store

    def _read(self, path: Path | None, selection: Selection) -> "tuple[list[Summary], Store]":
        summaries, store, broken = read_store(path, (), selection)
        self.broken = self.broken or broken
        return summaries, store


def overlap_text(comparison: "Comparison") -> str:
    """In a sentence which recipe settings have records that are on both sides."""
    named = [pair.setting for pair in comparison.overlapping]
    listed = "; ".join(named[:3]) + (f"; and {len(named) - 3} more" if len(named) > 3 else "")
    return (
        f"in {len(named)} of {len(comparison.pairs)} recipe settings both sides have records in common, so that "
        f"they are no comparison: {listed}"
    )


@main.command()
@click.argument("recipes", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "ro-crate", "mlflow"]),
    default="csv",
    show_default=True,
    help="What to write.",
)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
@selecting
@STORE_OPTION
def export(recipes: tuple[str, ...], form: str, output: Path, store_path: Path | None, selection: Selection) -> None:
    """Write records for other tools: tidy tables (csv, parquet), a Process Run Crate (ro-crate), an MLflow database.

    Examples: reprise export --output tables

              reprise export cifar10-lr-drop --format mlflow --output runs
    """
    from keras_reprise.report.export import crate, tables, tracking

    summaries, store, broken = read_store(store_path, recipes, selection)
    if form == "ro-crate":
        files = [crate.write(summaries, store, output)]
    elif form == "mlflow":
        files = [tracking.write(summaries, store, output)]
    else:
        files = tables.write(summaries, store, output, form)
    click.echo(f"{len(summaries)} records are in {', '.join(str(file) for file in files)}")
    if broken:
        sys.exit(errors.BROKEN)
