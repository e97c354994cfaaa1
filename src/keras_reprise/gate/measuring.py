"""Measuring one side of a gate, with the time it will take said beforehand; what is flagged is measured again."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_reprise.base.errors import MeasurementError
from keras_reprise.base.locks import machine
from keras_reprise.base.machine import THREAD_VARIABLES, machine_facts
from keras_reprise.base.progress import counter, format_seconds
from keras_reprise.gate import quality
from keras_reprise.gate.design import SECOND_LOOK, USUAL_SEEDS
from keras_reprise.gate.installations import Installation
from keras_reprise.gate.journal import Journal
from keras_reprise.gate.processes import CONTROL, PEAK_MEMORY, Process, Task, measure, plan, seconds_left
from keras_reprise.gate.project import code_of
from keras_reprise.gate.rule import Row
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import Occasion, Quality, Software
from keras_reprise.judge.comparable import together
from keras_reprise.record.schema import Code
from keras_reprise.store.store import document_id

VARIABLES = ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "TF_USE_LEGACY_KERAS", *THREAD_VARIABLES)
DEFAULTS = Settings()
FACTS = """
import importlib.metadata, json, platform
found = {}
for one in importlib.metadata.distributions():
    found.setdefault((one.metadata["Name"] or "").lower().replace("_", "-"), one.version)
print(json.dumps({"python": platform.python_version(), "packages": found}))
"""


@dataclass(frozen=True)
class Taken:
    """What one side gave: its processes and its recipes' replicates."""

    processes: list[Process]
    quality: list[Quality]


def software(side: Installation) -> Software:
    """What is installed in the side's environment, the project itself aside, asked of its own interpreter."""
    done = subprocess.run(
        [side.python, "-c", FACTS], cwd=side.folder, env=side.environment, capture_output=True, text=True, check=False
    )
    try:
        facts = json.loads(done.stdout)
    except ValueError as error:
        raise MeasurementError(
            f"{side.python} does not start: {done.stderr.strip()[-300:]}.\nNothing was measured."
        ) from error
    chosen = {name: side.environment[name] for name in VARIABLES if name in side.environment}
    own = {"", "keras-reprise", project_name(side.folder)}
    packages = {name: version for name, version in facts["packages"].items() if name not in own}
    return Software(python=facts["python"], packages=packages, variables=chosen)


def project_name(folder: Path) -> str:
    """The name of the project in `folder` as pyproject.toml has it, in the form of packages; nothing without one."""
    try:
        name = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(name).lower().replace("_", "-")


def this_machine() -> str:
    """The id under which a store keeps this machine's facts."""
    return document_id(machine_facts())


def here(settings: Settings = DEFAULTS) -> Installation:
    """The environment and folder this command runs in."""
    return Installation(sys.executable, Path.cwd()).told(settings)


def seeds_of(recipes: Sequence[str], settings: Settings, known: Mapping[str, int]) -> dict[str, list[int]]:
    """The seeds of each recipe: as many as the settings say, else as `known` says are needed by slug, else six."""
    stems = {name: Path(name).stem for name in recipes}
    return {name: list(range(1, 1 + (settings.seeds_of(s) or known.get(s, USUAL_SEEDS)))) for name, s in stems.items()}


def other_seeds(seeds: Mapping[str, Sequence[int]], chosen: Sequence[str]) -> dict[str, list[int]]:
    """As many other seeds for each of the chosen recipes."""
    return {name: [seeds[name][-1] + seed for seed in seeds[name]] for name in chosen}


def suites_of(settings: Settings) -> list[str]:
    """The benchmark files with the gate's own control among them."""
    return with_control(settings.benchmarks)


def with_control(suites: Sequence[str]) -> list[str]:
    """Benchmark files with the gate's own control, if there are any."""
    return [*suites, CONTROL] if suites else []


def suspected(suspects: Sequence[str], recipes: Iterable[str]) -> list[str]:
    """The recipes of which a metric is suspect."""
    stems = {metric.split("/")[0] for metric in suspects if "::" not in metric}
    return [name for name in recipes if Path(name).stem in stems]


def measured(
    side: Installation,
    settings: Settings,
    rounds: int,
    seeds: Mapping[str, Sequence[int]],
    journal: Journal,
    code: Code | None = None,
) -> Occasion:
    """Benchmarks in fresh processes, `rounds` times each, then the recipes with their `seeds`.

    `code` is the state of the project from before anything was measured, where that is known.
    """
    code, order_seed = code or code_of(side), journal.order_seed("first")
    tasks = plan(suites_of(settings), rounds, order_seed)
    return occasion(taken({"now": side}, tasks, settings, {"now": seeds}, journal)["now"], side, order_seed, code)


def first_round(side: Installation, settings: Settings, rounds: int, journal: Journal) -> list[Process]:
    """One process of each file and of the control: those with which `measured` begins, which it does not run again."""
    tasks = plan(suites_of(settings), rounds, journal.order_seed("first"))
    kept = journal.processes("first", tasks)
    if kept:
        _say(f"Going on with a gate that was interrupted: {len(kept)} of {len(tasks)} processes are kept.")
    journal.begun_here, done = True, {process.suite for process in kept}
    first = [task for task in tasks if task.round == 0 and task.suite not in done]
    return run_processes(first, {"now": side}, journal, "first", before=kept) if first else kept


def occasion(found: Taken, side: Installation, order_seed: int, code: Code) -> Occasion:
    """What a side gave, with what it was measured on."""
    return Occasion(
        machine=this_machine(), software=software(side), code=code, order_seed=order_seed,
        processes=found.processes, quality=found.quality,
    )  # fmt: skip


def taken(
    sides: Mapping[str, Installation],
    tasks: Sequence[Task],
    settings: Settings,
    seeds: Mapping[str, Mapping[str, Sequence[int]]],
    journal: Journal,
    *,
    step: str = "first",
    only: Sequence[str] = (),
) -> dict[str, Taken]:
    """Benchmark files on all sides as planned, `only` some of their benchmarks; then each side's recipes in `seeds`.

    What the journal has of this step is not measured again.
    """
    processes = run_processes(tasks, sides, journal, step, only)
    return {
        name: Taken(
            [process for process in processes if process.side == name],
            run_recipes(side, settings, seeds[name], journal, f"{step}-{name}") if name in seeds else [],
        )
        for name, side in sides.items()
    }


def until_settled(
    sides: Mapping[str, Installation],
    settings: Settings,
    seeds: Mapping[str, Mapping[str, Sequence[int]]],
    journal: Journal,
    settled: Callable[[Mapping[str, Taken]], Mapping[str, Row]],
) -> tuple[dict[str, Taken], dict[str, Row]]:
    """A first look, block by block: benchmark files on all sides, without what is `settled`; then each side's recipes.

    Also returns the rows of what was settled before the last block, by metric. In turns the control waits for a second
    look; against stored numbers it tells what the machine has changed.
    """
    control = [CONTROL] if len(sides) == 1 and settings.benchmarks else []
    tasks = plan([*settings.benchmarks, *control], settings.rounds, journal.order_seed("first"), list(sides))
    kept, rows = journal.processes("first", tasks), dict[str, Row]()
    if kept and not journal.begun_here:
        _say(f"Going on with a gate that was interrupted: {len(kept)} of {len(tasks)} processes are kept.")
    suites, only = [*settings.benchmarks, *control], list[str]()
    last = max((task.round // 2 for task in tasks), default=0)
    for block in range(last + 1):
        crashed = {(process.suite, process.side) for process in kept if process.error}
        left_over = [task for task in tasks if task.suite in suites and (task.suite, task.side) not in crashed]
        mine = [task for task in left_over if task.round // 2 == block]
        later = [task for task in left_over if task.round // 2 > block]
        kept = run_processes(mine, sides, journal, "first", only, before=kept, later=later)
        done = [process for process in kept if process.round // 2 <= block]
        if block < last:
            rows |= settled({name: Taken([p for p in done if p.side == name], []) for name in sides})
            left = {metric for process in done for metric in process.median} - set(rows)
            suites, only = needed(sorted(left), settings)
            suites += control if suites else []
        if not suites:
            break
    return {
        name: Taken(
            [process for process in done if process.side == name],
            run_recipes(side, settings, seeds[name], journal, f"first-{name}") if name in seeds else [],
        )
        for name, side in sides.items()
    }, rows


def run_processes(
    tasks: Sequence[Task],
    sides: Mapping[str, Installation],
    journal: Journal,
    step: str,
    only: Sequence[str] = (),
    before: Sequence[Process] | None = None,
    later: Sequence[Task] = (),
) -> list[Process]:
    """Run the tasks one after the other, the machine to themselves, with progress; `later` are still to come.

    Those of which the journal has a process are not run; with `before` the tasks come after those processes.
    """
    kept = journal.processes(step, tasks) if before is None else before
    if kept and before is None and not journal.begun_here:
        _say(f"Going on with a gate that was interrupted: {len(kept)} of {len(tasks)} processes are kept.")
    with machine(alone=True, say=_say), counter("processes") as tell:

        def done(found: Sequence[Process], waiting: Sequence[Task]) -> None:
            to_come = [*waiting, *later]
            left_s = seconds_left(to_come, found)
            left = "time left unknown" if left_s is None else f"{format_seconds(left_s)} left"
            tell(len(found), len(found) + len(to_come), left)

        return measure(
            tasks, sides, only=only, kept=kept, keep=lambda processes: journal.keep(step, processes), done=done
        )


def run_recipes(
    side: Installation, settings: Settings, seeds: Mapping[str, Sequence[int]], journal: Journal, step: str
) -> list[Quality]:
    """Measure the recipes, those with the same seeds in one process."""
    found: list[Quality] = []
    for chosen, names in together(seeds, lambda name: tuple(seeds[name])).items():
        with journal.store(f"{step}-{chosen[0]}-{chosen[-1]}") as store:
            found += quality.measure(names, chosen, side, settings, store)
    return found


def needed(metrics: Sequence[str], settings: Settings) -> tuple[list[str], list[str]]:
    """The benchmark files that measure the times and peaks, and which of their benchmarks have to run (empty: all).

    A process's peak memory is that of all its benchmarks, so it needs them all.
    """
    costs = [metric for metric in metrics if "::" in metric]
    suites = [suite for suite in settings.benchmarks if any(metric.startswith(f"{suite}::") for metric in costs)]
    return suites, [] if any(metric.endswith(f"::{PEAK_MEMORY}") for metric in costs) else costs


def again(
    suspects: Sequence[str],
    sides: Mapping[str, Installation],
    settings: Settings,
    seeds: Mapping[str, Mapping[str, Sequence[int]]],
    journal: Journal,
    step: str = "again",
) -> dict[str, Taken]:
    """Measure in fresh processes what the suspect metrics need: their benchmarks alone, their recipes with other seeds.

    The control runs as often as they do.
    """
    recipes = dict.fromkeys(name for chosen in seeds.values() for name in chosen)
    suites, only = needed(suspects, settings)
    wanted = suspected(suspects, recipes)
    other = {side: other_seeds(chosen, wanted) for side, chosen in seeds.items()}
    rounds, order_seed = SECOND_LOOK * settings.rounds, journal.order_seed(step)
    tasks = plan(with_control(suites), rounds, order_seed, list(sides))
    return taken(sides, tasks, settings, other, journal, step=step, only=only)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
