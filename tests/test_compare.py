"""Comparisons: what may stand side by side, what is refused, and the numbers, checked by hand."""

import json
import math
import shutil
import subprocess

import numpy as np
import pytest
from forging import forge
from scipy import stats as reference

from keras_reprise import stats


def quicker(document):
    """The same results on a machine that is twice as fast."""
    for arm in document["arms"].values():
        arm["time"]["total_s"] = 0.5 * arm["time"]["total_s"]


@pytest.fixture
def two_machines(filled_store, tmp_path):
    """A store with the same replicates on a second machine, twice as fast; its id."""
    shutil.copytree(filled_store, tmp_path / "second")
    forge(tmp_path / "second", record=quicker, machine=lambda facts: facts.update(cpu="A second CPU"))
    shutil.copytree(tmp_path / "second", filled_store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    first, second = sorted((filled_store / "machines").glob("*.json"), key=lambda path: "A second" in path.read_text())
    return filled_store, first.stem, second.stem


def test_welch_agrees_with_scipy():
    generator = np.random.default_rng(1)
    a, b = generator.normal(1, 1, 7), generator.normal(0, 3, 5)
    found = stats.welch(a, b)
    expected = reference.ttest_ind(a, b, equal_var=False)
    interval = expected.confidence_interval()
    assert found == pytest.approx((a.mean() - b.mean(), interval.low, interval.high, expected.pvalue))


def test_welch_without_variance_or_with_one_value():
    assert stats.welch(np.ones(3), np.zeros(3)) == (1.0, 1.0, 1.0, 0.0)
    assert stats.welch(np.ones(3), np.ones(2)) == (0.0, 0.0, 0.0, 1.0)
    difference, *rest = stats.welch(np.ones(1), np.zeros(3))
    assert difference == 1.0
    assert all(math.isnan(value) for value in rest)


def test_machines_side_by_side(two_machines, reprise):
    store, first, second = two_machines
    result = reprise("compare", second, first[:6], "--store", store, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert [d["fact"] for d in facts["differences"]] == ["machine cpu"]
    (pair,) = facts["pairs"]
    assert [speed["ratio"] for speed in pair["speeds"]] == pytest.approx([2.0, 2.0])
    assert all(claim["identical"] and not claim["verdicts_differ"] for claim in pair["claims"])
    text = reprise("compare", second, first, "--store", store).stdout
    assert text.index("What differs") < text.index("two-is-two")
    assert "2 times as fast" in text


def test_a_verdict_that_differs_is_shown_with_the_change(two_machines, reprise):
    store, first, second = two_machines

    def change(document):
        if document["machine"] == second:
            document["claims"]["two-is-two"] += 1.0

    forge(store, record=change)
    facts = json.loads(reprise("compare", second, first, "--store", store, "--json").stdout)
    claim = next(c for c in facts["pairs"][0]["claims"] if c["claim"] == "two-is-two")
    assert (claim["a_verdict"], claim["b_verdict"], claim["verdicts_differ"]) == ("contradicted", "reproduced", True)
    assert claim["is_ratio"]
    assert claim["change"] == pytest.approx(1.5, abs=0.02)
    assert claim["low"] < 1.5 < claim["high"]
    assert claim["p"] < 0.01


def test_two_stores(two_machines, tmp_path, reprise):
    store, *_ = two_machines
    result = reprise("compare", f"store:{store}", tmp_path / "second", "--store", store)
    assert result.exit_code == 0, result.output
    assert "plain@1" in result.output


def test_versions_are_compared_claim_by_claim_and_never_pooled(filled_store, tmp_path, reprise):
    shutil.copytree(filled_store, tmp_path / "second")

    def newer(card):
        card["version"] = 2
        card["claims"][0]["interval"] = [0.0, 1.0]

    forge(tmp_path / "second", card=newer, record=lambda document: document["recipe"].update(version=2))
    shutil.copytree(tmp_path / "second", filled_store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    result = reprise("compare", "plain@1", "plain@2", "--store", filled_store, "--json")
    assert result.exit_code == 0, result.output
    restated, kept = json.loads(result.stdout)["pairs"][0]["claims"]
    assert restated["incomparable"] == "the versions state it differently"
    assert kept["incomparable"] == ""
    assert "never pooled" in reprise("compare", "plain@1", "plain@2", "--store", filled_store).output


def test_what_is_not_comparable_is_refused_with_the_reason(filled_store, tmp_path, reprise):
    shutil.copytree(filled_store, tmp_path / "second")
    forge(tmp_path / "second", record=lambda document: document["recipe"].update(scale="full"))
    result = reprise("compare", filled_store, tmp_path / "second", "--store", filled_store)
    assert result.exit_code == 2
    assert "scale quick against full" in result.output


def test_data_sets_of_the_same_name_but_other_images_are_refused(filled_store, tmp_path, reprise):
    data = {"name": "images", "fingerprint": "0" * 64, "n_train": 2, "n_test": 1, "substitute": False}
    shutil.copytree(filled_store, tmp_path / "second")
    forge(filled_store, record=lambda document: document.update(data=data))
    forge(tmp_path / "second", record=lambda document: document.update(data=data | {"fingerprint": "1" * 64}))
    result = reprise("compare", filled_store, tmp_path / "second", "--store", filled_store)
    assert result.exit_code == 2
    assert "not on the same images" in result.output


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "is no machine, environment"),
        ("machine:ffff", "is no machine"),
        ("store:/nowhere", "no results store"),
        ("--exec=x", "No such option"),
    ],
)
def test_a_name_that_means_nothing_says_what_there_is(filled_store, reprise, name, words):
    result = reprise("compare", name, "backend:tensorflow", "--store", filled_store)
    assert result.exit_code == 2
    assert words in result.output


def test_a_git_revision_means_what_its_code_measured_or_what_the_store_held(
    filled_store, tmp_path, reprise, monkeypatch
):
    project = tmp_path / "project"
    (project / "recipes").mkdir(parents=True)
    (project / "pyproject.toml").write_text('[project]\nname = "keras-reprise"\n')
    shutil.copytree(filled_store, project / "results", ignore=shutil.ignore_patterns(".cache"))
    git = ["git", "-C", str(project), "-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["tag", "one"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.chdir(project)
    result = reprise("compare", "one", "backend:tensorflow", "--store", project / "results")
    assert result.exit_code == 0, result.output
    assert "what the store held" in result.output
    measured = subprocess.run([*git, "rev-parse", "one"], capture_output=True, text=True, check=True).stdout.strip()
    forge(project / "results", record=lambda document: document["code"].update(git_commit=measured))
    result = reprise("compare", "commit:one", "backend:tensorflow", "--store", project / "results")
    assert result.exit_code == 0, result.output
    assert "what the store held" not in result.output
