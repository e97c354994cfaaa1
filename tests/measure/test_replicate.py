"""Sweeps: every setting is measured once, also after an interruption."""

import math
from typing import Any

import pytest

from keras_reprise.base.seeds import Seeds
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.settings import Scale

SETTINGS = [{"batch": 1}, {"batch": 2}, {"batch": 4}]


def test_a_trial_is_its_setting_and_what_was_measured():
    trials = Replicate(Seeds(1), Scale("quick")).sweep(SETTINGS, lambda batch: {"seconds": 1 / batch})
    assert trials == [{"batch": 1, "seconds": 1.0}, {"batch": 2, "seconds": 0.5}, {"batch": 4, "seconds": 0.25}]


def test_entries_of_the_trials_of_a_sweep_are_curves_over_its_settings():
    trials = Replicate(Seeds(1), Scale("quick")).sweep(SETTINGS, lambda batch: {"seconds": 1 / batch, "kind": "slow"})
    assert {name: list(values) for name, values in trials.curves("seconds", "batch").items()} == {
        "seconds": [1.0, 0.5, 0.25],
        "batch": [1, 2, 4],
    }
    assert list(trials.column("kind") == "slow") == [True, True, True]
    with pytest.raises(KeyError, match="second"):
        trials.curves("second")


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path):
    measured: list[Any] = []

    def measure(batch):
        if batch == 4 and len(measured) == 2:
            measured.append("killed")
            raise KeyboardInterrupt
        measured.append(batch)
        return {"loss": math.nan if batch == 2 else float(batch)}

    with pytest.raises(KeyboardInterrupt):
        Replicate(Seeds(1), Scale("quick"), folder=tmp_path).sweep(SETTINGS, measure)
    trials = Replicate(Seeds(1), Scale("quick"), folder=tmp_path).sweep(SETTINGS, measure)
    assert measured == [1, 2, "killed", 4]
    assert math.isnan(trials[1]["loss"])
    assert trials[2]["loss"] == 4.0


def test_arms_do_not_share_their_trials(tmp_path):
    replicate = Replicate(Seeds(1), Scale("quick"), folder=tmp_path)
    replicate.begin("one")
    replicate.sweep(SETTINGS, lambda batch: {"arm": 1})
    replicate.begin("two")
    assert replicate.sweep(SETTINGS, lambda batch: {"arm": 2})[0]["arm"] == 2


def test_a_damaged_trial_is_measured_again(tmp_path):
    Replicate(Seeds(1), Scale("quick"), folder=tmp_path).sweep(SETTINGS[:1], lambda batch: {"x": 1})
    (path,) = (tmp_path / "trials").iterdir()
    path.write_bytes(b'{"trial": {"x"')
    assert Replicate(Seeds(1), Scale("quick"), folder=tmp_path).sweep(SETTINGS[:1], lambda batch: {"x": 2})[0]["x"] == 2


def test_members_have_streams_of_their_own_and_the_replicate_notes_what_they_train():
    replicate = Replicate(Seeds(1), Scale("quick", n_train=20, n_test=10), "digits")
    data = replicate.dataset()
    first, second = replicate.member(0), replicate.member(1)
    assert len({replicate.seeds.weights("hidden"), first.seeds.weights("hidden"), second.seeds.weights("hidden")}) == 3
    assert list(first.seeds.permutation(20, 1)) != list(second.seeds.permutation(20, 1))
    assert replicate.member(1).seeds == second.seeds
    assert second.dataset() is data
    second.note_unseeded(["dropout"])
    assert replicate.unseeded == ["dropout"]


def test_progress_counts_trials_and_their_epochs():
    seen = []
    replicate = Replicate(Seeds(1), Scale("quick"), on_epoch=lambda done, total, text: seen.append((done, total, text)))

    def measure(batch):
        replicate.progress(1, 2, 0.5)
        return {}

    replicate.sweep(SETTINGS[:2], measure)
    assert [done for done, _, _ in seen] == [0.5, 1, 1.5, 2]
    assert {total for _, total, _ in seen} == {2}
    assert seen[2][2] == "trial 2/2, epoch 1/2, loss 0.5000"


def test_progress_after_a_sweep_is_that_of_one_more_training_and_a_second_sweep_counts_on():
    seen = []
    replicate = Replicate(Seeds(1), Scale("quick"), on_epoch=lambda done, total, text: seen.append((done, total, text)))
    replicate.sweep(SETTINGS[:2], lambda batch: {})
    replicate.progress(1, 2, 0.5)
    assert seen[-1] == (2.5, 3, "epoch 1/2, loss 0.5000")
    replicate.sweep(SETTINGS[2:], lambda batch: {})
    assert seen[-1] == (3, 3, "trial 3/3")
