"""Numbers as people say them: the cards of the front page, and the sentences on why a rule has its verdict."""

import pytest
from summaries import summary

from keras_reprise.judge import verdicts
from keras_reprise.record.schema import Card, ClaimCard
from keras_reprise.report.telling import Told, probability, told

SIX = [-2.0, -2.2, -1.8, -2.1, -1.9, -2.0]


def found(numbers, statistic="The loss of `a`.", unit="nats", ends=(None, 0.5), kind="continuous") -> Told:
    """What is told of a claim with these replicates' numbers."""
    claim = ClaimCard("c", "", "", statistic, unit, ends, False, kind=kind)
    card = Card("plain", 1, "", "", [], {}, [claim], [], {})

    class Cards:
        def card(self, digest: str) -> Card:
            return card

        def judging(self, measurement: str) -> None:
            return None

        def values(self, card: Card, summaries: object) -> dict[str, dict[str, float | None]]:
            return {}

    members = [summary(seed, {"c": value}) for seed, value in enumerate(numbers, start=1)]
    return told(verdicts.of_group(members, Cards())[0], claim)


def test_a_difference_of_two_arms_is_so_much_lower_or_higher_and_its_interval_begins_with_the_smaller_end():
    one = found(SIX, "Test error of `drop` minus the test error of `constant`.", "points", (None, 0.0))
    assert (one.number, one.spread) == ("2.00 points lower", "1.85 to 2.15")
    assert (one.of, one.needed) == ("Test error of `drop` compared with `constant`", "must be lower")
    other = found([-x for x in SIX], "Test error of `drop` minus the test error of `constant`", "points", (None, 0.0))
    assert other.number == "2.00 points higher"


def test_an_interval_on_both_sides_of_nothing_says_which_end_is_which():
    one = found([-2.0, 2.0, -1.0, 2.5], "Loss of `a` minus the loss of `b`", "nats", (None, 0.0))
    assert one.number == "0.4 nats higher"
    assert one.spread == "3.1 lower to 3.9 higher"


@pytest.mark.parametrize(
    ("statistic", "unit", "number", "needed"),
    [
        ("Accuracy of `a`", "fraction", "50.00 %", "must lie below 60 %"),
        ("Accuracy of `a` minus the accuracy of `b`", "fraction", "50.00 points higher", "must lie below 60 points"),
        ("Accuracy at the end minus that at the start", "percent", "0.5000 points", "must lie below 0.6 points"),
        ("Seconds of `a` over the seconds of `b`", "ratio", "0.5000 times", "must lie below 0.6 times"),
        ("Error of `a` minus the loss of `b`", "", "0.5000", "must lie below 0.6"),
    ],
)
def test_units_are_those_that_people_use(statistic, unit, number, needed):
    one = found([0.5, 0.501, 0.499], statistic, unit, (None, 0.6))
    assert (one.number, one.needed) == (number, needed)


def test_counts_shares_and_certainties_are_told_in_replicates():
    assert found([1, 1, 0], ends=(0.5, None), kind="discrete").number == "in 2 of 3 replicates"
    share = found([1.0, 1.0, 0.0, 1.0], ends=(0.8, None), kind="share")
    assert (share.number, share.needed) == ("in 3 of 4 replicates", "must be so in more than 80 % of all replicates")
    assert found([1.0], unit="", ends=(1.0, 1.0), kind="exact").number == "exactly so"
    assert (
        found([50.0], unit="", ends=(50.0, 50.0), kind="exact").sentence
        == "The loss of `a`: 50; it must lie exactly 50"
    )


def test_a_limit_is_told_as_it_is_however_small():
    assert found([1e-17], unit="", ends=(0.0, 1e-12), kind="exact").needed == "must lie 0 to 1e-12"


def test_a_claim_without_a_number_says_so():
    assert found(["nan"] * 3).number == "no number"


def test_no_p_is_printed_as_nothing():
    assert [probability(p) for p in (0.0, 1e-9, 0.00012, 0.0312, 1.0)] == [
        "< 0.0001", "< 0.0001", "0.00012", "0.031", "1",
    ]  # fmt: skip
