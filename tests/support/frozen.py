"""Hashes of what is frozen in tests/data/measurements, and of recipes, on the interpreter that runs this file: no package is needed.

`python frozen.py CORPUS SOURCE RECIPES` prints them as JSON; with `--freeze` CORPUS/hashes.json is written anew.
"""

import importlib
import json
import sys
import types
from pathlib import Path
from typing import Any

SETTINGS: list[Any] = [
    {"rate": 0.1, "n": 3, "flag": True, "none": None, "words": "é\ud800", "many": [1, (2.0, "3")], "big": 10**50, "bytes": b"\x00a"},
    {"nan": float("nan"), "infinite": float("-inf"), "zero": -0.0, "third": 1 / 3, "complex": 1j, "set": {3, 1, 2}, "nested": {"a": {"b": []}}},
]  # fmt: skip


def module(source: Path, name: str) -> Any:
    """A module of the package, without the package's `__init__`, which needs NumPy."""
    package = types.ModuleType("keras_reprise")
    package.__path__ = [str(source)]
    sys.modules.setdefault("keras_reprise", package)
    return importlib.import_module(f"keras_reprise.{name}")


def hashes(corpus: Path, source: Path, recipes: Path) -> dict[str, Any]:
    """The canonical form of every snippet, the code of every recipe, some settings, and a measurement."""
    measurement, syntax = module(source, "recipe.measurement"), module(source, "recipe.source.syntax")
    snippets = (corpus / "snippets.txt").read_text("utf-8").split("\n# ---\n")
    code = measurement.RecipeCode("1" * 64, "2" * 64, None, ("train",))
    return {
        "snippets": [syntax.sha256(syntax.form(syntax.parse(text))) for text in snippets],
        "recipes": {path.stem: _code(measurement, path) for path in sorted((corpus / "recipes").glob("recipe_*.py"))},
        "settings": [measurement.settings_sha256([("arm", one)], ("quick", one), False) for one in SETTINGS],
        "measurement": measurement.measurement(code, "3" * 64, "jax"),
        "lock": {
            path.relative_to(recipes).as_posix(): _code(measurement, path)[1]
            for path in sorted(recipes.rglob("*.py"))
            if not path.name.startswith("_")
        },
    }


def _code(measurement: Any, path: Path) -> list[Any]:
    found = measurement.read_code(path, path.read_bytes())
    return [found.sha256, found.source, found.summary, list(found.features), list(found.modules)]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    result = hashes(folder, Path(sys.argv[2]), Path(sys.argv[3]))
    if "--freeze" in sys.argv:
        frozen = {name: value for name, value in result.items() if name != "lock"}
        (folder / "hashes.json").write_text(json.dumps(frozen, indent=2) + "\n")
    print(json.dumps(result))
