"""Comparing JSON files of pytest-benchmark, each of which counts as one process, and the machines that they name."""

import contextlib
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from keras_reprise.base.errors import NothingMeasuredError, UserError, printable
from keras_reprise.base.machine import machine_facts
from keras_reprise.gate import measuring
from keras_reprise.gate.baselines import calibrated
from keras_reprise.gate.gating import Outcome, with_others
from keras_reprise.gate.judgement import Judgement, first_look, without
from keras_reprise.gate.looks import Known, Look, leaving_out, look_of
from keras_reprise.gate.processes import read_benchmarks
from keras_reprise.gate.rule import INCOMPARABLE, unsettled
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import Baseline, require_baseline
from keras_reprise.store.store import Store

Facts = Mapping[str, str]

# What is the same in every run on one machine, and where pytest-benchmark has it. Clock rates, loads, kernels and host
# names are not: a container has another name every time.
PLACES = {
    "CPU": ("cpu", "brand_raw"),
    "cores": ("cpu", "count"),
    "architecture": ("machine",),
    "system": ("system",),
    "Python": ("python_version",),
    "implementation": ("python_implementation",),
}


def imported(
    store: Store, settings: Settings, name: str, before: Sequence[Path], now: Sequence[Path], *, across: bool = False
) -> Outcome:
    """Compare the files `now` with those of `before`, or with the baseline where there are none.

    Files of different machines or Pythons are incomparable, unless they are to be compared `across` them. UserError
    when one side holds files of several.
    """
    before, now, twice = _each_once(before, now)
    this = measuring.this_machine()
    estimate = "fastest" if settings.estimate == "fastest" else "median"  # files say nothing of the machine's speed
    settings = msgspec.structs.replace(settings, estimate=estimate)
    new, here = _look(now, estimate), machine_of(now)
    if before:
        old, there, known = _look(before, estimate), machine_of(before), Known()
    else:
        baseline = require_baseline(store, this, name)
        old, there = look_of(baseline.measured, estimate), _of_baseline(baseline)
        known = calibrated(store, this, name, settings)
    if not new.costs:
        raise NothingMeasuredError("The files hold no benchmark.\nMake them with `pytest --benchmark-json=FILE`.")
    notes = [*twice, "Nothing could be measured again: what looks changed rests on these files alone."]
    differ = [fact for fact in PLACES if fact in here and fact in there and here[fact] != there[fact]]
    if differ:
        said = _elsewhere(differ, there, here, across)
        notes = [said, *notes] if across else [said]
    elif not {*here} & {*there}:
        notes.append("The files of a side do not name their machine, so that both are of one was not checked.")
    if differ and not across:
        judgement = Judgement([without(metric, INCOMPARABLE, "another machine or Python") for metric in new.costs])
    else:
        others = _other_parameters(before, now)
        if not before:  # a baseline has more than the files were made for
            old = Look({metric: values for metric, values in old.costs.items() if metric in new.costs})
        judgement = first_look(leaving_out(old, others), leaving_out(new, others), settings, known, final=True)
        if judgement.control_failed:
            judgement = replace(judgement, rows=unsettled(judgement.rows, judgement.control_failed))
        judgement = with_others(judgement, others)
    changed = [f"{fact} {there[fact]} -> {here[fact]}" for fact in differ]
    was = f"before ({len(before)} files)" if before else f"baseline {name!r}"
    return Outcome(judgement, was, f"now ({len(now)} files)", changed, notes, this)


def _each_once(before: Sequence[Path], now: Sequence[Path]) -> tuple[list[Path], list[Path], list[str]]:
    """The files of both sides without those that hold what another of their side holds; and what is to be said of it.

    Their processes would count twice, and make a chance look like a finding.
    """
    kept: list[dict[str, Path]] = [{}, {}]
    said = []
    for side, paths in zip(kept, (before, now), strict=True):
        for path in paths:
            content = str(path)
            with contextlib.suppress(OSError):  # whoever reads it says so
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            if content in side:
                said.append(f"{path} holds the measurement of {side[content]} again, which counts once.")
            else:
                side[content] = path
    if shared := kept[0].keys() & kept[1].keys():
        said.append(f"Both sides have {len(shared)} of the measurements: of those nothing can have changed.")
    return list(kept[0].values()), list(kept[1].values()), list(dict.fromkeys(said))


def _other_parameters(before: Sequence[Path], now: Sequence[Path]) -> dict[str, str]:
    """The benchmarks of one name whose parameters differ between the sides, and how."""
    then, new = _parameters(before), _parameters(now)
    return {
        name: f"another benchmark of the same name: parameters {then[name]} before, {new[name]} now"
        for name in new
        if name in then and then[name] != new[name]
    }


def _parameters(paths: Sequence[Path]) -> dict[str, str]:
    """The parameters of each benchmark; UserError where two of one name have others, since they would be pooled."""
    known: dict[str, tuple[str, Path]] = {}
    for path in paths:
        for entry in json.loads(path.read_bytes())["benchmarks"]:
            said = printable(json.dumps(entry.get("params"), sort_keys=True))
            first, where = known.setdefault(str(entry["fullname"]), (said, path))
            if first != said:
                raise UserError(
                    f"{entry['fullname']} has the parameters {first} in {where}, {said} in {path}.\n"
                    "Two benchmarks of one name cannot be pooled as processes of one.\n"
                    "Give each its own `ids`, or files of one state of the benchmarks."
                )
    return {name: said for name, (said, _) in known.items()}


def _elsewhere(differ: Sequence[str], there: Facts, here: Facts, across: bool) -> str:
    said = "; ".join(f"{fact} {there[fact]} before, {here[fact]} now" for fact in differ)
    if across:
        return f"Compared across machines or Pythons, as was asked ({said}): what changed need not be the code."
    return (
        f"Both sides are not of one machine and Python ({said}), so nothing was compared. "
        "--across-machines compares all the same."
    )


def machine_of(paths: Sequence[Path]) -> Facts:
    """What the files say of their machine; UserError when they are of several. What a file does not say is left out."""
    known: dict[str, tuple[str, Path]] = {}
    for path in paths:
        for fact, value in _facts(path).items():
            first, where = known.setdefault(fact, (value, path))
            if first != value:
                raise UserError(
                    f"{where} has {fact} {first}, {path} has {fact} {value}.\n"
                    "Files of one side are taken for processes of one machine and Python, so these cannot be pooled.\n"
                    "Give those of one machine; what to compare them with goes to --against."
                )
    return {fact: value for fact, (value, _) in known.items()}


def _facts(path: Path) -> Facts:
    info = json.loads(path.read_bytes()).get("machine_info")
    found = {}
    for fact, keys in PLACES.items():
        value: Any = info
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str | int) and str(value).strip():
            found[fact] = printable(" ".join(str(value).split()))
    return found


def _of_baseline(baseline: Baseline) -> Facts:
    """The same facts of this machine, whose baseline it is."""
    machine = machine_facts()
    facts = {
        "architecture": str(machine["architecture"]),
        "cores": str(os.cpu_count()),  # pytest-benchmark counts all, not those that may be used
        "system": platform.system(),
        "Python": baseline.measured.software.python,
    }
    if machine["architecture"] in ("x86_64", "AMD64"):  # elsewhere CPUs have no name that all tools agree on
        facts["CPU"] = " ".join(str(machine["cpu"]).split())
    return facts


def _look(paths: Sequence[Path], estimate: str) -> Look:
    found: dict[str, list[float]] = {}
    for path in paths:
        for metric, runs in read_benchmarks(path).items():
            medians, fastest = [run.median for run in runs], [run.fastest for run in runs]
            found.setdefault(metric, []).append(min(fastest) if estimate == "fastest" else float(np.median(medians)))
    return Look({metric: np.array(values) for metric, values in found.items()})
