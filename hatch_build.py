"""What the wheel brings beside the code: the project's results in short, to compare a new machine with.

Records without their arms, what the claims' expressions make of these and what they cost, with cards, machines and
environments, as one compressed JSON file.
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
    """The content of the reference file for the store `results`."""
    sys.path.insert(0, str(Path(__file__).parent / "src"))  # what is built is not installed
    import msgspec

    from keras_reprise.record.costs import cost_of
    from keras_reprise.record.encoding import encode_number
    from keras_reprise.store.claim_values import by_record, judge
    from keras_reprise.store.store import Store, summary_of

    store = Store(results)
    card = cache(store.card)
    summaries, values, costs = [], {}, {}
    for path in sorted((results / "records").rglob("*.json")):
        record = store.read(path)
        found = by_record(record, card)
        values[record.id] = {id_: None if value is None else encode_number(value) for id_, value in found.items()}
        summaries.append(msgspec.to_builtins(summary_of(record.id, record)))
        costs[record.id] = msgspec.to_builtins(cost_of(record, timing=judge(record, card)[0].timing))
    documents = {
        kind: {path.stem: json.loads(path.read_bytes()) for path in sorted((results / kind).glob("*.json"))}
        for kind in ("cards", "machines", "environments")
    }
    return {"schema": 2, "summaries": summaries, "values": values, "costs": costs, **documents}
