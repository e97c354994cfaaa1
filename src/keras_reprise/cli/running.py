"""The command `run`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keras_reprise.base import columns, errors
from keras_reprise.cli.console import given_store, open_store, print_json, say_verdicts, say_wrapped
from keras_reprise.cli.needs import DATA_DIR_OPTION
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION
from keras_reprise.cli.root import main
from keras_reprise.datasets import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keras_reprise.judge.groups import Group
    from keras_reprise.run.driver import Tally
    from keras_reprise.store.store import Store

SUBSTITUTES = ", ".join(f"{one.name} is a marked substitute" for one in registry.providers().values() if one.substitute)

MOST_SLIDES = 3  # drawn after a run
MOST_NAMED = 3  # recipes in a command


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
    help="Worker processes of each machine (default: one for each GPU, else one); "
    "0 computes in this process, for a debugger.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each worker (default: its share of the cores).")
@click.option("--time-limit", help="Longest time for one arm: 90, 15m, 2h (default: 1h at quick scale, else 24h).")
@click.option("--data", "data_name", help=f"Run on this data set instead of the recipe's: {SUBSTITUTES}.")
@DATA_DIR_OPTION
@click.option("--retry-failed", is_flag=True, help="Measure failed replicates again.")
@click.option(
    "--measurement",
    help="Only if the recipe measures this (start of its hash): what `reprise resolve` prints to replay records of "
    "one's own recipe.",
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
    store = open_store(store_path)
    tally = request.run(request.Request(recipes, debug=debug, **options), store)
    if as_json:
        print_json(tally.counts)
    else:
        say_wrapped(tally_text(tally))
        tell(tally, store)
    if tally.failed:
        sys.exit(errors.RECIPE_FAILED)


def tally_text(tally: "Tally") -> str:
    """One line on what a run did."""
    parts = [f"{tally.recorded} replicates recorded"]
    parts += [f"{tally.present} already in the store"] if tally.present else []
    parts += [f"{tally.failed} failed (again with --retry-failed)"] if tally.failed else []
    parts += [f"{tally.waiting} waiting for their other arms"] if tally.waiting else []
    return f"{', '.join(parts)}."


def tell(tally: "Tally", store: "Store") -> None:
    """The verdicts of what was run, as slides where it is not much, and what to do next."""
    from keras_reprise.judge import groups
    from keras_reprise.report.verdict_text import rule_lines

    ran = set(tally.records)
    found = groups.gather([one for one in store.summaries()[0] if one.id in ran], store)
    if not found:
        return
    click.echo()
    say_verdicts(rule_lines(found, store, columns.available()))
    for path in _slides(found, store) if tally.recorded else []:
        say_wrapped(f"Figure: {path}")
    click.echo("Next steps:")
    for command in _next(found):
        for line in columns.command(f"{command}{given_store()}", columns.available() - 2):
            click.echo(f"  {errors.printable(line)}")


def _slides(found: "Sequence[Group]", store: "Store") -> "Iterator[Path]":
    """A slide of each recipe that ran, in the store's cache, which is not tracked; none where there are many."""
    from keras_reprise.report.cite import citations, slides

    if len(found) > MOST_SLIDES:
        return
    store.make_cache()
    for group in found:
        try:
            path = store.cached("figures") / f"{group.slug}-v{group.version}-{group.key}.png"
            slides.write(citations.of(group, store), store, path)
        except errors.UserError as error:
            click.echo(f"reprise: not drawn: {errors.printable(str(error))}", err=True)
        else:
            yield path


def _next(found: "Sequence[Group]") -> "Iterator[str]":
    """Commands: more seeds where they may decide, then every claim, the pages, and how to quote it."""
    slugs = list(dict.fromkeys(group.slug for group in found))
    if len(found) == 1 and found[0].rule.verdict == "inconclusive" and not found[0].source:
        yield f"reprise run {slugs[0]} --scale {found[0].scale} --seeds auto"
    yield f"reprise verdict {' '.join(slugs) if len(slugs) <= MOST_NAMED else ''} -v"
    yield "reprise report"
    if len(slugs) == 1:
        yield f"reprise cite {slugs[0]}"
