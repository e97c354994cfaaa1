"""Data of a recipe's own: what it declares by a function, and what it makes while it measures;
both known by their content."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from keras_reprise.base.errors import DataError
from keras_reprise.base.failures import without_paths
from keras_reprise.datasets import Dataset, registry
from keras_reprise.datasets.dataset import arrays_sha256
from keras_reprise.recipe.settings import Scale

LONGEST_NAME = 60
NUMBERS = "biuf"  # kinds of NumPy types: truth values, whole numbers, floats


Facts = dict[str, Any]  # what a record says of data: name, fingerprint, n_train, n_test, substitute


def declared(load: Callable[[], object], scale: Scale) -> Dataset:
    """What the recipe's function gives, checked and limited to the scale's `n_train` and `n_test`.

    DataError says what is wrong with it: it raises, gives no data set, or one that nothing can be trained on.
    """
    where = f"{load.__name__}()"
    try:
        data = load()
    except (Exception, SystemExit) as error:  # whatever a function of somebody's raises is said
        raise DataError(
            f"The data of the recipe cannot be had: {where} raised {type(error).__name__}: {error}.\n"
            "Nothing is measured without them. Mend the function, or bring what it reads."
        ) from error
    if not isinstance(data, Dataset):
        raise DataError(
            f"{where} gave {_described(data)}, not a Dataset.\n"
            "End it with `return Dataset.of(name, x_train, y_train, x_test, y_test)`."
        )
    _check_name(where, data.name)
    for part, examples, labels in (
        ("training", data.stored_train, data.y_train),
        ("test", data.stored_test, data.y_test),
    ):
        _check_part(where, part, examples, labels)
    if data.stored_train.shape[1:] != data.stored_test.shape[1:]:
        raise DataError(
            f"{where}: a training example has the shape {data.stored_train.shape[1:]}, a test example "
            f"{data.stored_test.shape[1:]}.\nBoth go through one network; give them one shape."
        )
    n_train, n_test = (scale.settings.get(name) for name in ("n_train", "n_test"))
    parts = data.stored_train[:n_train], data.y_train[:n_train], data.stored_test[:n_test], data.y_test[:n_test]
    return Dataset(data.name, *parts, data.classes, arrays_sha256(parts), scaling=data.scaling)


def _described(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _check_name(where: str, name: object) -> None:
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise DataError(
            f"{where} names its data {name!r:.80}.\nA name is a few printable words, {LONGEST_NAME} characters at most."
        )
    if name in registry.names():
        raise DataError(
            f"{where} names its data {name}, as a data set of the package is named.\n"
            "The two would be taken for one; give it another name."
        )


def _check_part(where: str, part: str, examples: np.ndarray, labels: np.ndarray) -> None:
    for what, array in ((f"{part} examples", examples), (f"{part} labels", labels)):
        if not isinstance(array, np.ndarray) or not array.ndim:
            raise DataError(f"{where}: the {what} are {_described(array)}, not an array.\nUse Dataset.of(...).")
        if array.dtype.kind not in NUMBERS:
            words = " For labels in words: `np.unique(labels, return_inverse=True)[1]`." if "labels" in what else ""
            raise DataError(f"{where}: the {what} are of the type {array.dtype}.\nUse numbers.{words}")
        if not np.isfinite(array).all():
            raise DataError(
                f"{where}: {int((~np.isfinite(array)).sum())} values of the {what} are not finite.\n"
                "Every loss would be nan; clean the data first."
            )
    if len(examples) != len(labels):
        raise DataError(f"{where} gave {len(examples)} {part} examples and {len(labels)} labels.\nThey come in pairs.")
    if not len(examples):
        raise DataError(f"{where} gave no {part} examples.\nGive one or more.")


def made_facts(data: Dataset) -> Facts:
    """What a record says of data that `measure` made, whatever they call themselves."""
    name = without_paths(str(data.name))[:LONGEST_NAME].strip() or "unnamed"
    facts = data.origin.facts()
    known = name in registry.names() and data.origin.content_sha256 != data.origin.fingerprint
    return facts | {"name": f"{name} (made in measure)" if known else name, "substitute": False}


def combined(of_recipe: Facts | None, made: Iterable[Facts]) -> Facts | None:
    """What a record says of all data of a replicate: the declared ones, then those that its arms made, each once.

    Of several the name lists all, the fingerprint is over all, the sizes are those of the largest.
    """
    parts = [of_recipe] if of_recipe else []
    for facts in made:
        if facts["fingerprint"] not in [part["fingerprint"] for part in parts]:
            parts.append(facts)
    if len(parts) < 2:
        return dict(parts[0]) if parts else None
    return {
        "name": " + ".join(dict.fromkeys(part["name"] for part in parts))[: 3 * LONGEST_NAME],
        "fingerprint": hashlib.sha256("".join(part["fingerprint"] for part in parts).encode()).hexdigest(),
        "n_train": max(part["n_train"] for part in parts),
        "n_test": max(part["n_test"] for part in parts),
        "substitute": any(part["substitute"] for part in parts),
    }


def made_by(arms: Mapping[str, Mapping[str, list[Facts]]], order: Iterable[str]) -> list[Facts]:
    """The data that measured arms made, in the recipe's `order` of arms."""
    return [facts for name in order if name in arms for facts in arms[name].get("made", ())]
