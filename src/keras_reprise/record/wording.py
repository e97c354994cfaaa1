"""Numbers, machines and environments in words, the same on pages, in tables and in citations."""

import math
import re
from collections.abc import Mapping

from keras_reprise.record.facts import EnvironmentFacts, MachineFacts

OF_NO_NAME = re.compile(r"NVIDIA|GeForce|Tesla|AMD|\d+GB|HBM\w*|PCIe|SXM\w*", re.I)  # in what a GPU calls itself


def number(value: float, digits: int = 4) -> str:
    """A number to `digits` significant digits, a whole one below 10^10 in full; a dash where there is none."""
    if not math.isfinite(value):
        return "-"
    return str(int(value)) if value == int(value) and abs(value) < 1e10 else f"{value:.{digits}g}"


def aligned(value: float, mean: float, sd: float) -> str:
    """`value` to the decimals that show two significant digits of the standard deviation `sd` about `mean`.

    Mean and interval ends so have the same decimals. Without a deviation, or far from one, four significant digits.
    """
    if not all(map(math.isfinite, (value, mean, sd))) or sd == 0 or not 1e-5 <= abs(mean) < 1e7:
        return number(value)
    decimals = 1 - math.floor(math.log10(sd))
    if decimals > 9:
        return number(value, 9)
    text = f"{value:.{max(0, decimals)}f}"
    return text.lstrip("-") if float(text) == 0 else text


def interval(ends: tuple[float | None, float | None]) -> str:
    """An interval in words that read well in a table."""
    low, high = ends
    if low is not None and high is not None:
        return f"{number(low, 6)} to {number(high, 6)}" if low != high else f"exactly {number(low, 6)}"
    if high is not None:
        return f"below {number(high, 6)}"
    return "anywhere" if low is None else f"above {number(low, 6)}"


def hardware(machine: Mapping[str, object]) -> str:
    """A machine in a few words; `machine` is what its file in the store holds."""
    facts = MachineFacts.of(machine)
    return f"{facts.cpu}, {facts.cores} cores, {facts.memory_gib} GiB, {', '.join(facts.gpus) or 'no GPU'}"


def short_hardware(machine: Mapping[str, object]) -> str:
    """A machine by its GPU alone, "H100", or by its processor: "Intel Xeon, 2 cores"."""
    facts = MachineFacts.of(machine)
    if facts.gpus:
        words = [word for word in facts.gpus[0].split() if not OF_NO_NAME.fullmatch(word)]
        return f"{' '.join(words) or facts.gpus[0]}{f' x {len(facts.gpus)}' if len(facts.gpus) > 1 else ''}"
    cpu = re.sub(r"\((?:R|TM|r|tm)\)", "", str(facts.cpu)).partition("@")[0]
    words = [word for word in cpu.split() if word not in ("CPU", "Processor")]
    return f"{' '.join(words) or cpu}, {facts.cores} core{'' if facts.cores == '1' else 's'}"


def software(environment: Mapping[str, object]) -> str:
    """An environment in a few words; `environment` is what its file in the store holds."""
    facts = EnvironmentFacts.of(environment)
    special = "" if facts.precision in (None, "float32") else f", {facts.precision}"
    backend = f"{facts.backend} {facts.backend_version}"
    return f"Keras {facts.keras} on {backend}, {facts.device}, Python {facts.python_version}{special}"


def backend_name(environment: Mapping[str, object]) -> str:
    """The name of an environment's backend."""
    return str(EnvironmentFacts.of(environment).backend)
