"""How numbers and commands are printed."""

import math
import re
import shlex

import pytest
from msgspec.structs import replace
from summaries import summary

from keras_reprise import catalog
from keras_reprise.record import wording
from keras_reprise.record.schema import DataRef, RecipeRef
from keras_reprise.report import phrases


@pytest.mark.parametrize(
    ("value", "mean", "sd", "text"),
    [
        (-0.24194, -0.24194, 0.0039, "-0.2419"),
        (-0.246, -0.24194, 0.0039, "-0.2460"),
        (39.083, 39.083, 4.9, "39.1"),
        (2017.3, 2017.3, 150.0, "2017"),
        (-0.004, -0.03, 0.28, "0.00"),
        (1.0, 1.0, 0.0, "1"),
        (102760448.0, 102760448.0, 0.0, "102760448"),
        (2.8e31, 2.8e31, 1e32, "2.8e+31"),
        (1.25e-7, 1.25e-7, 1e-8, "1.25e-07"),
        (0.5, 0.5, math.nan, "0.5"),
        (math.nan, math.nan, math.nan, "-"),
    ],
)
def test_means_and_intervals_show_two_digits_of_the_deviation(value, mean, sd, text):
    assert wording.aligned(value, mean, sd) == text


def test_replay_names_seeds_backend_precision_and_substitute():
    environment = {"backend": {"name": "jax"}, "precision": "tf32"}
    data = DataRef("digits", "0" * 64, 1, 1, True)
    entry = catalog.find("lr-nan")
    ours = RecipeRef("lr-nan", entry.version, "quick", "0" * 64, "0" * 64, entry.measurements["quick"]["jax"])
    three = [replace(summary(seed, {}, data=data), recipe=ours) for seed in (1, 2, 3)]
    assert phrases.replay(three, environment) == (
        f"reprise run lr-nan@{entry.version} --scale quick --seeds 3 --backend jax --precision tf32 --data digits"
    )
    assert "--seeds 2,2" in phrases.replay(three[1:2], {})
    assert "--seeds 1,3" in phrases.replay(three[::2], {})


def test_replay_of_one_s_own_recipe_names_the_source_that_its_file_must_be():
    found = phrases.replay([summary(1, {})], {})
    assert re.fullmatch(r"reprise run \./[a-z-]+\.py --measurement [0-9a-f]{12} --scale quick --seeds 1", found)


def test_a_replay_command_is_safe_to_paste():
    data = DataRef("x; rm -rf ~ `id`", "0" * 64, 1, 1, True)
    words = shlex.split(phrases.replay([summary(1, {}, data=data)], {"backend": {"name": "tensorflow; id"}}))
    assert words[-2:] == ["--data", "x; rm -rf ~ `id`"]
    assert "--backend" not in words


def test_facts_of_the_wrong_kind_do_not_stop_a_page():
    assert wording.software({"backend": "jax", "python": None}) == "Keras None on None None, None, Python None"
    assert wording.hardware({"gpus": "many"}) == "None, None cores, None GiB, no GPU"
