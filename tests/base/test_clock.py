"""The clock and the load, as records write them down."""

import datetime

import pytest

from keras_reprise.base.clock import LoadReading, load, now


def test_the_time_is_utc_to_the_microsecond():
    text = now()
    read = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.UTC)
    assert abs((datetime.datetime.now(datetime.UTC) - read).total_seconds()) < 60
    assert len(text) == len("2026-01-31T09:05:00.123456Z")


@pytest.mark.parametrize(("stolen_s", "total_s", "fraction"), [(3.0, 110.0, 0.1), (2.0, 100.0, 0.0), (5.0, 100.0, 0.0)])
def test_what_the_host_gave_to_others_is_a_fraction_of_the_seconds_between(stolen_s, total_s, fraction):
    """Where no second of a core was counted between, nothing is known and nothing is claimed."""
    assert LoadReading(0.0, stolen_s, total_s).stolen_since(LoadReading(0.0, 2.0, 100.0)) == pytest.approx(fraction)


def test_the_load_of_this_machine_can_be_read():
    found = load()
    assert found.total_s > 0
    assert 0 <= found.stolen_s <= found.total_s
