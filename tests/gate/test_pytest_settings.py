"""Benchmarks as people write them and pytest as they set it: what holds in a gate's processes, and what is overruled."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from toy_projects import NOTE, committed, git, write

from keras_reprise.gate import processes
from keras_reprise.gate.installations import Installation, of_commit
from keras_reprise.gate.processes import CONTROL, Process, Task
from keras_reprise.gate.settings import Settings, read_settings
from keras_reprise.gate.trial import tried

pytestmark = pytest.mark.slow

SUITE = "benchmarks/bench_mine.py"
PASSES = 4

SETTINGS = """
[project]
name = "toy"
[tool.pytest.ini_options]
addopts = '''-x --strict-markers --strict-config -n 2 --dist loadfile --import-mode=importlib -m "not slow" --lf
  -p no:randomly --junitxml=report.xml --benchmark-disable --benchmark-skip --benchmark-autosave --benchmark-compare
  --benchmark-compare-fail=min:1% --benchmark-histogram=drawn --benchmark-storage=file://stored
  --benchmark-group-by=param:n --benchmark-cprofile=tottime --benchmark-timer=made_clock.now --cover=toy'''
markers = ["slow: takes long"]
filterwarnings = ["error"]
testpaths = ["tests"]
python_files = ["test_*.py"]
python_functions = ["test_*", "times_*"]
python_classes = ["Test*", "Times*"]
required_plugins = ["pytest-benchmark", "pytest-xdist"]
pythonpath = ["library"]
"""
CLOCK = "import time\n\ndef now():\n    return 10 * time.perf_counter()\n"
CONFTEST = f"""{NOTE}
import pytest

def pytest_addoption(parser):
    parser.addoption("--cover", dest="cov_source", action="append", default=[])  # as pytest-cov has it

def pytest_configure(config):
    saw("cover" if config.option.cov_source else "no cover")
    assert config.cache is not None

@pytest.fixture(scope="session")
def data():
    saw("session")
    return list(range(100))

@pytest.fixture(scope="session", params=[1, 2])
def loaded(request):
    saw(f"loaded {{request.param}}")
    return request.param

@pytest.fixture(scope="module")
def of_module(data):
    saw("module")

@pytest.fixture(scope="session")
def single():
    return [1]
"""
BENCHMARKS = f"""{NOTE}
import time
import pytest

NAMES = ["with space", "a/b", "x::y", "ü€", "[in] brackets]", "'quoted'", "l" * 300, "a|b<c>", "%0A:,"]

@pytest.mark.parametrize("name", NAMES)
def test_named(benchmark, name, data, of_module):
    benchmark(sum, data)

@pytest.mark.parametrize("n", [1, (2, 3), None, 1.5, b"x", object])
def test_ids(benchmark, n):
    benchmark(len, "x")

class TimesOuter:
    @classmethod
    def setup_class(cls):
        saw("class")

    def test_one(self, benchmark):
        benchmark(len, "x")

    class TestInner:
        def test_two(self, benchmark, of_module):
            benchmark(len, "x")

def test_loaded(benchmark, loaded, of_module):
    benchmark(len, "x")

@pytest.mark.benchmark(group="marked", min_rounds=40, max_time=1e-9, timer=time.process_time, disable_gc=True)
def times_marked(benchmark):
    benchmark.extra_info["odd"] = object()
    benchmark(sum, range(1000))
    saw(f"rounds {{len(benchmark.stats.stats.data)}}")

def test_usual_clock(benchmark):
    benchmark.pedantic(time.sleep, args=(0.002,), setup=lambda: None, rounds=3)

@pytest.mark.slow
def test_slow(benchmark):
    saw("slow")

@pytest.mark.skip(reason="needs a GPU")
def test_skipped(benchmark):
    benchmark(len, "x")

@pytest.mark.xfail(reason="not yet")
def test_not_yet(benchmark):
    benchmark(int, "x")

def test_used_up(benchmark, single):
    single.pop()
    benchmark(len, "x")

def test_ordinary():
    saw("ordinary")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    files = {"pyproject.toml": SETTINGS, "conftest.py": CONFTEST, SUITE: BENCHMARKS, "library/made_clock.py": CLOCK}
    committed(folder, files)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SAW", str(tmp_path / "saw.txt"))
    monkeypatch.setattr(processes, "PASSES", PASSES)
    return folder


def run(suite: str, folder: Path, only: tuple[str, ...] = ()) -> Process:
    return processes._run(Task(suite, "now", 0), 0, Installation(sys.executable, folder), only)


def test_benchmarks_are_measured_whatever_the_project_asks_of_its_tests(project, tmp_path):
    found = run(SUITE, project)
    assert found.error is None
    names = [name.partition("::")[2] for name in found.median]
    saw = Counter((tmp_path / "saw.txt").read_text().split("\n"))
    kinds = Counter(re.split(r"\[", name)[0] for name in names)
    assert kinds == {
        "test_named": 9, "test_ids": 6, "TimesOuter::test_one": 1, "TimesOuter::TestInner::test_two": 1,
        "test_loaded": 2, "times_marked": 1, "test_usual_clock": 1, "test_used_up": 1, "peak memory": 1,
    }  # fmt: skip
    assert set(found.relative) == set(found.median), "the loop is beside each run"
    remarks = {name.partition("::")[2]: why for name, why in found.remarks.items()}
    assert remarks == {
        "test_skipped": "skipped: needs a GPU",
        "test_not_yet": "expected to fail: not yet",
        "test_used_up": "ran once in a process and then failed, so that counts (pop from empty list)",
    }
    # What pytest makes once is made once, though every benchmark runs four times.
    assert {what: saw[what] for what in ("session", "module", "class", "loaded 1", "loaded 2")} == dict.fromkeys(
        ("session", "module", "class", "loaded 1", "loaded 2"), 1
    )
    assert (saw["rounds 10"], saw["ordinary"], saw["slow"]) == (PASSES, 0, 0), "40 rounds over the whole process"
    assert (saw["no cover"], saw["cover"]) == (1, 0), "one process, in which nothing is traced"
    usual = next(value for name, value in found.median.items() if name.endswith("test_usual_clock"))
    assert usual > 0.02, "the project's clock counts"
    left = {path.name for path in project.iterdir()} - {"__pycache__"}
    assert left == {"pyproject.toml", "conftest.py", "benchmarks", "library", ".git"}, "nothing is written"
    suspects = tuple(name for name in found.median if "test_named" in name or "test_two" in name or "[" in name)
    again = run(SUITE, project, suspects)
    assert (again.error, set(again.median)) == (None, set(suspects)), "each is found again by its name"


def test_the_control_hears_nothing_of_the_project(project, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-m slow --no-such-option")
    assert run(CONTROL, project).error is None


def test_words_for_pytest_in_the_settings_choose_benchmarks_on_both_sides(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k two")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    write(project, {"gate.toml": f"benchmarks = ['{SUITE}']\npytest = \"-m 'not slow' -p xdist\"\n"})
    settings = read_settings(None)
    for side in (
        Installation(sys.executable, project).told(settings),
        of_commit("HEAD", sys.executable, tmp_path / "then", settings),
    ):
        assert side is not None
        found = processes._run(Task(SUITE, "now", 0), 0, side, ())
        assert found.error is None
        assert set(found.median) == {f"{SUITE}::TimesOuter::TestInner::test_two", f"{SUITE}::peak memory"}


def test_conftest_and_the_settings_of_pytest_are_those_of_here_on_both_sides(project, tmp_path, monkeypatch):
    """A fixture, or a marker, that benchmarks of now need is no reason not to measure the accepted code."""
    write(
        project,
        {
            "pyproject.toml": "[project]\nname = 'toy'\n",
            "pytest.ini": "[pytest]\naddopts = --strict-markers\nmarkers = other\n",
            "benchmarks/conftest.py": "import pytest\n\n@pytest.fixture\ndef other():\n    return 1\n",
            SUITE: "import mine\nimport pytest\n\n@pytest.mark.other\ndef test_it(benchmark, other):\n    benchmark(mine.work)\n",
        },
    )
    (project / "conftest.py").unlink()
    side = of_commit("HEAD", sys.executable, tmp_path / "then", Settings(benchmarks=[SUITE]))
    assert side is not None
    assert "No module named 'mine'" in (tried(SUITE, side).error or "")
    write(side.folder, {"mine.py": "def work():\n    pass\n"})
    trial = tried(SUITE, side)
    assert (trial.error, trial.modules) == (None, 1)
    assert git(project, "status", "--short", "benchmarks").strip(), "the repository is as it was"


def test_a_benchmark_that_fails_is_named(project):
    write(
        project,
        {
            SUITE: "def test_good(benchmark):\n    benchmark(len, 'x')\n\ndef test_bad(benchmark):\n    benchmark(int, 'x')\n"
        },
    )
    assert "bench_mine.py::test_bad - ValueError" in (run(SUITE, project).error or "")


def test_words_that_no_shell_reads_are_refused(tmp_path, monkeypatch):
    from keras_reprise.base.errors import UserError

    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"gate.toml": 'pytest = "-m \'not slow"\n'})
    with pytest.raises(UserError, match="quotation"):
        read_settings(None)
