"""How long reading takes: verdicts over 1,000 records, and the start of the command. Run: pytest benchmarks/"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keras_reprise import judge
from keras_reprise.record import decode, pretty, record_id
from keras_reprise.store import Store, record_path

GOLDEN = Path(__file__).parents[1] / "tests" / "data" / "golden-schema-1"


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    """A store of 1,000 records, each with the curves of a 50-epoch training (about 25 KB)."""
    import shutil

    root = tmp_path_factory.mktemp("thousand") / "store"
    shutil.copytree(GOLDEN, root)
    original = json.loads(next((root / "records").rglob("*.json")).read_bytes())
    shutil.rmtree(root / "records")
    curve = [0.1234567 + i / 977 for i in range(50)]
    original["arms"]["one"]["curves"] = {f"curve_{i}": curve for i in range(20)}
    for seed in range(1, 1001):
        document = original | {"replicate": {"seed": seed, "repeat": 0}}
        content = pretty(document | {"id": record_id(document)})
        path = root / record_path(decode(content, "made")[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def verdicts(root: Path) -> int:
    store = Store(root)
    return len(judge.verdicts(store.summaries()[0], store))


def test_verdicts_of_1000_records_read_for_the_first_time(benchmark, thousand):
    assert benchmark.pedantic(verdicts, args=(thousand,), rounds=3) == 2


def test_verdicts_of_1000_records_from_the_index(benchmark, thousand):
    (thousand / ".cache").mkdir(exist_ok=True)
    verdicts(thousand)
    assert benchmark.pedantic(verdicts, args=(thousand,), rounds=3) == 2


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["show", "cifar10-lr-drop"]], ids=" ".join)
def test_start_of_the_command(benchmark, arguments):
    command = [sys.executable, "-m", "keras_reprise", *arguments]
    done = benchmark.pedantic(subprocess.run, args=(command,), kwargs={"capture_output": True}, rounds=5)
    assert done.returncode == 0
