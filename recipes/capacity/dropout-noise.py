"""Dropout makes a network more robust to noise.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Dropout Regularization"
Data:   cifar10, standardised, flattened
Cost:   quick 61 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run dropout-noise --scale full

The slide does not say what noise. Here it is normal, on the pixels of the test images, of a quarter
to twice their deviation, or on all matrices of the trained network, of a quarter to twice the
deviation of each; robust is what loses less accuracy, mean over four levels. The network is
3072-200-200-10 with ReLUs and dropout after each hidden layer. Each arm has its best learning rate,
which lies between others that are worse, or is as good as one that does, chosen on half of the
clean test images from one draw of the weights and judged on the other half from others.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import detail, evaluate, metric, rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable, searched

RATES, NOISES = (0.003, 0.01, 0.03), (0.0, 0.25, 0.5, 1.0, 2.0)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    half, draw = len(data.y_test) // 2, replicate.seeds.generator("data")
    images, labels = data.x_test[half:], data.y_test[half:]
    noise, sizes = draw.standard_normal(images.shape, "float32"), (data.image_shape[0], [200, 200])

    def build(seeds):
        return normalised_dense(seeds, *sizes, data.classes, "relu", "none", arm.rate)

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + scale.draws)
    model = network.model
    shaken = [draw.standard_normal(one.shape) * (one.ndim > 1) for one in model.get_weights()]

    def judge(history):
        def accuracy(pixels, weights):
            before = model.get_weights()
            after = zip(before, shaken, strict=True)
            model.set_weights([one + weights * one.std() * move for one, move in after])
            wrong = evaluate(model, images + np.float32(pixels) * noise, labels)[1]
            model.set_weights(before)
            return 100 * (1 - wrong.mean())

        return {
            "by_pixels": np.array([accuracy(level, 0.0) for level in NOISES]),
            "by_weights": np.array([accuracy(0.0, level) for level in NOISES]),
        }

    options = {"batch_size": 50, "order": Order(passes=scale.passes)}
    trials, best = searched(network, RATES, scale.looks, judge, **options)
    pixels, weights = best["by_pixels"], best["by_weights"]
    metrics = {"clean": pixels[0], "rate": best["rate"]}
    metrics |= {"lost_pixels": pixels[0] - pixels[1:].mean()}
    metrics |= {"lost_weights": weights[0] - weights[1:].mean()}
    curves = {"noise": NOISES, "by_pixels": pixels, "by_weights": weights}
    return Measurement(metrics, curves, trials=trials)


def share(arm, lost):
    """Of what is right beyond chance, 10 %."""
    return metric(arm, lost) / (metric(arm, "clean") - 10)


CLAIMS = (
    rule("loses-less-to-noisy-pixels")
    .says("Noise on the pixels costs a network trained with dropout less accuracy.")
    .must(metric("half", "lost_pixels") < metric("none", "lost_pixels")),
    rule("loses-less-to-noisy-weights")
    .says("So does noise on the weights.")
    .must(metric("half", "lost_weights") < metric("none", "lost_weights")),
    detail("more-dropout-loses-less-to-noisy-pixels")
    .says("Noise on the pixels costs less with half of the units dropped than with a fifth.")
    .must(metric("half", "lost_pixels") < metric("fifth", "lost_pixels")),
    detail("more-dropout-loses-less-to-noisy-weights")
    .says("So does noise on the weights.")
    .must(metric("half", "lost_weights") < metric("fifth", "lost_weights")),
    detail("loses-a-smaller-share-to-noisy-pixels")
    .says("Of the accuracy beyond chance noise on the pixels takes a smaller share with dropout.")
    .must(100 * (share("half", "lost_pixels") - share("none", "lost_pixels")) < 0, unit="points"),
    detail("loses-a-smaller-share-to-noisy-weights")
    .says("So does noise on the weights.")
    .must(100 * (share("half", "lost_weights") - share("none", "lost_weights")) < 0, unit="points"),
)

RECIPE = Recipe(
    slug="dropout-noise",
    version=3,
    question="Does a network trained with dropout lose less accuracy to noise?",
    sources=Source("dl-recap-slides", "Dropout Regularization"),
    data="cifar10",
    arms=(
        Arm("none", "without dropout", rate=0.0),
        Arm("fifth", "a fifth dropped", rate=0.2),
        Arm("half", "half dropped", rate=0.5),
    ),
    scales=(
        Scale("quick", n_train=1_200, n_test=2_000, looks=4, passes=4, draws=2),
        Scale("full", n_train=20_000, looks=10, passes=3, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Accuracy under noise", (Panel("by_pixels"), Panel("by_weights")), x="noise"),
    metrics=(
        Metric("noise", "relative deviation of the noise"),
        Metric("by_pixels", "accuracy, noisy pixels", "percent", "noise"),
        Metric("by_weights", "accuracy, noisy weights", "percent", "noise"),
        Metric("clean", "test accuracy without noise", "percent"),
        Metric("lost_pixels", "accuracy lost to noisy pixels", "points"),
        Metric("lost_weights", "accuracy lost to noisy weights", "points"),
        Metric("rate", "best learning rate"),
    ),
)
