"""A backend is one file: found in its folder, offered to users, and loaded before its library."""

import os
import subprocess
import sys

import pytest

from keras_reprise.engine.backends import start
from keras_reprise.recipe.numerics import NUMERICS

LOADED = """
import os, sys
from keras_reprise.engine.backends import start
assert not {"keras", "jax", "tensorflow", "torch"} & set(sys.modules)
start.start(determinism="strict")
print({name: os.environ.get(name) for name in sys.argv[1:]})
"""
VARIABLES = {
    "tensorflow": {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
    "jax": {"XLA_FLAGS": "--xla_cpu_enable_fast_math=false --xla_gpu_deterministic_ops=true"},
    "torch": {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"},
}


def test_the_files_of_the_folder_are_the_backends_tensorflow_first():
    assert start.known() == ["tensorflow", "jax", "torch"]
    assert set(start.installed()) <= set(start.known())


def test_every_backend_has_its_row_of_numbers():
    assert set(NUMERICS) == set(start.known())


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIABLES)
def test_what_a_library_reads_while_it_is_loaded_is_set_before(name):
    if name not in start.installed():
        pytest.skip(f"{name} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": name, "REPRISE_THREADS": "1"}
    environment |= {"XLA_FLAGS": "--xla_cpu_enable_fast_math=false"} if name == "jax" else {}
    for variable in VARIABLES[name]:
        if variable != "XLA_FLAGS":
            environment.pop(variable, None)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *VARIABLES[name]], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == str(VARIABLES[name])
