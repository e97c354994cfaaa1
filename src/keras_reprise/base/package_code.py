"""Which code of this package runs: its commit, if that is known, and the hash of its contents.

A commit is claimed only for the files that Python imported: those of a checkout of keras-reprise that git tracks
there (an editable install, or PYTHONPATH=src). A copy in site-packages, wherever that lies, is of no commit that
could be known.
"""

import hashlib
import posixpath
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from keras_reprise.base import checkout
from keras_reprise.base.git import git
from keras_reprise.base.version import __version__

WATCHED = ("src", "recipes", "pyproject.toml")

Facts = dict[str, str | bool | None]
"""`package_version`, `git_commit`, `dirty` and `diff_sha256`, as records store them."""


def facts() -> Facts:
    """Version, commit and state of the code that this process imported.

    Commit and state are None where they are unknown.
    """
    top = checkout.of_package()
    if top is None or not _tracks(top, checkout.PACKAGE / "__init__.py"):
        return _unknown()
    return folder_facts(top, WATCHED)


def folder_facts(folder: Path, watched: Sequence[str]) -> Facts:
    """The package's version, and the commit of `folder` with the state of `watched` in it.

    `diff_sha256` is that of the content of every file that is not as committed, untracked or not, but not ignored.
    """
    commit, names = git(folder, "rev-parse", "HEAD"), uncommitted(folder, watched)
    if commit is None or names is None:
        return _unknown()
    return _unknown() | {
        "git_commit": commit.strip(),
        "dirty": bool(names),
        "diff_sha256": _contents_sha256(folder, names) if names else None,
    }


def uncommitted(folder: Path, watched: Sequence[str]) -> list[str] | None:
    """The files of `watched` that are not as committed, untracked or not; None where there is no commit.

    They are named from `folder`, what lies elsewhere in its repository by "..".
    """
    inside = git(folder, "rev-parse", "--show-prefix")
    changed = _listed(
        folder, "-c", "diff.relative=false", "diff", "HEAD", "--name-only", "--no-renames", "-z", "--", *watched
    )
    untracked = _listed(folder, "ls-files", "--full-name", "--others", "--exclude-standard", "-z", "--", *watched)
    if inside is None or changed is None or untracked is None:
        return None
    start = inside.rstrip("\n") or "."
    return sorted({posixpath.relpath(name, start) for name in (*changed, *untracked)})


@lru_cache(maxsize=1)
def running_sha256() -> str:
    """The hash of the code that runs in this process: of the package's files when it was first asked for."""
    return sha256_now()


def sha256_now() -> str:
    """The hash of the package's Python files as they lie there now; the same for a checkout and for a wheel of it."""
    package = checkout.PACKAGE
    files = (path.relative_to(package) for path in package.rglob("*.py"))
    computing = sorted(path.as_posix() for path in files if path.parts[0] != checkout.PACKAGED_RECIPES)
    return _contents_sha256(package, computing)  # a recipe of the wheel is hashed by itself


def _unknown() -> Facts:
    return {"package_version": __version__, "git_commit": None, "dirty": None, "diff_sha256": None}


def _tracks(top: Path, file: Path) -> bool:
    """Whether `top` is the top of a repository that has `file`."""
    found = git(top, "rev-parse", "--show-toplevel")
    return (
        found is not None
        and Path(found.rstrip("\n")).resolve() == top
        and git(top, "ls-files", "--error-unmatch", "--", str(file)) is not None
    )


def _listed(folder: Path, *arguments: str) -> list[str] | None:
    found = git(folder, *arguments)
    return None if found is None else [name for name in found.split("\0") if name]


def _contents_sha256(folder: Path, names: Iterable[str]) -> str:
    """One hash of the files' names and contents; what is gone, or no file, counts by its name."""
    whole = hashlib.sha256()
    for name in names:
        path = folder / name
        content = _file_sha256(path) if path.is_file() else "-"
        whole.update(f"{name}\0{content}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
