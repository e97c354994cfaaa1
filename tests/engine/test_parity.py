"""The engine trains a model as `fit` does or refuses it in a sentence: the most telling cases of the parity suite.

All of them, on every backend: `tox -e parity`.
"""

import parity
import pytest
from parity_cases import CASES, GROUPS, TELLING
from parity_training import outcome, relative

pytestmark = pytest.mark.slow

pytest.importorskip("keras")
BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("name", [name for name in TELLING if BY_NAME[name].refused is None])
def test_training_gives_the_numbers_of_fit(name):
    found = outcome(BY_NAME[name])
    assert found.ok, f"{BY_NAME[name].shows}: {found.status}"


@pytest.mark.parametrize("name", [name for name in TELLING if BY_NAME[name].refused is not None])
def test_what_the_engine_does_not_support_is_refused_in_a_sentence(name):
    found = outcome(BY_NAME[name])
    assert found.ok, f"{BY_NAME[name].shows}: {found.status}"
    assert found.status.startswith("refused")


def test_a_tenth_of_the_cases_runs_in_the_ordinary_tests():
    assert len(CASES) >= 80
    assert len(BY_NAME) == len(CASES), "a name twice"
    assert 10 * len(TELLING) >= len(CASES)
    assert {BY_NAME[name].group for name in TELLING} <= set(GROUPS)


def test_the_table_of_what_is_supported_is_what_the_cases_say():
    document = parity.DOCUMENT.read_text()
    assert parity.with_table(document) == document, "python tests/support/parity.py --write-table"


def test_numbers_that_are_not_finite_or_not_there_are_no_parity():
    assert relative([1.0, 2.0], [1.0, 4.0]) == 0.5
    assert relative([float("nan")], [float("nan")]) == float("inf")
    assert relative([1.0], [1.0, 1.0]) == float("inf")
