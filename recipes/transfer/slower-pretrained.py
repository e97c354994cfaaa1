"""Pretrained weights want a smaller rate than the new classifier.

Source: "Training" (notes on hyper-parameters), section "When to fine-tune"
Data:   cifar10, standardised: bird, cat and deer to learn from, dog, frog and horse as new data
Cost:   quick 35 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run slower-pretrained --scale full

A small convnet learns three classes, then a fiftieth of the images of three others, with a new
last layer. Its hidden layers have the same rate as this, a tenth, a hundredth, or none. SGD with
momentum 0.9; each arm has its best rate of the last layer, searched for on half of the test images
and judged on the other half. Draws of the images are averaged.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, detail, first
from keras_reprise import metric, rule
from keras_reprise.transfer import NEW, SIMILAR, few_of, of_classes, pretrained, searched_errors

RATES = (0.01, 0.03)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    source = pretrained(replicate, of_classes(data, SIMILAR), scale.source_epochs)
    draw = replicate.seeds.generator("data")
    sets = [few_of(data, NEW, scale.share, draw) for _ in range(scale.draws)]
    settings = {"epochs": scale.epochs, "passes": scale.passes, "share": arm.share}
    found = [searched_errors(replicate, new, source, rates=RATES, **settings) for new in sets]
    names = ("error", "train_error", "moved", "rate")
    metrics = {name: np.mean([one[name] for one in found]) for name in names}
    return Measurement(metrics, {"errors": np.mean([one["errors"] for one in found], axis=0)})


def error(arm):
    return metric(arm, "error")


CLAIMS = (
    rule("smaller-rate-is-better")
    .says(
        "With a tenth of the rate for the pretrained layers the error is lower than with the same,"
        " each at its best rate."
    )
    .must(error("tenth") < error("same")),
    detail("lower-after-the-first-look")
    .says("So it is at the first look, while the classifier is still new.")
    .must(first("tenth", "errors") < first("same", "errors")),
    detail("same-rate-moves-them-more")
    .says("At the same rate the pretrained weights go further.")
    .must(metric("same", "moved") > metric("tenth", "moved")),
    detail("a-small-rate-beats-none")
    .says("A tenth of the rate is better than none.")
    .must(error("tenth") < error("none")),
    detail("hundredth-beats-same")
    .says("A hundredth of the rate, too, is better than the same.")
    .must(error("hundredth") < error("same")),
)

RECIPE = Recipe(
    slug="slower-pretrained",
    version=3,
    question="Should pretrained weights have a smaller rate than the new classifier?",
    sources=Source("hyperparameters-notes", "When to fine-tune"),
    data="cifar10",
    arms=(
        Arm("same", "the same rate for all layers", share=1.0),
        Arm("tenth", "a tenth for the pretrained ones", share=0.1),
        Arm("hundredth", "a hundredth for them", share=0.01),
        Arm("none", "they stay as they are", share=0.0),
    ),
    scales=(
        Scale(
            "quick",
            n_train=10_000,
            n_test=2_000,
            share=0.02,
            draws=1,
            source_epochs=5,
            epochs=5,
            passes=10,
        ),
        Scale("full", share=0.02, draws=3, source_epochs=20, epochs=10, passes=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error of the new classes", "errors"),
    metrics=(
        Metric("error", "test error", "percent"),
        Metric("errors", "test error", "percent", "look"),
        Metric("train_error", "training error", "percent"),
        Metric(
            "moved", "distance of the pretrained weights from their start over their size", "ratio"
        ),
        Metric("rate", "best rate of the last layer"),
    ),
)
