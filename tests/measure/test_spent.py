"""What an arm took, as its record says it."""

import msgspec
import pytest

from keras_reprise.engine import History, Timing
from keras_reprise.measure.spent import spent
from keras_reprise.record.schema import Time


def test_times_are_summed_over_trainings_and_steps_told_by_median_and_percentiles():
    steps = [milliseconds / 1000 for milliseconds in range(1, 102)]
    timings = (
        Timing(compile_s=2.0, first_step_s=0.5, step_s=steps[:40], evaluation_s=[0.25, 0.5]),
        Timing(compile_s=1.0, first_step_s=0.125, step_s=steps[:39:-1], evaluation_s=[0.25]),
    )
    found = spent([(History(timing=timing), 10) for timing in timings], 9.0, [{"peak_memory_bytes": 1, "total_s": 2.0}])
    time = msgspec.convert(found["time"], Time)
    assert (time.compile_s, time.first_step_s, time.evaluation_s, time.total_s) == (3.0, 0.5, 1.0, 11.0)
    assert time.step_s is not None
    told = msgspec.structs.asdict(time.step_s)
    assert told == pytest.approx({"n": 101, "median": 0.051, "p05": 0.006, "p95": 0.096})


def test_an_arm_that_trained_nothing_has_no_steps():
    assert msgspec.convert(spent([], 1.0)["time"], Time) == Time(total_s=1.0)
