"""The pages of the gate: baselines and calibrations of each machine, and one page for each comparison of environments.

They are made of what lies in the store for git; what its cache holds of finished gates is not theirs.
"""

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from keras_reprise.base.errors import UserError, printable
from keras_reprise.base.files import write_atomically
from keras_reprise.gate import overviews
from keras_reprise.gate.baselines import calibrated
from keras_reprise.gate.change_points import ChangePoint, Overview
from keras_reprise.gate.comparisons import MeasuredLook, comparison_files, read_comparison
from keras_reprise.gate.explanations import Explanation, Explanations, explanations
from keras_reprise.gate.looks import Known
from keras_reprise.gate.present import amount, change, noise_in_words, short_names
from keras_reprise.gate.processes import CONTROL
from keras_reprise.gate.rule import Row
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import (
    Baseline,
    Calibration,
    Occasion,
    Software,
    baseline_path,
    calibration_path,
    read,
    samples,
)
from keras_reprise.report.site.drawing import DRAWING
from keras_reprise.store.store import Store

TOLD_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy")
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


@dataclass(frozen=True)
class GateBaseline:
    """What lies in the store of one baseline on one machine: the baseline itself, its calibration, or both.

    `known` is what it says of gates in turns and of those against stored numbers.
    """

    machine: str
    name: str
    baseline: Baseline | None
    calibration: Calibration | None
    known: tuple[Known, Known]
    fault: str = ""

    @property
    def key(self) -> str:
        return f"{self.machine}-{self.name}"

    @property
    def measured(self) -> Occasion | None:
        """The newest of what was measured: the baseline, else the last occasion of calibration."""
        if self.baseline:
            return self.baseline.measured
        return self.calibration.occasions[-1] if self.calibration and self.calibration.occasions else None

    @property
    def software(self) -> str:
        return software_in_words(self.measured.software) if self.measured else ""

    @cached_property
    def rows(self) -> list[list[str]]:
        """Metric, how many processes, the median, and both noises, of all that is no control."""
        if self.measured is None:
            return []
        values = samples(self.measured.processes, "median")
        metrics = [metric for metric in values if not metric.startswith(f"{CONTROL}::")]
        names = short_names(metrics)
        return [
            [
                names[metric], str(len(values[metric])),
                amount(Row(metric, ratio=True), float(np.median(values[metric]))),
                *(noise_in_words(one, metric) for one in self.known),
            ]
            for metric in metrics
        ]  # fmt: skip

    @property
    def occasions(self) -> list[str]:
        """When it was calibrated, and with how many processes each time."""
        found = self.calibration.occasions if self.calibration else []
        return [
            f"{min(p.started_at for p in one.processes)[:16].replace('T', ' ')} UTC ({len(one.processes)} processes)"
            for one in found
            if one.processes
        ]


@dataclass(frozen=True)
class ComparisonPage:
    """One stored comparison of many environments, with a figure for each metric."""

    found: Overview
    figures: tuple[tuple[str, str], ...]  # metric and file

    @property
    def machine(self) -> str:
        return self.found.comparison.machine

    @property
    def name(self) -> str:
        return self.found.comparison.name

    @property
    def stem(self) -> str:
        return stem_of(self.machine, self.name)

    @property
    def answer(self) -> str:
        return overviews.answer(self.found)

    @property
    def legend(self) -> str:
        return overviews.LEGEND

    @cached_property
    def rows(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Each metric's name, and its cells with their verdicts."""
        names = short_names(self.found.metrics)
        found = []
        for metric in self.found.metrics:
            against = [self.found.against_reference(metric, n) for n in range(len(self.found.labels))]
            verdicts = [row.verdict if row else "" for row in against]
            found.append((names[metric], list(zip(overviews.cells(self.found, metric), verdicts, strict=True))))
        return found

    @cached_property
    def points(self) -> list[list[str]]:
        """The change points that every occasion saw: metric, from, to, change, interval, p, occasions, what else
        changed, and the verdict."""
        return self._points(always=True)

    @cached_property
    def rarer(self) -> list[list[str]]:
        """The same of those that some occasions saw."""
        return self._points(always=False)

    @property
    def why_rarer(self) -> str:
        return overviews.RARER

    def _points(self, *, always: bool) -> list[list[str]]:
        names = short_names(self.found.metrics)
        points = [one for one in self.found.change_points if one.always == always]
        return [[names.get(one.row.metric, one.row.metric), *self._point(one)] for one in points]

    def _point(self, one: ChangePoint) -> list[str]:
        row, labels = one.row, self.found.labels
        p = f"{row.p_adjusted:.2g}" if row.p_adjusted >= 1e-4 else "< 0.0001"
        interval = f"{change(row, row.low)} to {change(row, row.high)}"
        more = " …" if len(one.changed) > overviews.MOST_TOLD else ""
        changed = ", ".join(one.changed[: overviews.MOST_TOLD]) + more
        ends = [labels[one.before], labels[one.now]]
        return [*ends, change(row, row.change), interval, p, one.verified, changed, row.verdict]

    @cached_property
    def explained(self) -> list[tuple[Explanation, list[str]]]:
        """What the public record says, each with the metrics and steps that it explains."""
        names, labels, found = short_names(self.found.metrics), self.found.labels, dict[Explanation, list[str]]()
        for point in self.found.change_points:
            name = names.get(point.row.metric, point.row.metric)
            for one in point.explained:
                found.setdefault(one, []).append(f"{name}, {labels[point.before]} to {labels[point.now]}")
        return list(found.items())

    @property
    def title(self) -> str:
        return self.found.occasion.settings.title or f"{self.name}: {len(self.found.labels)} environments compared"

    @cached_property
    def overheads(self) -> list[tuple[str, str, list[str]]]:
        """A benchmark, the one that it is told over, and how many times as long it takes in each environment."""
        names = short_names(self.found.metrics)
        return [
            (names[o.metric], names[o.base], [f"{ratio:.2f}" if ratio else "–" for ratio in o.ratios])
            for o in self.found.overheads
        ]

    @property
    def notes(self) -> list[str]:
        return [*overviews.failures(self.found), *self.found.occasion.notes]

    @property
    def occasions(self) -> list[str]:
        """Each occasion: when, how many processes and replicates in which looks, and the state of the code."""
        said = []
        for one in self.found.comparison.occasions:
            looks = ", ".join(f"{_counted(look)} {look.step}" for look in one.looks)
            ends = [at[:16].replace("T", " ") for at in (one.started_at, one.finished_at)]
            code = f", code {one.code.git_commit[:10]}" if one.code.git_commit else ""
            said.append(f"{ends[0]} to {ends[1]} UTC: {looks}{code}")
        return said

    @property
    def environments(self) -> list[tuple[str, str]]:
        """Each environment in words, and what was installed in it on the newest occasion."""
        pairs = zip(self.found.comparison.words, self.found.occasion.environments, strict=True)
        return [(words, software_in_words(one.software) if one.software else "not made") for words, one in pairs]

    @property
    def command(self) -> str:
        """The command that measures it once more."""
        one, settings = self.found.comparison, self.found.occasion.settings
        words = ["reprise", "gate"]
        words += [part for file in settings.benchmarks for part in ("--benchmarks", file)]
        words += [part for recipe in settings.recipes for part in ("--recipe", recipe)]
        words += ["--rounds", str(settings.rounds), "--between", *one.words]
        words += ["--reference", one.words[one.reference]] if one.reference else []
        return shlex.join([*words, "--name", one.name, "--occasion"])

    @property
    def markdown(self) -> str:
        return overviews.markdown(self.found)


@dataclass(frozen=True)
class GatePages:
    """All that the store holds for the gate; `faults` say which files cannot be read."""

    baselines: tuple[GateBaseline, ...] = ()
    comparisons: tuple[ComparisonPage, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def machines(self) -> list[str]:
        return sorted({one.machine for one in self.baselines})


def stem_of(machine: str, name: str) -> str:
    """The name of a comparison's page, whatever its own name is."""
    plain = name if PLAIN.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"comparison-{machine[:8]}-{plain}"


def _counted(look: MeasuredLook) -> str:
    """What a look measured."""
    replicates = sum(len(one.seeds) + one.failed for side in look.quality.values() for one in side)
    counts = {"processes": len(look.processes), "replicates": replicates}
    return " and ".join(f"{count} {what}" for what, count in counts.items() if count)


def software_in_words(software: Software) -> str:
    """Python, the packages that matter for training, and the variables that were set."""
    packages = [f"{name} {software.packages[name]}" for name in TOLD_PACKAGES if name in software.packages]
    variables = [f"{name}={value}" for name, value in sorted(software.variables.items())]
    return ", ".join([f"Python {software.python}", *packages, *variables])


def gate_pages(store: Store, folder: Path) -> GatePages:
    """What the pages of the gate show; figures that changed are drawn into `folder`."""
    comparisons, faults, known = [], [], Explanations()
    try:
        known = explanations(store)
    except UserError as error:
        faults.append(printable(str(error).split("\n")[0]))
    for path in comparison_files(store.root):
        try:
            one = read_comparison(path)
        except UserError as error:
            faults.append(printable(str(error).split("\n")[0]))
            continue
        if one is not None:
            found = Overview(one, known)
            comparisons.append(ComparisonPage(found, tuple(_drawn(found, folder))))
    return GatePages(tuple(_baselines(store)), tuple(comparisons), tuple(faults))


def _baselines(store: Store) -> list[GateBaseline]:
    """One for each name on each machine."""
    top = store.root / "baselines"
    paths = [] if top.is_symlink() else sorted(top.glob("*/*.json"))
    named = sorted({(path.parent.name, path.name.removesuffix(".json").removesuffix(".calibration")) for path in paths})
    found = []
    for machine, name in named:
        try:
            baseline = read(baseline_path(store, machine, name), Baseline)
            calibration = read(calibration_path(store, machine, name), Calibration)
            settings = Settings()
            known = (
                calibrated(store, machine, name, settings, beside=True),
                calibrated(store, machine, name, settings, beside=False),
            )
            found.append(GateBaseline(machine, name, baseline, calibration, known))
        except UserError as error:
            found.append(
                GateBaseline(machine, name, None, None, (Known(), Known()), printable(str(error).split("\n")[0]))
            )
    return found


def _drawn(found: Overview, folder: Path) -> list[tuple[str, str]]:
    """A figure for each metric that the reference has; the file's last line says what it shows."""
    one = found.comparison
    stem = stem_of(one.machine, one.name)
    metrics = [metric for metric in found.metrics if found.amount_of_reference(metric) is not None]
    files: list[tuple[str, str]] = []
    for number, metric in enumerate(metrics, 1):
        shown = hashlib.sha256(repr(_shown(found, metric)).encode()).hexdigest()
        line = f"<!-- keras-reprise {DRAWING} {shown} -->".encode()
        file = f"figures/{stem}-{number}.svg"
        path = folder / file
        if not (path.is_file() and path.read_bytes().rstrip().endswith(line)):
            from keras_reprise.report.comparison_figure import draw_comparison

            write_atomically(path, draw_comparison(found, only=metric) + line + b"\n")
        files.append((metric, file))
    return files


def _shown(found: Overview, metric: str) -> Sequence[object]:
    """All that the figure of a metric is drawn from."""
    numbers = range(len(found.labels))
    rows = [found.against_reference(metric, number) for number in numbers]
    points = [(one.before, one.now, one.row) for one in found.change_points if one.row.metric == metric]
    failed = [found.failed(number, metric) for number in numbers]
    return found.labels, found.comparison.reference, metric, rows, points, failed
