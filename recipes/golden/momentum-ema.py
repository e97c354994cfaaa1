"""Averaging the gradients does what momentum does, if the rate is adapted: rate / (1 - b).

Source: "Training" (notes on hyper-parameters), section "Momentum"
Data:   none (200 standard normal points in three random classes)
Cost:   quick 1 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run momentum-ema --scale full

The notes step along a moving average, g = b g + (1 - b) gradient; Keras's momentum along
v = b v - rate * gradient. From zero, at one rate, the average moves (1 - b) times as far.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Recipe, Scale, Source, between
from keras_reprise import curve, detail, maximum, metric, rule, train

BETA, RATE = 0.9, 0.05


class GradientAverage(keras.optimizers.Optimizer):
    """Steps along an exponential moving average of the gradient, as the notes have it."""

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.averages = self.add_optimizer_variables(variables, "average")

    def update_step(self, gradient, variable, learning_rate):
        average = self.averages[self._get_variable_index(variable)]
        self.assign(average, BETA * average + (1 - BETA) * gradient)
        self.assign_sub(variable, keras.ops.cast(learning_rate, variable.dtype) * average)


def measure(arm, replicate):
    draw, seeds = replicate.seeds.generator("data"), replicate.seeds
    points = draw.standard_normal((200, 8), "float32")
    labels = draw.integers(0, 3, 200).astype("int32")
    data = Dataset.of("random points", points, labels, points, labels)
    hidden = keras.initializers.GlorotUniform(seeds.weights("hidden"))
    logits = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model = keras.Sequential([keras.Input((8,))])
    model.add(keras.layers.Dense(16, "tanh", kernel_initializer=hidden))
    model.add(keras.layers.Dense(3, kernel_initializer=logits))
    optimizer = GradientAverage(RATE * arm.factor)
    if arm.classic:
        optimizer = keras.optimizers.SGD(RATE, momentum=BETA)
    history = train(
        model, data, replicate, optimizer=optimizer, batch_size=20, epochs=replicate.scale.epochs
    )
    norm = np.sqrt(sum(float(keras.ops.sum(variable**2)) for variable in model.trainable_variables))
    return Measurement(metrics={"weight_norm": norm}, curves={"loss": history.update_losses})


LOST = "The minus sign is lost in g = b g + (1 b) g, and the second g is the gradient."
CLAIMS = (
    rule("same-path", kind="discrete", erratum=LOST)
    .says("With the rate divided by 1 - b both follow the same path.")
    .must(
        maximum(abs(curve("momentum", "loss") - curve("average-rescaled", "loss"))),
        between(0.0, 1e-5),
    ),
    detail("same-end", kind="discrete")
    .says("And end at weights of the same size.")
    .must(
        abs(metric("average-rescaled", "weight_norm") / metric("momentum", "weight_norm") - 1),
        between(0.0, 1e-5),
    ),
    detail("not-at-the-same-rate", kind="positive")
    .says("At the same rate they are not the same method.")
    .must(maximum(abs(curve("momentum", "loss") - curve("average-same-rate", "loss"))) > 0.01),
)

RECIPE = Recipe(
    slug="momentum-ema",
    version=1,
    question="Is averaging the gradient the same as momentum?",
    sources=Source("hyperparameters-notes", "Momentum"),
    arms=(
        Arm("momentum", "Keras's momentum 0.9, rate 0.05", classic=True, factor=1.0),
        Arm("average-rescaled", "average, rate 0.5", classic=False, factor=1 / (1 - BETA)),
        Arm("average-same-rate", "average, rate 0.05", classic=False, factor=1.0),
    ),
    scales=(Scale("quick", epochs=5), Scale("full", epochs=20)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Loss per update", "loss"),
    metrics=(Metric("loss", "loss of the batch", "nats", "update"),),
)
