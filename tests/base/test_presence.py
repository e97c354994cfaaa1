"""Whether other runs were on the machine meanwhile."""

import os

from keras_reprise.base.presence import present


def test_who_comes_first_and_last_and_meets_nobody_was_alone(tmp_path):
    with present(tmp_path) as first:
        assert first() is True
    with present(tmp_path) as second:
        assert second() is True
    assert list((tmp_path / "present").iterdir()) == []


def test_both_know_of_each_other(tmp_path):
    with present(tmp_path) as one:
        with present(tmp_path) as other:
            assert (one(), other()) == (False, False)
        assert one() is False  # the other is gone, but was here
    with present(tmp_path) as later:
        assert later() is True


def test_what_a_dead_process_left_is_nobody(tmp_path):
    (tmp_path / "present").mkdir()
    left = tmp_path / "present" / "1-0123456789abcdef"
    left.touch()
    with present(tmp_path) as here:
        assert here() is True
    assert not left.exists()


def test_where_it_cannot_be_written_nothing_is_known(tmp_path):
    (tmp_path / "present").touch()
    with present(tmp_path) as here:
        assert here() is None
    os.remove(tmp_path / "present")
    (tmp_path / "arrivals").mkdir()
    with present(tmp_path) as here:
        assert here() is None
