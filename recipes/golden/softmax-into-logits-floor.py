"""Softmax outputs given to a loss that expects logits: the loss has a floor, learning is slower.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Common Mistakes"
Data:   none (ten well separated random clusters)
Cost:   quick 2 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run softmax-into-logits-floor --scale full

The slide only names the mistake; the formula gives the floor, ln(9 + e) - 1 for ten classes. On
TensorFlow Keras uses the logits behind its own softmax, which hides it; one more layer does not.
"""

import math
import warnings

import keras

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import detail, first, metric, near, rule, train


def clusters(draw):
    centres = 4.0 * draw.standard_normal((10, 20))
    labels = draw.integers(0, 10, 4000).astype("int32")
    points = (centres[labels] + draw.standard_normal((4000, 20))).astype("float32")
    return Dataset.of("clusters", points[:2000], labels[:2000], points[2000:], labels[2000:])


def measure(arm, replicate):
    data, epochs = clusters(replicate.seeds.generator("data")), replicate.scale.epochs
    model = keras.Sequential([keras.Input((20,))])
    for units, activation, name in ((50, "relu", "hidden"), (10, arm.output, "output")):
        weights = keras.initializers.GlorotUniform(replicate.seeds.weights(name))
        model.add(keras.layers.Dense(units, activation, kernel_initializer=weights))
    if arm.one_more:
        model.add(keras.layers.Rescaling(1.0))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*produced by a Softmax activation.*")  # Keras notices
        history = train(model, data, replicate, optimizer=keras.optimizers.SGD(0.1), epochs=epochs)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    floor = float(cross_entropy(keras.ops.arange(10), keras.ops.eye(10)))
    metrics = history.last | {"floor": floor, "lowest_loss": history.update_losses.min()}
    return Measurement(metrics, history.curves)


FLOOR = math.log(9 + math.e) - 1
LOSS = Panel("train_loss", log=True, level=FLOOR, level_label="ln(9 + e) - 1")
CLAIMS = (
    rule("never-below-as-written")
    .says("With softmax as the last layer, as people write it, no batch's loss is below the floor.")
    .must(metric("softmax-last", "lowest_loss") > FLOOR - 1e-5),
    rule("learns-more-slowly")
    .says("The mistake slows learning: at the same rate more is wrong after the first epoch.")
    .must(100 * (first("softmax", "test_error") - first("logits", "test_error")) > 0),
    detail("floor", kind="exact")
    .says("Perfect probabilities taken for logits have the loss ln(9 + e) - 1.")
    .must(metric("softmax", "floor"), near(FLOOR, absolute=1e-5)),
    detail("never-below")
    .says("No batch in training has a lower loss.")
    .must(metric("softmax", "lowest_loss") > FLOOR - 1e-5),
    detail("correct-goes-below")
    .says("Without the mistake the loss goes to less than a tenth of it.")
    .must(metric("logits", "test_loss") < FLOOR / 10),
)

RECIPE = Recipe(
    slug="softmax-into-logits-floor",
    version=1,
    question="What does it cost to hand probabilities to a loss that expects logits?",
    sources=Source("dl-recap-slides", "Common Mistakes"),
    arms=(
        Arm("logits", "logits come last", output=None, one_more=False),
        Arm("softmax", "softmax and a layer without effect", output="softmax", one_more=True),
        Arm("softmax-last", "softmax comes last", output="softmax", one_more=False),
    ),
    scales=(Scale("quick", epochs=10), Scale("full", epochs=30)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training with and without the mistake", (LOSS, "test_error")),
    suites=("gate",),
    metrics=(
        Metric("floor", "loss of one-hot probabilities taken for logits", "nats"),
        Metric("lowest_loss", "lowest loss of any batch", "nats"),
    ),
)
