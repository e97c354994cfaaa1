"""How long reading takes: verdicts, the report, the start of the command. Run: pytest benchmarks/bench_reading.py

REPRISE_BENCH_RECORDS sets the size of the store for verdicts (default 10,000); that of the report has 2,000.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest
from made_store import made_store

from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.store.store import Store

RECORDS = int(os.environ.get("REPRISE_BENCH_RECORDS", "10000"))


def reprise(*arguments: object) -> None:
    """The command in a process of its own, as a user starts it."""
    command = [sys.executable, "-m", "keras_reprise", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A store of slim records, 30 seeds a group."""
    return made_store(tmp_path_factory.mktemp("many") / "store", RECORDS, seeds=30, slim=True)


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A store of 2,000 records of 40 recipes with all that they measured."""
    return made_store(tmp_path_factory.mktemp("reported") / "store", 2000)


def test_verdicts_read_for_the_first_time(benchmark, many):
    def forget():
        shutil.rmtree(many / ".cache", ignore_errors=True)

    benchmark.pedantic(reprise, args=("verdict", "--store", many), setup=forget, rounds=2)


def test_verdicts_from_the_index(benchmark, many):
    reprise("verdict", "--store", many)
    benchmark.pedantic(reprise, args=("verdict", "--store", many), rounds=3)


def test_the_report_for_the_first_time(benchmark, reported):
    def forget():
        for folder in (".cache", "reports"):
            shutil.rmtree(reported / folder, ignore_errors=True)

    benchmark.pedantic(reprise, args=("report", "--store", reported), setup=forget, rounds=1)
    assert len(list((reported / "reports").glob("*-v1.html"))) == 40


def test_the_report_after_one_more_record(benchmark, reported):
    def one_more():
        path = next((reported / "records").rglob("seed1-*.json"))
        document = json.loads(path.read_bytes())
        document["replicate"] = {"seed": 1000 + len(list(path.parent.iterdir())), "repeat": 0}
        document["id"] = record_id(document)
        new = path.with_name(f"seed{document['replicate']['seed']}-{document['id'][:12]}.json")
        new.write_bytes(pretty(document))

    reprise("report", "--store", reported)
    benchmark.pedantic(reprise, args=("report", "--store", reported), setup=one_more, rounds=3)
    assert not Store(reported).summaries()[1]


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["show", "cifar10-lr-drop"]], ids=" ".join)
def test_start_of_the_command(benchmark, arguments):
    benchmark.pedantic(reprise, args=arguments, rounds=5)
