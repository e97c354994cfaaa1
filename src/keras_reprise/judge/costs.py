"""What groups cost: seconds, memory and parameters of their arms, read from records and remembered in the store."""

from collections.abc import Sequence

import msgspec

from keras_reprise.judge.groups import Group, read
from keras_reprise.record.encoding import number
from keras_reprise.record.schema import Record
from keras_reprise.store.store import Store

COSTS = "costs-3"


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
    """The cost of a group's arms, and the median of the machine's mean load meanwhile."""

    arms: dict[str, ArmCost]
    load: float | None


def costs(groups: Sequence[Group], store: Store) -> dict[str, GroupCost]:
    """What each group cost, by its digest; remembered in the store's cache."""
    known = store.remembered(COSTS, dict[str, GroupCost]) or {}
    new = {g.digest: cost_of(read(g, store), timing=g.card.timing) for g in groups if g.digest not in known}
    if new:
        store.remember(COSTS, known | new)
    return known | new


def cost_of(records: Sequence[Record], *, timing: bool) -> GroupCost:
    """What the arms of these replicates cost; `timing` recipes are about seconds."""
    from statistics import median

    arms = {}
    for arm in records[0].arms if records else ():
        with_it = [record for record in records if arm in record.arms]
        measured = [record.arms[arm] for record in with_it]
        alone = [had_machine_alone(record, arm, timing=timing) for record in with_it]
        undisturbed = [m for m, had in zip(measured, alone, strict=True) if had]
        times = [m.time for m in undisturbed]
        arms[arm] = ArmCost(
            params=measured[0].cost.params,
            total_s=[m.time.total_s for m in measured if m.time.total_s is not None],
            step_s=[number(m.time.step_s.median) for m in measured if m.time.step_s],
            peak_memory_bytes=max((m.cost.peak_memory_bytes or 0 for m in measured), default=0) or None,
            alone=alone,
            alone_step_s=[number(time.step_s.median) for time in times if time.step_s],
            alone_s=[t.total_s - t.compile_s for t in times if t.total_s is not None and t.compile_s is not None],
            alone_energy_j=[m.cost.gpu_energy_j for m in undisturbed if m.cost.gpu_energy_j is not None],
        )
    loads = [record.load.mean_1m for record in records if record.load.mean_1m is not None]
    return GroupCost(arms, median(loads) if loads else None)


def had_machine_alone(record: Record, arm: str, *, timing: bool) -> bool | None:
    """Whether the arm had its machine to itself, so that its seconds may be compared; None where that is not known.

    Old records do not say so: then recipes about seconds had, since nothing else of the package ran beside them. Strict
    runs are slower on purpose, and say nothing of seconds.
    """
    if record.determinism.mode == "strict":
        return None
    said = record.arms[arm].time.alone
    return True if said is None and record.schema == 1 and timing else said
