"""What git says of a folder; None where there is no git, no repository, or no such thing in it."""

import os
import subprocess
from pathlib import Path

OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")  # they name another folder's repository


def git(folder: Path | None, *arguments: str, **variables: str) -> str | None:
    """The output of `git ARGUMENTS` in `folder`; None when it fails or there is no folder."""
    if folder is None:
        return None
    inherited = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
    inherited["GIT_OPTIONAL_LOCKS"] = "0"  # who only asks takes no index.lock from who commits meanwhile
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=inherited | variables, capture_output=True, encoding="utf-8",
            errors="surrogateescape", timeout=60, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout


def check_out(commit: str, here: Path, folder: Path) -> Path | None:
    """Write the files of a commit of the repository that `here` lies in to `folder`, and return where `here` is in it.

    None when there is no such commit, as in a shallow clone. The repository, its index and its worktrees are not
    touched.
    """
    top, inside = git(here, "rev-parse", "--show-toplevel"), git(here, "rev-parse", "--show-prefix")
    if top is None or inside is None or commit.startswith("-"):
        return None
    folder.mkdir(parents=True)
    root, index = Path(top.rstrip("\n")), str(folder.absolute()) + ".index"
    known = git(root, "read-tree", f"{commit}^{{commit}}", GIT_INDEX_FILE=index)
    if (
        known is None
        or git(root, "checkout-index", "--all", f"--prefix={folder.absolute()}/", GIT_INDEX_FILE=index) is None
    ):
        return None
    return folder / inside.rstrip("\n")
