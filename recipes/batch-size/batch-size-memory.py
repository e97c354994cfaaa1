"""A whole data set does not go through a network at once; it needs batches.

Source: "Deep Network Components & Training", slide "EPOCH, BATCH, ITERATION"
Data:   none (random pixels: only the memory counts)
Cost:   to be measured
Replay: reprise run batch-size-memory --scale full

The slide says that it cannot. Measured is the most memory that one update of the small convnet of
cifar10-lr-drop takes on top of what the process held before, images, weights and compiled code
included in the latter, for batches of 100 to 3,200. What 50,000 images, the training set of the
slides' logs, would take is that of the largest batch times their ratio; it is compared with the
memory of the machine, or of the GPU.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import curve, detail, last, log, metric, rule, slope
from keras_reprise.models import small_convnet
from keras_reprise.peak_memory import memory_bytes, peak_bytes

IMAGES, GIB = 50_000, 2**30


def measure(arm, replicate):
    model, draw = small_convnet(replicate.seeds, (32, 32, 3), 10), replicate.seeds.generator("data")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss)

    def updated(batch):
        x = keras.ops.convert_to_tensor(draw.standard_normal((batch, 32, 32, 3), "float32"))
        y = keras.ops.convert_to_tensor(draw.integers(0, 10, batch).astype("int32"))

        def update():
            model.train_on_batch(x, y)

        update()  # compiles
        peaks = [peak_bytes(update) for _ in range(replicate.scale.repeats)]
        return {"gib": float(np.median(peaks)) / GIB}

    trials = replicate.sweep([{"batch": batch} for batch in arm.batches], updated)
    curves = trials.curves("batch", "gib")
    whole = curves["gib"][-1] * IMAGES / curves["batch"][-1]
    metrics = {"whole_gib": whole, "machine_gib": memory_bytes() / GIB}
    curves["proportional"] = whole * curves["batch"] / IMAGES
    return Measurement(metrics, curves, trials=trials)


CLAIMS = (
    rule("whole-does-not-fit", kind="positive", expectation="HW")
    .says("All 50,000 images in one batch would need more memory than the machine has.")
    .must(metric("convnet", "whole_gib") / metric("convnet", "machine_gib") > 1),
    detail("proportional-to-the-batch")
    .says("The memory of an update is proportional to its batch.")
    .must(slope(log(curve("convnet", "gib")), log(curve("convnet", "batch"))), between(0.9, 1.1)),
    detail("a-batch-fits", kind="positive", expectation="HW")
    .says("An update of 3,200 images needs less than a tenth of the machine's memory.")
    .must(last("convnet", "gib") / metric("convnet", "machine_gib") < 0.1),
)

RECIPE = Recipe(
    slug="batch-size-memory",
    version=1,
    question="How much memory does an update need, and does the whole data set fit?",
    sources=Source("cs231n-slides", "EPOCH, BATCH, ITERATION"),
    arms=(
        Arm("convnet", "one update of the small convnet", batches=(100, 200, 400, 800, 1600, 3200)),
    ),
    scales=(Scale("quick", repeats=3), Scale("full", repeats=9)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Memory of an update",
        Panel(("gib", "proportional"), "peak memory (GiB)", log=True),
        x="batch",
        x_log=True,
        columns="arms",
    ),
    metrics=(
        Metric("batch", "batch size", "images", "batch size"),
        Metric("gib", "peak memory of an update", "GiB", "batch size"),
        Metric("proportional", "in proportion to the largest batch", "GiB", "batch size"),
        Metric("whole_gib", "memory of an update of all images", "GiB"),
        Metric("machine_gib", "memory of the machine or GPU", "GiB"),
    ),
    timing=True,  # of the machine, and each replicate in a process of its own
)
