"""How recipes' times moved from one environment to the next on a machine: series, and the figures of those that changed."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_reprise.base.files import write_atomically
from keras_reprise.judge.groups import Group, GroupCost
from keras_reprise.judge.trends import Point, Series, series
from keras_reprise.record import wording
from keras_reprise.report.site.drawing import DRAWING
from keras_reprise.report.site.pages import Past, Place

Places = Mapping[tuple[str, str], Place]
MOST_FIGURES = 12  # a machine; the rest is in the table


def pasts(
    groups: Sequence[Group], cost: Mapping[str, GroupCost], places: Places, folder: Path
) -> dict[str, list[Past]]:
    """By machine, the seconds per update of every arm that was measured in two environments of one backend or more."""
    found: dict[str, list[Past]] = {}
    for machine, one in _series(groups, cost, places):
        mine = found.setdefault(machine, [])
        drawn = bool(one.changes) and sum(past.figure is not None for past in mine) < MOST_FIGURES
        mine.append(Past(one, _draw(one, folder) if drawn else None))
    return found


def _series(groups: Sequence[Group], cost: Mapping[str, GroupCost], places: Places) -> list[tuple[str, Series]]:
    alike: dict[tuple[str, str, int, str, str, str, str], list[Group]] = {}
    for group in groups:
        backend = wording.backend_name(places[group.machine, group.environment].environment_facts)
        key = (group.machine, group.slug, group.version, group.scale, group.data_label, backend, group.source)
        alike.setdefault(key, []).append(group)
    found = []
    for (machine, slug, version, scale, data, backend, source), mine in sorted(alike.items()):
        if len({group.environment for group in mine}) < 2:
            continue
        for arm in sorted({arm for group in mine for arm in cost[group.digest].arms}):
            points = [point for group in mine for point in _points(group, cost[group.digest], arm)]
            if points:
                setting = f"v{version}, {scale}, {data}, {backend}{f', {source}' if source else ''}"
                ordered = sorted(points, key=lambda point: point.at)
                found.append((machine, series(f"{slug}/{arm}/step_s", machine, setting, ordered)))
    return found


def _points(group: Group, cost: GroupCost, arm: str) -> list[Point]:
    seconds = cost.arms[arm].step_s if arm in cost.arms else []
    if len(seconds) != len(group.complete):
        return []
    return [
        Point(summary.started_at, value, summary.environment, summary.code.git_commit)
        for summary, value in zip(group.complete, seconds, strict=True)
    ]


def _draw(one: Series, folder: Path) -> str:
    """Draw a series once; the file's last line says what it shows."""
    shown = hashlib.sha256(repr((one.metric, one.setting, one.points, one.changes)).encode()).hexdigest()
    name = (
        f"figures/history-{one.machine[:8]}-{hashlib.sha256((one.metric + one.setting).encode()).hexdigest()[:12]}.svg"
    )
    line = f"<!-- keras-reprise {DRAWING} {shown} -->".encode()
    path = folder / name
    if not (path.is_file() and path.read_bytes().rstrip().endswith(line)):
        from keras_reprise.report.history_figure import draw_history

        write_atomically(path, draw_history([one]) + line + b"\n")
    return name
