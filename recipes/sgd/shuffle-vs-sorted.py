"""Put the examples in random order before training: sorted by class, they train worse.

Source: "Training" (notes on hyper-parameters), section "Batching"
Data:   cifar10, standardised
Cost:   quick 41 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 7 min (one of two workers, Intel Xeon)
Replay: reprise run shuffle-vs-sorted --scale full

The notes give no experiment; the network (the small convnet of cifar10-lr-drop), rate and sizes are
ours. Sorted, the mean loss of an epoch's batches says nothing: each batch is of one class, as was
the batch before. The training loss here is that of the first 5,000 training images, of all classes.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import detail, evaluate, metric, near, rule, train
from keras_reprise.models import small_convnet


def measure(arm, replicate):
    data = replicate.dataset().standardised()
    model = small_convnet(replicate.seeds, data.image_shape, data.classes)
    history = train(
        model,
        data,
        replicate,
        optimizer=keras.optimizers.SGD(0.05),
        order=Order(arm.order),
        batch_size=50,
        epochs=replicate.scale.epochs,
        diverged_factor=None,
    )
    losses, _ = evaluate(model, data.x_train[:5000], data.y_train[:5000])
    accuracy = [100 * (1 - error) for error in history.curves["test_error"]]
    metrics = {"accuracy": accuracy[-1], "train_loss": losses.mean()}
    return Measurement(
        metrics | {"batch_loss": history.last["train_loss"]},
        {"accuracy": accuracy, "test_loss": history.curves["test_loss"]},
        diverged=history.diverged,
    )


ACCURACY = {arm: metric(arm, "accuracy") for arm in ("sorted", "once", "each-epoch", "independent")}
CLAIMS = (
    rule("random-order-first")
    .says("Examples in random order give a higher test accuracy than sorted ones.")
    .must(ACCURACY["once"] > ACCURACY["sorted"]),
    rule("independent-draws")
    .says("So do batches of independent draws.")
    .must(ACCURACY["independent"] > ACCURACY["sorted"]),
    detail("trains-worse-too")
    .says("Sorted examples end with a higher training loss, too.")
    .must(metric("once", "train_loss") < metric("sorted", "train_loss")),
    detail("sorted-batches-look-easy", expectation="MIXED")
    .says("Although the loss of sorted batches is the lower one while they are trained.")
    .must(metric("once", "batch_loss") > metric("sorted", "batch_loss")),
    detail("once-is-enough")
    .says("To shuffle once is as good as to shuffle in every epoch.")
    .must(ACCURACY["once"] - ACCURACY["each-epoch"], near(0.0, absolute=2.0)),
    detail("passes-or-draws", expectation="MIXED")
    .says("Passes in random order are as good as independent draws.")
    .must(ACCURACY["each-epoch"] - ACCURACY["independent"], near(0.0, absolute=2.0)),
)

RECIPE = Recipe(
    slug="shuffle-vs-sorted",
    version=1,
    question="Do examples that are sorted by class train worse than examples in random order?",
    sources=Source("hyperparameters-notes", "Batching"),
    data="cifar10",
    arms=(
        Arm("sorted", "by class, in every epoch", order="sorted"),
        Arm("once", "shuffled once", order="shuffled-once"),
        Arm("each-epoch", "shuffled in each epoch", order="reshuffled"),
        Arm("independent", "independent draws, with replacement", order="with-replacement"),
    ),
    scales=(Scale("quick", n_train=5_000, n_test=2_000, epochs=6), Scale("full", epochs=10)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Order of the examples",
        (Panel("accuracy", level=10.0, level_label="chance"), Panel("test_loss", log=True)),
    ),
    metrics=(
        Metric("accuracy", "test accuracy", "percent", "epoch"),
        Metric("train_loss", "training loss after training", "nats"),
        Metric("batch_loss", "mean loss of the last epoch's batches", "nats"),
    ),
)
