"""How numbers and commands are printed."""

import math
import shlex

import pytest
from test_judge import summary

from keras_reprise import describe
from keras_reprise.record import DataRef


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
    assert describe.aligned(value, mean, sd) == text


def test_replay_names_seeds_backend_precision_and_substitute():
    environment = {"backend": {"name": "jax"}, "precision": "tf32"}
    data = DataRef("digits", "0" * 64, 1, 1, True)
    three = [summary(seed, {}, data=data) for seed in (1, 2, 3)]
    assert describe.replay(three, environment) == (
        "reprise run plain@1 --scale quick --seeds 3 --backend jax --precision tf32 --data digits"
    )
    assert "--seeds 2,2" in describe.replay(three[1:2], {})
    assert "--seeds 1,3" in describe.replay(three[::2], {})


def test_a_replay_command_is_safe_to_paste():
    data = DataRef("x; rm -rf ~ `id`", "0" * 64, 1, 1, True)
    words = shlex.split(describe.replay([summary(1, {}, data=data)], {"backend": {"name": "tensorflow; id"}}))
    assert words[-2:] == ["--data", "x; rm -rf ~ `id`"]
    assert "--backend" not in words


def test_facts_of_the_wrong_kind_do_not_stop_a_page():
    assert describe.software({"backend": "jax", "python": None}) == "Keras None on None None, None, Python None"
    assert describe.hardware({"gpus": "many"}) == "None, None cores, None GiB, no GPU"
