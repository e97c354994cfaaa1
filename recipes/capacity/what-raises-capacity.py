"""Layers, channels, larger kernels and units raise what is fitted; a narrower output lowers it.

Source: Fleuret, "Deep learning, 5.6: Architecture choice and training protocol", section "Choosing
        the network structure"; Harakeh, lecture 7, slide "Convolutional Kernel Width";
        capacity as what is fitted of random labels: Zhang et al. (2017)
Data:   the digits of scikit-learn (8 x 8 pixels), with labels drawn at random
Cost:   quick 28 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run what-raises-capacity --scale full

The slides give no experiment. A small network, one convolution of 3x3 and 8 filters, a max-pool to
2x2 places, 16 ReLU units, logits, is given a second convolution, twice the filters, a kernel of
5x5, or twice the units. What it can fit is the share of random labels that it has right at the end
of a fixed number of epochs with Adam, at the best learning rate (searched for by the training error
while training, mean over the last fifth of the epochs, from other initial weights). A kernel of 3x3
with gaps (dilation 2) has the field of 5x5 and no more weights. Without zeros around the image the
output of a 5x5 kernel is 4x4, and the pool leaves one place of it.
"""

import keras

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import detail, equal, evaluate, metric, rule
from keras_reprise.digits import shuffled_digits
from keras_reprise.rates import Restartable, searched

RATES, LOOKS = (0.003, 0.01, 0.03), 5


def network(seeds, depth, channels, kernel, dilation, units, padding):
    """Convolutions on an 8x8 image, a max-pool of 4x4 places, dense layers."""
    layers, model = keras.layers, keras.Sequential([keras.Input((8, 8, 1))])
    options = {"padding": padding, "activation": "relu", "dilation_rate": dilation}
    for number in range(depth):
        start = keras.initializers.HeNormal(seeds.weights(f"conv{number}"))
        model.add(layers.Conv2D(channels, kernel, kernel_initializer=start, **options))
    model.add(layers.MaxPooling2D(4))
    model.add(layers.Flatten())
    start = keras.initializers.HeNormal(seeds.weights("dense"))
    model.add(layers.Dense(units, "relu", kernel_initializer=start))
    start = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(layers.Dense(10, kernel_initializer=start))
    return model


def measure(arm, replicate):
    scale, (x, _) = replicate.scale, shuffled_digits(replicate.seeds)
    labels = replicate.seeds.generator("data").integers(0, 10, len(x)).astype("int32")
    images, labels = x.reshape(-1, 8, 8, 1)[: scale.images], labels[: scale.images]
    data = Dataset.of("random labels", images, labels, images[:50], labels[:50])

    def build(seeds):
        return network(seeds, **arm.settings)

    adam = keras.optimizers.Adam()
    shapes = Restartable(build, data, replicate, adam, draws=1 + scale.draws)

    def wrong(history):
        return 100 * history.curves["train_error"][-1]

    def judge(history):
        error = evaluate(shapes.model, images, labels)[1].mean()
        curve = [100 * (1 - one) for one in history.curves["train_error"]]
        return {"fitted": 100 * (1 - error), "right": curve}

    options = {"batch_size": 50, "order": Order(passes=scale.passes)}
    trials, best = searched(shapes, RATES, LOOKS, judge, wrong, **options)
    curves = {"epochs": [scale.passes * look for look in range(1, LOOKS + 1)]}
    curves["right"] = best.pop("right")
    return Measurement(best | {"weights": shapes.model.count_params()}, curves, trials=trials)


def fits_more(arm):
    return metric(arm, "fitted") > metric("base", "fitted")


STRUCTURE, WIDTH = "Choosing the network structure", "Convolutional Kernel Width"
CLAIMS = (
    rule("layers-raise-it")
    .says("With a second convolution more is fitted.")
    .must(fits_more("deeper")),
    rule("channels-raise-it")
    .says("With twice the filters more is fitted.")
    .must(fits_more("channels")),
    rule("receptive-field-raises-it")
    .says("With kernels of 5x5 more is fitted.")
    .must(fits_more("kernel")),
    rule("units-raise-it").says("With twice the units more is fitted.").must(fits_more("units")),
    rule("narrower-output-lowers-it", WIDTH)
    .says("With kernels of 5x5 less is fitted where no zeros keep the output wide.")
    .must(metric("unpadded", "fitted") < metric("kernel", "fitted")),
    detail("wider-kernel-has-more-weights", WIDTH, kind="exact", expectation="MATH")
    .says("With kernels of 5x5 the network has more weights.")
    .must(metric("kernel", "weights") > metric("base", "weights")),
    detail("field-alone-raises-it", expectation="MIXED")
    .says("With the same field and no more weights, by gaps in the kernel, more is fitted.")
    .must(fits_more("gaps")),
    detail("gaps-have-no-more-weights", kind="exact", expectation="MATH")
    .says("A kernel with gaps has no more weights.")
    .must(metric("gaps", "weights") - metric("base", "weights"), equal(0)),
)
BASE = {"depth": 1, "channels": 8, "kernel": 3, "dilation": 1, "units": 16, "padding": "same"}

RECIPE = Recipe(
    slug="what-raises-capacity",
    version=3,
    question="What raises how much a network can fit?",
    sources=(Source("fleuret-2021", STRUCTURE), Source("training-practice-slides", WIDTH)),
    arms=(
        Arm("base", "one convolution 3x3 of 8, 16 units", **BASE),
        Arm("deeper", "two convolutions", **(BASE | {"depth": 2})),
        Arm("channels", "16 filters", **(BASE | {"channels": 16})),
        Arm("kernel", "5x5", **(BASE | {"kernel": 5})),
        Arm("units", "32 units", **(BASE | {"units": 32})),
        Arm("gaps", "3x3 with gaps", **(BASE | {"dilation": 2})),
        Arm("unpadded", "5x5 without zeros around", **(BASE | {"kernel": 5, "padding": "valid"})),
    ),
    scales=(
        Scale("quick", images=300, passes=25, draws=2),
        Scale("full", images=1_000, passes=100, draws=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Random labels fitted", "right", x="epochs"),
    metrics=(
        Metric("epochs", "epochs"),
        Metric("right", "random labels that are right, while training", "percent", "look"),
        Metric("fitted", "random labels that are right at the end", "percent"),
        Metric("weights", "weights"),
        Metric("rate", "best learning rate"),
    ),
)
