"""The backends against each other: the same initial weights and batches give the same losses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_reprise.engine.backends import start

pytestmark = pytest.mark.slow

SCRIPT = """
import json, sys
from keras_reprise.engine import train
from keras_reprise.engine.backends import start
start.start()
import keras, numpy as np
from engine_cases import Session, convnet, made_data
found = {}
for optimizer in ("momentum", "adam"):
    for extras in (False, True):
        model = convnet(extras)
        layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.Dropout)]
        model = keras.Sequential([keras.Input((10, 10, 3)), *layers])  # random numbers differ between backends
        generator = np.random.default_rng(5)
        weights = [0.2 * generator.normal(size=w.shape) if w.ndim > 1 else w for w in model.get_weights()]
        model.set_weights(weights)
        chosen = keras.optimizers.SGD(0.05, momentum=0.9) if optimizer == "momentum" else keras.optimizers.Adam(1e-3)
        history = train(model, made_data(), Session(), optimizer=chosen, batch_size=50, epochs=3)
        found[f"{optimizer} {extras}"] = history.curves
print(json.dumps(found))
"""


def losses(name):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            **os.environ,
            "KERAS_BACKEND": name,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1] / "support"), *sys.path]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif("KERAS_BACKEND" in os.environ, reason="once is enough: it starts each backend itself")
@pytest.mark.skipif(len(start.installed()) < 2, reason="needs two backends")
def test_the_backends_give_the_same_losses_from_the_same_weights():
    found = {name: losses(name) for name in start.installed()}
    first, *others = found
    for other in others:
        for case, curves in found[first].items():
            for curve, values in curves.items():
                assert np.allclose(found[other][case][curve], values, rtol=1e-4, atol=1e-6), (other, case, curve)
