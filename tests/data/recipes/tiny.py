"""A tiny convnet learns more with a step than without; made for the tests

Source: tests
Data:   digits
Cost:   seconds
Replay: reprise run tests/data/recipes/tiny.py
"""

import os
import time

import keras

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, train
from keras_reprise.schedules import steps


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    seeds = replicate.seeds
    model = keras.Sequential(
        [
            keras.Input(data.image_shape),
            keras.layers.Dense(
                10, kernel_initializer=keras.initializers.GlorotUniform(seeds.weights("logits")), name="logits"
            ),
        ]
    )
    history = train(
        model,
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=steps({0: 0.01, replicate.scale.drop: arm.rate}),
        batch_size=50,
        epochs=replicate.scale.epochs,
        fork_at=(replicate.scale.drop,),
        probe=lambda: time.sleep(float(os.environ.get("TINY_SLEEP", "0"))) or {},
    )
    return Measurement(metrics=history.last, curves=history.curves, diverged=history.diverged)


def gain(arms, scale):
    """Last training loss of `drop` minus that of `constant`."""
    return arms["drop"].metrics["train_loss"] - arms["constant"].metrics["train_loss"]


RECIPE = Recipe(
    slug="tiny",
    version=1,
    question="Does the tiny network train?",
    sources=(Source("tests", "here"),),
    data="digits",
    arms=(Arm("constant", "0.01", rate=0.01), Arm("drop", "0.01, then 0.005", rate=0.005)),
    scales=(Scale("quick", n_train=220, n_test=60, epochs=6, drop=3, seeds=2), Scale("full", epochs=20, drop=10)),
    measure=measure,
    claims=(
        Claim("drop-is-slower", "A smaller step learns less.", "tests", gain, "nats", above=0.0),
        Claim(
            "seed-is-positive",
            "One exceeds zero.",
            "tests",
            lambda arms, scale: 1.0,
            above=0.0,
            exact=True,
            measures="One",
        ),
    ),
    figures=(Curves("Loss", panels=(Panel(("train_loss", "test_loss"), "loss"),)),),
)
