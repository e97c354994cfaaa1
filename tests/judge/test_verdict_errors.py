"""The verdict rule's error rates by simulation, short: `benchmarks/simulate_verdicts.py` runs the same with 10,000 recipes a cell."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import simulate_verdicts as simulated

from keras_reprise.judge import decide
from keras_reprise.judge.design import LEVEL, LEVEL_OF_A_LOOK

RECIPES = 2_000


def most(level: float) -> float:
    """Four standard errors above a level: one false failure in 30,000."""
    return float(level + 4 * (level * (1 - level) / RECIPES) ** 0.5)


def level_at(size: str) -> float:
    return LEVEL if "," in size else LEVEL_OF_A_LOOK


@pytest.mark.parametrize("draw", [name for name in simulated.CENTRED if name not in simulated.SKEWED])
@pytest.mark.parametrize(("claims", "size"), [(1, "6"), (3, "6, 12, 30"), (8, "6")])
def test_wrong_verdicts_stay_below_the_level_on_the_border(draw, claims, size):
    case = simulated.centred(draw, claims)
    assert simulated.wrong(case, simulated.simulate(case, size, RECIPES)) < most(level_at(size))


@pytest.mark.parametrize("case", list(simulated.kind_cases()), ids=lambda case: f"{case.about}-{case.cards[0].kind}")
@pytest.mark.parametrize("size", ["3", "6", "6, 12, 30"])
def test_every_kind_keeps_the_level_and_what_was_not_declared_is_not_decided_by_t(case, size):
    assert simulated.wrong(case, simulated.simulate(case, size, RECIPES)) < most(level_at(size))


@pytest.mark.parametrize("role", simulated.ROLES)
def test_errors_are_counted_within_each_role(role):
    case = simulated.roles_case()
    found = simulated.simulate(case, "6, 12, 30", RECIPES, role=role)
    assert simulated.wrong(case, found) < most(LEVEL)


def test_a_rule_that_is_true_is_reproduced_however_many_cells_are_printed_beside_it():
    reproduced, contradicted = simulated.simulate(simulated.roles_case(-3.0), "6", 500).rules
    assert reproduced > 0.95
    assert contradicted == 0.0


def test_the_best_of_many_against_the_best_of_few_finds_what_is_not_there():
    """Why such a claim is refused; each arm against each keeps the level, in the test above."""
    case = next(case for case in simulated.unkept_cases() if "lowest of seven" in case.about)
    assert simulated.simulate(case, "12", 500).reproduced > 0.4


@pytest.mark.parametrize("size", simulated.SIZES)
def test_three_deviations_off_the_border_nothing_is_wrong_and_six_replicates_decide(size):
    inside, outside = (simulated.simulate(simulated.centred("normal", 3, truth), size, 500) for truth in (-3.0, 3.0))
    assert (inside.contradicted, outside.reproduced) == (0.0, 0.0)
    if size != "3":
        assert min(inside.decided, outside.decided) > 0.95


def test_more_replicates_decide_more():
    case = simulated.centred("normal", 1, -1.0)
    decided = [simulated.simulate(case, size, 500).decided for size in ("3", "6", "12", "30")]
    assert decided == sorted(decided)
    assert decided[-1] > 0.95


def test_the_simulation_says_what_the_judge_says():
    """Failed replicates and unmet premises included: the rows of a batch are judged as each would be alone."""
    case = next(case for case in simulated.kind_cases() if "diverged" in case.about)
    values = case.draw(np.random.default_rng(3), (1, 50, 12))
    values[0, :20, 0] = simulated.UNMET
    words = {"reproduced": 1, "contradicted": -1, "inconclusive": 0}
    for row, found in zip(values[0], simulated.verdicts(values, case.cards)[0], strict=True):
        met = row[row != simulated.UNMET]
        assert words[decide([met], case.cards)[0].verdict] == found
