"""Exports, read back through the tools that they are for."""

import csv
import json

import pytest
from forging import forge
from hostile import HOSTILE

from keras_reprise.store.store import Store


@pytest.fixture
def export(filled_store, reprise, tmp_path):
    """Export the store in a format; returns the folder."""

    def call(form):
        result = reprise("export", "--format", form, "--output", tmp_path / form, "--store", filled_store)
        assert result.exit_code == 0, result.output
        return tmp_path / form

    return call


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_per_replicate_arm_and_metric(export, filled_store):
    folder = export("csv")
    metrics = [row for row in rows(folder / "metrics.csv") if row["metric"] == "value"]
    assert {(row["seed"], row["arm"]) for row in metrics} == {
        (str(seed), arm) for seed in range(1, 7) for arm in ("one", "two")
    }
    alone = [row["value"] for row in rows(folder / "metrics.csv") if row["metric"] == "time.alone"]
    assert alone == ["1.0"] * 12
    claims = rows(folder / "claims.csv")
    stored = {
        (s.replicate.seed, claim): value
        for s in Store(filled_store).summaries()[0]
        for claim, value in s.claims.items()
    }
    assert {(int(row["seed"]), row["claim"]): float(row["statistic"]) for row in claims} == stored
    assert claims[0]["backend"] == "tensorflow"


def test_no_cell_is_a_formula(filled_store, reprise, tmp_path):
    def change(document):
        document["arms"]["=1+1"] = document["arms"]["one"] | {"metrics": {"@SUM(A1)": -1.0, "-x": 1.0}}

    forge(filled_store, record=change)
    assert reprise("export", "--output", tmp_path / "out", "--store", filled_store).exit_code == 0
    for row in rows(tmp_path / "out" / "metrics.csv"):
        for name, cell in row.items():
            assert cell[:1] not in "=+@" or not cell
            assert not cell.startswith("-") or name == "value"


def test_parquet_has_the_same_rows_with_types(export):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is missing (pip install 'keras-reprise[export]')")
    table = parquet.read_table(export("parquet") / "metrics.parquet")
    assert table.num_rows == len(rows(export("csv") / "metrics.csv"))
    assert {str(table.schema.field(name).type) for name in ("value", "seed", "dirty")} == {"double", "int64", "bool"}


def test_the_crate_is_read_by_rocrate_with_an_action_for_each_record(export, filled_store, reprise):
    rocrate = pytest.importorskip("rocrate.rocrate", reason="rocrate is missing (pip install 'keras-reprise[export]')")
    folder = export("ro-crate")
    crate = rocrate.ROCrate(folder)
    actions = [entity for entity in crate.contextual_entities if entity.type == "CreateAction"]
    assert len(actions) == 6
    for action in actions:
        record = json.loads((folder / action["result"].id).read_bytes())
        assert f"#{record['id']}" == action.id
        assert action["instrument"]["name"] == "plain@1"
        assert {item.id.split("/")[0] for item in action["object"]} == {"cards", "environments", "machines"}
    again = reprise("export", "--format", "ro-crate", "--output", folder, "--store", filled_store)
    assert (again.exit_code, "is not empty" in again.output) == (2, True)


@pytest.mark.filterwarnings("ignore")
def test_the_crate_conforms_to_the_profile(export, monkeypatch):
    """The validator fetches the crate's vocabulary from the network; here it gets the copy that rocrate brings."""
    services = pytest.importorskip("rocrate_validator.services", reason="roc-validator is missing")
    from importlib.resources import files

    from rocrate_validator import models
    from rocrate_validator.utils import document_loader, http

    vocabulary = json.loads((files("rocrate") / "data" / "ro-crate.jsonld").read_text())

    class Response:
        status_code, ok, text, headers = 200, True, json.dumps(vocabulary), {"Content-Type": "application/ld+json"}

        def json(self):
            return vocabulary

        def raise_for_status(self):
            return None

    monkeypatch.setattr(document_loader, "_fetch_json_ld", lambda url: vocabulary)
    monkeypatch.setattr(http.HttpRequester, "get", lambda self, url, *args, **more: Response(), raising=False)
    settings = services.ValidationSettings(
        rocrate_uri=str(export("ro-crate")),
        profile_identifier="process-run-crate",
        requirement_severity=models.Severity.REQUIRED,
    )
    issues = services.validate(settings).get_issues()
    assert [issue.message for issue in issues] == []


@pytest.mark.filterwarnings("ignore")
def test_mlflow_shows_runs_metrics_curves_and_parameters(export, filled_store, reprise):
    tracking = pytest.importorskip("mlflow.tracking", reason="MLflow is missing (pip install 'keras-reprise[mlflow]')")
    pytest.importorskip("alembic", reason="alembic is missing (pip install 'keras-reprise[mlflow]')")
    path = export("mlflow") / "mlflow.db"
    client = tracking.MlflowClient(tracking_uri=f"sqlite:///{path}")
    experiment = client.get_experiment_by_name("plain@1 quick none")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 12
    run = next(r for r in runs if r.data.params["seed"] == "3" and r.data.params["arm"] == "two")
    store = Store(filled_store)
    record = next(store.read(filled_store / s.path) for s in store.summaries()[0] if s.replicate.seed == 3)
    assert run.data.metrics["value"] == record.arms["two"].metrics["value"]
    assert run.data.metrics["claim/two-is-two"] == record.claims["two-is-two"]
    curve = client.get_metric_history(run.info.run_id, "curve/rising")
    assert [point.value for point in sorted(curve, key=lambda p: p.step)] == record.arms["two"].curves["rising"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["reprise.record"] == record.id
    assert reprise("export", "--format", "mlflow", "--output", path.parent, "--store", filled_store).exit_code == 2


@pytest.mark.parametrize("form", ["csv", "parquet", "ro-crate", "mlflow"])
@pytest.mark.filterwarnings("ignore")
def test_hostile_names_stay_in_the_folder(filled_store, reprise, tmp_path, form):
    needs = {"parquet": "pyarrow", "ro-crate": "rocrate", "mlflow": "mlflow"}
    if form in needs:
        pytest.importorskip(needs[form], reason=f"{needs[form]} is missing")

    def change(document):
        document["arms"]["../../" + HOSTILE] = document["arms"]["one"] | {"metrics": {"../../m": 1.0, HOSTILE: 2.0}}
        document["data"] = {
            "name": "../../../d",
            "fingerprint": "0" * 64,
            "n_train": 1,
            "n_test": 1,
            "substitute": False,
        }

    forge(filled_store, record=change)
    before = {path for path in tmp_path.rglob("*") if ".cache" not in path.parts}
    result = reprise("export", "--format", form, "--output", tmp_path / "deep" / "er" / "out", "--store", filled_store)
    assert result.exit_code == 0, result.output
    after = {path for path in tmp_path.rglob("*") if ".cache" not in path.parts}
    assert all(path.is_relative_to(tmp_path / "deep") for path in after - before)
