"""Maxout, counted among the regularisers, reduces overfitting.

Source: "Introduction to Deep Learning" (recap), slide "Regularization Techniques"; maxout with
        dropout is Goodfellow et al. (2013)
Data:   cifar10, standardised, flattened
Cost:   quick 60 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 8 min (one of two workers, Intel Xeon)
Replay: reprise run maxout-regularises --scale full

The slide gives no experiment; elsewhere the same slides have maxout as an activation. In a network
of two hidden layers of 100 units it takes the place of the ReLU, two linear pieces a unit: for as
many units, which doubles the weights, and for as many weights, 51 units. Few images and many epochs
make both overfit. Each arm has the best of three rates, chosen on half of the test images from one
draw of the weights and judged on the other half from others; at full scale the best may be an end
of the three, so that better rates are not excluded. Overfitting is the test error minus the
training error, both at the end and without dropout.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, between, detail
from keras_reprise import metric, rule
from keras_reprise.models import activated
from keras_reprise.rates import Restartable, judged_errors, tuned

RATES = (0.001, 0.003, 0.01)


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised().flattened(), replicate.scale.epochs
    layers = {"dense": (arm.units, arm.units), "dropout": arm.dropout}

    def build(seeds):
        return activated(seeds, data.image_shape, data.classes, arm.activation, **layers)

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + replicate.scale.draws)

    def judge(history):
        logits = keras.ops.convert_to_numpy(network.model(data.x_train, training=False))
        fitted = 100 * (logits.argmax(axis=1) != data.y_train).mean()
        errors = judged_errors(history, epochs)
        return {"train_error": fitted, "test_error": errors[-1], "errors": errors}

    trials, best = tuned(network, RATES, epochs, judge, batch_size=50)
    curves = trials.curves("rate", "criterion") | {"errors": best.pop("errors")}
    metrics = {"gap": best["test_error"] - best["train_error"]}
    metrics["weights"] = network.model.count_params()
    return Measurement(best | metrics, curves, trials=trials)


PAPER = "Goodfellow et al. (2013), Maxout networks"
CLAIMS = (
    rule("overfits-less")
    .says("With maxout in the place of the ReLU test and training error differ by less.")
    .must(metric("maxout", "gap") < metric("relu", "gap")),
    detail("lower-test-error")
    .says("And the test error is lower.")
    .must(metric("maxout", "test_error") < metric("relu", "test_error")),
    detail("overfits-less-at-equal-weights")
    .says("For as many weights, too, the two errors differ by less.")
    .must(metric("maxout-narrow", "gap") < metric("relu", "gap")),
    detail("with-dropout-lower-test-error", PAPER, expectation="MIXED")
    .says("With dropout, which it was made for, maxout has a lower test error than the ReLU.")
    .must(metric("maxout-dropout", "test_error") < metric("relu-dropout", "test_error")),
    detail("dropout-reduces-it-more")
    .says("Dropout on the ReLU reduces the difference more than maxout does.")
    .must(metric("relu-dropout", "gap") < metric("maxout", "gap")),
    detail("doubles-the-weights", kind="exact", expectation="MATH")
    .says("For as many units maxout has twice the weights.")
    .must(metric("maxout", "weights") / metric("relu", "weights"), between(1.98, 2.0)),
)

RECIPE = Recipe(
    slug="maxout-regularises",
    version=1,
    question="Does maxout reduce overfitting?",
    sources=Source("dl-recap-slides", "Regularization Techniques"),
    data="cifar10",
    arms=(
        Arm("relu", "100 ReLU units a layer", activation="relu", units=100, dropout=0.0),
        Arm("maxout", "100 maxout units", activation="maxout", units=100, dropout=0.0),
        Arm("maxout-narrow", "51, for as many weights", activation="maxout", units=51, dropout=0.0),
        Arm("relu-dropout", "ReLU, half dropped", activation="relu", units=100, dropout=0.5),
        Arm("maxout-dropout", "maxout, half dropped", activation="maxout", units=100, dropout=0.5),
    ),
    scales=(
        Scale("quick", n_train=1_000, n_test=4_000, epochs=20, draws=2),
        Scale("full", n_train=5_000, epochs=60, draws=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Test error at the best rate", "errors"),
        Curves("Validation error by rate", "criterion", x="rate", x_log=True),
    ),
    metrics=(
        Metric("gap", "test error minus the training error", "points"),
        Metric("train_error", "training error", "percent"),
        Metric("test_error", "test error", "percent"),
        Metric("errors", "test error", "percent", "epoch"),
        Metric("criterion", "validation error", "percent", "rate"),
        Metric("weights", "number of weights"),
    ),
)
