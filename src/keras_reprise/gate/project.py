"""The project that a gate measures, as git has it: its commit, and which of its files are not as committed.

What this package, Python and pytest write beside a project is no part of it, whether git ignores it or not.
"""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import msgspec

from keras_reprise.base import package_code
from keras_reprise.base.git import git
from keras_reprise.gate.commit_files import shared
from keras_reprise.gate.installations import Installation
from keras_reprise.gate.settings import PLACES, Settings
from keras_reprise.record.schema import Code

WRITTEN = ("__pycache__", ".pytest_cache", ".benchmarks", ".cache")
MOST_NAMED = 3


def watched(folder: Path, store: Path | None = None) -> list[str]:
    """What git is to look at in the repository of `folder`: all but what measuring writes there, the store among it.

    All of it, since a benchmark may load packages beside its own, and a commit is measured with those that it had.
    """
    found = [":(top)", ":(exclude)results", ":(top,exclude,glob)**/results/baselines/**", ":(top,exclude,glob)**/*.pyc"]
    found += [f":(top,exclude,glob)**/{name}/**" for name in WRITTEN]
    top = git(folder, "rev-parse", "--show-toplevel")
    if store and top is not None:
        inside = os.path.relpath(os.path.realpath(store), os.path.realpath(top.rstrip("\n")))
        if inside != "." and not inside.startswith(".."):
            found.append(f":(top,exclude,literal){Path(inside).as_posix()}")
    return found


def code_of(side: Installation, store: Path | None = None) -> Code:
    """The commit and state of the project that the side's folder belongs to."""
    return msgspec.convert(package_code.folder_facts(side.folder, watched(side.folder, store)), Code)


def deciding(settings: Settings, store: Path | None = None) -> list[str] | None:
    """The files here that are not as committed and that a gate cannot measure beside other code; None without git.

    Benchmark files, recipes by path, the settings of the gate and of pytest, and conftest.py above benchmarks are those
    of here on both sides, so they do not count.
    """
    names = package_code.uncommitted(Path.cwd(), watched(Path.cwd(), store))
    both = shared(settings.benchmarks, Path.cwd(), Path.cwd())
    named_ones = [*settings.benchmarks, *settings.recipes, *PLACES, *map(str, both)]
    ours = {Path(os.path.relpath(name)).as_posix() for name in named_ones}
    return None if names is None else [name for name in names if name not in ours]


def named(names: Sequence[str]) -> str:
    """The first of the files, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def commit_command(names: Sequence[str]) -> str:
    """The command that commits these files."""
    chosen = " ".join(map(shlex.quote, names)) if len(names) <= MOST_NAMED else "-A"
    return f"git add {chosen} && git commit"
