"""Many environments judged as one family: each against the reference, and each against the one before it.

The rule is the gate's own, pair by pair; what is one family is Holm's adjustment over all metrics of all pairs. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from keras_reprise.gate.judgement import (
    Judgement,
    SidesCompared,
    both_looks,
    compared,
    decided,
    further_look,
    not_calibrated,
    second_look,
    settled,
    suspected,
)
from keras_reprise.gate.looks import Known, Look
from keras_reprise.gate.processes import CONTROL
from keras_reprise.gate.settings import Settings

Sides = Mapping[str, Look]
Again = Callable[[Sequence[str], Sequence[str], str], Sides]
"""Measures metrics on sides in a step ("again", "further")."""


@dataclass(frozen=True)
class PairOfSides:
    """Two sides that are compared, in the benchmark files and recipes that `sources` names."""

    before: str
    now: str
    sources: frozenset[str]


@dataclass(frozen=True)
class FamilyJudgement:
    """The verdicts on every pair."""

    pairs: Mapping[PairOfSides, Judgement] = field(default_factory=dict)

    @property
    def suspects(self) -> int:
        return sum(len(one.suspects) for one in self.pairs.values())

    @property
    def metrics(self) -> int:
        return sum(len(one.rows) for one in self.pairs.values())


def pairs_of(order: Sequence[str], reference: str, alive: Mapping[str, Sequence[str]]) -> list[PairOfSides]:
    """Every side against the reference, and every step from one to the next, of those `alive` in each source.

    A side that failed is stepped over, so that a change between its neighbours is not lost.
    """
    sources: dict[tuple[str, str], set[str]] = {}
    for source, sides in alive.items():
        mine = [side for side in order if side in sides]
        against = [(reference, side) for side in mine if side != reference] if reference in mine else []
        for pair in (*against, *zip(mine, mine[1:], strict=False)):
            sources.setdefault(pair, set()).add(source)
    place = {side: number for number, side in enumerate(order)}
    ordered = sorted(sources, key=lambda pair: (pair[0] != reference, place[pair[0]], place[pair[1]]))
    return [PairOfSides(*pair, frozenset(sources[pair])) for pair in ordered]


def judged_together(
    looks: Sides, pairs: Sequence[PairOfSides], again: Again, settings: Settings, known: Known,
    say: Callable[[str], None],
) -> FamilyJudgement:  # fmt: skip
    """The verdicts on all pairs; suspects are measured `again`, and once more where nothing was calibrated."""
    first = _first(looks, pairs, settings, known)
    if not first.suspects:
        return first
    say(f"{first.suspects} of {first.metrics} comparisons look changed; measuring them again.")
    wanted = {pair: suspected(one) for pair, one in first.pairs.items()}
    more = again(*_needed(wanted), "again")
    second = _second(first, looks, more, settings, known)
    unsure = {pair: set(not_calibrated(one)) for pair, one in second.pairs.items()}
    if not any(unsure.values()):
        return second
    say(
        f"{sum(map(len, unsure.values()))} of them still do; this machine is not calibrated, so they are measured once "
        "more."
    )
    return _third(second, looks, more, again(*_needed(unsure), "further"), settings, known)


def _needed(wanted: Mapping[PairOfSides, set[str]]) -> tuple[list[str], list[str]]:
    """The metrics that are wanted of any pair, and the sides of those pairs."""
    metrics = sorted({metric for mine in wanted.values() for metric in mine})
    sides = sorted({side for pair, mine in wanted.items() if mine for side in (pair.before, pair.now)})
    return metrics, sides


def _first(looks: Sides, pairs: Sequence[PairOfSides], settings: Settings, known: Known) -> FamilyJudgement:
    found = {pair: _compared(looks, pair, settings, known) for pair in pairs}
    return FamilyJudgement({pair: decided(one, others=_others(found, pair)) for pair, one in found.items()})


def _second(
    first: FamilyJudgement, looks: Sides, more: Sides, settings: Settings, known: Known
) -> FamilyJudgement:  # fmt: skip
    wanted = {pair: suspected(one) for pair, one in first.pairs.items()}
    both = {
        pair: _joined(looks, more, pair, metrics, settings, known, _known_of(known, looks, pair))
        for pair, metrics in wanted.items()
    }
    return FamilyJudgement(
        {
            pair: second_look(
                one, _both(looks, pair), _both(more, pair), settings, _known_of(known, looks, pair),
                others=_others(both, pair),
            ) if wanted[pair] else one
            for pair, one in first.pairs.items()
        }
    )  # fmt: skip


def _third(
    second: FamilyJudgement, looks: Sides, more: Sides, further: Sides, settings: Settings, known: Known
) -> FamilyJudgement:
    both = {}
    for pair, one in second.pairs.items():
        mine = _known_of(known, looks, pair)
        after_two = both_looks(_both(looks, pair), _both(more, pair), settled(one), mine) if settled(one) else None
        unsure = set(not_calibrated(one))
        if after_two is None or not unsure:
            both[pair] = _joined(looks, more, pair, settled(one), settings, known, mine)
        else:
            all_looks = both_looks(after_two, _both(further, pair), unsure, mine)
            both[pair] = compared(*all_looks, settings, mine)
    return FamilyJudgement(
        {
            pair: further_look(
                one, _both(looks, pair), _both(more, pair), _both(further, pair), settings,
                _known_of(known, looks, pair), _others(both, pair),
            ) if not_calibrated(one) else one
            for pair, one in second.pairs.items()
        }
    )  # fmt: skip


def _joined(
    looks: Sides, more: Sides, pair: PairOfSides, metrics: set[str], settings: Settings, known: Known, mine: Known
) -> SidesCompared:
    """A pair over both looks at its suspects; where it has none, as it was at first."""
    if not metrics:
        return _compared(looks, pair, settings, known)
    return compared(*both_looks(_both(looks, pair), _both(more, pair), metrics, mine), settings, mine)


def _compared(looks: Sides, pair: PairOfSides, settings: Settings, known: Known) -> SidesCompared:
    return compared(*_both(looks, pair), settings, _known_of(known, looks, pair))


def _others(found: Mapping[PairOfSides, SidesCompared], pair: PairOfSides) -> list[float]:
    """The p of all other pairs' metrics."""
    return [p for other, one in found.items() if other != pair for p in one.p]


def _known_of(known: Known, looks: Sides, pair: PairOfSides) -> Known:
    """What is known beside a pair's own processes: the calibration, and what each other side's code scatters."""
    others = [look for side, look in looks.items() if side not in (pair.before, pair.now)]
    return replace(known, beside=True, turns=[*known.turns, *(one.estimates_alone() for one in others)])


def _both(looks: Sides, pair: PairOfSides) -> tuple[Look, Look]:
    """Both sides of a pair, of the files and recipes that it is about, and of the control."""
    return _of_sources(looks[pair.before], pair.sources), _of_sources(looks[pair.now], pair.sources)


def _of_sources(look: Look, sources: frozenset[str]) -> Look:
    def is_of(metric: str) -> bool:
        source = metric.split("::", 1)[0]
        return source in sources or source == CONTROL

    return replace(
        look.of_metrics(is_of),
        quality=[one for one in look.quality if one.recipe in sources],
        failures={source: why for source, why in look.failures.items() if source in sources},
    )
