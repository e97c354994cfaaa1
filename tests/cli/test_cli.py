"""The command: bad input gives one clear message and the right exit code, and leaves the store alone."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keras_reprise import __version__, catalog
from keras_reprise.base import progress
from keras_reprise.base.errors import UserError
from keras_reprise.run.words import seeds_meant


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "Say what to run"),
        (["run", "cifar10-lr-dorp"], "Did you mean cifar10-lr-drop"),
        (["run", "cifar10-lr-drop@9"], "has no version '9'"),
        (["run", "init-relu-xavier-vs-he", "--scale", "huge"], "has no scale 'huge'"),
        (["run", "init-relu-xavier-vs-he", "--arm", "she"], "has no arm 'she'"),
        (["run", "init-relu-xavier-vs-he", "--seeds", "0"], "never 0"),
        (["run", "init-relu-xavier-vs-he", "--seeds", "1,0"], "never 0"),
        (["run", "init-relu-xavier-vs-he", "--seeds", "many"], "no number of seeds"),
        (["run", "init-relu-xavier-vs-he", "--backend", "theano"], "no backend 'theano'"),
        (["run", "--suite", "everything"], "no suite 'everything'"),
        (["run", "--family", "none"], "no family 'none'"),
        (["run", "./missing.py"], "no recipe file ./missing.py"),
        (["show", "nothing"], "no recipe 'nothing'"),
        (["verdict", "nothing"], "no recipe 'nothing'"),
        (["list", "--family", "none"], "No recipe matches"),
    ],
)
def test_bad_input_is_one_message_and_exit_2(arguments, words, store_path, reprise):
    extra = ["--store", store_path] if arguments[0] in ("run", "verdict") else []
    if arguments[0] == "verdict":
        shutil.copytree(Path(__file__).parents[1] / "data" / "golden-schema-1", store_path)
    result = reprise(*arguments, *extra)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    if arguments[0] == "run":
        assert not list(store_path.rglob("seed*.json"))


@pytest.mark.parametrize(
    "command",
    [
        ["report", "--output"],
        ["export", "--output"],
        ["export", "--format", "parquet", "--output"],
        ["export", "--format", "ro-crate", "--output"],
        ["export", "--format", "mlflow", "--output"],
        ["cite", "plain", "--figures"],
    ],
)
def test_output_that_cannot_be_written_is_one_message(filled_store, tmp_path, reprise, command):
    (tmp_path / "file").write_text("in the way")
    result = reprise(*command, tmp_path / "file" / "below", "--store", filled_store)
    assert result.exit_code == 2, result.output
    assert "Nothing can be written" in result.output or "is missing" in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_backend_that_is_not_installed_says_how_to_get_it(store_path, reprise, monkeypatch):
    from keras_reprise.engine.backends import start

    monkeypatch.setattr(start, "installed", lambda: ["tensorflow"])
    result = reprise("run", "init-relu-xavier-vs-he", "--backend", "jax", "--store", store_path)
    assert (result.exit_code, "jax is not installed" in result.output, "pip install" in result.output) == (
        2,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('"""x"""\nimport nonexistent_module\n', "line 2: ModuleNotFoundError"),
        ('"""x"""\ndef (:\n', "line 2: SyntaxError"),
        ('"""x"""\nRECIPE = 3\n', "defines no RECIPE"),
    ],
)
def test_a_recipe_that_does_not_import_names_the_line(tmp_path, store_path, reprise, source, words):
    path = tmp_path / "mine.py"
    path.write_text(source)
    result = reprise("run", path, "--store", store_path)
    assert (result.exit_code, words in result.output, "Traceback" in result.output) == (2, True, False)
    assert not list(store_path.rglob("seed*.json"))


def test_a_recipe_with_two_claims_of_one_id_is_refused(tmp_path, store_path, plain_recipe, reprise):
    path = tmp_path / "mine.py"
    path.write_text(plain_recipe.read_text().replace("two-is-three", "two-is-two"))
    result = reprise("run", path, "--store", store_path)
    assert (result.exit_code, "two claims named two-is-two" in result.output) == (2, True)


def test_running_a_file_of_ones_own_says_that_it_runs_code(filled_store, plain_recipe, reprise):
    assert "running it runs its code" in reprise("run", plain_recipe, "--seeds", 6, "--store", filled_store).output


def test_list_names_every_recipe_and_no_data_only_those_without(reprise):
    listed = {row["slug"]: row["data"] for row in json.loads(reprise("list", "--json").output)}
    without = {row["slug"] for row in json.loads(reprise("list", "--no-data", "--json").output)}
    assert {"cifar10-lr-drop", "init-activation-std-tanh"} <= set(listed)
    assert without == {slug for slug, data in listed.items() if data is None}
    assert "init-activation-std-tanh" in reprise("list").output


def test_show_says_claims_intervals_and_errata(reprise):
    text = reprise("show", "init-activation-std-tanh").output
    assert "std-xavier-layer-5" in text
    assert "Erratum The document prints 0.357108 for layers 4 and 5." in text
    assert json.loads(reprise("show", "init-activation-std-tanh@1", "--json").output)["version"] == 1


def test_show_tells_the_rule_first_and_retired_claims_last_with_the_reason(reprise):
    text = reprise("show", "lr-nan").output
    places = [
        text.index(words) for words in ("nan-in-first-epoch (rule)", "(detail)", "(table)", "one-class-left (retired)")
    ]
    assert places == sorted(places)
    assert text.index("Counts no more: by definition") > places[-1]


def test_verdict_json_has_the_promised_keys(filled_store, reprise):
    rows = json.loads(reprise("verdict", "plain", "--store", filled_store, "--json").stdout)
    keys = {
        "recipe",
        "version",
        "scale",
        "claim",
        "verdict",
        "n",
        "n_failed",
        "mean",
        "sd",
        "ci_low",
        "ci_high",
        "interval",
        "unit",
        "machine",
        "environment",
        "data",
    }
    assert keys <= set(rows[0])
    assert {row["claim"]: row["verdict"] for row in rows} == {
        "two-is-two": "reproduced",
        "two-is-three": "contradicted",
    }
    assert rows[0]["interval"] == [1.9, 2.1]


def test_verdict_prints_what_it_rests_on(filled_store, reprise):
    text = reprise("verdict", "-v", "--store", filled_store).output
    for words in (
        "contradicted",
        "cores",
        "Keras",
        "data none",
        "erratum X0",
        "1 reproduced, 1 contradicted, 0 inconclusive.",
    ):
        assert words in text


def test_inconclusive_is_exit_5_only_with_strict(store_path, plain_recipe, reprise):
    reprise("run", plain_recipe, "--seeds", 1, "--store", store_path)
    assert reprise("verdict", "--store", store_path).exit_code == 0
    assert reprise("verdict", "--store", store_path, "--strict").exit_code == 5


def test_no_matching_record_is_exit_3_with_the_command_that_makes_one(filled_store, reprise):
    result = reprise("verdict", "cifar10-lr-drop", "--store", filled_store)
    assert (result.exit_code, "reprise run cifar10-lr-drop" in result.output) == (3, True)
    assert reprise("verdict", "--scale", "full", "--store", filled_store).exit_code == 3


def test_status_counts_replicates(filled_store, reprise):
    rows = json.loads(reprise("status", "--store", filled_store, "--json").stdout)
    assert [(row["recipe"], row["scale"], row["complete"], row["failed"]) for row in rows] == [("plain", "quick", 6, 0)]


def test_doctor_and_data_answer_without_data(tmp_path, reprise, monkeypatch):
    monkeypatch.delenv("REPRISE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert "digits works offline" in reprise("doctor").output
    states = {row["name"]: row["state"] for row in json.loads(reprise("data", "list", "--json").output)}
    assert states == {"cifar10": "not usable", "digits": "verified"}


@pytest.mark.parametrize(("text", "seeds"), [("3", (1, 2, 3)), ("1,4,7", (1, 4, 7)), ("4,4", (4,)), (None, ())])
def test_seeds_in_words(text, seeds):
    assert seeds_meant(text) == (seeds, False)


def test_auto_goes_to_thirty():
    assert seeds_meant("auto") == (tuple(range(1, 31)), True)


def test_superseded_names_are_found_by_version(monkeypatch):
    assert catalog.find("cifar10-lr-drop@1").version == 1
    with pytest.raises(UserError, match="no version"):
        catalog.find("cifar10-lr-drop@x")


def test_version_is_that_of_the_package(reprise):
    assert __version__ in reprise("--version").output


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_times_read_well(seconds, words):
    assert progress.format_seconds(seconds) == words


def test_progress_estimates_from_what_was_measured_not_from_the_cache(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    shown = progress.Progress(quiet=True)
    shown.plan("kind", 3)
    assert shown.time_left() == "time left unknown"
    shown.arm("worker", "b", "kind")
    now[0] = 10.0
    shown.epoch("worker", 1, 2, "epoch 1/2, loss 0.5000")
    assert shown.time_left() == "50 s left"


def test_progress_counts_what_all_workers_do(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    shown = progress.Progress(quiet=True)
    shown.plan("kind", 4)
    shown.arm("one", "a", "kind")
    shown.arm("two", "b", "kind")
    now[0] = 10.0
    shown.epoch("one", 1, 2, "")
    shown.epoch("two", 1, 2, "")
    assert shown.time_left() == "30 s left"
    shown.arm_done("one")
    shown.arm_given_up("two")
    assert (shown.done, shown.time_left()) == (1, "30 s left")


def test_progress_knows_that_recipes_take_unlike_times(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    shown = progress.Progress(quiet=True)
    shown.plan("short", 4, before_s=1.0)
    shown.plan("long", 2, before_s=100.0)
    assert shown.time_left() == "3 min 24 s left"
    shown.arm("worker", "a", "short")
    now[0] = 2.0  # this machine is half as fast
    shown.arm_done("worker")
    assert shown.time_left() == "6 min 46 s left"
    shown.plan("new", 1)  # nobody knows: taken for the mean of the others
    assert shown.time_left() == "8 min 27 s left"


def test_progress_is_said_now_and_then_not_for_every_epoch(monkeypatch):
    now, stream = [0.0], io.StringIO()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    shown = progress.Progress(stream)
    shown.plan("kind", 1)
    shown.arm("worker", "a", "kind")
    for epoch in range(1, 41):
        now[0] = float(epoch)
        shown.epoch("worker", epoch, 40, f"epoch {epoch}/40")
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "a: time left unknown (0 of 1 arms done)",
        "a: epoch 15/40",
        "a: epoch 30/40",
    ]


def test_the_part_of_an_arm_that_an_earlier_run_did_says_nothing_of_the_pace(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    shown = progress.Progress(quiet=True)
    shown.plan("kind", 2)
    shown.arm("worker", "a", "kind")
    now[0] = 3.0
    shown.epoch("worker", 9, 10, "")  # eight were done before
    assert shown.time_left() == "33 s left"
    now[0] = 6.0
    shown.arm_done("worker")
    assert shown.time_left() == "30 s left"


def test_every_command_is_in_the_file_that_the_table_says():
    import importlib
    import pkgutil

    from keras_reprise import cli
    from keras_reprise.cli.root import COMMANDS, main

    for module in pkgutil.iter_modules(cli.__path__):
        importlib.import_module(f"keras_reprise.cli.{module.name}")
    found = {name: command.callback.__module__.rpartition(".")[2] for name, command in main.commands.items()}
    assert found == {command: file for file, commands in COMMANDS.items() for command in commands}


@pytest.mark.slow
def test_whoever_has_read_enough_ends_it_quietly():
    command = [sys.executable, "-m", "keras_reprise", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # as `head -1` does
        said = process.stderr.read()
    assert (process.returncode, said) == (1, "")
