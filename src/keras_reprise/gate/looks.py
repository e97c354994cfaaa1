"""What one side of a gate gave, as the rule sees it, and what calibration knows of such looks."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_reprise.gate.design import STEADIER
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.noise import (
    Numbers,
    Samples,
    deviation_within,
    noise,
    noise_side_by_side,
    share_felt,
)
from keras_reprise.gate.processes import CONTROL, PEAK_MEMORY, Process
from keras_reprise.gate.stored import Occasion, Quality, blocks, samples


@dataclass(frozen=True)
class Look:
    """What one side gave: estimates by metric, the recipes' replicates, and what failed and why.

    `loops` are the seconds of the fixed loop beside each estimate, where those are to be adjusted for the machine's
    speed; `blocks` number the blocks in which the estimates were made, where both sides were measured in turns.
    `fastest` are the seconds of each process's fastest round, where those may stand for it instead.
    """

    costs: Samples
    loops: Samples = field(default_factory=dict)
    blocks: Numbers = field(default_factory=dict)
    quality: Sequence[Quality] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    fastest: Samples = field(default_factory=dict)

    def of_each(self, change: Callable[[Samples], Samples]) -> "Look":
        """The look with its estimates, and what belongs to each of them, changed alike."""
        return replace(
            self,
            costs=change(self.costs),
            loops=change(self.loops),
            fastest=change(self.fastest),
            blocks=change(self.blocks),
        )

    def of_metrics(self, is_one: Callable[[str], bool]) -> "Look":
        """The look with the times and peaks of some metrics alone."""
        return self.of_each(lambda values: {metric: found for metric, found in values.items() if is_one(metric)})

    def estimates_alone(self) -> "Look":
        """The times and peaks of one code, without blocks, recipes and failures."""
        return replace(self, blocks={}, quality=(), failures={})


@dataclass(frozen=True)
class Known:
    """What calibration says of this machine: the noise of one look by metric, and the occasions it comes from.

    `beside` tells that both sides are measured in turns: drift hits both alike, and more processes make less noise.
    `by_fastest` are the metrics that are told by the fastest round of each process, since that is steadier here.
    Where nothing was calibrated, `accepted` is what was measured of the accepted code, on its baseline's day first, and
    `turns` other sets of processes of one code each.
    """

    noise: Mapping[str, float] = field(default_factory=dict)
    occasions: Sequence[Look] = ()
    beside: bool = False
    accepted: Sequence[Look] = ()
    turns: Sequence[Look] = ()
    by_fastest: frozenset[str] = frozenset()


def look_of(found: Occasion | Taken, estimate: str) -> Look:
    """What a side measured, as the rule sees it; `estimate` is steadiest, adjusted, median or fastest."""
    crashed = {quality.recipe: f"{quality.failed} replicates failed" for quality in found.quality if quality.failed}
    costs = samples(found.processes, "fastest" if estimate == "fastest" else "median")
    relative = samples(found.processes, "relative") if estimate in ("adjusted", "steadiest") else {}
    loops = {
        metric: costs[metric] / values
        for metric, values in relative.items()
        if len(values) == len(costs[metric]) and not metric.endswith(PEAK_MEMORY)
    }
    fastest = samples(found.processes, "fastest") if estimate == "steadiest" else {}
    fastest = {metric: values for metric, values in fastest.items() if not metric.endswith(PEAK_MEMORY)}
    failed = failures(found.processes) | crashed
    return Look(costs, loops, blocks(found.processes), found.quality, failed, fastest)


def failures(processes: Sequence[Process]) -> dict[str, str]:
    """Why processes of a benchmark file ended badly, by file."""
    return {process.suite: process.error for process in processes if process.error}


def leaving_out(look: Look, metrics: Collection[str]) -> Look:
    """The look without the times and peaks named."""
    return look.of_metrics(lambda metric: metric not in metrics)


def learn(occasions: Sequence[Look], rounds: int, *, beside: bool = False) -> Known:
    """What occasions of identical code say of looks of so many rounds."""
    if not occasions:
        return Known(beside=beside)
    if beside:
        by_fastest = steadier_by_fastest(occasions)
        each = [adjusted([one], occasions, by_fastest)[0] for one in occasions]
        return Known(noise_side_by_side(each, rounds), occasions, beside, by_fastest=by_fastest)
    return Known(noise(adjusted(occasions, occasions), rounds), occasions)


def with_gates(known: Known, accepted: Sequence[Look], turns: Sequence[Look]) -> Known:
    """What is known, with what gates measured of accepted code and of others, which tells of what nobody calibrated."""
    choose = known.beside and not known.occasions
    by_fastest = steadier_by_fastest([*accepted, *turns]) if choose else known.by_fastest
    return replace(known, accepted=accepted, turns=turns, by_fastest=by_fastest)


def steadier_by_fastest(sets: Sequence[Look]) -> frozenset[str]:
    """The metrics whose fastest rounds scatter clearly less than their adjusted medians, in sets of one code each.

    Scatter is that of processes which followed each other, since drift is cancelled in turns. Where a processor is
    shared with somebody else's, a round is slow or it is not, and which one changes within a process: then the loop
    beside a benchmark tells little of its rounds, and the fastest is one that was not disturbed. The gate's fixed work
    is told by medians, for it is there to notice whatever disturbs.
    """
    metrics = {metric for one in sets for metric in one.fastest if not metric.startswith(f"{CONTROL}::")}
    usual, fastest = ([adjusted([one], sets, chosen)[0] for one in sets] for chosen in (frozenset[str](), metrics))
    return frozenset(m for m in metrics if 0 < _scatter(fastest, m) < STEADIER * _scatter(usual, m))


def _scatter(sets: Sequence[Samples], metric: str) -> float:
    """The standard deviation of logs of four processes in succession."""
    logs = [np.log(one[metric]) for one in sets if metric in one]
    return deviation_within([values[start : start + 4] for values in logs for start in range(0, len(values), 4)])[0]


def adjusted(sides: Sequence[Look], alike: Sequence[Look], by_fastest: Collection[str] = ()) -> list[Samples]:
    """Each side's estimates at one speed of the machine, as far as each benchmark feels that speed.

    The share that it feels comes from `alike`, each of which measured one code. Seconds become those at the median
    speed of all sides; estimates without loops stay as they are, and of metrics in `by_fastest` it is the fastest
    round.
    """
    found: list[dict[str, np.ndarray]] = [dict(side.costs) for side in sides]
    for metric in {metric: None for side in sides for metric in side.costs}:
        if metric in by_fastest:
            for one, side in zip(found, sides, strict=True):
                if metric in one:
                    one[metric] = side.fastest[metric]
            continue
        if not all(_paired(side, metric) for side in sides if metric in side.costs):
            continue
        groups = [(np.log(one.costs[metric]), np.log(one.loops[metric])) for one in alike if _paired(one, metric)]
        share, logs = share_felt(groups), [np.log(side.loops[metric]) for side in sides if metric in side.loops]
        usual = float(np.median(np.concatenate(logs)))
        for one, side in zip(found, sides, strict=True):
            if metric in one:
                one[metric] = side.costs[metric] * np.exp(-share * (np.log(side.loops[metric]) - usual))
    return list(found)


def estimates_of(sides: Sequence[Look], estimate: str, by_fastest: Collection[str]) -> dict[str, str]:
    """How the rounds of a process became one number, by metric: adjusted, median or fastest; peaks have none."""

    def told(metric: str) -> str:
        if estimate == "fastest" or metric in by_fastest:
            return "fastest"
        return "adjusted" if all(_paired(side, metric) for side in sides) else "median"

    return {metric: told(metric) for metric in sides[-1].costs if not metric.endswith(PEAK_MEMORY)}


def _paired(side: Look, metric: str) -> bool:
    return metric in side.costs and len(side.loops.get(metric, ())) == len(side.costs[metric])
