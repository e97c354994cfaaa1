"""Why a release changed what it did, where the public record says so: `results/comparisons/explanations.toml`.

The file is written by people, and holds for every machine. It decides nothing; it stands beside the change points.
"""

import fnmatch
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from packaging.version import InvalidVersion, Version

from keras_reprise.base.errors import IntegrityError, UserError, printable
from keras_reprise.base.files import read_plain
from keras_reprise.gate.comparisons import FOLDER
from keras_reprise.gate.stored import Software
from keras_reprise.store.store import Problem, Store

FILE = "explanations.toml"
MOST_BYTES = 2**20

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Address = Annotated[str, msgspec.Meta(pattern=r"^https://[\w./#?=&%+-]{1,300}$")]


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a release of a package changed in the metrics that fit a pattern, in a sentence, and where that is said.

    With a `backend` it is of that one alone.
    """

    metric: Text
    package: Text
    release: Text
    says: Text
    source: Address
    backend: Text | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    explanation: list[Explanation] = []


@dataclass(frozen=True)
class Explanations:
    """All that are known of a store."""

    known: Sequence[Explanation] = ()

    def of(self, metric: str, before: Software | None, now: Software | None) -> list[Explanation]:
        """Those of a change of the metric from one environment's software to another's."""
        return [one for one in self.known if _fits(one.metric, metric) and _between(one, before, now)]


def explanations(store: Store) -> Explanations:
    """Those of a store's file, none where there is none; IntegrityError when it is broken."""
    path = store.root / FOLDER / FILE
    try:
        store.require_own(path)
        text = read_plain(path, MOST_BYTES).decode()
        return Explanations(msgspec.convert(tomllib.loads(text), _File).explanation)
    except FileNotFoundError:
        return Explanations()
    except (OSError, ValueError, RecursionError) as error:
        raise IntegrityError(f"{FOLDER}/{FILE} cannot be read: {error}.\nMend it, or restore it from git.") from error


def check_explanations(store: Store) -> tuple[int, list[Problem]]:
    """Read the file; returns how many there are, 0 or 1, and what is wrong with it."""
    name = f"{FOLDER}/{FILE}"
    try:
        explanations(store)
    except UserError as error:
        return 1, [Problem(name, printable(str(error).splitlines()[0]))]
    return int((store.root / FOLDER / FILE).is_file()), []


def _fits(pattern: str, metric: str) -> bool:
    return fnmatch.fnmatchcase(metric, pattern.replace("[", "[[]"))


def _between(one: Explanation, before: Software | None, now: Software | None) -> bool:
    """Whether the release came between what was installed before and now, and both ran its backend, if it has one."""
    if before is None or now is None or not {one.package} <= set(before.packages) & set(now.packages):
        return False
    if one.backend is not None and {one.backend} != {_backend(before), _backend(now)}:
        return False
    try:
        old, changed, new = map(Version, (before.packages[one.package], one.release, now.packages[one.package]))
    except InvalidVersion:
        return False
    return old < changed <= new


def _backend(software: Software) -> str:
    """The backend that an environment chose; Keras's own choice, where it chose none, is TensorFlow."""
    return software.variables.get("KERAS_BACKEND", "tensorflow")
