"""The command `reprise`. Reading commands import neither Keras nor pandas nor seaborn; what is heavy is imported inside."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from keras_reprise import __version__, catalog, errors
from keras_reprise.console import open_store, print_json, print_table, read_store

STORE_OPTION = click.option(
    "--store",
    "store_path",
    type=click.Path(path_type=Path),
    help="Results folder (default: results/ of the checkout, else ./results).",
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")
SELECT_OPTIONS = [
    click.option("--scale", help="Only this scale."),
    click.option("--machine", help="Only this machine (start of its id)."),
    click.option("--environment", help="Only this environment (start of its id)."),
    click.option("--data", "data_name", help="Only this data set."),
]


class Commands(click.Group):
    """Prints our own errors without a traceback and turns each into its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except errors.UserError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"reprise: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(errors.INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="reprise")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Replay documented deep-learning experiments on your own hardware, and judge their claims.

    First steps: `reprise run --suite quickstart`, then `reprise verdict` and `reprise report`.
    """


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select records."""
    for option in reversed(SELECT_OPTIONS):
        command = option(command)
    return command


@main.command("list")
@click.option("--family", help="Only this family (folder of recipes/).")
@click.option("--suite", "suite_name", help="Only the recipes of this suite.")
@click.option("--no-data", is_flag=True, help="Only recipes that need no data set.")
@JSON_OPTION
def list_recipes(family: str | None, suite_name: str | None, no_data: bool, as_json: bool) -> None:
    """List the recipes.

    Example: reprise list --no-data
    """
    entries = catalog.suite(suite_name)[1] if suite_name else catalog.current()
    entries = [e for e in entries if (not family or e.family == family) and not (no_data and e.card.data)]
    if as_json:
        return print_json(
            [
                {
                    "slug": e.slug,
                    "version": e.version,
                    "family": e.family,
                    "title": e.title,
                    "sources": e.sources,
                    "data": e.card.data,
                    "sha256": e.sha256,
                }
                for e in entries
            ]
        )
    if not entries:
        raise errors.UserError("No recipe matches.\n`reprise list` without options shows all.")
    print_table(
        [[e.slug, e.version, e.family, e.card.data or "-", e.title] for e in entries],
        ["recipe", "version", "family", "data", "claim"],
    )


@main.command()
@click.argument("recipe")
@JSON_OPTION
def show(recipe: str, as_json: bool) -> None:
    """Show a recipe's question, arms, scales and claims.

    Example: reprise show cifar10-lr-drop
    """
    from keras_reprise.describe import describe_card

    if catalog.is_path(recipe):
        import msgspec

        from keras_reprise.record import Card

        start_backend()
        path = catalog.recipe_path(recipe)
        card = msgspec.convert(catalog.load(path).card, Card)
    else:
        entry = catalog.find(recipe)
        card, path = entry.card, catalog.recipes_folder() / entry.path
    if as_json:
        import msgspec

        return print_json(msgspec.to_builtins(card))
    click.echo(describe_card(card, path.name))


@main.command()
@click.argument("recipes", nargs=-1)
@click.option("--family", help="All recipes of this family.")
@click.option("--suite", "suite_name", help="All recipes of this suite, with its settings: quickstart, gate, all.")
@click.option("--all", "everything", is_flag=True, help="Every recipe.")
@click.option("--scale", help="quick or full (default: quick).")
@click.option("--seeds", help="6 for the seeds 1 to 6; 1,4,7 for those; auto for 6, 12 or 30, as the verdicts need.")
@click.option(
    "--arm", "arms", multiple=True, help="Measure only this arm now; the record is written once all arms are measured."
)
@click.option("--backend", help="tensorflow, jax or torch (default: KERAS_BACKEND, else the first one installed).")
@click.option("--precision", help="float32 (default), tf32, mixed_bfloat16 or mixed_float16; part of the environment.")
@click.option("--executor", type=click.Choice(["local"]), default="local", help="Where arms run.")
@click.option(
    "--data", "data_name", help="Run on this data set instead of the recipe's: digits is a marked substitute."
)
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder that holds cifar-10-batches-py/."
)
@click.option("--retry-failed", is_flag=True, help="Measure failed replicates again.")
@click.option("--here", is_flag=True, hidden=True, help="Measure timings in this process, which is a fresh one.")
@STORE_OPTION
@JSON_OPTION
def run(recipes: tuple[str, ...], store_path: Path | None, as_json: bool, **options: Any) -> None:
    """Measure recipes and store a record per seed. Run it again to continue after an interruption.

    Examples: reprise run cifar10-lr-drop --scale full --seeds 6

              reprise run --suite quickstart
    """
    from keras_reprise import launch

    debug = click.get_current_context().find_root().params["debug"]
    outcome = launch.run(recipes, open_store(store_path), debug=debug, **options)
    if as_json:
        print_json(
            {
                "recorded": outcome.recorded,
                "present": outcome.present,
                "failed": outcome.failed,
                "waiting": outcome.waiting,
            }
        )
    else:
        click.echo(launch.describe(outcome))
    if outcome.failed:
        sys.exit(errors.RECIPE_FAILED)


@main.command()
@STORE_OPTION
@JSON_OPTION
def status(store_path: Path | None, as_json: bool) -> None:
    """Show how many replicates the store holds, by recipe, scale, machine and data set.

    Example: reprise status
    """
    from keras_reprise.describe import status_rows

    rows = status_rows(read_store(store_path)[0])
    if as_json:
        return print_json(rows)
    print_table([list(row.values()) for row in rows], list(rows[0]))


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
    from keras_reprise import describe, judge

    summaries, store, broken = read_store(store_path, recipes, **selection)
    verdicts = judge.remembered_verdicts(summaries, store)
    if as_json:
        print_json([describe.verdict_facts(v) for v in verdicts])
    else:
        click.echo(describe.verdict_tables(verdicts, store))
    if broken:
        sys.exit(errors.BROKEN)
    if strict and any(v.verdict == "inconclusive" for v in verdicts):
        sys.exit(errors.INCONCLUSIVE)


@main.command()
@click.argument("recipes", nargs=-1)
@click.option("--output", type=click.Path(path_type=Path), help="Folder to write (default: reports/ of the store).")
@selecting
@STORE_OPTION
def report(recipes: tuple[str, ...], output: Path | None, store_path: Path | None, **selection: Any) -> None:
    """Write a report with verdicts and figures for every recipe that has records.

    Example: reprise report --scale full
    """
    from keras_reprise import report as reports

    summaries, store, broken = read_store(store_path, recipes, **selection)
    index = reports.write(summaries, store, output or store.root / "reports")
    click.echo(f"The report is at {index}")
    if broken:
        sys.exit(errors.BROKEN)


@main.command()
@STORE_OPTION
@JSON_OPTION
def check(store_path: Path | None, as_json: bool) -> None:
    """Re-hash every stored file and name those that are truncated, edited, misplaced or refer to nothing.

    Example: reprise check --store results
    """
    store = open_store(store_path)
    if not store.root.is_dir():
        raise errors.NothingMeasuredError(
            f"There is no store at {store.root}.\nGive --store the folder that holds records/."
        )
    count, problems = store.check()
    if as_json:
        print_json({"files": count, "problems": [{"path": p.path, "fault": p.fault} for p in problems]})
    else:
        for problem in problems:
            click.echo(problem.fault)
        click.echo(f"{count} files checked, {len(problems)} broken.")
    if problems:
        sys.exit(errors.BROKEN)
    if not count:
        raise errors.NothingMeasuredError(
            "The store is empty, so nothing was checked.\n`reprise run --suite quickstart` fills one."
        )


@main.group(invoke_without_command=True)
@click.pass_context
def data(ctx: click.Context) -> None:
    """List, locate, verify and fetch data sets.

    Example: reprise data fetch cifar10
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(data_list)


@data.command("list")
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder that holds cifar-10-batches-py/."
)
@JSON_OPTION
def data_list(data_dir: Path | None = None, as_json: bool = False) -> None:
    """List the data sets and where they are."""
    from keras_reprise.describe import data_rows

    rows = data_rows(data_dir)
    if as_json:
        return print_json(rows)
    print_table([list(row.values()) for row in rows], list(rows[0]))


@data.command("verify")
@click.argument("name", type=click.Choice(["cifar10"]), default="cifar10")
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder that holds cifar-10-batches-py/."
)
def data_verify(name: str, data_dir: Path | None) -> None:
    """Compare every file's md5 with the publisher's."""
    from keras_reprise import datasets

    click.echo(
        f"{name}: all {len(datasets.CIFAR10_MD5)} files in {datasets.find_cifar10(data_dir)} are the official ones."
    )


@data.command("fetch")
@click.argument("name", type=click.Choice(["cifar10"]))
def data_fetch(name: str) -> None:
    """Download a data set (170 MB for cifar10) into the Keras cache and verify it."""
    from keras_reprise import datasets

    click.echo(f"{name} is at {datasets.fetch_cifar10()}, verified.")


@main.command()
@JSON_OPTION
def doctor(as_json: bool) -> None:
    """Say what this machine has, what is missing, and how to get it.

    Example: reprise doctor
    """
    from keras_reprise.describe import doctor_rows

    rows = doctor_rows(open_store(None))
    if as_json:
        return print_json(rows)
    print_table([[row["what"], row["found"], row["advice"]] for row in rows], ["what", "found", "advice"])


@main.command()
@click.option(
    "--cosmetic", is_flag=True, help="Accept changes of comments or of the opening docstring under the same version."
)
@click.option("--supersede", "slug", help="Keep the committed version of this recipe in recipes/superseded/.")
@click.option("--check", "only_check", is_flag=True, help="Only say whether the lock is up to date; exit 1 if not.")
def lock(cosmetic: bool, slug: str | None, only_check: bool) -> None:
    """Bring recipes.lock up to date with the recipe files.

    Example: reprise lock
    """
    from keras_reprise import lockfile

    top = catalog.checkout()
    if top is None:
        raise errors.UserError(
            "recipes.lock is kept in a checkout, and this is none.\nClone the project and run the command there."
        )
    folder = top / "recipes"
    if slug:
        return click.echo(
            f"The old version is kept in {lockfile.supersede(folder, slug).relative_to(top)}. Now run `reprise lock`."
        )
    if only_check:
        for change in (found := lockfile.changes(folder)):
            click.echo(f"recipes/{change.path}: {change.kind}")
        sys.exit(errors.BROKEN if found else errors.OK)
    start_backend()
    for change in lockfile.relock(folder, cosmetic=cosmetic):
        click.echo(f"recipes/{change.path}: {change.kind}, locked")
    click.echo(f"{len(catalog.read_lock(folder).recipes)} recipes are locked.")


def start_backend() -> None:
    """Import Keras before a recipe file does."""
    from keras_reprise.engine import backend

    backend.start()
