"""The report in Markdown with SVG figures: one page per recipe version, one section per comparable group of records.

Texts of records and cards are data from elsewhere: they are escaped.
"""

import html
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tabulate import tabulate

from keras_reprise import describe, figures, judge
from keras_reprise.errors import StoreError
from keras_reprise.judge import Verdict
from keras_reprise.progress import format_seconds
from keras_reprise.record import Card, Record, number
from keras_reprise.store import Store, Summary, write_atomically

MARKS = {"reproduced": "✅ reproduced", "contradicted": "❌ contradicted", "inconclusive": "❔ inconclusive"}


def write(summaries: Sequence[Summary], store: Store, folder: Path) -> Path:
    """Write the report of the records `summaries` to `folder`; returns its front page."""
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file, so no report can be written there.\nGive --output a folder.")
    groups: dict[tuple[Any, ...], list[Summary]] = {}
    for summary in summaries:
        groups.setdefault(judge.group_key(summary), []).append(summary)
    pages: dict[tuple[str, int], list[list[Summary]]] = {}
    for key in sorted(groups, key=str):
        pages.setdefault((key[0], key[1]), []).append(groups[key])
    rows = []
    for (slug, version), members in pages.items():
        name = f"{slug}-v{version}.md"
        card = store.card(max((s for group in members for s in group), key=lambda s: s.finished_at).recipe.card)
        sections = []
        for group in members:
            verdicts = judge.verdicts(group, store)
            sections.append(_section(group, verdicts, store, folder))
            rows.append(
                [
                    f"[{slug}@{version}]({name}#{_anchor(group[0])})",
                    group[0].recipe.scale,
                    judge.data_label(group[0]) or "none",
                    group[0].machine[:8],
                    str(len(judge.one_per_seed(group))),
                    describe.tally(verdicts),
                ]
            )
        write_atomically(
            folder / name, "\n\n".join([_head(card), *sections, _claims(card), _replay(card)]).encode() + b"\n"
        )
    index = folder / "README.md"
    write_atomically(index, _front(rows, summaries, store).encode())
    return index


def escape(text: Any) -> str:
    """Text that stands in Markdown as it is: no HTML, no links, no table cells of its own."""
    return re.sub(r"([\\`*_{}\[\]|#])", r"\\\1", html.escape(str(text), quote=False)).replace("\n", " ")


def _front(rows: list[list[str]], summaries: Sequence[Summary], store: Store) -> str:
    machines = sorted({s.machine for s in summaries})
    environments = sorted({s.environment for s in summaries})
    lines = [
        "# Results",
        "",
        "Each line is one recipe at one scale on one machine, environment and data set; results are never pooled across them.",
        "",
    ]
    lines += [
        tabulate(rows, headers=["recipe", "scale", "data", "machine", "replicates", "claims"], tablefmt="github"),
        "",
    ]
    lines += ["## Machines and environments", ""]
    lines += [f"- {escape(describe.machine_line(store, machine))}" for machine in machines]
    lines += [f"- {escape(describe.environment_line(store, env))}" for env in environments]
    return "\n".join(lines) + "\n"


def _head(card: Card) -> str:
    sources = ", ".join(f"{escape(source.key)} {escape(source.where)}" for source in card.sources)
    arms = "\n".join(f"- `{name}`: {escape(means)}" for name, means in card.arms.items())
    title = f"# {escape(card.slug)}@{card.version}\n\n**{escape(card.title)}.**"
    return f"{title}\n\n{escape(card.question)}\n\nSources: {sources}\n\nArms:\n\n{arms}"


def _claims(card: Card) -> str:
    lines = ["## What the claims say, and what is measured", ""]
    for claim in card.claims:
        measured = f"{escape(claim.statistic.rstrip('.'))}: {escape(f'{describe.interval(claim.interval)} {claim.unit}'.strip())}"
        lines.append(f"- **{claim.id}** ({escape(claim.where)}). {escape(claim.says)} *{measured}.*")
    errata = sorted({claim.erratum for claim in card.claims if claim.erratum})
    if errata:
        lines += ["", "## Errata of the documents", "", *(f"- {escape(erratum)}" for erratum in errata)]
    return "\n".join(lines)


def _replay(card: Card) -> str:
    return f"## Replay\n\n```\nreprise run {card.slug}@{card.version} --scale full\nreprise verdict {card.slug}\n```"


def _anchor(summary: Summary) -> str:
    data = f"-{summary.data.name}" if summary.data else ""
    return f"{summary.recipe.scale}{data}-{summary.machine[:8]}-{summary.environment[:8]}"


def _section(group: Sequence[Summary], verdicts: Sequence[Verdict], store: Store, folder: Path) -> str:
    first, replicates = group[0], judge.one_per_seed(group)
    records = [store.read(store.root / s.path) for s in replicates if s.status == "complete"]
    data = judge.data_label(first) or "none"
    size = f", {first.data.n_train:,} training and {first.data.n_test:,} test images" if first.data else ""
    parts = [f'<a id="{_anchor(first)}"></a>\n\n## Scale {first.recipe.scale}, data {escape(data)}{size}']
    if first.data and first.data.substitute:
        parts.append(
            "> These replicates ran on a **substitute** data set. They show that the recipe works; they do not replay the documented experiment."
        )
    parts.append(
        f"- {escape(describe.machine_line(store, first.machine))}\n- {escape(describe.environment_line(store, first.environment))}\n- seeds {', '.join(str(s.replicate.seed) for s in replicates)}; {describe.tally(verdicts)}"
    )
    rows = [[MARKS.get(cell, escape(cell)) for cell in describe.verdict_row(v)] for v in verdicts]
    parts.append(tabulate(rows, headers=describe.VERDICT_HEADERS, tablefmt="github", disable_numparse=True))
    notes = [f"- `{v.claim}`: {escape(v.reason)}" for v in verdicts if v.reason]
    if notes:
        parts.append("Why not more:\n\n" + "\n".join(notes))
    if records:
        card = store.card(max(group, key=lambda s: s.finished_at).recipe.card)
        parts += _figures(card, records, folder, f"{first.recipe.slug}-v{first.recipe.version}-{_anchor(first)}")
        parts.append(_cost(records))
    parts.append(
        "### Records\n\n"
        + "\n".join(
            f"- seed {s.replicate.seed}: `{s.id}` ({s.status}, {format_seconds(s.duration_s)})" for s in replicates
        )
    )
    return "\n\n".join(parts)


def _figures(card: Card, records: Sequence[Record], folder: Path, stem: str) -> list[str]:
    parts = []
    for index, specification in enumerate(card.figures, start=1):
        svg = figures.draw(specification, records)
        if svg is None:
            continue
        path = folder / "figures" / f"{stem}-{index}.svg"
        write_atomically(path, svg)
        text = escape(figures.caption(specification, len(records)))
        parts.append(f"![{text}](figures/{path.name})\n\n*{text}*")
    return parts


def _cost(records: Sequence[Record]) -> str:
    rows = []
    for arm in records[0].arms:
        measured = [record.arms[arm] for record in records if arm in record.arms]
        steps = [number(m.time.step_s.median) for m in measured if m.time.step_s]
        peaks = [m.cost.peak_memory_bytes for m in measured if m.cost.peak_memory_bytes]
        rows.append(
            [
                f"`{arm}`",
                f"{measured[0].cost.params:,}" if measured[0].cost.params else "-",
                f"{median(m.time.total_s or 0.0 for m in measured):.1f}",
                f"{1000 * median(steps):.2f}" if steps else "-",
                f"{max(peaks) / 2**30:.2f}" if peaks else "-",
            ]
        )
    loads = [record.load.mean_1m for record in records if record.load.mean_1m is not None]
    busy = f" Mean load of the machine meanwhile: {median(loads):.1f}." if loads else ""
    table = tabulate(
        rows,
        headers=["arm", "parameters", "seconds", "ms per update", "peak memory (GiB)"],
        tablefmt="github",
        disable_numparse=True,
    )
    return f"### Cost\n\nMedians over the replicates; the memory is the largest of the process so far.{busy}\n\n{table}"
