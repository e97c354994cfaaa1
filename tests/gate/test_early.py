"""What a first look leaves out: only what is shown to be too small to be seen."""

import numpy as np
import pytest

from keras_reprise.gate.early import settled
from keras_reprise.gate.looks import Known, Look
from keras_reprise.gate.settings import Settings

NOISE = 0.02  # of a look of six processes a side


def look(generator, blocks, slower=0.0):
    """Two processes of one benchmark in each block, of the noise that was calibrated."""
    logs = slower + NOISE * np.sqrt(3) * generator.standard_normal(2 * blocks)
    return Look({"x.py::test": np.exp(logs)}, blocks={"x.py::test": np.arange(2 * blocks) // 2})


def share(change, blocks, *, beside=True, tries=200):
    """The share of looks that end after so many blocks, when the code of now takes so much longer (on logarithms)."""
    known, generator = Known({"x.py::test": NOISE}, beside=beside), np.random.default_rng(1)
    looks = [(look(generator, blocks), look(generator, blocks, change)) for _ in range(tries)]
    return np.mean([bool(settled(*both, Settings(thresholds={"*": 0.1}), known)) for both in looks])


@pytest.mark.parametrize("blocks", [1, 2])
def test_identical_code_is_settled_early_more_often_than_not(blocks):
    assert share(0.0, blocks) > 0.6


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("change", [0.14, -0.14])
def test_a_change_that_the_gate_can_see_hardly_ever_is(blocks, change):
    """Of x 1.15; the smallest visible one of this noise is x 1.13, and of 200 looks at most one in 20 may miss it."""
    assert share(change, blocks) <= 0.05


def test_against_stored_numbers_the_noise_is_that_of_occasions_however_many_processes_there_are():
    assert share(0.0, 1, beside=False) > share(0.0, 1)
    assert share(0.14, 1, beside=False) <= 0.05


def test_a_look_that_scatters_more_than_was_calibrated_is_not_ended_by_what_was_calibrated():
    generator = np.random.default_rng(2)
    before, now = look(generator, 2), look(generator, 2)
    calm = Known({"x.py::test": NOISE}, beside=True)
    assert settled(before, now, Settings(thresholds={"*": 0.1}), calm)
    noisy = Look({m: v**8 for m, v in now.costs.items()}, blocks=now.blocks)
    assert not settled(before, noisy, Settings(thresholds={"*": 0.1}), calm)
