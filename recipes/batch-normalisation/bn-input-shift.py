"""What enters a layer shifts while the layers below learn; with batch normalisation it stays.

Source: "Deep Network Components & Training", slides "Batch normalization - why?" and "Batch
        normalization - how it works?"; the figure is that of Ioffe and Szegedy (2015)
Data:   cifar10, standardised, flattened
Cost:   quick 9 s per replicate (2 cores of an AMD EPYC, TensorFlow 2.21);
        full 2 min (one of two workers, Intel Xeon)
Replay: reprise run bn-input-shift --scale full

The paper's small network: three layers of 100 sigmoids, batches of 60; it trained 50,000 updates on
digits. Glorot's weights; rate 0.5 is ours. The inputs of a sigmoid of the third layer, for the same
500 images, are told by their 15th, 50th and 85th percentiles, as there. They stay where these are
within a tenth of the range that they first had, mean over the units.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import detail, last, rule, train
from keras_reprise.activations import entering
from keras_reprise.models import normalised_dense

LEVELS = {"q15": 15, "q50": 50, "q85": 85}
WHY, WORKS = "Batch normalization - why?", "Batch normalization - how it works?"


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    sizes = data.image_shape[0], [100, 100, 100], data.classes
    model = normalised_dense(replicate.seeds, *sizes, "sigmoid", arm.normalisation)
    images = data.x_train[:500]

    def percentiles():
        return np.percentile(entering(model, images)[2], list(LEVELS.values()), axis=0)

    start = percentiles()  # (3, units)

    def probe():
        now = percentiles()
        moved = (abs(now - start) / (start[2] - start[0])).mean()
        return dict(zip(LEVELS, now[:, 0], strict=True)) | {"moved": moved}

    history = train(
        model,
        data,
        replicate,
        optimizer=keras.optimizers.SGD(0.5),
        batch_size=60,
        epochs=scale.looks,
        order=Order("with-replacement", examples=60 * scale.look),
        probe=probe,
    )
    names = ("train_loss", "moved", *LEVELS)
    curves = {name: history.curves[name][-scale.looks :] for name in names}
    curves["updates"] = scale.look * np.arange(1, scale.looks + 1)
    return Measurement(history.last, curves, diverged=history.diverged)


MOVED = {arm: last(arm, "moved") for arm in ("plain", "batch-norm")}
CLAIMS = (
    rule("inputs-shift", WHY, kind="positive")
    .says("As layers learn, the distribution of the next one's inputs moves, for the same images.")
    .must(MOVED["plain"] > 0.1),
    rule("range-stays-the-same", WORKS, kind="positive", expectation="MIXED")
    .says("With batch normalisation it stays where it was.")
    .must(MOVED["batch-norm"] < 0.1),
    detail("moves-less", WORKS, kind="positive")
    .says("With batch normalisation it moves less.")
    .must(MOVED["batch-norm"] / MOVED["plain"] < 1.0),
    detail("trains-faster", WORKS)
    .says("At the same rate the network with batch normalisation ends with the lower loss.")
    .must(last("batch-norm", "train_loss") < last("plain", "train_loss")),
)

RECIPE = Recipe(
    slug="bn-input-shift",
    version=1,
    question="Do a layer's inputs shift in training, and does batch normalisation keep them?",
    sources=(Source("cs231n-slides", WHY), Source("cs231n-slides", WORKS)),
    data="cifar10",
    arms=(
        Arm("plain", "without batch normalisation", normalisation="none"),
        Arm("batch-norm", "batch normalisation before every sigmoid", normalisation="before"),
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=100, look=50, looks=40),
        Scale("full", n_test=1_000, look=500, looks=100),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves(
            "One unit's inputs",
            Panel(tuple(LEVELS), "percentiles of the inputs"),
            x="updates",
            columns="arms",
        ),
        Curves(
            "All units",
            (Panel("moved", log=True, level=0.1, level_label="a tenth"), "train_loss"),
            x="updates",
        ),
    ),
    metrics=(
        Metric("moved", "movement of the percentiles, over the first range", "", "look"),
        Metric("q15", "15th percentile of the inputs", per="look"),
        Metric("q50", "median of the inputs", per="look"),
        Metric("q85", "85th percentile of the inputs", per="look"),
        Metric("updates", "updates"),
    ),
)
