"""More zeros around convolutions raise what a network can fit.

Source: "Lecture 7: Practical considerations for training deep models", slide "Implicit Padding";
        capacity as what is fitted of random labels: Zhang et al. (2017)
Data:   the digits of scikit-learn (8 x 8 pixels), with labels drawn at random
Cost:   quick 23 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run padding-capacity --scale full

The slide gives no experiment. Two convolutions of 3x3 and 4 filters with 0 to 3 rows of zeros
around the input of each, and a dense layer to logits. What is fitted is the share of random labels
that is right after a fixed number of epochs with Adam, at the best learning rate. That is searched
for, from three rates on and beyond their ends, by the training error while training, mean over the
second half of the epochs, from other initial weights. With the third row of zeros some places see
nothing else. A larger output also gives the dense layer more weights; in the second arm it sees a
max-pool to 2x2 places instead, and has as many whatever the padding.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import at, curve, detail, equal, evaluate, first, last, rank_correlation, rule
from keras_reprise.digits import shuffled_digits
from keras_reprise.rates import Restartable, searched

RATES, LOOKS, PADDINGS = (0.003, 0.01, 0.03), 2, (0, 1, 2, 3)


def network(seeds, padding, pooled):
    layers, model = keras.layers, keras.Sequential([keras.Input((8, 8, 1))])
    for number in range(2):
        start = keras.initializers.HeNormal(seeds.weights(f"conv{number}"))
        model.add(layers.ZeroPadding2D(padding))
        model.add(layers.Conv2D(4, 3, activation="relu", kernel_initializer=start))
    if pooled:
        model.add(layers.MaxPooling2D(model.output_shape[1] // 2))
    model.add(layers.Flatten())
    start = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(layers.Dense(10, kernel_initializer=start))
    return model


def measure(arm, replicate):
    scale, (x, _) = replicate.scale, shuffled_digits(replicate.seeds)
    labels = replicate.seeds.generator("data").integers(0, 10, len(x)).astype("int32")
    images, labels = x.reshape(-1, 8, 8, 1)[: scale.images], labels[: scale.images]
    data = Dataset.of("random labels", images, labels, images[:50], labels[:50])
    options, found = {"batch_size": 50, "order": Order(passes=scale.passes)}, []
    for padding in PADDINGS:

        def build(seeds, padding=padding):
            return network(seeds, padding, arm.pooled)

        adam = keras.optimizers.Adam()
        shapes = Restartable(build, data, replicate, adam, draws=1 + scale.draws)

        def judge(history, shapes=shapes):
            return {"fitted": 100 * (1 - evaluate(shapes.model, images, labels)[1].mean())}

        def wrong(history):
            return 100 * history.curves["train_error"][-1]

        _, best = searched(shapes, RATES, LOOKS, judge, wrong, **options)
        found.append(best | {"padding": padding, "weights": shapes.model.count_params()})
    return Measurement(curves={name: np.array([one[name] for one in found]) for name in found[0]})


FITTED = curve("flattened", "fitted")
CLAIMS = (
    rule("every-row-of-padding-fits-more", kind="discrete")
    .says("With each further row of zeros more random labels are fitted.")
    .must(rank_correlation(FITTED, curve("flattened", "padding")) > 0.9),
    detail("third-row-fits-more-than-two")
    .says("So it is with the third row, with which some places see nothing else.")
    .must(at(FITTED, 4) > at(FITTED, 3)),
    detail("three-rows-fit-more-than-none")
    .says("With three rows more are fitted than with none.")
    .must(last("flattened", "fitted") > first("flattened", "fitted")),
    detail("so-they-do-without-more-weights", expectation="MIXED")
    .says("So it is where they bring the dense layer no more weights.")
    .must(last("pooled", "fitted") > first("pooled", "fitted")),
    detail("pooled-has-no-more-weights", kind="exact", expectation="MATH")
    .says("There the weights are as many whatever the padding.")
    .must(last("pooled", "weights") - first("pooled", "weights"), equal(0)),
)

RECIPE = Recipe(
    slug="padding-capacity",
    version=2,
    question="Does padding raise how much a network can fit?",
    sources=Source("training-practice-slides", "Implicit Padding"),
    arms=(
        Arm("flattened", "the dense layer sees all places", pooled=False),
        Arm("pooled", "it sees a max-pool to 2x2", pooled=True),
    ),
    scales=(
        Scale("quick", images=500, passes=25, draws=2),
        Scale("full", images=1_500, passes=150, draws=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Random labels fitted", "fitted", x="padding"),
    metrics=(
        Metric("padding", "rows of zeros around the input of each convolution"),
        Metric("fitted", "random labels that are right at the end", "percent", "padding"),
        Metric("weights", "weights", "", "padding"),
        Metric("rate", "best learning rate", "", "padding"),
    ),
)
