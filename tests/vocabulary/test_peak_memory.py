"""Memory of an update: it grows with the batch, whatever the process held before."""

import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.engine.backends import start

start.start()
import keras  # noqa: E402

from keras_reprise.peak_memory import memory_bytes, on_gpu, update_peaks  # noqa: E402

MIB = 2**20


def network(units):
    return keras.Sequential([keras.Input((16,)), keras.layers.Dense(units), keras.layers.Dense(3)])


@pytest.mark.slow
def test_an_update_needs_the_activations_and_their_gradients():
    peaks = update_peaks(network(8192), [1000, 4000])
    activations = 3000 * 8192 * 4  # bytes of what the larger batch has more in the hidden layer
    assert activations < peaks[1] - peaks[0] < 4 * activations


@pytest.mark.skipif(on_gpu(), reason="no other process there")
@pytest.mark.slow
def test_a_process_that_fails_is_told():
    with pytest.raises(RecipeError, match="The process whose memory is counted failed"):
        update_peaks(network(8), [1, 10**15])


def test_batches_ascend():
    with pytest.raises(RecipeError, match="do not ascend"):
        update_peaks(network(8), [200, 100])


def test_the_machine_has_memory():
    assert memory_bytes() > 100 * MIB
