"""Whether a store is what it was: every file hashed again, every reference followed."""

import hashlib
import os
import stat
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from keras_reprise.base.errors import IntegrityError
from keras_reprise.base.files import TEMPORARY
from keras_reprise.base.parallel import Tell, spread
from keras_reprise.record.schema import Card, Record, decode_card, decode_document
from keras_reprise.store.store import DOCUMENTS, JUDGING, Problem, Store, named_card

WRITTEN = ("baselines", "comparisons", "reports")  # that commands write, and that no record is read from


def check(store: Store, tell: Tell | None = None) -> tuple[int, list[Problem]]:
    """Re-hash every file; returns how many were read and what is truncated, edited, misplaced or refers to nothing."""
    count, problems = 0, []
    for kind in DOCUMENTS:
        for path in _files(store, kind):
            count += 1
            try:
                _check_document(store, kind, path)
            except (IntegrityError, ValueError) as error:
                problems.append(Problem(store.name(path), str(error).split("\n")[0]))
    for path in _files(store, JUDGING):
        count += 1
        try:
            _check_named(store, path)
        except IntegrityError as error:
            problems.append(Problem(store.name(path), str(error).split("\n")[0]))
    problems += strangers(store)
    names = [name for name, status in store.walk() if status is None or stat.S_ISREG(status.st_mode)]
    told = {problem.path for problem in problems}
    for found in spread(_checked, store.root, names, tell):
        problems += [problem for problem in found if problem.path not in told]
    return count + len(names), problems


def _files(store: Store, folder: str) -> list[Path]:
    """The plain files of a folder; `strangers` names the rest."""
    top = store.root / folder
    return (
        [] if top.is_symlink() else sorted(path for path in top.glob("*") if path.is_file() and not path.is_symlink())
    )


def _check_document(store: Store, kind: str, path: Path) -> None:
    if path.name.startswith(TEMPORARY):
        return
    content = store.read_bytes(path)
    if path.suffix != ".json" or hashlib.sha256(content).hexdigest()[:12] != path.stem:
        raise IntegrityError(f"{store.name(path)} was edited or misplaced: its content does not hash to its name.")
    if kind == "cards":
        decode_card(content, store.name(path))
    else:
        decode_document(content, store.name(path))


def strangers(store: Store) -> list[Problem]:
    """What lies in the store and is neither a folder that can be listed nor a plain file, and so is neither read nor
    written."""
    found, folders = [], [store.root / top for top in (*DOCUMENTS, JUDGING, "records", *WRITTEN)]
    while folders:
        folder = folders.pop()
        if not os.path.lexists(folder):
            continue
        if folder.is_symlink() or not folder.is_dir():
            what = "a link" if folder.is_symlink() else "a file"
            found.append(Problem(store.name(folder), f"{store.name(folder)} is {what}, not a folder of the store."))
            continue
        try:
            with os.scandir(folder) as entries:
                listed = list(entries)
        except OSError as error:
            name = store.name(folder)
            found.append(Problem(name, f"{name} cannot be read: {error.strerror}."))
            continue
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            elif not entry.is_file(follow_symlinks=False):
                name, what = store.name(Path(entry.path)), "link" if entry.is_symlink() else "pipe or a device"
                found.append(Problem(name, f"{name} is a {what}, not a plain file."))
    return sorted(found, key=lambda problem: problem.path)


def _check_named(store: Store, path: Path) -> None:
    """A file that names the card by which a measurement is judged."""
    if path.name.startswith(TEMPORARY):
        return
    named = named_card(store.read_bytes(path), store.name(path))
    if path.name != f"{named.measurement[:12]}.json":
        raise IntegrityError(f"{store.name(path)} is misplaced: it is of the measurement {named.measurement[:12]}.")
    store.card(named.card)


def _checked(root: Path, names: Sequence[str]) -> list[Problem]:
    """What is wrong with these records."""
    store, problems = Store(root), []
    card = cache(store.card)
    there = cache(lambda document: (root / document).is_file())
    for name in names:
        path = root / name
        try:
            record = store.read(path)
            for document in documents_of(record):
                if not there(document):
                    raise IntegrityError(f"{store.name(path)} refers to {document}, which is missing.")
            if fault := disagreement(record, card(record.recipe.card)):
                raise IntegrityError(f"{store.name(path)} {fault}.")
        except IntegrityError as error:
            problems.append(Problem(store.name(path), str(error).split("\n")[0]))
    return problems


def documents_of(record: Record) -> tuple[str, ...]:
    """The files of a store that a record refers to."""
    return (
        f"machines/{record.machine}.json",
        f"environments/{record.environment}.json",
        f"cards/{record.recipe.card[:12]}.json",
    )


def disagreement(record: Record, card: Card) -> str:
    """How a record and the card it refers to contradict each other; empty when they do not."""
    if (card.slug, card.version) != (record.recipe.slug, record.recipe.version):
        return f"refers to the card of {card.slug} version {card.version}"
    unknown = set(record.claims) ^ {claim.id for claim in card.claims}
    return f"and its card disagree about the claims {', '.join(sorted(unknown))}" if unknown else ""
