"""The search for the first environment that changed a metric, with error rates that hold over all its steps. Pure.

The ends are compared by the gate's full rule. Then the range is halved: the middle is measured beside both ends, and
assigned to the end that it is like as soon as a test excludes the other: for times, in mirrored blocks, the exact
aligned rank test within blocks (Hodges and Lehmann 1962), for the numbers of replicates Welch's t test; one-sided,
since the direction is known, at a share of 5 % that is divided among the steps that may still come and, equally, among
the looks of a step (Bonferroni's bound for a group-sequential test, Pocock, Biometrika 64, 1977). A middle of either
end's code is so assigned to the other one in at most 5 % of searches. At the end the two neighbours are compared by the
full rule, in fresh processes; only then one is named.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_reprise.base.statistics import shift_in_blocks, welch
from keras_reprise.gate.design import LEVEL
from keras_reprise.gate.noise import in_blocks

LOOKS = (4, 7, 12, 20)
"""Blocks, or replicates, after which a middle is looked at; one that is then still unclear stays so."""

ENDS_TIMES = 2
"""Times as many processes, or replicates, as in a gate when two environments are compared by the full rule, since two
such comparisons have to see the change for it to be named."""

GOOD, BAD, UNCLEAR, SKIPPED = "good", "bad", "unclear", "skipped"
FOUND, NO_CHANGE, INCONCLUSIVE_BETWEEN = "found", "no change", "inconclusive"


@dataclass(frozen=True)
class LogSample:
    """Log estimates of one environment (n,), and the block of each."""

    logs: np.ndarray
    blocks: np.ndarray


@dataclass(frozen=True)
class Step:
    """What became of one middle: its number, its outcome, after how many blocks or replicates (`blocks`), and where it
    lies from the good end (0) to the bad one (1)."""

    middle: int
    outcome: str
    blocks: int = 0
    position: float = math.nan
    why: str = ""


@dataclass(frozen=True)
class Search:
    """The end of a search: `outcome`, the last two environments, and the steps that led there.

    When something was found `bad` is the first changed environment, or the first after those in `skipped`.
    """

    outcome: str
    good: int
    bad: int
    steps: Sequence[Step] = field(default_factory=list)
    skipped: Sequence[int] = ()


def share_of_a_look(budget: float, width: int) -> float:
    """The level of one look of the next step, of an error `budget` that is left for a range of so many steps."""
    return budget / max(1, math.ceil(math.log2(width))) / len(LOOKS)


Above = tuple[float, float]  # how far one environment lies above another, and the one-sided p of not at all


def placed(from_good: Above, to_bad: Above, level: float) -> tuple[str, float]:
    """GOOD, BAD or UNCLEAR, and the place of the middle from the good end (0) to the bad one (1).

    `from_good` is how far the middle lies above the good end, `to_bad` the bad one above the middle. The middle is bad
    if the test at `level` excludes that it is like the good end while it lies nearer to the bad one, and the other way
    round.
    """
    span = from_good[0] + to_bad[0]
    position = from_good[0] / span if span > 0 else math.nan
    if from_good[1] <= level and from_good[0] > to_bad[0]:
        return BAD, position
    if to_bad[1] <= level and to_bad[0] > from_good[0]:
        return GOOD, position
    return UNCLEAR, position


def above(low: LogSample, high: LogSample, direction: int) -> Above:
    """How far `high` lies above `low`, by the exact test within blocks; `direction` -1 where the bad end is lower."""
    blocks = in_blocks(low.logs, high.logs, low.blocks, high.blocks)
    if not blocks:
        return math.nan, 1.0
    found = shift_in_blocks(blocks)
    return _one_sided(direction * found.estimate, found.p)


def above_of_replicates(low: np.ndarray, high: np.ndarray, direction: int) -> Above:
    """The same of replicates' numbers (n,) and (m,), by Welch's t test."""
    difference, _, _, p = welch(high, low)
    return _one_sided(direction * difference, p)


def _one_sided(estimate: float, p: float) -> Above:
    return estimate, p / 2 if estimate > 0 else 1.0


def search(
    count: int,
    changed: Callable[[int, int, str], bool],
    place: Callable[[int, int, int, float], Step],
) -> Search:
    """Search `count` environments, of which the first is good and the last is bad.

    `changed(good, bad, step)` tells by the full rule whether two differ ("ends", "neighbours");
    `place(good, bad, middle, level)` measures a middle beside both. A middle that is SKIPPED makes way for its nearest
    neighbour, as in `git bisect skip`.
    """
    good, bad, budget = 0, count - 1, LEVEL
    if not changed(good, bad, "ends"):
        return Search(NO_CHANGE, good, bad)
    steps: list[Step] = []
    while (middle := _middle(good, bad, {step.middle for step in steps if step.outcome == SKIPPED})) is not None:
        level = share_of_a_look(budget, bad - good)
        step = place(good, bad, middle, level)
        steps.append(step)
        if step.outcome == SKIPPED:
            continue
        budget -= level * len(LOOKS)
        if step.outcome == UNCLEAR:
            return Search(INCONCLUSIVE_BETWEEN, good, bad, steps)
        good, bad = (middle, bad) if step.outcome == GOOD else (good, middle)
    skipped = tuple(range(good + 1, bad))
    if steps and not changed(good, bad, "neighbours"):
        return Search(INCONCLUSIVE_BETWEEN, good, bad, steps, skipped)
    return Search(FOUND, good, bad, steps, skipped)


def _middle(good: int, bad: int, skipped: set[int]) -> int | None:
    """The environment nearest to the middle of both that was not skipped; None where there is none."""
    inner = [number for number in range(good + 1, bad) if number not in skipped]
    return min(inner, key=lambda number: (abs(2 * number - good - bad), number), default=None)
