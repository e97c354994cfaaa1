"""Tidy tables: metrics.csv with one row per replicate, arm and metric, claims.csv with one per replicate and claim."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from keras_reprise.base.errors import UserError
from keras_reprise.base.files import make_folder
from keras_reprise.catalog import sources
from keras_reprise.judge import comparable
from keras_reprise.judge.judging import judging_card
from keras_reprise.record.encoding import number
from keras_reprise.record.facts import EnvironmentFacts, MachineFacts
from keras_reprise.record.schema import Card, Record
from keras_reprise.store.store import Store, Summary

PLACE = (
    "record", "recipe", "version", "scale", "seed", "repeat", "status", "data", "substitute", "machine", "cpu", "gpus",
    "environment", "backend", "backend_version", "keras", "precision", "commit", "dirty", "finished_at",
)  # fmt: skip
SOURCE = ("measurement", "source_sha256", "source")  # last, so that the columns before keep their places
Cell = str | float | bool | None
Row = Mapping[str, Cell]  # by column
METRICS = (*PLACE, "arm", "arm_status", "metric", "value", *SOURCE)
CLAIMS = (*PLACE, "claim", "statistic", "unit", "must_lie_above", "must_lie_below", "printed", *SOURCE)


def write(summaries: Sequence[Summary], store: Store, folder: Path, form: str) -> list[Path]:
    """Write both tables as `csv` or `parquet` into `folder`; returns the files."""
    tables = {"metrics": (METRICS, metric_rows), "claims": (CLAIMS, claim_rows)}
    make_folder(folder)
    files = []
    for name, (columns, rows) in tables.items():
        path = folder / f"{name}.{form}"
        if form == "csv":
            _write_csv(path, columns, rows(summaries, store))
        else:
            _write_parquet(path, columns, rows(summaries, store))
        files.append(path)
    return files


def metric_rows(summaries: Sequence[Summary], store: Store) -> Iterator[Row]:
    """One row per replicate, arm and metric; what an arm cost and how long it took are metrics named cost.* and time.*.

    `time.alone` is 1 where the arm had its machine to itself, 0 where not.
    """
    for record, place in _records(summaries, store):
        for arm, data in record.arms.items():
            values = {name: number(value) for name, value in data.metrics.items()}
            step = data.time.step_s
            extra = {
                "cost.params": data.cost.params,
                "cost.flops": data.cost.flops,
                "cost.peak_memory_bytes": data.cost.peak_memory_bytes,
                "cost.gpu_energy_j": data.cost.gpu_energy_j,
                "time.compile_s": data.time.compile_s,
                "time.step_s": number(step.median) if step else None,
                "time.total_s": data.time.total_s,
                "time.alone": data.time.alone,
            }
            values |= {name: float(value) for name, value in extra.items() if value is not None}
            for name, value in values.items():
                yield {**place, "arm": arm, "arm_status": data.status, "metric": name, "value": value}


def claim_rows(summaries: Sequence[Summary], store: Store) -> Iterator[Row]:
    """One row per replicate and claim: the claim's statistic (nan: none) and the interval in which it must lie."""
    judged: dict[str, tuple[Card, Mapping[str, float | None]]] = {}
    for members in comparable.groups(summaries).values():
        card = judging_card(members, store)
        complete = [one for one in members if one.status == "complete"]
        judged |= {one.id: (card, {}) for one in members} | {
            id_: (card, numbers) for id_, numbers in store.values(card, complete).items()
        }
    for record, place in _records(summaries, store):
        card, numbers = judged[record.id]
        for claim in card.claims:
            if claim.value is None and claim.id not in record.claims:
                continue
            value = number(record.claims[claim.id]) if claim.value is None else numbers.get(claim.id)
            yield {
                **place,
                "claim": claim.id,
                "statistic": math.nan if value is None else value,
                "unit": claim.unit,
                "must_lie_above": claim.interval[0],
                "must_lie_below": claim.interval[1],
                "printed": claim.printed,
            }


def _records(summaries: Sequence[Summary], store: Store) -> Iterator[tuple[Record, Row]]:
    """Every record, verified, with the columns that say where it comes from."""
    machines: dict[str, MachineFacts] = {}
    environments: dict[str, EnvironmentFacts] = {}
    for summary in summaries:
        record = store.read(store.root / summary.path)
        if record.machine not in machines:
            machines[record.machine] = MachineFacts.of(store.document("machines", record.machine))
        if record.environment not in environments:
            environments[record.environment] = EnvironmentFacts.of(store.document("environments", record.environment))
        yield record, _place(record, machines[record.machine], environments[record.environment])


def _place(record: Record, machine: MachineFacts, environment: EnvironmentFacts) -> Row:
    return {
        "record": record.id,
        "recipe": record.recipe.slug,
        "version": record.recipe.version,
        "scale": record.recipe.scale,
        "seed": record.replicate.seed,
        "repeat": record.replicate.repeat,
        "status": record.status,
        "data": record.data.name if record.data else None,
        "substitute": record.data.substitute if record.data else False,
        "machine": record.machine,
        "cpu": machine.cpu,
        "gpus": ", ".join(machine.gpus),
        "environment": record.environment,
        "backend": environment.backend,
        "backend_version": environment.backend_version,
        "keras": environment.keras,
        "precision": environment.precision,
        "commit": record.code.git_commit,
        "dirty": record.code.dirty,
        "finished_at": record.finished_at,
        "measurement": record.recipe.measurement,
        "source_sha256": record.recipe.source_sha256,
        "source": sources.label(record.recipe),
    }


def _write_csv(path: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _write_parquet(path: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise UserError("Parquet needs pyarrow.\nInstall it with `pip install 'keras-reprise[export]'`.") from error
    kinds = {
        **dict.fromkeys(("version", "seed", "repeat"), pa.int64()),
        **dict.fromkeys(("value", "statistic", "must_lie_above", "must_lie_below", "printed"), pa.float64()),
        **dict.fromkeys(("substitute", "dirty"), pa.bool_()),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    pa.parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
