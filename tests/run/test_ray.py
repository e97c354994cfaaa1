"""Runs over a Ray cluster of two nodes on this machine."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from clusters import Nodes
from faults import QUICKLY_IMPORTED, numbers

pytest.importorskip("ray", reason="Ray is not installed: pip install 'keras-reprise[ray]'")

from keras_reprise.base.errors import DataError, MeasurementError
from keras_reprise.datasets.providers.cifar10 import PROVIDER as CIFAR10
from keras_reprise.run.executors.ray_cluster import Cluster
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store

pytestmark = pytest.mark.slow

SEEDS = 6  # one at least is there before each kill, and two nodes have something left after it


@pytest.fixture(scope="module")
def keras_home(tmp_path_factory):
    return tmp_path_factory.mktemp("keras")


@pytest.fixture(scope="module")
def nodes(keras_home):
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        cluster = Nodes(keras_home, folder)
        try:
            yield cluster
        finally:
            cluster.close()


def start(nodes, store, *words):
    command = [sys.executable, "-m", "keras_reprise", "run", *map(str, words), "--store", str(store)]
    command += ["--executor", "ray", "--address", nodes.address, "--json"]
    environment = {**os.environ, **QUICKLY_IMPORTED}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.fixture(scope="module")
def slow_recipe(tmp_path_factory):
    """The tiny recipe, slow enough for something to happen meanwhile."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.py"
    path.write_text((Path(__file__).parents[1] / "data" / "recipes" / "tiny.py").read_text().replace('"0"', '"0.1"'))
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, slow_recipe):
    """What a worker of one thread measures on one machine."""
    store = tmp_path_factory.mktemp("local")
    command = [sys.executable, "-m", "keras_reprise", "run", str(slow_recipe), "--data", "digits"]
    command += ["--seeds", str(SEEDS), "--workers", "1", "--threads", "1", "--store", str(store)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **QUICKLY_IMPORTED})
    return numbers(store)


def wait_for_records(run, store, count):
    deadline = time.monotonic() + 100
    while len(list(store.rglob("seed*.json"))) < count:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_driver_and_then_a_node_are_killed_and_the_numbers_are_those_of_one_machine(
    tmp_path, nodes, slow_recipe, undisturbed
):
    words = (slow_recipe, "--data", "digits", "--seeds", SEEDS)
    first = start(nodes, tmp_path, *words)
    wait_for_records(first, tmp_path, 1)
    first.kill()
    first.communicate()
    there = len(list(tmp_path.rglob("seed*.json")))
    second = start(nodes, tmp_path, *words)
    wait_for_records(second, tmp_path, there + 1)
    nodes.tell("kill")
    output, errors = second.communicate(timeout=200)
    nodes.tell("add")
    assert second.returncode == 0, errors
    assert "is lost" in errors
    assert json.loads(output) == {"recorded": SEEDS - there, "present": there, "failed": 0, "waiting": 0}
    assert numbers(tmp_path) == undisturbed
    assert check(Store(tmp_path))[1] == []


def test_nodes_are_sent_the_data_that_they_lack(tmp_path, nodes, keras_home):
    try:
        CIFAR10.find()
    except DataError as error:
        pytest.skip(f"CIFAR-10 is needed: {str(error).splitlines()[0]}")
    assert not (keras_home / "datasets" / CIFAR10.folder).exists()
    recipe = tmp_path / "pixels.py"
    recipe.write_text(PIXELS)
    run = start(nodes, tmp_path, recipe, "--seeds", 1)
    _, errors = run.communicate(timeout=200)
    assert run.returncode == 0, errors
    CIFAR10.verify(keras_home / "datasets" / CIFAR10.folder)
    shutil.rmtree(keras_home / "datasets")


PIXELS = '''"""The mean of the first pixels"""
from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Source

RECIPE = Recipe(
    slug="pixels",
    version=1,
    question="How bright?",
    sources=(Source("tests", "here"),),
    arms=(Arm("only", "all"),),
    scales=(Scale("quick", n_train=10, n_test=10), Scale("full", n_train=10, n_test=10)),
    measure=lambda arm, replicate: Measurement({"mean": float(replicate.dataset().stored_train.mean())}),
    claims=(Claim("a", "A.", "tests", lambda arms, scale: arms["only"].metrics["mean"], above=0.0, measures="Mean"),),
    data="cifar10",
)
'''


def test_where_there_is_no_cluster_the_message_says_what_to_do(plain_recipe, store_path, reprise_process):
    done = reprise_process("run", plain_recipe, "--executor", "ray", "--address", "127.0.0.1:1", "--store", store_path)
    assert (done.returncode, "ray start --head" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_cluster_whose_head_is_gone_ends_the_run_with_a_message():
    """Ray itself ends the process after a minute, without one."""
    cluster = Cluster("127.0.0.1:1")
    assert not cluster.answers()
    cluster._answered -= 60.0
    with pytest.raises(MeasurementError, match="Finished arms are kept"):
        cluster.answers()


def test_the_head_of_a_cluster_may_have_an_address_of_version_6():
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    with server:
        assert Cluster(f"[::1]:{server.getsockname()[1]}").answers()
