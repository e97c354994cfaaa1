"""The score that one tuned on is too good; fresh data do not keep it.

Source: "Training" (notes on hyper-parameters), section "Split";
        "Introduction to deep learning", slides "Common Mistakes" and "Bias-Variance Trade-off"
Data:   cifar10, standardised, flattened
Cost:   quick 14 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 5 min (one of two workers, Intel Xeon)
Replay: reprise run split-hygiene --scale full

The documents give no experiment. Networks with random rates and penalties are trained once. Then,
a thousand times over, the test images are divided at random into 100 or 1,000 to tune on (of fewer
than 4,000, a fortieth or a quarter) and fresh ones, and of so many networks the one that has the
best score on the former is looked at on the latter.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import first, last, near, rule, snapshot, train
from keras_reprise.models import dense_classifier

SIZES, REPEATS = {"few": 100, "many": 1000}, 1000


def networks(replicate):
    """Which test images each of the trained networks has right: (networks, images)."""
    data, draw = replicate.dataset().standardised().flattened(), replicate.seeds.generator("search")
    model = dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes, penalty=0.5)
    optimizer, right = keras.optimizers.SGD(momentum=0.9), []
    restart, epochs = snapshot(model, optimizer), replicate.scale.epochs
    for _ in range(replicate.scale.trials):
        restart()
        rate, penalty = 10 ** draw.uniform(-3.5, -1.5), 10 ** draw.uniform(-5, -2)
        settings = {"learning_rate": rate, "penalty": penalty, "epochs": epochs}
        history = train(model, data, replicate, optimizer=optimizer, batch_size=50, **settings)
        right.append(~history.test_wrong[-1])
    return np.array(right)


def guesses(replicate):
    """The same for networks that guess one of ten classes."""
    shape = (replicate.scale.trials, len(replicate.dataset().y_test))
    return replicate.seeds.generator("search").random(shape) < 0.1


def measure(arm, replicate):
    right, draw = (
        (networks if arm.trained else guesses)(replicate),
        replicate.seeds.generator("data"),
    )
    trials = 2 ** np.arange(int(np.log2(len(right))) + 1)
    curves = {"trials": trials}
    for name, size in SIZES.items():
        size = min(size, right.shape[1] * size // 4000)
        tuned, fresh = np.zeros((2, REPEATS, len(trials)))
        for repeat in range(REPEATS):
            images, order = draw.permutation(right.shape[1]), draw.permutation(len(right))
            score = 100 * right[np.ix_(order, images[:size])].mean(axis=1)
            later = 100 * right[np.ix_(order, images[size:])].mean(axis=1)
            chosen = [np.argmax(score[:among]) for among in trials]
            tuned[repeat], fresh[repeat] = score[chosen], later[chosen]
        curves |= {
            f"optimism_{name}": (tuned - fresh).mean(axis=0),
            f"tuned_{name}": tuned.mean(axis=0),
            f"fresh_{name}": fresh.mean(axis=0),
        }
    return Measurement(curves=curves)


SPLIT, MISTAKES, TRADE_OFF = "Split", "Common Mistakes", "Bias-Variance Trade-off"
CLAIMS = (
    rule("tuned-score-too-good")
    .says("The best of many networks on 1,000 images does worse on fresh ones.")
    .must(last("networks", "optimism_many") > 0),
    rule("more-validation-data-help", TRADE_OFF)
    .says("With 1,000 images to tune on, the score is less too good than with 100.")
    .must(last("networks", "optimism_few") > last("networks", "optimism_many")),
    detail("grows-with-trials", MISTAKES)
    .says("The more networks one chooses among, the more the score is too good.")
    .must(last("networks", "optimism_many") > first("networks", "optimism_many")),
    detail("one-network-is-judged-fairly", expectation="MATH")
    .says("The score of a single network, which was not chosen, is fair.")
    .must(first("networks", "optimism_many"), near(0.0, absolute=0.2)),
    detail("more-validation-data-choose-better", TRADE_OFF)
    .says("The network that is chosen on 1,000 images is better on fresh ones, too.")
    .must(last("networks", "fresh_many") > last("networks", "fresh_few")),
    detail("luck-alone-looks-good", MISTAKES, expectation="MATH")
    .says("Even the best of many guessers looks better than it is by more than a point.")
    .must(last("guesses", "optimism_many") > 1.0),
)

RECIPE = Recipe(
    slug="split-hygiene",
    version=1,
    question="Is the score on the images that hyper-parameters were tuned on too good?",
    sources=(
        Source("hyperparameters-notes", SPLIT),
        Source("dl-recap-slides", MISTAKES),
        Source("dl-recap-slides", TRADE_OFF),
    ),
    data="cifar10",
    arms=(
        Arm("networks", "trained with random rates and penalties", trained=True),
        Arm("guesses", "guessers of one of ten classes", trained=False),
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=4_000, epochs=4, trials=32),
        Scale("full", n_train=20_000, epochs=10, trials=64),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves(
            "The best of so many networks",
            (
                Panel("optimism_few", "too good by (points), tuned on 100 images", level=0.0),
                Panel("optimism_many", "too good by (points), tuned on 1,000 images", level=0.0),
            ),
            x="trials",
            x_log=True,
        ),
        Curves(
            "What the score says and what fresh images say",
            Panel(("tuned_many", "fresh_many"), "accuracy (percent), 1,000 images"),
            x="trials",
            x_log=True,
            columns="arms",
        ),
    ),
    metrics=(
        Metric("trials", "networks to choose among"),
        *(
            metric
            for name, size in SIZES.items()
            for metric in (
                Metric(f"optimism_{name}", f"score on {size:,} minus on fresh images", "points"),
                Metric(f"tuned_{name}", f"accuracy on the {size:,} images tuned on", "percent"),
                Metric(f"fresh_{name}", f"fresh accuracy, tuned on {size:,} images", "percent"),
            )
        ),
    ),
)
