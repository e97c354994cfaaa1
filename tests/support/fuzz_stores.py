"""Whole stores made wrong: what `check` passes every command reads and another store takes; nothing leaves the store."""

import contextlib
import json
import os
import random
import shutil
import tempfile
from pathlib import Path

from fuzz_changes import changed_bytes, changed_value
from fuzz_commands import called

from keras_reprise.base.errors import BROKEN, NothingMeasuredError, UserError
from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.record.schema import decode
from keras_reprise.store.checking import check
from keras_reprise.store.merging import merge
from keras_reprise.store.store import Store, record_path

TOP = Path(__file__).parents[2]
READING = (
    ["status"], ["verdict", "-v"], ["history", "plain/two/value"], ["cite", "plain"], ["cite", "--latex"],
    ["compare", "machine:91d80901a7e2", "machine:91d80901a7e2"],
)  # fmt: skip
WRITING = (["report"], ["export"], ["export", "--format", "ro-crate"])
_store: list[Path] = []


def read_store(content: bytes, scratch: Path) -> None:
    """A whole store one of whose files is changed: read by every command, and merged into another."""
    change = json.loads(content)
    drawn = random.Random(change["seed"])
    store, other = scratch / "store", scratch / "merged"
    for folder in (store, other):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(small_store(), store)
    for path in drawn.sample(sorted(path for path in store.rglob("*.json")), drawn.choice((1, 1, 2))):
        before = path.read_bytes()
        if drawn.random() < 0.5:
            path.write_bytes(changed_bytes(before, drawn, [before]))
            continue
        document = changed_value(json.loads(before), drawn)
        with contextlib.suppress(ValueError, RecursionError, TypeError):
            if "records" in path.parts and isinstance(document, dict):
                document.pop("id", None)
                document["id"] = record_id(document)
            path.write_bytes(pretty(document))
            with contextlib.suppress(UserError):
                if "records" in path.parts:
                    place = store / record_path(decode(path.read_bytes(), "x")[0])
                    place.parent.mkdir(parents=True, exist_ok=True)
                    path.rename(place)
    if drawn.random() < 0.4:
        disturbed(store, drawn)
    sound = called(["check", "--store", str(store)]) == 0
    shutil.rmtree(scratch / "written", ignore_errors=True)
    writing = [*drawn.choice(WRITING), "--output", str(scratch / "written")]
    for words in (*READING, writing):
        code = called([*words, "--store", str(store)])
        assert not sound or code != BROKEN, f"check passes a store that {words[0]} cannot read"
    try:
        merge(Store(other), Store(store))
    except UserError as error:
        if sound and not isinstance(error, NothingMeasuredError):
            raise ValueError(f"check passes a store that merge does not take: {error}") from error
    else:
        assert check(Store(other))[1] == []


def disturbed(store: Path, drawn: random.Random) -> None:
    """Put something else in the place of a file or folder of the store: a link, a pipe, a device, another cache."""
    path = drawn.choice(sorted(path for path in store.rglob("*") if ".cache" not in path.parts))
    kind = drawn.randrange(6)
    if kind == 0:
        aside = store.parent / "aside"
        shutil.rmtree(aside, ignore_errors=True)
        aside.unlink(missing_ok=True)
        path.rename(aside)
        path.symlink_to(aside)
    elif kind == 1 and path.is_file():
        path.unlink()
        os.mkfifo(path)
    elif kind == 2 and path.is_file():
        path.unlink()
        path.symlink_to(drawn.choice(("/dev/zero", "/etc/passwd", "nowhere", path.name)))
    elif kind == 3:
        for kept in (store / ".cache").rglob("*.msgpack"):
            kept.write_bytes(changed_bytes(kept.read_bytes(), drawn, [b"reproduced"]))
    elif kind == 4:
        left = store / ".cache" / "merge" / "left"
        left.mkdir(parents=True, exist_ok=True)
        (left / "whole").touch()
        (left / "records").symlink_to(store.parent)
    else:
        path.with_name("stranger.json").write_bytes(drawn.choice((b"", b"{}", b"[" * 9)))


def small_store() -> Path:
    """A store of a few small records, of both schemas."""
    if not _store:
        folder = Path(tempfile.mkdtemp(prefix="reprise-fuzz-store-"))
        shutil.copytree(TOP / "tests" / "data" / "golden-schema-1", folder, dirs_exist_ok=True)
        results = Store(TOP / "results")
        names = [name for name in results.record_names() if name.startswith("records/l1-l2-toy/")][:2]
        for record in (results.read(results.root / name) for name in names):
            documents = (
                f"cards/{record.recipe.card[:12]}",
                f"machines/{record.machine}",
                f"environments/{record.environment}",
            )
            for name in (*(f"{one}.json" for one in documents), record_path(record).as_posix()):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(results.root / name, folder / name)
        with tempfile.TemporaryDirectory() as report:  # beside it a checkout's own results are read, and remembered
            called(["report", "--store", str(shutil.copytree(folder, f"{report}/store")), "--output", f"{report}/all"])
        _store.append(folder)
    return _store[0]
