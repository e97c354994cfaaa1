"""Large stores made of the project's own records, for timing what reads them. Run: python benchmarks/made_store.py FOLDER N [--recipes R] [--slim]"""

import argparse
import copy
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from keras_reprise.record.encoding import canonical, pretty

RESULTS = Path(__file__).parents[1] / "results"
RECIPES = 40


def made_store(root: Path, records: int, *, seeds: int = 6, recipes: int = RECIPES, slim: bool = False) -> Path:
    """A store of `records` records: recipes after ours, `seeds` seeds a machine, as many machines as that takes.

    The statistics of claims vary by 1 %; `slim` leaves out curves, histograms and trials.
    """
    import hashlib

    originals = _originals()
    environment = next((RESULTS / "environments").glob("*.json"))
    for folder in ("machines", "environments", "cards", "records"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "environments" / environment.name).write_bytes(environment.read_bytes())
    generator = np.random.default_rng(1)
    written = 0
    for number in itertools.count(1):
        facts = {"architecture": "x86_64", "cores": 2, "cpu": f"Made CPU {number}", "gpus": [], "memory_gib": 8, "os": "Linux"}  # fmt: skip
        machine = hashlib.sha256(pretty(facts)).hexdigest()[:12]
        (root / "machines" / f"{machine}.json").write_bytes(pretty(facts))
        for index in range(recipes):
            original, card = originals[index % len(originals)]
            card = card | {"slug": card["slug"] + "-again" * (index // len(originals))}
            digest = hashlib.sha256(pretty(card)).hexdigest()
            (root / "cards" / f"{digest[:12]}.json").write_bytes(pretty(card))
            folder = root / "records" / card["slug"] / f"v{card['version']}" / original["recipe"]["scale"] / f"{machine[:8]}-{environment.stem[:8]}"  # fmt: skip
            folder.mkdir(parents=True, exist_ok=True)
            for seed in range(1, seeds + 1):
                document = _variant(original, generator, slim)
                document["recipe"] |= {"slug": card["slug"], "card": digest}
                document |= {"replicate": {"seed": seed, "repeat": 0}, "machine": machine, "environment": environment.stem}  # fmt: skip
                document["id"] = hashlib.sha256(canonical(document)).hexdigest()
                (folder / f"seed{seed}-{document['id'][:12]}.json").write_bytes(pretty(document))
                written += 1
                if written == records:
                    return root
    raise AssertionError("unreachable")


def _originals() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """One record of each recipe with its card."""
    found: dict[str, Path] = {}
    for path in sorted((RESULTS / "records").rglob("*.json")):
        found.setdefault(path.relative_to(RESULTS / "records").parts[0], path)
    pairs = []
    for path in found.values():
        document = json.loads(path.read_bytes())
        del document["id"]
        card = json.loads((RESULTS / "cards" / f"{document['recipe']['card'][:12]}.json").read_bytes())
        pairs.append((document, card))
    return pairs


def _variant(original: dict[str, Any], generator: np.random.Generator, slim: bool) -> dict[str, Any]:
    document = copy.deepcopy(original)
    for claim, value in document["claims"].items():
        if isinstance(value, float) and value not in (0.0, 1.0):
            document["claims"][claim] = value * (1 + 0.01 * generator.standard_normal())
    if slim:
        for arm in document["arms"].values():
            arm |= {"curves": {}, "histograms": {}, "trials": []}
    return document


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make a large store of the project's own records.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("records", type=int)
    parser.add_argument("--seeds", type=int, default=30, help="of each recipe on each machine")
    parser.add_argument("--recipes", type=int, default=RECIPES)
    parser.add_argument("--slim", action="store_true", help="without curves, histograms and trials")
    options = parser.parse_args()
    made_store(options.folder, options.records, seeds=options.seeds, recipes=options.recipes, slim=options.slim)
