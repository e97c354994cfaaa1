"""How often the verdict rule is wrong, and how often it decides: simulated with the rule itself (`judge.decide`).

Run: python benchmarks/simulate_verdicts.py [--simulations 10000] [--output docs]
It writes docs/verdict-errors.md (the tables) and docs/verdict-power.svg.

A simulated recipe has one, three or eight claims whose statistics are independent. All have the same truth, in standard
deviations from the border of the interval (-inf, 0). With the truth on the border, *reproduced* is counted as the error of a truth that lies
just outside, *contradicted* as that of one just inside. A recipe is wrong when any of its claims is (family-wise); with
looks, when any claim is at any look up to the one at which all are decided.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from keras_reprise.judge import decisions
from keras_reprise.judge.design import LOOKS
from keras_reprise.record.schema import ClaimCard

SIZES: dict[str, tuple[int, ...]] = {"3": (3,), "6": (6,), "12": (12,), "30": (30,), "6, 12, 30": LOOKS}

SKEWED = ("exponential", "log-normal, not declared")
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _contaminated(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    wide = np.where(generator.random(shape) < 0.1, 5.0, 1.0)
    return np.asarray(generator.standard_normal(shape) * wide / np.sqrt(0.9 + 0.1 * 25))


# Mean 0 and standard deviation 1 each; "log-normal, declared" is judged on its logarithm, the last two are skewed and not.
DRAWS: dict[str, Draw] = {
    "normal": lambda g, shape: g.standard_normal(shape),
    "t, 3 degrees of freedom": lambda g, shape: g.standard_t(3, shape) / np.sqrt(3),
    "Laplace": lambda g, shape: g.laplace(0, np.sqrt(0.5), shape),
    "normal, one in ten 5 times as wide": _contaminated,
    "log-normal, declared": lambda g, shape: g.standard_normal(shape),
    "exponential": lambda g, shape: g.exponential(1.0, shape) - 1,
    "log-normal, not declared": lambda g, shape: (
        (g.lognormal(0, 0.5, shape) - np.exp(0.125)) / np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))
    ),  # fmt: skip
}


@dataclass(frozen=True)
class Condition:
    """One cell: which statistic, how many claims, how many replicates, and where the truth is."""

    draw: str
    claims: int
    size: str
    truth: float


@dataclass(frozen=True)
class Outcome:
    """Shares of recipes with a claim reproduced, with one contradicted, and of claims decided at the end."""

    reproduced: float
    contradicted: float
    decided: float


def simulate(condition: Condition, simulations: int, seed: int = 1) -> Outcome:
    """`simulations` recipes under one condition."""
    declared = condition.draw == "log-normal, declared"
    card = ClaimCard(
        id="c", says="", where="", statistic="", unit="", interval=(None, 1.0 if declared else 0.0), exact=False, log=declared
    )  # fmt: skip
    cards, sizes = [card] * condition.claims, SIZES[condition.size]
    generator = np.random.default_rng([seed, *condition.draw.encode(), condition.claims, sizes[-1], int(10 * condition.truth) + 100])  # fmt: skip
    reproduced = contradicted = decided = 0
    for _ in range(simulations):
        values = condition.truth + DRAWS[condition.draw](generator, (condition.claims, sizes[-1]))
        values = np.exp(values) if declared else values
        seen: set[str] = set()
        for n in sizes:
            found = [decision.verdict for decision in decisions.decide(list(values[:, :n]), cards)]
            seen |= set(found)
            if "inconclusive" not in found:
                break
        reproduced += "reproduced" in seen
        contradicted += "contradicted" in seen
        decided += sum(verdict != "inconclusive" for verdict in found)
    return Outcome(reproduced / simulations, contradicted / simulations, decided / simulations / condition.claims)


def error_conditions() -> Iterator[Condition]:
    """The border for every statistic, number of claims and replicates; half and two deviations off it for three claims."""
    for draw in DRAWS:
        for size in SIZES:
            for claims in (1, 3, 8):
                yield Condition(draw, claims, size, 0.0)
            for truth in (-2.0, -0.5, 0.5, 2.0):
                yield Condition(draw, 3, size, truth)


def power_conditions() -> Iterator[Condition]:
    """How often one, or one of five claims is decided, by its distance from the border."""
    for claims in (1, 5):
        for size in SIZES:
            for truth in np.linspace(-3, 0, 13):
                yield Condition("normal", claims, size, float(truth))


def wrong(condition: Condition, outcome: Outcome) -> float:
    """The larger family-wise error under this condition: reproduced though outside, or contradicted though inside."""
    if condition.truth == 0:
        return max(outcome.reproduced, outcome.contradicted)
    return outcome.reproduced if condition.truth > 0 else outcome.contradicted


def error_tables(found: dict[Condition, Outcome]) -> str:
    """The tables as Markdown, in percent."""
    border = [
        [draw, claims, *(f"{100 * found[Condition(draw, claims, size, 0.0)].reproduced:.1f} / {100 * found[Condition(draw, claims, size, 0.0)].contradicted:.1f}" for size in SIZES)]
        for draw in DRAWS
        for claims in (1, 3, 8)
    ]  # fmt: skip
    off = [
        [draw, f"{truth:+g}", *(f"{100 * wrong(c, found[c]):.2f}" for size in SIZES for c in [Condition(draw, 3, size, truth)])]
        for draw in DRAWS
        for truth in (-2.0, -0.5, 0.5, 2.0)
    ]  # fmt: skip
    sizes = [f"n = {size}" for size in SIZES]
    return "\n\n".join(
        (
            "Truth on the border: percent of recipes with a claim *reproduced* (wrong if the truth is just outside) / *contradicted* (wrong if it is just inside). The last column stops at the first look at which all claims are decided, and counts a wrong verdict at any look.",
            tabulate(border, headers=["statistic", "claims", *sizes], tablefmt="github", disable_numparse=True),
            "Truth inside (negative) or outside (positive) the interval, in standard deviations from its border, three claims: percent of recipes with a wrong verdict.",
            tabulate(off, headers=["statistic", "truth", *sizes], tablefmt="github", disable_numparse=True),
        )
    )


def power_figure(found: dict[Condition, Outcome], path: Path) -> None:
    """The share of claims that are decided, by distance from the border."""
    import matplotlib.pyplot as plt
    import pandas as pd
    import seaborn as sns

    rows = [
        {"distance": -c.truth, "decided": 100 * o.decided, "claims": f"{c.claims} claim{'s' if c.claims > 1 else ''}", "replicates": f"n = {c.size}"}
        for c, o in found.items()
    ]  # fmt: skip
    with sns.axes_style("whitegrid"), plt.rc_context({"svg.hashsalt": "keras-reprise", "svg.fonttype": "none"}):
        grid = sns.relplot(
            pd.DataFrame(rows), x="distance", y="decided", hue="replicates", style="replicates", col="claims", kind="line",
            palette="colorblind", height=3.4, aspect=1.2,
        )  # fmt: skip
        grid.set_axis_labels("distance from the border (SD)", "decided (% of claims)")
        grid.set_titles("{col_name}")
        grid.savefig(path, metadata={"Date": None})


def _one(job: tuple[Condition, int]) -> tuple[Condition, Outcome]:
    return job[0], simulate(*job)


def main() -> None:
    """Simulate all conditions on all cores, print the tables, and write them with the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs")
    options = parser.parse_args()
    start = time.perf_counter()
    with multiprocessing.Pool() as pool:
        errors = dict(pool.imap_unordered(_one, [(c, options.simulations) for c in error_conditions()]))
        power = dict(pool.imap_unordered(_one, [(c, max(1, options.simulations // 5)) for c in power_conditions()]))
    tables = error_tables({condition: errors[condition] for condition in error_conditions()})
    normalish = [c for c in errors if c.draw not in SKEWED]
    worst = max(normalish, key=lambda c: wrong(c, errors[c]))
    summary = f"{options.simulations:,} simulations a cell, {time.perf_counter() - start:.0f} s. The largest error of the five statistics that the rule is designed for: {100 * wrong(worst, errors[worst]):.2f} % ({worst.draw}, {worst.claims} claims, n = {worst.size}, truth {worst.truth:+g})."
    print(f"{tables}\n\n{summary}")
    (options.output / "verdict-errors.md").write_text(
        f"# How often a verdict is wrong\n\nMade by `python benchmarks/simulate_verdicts.py`: {summary}\n\n{tables}\n"
    )
    power_figure(
        {condition: power[condition] for condition in power_conditions()}, options.output / "verdict-power.svg"
    )


if __name__ == "__main__":
    main()
