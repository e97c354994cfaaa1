"""What answers the questions of `reprise bisect`: environments made when they are needed, and looks at one metric.

`Times` measures a benchmark's time or a file's peak memory, in mirrored blocks of processes; qualities have a file of
their own.
"""

import math
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_reprise.base.errors import MeasurementError, NothingMeasuredError
from keras_reprise.gate import measuring
from keras_reprise.gate.baselines import calibrated
from keras_reprise.gate.bisection import LOOKS, SKIPPED, UNCLEAR, LogSample, Step, above, placed
from keras_reprise.gate.change_points import labels_of
from keras_reprise.gate.environments import side_names, specs_of
from keras_reprise.gate.gating import judged
from keras_reprise.gate.installations import Installation, Say, installation
from keras_reprise.gate.journal import Journal
from keras_reprise.gate.judgement import Judgement
from keras_reprise.gate.looks import Known, Look, adjusted, failures, leaving_out, look_of
from keras_reprise.gate.measuring import Taken, needed
from keras_reprise.gate.processes import CONTROL, Process, plan
from keras_reprise.gate.rule import Row
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.sides import comparable
from keras_reprise.gate.stored import Software
from keras_reprise.store.store import Store


@dataclass
class Measurer(ABC):
    """Answers what a search asks by measuring it; each kind of metric says how."""

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
    direction: int = 1
    processes: int = 0
    replicates: int = 0

    @abstractmethod
    def announced(self, steps: int) -> str:
        """What will be measured if so many steps are needed."""

    @abstractmethod
    def look(self, good: int, bad: int, step: str) -> tuple[Look, Look]:
        """A look of fresh processes or replicates at two environments; MeasurementError if one crashes."""

    @abstractmethod
    def place(self, good: int, bad: int, middle: int, level: float) -> Step:
        """Measure a middle beside both ends until it can be told to which one it belongs."""

    @property
    def known(self) -> Known:
        """What is known of the noise."""
        return Known(beside=True)

    def begin(self) -> None:
        """Make both ends, and say what is to come."""
        for end in (0, len(self.words) - 1):
            if (why := self.make(end)) is not None:
                raise NothingMeasuredError(f"{self.words[end]} cannot be made: {why}\nBoth ends are needed.")
        steps = math.ceil(math.log2(max(1, len(self.words) - 1)))
        ends = f"{len(self.words)} environments, {self.words[0]} to {self.words[-1]}"
        self.say(f"{ends}: first both ends in {self.announced(steps)}, then the neighbours.")
        self.begun.begun_here = False

    def changed(self, good: int, bad: int, step: str) -> bool:
        """Compare two environments by the full rule, in fresh processes."""
        self.say(f"Comparing {self.labels[good]} with {self.labels[bad]}.")

        def again(_: Sequence[str], look: str) -> tuple[Look, Look]:
            return self.look(good, bad, f"{step}-{look}")

        first = self.look(good, bad, step)
        self.judgements[step] = judged(first, again, self.settings, self.known, self.say)
        row = self.rows.get(step)
        if row is None:
            raise MeasurementError(f"{self.metric} cannot be compared: {self._why_not(step)}.\nBoth ends must have it.")
        if step == "ends":
            self.direction = 1 if row.change > 0 else -1
        return row.suspect and (row.change > 0) == (self.direction > 0)

    def _why_not(self, step: str) -> str:
        return "; ".join(f"{row.metric} {row.why}" for row in self.judgements[step].rows) or "it was not measured"

    @property
    def labels(self) -> list[str]:
        return labels_of(self.words)

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

    def make(self, number: int) -> str | None:
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

    def skipped(self, middle: int, why: str) -> Step:
        """The step of a middle that cannot be measured."""
        self.say(f"{self.labels[middle]} is skipped: {why}")
        return Step(middle, SKIPPED, why=why)

    def told(self, step: Step, good: int, bad: int, many: str) -> Step:
        """The step, after a line that says which end its middle is like, if that is known."""
        if step.outcome != UNCLEAR:
            like = self.labels[good if step.outcome == "good" else bad]
            self.say(f"{self.labels[step.middle]} is like {like} ({step.blocks} {many}).")
        return step


class Times(Measurer):
    """The time of a benchmark, or the peak memory of a file, in mirrored blocks of processes."""

    def announced(self, steps: int) -> str:
        return (
            f"{2 * self.settings.rounds} processes of {self.settings.benchmarks[0]} and as many of the control, then "
            f"about {steps} steps of {6 * LOOKS[0]} to {6 * LOOKS[-1]} processes"
        )

    def begin(self) -> None:
        super().begin()
        self.settings = comparable(self.settings, self.software[0], self.software[len(self.words) - 1])

    @property
    def known(self) -> Known:
        return calibrated(self.store, measuring.this_machine(), self.name, self.settings, beside=True)

    @property
    def only(self) -> Sequence[str]:
        """The benchmark alone; all of its file for a peak memory."""
        return needed([self.metric], self.settings)[1]

    def look(self, good: int, bad: int, step: str) -> tuple[Look, Look]:
        sides = {"a": self.made[good], "b": self.made[bad]}
        if step in ("ends", "neighbours"):
            suites, rounds = measuring.suites_of(self.settings), self.settings.rounds
            tasks = plan(suites, rounds, self.begun.order_seed(step), list(sides))
            found = measuring.taken(sides, tasks, self.settings, {}, self.begun, step=step, only=self.only)
        else:
            found = measuring.again([self.metric], sides, self.settings, {}, self.begun, step)
        self.processes += sum(len(one.processes) for one in found.values())
        for side, number in zip("ab", (good, bad), strict=True):
            if why := failures(found[side].processes):
                raise MeasurementError(f"{self.words[number]}: {next(iter(why.values()))}.\nBoth ends must run.")
        looks = [look_of(found[side], self.settings.estimate) for side in "ab"]
        if any(self.metric not in look.costs for look in looks):
            names = sorted(name for name in looks[0].costs if not name.startswith(f"{CONTROL}::"))
            there = ", ".join(names) or "nothing"
            raise MeasurementError(f"{self.metric} was not measured at an end; there is {there}.\nGive its name.")
        return self._alone(looks[0]), self._alone(looks[1])

    def place(self, good: int, bad: int, middle: int, level: float) -> Step:
        label = self.labels[middle]
        if (why := self.make(middle)) is not None:
            return self.skipped(middle, why)
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
                result = self.skipped(middle, crashed["middle"] or "")
                break
            if crashed:
                raise MeasurementError(f"An end of the search crashed: {next(iter(crashed.values()))}.\nRun it again.")
            low, high, mine = self._samples(found)
            if not len(mine.logs) and any(one.side == "middle" and not one.disturbed for one in found):
                result = self.skipped(middle, self._not_run(found))
                break
            outcome, position = placed(above(low, mine, self.direction), above(mine, high, self.direction), level)
            result = Step(middle, outcome, blocks, position)
            if outcome != UNCLEAR:
                self.told(result, good, bad, "blocks")
                break
        self.processes += len(found)
        return result

    def _not_run(self, found: Sequence[Process]) -> str:
        """Why the metric has no number in a middle that ran."""
        said = (one.remarks.get(self.metric) for one in found if one.side == "middle")
        return next(filter(None, said), f"{self.metric} was not measured there")

    def _samples(self, found: Sequence[Process]) -> tuple[LogSample, LogSample, LogSample]:
        """The estimates of both ends and of the middle, at one speed of the machine."""
        mine = [[one for one in found if one.side == side] for side in ("good", "bad", "middle")]
        looks = [self._alone(look_of(Taken(one, []), self.settings.estimate)) for one in mine]
        costs = adjusted(looks, looks, self.known.by_fastest)
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


def _emptied_of_commits(place: Path) -> Path:
    """The folder of an environment without the files of a commit that an earlier command wrote there."""
    shutil.rmtree(place / "commit", ignore_errors=True)
    return place
