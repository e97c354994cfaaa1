"""A killed run loses at most what was in flight, and the numbers of a continued one are those of an undisturbed one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults import QUICKLY_IMPORTED, documents
from wrongs import write

from keras_reprise.base.errors import StoreError
from keras_reprise.base.files import write_atomically
from keras_reprise.base.locks import only_run
from keras_reprise.record.schema import failed_arm
from keras_reprise.run.kept import Checkpoints, KeptArm, ReplicateCache
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store


def heed_interrupts() -> None:
    """In a new process: SIGINT as in a terminal, also where the tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(recipe: Path, store: Path, **environment: str) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "keras_reprise",
        "run",
        str(recipe),
        "--seeds",
        "1",
        "--data",
        "digits",
        "--store",
        str(store),
    ]
    return subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **QUICKLY_IMPORTED, "REPRISE_WORKERS": "1", **environment},
        preexec_fn=heed_interrupts,
    )


def wait_for(pattern: str, folder: Path, process: "subprocess.Popen[str]", seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not list(folder.rglob(pattern)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"no {pattern} within {seconds} s"
        time.sleep(0.05)


def arms(store: Path) -> dict:
    documents = [json.loads(path.read_bytes()) for path in (store / "records").rglob("*.json")]
    assert len(documents) == 1
    return {name: (arm["curves"], arm["metrics"]) for name, arm in documents[0]["arms"].items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    store = tmp_path_factory.mktemp("undisturbed")
    process = start(Path(__file__).parents[1] / "data" / "recipes" / "tiny.py", store)
    assert process.wait(timeout=300) == 0
    process.communicate()
    return arms(store)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["*.npz", "arm-constant.json"], ids=["after an epoch group", "after an arm"])
def test_a_run_killed_with_kill_9_continues_with_the_same_numbers(tmp_path, tiny_recipe, undisturbed, pattern):
    killed = start(tiny_recipe, tmp_path, TINY_SLEEP="0.4")
    wait_for(pattern, tmp_path / ".cache" / "replicates", killed)
    killed.kill()
    killed.communicate()
    assert not list((tmp_path / "records").rglob("*.json"))
    continued = start(tiny_recipe, tmp_path)
    assert continued.wait(timeout=300) == 0, continued.communicate()
    continued.communicate()
    assert arms(tmp_path) == undisturbed
    assert check(Store(tmp_path))[1] == []
    assert not list((tmp_path / ".cache" / "replicates").glob("*")), "the cache of a recorded replicate is removed"


@pytest.mark.slow
def test_ctrl_c_ends_within_seconds_says_what_is_kept_and_exits_130(tmp_path, tiny_recipe):
    process = start(tiny_recipe, tmp_path, TINY_SLEEP="0.4")
    wait_for("*.npz", tmp_path / ".cache" / "replicates", process)
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, "are kept" in errors, "Traceback" in errors) == (130, True, False)
    assert time.monotonic() - pressed < 30


def test_two_runs_at_once_on_one_store_end_with_one_message(store_path, tiny_recipe, reprise_process):
    first = start(tiny_recipe, store_path, TINY_SLEEP="5", REPRISE_WORKERS="0")
    try:
        wait_for("tiny-*.lock", store_path / ".cache" / "locks", first)
        second = reprise_process("run", tiny_recipe, "--seeds", 1, "--data", "digits", "--store", store_path)
    finally:
        first.kill()
        first.communicate()
    assert (second.returncode, "Another `reprise run`" in second.stderr, "Traceback" in second.stderr) == (
        2,
        True,
        False,
    )
    assert not list((store_path / "records").rglob("*.json"))


def test_a_lock_is_free_again_after_its_holder(tmp_path):
    mine = only_run(tmp_path, "x", "x")
    with mine, pytest.raises(StoreError, match="Another"), only_run(tmp_path, "x", "x"):
        pass
    with only_run(tmp_path, "x", "x"):
        pass


def test_a_broken_cache_counts_as_no_cache(tmp_path):
    cache = ReplicateCache(tmp_path, seed=1)
    kept: dict[str, object] = {
        "arm": failed_arm({}, "Error", "none", 1.0),
        "digest": "",
        "started_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:00:00Z",
        "load": {"mean_1m": 0.1, "steal_fraction": 0.0},
    }
    cache.save_arm("a", kept)
    assert cache.load_arm("a") == KeptArm(kept, [])
    for broken in ("{", "[]", "{}", json.dumps(kept | {"arm": {}}), json.dumps(kept | {"digest": 1})):
        (cache.folder / "arm-a.json").write_text(broken)
        assert cache.load_arm("a") is None
    checkpoints = Checkpoints(tmp_path)
    (tmp_path / ("k" * 24 + ".npz")).write_bytes(b"PK\x03\x04 nonsense")
    assert checkpoints.load(["k" * 64]) is None


def test_a_training_state_that_cannot_be_kept_ends_the_run_though_the_recipe_caught_that(
    tmp_path, store_path, reprise, monkeypatch
):
    """A full disk is no failed trial, and no failed arm."""

    def full(path, content):
        if path.suffix == ".npz":
            raise StoreError(f"{path.name} could not be written: No space left on device.")
        write_atomically(path, content)

    monkeypatch.setattr("keras_reprise.run.kept.write_atomically", full)
    body = """
try:
    replicate.checkpoints.save("k" * 64, {}, keep=False)
except Exception:
    pass
return Measurement(metrics={"value": 1.0})
"""
    result = reprise("run", write(tmp_path / "mine", body), "--store", store_path)
    assert (result.exit_code, "No space left" in result.output, "Traceback" in result.output) == (2, True, False)
    assert documents(store_path) == []
