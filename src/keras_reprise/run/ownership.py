"""Which jobs this run has to itself: two runs at once would do the same work and disturb each other's timings."""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

from keras_reprise.base.errors import StoreError
from keras_reprise.base.locks import only_run
from keras_reprise.run.queue import Job


class OwnJobs:
    """The jobs of this run, locked in a `folder` as they begin, until the end; freed when the process dies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refusal: StoreError | None = None  # why a job is left to another run
        self._jobs: set[Job] = set()
        self._locks = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._locks.close()

    def take(self, job: Job) -> bool:
        """Have the job to this run; whether it has it, or another run does."""
        if job not in self._jobs:
            try:
                self._locks.enter_context(only_run(self.folder, "-".join((job.key, *(job.place or ()))), job.name))
            except StoreError as error:
                self.refusal = error
                return False
            self._jobs.add(job)
        return True
