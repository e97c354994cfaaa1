"""How numbers and commands are printed."""

import math
import re
import shlex

import pytest
from msgspec.structs import replace
from summaries import summary

from keras_reprise import catalog
from keras_reprise.judge import verdicts
from keras_reprise.judge.groups import Group
from keras_reprise.record import wording
from keras_reprise.record.schema import Card, ClaimCard, DataRef, RecipeRef
from keras_reprise.report import phrases


@pytest.mark.parametrize(
    ("value", "mean", "sd", "text"),
    [
        (-0.24194, -0.24194, 0.0039, "-0.2419"),
        (-0.246, -0.24194, 0.0039, "-0.2460"),
        (39.083, 39.083, 4.9, "39.1"),
        (2017.3, 2017.3, 150.0, "2017"),
        (-0.004, -0.03, 0.28, "0.00"),
        (1.0, 1.0, 0.0, "1"),
        (102760448.0, 102760448.0, 0.0, "102760448"),
        (2.8e31, 2.8e31, 1e32, "2.8e+31"),
        (1.25e-7, 1.25e-7, 1e-8, "1.25e-07"),
        (0.5, 0.5, math.nan, "0.5"),
        (math.nan, math.nan, math.nan, "-"),
    ],
)
def test_means_and_intervals_show_two_digits_of_the_deviation(value, mean, sd, text):
    assert wording.aligned(value, mean, sd) == text


def test_replay_names_seeds_backend_precision_and_substitute():
    environment = {"backend": {"name": "jax"}, "precision": "tf32"}
    data = DataRef("digits", "0" * 64, 1, 1, True)
    entry = catalog.find("lr-nan")
    ours = RecipeRef("lr-nan", entry.version, "quick", "0" * 64, "0" * 64, entry.measurements["quick"]["jax"])
    three = [replace(summary(seed, {}, data=data), recipe=ours) for seed in (1, 2, 3)]
    assert phrases.replay(three, environment) == (
        f"reprise run lr-nan@{entry.version} --scale quick --seeds 3 --backend jax --precision tf32 --data digits"
    )
    assert "--seeds 2,2" in phrases.replay(three[1:2], {})
    assert "--seeds 1,3" in phrases.replay(three[::2], {})


def test_replay_of_one_s_own_recipe_names_the_source_that_its_file_must_be():
    found = phrases.replay([summary(1, {})], {})
    assert re.fullmatch(r"reprise run \./[a-z-]+\.py --measurement [0-9a-f]{12} --scale quick --seeds 1", found)


def test_a_replay_command_is_safe_to_paste():
    data = DataRef("x; rm -rf ~ `id`", "0" * 64, 1, 1, True)
    words = shlex.split(phrases.replay([summary(1, {}, data=data)], {"backend": {"name": "tensorflow; id"}}))
    assert words[-2:] == ["--data", "x; rm -rf ~ `id`"]
    assert "--backend" not in words


def test_facts_of_the_wrong_kind_do_not_stop_a_page():
    assert wording.software({"backend": "jax", "python": None}) == "Keras None on None None, None, Python None"
    assert wording.hardware({"gpus": "many"}) == "None, None cores, None GiB, no GPU"


def ruled(kind, numbers, role="rule", says="Halving the rate after 25 epochs lowers the training loss."):
    """A group with one claim of this kind and role, below 0.5."""
    claim = ClaimCard("c", "", "", "", "nats", (None, 0.5), False, kind=kind, role=role)
    card = Card("plain", 1, says, "", [], {}, [claim], [], {})

    class Cards:
        def card(self, digest: str) -> Card:
            return card

        def judging(self, measurement: str) -> None:
            return None

        def values(self, card: Card, summaries: object) -> dict[str, dict[str, float | None]]:
            return {}

    members = [summary(seed, {"c": value}) for seed, value in enumerate(numbers, start=1)]
    return Group(tuple(members), card, tuple(verdicts.of_group(members, Cards())))


@pytest.mark.parametrize(
    ("kind", "numbers", "line"),
    [
        ("continuous", [-0.2, -0.22, -0.24, -0.19, -0.21, -0.2], "n=6  -0.210 nats, -0.229 to -0.191"),
        ("discrete", [0, 0, 0, 0, 0, 1], "n=6  in 5 of 6 replicates"),
        ("exact", [0.25, 0.25, 0.25], "n=3  0.25 nats"),
        ("share", [0.0] * 6, "n=6  in 0 of 6 replicates"),
        ("continuous", ["nan"] * 3, "n=0  no number"),
    ],
)
def test_the_line_of_a_rule_says_verdict_recipe_n_finding_and_the_rule(kind, numbers, line):
    group = ruled(kind, numbers)
    whole = f"{group.rule.verdict}  plain quick  {line}  {group.rule.rule}"
    assert phrases.rule_rows([group], columns=140) == [whole]
    many = phrases.rule_rows([group] * 13)
    assert {row.rstrip("…") in whole and line in row and len(row) <= phrases.WIDTH for row in many} == {True}


def test_lines_of_rules_fit_and_stand_below_each_other():
    long = ruled("continuous", [-0.2, -0.22, -0.24, -0.19, -0.21, -0.2], says="word " * 40)
    old = ruled("continuous", [-0.2, -0.22, -0.24], role="")
    rows = phrases.rule_rows([long, old])
    assert max(map(len, rows)) == phrases.WIDTH
    assert rows[1].endswith("…")
    assert "no rule told" in rows[2]
    assert "1 reproduced, 0 contr" in rows[3]
    assert rows[0].index("plain") == rows[1].index("word") == rows[2].index("plain")


def at_full_scale(group):
    """The same at full scale."""
    members = tuple(replace(one, recipe=replace(one.recipe, scale="full")) for one in group.members)
    return Group(members, group.card, group.verdicts)


@pytest.mark.parametrize(
    ("kind", "replicates", "stands"), [("continuous", 2, "quick"), ("continuous", 3, "full"), ("exact", 1, "full")]
)
def test_full_scale_stands_for_a_recipe_once_its_replicates_can_decide(kind, replicates, stands):
    quick, full = ruled(kind, [0.25] * 6), at_full_scale(ruled(kind, [0.25] * replicates))
    assert max(quick, full, key=lambda group: group.rank).scale == stands
