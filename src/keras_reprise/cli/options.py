"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path

import click

from keras_reprise.cli.console import GIVEN


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
    """Add the options that select records."""
    for option in reversed(SELECT_OPTIONS):
        command = option(command)
    return command
