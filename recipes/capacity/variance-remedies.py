"""Against variance: more data, regularisation, another network.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", chart "Bias-Variance Trade-off:
        what to do when which error is high"; Harakeh, lecture 7, slide "High Validation Error:
        Debugging"
Data:   cifar10, standardised
Cost:   quick 25 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run variance-remedies --scale full

The chart pairs variance with a high training error, too, which is bias; the case here is the one in
which the training error is low. 3072-100-100-10 on few images; the remedies, each alone, are five
times as many images, dropout of one half, and a small convnet in its place. As many updates in all.
Each arm has the best learning rate, searched for on half of the test images from one draw of the
weights and judged on the other half from others.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Recipe, Scale, Source, detail
from keras_reprise import evaluate, metric, rule
from keras_reprise.models import activated
from keras_reprise.rates import Restartable, judged_errors, searched

RATES, LOOKS = (0.001, 0.003, 0.01), 5


def measure(arm, replicate):
    scale, data = replicate.scale, replicate.dataset().standardised()
    data = data if arm.more else data.first(len(data.y_train) // 5)
    data = data if arm.convolutions else data.flattened()
    layers = {"convolutions": arm.convolutions, "dense": arm.dense, "dropout": arm.dropout}

    def build(seeds):
        return activated(seeds, data.image_shape, data.classes, "relu", **layers)

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + scale.draws)

    def judge(history):
        wrong = evaluate(network.model, data.x_train, data.y_train)[1]
        errors = judged_errors(history, LOOKS)
        return {"train_error": 100 * wrong.mean(), "test_error": errors[-1], "errors": errors}

    order = Order("with-replacement", examples=50 * scale.updates // LOOKS)
    trials, best = searched(network, RATES, LOOKS, judge, batch_size=50, order=order)
    errors, gap = best.pop("errors"), best["test_error"] - best["train_error"]
    updates = [scale.updates // LOOKS * look for look in range(1, LOOKS + 1)]
    return Measurement(best | {"gap": gap}, {"updates": updates, "errors": errors}, trials=trials)


def error(arm):
    return metric(arm, "test_error")


CHART = "Bias-Variance Trade-off"
CLAIMS = (
    rule("more-data-helps", "High Validation Error: Debugging")
    .says("With five times as many images the test error is lower.")
    .must(error("more-data") < error("few")),
    rule("regularising-helps", CHART)
    .says("With dropout it is lower.")
    .must(error("dropout") < error("few")),
    rule("other-architecture-helps", CHART)
    .says("With convolutions in the place of dense layers it is lower.")
    .must(error("convnet") < error("few")),
    detail("it-is-variance", CHART, kind="discrete")
    .says("Without a remedy the training error is low: below 10 %.")
    .must(metric("few", "train_error") < 10),
    detail("test-error-is-high", CHART)
    .says("And the test error is above it by more than 20 points.")
    .must(metric("few", "gap") > 20),
    detail("more-data-narrows-the-gap", CHART)
    .says("More images narrow the gap between test and training error.")
    .must(metric("more-data", "gap") < metric("few", "gap")),
    detail("dropout-narrows-the-gap", CHART)
    .says("So does dropout.")
    .must(metric("dropout", "gap") < metric("few", "gap")),
)
DENSE = {"convolutions": (), "dense": (100, 100)}

RECIPE = Recipe(
    slug="variance-remedies",
    version=3,
    question="What lowers the test error of a network that fits its training images?",
    sources=(
        Source("dl-recap-slides", CHART),
        Source("training-practice-slides", "High Validation Error: Debugging"),
    ),
    data="cifar10",
    arms=(
        Arm("few", "few images, no remedy", more=False, dropout=0.0, **DENSE),
        Arm("more-data", "five times as many images", more=True, dropout=0.0, **DENSE),
        Arm("dropout", "half of the units dropped", more=False, dropout=0.5, **DENSE),
        Arm("convnet", "a convnet", more=False, dropout=0.0, convolutions=(16, 32), dense=(64,)),
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=2_000, updates=500, draws=2),
        Scale("full", n_train=50_000, updates=5_000, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error with each remedy", "errors", x="updates"),
    metrics=(
        Metric("updates", "updates"),
        Metric("errors", "test error", "percent", "look"),
        Metric("test_error", "test error", "percent"),
        Metric("train_error", "training error", "percent"),
        Metric("gap", "test error minus the training error", "points"),
        Metric("rate", "best learning rate"),
    ),
)
