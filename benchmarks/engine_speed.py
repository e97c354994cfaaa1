"""The engine beside its peers: which ones on the device that is found, measured in processes of their own, and the table.

Imports no framework: which device there is a process of its own tells, as everything else.
"""

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contender import CONTENDERS, NETWORKS
from tabulate import tabulate

FOLDER = Path(__file__).parent
GPU_MINUTES = 3.75
"""What measuring on a GPU may take, unless it is told otherwise: what comes last is then left out, and named."""

Pair = tuple[str, str]
"""A network and a contender."""

ENGINES = {
    "cpu": ("engine-tensorflow", "engine-jax", "engine-torch"),
    "gpu": ("engine-jax", "engine-tensorflow", "engine-torch"),
}
"""Over which contender the ratios are: the first that was measured."""

ON_GPU = (
    ("engine-jax", "fit-jax", "engine-torch", "torch-loop", "torch-step-as-cuda-graph"),
    ("engine-tensorflow", "fit-tensorflow", "engine-jax-six-at-once", "torch-loop-compiled"),
    ("fit-tensorflow-xla", "torch-loop-channels-last"),
)
"""What says something on a GPU, what matters most first."""


@dataclass
class Outcome:
    """What was measured: on which device ("gpu" or "cpu"), its limits, of every pair what its processes printed."""

    device: str
    limits: Mapping[str, Any] | None = None
    results: dict[Pair, list[dict[str, Any]]] = field(default_factory=dict)
    left_out: dict[Pair, str] = field(default_factory=dict)


def process(script: str, *arguments: str, timeout_s: float | None = None) -> dict[str, Any]:
    """What a script of this folder prints in a process of its own; RuntimeError where it fails."""
    command = [sys.executable, str(FOLDER / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    if done.returncode:
        raise RuntimeError(f"{script} {' '.join(arguments)}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def sensible(network: str, contender: str, devices: Mapping[str, str]) -> bool:
    """Whether a contender says something of this network here; the others are hopeless, or the same as another."""
    if devices.get(CONTENDERS[contender].framework) != best(devices):
        return False
    if "channels-last" in contender and network == "mlp":
        return False
    if best(devices) == "gpu":
        return any(contender in some for some in ON_GPU)
    if "compiled" in contender or "cuda" in contender:
        return False
    # XLA's convolutions on a CPU are slow.
    return network == "mlp" or contender not in ("fit-jax", "engine-jax", "engine-jax-six-at-once", "bare-tensorflow")


def best(devices: Mapping[str, str]) -> str:
    """The device of the comparison: a GPU where a framework computes on one."""
    return "gpu" if "gpu" in devices.values() else "cpu"


def pairs(devices: Mapping[str, str], networks: Sequence[str] = NETWORKS) -> list[Pair]:
    """The sensible pairs, network by network; on a GPU what matters most first, batch normalisation a rank later."""
    if best(devices) == "cpu":
        return [(network, one) for network in networks for one in CONTENDERS if sensible(network, one, devices)]
    ranked = [
        (rank + network.endswith("-bn"), network.endswith("-bn"), network, one)
        for rank, some in enumerate(ON_GPU)
        for network in networks
        for one in some
        if sensible(network, one, devices)
    ]
    return [(network, one) for *_, network, one in sorted(ranked, key=lambda found: found[:2])]


def measure(
    chosen: Sequence[Pair],
    devices: Mapping[str, str],
    *,
    rounds: int,
    minutes: float | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Measure the pairs `rounds` times, interleaved; on a CPU in an order that is drawn anew each round.

    After `minutes` nothing more is begun, and what still runs is ended and left out; so is what fails, with its reason.
    An interruption ends it with what is there.
    """
    outcome = Outcome(best(devices))
    end = time.monotonic() + 60 * minutes if minutes else None
    if framework := next(
        (name for name in ("torch", "tensorflow", "jax") if devices.get(name) == outcome.device), None
    ):
        outcome.limits = process("limits.py", framework)
    for number, (network, contender) in _rounds(chosen, rounds, shuffled=outcome.device == "cpu"):
        pair, remaining = (network, contender), end and end - time.monotonic()
        if remaining is not None and remaining <= 0:
            if pair not in outcome.results:
                outcome.left_out.setdefault(pair, "no time was left")
            continue
        say(f"{network} {contender}, round {number + 1} of {rounds}")
        try:
            found = process("contender.py", *pair, timeout_s=remaining)
        except subprocess.TimeoutExpired:
            if pair not in outcome.results:
                outcome.left_out[pair] = "it was not finished when the time was over"
            continue
        except RuntimeError as error:
            outcome.left_out[pair] = f"it failed: {str(error).splitlines()[-1]}"
            continue
        except KeyboardInterrupt:
            say("interrupted; what was measured follows")
            break
        if refused := found.get("refused"):
            outcome.left_out[pair] = refused
        else:
            outcome.results.setdefault(pair, []).append(found)
    return outcome


def _rounds(chosen: Sequence[Pair], rounds: int, *, shuffled: bool) -> Iterator[tuple[int, Pair]]:
    for number in range(rounds):
        order = random.Random(number).sample(chosen, len(chosen)) if shuffled else chosen
        yield from ((number, pair) for pair in order)


def speed(one: Mapping[str, Any]) -> float:
    """Images a second of one process: of its median epoch."""
    return float(one["images"] / statistics.median(one["epoch_s"]))


def table(outcome: Outcome) -> str:
    """A table for each network, the fastest first, and what the machine can do at best."""
    found = []
    for network in dict.fromkeys(network for network, _ in outcome.results):
        mine = {contender: made for (name, contender), made in outcome.results.items() if name == network}
        speeds = {contender: statistics.median(map(speed, made)) for contender, made in mine.items()}
        engine = next((name for name in ENGINES[outcome.device] if name in speeds), None)
        fastest = sorted(mine, key=lambda contender: -speeds[contender])
        rows = [_row(outcome, network, name, mine[name], speeds[engine] if engine else None) for name in fastest]
        most = max(len(made) for made in mine.values())
        found.append(f"\n{network}, batch 100, on the {outcome.device.upper()}, {most} process{'es' * (most > 1)} each")
        headers = ("contender", "images/s", "range", f"{engine or 'engine'} / it", "first step (s)", "memory (MiB)")
        found.append(tabulate(rows, headers=[*headers, "of the peak (%)"], disable_numparse=True))
    if outcome.limits:
        found.append(
            f"\nThe peak: {outcome.limits['flops_per_s'] / 1e9:,.0f} GFLOP/s in a large product of float32 matrices, "
            f"{outcome.limits['bytes_per_s'] / 1e9:,.0f} GB/s in a large copy ({outcome.limits['framework']})."
        )
    found += [f"Left out: {network} {name}: {why}" for (network, name), why in outcome.left_out.items()]
    return "\n".join(found)


def _row(
    outcome: Outcome, network: str, contender: str, made: Sequence[Mapping[str, Any]], engine: float | None
) -> list[str]:
    speeds = list(map(speed, made))
    middle = statistics.median(speeds)
    first = statistics.median(one["first_step_s"] for one in made)
    memory = statistics.median(one["peak_memory_bytes"] for one in made) / 2**20
    limits = outcome.limits
    share = middle * limits["flops"][network] / limits["flops_per_s"] if limits else None
    return [
        contender,
        f"{middle:,.0f}",
        f"{min(speeds):,.0f} to {max(speeds):,.0f}" if len(speeds) > 1 else "",
        f"{engine / middle:.2f}" if engine else "",
        f"{first:.2f}",
        f"{memory:,.0f}",
        f"{100 * share:.1f}" if share is not None else "",
    ]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data: networks, below them contenders, below them processes."""
    results: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for (network, contender), made in outcome.results.items():
        results.setdefault(network, {})[contender] = made
    left_out = [
        {"network": network, "contender": name, "why": why} for (network, name), why in outcome.left_out.items()
    ]
    return {"device": outcome.device, "limits": outcome.limits, "results": results, "left_out": left_out}
