"""The rows of the tables of results, as plain values: what they are made of, without pandas."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from keras_reprise.judge import comparable
from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.encoding import number
from keras_reprise.record.facts import EnvironmentFacts
from keras_reprise.record.metric import by_name
from keras_reprise.record.schema import Record
from keras_reprise.record.wording import hardware
from keras_reprise.store.store import Store, Summary

Cell = str | float | bool | None
Row = dict[str, Cell]  # by column

OF_GROUP = ("recipe", "version", "scale", "data", "document")
NUMBERS = ("mean", "ci_low", "ci_high", "unit", "n", "n_failed")
PLACE = ("machine", "backend", "backend_version", "device", "keras")
WHOSE = ("source", "superseded", "machine_id", "environment_id")

VERDICTS = (*OF_GROUP, "rule", "verdict", "claim", *NUMBERS, *PLACE, "reason", *WHOSE)
CLAIMS = (
    *OF_GROUP, "claim", "role", "kind", "says", "where", "verdict", *NUMBERS, "sd", "must_lie_above", "must_lie_below",
    "printed", "p", "reason", "retired", *PLACE, *WHOSE,
)  # fmt: skip
OF_REPLICATE = ("recipe", "version", "scale", "data", "seed", "arm", "status")
CURVES = (*OF_REPLICATE, "curve", "position", "value", "per", "unit", *PLACE, *WHOSE)
METRICS = (*OF_REPLICATE, "metric", "value", "unit", *PLACE, *WHOSE)
RECORDS = (
    "recipe", "version", "scale", "data", "seed", "repeat", "status", *PLACE, "duration_s", "started_at", "finished_at",
    "commit", "dirty", "source", "machine_id", "environment_id", "record",
)  # fmt: skip


class MeasuredReplicate(NamedTuple):
    """A complete replicate: its record, and the group whose replicate it is."""

    group: Group
    record: Record


class Places:
    """Machines and environments of a store in words."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dict[tuple[str, str], Row] = {}

    def row(self, machine: str, environment: str) -> Row:
        """The columns `PLACE`, with the ids of both."""
        if (machine, environment) not in self._known:
            facts = EnvironmentFacts.of(self.store.document("environments", environment))
            self._known[machine, environment] = {
                "machine": hardware(self.store.document("machines", machine)),
                "backend": facts.backend,
                "backend_version": facts.backend_version,
                "device": facts.device,
                "keras": facts.keras,
                "machine_id": machine,
                "environment_id": environment,
            }
        return self._known[machine, environment]


def verdict_rows(groups: Sequence[Group], store: Store) -> Iterator[Row]:
    """A row per rule and place, with the claim that decides it; those whose card names no rule are left out."""
    places = Places(store)
    for group in groups:
        if (decided := group.rule.deciding) is not None:
            yield {
                **_of_group(group, places),
                **_numbers(decided),
                "rule": group.rule.rule,
                "verdict": group.rule.verdict,
                "reason": group.rule.reason,
            }


def claim_rows(groups: Sequence[Group], store: Store) -> Iterator[Row]:
    """A row per claim and place; those that are retired say why."""
    places = Places(store)
    for group in groups:
        for verdict in group.verdicts:
            above, below = verdict.interval
            yield {
                **_of_group(group, places),
                **_numbers(verdict),
                **{name: getattr(verdict, name) for name in ("role", "kind", "says", "where", "verdict", "sd")},
                **{name: getattr(verdict, name) for name in ("printed", "p", "reason", "retired")},
                "must_lie_above": above,
                "must_lie_below": below,
            }


def curve_rows(measured: Sequence[MeasuredReplicate], store: Store) -> Iterator[Row]:
    """A row per replicate, arm, curve and position; positions count from 1, in epochs, layers or what `per` says."""
    places = Places(store)
    for group, record in measured:
        declared = by_name(group.card.metrics)
        for arm, data in record.arms.items():
            shared = {**_of_replicate(group, record, places), "arm": arm, "status": data.status}
            for name, values in data.curves.items():
                words = {"per": declared[name].per, "unit": declared[name].unit} if name in declared else {}
                for position, value in enumerate(values, 1):
                    yield {**shared, "curve": name, "position": position, "value": number(value), **words}


def metric_rows(measured: Sequence[MeasuredReplicate], store: Store) -> Iterator[Row]:
    """A row per replicate, arm and metric."""
    places = Places(store)
    for group, record in measured:
        declared = by_name(group.card.metrics)
        for arm, data in record.arms.items():
            shared = {**_of_replicate(group, record, places), "arm": arm, "status": data.status}
            for name, value in data.metrics.items():
                unit = declared[name].unit if name in declared else None
                yield {**shared, "metric": name, "value": number(value), "unit": unit}


def record_rows(groups: Sequence[Group], store: Store) -> Iterator[Row]:
    """A row per record, failed ones and repeated ones too."""
    places = Places(store)
    for group in groups:
        for summary in group.members:
            yield {
                **places.row(summary.machine, summary.environment),
                **_of_summary(summary),
                "repeat": summary.replicate.repeat,
                "status": summary.status,
                "duration_s": summary.duration_s,
                "started_at": summary.started_at,
                "finished_at": summary.finished_at,
                "commit": summary.code.git_commit,
                "dirty": summary.code.dirty,
                "source": group.source,
                "record": summary.id,
            }


def _of_summary(summary: Summary) -> Row:
    return {
        "recipe": summary.recipe.slug,
        "version": summary.recipe.version,
        "scale": summary.recipe.scale,
        "data": comparable.data_label(summary),
        "seed": summary.replicate.seed,
    }


def _of_group(group: Group, places: Places) -> Row:
    return {
        **places.row(group.machine, group.environment),
        "recipe": group.slug,
        "version": group.version,
        "scale": group.scale,
        "data": comparable.data_label(group.first),
        "document": ", ".join(sorted({source.key for source in group.card.sources})),
        "source": group.source,
        "superseded": group.superseded,
    }


def _of_replicate(group: Group, record: Record, places: Places) -> Row:
    return {**_of_group(group, places), "seed": record.replicate.seed}


def _numbers(verdict: Verdict) -> Mapping[str, Cell]:
    names = ("claim", "mean", "ci_low", "ci_high", "unit", "n", "n_failed")
    return {name: getattr(verdict, name) for name in names}
