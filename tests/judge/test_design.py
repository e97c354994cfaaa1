"""What people are told of the statistical design is what the judge and the run work with."""

from pathlib import Path

from keras_reprise.judge import design
from keras_reprise.run.words import seeds_meant

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_on_statistics_tells_the_design():
    text = (DOCS / "statistics.md").read_text("utf-8")
    *first, last = design.LOOKS
    for said in (
        f"significance level {design.LEVEL}",
        f"n is below {design.SMALLEST_N}",
        f"the usual looks at n = {', '.join(map(str, first))} and {last}",
        f"must be at most {design.LEVEL_OF_A_LOOK:.4f}",
        f"From n = {design.EXACT_FROM_N} on, the exact p",
        f"sample skewness beyond {design.SKEWED}, n at least {design.EXACT_FROM_N}",
    ):
        assert said in text


def test_seeds_auto_ends_with_the_last_look(reprise):
    assert seeds_meant("auto") == (tuple(range(1, design.LOOKS[-1] + 1)), True)
    help_text = " ".join(reprise("run", "--help").stdout.split())
    *first, last = design.LOOKS
    assert f"auto for {', '.join(map(str, first))} or {last}, as the verdicts need" in help_text


def test_six_replicates_are_the_fewest_whose_exact_test_can_decide():
    assert 2**-design.EXACT_FROM_N <= design.LEVEL_OF_A_LOOK < 2 ** -(design.EXACT_FROM_N - 1)
