"""Whether the project's package that an environment imports is the code here, or a copy that was installed before."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from keras_reprise.gate.installations import Installation
from keras_reprise.gate.trial import packages_in

WRITTEN_BY_BUILDS = {"_version.py", "version.py", "__version__.py", "__about__.py"}
FOUND = """
import importlib.util, json, sys
found = {}
for name in json.loads(sys.argv[1]):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        continue
    if spec is not None and spec.origin:
        found[name] = spec.origin
print(json.dumps(found))
"""


def copies_of_another_state(side: Installation) -> list[str]:
    """A sentence on each package of the project here of which the side imports an installed copy of other code."""
    here = packages_in(side.folder)
    if not here:
        return []
    said = []
    for name, file in _imported_from(side, list(here)).items():
        installed, own = Path(file).parent, side.folder / here[name] / name
        if not {"site-packages", "dist-packages"} & set(installed.parts) or not own.is_dir():
            continue
        others = [
            path.relative_to(own).as_posix()
            for path in sorted(own.rglob("*.py"))
            if path.name not in WRITTEN_BY_BUILDS and _differ(path, installed / path.relative_to(own))
        ]
        if others:
            said.append(
                f"{name} is imported from {installed.parent}, where {others[0]} is not what it is here"
                f"{f', nor {len(others) - 1} more' if len(others) > 1 else ''}: the installed copy is measured. "
                "`pip install .` makes it that of here."
            )
    return said


def _imported_from(side: Installation, names: list[str]) -> Mapping[str, str]:
    done = subprocess.run(
        [side.python, "-c", FOUND, json.dumps(names)],
        cwd=side.folder,
        env={**side.environment, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return {str(name): str(file) for name, file in json.loads(done.stdout).items()}
    except (ValueError, AttributeError):
        return {}


def _differ(one: Path, other: Path) -> bool:
    """Whether both are there and differ; ends of lines aside, which git and wheels may change."""
    if not os.path.isfile(other):
        return False
    return one.read_bytes().replace(b"\r\n", b"\n") != other.read_bytes().replace(b"\r\n", b"\n")
