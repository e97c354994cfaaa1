"""The rule of the regression gate on made numbers."""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, rankdata

from keras_reprise.base.statistics import rank_sum_tail, shift, shift_in_blocks
from keras_reprise.gate import assumed, design
from keras_reprise.gate.looks import Known, Look, adjusted, estimates_of, learn, steadier_by_fastest, with_gates
from keras_reprise.gate.noise import (
    assumed_noise,
    deviation_at_most,
    noise,
    noise_side_by_side,
    seeds_needed,
    share_felt,
)
from keras_reprise.gate.rule import bounds, confirmed, cost_changes, decide, null_rows, quality_changes, suspects_from


def times(generator, n, *, scale=1.0, spread=0.02):
    return 0.01 * scale * np.exp(spread * generator.standard_normal(n))


def test_rank_sum_distribution_is_that_of_all_permutations():
    for n, m in ((1, 1), (2, 3), (4, 4), (3, 6)):
        counts = np.zeros(n * m + 1)
        for chosen in itertools.combinations(range(n + m), n):
            others = [rank for rank in range(n + m) if rank not in chosen]
            counts[sum(a < b for a in others for b in chosen)] += 1
        np.testing.assert_allclose(rank_sum_tail(n, m), np.cumsum(counts) / counts.sum(), rtol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(5, 5), (6, 12), (12, 6), (40, 25)])
def test_p_is_that_of_scipy(n, m):
    generator = np.random.default_rng(n)
    for offset in (0.0, 0.5, 2.0):
        a, b = generator.normal(size=n), generator.normal(size=m) + offset
        assert shift(a, b).p == pytest.approx(mannwhitneyu(a, b, method="exact").pvalue, rel=1e-9)


def test_smallest_p_is_the_one_the_design_prints():
    assert [round(2 * rank_sum_tail(n, n)[0], 4) for n in (5, 6, 7)] == [0.0079, 0.0022, 0.0006]


def test_interval_covers_the_true_shift_as_often_as_it_says():
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(2000):
        found = shift(generator.standard_t(3, 12), generator.standard_t(3, 6) + 0.7)
        hits += found.low <= 0.7 <= found.high
    assert hits / 2000 >= 0.94


def test_interval_of_few_values_is_infinite():
    found = shift(np.array([1.0, 2.0]), np.array([5.0, 6.0]))
    assert found.estimate == 4.0
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_equal_values_are_no_shift():
    found = shift(np.full(6, 3.0), np.full(6, 3.0))
    assert (found.estimate, found.p) == (0.0, 1.0)


def in_turns(generator, blocks=9, *, change=0.0, spread=0.02, between=0.0):
    """Blocks of two values a side, whose levels differ by a standard deviation of `between`."""
    levels = between * generator.standard_normal(blocks)
    values = levels[:, None] + spread * generator.standard_normal((blocks, 4))
    return [(row[:2], row[2:] + change) for row in values]


def test_p_in_blocks_is_that_of_all_exchanges_within_them():
    """Against a plain enumeration of 6 x 6 x 2 exchanges, ties too."""
    generator = np.random.default_rng(30)
    for digits in (1, 6):
        blocks = [(np.round(old, digits), np.round(new, digits)) for old, new in in_turns(generator, 2, spread=0.3)]
        blocks.append((np.round(generator.normal(size=1), digits), np.round(generator.normal(size=1), digits)))
        aligned = [np.concatenate(block) - np.mean(np.concatenate(block)) for block in blocks]
        ranks = np.split(rankdata(np.round(np.concatenate(aligned), 9)), [4, 8])
        ways = [[sum(chosen) for chosen in itertools.combinations(one, len(one) // 2)] for one in ranks]
        sums = np.array([sum(way) for way in itertools.product(*ways)])
        found = sum(one[len(one) // 2 :].sum() for one in ranks)
        expected = min(1.0, 2 * min(np.mean(sums <= found + 1e-9), np.mean(sums >= found - 1e-9)))
        assert shift_in_blocks(blocks).p == pytest.approx(expected)
        assert shift_in_blocks(blocks).least_p == pytest.approx(2 / 72)


def test_what_blocks_differ_by_neither_hides_a_change_nor_makes_one():
    generator = np.random.default_rng(31)
    steady = in_turns(generator, change=0.1)
    levels = generator.normal(size=9)
    drifting = [(old + level, new + level) for (old, new), level in zip(steady, levels, strict=True)]
    one, other = shift_in_blocks(steady), shift_in_blocks(drifting)
    assert (other.estimate, other.low, other.high, other.p) == pytest.approx((one.estimate, one.low, one.high, one.p))
    assert one.p < 1e-5
    before, now = (np.concatenate(side) for side in zip(*drifting, strict=True))
    assert shift(before, now).p > 0.05


def test_interval_in_blocks_covers_the_true_shift_as_often_as_it_says():
    generator = np.random.default_rng(32)
    for blocks in (3, 9):
        found = [shift_in_blocks(in_turns(generator, blocks, change=0.1, between=0.1), 0.9) for _ in range(1500)]
        assert 0.88 < np.mean([one.low <= 0.1 <= one.high for one in found]) < 0.97
        assert np.mean([one.estimate for one in found]) == pytest.approx(0.1, abs=0.002)


def test_no_change_in_blocks_is_called_one_as_rarely_as_the_level_says():
    generator = np.random.default_rng(33)
    small = [shift_in_blocks(in_turns(generator, 5, between=0.1)).p <= 0.05 for _ in range(2000)]
    assert 0.03 < np.mean(small) < 0.06


def test_equal_values_in_blocks_are_no_shift():
    found = shift_in_blocks([(np.full(2, 3.0), np.full(2, 3.0))] * 3)
    assert (found.estimate, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
    assert shift_in_blocks([(np.full(2, 3.0), np.full(2, 4.0))]).low == -math.inf


def test_blocks_that_lost_a_process_count_with_as_many_of_both_sides():
    blocks = ({"m": np.array([0, 0, 1, 1])}, {"m": np.array([0, 1, 1, 2])})
    before, now = {"m": np.array([1.0, 9.0, 4.0, 4.0])}, {"m": np.array([1.1, 4.4, 4.4, 7.0])}
    found = cost_changes(before, now, {"m": 0.05}, blocks=blocks)[0]
    assert found.change == pytest.approx(math.log(1.1))
    apart = ({"m": np.array([0, 0, 1, 1])}, {"m": np.array([2, 2, 3, 3])})
    assert (
        cost_changes(before, now, {"m": 0.05}, blocks=apart)[0].change
        == shift(np.log(before["m"]), np.log(now["m"])).estimate
    )


def changes_of(before, now, *, thresholds=0.05, noises=None):
    limit = bounds(dict.fromkeys(now, thresholds), dict.fromkeys(now, 0.01) | (noises or {}))
    return cost_changes(before, now, limit)


def test_a_slowdown_is_found_and_only_that_one():
    generator = np.random.default_rng(3)
    before = {f"m{i}": times(generator, 12) for i in range(15)}
    now = {f"m{i}": times(generator, 6, scale=1.2 if i == 7 else 1.0) for i in range(15)}
    rows = decide(changes_of(before, now))
    assert [row.metric for row in rows if row.verdict == "regressed"] == ["m7"]
    assert not [row for row in rows if row.verdict == "improved"]
    row = rows[7]
    assert math.exp(row.low) < 1.2 < math.exp(row.high)
    assert row.p_adjusted >= row.p


def test_a_speedup_is_an_improvement():
    generator = np.random.default_rng(4)
    rows = decide(changes_of({"m": times(generator, 12)}, {"m": times(generator, 6, scale=0.8)}))
    assert rows[0].verdict == "improved"


def test_a_clear_change_below_the_threshold_is_none():
    generator = np.random.default_rng(5)
    before, now = {"m": times(generator, 12, spread=0.001)}, {"m": times(generator, 6, scale=1.03, spread=0.001)}
    row = decide(changes_of(before, now))[0]
    assert row.p < 0.001
    assert row.verdict == "same"


def test_three_times_the_noise_counts_more_than_a_small_threshold():
    generator = np.random.default_rng(6)
    before, now = {"m": times(generator, 12)}, {"m": times(generator, 6, scale=1.2)}
    row = decide(changes_of(before, now, noises={"m": 0.08}))[0]
    assert row.bound == pytest.approx(0.24)
    assert row.verdict != "regressed"


def test_few_processes_say_that_they_can_decide_nothing():
    generator = np.random.default_rng(7)
    before = {f"m{i}": times(generator, 4) for i in range(10)}
    now = {f"m{i}": times(generator, 4, scale=2.0) for i in range(10)}
    for row in decide(changes_of(before, now)):
        assert row.verdict == "inconclusive"
        assert "4 against 4 values cannot decide 10 metrics" in row.why
        assert row.visible == math.inf


def test_the_smallest_visible_change_is_seen_in_four_gates_of_five():
    generator = np.random.default_rng(8)
    visible = [
        decide(changes_of({"m": times(generator, 12)}, {"m": times(generator, 6)}))[0].visible for _ in range(200)
    ]
    scale = math.exp(float(np.median(visible)))
    found = [
        decide(changes_of({"m": times(generator, 12)}, {"m": times(generator, 6, scale=scale)}))[0].verdict
        == "regressed"
        for _ in range(400)
    ]
    assert 0.7 < np.mean(found) < 0.9


def looked_twice(before, first, again, noises=None):
    """The rows after both looks at `before` against `first` and `again`, and those of the first look."""
    rows = decide(changes_of(before, first, noises=noises), screens={})
    together = {m: np.concatenate([first[m], again[m]]) for m in first}
    alone = {row.metric: row.change for row in changes_of(before, again, noises=noises)}
    return confirmed(rows, decide(changes_of(before, together, noises=noises)), alone), rows


def test_a_gate_in_turns_finds_the_visible_change_in_about_four_of_five():
    """Six against six, then twelve against twelve; the noise of a look is known, so what counts is below it."""
    generator = np.random.default_rng(21)
    spread = 0.05
    noise_of_a_look = spread * math.sqrt(2 / 6)
    counts = bounds({"m": 0.02}, {"m": noise_of_a_look / math.sqrt(3)})
    screens = suspects_from({"m": 0.02}, counts)

    def gate(scale):
        before, now = ([{"m": times(generator, n, spread=spread, scale=s)} for n in (6, 12)] for s in (1.0, scale))
        first = decide(cost_changes(before[0], now[0], counts), screens=screens)
        old, new = ({"m": np.concatenate([look["m"] for look in looks])} for looks in (before, now))
        alone = {change.metric: change.change for change in cost_changes(before[1], now[1], counts)}
        return first[0], confirmed(first, decide(cost_changes(old, new, counts)), alone)[0]

    visible = float(np.median([gate(1.0)[0].visible for _ in range(100)]))
    assert 0.05 < visible < 0.12
    found = np.mean([gate(math.exp(visible))[1].verdict == "regressed" for _ in range(400)])
    assert 0.65 < found < 0.95
    assert np.mean([gate(1.0)[1].verdict == "regressed" for _ in range(400)]) < 0.01


def test_no_change_is_shown_by_an_interval_within_what_counts_at_one_look():
    before = {"m": 0.01 * np.exp(np.linspace(-0.02, 0.02, 6))}
    now = {"m": before["m"] * 1.003}
    narrow, wide = {"m": 0.015}, {"m": 0.06}
    assert decide(cost_changes(before, now, narrow, wide), screens={})[0].verdict == "same"
    row = decide(cost_changes(before, now, narrow), screens={})[0]
    assert (row.verdict, row.high > 0.015, row.high < row.visible) == ("same", True, True), "too small to be seen"
    before = {"m": 0.01 * np.exp(np.linspace(-0.3, 0.3, 6))}
    row = decide(cost_changes(before, {"m": before["m"] * 1.003}, narrow), screens={})[0]
    assert (row.verdict, row.high > math.log(1.2)) == ("inconclusive", True), "a fifth is a change, seen or not"


def test_what_is_not_seen_again_is_inconclusive():
    generator = np.random.default_rng(9)
    before = {"m": times(generator, 12)}
    first = {"m": times(generator, 6, scale=1.3)}
    assert looked_twice(before, first, {"m": times(generator, 6, scale=1.3)})[0][0].verdict == "regressed"
    for scale in (1.0, 0.7, 1.02):
        row = looked_twice(before, first, {"m": times(generator, 6, scale=scale)})[0][0]
        assert row.verdict in ("inconclusive", "same")
        assert row.again == pytest.approx(math.log(scale), abs=0.05)
    rows = decide(changes_of(before, first))
    assert confirmed(rows, rows, {})[0].why == "it could not be measured again"


def test_a_suspect_is_judged_on_both_looks():
    """Twice the processes: what one look leaves open, both decide; p is over all metrics of the run."""
    generator = np.random.default_rng(19)
    before = {f"m{i}": times(generator, 6, spread=0.03) for i in range(40)}
    first, again = (
        {m: times(generator, 6, spread=0.03, scale=1.12 if m == "m0" else 1.0) for m in before} for _ in range(2)
    )
    alone = decide(changes_of(before, first))
    assert not any(row.suspect for row in alone), "six against six cannot decide 40 metrics"
    rows, screened = looked_twice(before, first, again)
    assert "m0" in {row.metric for row in screened if row.suspect}
    assert [row.metric for row in rows if row.verdict == "regressed"] == ["m0"]
    assert rows[0].n_now == 12


def test_false_alarms_of_independent_processes_are_rare():
    """20 metrics whose noise is known, 2.5 % between looks: a gate in a hundred alarms at most."""
    generator = np.random.default_rng(10)
    alarms = 0
    for _ in range(300):
        before, first, again = (
            {f"m{i}": times(generator, n, spread=0.05) for i in range(20)} for n in (12, 6, 6)
        )  # fmt: skip
        rows, _ = looked_twice(before, first, again, dict.fromkeys(before, 0.025))
        alarms += any(row.suspect for row in rows)
    assert alarms <= 300 * 0.01


def test_quality_is_worse_in_the_direction_of_the_metric():
    before = {
        "r/a/test_error": np.array([0.30, 0.31, 0.29, 0.30, 0.31, 0.29]),
        "r/a/accuracy": np.array([0.70, 0.71, 0.69, 0.7]),
    }
    worse = {"r/a/test_error": np.array([0.36, 0.35, 0.37, 0.36]), "r/a/accuracy": np.array([0.61, 0.62, 0.60, 0.61])}
    margins = {"r/a/test_error": 0.01, "r/a/accuracy": 0.01}
    larger = {"r/a/test_error": True, "r/a/accuracy": False}
    assert [row.verdict for row in decide(quality_changes(before, worse, margins, larger))] == ["regressed"] * 2
    assert [row.verdict for row in decide(quality_changes(worse, before, margins, larger))] == ["improved"] * 2


def test_quality_within_the_margin_is_the_same_only_when_the_interval_is():
    margins, larger = {"m": 0.02}, {"m": True}
    steady = np.array([0.300, 0.302, 0.298, 0.301])
    assert decide(quality_changes({"m": steady}, {"m": steady + 0.001}, margins, larger))[0].verdict == "same"
    wild = np.array([0.2, 0.4, 0.3, 0.3])
    assert decide(quality_changes({"m": wild}, {"m": wild}, margins, larger))[0].verdict == "inconclusive"


def test_one_replicate_decides_nothing():
    rows = decide(quality_changes({"m": np.array([0.3, 0.3])}, {"m": np.array([0.9])}, {"m": 0.01}, {"m": True}))
    assert rows[0].verdict == "inconclusive"


def test_seeds_needed_find_the_loss_they_promise():
    generator = np.random.default_rng(11)
    n = seeds_needed(0.01, 0.03, 0.01, n_before=6, metrics=8)
    assert n is not None
    assert (seeds_needed(0.01, 0.03, 0.01, n_before=6, metrics=80) or 0) >= n
    assert seeds_needed(0.05, 0.03, 0.01, n_before=6, metrics=8) is None
    assert seeds_needed(0.0, 0.03, 0.01, n_before=6, metrics=8) == 2
    found = 0
    for _ in range(500):
        before = {f"m{i}": 0.3 + 0.01 * generator.standard_normal(6) for i in range(8)}
        looks = [{m: 0.3 + 0.03 * (m == "m0") + 0.01 * generator.standard_normal(n) for m in before} for _ in range(2)]
        looks.append({m: np.concatenate([looks[0][m], looks[1][m]]) for m in before})
        first, again, together = (
            quality_changes(before, look, dict.fromkeys(before, 0.01), dict.fromkeys(before, True)) for look in looks
        )
        alone = {change.metric: change.change for change in again}
        rows = confirmed(decide(first, screens={}), decide(together), alone)
        found += rows[0].verdict == "regressed"
    assert found / 500 > 0.9


def test_the_spread_that_few_values_allow_is_below_the_true_one_in_a_fifth_of_cases():
    generator = np.random.default_rng(34)
    allowed = [deviation_at_most(generator.standard_normal(6)) for _ in range(3000)]
    assert np.mean(np.array(allowed) < 1.0) == pytest.approx(0.2, abs=0.03)
    assert deviation_at_most(np.full(6, 0.3)) == 0.0


def test_halves_of_a_steady_run_agree_and_of_a_drifting_pair_do_not():
    generator = np.random.default_rng(12)
    assert not any(row.suspect for row in null_rows([{"m": times(generator, 12)}], {"m": 0.1}))
    two = np.where(np.arange(12) % 2, 0.02, 0.01)
    assert null_rows([{"m": two}], {"m": 0.1})[0].suspect
    assert null_rows([{"m": two[:6]}, {"m": 5 * two[:6]}], {"m": 0.1})[0].suspect
    assert null_rows([{"m": two[:4]}], {"m": 0.1}) == []


def test_halves_of_many_metrics_rarely_differ_by_chance():
    generator = np.random.default_rng(20)
    failed = 0
    for _ in range(200):
        sides = [{f"m{i}": times(generator, 6, spread=0.05) for i in range(20)} for _ in range(2)]
        failed += any(row.suspect for row in null_rows(sides, dict.fromkeys(sides[0], 0.05)))
    assert failed <= 0.02 * 200


def test_noise_is_that_between_occasions():
    generator = np.random.default_rng(13)
    occasions = [{"m": times(generator, 24, scale=math.exp(0.04 * k), spread=0.01)} for k in (-1, 0, 1)]
    assert 0.04 < noise(occasions, 6)["m"] < 0.08
    assert noise(occasions[:1], 6) == {}, "an hour says nothing of the next day"
    assert noise([{"m": times(generator, 5)}] * 2, 6) == {}


def test_noise_side_by_side_is_that_of_gates_in_turns():
    """It is the standard deviation over sqrt(2 / n) whatever drifts from occasion to occasion."""
    generator = np.random.default_rng(17)
    occasions = [{"m": times(generator, 40, scale=scale, spread=0.05)} for scale in (1.0, 1.3, 0.8, 1.0, 1.1, 0.9)]
    assert noise_side_by_side(occasions, 6)["m"] == pytest.approx(0.05 * math.sqrt(2 / 6), rel=0.25)
    assert noise_side_by_side([{"m": times(generator, 7)}], 6) == {}
    drifting = {"m": np.exp(np.linspace(0, 1, 24))}
    assert noise_side_by_side([drifting], 6)["m"] < 0.02, "turns cancel a drift"


def test_the_share_of_slowness_that_is_felt_is_recovered():
    generator = np.random.default_rng(14)
    groups = []
    for level in (0.0, 0.5):
        loops = -7 + 0.2 * generator.standard_normal(15)
        groups.append((level + 0.5 * loops + 0.02 * generator.standard_normal(15), loops))
    assert share_felt(groups) == pytest.approx(0.5, abs=0.1)


def test_on_a_steady_machine_the_share_is_the_usual_one():
    generator = np.random.default_rng(15)
    loops = 0.001 * generator.standard_normal(18)
    assert share_felt([(0.03 * generator.standard_normal(18), loops)]) == pytest.approx(0.8, abs=0.05)
    assert share_felt([]) == 0.8


def test_the_share_is_never_absurd():
    loops = np.linspace(-1, 1, 20)
    assert share_felt([(5 * loops, loops)]) == 1.5
    assert share_felt([(-5 * loops, loops)]) == 0.0


def test_noise_that_was_not_calibrated_is_assumed():
    generator = np.random.default_rng(16)
    steady, wild = times(generator, 12, spread=1e-6), times(generator, 12, spread=0.1)
    assert assumed_noise(steady, steady[:6], 0.03) == pytest.approx(0.03, abs=1e-4)
    assert 0.04 < assumed_noise(wild, wild[:6], 0.03) < 0.09
    assert assumed_noise(wild[:2], wild, 0.03) == 0.03


def look(**costs):
    return Look(costs)


def test_noise_that_nobody_calibrated_is_the_wider_the_less_is_known():
    six = np.exp(0.05 * np.array([-1.0, -1, -1, 1, 1, 1]))
    scatter = 0.05 * math.sqrt(6 / 5)

    def noise_with(processes, spread=scatter):
        known = Known(beside=True, turns=[look(m=np.exp(spread * np.resize([-1.0, 1.0], processes)))])
        return assumed.noises({"m": six}, {"m": six}, 6, known, [])["m"] / math.hypot(0.01, scatter * math.sqrt(2 / 6))

    assert noise_with(2) > noise_with(20) > noise_with(400) == pytest.approx(1.0, abs=0.05)
    assert noise_with(400, 0.001) == pytest.approx(1.0), "never less than what this look scatters"


def test_a_control_that_changed_widens_what_stored_numbers_must_show():
    def noise_with(control):
        old = {"m": np.full(6, 1.0), "control::c": np.full(6, 1.0)}
        new = {"m": np.full(6, 1.0), "control::c": np.full(6, math.exp(control))}
        return assumed.noises(old, new, 6, Known(accepted=[look(m=old["m"])]), [])["m"]

    assert noise_with(0.2) > 1.3 * noise_with(0.0)
    assert assumed.noises({"m": np.ones(6)}, {"m": np.ones(6)}, 6, Known(accepted=[look(m=np.ones(6))]), [])["m"] > 0.15


def rounds_of(generator, processes, *, medians, fastest, name="m"):
    """A look whose processes' adjusted medians and fastest rounds scatter so much."""
    costs = {name: times(generator, processes, spread=medians)}
    loops = {name: np.ones(processes)}
    return Look(costs, loops, fastest={name: 0.9 * times(generator, processes, spread=fastest)})


@pytest.mark.parametrize(
    ("medians", "fastest", "chosen"), [(0.06, 0.02, True), (0.02, 0.02, False), (0.02, 0.06, False)]
)
def test_the_fastest_rounds_are_chosen_where_they_are_clearly_steadier(medians, fastest, chosen):
    generator = np.random.default_rng(5)
    sets = [rounds_of(generator, processes, medians=medians, fastest=fastest) for processes in (12, 6, 6)]
    assert steadier_by_fastest(sets) == (frozenset("m") if chosen else frozenset())
    assert learn(sets, 6, beside=True).by_fastest == steadier_by_fastest(sets)
    assert with_gates(Known(beside=True), sets[:1], sets[1:]).by_fastest == steadier_by_fastest(sets)
    for known in (learn(sets, 6), with_gates(Known(), sets[:1], sets[1:])):
        assert known.by_fastest == frozenset(), (
            "stored numbers are of other occasions, whose fastest rounds differ as much"
        )


@pytest.mark.parametrize(("processes", "at_most"), [(12, 0.2), (48, 0.02)])
def test_of_equals_the_medians_are_kept_as_a_rule(processes, at_most):
    generator = np.random.default_rng(6)
    found = [steadier_by_fastest([rounds_of(generator, processes, medians=0.03, fastest=0.03)]) for _ in range(300)]
    assert np.mean([len(chosen) for chosen in found]) <= at_most


def test_the_control_is_told_by_its_medians():
    control = rounds_of(np.random.default_rng(6), 12, medians=0.06, fastest=0.01, name="control::test_sort")
    assert steadier_by_fastest([control]) == frozenset()


def test_what_the_fastest_rounds_tell_needs_no_loops():
    generator = np.random.default_rng(7)
    steady = [rounds_of(generator, 12, medians=0.06, fastest=0.01) for _ in range(2)]
    known = learn(steady, 6, beside=True)
    sides = [replace(steady[0], loops={}), steady[1]]  # of a process that ended before its loops were written
    old, new = adjusted(sides, steady, known.by_fastest)
    assert (old["m"] == steady[0].fastest["m"]).all()
    assert (new["m"] == steady[1].fastest["m"]).all()
    assert estimates_of(sides, "steadiest", known.by_fastest) == {"m": "fastest"}
    assert estimates_of(sides, "steadiest", ()) == {"m": "median"}


def test_what_was_calibrated_is_left_to_the_calibration():
    assert assumed.noises({"m": np.ones(6)}, {"m": np.ones(6)}, 6, Known({"m": 0.02}), []) == {}


def test_the_page_on_gates_tells_the_design():
    text = (Path(__file__).parents[2] / "docs" / "gate.md").read_text("utf-8")
    for said in (
        f"gives p of at most {100 * design.LEVEL:g} % after Holm's adjustment",
        f"with p of at most {100 * design.SUSPECT_LEVEL:g} %",
        f"A first look, {design.ROUNDS} fresh processes a side",
        f"with {100 * design.WITHIN_AN_OCCASION:g} % (side by side) added in squares",
        f"with {100 * design.BETWEEN_OCCASIONS:g} % (stored) added in squares",
        f"{100 * design.ASSUMED_BETWEEN:g} %, worth two occasions",
        f"| {100 * design.DEFAULT_THRESHOLD:g} % |",
        f"{design.USUAL_SEEDS} in a baseline",
        f"at least {design.FEWEST_SEEDS} and at most {design.MOST_SEEDS}",
        f"when it is more than {100 * design.DRIFT:g} %",
    ):
        assert said in text
