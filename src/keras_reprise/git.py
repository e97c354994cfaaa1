"""What git says of a folder; None where there is no git, no repository, or no such thing in it."""

import subprocess
from pathlib import Path


def git(folder: Path | None, *arguments: str) -> str | None:
    """The output of `git ARGUMENTS` in `folder`; None when it fails or there is no folder."""
    if folder is None:
        return None
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout
