"""The gate's files in a results store: the accepted baseline, the calibration, and what one gate measured.

`baselines/<machine>/<name>.json` and `baselines/<machine>/<name>.calibration.json` are meant for git. A finished gate
lies in the git-ignored cache, from where `accept --last` takes it. All are JSON, schema 1.
"""

import contextlib
import hashlib
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import numpy as np

from keras_reprise.base import seals
from keras_reprise.base.errors import IntegrityError, NothingMeasuredError, UserError, printable
from keras_reprise.base.files import read_plain, write_atomically
from keras_reprise.catalog import sources
from keras_reprise.gate.processes import Process
from keras_reprise.record.encoding import number, pretty
from keras_reprise.record.fields import Id12, Number, Sha256, Slug, Strict, Timestamp
from keras_reprise.record.schema import ClaimCard, Code, DataRef, RecipeRef
from keras_reprise.store.store import Problem, Store

SCHEMA = 1
MOST_BYTES = 2**26  # of a baseline, a calibration or a finished gate
Schema = Annotated[int, msgspec.Meta(ge=SCHEMA, le=SCHEMA)]
T = TypeVar("T")


class Software(Strict, frozen=True):
    """What ran: Python's version, the installed packages, and the variables that choose backend and threads."""

    python: str
    packages: dict[str, str]
    variables: dict[str, str]

    @property
    def digest(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:12]


class Quality(Strict, frozen=True):
    """What the replicates of one recipe gave, one number a seed: metrics by `arm/name`, statistics by claim.

    A statistic is None where the claim's premise is not met, so that the replicate says nothing of it.
    `failed` counts replicates without a result, `seconds` is what one took. Baselines made before there were
    measurements have neither `measurement` nor `backend`.
    """

    recipe: Slug
    version: int
    scale: Slug
    source_sha256: Sha256
    data: DataRef | None
    seeds: list[int]
    metrics: dict[str, list[Number]]
    margins: dict[str, float]
    claims: list[ClaimCard]
    statistics: dict[str, list[Number | None]]
    failed: int
    seconds: float
    measurement: Sha256 | None = None
    backend: str | None = None

    @property
    def source(self) -> str:
        """The label of the source that these numbers are of; nothing for the package's own recipes."""
        return sources.label(RecipeRef(self.recipe, self.version, self.scale, self.source_sha256, "", self.measurement))

    def is_of_the_source_of(self, other: "Quality") -> bool:
        """Whether both are of one source.

        Where a measurement is not known (an older baseline), or one cannot be that of the other since each backend has
        its own, the recipe's file tells.
        """
        if self.source == other.source:
            return True
        unlike = self.backend != other.backend or None in (self.measurement, other.measurement)
        return unlike and self.source_sha256 == other.source_sha256

    def joined(self, more: "Quality") -> "Quality":
        """These replicates and those of other seeds of the same recipe."""
        return msgspec.structs.replace(
            self, seeds=self.seeds + more.seeds, failed=self.failed + more.failed,
            metrics={name: [*values, *more.metrics.get(name, [])] for name, values in self.metrics.items()},
            statistics={claim: [*values, *more.statistics.get(claim, [])] for claim, values in self.statistics.items()},
        )  # fmt: skip


class Accepted(Strict, frozen=True):
    """Who accepted a baseline, when and why."""

    at: Timestamp
    by: str
    why: str


class Occasion(Strict, frozen=True):
    """What one side of a gate measured at one time, and where. `order_seed` drew the order of the processes."""

    machine: Id12
    software: Software
    code: Code
    order_seed: int
    processes: list[Process]
    quality: list[Quality]


class Baseline(Strict, frozen=True):
    """What later gates of this machine are compared with.

    `uncommitted` are the files that were not as committed and that cannot be measured beside other code, `benchmarks`
    hashes of what the benchmarks were; older baselines have neither.
    """

    schema: Schema
    accepted: Accepted
    measured: Occasion
    uncommitted: list[str] | None = None
    benchmarks: dict[str, str] = {}


class Calibration(Strict, frozen=True):
    """The occasions on which this machine was calibrated: identical code, measured again and again."""

    schema: Schema
    occasions: list[Occasion]


class Finished(Strict, frozen=True):
    """A gate that was measured to its end, for `accept --last` and `history`.

    `before` are the processes of the commit `accepted`, where that was measured in turns with the code of now.
    """

    schema: Schema
    finished_at: Timestamp
    measured: Occasion
    before: list[Process] = []
    accepted: str | None = None


def baseline_path(store: Store, machine: str, name: str) -> Path:
    return _own(store, store.root / "baselines" / machine / f"{name}.json")


def calibration_path(store: Store, machine: str, name: str) -> Path:
    return _own(store, store.root / "baselines" / machine / f"{name}.calibration.json")


def _own(store: Store, path: Path) -> Path:
    """The path; StoreError when a link on the way leads out of the store."""
    store.require_own(path)
    return path


def finished_gates(store: Store, machine: str, name: str) -> list[Finished]:
    """The finished gates that are kept in the cache, oldest first; those that cannot be read are left out."""
    found = []
    for path in (store.cache / "gates" / machine / name).glob("*.json"):
        with contextlib.suppress(IntegrityError, OSError):
            content = seals.opened(read_plain(path, MOST_BYTES), machine, name)
            found += [] if content is None else [_decoded(content, path, Finished)]
    return sorted(found, key=lambda one: one.finished_at)


def keep(store: Store, name: str, gate: Finished) -> None:
    """Keep a finished gate in the cache."""
    stamp = re.sub(r"\W", "", gate.finished_at)
    path = store.cached("gates", gate.measured.machine, name) / f"{stamp}.json"
    write_atomically(path, seals.seal(_encoded(gate), gate.measured.machine, name))


def read(path: Path, kind: type[T]) -> T | None:
    """What the file at `path` holds, None when there is none; IntegrityError when it is broken."""
    try:
        content = read_plain(path, MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IntegrityError(f"{path.name} cannot be read: {error.strerror}.\nRestore it from git.") from error
    return _decoded(content, path, kind)


def _decoded(content: bytes, path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(
            f"{path.name} is no {kind.__name__.lower()} of this version: {printable(str(error))}.\n"
            "Restore it from git, or make it anew with `reprise accept` or `reprise calibrate`."
        ) from error


def write(path: Path, content: Baseline | Calibration) -> None:
    """Write a file as records are written: sorted keys, two spaces, all of it or nothing."""
    write_atomically(path, _encoded(content))


def _encoded(content: Baseline | Calibration | Finished) -> bytes:
    return pretty(msgspec.to_builtins(content))


def check_baselines(store: Store) -> tuple[int, list[Problem]]:
    """Read every baseline and calibration; returns how many there are and those that no gate can use."""
    found, problems = sorted((store.root / "baselines").glob("*/*.json")), []
    for path in found:
        name = printable(path.relative_to(store.root).as_posix())
        try:
            if path.name.endswith(".calibration.json"):
                calibration = read(path, Calibration)
                sides = calibration.occasions if calibration else []
            else:
                baseline = read(path, Baseline)
                sides = [baseline.measured] if baseline else []
            values = (v for one in sides for found in samples(one.processes, "median").values() for v in found)
            if any(one.machine != path.parent.name for one in sides):
                problems.append(Problem(name, f"{name} is of another machine than its folder says."))
            elif not all(math.isfinite(value) and value > 0 for value in values):
                problems.append(Problem(name, f"{name} has times that are no positive number of seconds."))
        except IntegrityError as error:
            problems.append(Problem(name, f"{name}: {str(error).splitlines()[0]}"))
    return len(found), problems


def samples(processes: Iterable[Process], estimate: str) -> dict[str, np.ndarray]:
    """One estimate a process (n,), by metric, in the order in which they were measured; `estimate` is one of ESTIMATES.

    Processes that the host disturbed are left out.
    """
    found: dict[str, list[float]] = {}
    for process in (process for process in processes if not process.disturbed):
        for name, value in getattr(process, estimate).items():
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def blocks(processes: Iterable[Process]) -> dict[str, np.ndarray]:
    """The block of two rounds in which each estimate of `samples` was made (n,), by metric; see `plan`."""
    found: dict[str, list[int]] = {}
    for process in (process for process in processes if not process.disturbed):
        for name in process.median:
            found.setdefault(name, []).append(process.round // 2)
    return {name: np.array(numbers) for name, numbers in found.items()}


def quality_samples(found: Sequence[Quality]) -> dict[str, np.ndarray]:
    """One number a replicate (n,), by `recipe/arm/metric`; those that are not finite are left out."""
    return {
        f"{quality.recipe}/{name}": np.array([number(v) for v in values if math.isfinite(number(v))])
        for quality in found
        for name, values in quality.metrics.items()
    }


def command() -> str:
    """How the user called `reprise`: by itself, or through an environment of tox."""
    environment = os.environ.get("TOX_ENV_NAME")
    return f"tox -e {environment} --" if environment else "reprise"


def _in_words(store: Store, machine: str) -> str:
    """A machine's id, with its processor and cores where the store has them."""
    try:
        facts = store.document("machines", machine)
    except (IntegrityError, OSError):
        return machine
    return printable(f"{machine} ({facts.get('cpu')}, {facts.get('cores')} cores)")


def require_baseline(store: Store, machine: str, name: str) -> Baseline:
    """The baseline of this machine; NothingMeasuredError with the command that makes one when there is none."""
    found = read(baseline_path(store, machine, name), Baseline)
    if found is None:
        found_of = sorted(path.parent.name for path in (store.root / "baselines").glob(f"*/{name}.json"))
        others = [_in_words(store, one) for one in found_of]
        elsewhere = (
            f" There is one of {', '.join(others)}; times of different machines are not compared." if others else ""
        )
        raise NothingMeasuredError(
            f"There is no baseline {name!r} of this machine ({machine}) in {store.root}.{elsewhere}\n"
            f'Nothing was measured. Make one with `{command()} accept --why "first baseline"`, then run the gate again.'
        )
    if found.measured.machine != machine:
        raise UserError(
            f"The baseline in {store.root}/baselines/{machine} is one of the machine {found.measured.machine}.\n"
            "Times of different machines are not compared; restore it from git, or accept a new one."
        )
    return found
