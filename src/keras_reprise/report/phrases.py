"""Numbers, machines, environments and commands in words, the same on pages, in tables and in citations."""

import math
import shlex
from collections.abc import Mapping, Sequence

from keras_reprise.base.columns import USUAL, cut, line_of, size, wrapped
from keras_reprise.catalog import sources
from keras_reprise.judge.comparable import together
from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.wording import aligned, backend_name, hardware, interval, number, software
from keras_reprise.report.telling import probability, told
from keras_reprise.store.store import Store, Summary

WIDTH = USUAL  # columns of the terminal, where nobody says how many there are
FEWEST_WORDS = 35  # columns for a rule in words, below which a part of it says nothing
FEW = 12  # rules that may have two lines each

VERDICT_HEADERS = (
    "claim",
    "role",
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
        "retired" if not v.counts else v.role or "-",
        v.verdict,
        str(v.n),
        f"{v.n_failed} + {v.n_undefined} undefined" if v.n_undefined else str(v.n_failed),
        aligned(v.mean, v.mean, v.sd),
        number(v.sd, 2),
        f"{low} to {high}" if math.isfinite(v.ci_low) else "-",
        interval(v.interval),
        v.unit or "-",
        "-" if v.printed is None else number(v.printed, 6),
        probability(v.p),
        probability(v.p_exact),
    ]


def tally(verdicts: Sequence[Verdict]) -> str:
    """How many of the claims that count have which verdict."""
    words = ("reproduced", "contradicted", "inconclusive")
    return ", ".join(f"{sum(v.verdict == word and v.counts for v in verdicts)} {word}" for word in words) + "."


def finding(group: Group) -> str:
    """What the claim that decides amounts to in a few words: the number as the pages tell it, with its interval."""
    deciding = group.rule.deciding
    if deciding is None:
        return "no rule told"
    found = told(deciding, next(claim for claim in group.card.claims if claim.id == deciding.claim))
    more = f" (+{len(group.rule.claims) - 1})" if len(group.rule.claims) > 1 else ""
    return f"{found.number}{f', {found.spread}' if found.spread else ''}{more}"


def explained(group: Group) -> str:
    """Why the rule has its verdict in this group: the claim that decides, what was measured, and what it needs."""
    rule, v = group.rule, group.rule.deciding
    if v is None or rule.verdict is None:
        return ""
    claim = next(claim for claim in group.card.claims if claim.id == v.claim)
    found = told(v, claim)
    sentence = f"{rule.verdict.capitalize()}: {found.sentence}."
    if not v.n:
        sentence = f"{rule.verdict.capitalize()}: {found.of} could not be measured."
    others = len(rule.claims) - 1
    if rule.verdict == "reproduced" and others:
        sentence += " So is the rule's other claim." if others == 1 else f" So are the rule's {others} other claims."
    if rule.verdict == "contradicted" and others:
        sentence += f" ({v.says.rstrip('.')}: one contradicted claim of {others + 1} is enough.)"
    return sentence + (f" Why not more: {v.reason}." if rule.verdict == "inconclusive" and v.reason else "")


def rule_rows(groups: Sequence[Group], columns: int = WIDTH) -> list[str]:
    """A line for the rule of each group: verdict, recipe, n, what was found, and, where there is room, the rule in
    words, which has a line of its own where rules are few. So has what was found where the columns are too few."""
    versions = together(groups, lambda group: group.slug)
    several = {slug for slug, mine in versions.items() if len({group.version for group in mine}) > 1}
    rows = [tuple(map(line_of, _rule_row(group, version=group.slug in several))) for group in groups]
    widths = [max(size(row[column]) for row in rows) for column in range(5)]
    few = len(rows) <= FEW
    beside = sum(widths[:4]) + (widths[4] if few else FEWEST_WORDS) + 8 <= columns
    below = " " * (widths[0] + 2)
    lines = []
    for row in rows:
        *head, told = [cell + " " * (width - size(cell)) for cell, width in zip(row[:4], widths[:4], strict=True)]
        line = "  ".join([*head, told, row[4] if beside else ""]).rstrip()
        fits = size("  ".join([*head, row[3]])) <= columns
        lines += [cut(line, columns)] if fits else _folded(row, columns, below)
        if few and not beside:
            lines.append(cut(f"{below}{row[4]}", columns))
    return lines


def _folded(row: Sequence[str], columns: int, below: str) -> list[str]:
    """One rule in several lines: verdict and recipe, then n and what was found."""
    verdict, name, n, told, _ = row
    return [
        *wrapped(name, columns, first=verdict.ljust(len(below))),
        *wrapped(f"{n}, {told}", columns, first=below),
    ]


def _rule_row(group: Group, *, version: bool) -> tuple[str, str, str, str, str]:
    rule, name = group.rule, f"{group.slug}@{group.version}" if version else group.slug
    name += f" {group.scale}{', substitute data' if group.substitute else ''}"
    name += "" if group.stands else f" ({group.source}{', superseded' if group.superseded else ''})"
    if rule.deciding is None:
        return "-", name, f"n={len(group.complete)}", finding(group), tally(group.verdicts).rstrip(".")
    return str(rule.verdict), name, f"n={rule.deciding.n}", finding(group), rule.rule


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
        words += ["--data", shlex.quote(first.data.declared)]
    return " ".join(words)
