"""An MLflow database (SQLite): an experiment for each recipe version, scale and data set, a run for each arm."""

import datetime
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_reprise.base.errors import UserError
from keras_reprise.base.files import make_folder
from keras_reprise.judge.groups import Group, gather
from keras_reprise.record.encoding import number
from keras_reprise.record.schema import ArmData, Record
from keras_reprise.store.store import Store, Summary

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

BATCH = 1000  # metrics that one call of MLflow takes
LONGEST = 500  # characters of a parameter that every version of MLflow takes


def write(summaries: Sequence[Summary], store: Store, folder: Path) -> Path:
    """Write the records into the new database `folder`/mlflow.db; returns it.

    `mlflow ui --backend-store-uri` shows it.
    """
    warnings.filterwarnings("ignore", module="mlflow")  # of MLflow's own use of its libraries
    try:
        import alembic  # noqa: F401
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise UserError("MLflow is missing.\nInstall it with `pip install 'keras-reprise[mlflow]'`.") from error
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    path = folder / "mlflow.db"
    if path.exists():
        raise UserError(f"{path} exists, and runs would be doubled.\nGive --output a new folder.")
    make_folder(folder)
    client = MlflowClient(tracking_uri=f"sqlite:///{path.resolve()}")
    experiments: dict[str, str] = {}
    for group in gather(summaries, store):
        name = f"{group.slug}@{group.version} {group.scale} {group.data_label}"
        if name not in experiments:
            place = (folder / "artifacts" / f"{len(experiments) + 1}").resolve().as_uri()
            experiments[name] = client.create_experiment(name, artifact_location=place)
        for summary in group.members:
            record = store.read(store.root / summary.path)
            for arm, data in record.arms.items():
                _log(client, experiments[name], group, record, arm, data)
    return path


def _log(client: "MlflowClient", experiment: str, group: Group, record: Record, arm: str, data: ArmData) -> None:
    from mlflow.entities import Param, RunTag

    began, ended = _milliseconds(record.started_at), _milliseconds(record.finished_at)
    tags = {
        "mlflow.runName": f"{arm} seed {record.replicate.seed}",
        "reprise.record": record.id,
        "reprise.identifier": group.identifier,
        "reprise.recipe": f"{group.slug}@{group.version}",
        "reprise.source": group.source,
        "reprise.arm": arm,
        "reprise.status": data.status,
        "reprise.machine": record.machine,
        "reprise.environment": record.environment,
        "mlflow.source.git.commit": record.code.git_commit or "",
    }
    run = client.create_run(experiment, start_time=began, tags=tags, run_name=tags["mlflow.runName"])
    identity = run.info.run_id
    parameters = {
        "seed": record.replicate.seed,
        "arm": arm,
        "scale": group.scale,
        "data": group.data_label,
        **data.params,
    }
    named = [Param(_name(key), str(value)[:LONGEST]) for key, value in parameters.items()]
    metrics = list(_metrics(record, data, ended))
    client.log_batch(
        identity, metrics=metrics[:BATCH], params=named, tags=[RunTag("reprise.version", str(group.version))]
    )
    for start in range(BATCH, len(metrics), BATCH):
        client.log_batch(identity, metrics=metrics[start : start + BATCH])
    client.set_terminated(identity, "FAILED" if data.status == "failed" else "FINISHED", end_time=ended)


def _metrics(record: Record, data: ArmData, ended: int) -> Iterator["Metric"]:
    """Metrics, curves by step, claims (the same in every arm of a replicate) and seconds."""
    from mlflow.entities import Metric

    for name, value in data.metrics.items():
        yield Metric(_name(name), number(value), ended, 0)
    for name, values in data.curves.items():
        for step, value in enumerate(values, start=1):
            yield Metric(_name(f"curve/{name}"), number(value), ended, step)
    for claim, value in record.claims.items():
        yield Metric(_name(f"claim/{claim}"), number(value), ended, 0)
    if data.time.total_s is not None:
        yield Metric("time/total_s", data.time.total_s, ended, 0)


def _name(text: str) -> str:
    """A name that MLflow takes: letters, digits, _ - . space and /, no path that climbs."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "_-. /") else "_" for c in text)
    return "/".join(part.lstrip(".") or "_" for part in safe.strip("/").split("/"))[:200] or "_"


def _milliseconds(moment: str) -> int:
    return int(datetime.datetime.fromisoformat(moment).timestamp() * 1000)
