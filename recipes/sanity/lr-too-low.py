"""A loss that barely moves means a rate that is too low; that the accuracy rises all the same is softmax

Source: document 003 (003:493-534), with printed costs and accuracies of ten epochs
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 5 s per replicate, quick 6 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-too-low --scale full

Rate and penalty 1e-6, ten epochs of 490 updates at both scales (batches are drawn with replacement). A printed cost is that of
an epoch's last batch.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, near
from keras_reprise.two_layer import UPDATES, Trainer, costs

LN10 = math.log(10)
COSTS = (2.302576, 2.302582, 2.302558, 2.302519, 2.302517, 2.302518, 2.302466, 2.302452, 2.302459, 2.302420)
ACCURACIES = (0.103, 0.124, 0.138, 0.151, 0.171, 0.172, 0.176, 0.185, 0.192, 0.192)
ERRATA = {
    3: "X2: 003:496 prints 2.302588 for epoch 3, 003:510 and 003:522 print 2.302558, as the original does.",
    9: "X3: epoch 9 is missing or merged with epoch 10; the original has cost 2.302459 and validation accuracy 0.192.",
    10: "X3: 003:508 also prints 2.302450 for epoch 10; the original has 2.302420.",
}


def measure(arm, replicate):
    trainer = Trainer(replicate)
    history = trainer.train(1e-6, reg=1e-6, epochs=10, updates=UPDATES, decay=1.0)
    data = trainer.data
    probabilities = keras.ops.softmax(trainer.model(data.scaled(data.stored_test)))
    furthest = np.abs(keras.ops.convert_to_numpy(probabilities) - 0.1).max()
    return Measurement(
        metrics={"furthest_probability": furthest},
        curves={"cost": costs(history), "validation_accuracy": [1 - error for error in history.curves["test_error"]]},
        diverged=history.diverged,
    )


def at(name, epoch):
    return lambda arms, scale: arms["low"].curves[name][epoch - 1]


def moved(arms, scale):
    """Absolute difference of the costs of the first and the last epoch."""
    return abs(arms["low"].curves["cost"][-1] - arms["low"].curves["cost"][0])


RECIPE = Recipe(
    slug="lr-too-low",
    version=1,
    question="What does training look like when the learning rate is far too low?",
    sources=(Source("cs231n-slides", "003:493-534"),),
    data="cifar10",
    arms=(Arm("low", "rate 1e-6"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full")),
    measure=measure,
    claims=(
        Claim("loss-barely-moves", "In ten epochs the cost moves by less than a thousandth.", "003:511", moved, "nats", below=1e-3),
        Claim("accuracy-rises", "The accuracy rises all the same.", "003:534", at("validation_accuracy", 10), "fraction", above=0.15, measures="Validation accuracy after the last epoch"),
        Claim("accuracy-as-printed", "To about the printed value.", "003:508", at("validation_accuracy", 10), "fraction", **near(0.192, absolute=0.06), printed=0.192, erratum=ERRATA[9], measures="Validation accuracy after the last epoch"),
        Claim("probabilities-stay-diffuse", "Because the largest probability counts, however little it is above the others.", "003:534", lambda arms, scale: arms["low"].metrics["furthest_probability"], below=0.01, measures="Largest distance of a class probability from 0.1 on the validation images after training"),
        *(Claim(f"cost-{epoch}", f"The cost of epoch {epoch} is about the printed one.", "003:496-522", at("cost", epoch), "nats", **near(printed, absolute=5e-4), printed=printed, erratum=ERRATA.get(epoch), measures=f"Cost of the last batch of epoch {epoch}") for epoch, printed in enumerate(COSTS, start=1)),
    ),  # fmt: skip
    figures=(Curves("Training at a rate of 1e-6", panels=(Panel(("cost",), "cost (nats)", level=LN10, level_label="ln 10"), Panel(("validation_accuracy",), "validation accuracy (fraction)")), columns="overlay", printed={"cost": {"low": COSTS}, "validation_accuracy": {"low": ACCURACIES}}),),
)
