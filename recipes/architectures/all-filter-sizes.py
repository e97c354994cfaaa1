"""Windows of one, three and five side by side spare a choice.

Source: "Training" (notes on hyper-parameters), section "Inception"
Data:   cifar10, standardised
Cost:   quick 38 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run all-filter-sizes --scale full

A convolution 3 x 3 of 16 filters with a max-pool of 2 (quick: 4), then two modules, the first with
a max-pool, and the mean over places. A module has windows of one size, or a third of its filters of
each; its filters are as many as give the network the same multiply-accumulates, within 3 %. Batch
normalisation follows every convolution. SGD with momentum 0.9; each arm has its best rate, searched
for on half of the test images by one draw of the weights and judged on the other half by others.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, below_each
from keras_reprise import between, detail, maximum, mean, metric, minimum, rule
from keras_reprise.rates import Restartable, judged_errors, searched

RATES, STEM = (0.03, 0.1), 16


def operations(side, sizes, filters):
    """Multiply-accumulates of both modules on maps of this side, and of half of it."""
    each, total = filters // len(sizes), 0
    for inputs, places in ((STEM, side**2), (each * len(sizes), (side // 2) ** 2)):
        total += places * inputs * each * sum(size**2 for size in sizes)
    return total


def network(seeds, shape, classes, sizes, filters, pool):
    layers, each = keras.layers, filters // len(sizes)

    def convolution(x, units, size, name):
        kernel = keras.initializers.HeNormal(seeds.weights(name))
        options = {"padding": "same", "use_bias": False, "kernel_initializer": kernel}
        x = layers.Conv2D(units, size, name=name, **options)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    inputs = keras.Input(shape)
    x = layers.MaxPooling2D(pool)(convolution(inputs, STEM, 3, "stem"))
    for number in (1, 2):
        paths = [convolution(x, each, size, f"module{number}-{size}") for size in sizes]
        x = layers.Concatenate()(paths) if len(paths) > 1 else paths[0]
        x = layers.MaxPooling2D(2)(x) if number == 1 else x
    head = keras.initializers.GlorotUniform(seeds.weights("logits"))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, kernel_initializer=head)(x))


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised(), replicate.scale.epochs
    side, pool = data.image_shape[0] // replicate.scale.pool, replicate.scale.pool
    aim = operations(side, (3,), replicate.scale.filters)
    count = len(arm.sizes)
    numbers = range(count, 64 * replicate.scale.filters, count)
    filters = min(numbers, key=lambda number: abs(operations(side, arm.sizes, number) - aim))

    def build(seeds):
        return network(seeds, data.image_shape, data.classes, arm.sizes, filters, pool)

    sgd = keras.optimizers.SGD(momentum=0.9)
    net = Restartable(build, data, replicate, sgd, draws=1 + replicate.scale.draws)

    def judge(history):
        errors = judged_errors(history, epochs)
        return {"error": errors[-1], "errors": errors}

    trials, best = searched(net, RATES, epochs, judge, batch_size=50)
    curves = trials.curves("rate", "criterion") | {"errors": best.pop("errors")}
    relative = operations(side, arm.sizes, filters) / aim
    return Measurement(best | {"operations": relative, "filters": filters}, curves, trials=trials)


SINGLE = ("one", "three", "five")
ERROR = {arm: metric(arm, "error") for arm in (*SINGLE, "all")}
COSTS = [metric(arm, "operations") for arm in ERROR]
CLAIMS = (
    rule("as-good-as-each")
    .says("Side by side they have at most a point more of errors than each size alone.")
    .must(ERROR["all"] - 1, below_each(*(ERROR[arm] for arm in SINGLE))),
    detail("better-than-a-choice-by-chance")
    .says("They have fewer errors than a size chosen by chance, the mean of the three.")
    .must(ERROR["all"] < mean(*(ERROR[arm] for arm in SINGLE))),
    detail("better-than-three")
    .says("And fewer than windows of three.")
    .must(ERROR["all"] < ERROR["three"]),
    detail("equal-operations", kind="exact", expectation="MATH")
    .says("All take the same multiply-accumulates, within 3 %.")
    .must(maximum(*COSTS) / minimum(*COSTS), between(1, 1.03)),
)

RECIPE = Recipe(
    slug="all-filter-sizes",
    version=3,
    question="Do windows of all sizes side by side spare the choice of one?",
    sources=Source("hyperparameters-notes", "Inception"),
    data="cifar10",
    arms=(
        Arm("one", "windows of 1 x 1", sizes=(1,)),
        Arm("three", "windows of 3 x 3", sizes=(3,)),
        Arm("five", "windows of 5 x 5", sizes=(5,)),
        Arm("all", "a third of each", sizes=(1, 3, 5)),
    ),
    scales=(
        Scale("quick", n_train=1_500, n_test=1_000, pool=4, filters=40, epochs=5, draws=1),
        Scale("full", pool=2, filters=64, epochs=30, draws=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Test error at the best rate", "errors"),
        Curves("Validation error by rate", "criterion", x="rate", x_log=True),
    ),
    metrics=(
        Metric("error", "test error", "percent"),
        Metric("errors", "test error", "percent", "epoch"),
        Metric("criterion", "validation error", "percent", "rate"),
        Metric("operations", "multiply-accumulates over those of windows of three", "ratio"),
        Metric("filters", "filters of a module"),
    ),
)
