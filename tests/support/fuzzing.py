"""Broken and hostile input by the million: what reads it may refuse it, and do nothing else.

`python tests/support/fuzzing.py --inputs 1000000 --seed 1` (or `tox -e fuzz`) is the long form, test_fuzz.py the short one. Inputs are
real files that were changed: bytes flipped, cut, doubled, joined; values of JSON replaced by others that are wrong, huge, deep
or of another type, then hashed anew where a hash would stop them at the door. With `--atheris` libFuzzer looks for inputs that
reach new code. Whatever is raised but a `UserError` is a bug, and so is a call that takes longer than 5 seconds of the processor, a file that
is opened for writing outside of the scratch folder, a process that is started, or an address that is looked up.
"""

import argparse
import contextlib
import faulthandler
import importlib
import io
import json
import os
import pickle
import random
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from fuzz_changes import as_json, changed_bytes, changed_value
from fuzz_commands import read_words
from fuzz_stores import read_store, small_store

from keras_reprise import catalog
from keras_reprise.base import seals
from keras_reprise.base.errors import UserError
from keras_reprise.catalog import lockfile
from keras_reprise.cli.recipes import describe_card
from keras_reprise.datasets import cifar10_batches
from keras_reprise.datasets.providers.cifar10 import PROVIDER as CIFAR10
from keras_reprise.gate.journal import Journal
from keras_reprise.gate.processes import Task, read_benchmarks
from keras_reprise.gate.settings import read_settings
from keras_reprise.gate.stored import Baseline, Calibration
from keras_reprise.gate.stored import read as read_document
from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.record.schema import decode, decode_card
from keras_reprise.report.cite import identifiers
from keras_reprise.report.cite.checking import Checker
from keras_reprise.run import messages
from keras_reprise.run.kept import ReplicateCache
from keras_reprise.store.store import INDEX, Store, record_path

TOP = Path(__file__).parents[2]
SLOW_S = 5.0  # of the processor
COMMAND_S = 60.0  # `lock --check` reads the sources of all recipes
HANGS_S = 300.0


WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree")
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn", "socket.connect", "socket.getaddrinfo")
HARMLESS = ("git", "uname", "fc-list")  # what a command asks the machine about itself


class Escape(BaseException):
    """The code under test did what reading never does."""


class Guard:
    """Watches what the process does while inputs are read: nothing is written but below `folder`, where its temporary
    files lie meanwhile, and nothing else is touched."""

    def __init__(self) -> None:
        self.folder: str | None = None
        seals.seal(b"")  # makes this user's key, where there is none yet
        importlib.import_module("matplotlib.font_manager")  # keeps a list of the fonts, where there is none yet
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            path, mode, flags = arguments
            bits = flags if isinstance(flags, int) else 0
            if (bits & WRITING or "w" in str(mode)) and isinstance(path, str | bytes) and not self.inside(path):
                raise Escape(f"opened {path!r} for writing")
        elif event in CHANGING:
            below = [one for one in arguments[1:] if isinstance(one, int) and one not in (-1, 0o777)]
            places = arguments[1:2] if event == "os.symlink" else arguments[:2]  # what a link says changes nothing
            for path in () if below else places:  # below a folder that was opened, which was looked at then
                if isinstance(path, str | bytes) and not self.inside(path):
                    raise Escape(f"{event} {path!r}")
        elif event in FORBIDDEN or event == "subprocess.Popen" and Path(str(arguments[0])).name not in HARMLESS:
            raise Escape(f"{event} {arguments!r:.200}")

    def inside(self, path: str | bytes) -> bool:
        text = os.path.realpath(os.fsdecode(path))
        return text in (self.folder, "/dev/null") or text.startswith(f"{self.folder}{os.sep}")

    @contextlib.contextmanager
    def watching(self, folder: Path) -> Iterator[None]:
        before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        self.folder = os.path.realpath(folder)
        try:
            yield
        finally:
            self.folder, tempfile.tempdir = None, before
            os.environ.pop("TMPDIR", None)
            if variable is not None:
                os.environ["TMPDIR"] = variable


Target = Callable[[bytes, Path], None]


def records() -> list[dict[str, Any]]:
    paths = sorted((TOP / "results" / "records").rglob("*.json"), key=lambda path: (path.stat().st_size, path.name))
    return [
        json.loads(path.read_bytes()) for path in paths[:: max(1, len(paths) // 12)] if path.stat().st_size < 12_000
    ]


def read_record(content: bytes, scratch: Path) -> None:
    """A record as it comes, and with the id that its content has, so that what follows is reached."""
    with contextlib.suppress(UserError):
        decode(content, "a record")
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(content)
        if isinstance(document, dict):
            document = {key: value for key, value in document.items() if key != "id"}
            content = pretty(document | {"id": record_id(document)})
            with contextlib.suppress(UserError):
                record, _ = decode(content, "a record")
                assert ".." not in record_path(record).parts


def read_card(content: bytes, scratch: Path) -> None:
    with contextlib.suppress(UserError):
        list(describe_card(decode_card(content, "a card"), "file", 100, verbose=True))


def read_lock(content: bytes, scratch: Path) -> None:
    """One lock file, and one beside it that stays as it is: it is named where it cannot be read."""
    folder = scratch / "recipes"
    (folder / "golden").mkdir(parents=True, exist_ok=True)
    (folder / "golden" / "changed.lock").write_bytes(content)
    if not (folder / "golden" / "kept.lock").exists():
        (folder / "golden" / "kept.lock").write_bytes(_some_locks()[0].read_bytes())
    lockfile.read.cache_clear()
    try:
        assert 1 <= len(catalog.current(catalog.read_lock(folder))) <= 2
    except UserError as error:
        if "recipes/golden/changed.lock" not in str(error):
            raise ValueError(f"another file is blamed: {error}") from error
    lockfile.read.cache_clear()


def _some_locks() -> list[Path]:
    return sorted((TOP / "recipes").rglob(f"*{lockfile.SUFFIX}"))[:3]


def read_benchmark(content: bytes, scratch: Path) -> None:
    path = scratch / "benchmark.json"
    path.write_bytes(content)
    with contextlib.suppress(UserError):
        read_benchmarks(path)


def read_baseline(content: bytes, scratch: Path) -> None:
    path = scratch / "baseline.json"
    path.write_bytes(content)
    for kind in (Baseline, Calibration):
        with contextlib.suppress(UserError):
            read_document(path, kind)


def read_gate_settings(content: bytes, scratch: Path) -> None:
    path = scratch / "gate.toml"
    path.write_bytes(content)
    with contextlib.suppress(UserError):
        read_settings(path, measuring=False)


def read_batch(content: bytes, scratch: Path) -> None:
    path = scratch / "data_batch_1"
    path.write_bytes(content)
    with contextlib.suppress(UserError):
        cifar10_batches.read_batch(path)


def read_archive(content: bytes, scratch: Path) -> None:
    path = scratch / "archive.tar.gz"
    path.write_bytes(content)
    with contextlib.suppress(UserError):
        CIFAR10.unpack(path, scratch / "unpacked")


def read_cache(content: bytes, scratch: Path) -> None:
    """What the store's own cache may hold after a crash: an arm, the index, a gate's journal."""
    cache = ReplicateCache(scratch, seed=1)
    cache.folder.mkdir(parents=True, exist_ok=True)
    for kept in (content, seals.seal(content, cache.name, "a")):
        (cache.folder / "arm-a.json").write_bytes(kept)
        cache.load_arm("a")
    store = Store(scratch / "store")
    store.cache.mkdir(parents=True, exist_ok=True)
    for kept in (content, seals.seal(content, INDEX)):
        (store.cache / f"{INDEX}.msgpack").write_bytes(kept)
        store.summaries()
    (scratch / "first.json").write_bytes(seals.seal(content, scratch.name, "first"))
    (scratch / "first-order").write_bytes(content)
    Journal(scratch).processes("first", [Task("a", "now", 0)])


def read_document_text(content: bytes, scratch: Path) -> None:
    """A paper that cites, and an identifier."""
    path = scratch / "paper.tex"
    path.write_bytes(content)
    with contextlib.suppress(UserError):
        Checker([], Store(scratch / "store")).check(path)
    with contextlib.suppress(UserError):
        identifiers.find(content.decode(errors="replace"), [], Store(scratch / "store"))


def read_message(content: bytes, scratch: Path) -> None:
    """What comes over the wire between driver and worker is decoded strictly."""
    for reader in (messages.decode_reply, messages.decode_task):
        with contextlib.suppress(ValueError, RecursionError):
            reader(content)


def json_corpus(values: list[Any]) -> list[bytes]:
    return [as_json(value) for value in values]


def benchmark_file() -> dict[str, Any]:
    stats = {"min": 0.01, "max": 0.02, "mean": 0.015, "median": 0.014, "rounds": 5}
    entry = {"fullname": "bench.py::test_a", "name": "test_a", "stats": stats}
    return {
        "machine_info": {"node": "x"},
        "benchmarks": [entry, {**entry, "fullname": "bench.py::test_b"}],
        "version": "5.1.0",
    }


def batch_file() -> bytes:
    images = np.zeros((2, 3072), np.uint8)
    return pickle.dumps(
        {b"data": images, b"labels": [1, 2], b"batch_label": b"x", b"filenames": [b"a", b"b"]}, protocol=2
    )


def archive_files() -> list[bytes]:
    """The real layout; members that climb out, link out, are devices, or claim to be huge."""
    found = []
    for kind in ("plain", "climb", "absolute", "symlink", "hardlink", "huge", "device", "folder"):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as tar:
            for name in CIFAR10.md5:
                info = tarfile.TarInfo(f"{CIFAR10.folder}/{name}")
                content = b"x" * 50
                if kind == "climb":
                    info.name = f"{CIFAR10.folder}/../../{name}"
                elif kind == "absolute":
                    info.name = f"/tmp/{name}"
                elif kind in ("symlink", "hardlink"):
                    info.type = tarfile.SYMTYPE if kind == "symlink" else tarfile.LNKTYPE
                    info.linkname, content = (
                        "/etc/passwd" if kind == "symlink" else f"{CIFAR10.folder}/test_batch",
                        b"",
                    )
                elif kind == "device":
                    info.type, content = tarfile.CHRTYPE, b""
                elif kind == "folder":
                    info.type, content = tarfile.DIRTYPE, b""
                elif kind == "huge":
                    content = b"\0" * 3_000_000
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        found.append(stream.getvalue())
    return found


def corpora() -> dict[str, tuple[Target, list[bytes], bool]]:
    """For every target what reads it, real inputs, and whether they are JSON."""
    small_store()  # made before anything is watched
    found = records()
    cards = [json.loads(path.read_bytes()) for path in sorted((TOP / "results" / "cards").glob("*.json"))[:8]]
    locks = [json.loads(path.read_bytes()) for path in _some_locks()]
    baselines = [_shortened(path) for path in sorted((TOP / "results" / "baselines").rglob("*.json"))]
    message = msgspec.msgpack.encode(messages.Measured({"arm": found[0]["arms"]}))
    paper = (
        b"\\reprisedefine{plain/two-is-two}{2.0}% reprise:plain@1/0123456789ab reproduced\nIt is 2.00 [1.9, 2.1] "
        b"(reprise:plain@1/0123456789ab#two-is-two). \\reprise{plain/a:mean} \\input{other} \\reprisetable{plain}"
    )
    return {
        "record": (read_record, json_corpus(found), True),
        "card": (read_card, json_corpus(cards), True),
        "lock": (read_lock, json_corpus(locks), True),
        "benchmark": (read_benchmark, json_corpus([benchmark_file()]), True),
        "baseline": (read_baseline, json_corpus(baselines), True),
        "settings": (
            read_gate_settings,
            [(TOP / "benchmarks" / name).read_bytes() for name in ("gate.toml", "keras.toml")],
            False,
        ),
        "batch": (read_batch, [batch_file()], False),
        "archive": (read_archive, archive_files(), False),
        "cache": (
            read_cache,
            [*json_corpus([{"arm": arm, "digest": "", "load": {}} for arm in found[0]["arms"].values()]), message],
            False,
        ),
        "paper": (read_document_text, [paper], False),
        "message": (
            read_message,
            [message, messages.encode(messages.Describe(messages.RecipeSource("a", b"b")))],
            False,
        ),
        "store": (read_store, [], False),
        "words": (read_words, [], False),
    }


def _shortened(path: Path) -> Any:
    document = json.loads(path.read_bytes())
    for measured in document.get("occasions", [document.get("measured")]):
        measured["processes"] = measured["processes"][:2]
        measured["software"]["packages"] = {}
    return document


SHARES = {  # of the inputs of a run; whole stores and commands take a hundred times as long as the others
    "record": 0.22, "card": 0.2, "lock": 0.1, "benchmark": 0.12, "baseline": 0.06, "settings": 0.08, "batch": 0.06,
    "archive": 0.02, "cache": 0.04, "paper": 0.04, "message": 0.05, "store": 0.001, "words": 0.009,
}  # fmt: skip


def inputs(name: str, count: int, seed: int) -> Iterator[bytes]:
    """`count` inputs for a target, the same for the same seed."""
    drawn = random.Random(f"{name} {seed}")
    _, corpus, structured = corpora()[name]
    values = [json.loads(content) for content in corpus] if structured else []
    for number in range(count):
        if not corpus:
            yield json.dumps({"seed": f"{seed} {number}"}).encode()
        elif structured and drawn.random() < 0.6:
            yield as_json(changed_value(drawn.choice(values), drawn))
        else:
            yield changed_bytes(drawn.choice(corpus), drawn, corpus)


def fuzz(name: str, count: int, seed: int, guard: Guard) -> int:
    """Give the target its inputs; whatever it should not do is raised, with the input kept in a file."""
    target = corpora()[name][0]
    with tempfile.TemporaryDirectory(prefix="reprise-fuzz-") as made:
        scratch = Path(made)
        for number, content in enumerate(inputs(name, count, seed)):
            began = time.process_time()  # a busy machine is no fault of the reader's
            faulthandler.dump_traceback_later(HANGS_S, exit=True)
            try:
                with guard.watching(scratch):
                    target(content, scratch)
                limit = COMMAND_S if name == "words" else SLOW_S
                assert time.process_time() - began < limit, f"it took longer than {limit:.0f} seconds"
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                found = Path(tempfile.gettempdir(), f"fuzz-{name}-{seed}-{number}")
                found.write_bytes(content)
                raise AssertionError(f"{name}, seed {seed}, input {number}, kept in {found}") from error
            finally:
                faulthandler.cancel_dump_traceback_later()
    return count


def guided(name: str, count: int, seed: int, guard: Guard) -> None:
    """The target under libFuzzer, which keeps inputs that reach new code. Ends the process."""
    import atheris

    target, corpus, _ = corpora()[name]
    scratch = Path(tempfile.mkdtemp(prefix="reprise-fuzz-"))
    folder = scratch / "corpus"
    folder.mkdir()
    for number, content in enumerate(corpus):
        (folder / str(number)).write_bytes(content)
    atheris.instrument_all()
    words = [
        sys.argv[0],
        str(folder),
        f"-runs={count}",
        f"-seed={seed}",
        "-max_len=20000",
        "-timeout=20",
        "-print_final_stats=1",
    ]

    def one(content: bytes) -> None:
        with guard.watching(scratch):
            target(content, scratch)

    atheris.Setup(words, one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description="Give every reader broken and hostile input.")
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=sorted(SHARES))
    parser.add_argument(
        "--atheris", action="store_true", help="libFuzzer chooses the inputs; needs --target and atheris"
    )
    options = parser.parse_args()
    guard, total = Guard(), 0
    if options.atheris:
        return guided(options.target, options.inputs, options.seed, guard)
    for name in [options.target] if options.target else SHARES:
        count = options.inputs if options.target else round(options.inputs * SHARES[name])
        began = time.perf_counter()
        total += fuzz(name, count, options.seed, guard)
        print(f"{name}: {count:,} inputs, {time.perf_counter() - began:.0f} s", flush=True)
    print(f"seed {options.seed}: {total:,} inputs, nothing but refusals.")


if __name__ == "__main__":
    main()
