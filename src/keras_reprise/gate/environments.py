"""The environments of a comparison of many: made once, kept in the store's cache until it has ended.

One that cannot be made is named with the reason, and the others go on.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from keras_reprise.base import seals
from keras_reprise.base.errors import MeasurementError, NothingMeasuredError, UserError
from keras_reprise.base.files import read_plain, write_atomically
from keras_reprise.base.git import git
from keras_reprise.gate import measuring
from keras_reprise.gate.installations import Installation, Say, Spec, installation, parse, scratch_folder
from keras_reprise.gate.journal import begun_folder
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import Software
from keras_reprise.store.store import Store

FAILED = "failed"  # the file that says why
BARE_BYTES = 30 * 2**20  # of a virtual environment with pip and nothing else


@dataclass(frozen=True)
class Environments:
    """What was asked for in `words`, in order; by side what was made, with its software, and why the rest was not."""

    words: Sequence[str]
    made: Mapping[str, Installation]
    software: Mapping[str, Software]
    failed: Mapping[str, str]

    @property
    def sides(self) -> list[str]:
        return side_names(len(self.words))

    @property
    def commits(self) -> dict[str, str | None]:
        """The commit that each was asked to be of; None for the files of here."""
        found: dict[str, str | None] = {}
        for side, words in zip(self.sides, self.words, strict=True):
            commit = parse(words).commit
            found[side] = (git(Path.cwd(), "rev-parse", f"{commit}^{{commit}}") or "").strip() if commit else None
        return found


def side_names(count: int) -> list[str]:
    """The names of the sides of so many environments, in their order."""
    return [f"e{number:02d}" for number in range(1, count + 1)]


def specs_of(words: Sequence[str]) -> list[Spec]:
    """What the words ask for; UserError before anything is made where an interpreter or a commit is not there."""
    specs = [parse(one) for one in words]
    for spec in specs:
        if spec.commit and git(Path.cwd(), "rev-parse", "--verify", "--quiet", f"{spec.commit}^{{commit}}") is None:
            raise UserError(
                f"There is no commit {spec.commit} here.\nGive one that `git log` shows; a shallow clone may lack it."
            )
    return specs


@contextlib.contextmanager
def kept_folder(store: Store, words: Sequence[str], name: str) -> Iterator[Path]:
    """Where these environments are made, the same for a command that goes on; a temporary one where none can be kept.

    It is removed when all went well, and kept when the command was interrupted.
    """
    key = hashlib.sha256(json.dumps([name, str(Path.cwd()), list(words)]).encode()).hexdigest()[:24]
    folder = begun_folder(store, "environments-begun", key)
    if folder is None:
        with scratch_folder() as scratch:
            yield scratch
        return
    yield folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)


def made_in(folder: Path, words: Sequence[str], settings: Settings, say: Say) -> Environments:
    """Make the environments; each needs up to minutes, so it is said which one is being made.

    One of which `remember_failures` was told is not tried again.
    """
    made: dict[str, Installation] = {}
    software: dict[str, Software] = {}
    failed: dict[str, str] = {}
    specs, sides = specs_of(words), side_names(len(words))
    for number, (side, spec) in enumerate(zip(sides, specs, strict=True), 1):
        place = folder / side
        if spec.commit:
            shutil.rmtree(place / "commit", ignore_errors=True)  # benchmark files of here may be others by now

        def tell(text: str, number: int = number) -> None:
            say(f"{number} of {len(words)}: {text}")

        try:
            if (known := _remembered(place, words[number - 1])) is not None:
                raise NothingMeasuredError(known)
            made[side] = installation(spec, place, settings, tell)
            software[side] = measuring.software(made[side])
        except (NothingMeasuredError, MeasurementError) as error:
            failed[side] = str(error).split("\n", 1)[0]
            made.pop(side, None)
            say(f"{number} of {len(words)}: {failed[side]} The others go on.")
    return Environments(words, made, software, failed)


def remember_failures(folder: Path, found: Environments) -> None:
    """Let what failed stay so until the comparison has ended: measuring begins without it, and goes on without it."""
    for side, words in zip(found.sides, found.words, strict=True):
        if side in found.failed:
            mark = folder / side / FAILED
            write_atomically(mark, seals.seal(found.failed[side].encode(), str(mark), words))


def _remembered(place: Path, words: str) -> str | None:
    mark = place / FAILED
    with contextlib.suppress(OSError):
        kept = seals.opened(read_plain(mark, 10_000), str(mark), words)
        return None if kept is None else kept.decode()
    return None


def bytes_needed(words: Sequence[str]) -> tuple[int, list[str]]:
    """What making the environments takes on disk at least, and the required packages of which nobody here knows it.

    A package that is installed here is taken to be as large in the release that is asked for.
    """
    total, unknown = 0, []
    for spec in map(parse, words):
        total += BARE_BYTES if spec.requirements else 0
        for requirement in spec.requirements:
            size = _installed_bytes(requirement)
            total += size or 0
            unknown += [] if size is not None else [requirement]
    return total, list(dict.fromkeys(unknown))


def required_package(requirement: str) -> str | None:
    """The package that a requirement is of, as installed packages are listed; None for a file or an address."""
    try:
        found = Requirement(requirement)
    except InvalidRequirement:
        return None
    return None if found.url else canonicalize_name(found.name)


def _installed_bytes(requirement: str) -> int | None:
    name = required_package(requirement)
    if name is None:
        return None
    try:
        files = importlib.metadata.distribution(name).files or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return sum(file.size or 0 for file in files)
