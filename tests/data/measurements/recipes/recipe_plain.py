"""Arithmetic only: a recipe that needs no data and takes no time

Source: tests
Data:   none
Cost:   nothing
Replay: reprise run tests/data/recipes/plain.py
"""

import os

from keras_reprise import Arm, Claim, Curves, Histogram, HistogramGrid, Measurement, Panel, Recipe, Scale, Source


def measure(arm, replicate):
    if os.environ.get("PLAIN_FAILS") == arm.name:
        raise RuntimeError("could not open /home/somebody/secret/file.txt")
    noise = replicate.seeds.generator("data", arm.name).standard_normal(200)
    value = arm.value + 0.01 * noise[0]
    return Measurement(
        metrics={"value": value},
        curves={"rising": [1.0, 2.0, value]},
        histograms={"noise_a": Histogram.of(noise, -3.0, 3.0, 12)},
        diverged=os.environ.get("PLAIN_DIVERGES") == arm.name,
    )


def value(arms, scale):
    """Value of `two`."""
    return arms["two"].metrics["value"]


RECIPE = Recipe(
    slug="plain",
    version=1,
    question="What is two?",
    sources=(Source("tests", "here"),),
    arms=(Arm("one", "one <b>bold</b>", value=1.0), Arm("two", "two", value=2.0)),
    scales=(Scale("quick"), Scale("full", seeds=12)),
    measure=measure,
    claims=(
        Claim("two-is-two", "Two is two.", "tests", value, above=1.9, below=2.1, log=True, printed=2.0),
        Claim("two-is-three", "Two is three.", "tests", value, above=2.9, below=3.1, erratum="X0: it is two"),
    ),
    figures=(
        Curves(
            "Rising",
            panels=(Panel(("rising",), "value", log=True),),
            columns="overlay",
            x_label="index",
            printed={"rising": {"one": [1.0, 2.0, 1.0]}},
        ),
        HistogramGrid("Noise", ("a",), ("noise",), "value"),
    ),
)
