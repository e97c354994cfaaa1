"""Whether a store is what it was: every file hashed again, every reference followed."""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from keras_reprise.base.errors import IntegrityError
from keras_reprise.base.files import TEMPORARY
from keras_reprise.base.parallel import Tell, spread
from keras_reprise.record.schema import Card, Record, decode_card
from keras_reprise.store.store import DOCUMENTS, JUDGING, Problem, Store, named_card


def check(store: Store, tell: Tell | None = None) -> tuple[int, list[Problem]]:
    """Re-hash every file; returns how many were read and what is truncated, edited, misplaced or refers to nothing."""
    count, problems = 0, []
    for kind in DOCUMENTS:
        for path in sorted((store.root / kind).glob("*")):
            count += 1
            try:
                _check_document(store, kind, path)
            except (IntegrityError, ValueError) as error:
                problems.append(Problem(store.name(path), str(error).split("\n")[0]))
    for path in sorted((store.root / JUDGING).glob("*")):
        count += 1
        try:
            _check_named(store, path)
        except IntegrityError as error:
            problems.append(Problem(store.name(path), str(error).split("\n")[0]))
    names = store.record_names()
    for found in spread(_checked, store.root, names, tell):
        problems += found
    return count + len(names), problems


def _check_document(store: Store, kind: str, path: Path) -> None:
    if path.name.startswith(TEMPORARY):
        return
    content = store.read_bytes(path)
    if path.suffix != ".json" or hashlib.sha256(content).hexdigest()[:12] != path.stem:
        raise IntegrityError(f"{store.name(path)} was edited or misplaced: its content does not hash to its name.")
    if kind == "cards":
        decode_card(content, store.name(path))
    else:
        json.loads(content)


def _check_named(store: Store, path: Path) -> None:
    """A file that names the card by which a measurement is judged."""
    if path.name.startswith(TEMPORARY):
        return
    named = named_card(store.read_bytes(path), store.name(path))
    if path.name != f"{named.measurement[:12]}.json" or path.is_symlink():
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
