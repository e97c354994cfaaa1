"""Numbers, machines and environments in words, the same on pages, in tables and in citations."""

import math
from collections.abc import Mapping
from typing import Any


def number(value: float, digits: int = 4) -> str:
    """A number to `digits` significant digits, a whole one below ten thousand millions in full; a dash where there is none."""
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


def hardware(facts: Mapping[str, Any]) -> str:
    """A machine's facts in a few words."""
    gpus = ", ".join(map(str, listed(facts.get("gpus")))) or "no GPU"
    return f"{facts.get('cpu')}, {facts.get('cores')} cores, {facts.get('memory_gib')} GiB, {gpus}"


def software(facts: Mapping[str, Any]) -> str:
    """An environment's facts in a few words."""
    backend, python = mapped(facts.get("backend")), mapped(facts.get("python"))
    precision = facts.get("precision")
    special = f", {precision}" if precision not in (None, "float32") else ""
    return f"Keras {facts.get('keras')} on {backend.get('name')} {backend.get('version')}, {facts.get('device')}, Python {python.get('version')}{special}"


def backend_name(facts: Mapping[str, Any]) -> str:
    """The name of an environment's backend."""
    return str(mapped(facts.get("backend")).get("name"))


def listed(value: Any) -> list[Any]:
    """`value` where it is a list, else nothing: a document from elsewhere may hold anything."""
    return value if isinstance(value, list) else []


def mapped(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
