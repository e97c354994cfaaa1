"""Sweeps: every setting is measured once, also after an interruption."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keras_reprise.base import seals
from keras_reprise.base.errors import StoreError
from keras_reprise.base.gpu import Watch
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine import History, Timing
from keras_reprise.engine.backends import start
from keras_reprise.measure.arm import measure_arm, with_company
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.beside import Beside
from keras_reprise.recipe.definition import Recipe
from keras_reprise.recipe.numbers import Measurement
from keras_reprise.recipe.settings import Arm, Scale

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


def measured(folder: Path, measure: Callable[..., Measurement], **fields: Any) -> dict[str, Any]:
    """What measuring an arm gives whose replicate keeps its trials in `folder`."""
    mine = Recipe.__new__(Recipe)
    object.__setattr__(mine, "measure", measure)

    class Loaded:
        recipe, beside, path = mine, Beside(folder), folder / "mine.py"

    replicate = Replicate(Seeds(1), Scale("quick"), folder=folder, **fields)
    return measure_arm(Loaded(), Arm("one"), replicate)  # type: ignore[arg-type]


def test_a_trial_that_no_record_can_hold_fails_its_arm_though_the_recipe_went_on(tmp_path):
    def measure(arm, replicate):
        try:
            replicate.trial({"width": 1}, lambda: {"loss": 1j})
        except Exception as error:  # as a tuner does
            return Measurement({"caught": float(bool(error))})

    error = measured(tmp_path, measure)["arm"]["error"]
    assert error["type"] == "InvalidMeasurement"
    assert "trial 1" in error["message"]


class Model:
    def __init__(self, parameters: int) -> None:
        self.parameters = parameters

    def count_params(self) -> int:
        return self.parameters


SLEEP_S = 0.2


def swept(folder: Path, most: float = math.inf, **fields: Any) -> dict[str, Any]:
    """A sweep over batches, of which the first diverges and takes longest; larger batches than `most` fail the arm."""
    folder.mkdir(exist_ok=True)

    def measure(arm: Arm, replicate: Replicate) -> Measurement:
        def trial(batch: int) -> dict[str, float]:
            if batch > most:
                raise RuntimeError("killed")
            time.sleep(SLEEP_S if batch == 1 else 0.0)
            replicate.note_unseeded([f"dropout of {batch}"])
            timing = Timing(1.0 + batch, 0.5 / batch, [0.25, 0.125 * batch], [0.0625])
            history = History(
                diverged=batch == 1, updates=4, examples=8 * batch, flops_per_example=100.0 / batch, timing=timing
            )
            replicate.note_training(history, f"{batch}" * 64, Model(10 * (5 - batch)))  # type: ignore[arg-type]
            return {"loss": float(batch)}

        return Measurement(trials=replicate.sweep(SETTINGS, trial))

    return measured(folder, measure, **fields)


def lasting(result: dict[str, Any]) -> dict[str, Any]:
    """What of a measured arm is the same however often it was interrupted."""
    arm = result["arm"]
    cost, times = dict(arm["cost"]), dict(arm["time"])
    del cost["peak_memory_bytes"], times["total_s"]
    return {**arm, "cost": cost, "time": times, "digest": result["digest"], "unseeded": result["unseeded"]}


def test_a_resumed_sweep_is_recorded_as_an_undisturbed_one(tmp_path):
    undisturbed = swept(tmp_path / "undisturbed")
    assert swept(tmp_path / "killed", most=2)["arm"]["status"] == "failed"
    resumed = swept(tmp_path / "killed")
    assert lasting(resumed) == lasting(undisturbed)
    assert (resumed["arm"]["status"], resumed["arm"]["cost"]["params"]) == ("diverged", 40)
    assert resumed["unseeded"] == ["dropout of 1", "dropout of 2", "dropout of 4"]
    assert resumed["arm"]["time"]["step_s"]["n"] == 6
    assert resumed["arm"]["time"]["total_s"] > SLEEP_S


@pytest.mark.parametrize(("before", "now", "alone"), [(True, True, True), (False, True, False), (None, True, None)])
def test_trials_that_were_kept_had_the_machine_alone_or_not_when_they_were_measured(tmp_path, before, now, alone):
    swept(tmp_path, most=2, nobody_else=lambda: before)
    resumed = swept(tmp_path, nobody_else=lambda: now)
    found = with_company(resumed, now, Watch(on_gpu=False))
    assert found["arm"]["time"]["alone"] is alone
    assert "resumed" not in found
    assert with_company(swept(tmp_path / "undisturbed"), now, Watch(on_gpu=False))["arm"]["time"]["alone"] is now


def test_the_energy_of_an_arm_is_not_known_where_an_earlier_run_measured_trials_of_it(tmp_path):
    watch = Watch(on_gpu=True, counts=[0], energy_j=2.5)
    assert with_company(swept(tmp_path, most=2), True, watch)["arm"]["cost"]["gpu_energy_j"] == 2.5
    assert "gpu_energy_j" not in with_company(swept(tmp_path), True, watch)["arm"]["cost"]


def test_a_trial_of_which_not_all_was_kept_is_measured_again(tmp_path):
    Replicate(Seeds(1), Scale("quick"), folder=tmp_path).sweep(SETTINGS[:1], lambda batch: {"x": 1})
    (path,) = (tmp_path / "trials").iterdir()
    name = json.dumps(["", 0, {"batch": 1}])
    kept = json.loads(seals.opened(path.read_bytes(), name) or b"")
    older = {part: kept[part] for part in ("trial", "digests", "noted")}
    for content, x in ((kept, 1), (older, 2)):
        path.write_bytes(seals.seal(json.dumps(content).encode(), name))
        again = Replicate(Seeds(1), Scale("quick"), folder=tmp_path).sweep(SETTINGS[:1], lambda batch: {"x": 2})
        assert again[0]["x"] == x


def test_a_trial_that_cannot_be_kept_is_no_failed_trial_of_a_search(tmp_path, monkeypatch):
    start.start()
    from keras_reprise.search import grid_search

    def full(path, content):
        raise StoreError(f"{path.name} could not be written: No space left on device.")

    def measure(arm, replicate):
        return Measurement(trials=grid_search(replicate, {"rate": [0.5, 0.25]}, lambda rate: {"test_error": rate}))

    monkeypatch.setattr("keras_reprise.measure.replicate.write_atomically", full)
    with pytest.raises(StoreError, match="No space left"):
        measured(tmp_path, measure)


def test_a_trial_whose_training_state_could_not_be_kept_is_not_kept_as_a_failed_one(tmp_path):
    replicate = Replicate(Seeds(1), Scale("quick"), folder=tmp_path)

    def measure(batch):
        replicate.unwritten.append(StoreError("No space left on device."))  # as the store of training states tells it
        return {"status": "failed"}

    with pytest.raises(StoreError, match="No space left"):
        replicate.sweep(SETTINGS, measure)
    assert not (tmp_path / "trials").exists()


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
