"""From the words of `reprise run` to jobs: which recipes, scale, seeds and data, checked before anything is imported."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from keras_reprise import catalog
from keras_reprise.errors import UserError
from keras_reprise.interruption import prompt_interrupt
from keras_reprise.store import Store

DATA_SETS = ("cifar10", "digits")


def run(
    recipes: tuple[str, ...],
    store: Store,
    *,
    family: str | None = None,
    suite_name: str | None = None,
    everything: bool = False,
    scale: str | None = None,
    seeds: str | None = None,
    arms: tuple[str, ...] = (),
    backend: str | None = None,
    precision: str | None = None,
    executor: str = "local",
    data_name: str | None = None,
    data_dir: Path | None = None,
    retry_failed: bool = False,
    debug: bool = False,
    here: bool = False,
) -> Any:
    """Resolve what was asked for, then measure it; returns a `run.Outcome`.

    Replicates of a timing recipe are measured by processes of their own, one after the other, unless `here`.
    """
    suite = catalog.SUITES["all"] if everything else catalog.suite(suite_name)[0] if suite_name else None
    paths = _paths(recipes, family, suite)
    scale = scale or (suite.scale if suite else "quick")
    seeds = seeds or (suite.seeds if suite else None)
    data_name = data_name or (suite.data if suite else None)
    if data_name is not None and data_name not in DATA_SETS:
        raise UserError(f"There is no data set {data_name!r}.\nThere are {', '.join(DATA_SETS)}.")
    chosen_seeds, auto = parse_seeds(seeds)
    store.make_writable()
    if data_name is None:
        _require_data(recipes, paths, data_dir)
    kept = "Interrupted. Finished arms and training states are kept; run the same command again to continue."
    with prompt_interrupt(lambda: kept):
        try:
            click.echo(f"Loading Keras on {_start(backend, precision)} ...", err=True)
            from keras_reprise.run import Job, Runner

            jobs = []
            child = _Child(store, backend=backend, precision=precision, data=data_name, data_dir=data_dir, debug=debug)
            for path in paths:
                loaded = catalog.load(path)
                job_scale = loaded.recipe.scale(scale)
                wanted = chosen_seeds or tuple(range(1, job_scale.seeds + 1))
                jobs.append(
                    Job(loaded, job_scale, wanted, auto, data_name, tuple(loaded.recipe.arm(arm).name for arm in arms))
                )
            runner = Runner(store, data_dir=data_dir, retry_failed=retry_failed, debug=debug)
            return runner.run(jobs, in_fresh_process=None if here else child.measure)
        except KeyboardInterrupt:
            click.echo(kept, err=True)
            raise SystemExit(130) from None


@dataclass(frozen=True)
class _Child:
    """How a process of its own is started for a replicate of a timing recipe."""

    store: Store
    backend: str | None
    precision: str | None
    data: str | None
    data_dir: Path | None
    debug: bool

    def measure(self, path: Path, scale: str, seed: int, arms: tuple[str, ...], retry_failed: bool) -> int:
        """Measure one replicate; returns the process's exit code, which is that of `reprise run`."""
        command = [
            sys.executable,
            "-m",
            "keras_reprise",
            *(["--debug"] if self.debug else []),
            "run",
            str(path),
            "--here",
        ]
        options = {
            "--scale": scale, "--seeds": f"{seed},{seed}", "--store": self.store.root, "--backend": self.backend,
            "--precision": self.precision, "--data": self.data, "--data-dir": self.data_dir,
        }  # fmt: skip
        command += [str(word) for pair in options.items() if pair[1] is not None for word in pair]
        command += [word for arm in arms for word in ("--arm", arm)] + (["--retry-failed"] if retry_failed else [])
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


def parse_seeds(text: str | None) -> tuple[tuple[int, ...], bool]:
    """The seeds that `--seeds` means, and whether it is `auto`; an empty tuple leaves the number to the scale."""
    if text is None:
        return (), False
    if text == "auto":
        return tuple(range(1, 31)), True
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise UserError(
            f"--seeds {text!r} is no number of seeds.\nWrite 6 for the seeds 1 to 6, 1,4,7 for those, or auto."
        )
    numbers = [int(part) for part in parts]
    if any(number < 1 for number in numbers):
        raise UserError(
            f"--seeds {text}: seeds are 1, 2, 3, ..., never 0.\nSome libraries take 0 for 'random', which would make the replicate unrepeatable.\n"
            "Write 6 for the seeds 1 to 6, or 1,4,7 for those."
        )
    return (tuple(range(1, numbers[0] + 1)) if len(parts) == 1 else tuple(sorted(set(numbers)))), False


def describe(outcome: Any) -> str:
    """One line on what a run did, and the next step."""
    parts = [f"{outcome.recorded} replicates recorded"]
    parts += [f"{outcome.present} already in the store"] if outcome.present else []
    parts += [f"{outcome.failed} failed (again with --retry-failed)"] if outcome.failed else []
    parts += [f"{outcome.waiting} waiting for their other arms"] if outcome.waiting else []
    return f"{', '.join(parts)}. See `reprise verdict` and `reprise report`."


def _paths(recipes: tuple[str, ...], family: str | None, suite: catalog.Suite | None) -> list[Path]:
    if sum((bool(recipes), family is not None, suite is not None)) != 1:
        raise UserError(
            "Say what to run: recipes by name, or one of --family, --suite and --all.\nFor example `reprise run cifar10-lr-drop`, or `reprise run --suite quickstart`."
        )
    folder = catalog.recipes_folder()
    if recipes:
        paths = [catalog.recipe_path(name) for name in recipes]
        for path in paths:
            if folder.resolve() not in path.resolve().parents:
                click.echo(f"reprise: {path} is not one of the package's recipes; running it runs its code.", err=True)
        return paths
    if suite is not None:
        return [folder / entry.path for entry in catalog.suite(suite.name)[1]]
    entries = [entry for entry in catalog.current() if entry.family == family]
    if not entries:
        families = sorted({entry.family for entry in catalog.current()})
        raise UserError(f"There is no family {family!r}.\nThere are {', '.join(families)}.")
    return [folder / entry.path for entry in entries]


def _require_data(recipes: tuple[str, ...], paths: list[Path], data_dir: Path | None) -> None:
    """Fail before Keras is imported when a data set that will be needed is not here."""
    wanted = {path.resolve() for path in paths}
    folder = catalog.recipes_folder().resolve()
    needs = {entry.card.data for entry in catalog.read_lock().recipes if folder / entry.path in wanted}
    if "cifar10" in needs:
        from keras_reprise import datasets

        datasets.find_cifar10(data_dir)


def _start(name: str | None, precision: str | None) -> str:
    from keras_reprise.engine import backend

    return backend.start(name, precision or "float32")
