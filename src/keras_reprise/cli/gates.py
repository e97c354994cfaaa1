"""Commands of regression benchmarking: gate, accept, calibrate, history."""

import functools
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_reprise.base import columns, errors
from keras_reprise.cli.console import open_store, print_json, print_table, read_store, say, say_verdicts, with_store
from keras_reprise.cli.environments import Between, Shown, compare_many, following, plan_many
from keras_reprise.cli.options import JSON_OPTION, STORE_OPTION
from keras_reprise.cli.root import main

if TYPE_CHECKING:
    from keras_reprise.gate.forecast import Forecast
    from keras_reprise.gate.gating import Outcome
    from keras_reprise.gate.settings import Settings
    from keras_reprise.judge.history import Series
    from keras_reprise.store.store import Store

FILE = click.Path(path_type=Path, dir_okay=False)


def a_file_name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """The name of a baseline or a comparison, which becomes that of its file."""
    if not value.isprintable() or not value or value.startswith(".") or set(value) & set("/\\:") or len(value) > 100:
        raise click.BadParameter(
            "it becomes the name of a file: a word or two, without / \\ : and no dot at its start."
        )
    if value.endswith(".calibration"):
        raise click.BadParameter("the calibration of a baseline is called so; leave out .calibration.")
    return value


MEASURE_OPTIONS = [
    click.option("--config", type=FILE, help="Settings (default: gate.toml, else benchmarks/gate.toml)."),
    click.option("--benchmarks", multiple=True, help="A pytest-benchmark file, instead of those of the settings."),
    click.option("--rounds", type=click.IntRange(2, 200), help="Processes of each benchmark file."),
    click.option(
        "--name", default="main", show_default=True, callback=a_file_name, help="Which baseline: one per backend, say."
    ),
]


RECIPE_OPTION = click.option(
    "--recipe", "recipes", multiple=True, help="A recipe, or suite:NAME, instead of those of the settings."
)


@dataclass(frozen=True)
class ToMeasure:
    """What is measured and for which baseline (`name`), as the options say."""

    config: Path | None
    benchmarks: tuple[str, ...]
    rounds: int | None
    name: str
    recipes: tuple[str, ...] = ()

    def settings(self, rounds_of: str = "rounds", *, measuring: bool = True) -> "Settings":
        """The settings of the file with these in their place; `rounds_of` names the setting that --rounds means.

        Without `measuring` they need not name anything to measure.
        """
        import msgspec

        from keras_reprise.gate.settings import read_settings

        settings = read_settings(self.config, self.benchmarks, self.recipes, measuring=measuring, say=note)
        return settings if self.rounds is None else msgspec.structs.replace(settings, **{rounds_of: self.rounds})

    def require_nothing_to_measure(self) -> None:
        """UserError where an option says what is to be measured: imported files were measured already."""
        options = {"--benchmarks": self.benchmarks, "--rounds": self.rounds, "--recipe": self.recipes}
        if given := [option for option, value in options.items() if value]:
            raise errors.UserError(
                f"{given[0]} says what is measured, and imported files were measured already.\nLeave it out."
            )


PLAN_OPTION = click.option(
    "--plan",
    is_flag=True,
    help="Say what would be measured and how long it takes; at most a process of each file runs.",
)


def measuring(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is measured; the command gets them as `asked`, with --recipe where it has that."""

    @functools.wraps(command)
    def with_what_is_asked(
        config: Path | None, benchmarks: tuple[str, ...], rounds: int | None, name: str,
        recipes: tuple[str, ...] = (), **others: object,
    ) -> None:  # fmt: skip
        command(asked=ToMeasure(config, benchmarks, rounds, name, recipes), **others)

    asked: Callable[..., None] = with_what_is_asked
    for option in reversed(MEASURE_OPTIONS):
        asked = option(asked)
    return asked


def note(text: str) -> None:
    click.echo(errors.printable(with_store(text)), err=True)


class TakesFiles(click.Command):
    """A command whose options of files or environments take all the words that follow them, as a shell gives them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, following(("--import-benchmarks", "--against", "--between"), args))


@main.command(cls=TakesFiles)
@measuring
@RECIPE_OPTION
@click.option("--between", multiple=True, metavar="ENV...", help="Compare two environments or more, see below.")
@click.option("--reference", metavar="ENV", help="Which of many all are compared with (default: the first).")
@click.option("--occasion", is_flag=True, help="Measure many environments once more, beside what is stored.")
@click.option("--figure", type=FILE, help="Draw the history over many environments (SVG, PDF, PNG).")
@click.option(
    "--import-benchmarks",
    "imports",
    multiple=True,
    type=FILE,
    metavar="FILE...",
    help="pytest-benchmark JSON; each file is one process.",
)
@click.option(
    "--against",
    multiple=True,
    type=FILE,
    metavar="FILE...",
    help="JSON files to compare the imported ones with, not the baseline.",
)
@click.option(
    "--across-machines", "across", is_flag=True, help="Compare imported files though machine or Python differ."
)
@click.option("--junit-xml", type=FILE, help="Write the verdicts as JUnit XML.")
@click.option("--markdown", type=FILE, help="Write a summary for a pull request.")
@click.option("--metrics", type=FILE, help="Write what was measured as OpenMetrics text, for GitLab's metrics report.")
@click.option("--strict", is_flag=True, help="Exit 5 when a metric is inconclusive.")
@PLAN_OPTION
@STORE_OPTION
@JSON_OPTION
def gate(
    asked: ToMeasure, between: tuple[str, ...], reference: str | None, occasion: bool, figure: Path | None,
    imports: tuple[Path, ...], against: tuple[Path, ...], across: bool, junit_xml: Path | None, markdown: Path | None,
    metrics: Path | None, strict: bool, plan: bool, store_path: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell whether speed, peak memory or quality changed: against this machine's baseline, or between environments.

    Examples: reprise gate

              reprise gate --between keras==3.14.0 keras==3.15.1

              reprise gate --between keras==3.5.0 keras==3.10.0 keras==3.15.1 --name keras --figure keras.svg

              reprise gate --import-benchmarks now-*.json --against before-*.json

    An environment of --between is an interpreter's path, or words of: requirements (an environment with them in place
    of what is installed here is made), backend:NAME, commit:REF, NAME=VALUE variables; "." is this environment. Three
    or more are measured in turns, each is compared with the first and with the one before it, and what was found is
    kept in the store by --name, for git: the same command shows it again, --occasion measures it on another day.

    Exit codes: 0 nothing regressed, 1 regressed, 3 no baseline or nothing measured, 4 something crashed, 5 inconclusive
    with --strict.
    """
    from keras_reprise.gate import ci, overviews, present, sides

    sides_of = Between(between, reference, occasion, figure)
    sides_of.require_sense()
    if plan and (imports or len(between) == 2):
        raise errors.UserError(
            "--plan is of a gate against the baseline, or of three environments or more.\n"
            "Leave it out; of two environments the command says what it measures before it does."
        )
    if between and imports:
        raise errors.UserError("Files are compared with files or with the baseline.\nLeave out --between.")
    if imports:
        asked.require_nothing_to_measure()
    if sides_of.many and metrics:
        raise errors.UserError("--metrics is of one gate.\nOf many environments --json tells all.")
    if plan and sides_of.many:
        return plan_many(open_store(store_path), sides_of, asked.settings(), asked.name, as_json)
    if plan:
        return say_plan(sides.forecast(open_store(store_path), asked.settings(), asked.name), as_json)
    if sides_of.many:
        shown = Shown(figure, junit_xml, markdown, as_json)
        found = compare_many(open_store(store_path), sides_of, asked.settings(), asked.name, shown, note)
        for line in ci.many_on_github(found, os.environ):
            click.echo(line, err=True)
        sys.exit(overviews.exit_code(found, strict))
    outcome = _outcome(open_store(store_path), asked, between, imports, against, across=across)
    if junit_xml:
        write_text(junit_xml, present.junit(outcome))
    if markdown:
        write_text(markdown, present.markdown(outcome))
    if metrics:
        write_text(metrics, ci.openmetrics(outcome))
    for line in ci.on_github(outcome, os.environ):
        click.echo(line, err=True)
    if as_json:
        print_json(present.facts(outcome))
    else:
        say(present.table(outcome))
    sys.exit(outcome.exit_code(strict))


def _outcome(
    store: "Store", asked: ToMeasure, environments: tuple[str, ...], imports: tuple[Path, ...],
    against: tuple[Path, ...], *, across: bool,
) -> "Outcome":  # fmt: skip
    """What the gate found: in imported files, between two environments, or against the baseline."""
    if (against or across) and not imports:
        option = "--against" if against else "--across-machines"
        raise errors.UserError(f"{option} goes with --import-benchmarks.\nGive the files to compare with it.")
    if imports:
        from keras_reprise.gate.imports import imported
        from keras_reprise.gate.settings import read_settings

        settings = read_settings(asked.config, measuring=False)
        return imported(store, settings, asked.name, against, imports, across=across)
    if environments:
        from keras_reprise.gate.between import between

        return between(store, asked.settings(), asked.name, environments[0], environments[1], note)
    from keras_reprise.gate import gating

    return gating.gate(store, asked.settings(), asked.name, note)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    from keras_reprise.base.files import write_atomically

    write_atomically(path, content)


@main.command()
@measuring
@RECIPE_OPTION
@click.option("--why", help="Why this is right from now on; kept with the baseline. Needed, but for --plan.")
@click.option("--by", help="Who accepts it (default: git's user.name).")
@click.option("--last", is_flag=True, help="Accept what the last finished gate measured, without measuring anew.")
@PLAN_OPTION
@STORE_OPTION
@JSON_OPTION
def accept(
    asked: ToMeasure, why: str | None, by: str | None, last: bool, plan: bool, store_path: Path | None, as_json: bool
) -> None:
    """Accept how fast and how good the code is now as what later gates compare with.

    Example: reprise accept --why "first baseline"
    """
    from keras_reprise.base.git import git
    from keras_reprise.gate import baselines
    from keras_reprise.gate.design import MOST_SEEDS_TRIED
    from keras_reprise.gate.project import named
    from keras_reprise.gate.stored import baseline_path

    if plan:
        return say_plan(_forecast("accept", asked, store_path), as_json)
    if why is None:
        raise click.MissingParameter(param_hint="'--why'", param_type="option")
    store = open_store(store_path)
    who = by or (git(Path.cwd(), "config", "user.name") or "").strip() or "unknown"
    name, settings = asked.name, asked.settings("baseline_rounds", measuring=not last)
    accepted = baselines.accept(store, settings, name, who, why, last, note)
    measured = accepted.measured
    path = baseline_path(store, measured.machine, name)
    replicates = sum(len(quality.seeds) for quality in measured.quality)
    needed = baselines.needed(measured, settings)
    if as_json:
        facts = {"baseline": name, "machine": measured.machine, "by": who, "why": why, "path": path.as_posix()}
        counts = {"processes": len(measured.processes), "replicates": replicates, "needed": needed}
        return print_json(facts | counts | {"uncommitted": accepted.uncommitted})
    if needed:
        rows = [[metric, str(n or f"over {MOST_SEEDS_TRIED}: not to be seen")] for metric, n in sorted(needed.items())]
        print_table(rows, ["quality", "replicates that show a loss of three margins"])
    say(
        f"\nAccepted {len(measured.processes)} processes and {replicates} replicates as {name!r}: {path}\n"
        "Commit that file; `reprise gate` compares with it."
    )
    if measured.processes and (accepted.uncommitted or measured.code.git_commit is None):
        files = f" ({named(accepted.uncommitted)})" if accepted.uncommitted else ""
        say(
            f"The code is not committed{files}, so gates will compare times with these numbers and not with "
            "the code itself, which is steadier. Commit, then accept again."
        )


def say_plan(plan: "Forecast", as_json: bool) -> None:
    from keras_reprise.gate import forecast

    if as_json:
        return print_json(forecast.facts(plan))
    say(with_store(forecast.text(plan)))


def _forecast(command: str, asked: ToMeasure, store_path: Path | None) -> "Forecast":
    from keras_reprise.gate import baselines

    return baselines.forecast(open_store(store_path), command, asked.settings("baseline_rounds"), asked.name)


@main.command()
@measuring
@PLAN_OPTION
@STORE_OPTION
@JSON_OPTION
def calibrate(asked: ToMeasure, plan: bool, store_path: Path | None, as_json: bool) -> None:
    """Measure identical code against itself, which tells what this machine can see. Occasions add up: run it at other
    hours.

    Example: reprise calibrate
    """
    from keras_reprise.gate import baselines
    from keras_reprise.gate.present import noise_in_words

    if plan:
        return say_plan(_forecast("calibrate", asked, store_path), as_json)
    settings = asked.settings("baseline_rounds")
    calibration, beside, stored = baselines.calibrate(open_store(store_path), settings, asked.name, note)
    occasions = len(calibration.occasions)
    if as_json:
        by_fastest = sorted(beside.by_fastest)
        told = {"noise": beside.noise, "by_fastest": by_fastest, "noise_of_stored": stored.noise}
        return print_json({"occasions": occasions, **told})
    found = sorted({**beside.noise, **stored.noise})
    rows = [[metric, *(noise_in_words(known, metric) for known in (beside, stored))] for metric in found]
    print_table(rows, ["metric", "noise of a look: in turns", "against stored numbers"])
    say(f"\n{occasions} {'occasion' if occasions == 1 else 'occasions'}. docs/gate.md says how it becomes what counts.")


@main.command()
@click.argument("metric")
@click.option("--name", default="main", show_default=True, help="Which baseline, for a benchmark's metric.")
@click.option("--machine", help="Only this machine (start of its id).")
@click.option("--figure", type=FILE, help="Draw it into this SVG or PDF file.")
@STORE_OPTION
@JSON_OPTION
def history(
    metric: str, name: str, machine: str | None, figure: Path | None, store_path: Path | None, as_json: bool
) -> None:
    """How a metric moved over time, and where it changed for good.

    METRIC is RECIPE/ARM/METRIC, RECIPE/CLAIM, or a benchmark's name as the gate prints it.

    Example: reprise history cifar10-lr-drop/drop/test_error
    """
    from keras_reprise.gate.gate_history import of_gates
    from keras_reprise.judge.history import of_records

    broken = False
    if "::" in metric:
        found = of_gates(metric, open_store(store_path), name)
    else:
        summaries, store, broken = read_store(store_path)
        found = of_records(metric, summaries, store)
    found = [series for series in found if not machine or series.machine.startswith(machine)]
    if not found:
        raise errors.NothingMeasuredError(
            f"No machine that starts with {machine} has {metric}.\nLeave out --machine to see all."
        )
    if figure:
        from keras_reprise.report.history_figure import draw_history

        write_bytes(figure, draw_history(found, figure.suffix.lstrip(".") or "svg"))
    if as_json:
        print_json([series.facts for series in found])
    else:
        say_verdicts("\n\n".join(map(history_text, found)))
    if broken:
        sys.exit(errors.BROKEN)


def history_text(series: "Series") -> str:
    """A metric's levels on one machine: since when, how many values, their mean, and what differed from before."""
    wide, rows = columns.available(), []
    for index, (a, b, mean) in enumerate(series.levels):
        points = series.points[a:b]
        before = series.levels[index - 1][2] if index else math.nan
        moved = f"{(mean - before) / abs(before):+.1%}" if index and before else "-" if index else ""
        environments = ", ".join(dict.fromkeys(point.environment[:8] for point in points))
        commits = list(dict.fromkeys(point.commit[:10] for point in points if point.commit))
        span = commits[0] if len(commits) == 1 else f"{commits[0]} to {commits[-1]}" if commits else "-"
        rows.append([points[0].at[:16].replace("T", " "), str(b - a), f"{mean:.5g}", moved, environments, span])
    headers = ["since", "n", "mean", "change", "environments", "commits"]
    changed = f"{len(series.changes)} changes of level" if series.changes else "no change of level"
    title = f"{series.metric} on {series.machine[:8]} ({series.setting}): {len(series.points)} values, {changed}"
    return "\n".join([*columns.wrapped(title, wide, rest="  "), *columns.table(headers, rows, wide)])
