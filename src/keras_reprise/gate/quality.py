"""Quality in a gate: the recipes' errors, losses and accuracies, measured anew into a store that is thrown away."""

import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import cast

from keras_reprise import catalog
from keras_reprise.base.errors import INTERRUPTED, OK, RECIPE_FAILED, MeasurementError, printable
from keras_reprise.gate.installations import Installation
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import Quality
from keras_reprise.judge.comparable import together
from keras_reprise.record import wording
from keras_reprise.record.encoding import encode_number
from keras_reprise.record.fields import Number
from keras_reprise.record.schema import Record
from keras_reprise.store import claim_values
from keras_reprise.store.store import Store


def chosen(settings: Settings) -> list[str]:
    """The slugs and paths of the recipes that the settings mean; `suite:NAME` is every recipe of that suite."""
    found: list[str] = []
    for name in settings.recipes:
        suite = name.removeprefix("suite:")
        found += [entry.slug for entry in catalog.suite(suite)[1]] if suite != name else [name]
        if suite == name and not catalog.is_path(name):
            catalog.find(name)
    return [name for name in dict.fromkeys(found) if name not in settings.skip]


def measure(
    names: Sequence[str], seeds: Sequence[int], side: Installation, settings: Settings, store: Store
) -> list[Quality]:
    """What the recipes' replicates of these seeds gave, measured in one run into `store`, which holds nothing else.

    MeasurementError when the recipe cannot be run at all; replicates that fail are counted in `failed`.
    """
    said = _run(names, seeds, store, side, settings)
    summaries, problems = store.summaries()
    if not summaries:
        raise MeasurementError(f"{', '.join(names)} gave no record: {said}")
    if problems:
        raise MeasurementError(f"A record of this gate cannot be read: {problems[0].fault}\nRun the gate again.")
    records = [store.read(store.root / summary.path) for summary in summaries]
    by_slug = together(records, lambda record: record.recipe.slug)
    return [quality_of(mine, store, settings) for mine in by_slug.values()]


def _run(names: Sequence[str], seeds: Sequence[int], store: Store, side: Installation, settings: Settings) -> str:
    """Run them; what the command said last."""
    listed = ",".join(map(str, [*seeds, seeds[-1]]))  # a comma: these seeds, not their number
    command = [
        side.python, "-P", "-m", "keras_reprise", "run", *names, "--scale", settings.scale, "--seeds", listed,
        "--store", str(store.root), *(["--data", settings.data] if settings.data else []),
    ]  # fmt: skip
    # Workers are as many as this machine has by default, whatever the user's shell says: their number changes their
    # threads, and those change rounding.
    environment = {name: value for name, value in side.environment.items() if name != "REPRISE_WORKERS"}
    process = subprocess.Popen(
        command, cwd=side.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    lines: list[str] = []
    with process:
        for line in process.stderr or ():
            lines = [*lines[-2:], line.strip()]
            if " left (" in line:  # its progress, not what it says of a store that is thrown away
                print(line.rstrip(), file=sys.stderr, flush=True)
    if process.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    if process.returncode not in (OK, RECIPE_FAILED):
        raise MeasurementError(f"{', '.join(names)} could not be run: {printable(' '.join(lines))}")
    return printable(" ".join(lines))


def quality_of(records: Sequence[Record], store: Store, settings: Settings) -> Quality:
    """The numbers of one recipe's replicates, by seed; which metrics are gated is what has a margin."""
    records = sorted(records, key=lambda record: record.replicate.seed)
    complete = [record for record in records if record.status == "complete"]
    first = records[0]
    card, _ = claim_values.judge(first, store.card)
    numbers = [_claims_of(record, store) for record in complete]
    names = [f"{arm}/{metric}" for arm, data in (complete or records)[0].arms.items() for metric in data.metrics]
    margins = {name: margin for name in names if (margin := _margin(card.margins, settings, first, name)) is not None}
    return Quality(
        recipe=first.recipe.slug,
        version=first.recipe.version,
        scale=first.recipe.scale,
        source_sha256=first.recipe.source_sha256,
        data=first.data,
        seeds=[record.replicate.seed for record in complete],
        metrics={name: [_metric(record, name) for record in complete] for name in margins},
        margins=margins,
        claims=card.claims,
        statistics={claim.id: [one.get(claim.id, "nan") for one in numbers] for claim in card.claims},
        failed=len(records) - len(complete),
        seconds=statistics.fmean(record.duration_s for record in records),
        measurement=first.recipe.measurement,
        backend=wording.backend_name(store.document("environments", first.environment)),
    )


def _claims_of(record: Record, store: Store) -> dict[str, Number | None]:
    """The numbers of a replicate's claims by the card that judges it; None where a claim's premise is not met."""
    values = claim_values.by_record(record, store.card)
    found = {claim: None if one is None else cast(Number, encode_number(one)) for claim, one in values.items()}
    return record.claims | found


def _margin(declared: Mapping[str, float], settings: Settings, record: Record, name: str) -> float | None:
    """The settings' margin of `recipe/arm/metric`, else that which the recipe declares for the metric."""
    return settings.margin(f"{record.recipe.slug}/{name}") or declared.get(name.split("/", 1)[1])


def _metric(record: Record, name: str) -> Number:
    arm, metric = name.split("/", 1)
    return record.arms[arm].metrics.get(metric, "nan") if arm in record.arms else "nan"


def larger_is_worse(metric: str) -> bool:
    """Errors and losses get worse as they grow; accuracies as they shrink."""
    return "accuracy" not in metric.rsplit("/", 1)[-1]
