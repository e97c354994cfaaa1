"""Many short trainings in one process must not add up: graph caches are where memory is usually lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_reprise.engine.backends import start

pytestmark = pytest.mark.slow

SCRIPT = """
import ctypes, gc, sys
import psutil
from keras_reprise.engine import train
from keras_reprise.engine.backends import start
start.start()
import keras
from engine_cases import Session, convnet, made_data
if keras.backend.backend() == "torch":  # every update is traced, though they are few
    from keras_reprise.engine.backends import torch_program
    torch_program.FEWEST_TRACED = 1
data, process, used = made_data(), psutil.Process(), []
for number in range(int(sys.argv[1])):
    keras.backend.clear_session(free_memory=False)
    model = convnet(penalty=1e-3 * (1 + number * (sys.argv[2] == "different")))  # another constant, another program
    train(model, data, Session(), optimizer=keras.optimizers.SGD(), learning_rate=0.01, batch_size=50, epochs=1)
    if sys.argv[2] == "different" or number % 20 == 19:  # of networks that are alike, it takes as long as a training
        gc.collect()
    if sys.platform == "linux":  # what is free, but kept by the allocator for later, comes and goes by megabytes
        ctypes.CDLL(None).malloc_trim(0)
    used.append(process.memory_info().rss)
print(used[19], used[-1])
"""


def growth(name, trainings, networks):
    """Resident memory after the last training over that after the first 20."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(trainings), networks],
        env={
            **os.environ,
            "KERAS_BACKEND": name,
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # it takes a quarter less time, and keeps as much
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1] / "support"), *sys.path]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    after_20, last = map(int, done.stdout.split())
    return last / after_20


@pytest.mark.parametrize(
    ("name", "networks", "trainings"),
    [
        ("tensorflow", "alike", 60),
        ("tensorflow", "different", 40),
        pytest.param("jax", "different", 60, marks=pytest.mark.longest),
        ("torch", "alike", 60),
    ],
)
def test_memory_grows_over_40_or_60_short_trainings_by_less_than_5_percent_in_180(name, networks, trainings):
    """Of networks that share what was compiled, and of such that do not; so few, since 200 take minutes: the growth per
    training is what counts. Of JAX 60: of 20 more trainings a few MiB, which come and go, would be too much."""
    if name not in start.installed():
        pytest.skip(f"{name} is not installed")
    trainings = int(os.environ.get("REPRISE_TRAININGS", trainings))
    assert growth(name, trainings, networks) < 1 + 0.05 * (trainings - 20) / 180
