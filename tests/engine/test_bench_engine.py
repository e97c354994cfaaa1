"""The engine's benchmark: who is measured on which device, what is left out is named, and the table's arithmetic."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import engine_speed
import torch_contender
from engine_speed import Outcome, as_json, measure, pairs, table

CPU = {"tensorflow": "cpu", "jax": "cpu", "torch": "cpu"}
GPU = {"jax": "gpu", "torch": "gpu"}


def test_on_a_gpu_those_are_measured_that_use_it():
    assert {one.split("-")[1] for _, one in pairs(GPU | {"tensorflow": "cpu"}) if one.startswith("engine")} == {
        "jax",
        "torch",
    }
    assert ("convnet", "fit-tensorflow") in pairs(GPU | {"tensorflow": "gpu"})
    assert {("mlp", "torch-step-as-cuda-graph"), ("convnet", "engine-jax-six-at-once")} <= set(pairs(GPU))


def test_on_a_cpu_there_is_no_cuda_graph_and_no_convolution_by_xla():
    found = pairs(CPU)
    assert ("mlp", "engine-jax-six-at-once") in found
    assert not [one for _, one in found if "cuda" in one or "compiled" in one]
    assert not [one for network, one in found if network != "mlp" and one.endswith("-jax")]
    assert not [one for _, one in pairs({"torch": "cpu"}) if "torch" not in one]


@pytest.fixture
def made(monkeypatch):
    """Processes that print made-up numbers: 2 s for an epoch of 1,000 images, 1 s of the engine on JAX."""
    started = []

    def process(script, *arguments, timeout_s=None):
        started.append((script, *arguments))
        if script == "limits.py":
            return {"framework": arguments[0], "flops_per_s": 1e9, "bytes_per_s": 2e9, "flops": {"mlp": 100_000}}
        if arguments[1] == "torch-loop-compiled":
            return {"refused": "There is no compiler."}
        seconds = 1.0 if arguments[1] == "engine-jax" else 2.0
        return {"images": 1000, "epoch_s": [seconds, seconds, 9.0], "first_step_s": 3.0, "peak_memory_bytes": 2**30}

    monkeypatch.setattr(engine_speed, "process", process)
    return started


def test_the_table_holds_speeds_ratios_the_share_of_the_peak_and_what_was_left_out(made):
    chosen = [("mlp", "engine-jax"), ("mlp", "torch-loop"), ("mlp", "torch-loop-compiled")]
    found = measure(chosen, GPU, rounds=2)
    assert made[0] == ("limits.py", "torch")
    lines = table(found).splitlines()
    assert "mlp, batch 100, on the GPU, 2 processes each" in lines
    rows = [line.split() for line in lines if line.startswith(("engine-jax", "torch-loop"))]
    assert rows == [
        ["engine-jax", "1,000", "1,000", "to", "1,000", "1.00", "3.00", "1,024", "10.0"],
        ["torch-loop", "500", "500", "to", "500", "2.00", "3.00", "1,024", "5.0"],
    ]
    assert "Left out: mlp torch-loop-compiled: There is no compiler." in lines
    assert [len(one) for one in as_json(found)["results"]["mlp"].values()] == [2, 2]


def test_when_the_time_is_over_the_rest_is_left_out_by_name(made):
    found = measure([("mlp", "engine-jax")], GPU, rounds=1, minutes=1e-9)
    assert made == [("limits.py", "torch")]
    assert "Left out: mlp engine-jax: no time was left" in table(found)


def test_without_a_gpu_a_cuda_graph_is_refused_in_a_sentence(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(torch_contender.NotHere, match="needs a GPU"):
        torch_contender.cuda_graph("mlp", None, None, 1)


def test_nothing_that_was_measured_gives_no_table():
    assert table(Outcome("cpu")) == ""
