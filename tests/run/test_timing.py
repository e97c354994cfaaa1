"""Timed calls, and timing recipes: each replicate in a fresh process that has the machine alone."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from faults import documents
from forging import records

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.locks import machine
from keras_reprise.engine import timed_calls
from keras_reprise.run import messages
from keras_reprise.run.executors.inline import InlineExecutor, InlineSlot

TIMING = '''"""A timing recipe.

Source: none
Data:   none
Cost:   nothing
Replay: reprise run timing.py
"""
import os

from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Source

RECIPE = Recipe(
    slug="timing",
    version=1,
    question="Which process measures?",
    sources=(Source("none", "nowhere"),),
    arms=(Arm("one", "an arm"), Arm("two", "another")),
    scales=(Scale("quick", seeds=2), Scale("full", seeds=2)),
    measure=lambda arm, replicate: Measurement({"pid": os.getpid()}),
    claims=(Claim("a", "A process.", "nowhere", lambda arms, scale: arms["one"].metrics["pid"], above=0.0, measures="Number"),),
    timing=True,
)
'''


@pytest.mark.parametrize("backward", [False, True])
def test_every_call_takes_time_and_more_work_takes_more(backward):
    x = np.random.default_rng(0).normal(size=(16, 24, 24, 8)).astype(np.float32)
    seconds = {}
    for filters in (8, 128):
        model = keras.Sequential([keras.Input((24, 24, 8)), keras.layers.Conv2D(filters, 5, padding="same")])
        found = timed_calls(model, x, backward=backward, calls=12)
        assert found.shape == (12,)
        assert (found > 0).all()
        seconds[filters] = np.median(found)
    assert seconds[128] > seconds[8]


def test_slow_calls_are_made_less_often_but_five_times_at_least():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    assert len(timed_calls(model, np.ones((2, 8)), calls=1000, budget_s=0.0)) == 5
    with pytest.raises(RecipeError, match="too few"):
        timed_calls(model, np.ones((2, 8)), calls=3)


def test_each_replicate_of_a_timing_recipe_has_a_process_of_its_own(tmp_path, reprise_process):
    recipe, store = tmp_path / "timing.py", tmp_path / "store"
    recipe.write_text(TIMING)
    done = reprise_process("run", recipe, "--store", store, "--json", REPRISE_WORKERS="1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["recorded"] == 2
    records = [json.loads(path.read_bytes()) for path in (store / "records").rglob("*.json")]
    pids = [{arm["metrics"]["pid"] for arm in record["arms"].values()} for record in records]
    assert all(len(pid) == 1 for pid in pids)
    assert pids[0] != pids[1]
    again = reprise_process("run", recipe, "--store", store, "--json", REPRISE_WORKERS="1")
    assert json.loads(again.stdout) == {"recorded": 0, "present": 2, "failed": 0, "waiting": 0}


COMPILED = (
    TIMING.replace("import os", "import jax\nimport keras\nimport numpy as np\nfrom keras_reprise import gradients")
    .replace('lambda arm, replicate: Measurement({"pid": os.getpid()})', "measure")
    .replace(
        "RECIPE =",
        """
def measure(arm, replicate):
    hits = []
    jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if event.endswith("/cache_hits") else None)
    x, y = np.ones((8, 20, 20, 3), np.float32), np.arange(8)
    blocks = [keras.layers.Conv2D(8, 3, padding="same", activation="tanh") for _ in range(6)]
    model = keras.Sequential([keras.Input((20, 20, 3)), *blocks, keras.layers.Flatten(), keras.layers.Dense(9)])
    gradients(model, [x], y, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return Measurement({"pid": len(hits)})


RECIPE =""",
    )
)


@pytest.mark.longest
def test_fresh_processes_of_a_timing_recipe_find_what_was_compiled_before(tmp_path, reprise_process):
    pytest.importorskip("jax")
    recipe, store = tmp_path / "timing.py", tmp_path / "store"
    recipe.write_text(COMPILED)
    environment = {"REPRISE_WORKERS": "1", "XDG_CACHE_HOME": str(tmp_path / "cache"), "KERAS_BACKEND": "jax"}
    done = reprise_process("run", recipe, "--store", store, "--arm", "one", "--seeds", "1", **environment)
    assert done.returncode == 0, done.stderr
    done = reprise_process("run", recipe, "--store", store, "--seeds", "1,2", **environment)
    assert done.returncode == 0, done.stderr
    found = {
        one["replicate"]["seed"]: one["arms"]["one"]
        for one in map(json.loads, map(Path.read_bytes, (store / "records").rglob("*.json")))
    }
    assert found[1]["metrics"]["pid"] == 0
    assert found[2]["metrics"]["pid"] > 0


def test_arms_of_a_timing_recipe_can_be_measured_one_by_one(tmp_path, reprise_process):
    recipe, store = tmp_path / "timing.py", tmp_path / "store"
    recipe.write_text(TIMING)
    common = ("run", recipe, "--seeds", "1", "--store", store, "--json", "--workers", "1")
    assert json.loads(reprise_process(*common, "--arm", "one").stdout)["waiting"] == 1
    assert json.loads(reprise_process(*common, "--arm", "two").stdout)["recorded"] == 1


def test_timings_are_not_measured_in_this_process(tmp_path, reprise):
    recipe = tmp_path / "timing.py"
    recipe.write_text(TIMING)
    refused = reprise("run", recipe, "--store", tmp_path / "store", "--workers", 0)
    assert (refused.exit_code, "fresh process" in refused.output, "Traceback" in refused.output) == (2, True, False)


class Unlucky(InlineExecutor):
    """Its machine is lost whenever it is about to measure one arm; another one comes for it."""

    waits = 0

    def wait(self, seconds, deliver):
        self.waits += 1
        assert self.waits < 200, "no worker goes on"
        task = self.slot.task
        if isinstance(task, messages.Measure) and (task.arm, task.replay.seed) == ("one", 1):
            lost, self.slot = self.slot, InlineSlot()
            lost.close()
            deliver(lost, messages.Lost("a machine is lost"))
        else:
            super().wait(seconds, deliver)


def test_a_replicate_of_a_timing_recipe_goes_on_after_an_arm_of_it_was_given_up(
    tmp_path, store_path, reprise, monkeypatch
):
    monkeypatch.setattr("keras_reprise.run.executors.inline.InlineExecutor", Unlucky)
    monkeypatch.setattr("keras_reprise.run.request._refuse_timings", lambda jobs: None)
    recipe = tmp_path / "timing.py"
    recipe.write_text(TIMING)
    result = reprise("run", recipe, "--store", store_path)
    found = {document["replicate"]["seed"]: document for document in documents(store_path)}
    assert (result.exit_code, len(found)) == (4, 2), result.output
    assert (found[1]["status"], found[2]["status"]) == ("failed", "complete")
    assert found[1]["arms"]["one"]["error"]["type"] == "WorkerEnded"
    assert found[1]["arms"]["two"]["status"] == "complete"


@contextlib.contextmanager
def holding(alone: bool) -> Iterator[subprocess.Popen]:
    """A process that holds the machine until it is killed."""
    code = f"""
import time
from keras_reprise.base.locks import machine
with machine(alone={alone}, say=print):
    print("holding", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "holding\n"
            yield child
        finally:
            child.kill()


def test_runs_share_the_machine():
    said: list[str] = []
    with holding(False) as child:
        with machine(alone=False, say=said.append) as nobody_else:
            assert (said, nobody_else()) == ([], False)
        child.kill()
        child.wait()
        with machine(alone=False, say=said.append) as nobody_else:
            assert (said, nobody_else()) == ([], True)


@pytest.mark.parametrize(("theirs", "ours"), [(True, False), (False, True)])
def test_timings_have_it_alone_and_a_killed_run_frees_it(theirs, ours):
    said = []
    with holding(theirs) as child:

        def say(text):
            said.append(text)
            child.kill()  # as kill -9
            child.wait()

        with machine(alone=ours, say=say):
            assert len(said) == 1
            assert "waiting" in said[0]


def test_a_record_says_whether_its_arms_had_the_machine_alone(filled_store, plain_recipe, reprise):
    first = [json.loads(path.read_bytes()) for path in records(filled_store)]
    assert all(arm["time"]["alone"] is True for record in first for arm in record["arms"].values())
    assert all(record["load"]["gpu_processes"] is None for record in first)
    with holding(False):
        assert reprise("run", plain_recipe, "--seeds", "7,7", "--store", filled_store).exit_code == 0
    arms = json.loads(records(filled_store)[-1].read_bytes())["arms"]
    assert [arm["time"]["alone"] for arm in arms.values()] == [False, False]


def test_a_strict_run_keeps_what_is_known_of_others(store_path, plain_recipe, reprise):
    assert reprise("run", plain_recipe, "--seeds", "1", "--store", store_path, "--determinism", "strict").exit_code == 0
    (path,) = records(store_path)
    assert all(arm["time"]["alone"] for arm in json.loads(path.read_bytes())["arms"].values())
