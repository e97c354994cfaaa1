"""What benchmarks are called, and how it is told from their source whether a name still means the same one."""

import xml.etree.ElementTree as ElementTree

from keras_reprise.gate import present
from keras_reprise.gate.benchmark_files import digests, hidden
from keras_reprise.gate.gating import Outcome, remarks
from keras_reprise.gate.judgement import Judgement, without
from keras_reprise.gate.processes import Process

BENCHMARKS = """
import pytest

@pytest.fixture
def made(benchmark):
    return 1

def times_sum(benchmark):
    benchmark(sum, [{0}])

class Times:
    def one(self, benchmark): pass
    class Inner:
        def test_two(self, benchmark): pass
        def test_two(self, benchmark): pass
"""


def test_benchmarks_of_any_name_and_in_nested_classes_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bench.py").write_text(BENCHMARKS.format(1))
    before = digests(["bench.py"])
    assert set(before) == {"bench.py::times_sum", "bench.py::Times::one", "bench.py::Times::Inner::test_two"}
    assert "Times.Inner.test_two 2 times" in hidden(["bench.py"])[0]
    (tmp_path / "bench.py").write_text(BENCHMARKS.format(2))
    assert {name for name, digest in digests(["bench.py"]).items() if before[name] != digest} == {"bench.py::times_sum"}


def test_parameters_are_no_part_of_a_benchmarks_place():
    row = without("b/bench.py::TestIt::test_x[a::b/c]", "incomparable", "new")
    text = present.junit(Outcome(Judgement([row]), "before", "now", []))
    case = ElementTree.fromstring(text).find("testsuite/testcase")
    assert case is not None
    assert (case.get("classname"), case.get("name")) == ("b/bench.py::TestIt", "test_x[a::b/c]")


def test_what_is_to_be_said_of_benchmarks_is_said_once_for_each_reason():
    process = Process("s", "now", 0, 0, "", 1.0, {}, {}, {}, 0.0, 0.0, remarks={"s::a": "skipped", "s::b": "skipped"})
    assert remarks([process, process]) == ["s::a, s::b: skipped."]
