"""The project's results that the wheel brings: the same verdicts and costs as the store they were made of."""

import json
import lzma
import sys
from pathlib import Path

import pytest

from keras_reprise.judge import costs, groups, reference
from keras_reprise.store.store import Store

pytest.importorskip("hatchling", reason="hatchling builds the wheel, and is missing here")
sys.path.insert(0, str(Path(__file__).parents[2]))
import hatch_build

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def project():
    """The content of the file that is made of the project's results."""
    return hatch_build.reference(RESULTS)


@pytest.fixture
def file(filled_store, tmp_path):
    path = tmp_path / "reference.json.xz"
    path.write_bytes(lzma.compress(json.dumps(hatch_build.reference(filled_store)).encode()))
    return path


def test_verdicts_and_costs_are_those_of_the_store(filled_store, file):
    stored, brought = Store(filled_store), reference.Reference(file)
    ours, theirs = (groups.gather(store.summaries()[0], store) for store in (stored, brought))
    assert [group.verdicts for group in ours] == [group.verdicts for group in theirs]
    assert ours[0].card == theirs[0].card
    assert costs.costs(ours, stored) == costs.costs(theirs, brought)
    assert stored.document("machines", ours[0].machine) == brought.document("machines", ours[0].machine)


def test_claims_whose_value_is_an_expression_have_their_numbers_in_it(project, tmp_path):
    path = tmp_path / "reference.json.xz"
    path.write_bytes(lzma.compress(json.dumps(project).encode()))
    brought, stored = reference.Reference(path), Store(RESULTS)
    ours, theirs = (
        {(v.claim, v.machine, v.scale): (v.verdict, v.values, v.n_undefined) for g in found for v in g.verdicts}
        for store in (stored, brought)
        for found in [
            groups.gather([one for one in store.summaries()[0] if one.recipe.slug == "cifar10-lr-drop"], store)
        ]
    )
    assert any(claim == "test-loss-climbs" and values for (claim, _, _), (_, values, _) in ours.items())
    assert ours == theirs


def test_a_new_machine_is_compared_with_it_where_there_is_no_checkout(filled_store, file, reprise, monkeypatch):
    monkeypatch.setattr("keras_reprise.base.checkout.of_package", lambda: None)
    monkeypatch.setattr("keras_reprise.judge.reference.FILE", file)
    result = reprise("compare", "reference", "backend:tensorflow", "--store", filled_store)
    assert result.exit_code == 0, result.output
    assert "identical in every replicate" in result.output


def test_an_installation_without_one_says_so(filled_store, tmp_path, reprise, monkeypatch):
    monkeypatch.setattr("keras_reprise.base.checkout.of_package", lambda: None)
    monkeypatch.setattr("keras_reprise.judge.reference.FILE", tmp_path / "nothing")
    result = reprise("compare", "reference", "backend:tensorflow", "--store", filled_store)
    assert result.exit_code == 3
    assert "brings no reference results" in result.output


def test_the_project_s_results_fit(project):
    """Under 1 MB in the wheel, every record of the store, which has a card."""
    assert len(lzma.compress(json.dumps(project).encode())) < 1_000_000
    measured = {path.stem.split("-")[-1] for path in (RESULTS / "records").rglob("*.json")}
    assert {one["id"][:12] for one in project["summaries"]} == measured
    assert {one["recipe"]["card"][:12] for one in project["summaries"]} <= set(project["cards"])
