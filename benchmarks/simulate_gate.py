"""False alarms and power of the gate, by replaying its decision on processes that measured identical code.

Run: python benchmarks/simulate_gate.py CALIBRATION... with files that `reprise calibrate` wrote. A replayed gate starts
anywhere in an occasion and calls its processes, in the order in which they ran, accepted code or code of now as the gate
would have drawn them; after an occasion's last process comes its first. With --stored the accepted code is 12 processes of
another occasion instead. The calibrated noise comes from the occasions that the gate does not use; with --uncalibrated there
is none: such a gate has a baseline of 12 processes of another occasion and its own, and takes a further look, whose processes
are by then those of the first look once more, drawn anew.

--quality STORE adds recipes: a store with many replicates of each, made by `reprise run RECIPE... --scale quick --seeds 40`.
Every gate draws its replicates, all with different seeds, as if the code of now gave other numbers that are as good: 6 for
the baseline, as many as the gate would propose for each look. Prints the tables of docs/gate.md.
"""

import argparse
import fnmatch
import math
import random
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from tabulate import tabulate

from keras_reprise.gate.baselines import needed, seeds_for
from keras_reprise.gate.design import SECOND_LOOK
from keras_reprise.gate.early import settled
from keras_reprise.gate.judgement import first_look, further_look, not_calibrated, second_look
from keras_reprise.gate.looks import Known, Look, learn, look_of, with_gates
from keras_reprise.gate.quality import quality_of
from keras_reprise.gate.rule import Row
from keras_reprise.gate.settings import read_settings
from keras_reprise.gate.stored import Calibration
from keras_reprise.record.schema import Record
from keras_reprise.store.store import Store

BASELINE, BASELINE_SEEDS, BASELINES, LOSS = 12, 6, 100, 0.03
ABBA = np.array([0, 1, 1, 0])


def occasions_in(path):
    """The occasions of a calibration."""
    return msgspec.json.decode(path.read_bytes(), type=Calibration).occasions


def qualities_in(folder, settings):
    """All replicates of each recipe in a store."""
    store, by_slug = Store(folder), defaultdict[str, list[Record]](list)
    for summary in store.summaries()[0]:
        by_slug[summary.recipe.slug].append(store.read(store.root / summary.path))
    return [quality_of(records, store, settings) for records in by_slug.values()]


def some(quality, chosen, worse=None):
    """The replicates of a recipe that are numbered in `chosen`; those of the metric `worse` lose three points."""

    def those(values):
        return {name: [found[number] for number in chosen] for name, found in values.items()}

    metrics = those(quality.metrics)
    for name in (name for name in metrics if f"{quality.recipe}/{name}" == worse):
        metrics[name] = [value + LOSS for value in metrics[name]]
    return msgspec.structs.replace(
        quality, seeds=[quality.seeds[n] for n in chosen], metrics=metrics, statistics=those(quality.statistics)
    )


def length(side):
    return min(map(len, side.costs.values()))


def part(side, chosen, quality, slowed=None, factor=1.0):
    """The estimates of every metric that are numbered in `chosen`; `slowed` is made slower by `factor`."""

    def slower(values):
        return {m: v * (factor if m == slowed else 1.0) for m, v in values.items()}

    look = side.of_each(lambda values: {m: v[chosen] for m, v in values.items()})
    blocks = dict.fromkeys(look.costs, np.arange(len(chosen)) // 2)  # two of each side in a block
    return replace(look, costs=slower(look.costs), fastest=slower(look.fastest), blocks=blocks, quality=quality)


def beginning(look, sizes, control=None):
    """The first so many estimates of each metric, and as many of the control's; None: those wait for a second look."""
    sizes = sizes | {m: control for m in look.costs if control is not None and m.startswith("control::")}

    def those(values):
        return {m: values[m][:size] for m, size in sizes.items() if m in values}

    return look.of_each(those)


def in_turns(start, rounds, drawn):
    """The numbers of so many processes of accepted code and of now, from `start` on."""
    labels = np.concatenate([ABBA ^ drawn.randint(0, 1) for _ in range(rounds // 2)])
    numbers = start + np.arange(2 * rounds)
    return numbers[labels == 0], numbers[labels == 1]


class Replay:
    """Gates replayed on occasions of identical code, and on replicates of identical recipes."""

    def __init__(self, measured, settings, qualities, *, estimate="steadiest", stored=False, uncalibrated=False):
        self.measured, self.settings, self.stored, self.qualities = measured, settings, stored, qualities
        self.occasions = [look_of(one, estimate) for one in measured]
        self.drawn = random.Random(1)
        self.proposed: int | None = None  # replicates of the metric that is worse in the last gate; None: over 30
        self.baselines = [self.baseline() for _ in range(BASELINES)]
        self.known = []
        for now in range(len(measured)):
            others = [one for number, one in enumerate(self.occasions) if number != now] or self.occasions
            known = Known() if uncalibrated else learn(others, settings.rounds, beside=not stored)
            self.known.append(known)
        self.uncalibrated, self.blocks, self.work = uncalibrated, 0, 0.0  # of the last gate's first look

    def gate(self, slowed=None, factor=1.0, *, worse=None):
        """The first look of a gate, and its judgement after all."""
        now, rounds = self.drawn.randrange(len(self.occasions)), self.settings.rounds
        side, known, sizes = self.occasions[now], self.known[now], (rounds, *[SECOND_LOOK * rounds] * 2)
        start, size = self.drawn.randrange(length(side)), length(side)
        accepted, *qualities = self.replicates(worse)
        looks: list[tuple[Look, Look]] = []
        if self.stored or self.uncalibrated:
            other = self.drawn.choice([one for number, one in enumerate(self.occasions) if number != now])
            begin = self.drawn.randint(0, length(other) - BASELINE)
            before = part(other, np.arange(begin, begin + BASELINE), accepted)
            if self.uncalibrated:
                known = with_gates(Known(beside=not self.stored), [before.estimates_alone()], [])
        for n, quality in zip(sizes, [*qualities, []], strict=True):
            if self.stored:
                chosen, start = np.arange(start, start + n) % size, start + n
                looks.append((before, part(side, chosen, quality, slowed, factor)))
            else:
                a, b = in_turns(start, n, self.drawn)
                start += 2 * n
                looks.append((part(side, a % size, accepted), part(side, b % size, quality, slowed, factor)))
        first, looks[0] = self.first(*looks[0], known)
        if not first.suspects:
            return first, first
        second = second_look(first, looks[0], looks[1], self.settings, known)
        if not not_calibrated(second):
            return first, second
        return first, further_look(second, looks[0], looks[1], looks[2], self.settings, known)

    def first(self, before, now, known):
        """The first look, which ends block by block with what is settled, as in the gate; its work is counted."""
        rounds, costs = self.settings.rounds, [m for m in now.costs if not m.startswith("control::")]
        left, self.blocks, self.work = set(costs), 0, 0.0
        rows: dict[str, Row] = {}
        sizes: dict[str, int] = {}
        for size in range(2, rounds + 1, 2):
            self.blocks, self.work = self.blocks + 1, self.work + 2 * len(left) / len(costs) / rounds
            sizes |= dict.fromkeys(left, size)
            if size < rounds:
                found = settled(*self.cut(before, now, dict.fromkeys(left, size), size), self.settings, known)
                rows |= found
                left -= set(found)
            if not left:
                break
        looks = (
            before if self.stored else beginning(before, sizes),
            beginning(now, sizes, size if self.stored else None),
        )
        judged = first_look(*looks, self.settings, known)
        return replace(judged, rows=[rows.get(row.metric, row) for row in judged.rows]), looks

    def cut(self, before, now, sizes, control) -> tuple[Look, Look]:
        """What both sides had measured after so many processes of each metric; what is stored is there from the first."""
        if self.stored:
            return before, beginning(now, sizes, control)
        return beginning(before, sizes), beginning(now, sizes)

    def baseline(self):
        """Replicates of each recipe as of a baseline, the numbers of the others, and the replicates proposed for each metric."""
        drawn = [self.drawn.sample(range(len(one.seeds)), len(one.seeds)) for one in self.qualities]
        chosen = [some(one, numbers[:BASELINE_SEEDS]) for one, numbers in zip(self.qualities, drawn, strict=True)]
        measured = msgspec.structs.replace(self.measured[0], quality=chosen)
        others = [numbers[BASELINE_SEEDS:] for numbers in drawn]
        return chosen, others, seeds_for(measured, self.settings), needed(measured, self.settings)

    def replicates(self, worse):
        """The baseline's replicates and those of both looks; where `worse` loses, as many as are proposed for it."""
        chosen, others, wanted, proposed = self.drawn.choice(self.baselines)
        self.proposed = proposed.get(worse)
        looks: tuple[list, list] = ([], [])
        for one, left in zip(self.qualities, others, strict=True):
            numbers, n = self.drawn.sample(left, len(left)), wanted[one.recipe]
            if worse and worse.startswith(f"{one.recipe}/"):
                n = min(max(n, self.proposed or 0), len(numbers) // 2)
            for look, start in zip(looks, (0, n), strict=True):
                look.append(some(one, numbers[start : start + n], worse))
        return chosen, *looks


def false_alarms(replay, windows):
    tally, blocks, work = Counter[str](), [], []
    for _ in range(windows):
        first, judged = replay.gate()
        blocks.append(replay.blocks)
        work.append(replay.work)
        tally["the first look suspects something"] += bool(first.suspects)
        tally["a control fails"] += bool(judged.control_failed)
        tally["false alarm: something regressed"] += "regressed" in {row.verdict for row in judged.rows}
        tally["something improved"] += "improved" in {row.verdict for row in judged.rows}
    rows = [[name, count, f"{count / windows:.1%}"] for name, count in tally.items()]
    table = tabulate(rows, headers=[f"identical code, {windows} gates", "gates", "share"], tablefmt="github")
    most = replay.settings.rounds // 2
    return f"{table}\n\nFirst looks took {np.mean(blocks):.2f} of {most} blocks, and {np.mean(work):.0%} of the benchmarks' work."


def power(replay, windows, pattern):
    rows, whole = [], learn(replay.occasions, replay.settings.rounds, beside=not replay.stored)
    costs = [m for m in replay.occasions[0].costs if not m.startswith("control::")]
    for metric in (m for m in costs if fnmatch.fnmatchcase(m, pattern.replace("[", "[[]"))):
        shares, counts = [], []
        for factor in (1.1, 1.2, 1.3):
            gates = [replay.gate(metric, factor)[1] for _ in range(windows)]
            rows_of_it = [next(row for row in gate.rows if row.metric == metric) for gate in gates]
            counts += [row.bound for row in rows_of_it]
            shares.append(f"{np.mean([row.verdict == 'regressed' for row in rows_of_it]):.0%}")
        counted = math.exp(float(np.median(counts)))
        rows.append([metric.split("/")[-1], f"{whole.noise[metric]:.1%}", f"x {counted:.3f}", *shares])
    headers = ["metric", "noise of a look", "counts from", "10 % found", "20 % found", "30 % found"]
    return tabulate(rows, headers=headers, tablefmt="github")


def quality_power(replay, windows):
    """How often a loss of three points in one error is found with as many replicates as were proposed for it."""
    rows = []
    for metric in (
        f"{one.recipe}/{name}" for one in replay.qualities for name in one.metrics if name.endswith("error")
    ):
        gates = []
        for _ in range(windows):
            _, judged = replay.gate(worse=metric)
            gates.append((replay.proposed, next(row for row in judged.rows if row.metric == metric)))
        proposed = [n for n, _ in gates if n]
        found = [row.verdict == "regressed" for n, row in gates if n]
        shares = [f"{np.median(proposed):g}", f"{np.mean(found):.0%}"] if proposed else ["-", "-"]
        rows.append([metric, f"{windows - len(proposed)} of {windows}", *shares])
    headers = ["metric", "over 30 replicates needed", "else proposed (median)", "loss of 3 points found"]
    return tabulate(rows, headers=headers, tablefmt="github")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--windows", type=int, default=1000, help="gates of identical code")
    parser.add_argument("--power", type=int, default=100, help="gates for each figure of power; 0: none")
    parser.add_argument("--metrics", default="*", help="pattern of the metrics whose power is told")
    parser.add_argument("--estimate", choices=("steadiest", "adjusted", "median", "fastest"), default="steadiest")
    parser.add_argument("--stored", action="store_true")
    parser.add_argument("--uncalibrated", action="store_true")
    parser.add_argument("--quality", type=Path, help="a store with many replicates of the gate's recipes")
    chosen = parser.parse_args()
    settings = read_settings(Path("benchmarks/gate.toml"))
    measured = [occasion for path in chosen.files for occasion in occasions_in(path)]
    ways = {"estimate": chosen.estimate, "stored": chosen.stored, "uncalibrated": chosen.uncalibrated}
    replay = Replay(measured, settings, qualities_in(chosen.quality, settings) if chosen.quality else [], **ways)
    processes = [process for occasion in measured for process in occasion.processes]
    estimates = ", ".join(str(length(one)) for one in replay.occasions)
    against = "stored numbers of another occasion" if chosen.stored else "the accepted code in turns with that of now"
    print(
        f"{len(measured)} occasions with {estimates} estimates of each of {len(replay.occasions[0].costs)} metrics; "
        f"{sum(process.disturbed for process in processes)} of {len(processes)} processes left out for steal.\n"
        f"Against {against}, {'not calibrated' if chosen.uncalibrated else 'calibrated on the other occasions'}, {chosen.estimate}.\n"
    )
    print(false_alarms(replay, chosen.windows))
    if chosen.power:
        replayed = Replay(measured, settings, [], **ways)  # times and peaks alone: quicker
        print("\n" + power(replayed, chosen.power, chosen.metrics))
    if chosen.power and replay.qualities:
        print("\n" + quality_power(replay, chosen.power))


if __name__ == "__main__":
    main()
