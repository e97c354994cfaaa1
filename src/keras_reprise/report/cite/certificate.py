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
from keras_reprise.record import wording
from keras_reprise.record.facts import EnvironmentFacts
from keras_reprise.report import phrases
from keras_reprise.report.amounts import amount
from keras_reprise.report.cite import identifiers, literature
from keras_reprise.store.store import Store

if TYPE_CHECKING:
    from keras_reprise.figures.page import Page


class Certified(msgspec.Struct, frozen=True):
    """What a certificate says of one recipe, as far as it is checked."""

    identifier: str
    verdict: str | None
    claims: dict[str, str]
    n: int


SCHEMA = "reprise-certificate/1"
VERDICTS = ("reproduced", "contradicted", "inconclusive")


def chosen(groups: Iterable[Group]) -> list[Group]:
    """The groups of one place, where the one with the highest rank is, one for each recipe.

    NothingMeasuredError when none of them may stand for its recipe.
    """
    standing = sorted((one for one in groups if one.stands and one.complete), key=lambda one: one.rank, reverse=True)
    if not standing:
        raise NothingMeasuredError(
            "No group of complete replicates may stand for a recipe here.\n"
            "Measure one with `reprise run --suite quickstart`, or name another machine with --machine."
        )
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
    first = groups[0]
    members = [summary for group in groups for summary in group.members]
    environment = store.document("environments", first.environment)
    facts = EnvironmentFacts.of(environment)
    content: dict[str, object] = {
        "schema": SCHEMA,
        "title": "Certificate of a replay",
        "made_by": f"keras-reprise {__version__}",
        "rules": {word: sum(group.rule.verdict == word for group in groups) for word in VERDICTS},
        "machine": {"id": first.machine, "words": wording.hardware(store.document("machines", first.machine))},
        "short": wording.short_hardware(store.document("machines", first.machine)),
        "environment": {
            "id": first.environment,
            "words": wording.software(environment),
            "backend": facts.backend,
            "keras": facts.keras,
        },
        "code": {
            "package_versions": sorted({one.code.package_version for one in members}),
            "commits": sorted({one.code.git_commit for one in members if one.code.git_commit}),
            "uncommitted": sum(one.code.dirty is not False for one in members),
        },
        "records": len(members),
        "replayed_from": min(one.started_at for one in members),
        "replayed_until": max(one.finished_at for one in members),
        "swhid": identifiers.swhid(store, [one.path for one in members]),
        "replayed": [_entry(group, environment) for group in groups],
    }
    return {"id": digest(content), **content}


def digest(content: Mapping[str, object]) -> str:
    """The id of a certificate: the SHA-256 of its canonical JSON without the id."""
    rest = {key: value for key, value in content.items() if key != "id"}
    return hashlib.sha256(msgspec.json.encode(rest, order="deterministic")).hexdigest()


def encoded(content: Mapping[str, object]) -> bytes:
    """The file of a certificate: JSON with an indent of two."""
    return json.dumps(content, indent=2, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def _entry(group: Group, environment: Mapping[str, object]) -> dict[str, object]:
    """One rule: what was asked, what came out, and how to find and to replay it."""
    data, deciding = group.first.data, group.rule.deciding
    return {
        "recipe": group.slug,
        "version": group.version,
        "rule": group.card.title,
        "documented": literature.facts(group.card.sources),
        "scale": group.scale,
        "data": data and {"name": data.name, "fingerprint": data.fingerprint, "substitute": data.substitute},
        "verdict": group.rule.verdict,
        "claims": {one.claim: one.verdict for one in group.verdicts if one.counts},
        "decides": deciding and {
            "claim": deciding.claim,
            "says": deciding.says,
            "mean": _plain(deciding.mean),
            "ci_low": _plain(deciding.ci_low),
            "ci_high": _plain(deciding.ci_high),
            "unit": deciding.unit,
        },
        "n": len(group.complete),
        "n_failed": len(group.replicates) - len(group.complete),
        "seeds": [one.replicate.seed for one in group.replicates],
        "measurement": group.latest.recipe.measurement,
        "identifier": group.identifier,
        "not_citable": group.uncitable or None,
        "replay": phrases.replay(group.replicates, environment),
    }  # fmt: skip


def is_certificate(content: object) -> TypeGuard[dict[str, object]]:
    """Whether what a JSON file holds is a certificate."""
    return isinstance(content, dict) and content.get("schema") == SCHEMA


def claimed(content: Mapping[str, object]) -> list[Certified]:
    """What a certificate says of each recipe; UserError where it is not as certificates are."""
    try:
        return msgspec.convert(content.get("replayed"), list[Certified])
    except msgspec.ValidationError as error:
        raise UserError(f"The certificate is not as `reprise certificate` writes it: {error}.") from error


def headline(content: Mapping[str, object]) -> str:
    """ "12 of 13 rules reproduced on H100"."""
    rules: dict[str, int] = msgspec.convert(content["rules"], dict[str, int])
    total = sum(rules.values())
    return f"{rules['reproduced']} of {total} rule{'' if total == 1 else 's'} reproduced on {content['short']}"


def page(content: Mapping[str, object], groups: Sequence[Group]) -> "Page":
    """The certificate as one page."""
    from keras_reprise.figures.page import Page, PageRow

    code = msgspec.convert(content["code"], dict[str, object])
    commits = ", ".join(str(one)[:12] for one in msgspec.convert(code["commits"], list[str])) or "not known"
    dirty = f"; {code['uncommitted']} records from uncommitted code" if code["uncommitted"] else ""
    documents = literature.each_once(literature.of(group.card) for group in groups)
    data = sorted({group.data_label for group in groups if group.first.data is not None})
    facts = (
        ("replayed", f"{len(groups)} recipe{'' if len(groups) == 1 else 's'}, {content['records']} records"),
        ("documented in", "; ".join(one.described for one in documents) or "-"),
        ("on", f"{words_of(content['machine'])}"),
        ("with", f"{words_of(content['environment'])}"),
        ("code", f"keras-reprise {', '.join(map(str, msgspec.convert(code['package_versions'], list[str])))}, "
                 f"commit {commits}{dirty}"),
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


def _found(group: Group) -> str:
    """The number that decides, in a few words."""
    verdict = group.rule.deciding
    if verdict is None:
        return f"{group.slug}@{group.version}"
    ends = (verdict.ci_low, verdict.ci_high)
    told = amount("", verdict.unit, verdict.kind, verdict.mean, verdict.sd, ends, exact=verdict.sd == 0)
    return f"{group.slug}@{group.version}, {group.scale} scale: {told.text}{f' ({told.ends})' if told.ends else ''}"


def _several(groups: Sequence[Group]) -> bool:
    return len({group.slug for group in groups}) > 1


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
