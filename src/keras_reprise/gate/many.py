"""`gate --between` of three environments or more: measured in mirrored blocks, judged as one family, kept in results/.

What was measured is kept until the comparison has ended, so that one that was interrupted goes on; finished ones lie in
`results/comparisons/`, and further occasions are added to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from keras_reprise.base import clock
from keras_reprise.base.errors import MeasurementError, NothingMeasuredError, UserError
from keras_reprise.gate import expectations, measuring, quality
from keras_reprise.gate.baselines import calibrated
from keras_reprise.gate.benchmark_files import digests, hidden
from keras_reprise.gate.comparisons import (
    ComparisonOccasion,
    MeasuredEnvironment,
    MeasuredLook,
    StoredComparison,
    StoredPair,
    comparison_path,
    difference_to,
    measured_by,
    read_comparison,
    stored_row,
    write_comparison,
)
from keras_reprise.gate.design import MOST_STEAL, SECOND_LOOK
from keras_reprise.gate.environments import (
    Environments,
    kept_folder,
    made_in,
    remember_failures,
    required_package,
    specs_of,
)
from keras_reprise.gate.family import FamilyJudgement, PairOfSides, judged_together, pairs_of
from keras_reprise.gate.injection import injected, injections
from keras_reprise.gate.installations import Say, parse
from keras_reprise.gate.journal import Journal, journal
from keras_reprise.gate.looks import Known, Look, look_of
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.processes import Process, Task, durations, plan
from keras_reprise.gate.project import code_of
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.sides import comparable
from keras_reprise.gate.stored import SCHEMA, Baseline, Calibration, Quality, baseline_path, calibration_path, read
from keras_reprise.store.store import Store


@dataclass(frozen=True)
class Asked:
    """A comparison as it is asked for: environments in words, the number of the reference, and a name."""

    words: Sequence[str]
    reference: int
    settings: Settings
    name: str

    def unmeasured(self) -> StoredComparison:
        """The same without any occasion."""
        hashes = digests(self.settings.benchmarks)
        machine = measuring.this_machine()
        return StoredComparison(SCHEMA, machine, self.name, list(self.words), self.reference, hashes, [])


def asked_for(words: Sequence[str], reference: str | None, settings: Settings, name: str) -> Asked:
    """What the words and options ask for; UserError where they cannot be."""
    specs_of(words)
    if reference is None:
        return Asked(words, 0, settings, name)
    if reference not in words:
        raise UserError(f"The reference {reference!r} is none of the environments.\nGive one of {', '.join(words)}.")
    return Asked(words, list(words).index(reference), settings, name)


def known_comparison(store: Store, asked: Asked, wanted: StoredComparison | None = None) -> StoredComparison | None:
    """What is stored of this comparison; UserError when its name is taken by another one.

    `wanted` is the comparison as its measuring began (default: as it would begin now).
    """
    path = comparison_path(store, measuring.this_machine(), asked.name)
    found = read_comparison(path)
    if found is None:
        return None
    wanted = wanted or asked.unmeasured()
    same = measured_by(found.newest.settings) == measured_by(asked.settings)
    other = difference_to(found, msgspec.structs.replace(wanted, occasions=found.occasions))
    if other or not same:
        raise UserError(
            f"The comparison {asked.name!r} of this machine is another one: {other or 'its settings differ'}.\n"
            f"Nothing was measured. Give this one a name of its own with --name, or delete {path.name} there."
        )
    return found


def compare(store: Store, asked: Asked, say: Say, *, occasion: bool = False) -> StoredComparison:
    """Measure and judge all environments, and keep the result; one that is stored is returned as it is.

    With `occasion` it is measured once more, and added to what is stored.
    """
    known = known_comparison(store, asked)
    if known is not None and not occasion:
        say(
            f"Measured already, on {', '.join(one.finished_at[:10] for one in known.occasions)}: shown as it is stored."
            " --occasion measures it once more and keeps both; --name gives another one its own place."
        )
        return known
    for said in hidden(asked.settings.benchmarks):
        say(said)
    with kept_folder(store, asked.words, asked.name) as folder:
        found = made_in(folder, asked.words, asked.settings, say)
        _require_some(found, asked)
        if known is not None:
            _require_same_packages(known, found)
        remember_failures(folder, found)
        wanted = asked.unmeasured()  # of the benchmarks as they are measured, whatever becomes of them meanwhile
        begun, measured = _measured(store, asked, found, say)
        before = known_comparison(store, asked, wanted)  # which may have become more
        occasions = [*(before.occasions if before else []), measured]
        comparison = msgspec.structs.replace(wanted, occasions=occasions)
        if not injections():
            write_comparison(comparison_path(store, wanted.machine, asked.name), comparison)
    begun.forget()
    return comparison


def _require_some(found: Environments, asked: Asked) -> None:
    """NothingMeasuredError where nothing could be compared."""
    if (reference := found.sides[asked.reference]) in found.failed:
        raise NothingMeasuredError(
            f"The reference cannot be made: {found.failed[reference]}\n"
            "Nothing was measured. Name another one with --reference."
        )
    if len(found.made) < 2:
        raise NothingMeasuredError(
            f"Of {len(found.words)} environments only one can be made.\nNothing was measured; the reasons are above."
        )


def _require_same_packages(known: StoredComparison, found: Environments) -> None:
    """UserError where the words now mean another release than on the occasion before."""
    for words, side, before in zip(known.words, found.sides, known.newest.environments, strict=True):
        now = found.software.get(side)
        for requirement in parse(words).requirements if now and before.software else []:
            package = required_package(requirement)
            old, new = (one.packages.get(package or "") for one in (before.software, now) if one)
            if old != new:
                raise UserError(
                    f"{words} was {package} {old} on the last occasion, and is {new} now.\n"
                    "That is another comparison: give it a name of its own with --name, or ask for the version itself."
                )


def _measured(
    store: Store, asked: Asked, found: Environments, say: Say
) -> tuple[Journal, ComparisonOccasion]:  # fmt: skip
    """Measure what was made, and judge it."""
    settings = asked.settings
    for one in found.software.values():
        settings = comparable(settings, found.software[found.sides[asked.reference]], one)
    recipes = measuring.seeds_of(quality.chosen(settings), settings, {})
    this = measuring.this_machine()
    known = calibrated(store, this, asked.name, settings, beside=True)
    say(announced(store, asked, len(found.made), recipes))
    begun = journal(
        store,
        "many",
        asked.words,
        asked.name,
        sorted(found.made),
        found.commits,
        found.software,
        settings,
        injections(),
    )
    begun.crashes_stay = tuple(found.made)
    measurement = _Measurement(found, settings, recipes, begun, [])
    started, code = clock.now(), code_of(measuring.here(), store.root)
    first = measurement.first()
    failed = {side: dict(one.failures) for side, one in first.items()}
    sources = [*settings.benchmarks, *(Path(name).stem for name in recipes)]
    alive = {source: [side for side in first if source not in failed[side]] for source in sources}
    reference = found.sides[asked.reference]
    judgement = judged_together(
        first, pairs_of(found.sides, reference, alive), measurement.again, settings, known, say
    )  # fmt: skip
    why = {side: {"": reason} for side, reason in found.failed.items()} | failed
    commits = found.commits
    return begun, ComparisonOccasion(
        started_at=min([started, *(p.started_at for look in measurement.looks for p in look.processes)]),
        finished_at=clock.now(), code=code, settings=asked.settings,
        environments=[
            MeasuredEnvironment(found.software.get(side), commits[side], why.get(side, {}))
            for side in found.sides
        ],
        noise=dict(known.noise), looks=measurement.looks, pairs=_stored(judgement, found.sides),
        notes=notes_of(judgement, known, measurement.looks),
    )  # fmt: skip


@dataclass(frozen=True)
class _Measurement:
    """Measures looks of all environments, and keeps what each gave in `looks`."""

    found: Environments
    settings: Settings
    recipes: Mapping[str, Sequence[int]]
    begun: Journal
    looks: list[MeasuredLook]

    def first(self) -> dict[str, Look]:
        tasks = plan(
            measuring.suites_of(self.settings), self.settings.rounds, self.begun.order_seed("first"),
            list(self.found.made),
        )  # fmt: skip
        return self._look("first", tasks, dict.fromkeys(self.found.made, self.recipes), ())

    def again(self, metrics: Sequence[str], sides: Sequence[str], step: str) -> dict[str, Look]:
        """Twice as many fresh processes of what the metrics need, in these environments alone."""
        suites, only = measuring.needed(metrics, self.settings)
        suites = measuring.with_control(suites)
        tasks = plan(suites, SECOND_LOOK * self.settings.rounds, self.begun.order_seed(step), list(sides))
        seeds = measuring.other_seeds(self.recipes, measuring.suspected(metrics, self.recipes))
        return self._look(step, tasks, dict.fromkeys(sides, seeds), only)

    def _look(
        self, step: str, tasks: Sequence[Task], seeds: Mapping[str, Mapping[str, Sequence[int]]], only: Sequence[str]
    ) -> dict[str, Look]:
        processes = measuring.run_processes(tasks, self.found.made, self.begun, step, only)
        replicates = {side: self._replicates(side, chosen, step) for side, chosen in seeds.items()}
        taken = {side: Taken([p for p in processes if p.side == side], replicates[side][0]) for side in seeds}
        kept = {side: one.quality for side, one in taken.items() if one.quality}
        self.looks.append(MeasuredLook(step, self.begun.order_seed(step), list(only), processes, kept))
        found, last = {}, list(self.found.made)[-1]
        for side, one in taken.items():
            look = look_of(injected(one) if side == last else one, self.settings.estimate)
            found[side] = without_what_crashed(look, replicates[side][1] | dict(look.failures))
        return found

    def _replicates(
        self, side: str, seeds: Mapping[str, Sequence[int]], step: str
    ) -> tuple[list[Quality], dict[str, str]]:
        """A side's recipes one by one, so that one that cannot be run keeps none of the others; and why it cannot."""
        found: list[Quality] = []
        failed: dict[str, str] = {}
        for name, chosen in seeds.items():
            try:
                found += measuring.run_recipes(
                    self.found.made[side], self.settings, {name: chosen}, self.begun, f"{step}-{side}-{Path(name).stem}"
                )
            except MeasurementError as error:
                failed[Path(name).stem] = str(error).split("\n", 1)[0]
        return found, failed


def without_what_crashed(look: Look, crashed: Mapping[str, str]) -> Look:
    """The look without the times, peaks and replicates of files and recipes that crashed, and with why they did."""

    def kept(metric: str) -> bool:
        return metric.split("::", 1)[0] not in crashed

    quality = [one for one in look.quality if one.recipe not in crashed]
    return replace(look.of_metrics(kept), quality=quality, failures=dict(crashed))


def _stored(judgement: FamilyJudgement, sides: Sequence[str]) -> list[StoredPair]:
    place = {side: number for number, side in enumerate(sides)}

    def one(pair: PairOfSides) -> StoredPair:
        found = judgement.pairs[pair]
        rows = [stored_row(row) for row in found.rows]
        return StoredPair(place[pair.before], place[pair.now], rows, found.control_failed, dict(found.assumed))

    return [one(pair) for pair in judgement.pairs]


def notes_of(judgement: FamilyJudgement, known: Known, looks: Sequence[MeasuredLook]) -> list[str]:
    """What to know about the table beside its numbers."""
    processes: list[Process] = [process for look in looks for process in look.processes]
    notes, disturbed = [], sum(process.disturbed for process in processes)
    if disturbed:
        notes.append(
            f"{disturbed} of {len(processes)} processes were left out: the host took more than {MOST_STEAL:.0%} of the "
            "processor time."
        )
    failed = {one.control_failed: None for one in judgement.pairs.values() if one.control_failed}
    count = sum(bool(one.control_failed) for one in judgement.pairs.values())
    if failed:
        notes.append(
            f"A control failed in {count} of {len(judgement.pairs)} comparisons of two environments, in which no time "
            f"is called changed: {'; '.join(list(failed)[:3])}."
        )
    noise = sorted(value for one in judgement.pairs.values() for value in one.assumed.values())
    if injections():
        notes.append(f"INJECTED, for testing the gate: {', '.join(f'{p} {c}' for p, c in injections().items())}.")
    if noise:
        notes.append(
            f"{'This machine is' if not known.noise else 'Some of the metrics are'} not calibrated: a noise of "
            f"{100 * noise[0]:.1f} to {100 * noise[-1]:.1f} % is assumed, as much as what processes of one code scatter"
            " here may be, and nothing is called changed before a third look in fresh processes has seen it."
        )
    return notes


def announced(store: Store, asked: Asked, made: int, recipes: Mapping[str, Sequence[int]]) -> str:
    """What will be measured and how long it takes, in a sentence."""
    settings = asked.settings
    count = made * settings.rounds * len(measuring.suites_of(settings))
    seconds = seconds_of(store, asked, made, recipes)
    known = durations_known(store, asked) or not settings.benchmarks
    guess = f" (if a process takes {expectations.GUESSED_PROCESS_S:.0f} s, which nobody knows yet)"
    replicates = made * sum(map(len, recipes.values()))
    files = "1 benchmark file" if len(settings.benchmarks) == 1 else f"{len(settings.benchmarks)} benchmark files"
    more = f" and {replicates} replicates of {len(recipes)} recipes" if recipes else ""
    return (
        f"{count} processes ({settings.rounds} rounds of {files} and the control in "
        f"{made} environments, in mirrored blocks){more}: "
        f"about {expectations.in_words(seconds)}{'' if known else guess}; "
        "what looks changed is measured again afterwards, in the environments concerned."
    )


def seconds_of(store: Store, asked: Asked, made: int, recipes: Mapping[str, Sequence[int]]) -> float:
    """How long a first look takes: by what processes took on other occasions, else by a guess."""
    settings = asked.settings
    return made * expectations.expected_s(
        settings, settings.rounds, recipes, None, store, _processes_known(store, asked)
    )


def durations_known(store: Store, asked: Asked) -> dict[str, float]:
    """The mean seconds of a process of each file on earlier occasions, by file."""
    known = durations(_processes_known(store, asked))
    return {suite: seconds for suite, seconds in known.items() if suite in measuring.suites_of(asked.settings)}


def calibrated_here(store: Store, asked: Asked) -> bool:
    """Whether a calibration of this machine goes by the comparison's name."""
    return bool(calibrated(store, measuring.this_machine(), asked.name, asked.settings, beside=True).noise)


def _processes_known(store: Store, asked: Asked) -> list[Process]:
    """Processes of whole files: of the newest occasion of this comparison, else of the calibration or the baseline."""
    this = measuring.this_machine()
    found = read_comparison(comparison_path(store, this, asked.name))
    if found:
        return [process for process in found.newest.looks[0].processes if not process.error]
    calibration = read(calibration_path(store, this, asked.name), Calibration)
    baseline = read(baseline_path(store, this, asked.name), Baseline)
    occasions = [*(calibration.occasions[-1:] if calibration else []), *([baseline.measured] if baseline else [])]
    return [process for one in occasions for process in one.processes if not process.error]
