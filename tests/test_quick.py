"""The quick tests are those of what changed."""

import pytest
import quick
from test_layers import SOURCE

ALWAYS = {"tests/test_layers.py", "tests/test_architecture.py"}


@pytest.mark.parametrize(
    ("path", "tests"),
    [
        ("src/keras_reprise/judge/verdicts.py", {"tests/judge"}),
        ("src/keras_reprise/report/cite/latex.py", {"tests/report/cite"}),
        ("src/keras_reprise/report/site/build.py", {"tests/report"}),
        ("src/keras_reprise/engine/backends/jax.py", {"tests/engine"}),
        ("src/keras_reprise/schedules.py", {"tests/vocabulary"}),
        ("tests/base/test_seeds.py", {"tests/base/test_seeds.py"}),
        ("tests/base/test_deleted.py", set()),
        ("tests/support/parity_cases.py", {"tests/engine/test_parity.py"}),
        ("docs/engine.md", {"tests/docs", "tests/test_project.py"}),
        ("recipes/sanity/lr-nan.py", {"tests/test_project.py"}),
        ("examples/xor-needs-hidden-units.py", {"tests/cli/test_new.py"}),
    ],
)
def test_a_changed_file_has_the_tests_of_its_folder(path, tests):
    assert set(quick.tests_of([path])) == tests | ALWAYS


def test_a_file_within_a_folder_that_is_tested_is_not_run_twice():
    paths = ["src/keras_reprise/report/site/build.py", "src/keras_reprise/report/cite/latex.py"]
    assert quick.tests_of(paths) == ["tests/report", *sorted(ALWAYS)]


def test_a_changed_recipe_is_measured():
    paths = [
        "recipes/sanity/lr-nan.py",
        "recipes/sanity/deleted.py",
        "recipes/recipes.lock",
        "src/keras_reprise/flops.py",
    ]
    assert quick.recipe_slugs(paths) == ["lr-nan"]


def test_every_folder_of_the_package_has_tests_of_its_own():
    folders = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert {quick.tests_of([f"src/keras_reprise/{one}/new.py"])[0] for one in folders} == {
        f"tests/{one}" for one in folders
    }
