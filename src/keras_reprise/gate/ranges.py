"""Which environments a bisection goes over: the releases that a package index has, or the commits of a branch."""

import json
import subprocess
import sys
from pathlib import Path

from packaging.version import InvalidVersion, Version

from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.base.git import git
from keras_reprise.gate.installations import library_first

LISTED = "Available versions:"


def releases(package: str, good: str, bad: str) -> list[str]:
    """The final releases from `good` to `bad` that pip finds for this Python, as requirements in their order."""
    first, last = _version(good), _version(bad)
    if not first < last:
        raise UserError(f"{good} is not before {bad}.\nGive the older release first.")
    known = sorted(_version(one) for one in _listed(package))
    for asked, version in ((good, first), (bad, last)):
        if version not in known:
            near = ", ".join(str(one) for one in known[-8:]) or "none"
            raise UserError(
                f"The package index has no release {asked} of {package} for this Python.\nThe newest: {near}."
            )
    return [f"{package}=={one}" for one in known if first <= one <= last]


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise UserError(f"{text!r} is no version of a package.\nGive one such as 3.5.0.") from error


def _listed(package: str) -> list[str]:
    """What `pip index versions` says; older versions of pip say it in a line of text."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "index", "versions", package]
    for options in (["--json"], []):
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=library_first())
        if done.returncode == 0 and options:
            return [str(one) for one in json.loads(done.stdout)["versions"]]
        lines = [line.partition(LISTED)[2] for line in done.stdout.splitlines() if line.startswith(LISTED)]
        if lines:
            return [one.strip() for one in lines[0].split(",")]
    raise NothingMeasuredError(
        f"pip finds no releases of {package} (`pip index versions {package}`).\n"
        "Nothing was measured. Check its name, or name the environments themselves."
    )


def commits(good: str, bad: str) -> list[str]:
    """The commits of the first parents from `good` to `bad`, both among them, oldest first."""
    here = Path.cwd()
    ends = [git(here, "rev-parse", "--verify", "--quiet", f"{one}^{{commit}}") for one in (good, bad)]
    for asked, end in zip((good, bad), ends, strict=True):
        if end is None or asked.startswith("-"):
            raise UserError(
                f"There is no commit {asked} here.\nGive one that `git log` shows; a shallow clone may lack it."
            )
    first, last = (str(end).strip() for end in ends)
    listed = git(here, "rev-list", "--first-parent", "--reverse", f"{first}..{last}")
    found = (listed or "").split()
    if not found or git(here, "merge-base", "--is-ancestor", first, last) is None:
        raise UserError(f"{good} is no ancestor of {bad}.\nGive the older commit first.")
    return [f"commit:{one}" for one in (first, *found)]


def subject(words: str) -> str:
    """The first line of a commit's message, where the words name a commit; else nothing."""
    commit = next((word.removeprefix("commit:") for word in words.split() if word.startswith("commit:")), None)
    found = git(Path.cwd(), "log", "-1", "--format=%s", commit, "--") if commit else None
    return (found or "").strip()
