"""Files that are whole or not there, and what is said where they cannot be written."""

import errno
import tempfile

import pytest

from keras_reprise.base.errors import StoreError
from keras_reprise.base.files import write_atomically


def test_a_folder_that_cannot_be_made_is_said_as_a_write_that_failed(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"one\.json could not be written"):
        write_atomically(tmp_path / "file" / "below" / "one.json", b"{}")


def test_a_disk_that_is_full_before_anything_is_written_is_said_too(tmp_path, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(StoreError, match="No space left on device"):
        write_atomically(tmp_path / "one.json", b"{}")


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "one.json").mkdir()
    with pytest.raises(StoreError):
        write_atomically(tmp_path / "one.json", b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]
