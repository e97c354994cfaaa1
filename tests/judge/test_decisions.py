"""The rule on cases counted by hand: a test for each kind, replicates without a number, families by role."""

import math

import numpy as np
import pytest

from keras_reprise.judge import decide
from keras_reprise.record import ClaimCard


def card(low, high, kind="", **more):
    return ClaimCard("c", "", "", "", "", (low, high), more.pop("exact", False), kind=kind, **more)


def decided(values, claim, **more):
    return decide([np.array(values, float)], [claim], **{name: [count] for name, count in more.items()})[0]


def test_six_of_six_inside_decide_one_discrete_claim_and_seven_two():
    """2^-6 = 0.0156 is below the level of a look, 0.0167; of two claims 2 x 2^-7 is the first that is."""
    claim = card(0.9, None, "discrete")
    assert decided([1.0] * 5, claim).verdict == "inconclusive"
    one = decided([1.0] * 6, claim)
    assert (one.verdict, one.p) == ("reproduced", pytest.approx(2**-6))
    for n, verdict in ((6, "inconclusive"), (7, "reproduced")):
        assert [one.verdict for one in decide([np.ones(n)] * 2, [claim] * 2)] == [verdict] * 2


def test_a_discrete_claim_is_contradicted_where_more_than_half_clearly_lie_outside():
    assert decided([0.5] * 6, card(0.9, None, "discrete")).verdict == "contradicted"
    assert decided([0.0, 0.0, 0.0, 9.0, 9.0, 9.0], card(1.0, 2.0, "discrete")).verdict == "contradicted"
    unclear = decided([1.0, 1.0, 1.0, 1.0, 1.0, 0.5], card(0.9, None, "discrete"))
    assert (unclear.verdict, unclear.p) == ("inconclusive", pytest.approx(7 / 64))
    assert "5 of 6 replicates lie inside" in unclear.reason


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7, 0.087, 100.0, 2.3])
@pytest.mark.parametrize("n", [6, 7, 12, 30])
@pytest.mark.parametrize("side", ["above", "below"])
def test_a_value_on_a_closed_bound_lies_inside_however_a_mean_rounds(value, n, side):
    low, high = (value, None) if side == "above" else (None, value)
    assert decided([value] * n, card(low, high, "discrete")).verdict == "reproduced"
    assert decided([value] * n, card(low, high, "exact")).verdict == "reproduced"
    assert decided([value] * n, card(low, high)).verdict == "inconclusive"


def test_what_arithmetic_misses_a_bound_by_is_on_it():
    assert 0.1 + 0.2 > 0.3
    assert decided([0.1 + 0.2], card(None, 0.3, "exact")).verdict == "reproduced"
    assert decided([0.3 + 1e-9], card(None, 0.3, "exact")).verdict == "contradicted"


@pytest.mark.parametrize("kind", ["", "continuous", "positive"])
def test_equal_values_are_not_decided_by_t(kind):
    found = decided([1.0] * 6, card(0.5, None, kind))
    assert found.verdict == "inconclusive"
    assert "all 6 values are equal (1)" in found.reason
    rounded = 2.302585 * (1 + 1e-7 * np.arange(6))  # as single precision rounds one number
    assert "are equal" in decided(rounded, card(2.3, 2.31, kind)).reason


def test_values_of_which_most_are_equal_are_not_decided_by_t():
    found = decided([1.0, 1.0, 1.0, 1.0, 0.99, 0.98], card(0.5, None))
    assert (found.verdict, found.reason[:23]) == ("inconclusive", "4 of 6 values are equal")
    assert decided([1.0, 1.0, 1.0, 0.97, 0.99, 0.98], card(0.5, None)).verdict == "reproduced"


def test_a_share_is_judged_by_the_binomial_and_lies_between_0_and_1():
    """0.8^30 = 0.0012, so thirty of thirty are more than four in five; the upper end 1 is no end."""
    found = decided([1.0] * 30, card(0.8, 1.0, "share"))
    assert (found.verdict, found.p) == ("reproduced", pytest.approx(0.8**30))
    assert decided([0.0] * 6, card(0.0, 0.5, "share")).verdict == "reproduced"
    assert "0 and 1" in decided([1.0, 0.5, 1.0, 1.0], card(0.8, 1.0, "share")).reason


def test_replicates_of_an_exact_claim_that_differ_belie_its_kind():
    same = card(1.0, 2.0, "exact")
    assert decided([1.5], same).verdict == "reproduced"
    assert decided([1.5, 1.5 + 1e-9], same).verdict == "reproduced"
    found = decided([1.5, 1.6], same)
    assert found.verdict == "inconclusive"
    assert "declared exact, but its replicates differ (from 1.5 to 1.6)" in found.reason
    assert decided([1.5, 2.5], same).verdict == "contradicted"
    assert decided([1.5, 1.6], card(1.0, 2.0, exact=True)).reason == found.reason


def test_a_failed_replicate_counts_against_whatever_is_said():
    """Eleven of twelve inside: P(at most one of twelve coins) = 13/4096; five of six: 7/64."""
    clear = np.linspace(-1.1, -0.9, 11)
    found = decided(clear, card(None, 0.0), failed=1)
    assert (found.verdict, found.p) == ("reproduced", pytest.approx(13 / 4096))
    assert found.reason == (
        "1 of 12 replicates gave no number (failed or diverged); the verdict holds with these counted as outside"
    )
    few = decided(clear[:5], card(None, 0.0), failed=1)
    assert (few.verdict, few.p) == ("inconclusive", pytest.approx(7 / 64))
    assert "the 1 of 6 replicates without a number counted as outside" in few.reason
    outside = decided(-clear, card(None, 0.0), failed=1)
    assert (outside.verdict, outside.reason[-6:]) == ("contradicted", "inside")


@pytest.mark.parametrize("kind", ["continuous", "positive", "discrete"])
def test_nan_stands_for_a_failed_replicate(kind):
    values = [1.0, 1.1, 1.2, 1.3, 1.4]
    told = decided(values, card(0.5, None, kind), failed=1)
    assert told == decided([*values, math.nan], card(0.5, None, kind))
    assert told.p == pytest.approx(7 / 64)


def test_failed_replicates_of_a_share_are_on_the_side_that_is_worse():
    found = decided([1.0] * 12, card(0.5, None, "share"), failed=2)
    assert found.p == pytest.approx(sum(math.comb(14, i) for i in range(3)) / 2**14)
    low = decided([0.0] * 12, card(0.5, None, "share"), failed=2)
    assert (low.verdict, low.p) == ("contradicted", pytest.approx(found.p))


def test_replicates_without_the_premise_say_nothing_and_are_told():
    values = np.linspace(-1.1, -0.9, 5)
    assert decided(values, card(None, 0.0), undefined=7) == decided(values, card(None, 0.0))
    none = decided([], card(None, 0.0), undefined=6)
    assert (none.verdict, none.reason) == (
        "inconclusive",
        "no replicate gave a number; in 6 replicates the premise of the claim was not met",
    )
    few = decided([-1.0, -1.0], card(None, 0.0), undefined=4)
    assert few.reason == "n = 2; at least 3 replicates are needed; in 4 replicates the premise of the claim was not met"


def test_claims_are_adjusted_within_their_role_and_retired_ones_apart():
    values = np.array([-1.0, -0.4, -1.2, -0.6, -0.9])
    alone = decide([values], [card(None, 0.0)])[0].p
    claims = [
        card(None, 0.0, role="rule"),
        *[card(None, 0.0, role="detail")] * 2,
        *[card(None, 0.0, role="table")] * 20,
    ]
    claims += [card(None, 0.0, role="rule", retired="mended")] * 3
    found = [one.p for one in decide([values] * len(claims), claims)]
    assert found == pytest.approx([alone, *[2 * alone] * 2, *[min(1.0, 20 * alone)] * 20, *[3 * alone] * 3])
    old = decide([values] * 4, [card(None, 0.0)] * 4)
    assert [one.p for one in old] == pytest.approx([4 * alone] * 4)


def test_a_claim_that_is_not_decided_for_its_kind_still_counts_in_its_family():
    values = np.array([-1.0, -0.4, -1.2, -0.6, -0.9])
    alone = decided(values, card(None, 0.0)).p
    beside = decide([values, -np.ones(5)], [card(None, 0.0)] * 2)
    assert beside[0].p == pytest.approx(2 * alone)
