"""Merging stores: all valid records or none, each once, and whole after an interruption."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from forging import add_record

from keras_reprise.base.errors import StoreError
from keras_reprise.store import merging
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store


@pytest.fixture
def other(tmp_path, filled_store):
    """A copy of the filled store."""
    shutil.copytree(filled_store, tmp_path / "other")
    return tmp_path / "other"


def files(store: Path) -> dict[str, bytes]:
    found = (path for path in store.rglob("*") if path.is_file() and ".cache" not in path.parts)
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in found}


def test_a_merge_into_an_empty_store_makes_the_same_store(tmp_path, other, reprise):
    result = reprise("merge", other, "--store", tmp_path / "new", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "records": 6,
        "documents": 3,
        "present": 0,
        "repeated": 0,
        "unknown": 6,
        "judged_otherwise": 0,
    }
    assert files(tmp_path / "new") == {
        k: v for k, v in files(other).items() if not k.startswith(("reports", "judging"))
    }
    assert check(Store(tmp_path / "new")) == (9, [])


def test_what_another_store_judges_by_another_card_is_told_and_not_brought(tmp_path, filled_store, other, reprise):
    (named,) = (other / "judging").iterdir()
    measurement = json.loads(named.read_bytes())["measurement"]
    card = json.loads(next((other / "cards").glob("*.json")).read_bytes())
    mended = Store(other).add_document("cards", card | {"title": "In other words"})
    Store(other).judge_by(measurement, mended)
    result = reprise("merge", other, "--store", tmp_path / "new")
    assert "Judged by another card there than here, which was not brought: 1 of" in result.output
    assert not (tmp_path / "new" / "judging").exists()
    kept = (filled_store / "judging" / named.name).read_bytes()
    assert "which was not brought: 1 of" in reprise("merge", other, "--store", filled_store).output
    assert (filled_store / "judging" / named.name).read_bytes() == kept


def test_a_second_merge_brings_nothing(filled_store, other, reprise):
    before = files(filled_store)
    result = reprise("merge", other, "--store", filled_store)
    assert (result.exit_code, files(filled_store)) == (0, before)
    assert "0 records and 0 documents merged, 6 records were here already" in result.output


def test_only_what_is_missing_is_brought(filled_store, other, reprise):
    for path in list((filled_store / "records").rglob("*.json"))[:2]:
        path.unlink()
    result = reprise("merge", other, "--store", filled_store, "--json")
    assert json.loads(result.stdout) == {
        "records": 2,
        "documents": 0,
        "present": 4,
        "repeated": 0,
        "unknown": 2,
        "judged_otherwise": 0,
    }
    assert files(filled_store) == files(other)


def test_a_record_in_other_lines_is_the_same_record(filled_store, other, reprise):
    path = sorted((other / "records").rglob("*.json"))[0]
    path.write_text(json.dumps(json.loads(path.read_bytes())))
    assert check(Store(other))[1] == []
    before = files(filled_store)
    result = reprise("merge", other, "--store", filled_store, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["records"], facts["present"], files(filled_store)) == (0, 6, before)
    path.write_bytes(path.read_bytes().replace(b'"repeat": 0', b'"repeat": 1'))
    result = reprise("merge", other, "--store", filled_store)
    assert (result.exit_code, "differs between the two stores" in result.output) == (1, True)
    assert files(filled_store) == before


def test_of_two_records_of_one_seed_the_first_finished_counts(tmp_path, filled_store, other, reprise):
    verdicts = reprise("verdict", "--store", filled_store, "--json").stdout
    path = sorted((other / "records").rglob("*.json"))[0]
    document = json.loads(path.read_bytes())
    document["claims"] = dict.fromkeys(document["claims"], 9.0)
    document["finished_at"] = "2099-01-01T00:00:00Z"
    path.unlink()
    add_record(other, document)
    result = reprise("merge", other, "--store", filled_store)
    assert result.exit_code == 0, result.output
    assert "1 of them are of seeds that were measured here, too" in result.output
    assert len(list((filled_store / "records").rglob("*.json"))) == 7
    assert reprise("verdict", "--store", filled_store, "--json").stdout == verdicts


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1).replace(b"{", b"{ ", 1))


def misplace(path: Path) -> None:
    path.rename(path.with_name("seed9-000000000000.json"))


def link(path: Path) -> None:
    path.rename(path.parents[5] / "elsewhere.json")
    path.symlink_to(path.parents[5] / "elsewhere.json")


def enlarge(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" " * 2**20)


@pytest.mark.parametrize(
    ("what", "damage"),
    [("records", damage) for damage in (truncate, edit, misplace, link, enlarge)]
    + [(kind, damage) for kind in ("cards", "machines", "environments") for damage in (truncate, edit, Path.unlink)],
)
def test_a_broken_file_means_that_nothing_is_merged(filled_store, other, reprise, what, damage):
    damage(sorted((other / what).rglob("*.json"))[0])
    shutil.rmtree(filled_store / "records")
    (filled_store / "records").mkdir()
    before = files(filled_store)
    result = reprise("merge", other, "--store", filled_store)
    assert (result.exit_code, "Nothing was merged" in result.output, "Traceback" in result.output) == (1, True, False)
    assert files(filled_store) == before
    assert not list((filled_store / ".cache" / "merge").glob("*"))


@pytest.mark.parametrize("kind", ["nothing", "empty", "file", "itself"])
def test_what_is_no_other_store_is_refused(tmp_path, filled_store, reprise, kind):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    where = filled_store if kind == "itself" else tmp_path / kind
    result = reprise("merge", where, "--store", filled_store)
    assert result.exit_code == (3 if kind in ("nothing", "empty") else 2)
    assert "Traceback" not in result.output


def test_a_killed_merge_is_finished_by_the_next_command_that_writes(tmp_path, other, monkeypatch):
    moved: list[str] = []

    def replace(source, target):
        if len(moved) == 4:
            raise KeyboardInterrupt  # as a kill between two files
        moved.append(target)
        os.rename(source, target)

    store = Store(tmp_path / "new")
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", replace)
        with pytest.raises(KeyboardInterrupt):
            merging.merge(store, Store(other))
    assert check(store)[1] == [], "documents come first"
    merging.finish(store)
    assert len(list((store.root / "records").rglob("*.json"))) == 6
    assert check(store) == (9, [])
    assert not list((store.cache / "merge").glob("*"))


def test_a_merge_that_was_killed_before_all_was_copied_changes_nothing(tmp_path, other):
    store = Store(tmp_path / "new")
    left = store.cache / "merge" / "left"
    shutil.copytree(other / "records", left / "records")
    merging.finish(store)
    assert not left.exists()
    assert not (store.root / "records").exists()


def test_a_merge_under_way_is_neither_finished_nor_joined_by_another(tmp_path, other, monkeypatch):
    """What it has copied so far stays where it is."""
    store, seen = Store(tmp_path / "new"), []

    def meanwhile(done, total):
        merging.finish(store)
        seen.append(len(list((store.cache / "merge").rglob("seed*.json"))))
        with pytest.raises(StoreError, match="under way"):
            merging.merge(store, Store(other))

    assert len(merging.merge(store, Store(other), meanwhile).names) == 6
    assert seen == [6]


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path, filled_store, other, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = Store(tmp_path / "new")
    monkeypatch.setattr(merging, "_write", full)
    with pytest.raises(StoreError, match="No space left"):
        merging.merge(store, Store(other))
    assert files(store.root) == {}
    assert not list((store.cache / "merge").glob("*"))


def test_many_records_are_merged_by_several_processes(tmp_path, other, monkeypatch):
    monkeypatch.setattr("keras_reprise.base.parallel.CHUNK", 2)
    monkeypatch.setattr("keras_reprise.base.parallel.WORTH_PROCESSES", 1)
    told = []
    merged = merging.merge(Store(tmp_path / "new"), Store(other), lambda done, total: told.append((done, total)))
    assert (len(merged.names), told[-1]) == (6, (6, 6))
    assert check(Store(tmp_path / "new")) == (9, [])
