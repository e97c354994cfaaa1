"""From the words of `reprise run` to jobs: recipes, scale, seeds and data, checked before anything is imported."""

import contextlib
import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from keras_reprise import catalog
from keras_reprise.base import checkout, errors, package_code
from keras_reprise.base.errors import UserError
from keras_reprise.base.progress import Progress
from keras_reprise.catalog import sources
from keras_reprise.datasets import registry
from keras_reprise.recipe import loading
from keras_reprise.record.schema import Card
from keras_reprise.run import asking, messages
from keras_reprise.run.bookkeeping import Bookkeeping, recipe_of
from keras_reprise.run.driver import Driver, Tally
from keras_reprise.run.executors import Executor
from keras_reprise.run.pool import Workers
from keras_reprise.run.queue import Job
from keras_reprise.run.words import seconds_meant, seeds_meant
from keras_reprise.store import merging
from keras_reprise.store.store import Store


@dataclass(frozen=True)
class Request:
    """The words of `reprise run`; None where they leave something to the suite, the recipe or the machine.

    UserError when a word means nothing, or does not go with another.
    """

    recipes: tuple[str, ...] = ()
    family: str | None = None
    suite_name: str | None = None
    everything: bool = False
    scale: str | None = None
    seeds: str | None = None
    arms: tuple[str, ...] = ()
    backend: str | None = None
    precision: str | None = None
    determinism: str = "fast"
    executor: str = "local"
    workers: int | None = None
    threads: int | None = None
    address: str | None = None
    time_limit: str | None = None
    data_name: str | None = None
    data_dir: Path | None = None
    retry_failed: bool = False
    measurement: str | None = None
    debug: bool = False

    def __post_init__(self) -> None:
        if self.measurement is not None and len(self.recipes) != 1:
            raise UserError("--measurement is that of one recipe.\nGive one recipe with it, by its name or its file.")
        if self.measurement is not None and not re.fullmatch(r"[0-9a-f]{6,64}", self.measurement):
            raise UserError(
                f"--measurement {self.measurement!r} is no hash.\n"
                "Write 6 to 64 of its characters, as `reprise resolve` prints them."
            )
        if sum((bool(self.recipes), self.family is not None, self.suite is not None)) != 1:
            raise UserError(
                "Say what to run: recipes by name, or one of --family, --suite and --all.\n"
                "For example `reprise run cifar10-lr-drop`, or `reprise run --suite quickstart`."
            )
        if self.data_name is not None and self.data_name not in registry.names():
            raise UserError(f"There is no data set {self.data_name!r}.\nThere are {', '.join(registry.names())}.")
        seeds_meant(self.seeds)
        seconds_meant(self.time_limit or "1")
        if self.address is not None and self.executor != "ray":
            raise UserError("--address is that of a Ray cluster.\nAdd --executor ray.")

    @property
    def suite(self) -> catalog.Suite | None:
        """The suite that is to be run, if it is one; UserError when there is none of that name."""
        if self.everything:
            return catalog.SUITES["all"]
        return catalog.suite(self.suite_name)[0] if self.suite_name else None

    @property
    def inline(self) -> bool:
        """Whether the arms are measured in this very process."""
        return self.workers == 0 and self.executor == "local"

    def with_its_suite(self) -> "Request":
        """The same, with what the suite says where the words say nothing."""
        suite = self.suite
        return dataclasses.replace(
            self,
            scale=self.scale or (suite.scale if suite else "quick"),
            seeds=self.seeds or (str(suite.seeds) if suite and suite.seeds else None),
            data_name=self.data_name or (suite.data if suite else None),
        )


def run(words: Request, store: Store) -> Tally:
    """Measure what was asked for; StoreError when the store cannot be written, or another run has a recipe."""
    return run_jobs(words, store)[0]


def run_jobs(words: Request, store: Store) -> tuple[Tally, list[Job]]:
    """The same, with the jobs that this was."""
    request = words.with_its_suite()
    if request.measurement is not None:
        _require_file(request.recipes[0], request.measurement, store)
    paths = _paths(request)
    if request.data_name is None and request.executor == "local":
        _require_data(paths, request.data_dir)
    store.make_writable()
    merging.finish(store)
    executor = _executor(request, _setup(request, store))
    try:
        # What recipes print, and what Ray says of lost nodes, is for people: standard output is the caller's.
        with contextlib.redirect_stdout(sys.stderr), contextlib.closing(executor):
            progress = Progress()
            workers = Workers(executor, store, progress)
            jobs = _jobs(request, paths, workers, store)
            asking.read_data(workers, store, jobs)
            jobs = _each_once(jobs)
            bookkeeping = Bookkeeping(store, retry_failed=request.retry_failed)
            limit = seconds_meant(request.time_limit) if request.time_limit else None
            return Driver(workers, bookkeeping, progress, time_limit_s=limit).run(jobs), jobs
    except KeyboardInterrupt:
        click.echo(
            "Interrupted. Finished arms and training states are kept; run the same command again to continue.", err=True
        )
        raise SystemExit(errors.INTERRUPTED) from None


def _paths(request: Request) -> list[Path]:
    """The recipe files that are asked for."""
    folder = checkout.recipes_folder()
    if request.recipes:
        paths = [catalog.recipe_path(name) for name in request.recipes]
        for path in paths:
            loading.say_that_code_runs(path)
        return paths
    if request.suite is not None:
        return [folder / entry.path for entry in catalog.suite(request.suite.name)[1]]
    entries = [entry for entry in catalog.current() if entry.family == request.family]
    if not entries:
        families = sorted({entry.family for entry in catalog.current()})
        raise UserError(f"There is no family {request.family!r}.\nThere are {', '.join(families)}.")
    return [folder / entry.path for entry in entries]


def _require_data(paths: list[Path], data_dir: Path | None) -> None:
    """Fail before Keras is imported when a data set that will be needed is not here."""
    wanted = {path.resolve() for path in paths}
    folder = checkout.recipes_folder().resolve()
    needs = {entry.card.data for entry in catalog.read_lock().recipes if folder / entry.path in wanted}
    for name, published in registry.published().items():
        if name in needs:
            published.find(data_dir)


def _setup(request: Request, store: Store) -> messages.Setup:
    return messages.Setup(
        str(store.cache.absolute()),
        package_code.facts(),
        package_code.running_sha256(),
        backend=request.backend,
        precision=request.precision or "float32",
        determinism=request.determinism,
        data_dir=str(request.data_dir.absolute()) if request.data_dir else None,
        debug=request.debug,
    )


def _executor(request: Request, setup: messages.Setup) -> Executor:
    workers, threads, address = request.workers, request.threads, request.address
    if request.executor == "ray":
        from keras_reprise.run.executors.on_ray import over_ray

        click.echo(f"Connecting to the Ray cluster {address or 'of this machine'} ...", err=True)
        return over_ray(setup, address, workers or None, threads)
    if request.inline:
        from keras_reprise.run.executors.inline import InlineExecutor

        return InlineExecutor(setup)
    from keras_reprise.run.executors.local import LocalExecutor, shares

    chosen = shares(workers, threads)
    click.echo(f"Starting {len(chosen)} worker{'s' if len(chosen) > 1 else ''} ...", err=True)
    return LocalExecutor(setup, chosen)


def _jobs(request: Request, paths: list[Path], workers: Workers, store: Store) -> list[Job]:
    """What these recipe files are at the scale, with the seeds and on the data that are asked for."""
    files = [messages.RecipeSource(str(path.absolute()), path.read_bytes()) for path in paths]
    described = asking.describe(workers, store, files)
    jobs = [_job(request, file, found, store) for file, found in zip(files, described, strict=True)]
    if request.inline:
        _refuse_timings(jobs)
    return _without_timings(jobs) if request.determinism == "strict" else jobs


def _each_once(jobs: Sequence[Job]) -> list[Job]:
    """The jobs without those that would do the work of one before them: a file given twice, or a copy of it."""
    kept: dict[str, Job] = {}
    for job in jobs:
        first = kept.setdefault(job.key, job)
        if first.source.path != job.source.path:
            click.echo(f"{job.source.path} measures what {first.source.path} does; it is run once.", err=True)
    return list(kept.values())


def _job(request: Request, file: messages.RecipeSource, described: messages.Described, store: Store) -> Job:
    """One recipe as it is asked for; UserError when it has no such scale, arm or measurement, or data of its own."""
    card = msgspec.convert(described.card, Card)
    scale = request.scale or "quick"
    _require(card.slug, "scale", [scale], card.scales)
    _require(card.slug, "arm", request.arms, described.params)
    seeds, auto = seeds_meant(request.seeds)
    job = Job(
        file, card, described.source_sha256, described.params, scale,
        seeds or tuple(range(1, card.scales[scale]["seeds"] + 1)), auto, request.data_name, request.arms,
        described.measurements[scale],
    )  # fmt: skip
    if job.own_data and job.substitute:
        raise UserError(
            f"{card.slug} brings data of its own, which --data {job.substitute} cannot replace.\nLeave the option out."
        )
    if request.measurement is not None:
        _require_measurement(job, request.measurement, store)
    _name_judge(job, described, store)
    return job


def _name_judge(job: Job, described: messages.Described, store: Store) -> None:
    """Have records of somebody's own recipe judged by its card as it is now; those of ours are by the lock's.

    UserError for a copy of one of ours that measures the same and claims something else.
    """
    entry = sources.entry_of(recipe_of(job))
    if entry is None:
        store.judge_by(job.measurement, store.add_document("cards", described.card))
    elif job.card.without_retired() != entry.card.without_retired():
        ours = checkout.recipes_folder().resolve() / entry.path
        if Path(job.source.path).resolve() != ours:
            raise UserError(
                f"{job.source.path} measures what the package's recipe {entry.slug} does, but claims otherwise.\n"
                "Nothing was run: records of that measurement are judged by the package's claims, and these would be "
                "ignored.\nGive the recipe a slug of its own."
            )
        click.echo(
            f"{entry.slug} is judged by the claims that are locked; `reprise lock` takes the new ones.", err=True
        )


def _require(slug: str, kind: str, wanted: Sequence[str], known: Mapping[str, object]) -> None:
    for name in wanted:
        if name not in known:
            raise UserError(f"{slug} has no {kind} {name!r}.\nIt has {', '.join(known)}.")


def _require_file(name: str, wanted: str, store: Store) -> None:
    """Say at once which file is needed, where there is none."""
    if catalog.is_path(name) and not Path(name).is_file():
        raise UserError(f"There is no recipe file {name}.\n{_which_file(wanted, store)}")


def _require_measurement(job: Job, wanted: str, store: Store) -> None:
    """UserError unless the recipe is what was asked for: by its measurement, or by its file."""
    if not job.measurement.startswith(wanted) and not job.source_sha256.startswith(wanted):
        raise UserError(
            f"{Path(job.source.path).name} measures {job.measurement[:12]} at {job.scale} scale here, not {wanted}; "
            f"its sha256 is {job.source_sha256[:12]}.\n"
            f"Nothing was run: its numbers would be of another source. {_which_file(wanted, store)}"
        )


def _which_file(wanted: str, store: Store) -> str:
    """Which recipe file measured `wanted`, as the store's records say."""
    found = [summary.recipe for summary in store.summaries()[0] if sources.hash_of(summary.recipe).startswith(wanted)]
    files = sorted({recipe.source_sha256 for recipe in found})
    if not files:
        return f"The store {store.root} has no record of {wanted}. Bring the file it was measured with."
    return (
        f"Bring the file of {found[0].slug} version {found[0].version} whose sha256 is {' or '.join(files)}, "
        "with what lies beside it, and the backend of the records."
    )


def _without_timings(jobs: list[Job]) -> list[Job]:
    """The jobs that are not about seconds: kernels chosen for equal bits say nothing of speed."""
    left = [job for job in jobs if not job.card.timing]
    names = ", ".join(job.card.slug for job in jobs if job.card.timing)
    if not left:
        raise UserError(
            f"{names}: recipes about seconds are not run with --determinism strict.\n"
            "Its kernels are slower. Leave the option out."
        )
    if names:
        click.echo(f"Left out, being about seconds, which strict runs say nothing of: {names}.", err=True)
    return left


def _refuse_timings(jobs: list[Job]) -> None:
    names = ", ".join(job.card.slug for job in jobs if job.card.timing)
    if names:
        raise UserError(
            f"{names}: recipes about seconds need a fresh process for each replicate.\n"
            "Nothing was run. Use --workers 1 or more."
        )
