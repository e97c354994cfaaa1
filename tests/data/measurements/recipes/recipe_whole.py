"""A rule in words

Source: tests
"""

import functools
import math

import numpy as np

import beside
from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Source, train

RATE, PLANES = 0.1, 8
TABLE = {"a": 1, "b": 2.0}  # a comment
LABEL = "in words"
BYTES = b"abc"
BIG = 10**40
MINUS = -0.0
ERRATUM = "printed" " wrong"


class Schedule(object):
    """A class."""

    factor = 0.5

    def at(self, epoch: int = 3) -> float:
        """A docstring."""
        return self.factor**epoch


def cached(function):
    @functools.wraps(function)
    def inner(*arguments):
        return function(*arguments)

    return inner


@cached
def helper(x, power=PLANES):
    def nested(y):
        return y + 1

    text = """a string used as data"""
    match x:
        case 0:
            return len(text)
        case [first, *_] if first > RATE:
            return first
        case _:
            pass
    if (square := x**power) > 3:
        return nested(square)
    return f"{x:.3f} of {square!r}"


def count():
    global calls
    calls = calls + 1
    return calls


calls = 0


def unused(x):
    return x * 3


def statistic(arms, scale):
    return shift(arms["one"].metrics["value"]) + PRINTED


def shift(value):
    return value + 2


PRINTED = math.log(10)


def measure(arm, replicate):
    """What is measured."""
    shift = helper(arm.value) + count()
    model = np.zeros(3)
    history = train(model, None, replicate, optimizer=None, epochs=1, learning_rate=RATE)
    return Measurement({"value": beside.times(shift) + TABLE["a"] + Schedule().at(2) + len(BYTES) + BIG + MINUS})


def points():
    return tuple((n, n**2) for n in range(3))


CLAIMS = (
    Claim("is-two", "It is two.", "here", statistic, above=1.9, below=2.1, erratum=ERRATUM),
    Claim("is-three", "It is three.", "here", lambda arms, scale: statistic(arms, scale), above=1.9, below=2.1),
)

RECIPE = functools.partial(Recipe)(
    slug="edited",
    version=1,
    question="What is it?",
    sources=(Source("tests", LABEL),),
    arms=(Arm("one", "the first", value=1.0), Arm("two", value=2.0)),
    scales=(Scale("quick", epochs=1), Scale("full", epochs=2, seeds=12)),
    measure=measure,
    claims=CLAIMS,
    summarise=lambda arms, scale: {"x": unused(1)},
)

if __name__ == "__main__":
    print(measure(None, None))
