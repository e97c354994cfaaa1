"""Recipes that do something wrong, and what a run makes of them; for the tests of it."""

import textwrap
from pathlib import Path

RECIPE = '''"""A recipe that does something wrong

Source: a user's notes
Data:   none
Cost:   nothing
Replay: reprise run ./wrong.py
"""

import os
import signal
import sys

import numpy as np

from keras_reprise import Arm, Claim, Histogram, Measurement, Recipe, Scale, Source


def wrong(arm, replicate):
{body}


def measure(arm, replicate):
    if arm.name == "wrong":
        return wrong(arm, replicate)
    return Measurement(metrics={{"value": 1.0, "x": replicate.scale.x, "rate": arm.rate}}, curves={{"loss": [2.0, 1.0]}})


def statistic(arms, scale):
{statistic}


RECIPE = Recipe(
    slug="wrong",
    version=1,
    question="?",
    sources=(Source("user", "notes"),),
    arms=(Arm("wrong", "", rate=0.5), Arm("right", "", rate=0.25)),
    scales=(Scale("quick", seeds=1, x=3.0), Scale("full", x=9.0)),
    measure=measure,
    claims=(
        Claim("odd", "Odd.", "notes", statistic, above=0.0, measures="A number"),
        Claim("even", "Even.", "notes", lambda arms, scale: arms["right"].metrics["value"], above=0.0, measures="One"),
    ),
)
'''


def write(
    folder: Path,
    body: str = 'return Measurement(metrics={"value": 1.0})',
    statistic: str = 'return arms["right"].metrics["value"]',
    name: str = "wrong.py",
) -> Path:
    """A recipe of two arms: `wrong` is measured by `body`, and the claim `odd` has this `statistic`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    indented = [textwrap.indent(textwrap.dedent(one).strip(), "    ") for one in (body, statistic)]
    path.write_text(RECIPE.format(body=indented[0], statistic=indented[1]), "utf-8")
    return path
