"""`reprise bisect`: measures what the search asks for, in environments that are made when they are needed.

What was measured is kept until the search has ended, so that one that was interrupted goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from keras_reprise.base import errors
from keras_reprise.base.errors import UserError
from keras_reprise.base.git import git
from keras_reprise.gate import measuring, quality
from keras_reprise.gate.bisection import ENDS_TIMES, FOUND, INCONCLUSIVE_BETWEEN, NO_CHANGE, Search, search
from keras_reprise.gate.change_points import labels_of
from keras_reprise.gate.environments import kept_folder, specs_of
from keras_reprise.gate.injection import injections
from keras_reprise.gate.installations import Say
from keras_reprise.gate.journal import journal
from keras_reprise.gate.measurers import Measurer, Times
from keras_reprise.gate.quality_measurer import Qualities
from keras_reprise.gate.rule import Row
from keras_reprise.gate.settings import Settings
from keras_reprise.store.store import Store


@dataclass(frozen=True)
class Bisected:
    """What a search found: its end, the rows of the full comparisons by step, and how much was measured."""

    words: Sequence[str]
    metric: str
    found: Search
    rows: Mapping[str, Row]
    processes: int
    replicates: int
    notes: Sequence[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        return labels_of(self.words)

    @property
    def measured(self) -> str:
        """How much was measured, in words."""
        return f"{self.replicates} replicates" if self.replicates else f"{self.processes} processes"

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
    specs = specs_of(words)
    metric, settings, kind = searched(metric, settings)
    commits = [git(Path.cwd(), "rev-parse", f"{one.commit}^{{commit}}") for one in specs if one.commit]
    here = measuring.software(measuring.here(settings))
    with kept_folder(store, words, f"bisect {name} {metric}") as folder:
        begun = journal(store, "bisect", words, commits, here, metric, name, settings, injections())
        begun.crashes_stay = ("middle",)
        measurer = kind(store, words, metric, settings, name, folder, begun, say)
        measurer.begin()
        found = search(len(words), measurer.changed, measurer.place)
    begun.forget()
    if found.outcome == NO_CHANGE and measurer.judgements["ends"].control_failed:
        found = Search(INCONCLUSIVE_BETWEEN, found.good, found.bad)
    return Bisected(words, metric, found, measurer.rows, measurer.processes, measurer.replicates, measurer.notes)


def searched(metric: str, settings: Settings) -> tuple[str, Settings, type[Measurer]]:
    """The metric's full name, the settings of its file or recipe alone with as much as is needed, and what measures it.

    UserError when neither a benchmark file nor a recipe of the settings has it.
    """
    file, _, name = metric.partition("::")
    files = [one for one in settings.benchmarks if one == file or one.endswith(f"/{file}")]
    recipes = [one for one in quality.chosen(settings) if Path(one).stem == metric.split("/", 1)[0]]
    if name and len(files) == 1:
        rounds = ENDS_TIMES * settings.rounds
        one = msgspec.structs.replace(settings, benchmarks=files, recipes=[], rounds=rounds)
        return f"{files[0]}::{name}", one, Times
    if metric.count("/") == 2 and len(recipes) == 1:
        return metric, msgspec.structs.replace(settings, benchmarks=[], recipes=recipes), Qualities
    known = ", ".join([*settings.benchmarks, *settings.recipes]) or "none"
    raise UserError(
        f"{metric} is of none of the benchmark files and recipes of the settings ({known}).\n"
        "Name it as the gate prints it: file::benchmark, file::peak memory, or recipe/arm/metric."
    )
