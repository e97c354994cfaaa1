"""One short process of a benchmark file, before anything is measured: does it run, and does it load the project?

A benchmark that loads nothing of its side's files measures the same code on both sides. What would mend that is found
by comparing what it loaded with the packages that lie in the project.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from keras_reprise.gate.commit_files import with_packages_in
from keras_reprise.gate.installations import Installation
from keras_reprise.gate.measuring import project_name
from keras_reprise.gate.processes import NOT_ITS_FILES, TIME_LIMIT_S, fault, finished, pytest_command, pytest_variables

NO_PACKAGES = {"tests", "test", "benchmarks", "docs", "examples", "build", "dist", "results", "recipes"}


@dataclass(frozen=True)
class Trial:
    """What one short process said: why it failed, how many modules it loaded from its side's folder, and where it
    loaded other packages from, by name, with the names of the distributions that brought them."""

    error: str | None
    modules: int
    elsewhere: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)


def tried(suite: str, side: Installation) -> Trial:
    """Run each benchmark of a file once, as briefly as pytest-benchmark can."""
    with tempfile.TemporaryDirectory(prefix="reprise-gate-") as scratch:
        seen = Path(scratch) / "seen.json"
        words = ["--benchmark-max-time=0.000001", "--benchmark-min-rounds=1"]
        command = pytest_command(side, [suite], Path(scratch), words)
        code, output, _ = finished(command, side.folder, pytest_variables(side, suite, 1, seen), TIME_LIMIT_S)
        told = json.loads(seen.read_bytes()) if seen.is_file() else {}
    return Trial(fault(code, output) if code else None, told.get("modules", 0), told.get("elsewhere", {}))


def packages_in(folder: Path) -> dict[str, str]:
    """The packages that lie in a project's folder, with the folder to import each from, relative to the project's.

    They are looked for where projects have them: at the top, in src/, in folders of the top and in src/ of those.
    """
    found: dict[str, str] = {}
    tops = [one for one in sorted(folder.iterdir()) if one.is_dir() and _plain(one.name)]
    for root in (folder, folder / "src", *tops, *(top / "src" for top in tops)):
        for initial in sorted(root.glob("*/__init__.py")):
            name = initial.parent.name
            if _plain(name):
                found.setdefault(name, root.relative_to(folder).as_posix())
    if (folder / "src").is_dir():
        for module in sorted((folder / "src").glob("*.py")):
            found.setdefault(module.stem, "src")
    return found


def _plain(name: str) -> bool:
    return name not in NO_PACKAGES and not name.startswith((".", "_")) and "egg-info" not in name


def mend(suite: str, trial: Trial, folder: Path) -> str:
    """What to do about a benchmark file that loads nothing from `folder`, as a sentence with the import or command."""
    here = packages_in(folder)
    installed = [name for name in here if name in trial.elsewhere]
    if installed:
        name = installed[0]
        return (
            f"{suite} imports {name} from {trial.elsewhere[name][0]}, not from {_place(here[name], name)} here: "
            f"set PYTHONPATH={here[name]}, or install it with `pip install -e .`"
        )
    if here:
        name = next(iter(here))
        return f"{suite} imports no module of this project: let it `import {name}` ({_place(here[name], name)})"
    return f"{suite} imports no module of this project, and no package lies here: let it import what it measures"


def _place(root: str, name: str) -> str:
    return name if root == "." else f"{root}/{name}"


def loading_its_files(suite: str, side: Installation) -> tuple[Installation, str]:
    """The side as this file's benchmarks load its files, and nothing; or what is wrong, and what mends it.

    Packages of the project that lie elsewhere than at the top or in src/, and were loaded as they are installed, are
    put on the path of a side of a commit.
    """
    trial = tried(suite, side)
    if trial.error is None and (roots := _roots_elsewhere(trial, side.folder)):
        folders = [side.folder / root for root in roots]
        other = replace(side, variables=with_packages_in(side.variables, folders))
        again = tried(suite, other)
        if again.error is None and again.modules:
            return other, ""
    if trial.error:
        return side, mended(trial.error, side.folder)
    return side, "" if trial.modules else f"{NOT_ITS_FILES}; {mend(suite, trial, side.folder)}"


def as_installed(trial: Trial, side: Installation) -> bool:
    """Whether benchmarks import a package of the project as it is installed; gates find it among a commit's files."""
    return any(name in trial.elsewhere for name in packages_in(side.folder))


def _roots_elsewhere(trial: Trial, folder: Path) -> list[str]:
    """The folders of packages that lie in the project and were not loaded from there.

    Where it loaded something of the project, only those that the project's own distribution brought: a package of
    others may lie there too, as a copy.
    """
    here, own = packages_in(folder), project_name(folder)
    names = [name for name in here if name in trial.elsewhere]
    if trial.modules:
        names = [name for name in names if own and own in {_normal(one) for one in trial.elsewhere[name][1]}]
    return list(dict.fromkeys(here[name] for name in names))


def _normal(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def mended(error: str, folder: Path) -> str:
    """Why a process failed, with what mends it where a module of the project was not found."""
    missing = re.search(r"No module named '([^'.]+)", error)
    if missing is None:
        return error
    name, here = missing[1], packages_in(folder)
    if name not in here:
        return error
    root = here[name]
    return (
        f"{error}; {_place(root, name)} is here, but Python does not find it: `pip install -e .`, or "
        f'`pythonpath = ["{root}"]` in pytest\'s settings, mends it'
    )
