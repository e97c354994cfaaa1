"""What the commands print of recipes, stores and verdicts: rows and texts, without Keras."""

import importlib.util
import math
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_reprise import datasets, environment
from keras_reprise.errors import DataError
from keras_reprise.judge import Verdict, data_label, groups, one_per_seed
from keras_reprise.record import Card
from keras_reprise.store import Store, Summary

VERDICT_KEYS = (
    "recipe", "version", "scale", "claim", "verdict", "n", "n_failed", "mean", "sd", "ci_low", "ci_high",
    "interval", "unit", "machine", "environment", "data",
)  # fmt: skip
MORE_KEYS = ("says", "where", "p", "p_exact", "reason", "printed", "erratum")


def verdict_facts(verdict: Verdict) -> dict[str, Any]:
    """A verdict as `verdict --json` prints it."""
    return {key: getattr(verdict, key) for key in (*VERDICT_KEYS, *MORE_KEYS)}


def verdict_tables(verdicts: Sequence[Verdict], store: Store) -> str:
    """A table for every group of comparable records, with what it rests on above it."""
    from tabulate import tabulate

    tables: dict[tuple[Any, ...], list[Verdict]] = {}
    for verdict in verdicts:
        key = (verdict.recipe, verdict.version, verdict.scale, verdict.machine, verdict.environment, verdict.data)
        tables.setdefault(key, []).append(verdict)
    texts = []
    for (recipe, version, scale, machine, env, data), rows in tables.items():
        head = f"{recipe}@{version}, scale {scale}, data {data or 'none'}\n{machine_line(store, machine)}\n{environment_line(store, env)}"
        table = [verdict_row(verdict) for verdict in rows]
        notes = [f"  {v.claim}: {v.reason}" for v in rows if v.reason]
        notes += [f"  {v.claim}: erratum {v.erratum}" for v in rows if v.erratum]
        body = tabulate(table, headers=VERDICT_HEADERS, tablefmt="simple", disable_numparse=True)
        texts.append("\n".join([head, "", body, *(["", "Notes:", *notes] if notes else []), "", tally(rows)]))
    return "\n\n\n".join(texts)


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
    v, digits = verdict, digits_for(verdict.mean, verdict.sd)
    return [
        v.claim,
        v.verdict,
        str(v.n),
        str(v.n_failed),
        number(v.mean, digits),
        number(v.sd, 2),
        f"{number(v.ci_low, digits)} to {number(v.ci_high, digits)}" if math.isfinite(v.ci_low) else "-",
        interval(v.interval),
        v.unit or "-",
        "-" if v.printed is None else f"{v.printed:.6g}",
        number(v.p, 2),
        number(v.p_exact, 2),
    ]


def tally(verdicts: Sequence[Verdict]) -> str:
    """How many claims have which verdict."""
    words = ("reproduced", "contradicted", "inconclusive")
    return ", ".join(f"{sum(v.verdict == word for v in verdicts)} {word}" for word in words) + "."


def number(value: float, digits: int = 4) -> str:
    """A number to `digits` significant digits, a whole one below ten millions in full; a dash where there is none."""
    if not math.isfinite(value):
        return "-"
    return str(int(value)) if value == int(value) and abs(value) < 1e7 else f"{value:.{digits}g}"


def digits_for(mean: float, sd: float) -> int:
    """Significant digits of a mean that show two of its standard deviation; 4 at least, 9 at most."""
    if not (math.isfinite(mean) and math.isfinite(sd) and mean and sd):
        return 4
    return min(9, max(4, math.ceil(math.log10(abs(mean) / sd)) + 2))


def interval(ends: tuple[float | None, float | None]) -> str:
    """An interval in words that read well in a table."""
    low, high = ends
    if low is None:
        return f"below {high:.6g}"
    if high is None:
        return f"above {low:.6g}"
    return f"{low:.6g} to {high:.6g}" if low != high else f"exactly {low:.6g}"


def machine_line(store: Store, machine: str) -> str:
    """The machine in one line."""
    facts = store.document("machines", machine)
    gpus = ", ".join(facts.get("gpus") or []) or "no GPU"
    return f"machine {machine}: {facts.get('cpu')}, {facts.get('cores')} cores, {facts.get('memory_gib')} GiB, {gpus}"


def environment_line(store: Store, env: str) -> str:
    """The environment in one line."""
    facts = store.document("environments", env)
    backend = facts.get("backend") or {}
    python = (facts.get("python") or {}).get("version")
    return f"environment {env}: Keras {facts.get('keras')} on {backend.get('name')} {backend.get('version')}, {facts.get('device')}, Python {python}"


def describe_card(card: Card, file_name: str) -> str:
    """A recipe's card as text."""
    lines = [f"{card.slug}@{card.version}  ({file_name})", card.title, "", card.question, ""]
    lines += [
        f"Sources: {', '.join(f'{source.key} {source.where}' for source in card.sources)}",
        f"Data:    {card.data or 'none'}",
        "",
        "Arms",
    ]
    lines += [f"  {name}: {means}" for name, means in card.arms.items()]
    lines += ["", "Scales"]
    lines += [
        f"  {name}: {', '.join(f'{key} {value}' for key, value in settings.items())}"
        for name, settings in card.scales.items()
    ]
    lines += ["", "Claims"]
    for claim in card.claims:
        printed = f", printed {claim.printed:g}" if claim.printed is not None else ""
        lines += [
            f"  {claim.id}  [{claim.where}]",
            f"    {claim.says}",
            f"    {claim.statistic}: {interval(claim.interval)} {claim.unit}{printed}",
        ]
        lines += [f"    Erratum {claim.erratum}"] if claim.erratum else []
    return "\n".join(lines)


def status_rows(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """How many replicates there are, by what makes them comparable."""
    rows = []
    for group in groups(summaries).values():
        members = one_per_seed(group)
        first = members[0]
        rows.append(
            {
                "recipe": first.recipe.slug,
                "version": first.recipe.version,
                "scale": first.recipe.scale,
                "data": data_label(first),
                "machine": first.machine,
                "environment": first.environment,
                "complete": sum(s.status == "complete" for s in members),
                "failed": sum(s.status != "complete" for s in members),
                "seconds": round(sum(s.duration_s for s in members), 1),
                "latest": max(s.finished_at for s in members)[:19] + "Z",
            }
        )
    return rows


def data_rows(data_dir: Path | None) -> list[dict[str, Any]]:
    """The data sets, whether they are here, and where."""
    try:
        cifar10 = ("verified", str(datasets.find_cifar10(data_dir)))
    except DataError as error:
        cifar10 = ("not usable", str(error).split("\n")[0])
    return [
        {
            "name": "cifar10",
            "state": cifar10[0],
            "where": cifar10[1],
            "content": "50,000 + 10,000 colour images, 32 x 32, 10 classes",
        },
        {
            "name": "digits",
            "state": "verified" if importlib.util.find_spec("sklearn") else "missing",
            "where": "scikit-learn",
            "content": "1,500 + 297 digits, a substitute that works offline",
        },
    ]


def doctor_rows(store: Store) -> list[dict[str, str]]:
    """What this machine has and what is missing, each with advice."""
    from keras_reprise.engine import backend

    here = backend.installed()
    facts = environment.machine_facts()
    data = data_rows(None)[0]
    rows = [
        ("Python", platform.python_version(), ""),
        ("machine", f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB", ""),
        ("GPU", ", ".join(facts["gpus"]) or "none", ""),
        ("backends", ", ".join(here) or "none", "" if here else "pip install 'keras-reprise[tensorflow-cpu]'"),
        (
            "cifar10",
            data["state"],
            ""
            if data["state"] == "verified"
            else "reprise data fetch cifar10, or set REPRISE_DATA; --data digits works offline",
        ),
        (
            "store",
            store.root.name if store.root.is_dir() else "none yet",
            "" if store.root.is_dir() else "reprise run --suite quickstart",
        ),
    ]
    return [{"what": what, "found": found, "advice": advice} for what, found, advice in rows]
