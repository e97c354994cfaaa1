"""A decision threshold found on data beats the default of one half.

Source: "Lecture 7: Practical considerations for training deep models", slide "Performance Metrics"
Data:   cifar10, standardised, flattened
Cost:   quick 26 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run decision-threshold --scale full

The slide names the threshold alone. Each class in turn is what a 3072-50-1 network is to find among
the other images, of which it is a half, a tenth or a fiftieth. F1, the harmonic mean of precision
and recall, is taken on test images at the probability 0.5 and at the threshold that is best for F1
on a third of the training images, which were set apart.
"""

import keras
import numpy as np
from scipy.special import expit

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import detail, maximum, metric, rule, snapshot, train

GRID = np.linspace(0.01, 0.99, 99)


def network(seeds, features):
    def dense(units, activation, name):
        kernel = keras.initializers.GlorotUniform(seed=seeds.weights(name))
        return keras.layers.Dense(units, activation, kernel_initializer=kernel)

    layers = [dense(50, "relu", "hidden"), dense(1, None, "logit")]
    return keras.Sequential([keras.Input((features,)), *layers])


def sample(labels, wanted, share, random):
    """Places of images, of which the wanted class is `share`: as many as there are."""
    yes, no = (
        random.permutation(np.flatnonzero(part)) for part in (labels == wanted, labels != wanted)
    )
    few = max(1, min(len(yes), round(len(no) * share / (1 - share))))
    many = min(len(no), round(few * (1 - share) / share))
    return random.permutation(np.concatenate([yes[:few], no[:many]]))


def f1(scores, truth, thresholds):
    """F1 of every threshold (thresholds,): who scores at least so much counts as found."""
    found = scores[None, :] >= np.asarray(thresholds)[:, None]
    return 2 * (found & truth).sum(axis=1) / (found.sum(axis=1) + truth.sum())


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised().flattened(), replicate.scale.epochs
    random, model = replicate.seeds.generator("data"), network(replicate.seeds, data.image_shape[0])
    restart, third = snapshot(model, adam := keras.optimizers.Adam()), len(data.y_train) // 3
    found, curves = [], []
    for wanted in range(data.classes):
        apart = sample(data.y_train[:third], wanted, arm.share, random)
        mine = third + sample(data.y_train[third:], wanted, arm.share, random)
        later = sample(data.y_test, wanted, arm.share, random)
        x = [data.x_train[mine], data.x_train[apart], data.x_test[later]]
        labels = [data.y_train[mine], data.y_train[apart], data.y_test[later]]
        y, y_apart, y_later = (part == wanted for part in labels)
        images = Dataset.of("one class", x[0], y.astype("float32"), x[2], y_later.astype("float32"))
        restart()
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        train(model, images, replicate, optimizer=adam, loss=loss, epochs=epochs)
        scores, scores_later = (
            expit(model.predict(part, batch_size=1000, verbose=0).astype(float)[:, 0])
            for part in x[1:]
        )
        candidates = scores[y_apart]  # F1 is highest where one more image of the class is found
        best = candidates[np.argmax(f1(scores, y_apart, candidates))]
        default, chosen = f1(scores_later, y_later, [0.5, best])
        found.append((100 * default, 100 * chosen, best))
        curves.append(100 * f1(scores_later, y_later, GRID))
    default, chosen, threshold = np.mean(found, axis=0)
    metrics = {"default": default, "chosen": chosen, "threshold": threshold}
    return Measurement(metrics, {"thresholds": GRID, "f1": np.mean(curves, axis=0)})


def gain(arm):
    return metric(arm, "chosen") - metric(arm, "default")


MORE = "F1 gained by the threshold for one image of {} minus that for one of {}"
CLAIMS = (
    rule("chosen-threshold-wins")
    .says("For one class of ten the threshold found on data has the higher F1 on test images.")
    .must(gain("tenth") > 0),
    detail("gains-more-the-rarer")
    .says("It gains more where the class is one image of fifty.")
    .must(gain("fiftieth") > gain("tenth"), measures=MORE.format("fifty", "ten")),
    detail("gains-less-in-balance")
    .says("And less where it is every second image.")
    .must(gain("half") < gain("tenth"), measures=MORE.format("two", "ten")),
    detail("lies-below-a-half-at-every-frequency", "Lipton, Elkan and Naryanaswamy (2014)")
    .says("For F1 the best threshold is below one half, however frequent the class.")
    .must(maximum(*(metric(arm, "threshold") for arm in ("half", "tenth", "fiftieth"))) < 0.5),
)

RECIPE = Recipe(
    slug="decision-threshold",
    version=2,
    question="Does a threshold determined on data beat the probability of one half?",
    sources=Source("training-practice-slides", "Performance Metrics"),
    data="cifar10",
    arms=(
        Arm("half", "the class is every second image", share=0.5),
        Arm("tenth", "the class is one image of ten", share=0.1),
        Arm("fiftieth", "the class is one image of fifty", share=0.02),
    ),
    scales=(Scale("quick", n_train=6_000, n_test=4_000, epochs=5), Scale("full", epochs=10)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "F1 on test images",
        Panel("f1"),
        x="thresholds",
        mark="threshold",
        mark_label="mean threshold found",
        columns="arms",
    ),
    metrics=(
        Metric("f1", "F1, mean of the classes", "percent", "threshold"),
        Metric("thresholds", "threshold"),
        Metric("threshold", "threshold found on data, mean of the classes"),
        Metric("default", "test F1 at one half", "points"),
        Metric("chosen", "test F1 at the threshold found on data", "points"),
    ),
)
