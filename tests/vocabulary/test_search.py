"""Searches: what is proposed, what is kept, what a failed or interrupted trial does."""

import math
import sys

import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.settings import Scale

start.start()
from keras_reprise.search import choice, draws, grid_search, log_grid, log_uniform, random_search, uniform  # noqa: E402

SPACE = {"rate": log_uniform(1e-6, 1e-3), "width": choice([4, 8])}


def replicate(seed=1, folder=None, arm="search"):
    found = Replicate(Seeds(seed), Scale("quick"), folder=folder)
    found.begin(arm)
    return found


def error(rate, width):
    return {"test_error": abs(math.log10(rate) + 4) / width}


def settings(trials):
    return [(trial["rate"], trial["width"]) for trial in trials]


def test_draws_depend_on_seed_and_arm_alone():
    first = settings(random_search(replicate(), SPACE, 12, error))
    assert settings(random_search(replicate(), SPACE, 12, error)) == first
    assert settings(random_search(replicate(seed=2), SPACE, 12, error)) != first
    assert settings(random_search(replicate(arm="other"), SPACE, 12, error)) != first
    assert len(set(first)) == 12
    assert all(1e-6 <= rate <= 1e-3 and width in (4, 8) for rate, width in first)


def test_log_uniform_draws_are_uniform_in_the_logarithm():
    log, plain = (draws(axis(1e-6, 1e-3), 3000, seed=7) for axis in (log_uniform, uniform))
    assert (log > 1e-4).mean() == pytest.approx(1 / 3, abs=0.04)
    assert (plain > 1e-4).mean() == pytest.approx(0.9009, abs=0.03)


def test_a_grid_is_walked_whole():
    trials = grid_search(replicate(), {"rate": log_grid(1e-6, 1e-4, 3), "width": [4, 8]}, error)
    assert len(trials) == 6
    assert {round(math.log10(rate)) for rate, _ in settings(trials)} == {-6, -5, -4}
    assert {width for _, width in settings(trials)} == {4, 8}


def test_a_trial_that_raises_or_diverges_is_recorded_and_the_search_goes_on():
    def sometimes(rate, width):
        if width == 8:
            raise ValueError("no room in /home/somebody/tmp")
        return {"test_error": math.nan, "diverged": True} if rate > 1e-4 else error(rate, width)

    trials = random_search(replicate(), SPACE, 20, sometimes)
    assert len(trials) == 20
    assert {trial["status"] for trial in trials} == {"complete", "diverged", "failed"}
    failed = next(trial for trial in trials if trial["status"] == "failed")
    assert failed["error"] == "ValueError: no room in <path>"
    assert all(math.isnan(trial["test_error"]) for trial in trials if trial["status"] == "diverged")


def test_a_search_of_failures_alone_is_an_error():
    def never(rate, width):
        raise ValueError("nothing works")

    with pytest.raises(
        RecipeError, match="All 3 trials of the search failed; the first with ValueError: nothing works"
    ):
        random_search(replicate(), SPACE, 3, never)


def test_an_interrupted_search_goes_on_without_repeating_or_losing_a_trial(tmp_path):
    measured: list[tuple[float, int]] = []
    whole = settings(random_search(replicate(), SPACE, 10, error))

    def dying(rate, width):
        if len(measured) == 6:
            raise KeyboardInterrupt
        measured.append((rate, width))
        return error(rate, width)

    with pytest.raises(KeyboardInterrupt):
        random_search(replicate(folder=tmp_path), SPACE, 10, dying)
    again = []

    def counting(rate, width):
        again.append((rate, width))
        return error(rate, width)

    trials = random_search(replicate(folder=tmp_path), SPACE, 10, counting)
    assert settings(trials) == whole
    assert [(pytest.approx(rate), width) for rate, width in measured + again] == whole
    assert [trial["test_error"] for trial in trials] == pytest.approx(
        [error(*pair)["test_error"] for pair in whole], abs=1e-6
    )


def test_a_trial_writes_where_it_would_without_a_search_and_the_tuner_nowhere(capfd, monkeypatch):
    monkeypatch.setattr(sys, "__stdout__", sys.stdout)

    def loud(rate, width):
        sys.stdout.write("measured\n")
        sys.stdout.flush()
        return error(rate, width)

    trials = random_search(replicate(), SPACE, 2, loud)
    assert [trial["status"] for trial in trials] == ["complete", "complete"]
    assert capfd.readouterr().out == "measured\nmeasured\n"


def test_a_trial_that_no_record_can_hold_is_told_after_the_search_that_took_it_for_a_failed_one():
    measured = []

    def sometimes(rate, width):
        measured.append(rate)
        return {"test_error": 1j} if len(measured) == 2 else error(rate, width)

    searching = replicate()
    assert len(random_search(searching, SPACE, 5, sometimes)) < 5
    (wrong,) = searching.invalid
    assert "'test_error' of trial 2 is the complex number" in str(wrong)
