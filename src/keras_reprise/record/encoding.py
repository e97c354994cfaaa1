"""How values and documents are written as JSON, and read again: what JSON lacks, and what two readers could take for
different things.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

CURVE_DIGITS = 7
LONGEST_NUMBER = 20  # digits and sign of 64 bits


def encode_number(value: float) -> float | str:
    """JSON has no nan or infinity: they become the strings "nan", "inf" and "-inf"."""
    value = float(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def encode_curve(values: Iterable[float]) -> list[float | str]:
    """The values to 7 significant digits."""
    return [encode_number(float(f"{float(value):.{CURVE_DIGITS}g}")) for value in values]


def encode_trial(trial: Mapping[str, object]) -> dict[str, object]:
    """A trial's values in JSON's types, floats to 7 significant digits, also those in lists."""
    return {name: _encoded(value) for name, value in trial.items()}


def _encoded(value: object) -> object:
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    return encode_curve([value])[0] if isinstance(value, float) else value


def decode_trial(trial: Mapping[str, Any]) -> dict[str, Any]:
    """A stored trial with its non-finite numbers as floats again, also those in lists."""
    return {name: _decoded(value) for name, value in trial.items()}


def _decoded(value: object) -> object:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return float(value) if isinstance(value, str) and value in ("nan", "inf", "-inf") else value


def number(value: float | str) -> float:
    """The float that a stored number stands for."""
    return float(value)


def pretty(content: Mapping[str, object]) -> bytes:
    """The bytes of a file of the store: sorted keys, 2-space indent, UTF-8, newline at the end."""
    return (json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def canonical(content: Mapping[str, object]) -> bytes:
    """The canonical JSON that a record's id is taken of: sorted keys, no spaces, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def record_id(content: Mapping[str, object]) -> str:
    """sha256 of the canonical JSON of everything but `id`."""
    return hashlib.sha256(canonical({key: value for key, value in content.items() if key != "id"})).hexdigest()


def parsed(content: bytes) -> Any:
    """What a file of the store holds; ValueError for all that two readers could take for different things.

    JSON in UTF-8 whose objects have no name twice and whose whole numbers fit 64 bits.
    """
    return json.loads(
        content.decode(), parse_constant=_refuse_constant, object_pairs_hook=_object, parse_int=_whole_number
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has the name {next(name for name in names if names.count(name) > 1)[:50]!r} twice")
    return found


def _whole_number(text: str) -> int:
    if len(text) > LONGEST_NUMBER or not -(2**63) <= (value := int(text)) < 2**64:
        raise ValueError(f"the number {text[:20]}... does not fit 64 bits")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"the bare constant {name} is not JSON")
