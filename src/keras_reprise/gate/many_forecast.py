"""What a comparison of many environments would measure, how long that takes, and what it needs on the disk."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keras_reprise.base.progress import format_seconds
from keras_reprise.gate import expectations, measuring, processes, quality
from keras_reprise.gate.design import SECOND_LOOK
from keras_reprise.gate.environments import bytes_needed
from keras_reprise.gate.expectations import in_words
from keras_reprise.gate.installations import parse
from keras_reprise.gate.journal import Journal
from keras_reprise.gate.many import Asked, calibrated_here, durations_known, known_comparison
from keras_reprise.gate.measuring import suites_of
from keras_reprise.gate.processes import CONTROL, Task
from keras_reprise.store.store import Store

MAKING_S = 30.0  # of a virtual environment with a package that has a wheel


@dataclass(frozen=True)
class ManyForecast:
    """A comparison before it is measured; `process_s` are the seconds of a process by file, where known."""

    asked: Asked
    process_s: Mapping[str, float]
    seeds: Mapping[str, Sequence[int]]
    first_s: float
    calibrated: bool
    occasions: Sequence[str]
    disk: int
    unknown: Sequence[str]
    free: int

    @property
    def processes(self) -> int:
        return len(self.asked.words) * self.asked.settings.rounds * len(suites_of(self.asked.settings))

    @property
    def making(self) -> int:
        """Environments that have to be made."""
        return sum(bool(parse(words).requirements) for words in self.asked.words)

    @property
    def seconds(self) -> float:
        return self.first_s + MAKING_S * self.making

    @property
    def at_most_s(self) -> float:
        looks = SECOND_LOOK * (1 if self.calibrated else 2)
        return self.seconds + looks * self.first_s

    @cached_property
    def text(self) -> str:
        """The plan for a person."""
        settings, words = self.asked.settings, self.asked.words
        lines = [f"{len(words)} environments, against {words[self.asked.reference]} and each against the one before:"]
        lines += [f"  {one}" for one in words]
        for file in suites_of(settings):
            each = f", {format_seconds(self.process_s[file])} each" if file in self.process_s else ""
            name = "the gate's own fixed work" if file == CONTROL else file
            count = len(words) * settings.rounds
            lines.append(f"{name}: {settings.rounds} rounds in mirrored blocks, {count} processes{each}")
        for name, seeds in self.seeds.items():
            lines.append(f"{name}: {len(seeds)} replicates in each, seeds {seeds[0]} to {seeds[-1]}")
        made = f"{self.making} environments to be made (about {in_words(MAKING_S * self.making)}), then "
        making = made if self.making else ""
        lines.append(
            f"{making}about {in_words(self.first_s)}; at most {in_words(self.at_most_s)} in all if everything looks "
            "changed. One that is interrupted goes on."
        )
        if self.making:
            unknown = f", and {', '.join(self.unknown)} and what these bring along" if self.unknown else ""
            lines.append(
                f"Disk: about {self.disk / 2**20:,.0f} MiB{unknown}, until it has ended; "
                f"{self.free / 2**30:,.1f} GiB are free."
            )
        if self.occasions:
            lines.append(f"Measured already on {', '.join(self.occasions)}; --occasion adds another one.")
        if not self.calibrated:
            lines.append(
                "This machine is not calibrated for it, so that a third look settles what changed; "
                f"`reprise calibrate --name {self.asked.name}` measures the noise."
            )
        return "\n".join(lines)

    @property
    def facts(self) -> dict[str, object]:
        """The plan in JSON's types."""
        return {
            "command": "gate --between",
            "name": self.asked.name,
            "environments": list(self.asked.words),
            "reference": self.asked.reference,
            "files": {name: self.process_s.get(name) for name in suites_of(self.asked.settings)},
            "rounds": self.asked.settings.rounds,
            "processes": self.processes,
            "recipes": {name: list(seeds) for name, seeds in self.seeds.items()},
            "to_be_made": self.making,
            "seconds": self.seconds,
            "seconds_at_most": self.at_most_s,
            "disk_bytes": self.disk,
            "disk_unknown": list(self.unknown),
            "calibrated": self.calibrated,
            "occasions": list(self.occasions),
        }


def forecast(store: Store, asked: Asked) -> ManyForecast:
    """What would be measured; a process of each file whose time is not known runs in the environment of here."""
    known, settings = known_comparison(store, asked), asked.settings
    seeds = measuring.seeds_of(quality.chosen(settings), settings, {})
    durations = durations_known(store, asked)
    missing = [suite for suite in suites_of(settings) if suite not in durations]
    if missing:
        here = {"now": measuring.here(settings)}
        tried = measuring.run_processes([Task(suite, "now", 0) for suite in missing], here, Journal(), "plan")
        durations |= processes.durations([one for one in tried if not one.error])
    count = len(asked.words)
    each = sum(settings.rounds * durations.get(suite, expectations.GUESSED_PROCESS_S) for suite in suites_of(settings))
    empty = settings.__class__(recipes=settings.recipes, skip=settings.skip, scale=settings.scale, data=settings.data)
    replicates = expectations.expected_s(empty, 0, seeds, None, store) if seeds else 0.0
    disk, unknown = bytes_needed(asked.words)
    occasions = [one.finished_at[:10] for one in known.occasions] if known else []
    free = shutil.disk_usage(store.root if store.root.is_dir() else Path.cwd()).free
    return ManyForecast(
        asked,
        durations,
        seeds,
        count * (each + replicates),
        calibrated_here(store, asked),
        occasions,
        disk,
        unknown,
        free,
    )
