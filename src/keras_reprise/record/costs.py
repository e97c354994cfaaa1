"""What measuring cost: seconds, memory and parameters of the arms of records."""

from collections.abc import Sequence

import msgspec

from keras_reprise.record.encoding import number
from keras_reprise.record.schema import Record


class ArmCost(msgspec.Struct, frozen=True):
    """What one arm cost in each complete replicate: seconds in all and per update (median), and the peak memory.

    `alone` says of each whether it had its machine to itself (None: not known). Those that had are in `alone_step_s`,
    seconds per update, and `alone_s`, seconds in all without compilation; each as far as it is known. `alone_energy_j`:
    joules of the GPU of those that had it to themselves; of strict runs, which measure twice, none.
    """

    params: int | None
    total_s: list[float]
    step_s: list[float]
    peak_memory_bytes: int | None
    alone: list[bool | None]
    alone_step_s: list[float]
    alone_s: list[float]
    alone_energy_j: list[float]


class GroupCost(msgspec.Struct, frozen=True):
    """The cost of the arms of one record or more, and the median of the machine's mean load meanwhile."""

    arms: dict[str, ArmCost]
    load: float | None


def cost_of(record: Record, *, timing: bool) -> GroupCost:
    """What the arms of a record cost; `timing` recipes are about seconds."""
    return GroupCost({arm: _of_arm(record, arm, timing=timing) for arm in record.arms}, record.load.mean_1m)


def pooled(costs: Sequence[GroupCost]) -> GroupCost:
    """What comparable records cost, of the costs of each; the arms of the first."""
    from statistics import median

    loads = [cost.load for cost in costs if cost.load is not None]
    arms = {
        name: _joined([cost.arms[name] for cost in costs if name in cost.arms])
        for name in (costs[0].arms if costs else ())
    }
    return GroupCost(arms, median(loads) if loads else None)


def _of_arm(record: Record, arm: str, *, timing: bool) -> ArmCost:
    measured = record.arms[arm]
    time, cost = measured.time, measured.cost
    total = [] if time.total_s is None else [time.total_s]
    step = [number(time.step_s.median)] if time.step_s else []
    alone = had_machine_alone(record, arm, timing=timing)
    return ArmCost(
        params=cost.params,
        total_s=total,
        step_s=step,
        peak_memory_bytes=cost.peak_memory_bytes or None,
        alone=[alone],
        alone_step_s=step if alone else [],
        alone_s=[seconds - time.compile_s for seconds in total if time.compile_s is not None] if alone else [],
        alone_energy_j=[cost.gpu_energy_j] if alone and cost.gpu_energy_j is not None else [],
    )


def _joined(costs: Sequence[ArmCost]) -> ArmCost:
    return ArmCost(
        params=costs[0].params,
        total_s=[seconds for cost in costs for seconds in cost.total_s],
        step_s=[seconds for cost in costs for seconds in cost.step_s],
        peak_memory_bytes=max((cost.peak_memory_bytes or 0 for cost in costs), default=0) or None,
        alone=[alone for cost in costs for alone in cost.alone],
        alone_step_s=[seconds for cost in costs for seconds in cost.alone_step_s],
        alone_s=[seconds for cost in costs for seconds in cost.alone_s],
        alone_energy_j=[joules for cost in costs for joules in cost.alone_energy_j],
    )


def had_machine_alone(record: Record, arm: str, *, timing: bool) -> bool | None:
    """Whether the arm had its machine to itself, so that its seconds may be compared; None where that is not known.

    Old records do not say so: then recipes about seconds had, since nothing else of the package ran beside them. Strict
    runs are slower on purpose, and say nothing of seconds.
    """
    if record.determinism.mode == "strict":
        return None
    said = record.arms[arm].time.alone
    return True if said is None and record.schema == 1 and timing else said
