"""How soon networks that are alike start: prints the seconds of the first update of each, one after the other.

Usage: KERAS_BACKEND=jax python starting.py NETWORK [FOLDER]. Weights and rates differ from one network to the next. JAX
keeps what it compiles in FOLDER: given one that another process has filled, the first network finds it. Beside the
wall-clock seconds there are those of the processor, which other processes of the machine do not lengthen.
"""

import json
import sys
import time
from pathlib import Path

from contender import Session, keras_network, made_up_data, made_up_images
from torch_contender import BATCH

TRAININGS = 5


def first_update(name, data, rate):
    """Seconds on the clock and of the processor until one update of a new network is done, and its evaluation."""
    import keras

    from keras_reprise.engine import Order, train

    model, optimizer, order = keras_network(name), keras.optimizers.SGD(), Order(examples=BATCH)
    begun = time.perf_counter(), time.process_time()
    train(model, data, Session(), optimizer=optimizer, epochs=1, order=order, batch_size=BATCH, learning_rate=rate)
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def main(name, folder=None):
    from keras_reprise.engine.backends import start

    start.start()
    if folder:
        start.current_backend().keep_compiled(Path(folder))
    data = made_up_data(name, *made_up_images(1_000))
    found = [first_update(name, data, 0.01 * (number + 1)) for number in range(TRAININGS)]
    clock, processor = ([round(one, 3) for one in column] for column in zip(*found, strict=True))
    print(json.dumps({"wall_clock_s": clock, "processor_s": processor}))


if __name__ == "__main__":
    main(*sys.argv[1:])
