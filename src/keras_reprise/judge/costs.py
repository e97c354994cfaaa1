"""What groups cost, read from records and remembered in the store."""

from collections.abc import Sequence

from keras_reprise.judge.groups import Group, read
from keras_reprise.record.costs import GroupCost, cost_of, pooled
from keras_reprise.store.store import Store

COSTS = "costs-3"


def costs(groups: Sequence[Group], store: Store) -> dict[str, GroupCost]:
    """What each group cost, by its digest; remembered in the store's cache."""
    known = store.remembered(COSTS, dict[str, GroupCost]) or {}
    new = {
        group.digest: pooled([cost_of(record, timing=group.card.timing) for record in read(group, store)])
        for group in groups
        if group.digest not in known
    }
    if new:
        store.remember(COSTS, known | new)
    return known | new
