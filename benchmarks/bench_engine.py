"""The engine against `keras.Model.fit` and plain torch loops, on small networks. A table of ratios follows at the end.

Every measurement is a process of its own; the contenders' processes are interleaved, in an order drawn anew each round.
REPRISE_BENCH_ROUNDS (default 3) sets how many rounds. Run: pytest benchmarks/bench_engine.py
"""

import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from contender import CONTENDERS, IMAGES

ROUNDS = int(os.environ.get("REPRISE_BENCH_ROUNDS", "3"))
SCRIPT = Path(__file__).with_name("contender.py")


class Replay:
    """A timer for pytest-benchmark that gives back seconds which were measured in other processes."""

    def __init__(self):
        self.seconds, self.now, self.running = [], 0.0, False

    def __call__(self):
        self.running = not self.running
        if not self.running:
            self.now += self.seconds.pop(0)
        return self.now


REPLAY = Replay()


def sensible(network, contender):
    """Contenders that say something on this network; those left out are hopeless or the same."""
    if network == "mlp":
        return contender != "torch-loop-channels-last"
    return contender not in ("fit-jax", "engine-jax", "bare-tensorflow")  # XLA's convolutions on a CPU are slow


PAIRS = [(network, contender) for network in IMAGES for contender in CONTENDERS if sensible(network, contender)]


@pytest.fixture(scope="session")
def measured(request):
    """For each selected pair, what its processes printed."""
    selected = [
        (item.callspec.params["network"], item.callspec.params["contender"])
        for item in request.session.items
        if item.originalname == "test_training_an_epoch"
    ]
    selected = [pair for pair in selected if importlib.util.find_spec(CONTENDERS[pair[1]][0])]
    results: dict[tuple[str, str], list[dict[str, Any]]] = {pair: [] for pair in selected}
    for number in range(ROUNDS):
        for pair in random.Random(number).sample(selected, len(selected)):
            done = subprocess.run([sys.executable, str(SCRIPT), *pair], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-2000:]
            results[pair].append(json.loads(done.stdout.splitlines()[-1]))
    request.config.stash[RESULTS] = results
    return results


RESULTS = pytest.StashKey[dict]()


@pytest.mark.benchmark(timer=REPLAY)
@pytest.mark.parametrize(("network", "contender"), PAIRS)
def test_training_an_epoch(benchmark, measured, network, contender):
    if (network, contender) not in measured:
        pytest.skip(f"{CONTENDERS[contender][0]} is not installed")
    processes = measured[network, contender]
    REPLAY.seconds = [statistics.median(process["epoch_s"]) for process in processes]
    benchmark.pedantic(lambda: None, rounds=len(processes), iterations=1)
    images = processes[0]["images"]
    benchmark.extra_info["images_per_s"] = images / benchmark.stats["median"]
    for name in ("first_step_s", "peak_memory_bytes"):
        benchmark.extra_info[name] = statistics.median(process[name] for process in processes)
