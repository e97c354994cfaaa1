"""Strict runs: two processes give the same digest, and an arm that is not deterministic is told."""

import pytest
from faults import documents

CHANCE = '''"""An arm that draws from the clock's noise"""
import os

from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Source

RECIPE = Recipe(
    slug="chance",
    version=1,
    question="Is it the same twice?",
    sources=(Source("tests", "here"),),
    arms=(Arm("steady", "a number of the seed"), Arm("chance", "a number of the system")),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=lambda arm, replicate: Measurement({"x": float(replicate.seed if arm.name == "steady" else os.urandom(4)[0] + 256 * os.urandom(1)[0])}),
    claims=(Claim("a", "A.", "tests", lambda arms, scale: 1.0, above=0.0, measures="One"),),
)
'''


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_processes_give_the_same_digest(tmp_path, tiny_recipe, reprise_process, backend):
    """Of a recipe that trains."""
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    digests = []
    for run in ("one", "two"):
        words = ("--data", "digits", "--seeds", 1, "--determinism", "strict", "--backend", backend)
        done = reprise_process("run", tiny_recipe, *words, "--store", tmp_path / run)
        assert done.returncode == 0, done.stderr
        (document,) = documents(tmp_path / run)
        assert (document["status"], document["determinism"]["mode"]) == ("complete", "strict")
        digests.append(document["determinism"]["digest"])
    assert digests[0] == digests[1]
    assert len(digests[0]) == 64


def test_an_arm_that_is_not_deterministic_is_recorded_as_failed(tmp_path, store_path, reprise_process):
    (tmp_path / "chance.py").write_text(CHANCE)
    done = reprise_process("run", tmp_path / "chance.py", "--determinism", "strict", "--store", store_path)
    assert done.returncode == 4
    (document,) = documents(store_path)
    assert document["arms"]["steady"]["status"] == "complete"
    error = document["arms"]["chance"]["error"]
    assert error == {"type": "NotDeterministic", "message": "Two runs with one seed differ in metrics."}
    assert document["determinism"]["digest"] is None


@pytest.mark.slow
def test_recipes_about_seconds_are_left_out(store_path, reprise):
    result = reprise("run", "separable-wallclock", "--determinism", "strict", "--workers", 1, "--store", store_path)
    assert (result.exit_code, "about seconds" in result.output, "Traceback" in result.output) == (2, True, False)
