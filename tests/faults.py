"""Runs that are disturbed at random moments, and what must hold after each disturbance.

`python tests/faults.py --kills 200 --seed 1` (or `tox -e faults`) is the long form; test_faults.py has a short one. Drivers
and workers are killed with kill -9 at moments drawn from the seed; the same command is then given again until it ends by
itself. After every kill the store is sound and nothing that was finished is gone; at the end nothing is there twice, and the
numbers are those of a run that was left alone.
"""

import argparse
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from keras_reprise.integrity import check
from keras_reprise.store import Store

QUICKLY_IMPORTED = {"KERAS_BACKEND": "jax"} if importlib.util.find_spec("jax") else {}
RECIPES = Path(__file__).parent / "data" / "recipes"
SEEDS = 3
LONGEST_RUN_S = 300.0
MOST_WORKER_KILLS = 2  # of one driver: an arm that ended three workers would be recorded as failed, as it should


@dataclass
class Tally:
    """What was done to the runs, and when."""

    driver: int = 0
    worker: int = 0
    runs: int = 0
    moments: list[float] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.driver + self.worker


def start(store: Path, workers: int = 2) -> "subprocess.Popen[bytes]":
    """The run that is disturbed: two recipes, with training states, arms that wait for others, and a second worker."""
    words = [RECIPES / "tiny.py", RECIPES / "faulty.py", "--data", "digits", "--seeds", SEEDS, "--store", store]
    words += ["--workers", workers, "--threads", 1]
    command = [sys.executable, "-m", "keras_reprise", "run", *map(str, words)]
    environment = {**os.environ, **QUICKLY_IMPORTED, "TINY_SLEEP": "0.2"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def documents(store: Path) -> list[dict]:
    return [json.loads(path.read_bytes()) for path in sorted((store / "records").rglob("*.json"))]


def numbers(store: Path) -> dict:
    """What was measured; fails when a replicate is there twice."""
    found = {}
    for document in documents(store):
        key = document["recipe"]["slug"], document["replicate"]["seed"]
        assert key not in found, f"{key} is there twice"
        arms = {
            name: ({k: v for k, v in arm["metrics"].items() if k != "pid"}, arm["curves"], arm["status"])
            for name, arm in document["arms"].items()
        }
        found[key] = (arms, {k: v for k, v in document["claims"].items()}, document["environment"])
    return found


def finished(store: Path) -> tuple[dict[Path, bytes], list[tuple[str, str]]]:
    """The records that are there, and of every finished arm of an unfinished replicate its content."""
    records = {path: path.read_bytes() for path in (store / "records").rglob("seed*.json")}
    arms = []
    for path in (store / ".cache" / "replicates").glob("*/arm-*.json"):
        try:
            arms.append(
                (path.stem.removeprefix("arm-"), json.dumps(json.loads(path.read_bytes())["arm"], sort_keys=True))
            )
        except FileNotFoundError:  # its record was written while we looked
            continue
    return records, arms


def nothing_lost(store: Path, before: tuple[dict[Path, bytes], list[tuple[str, str]]]) -> None:
    """Every record and every arm that was finished is still there, to the byte."""
    records, arms = before
    for path, content in records.items():
        assert path.read_bytes() == content, f"{path.name} changed"
    kept = {arm for arm in finished(store)[1]}
    recorded = {
        (name, json.dumps(arm, sort_keys=True))
        for document in documents(store)
        for name, arm in document["arms"].items()
    }
    lost = [name for name, arm in arms if (name, arm) not in kept | recorded]
    assert not lost, f"finished arms were lost: {lost}"


def sound(store: Path) -> None:
    if store.exists():
        assert check(Store(store))[1] == []


def disturb(store: Path, drawn: random.Random, kills: int, tally: Tally) -> None:
    """One run to its end, disturbed up to `kills` times."""
    tally.runs += 1
    left = kills
    before: tuple[dict[Path, bytes], list[tuple[str, str]]] = ({}, [])
    while True:
        driver = start(store)
        started = time.monotonic()
        worker_kills = 0
        while left:
            moment = drawn.uniform(0.0, 9.0)
            try:
                driver.wait(timeout=moment)
                break
            except subprocess.TimeoutExpired:
                pass
            workers = psutil.Process(driver.pid).children() if drawn.random() < 0.5 else []
            if workers and worker_kills < MOST_WORKER_KILLS:
                drawn.choice(workers).send_signal(signal.SIGKILL)
                worker_kills += 1
                tally.worker += 1
            else:
                driver.kill()
                driver.wait()
                tally.driver += 1
            left -= 1
            tally.moments.append(round(time.monotonic() - started, 1))
            nothing_lost(store, before)
            before = finished(store)
            if driver.poll() is not None:
                sound(store)
                break
        else:
            driver.wait(timeout=LONGEST_RUN_S)
        if driver.returncode == 0:
            break
        assert driver.returncode == -signal.SIGKILL, f"the run ended with exit code {driver.returncode}"
    nothing_lost(store, before)
    sound(store)
    assert not list((store / ".cache" / "replicates").glob("*")), "the cache of recorded replicates is left"


def undisturbed(folder: Path) -> dict:
    run = start(folder, workers=1)
    assert run.wait(timeout=LONGEST_RUN_S) == 0
    return numbers(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill runs at random moments, and see that nothing is lost.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-run", type=int, default=8, help="kills of one run, which then ends by itself")
    options = parser.parse_args()
    drawn, tally = random.Random(options.seed), Tally()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reprise-faults-") as scratch:
        expected = undisturbed(Path(scratch, "undisturbed"))
        while tally.kills < options.kills:
            store = Path(scratch, str(tally.runs))
            disturb(store, drawn, min(options.per_run, options.kills - tally.kills), tally)
            assert numbers(store) == expected
            spent = time.monotonic() - began
            print(
                f"{tally.kills} of {options.kills} kills ({tally.driver} of drivers, {tally.worker} of workers), {tally.runs} runs ended with the undisturbed numbers, {spent:.0f} s",
                flush=True,
            )
    print(
        f"seed {options.seed}: {tally.kills} kills, nothing lost, nothing twice, every store sound, all numbers equal."
    )


if __name__ == "__main__":
    main()
