"""Training is slow because the inputs of the hidden layers shift as it goes on.

Source: "Deep Network Components & Training", slide "Batch normalization - why?"; contested by
        Santurkar et al. (2018), "How does batch normalization help optimization?"
Data:   cifar10, standardised, flattened
Cost:   quick 31 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 2 min (one of two workers, Intel Xeon)
Replay: reprise run bn-internal-covariate-shift --scale full

As in that paper, behind every normalisation each unit is scaled and moved at random, anew in each
update and a little more for each example; the sizes are ours. The networks are the small one of
Ioffe and Szegedy (2015), three layers of 100 sigmoids, batches of 60, each at its best of three
rates. Shift is by how much an update moves the mean of a unit's inputs, for the same 500 images, in
their standard deviations. Training losses are those with the noise.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import detail, mean, rule
from keras_reprise.activations import input_shift
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable, at_best_rate

RATES = (0.3, 1.0, 3.0)


class Shifting(keras.layers.Layer):
    """In training: scales and moves each unit at random, anew in each update."""

    def __init__(self, seed):
        super().__init__()
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x

        def drawn(low, high, shape):
            return keras.random.uniform(shape, low, high, seed=self.generator)

        units, all_examples = (1, x.shape[-1]), keras.ops.shape(x)
        scale = drawn(1.0, 1.25, units) + drawn(-0.1, 0.1, all_examples)
        return scale * x + drawn(-0.5, 0.5, units) + drawn(-0.1, 0.1, all_examples)


def with_shift(model, seeds):
    """The network with a `Shifting` layer before each nonlinearity."""
    layers = [keras.Input(model.input_shape[1:])]
    for layer in model.layers:
        if isinstance(layer, keras.layers.Activation):
            layers.append(Shifting(seeds.integer("dropout", f"shift {len(layers)}")))
        layers.append(layer)
    return keras.Sequential(layers)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    sizes = data.image_shape[0], [100, 100, 100], data.classes

    def build(seeds):
        model = normalised_dense(seeds, *sizes, "sigmoid", arm.normalisation)
        return with_shift(model, seeds) if arm.shifted else model

    def probe(moment):
        return {"shift": input_shift(moment.model, data.x_train[:500], moment.trial_update())}

    rate, history = at_best_rate(
        Restartable(build, data, replicate),
        RATES,
        scale.looks,
        batch_size=60,
        order=Order("with-replacement", examples=60 * scale.look),
        probes=[probe],
    )
    curves = {name: history.curves[name] for name in ("train_loss", "shift")}
    curves["updates"] = scale.look * np.arange(1, scale.looks + 1)
    return Measurement(history.last | {"rate": rate}, curves, diverged=history.diverged)


LOSS = {arm: mean(arm, "train_loss", width=5) for arm in ("plain", "batch-norm", "shifted")}
SHIFT = {arm: mean(arm, "shift") for arm in LOSS}
LOST = (LOSS["shifted"] - LOSS["batch-norm"]) / (LOSS["plain"] - LOSS["batch-norm"])
SHARE = "Share of the gain in training loss that is lost when the shift is put back"
MORE = SHIFT["shifted"] > SHIFT["plain"]
CLAIMS = (
    rule("shift-slows-training", expectation="FALSE-AS-STATED")
    .says("With the shift put back, most of what batch normalisation gains is lost.")
    .must(LOST > 0.5, given=MORE, measures=SHARE, unit="share"),
    detail("gains-without-shift")
    .says("Batch normalisation lowers the training loss after as many updates.")
    .must(LOSS["batch-norm"] < LOSS["plain"]),
    detail("shift-was-put-back", "Santurkar et al. (2018), section 2.1", kind="positive")
    .says("With it put back the inputs shift more in an update than without normalisation.")
    .must(SHIFT["shifted"] / SHIFT["plain"] > 1.0),
    detail("shifted-gains-too", "Santurkar et al. (2018), section 2.1")
    .says("Even with the shift put back training is faster than without normalisation.")
    .must(LOSS["shifted"] < LOSS["plain"]),
    detail("normalised-inputs-shift-less", kind="positive", expectation="MIXED")
    .says("With batch normalisation the inputs shift less in an update than without.")
    .must(SHIFT["batch-norm"] / SHIFT["plain"] < 1.0),
)

RECIPE = Recipe(
    slug="bn-internal-covariate-shift",
    version=1,
    question="Is it the shift of hidden layers' inputs that makes training slow?",
    sources=Source("cs231n-slides", "Batch normalization - why?"),
    data="cifar10",
    arms=(
        Arm("plain", "without batch normalisation", normalisation="none", shifted=False),
        Arm("batch-norm", "batch normalisation", normalisation="before", shifted=False),
        Arm("shifted", "batch normalisation, shift put back", normalisation="before", shifted=True),
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=100, look=25, looks=20),
        Scale("full", n_test=1_000, look=250, looks=40),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "At each network's best rate", (Panel("train_loss"), Panel("shift", log=True)), x="updates"
    ),
    metrics=(
        Metric("shift", "shift of the inputs' means in an update", "", "look"),
        Metric("updates", "updates"),
        Metric("rate", "best learning rate"),
    ),
)
