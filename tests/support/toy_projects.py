"""Small projects as people lay them out and install them, each in git, to be gated: code of a commit, and other code now.

Every benchmark notes which code it ran (`SAW` names the file), so that a test sees what each side measured.
"""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

NOTE = """
import os

def saw(what):
    with open(os.environ["SAW"], "a") as file:
        file.write(str(what) + chr(10))
"""
WORK = "VALUE = {value!r}\n\n\ndef work():\n    return sum(range(1000))\n"


def bench(imports: str = "from toy import VALUE, work") -> str:
    return f"{NOTE}\n{imports}\n\n\ndef test_work(benchmark):\n    saw(VALUE)\n    benchmark(work)\n"


@dataclass
class Layout:
    """Where a project's code and benchmark lie, `code` by file, and how its package is installed.

    `folder` is where the gate runs, below the repository's top. `paths` are folders of a .pth file, `mapping` names of a
    finder as setuptools writes it, `copied` what lies in site-packages as a wheel brings it.
    """

    code: tuple[str, ...] = ("src/toy/__init__.py",)
    bench: str = "benchmarks/bench_mine.py"
    imports: str = "from toy import VALUE, work"
    folder: str = "."
    paths: tuple[str, ...] = ()
    mapping: dict[str, str] = field(default_factory=dict)
    copied: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    name: str = "toy"


LAYOUTS = {
    "flat, not installed": Layout(code=("toy/__init__.py",)),
    "flat, with a string.py": Layout(code=("toy/__init__.py",), files={"string.py": "raise ImportError('not mine')\n"}),
    "flat, a finder of setuptools": Layout(code=("toy/__init__.py",), mapping={"toy": "toy"}),
    "src, a .pth file": Layout(paths=("src",)),
    "src, a wheel": Layout(copied=("toy/__init__.py",)),
    "src, settings of pytest": Layout(files={"pytest.ini": "[pytest]\npythonpath = src\n"}),
    "another folder, a finder": Layout(code=("lib/toys/__init__.py",), mapping={"toy": "lib/toys"}),
    "another folder, a wheel beside a helper": Layout(
        code=("python/toy/__init__.py",),
        copied=("toy/__init__.py",),
        files={"benchmarks/common.py": "SIZE = 1\n"},
        imports="import common\nfrom toy import VALUE, work",
    ),
    "a module, a finder": Layout(code=("mine.py",), mapping={"mine": "mine"}, imports="from mine import VALUE, work"),
    "a module beside its benchmark": Layout(
        code=("mine.py",), bench="bench_mine.py", imports="from mine import VALUE, work"
    ),
    "a namespace, a .pth file": Layout(
        code=("src/org/part/__init__.py",), paths=("src",), imports="from org.part import VALUE, work"
    ),
    "a namespace, a wheel": Layout(
        code=("src/org/part/__init__.py",),
        copied=("org/part/__init__.py", "org/other/__init__.py"),
        imports="import org.other\nfrom org.part import VALUE, work",
    ),
    "a monorepo, from the package's folder": Layout(
        code=("packages/one/src/toy/__init__.py",),
        folder="packages/one",
        paths=("packages/one/src", "packages/two/src"),
        files={
            "packages/two/src/two/__init__.py": "ALSO = 2\n",
            "pytest.ini": "[pytest]\naddopts = --strict-markers\n",
        },
        imports="import two\nfrom toy import VALUE, work",
    ),
    "a monorepo, a sibling that changed": Layout(
        code=("packages/two/src/two/__init__.py",),
        folder="packages/one",
        paths=("packages/one/src", "packages/two/src"),
        files={"packages/one/src/one/__init__.py": ""},
        imports="import one\nfrom two import VALUE, work",
    ),
    "benchmarks within the package, importlib": Layout(
        code=("src/toy/__init__.py",),
        bench="src/toy/benchmarks/bench_mine.py",
        paths=("src",),
        files={
            "src/toy/benchmarks/__init__.py": "",
            "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--import-mode=importlib'\n",
        },
        imports="from toy import VALUE, work",
    ),
    "run from the folder of its benchmarks": Layout(bench="bench_mine.py", folder="benchmarks", paths=("src",)),
}


def git(folder: Path, *words: str) -> str:
    who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", *words], cwd=folder, env=os.environ | who, capture_output=True, text=True, check=True)
    return done.stdout


def write(top: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(content)


def committed(top: Path, files: dict[str, str]) -> None:
    """A repository at `top` with these files committed."""
    write(top, files)
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "first")


def made(layout: Layout, top: Path) -> Path:
    """The project at `top`, its code committed as "old" and lying there as "new"; returns where its gate runs."""
    folder = top / layout.folder
    said = f'[project]\nname = "{layout.name}"\nversion = "1"\n'
    config = os.path.normpath(f"{layout.folder}/pyproject.toml")
    files = {config: said, **layout.files}
    if config in layout.files:
        files[config] = said + layout.files[config]
    files |= {os.path.normpath(f"{layout.folder}/{layout.bench}"): bench(layout.imports)}
    committed(top, files | {file: WORK.format(value="old") for file in layout.code})
    write(top, {file: WORK.format(value="new") for file in layout.code})
    return folder


def installed(layout: Layout, top: Path, site_packages: Path) -> None:
    """Write into `site_packages` what installing the project leaves there: as setuptools, hatch and uv do it."""
    if layout.paths:
        (site_packages / "__editable__.toy.pth").write_text("".join(f"{top / path}\n" for path in layout.paths))
    if layout.mapping:
        mapping = {name: str(top / path) for name, path in layout.mapping.items()}
        (site_packages / "__editable___toy_finder.py").write_text(FINDER.format(mapping=mapping))
        (site_packages / "__editable__.toy.pth").write_text(
            "import __editable___toy_finder; __editable___toy_finder.install()"
        )
    if layout.copied:
        write(site_packages, {name: WORK.format(value="new") for name in layout.copied})
        tops = "\n".join({name.split("/")[0] for name in layout.copied})
        write(
            site_packages / f"{layout.name}-1.dist-info",
            {"METADATA": f"Metadata-Version: 2.1\nName: {layout.name}\nVersion: 1\n", "top_level.txt": tops},
        )


def environment(folder: Path) -> tuple[str, Path]:
    """An interpreter of its own, which has all that this one has, and the folder into which its packages go."""
    import site

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    packages = next((folder / "lib").glob("python*")) / "site-packages"
    inherited = "; ".join(["import site", *(f"site.addsitedir({name!r})" for name in site.getsitepackages())])
    (packages / "inherited.pth").write_text(inherited + "\n")
    return str(python), packages


FINDER = """import sys
from importlib.machinery import PathFinder, all_suffixes
from importlib.util import spec_from_file_location
from pathlib import Path

MAPPING = {mapping!r}


class _EditableFinder:
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in MAPPING:
            place = Path(MAPPING[fullname])
            for file in [place / "__init__.py", *(place.with_suffix(suffix) for suffix in all_suffixes())]:
                if file.exists():
                    return spec_from_file_location(fullname, file)
            return None
        parent = fullname.rpartition(".")[0]
        return PathFinder.find_spec(fullname, path=[MAPPING[parent]]) if parent in MAPPING else None


def install():
    sys.meta_path.append(_EditableFinder)
"""
