"""A comparison as `compare --json` prints it."""

from dataclasses import asdict

from keras_reprise.judge.compare import Comparison, Pair
from keras_reprise.judge.contrasts import ClaimPair, Speed


def comparison_facts(comparison: Comparison) -> dict[str, object]:
    """All of a comparison in the types of JSON."""
    ratio, low, high, n = comparison.speed
    found = comparison.conditions
    return {
        "a": comparison.a.name,
        "b": comparison.b.name,
        "deciding": [asdict(one) | {"same": one.same} for one in found.deciding],
        "packages": [asdict(one) for one in found.packages],
        "differences": [asdict(one) for one in found.differences],
        "pairs": [_pair_facts(pair) for pair in comparison.pairs],
        "speed": {"ratio": ratio, "ci_low": low, "ci_high": high, "n": n},
        "refused": [str(refusal) for refusal in comparison.refused],
    }


def _pair_facts(pair: Pair) -> dict[str, object]:
    return {
        "recipe": pair.a.slug,
        "versions": [pair.a.version, pair.b.version],
        "scale": pair.a.scale,
        "data": pair.a.data_label,
        "identifiers": [pair.a.identifier, pair.b.identifier],
        "claims": [_claim_facts(claim) for claim in pair.claims],
        "speeds": [_speed_facts(speed) for speed in pair.speeds],
        "speeds_not_compared": dict(pair.no_speeds),
        "groups_passed_over": pair.passed_over,
    }


def _claim_facts(claim: ClaimPair) -> dict[str, object]:
    found = claim.contrast
    return {
        "claim": claim.claim,
        "a_verdict": claim.a.verdict,
        "b_verdict": claim.b.verdict,
        "a_mean": claim.a.mean,
        "b_mean": claim.b.mean,
        "a_sd": claim.a.sd,
        "b_sd": claim.b.sd,
        "a_n": claim.a.n,
        "b_n": claim.b.n,
        "unit": claim.unit,
        "change": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "is_ratio": found.is_ratio,
        "identical": claim.identical,
        "incomparable": claim.incomparable,
        "printed": claim.printed,
        "doubt": found.doubt,
        "verdicts_differ": claim.verdicts_differ,
        "opposite": claim.opposite,
        "clear": claim.clear,
    }


def _speed_facts(speed: Speed) -> dict[str, object]:
    found = speed.contrast
    return {
        "arm": speed.arm,
        "what": speed.what,
        "a_s": speed.a.seconds,
        "b_s": speed.b.seconds,
        "ratio": found.value,
        "low": found.low,
        "high": found.high,
        "a_n": speed.a.n,
        "b_n": speed.b.n,
        "doubt": found.doubt,
    }
