"""A claim that could not be evaluated has no number, and a sentence says why; nothing else is lost."""

import json
import math

import numpy as np
import pytest
from faults import documents
from wrongs import write

from keras_reprise import Scale
from keras_reprise.judge.decisions import decide
from keras_reprise.measure.evaluation import asked, evaluated, summarised
from keras_reprise.recipe.numbers import ArmResult
from keras_reprise.record.schema import ClaimCard


def arm(status="complete", trials=(), **metrics):
    curves = {"loss": np.array([3.0, 2.0])}
    return ArmResult(status, metrics, curves if status != "failed" else {}, {}, list(trials))


ARMS = {"a": arm(x=1.0), "cut": arm("diverged"), "gone": arm("failed")}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "its statistic gave None"),
        ("return np.array([1.0])", "an array of shape (1,)"),
        ("return '0,5'", "a comma is no decimal point"),
        ("return float('nan')", "its statistic gave nan"),
        ("return np.inf", "its statistic gave inf"),
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
        ("return {}['b']", "asked for 'b', which is not there (line"),
        ("return [][3]", "IndexError: list index out of range"),
        ("return arms['left'].metrics['value']", "there is no arm 'left'; there are wrong, right"),
        ("return arms['right'].metrics['vlaue']", "the arm 'right' has no metric 'vlaue'; it has value, x, rate"),
        ("return arms['right'].nothing", "has no attribute 'nothing'"),
        ("sys.exit(1)", "its statistic called exit(1)"),
        ("os._exit(1)", "its statistic called exit(1)"),
        ("raise KeyboardInterrupt", "its statistic raised KeyboardInterrupt"),
    ],
)
def test_a_statistic_that_goes_wrong_is_said_once_and_the_rest_is_recorded(tmp_path, store_path, reprise, body, words):
    result = reprise("run", write(tmp_path / "mine", statistic=body), "--seeds", 3, "--store", store_path, "--json")
    assert (result.exit_code, json.loads(result.stdout)["recorded"]) == (0, 3), result.output
    assert "Traceback" not in result.output
    assert result.stderr.count("the claim odd could not be evaluated: ") == 1
    assert words in result.stderr
    for document in documents(store_path):
        assert document["status"] == "complete"
        assert (document["claims"]["odd"] in ("nan", "inf"), document["claims"]["even"]) == (True, 1.0)
    (odd, even) = json.loads(reprise("verdict", "--store", store_path, "--json").stdout)
    assert (odd["verdict"], odd["n"], odd["reason"]) == ("inconclusive", 0, "no replicate gave a number")
    assert (even["verdict"], even["n"], even["reason"][:22]) == ("inconclusive", 3, "all 3 values are equal")
    assert reprise("verdict", "--store", store_path).exit_code == 0
    assert reprise("verdict", "--store", store_path, "--strict").exit_code == 5


def test_a_statistic_that_prints_and_changes_what_it_is_given_harms_no_other_claim(tmp_path, store_path, reprise):
    body = "print('x')\narms['right'].metrics['value'] = 7.0\narms['right'].curves['loss'].sort()\nscale.settings['x'] = 0\nreturn 5.0"
    result = reprise("run", write(tmp_path / "mine", statistic=body), "--store", store_path, "--json")
    assert json.loads(result.stdout)["recorded"] == 1
    (document,) = documents(store_path)
    assert document["claims"] == {"odd": 5.0, "even": 1.0}
    assert document["arms"]["right"]["curves"]["loss"] == [2.0, 1.0]


@pytest.mark.parametrize(
    "statistic",
    [
        lambda arms, scale: arms["gone"].metrics["x"],
        lambda arms, scale: arms["cut"].metrics["x"],
        lambda arms, scale: arms["gone"].curves["loss"][-1],
        lambda arms, scale: arms["gone"].trials[0]["accuracy"],
        lambda arms, scale: max(one.metrics["x"] for one in arms.values()),
    ],
)
def test_what_was_not_measured_is_no_number_and_nobodys_mistake(statistic):
    answer = asked(statistic, ARMS, Scale("quick"))
    assert math.isnan(answer.value)
    assert answer.fault == ""


@pytest.mark.parametrize(
    ("statistic", "words"),
    [
        (lambda arms, scale: arms["a"].metrics["y"], "the arm 'a' has no metric 'y'; it has x"),
        (lambda arms, scale: arms["a"].curves["loss"][7], "IndexError"),
        (lambda arms, scale: 1 / 0, "ZeroDivisionError"),
        (lambda arms, scale: arms["cut"].curves["loss"][7], "the curves of cut end early, because the arm diverged"),
        (lambda arms, scale: arms["b"].metrics["x"], "there is no arm 'b'; there are a, cut, gone"),
    ],
)
def test_a_statistics_own_error_is_never_taken_for_a_missing_arm(statistic, words):
    answer = asked(statistic, ARMS, Scale("quick"))
    assert math.isnan(answer.value)
    assert words in answer.fault


def test_a_statistic_may_ask_whether_something_was_measured():
    assert asked(lambda arms, scale: arms["cut"].metrics.get("x", 4.0), ARMS, Scale("quick")).value == 4.0
    assert asked(lambda arms, scale: "x" in arms["a"].metrics, ARMS, Scale("quick")).value == 1.0
    assert asked(lambda arms, scale: arms["gone"].status == "failed", ARMS, Scale("quick")).value == 1.0


def test_what_summarise_gives_is_checked_name_by_name():
    said: list[str] = []
    given = {"slope": 0.5, "p value": 0.1, "text": "0,5", 3: 1.0, "none": float("nan")}
    found = summarised(lambda arms, scale: given, ARMS, Scale("quick"), said.append)
    assert found["slope"] == 0.5
    assert math.isnan(found["text"])
    assert set(found) == {"slope", "text", "none"}
    assert [line.split(":")[0] for line in said] == [
        "summarise gave no number for 'p value'",
        "summarise gave no number for 'text'",
        "summarise gave no number for 3",
    ]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda arms, scale: None, "it returned NoneType"),
        (lambda arms, scale: 1 / 0, "ZeroDivisionError"),
        (lambda arms, scale: exit(3), "summarise called exit(3)"),
    ],
)
def test_a_summarise_that_goes_wrong_gives_no_numbers(function, words):
    said: list[str] = []
    assert summarised(function, ARMS, Scale("quick"), said.append) == {}
    assert words in said[0]
    assert summarised(lambda arms, scale: {"x": arms["gone"].metrics["x"]}, ARMS, Scale("quick"), said.append) == {}
    assert len(said) == 1


def test_every_claim_sees_arms_of_its_own():
    from keras_reprise import Claim

    def greedy(arms, scale):
        arms.clear()
        return 1.0

    claims = [
        Claim(name, "S.", "w", one, above=0.0, measures="m")
        for name, one in (("g", greedy), ("l", lambda arms, scale: len(arms)))
    ]
    assert evaluated(claims, lambda: dict(ARMS), Scale("quick"), print) == {"g": 1.0, "l": 3.0}


@pytest.mark.parametrize("exact", [False, True])
def test_a_claim_without_a_number_is_inconclusive_and_says_so(exact):
    card = ClaimCard("c", "S.", "w", "statistic", "", (0.0, None), exact)
    (decision,) = decide([np.array([])], [card])
    assert (decision.verdict, decision.reason) == ("inconclusive", "no replicate gave a number")
