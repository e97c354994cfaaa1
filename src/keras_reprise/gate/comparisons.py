"""Comparisons of many environments in a results store: `comparisons/<machine>/<name>.json`, schema 1, meant for git.

A file holds what was asked for and every occasion on which it was measured: all processes and replicates, and the
verdicts with their numbers, so that tables, figures and pages are drawn again without measuring.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from keras_reprise.base.errors import IntegrityError, UserError, printable
from keras_reprise.base.files import read_plain, write_atomically
from keras_reprise.gate.processes import Process
from keras_reprise.gate.rule import VERDICTS, Row
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import MOST_BYTES, Quality, Schema, Software
from keras_reprise.record.encoding import encode_number, number, parsed, pretty
from keras_reprise.record.fields import Id12, Number, Strict, Timestamp
from keras_reprise.record.schema import Code
from keras_reprise.store.store import Problem, Store

FOLDER = "comparisons"
LARGEST_LOG = 100.0  # of a ratio of two times or peaks


class StoredRow(Strict, frozen=True):
    """A metric's verdict in one comparison of two environments; the fields are those of `rule.Row`."""

    metric: str
    ratio: bool
    n_before: int
    n_now: int
    before: Number
    now: Number
    change: Number
    low: Number
    high: Number
    p: Number
    bound: Number
    alike: Number
    least_p: Number
    worse_when_larger: bool
    p_adjusted: Number
    visible: Number
    verdict: str
    why: str
    again: Number | None
    estimate: str = ""

    @property
    def row(self) -> Row:
        return Row(**{name: _plain(value) for name, value in msgspec.structs.asdict(self).items()})


def stored_row(row: Row) -> StoredRow:
    """The row as it is stored: nan and infinities by their names."""
    values = {name: encode_number(v) if isinstance(v, float) else v for name, v in vars(row).items()}
    return msgspec.convert(values, StoredRow)


def _plain(value: Any) -> Any:
    return number(value) if value in ("nan", "inf", "-inf") else value


class StoredPair(Strict, frozen=True):
    """What two environments, by their numbers from 0, differ by; `assumed` is the noise that nobody calibrated."""

    before: int
    now: int
    rows: list[StoredRow]
    control_failed: str
    assumed: dict[str, float]


class MeasuredEnvironment(Strict, frozen=True):
    """An environment on one occasion: what was installed, and why it failed, by benchmark file or recipe.

    One that could not be made has no software, and the reason under "".
    """

    software: Software | None
    commit: str | None
    failed: dict[str, str]


class MeasuredLook(Strict, frozen=True):
    """What one look measured: the processes, whose sides are numbered environments, and replicates by side."""

    step: str
    order_seed: int
    only: list[str]
    processes: list[Process]
    quality: dict[str, list[Quality]]


class ComparisonOccasion(Strict, frozen=True):
    """One time that all environments were measured; `noise` is what was calibrated then, by metric."""

    started_at: Timestamp
    finished_at: Timestamp
    code: Code
    settings: Settings
    environments: list[MeasuredEnvironment]
    noise: dict[str, float]
    looks: list[MeasuredLook]
    pairs: list[StoredPair]
    notes: list[str]


class StoredComparison(Strict, frozen=True):
    """Environments in their order, compared with each other on one machine on one or more occasions.

    `reference` is the number of the one that all others are compared with; `benchmarks` are hashes of the benchmarks.
    """

    schema: Schema
    machine: Id12
    name: str
    words: list[str]
    reference: int
    benchmarks: dict[str, str]
    occasions: list[ComparisonOccasion]

    @property
    def newest(self) -> ComparisonOccasion:
        return self.occasions[-1]

    @property
    def asked(self) -> tuple[object, ...]:
        """What makes two of one name the same comparison."""
        return self.words, self.reference, self.benchmarks, measured_by(self.newest.settings)


def measured_by(settings: Settings) -> dict[str, object]:
    """The settings that decide what is measured; what counts as a change, and how often, may differ by occasion."""
    return {
        name: getattr(settings, name)
        for name in ("benchmarks", "recipes", "skip", "scale", "data")
    }  # fmt: skip


def comparison_path(store: Store, machine: str, name: str) -> Path:
    path = store.root / FOLDER / machine / f"{name}.json"
    store.require_own(path)
    return path


def read_comparison(path: Path) -> StoredComparison | None:
    """The comparison in a file, None when there is none; IntegrityError when it is broken or contradicts itself."""
    try:
        content = read_plain(path, MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IntegrityError(f"{path.name} cannot be read: {error.strerror}.\nRestore it from git.") from error
    return decoded_comparison(content, path)


def decoded_comparison(content: bytes, path: Path) -> StoredComparison:
    """The comparison in `content`, which came from `path`."""
    try:
        found = msgspec.convert(parsed(content), StoredComparison)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(
            f"{path.name} is no comparison of this version: {printable(str(error))}.\n"
            "Restore it from git, or delete it and measure again."
        ) from error
    if fault := _fault(found, path):
        raise IntegrityError(f"{path.name} {fault}.\nRestore it from git, or delete it and measure again.")
    return found


def _fault(found: StoredComparison, path: Path) -> str:
    """How a comparison contradicts itself or its place; nothing when it does not."""
    count = len(found.words)
    if (found.machine, f"{found.name}.json") != (path.parent.name, path.name):
        return f"is the comparison {found.name!r} of the machine {found.machine}, not of its place"
    if count < 3 or not 0 <= found.reference < count or not found.occasions:
        return "has no environments to compare, or no occasion"
    for occasion in found.occasions:
        if len(occasion.environments) != count:
            return f"has {len(occasion.environments)} environments on an occasion, not {count}"
        if any(not 0 <= end < count for pair in occasion.pairs for end in (pair.before, pair.now)):
            return "compares environments that it does not have"
        processes = [process for look in occasion.looks for process in look.processes]
        values = [value for one in processes for value in one.median.values()]
        if not all(math.isfinite(value) and value > 0 for value in values):
            return "has times that are no positive number of seconds"
        rows = [row for pair in occasion.pairs for row in pair.rows]
        if any(row.verdict not in VERDICTS for row in rows):
            return "has verdicts that there are not"
        logs = [number(one) for row in rows if row.ratio for one in (row.change, row.low, row.high, row.visible)]
        if any(math.isfinite(one) and abs(one) > LARGEST_LOG for one in logs):
            return "has changes that are no ratio of two times"
    return ""


def write_comparison(path: Path, content: StoredComparison) -> None:
    """Write it as records are written: sorted keys, two spaces, all of it or nothing."""
    write_atomically(path, pretty(msgspec.to_builtins(content)))


def comparison_files(root: Path) -> list[Path]:
    """The files of comparisons in a store's folder, in order; links are left out, `check` names them."""
    top = root / FOLDER
    if top.is_symlink():
        return []
    return sorted(p for p in top.glob("*/*.json") if p.is_file() and not p.is_symlink() and not p.parent.is_symlink())


def stored_comparisons(store: Store) -> list[StoredComparison]:
    """All comparisons of a store, by machine and name; IntegrityError when one is broken."""
    found = [read_comparison(path) for path in comparison_files(store.root)]
    return [one for one in found if one is not None]


def check_comparisons(store: Store) -> tuple[int, list[Problem]]:
    """Read every comparison; returns how many there are, and those that cannot be used."""
    found, problems = comparison_files(store.root), []
    for path in found:
        try:
            read_comparison(path)
        except IntegrityError as error:
            name = printable(path.relative_to(store.root).as_posix())
            problems.append(Problem(name, f"{name}: {str(error).splitlines()[0]}"))
    return len(found), problems


@dataclass(frozen=True)
class ToMerge:
    """The comparisons that another store brings, as they will be written here; `present` were here already."""

    new: Mapping[Path, StoredComparison]
    present: int


def to_merge(store: Store, other: Store) -> ToMerge:
    """What `other` has of comparisons that `store` lacks: whole ones, and occasions of those that both have.

    UserError for one of a name that is another comparison here; nothing is written.
    """
    new, present = {}, 0
    for path in comparison_files(other.root):
        other.require_own(path)
        theirs = read_comparison(path)
        if theirs is None:
            continue
        mine_at = comparison_path(store, theirs.machine, theirs.name)
        mine = read_comparison(mine_at)
        joined = theirs if mine is None else joined_occasions(mine, theirs)
        if joined == mine:
            present += 1
        else:
            new[mine_at] = joined
    return ToMerge(new, present)


def joined_occasions(mine: StoredComparison, theirs: StoredComparison) -> StoredComparison:
    """One comparison with the occasions of both, oldest first; UserError when they are not the same comparison."""
    name = f"{mine.machine}/{mine.name}"
    if mine.asked != theirs.asked:
        raise UserError(
            f"The comparison {name} is another one in each store: {_difference(mine, theirs)}.\n"
            f"Nothing was merged. Rename one of them (its file, and the name in it), then merge again."
        )
    by_start = {one.started_at: one for one in mine.occasions}
    for one in theirs.occasions:
        if by_start.setdefault(one.started_at, one) != one:
            raise UserError(
                f"The occasion of {one.started_at} of the comparison {name} differs between the two stores.\n"
                "Nothing was merged. One of them was edited; restore it from git."
            )
    return msgspec.structs.replace(mine, occasions=[by_start[start] for start in sorted(by_start)])


def _difference(a: StoredComparison, b: StoredComparison) -> str:
    """In words what makes two of one name different comparisons."""
    if a.words != b.words:
        return f"{shown(a.words)}, and {shown(b.words)}"
    if a.reference != b.reference:
        return f"with {a.words[a.reference]} as reference, and {b.words[b.reference]}"
    mine, theirs = measured_by(a.newest.settings), measured_by(b.newest.settings)
    other = [name for name in mine if mine[name] != theirs[name]]
    return f"its settings differ ({', '.join(other)})" if other else "the benchmarks themselves were edited"


def difference_to(known: StoredComparison, asked: StoredComparison) -> str:
    """Why what is asked for is not another occasion of what is known; nothing when it is."""
    return "" if known.asked == asked.asked else _difference(known, asked)


def shown(words: Sequence[str]) -> str:
    """Environments in a sentence: all, or the ends of many."""
    return ", ".join(words) if len(words) <= 4 else f"{words[0]}, {words[1]} ... {words[-1]} ({len(words)})"
