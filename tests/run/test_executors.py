"""Workers: they import the backend once, give what this process would, and what befalls them costs an arm at most."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults import QUICKLY_IMPORTED, documents, numbers

from keras_reprise.base.errors import UserError
from keras_reprise.base.machine import usable_cores
from keras_reprise.run import messages
from keras_reprise.run.executors import local
from keras_reprise.run.executors.inline import InlineExecutor
from keras_reprise.run.words import seconds_meant
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store

pytestmark = pytest.mark.slow

FAULTY = Path(__file__).parents[1] / "data" / "recipes" / "faulty.py"


def by_seed(folder):
    """The records, of several repeats of a seed the last one."""
    found = sorted(documents(folder), key=lambda document: document["replicate"]["repeat"])
    return {document["replicate"]["seed"]: document for document in found}


def pids(document):
    return {arm["metrics"]["pid"] for arm in document["arms"].values()}


def test_a_worker_takes_all_arms_and_two_share_them(tmp_path, reprise):
    for workers in (1, 2):
        store = tmp_path / str(workers)
        result = reprise("run", FAULTY, "--seeds", 6, "--workers", workers, "--store", store)
        assert result.exit_code == 0, result.output
        assert len({pid for document in documents(store) for pid in pids(document)}) == workers
        assert check(Store(store))[1] == []


def test_workers_give_the_numbers_that_this_process_gives(tmp_path, tiny_recipe, reprise_process):
    """With one thread each; more threads add the parts of a batch in another order."""
    common = ("run", tiny_recipe, "--data", "digits", "--seeds", 2, "--store")
    for workers in ("0", "2"):
        done = reprise_process(*common, tmp_path / workers, REPRISE_WORKERS=workers, REPRISE_THREADS="1")
        assert done.returncode == 0, done.stderr
    here, there = ({key: found[:2] for key, found in numbers(tmp_path / name).items()} for name in ("0", "2"))
    assert here == there
    (environment,) = (tmp_path / "2" / "environments").glob("*.json")
    assert json.loads(environment.read_bytes())["variables"]["REPRISE_THREADS"] == "1"


@pytest.fixture
def faulty(tmp_path, reprise_process):
    """Run the faulty recipe with a fault; the finished process and its store."""

    def run(*options, **environment):
        store = tmp_path / "store"
        done = reprise_process(
            "run", FAULTY, "--store", store, "--workers", 1, *options, FAULT_LOG=str(tmp_path / "log"), **environment
        )
        assert "Traceback" not in done.stderr
        assert check(Store(store))[1] == []
        return done, by_seed(store)

    return run


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGSEGV"])
def test_an_arm_whose_worker_was_killed_is_measured_again(faulty, signal):
    done, found = faulty(FAULT=signal, FAULT_TIMES="2")
    assert (done.returncode, {document["status"] for document in found.values()}) == (0, {"complete"})
    assert done.stderr.count(f"ended by {signal}") == 2
    assert len(pids(found[1])) == 2, "the other arm, which was finished, was not measured again"


def test_an_arm_that_always_ends_its_worker_is_recorded_as_failed_and_the_others_go_on(faulty):
    done, found = faulty(FAULT="SIGABRT")
    assert (done.returncode, found[1]["status"], found[2]["status"]) == (4, "failed", "complete")
    assert found[1]["arms"]["steady"]["status"] == "complete"
    arm = found[1]["arms"]["faulty"]
    assert (arm["error"]["type"], arm["params"]) == ("WorkerEnded", {"size": 3})
    assert "SIGABRT" in arm["error"]["message"]
    done, found = faulty("--retry-failed")
    assert (done.returncode, found[1]["status"]) == (0, "complete")


class Unlucky(InlineExecutor):
    """Its machine is lost whenever it is about to measure one arm."""

    def wait(self, seconds, deliver):
        task = self.slot.task
        if isinstance(task, messages.Measure) and (task.arm, task.replay.seed) == ("faulty", 1):
            self.slot.close()
            deliver(self.slot, messages.Lost("host-17 is lost"))
        else:
            super().wait(seconds, deliver)


def test_an_arm_whose_machine_is_always_lost_is_given_up_and_no_host_is_named(store_path, reprise, monkeypatch):
    monkeypatch.setattr("keras_reprise.run.executors.inline.InlineExecutor", Unlucky)
    result = reprise("run", FAULTY, "--seeds", 2, "--store", store_path)
    found = by_seed(store_path)
    assert (result.exit_code, found[1]["status"], found[2]["status"]) == (4, "failed", "complete")
    assert result.stderr.count("host-17 is lost; it is measured again") == 11
    assert found[1]["arms"]["faulty"]["error"]["type"] == "WorkerEnded"
    assert "host-17" not in json.dumps(found)


def test_an_arm_that_hangs_is_ended_after_its_time_limit(faulty):
    started = time.monotonic()
    done, found = faulty("--time-limit", "3s", FAULT="hang")
    assert (done.returncode, found[1]["status"], found[2]["status"]) == (4, "failed", "complete")
    assert found[1]["arms"]["faulty"]["error"] == {"type": "TimeLimit", "message": "no end after 3 s"}
    assert time.monotonic() - started < 120


def test_an_arm_that_gets_no_memory_is_recorded_as_failed(faulty):
    done, found = faulty(FAULT="memory")
    assert (done.returncode, found[2]["status"]) == (4, "complete")
    assert "MemoryError" in found[1]["arms"]["faulty"]["error"]["type"]


def test_workers_that_cannot_start_end_the_run_with_one_message(store_path, plain_recipe, reprise_process):
    done = reprise_process("run", plain_recipe, "--workers", 1, "--backend", "theano", "--store", store_path)
    assert (done.returncode, "no backend 'theano'" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.parametrize(("times", "code"), [(1, 0), (9, 4)])
def test_a_recipe_that_ends_its_worker_when_it_is_loaded(
    tmp_path, store_path, plain_recipe, reprise_process, times, code
):
    """A worker may be killed at any moment; a recipe that ends three is to blame."""
    recipe, log = tmp_path / "deadly.py", tmp_path / "log"
    deaths = f"""import os
with open({str(log)!r}, "a+") as log:
    log.seek(0)
    if len(log.read()) < {times}:
        log.write("x")
        log.flush()
        os.kill(os.getpid(), 9)
"""
    recipe.write_text(plain_recipe.read_text().replace("import os\n", deaths, 1))
    done = reprise_process("run", recipe, "--workers", 1, "--seeds", 1, "--store", store_path)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert (f"{recipe} ended its worker 3 times" in done.stderr) == bool(code)


def test_workers_end_with_their_driver(tmp_path, tiny_recipe):
    environment = {**os.environ, **QUICKLY_IMPORTED, "TINY_SLEEP": "5", "REPRISE_WORKERS": "1"}
    command = [
        sys.executable,
        "-m",
        "keras_reprise",
        "run",
        str(tiny_recipe),
        "--data",
        "digits",
        "--store",
        str(tmp_path),
    ]
    driver = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (workers := children(driver.pid)) or not list(tmp_path.glob("machines/*.json")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        driver.kill()
        driver.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "a worker outlived its driver"
        time.sleep(0.1)


def children(pid):
    import psutil

    return [child.pid for child in psutil.Process(pid).children()]


@pytest.mark.parametrize(
    ("gpus", "workers", "threads", "expected"),
    [
        ([], None, None, [(None, None)]),
        ([], 2, None, [(4, None), (4, None)]),
        ([], 1, 3, [(3, None)]),
        (["0"], None, None, [(None, None)]),
        (["2", "5"], None, None, [(4, "2"), (4, "5")]),
        (["2", "5"], 1, None, [(None, "2")]),
    ],
)
def test_workers_share_cores_and_have_a_gpu_each(monkeypatch, gpus, workers, threads, expected):
    monkeypatch.setattr(local, "usable_cores", lambda: 8)
    monkeypatch.setattr(local, "visible_gpus", lambda: gpus)
    assert [(share.threads, share.gpu) for share in local.shares(workers, threads)] == expected


def test_more_workers_than_cores_or_gpus_are_refused(monkeypatch):
    with pytest.raises(UserError, match="usable cores"):
        local.shares(usable_cores() + 1, None)
    monkeypatch.setattr(local, "usable_cores", lambda: 8)
    monkeypatch.setattr(local, "visible_gpus", lambda: ["0"])
    with pytest.raises(UserError, match="GPUs"):
        local.shares(2, None)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("1.5h", 5400)])
def test_time_limits_are_read(text, seconds):
    assert seconds_meant(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "m", "1d", "h2"])
def test_other_time_limits_are_refused(text):
    with pytest.raises(UserError, match="no time"):
        seconds_meant(text)


def test_an_address_needs_ray(plain_recipe, store_path, reprise):
    result = reprise("run", plain_recipe, "--address", "auto", "--store", store_path)
    assert (result.exit_code, "--executor ray" in result.output) == (2, True)
