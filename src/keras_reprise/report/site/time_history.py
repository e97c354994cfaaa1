"""How recipes' times moved from one environment to the next on a machine: series and figures."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_reprise.base.files import write_atomically
from keras_reprise.judge.comparable import Place, Setting, together
from keras_reprise.judge.groups import Group
from keras_reprise.judge.history import Point, Series, series
from keras_reprise.record.costs import GroupCost
from keras_reprise.record.wording import backend_name
from keras_reprise.report.site.drawing import DRAWING
from keras_reprise.report.site.machine_pages import HistoryView
from keras_reprise.report.site.places import PlaceView

Places = Mapping[Place, PlaceView]
MOST_FIGURES = 12  # a machine; the rest is in the table


def time_histories(
    groups: Sequence[Group], cost: Mapping[str, GroupCost], places: Places, folder: Path
) -> dict[str, list[HistoryView]]:
    """By machine, the seconds per update of every arm that was measured in two environments of one backend or more."""
    found: dict[str, list[HistoryView]] = {}
    for machine, one in _series(groups, cost, places):
        mine = found.setdefault(machine, [])
        drawn = bool(one.changes) and sum(view.figure is not None for view in mine) < MOST_FIGURES
        mine.append(HistoryView(one, _draw(one, folder) if drawn else None))
    return found


def _series(groups: Sequence[Group], cost: Mapping[str, GroupCost], places: Places) -> list[tuple[str, Series]]:
    backends = {place: backend_name(view.environment_facts) for place, view in places.items()}

    def measured_alike(group: Group) -> tuple[str, Setting, str, str]:
        return group.machine, group.setting, backends[group.place], group.source

    found = []
    for (machine, asked, backend, source), mine in sorted(together(groups, measured_alike).items()):
        if len({group.environment for group in mine}) < 2:
            continue
        for arm in sorted({arm for group in mine for arm in cost[group.digest].arms}):
            points = [point for group in mine for point in _points(group, cost[group.digest], arm)]
            if points:
                setting = f"v{asked.version}, {asked.scale}, {asked.data}, {backend}{f', {source}' if source else ''}"
                ordered = sorted(points, key=lambda point: point.at)
                found.append((machine, series(f"{asked.slug}/{arm}/step_s", machine, setting, ordered)))
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
