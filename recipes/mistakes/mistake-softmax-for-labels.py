"""Where examples have several labels, softmax names them exactly more often than sigmoids.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Common Mistakes"
Data:   none (up to three of scikit-learn's digits laid over each other)
Cost:   quick 7 s per replicate, full 11 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run mistake-softmax-for-labels --scale full

The slide says softmax, which is judged as it is printed. To be fair to softmax, each output names
the labels above a threshold of its own, the best on the training images. Images, the network of one
hidden layer and the equal shares that softmax is trained on are ours. Draws are averaged.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import detail, equal, metric, rule, train
from keras_reprise.models import dense_classifier

THRESHOLDS = np.arange(1, 50) / 50


def overlaid(images, classes, n, draw):
    """`n` images of one to three different digits, and which digits each has (n, 10)."""
    x, y = np.zeros((n, *images.shape[1:]), "float32"), np.zeros((n, 10), "float32")
    for row, digits in enumerate(draw.integers(1, 4, n)):
        for digit in draw.choice(10, digits, replace=False):
            image = images[draw.choice(np.flatnonzero(classes == digit))]
            x[row], y[row, digit] = np.maximum(x[row], image), 1
    return x.reshape(n, -1) / 16, y


def agreement(probabilities, labels, threshold):
    """Share of images whose labels are named exactly, and F1 over all labels."""
    named, true = probabilities > threshold, labels > 0
    f1 = 2 * (named & true).sum() / max(1, named.sum() + true.sum())
    return (named == true).all(axis=1).mean(), f1


def drawn(arm, replicate, number):
    """The metrics of one draw of images, and the share of exact ones by threshold."""
    scale, draw = replicate.scale, replicate.seeds.generator("data", number)
    digits, softmax = load_digits(), arm.name == "softmax"
    x, y = overlaid(digits.images[:1500], digits.target[:1500], scale.images, draw)
    x_test, y_test = overlaid(digits.images[1500:], digits.target[1500:], 2000, draw)
    shares, test_shares = (
        labels / labels.sum(axis=1, keepdims=True) if softmax else labels for labels in (y, y_test)
    )
    kind = keras.losses.CategoricalCrossentropy if softmax else keras.losses.BinaryCrossentropy
    model = dense_classifier(replicate.seeds, x.shape[1], [100], 10)
    train(
        model,
        Dataset.of("digits over each other", x, shares, x_test, test_shares),
        replicate,
        optimizer=keras.optimizers.Adam(1e-3),
        loss=kind(from_logits=True),
        epochs=scale.epochs,
    )
    output = keras.ops.softmax if softmax else keras.ops.sigmoid
    found, tested = (keras.ops.convert_to_numpy(output(model(part))) for part in (x, x_test))
    best = max(THRESHOLDS, key=lambda threshold: agreement(found, y, threshold)[0])
    exact, f1 = agreement(tested, y_test, best)
    curve = [100 * agreement(tested, y_test, threshold)[0] for threshold in THRESHOLDS]
    metrics = {"exact": 100 * exact, "f1": f1, "threshold": best}
    metrics["exact_at_half"] = 100 * agreement(tested, y_test, 0.5)[0]
    metrics["two_named"] = ((tested > 0.5).sum(axis=1) > 1).mean()
    return metrics, curve


def measure(arm, replicate):
    draws = [drawn(arm, replicate, number) for number in range(replicate.scale.draws)]
    metrics = {name: np.mean([one[name] for one, _ in draws]) for name in draws[0][0]}
    by_threshold = np.mean([curve for _, curve in draws], axis=0)
    return Measurement(metrics, {"threshold": THRESHOLDS, "exact_by_threshold": by_threshold})


def gain(name, arm="sigmoid", other="softmax"):
    return metric(arm, name) - metric(other, name)


FALSE = "Softmax is for one of several classes. Several labels at a time need a sigmoid each."
CLAIMS = (
    rule("softmax-for-several-labels", erratum=FALSE, expectation="FALSE-AS-STATED")
    .says(
        "Where examples have several labels, softmax names them exactly more often than sigmoids."
    )
    .must(gain("exact", "softmax", "sigmoid") > 0),
    detail("sigmoids-do-better")
    .says("Sigmoids name the labels exactly more often, each output at its best threshold.")
    .must(gain("exact") > 0),
    detail("sigmoids-higher-f1").says("And with a higher F1 over all labels.").must(gain("f1") > 0),
    detail("sigmoids-do-better-at-half")
    .says("So they do at the plain threshold of one half.")
    .must(gain("exact_at_half") > 0),
    detail("softmax-never-names-two", kind="exact", expectation="MATH")
    .says("At one half softmax never names two labels, since its outputs add up to one.")
    .must(metric("softmax", "two_named"), equal(0)),
)

RECIPE = Recipe(
    slug="mistake-softmax-for-labels",
    version=1,
    question="Do examples with several labels at a time need softmax outputs, or sigmoids?",
    sources=Source("dl-recap-slides", "Common Mistakes"),
    arms=(
        Arm("softmax", "softmax, cross-entropy with equal shares for the labels"),
        Arm("sigmoid", "a sigmoid for each label, binary cross-entropy"),
    ),
    scales=(
        Scale("quick", images=4_000, epochs=20, draws=4),
        Scale("full", images=20_000, epochs=40, draws=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Labels named exactly", Panel("exact_by_threshold"), x="threshold"),
    metrics=(
        Metric("exact", "images with exactly the right labels", "percent"),
        Metric("exact_at_half", "images with exactly the right labels at one half", "percent"),
        Metric("exact_by_threshold", "images with exactly the right labels", "percent"),
        Metric("f1", "F1 over all labels"),
        Metric("two_named", "share of images with two labels above one half"),
        Metric("threshold", "threshold"),
    ),
)
