"""SGD gets as far as its updates and the variety of the data take it, not their number.

Source: "Training" (notes on hyper-parameters), section "Batching"
Data:   cifar10, standardised, flattened
Cost:   quick 8 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 16 s (one of two workers, Intel Xeon)
Replay: reprise run updates-not-dataset-size --scale full

The notes give no experiment. All arms make as many updates, of 50 independent draws; smaller sets
are the first images. "shifted" is as large as the whole set and less varied: a tenth of the images.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Order, Recipe, Scale, Source, between
from keras_reprise import detail, first, last, mean, metric, near, rule, train
from keras_reprise.models import dense_classifier

BATCH, LOOKS = 50, 20
PLACES = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)] + [(0, 2)]


def shifted(data):
    """Each image at ten places; what moves out at one edge comes in at the other."""
    images = [np.roll(data.stored_train, place, axis=(1, 2)) for place in PLACES]
    labels = np.tile(data.y_train, len(PLACES))
    return Dataset.of("shifted", np.concatenate(images), labels, data.stored_test, data.y_test)


def measure(arm, replicate):
    whole = replicate.dataset()
    n = len(whole.y_train)
    data = whole.first(n // arm.part)
    data = (shifted(data) if arm.name == "shifted" else data).standardised().flattened()
    history = train(
        dense_classifier(replicate.seeds, data.image_shape[0], [100], data.classes),
        data,
        replicate,
        optimizer=keras.optimizers.SGD(0.02),
        order=Order("with-replacement", examples=n // LOOKS),
        batch_size=BATCH,
        epochs=LOOKS,
    )
    curves = {name: history.curves[name] for name in ("train_loss", "test_loss", "test_error")}
    updates = np.arange(1, history.epochs + 1) * (history.updates / LOOKS)
    return Measurement(history.last, curves | {"updates": updates}, diverged=history.diverged)


LOSS = {arm: metric(arm, "test_loss") for arm in ("all", "half", "fifth", "tenth", "shifted")}
HALF, ALL = (mean(arm, "test_loss", before=5) for arm in ("half", "all"))
CLAIMS = (
    rule("as-far-with-fewer-examples", kind="positive", expectation="MIXED")
    .says("In as many updates, SGD gets as far with a half, a fifth or a tenth of the examples.")
    .must(mean(LOSS["half"], LOSS["fifth"], LOSS["tenth"]) / LOSS["all"], near(1.0, relative=0.05)),
    rule("variety-counts")
    .says("With as many examples that are less varied it does not get as far.")
    .must(LOSS["shifted"] > LOSS["all"]),
    detail("more-updates-get-further")
    .says("The test loss is lower after all updates than after a twentieth of them.")
    .must(last("all", "test_loss") < first("all", "test_loss")),
    detail("no-difference-while-examples-are-new", expectation="MATH")
    .says("While examples hardly repeat, half of them are as good as all.")
    .must(HALF - ALL, near(0.0, absolute=0.03)),
    *(
        detail(f"as-far-with-a-{arm}", kind="positive", expectation="MIXED")
        .says(f"A {arm} of the examples is enough to get as far.")
        .must(LOSS[arm] / LOSS["all"], near(1.0, relative=0.05))
        for arm in ("half", "fifth", "tenth")
    ),
    detail("more-examples-without-variety", kind="positive", expectation="MIXED")
    .says("Ten shifted copies of each image get as far as the images themselves.")
    .must(LOSS["shifted"] / LOSS["tenth"], between(0.95, 1.05)),
)

RECIPE = Recipe(
    slug="updates-not-dataset-size",
    version=1,
    question="Does SGD's progress depend on the number of updates, or on that of the examples?",
    sources=Source("hyperparameters-notes", "Batching"),
    data="cifar10",
    arms=(
        Arm("all", "all examples", part=1),
        Arm("half", "half of them", part=2),
        Arm("fifth", "a fifth of them", part=5),
        Arm("tenth", "a tenth of them", part=10),
        Arm("shifted", "the tenth, each image at ten places", part=10),
    ),
    scales=(Scale("quick", n_train=20_000, n_test=2_000), Scale("full")),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Loss by updates", ("test_loss", "train_loss"), x="updates"),
)
