"""A comparison of many environments for people and for machines: a table, Markdown, JSON, JUnit XML, one sentence."""

import math
from collections.abc import Sequence

from tabulate import tabulate

from keras_reprise.base import columns, errors
from keras_reprise.base.errors import printable
from keras_reprise.base.escaping import markdown as escape
from keras_reprise.gate.change_points import ChangePoint, Overview
from keras_reprise.gate.present import MARKS, amount, by_fastest, change, junit_of, row_facts, short_names
from keras_reprise.gate.rule import FAILED, IMPROVED, INCOMPARABLE, INCONCLUSIVE, REGRESSED, Row

WIDEST_NAME, NARROWEST_NAME = 36, 18  # columns of the metric's name
LEGEND = (
    "Times and memory as ratios to the reference, errors, losses and accuracies as differences from it; ✗ slower, "
    "larger or worse and ✓ faster, smaller or better, by the rule of two looks; ? nothing can be told."
)
RARER = (
    "What one occasion saw and another did not may be of that day rather than of what was compared, however small its "
    "p: all processes of an occasion share the day. On what a process does but once, Python's search for garbage may "
    "fall."
)
MOST_TOLD = 3


def table(found: Overview, wide: int) -> str:
    """The sentence that answers, a row a metric with a column an environment, the change points, and what to know."""
    lines = columns.wrapped(answer(found), wide)
    for part in _parts(found, wide):
        lines += ["", *part]
    lines += ["", *columns.wrapped(LEGEND, wide)]
    points = found.change_points
    if not points:
        lines += ["", "No step from one environment to the next changed anything."]
    for always, title in ((True, "Change points:"), (False, "Not seen on every occasion:")):
        chosen = [point for point in points if point.always == always]
        lines += ["", title] if chosen else []
        for point in chosen:
            lines += columns.wrapped(told(found, point), wide, first="  ", rest="    ")
        if chosen and not always:
            lines += columns.wrapped(RARER, wide, first="  ", rest="  ")
    for said in [*failures(found), *occasions(found), *_by_fastest(found), *found.occasion.notes]:
        lines += columns.wrapped(said, wide, rest="  ")
    return printable("\n".join(lines))


def _by_fastest(found: Overview) -> list[str]:
    """Which times are those of the fastest rounds."""
    rows = [found.against_reference(metric, number) for metric in found.metrics for number in range(len(found.labels))]
    return by_fastest([row for row in rows if row])


def _parts(found: Overview, wide: int) -> list[list[str]]:
    """The table in as many parts as the terminal's width asks for."""
    names = short_names(found.metrics)
    rows = {metric: cells(found, metric) for metric in found.metrics}
    widths = [
        max(columns.size(label), *(columns.size(row[number]) for row in rows.values()), 0)
        for number, label in enumerate(found.labels)
    ] if rows else []  # fmt: skip
    longest = max((columns.size(name) for name in names.values()), default=0)
    room = max(NARROWEST_NAME, min(longest, WIDEST_NAME))
    parts: list[list[int]] = [[]]
    for number, width in enumerate(widths):
        if parts[-1] and room + sum(widths[n] + 2 for n in parts[-1]) + width + 2 > wide:
            parts.append([])
        parts[-1].append(number)
    return [
        list(
            columns.table(
                ["metric", *(found.labels[n] for n in part)],
                [[names[metric], *(row[n] for n in part)] for metric, row in rows.items()],
                wide,
            )
        )
        for part in parts
        if part
    ]


def cells(found: Overview, metric: str) -> list[str]:
    """A metric's cell in each environment: the amount in the reference, ratios (or differences) in the others."""
    reference = found.amount_of_reference(metric)
    cells = []
    for number in range(len(found.labels)):
        row = found.against_reference(metric, number)
        if found.failed(number, metric):
            cells.append("failed")
        elif number == found.comparison.reference:
            cells.append(amount(reference, reference.before) if reference else "-")
        else:
            cells.append(cell(row) if row else "-")
    return cells


def cell(row: Row) -> str:
    """A change with its mark; nothing is marked that is the same."""
    if row.verdict == FAILED:
        return "failed"
    if row.verdict == INCOMPARABLE or math.isnan(row.change):
        return "-"
    mark = MARKS[row.verdict] if row.verdict in (REGRESSED, IMPROVED, INCONCLUSIVE) else ""
    said = f"{math.exp(row.change):.2f}" if row.ratio else change(row, row.change)
    return f"{said} {mark}".strip()


def told(found: Overview, point: ChangePoint) -> str:
    """A change point in one sentence, with what changed in what is installed."""
    row, names = point.row, short_names(found.metrics)
    p = f"{row.p_adjusted:.2g}" if row.p_adjusted >= 1e-4 else "below 0.0001"
    changed = f" ({', '.join(point.changed[:MOST_TOLD])}{' ...' if len(point.changed) > MOST_TOLD else ''})"
    return (
        f"{names.get(row.metric, row.metric)}: {change(row, row.change)} from {found.labels[point.before]} to "
        f"{found.labels[point.now]}{changed if point.changed else ''}, 90 % interval {change(row, row.low)} to "
        f"{change(row, row.high)}, adjusted p {p}, {point.verified}.{because(point)}"
    )


def because(point: ChangePoint) -> str:
    """What the public record says of a change point, with its source; nothing where it is silent."""
    return "".join(f" {one.says} ({one.source})" for one in point.explained)


def answer(found: Overview) -> str:
    """The one sentence: how many environments changed what, and the largest changes."""
    count, points = len(found.labels), found.change_points
    ran = count - sum("" in one.failed for one in found.occasion.environments)
    of = f"Of {count} environments" + (f", of which {ran} could be made," if ran < count else "")
    if not points:
        visible = sorted(row.visible for row in found.all_rows if row.ratio and math.isfinite(row.visible))
        seen = (
            f"; changes of x {math.exp(visible[len(visible) // 2]):.2f} (median) would have been seen"
            if visible
            else ""
        )
        open_ones = sum(row.verdict == INCONCLUSIVE for row in found.all_rows)
        untold = f"; {open_ones} of {len(found.all_rows)} comparisons cannot be told" if open_ones else ""
        return f"{of} none is seen to change any of {len(found.metrics)} metrics{seen}{untold}."
    sure = [point for point in points if point.always]
    rarer = len(points) - len(sure)
    seen = f"{rarer} change{'s were' if rarer > 1 else ' was'} not seen on every occasion"
    if not sure:
        return f"{of} none is seen to change any of {len(found.metrics)} metrics on every occasion; {seen}."
    names = short_names(found.metrics)
    changed = {point.now for point in sure}
    largest = sorted(sure, key=lambda one: -abs(one.row.change))[:MOST_TOLD]
    said = [
        f"{names.get(one.row.metric, one.row.metric)} {change(one.row, one.row.change)} from "
        f"{found.labels[one.before]} to {found.labels[one.now]}, {one.verified}"
        for one in largest
    ]
    more = f"; and {len(sure) - len(largest)} more" if len(sure) > len(largest) else ""
    metrics = len({point.row.metric for point in sure})
    return (
        f"{of} {'one' if len(changed) == 1 else len(changed)} changed {metrics} of {len(found.metrics)} metrics: "
        f"{'; '.join(said)}{more}.{f' {seen[0].upper()}{seen[1:]}.' if rarer else ''}"
    )


def failures(found: Overview) -> list[str]:
    """The environments that failed, and why."""
    return [
        f"Failed: {found.labels[number]}{f' in {source}' if source else ''}: {why}"
        for number, source, why in found.not_made
    ]


def occasions(found: Overview) -> list[str]:
    """When it was measured."""
    days = [one.finished_at[:16].replace("T", " ") for one in found.comparison.occasions]
    if len(days) == 1:
        return [f"One occasion, {days[0]} UTC. A change that --occasion finds again on another day is worth more."]
    return [f"{len(days)} occasions ({', '.join(days)} UTC); the table is of the last one."]


def markdown(found: Overview) -> str:
    """A summary for a pull request or a note: the answer, the change points, and the table in a fold."""
    points = [f"- {escape(told(found, point))}" for point in found.change_points]
    names = short_names(found.metrics)
    rows = [[escape(names[m]), *(escape(one) for one in cells(found, m))] for m in found.metrics]
    drawn = tabulate(rows, ["metric", *map(escape, found.labels)], tablefmt="github", disable_numparse=True)
    parts = [f"### {escape(answer(found))}", *(["\n".join(points)] if points else [])]
    parts += [
        escape(said) for said in [*failures(found), *occasions(found), *_by_fastest(found), *found.occasion.notes]
    ]
    parts += [f"<details><summary>All {len(rows)} metrics</summary>\n\n{drawn}\n\n{LEGEND}\n\n</details>"]
    return printable("\n\n".join(parts)) + "\n"


def facts(found: Overview) -> dict[str, object]:
    """The comparison in JSON's types; environments are named by their numbers from 0."""
    one, occasion = found.comparison, found.occasion
    return {
        "name": one.name,
        "machine": one.machine,
        "answer": answer(found),
        "environments": [
            {"words": words, "label": label, "commit": made.commit, "failed": made.failed,
             "python": made.software.python if made.software else None,
             "packages": made.software.packages if made.software else None}
            for words, label, made in zip(one.words, found.labels, occasion.environments, strict=True)
        ],
        "reference": one.reference,
        "occasions": [each.finished_at for each in one.occasions],
        "calibrated": not any(pair.assumed for pair in occasion.pairs),
        "comparisons": [
            {"before": pair.before, "now": pair.now, "control_failed": pair.control_failed,
             "metrics": [row_facts(row.row) for row in pair.rows]}
            for pair in occasion.pairs
        ],
        "change_points": [
            {"from": point.before, "to": point.now, "occasions_called": point.called,
             "occasions_compared": point.compared, "changed": list(point.changed),
             "explained": [{"says": one.says, "source": one.source} for one in point.explained], **row_facts(point.row)}
            for point in found.change_points
        ],
        "overheads": [{"metric": o.metric, "over": o.base, "ratios": list(o.ratios)} for o in found.overheads],
        "notes": list(occasion.notes),
    }  # fmt: skip


def junit(found: Overview) -> str:
    """JUnit XML with a suite for each two environments that were compared."""
    suites: list[tuple[str, Sequence[Row], Sequence[str]]] = [
        (f"{found.labels[a]} to {found.labels[b]}", list(rows.values()), found.occasion.notes)
        for (a, b), rows in found.rows.items()
    ]
    return junit_of(suites)


def exit_code(found: Overview, strict: bool) -> int:
    """1 regressed, 4 something crashed, 3 nothing could be compared, 5 inconclusive where that counts, else 0."""
    verdicts = {row.verdict for row in found.all_rows}
    if REGRESSED in verdicts:
        return errors.BROKEN
    if FAILED in verdicts or found.not_made:
        return errors.RECIPE_FAILED
    if not verdicts - {INCOMPARABLE}:
        return errors.NOTHING_MEASURED
    return errors.INCONCLUSIVE if strict and INCONCLUSIVE in verdicts else errors.OK
