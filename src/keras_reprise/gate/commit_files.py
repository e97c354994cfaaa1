"""The files of a commit as a side that is measured: what is of here all the same, and where modules come from."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_reprise import catalog
from keras_reprise.base.git import git
from keras_reprise.gate.settings import Settings

PYTEST_SETTINGS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


@dataclass(frozen=True)
class CommitFiles:
    """Where a commit's files lie: `there` is the top of its repository, `folder` the project in it; `here` is the top
    of the repository that they are of."""

    here: Path
    there: Path
    folder: Path

    def variables(self, more: Sequence[Path] = ()) -> dict[str, str]:
        """The variables of a process that is to load these files; `more` folders hold packages, beside the usual."""
        usual = self.folder / "src" if (self.folder / "src").is_dir() else self.folder
        roots = list(dict.fromkeys([*more, usual]))
        own = [str(root) for root in roots if not shadowing(root)]
        inherited = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        moved = {"here": str(self.here), "there": str(self.there), "roots": [str(root) for root in roots]}
        return {
            "PYTHONPATH": os.pathsep.join([*own, *map(self._moved, inherited)]),
            "REPRISE_MOVED": json.dumps(moved),
        }

    def _moved(self, folder: str) -> str:
        """A folder of the path; that of the commit where it is one of the project."""
        real = Path(os.path.realpath(folder))
        if not real.is_relative_to(self.here) or real.is_relative_to(self.there) or "site-packages" in real.parts:
            return folder
        return str(self.there / real.relative_to(self.here))


def files_of(folder: Path, here: Path) -> CommitFiles:
    """What `folder`, the commit's counterpart of the project's folder `here`, is part of."""
    inside = (git(here, "rev-parse", "--show-prefix") or "").strip("\n").strip("/")
    depth = len(Path(inside).parts)
    up = [folder, *folder.parents][depth]
    return CommitFiles(Path(os.path.realpath([here, *here.parents][depth])), up, folder)


def shadowing(folder: Path) -> list[str]:
    """The modules in a folder that would stand in for Python's own, were the folder first on the path."""
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return sorted(names & sys.stdlib_module_names)


def shared(names: Sequence[str], here: Path, top: Path) -> list[Path]:
    """The files, there or not, that say how benchmarks are run: pytest's settings and conftest.py, from each benchmark
    file's folder up to the repository's top. They are those of here on both sides, as benchmark files are."""
    found: dict[Path, None] = {}
    for name in names:
        folder = Path(os.path.abspath(here / name)).parent
        while folder == top or top in folder.parents:
            found |= dict.fromkeys(folder / file for file in (*PYTEST_SETTINGS, "conftest.py"))
            if folder == top:
                break
            folder = folder.parent
    return list(found)


def measured_alike(settings: Settings) -> list[str]:
    """Benchmark files, and recipes that are named by path."""
    return [*settings.benchmarks, *filter(catalog.is_path, settings.recipes)]


def bring(settings: Settings, files: CommitFiles, here: Path) -> None:
    """Put what both sides share into the commit's files, so that both measure the same thing in the same way."""
    for name in measured_alike(settings):
        file = Path(os.path.abspath(here / name))
        if file.is_file() and file.is_relative_to(files.here):
            for folder in [one for one in file.parents if one.is_relative_to(files.here)]:
                _copied(folder / "__init__.py", files, only_new=True)
            _copied(file, files)
    for file in shared(settings.benchmarks, here, files.here):
        _copied(file, files)


def _copied(file: Path, files: CommitFiles, *, only_new: bool = False) -> None:
    """Make the commit's file that of here; without `only_new` one that is gone here is removed there."""
    to = files.there / file.relative_to(files.here)
    if file.is_file() and not (only_new and to.exists()):
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
    elif not file.is_file() and not only_new:
        to.unlink(missing_ok=True)


def with_packages_in(variables: Mapping[str, str], roots: Sequence[Path]) -> dict[str, str]:
    """The variables of a side with more folders to import packages from, before all others."""
    own = [str(root) for root in roots]
    path = os.pathsep.join([*own, *filter(None, [variables.get("PYTHONPATH", os.environ.get("PYTHONPATH"))])])
    found = {**variables, "PYTHONPATH": path}
    if "REPRISE_MOVED" in variables:
        moved = json.loads(variables["REPRISE_MOVED"])
        found["REPRISE_MOVED"] = json.dumps({**moved, "roots": [*own, *moved["roots"]]})
    return found
