"""What the lock says of every version of the package's recipes: which measurement it is, and which older hashes count as the same.

Reading it imports neither Keras nor a recipe.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from keras_reprise.base.errors import RecipeError
from keras_reprise.record.fields import Sha256, Slug, Strict
from keras_reprise.record.schema import Card

LOCK = "recipes.lock"
SCHEMA = 2


class Accepted(Strict, frozen=True):
    """An older hash that counts as the version's own, and why.

    `syntax`: equal canonical form. `replay`: the same seeds measured again gave every stored number bit for bit, clock
    quantities excepted. `declared`: the source of a record that was in `results/` when measurements were introduced; that list
    is closed. `of` a source it holds for records of schema 1, which have no measurement.
    """

    sha256: Sha256
    of: Literal["measurement", "source"]
    evidence: Literal["syntax", "replay", "declared"]
    scale: Slug | None = None


class LockEntry(Strict, frozen=True):
    """One recipe version.

    `sha256` is that of its file, `code_sha256` of all source that decides its measurements (see `measurement.Code.source`),
    `settings` of its arms' and each scale's settings, `measurements` what measuring it gives now, by scale and backend,
    `summary` of what `summarise` reaches.
    """

    slug: str
    version: int
    path: str
    title: str
    sources: list[str]
    sha256: str
    code_sha256: str
    card: Card
    settings: dict[str, Sha256]
    measurements: dict[str, dict[str, Sha256]]
    summary: Sha256 | None = None
    accepted: list[Accepted] = []

    @property
    def family(self) -> str:
        return self.path.split("/")[0]

    def accepts(self, scale: str, backend: str | None, measurement: str | None, source_sha256: str) -> bool:
        """Whether a record of this scale is of this version: by its measurement (on `backend`, None: on any), or, where it has
        none, by its recipe's source."""
        if measurement is None:
            return any(one.of == "source" and one.sha256 == source_sha256 for one in self.accepted)
        now = self.measurements.get(scale, {})
        return measurement in ([now.get(backend)] if backend else now.values()) or any(
            one.of == "measurement" and one.scale == scale and one.sha256 == measurement for one in self.accepted
        )


class Lock(Strict, frozen=True):
    """The content of recipes.lock, schema 2."""

    schema: Annotated[int, msgspec.Meta(ge=SCHEMA, le=SCHEMA)]
    recipes: list[LockEntry]

    def version(self, slug: str, version: int) -> LockEntry | None:
        """The entry of this version of this recipe, if the lock has one."""
        return next((one for one in self.recipes if (one.slug, one.version) == (slug, version)), None)

    def accepts(
        self,
        slug: str,
        version: int,
        scale: str,
        backend: str | None,
        measurement: str | None,
        source_sha256: str,
    ) -> bool:
        """Whether a record is of the lock's measurement of that version; see `LockEntry.accepts`. False when it knows none."""
        entry = self.version(slug, version)
        return entry is not None and entry.accepts(scale, backend, measurement, source_sha256)


def read(folder: Path) -> Lock:
    """The lock of a folder of recipes; RecipeError when it is missing or broken."""
    try:
        return msgspec.json.decode((folder / LOCK).read_bytes(), type=Lock)
    except OSError as error:
        raise RecipeError(
            f"{LOCK} cannot be read: {error.strerror}.\nReinstall keras-reprise, or run `reprise lock` in a checkout."
        ) from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{LOCK} is not a lock file: {error}.\nMake it anew with `reprise lock`.") from error
