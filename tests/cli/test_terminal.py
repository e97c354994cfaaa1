"""What the commands print fits the terminal: the repository's results, and a store whose names are long and hostile."""

from pathlib import Path

import keras
import pytest
from forging import forge
from hostile import HOSTILE

from keras_reprise.base.columns import size

RESULTS = Path(__file__).parents[2] / "results"
LONG = "-".join(["a-name-that-is-longer-than-many-terminals-are-wide"] * 2)[:85]


@pytest.fixture
def long_store(filled_store):
    """A store in which every name and sentence is long, and some are hostile."""

    def card(document):
        document |= {"title": HOSTILE * 3, "question": "宽字符" * 60, "data": None}
        document["scales"] = {name: dict.fromkeys((f"{LONG}-{n}" for n in range(5)), 7) for name in document["scales"]}
        for claim in document["claims"]:
            claim |= {
                "id": f"{claim['id']}-{LONG}",
                "says": HOSTILE * 3,
                "unit": LONG,
                "statistic": LONG,
                "where": LONG,
            }
            claim |= {"erratum": HOSTILE, "role": "rule"}

    def record(document):
        document["claims"] = {f"{name}-{LONG}": value for name, value in document["claims"].items()}
        document["data"] = {"name": LONG, "fingerprint": "0" * 64, "n_train": 1, "n_test": 1, "substitute": True}

    forge(
        filled_store, card=card, record=record, machine=lambda one: one.update(cpu=HOSTILE * 2, gpus=[LONG, "宽" * 60])
    )
    return filled_store


@pytest.mark.parametrize("wide", [60, 100, 180])
@pytest.mark.parametrize("command", ["verdict", "verdict -v", "status", "compare backend:{0} backend:{0} -v"])
def test_long_and_hostile_names_fit_the_terminal(long_store, reprise, monkeypatch, command, wide):
    monkeypatch.setenv("COLUMNS", str(wide))
    monkeypatch.chdir(long_store.parent)
    result = reprise(*command.format(keras.config.backend()).split(), "--store", long_store.name)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()
    for line in result.stdout.splitlines():
        assert size(line) <= wide, line
        assert line.isprintable()


@pytest.mark.parametrize(
    "command", ["list", "list -v", "show init-activation-std-tanh", "show cifar10-lr-drop -v", "data", "doctor"]
)
@pytest.mark.parametrize("wide", [60, 100])
def test_what_is_said_of_recipes_and_machine_fits_the_terminal(reprise, monkeypatch, command, wide):
    monkeypatch.setenv("COLUMNS", str(wide))
    lines = reprise(*command.split()).stdout.splitlines()
    assert lines
    assert max(map(size, lines)) <= wide


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["verdict", "verdict -v", "status", "status --missing", "compare backend:jax backend:tensorflow",
                "history cifar10-lr-drop/drop/test_error"],
)  # fmt: skip
def test_the_results_in_the_repository_fit_a_hundred_columns(reprise, monkeypatch, command):
    monkeypatch.chdir(RESULTS.parent)
    result = reprise(*command.split(), "--store", "results")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) > 5
    assert max(map(size, lines)) <= 100


def test_list_has_a_line_a_recipe_and_tells_all_with_v(reprise):
    short, whole = reprise("list", "--family", "sanity").stdout, reprise("list", "--family", "sanity", "-v").stdout
    assert short.splitlines()[0].split() == ["recipe", "data", "rule"]
    assert sum(line.startswith("lr-nan ") for line in short.splitlines()) == 1
    assert len(whole.splitlines()) > len(short.splitlines())
    assert "version 1, family sanity" in whole


def test_verdicts_are_in_colour_where_it_is_wanted(filled_store, reprise, monkeypatch):
    assert "\x1b" not in reprise("verdict", "-v", "--store", filled_store).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = reprise("verdict", "-v", "--store", filled_store).stdout
    assert "\x1b[32mreproduced\x1b[0m" in text
    assert "\x1b[31mcontradicted\x1b[0m" in text
    assert "\x1b" not in reprise("verdict", "--json", "--store", filled_store).stdout


def test_show_tells_a_printed_value_in_a_line_and_all_of_it_with_v(reprise):
    short, whole = (reprise("show", "init-activation-std-tanh", *more).stdout for more in ([], ["-v"]))
    assert "std-xavier-layer-5 (table): " in short
    assert "std-xavier-layer-5 (table)  [" in whole
