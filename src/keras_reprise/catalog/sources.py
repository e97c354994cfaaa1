"""Whose numbers a record's are: those of the lock's measurement of its version, or of another source.

A record is of the package's recipe `slug@version` only where the lock accepts its measurement (or, for records of
schema 1, its recipe's source) at its scale. Every other record is of a source of its own: an edited copy of one of our
recipes, or a recipe of somebody's own, whose every edit is another source. Records of different sources are never
pooled, counted for each other or cited for each other, and every reader names the source by its `label`. Only lock
files are read.
"""

from functools import lru_cache

from keras_reprise.base import checkout
from keras_reprise.catalog import lockfile
from keras_reprise.catalog.lockfile import LockEntry
from keras_reprise.record.schema import RecipeRef

SHOWN = 12


def label(recipe: RecipeRef) -> str:
    """Nothing for a record of its version's locked measurement; else `measurement <12>` (schema 1: `source <12>`)."""
    if entry_of(recipe) is not None:
        return ""
    measurement = recipe.measurement
    return f"measurement {measurement[:SHOWN]}" if measurement else f"source {recipe.source_sha256[:SHOWN]}"


def hash_of(recipe: RecipeRef) -> str:
    """What names the record's source: its measurement, in schema 1 the sha256 of its recipe's file."""
    return recipe.measurement or recipe.source_sha256


def is_ours(slug: str) -> bool:
    """Whether one of the package's recipes has this name."""
    return bool(_entries(slug))


def words(recipe: RecipeRef) -> str:
    """In words whose numbers these are, to follow `of ...`; nothing where they are the package's own recipe's."""
    named = label(recipe)
    if not named:
        return ""
    known = {entry.version: entry.path for entry in _entries(recipe.slug)}
    if not known:
        return f"a recipe of one's own ({named})"
    theirs = f"recipes/{known[recipe.version]}" if recipe.version in known else f"the package's {recipe.slug}"
    lacking = "" if recipe.version in known else ", which has no such version"
    return f"another source ({named}) than {theirs} version {recipe.version}{lacking}"


def entry_of(recipe: RecipeRef) -> LockEntry | None:
    """What is pinned of the recipe version that a record is of; None where it is of another source."""
    source = "" if recipe.measurement else recipe.source_sha256
    return _entry_of(recipe.slug, recipe.version, recipe.scale, recipe.measurement, source)


@lru_cache(maxsize=4096)
def _entry_of(slug: str, version: int, scale: str, measurement: str | None, source_sha256: str) -> LockEntry | None:
    accepting = (one for one in _entries(slug) if one.accepts(scale, None, measurement, source_sha256))
    return next((one for one in accepting if one.version == version), None)


@lru_cache(maxsize=1024)
def _entries(slug: str) -> tuple[LockEntry, ...]:
    """What is pinned of the package's recipe of this name; nothing where there are no locks: then no record is ours."""
    return tuple(entry for entry in lockfile.read(checkout.recipes_folder()).recipes if entry.slug == slug)


def forget() -> None:
    """Read the lock files anew: one was changed."""
    for remembered in (_entry_of, _entries, lockfile.read):
        remembered.cache_clear()
