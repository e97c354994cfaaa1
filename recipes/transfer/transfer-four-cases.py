"""How to use a pretrained network depends on the new data.

Source: "Training" (notes on hyper-parameters), section "When to fine-tune"
Data:   cifar10, standardised: dog, frog and horse as new data; similar ones to learn from are bird,
        cat and deer, different ones airplane, automobile and ship
Cost:   quick 40 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run transfer-four-cases --scale full

A small convnet learns the classes to learn from. Then the new ones are told apart by logistic
regression on its last hidden layer, or on an earlier one, by training all of it on, or from random
weights. Few data are a hundredth of the new images, many are all (a quarter of them, if quick).
Logistic regression has the best of three penalties, training its best rate, searched for; they and
the earlier layer are chosen on half of the test images and judged on the other half. Errors with
few data are means over draws of them.
"""

import numpy as np

from keras_reprise import Arm, HeatMap, Measurement, Metric, Recipe, Scale, Source, column, detail
from keras_reprise import first, keep, rule, same
from keras_reprise.transfer import DIFFERENT, NEW, SIMILAR, few_of, linear_errors, of_classes
from keras_reprise.transfer import pretrained, searched_errors

RATES, EARLIER = (0.003, 0.01), (2, 3)
WAYS = ("last layer", "earlier layer", "fine-tuned", "scratch")


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    source = pretrained(replicate, of_classes(data, arm.classes), scale.source_epochs)
    draw = replicate.seeds.generator("data")
    sets = {"few": [few_of(data, NEW, scale.few, draw) for _ in range(scale.draws)]}
    sets["many"] = [few_of(data, NEW, scale.many, draw)]
    lengths = {"few": (scale.few_epochs, scale.few_passes), "many": (scale.epochs, 1)}

    def adapted(new, way, epochs, passes):
        if way == "last layer":
            return linear_errors(source, new, 4)
        if way == "earlier layer":
            found = [linear_errors(source, new, hidden) for hidden in EARLIER]
            return min(found, key=lambda one: one["choice"])
        settings = {"rates": RATES, "epochs": epochs, "passes": passes}
        return searched_errors(replicate, new, source if way == "fine-tuned" else None, **settings)

    def errors(data, way):
        """Test and training error and the best rate, where there is one, means of the draws."""
        found = [adapted(new, way, *lengths[data]) for new in sets[data]]
        names = [name for name in ("error", "train_error", "rate") if name in found[0]]
        return {name: np.mean([one[name] for one in found]) for name in names}

    settings = [{"data": amount, "way": way} for amount in sets for way in WAYS]
    return Measurement(trials=replicate.sweep(settings, errors))


def found(arm, amount, way, name="error"):
    chosen = same(column(arm, "data"), amount) & same(column(arm, "way"), way)
    return first(keep(column(arm, name), chosen))


def gap(arm, amount, way):
    """Test minus training error."""
    return found(arm, amount, way) - found(arm, amount, way, "train_error")


LAST, EARLY, TUNED, SCRATCH = WAYS
CLAIMS = (
    rule("few-and-similar")
    .says("Few and similar data: a linear classifier on the last layer beats fine-tuning.")
    .must(found("similar", "few", LAST) < found("similar", "few", TUNED)),
    rule("many-and-similar")
    .says("Many and similar data: fine-tuning beats a linear classifier on the last layer.")
    .must(found("similar", "many", TUNED) < found("similar", "many", LAST)),
    rule("few-and-different")
    .says("Few and different data: features of an earlier layer beat those of the last.")
    .must(found("different", "few", EARLY) < found("different", "few", LAST)),
    rule("few-and-different-linear")
    .says("And a linear classifier on them beats fine-tuning.")
    .must(found("different", "few", EARLY) < found("different", "few", TUNED)),
    rule("many-and-different")
    .says("Many and different data: fine-tuning beats training from random weights.")
    .must(found("different", "many", TUNED) < found("different", "many", SCRATCH)),
    detail("many-can-be-trained-from-scratch")
    .says("Many and different data: training from random weights beats the last layer's features.")
    .must(found("different", "many", SCRATCH) < found("different", "many", LAST)),
    detail("few-overfit-when-fine-tuned")
    .says(
        "Fine-tuned on few and similar data, test and training error differ by more than on many."
    )
    .must(gap("similar", "few", TUNED) > gap("similar", "many", TUNED)),
    detail("similar-serve-better")
    .says("With few data the last layer of similar classes is better than that of different ones.")
    .must(found("similar", "few", LAST) < found("different", "few", LAST)),
    detail("few-and-similar-last-layer")
    .says("Few and similar data: the last layer's features beat those of an earlier layer.")
    .must(found("similar", "few", LAST) < found("similar", "few", EARLY)),
)

RECIPE = Recipe(
    slug="transfer-four-cases",
    version=3,
    question="Which way of transfer suits few or many, similar or different data?",
    sources=Source("hyperparameters-notes", "When to fine-tune"),
    data="cifar10",
    arms=(
        Arm("similar", "from bird, cat and deer", classes=SIMILAR),
        Arm("different", "from airplane, automobile and ship", classes=DIFFERENT),
    ),
    scales=(
        Scale(
            "quick",
            n_train=10_000,
            n_test=2_000,
            few=0.01,
            many=0.25,
            draws=2,
            source_epochs=6,
            few_epochs=1,
            few_passes=30,
            epochs=5,
        ),
        Scale(
            "full",
            few=0.01,
            many=1.0,
            draws=5,
            source_epochs=20,
            few_epochs=5,
            few_passes=20,
            epochs=20,
        ),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=HeatMap("Test error of the new classes", "way", "data", "error"),
    metrics=(
        Metric("data", "new data"),
        Metric("way", "way"),
        Metric("error", "test error", "percent"),
        Metric("train_error", "training error", "percent"),
        Metric("rate", "mean of the best rates"),
    ),
)
