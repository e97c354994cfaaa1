"""Figures between recipe, card and report: typed on both sides, drawn from records, and told where they cannot be."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import keras_reprise
from keras_reprise import Box, Curves, HeatMap, HistogramGrid, Panel, Scatter, catalog, figures
from keras_reprise.base.errors import RecipeError
from keras_reprise.figures import Figure, FigureError, kinds
from keras_reprise.record.encoding import pretty
from keras_reprise.record.histogram import Histogram
from keras_reprise.record.metric import Metric, by_name
from keras_reprise.record.schema import ArmData, Record
from keras_reprise.store.store import Store

CARDS = sorted((Path(__file__).parents[2] / "results" / "cards").glob("*.json"))

EVERY: dict[str, Figure] = {
    "curves": Curves(
        "Loss",
        (Panel(("loss", "error"), "loss (nats)", True, 0.5, "half"), Panel(("error",), "error")),
        "batch", "batch size", "overlay", "drop", "the drop",
        {"loss": {"one": (1.0, 2)}}, (1.0, 8.0), True, ("one",), False,
    ),
    "histogram-grid": HistogramGrid("Weights", ("1", "2"), ("layer",), "weight", "layer", ("one",)),
    "scatter": Scatter(
        "Trials", "rate", "reg", "learning rate", "penalty", "accuracy", "accuracy (fraction)", ("x", "y"), True,
        (Box("coarse", (0.1, 1.0), (1.0, 2.0)),), {"one": [{"rate": 0.1, "reg": 1.0}]}, ("one",),
    ),
    "heat-map": HeatMap("Map", "depth", "width", "accuracy", "layers", "units", "accuracy (percent)", ("one",)),
}  # fmt: skip


@pytest.fixture
def replicates(filled_store):
    """Two replicates whose arms have curves, histograms and trials of their own."""
    store = Store(filled_store)
    found = [store.read(filled_store / summary.path) for summary in store.summaries()[0]]

    def with_everything(record: Record) -> Record:
        arms = {name: msgspec.structs.replace(arm, **measured()) for name, arm in record.arms.items()}
        return msgspec.structs.replace(record, arms=arms)

    return [with_everything(record) for record in found[:2]]


def measured() -> dict[str, Any]:
    return {
        "curves": {"loss": [2.0, 1.0], "error": [0.5, 0.25], "batch": [1.0, 8.0]},
        "histograms": {"layer_1": Histogram(0.0, 1.0, [1, 2]), "layer_2": Histogram(0.0, 1.0, [2, 1])},
        "trials": [
            {"rate": 0.1, "reg": 1.0, "accuracy": 0.5, "depth": 1, "width": 2},
            {"rate": 0.2, "reg": 2.0, "accuracy": 0.6, "depth": 2, "width": 2},
        ],
    }


def changed(records: list[Record], arm: str, **fields: Any) -> list[Record]:
    def change(record: Record) -> Record:
        arms: dict[str, ArmData] = record.arms
        return msgspec.structs.replace(record, arms=arms | {arm: msgspec.structs.replace(arms[arm], **fields)})

    return [change(record) for record in records]


def test_one_panel_stands_without_a_tuple():
    for one in ("loss", Panel("loss", log=True)):
        assert figures.encode(Curves("Loss", one)) == figures.encode(Curves("Loss", (one,)))
        assert Curves("Loss", one).caption(3) == Curves("Loss", (one,)).caption(3)


def test_all_kinds_are_here():
    assert set(figures.known_kinds()) == set(EVERY)


@pytest.mark.parametrize("kind", EVERY)
def test_a_figure_comes_back_from_its_card_as_it_was_declared(kind):
    document = json.loads(pretty(figures.encode(EVERY[kind])))
    assert document["kind"] == kind
    assert set(document) == {"kind", *EVERY[kind].__struct_fields__}
    back = figures.decode(document)
    assert type(back) is type(EVERY[kind])
    assert json.loads(pretty(figures.encode(back))) == document


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem[:8])
def test_every_card_of_the_store_holds_figures_of_known_kinds(path):
    for document in json.loads(path.read_text())["figures"]:
        again = json.loads(pretty(figures.encode(figures.decode(document))))
        assert {name: again[name] for name in document if name != "panels"} == {
            name: value for name, value in document.items() if name != "panels"
        }
        for panel, stored in zip(again.get("panels", ()), document.get("panels", ()), strict=True):
            assert {name: panel[name] for name in stored} == stored


def test_what_numpy_computed_is_stored_as_plain_numbers():
    figure = Curves("Loss", (Panel(("loss",), "loss", level=np.log(10)),), printed={"loss": {"one": np.arange(2.0)}})  # type: ignore[dict-item]
    document: Any = figures.encode(figure)
    assert type(document["panels"][0]["level"]) is float
    assert document["printed"] == {"loss": {"one": [0.0, 1.0]}}


def test_an_axis_ends_where_the_recipe_says_and_the_caption_says_so(replicates):
    document: Any = figures.encode(Curves("Loss", (Panel("loss", top=1.5), Panel("error"))))
    assert document["panels"][0]["top"] == 1.5
    assert "top" not in document["panels"][1]
    figure = figures.decode(document)
    cut, whole = figure.draw(replicates).axes
    assert cut.get_ylim()[1] == 1.5
    assert whole.get_ylim()[1] > 0.5
    assert figure.caption(2).endswith(" Values above 1.5 are cut off.")


WORDS = by_name(
    (
        Metric("ratio", "update over weights", per="update"),
        Metric("rate", "learning rate"),
        Metric("accuracy", "accuracy", "percent"),
    )
)


@pytest.mark.parametrize(
    ("figure", "labels"),
    [
        (
            Curves("t", ("ratio", Panel(("train_loss", "test_loss"), log=True), Panel("test_error", "errors"))),
            {"label": ["update over weights", "loss (nats)", "errors"], "x_label": "update"},
        ),
        (Curves("t", ("train_loss",)), {"label": ["training loss (nats)"], "x_label": "epoch"}),
        (Curves("t", ("validation_accuracy",)), {"label": ["validation accuracy (fraction)"], "x_label": "epoch"}),
        (Curves("t", ("odd_one",), x="rate"), {"label": ["odd one"], "x_label": "learning rate"}),
        (Curves("t", (Panel(("accuracy", "ratio")),)), {"label": ["accuracy, update over weights"]}),
        (Scatter("t", "rate", "accuracy"), {"x_label": "learning rate", "y_label": "accuracy (percent)"}),
        (
            HeatMap("t", "depth", "rate", "accuracy", column_label="step"),
            {"row_label": "depth", "column_label": "step", "value_label": "accuracy (percent)"},
        ),
    ],
)
def test_labels_that_a_figure_leaves_out_are_the_words_of_the_metrics(figure, labels):
    document: Any = figures.encode(figure, WORDS)
    found = {"label": [panel["label"] for panel in document.get("panels", ())], **document}
    assert {name: found[name] for name in labels} == labels


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Curves("Loss", (Panel(3, "loss"),)), "'Loss'.*Expected `str | array`, got `int` - at `\\$.panels\\[0\\].y`"),  # type: ignore[arg-type]
        (Curves("Loss", 3), "'Loss'.*Expected `str | object | array`, got `int` - at `\\$.panels`"),  # type: ignore[arg-type]
        (Curves("Loss", (), columns="both"), "Invalid enum value 'both'"),  # type: ignore[arg-type]
        (Curves("Loss", (), mark=len), "'Loss' cannot be stored in a card: it holds a builtin_function_or_method."),  # type: ignore[arg-type]
        ({"kind": "curves"}, "is a dict"),
    ],
)  # fmt: skip
def test_a_slip_in_a_declaration_is_told_when_the_card_is_made(figure, words):
    with pytest.raises(RecipeError, match=words):
        figures.encode(figure)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"kind": "pie", "title": "t"}, "is unknown; there are `scatter`, `curves`, `heat-map`, `histogram-grid`"),
        ({"title": "t"}, "The kind `None` is unknown"),
        ({"kind": ["curves"], "title": "t"}, "is unknown"),
        ({"kind": "curves", "title": "t"}, "missing required field `panels`"),
        ({"kind": "curves", "title": "t", "panels": [], "bands": 3}, "unknown field `bands`"),
        ({"kind": "curves\x1b[31m"}, r"The kind `curves\\x1b\[31m` is unknown"),
    ],
)
def test_what_a_card_from_elsewhere_holds_is_told_when_it_is_no_figure(document, words):
    with pytest.raises(FigureError, match=words):
        figures.draw(document, [])


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_draws_what_was_measured(replicates, kind):
    document = figures.encode(EVERY[kind])
    svg = figures.draw(document, replicates)
    assert svg.startswith(b"<?xml")
    assert figures.draw(document, replicates) == svg
    assert len(svg) > 5000


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Curves("t", (Panel(("tst_error",), ""),)), "There is no curve `tst_error`; there are `batch`, `error`, `loss`."),
        (Curves("t", (Panel(("loss",), ""),), x="bach"), "There is no curve `bach`; "),
        (Curves("t", (Panel(("loss",), ""),), printed={"lss": {}}), "There is no curve `lss`; "),
        (Curves("t", (Panel(("loss",), ""),), printed={"loss": {"three": [1.0]}}), "There is no arm `three`; there are `one`, `two`."),
        (HistogramGrid("t", ("1",), ("layer", "later"), ""), "There is no histogram `later_1`; there are `layer_1`, `layer_2`."),
        (HistogramGrid("t", ("1",), ("layer",), "", arms=("three",)), "There is no arm `three`; "),
        (HistogramGrid("t", (), ("layer",), ""), "It has no columns"),
        (Scatter("t", "rate", "regg", "", ""), "There is no trial value `regg`; there are `accuracy`, `depth`, "),
        (Scatter("t", "rate", "reg", "", "", color="colour"), "There is no trial value `colour`; "),
        (Scatter("t", "rate", "reg", "", "", arms=("three",)), "There is no arm `three`; "),
        (Scatter("t", "rate", "reg", "", "", printed={"three": []}), "There is no arm `three`; "),
        (HeatMap("t", "depth", "wdth", "accuracy", "", "", ""), "There is no trial value `wdth`; "),
        (HeatMap("t", "depth", "width", "accuracy", "", "", "", arms=("three",)), "There is no arm `three`; "),
    ],
)  # fmt: skip
def test_a_name_that_nothing_measured_is_told_with_those_that_there_are(replicates, figure, words):
    with pytest.raises(FigureError) as told:
        figures.draw(figures.encode(figure), replicates)
    assert str(told.value).startswith(words)


def test_a_curve_that_only_one_arm_has_is_drawn(replicates):
    records = changed(replicates, "one", curves={"gap": [1.0, 2.0]})
    assert figures.draw(figures.encode(Curves("t", (Panel(("gap", "loss"), ""),))), records)


def test_a_column_that_the_scale_does_not_reach_is_left_out(replicates):
    grid = HistogramGrid("t", ("1", "50"), ("layer",), "", column_label="epoch")
    svg = figures.draw(figures.encode(grid), replicates)
    assert b"epoch 1<" in svg
    assert b"epoch 50" not in svg


def of(arms: dict[str, dict[str, Any]], record: Record) -> Record:
    """The record with these arms, each with the given fields."""
    plain = next(iter(record.arms.values()))
    made = {name: msgspec.structs.replace(plain, **fields) for name, fields in arms.items()}
    return msgspec.structs.replace(record, arms=made)


def test_what_exploded_does_not_say_where_an_axis_begins(replicates):
    exploded = of({"one": {"curves": {"loss": [2.0, 1.0, 1e20]}}}, replicates[0])
    (ax,) = Curves("Loss", (Panel("loss", top=4.0),)).draw([exploded, exploded]).axes
    low, high = ax.get_ylim()
    assert high == 4.0
    assert 0.8 < low < 1.0


def test_an_arm_has_one_colour_in_all_panels_also_where_another_has_no_points(replicates):
    arms = {
        "first": {"curves": {"loss": [2.0, 1.0], "gap": [0.0, 0.0]}},
        "second": {"curves": {"loss": [3.0, 2.0], "gap": [1.0, 2.0]}},
    }
    left, right = Curves("t", ("loss", Panel("gap", log=True))).draw([of(arms, replicates[0])]).axes
    colours = {
        tuple(np.asarray(line.get_ydata(), float)): line.get_color() for ax in (left, right) for line in ax.lines
    }
    assert colours[3.0, 2.0] == colours[1.0, 2.0] != colours[2.0, 1.0]
    assert (legend := right.get_legend()) is not None
    assert [text.get_text() for text in legend.get_texts()] == ["first", "second"]


def test_epochs_are_whole_numbers_on_the_axis(replicates):
    short = of({"one": {"curves": {"loss": [2.0, 1.0, 0.5]}}}, replicates[0])
    (ax,) = Curves("Loss", ("loss",)).draw([short]).axes
    assert all(tick == int(tick) for tick in ax.get_xticks())


def test_a_mark_is_named_beside_its_line_once_an_arm(replicates):
    marked = of({"one": {"curves": {"loss": [2.0, 1.0]}, "metrics": {"drop": 1}}}, replicates[0])
    figure = Curves("Loss", ("loss", "loss"), columns="arms", mark="drop", mark_label="the drop").draw([marked])
    assert [text.get_text() for ax in figure.axes for text in ax.texts] == ["the drop"]


def test_many_arms_of_a_scatter_plot_stand_in_two_rows_and_each_column_names_its_axis(replicates):
    trials = {name: {"trials": [{"rate": 1.0, "error": 2.0}]} for name in "abcde"}
    figure = Scatter("Trials", "rate", "error", "learning rate").draw([of(trials, replicates[0])])
    above, below = figure.axes[:3], figure.axes[3:]
    assert min(ax.get_position().y0 for ax in above) > max(ax.get_position().y1 for ax in below)
    assert [ax.get_xlabel() for ax in figure.axes] == ["", "", *3 * ["learning rate"]]


@pytest.mark.parametrize(("columns", "numbers", "names"), [(3, 6, ["1", "2", "3"]), (20, 0, ["1", "6", "11", "16"])])
def test_a_heat_map_of_many_cells_leaves_their_numbers_out(replicates, columns, numbers, names):
    trials = [{"row": row, "column": n, "weight": 0.5 * n} for row in (1, 2) for n in range(1, columns + 1)]
    figure = HeatMap("Matrix", "row", "column", "weight").draw([of({"one": {"trials": trials}}, replicates[0])])
    table = figure.axes[0]
    assert len(table.texts) == numbers
    assert [label.get_text() for label in table.get_xticklabels()] == names


@pytest.mark.parametrize(("sizes", "whole"), [([0.0, 1.0, 2.0], True), ([0.5, 1.0, 1.5], False)])
def test_ticks_of_whole_abscissas_are_whole(replicates, sizes, whole):
    one = of({"one": {"curves": {"loss": [3.0, 2.0, 1.0], "rows": sizes}}}, replicates[0])
    figure = Curves("Loss", "loss", x="rows").draw([one])
    assert all(tick == int(tick) for tick in figure.axes[0].get_xticks()) == whole


def test_a_caption_says_once_where_values_are_cut_off():
    panels = tuple(Panel(name, "", top=top) for name, top in (("loss", 4.0), ("error", 4.0), ("size", 2.5)))
    caption = Curves("Through the epochs", panels).caption(1)
    assert caption.count("Values above 4 are cut off.") == caption.count("Values above 2.5 are cut off.") == 1


def test_words_of_a_heat_map_s_rows_lie_flat_so_that_none_reaches_into_the_next(replicates):
    rows = ("last layer", "earlier layer", "fine-tuned", "scratch")
    trials = [{"way": row, "data": data, "error": 1.0} for row in rows for data in ("few", "many")]
    figure = HeatMap("Ways", "way", "data", "error").draw([of({"one": {"trials": trials}}, replicates[0])])
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(boxes) == len(rows)
    assert not any(a.overlaps(b) for a, b in zip(boxes, boxes[1:], strict=False))


def test_values_that_no_axis_can_show_are_told(replicates):
    below = changed(changed(replicates, "one", curves={"loss": [0.0]}), "two", curves={"loss": [-1.0]})
    with pytest.raises(FigureError, match="Its curves hold no positive value"):
        figures.draw(figures.encode(Curves("t", (Panel(("loss",), "", log=True),))), below)
    nowhere = changed(replicates, "one", trials=[{"rate": "nan", "reg": 1.0}])
    with pytest.raises(FigureError, match="In no trial both `rate` and `reg` are finite"):
        figures.draw(figures.encode(Scatter("t", "rate", "reg", "", "", arms=("one",))), nowhere)
    apart = changed(replicates, "one", trials=[{"rate": 1.0}, {"reg": 1.0}])
    with pytest.raises(FigureError, match="No trial has all of `rate`, `reg`"):
        figures.draw(figures.encode(Scatter("t", "rate", "reg", "", "", arms=("one",))), apart)


def test_an_error_while_drawing_is_told_with_its_cause(replicates):
    words = changed(replicates, "one", trials=[{"rate": "fast", "reg": 1.0}])
    with pytest.raises(
        FigureError, match="Drawing it failed: ValueError: could not convert string to float: 'fast'"
    ) as told:
        figures.draw(figures.encode(Scatter("t", "rate", "reg", "", "", arms=("one",))), words)
    assert isinstance(told.value.__cause__, ValueError)


def test_figures_of_the_recipes_are_told_where_nothing_of_theirs_was_measured(filled_store):
    store = Store(filled_store)
    found = [store.read(filled_store / summary.path) for summary in store.summaries()[0]]
    for entry in catalog.current():
        for document in entry.card.figures:
            with pytest.raises(FigureError, match="There is no (curve|histogram|arm|trial value) `"):
                figures.draw(document, found)


@pytest.mark.parametrize(
    ("kind", "n", "caption"),
    [
        ("curves", 6, "Loss. Lines are means over 6 replicates, bands one standard deviation. On logarithmic axes: "
         "medians and the middle 68 %. Crosses are the values that the document prints. The dashed line marks: the drop."),
        ("curves", 1, "Loss. One replicate. Crosses are the values that the document prints. "
         "The dashed line marks: the drop."),
        ("histogram-grid", 6, "Weights. Counts of 6 replicates together."),
        ("histogram-grid", 1, "Weights. Counts of 1 replicate together."),
        ("scatter", 6, "Trials. Every trial of 6 replicates is a point. Crosses are the points that the document prints."),
        ("scatter", 1, "Trials. Every trial of 1 replicate is a point. Crosses are the points that the document prints."),
        ("heat-map", 6, "Map. Means over 6 replicates."),
        ("heat-map", 1, "Map. One replicate."),
    ],
)  # fmt: skip
def test_captions(kind, n, caption):
    assert EVERY[kind].caption(n) == caption


def test_a_plain_caption_says_no_more():
    assert Curves("Loss", ()).caption(2) == "Loss. Lines are means over 2 replicates, bands one standard deviation."


@pytest.mark.parametrize("log", [False, True])
def test_where_each_replicate_has_a_point_of_its_own_the_points_are_drawn(replicates, log):
    first, second = (
        changed(replicates[n : n + 1], "one", curves={"bias": [x], "variance": [y]})[0]
        for n, x, y in ((0, 0.1, 0.5), (1, 0.2, 0.25))
    )
    records = [msgspec.structs.replace(record, arms={"one": record.arms["one"]}) for record in (first, second)]
    figure = Curves("Both", Panel("variance", log=log), x="bias", x_log=log)
    (ax,) = figure.draw(records).axes
    (cloud,) = ax.lines
    assert cloud.get_linestyle() == "None"
    assert np.array_equal(cloud.get_xydata(), [[0.1, 0.5], [0.2, 0.25]])
    assert (ax.get_xscale(), ax.get_yscale()) == (("log",) * 2 if log else ("linear",) * 2)
    chart = figure.chart(records)
    assert chart.axes[0].cloud
    assert chart.caption == "Both. Points are the 2 replicates."
    assert [one.values for one in chart.series] == [((0.1, 0.2), (0.5, 0.25), (None, None), (None, None))]


@pytest.mark.parametrize("columns", ["overlay", "arms"])
def test_of_a_single_line_there_is_no_legend(replicates, columns):
    alone = [msgspec.structs.replace(record, arms={"one": record.arms["one"]}) for record in replicates]
    for ax in Curves("Loss", "loss", columns=columns).draw(alone).axes:
        assert ax.get_legend() is None
    assert Curves("Loss", "loss").draw(replicates).axes[0].get_legend() is not None


def test_arms_in_columns_are_drawn_as_the_panel_is(replicates):
    curves = [{"one": {"x": [0.1], "y": [0.5]}, "other": {"x": [1.0], "y": [0.5]}}] * 2
    curves = [curves[0], curves[1] | {"one": {"x": [0.2], "y": [0.25]}}]  # the other arm has one abscissa in both
    records = [
        msgspec.structs.replace(
            record, arms={arm: msgspec.structs.replace(record.arms["one"], curves=of[arm]) for arm in of}
        )
        for record, of in zip(replicates, curves, strict=True)
    ]
    figure = Curves("Both", "y", x="x", columns="arms")
    assert figure.chart(records).axes[0].cloud
    for ax in figure.draw(records).axes:
        (points,) = ax.lines
        assert points.get_linestyle() == "None"
        assert np.shape(points.get_xydata()) == (2, 2)


def test_points_at_shared_abscissas_are_no_cloud(replicates):
    figure = Curves("Loss", ("loss", "error"), x="batch")
    assert not any(one.cloud for one in figure.chart(replicates).axes)
    assert not figure.chart(replicates).caption
    single = changed(replicates, "one", curves={"loss": [1.0], "error": [0.5], "batch": [8.0]})
    single = [msgspec.structs.replace(record, arms={"one": record.arms["one"]}) for record in single]
    assert not any(one.cloud for one in figure.chart(single).axes)  # one abscissa: a mean with its spread


def test_recipes_have_every_kind_by_its_name():
    for kind in figures.known_kinds().values():
        assert getattr(keras_reprise, kind.__name__) is kind


BARS = '''"""Final numbers of the arms as bars."""

from keras_reprise.figures.figure import Figure, require


class Bars(Figure, frozen=True, tag="bars"):
    metric: str

    def caption(self, n):
        return f"{self.title}. Bars are those of the first of {n} replicates."

    def draw(self, records):
        import matplotlib.pyplot as plt

        arms = records[0].arms
        require("metric", [self.metric], {name for arm in arms.values() for name in arm.metrics})
        figure, ax = plt.subplots()
        ax.bar(list(arms), [arm.metrics[self.metric] for arm in arms.values()])
        return figure
'''


@pytest.fixture
def bars(tmp_path, monkeypatch):
    """A fifth file in the folder of kinds, that is all."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "bars.py").write_text(BARS)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(folder)])
    yield
    sys.modules.pop("keras_reprise.figures.kinds.bars", None)


def test_a_kind_is_one_file(bars, plain_recipe, tmp_path, store_path, reprise):
    recipe = tmp_path / "plain.py"
    old = plain_recipe.read_text()
    source = old.replace("    figures=(\n", '    figures=(\n        Bars("Values", "value"),\n', 1)
    assert source != old
    recipe.write_text(source.replace("\nimport", "\nfrom keras_reprise.figures.kinds.bars import Bars\nimport", 1))
    assert reprise("run", recipe, "--seeds", 1, "--store", store_path).exit_code == 0
    result = reprise("report", "--store", store_path)
    assert (result.exit_code, "not drawn" in result.output) == (0, False)
    page = (store_path / "reports" / "plain-v1.html").read_text()
    assert "Values. Bars are those of the first of 1 replicates." in page
    assert page.count("<img") == 3


@pytest.mark.parametrize("kind", EVERY)
def test_a_figure_gives_its_numbers_as_series_of_equal_columns(kind, replicates):
    chart = figures.chart(figures.encode(EVERY[kind]), replicates)
    assert chart.series
    for one in chart.series:
        assert len(one.of) == len(chart.names)
        assert len(one.values) == len(chart.columns)
        assert len({len(column) for column in one.values}) == 1


def test_the_numbers_of_curves_are_the_mean_and_one_standard_deviation_around_it(replicates):
    first, second = replicates[0], changed(replicates[1:], "one", curves={"error": [0.7, 0.25]})[0]
    chart = figures.chart(figures.encode(Curves("Error", ("error",))), [first, second])
    one = next(series for series in chart.series if series.of == ("1", "one", "error"))
    deviation = 0.1 * 2**0.5
    assert one.values[0] == (1, 2)
    assert one.values[1] == (0.6, 0.25)
    assert list(one.values[2]) == pytest.approx([0.6 - deviation, 0.25], rel=1e-4)
    assert list(one.values[3]) == pytest.approx([0.6 + deviation, 0.25], rel=1e-4)


def test_the_numbers_of_one_replicate_have_no_spread_and_what_is_not_finite_is_left_out(replicates):
    only = changed(replicates[:1], "one", curves={"error": [0.5, "inf"]})
    chart = figures.chart(figures.encode(Curves("Error", ("error",))), only)
    one = next(series for series in chart.series if series.of == ("1", "one", "error"))
    assert one.values == ((1, 2), (0.5, None), (None, None), (None, None))


def test_a_mark_stands_only_in_the_arms_that_it_is_of(replicates):
    both = [
        changed(changed([one], "one", metrics={"drop": 2.0}), "two", metrics={"drop": 2.0})[0] for one in replicates
    ]
    everywhere = Curves("Error", ("error",), columns="arms", mark="drop", mark_label="halved")
    [mark] = figures.chart(figures.encode(everywhere), both).marks
    assert set(mark.arms) == {"one", "two"}
    here = msgspec.structs.replace(everywhere, mark_arms=("one",))
    [mark] = figures.chart(figures.encode(here), both).marks
    assert (mark.x, mark.label, mark.arms) == (2.0, "halved", ("one",))
    said = [figures.draw(figures.encode(one), both).count(b"stroke-dasharray: 3.7,1.6") for one in (everywhere, here)]
    assert said[0] == 2 * said[1] > 0


def test_cards_without_a_marks_arms_are_as_they_were():
    assert not {"mark_arms", "alone"} & set(figures.encode(Curves("Error", ("error",), mark="drop")))


def test_a_figure_of_the_first_replicate_alone_has_its_numbers_and_no_spread(replicates):
    first, second = replicates[0], changed(replicates[1:], "one", curves={"error": [0.7, 0.1]})[0]
    alone = figures.encode(Curves("Error", ("error",), alone=True))
    chart = figures.chart(alone, [second, first])
    one = next(series for series in chart.series if series.of == ("1", "one", "error"))
    assert one.values == ((1, 2), (0.5, 0.25), (None, None), (None, None))
    assert figures.draw(alone, [second, first]) == figures.draw(alone, [first])
    assert "first replicate alone" in figures.decode(alone).caption(2)


def test_the_share_of_a_bin_is_of_all_counts(replicates):
    chart = figures.chart(figures.encode(EVERY["histogram-grid"]), replicates)
    assert chart.series[0].values == ((0, 0.5), (0.5, 1), (0.33333, 0.66667))
