"""One arm is fine, the other does what FAULT says, as often as FAULT_TIMES says; made for the tests

Source: tests
Data:   none
Cost:   nothing
Replay: reprise run tests/data/recipes/faulty.py
"""

import os
import signal
import time
from pathlib import Path

import numpy as np

from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Source


def fault():
    """Do the fault, unless it was done often enough: each time leaves a line in the file FAULT_LOG."""
    log = Path(os.environ["FAULT_LOG"])
    before = log.read_text().splitlines() if log.exists() else []
    if len(before) >= int(os.environ.get("FAULT_TIMES", "1000000")):
        return
    log.write_text("\n".join([*before, "fault"]))
    kind = os.environ["FAULT"]
    if kind == "hang":
        time.sleep(3600)
    elif kind == "memory":
        np.ones(2**50)
    else:
        os.kill(os.getpid(), getattr(signal, kind))


def measure(arm, replicate):
    if arm.name == "faulty" and replicate.seed == 1 and "FAULT" in os.environ:
        fault()
    value = replicate.seeds.generator("data", arm.name).standard_normal()
    return Measurement(metrics={"value": value, "pid": os.getpid()})


RECIPE = Recipe(
    slug="faulty",
    version=1,
    question="What happens when an arm crashes?",
    sources=(Source("tests", "here"),),
    arms=(Arm("steady", "does nothing wrong"), Arm("faulty", "may crash", size=3)),
    scales=(Scale("quick", seeds=2), Scale("full", seeds=2)),
    measure=measure,
    claims=(
        Claim("a", "A.", "tests", lambda arms, scale: arms["faulty"].metrics["value"], above=-9.0, measures="Value"),
    ),
)
