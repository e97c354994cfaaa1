"""The verdict rule's error rates by simulation, short: `benchmarks/simulate_verdicts.py` runs the same with 10,000 recipes a cell."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import simulate_verdicts as simulated

RECIPES = 600
MOST = 0.05 + 3 * (0.05 * 0.95 / RECIPES) ** 0.5  # three standard errors above the level: one false failure in 700


@pytest.mark.parametrize("draw", [name for name in simulated.DRAWS if name not in simulated.SKEWED])
@pytest.mark.parametrize(("claims", "size"), [(1, "6"), (3, "6, 12, 30"), (8, "6")])
def test_wrong_verdicts_stay_below_the_level_on_the_border(draw, claims, size):
    found = simulated.simulate(simulated.Condition(draw, claims, size, 0.0), RECIPES)
    assert found.reproduced < MOST
    assert found.contradicted < MOST


@pytest.mark.parametrize("size", simulated.SIZES)
def test_three_deviations_off_the_border_nothing_is_wrong_and_six_replicates_decide(size):
    inside = simulated.simulate(simulated.Condition("normal", 3, size, -3.0), 200)
    outside = simulated.simulate(simulated.Condition("normal", 3, size, 3.0), 200)
    assert (inside.contradicted, outside.reproduced) == (0.0, 0.0)
    if size != "3":
        assert min(inside.decided, outside.decided) > 0.95


def test_more_replicates_decide_more():
    decided = [
        simulated.simulate(simulated.Condition("normal", 1, size, -1.0), 400).decided for size in ("3", "6", "12", "30")
    ]
    assert decided == sorted(decided)
    assert decided[-1] > 0.95
