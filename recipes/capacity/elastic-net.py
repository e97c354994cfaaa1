"""Of two copies of a feature L1 leaves any split of the weight alone, the elastic net evens it out.

Source: "Deep Network Components & Training", slide "Common regularization techniques";
        why it groups what is alike: Zou and Hastie (2005)
Data:   none (a hundred standard normal numbers)
Cost:   quick 4 s per replicate, full 6 s (2 cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run elastic-net --scale full

The slide prints the penalty, the sum of beta w^2 + |w|, without a number; lambda 0.1 and beta 1 are
ours. One unit of Keras, with its L1L2 regulariser, is given a feature twice and has the feature
itself for its target. All splits of a weight of 0.8 predict alike. Gradient descent on all examples
begins at 0.7 and 0.1.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Recipe, Scale, Source, argmin
from keras_reprise import at, curve, detail, equal, maximum, metric, minimum, near, rule, train

LAMBDA, SPLITS = 0.1, np.linspace(0, 1, 21)


def measure(arm, replicate):
    feature = replicate.seeds.generator("data").standard_normal((100, 1), "float32")
    data = Dataset.of(
        "two copies", np.hstack([feature] * 2), feature, feature[:1, [0, 0]], feature[:1]
    )
    penalty = keras.regularizers.L1L2(LAMBDA, LAMBDA * arm.beta)
    layer = keras.layers.Dense(1, use_bias=False, kernel_regularizer=penalty)
    model, losses, differences = keras.Sequential([keras.Input((2,)), layer]), [], []
    for split in SPLITS:
        weights = 0.8 * np.array([[split], [1 - split]])
        layer.set_weights([weights])
        penalty_here = float(keras.ops.convert_to_numpy(sum(model.losses)))
        printed = LAMBDA * (arm.beta * weights**2 + abs(weights)).sum()
        differences.append(abs(penalty_here / printed - 1))
        outputs = keras.ops.convert_to_numpy(model(data.x_train))
        losses.append(((outputs - feature) ** 2).mean() + penalty_here)
    layer.set_weights([np.array([[0.7], [0.1]])])
    sgd, epochs = keras.optimizers.SGD(0.1), replicate.scale.epochs
    train(model, data, replicate, optimizer=sgd, loss="mse", batch_size=100, epochs=epochs)
    one, other = layer.get_weights()[0][:, 0]
    metrics = {"differs": max(differences), "apart": abs(float(one) - float(other))}
    return Measurement(metrics, {"split": SPLITS, "loss": losses})


CLAIMS = (
    rule("keras-has-the-printed-penalty", kind="exact")
    .says("Keras's L1L2 gives the printed penalty of the elastic net.")
    .must(metric("elastic-net", "differs") < 1e-5, equal(1)),
    rule("l1-leaves-any-split", kind="exact")
    .says("Under L1 every split of the weight over two copies of a feature costs the same.")
    .must(maximum("l1", "loss") - minimum("l1", "loss") < 1e-5, equal(1)),
    rule("elastic-net-wants-equal-weights", kind="exact")
    .says("Under the elastic net equal weights cost the least.")
    .must(at(curve("elastic-net", "split"), argmin("elastic-net", "loss")), equal(0.5)),
    detail("l1-keeps-the-difference", kind="exact")
    .says("Gradient descent under L1 keeps weights as far apart as they were.")
    .must(metric("l1", "apart"), near(0.6, absolute=1e-4)),
    detail("elastic-net-evens-it-out", kind="exact")
    .says("Under the elastic net it ends at equal ones.")
    .must(metric("elastic-net", "apart") < 1e-3, equal(1)),
)

RECIPE = Recipe(
    slug="elastic-net",
    version=1,
    question="How do L1 and the elastic net split a weight over two copies of a feature?",
    sources=Source("cs231n-slides", "Common regularization techniques"),
    arms=(
        Arm("l1", "L1, that is beta 0", beta=0.0),
        Arm("elastic-net", "L1 and L2, beta 1", beta=1.0),
    ),
    scales=(Scale("quick", epochs=500, seeds=1), Scale("full", epochs=2_000, seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Penalised loss over the split of the weight", "loss", x="split"),
    metrics=(
        Metric("loss", "penalised loss", "", "split"),
        Metric("split", "share of the weight on the first copy"),
        Metric("differs", "distance of Keras's penalty over the printed one from 1"),
        Metric("apart", "difference of the two weights after training"),
    ),
)
