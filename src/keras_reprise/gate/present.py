"""A gate's outcome for people and for machines: a table, Markdown for a pull request, JSON, JUnit XML."""

import math
import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from tabulate import tabulate

from keras_reprise.base.errors import printable
from keras_reprise.gate.gating import Outcome
from keras_reprise.gate.looks import Known
from keras_reprise.gate.processes import PEAK_MEMORY
from keras_reprise.gate.rule import FAILED, IMPROVED, INCOMPARABLE, INCONCLUSIVE, REGRESSED, SAME, VERDICTS, Row

MARKS = {REGRESSED: "✗", FAILED: "✗", INCOMPARABLE: "–", INCONCLUSIVE: "?", IMPROVED: "✓", SAME: "✓"}
HEADERS = ("metric", "before", "now", "change", "90 % interval", "verdict", "smallest visible")


def table(outcome: Outcome) -> str:
    """The table that a person reads first, worst rows on top, and what to know about it below."""
    rows = [_cells(row, names) for names in [_short(outcome)] for row in ordered(outcome.judgement.rows)]
    headers = [HEADERS[0], outcome.before, outcome.now, *HEADERS[3:]]
    lines = [tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)]
    lines += ["", summary(outcome)]
    lines += (
        [f"Changed: {', '.join(outcome.changed[:12])}{' ...' if len(outcome.changed) > 12 else ''}."]
        if outcome.changed
        else []
    )
    lines += [*by_fastest(outcome.judgement.rows), *outcome.notes]
    return printable("\n".join(lines))


def markdown(outcome: Outcome) -> str:
    """A summary for a pull request: what changed on top, everything in a folded table."""
    names = _short(outcome)
    rows = ordered(outcome.judgement.rows)
    telling = [row for row in rows if row.verdict not in (SAME, INCONCLUSIVE)]
    headers = [HEADERS[0], outcome.before, outcome.now, *HEADERS[3:]]

    def drawn(chosen: Sequence[Row]) -> str:
        cells = [[escaped(cell) for cell in _cells(row, names)] for row in chosen]
        return tabulate(cells, headers=headers, tablefmt="github", disable_numparse=True)

    parts = [f"### {MARKS[outcome.judgement.verdict]} {summary(outcome)}"]
    parts += [drawn(telling)] if telling else []
    parts += [f"Changed: {escaped(', '.join(outcome.changed))}."] if outcome.changed else []
    parts += [escaped(note) for note in (*by_fastest(outcome.judgement.rows), *outcome.notes)]
    parts += [f"<details><summary>All {len(rows)} metrics</summary>\n\n{drawn(rows)}\n\n</details>"]
    return printable("\n\n".join(parts)) + "\n"


def summary(outcome: Outcome) -> str:
    """One line: how many metrics have which verdict."""
    counts = {verdict: sum(row.verdict == verdict for row in outcome.judgement.rows) for verdict in VERDICTS}
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    null = sum(row.suspect for row in outcome.judgement.null)
    control = "quiet" if not outcome.judgement.control_failed else "failed"
    return (
        f"{said or 'nothing measured'}. Controls: {control} ({null} of {len(outcome.judgement.null)} metrics differ "
        "between halves of this run)."
    )


def by_fastest(rows: Sequence[Row]) -> list[str]:
    """Which times are those of the fastest rounds, in a line, if any are."""
    names = short_names([row.metric for row in rows])
    times = {row.metric: row.estimate for row in rows if row.estimate}
    found = [names[metric] for metric, estimate in times.items() if estimate == "fastest"]
    if not found:
        return []
    which = "All" if len(found) == len(times) else f"{len(found)} of {len(times)}"
    named = "" if len(found) == len(times) else f": {', '.join(found)}"
    return [f"{which} times are those of each process's fastest round{named}."]


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Worst verdict first, then the largest change."""
    return sorted(rows, key=lambda row: (VERDICTS.index(row.verdict), row.metric.count("::"), -_size(row), row.metric))


def _size(row: Row) -> float:
    return 0.0 if math.isnan(row.change) else row.change


def _short(outcome: Outcome) -> dict[str, str]:
    return short_names([row.metric for row in outcome.judgement.rows])


def short_names(metrics: Sequence[str]) -> dict[str, str]:
    """Names without the folder that all benchmark files share."""
    files = {metric.split("::")[0] for metric in metrics if "::" in metric}
    folder = os.path.commonpath(files) if len(files) > 1 else os.path.dirname(next(iter(files), ""))
    cut = f"{folder}/" if folder else ""
    return {metric: metric.removeprefix(cut) for metric in metrics}


def _cells(row: Row, names: dict[str, str]) -> list[str]:
    verdict = f"{row.verdict} ({row.why})" if row.why else row.verdict
    return [
        names[row.metric], amount(row, row.before), amount(row, row.now), change(row, row.change),
        f"{change(row, row.low)} to {change(row, row.high)}" if math.isfinite(row.high - row.low) else "-",
        verdict, change(row, row.visible, signed=False) if math.isfinite(row.visible) else "none",
    ]  # fmt: skip


def amount(row: Row, value: float) -> str:
    """Seconds in ms or s, bytes in MiB, quality as it is."""
    if math.isnan(value):
        return "-"
    if not row.ratio:
        return f"{value:.4g}"
    if row.metric.endswith(f"::{PEAK_MEMORY}"):
        return f"{value / 2**20:,.0f} MiB"
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} µs"


def change(row: Row, value: float, signed: bool = True) -> str:
    """A change as a ratio of now to before, or as the difference of a quality in its own direction."""
    if math.isnan(value):
        return "-"
    if row.ratio:
        return f"x {math.exp(value):.3f}"
    value = value if row.worse_when_larger or not signed else -value
    return f"{value:+.3g}" if signed else f"{value:.3g}"


def noise_in_words(known: Known, metric: str) -> str:
    """The noise of a look, and whether it is that of the fastest rounds."""
    if metric not in known.noise:
        return "–"
    return f"{known.noise[metric]:.1%}{' (fastest)' if metric in known.by_fastest else ''}"


def facts(outcome: Outcome) -> dict[str, object]:
    """The outcome in JSON's types; ratios are now over before, differences have the sign of the metric."""
    judgement = outcome.judgement
    return {
        "verdict": judgement.verdict,
        "machine": outcome.machine,
        "before": outcome.before,
        "now": outcome.now,
        "changed": list(outcome.changed),
        "control": {
            "failed": judgement.control_failed,
            "workload": [row_facts(row) for row in judgement.control],
            "halves": [row_facts(row) for row in judgement.null],
        },
        "calibrated": not judgement.assumed,
        "assumed_noise": dict(judgement.assumed),
        "metrics": [row_facts(row) for row in ordered(judgement.rows)],
        "notes": list(outcome.notes),
    }


def row_facts(row: Row) -> dict[str, object]:
    def scaled(value: float | None) -> float | None:
        if value is None or math.isnan(value):
            return None
        return math.exp(value) if row.ratio else value if row.worse_when_larger else -value

    ends = [scaled(row.low), scaled(row.high)]
    return {
        "metric": row.metric,
        "kind": "quality" if not row.ratio else "memory" if row.metric.endswith(PEAK_MEMORY) else "time",
        "verdict": row.verdict,
        "why": row.why,
        "estimate": row.estimate or None,
        "n_before": row.n_before,
        "n_now": row.n_now,
        "before": None if math.isnan(row.before) else row.before,
        "now": None if math.isnan(row.now) else row.now,
        "ratio" if row.ratio else "difference": scaled(row.change),
        "interval": ends if row.ratio or row.worse_when_larger else ends[::-1],
        "again": scaled(row.again),
        "counts_from": None if math.isnan(row.bound) else math.exp(row.bound) if row.ratio else row.bound,
        "smallest_visible": math.exp(row.visible) if row.ratio else row.visible,
        "p": None if math.isnan(row.p) else row.p,
        "p_adjusted": None if math.isnan(row.p_adjusted) else row.p_adjusted,
    }


def junit(outcome: Outcome) -> str:
    """JUnit XML: a test case a metric; regressed is a failure, crashed an error, what could not be told skipped."""
    return junit_of([("reprise gate", outcome.judgement.rows, outcome.notes)])


def junit_of(suites: Sequence[tuple[str, Sequence[Row], Sequence[str]]]) -> str:
    """JUnit XML of test suites, each with its name, its rows and what is to be known of it."""
    found = ElementTree.Element("testsuites")
    found.extend(_test_suite(name, rows, notes) for name, rows, notes in suites)
    ElementTree.indent(found)
    return ElementTree.tostring(found, encoding="unicode", xml_declaration=True) + "\n"


def _test_suite(name: str, rows: Sequence[Row], notes: Sequence[str]) -> ElementTree.Element:
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}
    suite = ElementTree.Element(
        "testsuite", name=_xml(name), tests=str(len(rows)), failures=str(counts[REGRESSED]),
        errors=str(counts[FAILED]), skipped=str(counts[INCONCLUSIVE] + counts[INCOMPARABLE]),
    )  # fmt: skip
    tags = {REGRESSED: "failure", FAILED: "error", INCONCLUSIVE: "skipped", INCOMPARABLE: "skipped"}
    for row in ordered(rows):
        bare, bracket, parameters = row.metric.partition("[") if row.ratio else (row.metric, "", "")
        place, _, last = bare.rpartition("::" if row.ratio else "/")
        last += bracket + parameters
        case = ElementTree.SubElement(
            suite, "testcase", classname=_xml(place or row.metric), name=_xml(last or row.metric)
        )
        said = sentence(row)
        if row.verdict in tags:
            ElementTree.SubElement(case, tags[row.verdict], message=_xml(said))
        else:
            ElementTree.SubElement(case, "system-out").text = _xml(said)
    ElementTree.SubElement(suite, "system-out").text = _xml("\n".join(notes))
    return suite


def sentence(row: Row) -> str:
    """A row as one line without a table."""
    amounts = f"{amount(row, row.before)} before, {amount(row, row.now)} now, {change(row, row.change)}"
    return f"{row.verdict}: {amounts}. {row.why}".strip()


def _xml(text: str) -> str:
    """Text without what XML 1.0 cannot hold."""
    return "".join(c for c in printable(text) if c.isprintable() or c in "\n\t")


def escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
