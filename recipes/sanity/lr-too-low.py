"""A rate far too low leaves the loss where it was, although the accuracy rises.

Source: "Deep network components and training" (after CS231n), slide "loss not going down:"
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 5 s per replicate, quick 6 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-too-low --scale full

An epoch is 490 batches, drawn with replacement. A printed cost is that of an epoch's last batch.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Erratum, Measurement, Metric, Panel, PrintedSeries, Recipe
from keras_reprise import Scale, Source, at, curve, detail, metric, near, printed_value, rule
from keras_reprise.two_layer import UPDATES, Trainer, costs


def measure(arm, replicate):
    trainer = Trainer(replicate)
    history = trainer.train(1e-6, reg=1e-6, epochs=10, updates=UPDATES, decay=1.0)
    accuracy = 1 - np.array(history.curves["test_error"])
    probabilities = keras.ops.softmax(trainer.model(trainer.data.x_test))
    furthest = np.abs(keras.ops.convert_to_numpy(probabilities) - 0.1).max()
    return Measurement(
        metrics={"furthest_probability": furthest},
        curves={"cost": costs(history), "validation_accuracy": accuracy},
    )


COSTS = (
    *(2.302576, 2.302582, 2.302558, 2.302519, 2.302517),
    *(2.302518, 2.302466, 2.302452, 2.302459, 2.302420),
)
ACCURACIES = (0.103, 0.124, 0.138, 0.151, 0.171, 0.172, 0.176, 0.185, 0.192, 0.192)
NINTH = "Missing or merged with epoch 10; the original slides have cost 2.302459, accuracy 0.192."
ERRATA = {
    3: Erratum("Printed once as 2.302588 and twice as 2.302558, which the original slides have."),
    9: Erratum(NINTH),
    10: Erratum("Printed once as 2.302450, too; the original slides have 2.302420."),
}
AS_PRINTED = "The cost of epoch {key} is about the printed one."
COST, ACCURACY = curve("low", "cost"), curve("low", "validation_accuracy")

CLAIMS = (
    rule("loss-barely-moves")
    .says("In ten epochs the cost moves by less than a thousandth.")
    .must(abs(at(COST, 10) - at(COST, 1)) < 1e-3),
    rule("accuracy-climbs", printed=ACCURACIES[9] - ACCURACIES[0])
    .says("The accuracy rises all the same.")
    .must(at(ACCURACY, 10) - at(ACCURACY, 1) > 0.05),
    detail("accuracy-doubles", kind="positive", printed=ACCURACIES[9] / ACCURACIES[0])
    .says("The accuracy nearly doubles in ten epochs.")
    .must(at(ACCURACY, 10) / at(ACCURACY, 1) > 1.8),
    detail("probabilities-stay-diffuse")
    .says("All probabilities stay near a tenth: the largest counts, however little it leads.")
    .must(metric("low", "furthest_probability") < 0.01),
    printed_value("accuracy-as-printed", printed=0.192, erratum=NINTH)
    .says("After ten epochs the accuracy is about the printed one.")
    .must(at(ACCURACY, 10), near(0.192, absolute=0.06)),
    PrintedSeries(
        "printed-cost", COSTS, arm="low", curve="cost", within=5e-5, says=AS_PRINTED, errata=ERRATA
    ),
)

PANELS = (Panel("cost", level=np.log(10), level_label="ln 10"), "validation_accuracy")
PRINTED = {"cost": {"low": COSTS}, "validation_accuracy": {"low": ACCURACIES}}

RECIPE = Recipe(
    slug="lr-too-low",
    version=1,
    question="What does training look like when the learning rate is far too low?",
    sources=Source("cs231n-slides", "loss not going down:"),
    data="cifar10",
    arms=(Arm("low", "rate 1e-6"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full")),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training at a rate of 1e-6", PANELS, printed=PRINTED),
    metrics=(
        Metric("cost", "cost of the last batch", "nats", "epoch"),
        Metric("furthest_probability", "largest distance of a validation probability from 0.1"),
    ),
)
