"""Claims whose value is data: what they may say, the card they give, and what of a recipe they may name."""

from typing import Any

import msgspec
import pytest

from keras_reprise import (
    Arm,
    Claim,
    Erratum,
    Measurement,
    Metric,
    PrintedSeries,
    Recipe,
    Scale,
    Source,
    above,
    above_each,
    at,
    below,
    below_each,
    between,
    column,
    count,
    curve,
    equal,
    last,
    maximum,
    mean,
    metric,
    minimum,
    near,
    number,
    same,
    setting,
)
from keras_reprise.base.errors import RecipeError
from keras_reprise.record.schema import Card, ClaimCard

BEST = metric("drop", "best")


def claim(id="c", **fields):
    said: dict[str, Any] = {"value": BEST, "must": below(0.0), "role": "rule"}
    return Claim(id, "S.", "Slide", **said | fields)


def recipe(*claims, **fields):
    return Recipe(
        slug="a-recipe",
        version=1,
        question="?",
        sources=(Source("fleuret-2021", "Slide"),),
        arms=(Arm("drop"), Arm("constant"), Arm("small")),
        scales=(Scale("quick", drop=2, word="a"), Scale("full", drop=3, word="b")),
        measure=lambda arm, replicate: Measurement(),
        claims=claims,
        **fields,
    )


def cards(made):
    return msgspec.convert(made.card("Title"), Card).claims


@pytest.mark.parametrize(
    ("must", "interval"),
    [
        (below(1.0), (None, 1.0)),
        (above(-1), (-1.0, None)),
        (between(0.1, 0.2), (0.1, 0.2)),
        (near(2.0, relative=0.1), (1.8, 2.2)),
        (near(2.0, absolute=0.5, relative=0.1), (1.5, 2.5)),
        (equal(3), (3.0, 3.0)),
    ],
    ids=str,
)
def test_must_gives_the_interval(must, interval):
    (found,) = cards(recipe(claim(must=must, kind="discrete")))
    assert found.interval == pytest.approx(interval)
    assert (found.role, found.kind, found.tested_as) == ("rule", "discrete", "discrete")


def test_a_bound_may_be_another_value():
    (found,) = cards(recipe(claim(must=below(metric("constant", "best")))))
    assert (found.id, found.interval) == ("c", (None, 0.0))
    assert found.value == BEST - metric("constant", "best")


def test_below_each_is_a_claim_for_each_of_several_values():
    made = recipe(claim(value=last("drop", "test_error"), must=below_each(last("constant", "test_error"), last("small", "test_error"))))  # fmt: skip
    assert [(c.id, c.value, c.interval, c.role) for c in cards(made)] == [
        ("c-constant", last("drop", "test_error") - last("constant", "test_error"), (None, 0.0), "rule"),
        ("c-small", last("drop", "test_error") - last("small", "test_error"), (None, 0.0), "rule"),
    ]
    numbered = recipe(claim(value=BEST, must=above_each(metric("drop", "x"), metric("drop", "y"))))
    assert [(c.id, c.interval) for c in cards(numbered)] == [("c-1", (0.0, None)), ("c-2", (0.0, None))]


def test_a_claim_of_each_names_the_other_value():
    made = Claim(
        "c",
        "Below {other}.",
        "Slide",
        value=BEST,
        must=below_each(metric("small", "best"), metric("constant", "best")),
        measures="Minus that of {other}",
    )
    assert [(one.says, one.measures) for one in made.each()] == [
        ("Below small.", "Minus that of small"),
        ("Below constant.", "Minus that of constant"),
    ]


def test_words_and_unit_come_from_the_declared_metrics():
    made = recipe(
        claim("a", value=metric("drop", "shift") - metric("constant", "shift")),
        claim("b", value=last("drop", "test_error"), unit="of one", measures="Otherwise", kind="share"),
        claim("c", value=mean("drop", "train_loss", after="drop"), given=metric("drop", "shift") > 2, kind="positive", must=above(1.0)),
        metrics=(Metric("shift", "change of the loss", "nats"), Metric("drop", "drop")),
    )  # fmt: skip
    a, b, c = cards(made)
    assert (a.statistic, a.unit) == ("Change of the loss of `drop` minus the change of the loss of `constant`", "nats")
    assert (b.statistic, b.unit, b.proportion, b.exact, b.log) == ("Otherwise", "of one", True, False, False)
    assert c.statistic == (
        "Mean of the training loss over the epochs after the drop, of `drop`; where the change of the loss is above 2"
    )
    assert (c.unit, c.log, c.given) == ("nats", True, metric("drop", "shift") > 2)
    assert made.card("Title")["metrics"] == [
        {"name": "shift", "words": "change of the loss", "unit": "nats"},
        {"name": "drop", "words": "drop"},
    ]


def test_the_arm_is_not_named_where_there_is_but_one():
    made = claim(value=at(curve("drop", "cost"), 3)).card(one_arm=True)
    assert made["statistic"] == "Cost at value 3"


def test_a_retired_claim_may_be_without_a_value():
    (_, old) = cards(recipe(claim(), claim("old", value=None, retired="0 stood for too few epochs")))
    assert (old.value, old.retired) == (None, "0 stood for too few epochs")
    with pytest.raises(RecipeError, match="has no value"):
        claim(value=None)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"must": None}, "no interval"),
        ({"must": {"below": 0.0}}, "no interval"),
        ({"value": 3.0}, "not made of what a record stores"),
        ({"value": curve("drop", "loss")}, "one number for a replicate"),
        ({"value": mean(BEST)}, "takes a row of numbers"),
        ({"given": column("drop", "rate")}, "The premise .* one number"),
        ({"role": "rules"}, "Use one of rule"),
        ({"kind": "log"}, "has the kind 'log'"),
        ({"must": equal(3)}, "never does"),
        ({"must": below(0.0), "kind": "positive"}, "positive quantity"),
        ({"expectation": "SURE"}, "SURE"),
        ({"id": "No Slug"}, "lower-case"),
        (
            {"value": minimum(metric("a", "x"), metric("b", "x")), "must": below(minimum(metric("c", "x"), metric("d", "x")))},
            "set against the best",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_claim_must_not_say_is_told_when_it_is_made(fields, said):
    with pytest.raises(RecipeError, match=said):
        claim(**fields)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: between(2, 1), "which nothing does"),
        (lambda: below("a"), "no end of an interval"),
        (lambda: above(float("inf")), "no end of an interval"),
        (lambda: below_each(BEST), "two values or more"),
    ],
)
def test_bounds_that_are_none_are_refused(make, said):
    with pytest.raises(RecipeError, match=said):
        make()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (metric("dorp", "best"), r"asks for the arm `dorp`.\n.*there are `drop`, `constant`"),
        (at(curve("drop", "x"), setting("dropp")), r"asks for the setting of the scale quick `dropp`"),
        (setting("dropp", 3), r"asks for the setting of the scale quick `dropp`"),
        (at(curve("drop", "x"), setting("word")), "no number in the scale quick"),
        (number("fit"), "has no summarise"),
        (count(same(column("constnat", "kind"), "a")), "asks for the arm `constnat`"),
    ],
    ids=str,
)
def test_names_that_the_recipe_has_not_are_told_with_the_nearest(value, said):
    with pytest.raises(RecipeError, match=said):
        recipe(claim(value=value))
    with pytest.raises(RecipeError, match=said):
        recipe(claim(given=value))


def test_numbers_are_read_where_the_recipe_summarises():
    recipe(claim(value=number("fit")), summarise=lambda arms, scale: {"fit": 1.0})


def test_a_recipe_needs_a_rule():
    with pytest.raises(RecipeError, match="no claim with the role rule"):
        recipe(claim(role="detail"))
    with pytest.raises(RecipeError, match="no claim with the role rule"):
        recipe(claim(role="detail"), claim("old", retired="mended"))


def test_a_printed_series_is_a_claim_for_each_value():
    series = PrintedSeries(
        "cost", (2.3, 2.2, 2.0), "Rate too low", arm="drop", within={2: 0.5}, relative=0.01,
        says="The cost of {arm} at epoch {key} is {printed}.", unit="nats", kind="positive",
        errata={3: Erratum("it was garbled", 2.1, within=0.2)},
    )  # fmt: skip
    found = cards(recipe(claim(), series))[1:]
    assert [(c.id, c.role, c.kind, c.printed, c.unit) for c in found] == [
        (f"cost-{n}", "table", "positive", printed, "nats") for n, printed in ((1, 2.3), (2, 2.2), (3, 2.0))
    ]
    assert [c.value for c in found] == [at(curve("drop", "cost"), n) for n in (1, 2, 3)]
    assert [c.interval for c in found] == [
        pytest.approx(one) for one in ((2.277, 2.323), (1.7, 2.7), (1.9, 2.3))
    ]  # fmt: skip
    assert found[0].says == "The cost of drop at epoch 1 is 2.3."
    assert (found[2].says, found[2].erratum) == ("The cost of drop at epoch 3 is 2.0 (judged against the erratum, 2.1).", "it was garbled")  # fmt: skip


def test_printed_values_by_name_are_metrics_of_an_arm_or_one_metric_of_several():
    of_arm = PrintedSeries(
        "net", {"mult_adds": 569, "weights": 4.2}, "Table 4", arm="drop", relative=0.02, kind="exact"
    )
    of_arms = PrintedSeries("loss", {"drop": 1.0, "small": 2.0}, "Table", metric="loss", within=0.1)
    otherwise = PrintedSeries("two", {"a b": 2}, "T", of=lambda key: maximum(curve("drop", key)), within=0.1)
    found = cards(recipe(claim(), of_arm, of_arms, otherwise))[1:]
    assert [(c.id, c.value) for c in found] == [
        ("net-mult-adds", metric("drop", "mult_adds")),
        ("net-weights", metric("drop", "weights")),
        ("loss-drop", metric("drop", "loss")),
        ("loss-small", metric("small", "loss")),
        ("two-a-b", maximum(curve("drop", "a b"))),
    ]
    assert found[0].exact


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"values": ()}, "no values"),
        ({"arm": ""}, "whose values"),
        ({"errata": {9: Erratum("no")}}, "errata for 9"),
        ({"within": {4: 1.0}}, "within for 4"),
        ({"kind": "odd"}, "kind 'odd'"),
    ],
    ids=str,
)
def test_a_printed_series_that_cannot_be_judged_is_refused(fields, said):
    series: dict[str, Any] = {"id": "cost", "values": (1.0, 2.0), "where": "W", "arm": "drop", "within": 0.1}
    with pytest.raises(RecipeError, match=said):
        PrintedSeries(**(series | fields))


def test_a_card_of_a_claim_is_read_back_as_it_was():
    made = claim(value=count(curve("drop", "loss") > 1), given=BEST > 0)
    assert msgspec.convert(made.card(), ClaimCard).value == made.value
