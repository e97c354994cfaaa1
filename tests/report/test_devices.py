"""A rule's answers on a CPU and on a GPU beside each other, and why they differ."""

from types import SimpleNamespace
from typing import Any

import pytest

from keras_reprise.report.site.cards import BothDevices, RuleAnswer, RuleCard
from keras_reprise.report.site.model import Site
from keras_reprise.report.site.places import PlaceView

WHY = "n = 2; at least 3 replicates are needed"


def an_answer(device, verdict="reproduced", setting="quick", *, substitute=False):
    group: Any
    place = PlaceView("0" * 12, "1" * 12, {}, {"device": {"CPU": "cpu", "GPU": "gpu x1"}[device]})
    rule = SimpleNamespace(deciding=SimpleNamespace(n=6, reason=WHY), claims=[None])
    group = SimpleNamespace(setting=setting, rule=rule, complete=[None] * 6, substitute=substitute)
    return RuleAnswer(group, place, verdict, None, surprising=False)


PAGE: Any = SimpleNamespace(rule=None)


def a_card(*answers):
    return RuleCard(PAGE, answers, None)


def test_a_rule_of_one_device_stands_beside_nothing():
    assert a_card(an_answer("CPU"), an_answer("CPU")).on_both is None
    assert a_card(an_answer("GPU")).on_both is None
    assert a_card(an_answer("CPU"), an_answer("GPU", "")).on_both is None  # one that names no rule
    assert a_card(an_answer("CPU"), an_answer("GPU", substitute=True)).on_both is None  # nothing on the rule


def test_answers_of_one_scale_are_set_side_by_side_and_else_the_first_of_each():
    first, alike, gpu = an_answer("CPU", setting="full"), an_answer("CPU"), an_answer("GPU")
    assert a_card(first, alike, gpu).on_both == BothDevices(PAGE, alike, gpu)
    both = a_card(first, gpu).on_both
    assert (both.cpu, both.gpu) == (first, gpu)


@pytest.mark.parametrize(
    ("cpu", "gpu", "same", "differ", "why"),
    [
        ("reproduced", "reproduced", True, False, ""),
        ("reproduced", "inconclusive", False, False, f"on the GPU: {WHY}"),
        ("inconclusive", "contradicted", False, False, f"on the CPU: {WHY}"),
        ("inconclusive", "inconclusive", False, False, f"on the CPU: {WHY}; on the GPU: {WHY}"),
        ("reproduced", "contradicted", False, True, "Both are decided: the numbers differ."),
    ],
)
def test_it_is_said_what_stands_between_them(cpu, gpu, same, differ, why):
    both = a_card(an_answer("CPU", cpu), an_answer("GPU", gpu)).on_both
    assert (both.same, both.differ, both.why) == (same, differ, why)


def test_rules_whose_verdicts_differ_come_first():
    agree, differ = (a_card(an_answer("CPU"), an_answer("GPU", gpu)) for gpu in ("reproduced", "inconclusive"))
    site = Site((), (), (), (), 0, cards=(agree, differ, a_card(an_answer("CPU"))))
    assert [both.same for both in site.on_both] == [False, True]
