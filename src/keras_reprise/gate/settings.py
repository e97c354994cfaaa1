"""What a gate measures and what counts as a change: one TOML file, with defaults for all of it."""

import fnmatch
import os
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from keras_reprise.base.errors import UserError
from keras_reprise.gate.design import BASELINE_ROUNDS, DEFAULT_THRESHOLD, ROUNDS

PLACES = ("gate.toml", "benchmarks/gate.toml")

Share = Annotated[float, msgspec.Meta(gt=0, le=10)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of gate.toml.

    `benchmarks` are pytest-benchmark files, each measured in processes of its own; `recipes` are slugs, paths, or
    `suite:NAME`, without those that `skip` names. `thresholds` (shares of the baseline) and `margins` (in the metric's
    unit) go by patterns of metric names, of which the last that fits counts. A metric of a recipe without a margin is
    not gated. `seeds` are the replicates a gate makes of a recipe, by slug or "*", instead of as many as the baseline
    says are needed. A gate's processes go through every benchmark file `rounds` times, those of a baseline
    `baseline_rounds` times; each gives the `estimate` of a benchmark's rounds. With `side_by_side` the accepted code is
    measured beside that of now where its commit is at hand, else only its stored numbers are used. `pytest` are words
    for pytest on both sides, beside those of the project's own settings. The page of a comparison of many environments
    has the `title`, and says how many times as long as the benchmark that a benchmark is named `over` it takes, by the
    names of their functions.
    """

    benchmarks: list[str] = []
    recipes: list[str] = []
    skip: list[str] = []
    rounds: Annotated[int, msgspec.Meta(ge=2, le=200)] = ROUNDS
    baseline_rounds: Annotated[int, msgspec.Meta(ge=2, le=200)] = BASELINE_ROUNDS
    estimate: Literal["steadiest", "adjusted", "median", "fastest"] = "steadiest"
    side_by_side: bool = True
    thresholds: dict[str, Share] = {}
    margins: dict[str, Annotated[float, msgspec.Meta(gt=0)]] = {}
    seeds: dict[str, Annotated[int, msgspec.Meta(ge=2, le=100)]] = {}
    pytest: str = ""
    title: str = ""
    over: dict[str, str] = {}
    scale: str = "quick"
    data: str | None = None

    def threshold(self, metric: str) -> float:
        return _last_fit(self.thresholds, metric, DEFAULT_THRESHOLD) or DEFAULT_THRESHOLD

    def margin(self, metric: str) -> float | None:
        return _last_fit(self.margins, metric, None)

    def seeds_of(self, slug: str) -> int | None:
        """The replicates that the settings ask of a recipe, None when they leave it to the gate."""
        found = _last_fit(self.seeds, slug, None)
        return None if found is None else int(found)


def _last_fit(patterns: Mapping[str, float], name: str, default: float | None) -> float | None:
    """The value of the last pattern that `name` fits; `*` fits anything, brackets are brackets."""
    found = default
    for pattern, value in patterns.items():
        if fnmatch.fnmatchcase(name, pattern.replace("[", "[[]")):
            found = value
    return found


def read_settings(
    path: Path | None,
    benchmarks: Iterable[str] = (),
    recipes: Iterable[str] = (),
    *,
    measuring: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Settings:
    """The settings at `path` (default: gate.toml or benchmarks/gate.toml here), with what the command line replaces.

    With `measuring` they must name something to measure. A file that is named twice is measured once, and said to be.
    """  # fmt: skip
    if path is None:
        path = next((Path(place) for place in PLACES if Path(place).is_file()), None)
    settings = Settings() if path is None else _decoded(path)
    benchmarks, recipes = list(benchmarks), list(recipes)
    if benchmarks or recipes:
        settings = msgspec.structs.replace(settings, benchmarks=benchmarks, recipes=recipes)
    if measuring and not settings.benchmarks and not settings.recipes:
        raise UserError(
            "There is nothing to gate: no gate.toml here names benchmarks or recipes.\n"
            "Name them, for example `reprise gate --benchmarks benchmarks/bench_mine.py --recipe ./mine.py`."
        )
    missing = [name for name in settings.benchmarks if not os.path.isfile(name)]
    if measuring and missing:
        what = "is a folder, not a benchmark file" if Path(missing[0]).is_dir() else "does not exist"
        raise UserError(f"{missing[0]} {what}.\nName files of benchmarks in {path or 'the command'}.")
    names = [Path(os.path.relpath(name)).as_posix() for name in settings.benchmarks]
    once: dict[str, str] = {}
    for name in names:
        file = os.path.realpath(name)  # links and other spellings are one file
        if file in once:
            say(f"{once[file]} is named twice (as {name}); it is measured once.")
        once.setdefault(file, name)
    return msgspec.structs.replace(settings, benchmarks=list(once.values()))


def _decoded(path: Path) -> Settings:
    try:
        settings = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Settings)
        shlex.split(settings.pytest)
        return settings
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.\nGive the path of a gate.toml.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: {error}.\nMend that line; docs/gate.md lists the settings.") from error
