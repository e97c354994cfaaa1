"""Numbers, machines, environments and commands in words, the same on pages, in tables and in citations."""

import math
import shlex
from collections.abc import Mapping, Sequence

from keras_reprise.catalog import sources
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.wording import aligned, backend_name, hardware, interval, number, software
from keras_reprise.store.store import Store, Summary

VERDICT_HEADERS = (
    "claim",
    "verdict",
    "n",
    "failed",
    "mean",
    "SD",
    "95 % interval",
    "must lie in",
    "unit",
    "printed",
    "p",
    "exact p",
)


def verdict_row(verdict: Verdict) -> list[str]:
    """One line of a verdict table; p is Holm-adjusted, exact p is that of the sign-flip test."""
    v = verdict
    low, high = (aligned(end, v.mean, v.sd) for end in (v.ci_low, v.ci_high))
    return [
        v.claim,
        v.verdict,
        str(v.n),
        str(v.n_failed),
        aligned(v.mean, v.mean, v.sd),
        number(v.sd, 2),
        f"{low} to {high}" if math.isfinite(v.ci_low) else "-",
        interval(v.interval),
        v.unit or "-",
        "-" if v.printed is None else number(v.printed, 6),
        number(v.p, 2),
        number(v.p_exact, 2),
    ]


def tally(verdicts: Sequence[Verdict]) -> str:
    """How many claims have which verdict."""
    words = ("reproduced", "contradicted", "inconclusive")
    return ", ".join(f"{sum(v.verdict == word for v in verdicts)} {word}" for word in words) + "."


def machine_line(store: Store, machine: str) -> str:
    """The machine in one line."""
    return f"machine {machine}: {hardware(store.document('machines', machine))}"


def environment_line(store: Store, env: str) -> str:
    """The environment in one line."""
    return f"environment {env}: {software(store.document('environments', env))}"


def replay(summaries: Sequence[Summary], environment_facts: Mapping[str, object]) -> str:
    """The command that measures these comparable records again.

    What is of no recipe of the package needs its own file: the command names the source that this must be, and refuses
    others.
    """
    first, seeds = summaries[0], sorted({summary.replicate.seed for summary in summaries})
    words = ["reprise run", f"{first.recipe.slug}@{first.recipe.version}"]
    if sources.label(first.recipe):
        words[1:] = [f"./{first.recipe.slug}.py", "--measurement", sources.hash_of(first.recipe)[: sources.SHOWN]]
    words += ["--scale", first.recipe.scale, "--seeds"]
    words.append(str(len(seeds)) if seeds == list(range(1, len(seeds) + 1)) else ",".join(map(str, seeds)))
    if len(seeds) == 1 and seeds != [1]:
        words[-1] = f"{seeds[0]},{seeds[0]}"
    backend, precision = backend_name(environment_facts), environment_facts.get("precision")
    if backend in ("tensorflow", "jax", "torch"):
        words += ["--backend", backend]
    if precision in ("tf32", "mixed_bfloat16", "mixed_float16"):
        words += ["--precision", precision]
    if first.data is not None and first.data.substitute:
        words += ["--data", shlex.quote(first.data.name.partition(" + ")[0])]
    return " ".join(words)
