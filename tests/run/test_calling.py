"""`keras_reprise.run(...)` runs as the command does, and gives back what it was about."""

import subprocess
import sys

import pytest

import keras_reprise as kr
from keras_reprise.base.errors import UserError
from keras_reprise.run import calling


def test_what_was_asked_for_comes_back_and_nothing_else(plain_recipe, filled_store):
    found = kr.run(plain_recipe, seeds=[2, 7], store=filled_store, workers=0)
    assert sorted(one.replicate.seed for one in found._summaries) == [2, 7]
    assert len(kr.results(filled_store)) == 7


def test_what_is_there_is_not_measured_again(plain_recipe, filled_store):
    before = {path.name for path in filled_store.rglob("seed*.json")}
    assert len(kr.run(plain_recipe, seeds=6, store=filled_store, workers=0)) == 6
    assert {path.name for path in filled_store.rglob("seed*.json")} == before


def test_failed_replicates_come_back_too(plain_recipe, store_path, monkeypatch, capsys):
    monkeypatch.setenv("PLAIN_FAILS", "one")
    found = kr.run(plain_recipe, seeds=1, store=store_path, workers=0)
    assert [one.status for one in found._summaries] == ["failed"]
    assert "1 replicates failed; retry_failed=True" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seeds", "word"), [(None, None), (6, "6"), ([1, 4], "1,4"), ([7], "7,7"), (range(2, 4), "2,3"), ("auto", "auto")]
)
def test_seeds_are_those_of_the_command(seeds, word):
    assert calling._as_word(seeds) == word


@pytest.mark.parametrize(
    ("recipes", "options", "sentence"),
    [((), {}, "Say what to run"), (("lr-nna",), {}, "Did you mean lr-nan"), (("lr-nan",), {"seeds": 0}, "never 0"),
     (("lr-nan",), {"seeds": []}, "no seeds"), (("lr-nan",), {"data": "imagenet"}, "no data set 'imagenet'")],
)  # fmt: skip
def test_what_cannot_be_run_is_said_in_a_sentence(recipes, options, sentence, store_path):
    with pytest.raises(UserError, match=sentence):
        kr.run(*recipes, store=store_path, **options)
    assert not store_path.exists()


def test_an_interruption_leaves_the_session_alive(plain_recipe, store_path, monkeypatch):
    def interrupted(*_):
        raise SystemExit(130)

    monkeypatch.setattr(calling, "run_jobs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kr.run(plain_recipe, store=store_path)


@pytest.mark.parametrize("before", ["", "import keras_reprise.run.request", "kr.run"])
def test_it_can_be_called_whether_the_package_of_its_name_was_imported_or_not(before):
    code = f"""import keras_reprise as kr
from keras_reprise.base.errors import UserError
{before}
try:
    kr.run()
except UserError as error:
    print(error)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Say what to run")


@pytest.mark.slow
def test_a_session_measures_in_a_process_of_its_own(tiny_recipe, store_path):
    """Keras is imported by the worker alone; what it prints is not taken for the session's."""
    code = f"""import sys, keras_reprise as kr
found = kr.run({str(tiny_recipe)!r}, seeds=1, store={str(store_path)!r}, workers=1, backend="jax")
print(len(found), "keras" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
