"""The history of a benchmark: the accepted baseline and the finished gates that the cache keeps."""

import numpy as np

from keras_reprise.base.errors import NothingMeasuredError
from keras_reprise.gate.stored import Baseline, Occasion, finished_gates, read, samples
from keras_reprise.judge.history import Point, Series, series
from keras_reprise.store.store import Store


def of_gates(metric: str, store: Store, name: str) -> list[Series]:
    """The series of a benchmark's median seconds (or bytes), one value a process, one series a machine."""
    found, known = [], set()
    for machine in _machines(store, name):
        baseline = read(store.root / "baselines" / machine / f"{name}.json", Baseline)
        measured = [baseline.measured] if baseline else []
        seen = {one.processes[0].started_at for one in measured if one.processes}
        measured += [
            gate.measured
            for gate in finished_gates(store, machine, name)
            if gate.measured.processes and gate.measured.processes[0].started_at not in seen
        ]
        points = [point for one in measured for point in _points(metric, one)]
        known |= {name for one in measured for name in samples(one.processes, "median")}
        if points:
            found.append(series(metric, machine, f"baseline {name!r}", sorted(points, key=lambda point: point.at)))
    if not found:
        near = ", ".join(sorted(known)) or "none"
        raise NothingMeasuredError(f"No gate has measured {metric}.\nThere are: {near}.")
    return found


def _machines(store: Store, name: str) -> list[str]:
    places = {path.parent.name for path in (store.root / "baselines").glob(f"*/{name}.json")}
    return sorted(places | {path.parent.name for path in (store.cache / "gates").glob(f"*/{name}")})


def _points(metric: str, measured: Occasion) -> list[Point]:
    return [
        Point(process.started_at, process.median[metric], measured.software.digest, measured.code.git_commit)
        for process in measured.processes
        if metric in process.median and not process.disturbed and np.isfinite(process.median[metric])
    ]
