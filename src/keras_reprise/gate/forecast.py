"""What a gate, a baseline or a calibration will measure, and how long that takes: said before anything is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keras_reprise.base.progress import format_seconds
from keras_reprise.gate.expectations import in_words
from keras_reprise.gate.measuring import suites_of
from keras_reprise.gate.processes import CONTROL
from keras_reprise.gate.settings import Settings


@dataclass(frozen=True)
class Forecast:
    """`process_s` are the seconds of a process, by file where known; `seeds` those of each recipe on the side of now.

    `seconds` is the whole without, `at_most_s` with all that may have to be measured again; where everything is settled
    after the first block it takes `at_least_s`. `sides` are those that are measured; where the accepted code is none of
    them though it could be, `why_not` says why.
    """

    command: str
    baseline: str
    machine: str
    settings: Settings
    rounds: int
    sides: Sequence[str]
    seeds: Mapping[str, Sequence[int]]
    process_s: Mapping[str, float]
    seconds: float
    at_most_s: float
    at_least_s: float
    calibrated: bool
    why_not: str = ""
    notes: Sequence[str] = field(default_factory=list)

    @property
    def processes(self) -> int:
        return len(self.sides) * self.rounds * len(self.files)

    @property
    def files(self) -> Sequence[str]:
        """The benchmark files with the gate's own control, which waits for a second look where sides take turns."""
        return self.settings.benchmarks if len(self.sides) == 2 else suites_of(self.settings)


def text(plan: Forecast) -> str:
    """The plan for a person."""
    turns = ", the accepted code and that of now in turns" if len(plan.sides) == 2 else ""
    lines = [f"{plan.command} of {plan.baseline!r} on this machine ({plan.machine}) measures:"]
    for file in plan.files:
        each = f", {format_seconds(plan.process_s[file])} each" if file in plan.process_s else ""
        name = "the gate's own fixed work" if file == CONTROL else file
        lines.append(f"  {name}: {plan.rounds} rounds{turns}, {len(plan.sides) * plan.rounds} processes{each}")
    lines += [
        f"  {name}: {len(seeds)} replicates, seeds {seeds[0]} to {seeds[-1]}" for name, seeds in plan.seeds.items()
    ]
    more = f", at most {in_words(plan.at_most_s)} if things look changed" if plan.at_most_s > plan.seconds else ""
    less = f", {in_words(plan.at_least_s)} if all is settled at once" if plan.at_least_s < plan.seconds else ""
    lines.append(f"About {in_words(plan.seconds)}{less}{more}.")
    if plan.why_not:
        lines.append(f"Times are compared with those stored in the baseline: {plan.why_not}.")
    return "\n".join([*lines, *plan.notes])


def facts(plan: Forecast) -> dict[str, object]:
    """The plan in JSON's types."""
    return {
        "command": plan.command,
        "baseline": plan.baseline,
        "machine": plan.machine,
        "calibrated": plan.calibrated,
        "files": {name: plan.process_s.get(name) for name in plan.files},
        "rounds": plan.rounds,
        "sides": list(plan.sides),
        "processes": plan.processes,
        "recipes": {name: list(seeds) for name, seeds in plan.seeds.items()},
        "in_turns": len(plan.sides) == 2,
        "why_not_in_turns": plan.why_not,
        "seconds": plan.seconds,
        "seconds_at_least": plan.at_least_s,
        "seconds_at_most": plan.at_most_s,
        "notes": list(plan.notes),
    }
