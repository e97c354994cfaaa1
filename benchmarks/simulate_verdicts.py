"""How often the verdict rule is wrong, and how often it decides: simulated with the rule itself, many recipes at once.

Run: python benchmarks/simulate_verdicts.py [--simulations 10000] [--output docs]
It writes docs/verdict-errors.md (the tables) and docs/verdict-power.svg.

A simulated recipe has one or more claims. With the truth on the border of the interval, *reproduced* is counted as the
error of a truth that lies just outside, *contradicted* as that of one just inside. A recipe is wrong when any of its
claims of one role is (family-wise); with looks, when any is at any look up to the one at which all are decided.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from keras_reprise.judge import decisions, weighing
from keras_reprise.judge.design import LOOKS
from keras_reprise.record.schema import ClaimCard

SIZES: dict[str, tuple[int, ...]] = {"3": (3,), "6": (6,), "12": (12,), "30": (30,), "6, 12, 30": LOOKS}
AT_ONCE = 2_000  # recipes simulated together: what fits into memory
UNMET = math.inf  # stands for a replicate in which the claim's premise is not met; nan for one that failed

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


@dataclass(frozen=True)
class Case:
    """Claims whose statistics come from `draw(generator, (claims, k, n))`; `about` says what, `truth` where it lies.

    `kept` is whether the rule promises its error rates for it; `errors` which verdicts would be wrong there.
    """

    about: str
    truth: str
    cards: tuple[ClaimCard, ...]
    draw: Draw
    kept: bool = True
    errors: tuple[str, ...] = ("reproduced", "contradicted")


@dataclass(frozen=True)
class Outcome:
    """Shares of recipes with a claim reproduced, with one contradicted, and of claims decided at the end.

    `rules` are the shares of recipes whose rule (all claims of that role) was reproduced and contradicted at the end.
    """

    reproduced: float
    contradicted: float
    decided: float
    rules: tuple[float, float] = (0.0, 0.0)

    def of(self, verdict: str) -> float:
        return self.reproduced if verdict == "reproduced" else self.contradicted


def card(low: float | None, high: float | None, kind: Any = "continuous", role: Any = "rule") -> ClaimCard:
    return ClaimCard("c", "", "", "", "", (low, high), exact=kind == "exact", kind=kind, role=role)


def simulate(case: Case, size: str, simulations: int, seed: int = 1, role: str = "rule") -> Outcome:
    """`simulations` recipes of one case; counted are the claims with the `role`."""
    words = "/".join((case.about, case.truth, case.cards[0].tested_as, size, str(len(case.cards))))
    generator = np.random.default_rng([seed, *words.encode()])
    mine = [claim.role == role for claim in case.cards]
    parts = [
        _looked(case, SIZES[size], generator, min(AT_ONCE, simulations - start), mine)
        for start in range(0, simulations, AT_ONCE)
    ]
    total = [float(sum(counts)) / simulations for counts in zip(*parts, strict=True)]
    return Outcome(total[0], total[1], total[2], (total[3], total[4]))


def _looked(
    case: Case, sizes: Sequence[int], generator: np.random.Generator, k: int, mine: Sequence[bool]
) -> tuple[float, ...]:
    """Of k recipes looked at after `sizes` replicates: with a claim reproduced, contradicted, claims decided, rules."""
    values = case.draw(generator, (len(case.cards), k, sizes[-1]))
    going, end = np.ones(k, bool), np.zeros((len(case.cards), k), int)
    seen = {1: np.zeros(k, bool), -1: np.zeros(k, bool)}
    for n in sizes:
        found = verdicts(values[..., :n], case.cards)
        for verdict, ever in seen.items():
            ever |= going & (found[mine] == verdict).any(axis=0)
        end = np.where(going, found, end)
        going &= (found == 0).any(axis=0)
    rule = end[[claim.role == "rule" for claim in case.cards]]
    decided = np.mean(end[mine] != 0, axis=0).sum()
    return seen[1].sum(), seen[-1].sum(), decided, (rule == 1).all(axis=0).sum(), (rule == -1).any(axis=0).sum()


def verdicts(values: np.ndarray, cards: Sequence[ClaimCard]) -> np.ndarray:
    """The rule's verdicts (claims, k) on values (claims, k, n)."""
    return decisions.outcomes([weighed(mine, card) for mine, card in zip(values, cards, strict=True)], cards)


def weighed(values: np.ndarray, card: ClaimCard) -> weighing.Weighed:
    """The rule's weights of samples (k, n), those with equally many failed and unmet replicates together."""
    failed, unmet = np.isnan(values).sum(axis=1), np.isinf(values).sum(axis=1)
    inside, p, doubt = np.zeros(len(values), bool), np.zeros(len(values)), np.zeros(len(values), int)
    for some in np.unique(failed + 1000 * unmet):
        rows = np.flatnonzero(failed + 1000 * unmet == some)
        numbers = values[rows][np.isfinite(values[rows])].reshape(len(rows), -1)
        found = weighing.weigh(numbers, card, int(some % 1000))
        inside[rows], p[rows], doubt[rows] = found.inside, found.p, found.doubt
    return weighing.Weighed(inside, p, doubt)


def _contaminated(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    wide = np.where(generator.random(shape) < 0.1, 5.0, 1.0)
    return np.asarray(generator.standard_normal(shape) * wide / np.sqrt(0.9 + 0.1 * 25))


def _lognormal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray((generator.lognormal(0, 0.5, shape) - np.exp(0.125)) / np.sqrt((np.exp(0.25) - 1) * np.exp(0.25)))


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.standard_normal(shape)


# Mean 0 and standard deviation 1 each.
CENTRED: dict[str, Draw] = {
    "normal": normal,
    "t, 3 degrees of freedom": lambda g, shape: g.standard_t(3, shape) / np.sqrt(3),
    "Laplace": lambda g, shape: g.laplace(0, np.sqrt(0.5), shape),
    "normal, one in ten 5 times as wide": _contaminated,
    "log-normal, positive": normal,
    "exponential": lambda g, shape: g.exponential(1.0, shape) - 1,
    "log-normal, not positive": _lognormal,
}
SKEWED = ("exponential", "log-normal, not positive")


def centred(name: str, claims: int, truth: float = 0.0) -> Case:
    """`claims` claims of independent statistics, all `truth` standard deviations off the border of their interval."""
    positive = name == "log-normal, positive"
    one = card(None, 1.0, "positive") if positive else card(None, 0.0)

    def draw(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        values = truth + CENTRED[name](generator, shape)
        return np.asarray(np.exp(values)) if positive else values

    wrong = ("reproduced", "contradicted") if truth == 0 else ("reproduced",) if truth > 0 else ("contradicted",)
    return Case(name, f"{truth:+g} SD", (one,) * claims, draw, name not in SKEWED, wrong)


def either(share: float, one: float, other: float) -> Draw:
    """`one` with the probability `share`, else `other`."""
    return lambda generator, shape: np.where(generator.random(shape) < share, one, other)


def _catastrophe(generator: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    return generator.normal(1, 0.2, shape) - 20.0 * (generator.random(shape) < share)


def _rounded(generator: np.random.Generator, shape: tuple[int, ...], centre: float, sd: float) -> np.ndarray:
    return np.round(generator.normal(centre, sd, shape))


def _diverging(generator: np.random.Generator, shape: tuple[int, ...], beyond: float) -> np.ndarray:
    values = generator.standard_normal(shape)
    return np.where(values < beyond, values, math.nan)


def _unmet(generator: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    return np.where(generator.random(shape) < share, UNMET, generator.standard_normal(shape))


def _correlated(generator: np.random.Generator, shape: tuple[int, ...], rho: float) -> np.ndarray:
    shared = generator.standard_normal((1, *shape[1:]))
    return np.asarray(np.sqrt(rho) * shared + np.sqrt(1 - rho) * generator.standard_normal(shape))


def _best_of_unequal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    arms = generator.standard_normal((9, *shape[1:]))
    return np.asarray(arms[:7].min(axis=0) - arms[7:].min(axis=0))[None]


def _each_against_each(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    arms = generator.standard_normal((9, *shape[1:]))
    return np.asarray(arms[:7, None] - arms[None, 7:]).reshape(14, *shape[1:])


WHOLE = 0.6176  # the mean of a normal about 0.6 with a deviation of 0.35, rounded to whole numbers
MEAN, HALF = "mean on the bound", "inside in half of all replicates"
DISCRETE_CASES: tuple[tuple[str, tuple[float | None, float | None], Draw, Draw], ...] = (
    ("rank correlation of four points, 1 or 0.8", (0.9, None), either(0.5, 1.0, 0.8), either(0.5, 1.0, 0.8)),
    ("1 or 0.5, four in five", (0.9, None), either(0.8, 1.0, 0.5), either(0.5, 1.0, 0.5)),
    ("share of two failures caught, 1 or 0.5", (0.99, None), either(0.98, 1.0, 0.5), either(0.5, 1.0, 0.5)),
    ("clumped count, 3 or 0", (-0.5, 0.5), either(1 / 6, 3.0, 0.0), either(0.5, 3.0, 0.0)),
    ("rare count, 1 or 0", (-0.5, 0.5), either(0.5, 1.0, 0.0), either(0.5, 1.0, 0.0)),
    ("accuracy at its bound, 100 or 95", (99.5, None), either(0.9, 100.0, 95.0), either(0.5, 100.0, 95.0)),
    ("whole numbers", (None, WHOLE), partial(_rounded, centre=0.6, sd=0.35), partial(_rounded, centre=0.5, sd=0.35)),
)
"""What, its interval, how it is drawn with the mean on the bound, and with half of all replicates inside."""


def kind_cases() -> Iterator[Case]:
    """A case for each kind, and for each way in which a statistic does not fit the t test."""
    for about, ends, mean, half in DISCRETE_CASES:
        yield Case(about, MEAN, (card(*ends),), mean)
        yield Case(about, HALF, (card(*ends, "discrete"),), half)
    for kind in ("continuous", "positive", "discrete", "exact"):
        right = () if kind in ("discrete", "exact") else ("reproduced",)
        yield Case(
            "0.3 always",
            "on the bound",
            (card(0.3, None, kind),),
            either(1.0, 0.3, 0.3),
            errors=(*right, "contradicted"),
        )
    yield Case(
        "one catastrophe in twenty",
        "a share of 95 %, interval from 95 %",
        (card(0.95, 1.0, "share"),),
        either(0.95, 1.0, 0.0),
    )
    yield Case("one catastrophe in two", HALF, (card(0.0, None, "discrete"),), partial(_catastrophe, share=0.5))
    yield Case("1 or 0", "a share of 80 %, interval from 80 %", (card(0.8, 1.0, "share"),), either(0.8, 1.0, 0.0))
    yield Case("1 or 0", "a share of 50 %, interval to 50 %", (card(None, 0.5, "share"),), either(0.5, 1.0, 0.0))
    for beyond, words in ((1.0, "16 %"), (0.2533, "40 %")):
        yield Case(
            f"the {words} largest of a normal diverged",
            "median of all on the bound",
            (card(None, 0.0),),
            partial(_diverging, beyond=beyond),
        )
    yield Case("premise met in 60 %", MEAN, (card(None, 0.0),), partial(_unmet, share=0.4))
    yield Case("ten claims, correlated (0.9)", MEAN, (card(None, 0.0),) * 10, partial(_correlated, rho=0.9))
    yield Case(
        "each of seven arms below each of two, no arm differs", MEAN, (card(None, 0.0),) * 14, _each_against_each
    )


def unkept_cases() -> Iterator[Case]:
    """What no test can keep its level for, or what is refused when the claim is made."""
    yield Case("one catastrophe in twenty", MEAN, (card(0.0, None),), partial(_catastrophe, share=0.05), kept=False)
    yield Case(
        "lowest of seven arms minus lowest of two, no arm differs (refused)",
        "no difference",
        (card(None, 0.0),),
        _best_of_unequal,
        kept=False,
    )


ROLES = {"rule": 2, "detail": 5, "table": 20}


def roles_case(truth: float = 0.0) -> Case:
    """A recipe with claims of every role, normal statistics, rule claims `truth` deviations off their border."""
    cards = tuple(card(None, 0.0, role=role) for role, count in ROLES.items() for _ in range(count))

    def draw(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        values = generator.standard_normal(shape)
        values[: ROLES["rule"]] += truth
        return values

    return Case("2 rule claims, 5 details, 20 printed values", f"rule {truth:+g} SD, others on the border", cards, draw)


def power_cases() -> Iterator[Case]:
    """What is true and should be decided, kind by kind."""
    for truth in (-1.0, -2.0):
        yield centred("normal", 1, truth)
        yield centred("normal", 2, truth)
    for share in (0.8, 0.9, 0.98, 1.0):
        for claims in (1, 2, 5):
            yield Case(
                "1 or 0.5",
                f"inside in {100 * share:g} %",
                (card(0.9, None, "discrete"),) * claims,
                either(share, 1.0, 0.5),
            )
    yield Case("1 or 0", "a share of 95 %, interval from 50 %", (card(0.5, None, "share"),), either(0.95, 1.0, 0.0))
    for steps in (5, 2, 1):
        draw = partial(_rounded, centre=-2.0 * steps, sd=float(steps))
        yield Case(f"normal, rounded to 1/{steps} SD", "-2 SD", (card(None, 0.0),), draw)
    for share in (0.05, 0.2):
        yield Case(f"normal, {100 * share:g} % failed", "-2 SD", (card(None, 0.0),), partial(_failing, share=share))
        yield Case(
            f"normal, premise unmet in {100 * share:g} %", "-2 SD", (card(None, 2.0),), partial(_unmet, share=share)
        )


def _failing(generator: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    return np.where(generator.random(shape) < share, math.nan, generator.standard_normal(shape) - 2.0)


def wrong(case: Case, outcome: Outcome) -> float:
    """The larger family-wise error: of those verdicts that are wrong here."""
    return max(outcome.of(verdict) for verdict in case.errors)


Table = list[list[str]]


def _both(case: Case, outcome: Outcome) -> str:
    told = [f"{100 * outcome.of(one):.1f}" if one in case.errors else "-" for one in ("reproduced", "contradicted")]
    return " / ".join(told)


def _of_rules(case: Case, outcome: Outcome) -> str:
    return " / ".join(f"{100 * share:.1f}" for share in outcome.rules)


class Simulation:
    """Runs cases, and keeps the largest error of those for which the rule promises its rates."""

    def __init__(self, simulations: int) -> None:
        self.simulations = simulations
        self.worst: list[tuple[float, str]] = []

    def row(self, case: Case, of: Callable[[Case, Outcome], str] = _both, role: str = "rule") -> list[str]:
        """A cell for each number of replicates."""
        cells = []
        for size in SIZES:
            outcome = simulate(case, size, self.simulations, role=role)
            if case.kept:
                self.worst.append(
                    (wrong(case, outcome), f"{case.about}, {len(case.cards)} claims, n = {size}, {case.truth}")
                )
            cells.append(of(case, outcome))
        return cells

    def border(self) -> Table:
        return [[name, str(claims), *self.row(centred(name, claims))] for name in CENTRED for claims in (1, 3, 8)]

    def off(self) -> Table:
        return [
            [name, case.truth, *self.row(case, lambda case, found: f"{100 * wrong(case, found):.2f}")]
            for name in CENTRED
            for case in (centred(name, 3, truth) for truth in (-2.0, -0.5, 0.5, 2.0))
        ]

    def kinds(self, cases: Iterable[Case]) -> Table:
        return [[case.about, case.cards[0].tested_as, case.truth, *self.row(case)] for case in cases]

    def roles(self) -> Table:
        rows = [[f"{count} {role}", *self.row(roles_case(), role=role)] for role, count in ROLES.items()]
        rows.append(["the rule's verdict", *self.row(roles_case(), _of_rules)])
        true = _uncounted(roles_case(-2.0))
        rows.append(["the rule's verdict, both claims true by 2 SD", *self.row(true, _of_rules)])
        return rows

    def power(self) -> Table:
        return [
            [case.about, case.cards[0].tested_as, str(len(case.cards)), case.truth,
             *self.row(_uncounted(case), lambda _, found: f"{100 * found.decided:.0f}")]
            for case in power_cases()
        ]  # fmt: skip


def _uncounted(case: Case) -> Case:
    """The same, its errors not counted here: what is asked is how much is decided."""
    return Case(case.about, case.truth, case.cards, case.draw, kept=False)


TABLES = (
    ("Truth on the border, one role: percent of recipes with a claim *reproduced* (wrong if the truth is just outside) / *contradicted* (wrong if it is just inside). The last column stops at the first look at which all claims are decided, and counts a wrong verdict at any look.", ("statistic", "claims")),
    ("Truth inside (negative) or outside (positive) the interval, in standard deviations from its border, three claims: percent of recipes with a wrong verdict.", ("statistic", "truth")),
    ("Kinds: percent *reproduced* / *contradicted*, truth on the border (a dash: would be right there). `continuous` with values that are plainly discrete is what a claim gets whose kind nobody declared.", ("statistic", "declared as", "truth")),
    ("Roles: the same for a recipe with 2 rule claims, 5 details and 20 printed values, all on their borders, errors counted within each role; below, how often the rule as a whole is reproduced / contradicted.", ("claims",)),
    ("Outside of what the rule promises: what happens once in twenty and did not happen in six replicates no test can know, and claims like the second are refused when they are made.", ("statistic", "declared as", "truth")),
    ("What it costs: percent of claims decided where the truth lies inside.", ("statistic", "declared as", "claims", "truth")),
)  # fmt: skip
"""What stands above each table, and its first columns."""


def tables(simulation: Simulation) -> str:
    """All tables as Markdown, in percent."""
    rows = (simulation.border(), simulation.off(), simulation.kinds(kind_cases()), simulation.roles(),
            simulation.kinds(unkept_cases()), simulation.power())  # fmt: skip
    sizes = [f"n = {size}" for size in SIZES]
    return "\n\n".join(
        f"{text}\n\n{tabulate(found, headers=[*headers, *sizes], tablefmt='github', disable_numparse=True)}"
        for (text, headers), found in zip(TABLES, rows, strict=True)
    )


def power_figure(simulations: int, path: Path) -> None:
    """The share of claims that are decided, by distance from the border."""
    import matplotlib.pyplot as plt
    import pandas as pd
    import seaborn as sns

    rows = [
        {
            "distance": -float(truth),
            "decided": 100 * simulate(centred("normal", claims, float(truth)), size, simulations).decided,
            "claims": f"{claims} claim{'s' if claims > 1 else ''}",
            "replicates": f"n = {size}",
        }
        for claims in (1, 5)
        for size in SIZES
        for truth in np.linspace(-3, 0, 13)
    ]
    with sns.axes_style("whitegrid"), plt.rc_context({"svg.hashsalt": "keras-reprise", "svg.fonttype": "none"}):
        grid = sns.relplot(
            pd.DataFrame(rows), x="distance", y="decided", hue="replicates", style="replicates", col="claims", kind="line",
            palette="colorblind", height=3.4, aspect=1.2,
        )  # fmt: skip
        grid.set_axis_labels("distance from the border (SD)", "decided (% of claims)")
        grid.set_titles("{col_name}")
        grid.savefig(path, metadata={"Date": None})


def main() -> None:
    """Simulate everything, print the tables, and write them with the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs")
    options = parser.parse_args()
    start = time.perf_counter()
    simulation = Simulation(options.simulations)
    found = tables(simulation)
    largest, where = max(simulation.worst)
    summary = f"{options.simulations:,} simulations a cell, {time.perf_counter() - start:.0f} s. The largest error of all that the rule is designed for: {100 * largest:.2f} % ({where})."
    print(f"{found}\n\n{summary}")
    (options.output / "verdict-errors.md").write_text(
        f"# How often a verdict is wrong\n\nMade by `python benchmarks/simulate_verdicts.py`: {summary}\n\n{found}\n"
    )
    power_figure(max(1, options.simulations // 5), options.output / "verdict-power.svg")


if __name__ == "__main__":
    main()
