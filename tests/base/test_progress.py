"""How far something is, and how long the rest takes."""

import io
import math

from keras_reprise.base import progress


def test_the_time_left_is_reckoned_by_the_pace_unless_somebody_knows_better(monkeypatch):
    now = iter([0.0, 20.0, 40.0, 60.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    stream = io.StringIO()
    with progress.counter("files", stream) as tell:
        tell(1, 4)
        tell(2, 4, "time left unknown")
        tell(3, 4)
    assert stream.getvalue().splitlines() == [
        "1 of 4 files, 1 min 0 s left",
        "2 of 4 files, time left unknown",
        "3 of 4 files, 20 s left",
    ]


def test_a_terminal_has_a_bar(monkeypatch):
    monkeypatch.setattr(progress, "BAR_EVERY_S", 0.0)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    with progress.counter("files", stream) as tell:
        tell(1, 4, "3 min left")
    assert "1 of 4 files, 3 min left" in stream.getvalue()


def test_a_time_beyond_every_number_is_unknown():
    assert [progress.format_seconds(seconds) for seconds in (math.inf, math.nan)] == ["an unknown time"] * 2
    shown = progress.Progress(quiet=True)
    shown.plan("kind", 4, before_s=1.7e308)
    assert shown.time_left() == "time left unknown"
