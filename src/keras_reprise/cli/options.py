"""Options that several commands share."""

import functools
from collections.abc import Callable
from pathlib import Path

import click

from keras_reprise.cli.console import GIVEN, Selection


def _remember(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """Keep what was given, so that commands which are printed repeat it."""
    context.meta[GIVEN] = path
    return path


STORE_OPTION = click.option(
    "--store",
    "store_path",
    type=click.Path(path_type=Path),
    callback=_remember,
    is_eager=True,
    help="Results folder (default: results/ of the checkout that this folder lies in, else ./results).",
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")
SELECT_OPTIONS = [
    click.option("--scale", help="Only this scale."),
    click.option("--machine", help="Only this machine (start of its id)."),
    click.option("--environment", help="Only this environment (start of its id)."),
    click.option("--data", "data_name", help="Only this data set."),
]


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select records; the command gets them as its `selection`."""

    @functools.wraps(command)
    def with_selection(
        scale: str | None, machine: str | None, environment: str | None, data_name: str | None, **others: object
    ) -> None:
        command(selection=Selection(scale, machine, environment, data_name), **others)

    selected: Callable[..., None] = with_selection
    for option in reversed(SELECT_OPTIONS):
        selected = option(selected)
    return selected
