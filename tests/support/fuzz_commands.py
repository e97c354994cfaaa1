"""Command lines of any words; and a command called as a person would, whose end is one that the design names."""

import os
import random
from pathlib import Path

from click.testing import CliRunner

COMMANDS = [
    "list", "show", "status", "verdict", "report", "compare", "check", "merge", "export", "cite", "check-citations",
    "resolve", "history", "lock", "data", "doctor", "gate", "accept", "calibrate", "bisect", "certificate", "new", "run",
]  # fmt: skip
WORDS = [
    "--json", "--store", "--scale", "--seeds", "--machine", "--environment", "--data", "--help", "--strict",
    "--suite", "--family", "--missing", "--format", "--output", "--no-data", "--latex", "--all", "--arm",
    "--backend", "--workers", "--threads", "--time-limit", "--determinism", "--executor", "--address", "--between",
    "--why", "--config", "--benchmarks", "--recipe", "--import-benchmarks", "--against", "--last", "--name",
    "--debug", "--data-dir", "--precision", "quick", "full", "all", "quickstart", "gate", "csv", "parquet", "plain",
    "plain@1", "plain@99", "cifar10-lr-drop", "digits", "cifar10", "1", "0", "-1", "6", "1,2,3", "auto", "x,",
    "1e9", "99999999999999999999", "reprise:plain@1/000000000000", "reprise:plain@1/", "./nothing.py", "nowhere/",
    ".", "..", "/", "''", "--", "-", "=", "%", "\\", "\u202e", "é", "fetch", "verify", "list",
]  # fmt: skip
NEVER = {"fetch", "/", "..", "."}  # what would use the network, or be a real folder


def called(words: list[str]) -> int:
    """A command ends with an exit code that the design names, which is returned, and without a traceback."""
    from keras_reprise.cli import main

    result = CliRunner().invoke(main, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in (0, 1, 2, 3, 4, 5, 130), (words, result.exit_code)
    assert "Traceback" not in result.output, words
    return int(result.exit_code)


def read_words(content: bytes, scratch: Path) -> None:
    """Words of the command line; nothing is measured, since no recipe or benchmark that is named exists."""
    os.chdir(scratch)  # a folder without a gate.toml
    drawn = random.Random(content)
    command = drawn.choice(COMMANDS)
    pool = [word for word in WORDS if word not in NEVER and not (command in ("run", "gate", "accept", "calibrate", "bisect", "lock") and word in
            ("quick", "full", "all", "quickstart", "gate", "--all", "--suite", "--family", "cifar10-lr-drop", "--last"))]  # fmt: skip
    words = [command, *(drawn.choice(pool) for _ in range(drawn.randrange(7)))]
    if drawn.random() < 0.2:
        words.insert(
            drawn.randrange(len(words) + 1), "".join(chr(drawn.randrange(1, 0x2FFF)) for _ in range(drawn.randrange(9)))
        )
    if command == "lock":
        words.append("--check")  # without it the lock is made anew, as it should
    elif command == "new":
        words = [word for word in words if word != "./nothing.py"]  # which would be there from now on, and run
    elif command not in ("list", "show", "data", "doctor"):
        words[1:1] = ["--store", str(scratch / "store")]  # first, so that no option before it takes it for its value
    called(words)
