"""Commands about recipes: list, show, lock."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_reprise import catalog
from keras_reprise.base import checkout, errors
from keras_reprise.cli.console import open_store, print_json, print_table, say
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION
from keras_reprise.cli.root import main

if TYPE_CHECKING:
    from keras_reprise.record.schema import Card
    from keras_reprise.store.store import Store


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
    say(describe_card(card, path.name))


SHOWN_FIRST = ("rule", "detail", "table", "")  # roles


def describe_card(card: "Card", file_name: str) -> str:
    """A recipe's card as text."""
    from keras_reprise.record import wording

    lines = [f"{card.slug}@{card.version}  ({file_name})", card.title, "", card.question, ""]
    lines += [
        f"Sources: {', '.join(f'{source.key} {source.where}' for source in card.sources)}",
        f"Data:    {card.data or 'none'}",
        "",
        "Arms",
    ]
    lines += [f"  {name}: {means}" for name, means in card.arms.items()]
    lines += ["", "Scales"]
    lines += [
        f"  {name}: {', '.join(f'{key} {value}' for key, value in settings.items())}"
        for name, settings in card.scales.items()
    ]
    lines += ["", "Claims"]
    for claim in sorted(card.claims, key=lambda claim: (claim.retired is not None, SHOWN_FIRST.index(claim.role))):
        printed = f", printed {claim.printed:g}" if claim.printed is not None else ""
        role = "retired" if claim.retired else claim.role
        lines += [
            f"  {claim.id}{f' ({role})' if role else ''}  [{claim.where}]",
            f"    {claim.says}",
            f"    {claim.statistic}: {wording.interval(claim.interval)} {claim.unit}{printed}",
        ]
        lines += [f"    Erratum {claim.erratum}"] if claim.erratum else []
        lines += [f"    Counts no more: {claim.retired}"] if claim.retired else []
    return "\n".join(lines)


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
@click.option("--retire", metavar="RECIPE/CLAIM", help="Judge this claim as ever, and count it no more; needs --why.")
@click.option("--why", default="", help="Why the claim is retired.")
@click.option("--check", "only_check", is_flag=True, help="Only say whether the lock is up to date; exit 1 if not.")
def lock(
    cosmetic: bool,
    slug: str | None,
    replay: str | None,
    backend: str | None,
    store_path: Path | None,
    retire: str | None,
    why: str,
    only_check: bool,
) -> None:
    """Bring the lock files up to date with the recipe files.

    Example: reprise lock
    """
    from keras_reprise.recipe import locking

    top, here = checkout.of_package(), checkout.of_current_folder()
    if top is not None and here is not None and top != here:
        raise errors.UserError(
            f"The code that runs belongs to the checkout {top}, and this folder to {here}.\n"
            "Their locks would be mixed up. Install this one (`pip install -e .`), or go to the other."
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
    if retire:
        recipe, _, claim = retire.partition("/")
        locking.retire(folder, recipe, claim, why)
        return click.echo(f"{retire} is retired. Delete it from the recipe's file, then run `reprise lock`.")
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
