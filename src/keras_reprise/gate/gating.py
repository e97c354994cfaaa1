"""The gate itself: what the code does now against what was accepted. Nothing is written before all is measured."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from keras_reprise.base import clock, errors
from keras_reprise.gate import measuring, quality
from keras_reprise.gate.baselines import known_of, seeds_for
from keras_reprise.gate.design import DRIFT, MOST_STEAL
from keras_reprise.gate.injection import injected, injections
from keras_reprise.gate.installations import Installation, of_commit, scratch_folder
from keras_reprise.gate.journal import journal
from keras_reprise.gate.judgement import Judgement, first_look, further_look, not_calibrated, second_look
from keras_reprise.gate.looks import Known, Look, failures, look_of
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.processes import PEAK_MEMORY, Process, plan
from keras_reprise.gate.rule import FAILED, INCOMPARABLE, INCONCLUSIVE, REGRESSED
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import SCHEMA, Finished, Occasion, Software, keep, require_baseline
from keras_reprise.store.store import Store

Say = Callable[[str], None]
AGAIN = "and at most as long again if something looks changed"


@dataclass(frozen=True)
class Outcome:
    """What a gate found, and all that its table needs. `notes` are lines to print below it."""

    judgement: Judgement
    before: str
    now: str
    changed: Sequence[str]
    notes: Sequence[str] = field(default_factory=list)
    machine: str = ""

    @property
    def compared(self) -> int:
        return sum(row.verdict not in (FAILED, INCOMPARABLE) for row in self.judgement.rows)

    def exit_code(self, strict: bool) -> int:
        """1 regressed, 4 something crashed, 3 nothing could be compared, 5 inconclusive where that counts, else 0."""
        found = {row.verdict for row in self.judgement.rows}
        if REGRESSED in found:
            return errors.BROKEN
        if FAILED in found:
            return errors.RECIPE_FAILED
        if not self.compared:
            return errors.NOTHING_MEASURED
        return errors.INCONCLUSIVE if strict and INCONCLUSIVE in found else errors.OK


def gate(store: Store, settings: Settings, name: str, say: Say) -> Outcome:
    """Measure here and now, compare with the accepted baseline of this machine, and measure again what is flagged.

    The accepted code is measured beside that of now, in turns, so that a machine that was faster or slower on the day
    of the baseline makes no difference. Where that cannot be, the baseline's stored numbers are compared with.
    """
    this = measuring.this_machine()
    baseline = require_baseline(store, this, name).measured
    injections()
    here, recipes = measuring.here(), quality.chosen(settings)
    software = measuring.software(here)
    settings = comparable(settings, baseline.software, software)
    seeds = {"now": measuring.seeds_of(recipes, settings, seeds_for(baseline, settings))}
    with scratch_folder() as scratch:
        accepted, why_stored = accepted_code(baseline, software, settings, scratch / "accepted")
        sides = {"before": accepted, "now": here} if accepted else {"now": here}
        measuring.announce(
            say, store, settings, seeds["now"], rounds=settings.rounds, known=baseline, sides=len(sides), more=AGAIN
        )
        begun = journal(store, "gate", name, baseline, software, settings, sorted(sides), injections())
        order_seed = begun.order_seed("first")
        tasks = plan(measuring.suites_of(settings), settings.rounds, order_seed, list(sides))
        first = measuring.taken(sides, tasks, settings, seeds, begun)
        found = measuring.occasion(first["now"], here, order_seed)
        if accepted and (crash := next(iter(failures(first["before"].processes).values()), None)):
            sides, why_stored = {"now": here}, f"its code could not be measured now ({crash})"
        known = known_of(store, this, name, settings, baseline, beside=not why_stored)

        def looks(taken: Mapping[str, Taken]) -> tuple[Look, Look]:
            return _looks(taken, baseline, settings, stored=bool(why_stored))

        def again(suspects: Sequence[str], step: str) -> tuple[Look, Look]:
            return looks(measuring.again(suspects, sides, settings, seeds, begun, step))

        judgement = judged(looks(first), again, settings, known, say)
    begun.forget()
    if not injections():
        before = [] if why_stored else first["before"].processes
        accepted_commit = None if why_stored else baseline.code.git_commit
        keep(store, name, Finished(SCHEMA, clock.now(), found, before, accepted_commit))
    notes = notes_of(judgement, known, [process for one in first.values() for process in one.processes])
    notes = _compared_with(first, baseline, settings, why_stored, notes)
    return Outcome(judgement, f"baseline {name!r}", "now", changes(baseline.software, found.software), notes, this)


def _looks(taken: Mapping[str, Taken], baseline: Occasion, settings: Settings, *, stored: bool) -> tuple[Look, Look]:
    """Before and now, as the rule sees them; before is what is `stored`, or its code as it was measured now."""
    now = look_of(injected(taken["now"]), settings.estimate)
    before = baseline if stored else Taken(taken["before"].processes, baseline.quality)
    return look_of(before, settings.estimate), now


def _compared_with(
    taken: Mapping[str, Taken], baseline: Occasion, settings: Settings, why_stored: str, notes: list[str]
) -> list[str]:
    """The notes with what times were compared with, and how much the machine has changed since."""
    if not settings.benchmarks:
        return notes
    if why_stored:
        return [f"Times are compared with those stored in the baseline: {why_stored}.", *notes]
    return notes + drift(look_of(baseline, settings.estimate), look_of(taken["before"], settings.estimate))


def accepted_code(
    baseline: Occasion, software: Software, settings: Settings, folder: Path
) -> tuple[Installation | None, str]:
    """The accepted code as a side that can be measured now, in `folder`; or why it is not to be had."""
    commit = baseline.code.git_commit
    if not settings.benchmarks or not settings.side_by_side:
        return None, "the settings say so"
    if baseline.software != software:
        return None, "what is installed has changed since"
    if commit is None or baseline.code.dirty:
        return None, "the accepted code was not committed"
    side = of_commit(commit, sys.executable, folder, settings)
    return (side, "") if side else (None, f"this clone does not have the accepted commit {commit[:12]}")


def judged(
    looks: tuple[Look, Look],
    again: Callable[[Sequence[str], str], tuple[Look, Look]],
    settings: Settings,
    known: Known,
    say: Say,
) -> Judgement:
    """The verdicts on before and now; suspects are measured `again`, and once more where nothing was calibrated."""
    first = first_look(*looks, settings, known)
    if not first.suspects:
        return first
    say(f"{len(first.suspects)} of {len(first.rows)} metrics look changed; measuring them again.")
    more = again([row.metric for row in first.suspects], "again")
    second = second_look(first, looks, more, settings, known)
    unsure = not_calibrated(second)
    if not unsure:
        return second
    say(f"{len(unsure)} of them still do; this machine is not calibrated, so they are measured once more.")
    return further_look(second, looks, more, again(unsure, "further"), settings, known)


def drift(stored: Look, now: Look) -> list[str]:
    """A note on how much slower or faster the accepted code is than when it was accepted, if by more than 5 %."""
    logs = [
        float(np.median(np.log(now.costs[metric])) - np.median(np.log(stored.costs[metric])))
        for metric in stored.costs
        if metric in now.costs and not metric.endswith(PEAK_MEMORY)
    ]
    change = math.expm1(float(np.median(logs))) if logs else 0.0
    if abs(change) < DRIFT:
        return []
    way = "slower" if change > 0 else "faster"
    return [
        (
            f"The accepted code itself is {abs(change):.0%} {way} now than when it was accepted (median of "
            f"{len(logs)} times): so much has the machine changed, which counts for neither side."
        )
    ]


def comparable(settings: Settings, before: Software, now: Software) -> Settings:
    """The settings with an estimate that both sides share: a loop of Python is no measure between two Pythons."""
    if settings.estimate != "adjusted" or before.python == now.python:
        return settings
    return msgspec.structs.replace(settings, estimate="fastest")


def changes(before: Software, now: Software) -> list[str]:
    """What is installed or set otherwise than before, one line each."""
    lines = [f"Python {before.python} -> {now.python}"] if before.python != now.python else []
    for old, new in ((before.packages, now.packages), (before.variables, now.variables)):
        lines += [
            f"{name} {old.get(name, 'not there')} -> {new.get(name, 'not there')}"
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    return lines


def not_calibrated_note(judgement: Judgement, known: Known) -> list[str]:
    """One sentence on what was assumed where nothing was calibrated, what could be seen, and what mends it."""
    if not judgement.assumed:
        return []
    noise = sorted(judgement.assumed.values())
    visible = sorted(row.visible for row in judgement.rows if row.metric in judgement.assumed)
    of = "this machine is" if not known.noise else f"{len(noise)} of the metrics are"
    whence = (
        "what processes of one code scatter here"
        if known.beside
        else "a usual difference between occasions, and what the control shows of these"
    )
    return [
        f"{of[0].upper()}{of[1:]} not calibrated: a noise of {span([f'{100 * one:.1f}' for one in noise])} % is "
        f"assumed, as much as {whence} may be; the smallest change that could be seen is "
        f"{span([f'x {math.exp(one):.2f}' for one in visible])}, and nothing is called changed before a third look in "
        "fresh processes has seen it. "
        "`reprise calibrate` measures the noise, best on several occasions, hours apart."
    ]


def span(ordered: Sequence[str]) -> str:
    """The first and the last, or the one that there is."""
    return ordered[0] if ordered[0] == ordered[-1] else f"{ordered[0]} to {ordered[-1]}"


def notes_of(judgement: Judgement, known: Known, processes: Sequence[Process]) -> list[str]:
    """What to know about a gate's table beside its rows."""
    notes = []
    disturbed = sum(process.disturbed for process in processes)
    if disturbed:
        notes.append(
            f"{disturbed} of {len(processes)} processes were left out: "
            f"the host took more than {MOST_STEAL:.0%} of the processor time."
        )
    if judgement.control_failed:
        notes.append(
            f"The control failed: {judgement.control_failed}. Times are not called regressed; run the gate again."
        )
    notes += not_calibrated_note(judgement, known)
    if injections():
        notes.append(f"INJECTED, for testing the gate: {', '.join(f'{p} {c}' for p, c in injections().items())}.")
    return notes
