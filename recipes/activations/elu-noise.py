"""The ELU, which saturates below zero, is a little more robust to noise than the leaky ReLU.

Source: "Deep Network Components & Training" (after CS231n), slide "Exponential Linear Units (ELU)"
Data:   cifar10, standardised
Cost:   quick 35 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run elu-noise --scale full

The slide names no noise. Here it is normal, added to the pixels of the test images, of a tenth to
once their deviation; robust is what loses less accuracy. The network is that of activation-ranking,
each arm at the best of three rates, chosen on half of the clean test images from one draw of the
weights and judged on the other half from others. The slides have two slopes of the leaky ReLU. The
exact part is the slide's reason: how much of a small noise a unit hands on.
"""

import keras
import numpy as np
from scipy.stats import norm

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, detail
from keras_reprise import evaluate, metric, rule
from keras_reprise.models import activated
from keras_reprise.rates import Restartable, tuned

NOISES, RATES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0), (0.00125, 0.005, 0.02)
BELOW = norm.ppf((np.arange(50_000) + 0.5) / 100_000)  # of normal numbers those below zero


def measure(arm, replicate):
    data, draw = replicate.dataset().standardised(), replicate.seeds.generator("data")
    half = len(data.y_test) // 2
    images, labels = data.x_test[half:], data.y_test[half:]
    noise = draw.standard_normal(images.shape, "float32")
    layers = {"convolutions": (16, 32), "dense": (64,), "slope": arm.slope}

    def build(seeds):
        return activated(seeds, data.image_shape, data.classes, arm.activation, **layers)

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + replicate.scale.draws)

    def judge(history):
        wrong = [evaluate(network.model, images + s * noise, labels)[1] for s in NOISES]
        return {"accuracy": 100 * (1 - np.mean(wrong, axis=1))}

    trials, best = tuned(network, RATES, replicate.scale.epochs, judge, batch_size=50)
    handed_on = np.exp(BELOW) if arm.activation == "elu" else np.full_like(BELOW, arm.slope)
    metrics = {
        "rate": best["rate"],
        "clean": best["accuracy"][0],
        "noisy": best["accuracy"][1:].mean(),
        "handed_on": (handed_on**2).mean() ** 0.5,
        "handed_on_far_below": np.exp(-10.0) if arm.activation == "elu" else arm.slope,
    }
    return Measurement(metrics, {"noise": NOISES, "accuracy": best["accuracy"]}, trials=trials)


def lost(arm):
    """Accuracy that noise costs, mean over its levels."""
    return metric(arm, "clean") - metric(arm, "noisy")


LEAKY = "Leaky ReLU, Parametric Rectifier (PReLU)"
CLAIMS = (
    rule("elu-loses-less")
    .says("Noise costs a network with the ELU less accuracy than one with the leaky ReLU.")
    .must(lost("elu") < lost("leaky"), measures="Accuracy that noise costs, ELU minus leaky ReLU"),
    detail("elu-loses-less-than-slope-0-1", "Activation Functions")
    .says("And less than one with the leaky ReLU of slope 0.1.")
    .must(
        lost("elu") < lost("leaky-steep"),
        measures="Accuracy that noise costs, ELU minus leaky ReLU of slope 0.1",
    ),
    detail("elu-is-better-under-noise")
    .says("Under noise it is more accurate than the leaky ReLU.")
    .must(metric("elu", "noisy") > metric("leaky", "noisy")),
    detail("saturated-unit-hands-on-less", kind="exact", expectation="MATH")
    .says("Far below zero, at -10, the ELU hands on less of a small noise than the leaky ReLU.")
    .must(metric("elu", "handed_on_far_below") < metric("leaky", "handed_on_far_below")),
    detail("unit-below-zero-hands-on-less", kind="exact", expectation="FALSE-AS-STATED")
    .says("It does so over all that a standard normal input is below zero.")
    .must(metric("elu", "handed_on") < metric("leaky", "handed_on")),
)

RECIPE = Recipe(
    slug="elu-noise",
    version=1,
    question="Is the ELU more robust to noise than the leaky ReLU?",
    sources=(
        Source("cs231n-slides", "Exponential Linear Units (ELU)"),
        Source("cs231n-slides", "Activation Functions"),
    ),
    data="cifar10",
    arms=(
        Arm("leaky", "max(0.01 x, x)", activation="leaky", slope=0.01),
        Arm("leaky-steep", "max(0.1 x, x)", activation="leaky", slope=0.1),
        Arm("elu", "exp(x) - 1 below 0", activation="elu", slope=0.0),
    ),
    scales=(
        Scale("quick", n_train=4_000, n_test=4_000, epochs=5, draws=2),
        Scale("full", n_train=20_000, epochs=15, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Accuracy under noise", "accuracy", x="noise"),
    metrics=(
        Metric("accuracy", "test accuracy", "percent", "noise"),
        Metric("noise", "deviation of the noise over that of the pixels"),
        Metric("clean", "test accuracy without noise", "percent"),
        Metric("noisy", "test accuracy under noise, mean over six levels", "percent"),
        Metric("handed_on", "part of a small noise that is handed on below zero"),
        Metric("handed_on_far_below", "part of a small noise that is handed on at -10"),
    ),
)
