"""Images per second of an epoch: this engine against `keras.Model.fit`, on the small convnet. Run: pytest benchmarks/"""

import numpy as np
import pytest

from keras_reprise.engine import backend
from keras_reprise.models import small_convnet
from keras_reprise.seeds import Seeds

IMAGES = 5_000


@pytest.fixture(scope="module")
def images():
    generator = np.random.default_rng(0)
    return generator.normal(size=(IMAGES, 32, 32, 3)).astype(np.float32), generator.integers(0, 10, IMAGES).astype(
        "int32"
    )


def test_an_epoch_of_the_engine(benchmark, images):
    backend.start()
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = small_convnet(Seeds(1), (32, 32, 3), 10)
    program = backend.module().Program(model, keras.optimizers.SGD(), loss, *images, 100)
    rates = np.full(IMAGES // 100, 0.1, np.float32)
    order = Seeds(1).permutation(IMAGES, 1)
    benchmark.pedantic(program.run_epoch, args=(order, rates), rounds=5, warmup_rounds=1)
    benchmark.extra_info["images_per_s"] = IMAGES / benchmark.stats["median"]


def test_an_epoch_of_fit(benchmark, images):
    backend.start()
    import keras

    model = small_convnet(Seeds(1), (32, 32, 3), 10)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    benchmark.pedantic(model.fit, args=images, kwargs={"batch_size": 100, "verbose": 0}, rounds=5, warmup_rounds=1)
    benchmark.extra_info["images_per_s"] = IMAGES / benchmark.stats["median"]
