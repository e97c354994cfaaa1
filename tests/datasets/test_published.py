import hashlib
import os
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_reprise.base.errors import DataError
from keras_reprise.datasets import cifar10_batches, registry
from keras_reprise.datasets.providers import cifar10
from keras_reprise.datasets.providers.cifar10 import PROVIDER as CIFAR10


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without CIFAR-10."""
    monkeypatch.delenv("REPRISE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path


def test_missing_cifar10_says_where_it_was_looked_for_and_what_to_do(nowhere, reprise):
    result = reprise("run", "cifar10-lr-drop", "--data-dir", nowhere / "empty", "--store", nowhere / "store")
    assert result.exit_code == 2
    for words in (
        "Looked for",
        str(nowhere / "empty"),
        "reprise data fetch cifar10",
        "--data digits",
        "list --no-data",
    ):
        assert words in result.output
    assert not list((nowhere / "store" / "records").rglob("*.json"))


class Explosive:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def test_a_file_with_a_wrong_md5_is_never_unpickled(nowhere, reprise, monkeypatch):
    folder = nowhere / CIFAR10.folder
    folder.mkdir()
    for name in CIFAR10.md5:
        (folder / name).write_bytes(pickle.dumps(Explosive()))
    monkeypatch.chdir(nowhere)
    result = reprise("run", "cifar10-lr-drop", "--data-dir", nowhere, "--store", nowhere / "store")
    assert (result.exit_code, "not the official" in result.output, "was not opened" in result.output) == (2, True, True)
    assert not (nowhere / "exploded").exists()


def test_a_missing_batch_file_is_named(nowhere):
    (nowhere / CIFAR10.folder).mkdir()
    with pytest.raises(DataError, match="data_batch_1 is missing"):
        CIFAR10.find(nowhere)


def batch_file(protocol=2):
    content = {b"data": np.arange(6144, dtype=np.uint8).reshape(2, 3072), b"labels": [1, 2], b"filenames": [b"a", b"b"]}
    return pickle.dumps(content, protocol=protocol)


def test_a_damaged_folder_hides_no_good_one(nowhere):
    known = replace(CIFAR10, md5={name: hashlib.md5(batch_file()).hexdigest() for name in CIFAR10.md5})
    first, second, _ = known.places(nowhere)
    for place in (first, second):
        place.mkdir(parents=True)
        for name in known.md5:
            (place / name).write_bytes(batch_file())
    assert known.find(nowhere) == first
    (first / "data_batch_1").write_bytes(b"half")
    assert known.find(nowhere) == second
    assert known.state(nowhere) == ("verified", str(second))
    (second / "data_batch_2").unlink()
    with pytest.raises(DataError, match=f"^{re.escape(str(first / 'data_batch_1'))} is not the official"):
        known.find(nowhere)


def test_a_batch_file_is_read_as_data(tmp_path):
    path = tmp_path / "batch"
    path.write_bytes(batch_file())
    images, labels = cifar10_batches.read_batch(path)
    assert (images.shape, images.dtype.name) == ((2, 32, 32, 3), "uint8")
    assert (labels.tolist(), labels.dtype.name) == ([1, 2], "int32")
    assert images[1].transpose(2, 0, 1).ravel().tolist() == [number % 256 for number in range(3072, 6144)]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_batch_file_names_nothing_but_arrays(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch").write_bytes(pickle.dumps({b"data": Explosive()}, protocol=protocol))
    with pytest.raises(DataError, match=r"posix.system|is no batch file"):
        cifar10_batches.read_batch(tmp_path / "batch")
    assert not (tmp_path / "exploded").exists()


def test_states_that_crash_numpy_are_refused(tmp_path):
    """NumPy's dtype reads beyond a state that is two entries short, and ends the process."""
    whole = batch_file()
    assert whole.count(b"NNN") == 1
    (tmp_path / "batch").write_bytes(whole.replace(b"NNN", b"N"))
    images, _ = cifar10_batches.read_batch(tmp_path / "batch")  # the state of a dtype is of no use here
    assert images.shape == (2, 32, 32, 3)
    for hostile in (
        whole.replace(b"u1", b"O8"),
        whole.replace(b"K\x02M\x00\x0c", b"K\x03M\x00\x0c"),
        batch_file(4),
        b"\x80\x02}.",
    ):
        (tmp_path / "batch").write_bytes(hostile)
        with pytest.raises(DataError, match="is no batch file"):
            cifar10_batches.read_batch(tmp_path / "batch")


def test_a_download_that_fails_says_so_and_leaves_nothing(nowhere, reprise, monkeypatch):
    monkeypatch.setattr(cifar10, "PROVIDER", replace(CIFAR10, archive="http://127.0.0.1:9/cifar.tar.gz"))
    result = reprise("data", "fetch", "cifar10")
    assert (result.exit_code, "could not be fetched" in result.output, "Traceback" in result.output) == (2, True, False)
    assert not (nowhere / "keras" / "datasets" / CIFAR10.folder).exists()


def test_a_download_is_verified_unpacked_and_found(nowhere):
    """The whole way on a small archive served by this machine."""
    import io
    import tarfile
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    served = nowhere / "served"
    served.mkdir()
    contents = {name: batch_file() for name in CIFAR10.md5}
    with tarfile.open(served / "cifar.tar.gz", "w:gz") as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(f"{CIFAR10.folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        small = replace(
            CIFAR10,
            archive=f"http://127.0.0.1:{server.server_port}/cifar.tar.gz",
            archive_md5=hashlib.md5((served / "cifar.tar.gz").read_bytes()).hexdigest(),
            md5={name: hashlib.md5(content).hexdigest() for name, content in contents.items()},
        )
        folder = small.fetch()
    finally:
        server.shutdown()
        server.server_close()
    assert small.find() == folder
    images, labels = cifar10_batches.read_batch(folder / "data_batch_1")
    assert (images.shape, labels.tolist()) == ((2, 32, 32, 3), [1, 2])


real_data = pytest.mark.skipif(
    "REPRISE_DATA" not in os.environ, reason="REPRISE_DATA is not set, so CIFAR-10 is not at hand"
)


@real_data
def test_the_official_cifar10_is_read_as_published(reprise):
    data = registry.load("cifar10")
    assert (data.x_train.shape, data.x_test.shape, data.substitute) == ((50_000, 32, 32, 3), (10_000, 32, 32, 3), False)
    assert np.bincount(data.y_train).tolist() == [5000] * 10
    assert data.x_train[0, 0, 0].tolist() == [59, 62, 63]
    assert "official" in reprise("data", "verify").output


@real_data
def test_a_truncated_batch_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    source, folder = Path(os.environ["REPRISE_DATA"]) / CIFAR10.folder, tmp_path / CIFAR10.folder
    folder.mkdir()
    for name in CIFAR10.md5:
        (folder / name).symlink_to(source / name)
    (folder / "data_batch_3").unlink()
    (folder / "data_batch_3").write_bytes((source / "data_batch_3").read_bytes()[:1000])
    with pytest.raises(DataError, match="data_batch_3 is not the official"):
        CIFAR10.find(tmp_path)
