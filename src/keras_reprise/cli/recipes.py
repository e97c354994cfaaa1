"""Commands about recipes and what they need: list, show, run, lock, data, doctor."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keras_reprise import catalog
from keras_reprise.base import checkout, errors
from keras_reprise.cli.console import open_store, print_json, print_table, say
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION
from keras_reprise.cli.root import main
from keras_reprise.datasets import registry

if TYPE_CHECKING:
    from keras_reprise.store.store import Store

PUBLISHED = registry.published()
SUBSTITUTES = ", ".join(f"{one.name} is a marked substitute" for one in registry.providers().values() if one.substitute)
DOWNLOADS = ", ".join(f"{one.download} for {one.name}" for one in PUBLISHED.values())
DATA_DIR_OPTION = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Folder that holds {', '.join(f'{one.folder}/' for one in PUBLISHED.values())}.",
)

if TYPE_CHECKING:
    from keras_reprise.run.driver import Tally


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
    if catalog.is_path(recipe):
        import msgspec

        from keras_reprise.recipe import loading
        from keras_reprise.record.schema import Card

        path = catalog.recipe_path(recipe)
        loading.say_that_code_runs(path)
        start_backend()
        card = msgspec.convert(loading.load(path).card, Card)
    else:
        entry = catalog.find(recipe)
        card, path = entry.card, checkout.recipes_folder() / entry.path
    if as_json:
        import msgspec

        return print_json(msgspec.to_builtins(card))
    from keras_reprise.cli.printing import describe_card

    say(describe_card(card, path.name))


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
@click.option(
    "--determinism",
    type=click.Choice(["fast", "strict"]),
    default="fast",
    show_default=True,
    help="strict: deterministic kernels; every arm is measured twice and must agree in every bit.",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where arms run: on this machine, or on those of a Ray cluster.",
)
@click.option("--address", help="The Ray cluster's: auto, or host:port (default: one is started on this machine).")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    envvar="REPRISE_WORKERS",
    help="Worker processes of each machine (default: one for each GPU, else one); 0 computes in this process, for a debugger.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each worker (default: its share of the cores).")
@click.option("--time-limit", help="Longest time for one arm: 90, 15m, 2h (default: 1h at quick scale, else 24h).")
@click.option("--data", "data_name", help=f"Run on this data set instead of the recipe's: {SUBSTITUTES}.")
@DATA_DIR_OPTION
@click.option("--retry-failed", is_flag=True, help="Measure failed replicates again.")
@click.option(
    "--measurement",
    help="Only if the recipe measures this (start of its hash): what `reprise resolve` prints to replay records of one's own recipe.",
)
@STORE_OPTION
@JSON_OPTION
def run(recipes: tuple[str, ...], store_path: Path | None, as_json: bool, **options: Any) -> None:
    """Measure recipes and store a record per seed. Run it again to continue after an interruption.

    Examples: reprise run cifar10-lr-drop --scale full --seeds 6

              reprise run --suite quickstart
    """
    from keras_reprise.run import request

    debug = click.get_current_context().find_root().params["debug"]
    tally = request.run(request.Request(recipes, debug=debug, **options), open_store(store_path))
    if as_json:
        print_json(vars(tally))
    else:
        say(tally_text(tally))
    if tally.failed:
        sys.exit(errors.RECIPE_FAILED)


def tally_text(tally: "Tally") -> str:
    """One line on what a run did, and the next step."""
    parts = [f"{tally.recorded} replicates recorded"]
    parts += [f"{tally.present} already in the store"] if tally.present else []
    parts += [f"{tally.failed} failed (again with --retry-failed)"] if tally.failed else []
    parts += [f"{tally.waiting} waiting for their other arms"] if tally.waiting else []
    return f"{', '.join(parts)}. See `reprise verdict` and `reprise report`."


@main.command()
@click.option(
    "--cosmetic", is_flag=True, help="Not needed any more: what decides no number is locked under the same version."
)
@click.option("--supersede", "slug", help="Keep the committed version of this recipe in recipes/superseded/.")
@click.option(
    "--replay", help="Measure stored seeds of this recipe again; if every number is the same, lock its changed code."
)
@click.option(
    "--backend", help="That of --replay: tensorflow, jax or torch (default: KERAS_BACKEND, else the first one)."
)
@STORE_OPTION
@click.option("--check", "only_check", is_flag=True, help="Only say whether the lock is up to date; exit 1 if not.")
def lock(
    cosmetic: bool, slug: str | None, replay: str | None, backend: str | None, store_path: Path | None, only_check: bool
) -> None:
    """Bring the lock files up to date with the recipe files.

    Example: reprise lock
    """
    from keras_reprise.recipe import locking

    top, here = checkout.of_package(), checkout.of_current_folder()
    if top is not None and here is not None and top != here:
        raise errors.UserError(
            f"The code that runs belongs to the checkout {top}, and this folder to {here}.\nTheir locks would be mixed up. Install this one (`pip install -e .`), or go to the other."
        )
    top = top or here
    if top is None:
        raise errors.UserError(
            "Lock files are kept in a checkout, and this is none.\nClone the project and run the command there."
        )
    folder = top / "recipes"
    if slug:
        return click.echo(
            f"The old version is kept in {locking.supersede(folder, slug).relative_to(top)}. Now run `reprise lock`."
        )
    if only_check:
        for line in locking.describe(found := locking.unlocked(folder)):
            click.echo(line)
        sys.exit(errors.BROKEN if found else errors.OK)
    start_backend(backend)
    if replay:
        return _replay(folder, replay, open_store(store_path))
    for one in locking.relock(folder):
        click.echo(f"recipes/{one.path}: {one.kind}, locked")
    click.echo(f"{len(catalog.read_lock(folder).recipes)} recipes are locked.")


def _replay(folder: Path, recipe: str, store: "Store") -> None:
    """Lock the changed code of a recipe if it measures the stored numbers again; see `replaying`."""
    import keras

    from keras_reprise.run import replay as replaying
    from keras_reprise.run import request

    name = keras.backend.backend()

    def measure(path: Path, again: "Store", scale: str, seeds: Sequence[int]) -> None:
        both_ends = f"{','.join(map(str, seeds))},{seeds[-1]}"  # one number alone would mean the seeds up to it
        request.run(request.Request((str(path),), scale=scale, seeds=both_ends, backend=name), again)

    slug, _, version = recipe.partition("@")
    for line in replaying.replay(folder, slug, int(version) if version.isdecimal() else None, store, name, measure):
        click.echo(line)


def start_backend(name: str | None = None) -> None:
    """Import Keras before a recipe file does."""
    from keras_reprise.engine.backends import start

    start.start(name)


@main.group(invoke_without_command=True)
@click.pass_context
def data(ctx: click.Context) -> None:
    """List, locate, verify and fetch data sets.

    Example: reprise data fetch cifar10
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(data_list)


@data.command("list")
@DATA_DIR_OPTION
@JSON_OPTION
def data_list(data_dir: Path | None = None, as_json: bool = False) -> None:
    """List the data sets and where they are."""
    from keras_reprise.cli.printing import data_rows

    rows = data_rows(data_dir)
    if as_json:
        return print_json(rows)
    print_table([list(row.values()) for row in rows], list(rows[0]))


@data.command("verify")
@click.argument("name", type=click.Choice(list(PUBLISHED)), required=False)
@DATA_DIR_OPTION
def data_verify(name: str | None, data_dir: Path | None) -> None:
    """Compare every file's md5 with the publisher's."""
    published = registry.published()
    for one in [published[name]] if name else published.values():
        click.echo(f"{one.name}: all {len(one.md5)} files in {one.find(data_dir)} are the official ones.")


@data.command("fetch", help=f"Download a data set ({DOWNLOADS}) into the Keras cache and verify it.")
@click.argument("name", type=click.Choice(list(PUBLISHED)))
def data_fetch(name: str) -> None:
    click.echo(f"{name} is at {registry.published()[name].fetch()}, verified.")


@main.command()
@JSON_OPTION
def doctor(as_json: bool) -> None:
    """Say what this machine has, what is missing, and how to get it.

    Example: reprise doctor
    """
    from keras_reprise.cli.printing import doctor_rows

    rows = doctor_rows(open_store(None))
    if as_json:
        return print_json(rows)
    print_table([[row["what"], row["found"], row["advice"]] for row in rows], ["what", "found", "advice"])
