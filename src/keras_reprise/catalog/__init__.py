"""The recipes there are: what the lock says of every version, and how a recipe is found by its name. Runs none."""

import os
from dataclasses import dataclass
from pathlib import Path

from keras_reprise.base import checkout
from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.catalog import lockfile
from keras_reprise.catalog.lockfile import Lock, LockEntry


@dataclass(frozen=True)
class Suite:
    """A named selection of recipes with the settings they are run at."""

    name: str
    about: str
    scale: str
    seeds: int | None = None
    data: str | None = None


SUITES = {
    "quickstart": Suite(
        "quickstart",
        "a first look without any download: recipes that need images use scikit-learn's digits, marked as a substitute",
        "quick",
        6,
        "digits",
    ),
    "gate": Suite("gate", "what regression gates measure", "quick"),
    "all": Suite("all", "every recipe", "quick"),
}


def read_lock(folder: Path | None = None) -> Lock:
    """What is pinned of the recipes; RecipeError when a lock file is broken, or there is none."""
    folder = folder or checkout.recipes_folder()
    found = lockfile.read(folder)
    if not found.recipes:
        raise RecipeError(
            f"{folder} holds no lock of a recipe.\nReinstall keras-reprise, or run `reprise lock` in a checkout."
        )
    return found


def accepts(
    slug: str, version: int, scale: str, backend: str | None, measurement: str | None, source_sha256: str
) -> bool:
    """Whether a record is of the lock's measurement of that version of one of the package's recipes.

    A record of schema 1 has no measurement: its recipe's source tells. `backend` None: on whichever.
    """
    return read_lock().accepts(slug, version, scale, backend, measurement, source_sha256)


def current(lock: Lock | None = None) -> list[LockEntry]:
    """The current version of every recipe, by slug."""
    return [entry for entry in (lock or read_lock()).recipes if not entry.superseded]


def find(name: str) -> LockEntry:
    """The entry of `slug` or `slug@N`; UserError with the nearest names when there is none."""
    import difflib

    slug, _, version = name.partition("@")
    entries = [entry for entry in read_lock().recipes if entry.slug == slug]
    if not entries:
        slugs = [entry.slug for entry in current()]
        near = difflib.get_close_matches(slug, slugs, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UserError(
            f"There is no recipe {slug!r}.\n{hint}`reprise list` shows all {len(slugs)};"
            " a file of your own runs by its path, `reprise run ./mine.py`."
        )
    if not version:
        return max(entries, key=lambda entry: entry.version)
    for entry in entries:
        if version == str(entry.version):
            return entry
    raise UserError(
        f"{slug} has no version {version!r}.\nIt has {', '.join(str(entry.version) for entry in entries)};"
        f" write for example {slug}@{entries[0].version}."
    )


def is_path(name: str) -> bool:
    """Whether the user named a file rather than a slug."""
    return name.endswith(".py") or "/" in name or "\\" in name


def recipe_path(name: str) -> Path:
    """The file of a slug, a slug@N, or a path."""
    if not is_path(name):
        return checkout.recipes_folder() / find(name).path
    path = Path(name)
    if not os.path.isfile(name):
        raise UserError(
            f"There is no recipe file {name}.\n"
            "Give the path of a .py file that defines RECIPE, or a name from `reprise list`."
        )
    return path


def suite(name: str) -> tuple[Suite, list[LockEntry]]:
    """The suite and its recipes, in order of the lock."""
    if name not in SUITES:
        raise UserError(f"There is no suite {name!r}.\nThere are {', '.join(SUITES)}.")
    return SUITES[name], [entry for entry in current() if name == "all" or name in entry.card.suites]
