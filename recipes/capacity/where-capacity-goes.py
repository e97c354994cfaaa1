"""A budget of weights can be spread well or badly over a network.

Source: Fleuret, "Deep learning, 5.6: Architecture choice and training protocol", section "Choosing
        the network structure"
Data:   cifar10, standardised
Cost:   quick 35 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run where-capacity-goes --scale full

The slides give no experiment. The small convnet of these slides' CIFAR-10 example in a smaller
form, conv 5x5 and pool 3, conv 5x5 and pool 2, dense, logits, with about 20,000 weights in five
ways: 4 to 32 filters in the first convolution, 4 to 80 in the second, the rest in the dense layer
and the logits. The ReLUs are leaky, so that none of few maps is dead from the start. Trained with
Adam, each split has the best learning rate, searched for on half of the test images from one draw
of the weights and judged on the other half from others. The spread between splits is the standard
deviation of their mean errors; that between seeds is the one over draws of the weights, mean over
the splits.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import curve, detail, evaluate, maximum, metric, minimum, rule
from keras_reprise.rates import Restartable, judged_errors, searched

RATES, LOOKS, BUDGET = (0.001, 0.003, 0.01), 3, 20_000
SPLITS = ((4, 4), (32, 4), (8, 16), (16, 32), (8, 80))


def weights(first, second, side, channels, units):
    """Of the convolutions, and in all: `side` is that of the maps that the dense layer sees."""
    convolutions = (25 * channels + 1) * first + (25 * first + 1) * second
    return convolutions, convolutions + (side**2 * second + 1) * units + 10 * (units + 1)


def network(seeds, image_shape, classes, first, second):
    layers, model = keras.layers, keras.Sequential([keras.Input(image_shape)])
    for number, (filters, pool) in enumerate(((first, 3), (second, 2)), start=1):
        start = keras.initializers.HeNormal(seeds.weights(f"conv{number}"))
        model.add(layers.Conv2D(filters, 5, activation="leaky_relu", kernel_initializer=start))
        model.add(layers.MaxPooling2D(pool))
    side, channels = model.output_shape[1], image_shape[-1]
    model.add(layers.Flatten())
    left = BUDGET - weights(first, second, side, channels, 0)[1]
    units = max(1, round(left / (side**2 * second + 1 + 10)))
    start = keras.initializers.HeNormal(seeds.weights("dense"))
    model.add(layers.Dense(units, "leaky_relu", kernel_initializer=start))
    start = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(layers.Dense(classes, kernel_initializer=start))
    return model


def measure(arm, replicate):
    data, scale, found = replicate.dataset().standardised(), replicate.scale, []
    for first, second in SPLITS:

        def build(seeds, first=first, second=second):
            return network(seeds, data.image_shape, data.classes, first, second)

        adam, errors = keras.optimizers.Adam(), []
        split = Restartable(build, data, replicate, adam, draws=1 + scale.draws)

        def judge(history, errors=errors, split=split):
            errors.append(judged_errors(history, LOOKS)[-1])
            wrong = evaluate(split.model, data.x_train, data.y_train)[1]
            return {"error": errors[-1], "train_error": 100 * wrong.mean()}

        options = {"batch_size": 20, "order": Order(passes=scale.passes)}
        _, best = searched(split, RATES, LOOKS, judge, **options)
        convolutions = [split.model.layers[place].count_params() for place in (0, 2)]
        total = split.model.count_params()
        shares = {"first": convolutions[0] / total, "second": convolutions[1] / total}
        shares["dense"] = 1 - shares["first"] - shares["second"]
        found.append(best | {"weights": total, "within": np.std(errors, ddof=1)} | shares)
    curves = {name: np.array([one[name] for one in found]) for name in found[0]}
    metrics = {"between": curves["error"].std(ddof=1), "within": curves["within"].mean()}
    return Measurement(metrics, curves | {"split": range(1, len(SPLITS) + 1)})


ERROR, WEIGHTS = curve("splits", "error"), curve("splits", "weights")
CLAIMS = (
    rule("splits-differ-more-than-seeds")
    .says("Test errors differ more between splits than between seeds.")
    .must(metric("splits", "between") > metric("splits", "within")),
    detail("worst-split-costs-three-points")
    .says("The worst split tests worse than the best by more than three points.")
    .must(maximum(ERROR) - minimum(ERROR) > 3),
    detail("equal-budgets", kind="exact", expectation="MATH")
    .says("All splits have as many weights, within 2 %.")
    .must(maximum(abs(WEIGHTS / BUDGET - 1)) < 0.02),
)

RECIPE = Recipe(
    slug="where-capacity-goes",
    version=3,
    question="Does it matter in which part of a network the weights are?",
    sources=Source("fleuret-2021", "Choosing the network structure"),
    data="cifar10",
    arms=(Arm("splits", "five ways to spread 20,000 weights"),),
    scales=(
        Scale("quick", n_train=1_000, n_test=1_000, passes=3, draws=2),
        Scale("full", n_train=20_000, passes=5, draws=6),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Five ways to spread 20,000 weights",
        (
            Panel(("error", "train_error"), "error (percent)"),
            Panel(("first", "second", "dense"), "share of the weights"),
        ),
        x="split",
        columns="arms",
    ),
    metrics=(
        Metric("split", "split"),
        Metric("error", "test error", "percent", "split"),
        Metric("train_error", "training error", "percent", "split"),
        Metric("first", "first convolution", "share", "split"),
        Metric("second", "second convolution", "share", "split"),
        Metric("dense", "dense layers", "share", "split"),
        Metric("weights", "weights", "", "split"),
        Metric("within", "standard deviation over seeds", "points", "split"),
        Metric("between", "standard deviation between splits", "points"),
        Metric("rate", "best learning rate", "", "split"),
    ),
)
