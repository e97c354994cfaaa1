"""What is broken or hostile in a store: `check` names it, no command opens it, hangs on it or believes it, the rest goes on."""

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from forging import add_record, records

from keras_reprise.base import seals
from keras_reprise.base.errors import IntegrityError, UserError
from keras_reprise.cli import main
from keras_reprise.record.encoding import canonical, pretty
from keras_reprise.record.schema import MAX_RECORD_BYTES, failed_arm
from keras_reprise.run.kept import Checkpoints, ReplicateCache
from keras_reprise.store import merging
from keras_reprise.store.merging import merge
from keras_reprise.store.store import INDEX, Store

READING = (
    ["status"],
    ["verdict"],
    ["compare", "backend:tensorflow", "backend:tensorflow"],
    ["cite", "plain"],
    ["history", "plain/two/value"],
)


def call(*words: object):
    """A command; it must end with one of the exit codes there are and without a traceback."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def names_twice(path: Path) -> None:
    text = path.read_text()
    path.write_text(text.replace('"status": "complete"', '"status": "failed", "status": "complete"', 1))


def beyond_64_bits(path: Path) -> None:
    rewrite(path, lambda record: record["replicate"].update(repeat=2**64))


def of_400_digits(path: Path) -> None:
    rewrite(path, lambda record: next(iter(record["arms"].values()))["params"].update(width=10**400))


def lone_surrogate(path: Path) -> None:
    text = path.read_text()
    path.write_text(text.replace('"quick"', '"quick\\ud800"', 1))


def oversized(path: Path) -> None:
    rewrite(path, lambda record: next(iter(record["arms"].values()))["params"].update(text="x" * MAX_RECORD_BYTES))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def a_link(path: Path) -> None:
    kept = path.rename(path.parents[6] / "elsewhere.json")
    path.symlink_to(kept)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def rewrite(path: Path, change) -> None:
    """The record otherwise, with the id that it has then."""
    document = json.loads(path.read_bytes())
    change(document)
    del document["id"]
    document["id"] = hashlib.sha256(canonical(document)).hexdigest()
    path.write_bytes(pretty(document))


BROKEN = (names_twice, beyond_64_bits, of_400_digits, lone_surrogate, oversized, cut, a_link, a_pipe, a_device)


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_the_store_that_is_made_wrong_here_is_read_by_every_command_as_it_was(filled_store, words):
    result = call(*words, "--store", filled_store)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda one: one.__name__)
def test_a_record_that_cannot_be_read_is_named_and_the_others_go_on(filled_store, breaks, tmp_path):
    path = records(filled_store)[2]
    breaks(path)
    checked = call("check", "--store", filled_store)
    assert checked.exit_code == 1
    assert path.name in checked.output
    for words in READING:
        call(*words, "--store", filled_store)
    assert len(Store(filled_store).summaries()[0]) == 5
    assert "5" in call("status", "--store", filled_store).output
    target = Store(tmp_path / "target")
    with pytest.raises(IntegrityError, match=path.name):
        merge(target, Store(filled_store))
    assert not list((target.root / "records").rglob("*.json"))


@pytest.mark.parametrize("kind", ["machines", "environments", "cards"])
@pytest.mark.parametrize(
    "breaks", [names_twice, cut, a_pipe, a_device, "a number"], ids=lambda one: getattr(one, "__name__", one)
)
def test_a_document_that_cannot_be_read_is_named(filled_store, kind, breaks):
    (path,) = (filled_store / kind).glob("*.json")
    if breaks == "a number":
        path.write_text("1")
    elif breaks is names_twice:
        text = path.read_text().replace("{", '{"version": 1, "version": 1,', 1)
        path.write_text(text)
    else:
        breaks(path)
    checked = call("check", "--store", filled_store)
    assert checked.exit_code == 1
    assert path.name in checked.output
    for words in READING:
        call(*words, "--store", filled_store)


@pytest.mark.parametrize("folder", ["records", "cards", "machines", "environments", "judging", "baselines", "reports"])
def test_a_folder_that_is_a_link_is_neither_read_nor_written(filled_store, tmp_path, folder):
    outside = tmp_path / "outside"
    (filled_store / folder).mkdir(exist_ok=True)
    (filled_store / folder).rename(outside)
    (filled_store / folder).symlink_to(outside)
    before = {path: path.stat().st_mtime_ns for path in outside.rglob("*")}
    checked = call("check", "--store", filled_store)
    assert checked.exit_code == 1
    assert folder in checked.output
    for words in (*READING, ["report"]):
        call(*words, "--store", filled_store)
    with contextlib.suppress(UserError):  # StoreError where it would write there
        Store(filled_store).make_writable()
    assert {path: path.stat().st_mtime_ns for path in outside.rglob("*")} == before


def test_what_a_cache_says_is_believed_only_if_this_user_kept_it(filled_store, monkeypatch):
    shown = call("verdict", "--store", filled_store).output
    cache = filled_store / ".cache"
    kept = {path.name: path.read_bytes() for path in cache.glob("*.msgpack")}
    assert {f"{INDEX}.msgpack"} < set(kept)
    for name, content in kept.items():  # as who does not know the key would change them
        (cache / name).write_bytes(content.replace(b"plain", b"plane").replace(b"reproduced", b"irproduced"))
    assert call("verdict", "--store", filled_store).output == shown
    foreign = {path.name: path.read_bytes() for path in cache.glob("*.msgpack")}
    assert foreign.keys() == kept.keys()
    monkeypatch.setattr(seals, "_key", lambda: b"k" * 32)  # another user, whom the store was sent to
    assert Store(filled_store).remembered(INDEX, dict) is None
    assert call("verdict", "--store", filled_store).output == shown
    monkeypatch.setattr(seals, "_key", lambda: None)  # one for whom nothing can be kept
    assert call("verdict", "--store", filled_store).output == shown
    assert Store(filled_store).remembered(INDEX, dict) is None


def test_arms_and_training_states_of_another_user_are_measured_again(tmp_path, monkeypatch):
    at = "2026-01-01T00:00:00Z"
    arm = failed_arm({}, "E", "m", 1.0)
    kept: dict[str, object] = {"arm": arm, "digest": "0" * 64, "load": {}, "started_at": at, "finished_at": at}
    cache, states = ReplicateCache(tmp_path, seed=1), Checkpoints(tmp_path)
    cache.save_arm("a", kept)
    states.save("key", {}, keep=True)
    (cache.folder / "arm-b.json").write_bytes((cache.folder / "arm-a.json").read_bytes())
    assert cache.load_arm("a") is not None
    assert cache.load_arm("b") is None, "one arm's numbers pass for another's"
    assert states.load(["key"]) is not None
    monkeypatch.setattr(seals, "_key", lambda: b"k" * 32)
    assert cache.load_arm("a") is None
    assert states.load(["key"]) is None


def test_an_unfinished_merge_that_came_with_a_store_is_not_finished(tmp_path, filled_store):
    store = Store(tmp_path / "came")
    left = store.cache / "merge" / "left"
    shutil.copytree(filled_store / "records", left / "records")
    for mark in (b"", b"0" * 32, b"0" * 500):
        left.mkdir(parents=True, exist_ok=True)
        (left / "whole").write_bytes(mark)
        merging.finish(store)
        assert not left.exists()
        assert not (store.root / "records").exists()


def test_a_cache_that_is_a_link_is_not_used(filled_store, tmp_path):
    shutil.rmtree(filled_store / ".cache")
    outside = tmp_path / "outside"
    outside.mkdir()
    (filled_store / ".cache").symlink_to(outside)
    assert "plain" in call("verdict", "--store", filled_store).output
    assert list(outside.iterdir()) == []


def test_a_backdated_record_of_another_card_re_judges_nobody(filled_store):
    shown = call("verdict", "--store", filled_store).output
    document = json.loads(records(filled_store)[0].read_bytes())
    card = json.loads((filled_store / "cards" / f"{document['recipe']['card'][:12]}.json").read_bytes())
    for claim in card["claims"]:
        claim["interval"] = [1e6, None]
    content = pretty(card)
    digest = hashlib.sha256(content).hexdigest()
    (filled_store / "cards" / f"{digest[:12]}.json").write_bytes(content)
    document["recipe"]["card"] = digest
    document["started_at"] = document["finished_at"] = "1990-01-01T00:00:00Z"
    document["replicate"]["seed"] = 99
    add_record(filled_store, document)
    after = call("verdict", "--store", filled_store).output
    assert [line.split()[0] for line in after.splitlines() if "plain" in line] == [
        line.split()[0] for line in shown.splitlines() if "plain" in line
    ]
