"""docs/claims.md against the code: every form is on the page, gives the words that stand beside it, and can be written."""

import re
from pathlib import Path
from typing import Any

import pytest

import keras_reprise
from keras_reprise.recipe import bounds
from keras_reprise.recipe.claims import KINDS, ROLES
from keras_reprise.record.expressions import authoring, grammar
from keras_reprise.record.expressions.checking import forms, require_sound
from keras_reprise.record.expressions.phrasing import unit, words
from keras_reprise.record.metric import Metric

PAGE = (Path(__file__).parents[2] / "docs" / "claims.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
ROWS = re.findall(r"^\| `(.+?)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.M)
NAMES: dict[str, Any] = {name: getattr(keras_reprise, name) for name in keras_reprise.__all__}


def metrics() -> tuple[Metric, ...]:
    """Those with which the page says its words are made."""
    found: dict[str, Any] = {}
    exec(BLOCKS[1], NAMES, found)
    declared: tuple[Metric, ...] = found["METRICS"]
    return declared


@pytest.mark.parametrize(("written", "told", "measured_in"), [row[:3] for row in ROWS], ids=lambda text: text[:40])
def test_the_page_says_what_a_form_is_called(written, told, measured_in):
    value = eval(written, NAMES)
    require_sound(value, number=False)
    assert (words(value, metrics(), one_arm=True), unit(value, metrics())) == (told, measured_in.strip())


def test_the_page_has_every_form_and_every_word():
    values = [eval(row[0], NAMES) for row in ROWS]
    assert {type(form) for value in values for form in forms(value)} == set(grammar.Form.__subclasses__())
    page = " ".join(row[0] for row in ROWS) + PAGE
    public = [name for name, one in vars(authoring).items() if getattr(one, "__module__", "") == authoring.__name__]
    for name in [one for one in public if not one.startswith("_")]:
        assert f"{name}(" in page, name
        assert getattr(keras_reprise, name) is getattr(authoring, name)
    for name in ("below", "above", "between", "near", "equal", "below_each", "above_each"):
        assert f"`{name}(" in PAGE
        assert getattr(keras_reprise, name) is getattr(bounds, name)
    for name in (*ROLES, *KINDS):
        assert f"`{name}`" in PAGE, name


def test_the_claim_on_the_page_can_be_written():
    (claim,) = eval(BLOCKS[0], NAMES).each()
    card = claim.card(metrics(), one_arm=True)
    assert (card["id"], card["interval"]) == ("drop-lowers-train-loss", [None, 0.0])
    assert card["statistic"] == (
        "Mean of the training loss over the 5 epochs after the drop minus the mean of the training loss over the 5 "
        "epochs before the drop"
    )
    series = re.search(r"`(PrintedSeries\(.*?\))` is a table", PAGE)
    assert series is not None
    assert [one.id for one in eval(series[1], NAMES | {"COSTS": (2.3, 2.2)}).each()] == ["cost-1", "cost-2"]


def test_the_page_is_one_page_and_linked():
    assert len(PAGE.splitlines()) < 130
    for page in ("CONTRIBUTING.md", "README.md"):
        assert "docs/claims.md" in (Path(__file__).parents[2] / page).read_text("utf-8")
