"""`keras_reprise.run(...)`: `reprise run` from a Python session or a notebook, with the results of what it ran."""

from collections.abc import Iterable
from pathlib import Path

import click

from keras_reprise.base import checkout, errors
from keras_reprise.report.frames.results import Results
from keras_reprise.run.bookkeeping import Bookkeeping
from keras_reprise.run.request import Request, run_jobs
from keras_reprise.store.store import Store


def run(
    *recipes: str | Path,
    scale: str | None = None,
    seeds: int | Iterable[int] | str | None = None,
    store: str | Path | None = None,
    family: str | None = None,
    suite: str | None = None,
    data: str | None = None,
    data_dir: str | Path | None = None,
    backend: str | None = None,
    precision: str | None = None,
    determinism: str = "fast",
    workers: int | None = None,
    threads: int | None = None,
    time_limit: str | None = None,
    retry_failed: bool = False,
) -> Results:
    """Measure recipes (names, or paths of files) in worker processes; returns the records of what was asked for.

    The options are those of `reprise run`: `seeds=6` are the seeds 1 to 6, `seeds=[1, 4, 7]` those, `"auto"` as many as
    the verdicts need. What the `store` (default: as in `results`) holds already is not measured again; a call that was
    interrupted goes on. Progress goes to standard error. UserError says what cannot be run. Replicates that fail are in
    `records()` and are counted as `n_failed`.
    """
    if data_dir is not None:
        data_dir = Path(data_dir)
    request = Request(
        tuple(map(str, recipes)),
        family=family,
        suite_name=suite,
        scale=scale,
        seeds=_as_word(seeds),
        backend=backend,
        precision=precision,
        determinism=determinism,
        workers=workers,
        threads=threads,
        time_limit=time_limit,
        data_name=data,
        data_dir=data_dir,
        retry_failed=retry_failed,
    )
    there = Store(Path(store) if store is not None else checkout.default_store())
    there.require_folder()
    try:
        tally, jobs = run_jobs(request, there)
    except SystemExit as end:
        if end.code == errors.INTERRUPTED:  # of the command: a session goes on
            raise KeyboardInterrupt from None
        raise
    if tally.failed:
        click.echo(f"{tally.failed} replicates failed; retry_failed=True measures them again.", err=True)
    kept = Bookkeeping(there)
    asked = [one for job in jobs for one in kept.recorded(job) if one.replicate.seed in job.seeds]
    return Results(there, asked)


def _as_word(seeds: int | Iterable[int] | str | None) -> str | None:
    """The seeds as `--seeds` has them; one seed in a list is that seed."""
    if seeds is None or isinstance(seeds, str):
        return seeds
    if isinstance(seeds, int):
        return str(seeds)
    listed = list(seeds)
    if not listed:
        raise errors.UserError("seeds=[] are no seeds, so there is nothing to run.\nGive some, or leave it out.")
    return ",".join(map(str, listed if len(listed) > 1 else listed * 2))
