"""The results store: plain JSON files, written once. Only this module writes to it, and nothing here imports Keras.

Layout: machines/ environments/ cards/ with <id12>.json, and
records/<slug>/v<N>/<scale>/<machine8>-<environment8>/seed<K>-<record12>.json. `.cache/` is git-ignored and may be
deleted at any time.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from keras_reprise.errors import IntegrityError, StoreError, printable
from keras_reprise.record import (
    Card,
    Code,
    DataRef,
    Number,
    RecipeRef,
    Record,
    ReplicateRef,
    decode,
    decode_card,
    pretty,
)

T = TypeVar("T")

DOCUMENTS = ("machines", "environments", "cards")
MAX_RECORD_BYTES = 2**20


class Summary(msgspec.Struct, frozen=True):
    """What judging, comparing and citing need of a record: everything but its arms."""

    path: str
    id: str
    recipe: RecipeRef
    replicate: ReplicateRef
    data: DataRef | None
    claims: dict[str, Number]
    machine: str
    environment: str
    status: str
    started_at: str
    finished_at: str
    duration_s: float
    code: Code


class _Indexed(msgspec.Struct):
    size: int
    modified_ns: int
    summary: Summary


@dataclass(frozen=True)
class Problem:
    """One thing that `check` found wrong with one file."""

    path: str
    fault: str


class Store:
    """The folder that holds records/, cards/, machines/ and environments/."""

    def __init__(self, root: Path) -> None:
        if root.exists() and not root.is_dir():
            raise StoreError(
                f"{root} is a file, not a results store.\nGive --store a folder; it is made when it does not exist."
            )
        self.root = root

    @property
    def cache(self) -> Path:
        return self.root / ".cache"

    def make_writable(self) -> None:
        """Create the folders, and fail now rather than after an hour of training when nothing can be written."""
        try:
            for folder in (*DOCUMENTS, "records", ".cache"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
            self._make_cache()
            for folder in (*DOCUMENTS, "records", ".cache"):
                with tempfile.TemporaryFile(dir=self.root / folder) as probe:
                    probe.write(b"\0" * 4096)
                    probe.flush()
                    os.fsync(probe.fileno())
        except OSError as error:
            raise StoreError(
                f"The store {self.root} cannot be written: {error.strerror or error}.\nNothing was run. Free space, change its permissions, or give another --store."
            ) from error

    def add_document(self, kind: str, document: Mapping[str, Any]) -> str:
        """Store a machine, environment or card once; returns its sha256."""
        content = pretty(document)
        digest = hashlib.sha256(content).hexdigest()
        path = self.root / kind / f"{digest[:12]}.json"
        if not path.exists():
            write_atomically(path, content)
        return digest

    def add_record(self, content: bytes) -> tuple[Path, Record]:
        """Validate the bytes of a record and write them once; returns where it lies."""
        record, _ = decode(content, "the new record")
        if len(content) > MAX_RECORD_BYTES:
            raise StoreError(
                f"The record of {record.recipe.slug} would be {len(content):,} bytes; the limit is {MAX_RECORD_BYTES:,}.\nStore fewer or coarser curves."
            )
        path = self.root / record_path(record)
        write_atomically(path, content)
        return path, record

    def records_of(self, slug: str, version: int, scale: str, machine: str, environment: str) -> list[Summary]:
        """The records of one recipe version, scale, machine and environment that are there now; without the index.

        Those that cannot be read, or belong elsewhere, are passed over: `check` names them.
        """
        found = []
        for name, _ in self._walk(records_folder(slug, version, scale, machine, environment).as_posix()):
            with contextlib.suppress(IntegrityError):
                summary = summary_of(name, self.read(self.root / name))
                if (summary.machine, summary.environment) == (machine, environment):
                    found.append(summary)
        return found

    def record_files(self) -> Iterator[Path]:
        """Every file under records/, sorted; leftovers of an interrupted write are passed over."""
        for name, _ in self._walk():
            yield self.root / name

    def _walk(self, top: str = "records") -> Iterator[tuple[str, os.stat_result]]:
        """Name and state of every file under `top`; links are named but never followed."""
        folders = [top]
        while folders:
            folder = folders.pop()
            with contextlib.suppress(OSError), os.scandir(self.root / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
                folders += [f"{folder}/{e.name}" for e in reversed(found) if e.is_dir(follow_symlinks=False)]
                for entry in found:
                    if not entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".tmp-"):
                        yield f"{folder}/{entry.name}", entry.stat(follow_symlinks=False)

    def read(self, path: Path) -> Record:
        """The record in `path`, validated and verified; IntegrityError when something is wrong with it."""
        if path.is_symlink():
            raise IntegrityError(f"{self._name(path)} is a link, not a record.\nDelete it, and copy the record itself.")
        record, _ = decode(_read_bytes(path, self.root), self._name(path))
        if path != self.root / record_path(record):
            raise IntegrityError(
                f"{self._name(path)} is misplaced: it belongs at {record_path(record)}.\nMove it there."
            )
        return record

    def card(self, digest: str) -> Card:
        """The recipe card with this sha256, verified."""
        path = self.root / "cards" / f"{digest[:12]}.json"
        content = _read_bytes(path, self.root)
        if hashlib.sha256(content).hexdigest() != digest:
            raise IntegrityError(
                f"{self._name(path)} was edited: its content does not hash to its name.\nRestore it from git."
            )
        return decode_card(content, self._name(path))

    def document(self, kind: str, id12: str) -> dict[str, Any]:
        """A machine or environment document as plain data."""
        path = self.root / kind / f"{id12}.json"
        content = _read_bytes(path, self.root)
        if hashlib.sha256(content).hexdigest()[:12] != id12:
            raise IntegrityError(
                f"{self._name(path)} was edited: its content does not hash to its name.\nRestore it from git."
            )
        document = json.loads(content)
        if not isinstance(document, dict):
            raise IntegrityError(f"{self._name(path)} is not a JSON object.\nRestore it from git.")
        return document

    def summaries(self) -> tuple[list[Summary], list[Problem]]:
        """Every readable record without its arms, and what is wrong with the others.

        Verified records are remembered in `.cache/index.msgpack` by size and modification time.
        """
        known = self.remembered("index", dict[str, _Indexed]) or {}
        index: dict[str, _Indexed] = {}
        problems = []
        for name, status in self._walk():
            entry = known.get(name)
            if entry is None or (entry.size, entry.modified_ns) != (status.st_size, status.st_mtime_ns):
                try:
                    record = self.read(self.root / name)
                except IntegrityError as error:
                    problems.append(Problem(printable(name), str(error).split("\n")[0]))
                    continue
                summary = summary_of(name, record)
                entry = _Indexed(status.st_size, status.st_mtime_ns, summary)
            index[name] = entry
        if index != known:
            self.remember("index", index)
        return [entry.summary for entry in index.values()], problems

    def usable(self, summaries: Iterable[Summary]) -> tuple[list[Summary], list[Problem]]:
        """The records whose card, machine and environment are there and unchanged, and what is wrong with the others."""
        faults: dict[tuple[str, str], str] = {}
        kept, problems = [], []
        for summary in summaries:
            for kind, name in (
                ("cards", summary.recipe.card),
                ("machines", summary.machine),
                ("environments", summary.environment),
            ):
                if (kind, name) not in faults:
                    faults[kind, name] = self._fault(kind, name)
                if fault := faults[kind, name]:
                    problems.append(Problem(summary.path, f"{printable(summary.path)} cannot be used: {fault}"))
                    break
            else:
                kept.append(summary)
        return kept, problems

    def _fault(self, kind: str, name: str) -> str:
        try:
            self.card(name) if kind == "cards" else self.document(kind, name)
        except (IntegrityError, ValueError) as error:
            return str(error).split("\n")[0]
        return ""

    def check(self) -> tuple[int, list[Problem]]:
        """Re-hash every file; returns how many were read and what is truncated, edited, misplaced or refers to nothing."""
        count, problems = 0, []
        for kind in DOCUMENTS:
            for path in sorted((self.root / kind).glob("*")):
                count += 1
                try:
                    self._check_document(kind, path)
                except (IntegrityError, ValueError) as error:
                    problems.append(Problem(self._name(path), str(error).split("\n")[0]))
        for path in self.record_files():
            count += 1
            try:
                self._check_record(self.read(path), path)
            except IntegrityError as error:
                problems.append(Problem(self._name(path), str(error).split("\n")[0]))
        return count, problems

    def _check_document(self, kind: str, path: Path) -> None:
        if path.name.startswith(".tmp-"):
            return
        content = _read_bytes(path, self.root)
        if path.suffix != ".json" or hashlib.sha256(content).hexdigest()[:12] != path.stem:
            raise IntegrityError(f"{self._name(path)} was edited or misplaced: its content does not hash to its name.")
        if kind == "cards":
            decode_card(content, self._name(path))
        else:
            json.loads(content)

    def _check_record(self, record: Record, path: Path) -> None:
        for kind, id12 in (
            ("machines", record.machine),
            ("environments", record.environment),
            ("cards", record.recipe.card[:12]),
        ):
            if not (self.root / kind / f"{id12}.json").is_file():
                raise IntegrityError(f"{self._name(path)} refers to {kind}/{id12}.json, which is missing.")
        card = self.card(record.recipe.card)
        if (card.slug, card.version) != (record.recipe.slug, record.recipe.version):
            raise IntegrityError(f"{self._name(path)} refers to the card of {card.slug} version {card.version}.")
        unknown = set(record.claims) ^ {claim.id for claim in card.claims}
        if unknown:
            raise IntegrityError(
                f"{self._name(path)} and its card disagree about the claims {', '.join(sorted(unknown))}."
            )

    def _name(self, path: Path) -> str:
        return printable(path.relative_to(self.root).as_posix())

    def remembered(self, name: str, kind: type[T]) -> T | None:
        """What `remember` kept under `name` in the cache; None when it is missing or of another form."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.msgpack.decode((self.cache / f"{name}.msgpack").read_bytes(), type=kind)
        return None

    def remember(self, name: str, value: Any) -> None:
        """Keep `value` in the cache, for speed alone; a read-only store is read without."""
        with contextlib.suppress(OSError, StoreError):
            self._make_cache()
            write_atomically(self.cache / f"{name}.msgpack", msgspec.msgpack.encode(value))

    def _make_cache(self) -> None:
        self.cache.mkdir(exist_ok=True)
        if not (ignore := self.cache / ".gitignore").exists():
            write_atomically(ignore, b"*\n")


def record_path(record: Record) -> Path:
    """Where a record lies, relative to the store; derived from its content, never parsed for facts."""
    recipe = record.recipe
    folder = records_folder(recipe.slug, recipe.version, recipe.scale, record.machine, record.environment)
    return folder / f"seed{record.replicate.seed}-{record.id[:12]}.json"


def records_folder(slug: str, version: int, scale: str, machine: str, environment: str) -> Path:
    """Where such records lie, relative to the store."""
    return Path("records", slug, f"v{version}", scale, f"{machine[:8]}-{environment[:8]}")


def summary_of(name: str, record: Record) -> Summary:
    """The record at `name` without its arms."""
    shared = {field: getattr(record, field) for field in Summary.__struct_fields__ if field != "path"}
    return Summary(path=name, **shared)


def _read_bytes(path: Path, root: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IntegrityError(
            f"{printable(path.relative_to(root).as_posix())} cannot be read: {error.strerror}.\nRestore it from git."
        ) from error


def make_folder(folder: Path) -> None:
    """Make `folder` for output, and fail now, with a message, when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StoreError(
            f"Nothing can be written to {folder}: {error.strerror or error}.\nGive another folder, free space, or change its permissions."
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside `path`, flush it to disk, and rename it: a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise StoreError(
            f"{path.name} could not be written: {error.strerror}.\nWhat was finished before is kept; free space or permissions and run the command again."
        ) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
