"""A switch for tests of a gate: REPRISE_GATE_INJECT makes chosen metrics worse than they were measured.

`REPRISE_GATE_INJECT="*test_step*=1.2"` multiplies the seconds (or bytes) of what fits the pattern by 1.2;
`"cifar10-lr-drop/*/test_error=+0.03"` adds 0.03 to every replicate's. Several are separated by semicolons. A gate under
injection says so and is never kept; its own control is not touched.
"""

import fnmatch
import os

import msgspec

from keras_reprise.base.errors import UserError
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.processes import CONTROL, ESTIMATES, Process
from keras_reprise.gate.stored import Quality
from keras_reprise.record.encoding import encode_number, number

VARIABLE = "REPRISE_GATE_INJECT"


def injections() -> dict[str, str]:
    """Pattern and change of every injection asked for."""
    found = {}
    for part in filter(None, (part.strip() for part in os.environ.get(VARIABLE, "").split(";"))):
        pattern, _, change = part.rpartition("=")
        try:
            float(change)
        except ValueError:
            pattern = ""
        if not pattern:
            raise UserError(f'{VARIABLE}: {part!r} is no PATTERN=FACTOR.\nWrite for example "*test_step*=1.2".')
        found[pattern] = change
    return found


def injected(found: Taken) -> Taken:
    """What a side gave, made worse as asked; unchanged when nothing is asked."""
    changes = injections()
    if not changes:
        return found

    def worse(metric: str, value: float) -> float:
        if metric.startswith(f"{CONTROL}::"):
            return value
        for pattern, change in changes.items():
            if fnmatch.fnmatchcase(metric, pattern.replace("[", "[[]")):
                value = value + float(change) if change[0] in "+-" else value * float(change)
        return value

    def slower(process: Process) -> Process:
        estimates = {kind: getattr(process, kind) for kind in ESTIMATES}
        worsened = {kind: {m: worse(m, v) for m, v in values.items()} for kind, values in estimates.items()}
        return msgspec.structs.replace(process, **worsened)

    def worsened(one: Quality) -> Quality:
        metrics = {
            name: [encode_number(worse(f"{one.recipe}/{name}", number(value))) for value in values]
            for name, values in one.metrics.items()
        }
        return msgspec.structs.replace(one, metrics=metrics)

    return Taken(list(map(slower, found.processes)), list(map(worsened, found.quality)))
