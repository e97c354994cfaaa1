"""What runs without a backend: data, the store, verdicts and the start of the command. Gated; see gate.toml.

Run: pytest benchmarks/gate/bench_files.py
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from made_store import made_store  # noqa: E402

from keras_reprise.base.seeds import Seeds  # noqa: E402
from keras_reprise.datasets import Dataset  # noqa: E402
from keras_reprise.judge import verdicts  # noqa: E402
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store  # noqa: E402

RECORDS = 40


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return made_store(tmp_path_factory.mktemp("made") / "store", RECORDS, slim=True)


@pytest.fixture(scope="module")
def images():
    generator = np.random.default_rng(1)
    pixels = generator.integers(0, 256, (2_000, 32, 32, 3), dtype=np.uint8)
    labels = generator.integers(0, 10, 2_000).astype(np.int32)
    return Dataset("made-up", pixels[1000:], labels[1000:], pixels[:1000], labels[:1000], 10, "0" * 64)


def test_standardise_images(benchmark, images):
    """1,000 images of bytes made ready for a network."""
    benchmark.pedantic(lambda: images.standardised().x_train.sum(), rounds=2)


def test_order_of_an_epoch(benchmark):
    benchmark.pedantic(lambda: Seeds(1).permutation(50_000, 1), rounds=40)


def test_read_records(benchmark, store):
    """Decode and check 40 records, as `check` does."""
    benchmark.pedantic(lambda: check(Store(store)), rounds=3)


def test_verdicts(benchmark, store):
    """Judge every claim of 40 records that the index knows."""
    Store(store).summaries()
    benchmark.pedantic(lambda: verdicts.verdicts(Store(store).summaries()[0], Store(store)), rounds=6)


def test_start_of_the_command(benchmark):
    """`reprise list`, from the start of Python to its end."""
    command = [sys.executable, "-m", "keras_reprise", "list"]
    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=1)
