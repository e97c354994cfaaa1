"""The command itself: which file has which command, and errors without a traceback, each with its exit code."""

import importlib

import click

from keras_reprise.base import errors
from keras_reprise.base.version import __version__
from keras_reprise.cli.console import with_store

COMMANDS = {
    "recipes": ("list", "show", "lock"),
    "new": ("new",),
    "running": ("run",),
    "needs": ("data", "doctor"),
    "results": ("status", "verdict", "report", "compare", "export"),
    "stores": ("check", "merge"),
    "certificates": ("certificate",),
    "citations": ("cite", "check-citations", "resolve"),
    "gates": ("gate", "accept", "calibrate", "history"),
    "bisecting": ("bisect",),
}
"""The commands by the file that has them: only that of the command which is asked for is read."""

FILES = {command: file for file, commands in COMMANDS.items() for command in commands}


class Commands(click.Group):
    """Prints our own errors without a traceback and turns each into its exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(FILES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in FILES:
            importlib.import_module(f"keras_reprise.cli.{FILES[cmd_name]}")
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except errors.UserError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"reprise: {errors.printable(with_store(str(error)))}", err=True)
            ctx.exit(error.exit_code)
        except BrokenPipeError:  # whoever read has enough, as `head` has: click ends quietly
            raise
        except OSError as error:
            if ctx.params.get("debug"):
                raise
            what = f"{error.filename}: " if error.filename is not None else ""
            click.echo(f"reprise: {errors.printable(what)}{error.strerror or error} (--debug shows where)", err=True)
            ctx.exit(errors.USAGE)
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
