"""The control of a gate: fixed work that no change of a project touches, measured as the project's benchmarks are.

If it looks changed, the machine or the way of measuring has changed, and the gate calls nothing regressed. Stands
alone.
"""

import os

BLOCK = bytes(4_000_000)


def sorted_numbers() -> list[int]:
    return sorted(range(20_000), key=lambda number: number * 7919 % 20_011)


def counted_words() -> dict[str, int]:
    counts: dict[str, int] = {}
    for number in range(20_000):
        word = str(number % 1000)
        counts[word] = counts.get(word, 0) + 1
    return counts


def copied_memory() -> None:
    for _ in range(6):
        bytearray(BLOCK)


def opened_files() -> None:
    for _ in range(200):
        with open(os.devnull, "rb") as file:
            file.read(1)


def test_sort(benchmark):  # type: ignore[no-untyped-def]
    benchmark.pedantic(sorted_numbers, rounds=3)


def test_count(benchmark):  # type: ignore[no-untyped-def]
    benchmark.pedantic(counted_words, rounds=3)


def test_copy(benchmark):  # type: ignore[no-untyped-def]
    benchmark.pedantic(copied_memory, rounds=3)


def test_open(benchmark):  # type: ignore[no-untyped-def]
    benchmark.pedantic(opened_files, rounds=5)
