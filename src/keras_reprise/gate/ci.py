"""What a gate tells the systems that run it: annotations, summary and outputs of GitHub, metrics for GitLab."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from keras_reprise.base.errors import printable
from keras_reprise.base.git import git
from keras_reprise.gate import overviews, present
from keras_reprise.gate.benchmark_files import line_of
from keras_reprise.gate.change_points import Overview
from keras_reprise.gate.gating import Outcome
from keras_reprise.gate.processes import PEAK_MEMORY
from keras_reprise.gate.rule import FAILED, IMPROVED, INCOMPARABLE, INCONCLUSIVE, REGRESSED, VERDICTS, Row

SHOWN = 10
"""GitHub shows as many annotations of a kind for a step."""

SUMMARY_BYTES = 1_000_000
"""A step's summary may have 1 MiB; of a longer one GitHub shows nothing."""


def on_github(outcome: Outcome, variables: Mapping[str, str]) -> list[str]:
    """The lines to print where GitHub Actions runs the gate; none elsewhere. Appends to the step's summary and outputs.

    GitHub reads commands from both streams of a step, so they may go to the one that holds no data.
    """
    if variables.get("GITHUB_ACTIONS") != "true":
        return []
    _tell(variables, present.markdown(outcome), outcome.judgement.verdict, _counts(outcome.judgement.rows))
    return annotations(outcome)


def many_on_github(found: Overview, variables: Mapping[str, str]) -> list[str]:
    """The same of many environments: a line for each change point, and one for each environment that failed."""
    if variables.get("GITHUB_ACTIONS") != "true":
        return []
    counts = _counts(found.all_rows)
    verdict = next((one for one in VERDICTS if counts[one]), INCOMPARABLE)
    _tell(variables, overviews.markdown(found), verdict, counts)
    inside = _prefix()
    lines: dict[str, list[str]] = {"error": [], "notice": []}
    for said in overviews.failures(found):
        lines["error"].append(f"::error title=reprise gate%3A failed::{_data(printable(said))}")
    for point in found.change_points:
        kind = "error" if point.row.verdict == REGRESSED else "notice"
        lines[kind].append(_command(kind, point.row, inside, overviews.told(found, point)))
    return _ten_of_each(lines)


def _tell(variables: Mapping[str, str], summary: str, verdict: str, counts: Mapping[str, int]) -> None:
    """Append to the step's summary and outputs."""
    text = summary.encode()[:SUMMARY_BYTES].decode(errors="ignore")
    outputs = f"verdict={verdict}\nregressed={counts[REGRESSED]}\nfailed={counts[FAILED]}\n"
    for name, content in (("GITHUB_STEP_SUMMARY", f"{text}\n"), ("GITHUB_OUTPUT", outputs)):
        if variables.get(name):
            with open(variables[name], "a", encoding="utf-8") as file:
                file.write(content)


def annotations(outcome: Outcome) -> list[str]:
    """GitHub's workflow commands, worst first: errors for what regressed or crashed, warnings for what looked so."""
    kinds = {REGRESSED: "error", FAILED: "error", IMPROVED: "notice"}
    inside = _prefix()
    lines: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for row in present.ordered(outcome.judgement.rows):
        kind = kinds.get(row.verdict, "warning" if _looked_worse(row) else "")
        if kind:
            lines[kind].append(_command(kind, row, inside, f"{row.metric}: {present.sentence(row)}"))
    return _ten_of_each(lines)


def _prefix() -> str:
    """The current folder as its repository's top names it."""
    return (git(Path.cwd(), "rev-parse", "--show-prefix") or "").rstrip("\n")


def _ten_of_each(lines: Mapping[str, list[str]]) -> list[str]:
    shown = []
    for kind, found in lines.items():
        more = [f"::{kind} title=reprise gate::and {len(found) - SHOWN + 1} more, in the summary of this step"]
        shown += found if len(found) <= SHOWN else [*found[: SHOWN - 1], *more]
    return shown


def _looked_worse(row: Row) -> bool:
    """Whether it was measured again since it looked worse, and could not be decided."""
    return row.verdict == INCONCLUSIVE and row.again is not None and row.change > 0


def _command(kind: str, row: Row, inside: str, said: str) -> str:
    """One command; the file's path is that from the repository's top, where `inside` is the current folder's."""
    properties = {"title": f"reprise gate: {row.verdict}"}
    file = row.metric.partition("::")[0]
    if row.ratio and os.path.isfile(file):
        properties = {"file": f"{inside}{file}", "line": str(line_of(row.metric) or 1), **properties}
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {given}::{_data(printable(said))}"


def _data(text: str) -> str:
    """The text of a workflow command, escaped as GitHub's own toolkit does it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def openmetrics(outcome: Outcome) -> str:
    """What was measured now, and the ratios to before, in OpenMetrics' text format, which GitLab compares in a merge
    request."""
    rows = sorted(outcome.judgement.rows, key=lambda row: row.metric)
    families: list[tuple[str, str, str, list[tuple[Row, float]]]] = [
        ("reprise_gate_time_seconds", "seconds", "of a benchmark", [(r, r.now) for r in rows if _is(r, "time")]),
        ("reprise_gate_peak_bytes", "bytes", "of memory", [(row, row.now) for row in rows if _is(row, "memory")]),
        ("reprise_gate_quality", "", "of a recipe", [(row, row.now) for row in rows if _is(row, "quality")]),
        ("reprise_gate_ratio", "ratio", "of now to before", [(r, math.exp(r.change)) for r in rows if r.ratio]),
    ]
    lines = []
    for name, unit, what, values in families:
        lines += [f"# TYPE {name} gauge", *([f"# UNIT {name} {unit}"] if unit else []), f"# HELP {name} {what}"]
        lines += [
            f'{name}{{metric="{_label(row.metric)}"}} {value:.6g}' for row, value in values if math.isfinite(value)
        ]
    lines += ["# TYPE reprise_gate_metrics gauge", "# HELP reprise_gate_metrics by verdict"]
    lines += [f'reprise_gate_metrics{{verdict="{verdict}"}} {count}' for verdict, count in _counts(rows).items()]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _is(row: Row, kind: str) -> bool:
    return kind == ("quality" if not row.ratio else "memory" if row.metric.endswith(PEAK_MEMORY) else "time")


def _label(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _counts(rows: Iterable[Row]) -> dict[str, int]:
    found = Counter(row.verdict for row in rows)
    return {verdict: found[verdict] for verdict in VERDICTS}
