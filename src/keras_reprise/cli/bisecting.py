"""The command bisect: which environment was the first to change a metric."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_reprise.base import columns, errors
from keras_reprise.cli.console import open_store, print_json, say, with_store
from keras_reprise.cli.gates import RECIPE_OPTION, ToMeasure, measuring, note
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION
from keras_reprise.cli.root import main

if TYPE_CHECKING:
    from keras_reprise.gate.bisecting import Bisected


@main.command()
@measuring
@RECIPE_OPTION
@click.argument("metric")
@click.argument("environments", nargs=-1)
@click.option("--releases", nargs=3, metavar="PACKAGE GOOD BAD", help="Search the releases of a package in between.")
@click.option("--commits", nargs=2, metavar="GOOD BAD", help="Search this project's commits in between.")
@click.option("--with", "others", metavar="WORDS", default="", help="More words for each of them, such as backend:jax.")
@STORE_OPTION
@JSON_OPTION
def bisect(
    asked: ToMeasure, metric: str, environments: tuple[str, ...], releases: tuple[str, str, str] | None,
    commits: tuple[str, str] | None, others: str, store_path: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Find the first environment that changed a time, a peak memory or a quality: environments in order, releases, or
    commits.

    Examples: reprise bisect benchmarks/bench_mine.py::test_step --commits v1.0 HEAD

              reprise bisect bench_keras.py::test_step[dense] --releases keras 3.5.0 3.15.1

              reprise bisect bench_keras.py::test_step[dense] keras==3.5.0 keras==3.10.0 keras==3.15.1

              reprise bisect cifar10-lr-drop/drop/test_error --recipe cifar10-lr-drop --releases keras 3.5.0 3.15.1

    METRIC is named as the gate prints it: file::benchmark, file::peak memory or recipe/arm/metric. The first
    environment is the good one, the last the bad one; they are compared first. What cannot be built or crashes is
    skipped. An interrupted search goes on by the same command.

    Exit codes: 1 found, 3 the ends do not differ, 4 an end crashed, 5 inconclusive.
    """
    from keras_reprise.gate import bisecting

    words = words_of(environments, releases, commits, others)
    found = bisecting.bisect(open_store(store_path), words, metric, asked.settings(), asked.name, note)
    if as_json:
        print_json(facts(found))
    else:
        say(with_store(text(found, columns.available())))
    sys.exit(found.exit_code)


def words_of(
    environments: tuple[str, ...], releases: tuple[str, str, str] | None, commits: tuple[str, str] | None, others: str
) -> list[str]:
    """The environments in words: those named, or of releases or commits; UserError unless it is one of the three."""
    from keras_reprise.gate import ranges

    if sum(map(bool, (environments, releases, commits))) != 1:
        raise errors.UserError(
            "A bisection goes over environments in order, over --releases, or over --commits.\nGive one of the three."
        )
    found = list(environments)
    if releases:
        found = ranges.releases(*releases)
    elif commits:
        found = ranges.commits(*commits)
    return [f"{one} {others}".strip() for one in found]


def text(found: "Bisected", wide: int) -> str:
    """The answer, the steps that led to it, and what to know about it."""
    lines = columns.wrapped(answer(found), wide)
    if found.found.steps:
        many = "replicates" if found.replicates else "blocks"
        rows = [
            [
                label_of(found, step.middle), step.outcome, str(step.blocks or "-"),
                "-" if math.isnan(step.position) else f"{step.position:.2f}",
                step.why,
            ]
            for step in found.found.steps
        ]  # fmt: skip
        lines += ["", *columns.table(["measured beside both ends", "is", many, "place", "why"], rows, wide)]
        lines += ["", *columns.wrapped("Place: 0 is where the good end lies, 1 the bad one.", wide)]
    for said in found.notes:
        lines += columns.wrapped(said, wide, rest="  ")
    return "\n".join(lines)


def label_of(found: "Bisected", number: int) -> str:
    """An environment's short name; a commit's is ten characters with the first line of its message."""
    from keras_reprise.gate.ranges import subject

    label, said = found.labels[number], subject(found.words[number])
    return f'{label[:10]} "{said}"' if said else label


def answer(found: "Bisected") -> str:
    """The sentence that a person reads first."""
    from keras_reprise.gate.bisection import FOUND, NO_CHANGE
    from keras_reprise.gate.present import change

    one, row = found.found, found.row
    good, bad = (label_of(found, end) for end in (one.good, one.bad))
    measured = f"{len(one.steps)} steps, {found.measured}"
    if one.outcome == NO_CHANGE:
        if row is None:
            return f"{good} and {bad} do not differ in {found.metric}."
        return (
            f"{good} and {bad} do not differ in {found.metric}: {change(row, row.change)}, 90 % interval "
            f"{change(row, row.low)} to {change(row, row.high)}; a change of {change(row, row.visible, signed=False)} "
            "would have been seen in 80 % of cases."
        )
    if one.outcome != FOUND or row is None:
        return f"Inconclusive between {good} and {bad}: {found.metric} changed there or not ({measured})."
    before = ", ".join(label_of(found, number) for number in one.skipped)
    among = f", unless it was one that could not be measured ({before})" if before else ""
    return (
        f"{bad} is the first that changed {found.metric}{among}: {change(row, row.change)} from {good}, 90 % interval "
        f"{change(row, row.low)} to {change(row, row.high)} ({measured})."
    )


def facts(found: "Bisected") -> dict[str, object]:
    """The search in JSON's types; environments are named by their numbers from 0."""
    from keras_reprise.gate.present import row_facts

    one = found.found
    return {
        "metric": found.metric,
        "outcome": one.outcome,
        "environments": list(found.words),
        "good": one.good,
        "bad": one.bad,
        "skipped": list(one.skipped),
        "steps": [vars(step) for step in one.steps],
        "compared": {step: row_facts(row) for step, row in found.rows.items()},
        "processes": found.processes,
        "replicates": found.replicates,
        "answer": answer(found),
        "notes": list(found.notes),
    }
