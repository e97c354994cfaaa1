import json
import math
from typing import Any

import numpy as np
import pytest
from forging import forge, records
from summaries import summary

from keras_reprise.judge import verdicts as judge
from keras_reprise.judge.contrasts import contrast
from keras_reprise.record.schema import ClaimCard, DataRef


def claim(interval=(None, 0.0), **more):
    return ClaimCard(
        **(
            {"id": "c", "says": "", "where": "", "statistic": "", "unit": "", "interval": interval, "exact": False}
            | more
        )
    )


class CardStore:
    """Stands in for a store: the judge asks it for the card only."""

    def __init__(self, *claims):
        self.claims = claims

    def card(self, digest) -> Any:
        return self

    def judging(self, measurement: str) -> None:
        return None

    def values(self, card: Any, summaries: Any) -> dict[str, dict[str, float | None]]:
        return {}


def judged(values, *claims, **more):
    claims = claims or (claim(),)
    summaries = [summary(seed, {c.id: value for c in claims}, **more) for seed, value in enumerate(values, start=1)]
    return judge.verdicts(summaries, CardStore(*claims))[0]


def test_values_clearly_inside_are_reproduced():
    verdict = judged([-1.0, -1.1, -0.9, -1.05, -0.95, -1.0])
    assert (verdict.verdict, verdict.n, verdict.n_failed) == ("reproduced", 6, 0)
    assert verdict.mean == pytest.approx(-1.0)
    assert verdict.ci_low < -1.0 < verdict.ci_high < 0
    assert verdict.p_exact == pytest.approx(2**-6)


def test_values_clearly_outside_are_contradicted():
    assert judged([1.0, 1.1, 0.9, 1.05, 0.95, 1.0]).verdict == "contradicted"


def test_values_about_the_border_are_inconclusive_and_say_why():
    verdict = judged([-1.0, 1.0, -0.5, 0.4, -0.2, 0.1])
    assert verdict.verdict == "inconclusive"
    assert "adjusted p" in verdict.reason


def test_two_replicates_are_never_enough():
    assert judged([-1.0, -1.0]).verdict == "inconclusive"


def test_an_interval_needs_both_tests():
    inside = judged([1.0, 1.01, 0.99, 1.0, 1.02, 0.98], claim((0.9, 1.1)))
    wide = judged([1.0, 1.6, 0.4, 1.2, 0.8, 1.0], claim((0.9, 1.1)))
    above = judged([1.5, 1.51, 1.49, 1.5, 1.52, 1.48], claim((0.9, 1.1)))
    assert [v.verdict for v in (inside, wide, above)] == ["reproduced", "inconclusive", "contradicted"]


def test_equal_values_are_no_proof_of_certainty():
    verdict = judged([0.5] * 6, claim((0.4, 0.6)))
    assert (verdict.verdict, math.isnan(verdict.ci_low)) == ("inconclusive", True)
    assert "all 6 values are equal (0.5)" in verdict.reason
    assert judged([0.7] * 6, claim((0.4, 0.6))).verdict == "inconclusive"


def test_one_replicate_decides_an_exact_claim():
    assert judged([0.0], claim((0.0, 0.0), exact=True)).verdict == "reproduced"
    assert judged([0.0, 0.0, 1e-9], claim((0.0, 0.0), exact=True)).verdict == "contradicted"


def test_positive_quantities_are_judged_on_their_logarithm():
    verdict = judged([1.0, 10.0, 100.0], claim((None, 1000.0), log=True))
    assert verdict.mean == pytest.approx(10.0)
    assert verdict.ci_low > 0


def test_an_interval_may_end_beyond_every_float():
    verdict = judged([1e-30, 1e20], claim((None, 1000.0), log=True))
    assert verdict.mean == pytest.approx(1e-5)
    assert (verdict.verdict, verdict.ci_low < 1e-300, verdict.ci_high) == ("inconclusive", True, math.inf)
    found = contrast(np.array([1e300, 1e301, 1e302]), np.array([1e-300, 1e-301, 1e-302]), is_ratio=True)
    assert (found.value, found.high, found.p < 0.001) == (math.inf, math.inf, True)


def test_what_tells_of_an_interval_without_an_end_goes_on(filled_store, tmp_path, reprise):
    for path in records(filled_store)[2:]:
        path.unlink()
    forge(
        filled_store,
        record=lambda one: one["claims"].update({"two-is-two": {1: 1e-30, 2: 1e20}[one["replicate"]["seed"]]}),
    )
    for words in (
        ["verdict"],
        ["verdict", "-v"],
        ["verdict", "--json"],
        ["cite", "plain"],
        ["report", "--output", tmp_path / "pages"],
    ):
        result = reprise(*words, "--store", filled_store)
        assert isinstance(result.exception, SystemExit | None), result.exception
    (row,) = (
        row
        for row in json.loads(reprise("verdict", "--json", "--store", filled_store).stdout)
        if row["claim"] == "two-is-two"
    )
    assert (row["n"], row["ci_high"]) == (2, "inf")


def test_a_proportion_uses_the_binomial():
    assert judged([1.0] * 12, claim((0.5, None), proportion=True)).verdict == "reproduced"
    assert judged([0.0] * 12, claim((0.5, None), proportion=True)).verdict == "contradicted"


def test_a_skewed_sample_needs_the_sign_test_to_agree():
    values = [-0.01, 0.005, -0.01, 0.004, -0.012, 0.003, -0.011, -60.0]
    verdict = judged(values)
    assert verdict.verdict == "inconclusive"


def test_failed_replicates_and_missing_numbers_are_counted():
    summaries = [summary(1, {"c": -1.0}), summary(2, {"c": "nan"}), summary(3, {"c": "nan"}, status="failed")]
    verdict = judge.verdicts(summaries, CardStore(claim()))[0]
    assert (verdict.n, verdict.n_failed) == (1, 2)


def test_a_repeated_seed_is_one_replicate_and_a_later_success_replaces_a_failure():
    summaries = [
        summary(1, {"c": "nan"}, status="failed"),
        summary(1, {"c": -1.0}, repeat=1),
        summary(1, {"c": -5.0}, repeat=2),
    ]
    verdict = judge.verdicts(summaries, CardStore(claim()))[0]
    assert (verdict.n, verdict.n_failed, verdict.mean) == (1, 0, -1.0)


def test_machines_and_substitutes_are_never_pooled():
    substitute = DataRef("digits", "0" * 64, 1, 1, True)
    summaries = [
        summary(1, {"c": -1.0}),
        summary(1, {"c": -1.0}, machine="n" * 12),
        summary(1, {"c": -1.0}, data=substitute),
    ]
    verdicts = judge.verdicts(summaries, CardStore(claim()))
    assert sorted((v.n, v.data) for v in verdicts if v.data is None) == [(1, None), (1, None)]
    assert [v.data for v in verdicts if v.data] == ["digits (substitute)"]


def test_many_claims_need_more_evidence_than_one():
    values = [-1.0, -0.4, -1.2, -0.6, -0.9]
    alone = judged(values)
    claims = [claim(id=f"c{i}") for i in range(20)]
    among = judge.verdicts(
        [
            summary(seed, {c.id: value if c.id == "c0" else 0.1 * (-1) ** seed for c in claims})
            for seed, value in enumerate(values, 1)
        ],
        CardStore(*claims),
    )
    assert alone.verdict == "reproduced"
    assert next(v for v in among if v.claim == "c0").p == pytest.approx(20 * alone.p)


@pytest.mark.parametrize("log", [False, True])
def test_wrong_verdicts_are_rarer_than_five_percent(log):
    """The true mean sits on the border, where either verdict is wrong; normal and log-normal statistics."""
    generator = np.random.default_rng(5)
    wrong = 0
    for _ in range(1500):
        noise = generator.normal(0.0, 0.5, 6)
        values = np.exp(noise) if log else 1.0 + noise
        wrong += judged(values, claim((None, 1.0), log=log)).verdict != "inconclusive"
    assert wrong / 1500 < 0.05
    assert not math.isnan(wrong)
