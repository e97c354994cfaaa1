"""A file beside a recipe, or in the folder one stands in, never stands in for a library; a recipe's own modules are found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults import QUICKLY_IMPORTED, documents
from wrongs import write

from keras_reprise.base.errors import RecipeError
from keras_reprise.gate.installations import Installation
from keras_reprise.gate.processes import Task, _run
from keras_reprise.recipe import loading
from keras_reprise.recipe.beside import unused

SHADOWS = ("string", "types", "json", "typing", "numpy", "keras", "msgspec", "psutil", "click", "keras_reprise")
SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture
def shadowed(tmp_path) -> Path:
    """A folder full of files that are named as libraries and cannot be imported."""
    folder: Path = tmp_path / "mine"
    folder.mkdir()
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(f"raise ImportError('{name}.py was imported')\n")
    return folder


@pytest.mark.parametrize("workers", [0, 1])
def test_files_named_as_libraries_are_not_imported(shadowed, tmp_path, workers):
    """Standing in their folder, with a recipe there; `-P` because a keras_reprise.py there is what `-m` would run."""
    write(shadowed, "import json, string, psutil, click\nreturn Measurement(metrics={'value': len(string.digits)})")
    command = [sys.executable, "-P", "-m", "keras_reprise", "run", "wrong.py", "--store", str(tmp_path / "store")]
    environment = {**os.environ, **QUICKLY_IMPORTED, "REPRISE_WORKERS": str(workers), "PYTHONPATH": str(SOURCES)}
    done = subprocess.run(command, cwd=shadowed, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (document,) = documents(tmp_path / "store")
    assert document["arms"]["wrong"]["metrics"] == {"value": 10.0}
    assert done.stderr.count("string.py beside wrong.py is not used: `import string` gives Python's own.") == 1
    assert "numpy.py beside wrong.py is not used: `import numpy` gives the installed one." in done.stderr
    assert "typing.py" not in done.stderr, "nobody imports it"


def test_the_command_as_a_module_imports_nothing_from_the_current_folder(shadowed):
    for name in ("keras_reprise", "types", "typing"):  # of the package's name, and what Python itself needs to start it
        (shadowed / f"{name}.py").unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "keras_reprise", "list", "--json"],
        cwd=shadowed, env={**os.environ, "PYTHONPATH": str(SOURCES)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_the_benchmarks_of_a_gate_have_the_folder_they_run_in_last(shadowed):
    (shadowed / "ours.py").write_text("VALUE = 1\n")
    (shadowed / "benchmarks").mkdir()
    (shadowed / "benchmarks" / "bench_it.py").write_text(
        "import os, string, subprocess, sys\nimport ours\n\n\n"
        "def test_it(benchmark):\n"
        "    assert string.digits and ours.VALUE and 'PYTHONSAFEPATH' not in os.environ\n"
        "    benchmark(lambda: None)\n"
    )
    (shadowed / "pytest.ini").write_text("[pytest]\npython_files = bench_*.py\n")
    found = _run(Task("benchmarks/bench_it.py", "now", 0), 0, Installation(sys.executable, shadowed), ())
    assert found.error is None
    assert found.modules == 1


def test_a_recipes_own_modules_are_found_wherever_one_stands(tmp_path, store_path, reprise, monkeypatch):
    monkeypatch.chdir("/")
    for name, value in (("first", 1.0), ("second", 2.0)):
        path = write(
            tmp_path / name,
            "import late.deep\nfrom own import VALUE\nreturn Measurement(metrics={'value': VALUE + late.deep.VALUE})",
            "import later\nreturn later.VALUE",
            name=f"{name}.py",
        )
        path.write_text(
            path.read_text().replace('slug="wrong"', f'slug="{name}"').replace("import sys", "import sys\n\nimport own")
        )
        (tmp_path / name / "own.py").write_text(f"VALUE = {value}\n")
        (tmp_path / name / "late").mkdir()
        (tmp_path / name / "late" / "deep.py").write_text(f"VALUE = {10 * value}\n")
        (tmp_path / name / "later.py").write_text(f"VALUE = {100 * value}\n")
    before = list(sys.path), set(sys.modules)
    result = reprise("run", tmp_path / "first" / "first.py", tmp_path / "second" / "second.py", "--store", store_path)
    assert result.exit_code == 0, result.output
    found = {
        d["recipe"]["slug"]: (d["arms"]["wrong"]["metrics"]["value"], d["claims"]["odd"]) for d in documents(store_path)
    }
    assert found == {"first": (11.0, 100.0), "second": (22.0, 200.0)}, "a module of one recipe is not that of another"
    assert sys.path == before[0]
    assert not {"own", "late", "late.deep", "later"} & set(sys.modules)


def test_a_recipe_finds_its_files_and_the_folders_it_names_from_anywhere(tmp_path, store_path, reprise, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "shelf.py").write_text("VALUE = 5.0\n")
    path = write(
        tmp_path / "mine",
        "import shelf\nos.chdir('/')\nreturn Measurement(metrics={'value': shelf.VALUE, 'set': os.environ['MINE'] == '1', 'beside': os.path.isfile(__file__)})",
    )
    path.write_text(
        path.read_text().replace(
            "import sys\n",
            "import sys\n\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))\nos.environ['MINE'] = '1'\n",
            1,
        )
    )
    monkeypatch.chdir(tmp_path)
    result = reprise("run", "mine/wrong.py", "--store", store_path)
    assert result.exit_code == 0, result.output
    assert documents(store_path)[0]["arms"]["wrong"]["metrics"] == {"value": 5.0, "set": 1.0, "beside": 1.0}
    assert "MINE" not in os.environ
    assert not [entry for entry in sys.path if entry.endswith("lib") and str(tmp_path) in entry]


def test_modules_in_folders_that_a_recipe_names_are_its_own(tmp_path):
    def loaded(name: str, value: float) -> loading.LoadedRecipe:
        path = write(tmp_path / name, "import shelf\nreturn Measurement(metrics={'value': shelf.VALUE})")
        (tmp_path / name / "lib").mkdir(exist_ok=True)
        (tmp_path / name / "lib" / "shelf.py").write_text(f"VALUE = {value}\n")
        named = "sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nimport shelf\n"
        path.write_text(path.read_text().replace("import sys\n", f"import sys\n\n{named}", 1))
        found = loading.load(path)
        assert "shelf" not in sys.modules
        return found

    one, two, other = loaded("one", 1.0), loaded("two", 1.0), loaded("three", 22.0)
    assert "shelf" in one.code.modules
    assert one.code.sha256 == two.code.sha256 != other.code.sha256
    assert [each.beside.modules["shelf"].VALUE for each in (one, two, other)] == [1.0, 1.0, 22.0]


def test_what_is_installed_stays_imported_where_a_recipe_lies_above_it(tmp_path):
    """As with a recipe in the home folder, and an environment below it."""
    import msgspec

    path = write(tmp_path)
    site = tmp_path / "venv" / "lib" / "site-packages"
    (site / "installed").mkdir(parents=True)
    (site / "installed" / "__init__.py").write_text("")
    path.write_text(
        path.read_text().replace("import sys\n", f"import sys\n\nsys.path.append({str(site)!r})\nimport installed\n", 1)
    )
    try:
        loading.load(path)
        assert "installed" in sys.modules
        assert sys.modules["msgspec"] is msgspec
    finally:
        sys.modules.pop("installed", None)


def test_only_files_that_a_recipe_imports_are_named(tmp_path):
    path = write(tmp_path, name="string.py")
    assert unused(path) == []
    (tmp_path / "signal.py").write_text("")
    (tmp_path / "secrets.py").write_text("")
    (tmp_path / "own.py").write_text("")
    assert unused(path) == [
        "signal.py beside string.py is not used: `import signal` gives Python's own. Rename the file to import it."
    ]


def test_a_module_that_is_nowhere_is_named_with_what_to_do(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text().replace("import sys\n", "import sys\n\nimport nowhere_at_all\n", 1))
    with pytest.raises(RecipeError, match="No module named 'nowhere_at_all'"):
        loading.load(path)
