"""The results store: plain JSON files, written once. Only this module writes to it, and nothing here imports Keras.

Layout: machines/ environments/ cards/ with <id12>.json, judging/ with <measurement12>.json, and
records/<slug>/v<N>/<scale>/<machine8>-<environment8>/seed<K>-<record12>.json. `.cache/` is git-ignored and may be
deleted at any time.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import msgspec

from keras_reprise.base.errors import IntegrityError, StoreError, printable
from keras_reprise.base.files import sweep, write_atomically
from keras_reprise.base.parallel import spread
from keras_reprise.catalog import sources
from keras_reprise.record.encoding import parsed, pretty
from keras_reprise.record.fields import Number, Sha256, Strict
from keras_reprise.record.schema import (
    MAX_RECORD_BYTES,
    Card,
    Code,
    DataRef,
    RecipeRef,
    Record,
    ReplicateRef,
    decode,
    decode_card,
    decode_document,
)
from keras_reprise.store import claim_values
from keras_reprise.store.folder import CACHE, Folder

DOCUMENTS = ("machines", "environments", "cards")
JUDGING = "judging"
SWEPT = (*DOCUMENTS, JUDGING, "records", "baselines", "comparisons", "reports", CACHE)  # all that commands write to
INDEX = "index-2"  # raised with what a summary holds, so that an older index is dropped and not misread


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


class NamedCard(Strict, frozen=True):
    """The content of a file of judging/: by which card the records of a measurement are judged."""

    measurement: Sha256
    card: Sha256


class _Indexed(msgspec.Struct):
    size: int
    modified_ns: int
    summary: Summary

    @property
    def state(self) -> tuple[int, int]:
        return self.size, self.modified_ns


@dataclass(frozen=True)
class Problem:
    """One thing that `check` found wrong with one file."""

    path: str
    fault: str


class Store(Folder):
    """The folder that holds records/, cards/, machines/ and environments/."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.digests = claim_values.Digests()

    def make_writable(self) -> None:
        """Create the folders, and fail now rather than after an hour of training when nothing can be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for folder in (*DOCUMENTS, "records"):
                self.require_own(self.root / folder / "a file")
                (self.root / folder).mkdir(exist_ok=True)
            self.make_cache()
            for folder in (*DOCUMENTS, "records", CACHE):
                with tempfile.TemporaryFile(dir=self.root / folder) as probe:
                    probe.write(b"\0" * 4096)
                    probe.flush()
                    os.fsync(probe.fileno())
            for folder in SWEPT:
                if self.link_to(self.root / folder / "a file") is None:
                    sweep(self.root / folder)
        except OSError as error:
            raise StoreError(
                f"The store {self.root} cannot be written: {error.strerror or error}.\n"
                "Nothing was run. Free space, change its permissions, or give another --store."
            ) from error

    def add_document(self, kind: str, document: Mapping[str, object]) -> str:
        """Store a machine, environment or card once; returns its sha256."""
        content = pretty(document)
        digest = hashlib.sha256(content).hexdigest()
        self.write_once(self.root / kind / f"{digest[:12]}.json", content)
        return digest

    def add_record(self, content: bytes) -> tuple[Path, Record]:
        """Validate the bytes of a record and write them once; returns where it lies."""
        record, _ = decode(content, "the new record")
        if len(content) > MAX_RECORD_BYTES:
            raise StoreError(
                f"The record of {record.recipe.slug} would be {len(content):,} bytes; the limit is "
                f"{MAX_RECORD_BYTES:,}.\nStore fewer or coarser curves."
            )
        path = self.root / record_path(record)
        self.require_own(path)
        write_atomically(path, content)
        return path, record

    def records_of(
        self, slug: str, version: int, scale: str, machine: str, environment: str, *, seed: int | None = None
    ) -> list[Summary]:
        """The records of a recipe version, scale, machine and environment (and seed) there now; without the index.

        Those that cannot be read, or belong elsewhere, are passed over: `check` names them.
        """
        found = []
        for name, _ in self.walk(records_folder(slug, version, scale, machine, environment).as_posix()):
            if seed is not None and not name.rpartition("/")[2].startswith(f"seed{seed}-"):
                continue
            with contextlib.suppress(IntegrityError):
                summary = summary_of(name, self.read(self.root / name))
                if (summary.machine, summary.environment) == (machine, environment):
                    found.append(summary)
        return found

    def record_names(self) -> list[str]:
        """Every file under records/, sorted by folder, and folders that cannot be listed; leftovers of an interrupted
        write are passed over."""
        return [name for name, _ in self.walk()]

    def read(self, path: Path) -> Record:
        """The record in `path`, validated and verified; IntegrityError when something is wrong with it."""
        record, _ = decode(self.read_bytes(path), self.name(path))
        if path != self.root / record_path(record):
            raise IntegrityError(
                f"{self.name(path)} is misplaced: it belongs at {record_path(record)}.\nMove it there."
            )
        return record

    def card(self, digest: str) -> Card:
        """The recipe card with this sha256, verified."""
        path = self.root / "cards" / f"{digest[:12]}.json"
        content = self.read_bytes(path)
        if hashlib.sha256(content).hexdigest() != digest:
            raise IntegrityError(
                f"{self.name(path)} was edited: its content does not hash to its name.\nRestore it from git."
            )
        return decode_card(content, self.name(path))

    def document(self, kind: str, id12: str) -> dict[str, Any]:
        """A machine or environment document as plain data."""
        path = self.root / kind / f"{id12}.json"
        content = self.read_bytes(path)
        if hashlib.sha256(content).hexdigest()[:12] != id12:
            raise IntegrityError(
                f"{self.name(path)} was edited: its content does not hash to its name.\nRestore it from git."
            )
        return decode_document(content, self.name(path))

    def summaries(self) -> tuple[list[Summary], list[Problem]]:
        """Every readable record without its arms, and what is wrong with the others.

        Verified records are remembered in `.cache/` by size and modification time.
        """
        known = self.remembered(INDEX, dict[str, _Indexed]) or {}
        values: claim_values.Known = {}
        states = {name: _state(status) for name, status in self.walk()}
        new = [name for name, state in states.items() if name not in known or known[name].state != state]
        read = {}
        for found, evaluated in spread(_summarised, self.root, new):
            read.update(found)
            claim_values.add(values, evaluated)
        problems = [Problem(printable(name), fault) for name, fault in read.items() if isinstance(fault, str)]
        index = {}
        for name, state in states.items():
            summary = read.get(name, known[name].summary if name in known else None)
            if isinstance(summary, Summary):
                index[name] = _Indexed(*state, summary)
        if new or len(index) != len(known):
            self.remember(INDEX, index)
        if values:
            self._remember_values(values)
        return [entry.summary for entry in index.values()], problems

    def values(self, card: Card, summaries: Sequence[Summary]) -> Mapping[str, Mapping[str, float | None]]:
        """By record id, the numbers of the claims of `card` whose value is an expression (None: without its premise).

        Worked out from the records' arms where they are not remembered; IntegrityError when one cannot be read.
        """
        self.prepare([(card, summaries)])
        key = self.digests.of(card, _unchanged(summaries))
        known = self._values.get(key, {})
        return {one.id: claim_values.by_claim(card, known[one.id]) for one in summaries} if key else {}

    def prepare(self, wanted: Iterable[tuple[Card, Sequence[Summary]]]) -> None:
        """Work out what `values` will be asked for, many records at once."""
        missing: dict[str, tuple[Card, tuple[str, ...], list[str]]] = {}
        for card, summaries in wanted:
            unchanged = _unchanged(summaries)
            if key := self.digests.of(card, unchanged):
                known = self._values.get(key, {})
                if paths := [one.path for one in summaries if one.id not in known]:
                    missing.setdefault(key, (card, unchanged, []))[2].extend(paths)
        for key, (card, unchanged, paths) in missing.items():
            evaluate = partial(_evaluated, card, unchanged)
            new = {id_: row for found in spread(evaluate, self.root, paths) for id_, row in found.items()}
            if new:
                self._remember_values({key: new})

    @cached_property
    def _values(self) -> claim_values.Known:
        return self.remembered(claim_values.REMEMBERED, claim_values.Known) or {}

    def _remember_values(self, new: claim_values.Known) -> None:
        claim_values.add(self._values, new)
        self.remember(claim_values.REMEMBERED, self._values)

    def judging(self, measurement: str) -> str | None:
        """The card by which the records of somebody's own measurement are judged, where a run here has named one."""
        path = self.root / JUDGING / f"{measurement[:12]}.json"
        if not os.path.lexists(path):
            return None
        named = named_card(self.read_bytes(path), self.name(path))
        return named.card if named.measurement == measurement else None

    def judge_by(self, measurement: str, card: str) -> None:
        """Have the records of a measurement judged by a card from now on: its recipe ran here."""
        content = pretty({"measurement": measurement, "card": card})
        self.write_once(self.root / JUDGING / f"{measurement[:12]}.json", content)

    def usable(self, summaries: Iterable[Summary]) -> tuple[list[Summary], list[Problem]]:
        """The records whose card, machine and environment are there unchanged, and what is wrong with the others."""
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


def document_id(document: Mapping[str, object]) -> str:
    """The id under which a store keeps a machine or an environment."""
    return hashlib.sha256(pretty(document)).hexdigest()[:12]


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


def _summarised(root: Path, names: Sequence[str]) -> tuple[dict[str, Summary | str], claim_values.Known]:
    """Each record without its arms, or what is wrong with it; and the numbers of its claims by the card that judges."""
    store, found, values = Store(root), dict[str, Summary | str](), claim_values.Known()
    card = cache(store.card)
    for name in names:
        try:
            record = store.read(root / name)
            found[name] = summary_of(name, record)
        except IntegrityError as error:
            found[name] = str(error).split("\n")[0]
            continue
        with contextlib.suppress(IntegrityError):  # of its card: `usable` says so
            judge, unchanged = claim_values.judge(record, card)
            if key := store.digests.of(judge, unchanged):
                row = claim_values.row(record, judge, unchanged, claim_values.settings_of(record, card))
                values.setdefault(key, {})[record.id] = row
    return found, values


def _unchanged(summaries: Sequence[Summary]) -> tuple[str, ...]:
    """The numbers of `summarise` that these comparable records may hold as claims."""
    entry = sources.entry_of(summaries[0].recipe) if summaries else None
    return tuple(entry.unchanged) if entry else ()


def _evaluated(card: Card, unchanged: tuple[str, ...], root: Path, names: Sequence[str]) -> dict[str, claim_values.Row]:
    """The numbers of the claims of `card` for records, by record id."""
    store = Store(root)
    own = cache(store.card)
    records = [store.read(root / name) for name in names]
    return {one.id: claim_values.row(one, card, unchanged, claim_values.settings_of(one, own)) for one in records}


def named_card(content: bytes, name: str) -> NamedCard:
    """The content of a file of judging/; IntegrityError names the file and the fault."""
    try:
        return msgspec.convert(parsed(content), NamedCard)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{name} names no card: {error}.\nRestore it from git, or delete it.") from error


def _state(status: os.stat_result | None) -> tuple[int, int]:
    """Size and modification time of a plain file; anything else has none that is remembered."""
    if status is None or not stat.S_ISREG(status.st_mode):
        return -1, -1
    return status.st_size, status.st_mtime_ns
