import contextlib
import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from forging import forge

from keras_reprise.base.errors import StoreError
from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.store import store as stores
from keras_reprise.store.store import INDEX, Store


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.parts
    }


def a_record(folder: Path) -> Path:
    return sorted((folder / "records").rglob("*.json"))[0]


def test_a_clean_store_passes(filled_store, reprise):
    result = reprise("check", "--store", filled_store)
    assert (result.exit_code, "0 broken" in result.output) == (0, True)


def test_a_truncated_record_is_named_and_the_others_are_still_judged(filled_store, reprise):
    path = a_record(filled_store)
    path.write_bytes(path.read_bytes()[:100])
    checked = reprise("check", "--store", filled_store)
    assert (checked.exit_code, path.name in checked.output, "truncated" in checked.output) == (1, True, True)
    judged = reprise("verdict", "--store", filled_store)
    assert judged.exit_code == 1
    assert "left out" in judged.output
    assert "n=5" in judged.output


def test_an_edited_record_is_found_even_when_size_is_unchanged(filled_store, reprise):
    reprise("verdict", "--store", filled_store)
    path = a_record(filled_store)
    path.write_bytes(path.read_bytes().replace(b'"repeat": 0', b'"repeat": 1'))
    assert "was edited" in reprise("check", "--store", filled_store).output


def test_a_misplaced_record_is_named_with_where_it_belongs(filled_store, reprise):
    path = a_record(filled_store)
    path.rename(path.with_name("elsewhere.json"))
    result = reprise("check", "--store", filled_store)
    assert (result.exit_code, "misplaced" in result.output) == (1, True)


def test_a_record_of_an_unknown_schema_is_named(filled_store, reprise):
    path = a_record(filled_store)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"schema": 9}))
    assert "schema 9" in reprise("check", "--store", filled_store).output


@pytest.mark.parametrize("kind", stores.DOCUMENTS)
def test_a_missing_or_edited_document_is_named(filled_store, reprise, kind):
    path = next((filled_store / kind).glob("*.json"))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"{", b"{ ", 1))
    assert path.name in reprise("check", "--store", filled_store).output
    path.unlink()
    result = reprise("check", "--store", filled_store)
    assert (result.exit_code, f"{kind}/{path.name}, which is missing" in result.output) == (1, True)


def test_a_store_that_is_a_file_is_refused_and_untouched(tmp_path, reprise, plain_recipe):
    path = tmp_path / "store"
    path.write_text("mine")
    result = reprise("run", plain_recipe, "--store", path)
    assert (result.exit_code, "is a file" in result.output, path.read_text()) == (2, True, "mine")


def test_a_store_that_cannot_be_written_fails_before_anything_runs(reprise, plain_recipe):
    result = reprise("run", plain_recipe, "--store", "/proc/reprise-store")
    assert (result.exit_code, "cannot be written" in result.output, "Nothing was run" in result.output) == (
        2,
        True,
        True,
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_store_is_refused_for_running_and_fine_for_reading(filled_store, reprise, plain_recipe):
    for folder in [filled_store, *filled_store.rglob("*")]:
        if folder.is_dir():
            folder.chmod(0o555)
    assert reprise("run", plain_recipe, "--store", filled_store).exit_code == 2
    assert reprise("verdict", "--store", filled_store).exit_code == 0


def test_a_full_disk_is_one_message_and_leaves_no_half_record(filled_store, reprise, plain_recipe, monkeypatch):
    before, real = snapshot(filled_store), os.fsync
    calls = []

    def full(handle):
        calls.append(handle)
        if len(calls) > 6:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    result = reprise("run", plain_recipe, "--seeds", 8, "--store", filled_store)
    assert (result.exit_code, "No space left" in result.output) == (2, True)
    monkeypatch.setattr(os, "fsync", real)
    after = snapshot(filled_store)
    assert {name: after[name] for name in before} == before
    assert reprise("check", "--store", filled_store).exit_code == 0


def test_two_machines_results_merge_by_copying_without_conflict(filled_store, tmp_path, reprise):
    other = tmp_path / "other"
    shutil.copytree(filled_store, other, ignore=shutil.ignore_patterns(".cache"))
    before = snapshot(filled_store)
    shutil.copytree(other, filled_store, dirs_exist_ok=True)
    assert snapshot(filled_store) == before
    assert reprise("check", "--store", filled_store).exit_code == 0


def test_the_index_is_only_a_cache(filled_store):
    first, _ = Store(filled_store).summaries()
    shutil.rmtree(filled_store / ".cache")
    assert Store(filled_store).summaries()[0] == first
    (filled_store / ".cache").mkdir(exist_ok=True)
    (filled_store / ".cache" / f"{INDEX}.msgpack").write_bytes(b"nonsense")
    assert Store(filled_store).summaries()[0] == first


def test_the_index_notices_a_changed_record(filled_store):
    Store(filled_store).summaries()
    a_record(filled_store).write_text("{}")
    summaries, problems = Store(filled_store).summaries()
    assert (len(summaries), len(problems)) == (5, 1)


def test_leftovers_of_an_interrupted_write_are_passed_over(filled_store, reprise):
    (a_record(filled_store).parent / ".tmp-abc").write_text("{")
    assert reprise("check", "--store", filled_store).exit_code == 0


def test_only_the_folders_of_the_store_are_swept(tmp_path):
    store = Store(tmp_path / "project")
    store.make_writable()
    ours = [
        "records/plain/v1",
        "cards",
        "machines",
        "environments",
        "judging",
        "baselines/m",
        "comparisons/m",
        "reports",
    ]
    for folder in (*ours, ".cache/gates", ".", "build", "src/records"):
        (store.root / folder).mkdir(parents=True, exist_ok=True)
        left(store.root / folder)
    store.make_writable()
    assert {path.parent.relative_to(store.root).as_posix() for path in store.root.rglob(".tmp-*")} == {
        ".",
        "build",
        "src/records",
    }


@pytest.mark.parametrize("folder", ["judging", "baselines", "reports"])
def test_nothing_is_swept_behind_a_link(tmp_path, folder):
    store, outside = Store(tmp_path / "store"), tmp_path / "outside"
    outside.mkdir()
    store.make_writable()
    (store.root / folder).symlink_to(outside)
    path = left(outside)
    store.make_writable()
    assert path.exists()


def left(folder: Path) -> Path:
    """What a write that was killed two hours ago left in a folder."""
    path = folder / ".tmp-old"
    path.write_text("{")
    stamp = path.stat().st_mtime - 7200
    os.utime(path, (stamp, stamp))
    return path


def test_a_record_over_one_mebibyte_is_refused(filled_store):
    document = json.loads(a_record(filled_store).read_bytes())
    document["arms"]["one"]["curves"]["long"] = [0.123456] * 100_000
    with pytest.raises(StoreError, match="limit"):
        Store(filled_store).add_record(pretty(document | {"id": record_id(document)}))


def test_an_empty_store_is_nothing_measured(tmp_path, reprise):
    assert reprise("verdict", "--store", tmp_path / "none").exit_code == 3
    assert reprise("check", "--store", tmp_path / "none").exit_code == 3
    assert not (tmp_path / "none").exists()


def test_hostile_file_names_are_named_without_steering_the_terminal(filled_store, reprise):
    import os

    folder = filled_store / "records" / "plain" / "v1"
    for name in (b"\x1b[31mred.json", b"\xff\xfe.json", b"line\nbreak.json", "\u202egnp.json".encode()):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(b"{}")
    for command in (["verdict"], ["check"], ["status"], ["report"]):
        result = reprise(*command, "--store", filled_store)
        assert result.exit_code == 1 or command == ["status"], (command, result.output)
        assert "\x1b" not in result.output
        assert "\u202e" not in result.output


@pytest.mark.parametrize("kind", ["cards", "machines", "environments"])
def test_records_whose_documents_were_edited_are_left_out_and_named(filled_store, reprise, kind):
    path = next((filled_store / kind).glob("*.json"))
    path.write_bytes(path.read_bytes().replace(b"{", b"{ ", 1))
    for command in ("verdict", "report"):
        result = reprise(command, "--store", filled_store)
        assert result.exit_code == 1
        assert "cannot be used" in result.output


def test_a_folder_that_cannot_be_listed_is_told(filled_store, tmp_path, reprise, monkeypatch):
    shutil.copytree(filled_store, tmp_path / "full")
    forge(tmp_path / "full", record=lambda document: document["recipe"].update(scale="full"))
    shutil.copytree(tmp_path / "full", filled_store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cache"))
    listing = os.scandir

    def without_permission(path="."):
        if str(path).endswith("plain/v1/quick"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", without_permission)
    name = "records/plain/v1/quick"
    judged = reprise("verdict", "--store", filled_store)
    assert (judged.exit_code, f"left out: {name} cannot be read" in judged.stderr) == (1, True)
    assert "1 broken" in reprise("check", "--store", filled_store).output
    merged = reprise("merge", filled_store, "--store", tmp_path / "new")
    assert (merged.exit_code, f"{name} cannot be read" in merged.output) == (1, True)
    assert not list((tmp_path / "new" / "records").rglob("*.json"))


def test_a_file_that_is_gone_when_it_is_looked_at_is_passed_over(filled_store, monkeypatch):
    first, *others = sorted((filled_store / "records").rglob("*.json"))
    listing = os.scandir

    def then_gone(path="."):
        entries = list(listing(path))
        if str(path) == str(first.parent):
            first.unlink(missing_ok=True)
        return contextlib.nullcontext(iter(entries))

    monkeypatch.setattr(os, "scandir", then_gone)
    assert len(list(Store(filled_store).walk())) == len(others)
