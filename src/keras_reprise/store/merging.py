"""Records from another store: all of them valid, or none is taken.

They are copied to the cache first, where they change nothing, and moved to their places once all were found valid. A
merge that is killed while it moves them is finished by the next run or merge.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from keras_reprise.base import seals
from keras_reprise.base.errors import IntegrityError, NothingMeasuredError, StoreError, UserError
from keras_reprise.base.files import make_folder, read_plain
from keras_reprise.base.parallel import Tell, spread
from keras_reprise.catalog import sources
from keras_reprise.record.schema import Record, decode
from keras_reprise.store.checking import disagreement, documents_of
from keras_reprise.store.store import Store, record_path

SHOWN = 10
WHOLE = "whole"


@dataclass(frozen=True)
class Merged:
    """What a merge brought: the names of records that were not here, how many documents and how many records that
    were, and how many of the new ones are of a source that the lock does not know: somebody's own recipe, or an
    edited copy of one of ours."""

    names: tuple[str, ...]
    documents: int
    present: int
    unknown: int = 0


class _Staged(NamedTuple):
    """One record of the other store: its documents when it was copied, or what is wrong with it."""

    fault: str = ""
    documents: tuple[str, ...] = ()
    unknown: bool = False


def merge(store: Store, other: Store, tell: Tell | None = None) -> Merged:
    """Bring the records of `other` that `store` lacks, with what they refer to; errors leave `store` as it was."""
    other.require_folder()
    if not other.root.is_dir() or not (names := other.record_names()):
        raise NothingMeasuredError(
            f"There are no records in {other.root}.\n"
            "Give the folder that holds records/, cards/, machines/ and environments/."
        )
    if other.root.resolve() == store.root.resolve():
        raise UserError(f"{other.root} is this store itself.\nGive the folder of another one.")
    store.make_writable()
    try:
        with _lock(store):
            _finish(store)
            return _merged(store, other, names, tell)
    except Timeout as error:
        raise StoreError(
            f"Another merge into {store.root} is under way.\nWait for its end, and merge again."
        ) from error


def _merged(store: Store, other: Store, names: Sequence[str], tell: Tell | None) -> Merged:
    new = [name for name in names if not _is_there(store, other, name)]
    staging = store.cached("merge") / secrets.token_hex(8)
    make_folder(staging)
    try:
        staged = [one for part in spread(partial(_stage, staging), other.root, new, tell) for one in part]
        faults = [one.fault for one in staged if one.fault]
        if faults:
            more = f"\n... and {len(faults) - SHOWN} more." if len(faults) > SHOWN else ""
            raise IntegrityError(
                "\n".join(faults[:SHOWN])
                + f"{more}\nNothing was merged. Delete these files there, or bring them again."
            )
        documents = _stage_documents(store, other, staging, {document for one in staged for document in one.documents})
        os.sync()
        (staging / WHOLE).write_bytes(seals.seal(b"", staging.name))
    except OSError as error:
        raise StoreError(
            f"The records could not be copied to {store.root}: {error.strerror}.\n"
            "Nothing was merged. Free space, and merge again."
        ) from error
    finally:
        if not (staging / WHOLE).exists():
            shutil.rmtree(staging, ignore_errors=True)
    _finish(store)
    return Merged(tuple(new), documents, len(names) - len(new), sum(one.unknown for one in staged))


def finish(store: Store) -> None:
    """Move into place what a killed merge had ready, and forget what it had not. One that is under way is left."""
    with contextlib.suppress(Timeout), _lock(store):
        _finish(store)


def _lock(store: Store) -> FileLock:
    """One merge at a time; freed when a process dies."""
    folder = store.cached("locks")
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / "merge.lock", timeout=0)


def _finish(store: Store) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for staging in sorted(store.cached("merge").iterdir()):
            if _is_whole(staging):
                _move(staging, store)
            shutil.rmtree(staging, ignore_errors=True)


def _is_whole(staging: Path) -> bool:
    """Whether a merge of this user had all of its files ready there."""
    with contextlib.suppress(OSError):
        return not staging.is_symlink() and seals.opened(read_plain(staging / WHOLE, 1000), staging.name) is not None
    return False


def _move(staging: Path, store: Store) -> None:
    """Documents first, so that no record ever refers to one that is missing."""
    files = [path for path in staging.rglob("*.json") if path.is_file() and not path.is_symlink()]
    for path in sorted(files, key=lambda path: path.relative_to(staging).parts[0] == "records"):
        target = store.root / path.relative_to(staging)
        store.require_own(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
        except OSError as error:
            raise StoreError(
                f"{target.name} could not be moved to its place: {error.strerror}.\n"
                "The merge is half done; merge again to finish it."
            ) from error
    os.sync()


def _is_there(store: Store, other: Store, name: str) -> bool:
    """Whether the store has this very file, or this record in other lines; IntegrityError when it has another one of
    this name."""
    mine = store.root / name
    if not os.path.lexists(mine):
        return False
    theirs, ours = other.read_bytes(other.root / name), store.read_bytes(mine)
    if ours != theirs and not (name.startswith("records/") and _same_record(ours, theirs, name)):
        raise IntegrityError(
            f"{store.name(mine)} differs between the two stores.\n"
            "Nothing was merged. `reprise check` says which of them was edited."
        )
    return True


def _same_record(ours: bytes, theirs: bytes, name: str) -> bool:
    """Whether both are sound and one record: its id is of what it says, not of how its lines are laid out."""
    with contextlib.suppress(IntegrityError):
        return decode(ours, name)[0].id == decode(theirs, name)[0].id
    return False


def _stage(staging: Path, root: Path, names: Sequence[str]) -> list[_Staged]:
    """Copy these records to `staging`, each validated as it is copied."""
    other = Store(root)
    card = cache(other.card)
    found = []
    for name in names:
        path = root / name
        try:
            record = _copied(other, path, staging)
            for kind, document in (("machines", record.machine), ("environments", record.environment)):
                other.document(kind, document)
            if fault := disagreement(record, card(record.recipe.card)):
                raise IntegrityError(f"{other.name(path)} {fault}.")
            unknown = bool(sources.label(record.recipe))
            found.append(_Staged(documents=documents_of(record), unknown=unknown))
        except (IntegrityError, ValueError) as error:
            found.append(_Staged(str(error).split("\n")[0]))
    return found


def _copied(other: Store, path: Path, staging: Path) -> Record:
    """The record in `path`, whose very bytes that were validated are written below `staging`."""
    content = other.read_bytes(path)
    record, _ = decode(content, other.name(path))
    if path != other.root / record_path(record):
        raise IntegrityError(f"{other.name(path)} is misplaced: it belongs at {record_path(record)}.")
    _write(staging / record_path(record), content)
    return record


def _stage_documents(store: Store, other: Store, staging: Path, names: set[str]) -> int:
    """Copy the machines, environments and cards that the store lacks; returns how many."""
    copied = 0
    for name in sorted(names):
        if not _is_there(store, other, name):
            content = other.read_bytes(other.root / name)
            if hashlib.sha256(content).hexdigest()[:12] != Path(name).stem:
                raise IntegrityError(
                    f"{name} of {other.root} was edited: its content does not hash to its name.\nNothing was merged."
                )
            _write(staging / name, content)
            copied += 1
    return copied


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
