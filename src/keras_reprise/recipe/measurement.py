"""What the numbers of a record belong to: the hash of all that decides them.

`recipe.measurement` is the sha256 of
  - the definitions that `measure` reaches in the recipe, in files beside it and in the package's vocabulary, and all
    other statements at module level that do anything; the whole module where a name cannot be resolved;
  - the settings of the arms, and those of the scale;
  - the backend's name, and the numbers of the engine's features that are used (`numerics`).
Comments, layout, docstrings, annotations, words, claims and figures decide nothing. Source is parsed, never run, and
only the standard library is used: the same hash on every version of Python, without Keras.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

from keras_reprise.recipe import numerics
from keras_reprise.recipe.source import syntax
from keras_reprise.recipe.source.declared import declaration
from keras_reprise.recipe.source.dependencies import Dependencies
from keras_reprise.recipe.source.effects import Effects
from keras_reprise.recipe.source.modules import RECIPE, Sources, parsed

FORM = 1  # of what is hashed; another number makes another measurement of every recipe
RECURSION = 20_000  # Python nests syntax deeper than it lets functions call each other


@dataclass(frozen=True)
class RecipeCode:
    """What source says of a recipe's numbers.

    `sha256` is the hash of what `measure` reaches, `source` of that with the expressions that make the settings,
    `summary` of what `summarise` reaches (None: it has none). `features` of the engine are used, and `modules` beside
    the recipe or of the vocabulary.
    """

    sha256: str
    source: str
    summary: str | None
    features: tuple[str, ...]
    modules: tuple[str, ...] = ()


def read_code(path: Path, source: bytes, folders: Sequence[str] = ()) -> RecipeCode:
    """Read the source of the recipe file at `path`, and what it imports from beside it and from the vocabulary.

    `folders` are all in which its own modules lie, in the order in which Python looks, where it names any itself.
    SyntaxError, ValueError when `source` is no Python.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION))
    try:
        return _read(Sources(*map(Path, folders or [str(path.parent)])), source)
    finally:
        sys.setrecursionlimit(limit)


def _read(sources: Sources, source: bytes) -> RecipeCode:
    recipe = parsed(RECIPE, source)
    declared = declaration(recipe)

    def hashed(*names: str) -> tuple[str, Dependencies]:
        found = Dependencies(sources, recipe, declared)
        found.touch(recipe)
        if declared is None:
            found.all_of(recipe)
        for name in names:
            found.root(recipe, name, parts[name])
        return syntax.sha256([FORM, found.form()]), found

    parts = declared.parts if declared else {}
    acting = {name for name in parts if name != "summarise" and not Effects(sources).harmless(recipe, parts[name])}
    roots = acting | {"measure", "data"} & set(parts)
    sha256, measured = hashed(*sorted(roots))
    everything, used = hashed(*sorted(roots | {"arms", "scales"} & set(parts)))
    has_summary = declared is None or "summarise" in parts
    summary = hashed(*{"summarise"} & set(parts))[0] if has_summary else None
    return RecipeCode(sha256, everything, summary, tuple(sorted(measured.features)), used.used())


def measurement(code: RecipeCode, settings: str, backend: str) -> str:
    """The measurement of a recipe's code with settings (`settings_sha256`) on a backend."""
    known = numerics.NUMERICS.get(backend, numerics.FIRST)
    used = {name: known[name] for name in sorted({*numerics.ALWAYS, *code.features})}
    return syntax.sha256([FORM, code.sha256, settings, backend, list(used.items())])


def settings_sha256(
    arms: Sequence[tuple[str, Mapping[str, object]]], scale: tuple[str, Mapping[str, object]], timing: bool
) -> str:
    """The hash of the arms' names and settings, in order, of a scale's, and of whether it is measured alone."""
    name, settings = scale
    kept = {key: value for key, value in settings.items() if key != "seeds"}
    return syntax.sha256([_form([[arm, dict(values)] for arm, values in arms]), name, _form(kept), timing])


def _form(value: object) -> syntax.Form:
    """A setting in a form that tells types apart; TypeError when it is none that `plain_settings` lets through."""
    if isinstance(value, Mapping):
        return ["dict", [[_form(key), _form(item)] for key, item in value.items()]]
    if isinstance(value, list | tuple):
        return [type(value).__name__ if type(value) in (list, tuple) else "tuple", [_form(item) for item in value]]
    if isinstance(value, set | frozenset):
        return ["set", sorted(syntax.text(_form(item)) for item in value)]
    if _is_array(value):
        return ["array", str(value.dtype), _form(value.tolist())]
    if isinstance(value, float):
        return ["float", _float(float(value))]
    if isinstance(value, bool | int | complex | str | bytes | None.__class__):
        return [*syntax.constant(value)]
    raise TypeError(f"a {type(value).__name__} is no setting")


def _float(value: float) -> str:
    """The number as it was written; a computed one to 12 digits, since libraries differ in the last one."""
    exact = repr(value)
    short = f"{value:.15g}"
    return exact if float(short) == value or value != value else f"{value:.12g}"


class _Array(Protocol):
    """An array or a number of NumPy, which is not imported here."""

    dtype: object

    def tolist(self) -> object: ...


def _is_array(value: object) -> TypeGuard[_Array]:
    return hasattr(value, "dtype") and hasattr(value, "tolist") and getattr(value.dtype, "kind", "O") in "biufcSU"
