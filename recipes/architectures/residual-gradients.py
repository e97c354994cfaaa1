"""In front of a residual block a gradient is what it is behind it, plus what came by the branch.

Source: "Training" (notes on hyper-parameters), section "Skip Connection"
Data:   none (standard normal inputs of random classes)
Cost:   quick 3 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 4 s (one of two workers, Intel Xeon)
Replay: reprise run residual-gradients --scale full

Blocks x + branch(x), 64 wide, whose branch is a ReLU layer and a linear one, and the same branches
without the identity beside them, in front of a layer to ten classes; Glorot's weights, no training.
Gradients are those of the cross-entropy of 100 inputs.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import equal, first, gradients, maximum, metric, rule

WIDTH, LOSS = 64, keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def block(x, beside, seeds, name, empty=False):
    """A branch of `x`, beside the identity of `beside` if there is one; an empty one is zero."""
    one, two = (keras.initializers.GlorotUniform(seeds.weights(f"{name}/{n}")) for n in (1, 2))
    x = keras.layers.Dense(WIDTH, "relu", kernel_initializer=one)(x)
    x = keras.layers.Dense(WIDTH, kernel_initializer="zeros" if empty else two)(x)
    return x if beside is None else keras.layers.Add()([beside, x])


def flows(arm, replicate, blocks, empty=False, apart=False):
    """The gradients at the first block's input and at each block's output, (100, 64) each.

    With `apart` the first branch has an input of its own, whose gradient comes last.
    """
    inputs, seeds = [keras.Input((WIDTH,)) for _ in range(blocks + 1 + apart)], replicate.seeds
    x = inputs[0]
    for number in range(blocks):
        source = inputs[-1] if apart and number == 0 else x
        x = block(source, x if arm.residual else None, seeds, f"block{number}", empty)
        x = keras.layers.Add()([x, inputs[number + 1]])  # zeros: its gradient is the output's
    head = keras.initializers.GlorotUniform(seeds.weights("head"))
    model = keras.Model(inputs, keras.layers.Dense(10, kernel_initializer=head)(x))
    draw = seeds.generator("data")
    x, y = draw.standard_normal((100, WIDTH), "float32"), draw.integers(0, 10, 100).astype("int32")
    given = [x, *[np.zeros_like(x)] * blocks, *[x] * apart]
    return gradients(model, given, y, LOSS).inputs


def far(one, other):
    """The largest difference over the largest number."""
    return np.abs(one - other).max() / np.abs(other).max()


def measure(arm, replicate):
    through, output = flows(arm, replicate, 1)
    empty, empty_output = flows(arm, replicate, 1, empty=True)
    metrics = {
        "off_empty": far(empty, empty_output),
        "through_empty": np.linalg.norm(empty) / np.linalg.norm(empty_output),
    }
    if arm.residual:
        beside, _, branch = flows(arm, replicate, 1, apart=True)
        metrics |= {"off_sum": far(beside + branch, through), "off_beside": far(beside, output)}
    sizes = [np.linalg.norm(flow) for flow in flows(arm, replicate, replicate.scale.blocks)]
    return Measurement(metrics, {"gradient": np.array(sizes) / sizes[-1]})


EXACT = {"kind": "exact", "expectation": "MATH"}
OFF = maximum(metric("residual", "off_sum"), metric("residual", "off_beside"))
CLAIMS = (
    rule("gradient-is-a-sum", **EXACT)
    .says("The gradient in front of a block is that behind it plus that through the branch.")
    .must(OFF < 1e-5, equal(1)),
    rule("gradient-past-an-empty-branch", **EXACT)
    .says("Past a branch of zeros it is that behind the block.")
    .must(metric("residual", "off_empty") < 1e-5, equal(1)),
    detail("no-gradient-without-identity", **EXACT)
    .says("Without the identity beside it no gradient passes a branch of zeros.")
    .must(metric("plain", "through_empty"), equal(0)),
    detail("more-is-left-with-identity", kind="positive")
    .says("In front of a stack of blocks more is left of the gradient than without the identity.")
    .must(first("residual", "gradient") / first("plain", "gradient") > 1),
)

RECIPE = Recipe(
    slug="residual-gradients",
    version=1,
    question="What does a gradient become on its way through a residual block?",
    sources=Source("hyperparameters-notes", "Skip Connection"),
    arms=(
        Arm("plain", "branches alone", residual=False),
        Arm("residual", "branches beside the identity", residual=True),
    ),
    scales=(Scale("quick", blocks=20), Scale("full", blocks=100)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Gradient at each block, from the input on", Panel("gradient", log=True)),
    metrics=(
        Metric("off_sum", "distance of the sum of both gradients", "ratio"),
        Metric("off_beside", "distance of the gradient through the identity", "ratio"),
        Metric("off_empty", "distance of the gradient past a branch of zeros", "ratio"),
        Metric("through_empty", "gradient past a branch of zeros over that behind it", "ratio"),
        Metric("gradient", "size of the gradient over that behind the last", "ratio", "block"),
    ),
)
