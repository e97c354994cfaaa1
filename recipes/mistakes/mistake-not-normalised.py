"""Without normalised data a network at the usual learning rate learns badly or not at all.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Common Mistakes"
Data:   cifar10, standardised, scaled to 0 to 1, minus the mean image, and as stored
Cost:   quick 27 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 4 min (one of two workers, Intel Xeon)
Replay: reprise run mistake-not-normalised --scale full

The slide names the mistake alone. The usual rate is 0.1, at which the small convnet of
cifar10-lr-drop trains; the other rates show where pixels as stored would learn.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, between, detail
from keras_reprise import maximum, metric, rule
from keras_reprise.models import small_convnet
from keras_reprise.rates import Restartable

USUAL, RATES = 0.1, (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def measure(arm, replicate):
    stored = replicate.dataset()
    prepared = {"standardised": stored.standardised, "minus-mean": stored.mean_image_subtracted}
    data = prepared[arm.name]() if arm.name in prepared else stored

    def build(seeds):
        convnet = small_convnet(seeds, data.image_shape, data.classes)
        first = [keras.layers.Rescaling(1 / 255)] if arm.name == "zero-to-one" else []
        return keras.Sequential([keras.Input(data.image_shape), *first, *convnet.layers])

    network = Restartable(build, data, replicate)

    def trained(rate):
        history = network.train(rate, replicate.scale.epochs)
        accuracy = 100 * (1 - history.test_wrong[-1].mean())  # of what is left where it diverged
        return {"accuracy": accuracy, "diverged": float(history.diverged)}

    rates = RATES if arm.all_rates else (USUAL,)
    trials = replicate.sweep([{"rate": rate} for rate in rates], trained)
    usual, accuracies = trials[rates.index(USUAL)], trials.column("accuracy")
    best = max(trials, key=lambda trial: trial["accuracy"])["rate"]
    metrics = {"accuracy": usual["accuracy"], "diverged": usual["diverged"], "best_rate": best}
    return Measurement(metrics, {"rate": rates, "accuracy_by_rate": accuracies}, trials=trials)


CLAIMS = (
    rule("costs-accuracy")
    .says("At the usual rate pixels as stored learn worse than standardised ones.")
    .must(metric("standardised", "accuracy") > metric("as-stored", "accuracy")),
    detail("not-at-all", kind="discrete")
    .says("At the usual rate pixels as stored do not get beyond guessing one of ten classes.")
    .must(metric("as-stored", "accuracy"), between(8.0, 12.0)),
    detail("zero-to-one-helps")
    .says("Scaling to 0 to 1 is enough to do better at the usual rate.")
    .must(metric("zero-to-one", "accuracy") > metric("as-stored", "accuracy")),
    detail("minus-mean-is-not-enough")
    .says("Subtracting the mean image alone still does worse than standardising.")
    .must(metric("standardised", "accuracy") > metric("minus-mean", "accuracy")),
    detail("rate-has-to-fit-the-units", kind="discrete")
    .says("The rate that suits pixels as stored best is a hundredth of the usual one or less.")
    .must(USUAL / metric("as-stored", "best_rate") > 99.0),
    detail("learns-at-a-rate-that-fits")
    .says("At the best of six rates pixels as stored learn: twice as well as guessing.")
    .must(maximum("as-stored", "accuracy_by_rate") > 20.0),
)

RECIPE = Recipe(
    slug="mistake-not-normalised",
    version=1,
    question="What does a network learn at the usual rate from data that are not normalised?",
    sources=Source("dl-recap-slides", "Common Mistakes"),
    data="cifar10",
    arms=(
        Arm("standardised", "pixels of mean 0 and deviation 1", all_rates=True),
        Arm("zero-to-one", "pixels from 0 to 1", all_rates=False),
        Arm("minus-mean", "pixels from 0 to 255 minus the mean image", all_rates=False),
        Arm("as-stored", "pixels from 0 to 255", all_rates=True),
    ),
    scales=(Scale("quick", n_train=3_000, n_test=1_000, epochs=2), Scale("full", epochs=3)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Accuracy by rate", "accuracy_by_rate", x="rate", x_log=True),
    metrics=(
        Metric("accuracy", "test accuracy at the usual rate", "percent"),
        Metric("accuracy_by_rate", "test accuracy", "percent", "rate"),
        Metric("best_rate", "best of six rates", "per update"),
    ),
)
