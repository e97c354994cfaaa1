"""The table of ratios after the engine's benchmark."""

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def pytest_terminal_summary(terminalreporter, config):
    from bench_engine import RESULTS
    from tabulate import tabulate

    results = config.stash.get(RESULTS, {})
    for network in dict.fromkeys(network for network, _ in results):
        mine = {contender: processes for (name, contender), processes in results.items() if name == network}
        speeds = {
            contender: [process["images"] / statistics.median(process["epoch_s"]) for process in processes]
            for contender, processes in mine.items()
        }
        ours = speeds.get("engine-tensorflow")
        rows = []
        for contender, found in sorted(speeds.items(), key=lambda item: -statistics.median(item[1])):
            ratio = statistics.median(ours) / statistics.median(found) if ours else float("nan")
            first = statistics.median(process["first_step_s"] for process in mine[contender])
            peak = statistics.median(process["peak_memory_bytes"] for process in mine[contender]) / 2**20
            low, high = min(found), max(found)
            rows.append([contender, f"{statistics.median(found):,.0f}", f"{low:,.0f} to {high:,.0f}", f"{ratio:.2f}", f"{first:.2f}", f"{peak:,.0f}"])  # fmt: skip
        headers = ["contender", "images/s", "range", "engine-tensorflow / it", "first step (s)", "peak memory (MiB)"]
        terminalreporter.write_line(f"\n{network}, batch 100, {len(next(iter(mine.values())))} processes each")
        terminalreporter.write_line(tabulate(rows, headers=headers))
