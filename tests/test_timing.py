"""Timed calls, and timing recipes: each replicate in a fresh process that has the machine alone."""

import json
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_reprise.engine import timed_calls
from keras_reprise.errors import RecipeError
from keras_reprise.interruption import machine

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
    done = reprise_process("run", recipe, "--store", store, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["recorded"] == 2
    records = [json.loads(path.read_bytes()) for path in (store / "records").rglob("*.json")]
    pids = [{arm["metrics"]["pid"] for arm in record["arms"].values()} for record in records]
    assert all(len(pid) == 1 for pid in pids)
    assert pids[0] != pids[1]
    again = reprise_process("run", recipe, "--store", store, "--json")
    assert json.loads(again.stdout) == {"recorded": 0, "present": 2, "failed": 0, "waiting": 0}


@pytest.fixture
def machine_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def holding(alone: bool, folder: Path) -> subprocess.Popen:
    """A process that holds the machine until it is killed."""
    code = f"""
import time
from keras_reprise.interruption import machine
with machine(alone={alone}, say=print):
    print("holding", flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "holding\n"
    return child


def test_runs_share_the_machine(machine_folder):
    said: list[str] = []
    child = holding(False, machine_folder)
    try:
        with machine(alone=False, say=said.append):
            assert said == []
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(("theirs", "ours"), [(True, False), (False, True)])
def test_timings_have_it_alone_and_a_killed_run_frees_it(machine_folder, theirs, ours):
    child, said = holding(theirs, machine_folder), []

    def say(text):
        said.append(text)
        child.kill()  # as kill -9
        child.wait()

    start = time.monotonic()
    with machine(alone=ours, say=say):
        assert len(said) == 1
        assert "waiting" in said[0]
    assert time.monotonic() - start < 30
