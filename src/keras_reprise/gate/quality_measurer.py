"""Looks at a recipe's error, loss or accuracy for `reprise bisect`.

Every environment has the same seeds in a step, and each step others, so that no number counts twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from keras_reprise.base.errors import MeasurementError
from keras_reprise.gate import measuring
from keras_reprise.gate.bisection import ENDS_TIMES, LOOKS, UNCLEAR, Step, above_of_replicates, placed
from keras_reprise.gate.looks import Look
from keras_reprise.gate.matching import difference, partner
from keras_reprise.gate.measurers import Measurer
from keras_reprise.gate.quality import larger_is_worse
from keras_reprise.gate.stored import Quality, quality_samples


@dataclass
class Qualities(Measurer):
    """An error, loss or accuracy of a recipe's replicates."""

    seeds_used: int = 0

    def announced(self, steps: int) -> str:
        return (
            f"{2 * self.each} replicates of {self.recipe}, then about {steps} steps of {3 * LOOKS[0]} to "
            f"{3 * LOOKS[-1]} replicates"
        )

    @property
    def each(self) -> int:
        """The replicates of a side in a look of a full comparison."""
        return ENDS_TIMES * len(measuring.seeds_of([self.recipe], self.settings, {})[self.recipe])

    @property
    def recipe(self) -> str:
        """The recipe as the settings name it: a slug or a path."""
        return self.settings.recipes[0]

    def begin(self) -> None:
        super().begin()
        self._quality(0, self._fresh(1), "begin")

    def look(self, good: int, bad: int, step: str) -> tuple[Look, Look]:
        seeds = self._fresh(self.each)
        sides = [self._quality(number, seeds, f"{step}-{side}") for number, side in ((good, "a"), (bad, "b"))]
        return Look({}, quality=[sides[0]]), Look({}, quality=[sides[1]])

    def place(self, good: int, bad: int, middle: int, level: float) -> Step:
        if (why := self.make(middle)) is not None:
            return self.skipped(middle, why)
        self.say(f"Measuring {self.labels[middle]} beside {self.labels[good]} and {self.labels[bad]}.")
        seeds, done = self._fresh(LOOKS[-1]), 0
        step, found = f"{good}-{bad}-{middle}", dict[int, Quality]()
        for count in LOOKS:
            for number in (good, bad, middle):
                try:
                    more = self._quality(number, seeds[done:count], f"{step}-{number}")
                except MeasurementError as error:
                    if number != middle:
                        raise
                    return self.skipped(middle, str(error).split("\n", 1)[0])
                found[number] = found[number].joined(more) if number in found else more
            if partner(found[middle], [found[good]]) is None:
                return self.skipped(middle, difference(found[good], found[middle]))
            low, high, mine = (self._values(found[number]) for number in (good, bad, middle))
            outcome, position = placed(
                above_of_replicates(low, mine, self.direction), above_of_replicates(mine, high, self.direction), level
            )
            result, done = Step(middle, outcome, count, position), count
            if outcome != UNCLEAR:
                break
        return self.told(result, good, bad, "replicates each")

    def _fresh(self, count: int) -> list[int]:
        """Seeds that no earlier look has used."""
        self.seeds_used += count
        return list(range(self.seeds_used - count + 1, self.seeds_used + 1))

    def _quality(self, number: int, seeds: Sequence[int], step: str) -> Quality:
        """The metric in the replicates of these seeds in an environment; MeasurementError when one has none."""
        side, words = self.made[number], self.words[number]
        found = measuring.run_recipes(side, self.settings, {self.recipe: seeds}, self.begun, step)[0]
        self.replicates += len(seeds)
        name = self.metric.split("/", 1)[1]
        if found.failed:
            self.begun.drop(f"{step}-{seeds[0]}-{seeds[-1]}")
            raise MeasurementError(f"{words}: {found.failed} of {len(seeds)} replicates failed.\nBoth ends must run.")
        if name not in found.margins:
            there = ", ".join(f"{found.recipe}/{one}" for one in found.margins) or "none"
            raise MeasurementError(
                f"{self.metric} has no margin, or is no metric of {found.recipe}; those with one: {there}.\n"
                "Give a margin under [margins] in gate.toml, in the metric's unit."
            )
        return _of_metric(found, name)

    def _values(self, found: Quality) -> np.ndarray:
        """The replicates' numbers on the scale on which larger is worse (n,)."""
        return (1.0 if larger_is_worse(self.metric) else -1.0) * quality_samples([found])[self.metric]


def _of_metric(found: Quality, name: str) -> Quality:
    """What the replicates gave for one metric alone."""
    return msgspec.structs.replace(
        found, metrics={name: found.metrics[name]}, margins={name: found.margins[name]}, claims=[], statistics={}
    )
