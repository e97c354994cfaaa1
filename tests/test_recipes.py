"""Every recipe is complete, says where its claims stand, and one of its replicates runs offline."""

import json
import os
import re
from typing import Any

import pytest
import quick

from keras_reprise import catalog
from keras_reprise.base import checkout, package_code
from keras_reprise.base.machine import machine_facts
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.environment import environment_facts
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading
from keras_reprise.recipe.settings import Scale
from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.store.store import Store

start.start()
from keras_reprise.measure.arm import measure_arm  # noqa: E402
from keras_reprise.measure.assemble import document  # noqa: E402

ENTRIES = catalog.read_lock().recipes
CURRENT = catalog.current()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.slug}@{entry.version}")
def test_the_docstring_says_source_data_cost_and_replay(entry):
    text = (checkout.recipes_folder() / entry.path).read_text()
    for word in ("Source:", "Data:", "Cost:", "Replay: reprise run"):
        assert f"\n{word}" in text
    assert "to be measured" not in text


@pytest.mark.parametrize("entry", CURRENT, ids=lambda entry: entry.slug)
def test_the_file_is_named_after_the_slug_and_short_enough_to_read(entry):
    path = checkout.recipes_folder() / entry.path
    assert path.stem == entry.slug
    rows = re.compile(r"\s*\([-+0-9.e, ]+\),")  # of printed numbers, which stand one a line
    assert sum(not rows.fullmatch(line) for line in path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("entry", CURRENT, ids=lambda entry: entry.slug)
def test_every_claim_says_where_it_is_documented(entry):
    assert entry.card.sources
    assert all(claim.where and claim.says and claim.statistic for claim in entry.card.claims)


DOZEN = {
    "abort-on-3x", "batch-size-throughput", "cifar10-lr-drop", "fc-to-conv", "gradient-noise-scale", "hpo-coarse-to-fine",
    "hpo-lowdim-simulation", "init-activation-std-tanh", "init-zero-constant-symmetry", "l1-l2-toy", "separable-cost-analytic",
    "update-to-weight-ratio",
}  # fmt: skip
"""Measured in every run of the tests: among them each kind of figure, a search, a simulation, a recipe about seconds."""


def measured_here():
    """The dozen and the recipes that changed since records were last added; with REPRISE_TEST_RECIPES=all every one."""
    if os.environ.get("REPRISE_TEST_RECIPES") == "all":
        return CURRENT
    changed = set(quick.changed(quick.last_commit("results/records")))
    return [one for one in CURRENT if one.slug in DOZEN or f"recipes/{one.path}" in changed]


# Budgets of the quick scale that are made smaller still: here it counts that everything runs, not what comes out.
SMALLER: dict[str, dict[str, Any]] = {
    "abort-on-3x": {"trials": 4, "epochs": 1},
    "activation-ranking": {"epochs": 1, "n_train": 300, "n_test": 100},
    "activation-cost": {"sizes": (2**12, 2**14), "calls": 5},
    "batch-size-exploration": {"looks": 2, "n_train": 1100, "n_test": 100},
    "batch-size-generalisation": {"epochs": 2},
    "batch-size-memory": {"batches": (50, 100, 200, 400)},
    "batch-size-throughput": {"stretches": 1, "empty_images": 1000, "dense_images": 1000, "conv_images": 100},
    "batch-size-ucurve": {"batches": (8, 32, 128, 512), "most_examples": 20_000},
    "bayes-error": {"sizes": (100, 1000), "n_test": 1000, "updates": 40},
    "bias-variance": {"draws": 3, "looks": 1},
    "bn-gradient-flow": {"depth": 5, "draws": 1},
    "bn-higher-lr": {"updates": 8},
    "bn-input-shift": {"look": 5, "looks": 4, "n_train": 500},
    "bn-internal-covariate-shift": {"look": 5, "looks": 6, "n_train": 500},
    "bn-layers-in-turn": {"draws": 1, "look": 5, "looks": 4, "n_train": 500},
    "bn-placement": {"epochs": 1, "n_train": 500},
    "bn-speedup": {"look": 5, "looks": 4, "n_train": 500},
    "bn-vs-dropout": {"looks": 2, "n_train": 300, "passes": 1},
    "capacity-fits-task": {"passes": 1, "draws": 2},
    "causes-of-error": {"draws": 1, "updates": 40, "few_updates": 8, "many": 1000, "n_test": 1000},
    "dropout-co-adaptation": {"looks": 1, "passes": 1, "n_train": 200, "n_test": 100, "draws": 1, "masks": 2},
    "dropout-noise": {"looks": 1, "passes": 1, "n_train": 200, "n_test": 100, "draws": 1},
    "dropout-rate": {"looks": 1, "passes": 1, "n_train": 200, "n_test": 100, "draws": 1},
    "cross-validation-elsewhere": {"draws": 1, "epochs": 2},
    "decision-threshold": {"epochs": 1, "n_train": 900, "n_test": 200},
    "early-stopping": {"epochs": 3, "n_train": 500},
    "early-stopping-off": {"epochs": 2, "draws": 2},
    "early-stopping-patience": {"epochs": 4},
    "elu-mean-activation": {"epochs": 1, "n_train": 300},
    "elu-noise": {"epochs": 1, "n_train": 300, "n_test": 100, "draws": 1},
    "enough-epochs": {"n_train": 200},
    "dead-relu-vs-rate": {"epochs": 1, "n_train": 300},
    "decay-to-prior": {"epochs": 5},
    "every-boost": {"n_train": 200, "n_test": 100, "updates": 8, "members": 1},
    "ensemble-average": {"epochs": 1, "n_train": 300, "n_test": 100},
    "ensembles-elsewhere": {"draws": 1, "epochs": 3, "members": 3},
    "feature-scaling": {"epochs": 1, "draws": 1},
    "few-epochs-first": {"n_train": 600, "n_test": 100, "trials": 8},
    "gradient-check": {"draws": 1},
    "gradient-noise-scale": {"moments": (0, 1), "draws": 3},
    "hinge-initial-loss": {"epochs": 1},
    "hpo-coarse-to-fine": {"trials": 6, "epochs": 1},
    "hpo-grid-vs-random": {"pool": 20, "epochs": 1, "largest_side": 3},
    "hpo-ranges-are-easier": {"a_decade": 2, "epochs": 1, "n_train": 300, "n_test": 200},
    "init-deep-alternatives": {"epochs": 1, "n_train": 300, "n_test": 100, "rates": (1e-2,)},
    "init-relu-deep-training": {"epochs": 2, "rates": (1e-2,)},
    "init-scale-trainability": {"epochs": 1, "n_train": 500},
    "label-noise-floor": {"looks": 2, "updates": 20},
    "label-smoothing": {"epochs": 2, "n_train": 200, "n_test": 100, "draws": 1},
    "mismatch-remedies": {"n_train": 200, "n_test": 100, "updates": 8, "draws": 1},
    "init-zero-biases": {"draws": 1, "epochs": 1, "n_train": 300, "n_test": 100},
    "lr-decay-adaptive": {"epochs": 2, "n_train": 200, "n_test": 100},
    "metric-decides": {"epochs": 1, "n_train": 1500, "n_test": 200, "trials": 6},
    "optimizer-shootout": {"epochs": 1},
    "padding-capacity": {"images": 100, "passes": 1, "draws": 1},
    "relu-vs-tanh-25pct": {"epochs": 1, "n_train": 300},
    "separable-accuracy": {"epochs": 3},
    "lr-backoff": {"epochs": 1, "starts": 2, "draws": 1},
    "lr-effective-capacity": {"epochs": 2},
    "lr-factor-of-two": {"epochs": 1, "n_train": 300},
    "lr-higher-when-overfitting": {"epochs": 4, "change": 2},
    "lr-higher-when-slow": {"epochs": 3, "change": 1, "n_train": 500},
    "lr-larger-is-faster": {"updates": 20},
    "lr-lower-when-unstable": {"epochs": 4, "fluctuated": 2, "exploded": 2},
    "lr-matters-most": {"epochs": 1, "n_train": 400, "draws": 1},
    "lr-no-single-rate": {"epochs": 1, "n_train": 300},
    "lr-optimal-vs-divergence": {"epochs": 1, "n_train": 300},
    "lr-range-bracketing": {"epochs": 1, "updates": 20},
    "lr-schedules": {"epochs": 3, "n_train": 500},
    "lr-typical-range": {"epochs": 1, "n_train": 200},
    "lr-u-curve": {"epochs": 1, "n_train": 500},
    "maxout-regularises": {"epochs": 1, "n_train": 300, "n_test": 100},
    "mistake-dropout-probability": {"epochs": 1, "n_train": 500},
    "mistake-gradients-kept": {"epochs": 2, "n_train": 500},
    "mistake-not-normalised": {"epochs": 1, "n_train": 300, "n_test": 100},
    "mistake-softmax-for-labels": {"draws": 1, "epochs": 2, "images": 400},
    "mistake-train-mode": {"epochs": 1, "n_train": 300, "n_test": 100, "few": 40},
    "monitor-gap": {"few": 200, "long": 3, "short": 1},
    "pca-whitening": {"n_train": 300, "n_test": 100},
    "preprocess-variants": {"epochs": 1, "n_train": 300, "n_test": 100},
    "relu-output-unit": {"epochs": 1, "draws": 1},
    "sigmoid-two-classes": {"epochs": 2},
    "separable-wallclock": {"sides": (8,), "budget_s": 0.02},
    "shuffle-vs-sorted": {"epochs": 1},
    "sign-of-underfitting": {"n_train": 200, "n_test": 100, "budgets": (2, 4)},
    "simple-model-first": {"n_train": 200, "n_test": 100, "updates": 8, "draws": 1},
    "snapshot-ensemble": {"epochs": 3, "passes": 1, "n_train": 300, "n_test": 100},
    "split-hygiene": {"trials": 4, "epochs": 1},
    "three-factors-of-capacity": {"images": 100, "passes": 1},
    "tuned-sgd-vs-rare": {"epochs": 1},
    "validation-unlike-test": {"n_train": 300, "n_test": 100, "epochs": 1},
    "variance-remedies": {"n_train": 250, "n_test": 100, "updates": 10, "draws": 1},
    "what-raises-capacity": {"images": 100, "passes": 1, "draws": 1},
    "where-capacity-goes": {"n_train": 200, "n_test": 100, "passes": 1, "draws": 2},
    "width-overfits": {"looks": 2, "draws": 1, "few": 100},
    "all-filter-sizes": {"epochs": 1, "n_train": 200, "n_test": 100},
    "context-size": {"passes": 1, "images": 200},
    "deeper-takes-longer": {"n_train": 300, "updates": 100},
    "dense-for-vectors": {"updates": 5, "draws": 1},
    "depth-degrades": {"depths": (8, 20), "epochs": 1, "n_train": 200, "n_test": 100},
    "fit-identity": {"epochs": 2, "vectors": 200},
    "frozen-layers": {"draws": 1, "epochs": 1, "passes": 2, "source_epochs": 1},
    "gated-sequences": {"looks": 1, "sequences": 200, "updates": 10},
    "known-structure": {"passes": 1, "n_train": 200, "n_test": 100, "own": 2},
    "pixel-order": {"epochs": 1, "n_train": 300, "n_test": 100},
    "residual-blocks": {"middle": 14, "deep": 20, "epochs": 1, "n_train": 200, "n_test": 100},
    "siamese-paths": {"pairs": (100, 200), "test_pairs": 100, "updates": 20},
    "skip-cost": {"budget_s": 0.05, "epochs": 1, "n_train": 200, "n_test": 100, "rounds": 1},
    "slower-pretrained": {"epochs": 1, "passes": 2, "source_epochs": 1},
    "transfer-four-cases": {"draws": 1, "epochs": 1, "few_passes": 2, "source_epochs": 1},
    "transfer-two-ways": {"epochs": 1, "passes": 1, "source_epochs": 1},
    "upper-layers-specific": {"source_epochs": 1},
    "vanishing-blamed": {"deep": 14, "epochs": 1, "n_train": 200, "n_test": 100},
}


def one_record(entry, store_path, smaller):
    """The record of one replicate on digits, or on the recipe's own data, at the quick scale with some settings changed."""
    loaded = loading.load(checkout.recipes_folder() / entry.path)
    quick = loaded.recipe.scale("quick").settings
    assert set(smaller) <= set(quick)
    own = loaded.recipe.data if callable(loaded.recipe.data) else None
    data_name = loaded.recipe.data_name if own else "digits" if loaded.recipe.data else None
    replicate = Replicate(Seeds(1), Scale("quick", **(quick | smaller)), data_name)
    replicate.load = own
    arms = {arm.name: measure_arm(loaded, arm, replicate) for arm in loaded.recipe.arms}
    store = Store(store_path)
    machine, environment = (
        store.add_document(*facts)[:12]
        for facts in (("machines", machine_facts()), ("environments", environment_facts()))
    )
    card = store.add_document("cards", loaded.card)
    found = document(
        loaded, replicate, 0, arms,
        card=card, machine=machine, environment=environment, determinism="fast", code=package_code.facts(),
        measurement=entry.measurements["quick"]["jax"],
    )  # fmt: skip
    store.add_record(pretty(found | {"id": record_id(found)}))
    return json.loads(next((store_path / "records").rglob("*.json")).read_bytes())


@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning")  # rank correlations of a few easy trials
@pytest.mark.parametrize("entry", measured_here(), ids=lambda entry: entry.slug)
def test_one_quick_replicate_runs_offline_with_every_statistic_and_figure(entry, store_path, reprise):
    record = one_record(entry, store_path, SMALLER.get(entry.slug, {}))
    assert record["status"] == "complete", {name: arm["error"] for name, arm in record["arms"].items()}
    assert set(record["claims"]) == {claim.id for claim in entry.card.claims if claim.retired is None}
    result = reprise("report", "--store", store_path)
    assert (result.exit_code, "not drawn" in result.output) == (0, False), result.output
    assert len(list((store_path / "reports" / "figures").glob("*.svg"))) == len(entry.card.figures)
    assert reprise("check", "--store", store_path).exit_code == 0


def test_the_dozen_has_every_kind_of_figure():
    kinds = {one.slug: {figure["kind"] for figure in one.card.figures} for one in CURRENT}
    assert set(kinds) >= DOZEN
    assert set().union(*(kinds[slug] for slug in DOZEN)) == set().union(*kinds.values())


def test_the_quickstart_suite_needs_no_download():
    suite, entries = catalog.suite("quickstart")
    assert suite.data == "digits"
    assert {"cifar10-lr-drop", "init-activation-std-tanh"} <= {entry.slug for entry in entries}


def test_two_arms_of_the_drop_recipe_share_the_epochs_before_it(store_path):
    record = one_record(catalog.find("cifar10-lr-drop"), store_path, {"n_train": 300, "n_test": 100})
    curves = {name: arm["curves"] for name, arm in record["arms"].items()}
    assert curves["drop"]["train_loss"][:6] == curves["constant"]["train_loss"][:6]
    assert curves["drop"]["train_loss"][6:] != curves["constant"]["train_loss"][6:]
    assert record["arms"]["drop"]["cost"]["params"] == 107_106
    assert all(
        len(curves[arm][name]) == 12
        for arm in curves
        for name in ("train_loss", "test_loss", "train_error", "test_error")
    )
