"""Expressions: what each form gives, counted by hand; what is refused; and that no record makes evaluation raise or slow."""

import json
import math
import random
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.stats import linregress, spearmanr

from keras_reprise import (
    Metric,
    argmax,
    argmin,
    at,
    column,
    count,
    curve,
    distinct,
    exp,
    finite,
    first,
    keep,
    last,
    log,
    maximum,
    mean,
    median,
    metric,
    minimum,
    nearest,
    number,
    rank_correlation,
    same,
    setting,
    slope,
    total,
    window,
)
from keras_reprise.base.errors import IntegrityError, RecipeError
from keras_reprise.record.expressions import grammar
from keras_reprise.record.expressions.checking import MOST_FORMS, require_sound
from keras_reprise.record.expressions.evaluating import Stored, evaluate, statistic, value_of
from keras_reprise.record.expressions.grammar import MOST_LITERALS, Expression
from keras_reprise.record.expressions.phrasing import clause, unit, words
from keras_reprise.record.schema import ArmData, ClaimCard, decode, decode_card

ROOT = Path(__file__).parents[2]

DROP = {
    "metrics": {"best": 0.5, "seven": 7, "three": 3.0, "lost": "nan"},
    "curves": {
        "loss": [4.0, 3.0, 1.0, 2.0, 2.5, 6.0],
        "half": [2.0, 1.5, 0.5, 1.0, 1.25, 3.0],
        "x": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
        "listed": [0.0, 2.0, 4.0],
        "q": [10.0, 20.0, 30.0],
        "holed": [1.0, "nan", "inf", 4.0],
        "none": [],
    },
    "trials": [
        {"rate": 1.0, "kind": "learns", "accuracy": 0.5},
        {"rate": 2.0, "kind": "explodes"},
        {"rate": 2.0, "kind": "learns", "accuracy": 0.75, "stopped": True},
    ],
}
ARMS = {"a": DROP, "b": DROP | {"metrics": {"best": 0.25}, "curves": {"loss": [1.0, 1.0, 0.5]}}}
NUMBERS = {"p-of-fit": 0.125, "bad": "nan"}
SETTINGS = {"drop": 2, "name": "quick", "epochs": 6}

LOSS = curve("a", "loss")

BY_HAND = [
    (metric("a", "best"), 0.5),
    (metric("a", "seven"), 7.0),
    (metric("a", "best") - metric("b", "best"), 0.25),
    (1 - metric("a", "best"), 0.5),
    (100 * metric("a", "best"), 50.0),
    (metric("a", "best") / metric("b", "best"), 2.0),
    (-metric("a", "best"), -0.5),
    (abs(metric("b", "best") - metric("a", "best")), 0.25),
    (metric("a", "seven") ** 2, 49.0),
    (2 ** metric("a", "three"), 8.0),
    (log(metric("a", "best")), math.log(0.5)),
    (exp(metric("a", "best")), math.exp(0.5)),
    (metric("a", "best") > metric("b", "best"), 1.0),
    (metric("a", "best") < 0.5, 0.0),
    (metric("a", "best") <= 0.5, 1.0),
    (metric("a", "best") >= 0.75, 0.0),
    (same(metric("a", "best"), 0.5), 1.0),
    ((metric("a", "best") > 0) & (metric("a", "best") < 0.4), 0.0),
    ((metric("a", "best") < 0) & (metric("a", "missing") > 1), 0.0),
    (first("a", "loss"), 4.0),
    (last("a", "loss"), 6.0),
    (at(LOSS, 3), 1.0),
    (at(LOSS, "drop"), 3.0),
    (at(LOSS, metric("a", "three")), 1.0),
    (at(LOSS, argmin("a", "loss")), 1.0),
    (mean("a", "loss"), 18.5 / 6),
    (mean(LOSS, after="drop", width=2), 1.5),
    (mean("a", "loss", before="drop", width=2), 3.5),
    (mean("a", "loss", after="drop", width=3) - mean("a", "loss", before="drop", width=1), 5.5 / 3 - 3),
    (mean("a", "loss", width=2), 4.25),
    (mean("a", "loss", after=0, width=2), 3.5),
    (mean("a", "loss", after=2, before=4), 1.5),
    (mean("a", "loss", after=metric("a", "three")), 10.5 / 3),
    (total("a", "loss", since=argmin("a", "loss")), 11.5),
    (mean("a", "loss", after=1, before=5, width=2), 2.0),
    (median("a", "loss"), 2.75),
    (median("b", "loss"), 1.0),
    (total("a", "loss"), 18.5),
    (minimum("a", "loss"), 1.0),
    (maximum("a", "loss"), 6.0),
    (minimum(metric("a", "best"), metric("b", "best")), 0.25),
    (maximum(metric("a", "best"), metric("b", "best"), 9), 9.0),
    (count("a", "loss"), 6.0),
    (count("a", "none"), 0.0),
    (count(LOSS > 2), 4.0),
    (mean(LOSS > 2), 4 / 6),
    (argmin("a", "loss"), 3.0),
    (argmax("a", "loss"), 6.0),
    (argmin("b", "loss"), 3.0),
    (argmax("b", "loss"), 1.0),
    (nearest(curve("a", "listed"), 2.9), 2.0),
    (nearest(curve("a", "listed"), 3), 2.0),
    (at(curve("a", "q"), nearest(curve("a", "listed"), argmin("a", "loss"))), 20.0),
    (maximum(LOSS / curve("a", "half")), 2.0),
    (maximum(window(curve("a", "x"), after=1) / window(curve("a", "x"), before=5)), 2.0),
    (minimum(window(LOSS, after=1) - window(LOSS, before=count(LOSS) - 1)), -2.0),
    (mean(abs(curve("a", "q") - (11, 18, 30))), 1.0),
    (mean(column("a", "accuracy", 0.0)), 1.25 / 3),
    (mean(keep(column("a", "accuracy", 0.0), column("a", "rate") > 1.5)), 0.375),
    (total(keep(column("a", "rate"), same(column("a", "kind"), "learns"))), 3.0),
    (mean(same(column("a", "kind"), "explodes")), 1 / 3),
    (count(same(column("a", "kind"), "learns") & (column("a", "rate") > 1)), 1.0),
    (total(column("a", "stopped", 0)), 1.0),
    (distinct(column("a", "rate")), 2.0),
    (count(finite(curve("a", "holed"))), 2.0),
    (total(finite(curve("a", "holed"))), 5.0),
    (total(finite((1, 2, 3, 4), where=curve("a", "holed"))), 5.0),
    (rank_correlation(curve("a", "x"), curve("a", "x")), 1.0),
    (rank_correlation(window(LOSS, since=3)), 1.0),
    (rank_correlation((1, 2, 3), (3, 2, 1)), -1.0),
    (rank_correlation((1, 2, 2, 3)), 4.5 / math.sqrt(5 * 4.5)),
    (slope((1, 3, 5)), 2.0),
    (slope(log(curve("a", "x")), (0, 1, 2, 3, 4, 5)), math.log(2)),
    (number("p-of-fit"), 0.125),
    (setting("epochs") - setting("drop"), 4.0),
    (setting("absent", 9), 9.0),
    (setting("drop", 9), 2.0),
]

NOT_THERE = [
    metric("c", "best"),
    metric("a", "worst"),
    metric("a", "lost"),
    metric("a", "loss"),
    last("a", "rate"),
    last("a", "none"),
    mean("a", "none"),
    minimum("a", "none"),
    argmin("a", "none"),
    nearest(curve("a", "none"), 1),
    at(LOSS, 0),
    at(LOSS, 7),
    at(LOSS, 1.5),
    at(LOSS, "name"),
    mean("a", "loss", after="epochs", width=1),
    mean("a", "loss", before="drop", width=3),
    mean("a", "loss", after="absent"),
    mean("a", "loss", width=-1),
    mean("a", "loss", after=1, before=3, width=3),
    mean("a", "holed"),
    minimum("a", "holed"),
    median("a", "holed"),
    argmin("a", "holed"),
    distinct("a", "holed"),
    mean(column("a", "accuracy")),
    total(column("a", "kind")),
    mean(keep(curve("a", "holed"), curve("a", "holed") > 0)),
    mean(LOSS - curve("b", "loss")),
    mean(keep(LOSS, curve("b", "loss") > 0)),
    rank_correlation(curve("a", "holed")),
    rank_correlation((1, 1, 1)),
    rank_correlation((1,)),
    slope((1, 2), (3, 3)),
    log(metric("a", "best") - 1),
    number("absent"),
    number("bad"),
    setting("absent"),
    setting("name"),
]


def shown(expression):
    return msgspec.json.encode(expression).decode()[:60]


@pytest.mark.parametrize(("expression", "value"), BY_HAND, ids=lambda one: "" if isinstance(one, float) else shown(one))
def test_each_form_gives_what_is_counted_by_hand(expression, value):
    require_sound(expression)
    assert evaluate(expression, ARMS, NUMBERS, SETTINGS) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("expression", NOT_THERE, ids=shown)
def test_what_is_not_there_gives_no_number(expression):
    require_sound(expression)
    assert not math.isfinite(evaluate(expression, ARMS, NUMBERS, SETTINGS))


@pytest.mark.parametrize("expression", [one for one, _ in BY_HAND] + NOT_THERE, ids=shown)
def test_an_expression_is_the_same_after_it_was_a_card(expression):
    assert msgspec.json.decode(msgspec.json.encode(expression), type=Expression) == expression


def test_every_form_is_evaluated_and_has_words():
    told = {type(form) for one, _ in BY_HAND for form in _all(one)}
    assert told == set(grammar.Form.__subclasses__())


def _all(expression):
    from keras_reprise.record.expressions.checking import forms

    return list(forms(expression))


def test_rank_correlation_and_slope_are_those_of_scipy():
    generator = np.random.default_rng(1)
    for _ in range(200):
        x, y = generator.integers(0, 6, (2, generator.integers(3, 20)))
        found = evaluate(rank_correlation(tuple(x), tuple(y)), {})
        if len(set(x)) > 1 and len(set(y)) > 1:
            assert found == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
            assert evaluate(slope(tuple(y), tuple(x)), {}) == pytest.approx(linregress(x, y).slope, abs=1e-12)
        else:
            assert math.isnan(found)


def test_a_premise_that_does_not_hold_is_told_from_a_number_that_is_not_there():
    stored = Stored(ARMS, NUMBERS, SETTINGS)
    value = last("a", "loss")
    assert statistic(value, count("a", "loss") > 5, stored) == 6.0
    assert statistic(value, count("a", "loss") > 6, stored) is None
    assert math.isnan(statistic(value, metric("a", "absent") > 6, stored) or 0)
    assert math.isnan(statistic(last("a", "absent"), count("a", "loss") > 5, stored) or 0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: curve("a", "x"), "a value is one number"),
        (lambda: mean(metric("a", "x")), "mean takes a row of numbers, and metric"),
        (lambda: at(curve("a", "x"), curve("a", "y")), "at.* takes one number, and curve"),
        (lambda: mean(keep(curve("a", "x"), curve("a", "y"))), "keep takes a condition"),
        (lambda: mean(window(curve("a", "x"), after=1, since=2)), "not both"),
        (lambda: mean(window(curve("a", "x"))), "has after, since, before or width"),
        (lambda: metric("a", "x") * math.inf, "finite"),
        (lambda: maximum(curve("a", "x"), 1.0), "takes one number, and curve"),
    ],
    ids=range(8),
)
def test_what_cannot_be_evaluated_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        require_sound(make())


def test_the_best_of_several_arms_is_not_set_against_the_best_of_others():
    best = minimum(metric("a", "e"), metric("b", "e"), metric("c", "e"))
    other = minimum(metric("d", "e"), metric("f", "e"))
    for refused in (best - other, best / other, best < other, 100 * best - 100 * other, abs(best - other)):
        with pytest.raises(ValueError, match="the best of a, b, c is set against the best of d, f"):
            require_sound(refused)
    for fair in (
        best - metric("d", "e"),
        maximum(metric("a", "e"), metric("b", "e")) - minimum(metric("a", "e"), metric("b", "e")),
    ):
        require_sound(fair)
    require_sound(maximum(abs(curve("a", "x") - curve("b", "x"))) - maximum(abs(curve("c", "x") - curve("b", "x"))))


@pytest.mark.parametrize(
    "write",
    [
        lambda: 0 < metric("a", "x") < 1,
        lambda: metric("a", "x") and metric("a", "y"),
        lambda: sum(curve("a", "x")),
        lambda: math.log(metric("a", "x")),
        lambda: max(metric("a", "x"), metric("b", "x")),
        lambda: metric("a", "x") + "text",
        lambda: mean("a"),
        lambda: at("a", 3),
        lambda: same(metric("a", "x"), "text"),
        lambda: maximum(),
    ],
)
def test_python_that_needs_the_number_at_once_is_told(write):
    with pytest.raises(RecipeError, match="keras_reprise|Write|docs/claims.md"):
        write()


def test_numpy_numbers_and_arrays_are_literals():
    assert np.float64(2.0) * metric("a", "best") == 2.0 * metric("a", "best")
    assert np.array([1.0, 2.0]) - curve("a", "x") == (1.0, 2.0) - curve("a", "x")
    assert metric("a", "seven") - np.int64(1) == metric("a", "seven") - 1


def test_stored_arms_of_any_kind_are_read_alike():
    cost = {"params": None, "flops": None, "peak_memory_bytes": None}
    rest = {"params": {}, "histograms": {}, "cost": cost, "time": {}, "status": "complete"}
    arms = {name: msgspec.convert(arm | rest, ArmData) for name, arm in ARMS.items()}
    for expression, value in BY_HAND:
        assert evaluate(expression, arms, NUMBERS, SETTINGS) == pytest.approx(value, rel=1e-12)


def test_no_stored_record_makes_an_expression_raise():
    """Each expression on each of the project's records, whose arms it mostly does not find; and on the same misshapen."""
    paths = sorted((ROOT / "results" / "records").rglob("*.json"))[::40]
    assert len(paths) > 10
    generator = random.Random(1)
    for path in paths:
        record, _ = decode(path.read_bytes(), path.name)
        named = dict(zip("ab", [*record.arms.values()] * 2, strict=False))
        for expression in _renamed(record, generator):
            assert isinstance(evaluate(expression, named, record.numbers, {"drop": 2}), float)


def _renamed(record, generator):
    """The expressions that are counted by hand, reading metrics and curves which this record has."""
    arm = next(iter(record.arms.values()))
    curves, metrics = [*arm.curves, "absent"], [*arm.metrics, "absent"]
    for expression, _ in BY_HAND:
        text = msgspec.json.encode(expression).decode()
        for name in ("loss", "x", "q", "half", "holed"):
            text = text.replace(f'"{name}"', json.dumps(generator.choice(curves)))
        for name in ("best", "seven"):
            text = text.replace(f'"{name}"', json.dumps(generator.choice(metrics)))
        yield msgspec.json.decode(text, type=Expression)


@pytest.mark.parametrize("odd", [None, "text", 3, [], {}, True, 10**400, [[1]], {"a": 1}, "nan"], ids=str)
def test_odd_values_in_records_give_no_number_and_no_error(odd):
    arm = {"metrics": {"best": odd}, "curves": {"loss": [odd, 1.0]}, "trials": [{"accuracy": odd, "kind": odd}]}
    for arms in ({"a": arm}, {"a": odd}, {"a": {"metrics": odd, "curves": odd, "trials": odd}}):
        for expression, _ in BY_HAND:
            assert isinstance(evaluate(expression, arms, {"p-of-fit": odd}, {"drop": odd}), float)


def card(**fields):
    first = {
        "id": "c", "says": "", "where": "", "statistic": "", "unit": "", "interval": [None, 0.0], "exact": False,
    }  # fmt: skip
    content = {
        "slug": "s", "version": 1, "title": "", "question": "", "sources": [], "arms": {}, "claims": [first | fields],
        "figures": [], "scales": {},
    }  # fmt: skip
    return json.dumps(content).encode()


METRIC: dict[str, Any] = {"form": "metric", "arm": "a", "name": "x"}


def nested(depth):
    inner = METRIC
    for _ in range(depth):
        inner = {"form": "applied", "function": "abs", "to": inner}
    return inner


def wide(levels):
    inner = METRIC
    for _ in range(levels):
        inner = {"form": "arithmetic", "sign": "+", "left": inner, "right": inner}
    return inner


@pytest.mark.parametrize(
    "value",
    [
        nested(30),
        wide(7),
        wide(12),
        {"form": "reduced", "by": "mean", "of": [1.0] * (MOST_LITERALS + 1)},
        {"form": "several", "of": [1.0]},
        {"form": "reduced", "by": "mean", "of": {"form": "several", "of": [METRIC] * 65}},
        {"form": "reduced", "by": "eval", "of": {"form": "curve", "arm": "a", "name": "x"}},
        {"form": "__import__", "name": "os"},
        {"form": "metric", "arm": "a"},
        METRIC | {"more": 1},
        METRIC | {"name": "x" * 1000},
        {"form": "curve", "arm": "a", "name": "x"},
        "metric",
        True,
        [],
        {},
        [[1.0]],
    ],
    ids=range(17),
)
def test_a_hostile_card_is_refused(value):
    with pytest.raises(IntegrityError, match="not a recipe card"):
        decode_card(card(value=value), "the card")
    with pytest.raises(IntegrityError, match="not a recipe card"):
        decode_card(card(value=METRIC, given=value), "the card")


@pytest.mark.parametrize("depth", [500, 5000, 200_000])
def test_a_card_that_is_nested_without_end_is_refused(depth):
    deep = b'{"form":"applied","function":"abs","to":' * depth + b"1" + b"}" * depth
    with pytest.raises(IntegrityError, match="not a recipe card"):
        decode_card(card(value="HERE").replace(b'"HERE"', deep), "the card")


def test_a_card_may_hold_a_large_expression_that_is_within_the_bounds():
    decoded = decode_card(card(value=wide(6), given=wide(5)), "the card")
    assert decoded.claims[0].value is not None
    assert MOST_FORMS == 2**7


def test_the_work_for_one_record_is_bounded():
    """The largest curve that a record may hold, sorted by as many forms as a card may hold, in many claims."""
    long = [float(value) for value in np.random.default_rng(1).permutation(250_000)]
    stored = Stored({"a": {"metrics": {}, "curves": {"loss": long}, "trials": []}})
    value = rank_correlation(LOSS, LOSS)
    for _ in range(5):
        value = value + value
    begun = time.process_time()
    found = [value_of(value, stored) for _ in range(200)]
    assert time.process_time() - begun < 20
    assert all(map(math.isnan, found))


def test_claims_of_old_cards_have_no_expression():
    assert ClaimCard("a", "", "", "", "", (None, 0.0), False).value is None


METRICS = (
    Metric("q", "95th percentile of the test losses", "nats", "listed epoch"),
    Metric("listed", "listed epoch", "epoch"),
    Metric("std", "standard deviation of the activations", "", "layer"),
    Metric("drop", "drop"),
    Metric("score", "test accuracy", "percent", "epoch"),
)

IN_WORDS = [
    (
        mean("drop", "train_loss", after="drop", width=5) - mean("drop", "train_loss", before="drop", width=5),
        "mean of the training loss over the 5 epochs after the drop minus the mean of the training loss over the 5 "
        "epochs before the drop, of `drop`",
        "nats",
    ),
    (
        100 * (last("a", "test_error") - last("b", "test_error")),
        "last test error of `a` minus the last test error of `b`",
        "points",
    ),
    (100 * metric("a", "test_error"), "test error, of `a`", "percent"),
    (100 * (1 - metric("a", "test_error")), "1 minus the test error, of `a`", "percent"),
    (
        metric("a", "score") - metric("b", "score"),
        "test accuracy of `a` minus the test accuracy of `b`",
        "points",
    ),
    (
        abs(last("a", "score") - first("a", "score")),
        "distance of the last test accuracy from the first test accuracy, of `a`",
        "points",
    ),
    (
        100 * maximum(curve("a", "test_error") - curve("b", "test_error")),
        "highest (test error of `a` minus the test error of `b`)",
        "points",
    ),
    (metric("a", "score") - 10, "test accuracy minus 10, of `a`", "percent"),
    (mean(metric("a", "score"), metric("b", "score")), "mean of the test accuracy of `a` and the test accuracy of `b`", "percent"),
    (
        last("a", "q") - at(curve("a", "q"), nearest(curve("a", "listed"), argmin("a", "test_loss"))),
        "last 95th percentile of the test losses minus the 95th percentile of the test losses at the listed epoch "
        "nearest to the epoch of the lowest test loss, of `a`",
        "nats",
    ),
    (at(curve("a", "std"), count("a", "std")), "standard deviation of the activations at the last layer, of `a`", ""),
    (
        at(curve("a", "std"), count("a", "q")),
        "standard deviation of the activations at the number of listed epochs, of `a`",
        "",
    ),
    (at(curve("a", "std"), 3), "standard deviation of the activations at layer 3, of `a`", ""),
    (
        mean(keep(column("a", "accuracy"), column("a", "reg") > 1000)),
        "mean of the accuracy where the reg is above 1000, of `a`",
        "",
    ),
    (mean(same(column("a", "kind"), "explodes")), 'share of trials of which the kind is "explodes", of `a`', "share"),
    (metric("a", "s") / metric("b", "s"), "s of `a` over the s of `b`", "ratio"),
    (abs(metric("a", "s") - 3), "distance of the s from 3, of `a`", ""),
    (rank_correlation(curve("a", "std")), "rank correlation of the standard deviation of the activations and the layer, of `a`", "rank correlation"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "told", "measured_in"), IN_WORDS, ids=range(len(IN_WORDS)))
def test_words_and_unit_follow_from_the_form_and_the_declared_metrics(expression, told, measured_in):
    assert (words(expression, METRICS), unit(expression, METRICS)) == (told, measured_in)


def test_a_premise_is_a_clause():
    premise = count("drop", "test_loss", since=argmin("drop", "test_loss")) > 5
    assert clause(premise) == "the number of epochs from the epoch of the lowest test loss on is above 5"


def test_every_form_has_words():
    for expression, _ in BY_HAND:
        assert words(expression, METRICS)
