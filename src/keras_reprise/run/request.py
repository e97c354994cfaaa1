"""From the words of `reprise run` to jobs: which recipes, scale, seeds and data, checked before anything is imported."""

import contextlib
import re
import sys
from pathlib import Path

import click
import msgspec

from keras_reprise import catalog
from keras_reprise.base import checkout, errors, package_code
from keras_reprise.base.errors import UserError
from keras_reprise.catalog import sources
from keras_reprise.datasets import registry
from keras_reprise.recipe import loading
from keras_reprise.record.schema import Card
from keras_reprise.run import messages
from keras_reprise.run.driver import Driver, Tally
from keras_reprise.run.executors import Executor
from keras_reprise.run.queue import Job
from keras_reprise.run.words import seconds_meant, seeds_meant
from keras_reprise.store.store import Store


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
    determinism: str = "fast",
    executor: str = "local",
    workers: int | None = None,
    threads: int | None = None,
    address: str | None = None,
    time_limit: str | None = None,
    data_name: str | None = None,
    data_dir: Path | None = None,
    retry_failed: bool = False,
    measurement: str | None = None,
    debug: bool = False,
) -> Tally:
    """Resolve what was asked for, then measure it."""
    if measurement is not None and len(recipes) != 1:
        raise UserError("--measurement is that of one recipe.\nGive one recipe with it, by its name or its file.")
    if measurement is not None:
        _require_file(recipes[0], measurement, store)
    suite = catalog.SUITES["all"] if everything else catalog.suite(suite_name)[0] if suite_name else None
    paths = _paths(recipes, family, suite)
    scale = scale or (suite.scale if suite else "quick")
    seeds = seeds or (suite.seeds if suite else None)
    data_name = data_name or (suite.data if suite else None)
    if data_name is not None and data_name not in registry.names():
        raise UserError(f"There is no data set {data_name!r}.\nThere are {', '.join(registry.names())}.")
    chosen_seeds, auto = seeds_meant(seeds)
    limit = seconds_meant(time_limit) if time_limit else None
    if data_name is None and executor == "local":
        _require_data(recipes, paths, data_dir)
    setup = messages.Setup(
        str(store.cache.absolute()),
        package_code.facts(),
        package_code.running_sha256(),
        backend=backend,
        precision=precision or "float32",
        determinism=determinism,
        data_dir=str(data_dir.absolute()) if data_dir else None,
        debug=debug,
    )
    store.make_writable()
    chosen = _executor(executor, setup, workers, threads, address)
    try:
        # What recipes print, and what Ray says of lost nodes, is for people: standard output is the caller's.
        with contextlib.redirect_stdout(sys.stderr), contextlib.closing(chosen):
            driver = Driver(store, chosen, retry_failed=retry_failed, time_limit_s=limit)
            sources = [messages.RecipeSource(str(path.absolute()), path.read_bytes()) for path in paths]
            jobs = []
            for source, described in zip(sources, driver.describe(sources), strict=True):
                card = msgspec.convert(described.card, Card)
                job = Job(source, card, described.source_sha256, described.params, scale, (), auto, data_name, arms)
                _check(job)
                job.measurement = described.measurements[scale]
                if measurement is not None:
                    _require_measurement(job, measurement, store)
                job.seeds = chosen_seeds or tuple(range(1, card.scales[scale]["seeds"] + 1))
                jobs.append(job)
            if workers == 0 and executor == "local":
                _refuse_timings(jobs)
            if determinism == "strict":
                jobs = _without_timings(jobs)
            driver.read_data(jobs)
            return driver.run(jobs)
    except KeyboardInterrupt:
        click.echo(
            "Interrupted. Finished arms and training states are kept; run the same command again to continue.", err=True
        )
        raise SystemExit(errors.INTERRUPTED) from None


def _require_file(name: str, wanted: str, store: Store) -> None:
    """Say at once which file is needed, where there is none."""
    if not re.fullmatch(r"[0-9a-f]{6,64}", wanted):
        raise UserError(
            f"--measurement {wanted!r} is no hash.\nWrite 6 to 64 of its characters, as `reprise resolve` prints them."
        )
    if catalog.is_path(name) and not Path(name).is_file():
        raise UserError(f"There is no recipe file {name}.\n{_which_file(wanted, store)}")


def _require_measurement(job: Job, wanted: str, store: Store) -> None:
    """UserError unless the recipe is what was asked for: by its measurement, or by its file."""
    if not job.measurement.startswith(wanted) and not job.source_sha256.startswith(wanted):
        raise UserError(
            f"{Path(job.source.path).name} measures {job.measurement[:12]} at {job.scale} scale here, not {wanted}; its sha256 is {job.source_sha256[:12]}.\n"
            f"Nothing was run: its numbers would be of another source. {_which_file(wanted, store)}"
        )


def _which_file(wanted: str, store: Store) -> str:
    """Which recipe file measured `wanted`, as the store's records say."""
    found = [summary.recipe for summary in store.summaries()[0] if sources.hash_of(summary.recipe).startswith(wanted)]
    files = sorted({recipe.source_sha256 for recipe in found})
    if not files:
        return f"The store {store.root} has no record of {wanted}. Bring the file it was measured with."
    return f"Bring the file of {found[0].slug} version {found[0].version} whose sha256 is {' or '.join(files)}, with what lies beside it, and the backend of the records."


def _executor(
    name: str, setup: messages.Setup, workers: int | None, threads: int | None, address: str | None
) -> Executor:
    if address is not None and name != "ray":
        raise UserError("--address is that of a Ray cluster.\nAdd --executor ray.")
    if name == "ray":
        from keras_reprise.run.executors.on_ray import RayExecutor

        click.echo(f"Connecting to the Ray cluster {address or 'of this machine'} ...", err=True)
        return RayExecutor(setup, address=address, workers=workers or None, threads=threads)
    if workers == 0:
        from keras_reprise.run.executors.inline import InlineExecutor

        return InlineExecutor(setup)
    from keras_reprise.run.executors.local import LocalExecutor, shares

    chosen = shares(workers, threads)
    click.echo(f"Starting {len(chosen)} worker{'s' if len(chosen) > 1 else ''} ...", err=True)
    return LocalExecutor(setup, chosen)


def _check(job: Job) -> None:
    """UserError when the recipe has no such scale or arm."""
    for kind, wanted, known in (
        ("scale", [job.scale], job.card.scales),
        ("arm", job.only, job.params),
    ):
        for name in wanted:
            if name not in known:
                raise UserError(f"{job.card.slug} has no {kind} {name!r}.\nIt has {', '.join(known)}.")
    if job.own_data and job.substitute:
        raise UserError(
            f"{job.card.slug} brings data of its own, which --data {job.substitute} cannot replace.\nLeave the option out."
        )


def _without_timings(jobs: list[Job]) -> list[Job]:
    """The jobs that are not about seconds: kernels chosen for equal bits say nothing of speed."""
    left = [job for job in jobs if not job.card.timing]
    names = ", ".join(job.card.slug for job in jobs if job.card.timing)
    if not left:
        raise UserError(
            f"{names}: recipes about seconds are not run with --determinism strict.\nIts kernels are slower. Leave the option out."
        )
    if names:
        click.echo(f"Left out, being about seconds, which strict runs say nothing of: {names}.", err=True)
    return left


def _refuse_timings(jobs: list[Job]) -> None:
    names = ", ".join(job.card.slug for job in jobs if job.card.timing)
    if names:
        raise UserError(
            f"{names}: recipes about seconds need a fresh process for each replicate.\nNothing was run. Use --workers 1 or more."
        )


def describe(tally: Tally) -> str:
    """One line on what a run did, and the next step."""
    parts = [f"{tally.recorded} replicates recorded"]
    parts += [f"{tally.present} already in the store"] if tally.present else []
    parts += [f"{tally.failed} failed (again with --retry-failed)"] if tally.failed else []
    parts += [f"{tally.waiting} waiting for their other arms"] if tally.waiting else []
    return f"{', '.join(parts)}. See `reprise verdict` and `reprise report`."


def _paths(recipes: tuple[str, ...], family: str | None, suite: catalog.Suite | None) -> list[Path]:
    if sum((bool(recipes), family is not None, suite is not None)) != 1:
        raise UserError(
            "Say what to run: recipes by name, or one of --family, --suite and --all.\nFor example `reprise run cifar10-lr-drop`, or `reprise run --suite quickstart`."
        )
    folder = checkout.recipes_folder()
    if recipes:
        paths = [catalog.recipe_path(name) for name in recipes]
        for path in paths:
            loading.say_that_code_runs(path)
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
    folder = checkout.recipes_folder().resolve()
    needs = {entry.card.data for entry in catalog.read_lock().recipes if folder / entry.path in wanted}
    for name, published in registry.published().items():
        if name in needs:
            published.find(data_dir)
