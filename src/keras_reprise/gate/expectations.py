"""How long measuring will take, in seconds and in words."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from keras_reprise.base.progress import format_seconds
from keras_reprise.gate.measuring import suites_of
from keras_reprise.gate.processes import CONTROL, Process, durations
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import Occasion
from keras_reprise.judge.comparable import together
from keras_reprise.store.store import Store

GUESSED_PROCESS_S, GUESSED_CONTROL_S, GUESSED_REPLICATE_S = 15.0, 2.0, 20.0


def expected_s(
    settings: Settings,
    rounds: int,
    seeds: Mapping[str, Sequence[int]],
    known: Occasion | None,
    store: Store,
    first: Sequence[Process] = (),
    *,
    control: bool = True,
) -> float:
    """How long measuring will take: from what the `first` processes took, else those of `known`, else a guess.

    Replicates take what they took in `known`, else in the store's records, else a guess. The fixed work is among the
    files where `control` says so.
    """
    by_suite = durations(known.processes if known else ()) | durations(first)
    replicates = _recorded_s(store, settings.scale) if seeds else {}
    replicates |= {found.recipe: found.seconds for found in known.quality} if known else {}
    total = 10.0 if seeds else 0.0
    for suite in suites_of(settings) if control else settings.benchmarks:
        guess = GUESSED_CONTROL_S if suite == CONTROL else GUESSED_PROCESS_S
        total += rounds * by_suite.get(suite, guess)
    for name, chosen in seeds.items():
        total += len(chosen) * replicates.get(Path(name).stem, GUESSED_REPLICATE_S)
    return total


def announce(
    say: Callable[[str], None],
    store: Store,
    settings: Settings,
    seeds: Mapping[str, Sequence[int]],
    *,
    rounds: int,
    known: Occasion | None,
    sides: int,
    more: str = "",
    first: Sequence[Process] = (),
) -> None:
    """Say what will be measured, and how long it will take; the `first` processes have been already."""
    turns = sides == 2
    whole = expected_s(settings, rounds * sides, seeds, known, store, first, control=not turns)
    seconds = in_words(max(0.0, whole - sum(process.duration_s for process in first)))
    parts = []
    if settings.benchmarks:
        files = "1 benchmark file" if len(settings.benchmarks) == 1 else f"{len(settings.benchmarks)} benchmark files"
        count = sides * rounds * (len(settings.benchmarks) + (not turns))
        others = ", the accepted code and that of now in turns" if turns else " and the control"
        parts.append(f"{count} processes ({rounds} rounds of {files}{others})")
    if seeds:
        recipes = "1 recipe" if len(seeds) == 1 else f"{len(seeds)} recipes"
        parts.append(f"{sum(map(len, seeds.values()))} replicates of {recipes}")
    say(f"{' and '.join(parts)}: about {seconds}{', ' + more if more else ''}.")


def _recorded_s(store: Store, scale: str) -> dict[str, float]:
    """What a replicate of each recipe took, from the store's records at this scale."""
    complete = [one for one in store.summaries()[0] if one.recipe.scale == scale and one.status == "complete"]
    by_slug = together(complete, lambda summary: summary.recipe.slug)
    return {slug: statistics.median(one.duration_s for one in mine) for slug, mine in by_slug.items()}


def in_words(seconds: float) -> str:
    """An estimate as people say it: to the half minute."""
    return format_seconds(seconds) if seconds < 60 else f"{max(1, round(seconds / 30)) / 2:g} min"
