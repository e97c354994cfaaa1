"""What the design says of every record of the project's results: nobody's folders, and small files."""

import re
import statistics
from pathlib import Path

import pytest

FOLDERS = re.compile(
    r"""["'\s(](?:/\w[\w.-]*/|[A-Za-z]:\\)"""
)  # what begins as an absolute path does, anywhere in a text


@pytest.fixture(scope="module")
def texts():
    """The text of each record, by its file's name."""
    records = Path(__file__).parents[2] / "results" / "records"
    return {path.name: path.read_text(encoding="utf-8") for path in records.rglob("*.json")}


def test_no_record_names_a_folder_of_whoever_measured_it(texts):
    assert texts
    assert [name for name, text in texts.items() if FOLDERS.search(text)] == []


def test_half_of_the_records_are_under_30_kib(texts):
    assert statistics.median(len(text.encode()) for text in texts.values()) < 30 * 1024
