"""What a gate is about to measure, and all that stops it, found out before.

That is the accepted code beside that of now, or why only its stored numbers can be compared with.
"""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keras_reprise.gate import expectations, measuring, quality
from keras_reprise.gate.baselines import known_of, seeds_for
from keras_reprise.gate.benchmark_files import digests, edited, hidden
from keras_reprise.gate.design import SECOND_LOOK
from keras_reprise.gate.forecast import Forecast
from keras_reprise.gate.injection import injections
from keras_reprise.gate.installations import Installation, of_commit, scratch_folder
from keras_reprise.gate.installed import copies_of_another_state
from keras_reprise.gate.processes import PEAK_MEMORY, durations
from keras_reprise.gate.project import code_of, commit_command, named
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import Baseline, Software, require_baseline, samples
from keras_reprise.gate.trial import loading_its_files
from keras_reprise.record.schema import Code
from keras_reprise.store.store import Store


@dataclass(frozen=True)
class Sides:
    """The sides of a gate, "now" and perhaps "before"; else `why_stored` numbers are compared with.

    `others` are metrics whose benchmark is another one than was accepted, which is why they are not compared with
    stored numbers. `notes` are to be said beforehand.
    """

    baseline: Baseline
    software: Software
    settings: Settings
    seeds: Mapping[str, Mapping[str, Sequence[int]]]
    sides: Mapping[str, Installation]
    code: Code
    why_stored: str
    others: set[str]
    notes: Sequence[str]


@contextlib.contextmanager
def prepared(store: Store, settings: Settings, name: str) -> Iterator[Sides]:
    """What a gate measures; each benchmark file is tried in a short process of the accepted code, if that is to run."""
    baseline = require_baseline(store, measuring.this_machine(), name)
    injections()
    here, recipes = measuring.here(settings), quality.chosen(settings)
    software, code = measuring.software(here), code_of(here, store.root)
    settings = comparable(settings, baseline.measured.software, software)
    seeds = {"now": measuring.seeds_of(recipes, settings, seeds_for(baseline.measured, settings))}
    notes = [*hidden(settings.benchmarks), *(copies_of_another_state(here) if settings.benchmarks else [])]
    with scratch_folder() as scratch:
        accepted, why_stored = accepted_code(baseline, software, settings, scratch / "accepted")
        for suite in settings.benchmarks if accepted else []:
            accepted, wrong = loading_its_files(suite, accepted) if accepted else (None, why_stored)
            if wrong:
                accepted, why_stored = None, f"its code cannot be measured now ({wrong})"
        others = others_than_accepted(baseline, settings) if why_stored else set()
        if others:
            notes.append(
                f"{named(sorted(others))}: the benchmark itself is another one than was accepted, and is not compared; "
                "`reprise accept` makes it the reference."
            )
        sides = {"before": accepted, "now": here} if accepted else {"now": here}
        yield Sides(baseline, software, settings, seeds, sides, code, why_stored, others, notes)


def accepted_code(
    baseline: Baseline, software: Software, settings: Settings, folder: Path
) -> tuple[Installation | None, str]:
    """The accepted code as a side that can be measured now, in `folder`; or why it is not, and what mends that."""
    code = baseline.measured.code
    if not settings.benchmarks or not settings.side_by_side:
        return None, "the settings say so"
    if baseline.measured.software != software:
        return None, "what is installed has changed since; `reprise accept` makes what is installed now the reference"
    if code.git_commit is None:
        return None, "the accepted code was not committed; put it in git, then `reprise accept` again"
    dirty = baseline.uncommitted
    if code.dirty if dirty is None else dirty:
        files = f" ({named(dirty)})" if dirty else ""
        how = f"`{commit_command(dirty or ['-A'])}`, then `reprise accept` again, mends it"
        return None, f"the accepted code was not committed{files}; {how}"
    side = of_commit(code.git_commit, sys.executable, folder, settings)
    missing = (
        f"this clone does not have the accepted commit {code.git_commit[:12]}; `git fetch --unshallow` may bring it"
    )
    return (side, "") if side else (None, missing)


def comparable(settings: Settings, before: Software, now: Software) -> Settings:
    """The settings with an estimate that both sides share: a loop of Python is no measure between two Pythons."""
    if settings.estimate not in ("steadiest", "adjusted") or before.python == now.python:
        return settings
    return msgspec.structs.replace(settings, estimate="fastest")


def others_than_accepted(baseline: Baseline, settings: Settings) -> set[str]:
    """The stored metrics whose benchmark has been edited since; the peak of a file of which anything was."""
    metrics, now = samples(baseline.measured.processes, "median"), digests(settings.benchmarks)
    found = edited(list(metrics), baseline.benchmarks, now)

    def of_file(names: Mapping[str, str], file: str) -> dict[str, str]:
        return {name: digest for name, digest in names.items() if name.startswith(f"{file}::")}

    for file in settings.benchmarks:
        peak, before = f"{file}::{PEAK_MEMORY}", of_file(baseline.benchmarks, file)
        if before and peak in metrics and before != of_file(now, file):
            found.add(peak)
    return found


def again_at_most_s(store: Store, ready: Sides, *, calibrated: bool) -> float:
    """How long it takes to measure all again, and all times once more where nothing is calibrated."""
    looks, rounds = SECOND_LOOK * (1 if calibrated else 2), ready.settings.rounds * len(ready.sides)
    seeds, measured = ready.seeds["now"], ready.baseline.measured
    times = (
        expectations.expected_s(ready.settings, looks * rounds, {}, measured, store)
        if ready.settings.benchmarks
        else 0.0
    )
    return times + expectations.expected_s(ready.settings, 0, seeds, measured, store)


def forecast(store: Store, settings: Settings, name: str) -> Forecast:
    """What a gate would measure; it runs one short process of each file of the accepted code, if that is to be run."""
    with prepared(store, settings, name) as ready:
        this, measured, seeds = measuring.this_machine(), ready.baseline.measured, ready.seeds["now"]
        rounds, settings, turns = ready.settings.rounds, ready.settings, len(ready.sides) == 2

        def expected(rounds: int) -> float:
            return expectations.expected_s(settings, rounds, seeds, measured, store, control=not turns)

        seconds, least = expected(rounds * len(ready.sides)), expected(min(2, rounds) * len(ready.sides))
        known = known_of(store, this, name, settings, measured, beside=not ready.why_stored)
        return Forecast(
            "gate", name, this, settings, rounds, list(ready.sides), seeds, durations(measured.processes),
            seconds, seconds + again_at_most_s(store, ready, calibrated=bool(known.noise)), least, bool(known.noise),
            ready.why_stored, ready.notes,
        )  # fmt: skip
