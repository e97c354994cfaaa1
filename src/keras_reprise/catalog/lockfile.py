"""What is pinned of every recipe version: which measurement it is, and which older hashes count as the same.

`recipes/<family>/<slug>.lock` says it of the recipe file beside it, `<slug>.py`, so that two branches which add recipes
touch no file in common. Reading imports neither Keras nor a recipe.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from keras_reprise.base.errors import RecipeError
from keras_reprise.record.encoding import pretty
from keras_reprise.record.fields import Sha256, Slug, Strict
from keras_reprise.record.schema import Card

SCHEMA = 3
"""Of a lock file; up to 2 one file held all recipes."""

SUFFIX = ".lock"
SUPERSEDED = "superseded"
"""The family of earlier versions."""

CONFLICT = b"\n<<<<<<< "


class AcceptedHash(Strict, frozen=True):
    """An older hash that counts as the version's own, and why.

    `syntax`: equal canonical form. `replay`: the same seeds measured again gave every stored number bit for bit, clock
    quantities excepted. `declared`: the source of a record that was in `results/` when measurements were introduced;
    that list is closed. `of` a source it holds for records of schema 1, which have no measurement.
    """

    sha256: Sha256
    of: Literal["measurement", "source"]
    evidence: Literal["syntax", "replay", "declared"]
    scale: Slug | None = None


class Pinned(Strict, frozen=True, kw_only=True):
    """The content of a lock file: what is pinned of one recipe version, which its `card` names.

    `sha256` is that of the recipe's file, `code_sha256` of all source that decides its measurements
    (`RecipeCode.source`), `settings` of its arms' and each scale's settings, `measurements` what measuring it gives
    now, by scale and backend, `summary` of what `summarise` reaches. `unchanged` are the numbers of `summarise` that
    records without them hold as claims of the same names, from when the claims were functions. `replaced` says why a
    later version was made; empty where none was, or nothing was said.
    """

    schema: Annotated[int, msgspec.Meta(ge=SCHEMA, le=SCHEMA)]
    card: Card
    sha256: Sha256
    code_sha256: Sha256
    settings: dict[str, Sha256]
    measurements: dict[str, dict[str, Sha256]]
    summary: Sha256 | None
    accepted: list[AcceptedHash]
    unchanged: list[Slug] = []
    replaced: str = ""


class LockEntry(Pinned, frozen=True, kw_only=True):
    """What is pinned of the recipe file at `path`, below the folder of recipes."""

    path: str

    @property
    def slug(self) -> str:
        return self.card.slug

    @property
    def version(self) -> int:
        return self.card.version

    @property
    def title(self) -> str:
        return self.card.title

    @property
    def sources(self) -> list[str]:
        """The documents, each with the place in it."""
        return [f"{source.key} {source.where}" for source in self.card.sources]

    @property
    def family(self) -> str:
        return self.path.split("/")[0]

    @property
    def superseded(self) -> bool:
        """Whether the file is kept for the records of an earlier version."""
        return self.family == SUPERSEDED

    def accepts(self, scale: str, backend: str | None, measurement: str | None, source_sha256: str) -> bool:
        """Whether a record of this scale is of this version: by its measurement (on `backend`, None: on any), or, where
        it has none, by its recipe's source."""
        if measurement is None:
            return any(one.of == "source" and one.sha256 == source_sha256 for one in self.accepted)
        now = self.measurements.get(scale, {})
        return measurement in ([now.get(backend)] if backend else now.values()) or any(
            one.of == "measurement" and one.scale == scale and one.sha256 == measurement for one in self.accepted
        )

    def content(self) -> bytes:
        """The lock file that says this."""
        empty = {name for name in ("unchanged", "replaced") if not getattr(self, name)}
        left_out = {"path", *empty}
        return pretty({name: value for name, value in msgspec.to_builtins(self).items() if name not in left_out})


@dataclass(frozen=True)
class Lock:
    """All lock files of a folder of recipes, by slug, the latest version first."""

    recipes: tuple[LockEntry, ...]

    def version(self, slug: str, version: int) -> LockEntry | None:
        """The entry of this version of this recipe, if there is one."""
        return next((one for one in self.recipes if (one.slug, one.version) == (slug, version)), None)

    def accepts(
        self, slug: str, version: int, scale: str, backend: str | None, measurement: str | None, source_sha256: str
    ) -> bool:
        """Whether a record is of the measurement of that version; see `LockEntry.accepts`. False when none is known."""
        entry = self.version(slug, version)
        return entry is not None and entry.accepts(scale, backend, measurement, source_sha256)


def place(folder: Path, path: str) -> Path:
    """The lock file of the recipe file at `path` below `folder`."""
    return (folder / path).with_suffix(SUFFIX)


@lru_cache(maxsize=4)
def read(folder: Path) -> Lock:
    """The lock files below `folder`; RecipeError that names the first one which cannot be read.

    One that is broken is not passed over: the records of its recipe would seem to be of somebody's own.
    """
    files = (path for path in folder.rglob(f"*{SUFFIX}") if not path.name.startswith((".", "_")))
    entries = [_entry(folder, path) for path in sorted(files)]
    return Lock(tuple(sorted(entries, key=lambda entry: (entry.slug, -entry.version))))


def _entry(folder: Path, path: Path) -> LockEntry:
    inside = path.relative_to(folder)
    name = f"{folder.name}/{inside.as_posix()}"
    if path.exists() and not path.is_file():
        raise RecipeError(f"{name} is no file.\nMove it elsewhere; the lock of a recipe lies beside it.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecipeError(
            f"{name} cannot be read: {error.strerror}.\nRestore it from git, or reinstall keras-reprise."
        ) from error
    if CONFLICT in content:
        raise RecipeError(
            f"{name} has a conflict of git in it.\n"
            "Settle it: keep what either side has under `accepted`; the rest comes right with `reprise lock`."
        )
    try:
        pinned = msgspec.json.decode(content, type=Pinned)
    except (ValueError, RecursionError) as error:
        raise RecipeError(
            f"{name} is not the lock of a recipe: {error}.\n"
            "Restore it from git; if it never was one, move it elsewhere."
        ) from error
    recipe = inside.with_suffix(".py").as_posix()
    return LockEntry(path=recipe, **{field: getattr(pinned, field) for field in Pinned.__struct_fields__})
