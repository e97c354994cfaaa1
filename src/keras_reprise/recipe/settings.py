"""Arms and scales: names with settings that read as attributes and are plain data."""

import copy
import difflib
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.slips import nearest_first

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SIZES = ("seeds", "n_train", "n_test")
"""The settings of a scale that mean something to every recipe."""

NUMBERS_AND_TEXT = "biufU"  # NumPy's letters for kinds of arrays


class _Settings:
    """A name with settings that read as attributes."""

    def __init__(self, name: str, /, means: str = "", **settings: object) -> None:
        if not SLUG.fullmatch(name):
            raise RecipeError(f"The name {name!r} is not lower-case words joined by hyphens.\nRename it.")
        self.name = name
        self.means = means
        self.settings: dict[str, Any] = settings

    def __getattr__(self, key: str) -> Any:
        settings = self.__dict__.get("settings", {})
        if key in settings:
            return settings[key]
        raise AttributeError(
            f"{type(self).__name__} {self.__dict__.get('name')!r} has no setting {key!r};"
            f" it has {', '.join(nearest_first(key, settings)) or 'none'}."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.settings})"


class Arm(_Settings):
    """One fully resolved setting of the experiment: `Arm("drop", "0.1, then 0.05", rates=(0.1, 0.05)).rates`."""


class Scale(_Settings):
    """Sizes and budgets, `quick` or `full`: `Scale("quick", epochs=12, n_train=10_000).epochs`.

    `n_train` and `n_test` limit the data set to its first so many images, one at least. `seeds` is how many replicates
    `run` makes when not told otherwise.
    """

    def __init__(self, name: str, /, means: str = "", *, seeds: int = 6, **settings: object) -> None:
        for setting in settings:
            near = difflib.get_close_matches(setting, SIZES, n=1, cutoff=0.85)
            if near and setting not in SIZES:
                raise RecipeError(
                    f"The scale {name!r} has the setting {setting!r}, which means nothing here;"
                    f" did you mean {near[0]}?\nRename it; what only this recipe reads has a name unlike {near[0]}."
                )
        for setting in ("n_train", "n_test"):
            n = settings.get(setting)
            if n is not None and (isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1):
                raise RecipeError(
                    f"The scale {name!r} has {setting}={n!r}, which is no number of examples.\n"
                    "Give a whole number, 1 or more, or leave it out for all of them."
                )
        super().__init__(name, means, seeds=seeds, **settings)


Named = TypeVar("Named", Arm, Scale)


def copied(one: Named) -> Named:
    """The same name and settings, for code that may change them."""
    found = copy.copy(one)
    found.settings = copy.deepcopy(one.settings)
    return found


def plain_settings(whose: str, settings: Mapping[str, object]) -> dict[str, object]:
    """Settings as records and cards hold them, infinities in words; RecipeError when one is not of numbers and text."""
    return {name: _plain_setting(f"{name} of {whose}", value) for name, value in settings.items()}


def _plain_setting(what: str, value: object) -> object:
    if isinstance(value, dict) and all(key is None or isinstance(key, str | int | float | np.generic) for key in value):
        return {str(key): _plain_setting(what, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_setting(what, item) for item in value]
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in NUMBERS_AND_TEXT:
        return _plain_setting(what, value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    raise RecipeError(
        f"{what} is {_kind(value)}.\nSettings are numbers, text, and lists of these, which records can hold;"
        " choose functions by name in measure."
    )


def _kind(value: object) -> str:
    """What a value is that is no setting."""
    if isinstance(value, int):
        return "a number beyond 64 bits"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return "a dict with other keys than numbers and text" if isinstance(value, dict) else f"a {type(value).__name__}"


def plain(value: object) -> object:
    """`value` in JSON's types: tuples as lists, NumPy numbers as numbers, keys as strings."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    return value
