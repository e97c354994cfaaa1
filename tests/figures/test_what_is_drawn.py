"""What figures draw is what was measured: every curve, mark and printed value, one aggregation for picture and numbers,
and a caption that says what is left out."""

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pytest
from msgspec.structs import replace

from keras_reprise import Curves, HeatMap, HistogramGrid, Panel, Scatter, figures
from keras_reprise.figures.chart import decode, encode
from keras_reprise.record.histogram import Histogram
from keras_reprise.record.schema import Record
from keras_reprise.store.store import Store

Measured = dict[str, dict[str, Any]]  # of an arm, by its name: curves, metrics, histograms, trials


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def replicates(filled_store):
    """A function that gives a record for each of its arguments, which say what was measured; the seeds are 1, 2, ..."""
    store = Store(filled_store)
    record = store.read(filled_store / store.summaries()[0][0].path)
    empty = replace(next(iter(record.arms.values())), curves={}, metrics={}, histograms={}, trials=[])

    def made(*measured: Measured) -> list[Record]:
        return [
            replace(
                record,
                replicate=replace(record.replicate, seed=seed),
                arms={name: replace(empty, **fields) for name, fields in arms.items()},
            )
            for seed, arms in enumerate(measured, start=1)
        ]

    return made


def xs(line) -> list[float]:
    return list(map(float, line.get_xdata()))


def ys(line) -> list[float]:
    return list(map(float, line.get_ydata()))


def points(ax) -> set[tuple[float, float]]:
    """All points of the lines in these axes."""
    return {point for line in ax.lines for point in zip(xs(line), ys(line), strict=True)}


def loss(*values: float | str) -> dict[str, Any]:
    return {"curves": {"loss": list(values)}}


def names(ax) -> list[str]:
    """The entries of the legend."""
    box = ax.get_legend()
    return [] if box is None else [text.get_text() for text in box.get_texts()]


def test_several_curves_of_a_panel_are_told_apart_by_dashes_and_arms_by_colours(replicates):
    measured = {
        "one": {"curves": {"train_loss": [4.0, 2.0], "test_loss": [6.0, 5.0]}},
        "two": {"curves": {"train_loss": [3.0, 1.0], "test_loss": [7.0, 8.0]}},
    }
    records = replicates(measured)
    figure = Curves("Loss", (Panel(("train_loss", "test_loss")), "train_loss"))
    both, alone = figure.draw(records).axes
    looks = {tuple(ys(line)): (line.get_color(), line.get_linestyle()) for line in both.lines}
    looks.pop((), None)  # of the legend
    assert set(looks) == {tuple(values) for arm in measured.values() for values in arm["curves"].values()}
    train, test = looks[4.0, 2.0], looks[6.0, 5.0]
    assert train[0] == test[0] != looks[3.0, 1.0][0] == looks[7.0, 8.0][0]
    assert train[1] == looks[3.0, 1.0][1] != test[1] == looks[7.0, 8.0][1]
    assert names(both) == ["arm", "one", "two", "curve", "train loss", "test loss"]
    assert names(alone) == ["one", "two"]
    numbers = {one.of: one.values[1] for one in figure.chart(records).series if one.of[0] == "1"}
    assert numbers == {
        ("1", "one", "train loss"): (4, 2), ("1", "one", "test loss"): (6, 5),
        ("1", "two", "train loss"): (3, 1), ("1", "two", "test loss"): (7, 8),
    }  # fmt: skip


def test_several_curves_of_one_arm_have_colours_of_their_own(replicates):
    records = replicates({"one": {"curves": {"train_loss": [4.0, 2.0], "test_loss": [6.0, 5.0]}}})
    (ax,) = Curves("Loss", Panel(("train_loss", "test_loss"))).draw(records).axes
    assert points(ax) == {(1, 4), (2, 2), (1, 6), (2, 5)}
    assert len({line.get_color() for line in ax.lines if xs(line)}) == 2
    assert names(ax) == ["train loss", "test loss"]


def test_several_curves_of_a_cloud_are_told_apart_by_markers(replicates):
    records = replicates(
        *({arm: {"curves": {"a": [y], "b": [2 * y], "at": [x]}} for arm in ("one", "two")} for x, y in ((1, 3), (2, 4)))
    )
    (ax,) = Curves("Both", Panel(("a", "b")), x="at").draw(records).axes
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == 4
    assert names(ax) == ["one, a", "one, b", "two, a", "two, b"]


@pytest.mark.parametrize("columns", ["overlay", "arms"])
def test_marks_and_printed_values_are_drawn_where_arms_lie_over_each_other_and_in_columns(replicates, columns):
    arm = loss(3.0, 2.0, 1.0) | {"metrics": {"drop": 2.0}}
    records = replicates({"one": arm, "two": arm})
    printed = {"loss": {"two": (3.0, 2.5)}}
    figure = Curves("Loss", "loss", columns=columns, mark="drop", mark_label="the drop", printed=printed)
    lines = [[*ax.lines] for ax in figure.draw(records).axes]
    assert [sum(xs(line) == [2.0, 2.0] for line in found) for found in lines] == [1] * len(lines)
    crosses = [[ys(line) for line in found if line.get_marker() == "x"] for found in lines]
    assert crosses == [[], [[3.0, 2.5]]][-len(lines) :]


def test_marks_of_arms_that_lie_over_each_other_are_named_by_their_arms(replicates):
    arms = {name: loss(3.0, 2.0, 1.0) | {"metrics": {"drop": at}} for name, at in (("one", 2), ("two", 3))}
    records = replicates(arms)
    figure = Curves("Loss", ("loss", "loss"), mark="drop", mark_label="the drop")
    first, second = figure.draw(records).axes
    assert [text.get_text() for text in first.texts] == ["the drop (one)", "the drop (two)"]
    assert not second.texts
    assert [(mark.x, mark.arms) for mark in figure.chart(records).marks] == [(2, ("one",)), (3, ("two",))]


def test_a_mark_stands_at_the_mean_of_the_replicates_where_it_happens(replicates):
    figure = Curves("Loss", "loss", columns="arms", mark="drop", mark_label="the drop")
    records = replicates(*({"one": loss(3.0, 2.0) | {"metrics": {"drop": at}}} for at in ("nan", 2.0, 4.0)))
    chart = figure.chart(records)
    assert [mark.x for mark in chart.marks] == [3.0]
    assert decode(encode(chart).decode()) == chart
    (ax,) = figure.draw(records).axes
    assert xs(ax.lines[-1]) == [3.0, 3.0]
    assert figure.chart(records[:1]).marks == ()
    assert [mark.x for mark in replace(figure, alone=True).chart(records[1:]).marks] == [2.0]


def test_a_median_is_that_of_all_values_in_the_picture_and_in_its_numbers(replicates):
    records = replicates({"one": loss(1.0, 4.0, 1.0)}, {"one": loss(0.0, 2.0, 2.0)}, {"one": loss(0.0, -1.0, "inf")})
    figure = Curves("Loss", Panel("loss", log=True))
    (one,) = figure.chart(records).series
    assert one.values[:2] == ((2, 3), (2, 2))
    assert one.values[2] == (None, 1.32)  # what is not positive has no place on the axis
    (ax,) = figure.draw(records).axes
    assert points(ax) == {(2, 2), (3, 2)}


def test_a_mean_is_that_of_all_values_in_the_picture_and_in_its_numbers(replicates):
    records = replicates({"one": loss(1.0, 1.0)}, {"one": loss(3.0, "inf")})
    figure = Curves("Loss", "loss")
    chart = figure.chart(records)
    assert chart.series[0].values[1] == (2, None)
    assert chart.caption == f"{figure.caption(2)} What is infinite is not drawn."
    (ax,) = figure.draw(records).axes
    assert points(ax) == {(1, 2)}


@pytest.mark.parametrize("log", [False, True])
def test_a_caption_says_where_points_are_over_fewer_replicates(replicates, log):
    whole = {"one": loss(1.0, 2.0, 4.0), "two": loss(1.0, 2.0, 4.0)}
    figure = Curves("Loss", Panel("loss", log=log))
    assert not figure.chart(replicates(whole, whole)).caption
    records = replicates(whole, whole | {"two": loss(1.0, "nan")})
    chart = figure.chart(records)
    assert chart.caption == f"{figure.caption(2)} In two some points are over fewer replicates, 1 at least."
    assert chart.series[1].values[1] == (1, 2, 4)
    assert chart.series[1].values[2][1:] == chart.series[1].values[3][1:] == (None, None)
    assert not replace(figure, alone=True).chart(records).caption


def test_a_single_abscissa_has_the_median_on_a_logarithmic_axis(replicates):
    records = replicates(*({"one": {"curves": {"loss": [y], "at": [5.0]}}} for y in (1.0, 2.0, 100.0)))
    (ax,) = Curves("Loss", Panel("loss", log=True), x="at").draw(records).axes
    (diamond,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert (xs(diamond), ys(diamond)) == ([5.0], [2.0])


def test_an_arm_without_an_abscissa_is_left_out_and_the_caption_says_so(replicates):
    records = replicates({"one": {"curves": {"loss": [1.0, 2.0], "at": [10.0, 20.0]}}, "two": loss(3.0, 4.0)})
    figure = Curves("Loss", "loss", x="at", x_label="examples")
    chart = figure.chart(records)
    assert [series.of[1] for series in chart.series] == ["one"]
    assert chart.caption == "Loss. One replicate. Left out, for want of examples: two."
    (ax,) = figure.draw(records).axes
    assert points(ax) == {(10, 1), (20, 2)}


def test_axes_without_a_line_end_nowhere(replicates):
    gaps = {"one": [1.0, 2.0], "two": [0.0, 0.0]}
    arms = {name: {"curves": {"loss": [1.0, 2.0], "gap": gap}} for name, gap in gaps.items()}
    figure = Curves("Gap", ("loss", Panel("gap", log=True, top=3.0)), columns="arms")
    axes = figure.draw(replicates(arms)).axes
    assert [len(ax.lines) for ax in axes] == [1, 1, 1, 0]
    assert axes[2].get_ylim()[1] == 3.0


def trials(*found: dict[str, Any]) -> Measured:
    return {"one": {"trials": list(found)}}


LOSSES = trials(*({"rate": x, "reg": 1.0, "loss": value} for x, value in ((1.0, 0.5), (2.0, 0.75), (3.0, "inf"))))


@pytest.mark.parametrize(
    "figure",
    [Scatter("Trials", "rate", "reg", color="loss"), HeatMap("Trials", "reg", "rate", "loss")],
    ids=["points", "cells"],
)
def test_an_infinite_value_leaves_the_others_their_colours(replicates, figure):
    first = figure.draw(replicates(LOSSES)).axes[0]
    assert first.collections[0].get_clim() == (0.5, 0.75)


def test_a_caption_says_how_many_trials_are_no_points(replicates):
    records = replicates(
        trials({"rate": 1.0, "reg": 1.0}, {"rate": "nan", "reg": 1.0}, {"rate": 0.0, "reg": 1.0}, {"reg": 1.0})
    )
    figure = Scatter("Trials", "rate", "reg", log=("x",))
    chart = figure.chart(records)
    assert chart.series[0].values == ((1,), (1,))
    assert chart.caption == (
        "Trials. Points are 1 of the 4 trials of 1 replicate; of the others a value is missing or not finite, "
        "or not positive on a logarithmic axis."
    )
    assert not figure.chart(replicates(trials({"rate": 1.0, "reg": 1.0}))).caption
    colored = Scatter("Trials", "rate", "reg", color="loss").chart(replicates(LOSSES))
    assert colored.series[0].values[2] == (0.5, 0.75)
    assert colored.caption.startswith("Trials. Points are 2 of the 3 trials of 1 replicate; ")


@pytest.mark.parametrize(("log", "low"), [((), -2.0), (("x", "y"), 3.0)])
def test_the_diagonal_begins_with_the_lowest_number_that_is_drawn(replicates, log, low):
    records = replicates(trials({"x": -2.0, "y": -1.0}, {"x": 3.0, "y": 4.0}))
    (ax,) = Scatter("Trials", "x", "y", log=log, diagonal=True).draw(records).axes
    (line,) = ax.lines
    assert xs(line) == ys(line) == [low, 4.0]


def test_a_caption_says_where_histograms_of_other_bins_are_left_out(replicates):
    def weights(*found):
        return replicates(*({"one": {"histograms": {"layer_1": one} if one else {}}} for one in found))

    grid = HistogramGrid("Weights", ("1",), ("layer",), "weight")
    narrow, wide = Histogram(0.0, 1.0, [1, 3]), Histogram(0.0, 2.0, [5, 5])
    assert not grid.chart(weights(narrow, narrow)).caption
    for other in (wide, None):
        chart = grid.chart(weights(narrow, narrow, other))
        assert chart.series[0].values[2] == (0.25, 0.75)
        assert chart.caption == (
            "Weights. Counts of up to 3 replicates together, of 2 at least: those without such a histogram, "
            "or with other bins than the first, are left out."
        )


def test_a_series_that_begins_in_a_later_column_is_in_the_legend(replicates):
    one = Histogram(0.0, 1.0, [1, 2])
    records = replicates({"one": {"histograms": {"layer_1": one, "layer_2": one, "later_2": one}}})
    svg = figures.draw(figures.encode(HistogramGrid("Weights", ("1", "2"), ("layer", "later"), "weight")), records)
    assert b">layer</text>" in svg
    assert b">later</text>" in svg
