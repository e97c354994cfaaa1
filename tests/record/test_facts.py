"""Facts of machines and environments read from a store that may hold anything."""

import pytest

from keras_reprise.record import wording
from keras_reprise.record.facts import EnvironmentFacts, MachineFacts, flattened

NOTHING: list[dict[str, object]] = [{}, {"gpus": "one", "backend": "jax", "python": None, "packages": [1]}]


@pytest.mark.parametrize("content", NOTHING)
def test_what_a_file_does_not_say_is_none(content):
    environment = EnvironmentFacts.of(content)
    assert (MachineFacts.of(content).cpu, MachineFacts.of(content).gpus) == (None, ())
    assert (environment.backend, environment.python_version, environment.packages) == (None, None, {})
    assert wording.hardware(content) == "None, None cores, None GiB, no GPU"
    assert wording.software(content) == "Keras None on None None, None, Python None"


def test_numbers_read_as_text():
    facts = MachineFacts.of({"cpu": "AMD EPYC", "cores": 2, "memory_gib": 24, "gpus": ["H100", 3], "os": "Linux"})
    assert (facts.cores, facts.memory_gib, facts.gpus, facts.system) == ("2", "24", ("H100", "3"), "Linux")


def test_a_precision_that_is_not_the_usual_one_is_told():
    content = {"backend": {"name": "jax", "version": "0.11"}, "keras": "3.15", "device": "gpu x1", "precision": "tf32"}
    assert wording.software(content) == "Keras 3.15 on jax 0.11, gpu x1, Python None, tf32"


def test_all_facts_are_named_packages_by_themselves():
    content = {"backend": {"name": "jax"}, "packages": {"numpy": "2.5"}, "gpus": ["a", "b"], "variables": {}}
    assert list(flattened(content)) == [
        ("backend name", "jax"),
        ("numpy", "2.5"),
        ("gpus", "a, b"),
        ("variables", "{}"),
    ]
