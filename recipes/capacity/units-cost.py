"""More hidden units take operations, weights and time in proportion.

Source: "Training" (notes on hyper-parameters), section "Hyper parameters of model"; "Lecture 7:
        Practical considerations for training deep models", slide "Number Of Hidden Units"
Data:   none (random pixels: only the time counts)
Cost:   quick 22 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run units-cost --scale full

Networks of 3072 inputs and ten outputs with one hidden layer, or two of equal width, batches of
100, plain SGD. Seconds are medians, over stretches of compiled updates and of compiled forward
passes; memory is that of the weights, 4 bytes each.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, between, curve, detail, equal, first, keep, last, log, metric
from keras_reprise import rule, slope, timed_calls, train
from keras_reprise.flops import layer_costs
from keras_reprise.models import dense_classifier

FEATURES, BATCH = 3072, 100


def measure(arm, replicate):
    scale, draw = replicate.scale, replicate.seeds.generator("data")
    x = draw.standard_normal((1000, FEATURES), "float32")
    labels = draw.integers(0, 10, 1000).astype("int32")
    data = Dataset.of("random pixels", x, labels, x[:10], labels[:10])

    def cost(units):
        model = dense_classifier(replicate.seeds, FEATURES, [units] * arm.layers, 10)
        forward_s = np.median(timed_calls(model, x[:BATCH], calls=20, budget_s=0.2))
        history = train(
            model,
            data,
            replicate,
            optimizer=keras.optimizers.SGD(),
            learning_rate=1e-6,
            batch_size=BATCH,
            epochs=1 + scale.stretches,
            order=Order("with-replacement", examples=BATCH * scale.updates),
        )
        params = model.count_params()
        return {
            "update_ms": 1e3 * float(np.median(history.timing.step_s[1:])),
            "forward_ms": 1e3 * float(forward_s),
            "weights": params,
            "memory_mib": params / 2**18,
            "operations": sum(one.macs for one in layer_costs(model)),
        }

    trials = replicate.sweep([{"units": units} for units in scale.units], cost)
    metrics = {  # of one hidden layer; curves have seven digits only
        "off_operations": max(abs(t["operations"] - 3082 * t["units"]) for t in trials),
        "off_weights": max(abs(t["weights"] - 10 - 3083 * t["units"]) for t in trials),
    }
    return Measurement(metrics, trials.curves(*trials[0]), trials=trials)


NOTES, UNITS = "Hyper parameters of model", "Number Of Hidden Units"
EXACT = {"kind": "exact", "expectation": "MATH"}
HARDWARE = {"kind": "positive", "expectation": "HW"}


def grown(name, arm="one-layer"):
    """What the most units take over what the fewest take."""
    return last(arm, name) / first(arm, name)


def large(name):
    return log(keep(curve("one-layer", name), curve("one-layer", "units") >= 512))


MOST = "{} of the most units over those of the fewest"
CLAIMS = (
    rule("operations-in-proportion", NOTES, **EXACT)
    .says("With one hidden layer each unit takes the same operations, however many there are.")
    .must(metric("one-layer", "off_operations"), equal(0)),
    rule("more-units-take-time", UNITS, **HARDWARE)
    .says("The update of a network with more hidden units takes longer.")
    .must(grown("update_ms") > 1, measures=MOST.format("Seconds")),
    rule("more-units-take-memory", UNITS, **EXACT)
    .says("Its weights take more memory.")
    .must(grown("memory_mib") > 1, measures=MOST.format("Bytes")),
    detail("weights-in-proportion", NOTES, **EXACT)
    .says("Each unit has the same number of weights; ten biases are of the outputs.")
    .must(metric("one-layer", "off_weights"), equal(0)),
    detail("forward-pass-takes-time", UNITS, **HARDWARE)
    .says("So does the forward pass alone.")
    .must(grown("forward_ms") > 1, measures=MOST.format("Seconds")),
    detail("time-in-proportion-when-large", NOTES, expectation="HW")
    .says("From 512 units on the time of an update grows in proportion.")
    .must(slope(large("update_ms"), large("units")), between(0.8, 1.2)),
    detail("two-layers-grow-faster", NOTES, **EXACT)
    .says("With two hidden layers of equal width operations grow more than in proportion.")
    .must(grown("operations", "two-layers") / grown("units", "two-layers") > 1),
)
PANELS = tuple(
    Panel(name, log=True) for name in ("operations", "memory_mib", "forward_ms", "update_ms")
)

RECIPE = Recipe(
    slug="units-cost",
    version=1,
    question="What do more hidden units cost?",
    sources=(Source("hyperparameters-notes", NOTES), Source("training-practice-slides", UNITS)),
    arms=(
        Arm("one-layer", "one hidden layer", layers=1),
        Arm("two-layers", "two hidden layers of equal width", layers=2),
    ),
    scales=(
        Scale("quick", units=tuple(2**k for k in range(6, 13)), updates=5, stretches=3),
        Scale("full", units=tuple(2**k for k in range(6, 13)), updates=20, stretches=7),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Cost by hidden units", PANELS, x="units", x_log=True),
    metrics=(
        Metric("off_operations", "distance from 3,082 multiply-accumulates a unit"),
        Metric("off_weights", "distance from 3,083 weights a unit and ten"),
        Metric("units", "hidden units"),
        Metric("operations", "multiply-accumulates of an example", "", "width"),
        Metric("memory_mib", "memory of the weights", "MiB", "width"),
        Metric("forward_ms", "forward pass of a batch", "ms", "width"),
        Metric("update_ms", "update", "ms", "width"),
    ),
    timing=True,
)
