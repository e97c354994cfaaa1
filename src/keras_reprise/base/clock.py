"""The clock and the machine's load, as records, baselines and logs write them down."""

import datetime
from dataclasses import dataclass


def now() -> str:
    """The time in UTC to the microsecond, as in 2026-01-31T09:05:00.123456Z."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class LoadReading:
    """How busy the machine is: processes that want a core (mean of a minute), and seconds of all cores since it
    started, those that its host gave to others (`stolen_s`) and in all."""

    mean_1m: float
    stolen_s: float
    total_s: float

    def stolen_since(self, before: "LoadReading") -> float:
        """The fraction of the time since `before` that the host gave to others."""
        seconds = self.total_s - before.total_s
        return (self.stolen_s - before.stolen_s) / seconds if seconds > 0 else 0.0


def load() -> LoadReading:
    """The load now."""
    import psutil

    times = psutil.cpu_times()
    return LoadReading(psutil.getloadavg()[0], getattr(times, "steal", 0.0), sum(times))
