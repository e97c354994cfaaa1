"""Stores whose documents say what they like: valid by hash and schema, hostile in content."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.record.schema import decode
from keras_reprise.store.store import record_path

Change = Callable[[dict[str, Any]], None]


def forge(
    store: Path, *, card: Change | None = None, record: Change | None = None, machine: Change | None = None
) -> None:
    """Rewrite every record of `store` with its card and machine, changed in place by the functions, and hashed anew.

    No card is named any longer by which they are judged, so that it is their own.
    """
    documents = [json.loads(path.read_bytes()) for path in sorted((store / "records").rglob("*.json"))]
    shutil.rmtree(store / "records")
    for folder in (".cache", "judging"):
        shutil.rmtree(store / folder, ignore_errors=True)
    for document in documents:
        if card is not None:
            changed = json.loads((store / "cards" / f"{document['recipe']['card'][:12]}.json").read_bytes())
            card(changed)
            document["recipe"]["card"] = _add(store / "cards", changed)
        if machine is not None:
            changed = json.loads((store / "machines" / f"{document['machine']}.json").read_bytes())
            machine(changed)
            document["machine"] = _add(store / "machines", changed)[:12]
        if record is not None:
            record(document)
        add_record(store, document)


def add_record(store: Path, document: dict[str, Any]) -> Path:
    """Write a record with the id that its content has."""
    document = {key: value for key, value in document.items() if key != "id"}
    content = pretty(document | {"id": record_id(document)})
    path = store / record_path(decode(content, "forged")[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def records(store: Path) -> list[Path]:
    """The record files of a store, by seed."""
    return sorted((store / "records").rglob("seed*.json"), key=lambda path: int(path.name[4:].split("-")[0]))


def _add(folder: Path, document: dict[str, Any]) -> str:
    content = pretty(document)
    digest = hashlib.sha256(content).hexdigest()
    (folder / f"{digest[:12]}.json").write_bytes(content)
    return digest
