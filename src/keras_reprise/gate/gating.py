"""The gate itself: what the code does now against what was accepted. Nothing is written before all is measured."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_reprise.base import clock, errors
from keras_reprise.gate import expectations, measuring
from keras_reprise.gate.baselines import known_of
from keras_reprise.gate.design import DRIFT, MOST_STEAL
from keras_reprise.gate.early import settled
from keras_reprise.gate.injection import injected, injections
from keras_reprise.gate.journal import journal
from keras_reprise.gate.judgement import Judgement, first_look, further_look, not_calibrated, second_look, without
from keras_reprise.gate.looks import Known, Look, failures, leaving_out, look_of
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.processes import PEAK_MEMORY, Process
from keras_reprise.gate.project import named
from keras_reprise.gate.rule import FAILED, INCOMPARABLE, INCONCLUSIVE, REGRESSED, Row
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.sides import Sides, again_at_most_s, others_than_accepted, prepared
from keras_reprise.gate.stored import SCHEMA, Finished, Occasion, Software, keep
from keras_reprise.store.store import Store

Say = Callable[[str], None]


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

    A first look ends as soon as nothing that the gate could see can be left.

    The accepted code is measured beside that of now, in turns, so that a machine that was faster or slower on the day
    of the baseline makes no difference. Where that cannot be, the baseline's stored numbers are compared with.
    """
    with prepared(store, settings, name) as ready:
        return _measured(store, ready, name, say)


def _measured(store: Store, ready: Sides, name: str, say: Say) -> Outcome:
    """Measure and judge what was prepared."""
    settings, seeds, sides, why_stored = ready.settings, ready.seeds, dict(ready.sides), ready.why_stored
    this, baseline, here = measuring.this_machine(), ready.baseline.measured, ready.sides["now"]
    known = known_of(store, this, name, settings, baseline, beside=not why_stored)
    begin(store, ready, known, say)
    begun = journal(store, "gate", name, baseline, ready.software, settings, sorted(sides), injections())

    def looks(taken: Mapping[str, Taken]) -> tuple[Look, Look]:
        return _looks(taken, baseline, settings, ready.others, stored=bool(why_stored))

    def enough(taken: Mapping[str, Taken]) -> dict[str, Row]:
        return settled(*looks(taken), settings, known)

    first, early = measuring.until_settled(sides, settings, seeds, begun, enough)
    found = measuring.occasion(first["now"], here, begun.order_seed("first"), ready.code)
    if "before" in sides and (crash := next(iter(failures(first["before"].processes).values()), None)):
        sides, why_stored, early = {"now": here}, f"its code could not be measured now ({crash})", {}
        ready = replace(ready, others=others_than_accepted(ready.baseline, settings))
        known = known_of(store, this, name, settings, baseline, beside=False)

    def again(suspects: Sequence[str], step: str) -> tuple[Look, Look]:
        return looks(measuring.again(suspects, sides, settings, seeds, begun, step))

    why = "the benchmark itself is another one than was accepted"
    judgement = judged(looks(first), again, settings, known, say, early)
    judgement = with_others(judgement, dict.fromkeys(sorted(ready.others), why))
    if not injections():
        before = [] if why_stored else first["before"].processes
        accepted_commit = None if why_stored else baseline.code.git_commit
        keep(store, name, Finished(SCHEMA, clock.now(), found, before, accepted_commit))
    begun.forget()
    notes = notes_of(judgement, known, [process for one in first.values() for process in one.processes])
    notes = [*_compared_with(first, baseline, settings, why_stored, notes), *ready.notes]
    return Outcome(judgement, f"baseline {name!r}", "now", changes(baseline.software, found.software), notes, this)


def begin(store: Store, ready: Sides, known: Known, say: Say) -> None:
    """Say what stops a gate, what it measures and how long it takes."""
    settings, seeds, measured = ready.settings, ready.seeds["now"], ready.baseline.measured
    for said in ready.notes:
        say(said)
    if ready.why_stored and settings.benchmarks and settings.side_by_side:
        say(f"Times will be compared with those stored in the baseline: {ready.why_stored}.")
    more = again_at_most_s(store, ready, calibrated=bool(known.noise) or not settings.benchmarks)
    less = "less once nothing that could be seen is left, " if settings.benchmarks else ""
    expectations.announce(
        say, store, settings, seeds, rounds=settings.rounds, known=measured, sides=len(ready.sides),
        more=f"{less}and at most {expectations.in_words(more)} more if things look changed",
    )  # fmt: skip


def with_others(judgement: Judgement, others: Mapping[str, str]) -> Judgement:
    """The judgement with a row for each metric whose benchmark is another one than before, and why."""
    rows = [row for row in judgement.rows if row.metric not in others]
    return replace(judgement, rows=[*rows, *(without(metric, INCOMPARABLE, why) for metric, why in others.items())])


def _looks(
    taken: Mapping[str, Taken], baseline: Occasion, settings: Settings, others: Collection[str], *, stored: bool
) -> tuple[Look, Look]:
    """Before and now, as the rule sees them; before is what is `stored`, or its code as it was measured now."""
    now = look_of(injected(taken["now"]), settings.estimate)
    before = baseline if stored else Taken(taken["before"].processes, baseline.quality)
    return leaving_out(look_of(before, settings.estimate), others), leaving_out(now, others)


def _compared_with(
    taken: Mapping[str, Taken], baseline: Occasion, settings: Settings, why_stored: str, notes: list[str]
) -> list[str]:
    """The notes with what times were compared with, and how much the machine has changed since."""
    if not settings.benchmarks:
        return notes
    if why_stored:
        return [f"Times are compared with those stored in the baseline: {why_stored}.", *notes]
    return notes + drift(look_of(baseline, settings.estimate), look_of(taken["before"], settings.estimate))


def judged(
    looks: tuple[Look, Look],
    again: Callable[[Sequence[str], str], tuple[Look, Look]],
    settings: Settings,
    known: Known,
    say: Say,
    early: Mapping[str, Row] | None = None,
) -> Judgement:
    """The verdicts on before and now; suspects are measured `again`, and once more where nothing was calibrated.

    What was settled `early` stands as it is.
    """
    first = first_look(*looks, settings, known)
    first = replace(first, rows=[(early or {}).get(row.metric, row) for row in first.rows])
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


def remarks(processes: Sequence[Process]) -> list[str]:
    """A sentence for all benchmarks that were not run, or not as often as planned, for the same reason."""
    names: dict[str, dict[str, None]] = {}
    for process in processes:
        for metric, why in process.remarks.items():
            names.setdefault(why, {})[metric] = None
    return [f"{named(list(found))}: {why}." for why, found in names.items()]


def notes_of(judgement: Judgement, known: Known, processes: Sequence[Process]) -> list[str]:
    """What to know about a gate's table beside its rows."""
    notes = []
    disturbed = sum(process.disturbed for process in processes)
    if disturbed:
        notes.append(
            f"{disturbed} of {len(processes)} processes were left out: "
            f"the host took more than {MOST_STEAL:.0%} of the processor time."
        )
    notes += remarks(processes)
    if judgement.control_failed:
        notes.append(
            f"The control failed: {judgement.control_failed}. Times are not called regressed; run the gate again."
        )
    notes += not_calibrated_note(judgement, known)
    if injections():
        notes.append(f"INJECTED, for testing the gate: {', '.join(f'{p} {c}' for p, c in injections().items())}.")
    return notes
