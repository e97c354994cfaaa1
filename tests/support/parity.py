"""The parity suite: every case of `parity_cases.py` by the engine and by Keras's `fit`, on every backend.

    python tests/support/parity.py                                    # tensorflow with 1 and 2 threads, jax, torch: about 10 minutes
    python tests/support/parity.py --backend jax --only ema           # one case
    python tests/support/parity.py --write-table                      # the table of docs/engine.md

Each setting is a process of its own. Exit status 1 when a case fails.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from parity_cases import CASES, GROUPS, Case

SETTINGS = (("tensorflow", 1), ("jax", 2), ("torch", 2), ("tensorflow", 2))
TITLES = {
    "losses": "Losses",
    "reductions": "Reductions of the loss",
    "labels": "Labels and targets",
    "layers": "Layers",
    "batch": "Operations over the batch",
    "models": "Models",
    "optimizers": "Optimizers",
    "types": "Data types",
    "settings": "Settings of `train`",
}
BEGIN, END = (
    "<!-- the table of tests/support/parity_cases.py begins -->",
    "<!-- the table of tests/support/parity_cases.py ends -->",
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "engine.md"


def supported_table() -> str:
    """What is supported as a Markdown table, from the cases alone."""
    lines = ["| | as `fit` | refused |", "| --- | --- | --- |"]
    for group in GROUPS:
        of_group = [case for case in CASES if case.group == group]
        trained = [_words(case) for case in of_group if case.refused is None]
        refused = [f"{case.shows} ({case.why})" for case in of_group if case.refused is not None]
        lines.append(f"| **{TITLES[group]}** | {_cell(trained)} | {_cell(refused)} |")
    return "\n".join(lines)


def _words(case: Case) -> str:
    reserves = [f"refused on {backend}" for backend in case.refused_on]
    reserves += [f"within {case.tolerance:g}"] if case.tolerance > 1e-4 else []
    return case.shows + (f" ({', '.join(reserves)})" if reserves else "")


def _cell(texts: Sequence[str]) -> str:
    return "; ".join(texts).replace("|", "\\|")


def with_table(document: str) -> str:
    """The document with its table made anew."""
    before, rest = document.split(BEGIN)
    return f"{before}{BEGIN}\n\n{supported_table()}\n\n{END}{rest.split(END)[1]}"


def chosen(only: Sequence[str]) -> list[Case]:
    unknown = set(only) - {case.name for case in CASES}
    if unknown:
        sys.exit(f"There is no case {', '.join(sorted(unknown))}.")
    return [case for case in CASES if not only or case.name in only]


def setting(backend: str, threads: int, only: Sequence[str], path: Path | None, kept: Path | None) -> int:
    """Run the cases in this process; prints a line each, writes `path`."""
    os.environ["REPRISE_THREADS"] = str(threads)
    from keras_reprise.base import machine
    from keras_reprise.engine.backends import start as backends

    if machine.threads() != threads:
        print(f"{threads} threads are asked for, this machine gives {machine.threads()}.")
        return 2
    backends.start(backend)
    from parity_training import outcome

    if backend == "tensorflow":
        from keras_reprise.engine.backends import tensorflow_parts

        tensorflow_parts.LEAST_MACS = 0  # batches are cut wherever they can be

    start, found = time.perf_counter(), []
    for case in chosen(only):
        result = outcome(case, kept)
        found.append(result)
        numbers = " ".join(
            f"{'-' if v is None else f'{v:.1e}':>8}" for v in (result.train, result.test, result.weights)
        )
        what = result.status if result.ok else f"FAILED  {result.status}"
        print(f"{f'{backend} {threads}':13} {case.name:28} {numbers}  {what}", flush=True)
    failed = [result for result in found if not result.ok]
    refused = sum(result.ok and result.status.startswith("refused") for result in found)
    print(
        f"{f'{backend} {threads}':13} {len(found) - len(failed) - refused} as fit, {refused} refused, "
        f"{len(failed)} failed, {time.perf_counter() - start:.0f} s",
        flush=True,
    )
    if path:
        path.write_text(json.dumps([result.facts() for result in found]))
    return 1 if failed else 0


def every_setting(options: argparse.Namespace) -> int:
    """Run each setting in a process of its own, `--jobs` at a time; what fails is listed at the end."""
    start = time.perf_counter()
    wanted = [s for s in SETTINGS if options.backend in (None, s[0]) and options.threads in (None, s[1])]
    wanted = wanted or [(options.backend or SETTINGS[0][0], options.threads)]
    print(f"{'setting':13} {'case':28} {'train':>8} {'test':>8} {'weights':>8}", flush=True)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda one: _process(one[0], one[1], options.only, Path(folder)), wanted))
    everything = {f"{backend} {threads}": found for (backend, threads), (_, found) in zip(wanted, results, strict=True)}
    summary(everything, time.perf_counter() - start)
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=1))
    return 1 if any(code for code, _ in results) else 0


def _process(backend: str, threads: int, only: Sequence[str], folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """Run a setting; returns its exit status and outcomes."""
    path = folder / f"{backend}-{threads}.json"
    command = [sys.executable, __file__, "--here", "--backend", backend, "--threads", str(threads)]
    command += ["--json", str(path), "--kept", str(folder), *(word for name in only for word in ("--only", name))]
    code = subprocess.run(command, check=False).returncode
    if not path.exists():
        print(f"{f'{backend} {threads}':13} ended early, with status {code}", flush=True)
        return code or 1, []
    return code, json.loads(path.read_text())


def summary(everything: dict[str, list[dict[str, Any]]], seconds: float) -> None:
    print(f"\n{len(everything)} settings in {seconds / 60:.1f} minutes")
    for name, found in everything.items():
        failed = [result["name"] for result in found if not result["ok"]]
        print(f"{name}: {len(found)} cases, {len(failed)} failed{': ' + ', '.join(failed) if failed else ''}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this case (may be repeated)")
    parser.add_argument(
        "--group", choices=GROUPS, action="append", default=[], help="the cases of this group (likewise)"
    )
    parser.add_argument("--backend", choices=("tensorflow", "jax", "torch"))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--jobs", type=int, default=2, help="settings at a time (default: 2)")
    parser.add_argument("--json", metavar="FILE", help="write what came of every case")
    parser.add_argument("--write-table", action="store_true", help="bring the table of docs/engine.md up to date")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.only += [case.name for case in CASES if case.group in options.group]
    if options.write_table:
        DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
        return 0
    if options.here:
        path = Path(options.json) if options.json else None
        return setting(options.backend, options.threads, options.only, path, options.kept)
    return every_setting(options)


if __name__ == "__main__":
    sys.exit(main())
