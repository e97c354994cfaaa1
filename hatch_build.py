"""What the wheel brings beside the code: the project's results in short, to compare a new machine with.

Records without curves, histograms and trials, with what the claims' expressions make of these, and with their cards,
machines and environments, as one compressed JSON file.
"""

import json
import lzma
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "keras_reprise/_reference.json.xz"


class ReferenceHook(BuildHookInterface):
    """Adds the reference results to a wheel that is built where the records are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        results = Path(self.root) / "results"
        if version == "editable" or not (results / "records").is_dir():
            return
        path = Path(tempfile.mkdtemp()) / "reference.json.xz"
        path.write_bytes(lzma.compress(json.dumps(reference(results), sort_keys=True).encode()))
        build_data["force_include"][str(path)] = TARGET


def reference(results: Path) -> dict[str, Any]:
    """The content of the reference file for the store `results`: of each recipe the newest version that has results."""
    sys.path.insert(0, str(Path(__file__).parent / "src"))  # what is built is not installed
    from keras_reprise.record.encoding import encode_number
    from keras_reprise.store.claim_values import by_record
    from keras_reprise.store.store import Store

    store, records, values = Store(results), [], {}
    card = cache(store.card)
    paths = sorted((results / "records").rglob("*.json"))
    read = {path: json.loads(path.read_bytes()) for path in paths}
    newest: dict[str, int] = {}
    for record in read.values():
        recipe = record["recipe"]
        newest[recipe["slug"]] = max(recipe["version"], newest.get(recipe["slug"], 0))
    for path, record in read.items():
        if record["recipe"]["version"] < newest[record["recipe"]["slug"]]:
            continue
        found = by_record(store.read(path), card)
        values[record["id"]] = {id_: None if value is None else encode_number(value) for id_, value in found.items()}
        for arm in record["arms"].values():
            arm |= {"curves": {}, "histograms": {}, "trials": [], "params": {}}
        records.append(record)
    documents = {
        kind: {path.stem: json.loads(path.read_bytes()) for path in sorted((results / kind).glob("*.json"))}
        for kind in ("cards", "machines", "environments")
    }
    cards = documents["cards"].items()
    documents["cards"] = {id_: one for id_, one in cards if one["version"] >= newest.get(one["slug"], 0)}
    return {"schema": 1, "records": records, "values": values, **documents}
