"""A sigmoid's exponential takes time, a ReLU hardly any; of a convnet's update both are little.

Source: "Deep Network Components & Training" (after CS231n), slides "Sigmoid", "ReLU (Rectified
        Linear Unit)", "Leaky ReLU, Parametric Rectifier (PReLU)" and "Exponential Linear Units"
Data:   none (standard normal numbers)
Cost:   quick 10 s per replicate (2 idle cores of an AMD EPYC, TensorFlow 2.21);
        full 50 s (2 idle cores of an Intel Xeon)
Replay: reprise run activation-cost --scale full

Seconds are medians of single compiled calls of a layer. The exponential is in the forward pass. The
convnet is that of relu-vs-tanh-25pct; what its activations take of a forward and backward pass is
measured layer by layer, the call of an empty layer taken off.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import metric, rule, timed_calls
from keras_reprise.activations import FORMULAS, activation_layer
from keras_reprise.models import activated_convnet

IMAGES = (100, 32, 32, 3)


def measure(arm, replicate):
    scale, draw = replicate.scale, replicate.seeds.generator("data")

    def median_s(model, x, backward):
        budget = {"calls": scale.calls, "budget_s": scale.budget_s}
        return float(np.median(timed_calls(model, x, backward=backward, **budget)))

    def layer_s(name, shape, backward):
        x = draw.standard_normal(shape, "float32")
        return median_s(
            keras.Sequential([keras.Input(shape[1:]), activation_layer(name)]), x, backward
        )

    def per_element(elements):
        shape = (64, elements // 64)
        forward, step = (1e9 * layer_s(arm.name, shape, on) / elements for on in (False, True))
        return {"forward_ns": forward, "step_ns": step}

    trials = replicate.sweep([{"elements": elements} for elements in scale.sizes], per_element)
    convnet = activated_convnet(replicate.seeds, IMAGES[1:], 10, (32, 32, 64), arm.name)
    outputs = [layer.output.shape[1:] for layer in convnet.layers[1:9:3]]
    shapes = [(IMAGES[0], *shape) for shape in outputs]
    taken = sum(layer_s(arm.name, one, True) - layer_s("linear", one, True) for one in shapes)
    whole = median_s(convnet, draw.standard_normal(IMAGES, "float32"), True)
    metrics = {"share": 100 * taken / whole, "convnet_s": whole}
    curves = trials.curves("elements", "forward_ns", "step_ns")
    for name in ("forward_ns", "step_ns"):
        metrics[name] = np.exp(np.log(curves[name]).mean())
    return Measurement(metrics, curves)


SIGMOID, RELU = "Sigmoid", "ReLU (Rectified Linear Unit)"
LEAKY = "Leaky ReLU, Parametric Rectifier (PReLU)"
ELU = "Exponential Linear Units (ELU)"


def dearer(arm, than, name="forward_ns"):
    return metric(arm, name) / metric(than, name)


CLAIMS = (
    rule("exp-is-dear", SIGMOID, kind="positive", expectation="HW")
    .says("A sigmoid takes longer than a ReLU.")
    .must(dearer("sigmoid", "relu") > 1.0),
    rule("elu-needs-exp", ELU, kind="positive", expectation="HW")
    .says("So does an ELU, which has an exponential, too.")
    .must(dearer("elu", "relu") > 1.0),
    *(
        rule(f"{name}-is-cheap", where, expectation="HW")
        .says(f"The {words} takes less than a tenth of a convnet's forward and backward pass.")
        .must(metric(arm, "share") < 10)
        for name, arm, words, where in (
            ("relu", "relu", "ReLU", RELU),
            ("leaky", "leaky-relu", "leaky ReLU", LEAKY),
        )
    ),
    *(
        detail(f"{arm}-is-little-of-a-convnet", where, expectation="HW")
        .says(f"So does {arm}, in spite of its exponential.")
        .must(metric(arm, "share") < 10)
        for arm, where in (("sigmoid", SIGMOID), ("tanh", "tanh"), ("elu", ELU))
    ),
    detail("sigmoid-dearer-both-ways", SIGMOID, kind="positive", expectation="HW")
    .says("A sigmoid takes longer than a ReLU forward and backward, too.")
    .must(dearer("sigmoid", "relu", "step_ns") > 1.0),
    detail("elu-dearer-than-leaky", ELU, kind="positive", expectation="HW")
    .says("An ELU takes longer than a leaky ReLU.")
    .must(dearer("elu", "leaky-relu") > 1.0),
)
NANOSECONDS = tuple(Panel(name, log=True) for name in ("forward_ns", "step_ns"))

RECIPE = Recipe(
    slug="activation-cost",
    version=1,
    question="How much time do activation functions take?",
    sources=tuple(Source("cs231n-slides", title) for title in (SIGMOID, RELU, LEAKY, ELU)),
    arms=tuple(Arm(name, words) for name, words in FORMULAS.items()),
    scales=(
        Scale("quick", sizes=(2**18, 2**20, 2**22), calls=50, budget_s=0.2),
        Scale("full", sizes=(2**16, 2**18, 2**20, 2**22, 2**24), calls=200, budget_s=1.0),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Time of an activation", NANOSECONDS, x="elements", x_log=True),
    metrics=(
        Metric("elements", "elements"),
        Metric("forward_ns", "forward pass", "ns an element", "size"),
        Metric("step_ns", "forward and backward pass", "ns an element", "size"),
        Metric("share", "share of a convnet's forward and backward pass", "percent"),
        Metric("convnet_s", "forward and backward pass of the convnet", "s"),
    ),
    timing=True,
)
