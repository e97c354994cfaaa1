"""The verdict of a rule: of the claims that are it, and of nothing else."""

from typing import Any

import pytest
from summaries import summary

from keras_reprise.judge import verdicts as judge
from keras_reprise.judge.rule_verdict import rule_verdict, together
from keras_reprise.record.schema import Card, ClaimCard

INSIDE, OUTSIDE, UNCLEAR = (-1.0, 1.0, 0.0)
WORDS = {INSIDE: "reproduced", OUTSIDE: "contradicted", UNCLEAR: "inconclusive"}


def claim(name, role, **more):
    return ClaimCard(name, "", "", "", "", (None, 0.0), False, role=role, **more)


def ruled(*about):
    """The verdict of a card with a claim for each (centre of its values, role, more)."""
    claims = [claim(f"c{i}", role, **more) for i, (_, role, more) in enumerate(about)]
    card = Card("s", 1, "The rule in words.", "", [], {}, claims, [], {})
    noise = (0.11, -0.1, 0.05, -0.04, 0.02, -0.03)

    class Cards:
        def card(self, digest: str) -> Any:
            return card

        def judging(self, measurement: str) -> None:
            return None

        def values(self, card: Any, summaries: Any) -> dict[str, dict[str, float | None]]:
            return {}

    numbers = [{c.id: centre + one for c, (centre, *_) in zip(claims, about, strict=True)} for one in noise]
    members = [summary(seed, values) for seed, values in enumerate(numbers, start=1)]
    return rule_verdict(card, judge.of_group(members, Cards()))


@pytest.mark.parametrize(
    ("centres", "verdict"),
    [
        ((INSIDE, INSIDE), "reproduced"),
        ((INSIDE, UNCLEAR), "inconclusive"),
        ((UNCLEAR, OUTSIDE), "contradicted"),
        ((INSIDE, OUTSIDE), "contradicted"),
    ],
)
def test_a_rule_is_reproduced_if_all_its_claims_are_and_contradicted_if_one_is(centres, verdict):
    found = ruled(*((centre, "rule", {}) for centre in centres), (OUTSIDE, "detail", {}), (UNCLEAR, "table", {}))
    assert (found.verdict, [one.claim for one in found.claims]) == (verdict, ["c0", "c1"])
    assert found.rule == "The rule in words."
    deciding = found.deciding
    assert deciding is not None
    assert deciding.verdict == verdict
    assert found.reason == (f"{deciding.claim}: {deciding.reason}" if verdict == "inconclusive" else "")


@pytest.mark.parametrize(
    ("centres", "verdict"),
    [
        ((INSIDE, INSIDE), "contradicted"),
        ((UNCLEAR, INSIDE), "contradicted"),
        ((OUTSIDE, INSIDE), "contradicted"),
        ((OUTSIDE, UNCLEAR), "inconclusive"),
        ((OUTSIDE, OUTSIDE), "reproduced"),
    ],
)
def test_a_sentence_is_contradicted_where_a_claim_that_states_its_opposite_holds(centres, verdict):
    claims = ruled(*((centre, "rule", {}) for centre in centres)).claims
    assert together("The sentence.", claims, opposite=True).verdict == verdict
    assert together("The sentence.", claims).verdict == ruled(*((centre, "rule", {}) for centre in centres)).verdict


def test_a_retired_claim_is_judged_and_counts_nowhere():
    found = ruled((INSIDE, "rule", {}), (OUTSIDE, "rule", {"retired": "its statistic said something else"}))
    assert (found.verdict, len(found.claims)) == ("reproduced", 1)


def test_a_card_without_roles_has_no_verdict_of_a_rule_and_says_so():
    old = ruled((INSIDE, "", {}))
    assert (old.verdict, old.deciding) == (None, None)
    assert "no roles" in old.reason
    assert "none of its claims" in ruled((INSIDE, "detail", {})).reason
