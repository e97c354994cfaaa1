"""What the commands print of recipes, stores and verdicts: texts, rows and facts, without Keras."""

import math
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_reprise.base import machine
from keras_reprise.catalog import sources
from keras_reprise.datasets import registry
from keras_reprise.datasets.published import PublishedFiles
from keras_reprise.judge.comparable import data_label, groups, one_per_seed
from keras_reprise.judge.groups import Group
from keras_reprise.judge.history import Series
from keras_reprise.record import wording
from keras_reprise.record.schema import Card
from keras_reprise.report import phrases
from keras_reprise.run.missing import Missing
from keras_reprise.store.store import Store, Summary

VERDICT_KEYS = (
    "recipe", "version", "scale", "claim", "verdict", "n", "n_failed", "mean", "sd", "ci_low", "ci_high",
    "interval", "unit", "machine", "environment", "data",
)  # fmt: skip


MORE_KEYS = ("says", "where", "p", "p_exact", "reason", "printed", "erratum", "measurement", "source_sha256")


def verdict_facts(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Every verdict as `verdict --json` prints it; `source` is empty for the numbers of the package's recipes."""
    return [
        {key: getattr(verdict, key) for key in (*VERDICT_KEYS, *MORE_KEYS)}
        | {"source": group.source, "superseded": group.superseded}
        for group in groups
        for verdict in group.verdicts
    ]


def verdict_tables(groups: Sequence[Group], store: Store) -> str:
    """A table for every group of comparable records, with what it rests on above it."""
    from tabulate import tabulate

    texts = []
    for group in groups:
        rows = group.verdicts
        head = f"{group.slug}@{group.version}, scale {group.scale}, data {group.data_label}\n{phrases.machine_line(store, group.machine)}\n{phrases.environment_line(store, group.environment)}"
        head += f"\nof {group.whose}" if group.source else ""
        table = [phrases.verdict_row(verdict) for verdict in rows]
        notes = [f"  {v.claim}: {v.reason}" for v in rows if v.reason]
        notes += [f"  {v.claim}: erratum {v.erratum}" for v in rows if v.erratum]
        body = tabulate(table, headers=phrases.VERDICT_HEADERS, tablefmt="simple", disable_numparse=True)
        texts.append("\n".join([head, "", body, *(["", "Notes:", *notes] if notes else []), "", phrases.tally(rows)]))
    return "\n\n\n".join(texts)


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
            f"    {claim.statistic}: {wording.interval(claim.interval)} {claim.unit}{printed}",
        ]
        lines += [f"    Erratum {claim.erratum}"] if claim.erratum else []
    return "\n".join(lines)


def status_rows(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """How many replicates there are, by what makes them comparable; `source` is empty for those of the package's recipes."""
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
                "source": sources.label(first.recipe),
            }
        )
    return rows


def missing_text(rows: Sequence[Missing], suite: str, machine: str) -> str:
    """In a line or two what a machine lacks of a suite."""
    complete = sum(not row.missing for row in rows)
    scale = f" at {rows[0].scale} scale" if rows else ""
    text = f"On {machine} {complete} of {len(rows)} recipes of the suite {suite} are complete{scale}"
    lacking = sum(row.missing for row in rows)
    return (
        f"{text}; {lacking} replicates are missing (`reprise status --missing` lists them)." if lacking else f"{text}."
    )


def data_rows(data_dir: Path | None) -> list[dict[str, Any]]:
    """The data sets, whether they are here, and where."""
    rows = []
    for name, provider in registry.providers().items():
        state, where = provider.state(data_dir)
        rows.append({"name": name, "state": state, "where": where, "content": provider.content})
    return rows


def doctor_rows(store: Store) -> list[dict[str, str]]:
    """What this machine has and what is missing, each with advice."""
    from keras_reprise.engine.backends import start

    here = start.installed()
    facts = machine.machine_facts()
    rows = [
        ("Python", platform.python_version(), ""),
        ("machine", f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB", ""),
        ("GPU", ", ".join(facts["gpus"]) or "none", ""),
        ("backends", ", ".join(here) or "none", "" if here else "pip install 'keras-reprise[tensorflow-cpu]'"),
        *(_data_row(one) for one in registry.published().values()),
        (
            "store",
            str(store.root) if store.root.is_dir() else f"none yet at {store.root}",
            "" if store.root.is_dir() else "reprise run --suite quickstart",
        ),
    ]
    return [{"what": what, "found": found, "advice": advice} for what, found, advice in rows]


def _data_row(published: PublishedFiles) -> tuple[str, str, str]:
    """Whether a data set that has to be fetched is here, with advice where it is not."""
    state, _ = published.state()
    advice = f"{published.fetching}, or set REPRISE_DATA; --data {published.stand_in} works offline"
    return published.name, state, "" if state == "verified" else advice


def history_text(series: Series) -> str:
    """A metric's levels on one machine: since when, how many values, their mean, and what differed from before."""
    rows = []
    for index, (a, b, mean) in enumerate(series.levels):
        points = series.points[a:b]
        before = series.levels[index - 1][2] if index else math.nan
        moved = f"{mean / before - 1:+.1%}" if index and before else ""
        environments = ", ".join(dict.fromkeys(point.environment[:8] for point in points))
        commits = list(dict.fromkeys(point.commit[:10] for point in points if point.commit))
        span = commits[0] if len(commits) == 1 else f"{commits[0]} to {commits[-1]}" if commits else "-"
        rows.append([points[0].at[:16].replace("T", " "), b - a, f"{mean:.5g}", moved, environments, span])
    from tabulate import tabulate

    headers = ["since", "n", "mean", "change", "environments", "commits"]
    changed = f"{len(series.changes)} changes of level" if series.changes else "no change of level"
    title = f"{series.metric} on {series.machine[:8]} ({series.setting}): {len(series.points)} values, {changed}"
    return title + "\n" + tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)
