"""What every command of the terminal shares: opening a store, selecting its records, printing tables and JSON.

What is printed fits the terminal's columns; only where there is a terminal are verdicts in colour.
"""

import json
import math
import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_reprise import catalog
from keras_reprise.base import checkout, columns, errors, escaping
from keras_reprise.catalog import sources

if TYPE_CHECKING:
    from keras_reprise.store.store import Store, Summary

GIVEN = "keras_reprise.store"  # where click's context keeps the --store of this command
NAMED = "keras_reprise.named"  # and the stores that the user was told of
READING_STORES = (
    "run(?= )|status|verdict|compare|report|cite|certificate|check-citations|resolve|check|merge|export|calibrate|gate"
    "|accept|history|bisect"
)
COLOURS = {"reproduced": "green", "contradicted": "red", "inconclusive": "yellow"}
VERDICT = re.compile(rf"\b(?:{'|'.join(COLOURS)})\b")
COMMAND = re.compile(rf"`((?:reprise|tox -e \S+ --) (?:{READING_STORES})(?![\w-])[^`\n]*)`")


def open_store(path: Path | None) -> "Store":
    """The store at `path`, or the default: results/ of the checkout that this folder lies in, else ./results.

    Says on standard error which it is, unless the command prints JSON.
    """
    from keras_reprise.store.store import Store

    store = Store(path or checkout.default_store())
    store.require_folder()
    context = click.get_current_context(silent=True)
    if context is not None and not context.params.get("as_json"):
        named = context.meta.setdefault(NAMED, set())
        if store.root not in named:
            click.echo(f"reprise: store {errors.printable(str(store.root))}", err=True)
            named.add(store.root)
    return store


def given_store() -> str:
    """` --store X` as this command was given it, to be repeated in commands that are printed; empty for the default."""
    context = click.get_current_context(silent=True)
    path = context.meta.get(GIVEN) if context is not None else None
    return f" --store {shlex.quote(str(path))}" if path is not None else ""


def published_store() -> str:
    """The same for files that people publish, so that the pages are the same wherever one stands.

    Of an absolute path only its last part; nothing where that is the default's name.
    """
    context = click.get_current_context(silent=True)
    path = context.meta.get(GIVEN) if context is not None else None
    return (
        ""
        if path is None or path.name == "results"
        else f" --store {shlex.quote(path.name if path.is_absolute() else str(path))}"
    )


def with_store(text: str) -> str:
    """`text` with this command's --store in every `reprise ...` that it quotes and that uses a store."""
    given = given_store()
    return COMMAND.sub(lambda match: match[0] if "--store" in match[1] else f"`{match[1]}{given}`", text)


@dataclass(frozen=True)
class Selection:
    """Which records of a store a command is about; None: whichever."""

    scale: str | None = None
    machine: str | None = None
    environment: str | None = None
    data_name: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it leaves out nothing."""
        return self == Selection()

    def has(self, summary: "Summary") -> bool:
        """Whether a record is one of them."""
        return (
            (not self.scale or summary.recipe.scale == self.scale)
            and (not self.machine or summary.machine.startswith(self.machine))
            and (not self.environment or summary.environment.startswith(self.environment))
            and (not self.data_name or _of_data(summary, self.data_name))
        )


def _of_data(summary: "Summary", name: str) -> bool:
    return summary.data is not None and name in (summary.data.name, summary.data.declared)


EVERYTHING = Selection()


def read_store(
    path: Path | None, recipes: tuple[str, ...] = (), selection: Selection = EVERYTHING
) -> "tuple[list[Summary], Store, bool]":
    """The selected summaries of a store (of `slug` and `slug@N`, where some are named), and whether files had to be
    left out because they are broken. UserError for a name that is no recipe's, NothingMeasuredError when no record
    matches."""
    store = open_store(path)
    summaries, problems = store.summaries()
    summaries, more = store.usable(summaries)
    problems += more
    for problem in problems:
        click.echo(f"reprise: left out: {errors.printable(problem.fault)}", err=True)
    if problems:
        click.echo(
            with_store("reprise: `reprise check` says more; restore these files from git, or delete them."), err=True
        )
    held = {name for summary in summaries for name in _names(summary)}
    for name in recipes:
        if name not in held:
            _require_recipe(name, held)
    wanted = set(recipes)
    kept = [one for one in summaries if (not wanted or _names(one) & wanted) and selection.has(one)]
    if kept:
        there = {name for summary in kept for name in _names(summary)}
        for name in dict.fromkeys(recipes):
            if name not in there:
                click.echo(f"reprise: the store holds no record of {errors.printable(name)} that matches", err=True)
        return kept, store, bool(problems)
    if problems and not summaries:
        raise errors.IntegrityError(
            f"None of the {len(problems)} records in {store.root} can be read.\nRestore them from git, or delete them."
        )
    what = f" of {', '.join(recipes)}" if recipes else ""
    raise errors.NothingMeasuredError(
        f"The store {store.root} holds no record{what} that matches.\n"
        f"Measure one with `reprise run {recipes[0] if recipes else '--suite quickstart'}`."
    )


def _names(summary: "Summary") -> set[str]:
    """What a record's recipe may be asked for by: its slug, and the slug with the version."""
    return {summary.recipe.slug, f"{summary.recipe.slug}@{summary.recipe.version}"}


def _require_recipe(name: str, held: Collection[str]) -> None:
    """UserError for a name of no record that is none of the package's recipes, or none of its versions, either."""
    slug = name.partition("@")[0]
    if slug in held and not sources.is_ours(slug):
        versions = sorted(one for one in held if one.startswith(f"{slug}@"))
        raise errors.UserError(
            f"The store holds no record of {name}, and the package has no such recipe.\nIt holds {', '.join(versions)}."
        )
    catalog.find(name)


def say(text: str) -> None:
    """Text on standard output; what stored texts hold of control characters is escaped."""
    click.echo(errors.printable(with_store(text)))


def say_verdicts(text: str) -> None:
    """The same for text that is laid out in columns, with the verdicts in colour where there is a terminal for it."""
    text = errors.printable(text)
    if columns.coloured():
        text = VERDICT.sub(lambda match: click.style(match[0], fg=COLOURS[match[0]]), text)
    click.echo(text, color=columns.coloured())


def say_wrapped(text: str) -> None:
    """Sentences on standard output, a paragraph a line, in the terminal's columns; commands in them repeat --store."""
    for line in with_store(text).split("\n"):
        click.echo("\n".join(columns.wrapped(line, columns.available(), whole=True)))


def print_table(rows: Sequence[columns.Row], headers: Sequence[str]) -> None:
    """A plain table on standard output, as wide as the terminal at most."""
    say_verdicts("\n".join(columns.table(headers, rows, columns.available())))


def print_json(value: object) -> None:
    """JSON on standard output; nan and infinities as strings, and what steers a terminal in JSON's own escapes."""
    click.echo(escaping.json(json.dumps(_finite(value), indent=2, ensure_ascii=False)))


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
