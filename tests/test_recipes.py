"""Every recipe is complete, says where its claims stand, and one of its replicates runs offline."""

import json

import pytest

from keras_reprise import catalog

ENTRIES = catalog.read_lock().recipes
CURRENT = catalog.current()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.slug}@{entry.version}")
def test_the_docstring_says_source_data_cost_and_replay(entry):
    text = (catalog.recipes_folder() / entry.path).read_text()
    for word in ("Source:", "Data:", "Cost:", "Replay: reprise run"):
        assert f"\n{word}" in text
    assert "to be measured" not in text


@pytest.mark.parametrize("entry", CURRENT, ids=lambda entry: entry.slug)
def test_the_file_is_named_after_the_slug_and_short_enough_to_read(entry):
    path = catalog.recipes_folder() / entry.path
    assert path.stem == entry.slug
    assert len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("entry", CURRENT, ids=lambda entry: entry.slug)
def test_every_claim_says_where_it_is_documented(entry):
    assert entry.card.sources
    assert all(claim.where and claim.says and claim.statistic for claim in entry.card.claims)


@pytest.mark.parametrize("entry", CURRENT, ids=lambda entry: entry.slug)
def test_one_quick_replicate_runs_offline_with_every_statistic_and_figure(entry, store_path, reprise):
    ran = reprise("run", entry.slug, "--seeds", 1, "--data", "digits", "--store", store_path)
    assert ran.exit_code == 0, ran.output
    record = json.loads(next((store_path / "records").rglob("*.json")).read_bytes())
    assert record["status"] == "complete"
    assert set(record["claims"]) == {claim.id for claim in entry.card.claims}
    assert reprise("report", "--store", store_path).exit_code == 0
    assert len(list((store_path / "reports" / "figures").glob("*.svg"))) == len(entry.card.figures)
    assert reprise("check", "--store", store_path).exit_code == 0


def test_the_quickstart_suite_needs_no_download():
    suite, entries = catalog.suite("quickstart")
    assert suite.data == "digits"
    assert {"cifar10-lr-drop", "init-activation-std-tanh"} <= {entry.slug for entry in entries}


def test_two_arms_of_the_drop_recipe_share_the_epochs_before_it(store_path, reprise):
    reprise("run", "cifar10-lr-drop", "--seeds", 1, "--data", "digits", "--store", store_path)
    record = json.loads(next((store_path / "records").rglob("*.json")).read_bytes())
    curves = {name: arm["curves"] for name, arm in record["arms"].items()}
    assert curves["drop"]["train_loss"][:6] == curves["constant"]["train_loss"][:6]
    assert curves["drop"]["train_loss"][6:] != curves["constant"]["train_loss"][6:]
    assert record["arms"]["drop"]["cost"]["params"] == 107_106
    assert all(
        len(curves[arm][name]) == 12
        for arm in curves
        for name in ("train_loss", "test_loss", "train_error", "test_error")
    )
