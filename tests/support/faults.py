"""Runs that are disturbed at random moments, and what must hold after each disturbance.

`python tests/support/faults.py --kills 200 --seed 1` (or `tox -e faults`) is the long form; test_faults.py has a short one. Drivers,
workers and, in every fourth run, nodes of a Ray cluster are killed with kill -9 at moments drawn from the seed; the same
command is then given again until it ends by itself. After every kill the store is sound and nothing that was finished is gone;
at the end nothing is there twice, and the numbers are those of a run that was left alone.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from keras_reprise.base import seals
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store

if TYPE_CHECKING:
    from clusters import Nodes

QUICKLY_IMPORTED = {"KERAS_BACKEND": "jax"} if importlib.util.find_spec("jax") else {}
RECIPES = Path(__file__).parents[1] / "data" / "recipes"
SEEDS = 3
LONGEST_RUN_S = 300.0
MOST = {"worker": 2, "node": 3}  # kills of one driver's: an arm that ended three workers would be recorded as failed
LATEST_S, LATEST_ON_RAY_S = 9.0, 18.0


@dataclass
class Tally:
    """How many of each kind were killed, in how many runs."""

    kinds: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    records: int = 0  # that were there at a kill, and were looked for later
    arms: int = 0  # likewise finished arms of unfinished replicates

    @property
    def kills(self) -> int:
        return self.kinds.total()

    def __str__(self) -> str:
        return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(self.kinds.items()))


def start(store: Path, workers: int = 2, nodes: "Nodes | None" = None) -> "subprocess.Popen[bytes]":
    """The run that is disturbed: two recipes, with training states, arms that wait for others, and a second worker."""
    words = [RECIPES / "tiny.py", RECIPES / "faulty.py", "--data", "digits", "--seeds", SEEDS, "--store", store]
    words += ["--executor", "ray", "--address", nodes.address] if nodes else ["--workers", workers, "--threads", 1]
    command = [sys.executable, "-m", "keras_reprise", "run", *map(str, words)]
    environment = {**os.environ, **QUICKLY_IMPORTED, "TINY_SLEEP": "0.2"}
    with _log(store).open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)


def _log(store: Path) -> Path:
    """What the drivers of a store said."""
    return store.with_name(f"{store.name}.log")


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
        name = path.stem.removeprefix("arm-")
        try:
            content = seals.opened(path.read_bytes(), f"replicates/{path.parent.name}", name)
        except FileNotFoundError:  # its record was written while we looked
            continue
        assert content is not None, f"{path.name} is not what this user kept"
        arms.append((name, json.dumps(json.loads(content)["arm"], sort_keys=True)))
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


def victims(driver: int, nodes: "Nodes | None") -> list[psutil.Process]:
    """The worker processes of a driver, here or on the nodes."""
    with contextlib.suppress(psutil.NoSuchProcess):
        below = psutil.Process(nodes.process.pid if nodes else driver).children(recursive=True)
        return [process for process in below if "keras_reprise.run.worker" in " ".join(_words(process))]
    return []


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []


def kill(kind: str, driver: "subprocess.Popen[bytes]", nodes: "Nodes | None", drawn: random.Random) -> str:
    """Kill one of that kind, or the driver where there is none; returns what was killed."""
    workers = victims(driver.pid, nodes) if kind == "worker" else []
    if workers:
        with contextlib.suppress(psutil.NoSuchProcess):
            drawn.choice(workers).send_signal(signal.SIGKILL)
            return "worker"
    if kind == "node" and nodes:
        nodes.tell("kill")
        nodes.tell("add")
        return "node"
    driver.kill()
    driver.wait()
    return "driver"


def until_something_is_kept(store: Path, driver: "subprocess.Popen[bytes]") -> None:
    """Wait until the store holds a record or a finished arm, or the driver has ended."""
    end = time.monotonic() + LONGEST_RUN_S
    while driver.poll() is None and not sum(map(len, finished(store))):
        assert time.monotonic() < end, "nothing was kept"
        time.sleep(0.05)


def disturb(store: Path, drawn: random.Random, kills: int, tally: Tally, nodes: "Nodes | None" = None) -> None:
    """One run to its end, disturbed up to `kills` times, each once something is there to lose; over a Ray cluster where
    `nodes` are given."""
    tally.runs += 1
    left = kills
    before: tuple[dict[Path, bytes], list[tuple[str, str]]] = ({}, [])
    while True:
        driver = start(store, nodes=nodes)
        done: Counter[str] = Counter()
        while left:
            try:
                until_something_is_kept(store, driver)
                driver.wait(timeout=drawn.uniform(0.0, LATEST_ON_RAY_S if nodes else LATEST_S))
                break
            except subprocess.TimeoutExpired:
                pass
            kind = drawn.choice(("driver", "worker", "node") if nodes else ("driver", "worker"))
            if kind != "driver" and done[kind] >= MOST[kind]:
                kind = "driver"
            kind = kill(kind, driver, nodes, drawn)
            done[kind] += 1
            tally.kinds[kind] += 1
            left -= 1
            nothing_lost(store, before)
            before = finished(store)
            tally.records, tally.arms = tally.records + len(before[0]), tally.arms + len(before[1])
            if driver.poll() is not None:
                sound(store)
                break
        else:
            driver.wait(timeout=LONGEST_RUN_S)
        if driver.returncode == 0:
            break
        said = _log(store).read_text(errors="replace")[-3000:]
        assert driver.returncode == -signal.SIGKILL, f"the run ended with exit code {driver.returncode}:\n{said}"
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
    parser.add_argument("--scratch", default="/tmp", help="a folder with a short path, for Ray's sockets")
    parser.add_argument(
        "--ray-every",
        type=int,
        default=4,
        help="how often a run is over a Ray cluster, whose nodes are killed too (0: never)",
    )
    options = parser.parse_args()
    drawn, tally = random.Random(options.seed), Tally()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="rf", dir=options.scratch, ignore_cleanup_errors=True)
        )
        expected = undisturbed(Path(scratch, "undisturbed"))
        nodes = None
        if options.ray_every:
            from clusters import Nodes

            nodes = Nodes(Path(scratch, "keras"), scratch)
            stack.callback(nodes.close)
        while tally.kills < options.kills:
            store = Path(scratch, str(tally.runs))
            over = nodes if nodes and (tally.runs + 1) % options.ray_every == 0 else None
            disturb(store, drawn, min(options.per_run, options.kills - tally.kills), tally, over)
            differing = [key for key, value in numbers(store).items() if value != expected.get(key)]
            if differing or len(numbers(store)) != len(expected):
                kept = shutil.copytree(store, tempfile.mkdtemp(prefix="reprise-faults-"), dirs_exist_ok=True)
                raise AssertionError(f"not the undisturbed numbers: {differing}; the store is kept in {kept}")
            spent = time.monotonic() - began
            print(
                f"{tally.kills} of {options.kills} kills ({tally}), {tally.runs} runs ended with the undisturbed numbers, {spent:.0f} s",
                flush=True,
            )
    print(
        f"seed {options.seed}: {tally.kills} kills, {tally.records} records and {tally.arms} finished arms looked for, nothing lost, nothing twice, every store sound, all numbers equal."
    )


if __name__ == "__main__":
    main()
