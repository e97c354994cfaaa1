"""False alarms and power of the gate, by replaying its decision on processes that measured identical code.

Run: python benchmarks/simulate_gate.py FILE... where each FILE holds one occasion: a calibration written by `reprise
calibrate`, or processes as JSON lines. A replayed gate starts anywhere in an occasion and calls its processes, in the order in
which they ran, accepted code or code of now as the gate would have drawn them (6 a side, and 12 for the second look); after
an occasion's last process comes its first. With --stored the accepted code is 12 processes of another occasion instead. The calibrated noise comes from the occasions that the
gate does not use; with --uncalibrated there is none. Prints the tables of docs/gate.md.
"""

import argparse
import math
import random
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
from tabulate import tabulate

from keras_reprise.gate.documents import Calibration
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.processes import Process
from keras_reprise.gate.settings import read_settings
from keras_reprise.gate.verdicts import Known, Look, first_look, learn, look_of, second_look
from keras_reprise.regression import SECOND_LOOK

BASELINE, ROUNDS = 12, 6
AGAIN = SECOND_LOOK * ROUNDS
ABBA = np.array([0, 1, 1, 0])


def occasions_in(path):
    """The processes of each occasion in a file."""
    if path.suffix == ".jsonl":
        return [[msgspec.json.decode(line, type=Process) for line in path.read_bytes().splitlines()]]
    return [one.processes for one in msgspec.json.decode(path.read_bytes(), type=Calibration).occasions]


def length(side):
    return min(map(len, side.costs.values()))


def part(side, chosen, slowed=None, factor=1.0):
    """The estimates of every metric that are numbered in `chosen`; `slowed` is made slower by `factor`."""
    costs = {m: v[chosen] * (factor if m == slowed else 1.0) for m, v in side.costs.items()}
    return Look(costs, {m: v[chosen] for m, v in side.loops.items()})


def in_turns(start, rounds, drawn):
    """The numbers of so many processes of accepted code and of now, from `start` on."""
    labels = np.concatenate([ABBA ^ drawn.randint(0, 1) for _ in range(rounds // 2)])
    numbers = start + np.arange(2 * rounds)
    return numbers[labels == 0], numbers[labels == 1]


class Replay:
    """Gates replayed on occasions of identical code."""

    def __init__(self, occasions, settings, stored, uncalibrated):
        self.occasions, self.settings, self.stored = occasions, settings, stored
        self.drawn = random.Random(1)
        self.known = []
        for now in range(len(occasions)):
            others = [one for number, one in enumerate(occasions) if number != now] or occasions
            known = learn(others, ROUNDS, beside=not stored)
            self.known.append(Known(beside=not stored) if uncalibrated else known)

    def gate(self, slowed=None, factor=1.0):
        """The first look of a gate, and its judgement after both."""
        now = self.drawn.randrange(len(self.occasions))
        side, known = self.occasions[now], self.known[now]
        start, size = self.drawn.randrange(length(side)), length(side)
        if self.stored:
            other = self.drawn.choice([one for number, one in enumerate(self.occasions) if number != now])
            begin = self.drawn.randint(0, length(other) - BASELINE)
            before = part(other, np.arange(begin, begin + BASELINE))
            numbers = np.arange(start, start + ROUNDS + AGAIN)
            looks = [(before, part(side, n % size, slowed, factor)) for n in (numbers[:ROUNDS], numbers[ROUNDS:])]
        else:
            looks = []
            for begin, rounds in ((start, ROUNDS), (start + 2 * ROUNDS, AGAIN)):
                a, b = in_turns(begin, rounds, self.drawn)
                looks.append((part(side, a % size), part(side, b % size, slowed, factor)))
        first = first_look(*looks[0], self.settings, known)
        return first, second_look(first, looks[0], looks[1], self.settings, known) if first.suspects else first


def false_alarms(replay, windows):
    tally = Counter[str]()
    for _ in range(windows):
        first, judged = replay.gate()
        tally["the first look suspects something"] += bool(first.suspects)
        tally["a control fails"] += bool(judged.control_failed)
        tally["false alarm: something regressed"] += "regressed" in {row.verdict for row in judged.rows}
        tally["something improved"] += "improved" in {row.verdict for row in judged.rows}
    rows = [[name, count, f"{count / windows:.1%}"] for name, count in tally.items()]
    return tabulate(rows, headers=[f"identical code, {windows} gates", "gates", "share"], tablefmt="github")


def power(replay, windows):
    rows, whole = [], learn(replay.occasions, ROUNDS, beside=not replay.stored)
    for metric in (m for m in replay.occasions[0].costs if not m.startswith("control::")):
        shares, counts = [], []
        for factor in (1.1, 1.2, 1.3):
            hits = 0
            for _ in range(windows):
                row = next(row for row in replay.gate(metric, factor)[1].rows if row.metric == metric)
                hits += row.verdict == "regressed"
                counts.append(row.bound)
            shares.append(f"{hits / windows:.0%}")
        counted = math.exp(float(np.median(counts)))
        rows.append([metric.split("/")[-1], f"{whole.noise[metric]:.1%}", f"x {counted:.3f}", *shares])
    headers = ["metric", "noise of a look", "counts from", "10 % found", "20 % found", "30 % found"]
    return tabulate(rows, headers=headers, tablefmt="github")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--estimate", choices=("adjusted", "median", "fastest"), default="adjusted")
    parser.add_argument("--stored", action="store_true")
    parser.add_argument("--uncalibrated", action="store_true")
    chosen = parser.parse_args()
    settings = read_settings(Path("benchmarks/gate.toml"))
    measured = [processes for path in chosen.files for processes in occasions_in(path)]
    occasions = [look_of(Taken(processes, []), chosen.estimate) for processes in measured]
    left_out = sum(process.disturbed for processes in measured for process in processes)
    against = (
        "against stored numbers of another occasion" if chosen.stored else "accepted code and that of now in turns"
    )
    print(
        f"{len(occasions)} occasions with {', '.join(str(length(one)) for one in occasions)} estimates of each of "
        f"{len(occasions[0].costs)} metrics; {left_out} of {sum(map(len, measured))} processes left out for steal. "
        f"{against.capitalize()}, {'not calibrated' if chosen.uncalibrated else 'calibrated on the other occasions'}, {chosen.estimate}.\n"
    )
    replay = Replay(occasions, settings, chosen.stored, chosen.uncalibrated)
    print(false_alarms(replay, chosen.windows) + "\n")
    print(power(replay, chosen.windows // 5))


if __name__ == "__main__":
    main()
