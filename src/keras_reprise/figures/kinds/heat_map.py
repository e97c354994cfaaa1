"""Trials as a table of colours."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from keras_reprise.figures.chart import Chart, Points, cells
from keras_reprise.figures.figure import Figure, label
from keras_reprise.record.metric import Metric
from keras_reprise.record.schema import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Plot

MANY = 16
"""Rows or columns above which cells are small and their numbers are left out."""


class HeatMap(Figure, frozen=True, tag="heat-map"):
    """A trial value as a table of colours, averaged over the replicates, a table per arm.

    `row` and `column` name the trial values that the table is laid out by, in the order in which they were measured.
    Labels that are left out say what the recipe's `metrics` say.
    """

    row: str
    column: str
    value: str
    row_label: str = ""
    column_label: str = ""
    value_label: str = ""
    arms: tuple[str, ...] = ()

    def labelled(self, metrics: Mapping[str, Metric]) -> "HeatMap":
        return replace(
            self,
            row_label=self.row_label or label((self.row,), metrics),
            column_label=self.column_label or label((self.column,), metrics),
            value_label=self.value_label or label((self.value,), metrics),
        )

    def caption(self, n: int) -> str:
        return f"{self.title}. {f'Means over {n} replicates' if n > 1 else 'One replicate'}."

    def draw(self, records: Sequence[Record]) -> "Plot":
        import matplotlib.pyplot as plt
        import seaborn as sns

        from keras_reprise.figures.trials import trials_table

        row, column, value = self.row, self.column, self.value
        frame = trials_table(records, self.arms, [row, column, value])
        arms = list(dict.fromkeys(frame["arm"]))
        rows, columns = list(dict.fromkeys(frame[row])), list(dict.fromkeys(frame[column]))
        many = max(len(rows), len(columns)) > MANY
        wide, tall, labels = (0.3, 0.3, 5) if many else (0.75, 0.55, "auto")
        figure, axes = plt.subplots(
            1, len(arms), squeeze=False, sharey=True,
            figsize=(max(5.0, (1.0 + wide * len(columns)) * len(arms) + 1.2), 1.4 + tall * len(rows)),
        )  # fmt: skip
        means = frame.groupby(["arm", row, column])[value].mean()
        finite = means[np.isfinite(means)]
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
        for ax, arm in zip(axes[0], arms, strict=True):
            table = frame[frame["arm"] == arm].pivot_table(index=row, columns=column, values=value, aggfunc="mean")
            table = table.reindex(index=rows, columns=columns)
            sns.heatmap(
                table, vmin=low, vmax=high, cmap="viridis", annot=not many, fmt=".3g", annot_kws={"size": 8},
                cbar=ax is axes[0, -1], cbar_kws={"label": self.value_label},
                xticklabels=labels, yticklabels=labels, ax=ax,
            )  # fmt: skip
            for text in ax.texts:  # chosen for its cell: not the ink that a dark page turns light
                text.set_color("#262625" if text.get_color() == ".15" else text.get_color())
            ax.tick_params(axis="y", labelrotation=0)  # words of one row do not reach into the next
            ax.set_title(arm if len(arms) > 1 else "")
            ax.set_xlabel(self.column_label)
            ax.set_ylabel(self.row_label if ax is axes[0, 0] else "")
        return figure

    def chart(self, records: Sequence[Record]) -> Chart:
        from keras_reprise.figures.trials import trials_table

        names = [self.row, self.column]
        frame = trials_table(records, self.arms, [*names, self.value])
        means = frame.groupby(["arm", *names], sort=False)[self.value].mean().reset_index()
        found = [
            Points((str(arm),), tuple(cells(part[name]) for name in (*names, self.value)))
            for arm, part in means.groupby("arm", sort=False)
        ]
        return Chart(names=("arm",), columns=(*names, self.value), series=tuple(found))
