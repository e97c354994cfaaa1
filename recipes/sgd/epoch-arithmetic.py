"""An epoch uses every example once: 10,000 images in batches of 200 make 50 iterations.

Source: "Deep network components and training" (after CS231n), slide "EPOCH, BATCH, ITERATION"
Data:   none (10,000 examples, each with a weight of its own that counts how often it is used)
Cost:   quick 2 s per replicate, full 8 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run epoch-arithmetic --scale full

The loss is how far a batch's weights are below 1,000 in all, the rate is 1: an update adds 1 to the
weight of each example in its batch. The document's own logs draw their batches with replacement.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, detail, equal, first, metric, near, rule, train

N = 10_000


def measure(arm, replicate):
    numbers, far = np.arange(N, dtype="int32")[:, None], np.full(N, 1000.0, "float32")
    data = Dataset.of("numbered examples", numbers, far, numbers[:200], far[:200])
    weights = keras.layers.Embedding(N, 1, embeddings_initializer="zeros")

    def uses():
        used = weights.get_weights()[0]
        return {"never": np.mean(used == 0), "once": np.mean(used == 1), "most": used.max()}

    history = train(
        keras.Sequential([keras.Input((1,), dtype="int32"), weights, keras.layers.Flatten()]),
        data,
        replicate,
        optimizer=keras.optimizers.SGD(1.0),
        loss=keras.losses.MeanAbsoluteError(reduction="sum"),
        order=Order(arm.order, examples=arm.examples),
        batch_size=arm.batch,
        epochs=replicate.scale.epochs,
        probe=uses,
        diverged_factor=None,
    )
    curves = {name: history.curves[name] for name in ("never", "once", "most")}
    return Measurement({"iterations": history.updates / history.epochs}, curves)


UNUSED = "Examples that the first epoch does not use"
CLAIMS = (
    rule("fifty-iterations", kind="exact", printed=50, expectation="MATH")
    .says("10,000 examples in batches of 200 make 50 iterations an epoch.")
    .must(metric("divides", "iterations"), equal(50)),
    rule("every-example-once", kind="exact", expectation="MATH")
    .says("An epoch uses every example exactly once.")
    .must(first("divides", "once"), equal(1)),
    detail("rest-is-one-more-iteration", kind="exact", expectation="MATH")
    .says("In batches of 300 the rest of 100 makes one iteration more: 34.")
    .must(metric("remainder", "iterations"), equal(34)),
    detail("rest-is-used-once", kind="exact", expectation="MATH")
    .says("And the rest is used once, as all others are.")
    .must(first("remainder", "once"), equal(1)),
    detail("dropped-rest-is-missed", kind="exact", expectation="MATH")
    .says("Where the rest is dropped, an epoch is 33 iterations and misses 100 of 10,000.")
    .must(N * first("dropped", "never"), equal(100), measures=UNUSED),
    detail("draws-miss-a-third", expectation="MATH")
    .says("Drawn with replacement, an epoch misses (1 - 1/n)^n of the examples, 36.8 %.")
    .must(first("with-replacement", "never"), near((1 - 1 / N) ** N, absolute=0.01)),
)

RECIPE = Recipe(
    slug="epoch-arithmetic",
    version=1,
    question="How many iterations are an epoch, and is every example used once in it?",
    sources=Source("cs231n-slides", "EPOCH, BATCH, ITERATION"),
    arms=(
        Arm("divides", "batches of 200", order="reshuffled", batch=200, examples=None),
        Arm("remainder", "of 300, the last of 100", order="reshuffled", batch=300, examples=None),
        Arm("dropped", "of 300, without the rest", order="reshuffled", batch=300, examples=9_900),
        Arm("with-replacement", "200 draws", order="with-replacement", batch=200, examples=None),
    ),
    scales=(Scale("quick", epochs=5), Scale("full", epochs=20)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Examples never used", Panel("never", level=0.0)),
    metrics=(
        Metric("iterations", "iterations an epoch"),
        Metric("never", "examples never used", "share", per="epoch"),
        Metric("once", "examples used exactly once", "share", per="epoch"),
        Metric("most", "most uses of an example", per="epoch"),
    ),
)
