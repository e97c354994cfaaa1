"""Commands that read the store: status, verdict, report, compare, check."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keras_reprise.base import errors
from keras_reprise.cli.console import given_store, open_store, print_json, print_table, published_store, read_store, say
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION, selecting
from keras_reprise.cli.root import main

if TYPE_CHECKING:
    from keras_reprise.store.store import Store


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
    """Show how many replicates the store holds, by recipe, scale, machine and data set, and what this machine lacks.

    Examples: reprise status

              reprise status --missing --scale full
    """
    from keras_reprise.cli.printing import missing_text, status_rows
    from keras_reprise.run.missing import missing

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
    if rows:
        shown = [name for name in rows[0] if name != "source" or any(row[name] for row in rows)]
        print_table([[row[name] for name in shown] for row in rows], shown)
    say(missing_text(wanted, suite_name, "this machine" if machine is None else f"machine {machine}"))


def _machine(store: "Store", start: str | None) -> str:
    """The id of this machine, or of the one in the store whose id starts so."""
    if start is None:
        from keras_reprise.base.machine import machine_facts
        from keras_reprise.store.store import document_id

        return document_id(machine_facts())
    known = sorted(path.stem for path in (store.root / "machines").glob("*.json") if path.stem.startswith(start))
    if len(known) != 1:
        raise errors.UserError(
            f"{len(known)} machines of the store have an id that starts with {start!r}.\n`reprise status` shows their ids."
        )
    return known[0]


@main.command()
@click.argument("recipes", nargs=-1)
@click.option("--strict", is_flag=True, help="Exit 5 when a claim is inconclusive.")
@selecting
@STORE_OPTION
@JSON_OPTION
def verdict(recipes: tuple[str, ...], strict: bool, store_path: Path | None, as_json: bool, **selection: Any) -> None:
    """Say of every claim whether it is reproduced, contradicted or inconclusive.

    Example: reprise verdict cifar10-lr-drop --scale full
    """
    from keras_reprise.cli import printing
    from keras_reprise.judge import comparable, groups

    summaries, store, broken = read_store(store_path, recipes, **selection)
    found = sorted(groups.gather(summaries, store), key=lambda group: comparable.key(group.first).order)
    verdicts = [verdict for group in found for verdict in group.verdicts]
    if as_json:
        print_json(printing.verdict_facts(found))
    else:
        say(printing.verdict_tables(found, store))
    if broken:
        sys.exit(errors.BROKEN)
    if strict and any(v.verdict == "inconclusive" for v in verdicts):
        sys.exit(errors.INCONCLUSIVE)


@main.command()
@click.argument("recipes", nargs=-1)
@click.option("--output", type=click.Path(path_type=Path), help="Folder to write (default: reports/ of the store).")
@click.option("--all-figures", is_flag=True, help="Draw the figures of every machine, not of three for each setting.")
@selecting
@STORE_OPTION
def report(
    recipes: tuple[str, ...], output: Path | None, all_figures: bool, store_path: Path | None, **selection: Any
) -> None:
    """Write a web site and Markdown with verdicts and figures of every recipe that has records.

    Example: reprise report --scale full --output slides
    """
    from keras_reprise.base.progress import counter
    from keras_reprise.report import site as reports

    summaries, store, broken = read_store(store_path, recipes, **selection)
    whole = not recipes and not any(selection.values()) and not broken
    not_drawn: list[str] = []
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
def compare(a: str, b: str, verbose: bool, store_path: Path | None, as_json: bool, **selection: Any) -> None:
    """Put two machines, environments, backends, recipe versions, git revisions or stores side by side.

    Examples: reprise compare backend:jax backend:tensorflow

              reprise compare 91d80901 6a920096

              reprise compare results ../other/results

              reprise compare reference backend:tensorflow   (with the project's own results)
    """
    from keras_reprise.judge import compare as comparing
    from keras_reprise.judge import sides
    from keras_reprise.report import comparison_facts, side_by_side

    summaries, store, broken = read_store(store_path, (), **selection)
    comparison = comparing.compare(*(sides.side(name, store, summaries, read_store) for name in (a, b)))
    if as_json:
        print_json(comparison_facts.comparison_facts(comparison))
    else:
        say(side_by_side.comparison_text(comparison, verbose=verbose))
    if broken:
        sys.exit(errors.BROKEN)


@main.command()
@STORE_OPTION
@JSON_OPTION
def check(store_path: Path | None, as_json: bool) -> None:
    """Re-hash every stored file and name those that are truncated, edited, misplaced or refer to nothing; read the baselines.

    Example: reprise check --store results
    """
    store = open_store(store_path)
    if not store.root.is_dir():
        raise errors.NothingMeasuredError(
            f"There is no store at {store.root}.\nGive --store the folder that holds records/."
        )
    from keras_reprise.base.progress import counter
    from keras_reprise.gate.stored import check_baselines
    from keras_reprise.store.checking import check

    with counter("files") as tell:
        files, problems = check(store, tell)
    baselines, unusable = check_baselines(store)
    count, problems = files + baselines, problems + unusable
    if as_json:
        print_json({"files": count, "problems": [{"path": p.path, "fault": p.fault} for p in problems]})
    else:
        for problem in problems:
            say(problem.fault)
        click.echo(f"{count} files checked, {len(problems)} broken.")
    if problems:
        sys.exit(errors.BROKEN)
    if not count:
        raise errors.NothingMeasuredError(
            "The store is empty, so nothing was checked.\n`reprise run --suite quickstart` fills one."
        )


@main.command()
@click.argument("other", type=click.Path(path_type=Path))
@STORE_OPTION
@JSON_OPTION
def merge(other: Path, store_path: Path | None, as_json: bool) -> None:
    """Bring records from another store, such as one of a machine without git: all of them valid, or none is taken.

    Example: reprise merge ../from-the-cluster/results
    """
    from keras_reprise.base.progress import counter
    from keras_reprise.judge import comparable
    from keras_reprise.store import merging
    from keras_reprise.store.store import Store

    store = open_store(store_path)
    with counter("records") as tell:
        merged = merging.merge(store, Store(other), tell)
    records, repeated = len(merged.names), comparable.repeated(store.summaries()[0], merged.names)
    if as_json:
        facts = {"documents": merged.documents, "present": merged.present, "unknown": merged.unknown}
        return print_json({"records": records, "repeated": repeated} | facts)
    click.echo(
        f"{records} records and {merged.documents} documents merged, {merged.present} records were here already."
    )
    if merged.unknown:
        click.echo(
            f"{merged.unknown} of them are of a source that the lock does not know: they are shown apart, and count for none of the package's recipes."
        )
    if repeated:
        click.echo(
            f"{repeated} of them are of seeds that were measured here, too; of each the record that was finished first counts."
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
def export(recipes: tuple[str, ...], form: str, output: Path, store_path: Path | None, **selection: Any) -> None:
    """Write records for other tools: tidy tables (csv, parquet), a Process Run Crate (ro-crate), an MLflow database.

    Examples: reprise export --output tables

              reprise export cifar10-lr-drop --format mlflow --output runs
    """
    from keras_reprise.report.export import crate, tables, tracking

    summaries, store, broken = read_store(store_path, recipes, **selection)
    if form == "ro-crate":
        files = [crate.write(summaries, store, output)]
    elif form == "mlflow":
        files = [tracking.write(summaries, store, output)]
    else:
        files = tables.write(summaries, store, output, form)
    click.echo(f"{len(summaries)} records are in {', '.join(str(file) for file in files)}")
    if broken:
        sys.exit(errors.BROKEN)
