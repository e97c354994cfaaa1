"""The recipes there are: the lock file that `list` reads, and how a recipe file is found and loaded.

Reading the lock imports nothing heavy; only `load` runs a recipe file, and with it Keras.
"""

import hashlib
import os
import re
import sys
import traceback
import types
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from keras_reprise.base import package_code
from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.base.failures import described
from keras_reprise.catalog import lock as versions
from keras_reprise.catalog.lock import Lock, LockEntry
from keras_reprise.recipe import measurement, numerics
from keras_reprise.recipe.beside import Beside, unused
from keras_reprise.recipe.definition import Recipe, plain_settings
from keras_reprise.recipe.guard import attempt
from keras_reprise.record.schema import Card, pretty


@dataclass(frozen=True)
class Suite:
    """A named selection of recipes with the settings they are run at."""

    name: str
    about: str
    scale: str
    seeds: str | None = None
    data: str | None = None


SUITES = {
    "quickstart": Suite(
        "quickstart",
        "a first look without any download: recipes that need images use scikit-learn's digits, marked as a substitute",
        "quick",
        "6",
        "digits",
    ),
    "gate": Suite("gate", "what regression gates measure", "quick"),
    "all": Suite("all", "every recipe", "quick"),
}


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe with what identifies its file (title, sha256 of the source, card), and what its numbers belong to (`code`)."""

    recipe: Recipe
    path: Path
    title: str
    source_sha256: str
    card: dict[str, Any]
    docstring: str
    code: measurement.Code
    beside: Beside

    @property
    def settings(self) -> dict[str, str]:
        """By scale, the hash of the arms' settings and of the scale's."""
        arms = [(arm.name, arm.settings) for arm in self.recipe.arms]
        return {
            scale.name: measurement.settings_sha256(arms, (scale.name, scale.settings), self.recipe.timing)
            for scale in self.recipe.scales
        }

    @property
    def summary(self) -> str | None:
        """The hash of what `summarise` computes with; None when the recipe has none."""
        return None if self.recipe.summarise is None else self.code.summary

    def measurements(self, backend: str) -> dict[str, str]:
        """By scale, the measurement of the recipe on a backend: what its records' numbers belong to."""
        return {name: measurement.measurement(self.code, settings, backend) for name, settings in self.settings.items()}

    def measurements_everywhere(self) -> dict[str, dict[str, str]]:
        """By scale and backend, the measurement of the recipe."""
        on = {backend: self.measurements(backend) for backend in numerics.NUMERICS}
        return {scale: {backend: on[backend][scale] for backend in on} for scale in self.settings}


def checkout() -> Path | None:
    """The top of the checkout that the package's code belongs to: its recipes and its results are ours. None where installed."""
    return package_code.checkout()


def current_checkout() -> Path | None:
    """The top of the checkout that the current folder lies in, whatever code runs: its results/ is the default store."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if package_code.is_checkout(folder)), None)


def recipes_folder() -> Path:
    """The checkout's recipes/, or the copy that the wheel brings."""
    return package_code.recipes_folder()


@lru_cache(maxsize=4)
def read_lock(folder: Path | None = None) -> Lock:
    """The lock file; RecipeError when it is missing or broken."""
    return versions.read(folder or recipes_folder())


def accepts(
    slug: str, version: int, scale: str, backend: str | None, measurement: str | None, source_sha256: str
) -> bool:
    """Whether a record is of the lock's measurement of that version of one of the package's recipes.

    A record of schema 1 has no measurement: its recipe's source tells. `backend` None: on whichever.
    """
    return read_lock().accepts(slug, version, scale, backend, measurement, source_sha256)


def current(lock: Lock | None = None) -> list[LockEntry]:
    """The current version of every recipe, by slug."""
    return [entry for entry in (lock or read_lock()).recipes if not entry.path.startswith("superseded/")]


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
            f"There is no recipe {slug!r}.\n{hint}`reprise list` shows all {len(slugs)}; a file of your own runs by its path, `reprise run ./mine.py`."
        )
    if not version:
        return max(entries, key=lambda entry: entry.version)
    for entry in entries:
        if version == str(entry.version):
            return entry
    raise UserError(
        f"{slug} has no version {version!r}.\nIt has {', '.join(str(entry.version) for entry in entries)}; write for example {slug}@{entries[0].version}."
    )


def is_path(name: str) -> bool:
    """Whether the user named a file rather than a slug."""
    return name.endswith(".py") or "/" in name or "\\" in name


def recipe_path(name: str) -> Path:
    """The file of a slug, a slug@N, or a path."""
    if not is_path(name):
        return recipes_folder() / find(name).path
    path = Path(name)
    if not os.path.isfile(name):
        raise UserError(
            f"There is no recipe file {name}.\nGive the path of a .py file that defines RECIPE, or a name from `reprise list`."
        )
    return path


def say_that_code_runs(path: Path) -> None:
    """Say on standard error that a file which is about to be loaded is not one of the package's recipes."""
    if recipes_folder().resolve() not in path.resolve().parents:
        print(f"reprise: {path} is not one of the package's recipes; running it runs its code.", file=sys.stderr)
        for line in unused(path):
            print(f"reprise: {line}", file=sys.stderr)


def suite(name: str) -> tuple[Suite, list[LockEntry]]:
    """The suite and its recipes, in order of the lock."""
    if name not in SUITES:
        raise UserError(f"There is no suite {name!r}.\nThere are {', '.join(SUITES)}.")
    return SUITES[name], [entry for entry in current() if name == "all" or name in entry.card.suites]


def load(path: Path, source: bytes | None = None) -> LoadedRecipe:
    """Run a recipe file and return its RECIPE; RecipeError says the line when it does not import.

    With `source` that is what is run, whether or not the file at `path` is there and still says the same.
    """
    source = path.read_bytes() if source is None else source
    path = Path(os.path.abspath(path))  # also for the recipe, which may look for files beside it from another folder
    module = types.ModuleType("_reprise_recipe_" + re.sub(r"\W", "_", path.stem))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    beside = Beside(path.parent)

    def run() -> measurement.Code:
        with beside:
            found = measurement.read_code(path, source)
            exec(compile(source, str(path), "exec"), module.__dict__)  # the very bytes that are hashed
            return found

    code, error = attempt(run)
    if error is not None or code is None:
        raise _does_not_import(path, error or RuntimeError("it ended")) from error
    recipe = getattr(module, "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise RecipeError(
            f"{path.name} defines no RECIPE.\nEnd the file with RECIPE = Recipe(...); see CONTRIBUTING.md."
        )
    docstring = (module.__doc__ or "").strip()
    if not docstring:
        raise RecipeError(
            f"{path.name} has no docstring.\nOpen it with the claim in plain words, then Source:, Data:, Cost: and Replay:."
        )
    title = docstring.split("\n")[0].rstrip(".")
    if not all(measurement.is_plain(named.settings) for named in (*recipe.arms, *recipe.scales)):
        code = measurement.read_code(path, source, made_settings=True)
    card = _card(path, recipe, title)
    return LoadedRecipe(recipe, path, title, hashlib.sha256(source).hexdigest(), card, docstring, code, beside)


def _does_not_import(path: Path, error: BaseException) -> RecipeError:
    """Whatever a recipe file raises, or its exit, with its line."""
    if isinstance(error, RecipeError):
        return RecipeError(f"{path.name}: {error}")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = getattr(error, "lineno", None) or (lines[-1] if lines else "?")
    hint = ""
    if isinstance(error, ModuleNotFoundError):
        hint = " Modules are found beside the recipe, and where Python looks otherwise: install it, or set PYTHONPATH."
    said = (
        described(error, who="it")
        if isinstance(error, SystemExit | KeyboardInterrupt)
        else f"{type(error).__name__}: {error}"
    )
    return RecipeError(
        f"{path.name} does not import: line {line}: {said.rstrip('.')}.\nNothing was run. Mend that line; --debug shows the traceback.{hint}"
    )


def _card(path: Path, recipe: Recipe, title: str) -> dict[str, Any]:
    """The recipe's card; RecipeError where what the recipe says of itself cannot be written down."""
    try:
        card = recipe.card(title)
        for arm in recipe.arms:
            plain_settings(f"the arm {arm.name}", arm.settings)
        for scale in recipe.scales:
            plain_settings(f"the scale {scale.name}", scale.settings)
        msgspec.convert(card, Card)
        pretty(card)
    except RecipeError as error:
        raise RecipeError(f"{path.name}: {error}") from error
    except Exception as error:  # fields of any type
        raise RecipeError(
            f"{path.name}: its RECIPE cannot be written down: {type(error).__name__}: {error}.\nNothing was run. CONTRIBUTING.md says what each field holds."
        ) from error
    return card
