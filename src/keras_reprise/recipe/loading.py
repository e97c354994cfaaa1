"""Loading a recipe: its file is run, with Keras, and what it says of itself is checked."""

import hashlib
import os
import re
import sys
import traceback
import types
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keras_reprise.base import checkout, slips
from keras_reprise.base.errors import RecipeError
from keras_reprise.base.failures import described
from keras_reprise.recipe import measurement, numerics
from keras_reprise.recipe.beside import Beside, unused
from keras_reprise.recipe.definition import Recipe
from keras_reprise.recipe.guard import attempt
from keras_reprise.recipe.settings import plain_settings
from keras_reprise.record.encoding import pretty
from keras_reprise.record.schema import Card


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, what identifies its file (title, hash of the source, card), and what its numbers belong to (`code`)."""

    recipe: Recipe
    path: Path
    title: str
    source_sha256: str
    card: dict[str, object]
    docstring: str
    code: measurement.RecipeCode
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


def say_that_code_runs(path: Path) -> None:
    """Say on standard error that a file which is about to be loaded is not one of the package's recipes."""
    if checkout.recipes_folder().resolve() not in path.resolve().parents:
        print(f"reprise: {path} is not one of the package's recipes; running it runs its code.", file=sys.stderr)
        for line in unused(path):
            print(f"reprise: {line}", file=sys.stderr)


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

    def run() -> measurement.RecipeCode:
        with beside:
            found = measurement.read_code(path, source)
            exec(compile(source, str(path), "exec"), module.__dict__)  # the very bytes that are hashed
            return measurement.read_code(path, source, beside.folders) if beside.settle() else found

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
            f"{path.name} has no docstring.\n"
            "Open it with the claim in plain words, then Source:, Data:, Cost: and Replay:."
        )
    title = docstring.split("\n")[0].rstrip(".")
    card = _card(path, recipe, title)
    return LoadedRecipe(recipe, path, title, hashlib.sha256(source).hexdigest(), card, docstring, code, beside)


def _does_not_import(path: Path, error: BaseException) -> RecipeError:
    """Whatever a recipe file raises, or its exit, with its line."""
    if isinstance(error, RecipeError):
        return RecipeError(f"{path.name}: {error}")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = getattr(error, "lineno", None) or (lines[-1] if lines else "?")
    where = ""
    if isinstance(error, ModuleNotFoundError):
        where = " Modules are found beside the recipe, and where Python looks otherwise: install it, or set PYTHONPATH."
    if isinstance(error, SystemExit | KeyboardInterrupt):
        said = described(error, who="it").rstrip(".")
    else:
        meant = slips.hint(error, path)
        text = error.msg if isinstance(error, SyntaxError) else str(error).partition(". Did you mean")[0]
        said = f"{type(error).__name__}: {text.rstrip('.')}" + (f"; {meant}" if meant else "")
    end = "" if said.endswith("?") else "."
    return RecipeError(
        f"{path.name} does not import: line {line}: {said}{end}\n"
        f"Nothing was run. Mend that line; --debug shows the traceback.{where}"
    )


def _card(path: Path, recipe: Recipe, title: str) -> dict[str, object]:
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
            f"{path.name}: its RECIPE cannot be written down: {type(error).__name__}: {error}.\n"
            "Nothing was run. CONTRIBUTING.md says what each field holds."
        ) from error
    return card
