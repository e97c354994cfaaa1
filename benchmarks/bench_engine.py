"""The engine against `keras.Model.fit` and plain torch, on small networks: a table of speeds, ratios and the peak.

Every measurement is a process of its own; which peers make sense is chosen by the device that the frameworks find.
Run: python benchmarks/bench_engine.py [--json FILE]; as a test, whose seconds pytest-benchmark keeps: pytest
benchmarks/bench_engine.py. REPRISE_BENCH_ROUNDS sets how many processes there are of each (3; on a GPU 1).
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

from contender import NETWORKS
from engine_speed import GPU_MINUTES, as_json, best, measure, pairs, process, speed, table


def rounds(device):
    """How many processes there are of each contender."""
    return int(os.environ.get("REPRISE_BENCH_ROUNDS", "1" if device == "gpu" else "3"))


class Replay:
    """A timer for pytest-benchmark that gives back seconds which were measured in other processes."""

    def __init__(self):
        self.seconds, self.now, self.running = [], 0.0, False

    def __call__(self):
        self.running = not self.running
        if not self.running:
            self.now += self.seconds.pop(0)
        return self.now


REPLAY = Replay()


def test_training_an_epoch(benchmark, processes):
    REPLAY.seconds = [statistics.median(one["epoch_s"]) for one in processes]
    benchmark.pedantic(lambda: None, rounds=len(processes), iterations=1)
    benchmark.extra_info["images_per_s"] = statistics.median(map(speed, processes))
    for name in ("first_step_s", "peak_memory_bytes"):
        benchmark.extra_info[name] = statistics.median(one[name] for one in processes)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS), help=f"of {', '.join(NETWORKS)}; default: all")
    parser.add_argument("--contenders", default="", help="only these, instead of those that make sense here")
    parser.add_argument("--rounds", type=int, help="processes of each; default: 1 on a GPU, 3 on a CPU")
    parser.add_argument("--minutes", type=float, help=f"when it ends; default: {GPU_MINUTES} on a GPU, none on a CPU")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all numbers go")
    given = parser.parse_args()
    devices = process("contender.py", "devices")
    device, networks = best(devices), given.networks.split(",")
    chosen = pairs(devices, networks)
    if given.contenders:
        chosen = [(network, name) for network in networks for name in given.contenders.split(",")]
    minutes = given.minutes or (GPU_MINUTES if device == "gpu" else None)
    outcome = measure(
        chosen,
        devices,
        rounds=given.rounds or rounds(device),
        minutes=minutes,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(table(outcome))
    if given.json:
        given.json.write_text(json.dumps(as_json(outcome), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
