"""`reprise bisect`: measures what the search asks for, in environments that are made when they are needed.

What was measured is kept until the search has ended, so that one that was interrupted goes on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from keras_reprise.base import errors
from keras_reprise.base.errors import MeasurementError, NothingMeasuredError, UserError
from keras_reprise.gate import measuring
from keras_reprise.gate.baselines import calibrated
from keras_reprise.gate.bisection import (
    FOUND,
    INCONCLUSIVE_BETWEEN,
    LOOKS,
    NO_CHANGE,
    SKIPPED,
    UNCLEAR,
    LogSample,
    Search,
    Step,
    placed,
    search,
)
from keras_reprise.gate.change_points import labels_of
from keras_reprise.gate.environments import kept_folder, side_names, specs_of
from keras_reprise.gate.gating import judged
from keras_reprise.gate.injection import injections
from keras_reprise.gate.installations import Installation, Say, installation
from keras_reprise.gate.journal import Journal, journal
from keras_reprise.gate.judgement import Judgement
from keras_reprise.gate.looks import Known, Look, adjusted, failures, leaving_out, look_of
from keras_reprise.gate.measuring import Taken, needed
from keras_reprise.gate.processes import CONTROL, Process, plan
from keras_reprise.gate.rule import Row
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.sides import comparable
from keras_reprise.gate.stored import Software
from keras_reprise.store.store import Store

ENDS_TIMES = 2
"""Times as many processes as in a gate when two environments are compared by the full rule, since two such comparisons
have to see the change for it to be named."""


@dataclass(frozen=True)
class Bisected:
    """What a search found: its end, the rows of the full comparisons by step, and how much was measured."""

    words: Sequence[str]
    metric: str
    found: Search
    rows: Mapping[str, Row]
    processes: int
    notes: Sequence[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        return labels_of(self.words)

    @property
    def row(self) -> Row | None:
        """The row that says how large the change is: of the neighbours, where these were compared, else of the ends."""
        return self.rows.get("neighbours", self.rows.get("ends"))

    @property
    def exit_code(self) -> int:
        """1 found, 3 the ends do not differ, 5 inconclusive."""
        return {FOUND: errors.BROKEN, NO_CHANGE: errors.NOTHING_MEASURED}.get(self.found.outcome, errors.INCONCLUSIVE)


def bisect(store: Store, words: Sequence[str], metric: str, settings: Settings, name: str, say: Say) -> Bisected:
    """Search the environments, of which the first is good and the last bad, for the first that changed the metric.

    UserError for what cannot be searched; MeasurementError when an end crashes.
    """
    if len(words) < 2:
        raise UserError("A bisection needs two environments or more.\nName the good one first and the bad one last.")
    specs_of(words)
    metric, settings = of_one_file(metric, settings)
    with kept_folder(store, words, f"bisect {name} {metric}") as folder:
        begun = journal(store, "bisect", words, metric, name, settings, injections())
        begun.crashes_stay = True
        measurer = _Measurer(store, words, metric, settings, name, folder, begun, say)
        measurer.begin()
        found = search(len(words), measurer.changed, measurer.place)
    begun.forget()
    if found.outcome == NO_CHANGE and measurer.judgements["ends"].control_failed:
        found = Search(INCONCLUSIVE_BETWEEN, found.good, found.bad)
    return Bisected(words, metric, found, measurer.rows, len(measurer.processes), measurer.notes)


def of_one_file(metric: str, settings: Settings) -> tuple[str, Settings]:
    """The metric's full name, and the settings with its benchmark file alone and as many processes as are needed."""
    file, _, name = metric.partition("::")
    files = [one for one in settings.benchmarks if one == file or one.endswith(f"/{file}")]
    if not name or len(files) != 1:
        known = ", ".join(settings.benchmarks) or "none"
        raise UserError(
            f"{metric} is not a benchmark of one of the files {known}.\n"
            "Name it as the gate prints it, file::benchmark, or its file's peak memory as file::peak memory."
        )
    one = msgspec.structs.replace(settings, benchmarks=files, recipes=[], rounds=ENDS_TIMES * settings.rounds)
    return f"{files[0]}::{name}", one


@dataclass
class _Measurer:
    """Answers what a search asks by measuring it."""

    store: Store
    words: Sequence[str]
    metric: str
    settings: Settings
    name: str
    folder: Path
    begun: Journal
    say: Say
    made: dict[int, Installation] = field(default_factory=dict)
    software: dict[int, Software] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    judgements: dict[str, Judgement] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    direction: int = 1

    def begin(self) -> None:
        """Make both ends, and say what is to come."""
        for end in (0, len(self.words) - 1):
            if (why := self._make(end)) is not None:
                raise NothingMeasuredError(f"{self.words[end]} cannot be made: {why}\nBoth ends are needed.")
        ends = [self.software[0], self.software[len(self.words) - 1]]
        self.settings = comparable(self.settings, *ends)
        steps = math.ceil(math.log2(max(1, len(self.words) - 1)))
        self.say(
            f"{len(self.words)} environments, {self.words[0]} to {self.words[-1]}: first both ends in "
            f"{2 * self.settings.rounds} processes of {self.settings.benchmarks[0]} and as many of the control, then "
            f"about {steps} steps of {6 * LOOKS[0]} to {6 * LOOKS[-1]} processes, then the neighbours."
        )
        self.begun.begun_here = False

    @property
    def labels(self) -> list[str]:
        return labels_of(self.words)

    @property
    def only(self) -> Sequence[str]:
        """The benchmark alone; all of its file for a peak memory."""
        return needed([self.metric], self.settings)[1]

    @property
    def rows(self) -> dict[str, Row]:
        """The metric's row of each full comparison."""
        found = {step: [row for row in one.rows if row.metric == self.metric] for step, one in self.judgements.items()}
        return {step: mine[0] for step, mine in found.items() if mine}

    @property
    def notes(self) -> list[str]:
        said = [one.control_failed for one in self.judgements.values() if one.control_failed]
        notes = [f"A control failed: {why}. Run the command again." for why in said]
        if any(one.assumed for one in self.judgements.values()):
            notes.append(
                "This machine is not calibrated: nothing is called changed before a third look has seen it. "
                f"`reprise calibrate --name {self.name}` measures the noise."
            )
        return notes

    def _make(self, number: int) -> str | None:
        """Make an environment where it is not; why it cannot be, or None."""
        if number in self.made or number in self.failed:
            return self.failed.get(number)
        place = self.folder / side_names(len(self.words))[number]
        try:
            made = installation(specs_of([self.words[number]])[0], _emptied_of_commits(place), self.settings, self.say)
            self.software[number], self.made[number] = measuring.software(made), made
        except (NothingMeasuredError, MeasurementError) as error:
            self.failed[number] = str(error).split("\n", 1)[0]
        return self.failed.get(number)

    def changed(self, good: int, bad: int, step: str) -> bool:
        """Compare two environments by the full rule, in fresh processes."""
        sides = {"a": self.made[good], "b": self.made[bad]}
        self.say(f"Comparing {self.labels[good]} with {self.labels[bad]}.")

        def looks(found: Mapping[str, Taken]) -> tuple[Look, Look]:
            self.processes += [process for one in found.values() for process in one.processes]
            crashed = {words: failures(found[side].processes) for side, words in zip("ab", (good, bad), strict=True)}
            for number, why in crashed.items():
                if why:
                    raise MeasurementError(f"{self.words[number]}: {next(iter(why.values()))}.\nBoth ends must run.")
            return self._alone(look_of(found["a"], self.settings.estimate)), self._alone(
                look_of(found["b"], self.settings.estimate)
            )

        def again(suspects: Sequence[str], look: str) -> tuple[Look, Look]:
            return looks(measuring.again(suspects, sides, self.settings, {}, self.begun, f"{step}-{look}"))

        tasks = plan(measuring.suites_of(self.settings), self.settings.rounds, self.begun.order_seed(step), list(sides))
        first = looks(measuring.taken(sides, tasks, self.settings, {}, self.begun, step=step, only=self.only))
        if any(self.metric not in look.costs for look in first):
            there = (
                ", ".join(sorted(name for name in first[0].costs if not name.startswith(f"{CONTROL}::"))) or "nothing"
            )
            raise MeasurementError(f"{self.metric} was not measured at an end; there is {there}.\nGive its name.")
        self.judgements[step] = judged(first, again, self.settings, self._known(), self.say)
        row = self.rows[step]
        if step == "ends":
            self.direction = 1 if row.change > 0 else -1
        return row.suspect and (row.change > 0) == (self.direction > 0)

    def place(self, good: int, bad: int, middle: int, level: float) -> Step:
        """Measure a middle beside both ends until it can be told to which one it belongs."""
        label = self.labels[middle]
        if (why := self._make(middle)) is not None:
            self.say(f"{label} is skipped: {why}")
            return Step(middle, SKIPPED, why=why)
        sides = {"good": self.made[good], "bad": self.made[bad], "middle": self.made[middle]}
        step, suite = f"{good}-{bad}-{middle}", self.settings.benchmarks[0]
        tasks = plan([suite], 2 * LOOKS[-1], self.begun.order_seed(step), list(sides))
        self.say(f"Measuring {label} beside {self.labels[good]} and {self.labels[bad]}.")
        found: list[Process] = []
        result = Step(middle, UNCLEAR)
        for blocks in LOOKS:
            due = [task for task in tasks if task.round < 2 * blocks]
            found = measuring.run_processes(due, sides, self.begun, step, self.only)
            self.begun.begun_here = True
            crashed = {process.side: process.error for process in found if process.error}
            if "middle" in crashed:
                self.say(f"{label} is skipped: {crashed['middle']}")
                result = Step(middle, SKIPPED, why=crashed["middle"] or "")
                break
            if crashed:
                raise MeasurementError(f"An end of the search crashed: {next(iter(crashed.values()))}.\nRun it again.")
            outcome, position = placed(*self._samples(found), self.direction, level)
            result = Step(middle, outcome, blocks, position)
            if outcome != UNCLEAR:
                self.say(f"{label} is like {self.labels[good if outcome == 'good' else bad]} ({blocks} blocks).")
                break
        self.processes += found
        return result

    def _samples(self, found: Sequence[Process]) -> tuple[LogSample, LogSample, LogSample]:
        """The estimates of both ends and of the middle, at one speed of the machine."""
        mine = [[one for one in found if one.side == side] for side in ("good", "bad", "middle")]
        looks = [self._alone(look_of(Taken(one, []), self.settings.estimate)) for one in mine]
        costs = adjusted(looks, looks)
        empty = np.array([])
        samples = [
            LogSample(np.log(cost.get(self.metric, empty)), look.blocks.get(self.metric, empty))
            for cost, look in zip(costs, looks, strict=True)
        ]
        return samples[0], samples[1], samples[2]

    def _alone(self, look: Look) -> Look:
        """The look with the metric and the control alone."""
        others = [name for name in look.costs if name != self.metric and not name.startswith(f"{CONTROL}::")]
        return leaving_out(look, others)

    def _known(self) -> Known:
        return calibrated(self.store, measuring.this_machine(), self.name, self.settings, beside=True)


def _emptied_of_commits(place: Path) -> Path:
    """The folder of an environment without the files of a commit that an earlier command wrote there."""
    import shutil

    shutil.rmtree(place / "commit", ignore_errors=True)
    return place
