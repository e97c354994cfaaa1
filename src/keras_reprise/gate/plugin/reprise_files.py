"""Where a side of a commit imports the project from: from that commit's files, whatever would be loaded of the others.

It stands alone, as the plugin does. PYTEST_DONT_REWRITE

The variable REPRISE_MOVED names the top of the project's repository (`here`), the folder that holds the commit's files
(`there`) and the folders in it from which packages are imported (`roots`). Installed packages of the project, editable
or not, must not stand in for the commit's: editable installs put a folder of the project on the path (.pth files of
setuptools, hatch, flit, pdm, uv), or map names to files by a finder of their own (setuptools, scikit-build).
"""

import json
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from types import ModuleType

INSTALLED = {"site-packages", "dist-packages"}
NO_PACKAGES = {"tests", "test", "benchmarks", "docs", "examples", "conftest", "setup"}
MOVED = json.loads(os.environ.pop("REPRISE_MOVED", "null"))
TOP = MOVED["there"] if MOVED else None


class CommitFinder:
    """Asked first for every module; what others would find in the project here is looked for in the commit's files."""

    def __init__(self, here: str, there: str, roots: Sequence[str]) -> None:
        self._here, self._there, self._roots = os.path.realpath(here), os.path.realpath(there), list(roots)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        own, usual = self._own(name, path), self._usual(name, path, target)
        if own is not None and (usual is None or not _same(own, usual)):
            return own
        return self._there_instead(name, usual) if usual is not None else None

    def _own(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """The module in the folders that the commit's packages are in; parts of namespace packages too."""
        top, _, rest = name.partition(".")
        if top in NO_PACKAGES or top in getattr(sys, "stdlib_module_names", ()):
            return None
        folders = self._roots
        if rest:
            parent = name.rpartition(".")[0]
            if path is None or getattr(sys.modules.get(parent), "__file__", None):
                return None
            folders = [os.path.join(root, *parent.split(".")) for root in self._roots]
        found = PathFinder.find_spec(name, folders)
        return found if found is not None and found.origin else None

    def _usual(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            found = find(name, path, target) if find is not None and finder is not self else None
            if found is not None:
                return found  # type: ignore[no-any-return]
        return None

    def _there_instead(self, name: str, found: ModuleSpec) -> ModuleSpec:
        """What was found; the commit's file in its place where it is one of the project here."""
        file = self.moved(found.origin) if found.has_location else None
        if file is None:
            return found
        if not os.path.exists(file):
            raise ModuleNotFoundError(f"No module named {name!r} among the files of the commit", name=name)
        folders = found.submodule_search_locations
        inner = None if folders is None else [self.moved(one) or one for one in folders]
        return spec_from_file_location(name, file, submodule_search_locations=inner) or found

    def moved(self, file: str | None) -> str | None:
        """Where the commit's files have a file of the project here; None for what is none, or is installed."""
        if not file:
            return None
        real = os.path.realpath(file)
        environment = [one for one in map(os.path.realpath, (sys.prefix, sys.base_prefix)) if one != self._here]
        if not _within(real, self._here) or any(_within(real, one) for one in (self._there, *environment)):
            return None
        inside = os.path.relpath(real, self._here)
        return None if INSTALLED & set(inside.split(os.sep)) else os.path.join(self._there, inside)


def _within(file: str, folder: str) -> bool:
    return file == folder or file.startswith(folder.rstrip(os.sep) + os.sep)


def _same(one: ModuleSpec, other: ModuleSpec) -> bool:
    return bool(one.origin and other.origin) and os.path.realpath(str(one.origin)) == os.path.realpath(
        str(other.origin)
    )


if MOVED:
    sys.meta_path.insert(0, CommitFinder(MOVED["here"], MOVED["there"], MOVED["roots"]))  # type: ignore[arg-type]
