"""Commands about what recipes need of a machine: data, doctor."""

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_reprise.base.columns import Row
from keras_reprise.cli.console import open_store, print_json, print_table
from keras_reprise.cli.options import JSON_OPTION
from keras_reprise.cli.root import main
from keras_reprise.datasets import registry

if TYPE_CHECKING:
    from keras_reprise.datasets.published import PublishedFiles
    from keras_reprise.store.store import Store

PUBLISHED = registry.published()
DATA_DIR_OPTION = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Folder that holds {', '.join(f'{one.folder}/' for one in PUBLISHED.values())}.",
)
DOWNLOADS = ", ".join(f"{one.download} for {one.name}" for one in PUBLISHED.values())


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
    rows = data_rows(data_dir)
    if as_json:
        return print_json(rows)
    told = [row | {"where": row["where"].removesuffix(" Looked for:")} for row in rows]
    print_table([list(row.values()) for row in told], list(rows[0]))


def data_rows(data_dir: Path | None) -> list[dict[str, str]]:
    """The data sets, whether they are here, and where."""
    rows = []
    for name, provider in registry.providers().items():
        state, where = provider.state(data_dir)
        rows.append({"name": name, "state": state, "where": where, "content": provider.content})
    return rows


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
    rows = doctor_rows(open_store(None))
    if as_json:
        return print_json(rows)
    told: list[Row] = []
    for row in rows:
        told += [[row["what"], row["found"]], *([f"  {row['advice']}"] if row["advice"] else [])]
    print_table(told, ["what", "found"])


def doctor_rows(store: "Store") -> list[dict[str, str]]:
    """What this machine has and what is missing, each with advice."""
    from keras_reprise.base import machine
    from keras_reprise.engine.backends import start

    here = start.installed()
    facts = machine.machine_facts()
    rows = [
        ("Python", platform.python_version(), ""),
        ("machine", f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB", ""),
        ("GPU", ", ".join(facts["gpus"]) or "none", ""),
        ("backends", ", ".join(here) or "none", "" if here else "pip install 'keras-reprise[tensorflow-cpu]'"),
        *(_data_row(one) for one in registry.published().values()),
        (
            "store",
            str(store.root) if store.root.is_dir() else f"none yet at {store.root}",
            "" if store.root.is_dir() else "reprise run --suite quickstart",
        ),
    ]
    return [{"what": what, "found": found, "advice": advice} for what, found, advice in rows]


def _data_row(published: "PublishedFiles") -> tuple[str, str, str]:
    """Whether a data set that has to be fetched is here, with advice where it is not."""
    state, _ = published.state()
    advice = f"{published.fetching}, or set REPRISE_DATA; --data {published.stand_in} works offline"
    return published.name, state, "" if state == "verified" else advice
