"""Kills at random moments (the short form of faults.py), and what a disk, a clock or another run may do to a store."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import faults
import pytest

from keras_reprise.base import clock
from keras_reprise.run import driver as run
from keras_reprise.run import ownership
from keras_reprise.run.kept import ReplicateCache
from keras_reprise.run.words import seeds_meant
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store

pytestmark = pytest.mark.slow

KILLS, SEED = 5, 2


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return faults.undisturbed(tmp_path_factory.mktemp("undisturbed"))


def test_a_run_that_is_killed_at_random_moments_loses_nothing(tmp_path, expected):
    tally, drawn = faults.Tally(), random.Random(SEED)
    while tally.kills < KILLS:
        store = tmp_path / str(tally.runs)
        faults.disturb(store, drawn, KILLS - tally.kills, tally)
        assert faults.numbers(store) == expected
    assert tally.records + tally.arms >= KILLS, "every kill had something to lose"


def test_a_finished_arm_that_is_gone_is_missed(tmp_path):
    cache = ReplicateCache(tmp_path / ".cache", seed=1)
    cache.save_arm("one", {"arm": {"status": "complete"}})
    before = faults.finished(tmp_path)
    assert [name for name, _ in before[1]] == ["one"]
    faults.nothing_lost(tmp_path, before)
    cache.clear()
    with pytest.raises(AssertionError, match="finished arms were lost"):
        faults.nothing_lost(tmp_path, before)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB, and a function that mounts it anew with other options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(*options):
        command = ["mount", *options, "-t", "tmpfs", "tmpfs", str(place)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    try:
        mounted = mount("-o", "size=4m")
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    yield place, mount
    subprocess.run(["umount", "--lazy", str(place)], check=False)


def fill(place: Path, leave: int) -> Path:
    """Leave `leave` bytes free."""
    free = shutil.disk_usage(place).free
    (place / "ballast").write_bytes(b"\0" * max(0, free - leave))
    return place / "ballast"


@pytest.mark.parametrize("leave", [0, 64 * 1024, 160 * 1024])
def test_a_full_disk_ends_the_run_with_one_message_and_the_next_one_goes_on(small_disk, tiny_recipe, reprise, leave):
    place, _ = small_disk
    store = place / "store"
    common = ("run", tiny_recipe, "--data", "digits", "--seeds", 6, "--store", store)
    assert reprise("run", tiny_recipe, "--data", "digits", "--seeds", 1, "--store", store).exit_code == 0
    ballast = fill(place, leave)
    full = reprise(*common)
    assert (full.exit_code, "No space left" in full.output, "Traceback" in full.output) == (2, True, False)
    assert check(Store(store))[1] == []
    ballast.unlink()
    done = reprise(*common)
    assert done.exit_code == 0, done.output
    assert (len(list((store / "records").rglob("*.json"))), check(Store(store))[1]) == (6, [])


def test_a_store_that_is_read_only_is_read_and_a_run_says_so(small_disk, filled_store, plain_recipe, reprise):
    place, mount = small_disk
    shutil.copytree(filled_store, place / "store")
    assert mount("-o", "remount,ro").returncode == 0
    for reading in ("status", "verdict", "check"):
        assert reprise(reading, "--store", place / "store").exit_code == 0
    for writing in (("run", plain_recipe), ("merge", filled_store)):
        result = reprise(*writing, "--store", place / "store")
        assert (result.exit_code, "Read-only" in result.output, "Traceback" in result.output) == (2, True, False)


def test_a_clock_that_jumps_back_spoils_nothing(store_path, plain_recipe, reprise, monkeypatch):
    years = iter(range(2030, 1900, -1))
    monkeypatch.setattr(clock, "now", lambda: f"{next(years)}-01-01T00:00:00.000000Z")
    assert reprise("run", plain_recipe, "--seeds", 6, "--store", store_path).exit_code == 0
    assert check(Store(store_path))[1] == []
    rows = json.loads(reprise("verdict", "--store", store_path, "--json").stdout)
    assert {row["n"] for row in rows} == {6}
    assert reprise("report", "--store", store_path).exit_code == 0
    assert all(document["duration_s"] >= 0 for document in faults.documents(store_path))


@pytest.fixture
def no_locks(monkeypatch):
    """A file system on which locks do nothing."""
    monkeypatch.setattr(ownership, "only_run", lambda *words: contextlib.nullcontext())


def test_a_record_that_another_run_wrote_meanwhile_is_not_written_twice(
    tmp_path, filled_store, plain_recipe, reprise, no_locks, monkeypatch
):
    """The other run's records become visible after this one has looked for them."""
    store = tmp_path / "late"
    real = run.Driver._give

    def give(self, slot, unit, arm):
        if arm is None:
            shutil.copytree(filled_store / "records", store / "records", dirs_exist_ok=True)
        real(self, slot, unit, arm)

    monkeypatch.setattr(run.Driver, "_give", give)
    result = reprise("run", plain_recipe, "--seeds", 6, "--store", store, "--json")
    assert json.loads(result.stdout) == {"recorded": 0, "present": 6, "failed": 0, "waiting": 0}
    assert len(list((store / "records").rglob("*.json"))) == 6
    assert check(Store(store))[1] == []


def test_runs_that_never_see_each_other_make_no_replicate_count_twice(
    filled_store, plain_recipe, reprise, no_locks, monkeypatch
):
    before = reprise("verdict", "--store", filled_store, "--json").stdout
    monkeypatch.setattr(Store, "records_of", lambda self, *group, seed=None: [])
    assert reprise("run", plain_recipe, "--seeds", 6, "--store", filled_store).exit_code == 0
    assert len(list((filled_store / "records").rglob("*.json"))) == 12
    assert reprise("verdict", "--store", filled_store, "--json").stdout == before
    assert json.loads(reprise("status", "--store", filled_store, "--json").stdout)[0]["complete"] == 6
    assert check(Store(filled_store))[1] == []


def test_two_drivers_share_one_store(store_path, plain_recipe, tiny_recipe):
    """Different recipes at once; the same one is refused with a message (test_interruption)."""
    common = [sys.executable, "-m", "keras_reprise", "run"]
    more = ["--data", "digits", "--seeds", "3", "--store", str(store_path)]
    drivers = [
        subprocess.Popen(
            [*common, str(recipe), *more],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **faults.QUICKLY_IMPORTED},
        )
        for recipe in (plain_recipe, tiny_recipe)
    ]
    for driver in drivers:
        _, errors = driver.communicate(timeout=200)
        assert driver.returncode == 0, errors
    assert len(list((store_path / "records").rglob("*.json"))) == 6
    assert check(Store(store_path))[1] == []


def test_leftovers_of_killed_writes_are_swept_once_they_are_old(filled_store, plain_recipe, reprise):
    folder = next((filled_store / "records").rglob("*.json")).parent
    for name, age in ((".tmp-old", 7200), (".tmp-new", 0)):
        (folder / name).write_text("{")
        stamp = (folder / name).stat().st_mtime - age
        os.utime(folder / name, (stamp, stamp))
    assert reprise("run", plain_recipe, "--seeds", 6, "--store", filled_store).exit_code == 0
    assert not (folder / ".tmp-old").exists()
    assert (folder / ".tmp-new").exists()


def test_a_damaged_machine_document_is_put_right_by_the_next_run(filled_store, plain_recipe, reprise):
    (machine,) = (filled_store / "machines").glob("*.json")
    machine.write_bytes(machine.read_bytes()[:10])
    assert reprise("check", "--store", filled_store).exit_code == 1
    assert reprise("run", plain_recipe, "--seeds", 6, "--store", filled_store).exit_code == 0
    assert reprise("check", "--store", filled_store).exit_code == 0


def test_words_that_fit_no_recipe_are_refused_before_anything_is_measured(plain_recipe, store_path, reprise):
    for words in (("--scale", "huge"), ("--arm", "three")):
        result = reprise("run", plain_recipe, *words, "--store", store_path)
        assert (result.exit_code, "It has" in result.output, "Traceback" in result.output) == (2, True, False)
    assert seeds_meant("3") == ((1, 2, 3), False)
