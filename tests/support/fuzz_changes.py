"""Real content made wrong: bytes flipped, cut and joined, values of JSON replaced by strange ones."""

import contextlib
import json
import random
from typing import Any

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e308, 1e999, -1e999, 5e-324, "", "nan",
    "inf", "-inf", "\0", "\n", "\ud800", "‮", "../../../../etc/passwd", "/etc/passwd", "a" * 5000, "é", "１２", "<script>",
    "{{7*7}}", "%s%n", "-" * 10, "9" * 400, [], {}, [[]], [None], {"": None}, {"a": {"a": {}}}, "2026-02-30T99:99:99Z",
    "2026-01-01T00:00:00Z\n", "0" * 64, "0" * 12, "digits", "cifar10", "quick\n", "\x1b[2J",
)  # fmt: skip


def changed_bytes(content: bytes, drawn: random.Random, others: list[bytes]) -> bytes:
    """`content` with a few of its bytes otherwise."""
    data = bytearray(content)
    for _ in range(drawn.choice((1, 1, 1, 2, 4, 16))):
        at = drawn.randrange(len(data) + 1)
        kind = drawn.randrange(7)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << drawn.randrange(8)
        elif kind == 1:
            del data[at : at + drawn.randrange(1, 64)]
        elif kind == 2:
            data[at:at] = drawn.randbytes(drawn.randrange(1, 16))
        elif kind == 3:
            data[at:at] = data[at : at + drawn.randrange(1, 200)]
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            data[at:at] = drawn.choice(
                (b'"', b"{", b"[", b"}", b"\\", b"\0", b"1e999", b"NaN", b"null", b"\xff\xfe", b"[" * 3000)
            )
        else:
            other = drawn.choice(others)
            start = drawn.randrange(len(other) + 1)
            data[at:at] = other[start : start + drawn.randrange(1, 400)]
    return bytes(data)


def changed_value(value: Any, drawn: random.Random) -> Any:
    """A JSON value with one or a few of its parts otherwise."""
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        keys = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
        for key in keys:
            places.append((part, key))
            if len(places) < 3000:
                walk(part[key])

    value = json.loads(json.dumps(value))
    walk(value)
    for _ in range(drawn.choice((1, 1, 1, 2, 5))):
        if not places:
            return drawn.choice(STRANGE)
        part, key = drawn.choice(places)
        with contextlib.suppress(LookupError, TypeError, RecursionError):
            kind = drawn.randrange(6)
            if kind == 0:
                del part[key]
            elif kind == 1 and isinstance(part, dict):
                part[str(drawn.choice(STRANGE))] = part[key]
            elif kind == 2:
                part[key] = deep(drawn.randrange(1, 2000)) if drawn.random() < 0.1 else [part[key]]
            elif kind == 3:
                other, place = drawn.choice(places)
                part[key] = json.loads(json.dumps(other[place]))  # RecursionError: it is deep enough
            elif kind == 4 and isinstance(part[key], int | float):
                part[key] = part[key] * drawn.choice((-1, 0, 1e300, 10**18, 0.5))
            else:
                part[key] = drawn.choice(STRANGE)
    return value


def deep(levels: int) -> Any:
    found: Any = 0
    for _ in range(levels):
        found = [found]
    return found


def as_json(value: Any) -> bytes:
    """JSON with all that Python's reader takes: NaN, infinities, lone surrogates."""
    try:
        return json.dumps(value, indent=2, sort_keys=True).encode()
    except (RecursionError, TypeError, ValueError):
        return b"{}"
