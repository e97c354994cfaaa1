"""A certificate of a replay, after the model of CODECHECK: what was replayed, with which code and data, on what, when,
the verdicts, and the identifiers under which anybody can check them.

It is computed from the records alone, so that the same records give the same bytes; its id is the hash of its content.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard

import msgspec

from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.base.version import __version__
from keras_reprise.judge.comparable import Place
from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record import wording
from keras_reprise.record.facts import EnvironmentFacts
from keras_reprise.report import phrases
from keras_reprise.report.amounts import amount
from keras_reprise.report.cite import identifiers, literature
from keras_reprise.store.store import Store, Summary

if TYPE_CHECKING:
    from keras_reprise.figures.page import Page


class CertifiedData(msgspec.Struct, frozen=True):
    """Whether a certified recipe was replayed on data that stand in for the documented ones."""

    substitute: bool


class Certified(msgspec.Struct, frozen=True):
    """What a certificate says of one recipe, as far as it is found, judged and counted by it."""

    identifier: str
    verdict: str | None
    claims: dict[str, str]
    data: CertifiedData | None = None


SCHEMA = "reprise-certificate/1"
TITLE = "Certificate of a replay"
VERDICTS = ("reproduced", "contradicted", "inconclusive")


def chosen(groups: Iterable[Group]) -> list[Group]:
    """The groups of one place, one for each recipe: of its newest version there the one with the highest rank.

    The place is where most was measured; of one recipe where its newest version was. NothingMeasuredError when no group
    may stand for its recipe.
    """
    standing = [one for one in groups if one.stands and one.complete]
    if not standing:
        raise NothingMeasuredError(
            "No group of complete replicates may stand for a recipe here.\n"
            "Measure one with `reprise run --suite quickstart`, or name another machine with --machine."
        )
    standing.sort(key=lambda one: (one.version, one.rank), reverse=True)
    first = max(standing, key=lambda one: (one.prominence, one.rank)) if _several(standing) else standing[0]
    found: dict[str, Group] = {}
    for one in standing:
        if one.place == first.place:
            found.setdefault(one.slug, one)
    return sorted(found.values(), key=lambda one: one.slug)


def places(groups: Iterable[Group]) -> set[Place]:
    """Where the groups that may be certified were measured."""
    return {one.place for one in groups if one.stands and one.complete}


def build(groups: Sequence[Group], store: Store) -> dict[str, object]:
    """The certificate of the groups of one place; every record is read and hashed again."""
    for group in groups:
        for summary in group.members:
            store.read(store.root / summary.path)
    environment = store.document("environments", groups[0].environment)
    content: dict[str, object] = {
        "schema": SCHEMA,
        "title": TITLE,
        "made_by": f"keras-reprise {__version__}",
        **summed(groups, store),
        "swhid": identifiers.swhid(store, [summary.path for group in groups for summary in group.members]),
        "replayed": [entry(group, environment) for group in groups],
    }
    return {"id": digest(content), **content}


def summed(groups: Sequence[Group], store: Store) -> dict[str, object]:
    """What a certificate says of all its groups; rules are counted on documented data alone."""
    first = groups[0]
    members = [summary for group in groups for summary in group.members]
    machine = store.document("machines", first.machine)
    environment = store.document("environments", first.environment)
    facts = EnvironmentFacts.of(environment)
    documented = [group.rule.verdict for group in groups if not group.substitute]
    return {
        "rules": {word: documented.count(word) for word in VERDICTS},
        "machine": {"id": first.machine, "words": wording.hardware(machine)},
        "short": wording.short_hardware(machine),
        "environment": {
            "id": first.environment,
            "words": wording.software(environment),
            "backend": facts.backend,
            "keras": facts.keras,
        },
        "code": code_of(members),
        "records": len(members),
        "replayed_from": min(one.started_at for one in members),
        "replayed_until": max(one.finished_at for one in members),
    }


def code_of(members: Iterable[Summary]) -> dict[str, object]:
    """With which code the records were measured; `uncommitted` counts those that say it was not as committed."""
    codes = [one.code for one in members]
    return {
        "package_versions": sorted({one.package_version for one in codes}),
        "commits": sorted({one.git_commit for one in codes if one.git_commit}),
        "uncommitted": sum(one.dirty is True for one in codes),
    }


def digest(content: Mapping[str, object]) -> str:
    """The id of a certificate: the SHA-256 of its canonical JSON without the id."""
    rest = {key: value for key, value in content.items() if key != "id"}
    return hashlib.sha256(msgspec.json.encode(rest, order="deterministic")).hexdigest()


def encoded(content: Mapping[str, object]) -> bytes:
    """The file of a certificate: JSON with an indent of two."""
    return json.dumps(content, indent=2, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def entry(group: Group, environment: Mapping[str, object]) -> dict[str, object]:
    """One rule: what was asked, what came out, and how to find and to replay it."""
    data = group.first.data
    return {
        "recipe": group.slug,
        "version": group.version,
        "rule": group.card.title,
        "documented": literature.facts(group.card.sources),
        "scale": group.scale,
        "data": data and {"name": data.name, "fingerprint": data.fingerprint, "substitute": data.substitute},
        "verdict": group.rule.verdict,
        "claims": {one.claim: one.verdict for one in group.verdicts if one.counts},
        "decides": deciding(group.rule.deciding),
        "n": len(group.complete),
        "n_failed": len(group.replicates) - len(group.complete),
        "seeds": [one.replicate.seed for one in group.replicates],
        "measurement": group.latest.recipe.measurement,
        "identifier": group.identifier,
        "not_citable": group.uncitable or None,
        "replay": phrases.replay(group.replicates, environment),
    }


def deciding(verdict: Verdict | None) -> dict[str, object] | None:
    """The claim that decides, with its number."""
    if verdict is None:
        return None
    return {
        "claim": verdict.claim,
        "says": verdict.says,
        "mean": _plain(verdict.mean),
        "ci_low": _plain(verdict.ci_low),
        "ci_high": _plain(verdict.ci_high),
        "unit": verdict.unit,
    }


def is_certificate(content: object) -> TypeGuard[dict[str, object]]:
    """Whether what a JSON file holds is a certificate."""
    return isinstance(content, dict) and content.get("schema") == SCHEMA


def claimed(content: Mapping[str, object]) -> list[Certified]:
    """What a certificate says of each recipe; UserError where it is not as certificates are."""
    try:
        return msgspec.convert(content.get("replayed"), list[Certified])
    except msgspec.ValidationError as error:
        raise UserError(f"The certificate is not as `reprise certificate` writes it: {error}.") from error


def entries(content: Mapping[str, object]) -> list[dict[str, object]]:
    """All that a certificate says of each recipe, as it says it; UserError as for `claimed`."""
    claimed(content)
    return msgspec.convert(content["replayed"], list[dict[str, object]])


def headline(content: Mapping[str, object]) -> str:
    """ "12 of 13 rules reproduced on H100"; what is on substitute data is told apart."""
    rules: dict[str, int] = msgspec.convert(content["rules"], dict[str, int])
    total = sum(rules.values())
    apart = sum(one.data is not None and one.data.substitute for one in claimed(content))
    told = f"{rules['reproduced']} of {total} rule{'' if total == 1 else 's'} reproduced on {content['short']}"
    return f"{told} ({apart} on substitute data not counted)" if apart else told


def page(content: Mapping[str, object], groups: Sequence[Group]) -> "Page":
    """The certificate as one page."""
    from keras_reprise.figures.page import Page, PageRow

    code = msgspec.convert(content["code"], dict[str, object])
    commits = ", ".join(str(one)[:12] for one in msgspec.convert(code["commits"], list[str])) or "not known"
    documents = literature.each_once(literature.of(group.card) for group in groups)
    data = sorted({group.data_label for group in groups if group.first.data is not None})
    facts = (
        ("replayed", f"{len(groups)} recipe{'' if len(groups) == 1 else 's'}, {content['records']} records"),
        ("documented in", "; ".join(one.described for one in documents) or "-"),
        ("on", f"{words_of(content['machine'])}"),
        ("with", f"{words_of(content['environment'])}"),
        ("code", f"keras-reprise {', '.join(map(str, msgspec.convert(code['package_versions'], list[str])))}, "
                 f"commit {commits}{_of_code(groups)}"),
        ("data", ", ".join(data) or "none"),
        ("when", f"{str(content['replayed_from'])[:10]} to {str(content['replayed_until'])[:10]}"),
        ("certificate", str(content["id"])),
    )  # fmt: skip
    order = {"contradicted": 0, "inconclusive": 1, None: 2, "reproduced": 3}
    replay = {str(one["recipe"]): str(one["replay"]) for one in msgspec.convert(content["replayed"], list[dict])}
    rows = tuple(
        PageRow(
            one.rule.verdict or "",
            _found(one),
            one.card.title,
            f"n = {len(one.complete)}",
            one.identifier,
            replay[one.slug],
        )
        for one in sorted(groups, key=lambda one: (order[one.rule.verdict], one.slug))
    )
    foot = (
        'Check it: "reprise check-citations certificate.json" hashes every record again, and says what is not as it is '
        'told here; "reprise resolve IDENTIFIER" lists the records behind a line, and prints the command that replays '
        "them. The JSON beside this page holds every identifier.",
        *([f"Software Heritage: {content['swhid']}"] if content["swhid"] else []),
    )
    return Page(str(content["title"]), headline(content), facts, rows, foot)


def words_of(document: object) -> object:
    """What a machine or an environment of a certificate is in words."""
    return document["words"] if isinstance(document, Mapping) else ""


def _of_code(groups: Iterable[Group]) -> str:
    """How many records are from code that was not committed, and how many do not say it."""
    dirty = [summary.code.dirty for group in groups for summary in group.members]
    kinds = {True: "uncommitted code", None: "code of which it is not known whether it was committed"}
    counts = {words: sum(one is kind for one in dirty) for kind, words in kinds.items()}
    return "".join(f"; {n} record{'' if n == 1 else 's'} from {words}" for words, n in counts.items() if n)


def _found(group: Group) -> str:
    """The number that decides, in a few words."""
    verdict, name = group.rule.deciding, f"{group.slug}@{group.version}"
    substitute = ", substitute data" if group.substitute else ""
    if verdict is None:
        return f"{name}{substitute}"
    ends = (verdict.ci_low, verdict.ci_high)
    told = amount("", verdict.unit, verdict.kind, verdict.mean, verdict.sd, ends, exact=verdict.sd == 0)
    return f"{name}, {group.scale} scale{substitute}: {told.text}{f' ({told.ends})' if told.ends else ''}"


def _several(groups: Sequence[Group]) -> bool:
    return len({group.slug for group in groups}) > 1


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
