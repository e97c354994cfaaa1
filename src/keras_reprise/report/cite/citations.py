"""Citations: what `reprise cite` prints of a recipe, a claim, a record or one number, as text; `bibliography.py` has
the entries.

The text comes before the identifier in the form that `check-citations` reads: number, interval, n, verdict, identifier.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from keras_reprise.base.escaping import markdown as escape
from keras_reprise.judge.groups import Group
from keras_reprise.record import wording
from keras_reprise.report import phrases
from keras_reprise.report.cite import identifiers, literature, quantities
from keras_reprise.report.cite.literature import Literature
from keras_reprise.report.cite.quantities import Quantity, find_group, split_key
from keras_reprise.store.store import Store, Summary

QUANTITY_FACTS = (
    "name", "says", "unit", "mean", "sd", "ci_low", "ci_high", "n", "n_failed", "verdict", "p", "p_exact", "printed",
)  # fmt: skip
VERDICTS = ("reproduced", "contradicted", "inconclusive")


@dataclass(frozen=True)
class Citation:
    """What is cited: a group of records, one record of it, or one of its quantities; with where it was measured.

    `key` is the group's name in keys of numbers; `pooled` are the sources that an old identifier took for one.
    """

    group: Group
    key: str
    hardware: str
    short_hardware: str
    software: str
    swhid: str | None
    replay: str
    record: Summary | None = None
    quantity: Quantity | None = None
    pooled: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        if self.record is not None:
            return f"reprise:{self.group.slug}@{self.group.version}/{self.record.id[:12]}"
        return self.quantity.id if self.quantity is not None else self.group.identifier

    @property
    def warning(self) -> str:
        """Why this should not be cited; empty when it may be."""
        if self.pooled:
            return f"records of {len(self.pooled)} sources had been taken for one: {', '.join(self.pooled)}"
        if self.record is None:
            return self.group.uncitable
        reasons = ["the replicate failed"] if self.record.status != "complete" else []
        reasons += ["it comes from a checkout with uncommitted changes"] if self.record.code.dirty else []
        reasons += ["the data set is a substitute"] if self.group.substitute else []
        reasons += [f"it is of {self.group.whose}"] if self.group.foreign else []
        return "; ".join(reasons)

    @property
    def date(self) -> str:
        """The day on which the latest of the records was finished."""
        return max(s.finished_at for s in ([self.record] if self.record else self.group.members))[:10]

    @property
    def title(self) -> str:
        title = f"{self.group.card.title} (keras-reprise recipe {self.group.slug}, version {self.group.version}"
        return f"{title}, seed {self.record.replicate.seed})" if self.record else f"{title})"

    @property
    def literature(self) -> tuple[Literature, ...]:
        """The documents that what is cited is stated in."""
        return literature.of(self.group.card, self.quantity.name if self.quantity is not None else "")

    @property
    def setting(self) -> str:
        """Scale, data set, machine and software in words, and whose recipe it is where it is not the package's."""
        data = "" if self.group.first.data is None else f" on {self.group.data_label}"
        of = f", of {self.group.whose}" if self.group.source else ""
        return f"{self.group.scale} scale{data}, {self.hardware}, {self.software}{of}"


def find(name: str, groups: Sequence[Group], store: Store) -> Citation:
    """The citation of what `name` means: a key (`slug`, `slug/claim`, ...), an identifier, or a record id's start.

    The records that it rests on are read and hashed again.
    """
    record = quantity = None
    pooled: tuple[str, ...] = ()
    if name.startswith("reprise:") or re.fullmatch(r"[0-9a-f]{6,64}", name):
        whole, _, part = name.partition("#")
        found = identifiers.find(whole, groups, store)
        group, record, pooled = found.group, found.record, found.pooled
        part = split_key(f"x/{part}")[3] if part else ""
        key = f"{group.slug}@{group.version}:{quantities.key_of(groups, found.current)}"
    else:
        slug, version, place, part, _ = split_key(name)
        group, key = find_group(groups, slug, version, place), name.partition("/")[0]
    if part:
        quantity = quantities.quantity(group, part, store)
    return of(group, store, key=key, record=record, quantity=quantity, pooled=pooled)


def of(
    group: Group,
    store: Store,
    *,
    key: str = "",
    record: Summary | None = None,
    quantity: Quantity | None = None,
    pooled: tuple[str, ...] = (),
) -> Citation:
    """The citation of a group, of one record of it, or of one quantity."""
    cited = [record] if record else list(group.members)
    for summary in cited:
        store.read(store.root / summary.path)
    machine = store.document("machines", group.machine)
    environment = store.document("environments", group.environment)
    return Citation(
        group=group,
        key=key or group.slug,
        hardware=wording.hardware(machine),
        short_hardware=wording.short_hardware(machine),
        software=wording.software(environment),
        swhid=identifiers.swhid(store, [summary.path for summary in cited]),
        replay=phrases.replay([record] if record else group.replicates, environment),
        record=record,
        quantity=quantity,
        pooled=pooled,
    )


def sentence(citation: Citation) -> str:
    """One sentence that can stand in a text."""
    tree = f"; {citation.swhid}" if citation.swhid else ""
    return f"{_statement(citation)}, {citation.setting}{tree}.{_stated(citation)}{_warning(citation)}"


def markdown(citation: Citation) -> str:
    """The same in Markdown: the identifier as code."""
    plain = f"{escape(_statement(citation, ''))}`{citation.identifier}`)"
    tree = f"; `{citation.swhid}`" if citation.swhid else ""
    return f"{plain}, {escape(citation.setting)}{tree}.{escape(_stated(citation))}{escape(_warning(citation))}"


def facts(citation: Citation) -> dict[str, object]:
    """A citation as `cite --json` prints it."""
    group, quantity = citation.group, citation.quantity
    found: dict[str, object] = {
        "identifier": citation.identifier,
        "swhid": citation.swhid,
        "citable": not citation.warning,
        "warning": citation.warning,
        "title": citation.title,
        "recipe": group.slug,
        "version": group.version,
        "scale": group.scale,
        "data": group.data_label,
        "machine": group.machine,
        "environment": group.environment,
        "measurement": (citation.record or group.latest).recipe.measurement,
        "source_sha256": (citation.record or group.latest).recipe.source_sha256,
        "source": group.source,
        "date": citation.date,
        "replay": citation.replay,
        "sources": literature.facts(group.card.sources),
        "records": [s.id for s in ([citation.record] if citation.record else group.replicates)],
    }
    if quantity is not None:
        found |= {name: getattr(quantity, name) for name in QUANTITY_FACTS}
    elif citation.record is not None:
        found |= {"seed": citation.record.replicate.seed, "claims": citation.record.claims}
    else:
        found["verdicts"] = {verdict.claim: verdict.verdict for verdict in group.verdicts}
    return found


def _statement(citation: Citation, identifier: str | None = None) -> str:
    """What was found, up to and with the identifier in brackets (left open when `identifier` is given as '')."""
    end = f"{citation.identifier})" if identifier is None else identifier
    q, group = citation.quantity, citation.group
    if q is not None:
        told = q.amount
        number = f"{told.lead} {told.text}".strip()
        start = f"{q.says.rstrip('.')}: {number}" if q.verdict or not told.lead else f"{number[0].upper()}{number[1:]}"
        interval = f"95 % interval {told.ends}, " if told.ends else ""
        verdict = f", {q.verdict}" if q.verdict else ""
        return f"{_with_quotes(start)} ({interval}n = {q.n}{verdict}; {end}"
    if citation.record is not None:
        return (
            f"{group.card.title}: the replicate with seed {citation.record.replicate.seed}, "
            f"{citation.record.status} ({end}"
        )
    return f"{group.card.title}: {_found(group)} ({end}"


def _found(group: Group) -> str:
    """What the replicates of a group say of its rule, and of all its claims."""
    claims = [verdict for verdict in group.verdicts if verdict.counts]
    counts = {word: sum(one.verdict == word for one in claims) for word in VERDICTS}
    told = [f"{count} {word}" for word, count in counts.items() if count]
    n = len(group.complete)
    over = f"over n = {n} replicate{'' if n == 1 else 's'}"
    many = f"{len(claims)} claim{'' if len(claims) == 1 else 's'}"
    if group.rule.verdict is None:
        return f"of {many} {' and '.join(told) or 'none is judged'} {over}"
    if counts[group.rule.verdict] == len(claims):
        alike = {1: "", 2: ", as are both of its claims"}.get(len(claims), f", as are all of its {many}")
        return f"{group.rule.verdict} {over}{alike}"
    return f"{group.rule.verdict} {over}; of its {many} {' and '.join(told)}"


def _with_quotes(text: str) -> str:
    """Names of arms in quotation marks instead of the marks of code."""
    return re.sub(r"`([^`]*)`", r'"\1"', text)


def _stated(citation: Citation) -> str:
    """Where it is documented, as a sentence of its own."""
    told = "; ".join(one.words for one in citation.literature)
    return f" Documented in {told}." if told else ""


def _warning(citation: Citation) -> str:
    return f" NOT CITABLE: {citation.warning}." if citation.warning else ""
