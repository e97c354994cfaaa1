"""Commands about recipes: list, show, lock."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_reprise import catalog
from keras_reprise.base import checkout, columns, errors
from keras_reprise.cli.console import open_store, print_json, say
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION
from keras_reprise.cli.root import main

if TYPE_CHECKING:
    from keras_reprise.catalog.lockfile import LockEntry
    from keras_reprise.record.schema import Card, ClaimCard
    from keras_reprise.store.store import Store


@main.command("list")
@click.option("--family", help="Only this family (folder of recipes/).")
@click.option("--suite", "suite_name", help="Only the recipes of this suite.")
@click.option("--no-data", is_flag=True, help="Only recipes that need no data set.")
@click.option("-v", "--verbose", is_flag=True, help="Tell the whole rule, and where it is documented.")
@JSON_OPTION
def list_recipes(family: str | None, suite_name: str | None, no_data: bool, verbose: bool, as_json: bool) -> None:
    """List the recipes: a line for each, with the data set that it needs and the rule that it asks about.

    Examples: reprise list --no-data

              reprise list --family schedules -v
    """
    entries = catalog.suite(suite_name)[1] if suite_name else catalog.current()
    entries = [e for e in entries if (not family or e.family == family) and not (no_data and e.card.data)]
    if not entries:
        raise errors.UserError("No recipe matches.\n`reprise list` without options shows all.")
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
    for line in list_lines(entries, columns.available(), verbose=verbose):
        say(line)


def list_lines(entries: "Sequence[LockEntry]", wide: int, *, verbose: bool = False) -> Iterator[str]:
    """A line for each recipe; all of it where it is to be told."""
    slugs = max(len(entry.slug) for entry in entries)
    data = max(len(entry.card.data or "-") for entry in entries)
    if not verbose:
        yield columns.cut(f"{'recipe'.ljust(slugs)}  {'data'.ljust(data)}  rule", wide)
    for entry in entries:
        line = f"{entry.slug.ljust(slugs)}  {(entry.card.data or '-').ljust(data)}  {entry.title}"
        if not verbose:
            yield columns.cut(line, wide)
            continue
        yield from columns.wrapped(entry.title, wide, first=f"{entry.slug}  ", rest="    ")
        told = f"version {entry.version}, family {entry.family}, data {entry.card.data or 'none'}"
        yield from columns.wrapped(f"{told}; {'; '.join(entry.sources)}", wide, first="    ")


@main.command()
@click.argument("recipe")
@click.option("-v", "--verbose", is_flag=True, help="Tell all of the printed values and retired claims, too.")
@JSON_OPTION
def show(recipe: str, verbose: bool, as_json: bool) -> None:
    """Show a recipe's question, arms, scales and claims: the rule first, a line for each printed value.

    Example: reprise show cifar10-lr-drop
    """
    replaced = ""
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
        card, path, replaced = entry.card, checkout.recipes_folder() / entry.path, entry.replaced
    if as_json:
        import msgspec

        return print_json(msgspec.to_builtins(card))
    for line in describe_card(card, path.name, columns.available(), verbose=verbose, replaced=replaced):
        say(line)


SHOWN_FIRST = ("rule", "detail", "table", "")  # roles


def describe_card(
    card: "Card", file_name: str, wide: int, *, verbose: bool = False, replaced: str = ""
) -> Iterator[str]:
    """A recipe's card in lines; `replaced` says why a later version was made."""
    yield from columns.wrapped(f"{card.slug}@{card.version}  ({file_name})", wide)
    if replaced:
        yield from columns.wrapped(
            f"{replaced.rstrip('.')}.", wide, first=f"Replaced by version {card.version + 1}: ", rest="  "
        )
    yield from columns.wrapped(card.title, wide)
    yield ""
    yield from columns.wrapped(card.question, wide)
    yield ""
    sources = ", ".join(f"{source.key} {source.where}" for source in card.sources)
    yield from columns.wrapped(sources, wide, first="Sources: ")
    yield from columns.wrapped(card.data or "none", wide, first="Data:    ")
    yield from ["", "Arms"]
    for name, means in card.arms.items():
        yield from columns.wrapped(f"{name}: {means}", wide, first="  ", rest="    ")
    yield from ["", "Scales"]
    for name, settings in card.scales.items():
        told = ", ".join(f"{key} {value}" for key, value in settings.items())
        yield from columns.wrapped(f"{name}: {told}", wide, first="  ", rest="    ")
    yield from ["", "Claims"]
    for claim in sorted(card.claims, key=lambda claim: (claim.retired is not None, SHOWN_FIRST.index(claim.role))):
        yield from _claim_lines(claim, wide, whole=verbose or (claim.role != "table" and not claim.retired))


def _claim_lines(claim: "ClaimCard", wide: int, *, whole: bool) -> Iterator[str]:
    """A claim in lines: what it says, its number and where that must lie; or only the latter in one line."""
    from keras_reprise.record import wording

    printed = f", printed {claim.printed:g}" if claim.printed is not None else ""
    role = "retired" if claim.retired else claim.role
    name, must = f"{claim.id}{f' ({role})' if role else ''}", f"{wording.interval(claim.interval)} {claim.unit}".strip()
    if whole:
        yield from columns.wrapped(f"{name}  [{claim.where}]", wide, first="  ", rest="    ")
        yield from columns.wrapped(claim.says, wide, first="    ")
        yield from columns.wrapped(f"{claim.statistic}: {must}{printed}", wide, first="    ", rest="      ")
    else:
        yield from columns.wrapped(f"{name}: {must}{printed}", wide, first="  ", rest="    ")
    if claim.erratum:
        yield from columns.wrapped(f"Erratum {claim.erratum}", wide, first="    ")
    if claim.retired:
        yield from columns.wrapped(f"Counts no more: {claim.retired}", wide, first="    ")


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
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Those of --replay: as many as the records were measured with (default: all cores); bits depend on it.",
)
@STORE_OPTION
@click.option("--retire", metavar="RECIPE/CLAIM", help="Judge this claim as ever, and count it no more; needs --why.")
@click.option("--why", default="", help="Why the claim is retired, or the version replaced; reports tell it.")
@click.option("--check", "only_check", is_flag=True, help="Only say whether the lock is up to date; exit 1 if not.")
def lock(
    cosmetic: bool,
    slug: str | None,
    replay: str | None,
    backend: str | None,
    threads: int | None,
    store_path: Path | None,
    retire: str | None,
    why: str,
    only_check: bool,
) -> None:
    """Bring the lock files up to date with the recipe files.

    Example: reprise lock
    """
    options = {"--check": only_check, "--supersede": slug, "--retire": retire, "--replay": replay}
    if len(given := [option for option, value in options.items() if value]) > 1:
        raise errors.UserError(f"{' and '.join(given)} do different things.\nNothing was done. Give one of them.")
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
        kept = locking.supersede(folder, slug, why).relative_to(top)
        return click.echo(f"The old version is kept in {kept}. Now run `reprise lock`.")
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
        return _replay(folder, replay, open_store(store_path), threads)
    for one in locking.relock(folder):
        click.echo(f"recipes/{one.path}: {one.kind}, locked")
    click.echo(f"{len(catalog.read_lock(folder).recipes)} recipes are locked.")


def _replay(folder: Path, recipe: str, store: "Store", threads: int | None) -> None:
    """Lock the changed code of a recipe if it measures the stored numbers again; see `replaying`."""
    import keras

    from keras_reprise.run import replay as replaying
    from keras_reprise.run import request

    name = keras.backend.backend()

    def measure(path: Path, again: "Store", scale: str, seeds: Sequence[int]) -> None:
        both_ends = f"{','.join(map(str, seeds))},{seeds[-1]}"  # one number alone would mean the seeds up to it
        words = request.Request((str(path),), scale=scale, seeds=both_ends, backend=name, threads=threads)
        request.run(words, again)

    slug, _, version = recipe.partition("@")
    for line in replaying.replay(folder, slug, int(version) if version.isdecimal() else None, store, name, measure):
        click.echo(line)


def start_backend(name: str | None = None) -> None:
    """Import Keras before a recipe file does."""
    from keras_reprise.engine.backends import start

    start.start(name)
