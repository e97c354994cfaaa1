"""Earlier layers may be kept fixed against overfitting.

Source: "Training" (notes on hyper-parameters), section "Fine-tuning (transfer learning)"
Data:   cifar10, standardised: bird, cat and deer to learn from, dog, frog and horse as new data
Cost:   quick 36 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run frozen-layers --scale full

A small convnet of four hidden layers learns three classes; then a hundredth of the images of three
others, with the first 0 to 4 of its hidden layers fixed. Each number has its best rate, searched
for on half of the test images and judged on the other half; draws of the few images are
averaged. Overfitting is the test loss minus the training loss, as both errors end near a limit.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, at, curve, detail
from keras_reprise import first, last, rank_correlation, rule
from keras_reprise.transfer import HIDDEN, NEW, SIMILAR, few_of, of_classes, pretrained
from keras_reprise.transfer import searched_errors

RATES = (0.003, 0.01)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    source = pretrained(replicate, of_classes(data, SIMILAR), scale.source_epochs)
    draw = replicate.seeds.generator("data")
    sets = [few_of(data, NEW, scale.share, draw) for _ in range(scale.draws)]
    settings = {"rates": RATES, "epochs": scale.epochs, "passes": scale.passes}

    def adapted(fixed):
        found = [searched_errors(replicate, new, source, fixed=fixed, **settings) for new in sets]
        names = ("error", "train_error", "rate")
        means = {name: np.mean([one[name] for one in found]) for name in names}
        gap = np.mean([one["loss"] - one["train_loss"] for one in found])
        return means | {"gap": gap}

    trials = replicate.sweep([{"fixed": fixed} for fixed in range(HIDDEN + 1)], adapted)
    return Measurement(curves=trials.curves("fixed", "error", "gap", "rate"), trials=trials)


GAPS, ERRORS = curve("few", "gap"), curve("few", "error")
CLAIMS = (
    rule("fixed-overfit-less")
    .says(
        "With the first two of four hidden layers fixed, the network overfits less than with none."
    )
    .must(at(GAPS, 3) < first("few", "gap"), measures="Overfitting with two fixed minus with none"),
    detail("fixed-lower-error")
    .says("And has a lower test error.")
    .must(at(ERRORS, 3) < first("few", "error"), measures="Error with two fixed minus with none"),
    detail("the-more-fixed-the-less", kind="discrete")
    .says("The more layers are fixed, the less it overfits.")
    .must(rank_correlation(curve("few", "fixed"), GAPS) < -0.8),
    detail("all-fixed-lower-error")
    .says("With all hidden layers fixed the test error is lower than with none.")
    .must(last("few", "error") < first("few", "error")),
)

RECIPE = Recipe(
    slug="frozen-layers",
    version=2,
    question="Does a network that is fine-tuned on few data overfit less with layers fixed?",
    sources=Source("hyperparameters-notes", "Fine-tuning (transfer learning)"),
    data="cifar10",
    arms=(Arm("few", "a hundredth of the new images"),),
    scales=(
        Scale(
            "quick",
            n_train=15_000,
            n_test=4_000,
            share=0.01,
            draws=2,
            source_epochs=6,
            epochs=3,
            passes=20,
        ),
        Scale("full", share=0.01, draws=5, source_epochs=20, epochs=5, passes=20),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Few new images, layers fixed", ("gap", "error"), x="fixed"),
    metrics=(
        Metric("fixed", "hidden layers that are fixed"),
        Metric("gap", "test loss minus training loss", "nats", "number fixed"),
        Metric("error", "test error", "percent", "number fixed"),
        Metric("train_error", "training error", "percent"),
        Metric("rate", "mean of the best rates", "", "number fixed"),
    ),
)
