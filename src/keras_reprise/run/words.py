"""What --seeds and --time-limit of `reprise run` mean."""

from keras_reprise.base.errors import UserError
from keras_reprise.judge import design

MOST_SEEDS, LARGEST_SEED = 10_000, 2**32 - 1


def seconds_meant(text: str) -> float:
    """The seconds that `--time-limit` means: 90, 90s, 15m, 2h."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UserError(f"--time-limit {text!r} is no time.\nWrite 90 (seconds), 15m or 2h.")
    return seconds


def seeds_meant(text: str | None) -> tuple[tuple[int, ...], bool]:
    """The seeds that `--seeds` means, and whether it is `auto`; an empty tuple leaves the number to the scale."""
    if text is None:
        return (), False
    if text == "auto":
        return tuple(range(1, design.MOST_SEEDS + 1)), True
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise UserError(
            f"--seeds {text!r} is no number of seeds.\nWrite 6 for the seeds 1 to 6, 1,4,7 for those, or auto."
        )
    if any(len(part.strip().lstrip("0")) > len(str(LARGEST_SEED)) or int(part) > LARGEST_SEED for part in parts):
        raise UserError(
            f"--seeds {_shortened(text)}: a seed is at most {LARGEST_SEED}, so nothing was run.\nLibraries take seeds of 32 bits. Write 6 for the seeds 1 to 6, or 1,4,7 for those."
        )
    numbers = [int(part) for part in parts]
    if len(parts) == 1 and numbers[0] > MOST_SEEDS:
        raise UserError(
            f"--seeds {text} would be {numbers[0]:,} replicates of each recipe; {MOST_SEEDS:,} are the most, so nothing was run.\nFor that seed alone write {text},{text}."
        )
    if any(number < 1 for number in numbers):
        raise UserError(
            f"--seeds {text}: seeds are 1, 2, 3, ..., never 0.\nSome libraries take 0 for 'random', which would make the replicate unrepeatable.\n"
            "Write 6 for the seeds 1 to 6, or 1,4,7 for those."
        )
    return (tuple(range(1, numbers[0] + 1)) if len(parts) == 1 else tuple(sorted(set(numbers)))), False


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."
