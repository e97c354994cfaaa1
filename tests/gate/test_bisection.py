"""Bisection: which environments are searched, and how often it is right, on the processes of a calibration."""

import math
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from keras_reprise.gate.bisection import (
    BAD,
    ENDS_TIMES,
    FOUND,
    GOOD,
    INCONCLUSIVE_BETWEEN,
    LOOKS,
    NO_CHANGE,
    SKIPPED,
    UNCLEAR,
    LogSample,
    Step,
    above,
    above_of_replicates,
    placed,
    search,
    share_of_a_look,
)
from keras_reprise.gate.design import LEVEL
from keras_reprise.gate.judgement import first_look, second_look
from keras_reprise.gate.looks import Known, Look, adjusted, learn, look_of
from keras_reprise.gate.processes import CONTROL
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import Calibration, read

CALIBRATION = Path(__file__).parents[2] / "results" / "baselines" / "6a920096ce23" / "main.calibration.json"
METRIC = "benchmarks/gate/bench_training.py::step[two-layer]"


def oracle(first_bad, skipped=(), seen=None):
    """Answers without error; `seen` gets the middles that were asked for."""

    def place(good, bad, middle, level):
        if seen is not None:
            seen.append(middle)
        return Step(middle, SKIPPED if middle in skipped else BAD if middle >= first_bad else GOOD)

    return place


@pytest.mark.parametrize("count", [2, 3, 4, 12, 65])
def test_every_first_change_is_found_by_halving(count):
    for first_bad in range(1, count):
        seen: list[int] = []
        found = search(count, lambda good, bad, step: True, oracle(first_bad, seen=seen))
        assert (found.outcome, found.good, found.bad) == (FOUND, first_bad - 1, first_bad)
        assert len(seen) <= max(0, math.ceil(math.log2(count - 1)))


def test_ends_that_do_not_differ_end_the_search():
    found = search(12, lambda good, bad, step: step != "ends", oracle(3))
    assert (found.outcome, list(found.steps)) == (NO_CHANGE, [])


def test_neighbours_that_do_not_differ_are_not_named():
    found = search(12, lambda good, bad, step: step == "ends", oracle(3))
    assert (found.outcome, found.good, found.bad) == (INCONCLUSIVE_BETWEEN, 2, 3)


def test_a_middle_that_stays_unclear_ends_the_search_between():
    def place(good, bad, middle, level):
        return Step(middle, UNCLEAR if middle == 3 else GOOD if middle < 4 else BAD)

    found = search(8, lambda good, bad, step: True, place)
    assert (found.outcome, found.good, found.bad) == (INCONCLUSIVE_BETWEEN, 0, 7)


@pytest.mark.parametrize("skipped", [{5}, {4, 5, 6}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}])
def test_what_cannot_be_built_is_stepped_over(skipped):
    for first_bad in range(1, 12):
        found = search(12, lambda good, bad, step: True, oracle(first_bad, skipped))
        assert found.outcome == FOUND
        assert found.good < first_bad <= found.bad
        assert set(found.skipped) == set(range(found.good + 1, found.bad)) <= skipped


def test_the_levels_of_all_looks_add_up_to_five_percent_at_most():
    for count in (3, 12, 100):
        for first_bad in (1, count // 2, count - 1):
            spent: list[float] = []

            def place(good, bad, middle, level, first_bad=first_bad, spent=spent):
                spent.append(level * len(LOOKS))
                return Step(middle, BAD if middle >= first_bad else GOOD)

            search(count, lambda good, bad, step: True, place)
            assert sum(spent) <= LEVEL + 1e-12
    assert share_of_a_look(LEVEL, 1000) > 1 / 6 ** LOOKS[0], "the first look can decide"


@cache
def occasions():
    """The calibrated processes of one benchmark and of the control, at one speed, as logs; an occasion each."""
    found = read(CALIBRATION, Calibration)
    assert found is not None
    looks = [look_of(one, "adjusted") for one in found.occasions]
    name = next(metric for metric in looks[0].costs if metric.endswith("step[two-layer]"))
    return [adjusted([look], looks)[0][name] for look in looks], learn(looks, 6, beside=True).noise[name]


class Machine:
    """Environments of identical code on calibrated processes, from a random place of an occasion on; from the first bad
    one on they are slower by `factor`."""

    def __init__(self, generator, first_bad, factor):
        self.generator, self.first_bad, self.factor = generator, first_bad, factor
        values, noise = occasions()
        self.values = values[generator.integers(len(values))]
        self.at = int(generator.integers(len(self.values)))
        self.known = Known({METRIC: noise}, beside=True)

    def sides(self, numbers, blocks):
        """Samples of environments measured in mirrored blocks, in seconds."""
        found: dict[int, list[float]] = {number: [] for number in numbers}
        for _ in range(blocks):
            order = list(self.generator.permutation(numbers))
            for number in [*order, *order[::-1]]:
                value = self.values[self.at % len(self.values)]
                found[number].append(value * (self.factor if number >= self.first_bad else 1.0))
                self.at += 1
        return {number: (np.array(values), np.arange(2 * blocks) // 2) for number, values in found.items()}

    def changed(self, good, bad, step):
        """The full rule, with twice the processes of a gate, and a control that is quiet."""
        settings, looks = Settings(rounds=ENDS_TIMES * 6), []
        known = Known({METRIC: self.known.noise[METRIC] / math.sqrt(ENDS_TIMES)}, beside=True)
        for blocks in (3 * ENDS_TIMES, 6 * ENDS_TIMES):
            sides = self.sides([good, bad], blocks)
            before, now = (Look({METRIC: v}, {}, {METRIC: b}) for v, b in (sides[good], sides[bad]))
            looks.append((before, now))
        first = first_look(*looks[0], settings, known)
        if not first.suspects:
            return False
        return bool(second_look(first, looks[0], looks[1], settings, known).suspects)

    def place(self, good, bad, middle, level):
        sides = self.sides([good, bad, middle], LOOKS[-1])
        for blocks in LOOKS:
            cut = {n: LogSample(np.log(v[: 2 * blocks]), b[: 2 * blocks]) for n, (v, b) in sides.items()}
            from_good, to_bad = above(cut[good], cut[middle], 1), above(cut[middle], cut[bad], 1)
            outcome, position = placed(from_good, to_bad, level)
            if outcome != UNCLEAR:
                return Step(middle, outcome, blocks, position)
        return Step(middle, UNCLEAR, LOOKS[-1], position)


def test_the_first_changed_of_twelve_is_found_in_95_percent_and_no_other_is_named():
    """300 searches among 12, whose change is a quarter above the smallest that a gate of this noise sees."""
    generator = np.random.default_rng(11)
    machine = Machine(generator, 99, 1.0)
    visible = [row.visible for row in first_looks(machine)]
    factor = math.exp(1.25 * float(np.median(visible)))
    assert 1.1 < factor < 1.4, "a change that matters to people"
    right = wrong = 0
    for _ in range(300):
        first_bad = int(generator.integers(1, 12))
        machine = Machine(generator, first_bad, factor)
        found = search(12, machine.changed, machine.place)
        right += found.outcome == FOUND and found.bad == first_bad
        wrong += found.outcome == FOUND and found.bad != first_bad
    assert right >= 285
    assert wrong <= 3


def first_looks(machine):
    rows = []
    for _ in range(40):
        sides = machine.sides([0, 1], 3)
        before, now = (Look({METRIC: v}, {}, {METRIC: b}) for v, b in sides.values())
        rows += first_look(before, now, Settings(), machine.known).rows
    return rows


def test_nothing_is_named_when_nothing_changed():
    generator = np.random.default_rng(12)
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        machine = Machine(generator, 99, 1.0)
        outcomes[search(12, machine.changed, machine.place).outcome] += 1
    assert outcomes[FOUND] == 0
    assert outcomes[NO_CHANGE] >= 297


def test_a_middle_is_seldom_assigned_to_the_wrong_end_though_the_ends_lie_close():
    """A change of which the noise hides much: it stays unclear rather than being wrong."""
    generator = np.random.default_rng(13)
    wrong = 0
    for _ in range(300):
        machine = Machine(generator, 2, 1.03)
        step = machine.place(0, 2, 1, share_of_a_look(LEVEL, 2))
        wrong += step.outcome == BAD
    assert wrong <= 15


def test_a_faster_end_is_searched_as_a_slower_one():
    generator = np.random.default_rng(14)

    def sample(level):
        return LogSample(level + 0.01 * generator.standard_normal(12), np.arange(12) // 2)

    def where(middle, level):
        good, bad = sample(0.0), sample(-0.3)
        return placed(above(good, middle, -1), above(middle, bad, -1), level)[0]

    assert where(sample(-0.3), 0.01) == BAD
    assert where(sample(0.0), 0.01) == GOOD
    assert where(sample(0.0), 1e-9) == UNCLEAR
    assert CONTROL not in METRIC


def of_replicates(generator, levels, level):
    """Where a middle belongs of which more and more replicates are seen; errors of 0.4 that scatter by 0.01."""
    good, bad, middle = (mean + 0.01 * generator.standard_normal(LOOKS[-1]) for mean in levels)
    for count in LOOKS:
        low, high, mine = good[:count], bad[:count], middle[:count]
        outcome, position = placed(above_of_replicates(low, mine, 1), above_of_replicates(mine, high, 1), level)
        if outcome != UNCLEAR:
            return outcome, position
    return UNCLEAR, position


def test_replicates_are_told_apart_and_seldom_wrongly():
    generator, level = np.random.default_rng(15), share_of_a_look(LEVEL, 2)
    large = Counter(of_replicates(generator, (0.40, 0.44, 0.44), level)[0] for _ in range(300))
    assert large[BAD] >= 295
    assert large[GOOD] == 0
    small = Counter(of_replicates(generator, (0.40, 0.405, 0.405), level)[0] for _ in range(300))
    assert small[GOOD] <= 15
    same = Counter(of_replicates(generator, (0.40, 0.40, 0.40), level)[0] for _ in range(300))
    assert same[BAD] + same[GOOD] <= 30, "either end is excluded in 5 % at most"


def test_replicates_without_any_scatter_are_told_at_once():
    good, bad = np.full(4, 1.0), np.full(4, 2.0)
    assert placed(above_of_replicates(good, bad, 1), above_of_replicates(bad, bad, 1), 0.001) == (BAD, 1.0)
    assert placed(above_of_replicates(good, good, 1), above_of_replicates(good, bad, 1), 0.001) == (GOOD, 0.0)
