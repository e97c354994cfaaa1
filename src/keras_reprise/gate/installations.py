"""Installations that a gate measures in: the one here, that of a commit, those that `--between` asks for in words."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from keras_reprise.base import seals
from keras_reprise.base.errors import NothingMeasuredError, UserError, printable
from keras_reprise.base.failures import without_paths
from keras_reprise.base.files import read_plain, write_atomically
from keras_reprise.base.git import check_out
from keras_reprise.gate.commit_files import bring, files_of
from keras_reprise.gate.settings import Settings

Say = Callable[[str], None]

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=(?!=)")
NEEDED = "import pytest, pytest_benchmark"


@dataclass(frozen=True)
class Installation:
    """An interpreter, the variables it is started with, and the folder in which it runs.

    `commit` tells that the folder holds the files of that commit, whose modules its processes should load.
    """

    python: str
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its processes; a worker of pytest-xdist, in which nothing is benchmarked, starts none."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
        return {**own, **self.variables}

    def told(self, settings: Settings) -> "Installation":
        """This side with what the settings say to pytest."""
        if not settings.pytest:
            return self
        words = " ".join(filter(None, [self.environment.get("PYTEST_ADDOPTS"), settings.pytest]))
        return replace(self, variables={**self.variables, "PYTEST_ADDOPTS": words})


@dataclass
class Spec:
    """What the words of an installation ask for."""

    interpreter: str | None = None
    requirements: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    commit: str | None = None


def parse(words: str) -> Spec:
    """An interpreter's path, requirements, backend:NAME, commit:REF and NAME=VALUE, in any order; "." is this one."""
    spec = Spec()
    for word in words.split():
        path = Path(word)
        if word == ".":
            continue
        if word.startswith("backend:"):
            spec.variables["KERAS_BACKEND"] = word.removeprefix("backend:")
        elif word.startswith("commit:"):
            spec.commit = word.removeprefix("commit:")
        elif VARIABLE.match(word):
            name, _, value = word.partition("=")
            spec.variables[name] = value
        elif os.sep in word and "@" not in word:
            found = next(
                (p for p in (path, path / "bin" / "python", path / "Scripts" / "python.exe") if os.path.isfile(p)), None
            )
            if found is None:
                raise UserError(
                    f"There is no interpreter at {word}.\nGive the path of a Python, or of a virtual environment."
                )
            spec.interpreter = str(found.absolute())
        else:
            spec.requirements.append(word)
    if not words.strip():
        raise UserError("An environment has no words.\nWrite . for the one this command runs in.")
    return spec


@contextlib.contextmanager
def sides(words: Sequence[str], settings: Settings, say: Say) -> Iterator[dict[str, Installation]]:
    """The environments "a" and "b", made where that is needed and removed at the end."""
    specs = [parse(one) for one in words]
    with scratch_folder() as scratch:
        yield {name: installation(spec, scratch / name, settings, say) for name, spec in zip("ab", specs, strict=True)}


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="reprise-between-", ignore_cleanup_errors=True) as scratch:
        yield Path(scratch)


def installation(spec: Spec, scratch: Path, settings: Settings, say: Say) -> Installation:
    """The installation that a spec asks for, made in the folder `scratch` where that is needed.

    An environment that an earlier command made there is taken as it is. NothingMeasuredError when it cannot be made,
    UserError when there is no such commit.
    """
    python = spec.interpreter or sys.executable
    if spec.requirements:
        python = _made(python, spec.requirements, scratch, say)
    checked = subprocess.run([python, "-c", NEEDED], capture_output=True, text=True, check=False, env=library_first())
    if checked.returncode:
        raise NothingMeasuredError(
            f"{python} cannot import pytest and pytest_benchmark.\n"
            f"Nothing was measured. Install them there: `{python} -m pip install pytest-benchmark`."
        )
    if spec.commit is None:
        return Installation(python, Path.cwd(), spec.variables).told(settings)
    side = of_commit(spec.commit, python, scratch / "commit", settings, spec.variables)
    if side is None:
        raise UserError(
            f"There is no commit {spec.commit} here.\nGive one that `git log` shows; a shallow clone may lack it."
        )
    return side


def _made(python: str, requirements: Sequence[str], scratch: Path, say: Say) -> str:
    """The interpreter of an environment in `scratch`, whose mark says that it was made to its end."""
    mark, about = scratch / "made", (str(scratch), python, *requirements)
    with contextlib.suppress(OSError):
        kept = seals.opened(read_plain(mark, 10_000), *about)
        if kept is not None and os.path.isfile(kept.decode()):
            return kept.decode()
    shutil.rmtree(scratch, ignore_errors=True)
    say(f"Making an environment with {' '.join(requirements)} ...")
    made = _overlay(python, requirements, scratch / "environment")
    write_atomically(mark, seals.seal(made.encode(), *about))
    return made


def of_commit(
    commit: str, python: str, folder: Path, settings: Settings, variables: Mapping[str, str] | None = None
) -> Installation | None:
    """A side that runs in the files of a commit of this project, written to `folder`; None when there is none.

    Benchmark files and recipes that the settings name by path are those of here: both sides measure the same thing.
    """
    here = Path.cwd()
    top = check_out(commit, here, folder)
    if top is None or not top.is_dir():
        return None
    files = files_of(top, here)
    bring(settings, files, here)
    sources = top / "src" if (top / "src").is_dir() else top
    # Installed code is compiled already; what compiles at its first import takes longer and more memory.
    subprocess.run(
        [python, "-m", "compileall", "-q", str(sources)], capture_output=True, check=False, env=library_first()
    )
    return Installation(python, top, {**(variables or {}), **files.variables()}, commit=commit).told(settings)


def _overlay(python: str, requirements: Sequence[str], folder: Path) -> str:
    """A virtual environment that has what `python` has, and the requirements in place of what they replace there."""
    folders = subprocess.run(
        [python, "-c", "import json, site; print(json.dumps(site.getsitepackages()))"],
        capture_output=True, text=True, check=True, env=library_first(),
    ).stdout.strip()  # fmt: skip
    made = _ran([python, "-m", "venv", str(folder)])
    if made is None:
        inner = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        own = _site_packages(inner)
        # One statement after the other: a comprehension in a .pth line does not see what the line imports.
        inherited = "; ".join(["import site", *(f"site.addsitedir({name!r})" for name in _listed(folders))])
        (own / "reprise-inherited.pth").write_text(inherited + "\n", "utf-8")
        made = _ran([str(inner), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
        if made is None:
            return str(inner)
    raise NothingMeasuredError(f"{' '.join(requirements)} cannot be installed: {made}\nNothing was measured.")


def _listed(text: str) -> list[str]:
    import json

    return [str(folder) for folder in json.loads(text)]


def _site_packages(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return Path(
        subprocess.run(
            [str(python), "-c", code], capture_output=True, text=True, check=True, env=library_first()
        ).stdout.strip()
    )


def _ran(command: Sequence[str]) -> str | None:
    """None when the command succeeded, else what it said last: pip's last error, if it named one.

    What is said may be stored, so paths and addresses of this machine are left out.
    """
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=library_first())
    if done.returncode == 0:
        return None
    lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
    named = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    said = " ".join(named[-1:] or lines[-3:])
    return printable(re.sub(r"\b\w+://\S+", "...", without_paths(said))[:300].rstrip("."))


def library_first() -> dict[str, str]:
    """The variables of this process, for one in which the current folder stands in for no library."""
    return {**os.environ, **library_first_variables()}


def library_first_variables() -> dict[str, str]:
    """Variables of a process whose current folder stands in for no library: Python has it last, or not at all.

    From Python 3.11 on; the plugin puts the folder behind the libraries, where benchmarks may import from it.
    """
    return {} if "PYTHONSAFEPATH" in os.environ else {"REPRISE_FOLDER_LAST": "1", "PYTHONSAFEPATH": "1"}
