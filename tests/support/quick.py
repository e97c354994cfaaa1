"""The quick tests of what changed, in a minute: `python tests/support/quick.py [REVISION]`, or `tox -e quick`.

Changed is what differs from REVISION (default: where the branch left main), files that git does not have yet included. It
runs the linter, the layers, and the tests in the folder of each changed file; of these not the ones marked `slow`, which
take over five seconds or start processes. `tox` runs all tests.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

TOP = Path(__file__).parents[2]
PACKAGE = "src/keras_reprise/"
ALWAYS = ("tests/test_layers.py", "tests/test_architecture.py")
ELSEWHERE = (
    ("recipes/*", ("tests/test_project.py",)),  # and what `main` does with them
    ("examples/*.py", ("tests/cli/test_new.py",)),
    ("examples/article/*", ("tests/report/cite",)),
    ("results/*", ("tests/judge/test_frozen_verdicts.py", "tests/test_project.py")),
    ("benchmarks/*", ("tests/gate",)),
    ("docs/*", ("tests/docs", "tests/test_project.py")),
    ("*", ("tests/test_project.py",)),
)
"""For what is neither package nor tests: the first pattern that fits, and the tests that read such a file."""


def changed(revision: str | None = None) -> list[str]:
    """The files that differ from a revision, by their paths from the top."""
    if revision is None:
        left = next((one for one in ("origin/main", "main") if _git("rev-parse", "--verify", "-q", one)), "HEAD")
        revision = "".join(_git("merge-base", "HEAD", left)) or "HEAD"
    return sorted({*_git("diff", "--name-only", revision), *_git("ls-files", "--others", "--exclude-standard")})


def last_commit(path: str) -> str:
    """The newest commit that touched a path; HEAD where git does not know one."""
    return "".join(_git("log", "-1", "--format=%H", "--", path)) or "HEAD"


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=TOP, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def tests_of(paths: Iterable[str]) -> list[str]:
    """The test files and folders that concern changed files, none within another."""
    found = {test for path in paths for test in (_tests_of(path))} | set(ALWAYS)
    return sorted(one for one in found if (TOP / one).exists() and not {*map(str, Path(one).parents)} & found)


def _tests_of(path: str) -> Iterable[str]:
    if path.startswith(PACKAGE):
        return [_same_folder(Path(path).parent.relative_to(PACKAGE))]
    if fnmatch(path, "tests/*test_*.py"):
        return [path]
    if path.startswith("tests/support/"):
        uses = re.compile(rf"^\s*(?:from|import) {Path(path).stem}\b", re.MULTILINE)
        tests = (TOP / "tests").rglob("test_*.py")
        return [test.relative_to(TOP).as_posix() for test in tests if uses.search(test.read_text("utf-8"))]
    if path.startswith("tests/"):  # fixtures and data of many folders: those that are quickest to say that they hold
        return ["tests/record", "tests/judge"]
    return next(tests for pattern, tests in ELSEWHERE if fnmatch(path, pattern))


def _same_folder(folder: Path) -> str:
    """The tests' folder for one of the package's, or the nearest one above that there is."""
    while folder.parts and not (TOP / "tests" / folder).is_dir():
        folder = folder.parent
    return f"tests/{folder.as_posix()}" if folder.parts else "tests/vocabulary"


def recipe_slugs(paths: Iterable[str]) -> list[str]:
    """The changed recipes that are there."""
    return [Path(path).stem for path in paths if fnmatch(path, "recipes/*/*.py") and (TOP / path).exists()]


def main() -> int:
    paths = changed(*sys.argv[1:2])
    tests, slugs = tests_of(paths), recipe_slugs(paths)
    print(f"{len(paths)} files changed: {' '.join(tests)}, without what is marked slow", flush=True)
    two = ["-n", "2", "--dist", "worksteal"] if find_spec("xdist") else []
    commands = [
        ["ruff", "check", "-q"],
        ["ruff", "format", "-q", "--check"],
        ["pytest", "-q", "-m", "not slow", *two, *tests],
    ]
    if any(path.startswith("recipes/") for path in paths):
        commands.append(["keras_reprise", "lock", "--check"])
    if slugs:
        commands.append(["pytest", "-q", "tests/test_recipes.py", "-k", " or ".join(slugs)])
    failed = [command for command in commands if subprocess.run([sys.executable, "-m", *command], cwd=TOP).returncode]
    for command in failed:
        print(f"failed: {' '.join(command)}")
    print("`tox` runs all tests.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
