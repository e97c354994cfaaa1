"""A certificate built again from the records that it names, and every field that says otherwise than they do.

What a card or a document may put in better words one day is only noted: the rule, where it is documented, what the
claim that decides says, and its unit. `made_by` and `swhid` are of the day on which it was written, and not compared.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from keras_reprise.base.columns import cut
from keras_reprise.catalog import sources
from keras_reprise.judge.comparable import together
from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.report.cite import certificate
from keras_reprise.report.cite.certificate import Certified
from keras_reprise.store.store import Store

NAMED = "reprise-certificate"  # what a JSON file that holds this is said to be
WORDS = ("rule", "documented", "decides.says", "decides.unit")
OF_THE_DAY = ("id", "schema", "made_by", "swhid", "replayed")
SAME = 1e-6  # relative: what the same records may give on another machine
LONGEST = 120  # characters of a value in a message


class Discrepancy(NamedTuple):
    """One thing that a certificate says otherwise than the store; `note`: an honest one may."""

    what: str
    note: bool = False


def calls_itself_a_certificate(content: object, text: str) -> bool:
    """Whether a JSON file that holds no certificate is said to hold one, or has the form of one."""
    try:
        written = text + json.dumps(content)  # also what the file writes in escapes
    except RecursionError:
        written = text
    return NAMED in written.lower() or (isinstance(content, dict) and "replayed" in content)


def is_as_hashed(content: Mapping[str, object]) -> bool:
    """Whether a certificate's id is that of its content."""
    try:
        return certificate.digest(content) == content.get("id")
    except ValueError:  # of what has no canonical form: lone surrogates
        return False


def as_certified(one: Certified, group: Group) -> Group:
    """The group judged by the claims that the certificate lists: others joined its card since, or were retired."""
    listed = (replace(verdict, retired=None) for verdict in group.verdicts if verdict.claim in one.claims)
    return replace(group, verdicts=tuple(listed))


def rule_claims_joined(one: Certified, group: Group) -> bool:
    """Whether claims that the certificate does not list are the rule's now."""
    return any(verdict.claim not in one.claims for verdict in group.rule.claims)


def of_entry(said: Mapping[str, object], one: Certified, group: Group, store: Store) -> Iterator[Discrepancy]:
    """What an entry says otherwise than the store does of its group as it was when it was certified."""
    listed = as_certified(one, group)
    found = certificate.entry(listed, store.document("environments", group.environment))
    found["decides"] = certificate.deciding(_deciding(said, listed))
    found["not_citable"] = _not_citable(group)
    if _replays(said.get("replay"), str(found["replay"]), group):
        found["replay"] = said["replay"]
    for name, theirs, ours in _differing("", said, found):
        what = "the rule" if name == "verdict" else name.removeprefix("claims.")
        if name in WORDS:
            yield Discrepancy(f"{what} is in other words now: {_told(ours)}", note=True)
        else:
            yield Discrepancy(f"{what} is certified as {_told(theirs)}, the store says {_told(ours)}")
    yield from _left_out(one, group, store)
    if group.foreign:
        yield Discrepancy(f"it is of {group.whose}", note=True)


def of_whole(content: Mapping[str, object], groups: Sequence[Group], store: Store) -> Iterator[Discrepancy]:
    """What a certificate says of all its entries otherwise than the store does of their groups, as certified."""
    if not groups:
        yield Discrepancy("it certifies no recipe")
        return
    for slug, mine in together(groups, lambda group: group.slug).items():
        if len(mine) > 1:
            yield Discrepancy(f"{slug} is certified {len(mine)} times")
    for group in groups:
        if group.place != groups[0].place:
            yield Discrepancy(f"{group.identifier} was measured elsewhere than {groups[0].identifier}")
    found: dict[str, object] = {"title": certificate.TITLE, **certificate.summed(groups, store)}
    for name, earlier, why in _as_counted_before(groups):
        if content.get(name) == earlier != found[name]:
            found[name] = earlier
            yield Discrepancy(f"{name} counts {why}, as earlier versions did", note=True)
    said = {name: value for name, value in content.items() if name not in OF_THE_DAY}
    for name, theirs, ours in _differing("", said, found):
        yield Discrepancy(f"{name} is certified as {_told(theirs)}, the store says {_told(ours)}")


def _as_counted_before(groups: Sequence[Group]) -> Iterator[tuple[str, object, str]]:
    """What earlier versions counted otherwise: the field, its content, and what was counted in."""
    members = [summary for group in groups for summary in group.members]
    rules = {word: sum(group.rule.verdict == word for group in groups) for word in certificate.VERDICTS}
    yield "rules", rules, "rules on substitute data"
    uncommitted = sum(one.code.dirty is not False for one in members)
    yield "code", certificate.code_of(members) | {"uncommitted": uncommitted}, "records of unknown code as uncommitted"


def _deciding(said: Mapping[str, object], group: Group) -> Verdict | None:
    """The claim that decides: the one that is named if it may be, since the order of a card's claims may change."""
    decides = said.get("decides")
    named = decides.get("claim") if isinstance(decides, Mapping) else None
    alike = (one for one in group.rule.claims if one.verdict == group.rule.verdict and one.claim == named)
    return next(alike, group.rule.deciding)


def _left_out(one: Certified, group: Group, store: Store) -> Iterator[Discrepancy]:
    """Claims that count and are not listed; a note where no card of the records has them, so that they came later."""
    cards = {summary.recipe.card for summary in group.members}
    measured_with = {claim.id for card in cards for claim in store.card(card).claims}
    for verdict in group.verdicts:
        if verdict.counts and verdict.claim not in one.claims:
            what = f"{verdict.claim} is left out, the store says {verdict.verdict}"
            yield Discrepancy(what, note=verdict.claim not in measured_with)


def _not_citable(group: Group) -> str | None:
    """Why the group should not be cited, but for whose recipe it is: only what stands for a recipe is certified, and
    another lock may say so or not."""
    reasons = [reason for reason in group.uncitable.split("; ") if not reason.startswith("it is of ")]
    return "; ".join(reasons) or None


def _replays(said: object, found: str, group: Group) -> bool:
    """Whether a command replays what `found` does: by another lock a recipe is the package's, or somebody's own."""
    recipe = group.replicates[0].recipe
    options = found.partition(" --scale ")[2]
    own = f"./{recipe.slug}.py --measurement {sources.hash_of(recipe)[: sources.SHOWN]}"
    return said in [f"reprise run {what} --scale {options}" for what in (own, f"{recipe.slug}@{recipe.version}")]


def _differing(name: str, said: object, found: object) -> Iterator[tuple[str, object, object]]:
    """The fields in which two contents differ, by dotted names, with what each says; a missing one is None."""
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        for key in {**found, **said}:
            yield from _differing(f"{name}.{key}" if name else str(key), said.get(key), found.get(key))
    elif not _same(said, found):
        yield name, said, found


def _same(said: object, found: object) -> bool:
    if isinstance(said, float) and isinstance(found, float):
        return math.isclose(said, found, rel_tol=SAME, abs_tol=1e-12)
    return said == found


def _told(value: object) -> str:
    return "nothing" if value is None else cut(str(value), LONGEST)
