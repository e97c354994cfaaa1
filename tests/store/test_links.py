"""Links in a store that came from elsewhere: no command lists, writes or removes anything behind one."""

import os
import shutil
from pathlib import Path

import pytest

from keras_reprise.base.errors import StoreError
from keras_reprise.gate.journal import begun_folder
from keras_reprise.gate.stored import SCHEMA, Finished, Occasion, Software, keep
from keras_reprise.record.schema import Code
from keras_reprise.store.store import Store


@pytest.fixture
def outside(tmp_path):
    """A folder of the user's with another one in it, which nobody has touched for years."""
    folder = tmp_path / "outside"
    (folder / "thesis").mkdir(parents=True)
    (folder / "thesis" / "chapter.json").write_text("mine")
    for path in (folder / "thesis" / "chapter.json", folder / "thesis", folder):
        os.utime(path, (0, 0))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: path.read_bytes() if path.is_file() else b"a folder" for name, path in found.items()}


def put_link(store: Path, name: str, outside: Path) -> None:
    """Have a link to `outside` at this place of a store."""
    place = store / name
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)


def refused(result, name: str) -> bool:
    return result.exit_code == 2 and f"{name} in the store" in result.output and "by a folder" in result.output


@pytest.mark.parametrize("name", [".cache/merge", ".cache/locks"])
def test_a_merge_goes_behind_no_link(filled_store, outside, tmp_path, reprise, name):
    put_link(tmp_path / "came", name, outside)
    before = contents(outside)
    result = reprise("merge", filled_store, "--store", tmp_path / "came")
    assert refused(result, name), result.output
    assert contents(outside) == before


@pytest.mark.parametrize("name", [".cache/merge", ".cache/locks", ".cache/replicates"])
def test_a_run_goes_behind_no_link(store_path, plain_recipe, outside, reprise, name):
    put_link(store_path, name, outside)
    before = contents(outside)
    result = reprise("run", plain_recipe, "--seeds", 1, "--store", store_path)
    assert refused(result, name), result.output
    assert contents(outside) == before


def test_a_slide_goes_behind_no_link_and_its_run_is_kept(store_path, plain_recipe, outside, reprise, monkeypatch):
    monkeypatch.setattr("keras_reprise.cli.running.MOST_SLIDES", 3)
    put_link(store_path, ".cache/figures", outside)
    before = contents(outside)
    result = reprise("run", plain_recipe, "--seeds", 1, "--store", store_path)
    assert (result.exit_code, "not drawn: .cache/figures in the store" in result.output) == (0, True), result.output
    assert len(list((store_path / "records").rglob("*.json"))) == 1
    assert contents(outside) == before


def test_a_report_goes_behind_no_link(filled_store, outside, reprise):
    put_link(filled_store, "reports/figures", outside)
    before = contents(outside)
    assert refused(reprise("report", "--store", filled_store), "reports/figures")
    assert contents(outside) == before


@pytest.mark.parametrize("name", [".cache", ".cache/{}", ".cache/{}/key"])
@pytest.mark.parametrize("kind", ["gates-begun", "environments-begun"])
def test_what_a_gate_has_begun_lies_behind_no_link(store_path, outside, kind, name):
    put_link(store_path, name.format(kind), outside)
    before = contents(outside)
    with pytest.raises(StoreError, match="is a link"):
        begun_folder(Store(store_path), kind, "key")
    assert contents(outside) == before


def test_a_finished_gate_is_kept_behind_no_link(store_path, outside):
    put_link(store_path, ".cache/gates", outside)
    before = contents(outside)
    measured = Occasion("0" * 12, Software("3.11.0", {}, {}), Code("0", None, None, None), 1, [], [])
    with pytest.raises(StoreError, match="is a link"):
        keep(Store(store_path), "main", Finished(SCHEMA, "2026-01-01T00:00:00Z", measured))
    assert contents(outside) == before


def test_folders_of_the_cache_that_are_none_but_folders_are_had(store_path):
    store = Store(store_path)
    assert store.cached("gates", "one") == store.cache / "gates" / "one"
    folder = begun_folder(store, "gates-begun", "key")
    assert folder == store.cached("gates-begun", "key")
    assert begun_folder(store, "gates-begun", "key") == folder
