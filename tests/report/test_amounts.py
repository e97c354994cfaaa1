"""A claim's number in a sentence."""

import math
from pathlib import Path

import pytest

from keras_reprise.judge.groups import gather
from keras_reprise.report.amounts import amount
from keras_reprise.report.cite import citations
from keras_reprise.report.cite.quantities import quantities
from keras_reprise.report.cite.quoting import differences, plain_text, quoted_numbers, quoted_text
from keras_reprise.store.store import Store


@pytest.mark.parametrize(
    ("statistic", "unit", "kind", "numbers", "told"),
    [
        (
            "Last test error of `drop` minus the last test error of `constant`", "points", "continuous",
            (-2.1, 0.5, -2.7, -1.5),
            "the last test error of `drop` is lower than the last test error of `constant` by 2.10 points (1.50 to 2.70)",
        ),
        (
            "Last test error minus the test error at the epoch of the lowest test loss, of `drop`", "points", "continuous",
            (0.04, 0.8, -0.8, 0.9),
            "for `drop` the last test error is higher than the test error at the epoch of the lowest test loss by 0.04 points "
            "(-0.80 to 0.90)",
        ),
        ("Share of configurations that are faster", "share", "continuous", (0.9414, 0.01, 0.93, 0.95),
         "the share of configurations that are faster is 94.1 % (93.0 % to 95.0 %)"),
        ("Validation accuracy at epoch 10 minus the validation accuracy at epoch 1", "fraction", "continuous",
         (0.077, 0.03, 0.043, 0.111),
         "the validation accuracy at epoch 10 is higher than the validation accuracy at epoch 1 by 7.7 points (4.3 to 11.1)"),
        ("Images per second at batch 128 over those at 1", "ratio", "positive", (39.1, 5.0, 28.5, 53.5),
         "the ratio of the images per second at batch 128 to those at 1 is 39.1 (28.5 to 53.5)"),
        ("Whether both ends take longer", "share", "share", (1 / 3, 0.5, 0.04, 0.78),
         "both ends take longer in 33 % of the replicates (4 % to 78 %)"),
        ("Whether the lowest change of the output is above 0, of `one`", "", "exact", (1.0, math.nan, math.nan, math.nan),
         "for `one` the lowest change of the output is above 0 in 100 % of the replicates"),
        ("Number of explosions within ten epochs", "share", "share", (1.0, 0.0, 0.88, 1.0), "so it is in 100 % of the replicates"),
        ("Iterations an epoch, of `divides`", "", "exact", (50.0, 0.0, 50.0, 50.0), "the iterations an epoch of `divides` are 50"),
        ("Last test error, of `both`", "percent", "continuous", (7.864, 0.1, 7.773, 7.954),
         "the last test error of `both` is 7.86 % (7.77 % to 7.95 %)"),
        ("Rank correlation of the loss and the epoch", "rank correlation", "discrete", (0.9, 0.0, 0.9, 0.9),
         "the rank correlation of the loss and the epoch is 0.9"),
        ("(a over b) to the power of 2", "", "positive", (1.4, 0.1, 1.3, 1.5), "1.40 (1.30 to 1.50)"),
        ("Last loss", "nats", "continuous", (math.nan, math.nan, math.nan, math.nan), "-"),
        ("Last loss; where the number of epochs is above 5", "nats", "continuous", (2.0, 0.1, 1.9, 2.1),
         "where the number of epochs is above 5, the last loss is 2.00 nats (1.90 to 2.10)"),
        ("Keras's hinge loss before training", "", "continuous", (1.0, 0.1, 0.9, 1.1), "Keras's hinge loss before training is 1.00 (0.90 to 1.10)"),
    ],
)  # fmt: skip
def test_a_number_is_told_in_a_sentence(statistic, unit, kind, numbers, told):
    mean, sd, low, high = numbers
    assert amount(statistic, unit, kind, mean, sd, (low, high), exact=sd == 0).whole == told


@pytest.mark.slow
def test_every_sentence_of_the_repository_s_results_is_right_when_it_is_checked():
    store = Store(Path(__file__).parents[2] / "results")
    summaries, _ = store.usable(store.summaries()[0])
    checked = 0
    for group in gather(summaries, store):
        for one in quantities(group, store):
            cited = citations.Citation(group, "key", "hardware", "short", "software", None, "replay", quantity=one)
            plain = plain_text(citations.sentence(cited).partition("reprise:")[0])
            quoted = quoted_text(plain, 0, len(plain))
            assert not list(differences(quoted, "", one)), quoted
            assert bool(one.n) == bool(list(quoted_numbers(quoted, "", one))), quoted
            checked += 1
    assert checked > 1000
