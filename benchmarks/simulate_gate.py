"""False alarms and power of the gate, by replaying its decision on processes that measured identical code.

Run: python benchmarks/simulate_gate.py FILE... where each FILE holds one occasion: a calibration written by `reprise
calibrate`, or processes as JSON lines. Each replayed gate takes a baseline of 12 rounds from one occasion, and a gate of 6
rounds and, where something is flagged, 6 more for the second look, from another; both start anywhere. The noise comes from
the occasions that the gate itself does not use, or where there are only two, from both. Prints the tables of docs/gate.md.
"""

import argparse
import math
import random
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
from tabulate import tabulate

from keras_reprise.gate.documents import Measured
from keras_reprise.gate.processes import Process
from keras_reprise.gate.settings import read_settings
from keras_reprise.gate.verdicts import Look, adjusted, first_look, learn, look_of, second_look

BASELINE, ROUNDS = 12, 6


def occasion(path):
    """The processes of a file."""
    lines = path.read_bytes().splitlines()
    if len(lines) > 1 and lines[1][:1] == b"{":
        return [msgspec.json.decode(line, type=Process) for line in lines]
    return msgspec.json.decode(path.read_bytes(), type=Measured).processes


def window(side, start, n, slowed=None, factor=1.0):
    """A look at `n` estimates of every metric from `start` on; `slowed` is made slower by `factor`."""
    costs = {m: v[start : start + n] * (factor if m == slowed else 1.0) for m, v in side.costs.items()}
    return Look(costs, {m: v[start : start + n] for m, v in side.loops.items()})


def replay(occasions, known, settings, drawn, slowed=None, factor=1.0):
    """One gate between two occasions: its first look, and its judgement after both."""
    before, now = drawn.sample(range(len(occasions)), 2)
    lengths = [min(map(len, side.costs.values())) for side in occasions]
    first = window(occasions[before], drawn.randint(0, lengths[before] - BASELINE), BASELINE)
    start = drawn.randint(0, lengths[now] - 2 * ROUNDS)
    judged = first_look(first, window(occasions[now], start, ROUNDS, slowed, factor), settings, known[now])
    if not judged.suspects:
        return judged, judged
    again = window(occasions[now], start + ROUNDS, ROUNDS, slowed, factor)
    return judged, second_look(judged, first, again, settings, known[now])


def main(paths, windows, estimate):
    settings = msgspec.structs.replace(read_settings(Path("benchmarks/gate.toml")), estimate=estimate)
    measured = [occasion(path) for path in paths]
    occasions = [look_of(processes, (), estimate) for processes in measured]
    disturbed = sum(process.disturbed for processes in measured for process in processes)
    counts = [min(map(len, side.costs.values())) for side in occasions]
    print(
        f"{len(occasions)} occasions, {counts} estimates of each metric; {disturbed} of {sum(map(len, measured))} processes left out for steal; {estimate}\n"
    )
    others = [[side for number, side in enumerate(occasions) if number != now] for now in range(len(occasions))]
    known = [learn(sides if len(sides) > 1 else occasions, ROUNDS) for sides in others]
    drawn, tally = random.Random(1), Counter[str]()
    for _ in range(windows):
        first, judged = replay(occasions, known, settings, drawn)
        tally["first look suspects something"] += bool(first.suspects)
        tally["a control is suspect"] += bool(judged.control_failed)
        tally["false alarm: something regressed"] += "regressed" in {row.verdict for row in judged.rows}
        tally["something improved"] += "improved" in {row.verdict for row in judged.rows}
    rows = [[name, count, f"{count / windows:.1%}"] for name, count in tally.items()]
    print(tabulate(rows, headers=[f"identical code, {windows} gates", "gates", "share"]))
    whole, rows = learn(occasions, ROUNDS), []
    for metric in (m for m in occasions[0].costs if not m.startswith("control::")):
        shares = []
        for factor in (1.1, 1.2, 1.3):
            found = [replay(occasions, known, settings, drawn, metric, factor)[1] for _ in range(windows // 2)]
            hits = sum(row.metric == metric and row.verdict == "regressed" for judged in found for row in judged.rows)
            shares.append(f"{hits / len(found):.0%}")
        values = np.concatenate(
            [np.log(values[metric]) - np.mean(np.log(values[metric])) for values in adjusted(occasions, occasions)]
        )
        noise = whole.noise[metric]
        counts_from = max(1 + settings.threshold(metric), math.exp(3 * noise))
        rows.append([metric.split("/")[-1], f"{np.std(values):.1%}", f"{noise:.1%}", f"x {counts_from:.2f}", *shares])
    print(
        "\n"
        + tabulate(
            rows,
            headers=[
                "metric",
                "SD of processes",
                "noise of gates",
                "counts from",
                "10 % found",
                "20 % found",
                "30 % found",
            ],
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--windows", type=int, default=400)
    parser.add_argument("--estimate", choices=("adjusted", "median", "fastest"), default="adjusted")
    chosen = parser.parse_args()
    main(chosen.files, chosen.windows, chosen.estimate)
