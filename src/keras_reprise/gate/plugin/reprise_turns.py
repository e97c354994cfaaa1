"""The order in which a process of a gate runs its benchmarks: each several times, in turn with the others.

It stands alone, as the plugin does. PYTEST_DONT_REWRITE

Whatever pytest makes once for several benchmarks (fixtures of a session, a module, a class, `setup_class`) is made as
often as in one ordinary run: benchmarks that share a fixture of their class, or one value of a wide fixture's
parameters, take turns with each other before the next are begun.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import pytest

MOST_S, FEWEST = 60.0, 2
"""The seconds after which a benchmark is not begun again in a process, if it has run as often as this."""


class Turns:
    """The runs in their order, each with the one that follows; `remarks` name the benchmarks that are not run again."""

    def __init__(self, items: Sequence[pytest.Item], passes: int, remarks: MutableMapping[str, str]) -> None:
        self._items, self._passes, self._remarks = items, passes, remarks
        self._took_s: defaultdict[str, float] = defaultdict(float)
        self._runs: Counter[str] = Counter()

    def __iter__(self) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
        current = None
        for item in self._all():
            if current is not None:
                yield current, item
            current = item
        if current is not None:
            yield current, None

    def took(self, item: pytest.Item, seconds: float) -> None:
        """To be told after each run."""
        self._took_s[item.nodeid] += seconds
        self._runs[item.nodeid] += 1

    def _all(self) -> Iterator[pytest.Item]:
        together: dict[tuple[Any, ...], list[pytest.Item]] = {}
        for item in self._items:
            together.setdefault(shared(item), []).append(item)
        for items in together.values():
            for _ in range(self._passes):
                yield from (item for item in items if self._again(item))

    def _again(self, item: pytest.Item) -> bool:
        name = item.nodeid
        long = self._took_s[name] > MOST_S and self._runs[name] >= FEWEST
        return not long and name not in self._remarks


def shared(item: pytest.Item) -> tuple[Any, ...]:
    """What a benchmark shares with others that is not to be made anew: its class, and values of wide parameters."""
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    scopes = {name: definitions[-1].scope for name, definitions in fixtures.items() if definitions}
    of_class = item.parent.nodeid if item.parent is not None and "class" in scopes.values() else ""
    indices: Mapping[str, int] = getattr(getattr(item, "callspec", None), "indices", {})
    wide = sorted((name, n) for name, n in indices.items() if scopes.get(name, "function") != "function")
    return (of_class, *wide)


def of_whole_runs(benchmarks: Sequence[Any], seconds: Mapping[str, Sequence[float]]) -> list[Any]:
    """The measurements without those of runs that did not end well: what is asserted after it failed, say."""
    met: Counter[str] = Counter()
    kept = []
    for one in benchmarks:
        met[one.fullname] += 1
        if met[one.fullname] <= len(seconds.get(one.fullname, ())):
            kept.append(one)
    return kept
