"""README's way to gate a project of one's own, walked with a wheel of this checkout and real tox: `tox -e wheel`.

A fresh project takes README's lines as they stand. A baseline is accepted, a gate of the same code passes, a function
that is made 30 % slower is found, and one that is made faster is accepted. Packages come from wherever pip finds them;
the wheel is found by PIP_FIND_LINKS, as README says.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from toy_projects import committed, git

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
CODE = """def words(n):
    counts = {{}}
    for number in range({count}):
        word = str(number % 1000)
        counts[word] = counts.get(word, 0) + 1
    return counts


def ordered(n):
    return sorted(range(n), key=lambda number: number * 7919 % 20011)
"""
USUAL, SLOWER, FASTER = "n", "int(1.3 * n)", "n // 2"
FILES = {
    "pyproject.toml": """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "toy"
version = "0.1"
""",
    "src/toy/__init__.py": CODE.format(count=USUAL),
    "benchmarks/bench_mine.py": """from toy import ordered, words


def test_words(benchmark):
    benchmark(words, 20_000)


def test_ordered(benchmark):
    benchmark(ordered, 20_000)
""",
}


def lines_for_tox() -> str:
    """README's section of tox.ini, as it stands there."""
    found = re.search(r"^```\n(\[testenv:bench\]\n.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def words_after_tox() -> list[str]:
    """What README gives to `tox -e bench` for the first baseline."""
    found = re.search(r"`tox -e bench -- (accept [^`]+)`", README.read_text("utf-8"))
    assert found is not None
    return shlex.split(found[1])


def project(folder: Path, **more: str) -> None:
    """A fresh project with README's lines, committed."""
    committed(folder, FILES | {"tox.ini": lines_for_tox()} | more)


def edited(folder: Path, count: str) -> None:
    (folder / "src/toy/__init__.py").write_text(CODE.format(count=count))
    git(folder, "commit", "-qam", f"range({count})")


def wheel(folder: Path) -> Path:
    """The wheel of this checkout, built into `folder`."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


def walk(folder: Path, run: Callable[..., int]) -> None:
    """All steps in a project, each by `run(*words)`, which gives the exit code of README's command with them."""
    steps: list[tuple[str, list[str], int]] = [
        (USUAL, words_after_tox(), 0),
        ("", [], 0),
        (SLOWER, [], 1),
        (FASTER, [], 0),
        ("", ["accept", "--last", "--why", "counts half as much"], 0),
    ]
    for count, words, expected in steps:
        if count and count != USUAL:
            edited(folder, count)
        code = run(*words)
        if code != expected:
            raise SystemExit(f"{' '.join(words) or 'gate'} with {count or 'the same code'}: {code}, not {expected}")
        if words[:1] == ["accept"]:
            git(folder, "add", "results")
            git(folder, "commit", "-qm", "baseline")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="where the project is made, to look at; a temporary folder else")
    given = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as scratch:
        top = given or Path(scratch)
        wheel(top / "wheels")
        project(top / "toy")
        links = " ".join(filter(None, [str(top / "wheels"), os.environ.get("PIP_FIND_LINKS")]))

        def run(*words: str) -> int:
            begun = time.monotonic()
            command = ["tox", "-q", "-e", "bench", *(["--", *words] if words else [])]
            print(f"\n$ {shlex.join(command)}", flush=True)
            variables = {name: value for name, value in os.environ.items() if not name.startswith("TOX_")}
            done = subprocess.run(command, cwd=top / "toy", env=variables | {"PIP_FIND_LINKS": links}, check=False)
            print(f"[exit {done.returncode} after {time.monotonic() - begun:.0f} s]", flush=True)
            return done.returncode

        walk(top / "toy", run)


if __name__ == "__main__":
    main()
