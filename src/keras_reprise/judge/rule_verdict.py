"""The verdict of the rule that a recipe asks about: what the claims with the role `rule` say together."""

from collections.abc import Sequence
from dataclasses import dataclass

from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.schema import Card

NO_ROLES = "its card gives claims no roles, so that none of them is known to be the rule"
NO_RULE = "none of its claims has the role of a rule"
TURNED = {"reproduced": "contradicted", "contradicted": "reproduced", "inconclusive": "inconclusive"}


@dataclass(frozen=True)
class RuleVerdict:
    """Whether a recipe's rule is reproduced, contradicted or inconclusive, and the claims' verdicts that this rests on.

    `rule` says it in words. `verdict` is None where the card names no rule; `reason` says so then, and else why it is
    inconclusive. `deciding` is the claim for which it is what it is: of an undecided rule the first undecided claim.
    """

    rule: str
    verdict: str | None
    reason: str
    claims: tuple[Verdict, ...]
    deciding: Verdict | None


def rule_verdict(card: Card, verdicts: Sequence[Verdict]) -> RuleVerdict:
    """The rule is reproduced if all its claims are, contradicted if one is, inconclusive otherwise."""
    claims = tuple(one for one in verdicts if one.role == "rule" and one.counts)
    if not claims:
        return RuleVerdict(card.title, None, NO_RULE if any(one.role for one in verdicts) else NO_ROLES, (), None)
    return together(card.title, claims)


def together(says: str, claims: Sequence[Verdict], *, opposite: bool = False) -> RuleVerdict:
    """What the claims, of which there is at least one, say together of a sentence; with `opposite` each of them says
    the contrary of it, so that one which holds contradicts it."""
    words = [TURNED[one.verdict] if opposite else one.verdict for one in claims]
    for word in ("contradicted", "inconclusive"):
        if word in words:
            found = claims[words.index(word)]
            reason = f"{found.claim}: {found.reason}" if found.reason else ""
            return RuleVerdict(says, word, reason, tuple(claims), found)
    return RuleVerdict(says, "reproduced", "", tuple(claims), claims[0])
