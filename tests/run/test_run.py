import json
import re
from pathlib import Path

import pytest
from faults import documents
from forging import records

from keras_reprise.base import failures
from keras_reprise.record import encoding
from keras_reprise.store.store import Store


def test_a_record_has_every_fixed_field(filled_store):
    document = documents(filled_store)[0]
    assert {
        "schema",
        "id",
        "recipe",
        "replicate",
        "data",
        "arms",
        "claims",
        "machine",
        "environment",
        "determinism",
        "code",
        "status",
        "started_at",
        "finished_at",
        "duration_s",
    } <= set(document)
    assert set(document["arms"]) == {"one", "two"}
    assert set(document["arms"]["one"]) == {
        "params",
        "metrics",
        "curves",
        "histograms",
        "trials",
        "cost",
        "time",
        "status",
        "error",
    }
    assert document["arms"]["two"]["params"] == {"value": 2.0}
    assert document["claims"]["two-is-two"] == document["arms"]["two"]["metrics"]["value"]


def test_a_second_run_measures_nothing_anew(filled_store, plain_recipe, reprise):
    result = reprise("run", plain_recipe, "--seeds", 6, "--store", filled_store, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        0,
        {"recorded": 0, "present": 6, "failed": 0, "waiting": 0},
    )


def test_no_record_or_document_names_a_path_user_or_host(filled_store):
    import getpass
    import socket

    words = [str(Path.home()), str(Path(__file__).parents[2]), socket.gethostname()]
    words += [getpass.getuser()] if len(getpass.getuser()) > 4 else []
    for path in filled_store.rglob("*.json"):
        text = path.read_text()
        assert not [word for word in words if word in text]
        assert not re.search(r'"/\w', text)


def test_a_failed_arm_is_recorded_counted_and_retried_only_when_asked(store_path, plain_recipe, reprise, monkeypatch):
    monkeypatch.setenv("PLAIN_FAILS", "two")
    first = reprise("run", plain_recipe, "--seeds", 1, "--store", store_path)
    assert first.exit_code == 4
    assert "Traceback" not in first.output
    document = documents(store_path)[0]
    assert (document["status"], document["arms"]["one"]["status"], document["arms"]["two"]["status"]) == (
        "failed",
        "complete",
        "failed",
    )
    assert document["arms"]["two"]["error"] == {"type": "RuntimeError", "message": "could not open <path>"}
    assert set(document["claims"].values()) == {"nan"}
    monkeypatch.delenv("PLAIN_FAILS")
    assert (
        json.loads(reprise("run", plain_recipe, "--seeds", 1, "--store", store_path, "--json").stdout)["present"] == 1
    )
    assert reprise("run", plain_recipe, "--seeds", 1, "--store", store_path, "--retry-failed").exit_code == 0
    rows = json.loads(reprise("verdict", "--store", store_path, "--json").stdout)
    assert (len(documents(store_path)), rows[0]["n"], rows[0]["n_failed"]) == (2, 1, 0)


def test_a_diverged_arm_is_recorded_not_raised(store_path, plain_recipe, reprise, monkeypatch):
    monkeypatch.setenv("PLAIN_DIVERGES", "one")
    assert reprise("run", plain_recipe, "--seeds", 1, "--store", store_path).exit_code == 0
    document = documents(store_path)[0]
    assert (document["status"], document["arms"]["one"]["status"]) == ("complete", "diverged")


def test_arms_can_be_measured_one_at_a_time(store_path, plain_recipe, reprise):
    first = json.loads(
        reprise("run", plain_recipe, "--seeds", 1, "--arm", "two", "--store", store_path, "--json").stdout
    )
    second = json.loads(
        reprise("run", plain_recipe, "--seeds", 1, "--arm", "one", "--store", store_path, "--json").stdout
    )
    assert (first["recorded"], first["waiting"], second["recorded"]) == (0, 1, 1)


def test_auto_stops_at_the_first_look_that_decides(store_path, plain_recipe, reprise):
    first = reprise("run", plain_recipe, "--seeds", "auto", "--store", store_path, "--json")
    again = reprise("run", plain_recipe, "--seeds", "auto", "--store", store_path, "--json")
    assert (first.exit_code, len(documents(store_path))) == (0, 6)
    assert (json.loads(first.stdout)["recorded"], json.loads(again.stdout)["present"]) == (6, 6)


def test_auto_goes_on_while_a_claim_is_open(store_path, tmp_path, plain_recipe, reprise):
    path = tmp_path / "plain.py"
    path.write_text(plain_recipe.read_text().replace("above=1.9, below=2.1", "above=2.0"))
    result = reprise("run", path, "--seeds", "auto", "--store", store_path, "--json")
    assert json.loads(result.stdout) == {"recorded": 30, "present": 0, "failed": 0, "waiting": 0}


def test_records_say_on_what_they_ran(filled_store):
    store, document = Store(filled_store), documents(filled_store)[0]
    machine = store.document("machines", document["machine"])
    environment = store.document("environments", document["environment"])
    assert set(machine) == {"architecture", "cores", "cpu", "gpus", "memory_gib", "os"}
    assert environment["backend"]["name"] in ("tensorflow", "jax")
    assert environment["keras"] == environment["packages"]["keras"]
    assert "keras-reprise" not in environment["packages"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("cannot open /home/me/x.txt", "cannot open <path>"),
        ("C:\\Users\\me\\x is bad", "<path> is bad"),
        ("3/4 of loss", "3/4 of loss"),
    ],
)
def test_paths_are_taken_out_of_error_messages(text, clean):
    assert failures.without_paths(text) == clean


def test_training_costs_are_counted_and_timed(store_path, tiny_recipe, reprise):
    result = reprise("run", tiny_recipe, "--seeds", 1, "--store", store_path)
    assert result.exit_code == 0, result.output
    (document,) = documents(store_path)
    arm = document["arms"]["constant"]
    assert arm["cost"]["params"] == (32 * 32 * 3 + 1) * 10
    assert arm["cost"]["flops"] == 2 * (
        2 * 32 * 32 * 3 * 10 + 10
    )  # forward, and the gradient of the one layer's weights
    time = arm["time"]
    assert min(time["first_step_s"], time["evaluation_s"], time["step_s"]["p05"]) > 0
    assert time["step_s"]["p05"] <= time["step_s"]["median"] <= time["step_s"]["p95"]
    assert time["flops_per_s"] == pytest.approx(arm["cost"]["flops"] * 220 / 5 / time["step_s"]["median"])


def test_precision_is_part_of_the_environment(store_path, tiny_recipe, reprise_process):
    done = reprise_process("run", tiny_recipe, "--seeds", 1, "--precision", "mixed_bfloat16", "--store", store_path)
    assert done.returncode == 0, done.stderr
    (environment,) = (store_path / "environments").glob("*.json")
    assert json.loads(environment.read_bytes())["precision"] == "mixed_bfloat16"


def test_an_unknown_precision_names_those_there_are(store_path, tiny_recipe, reprise):
    result = reprise("run", tiny_recipe, "--precision", "half", "--store", store_path)
    assert (result.exit_code, "mixed_float16" in result.output, "Traceback" in result.output) == (2, True, False)
    assert not (store_path / "records").exists() or not documents(store_path)


def test_what_a_recipe_prints_does_not_spoil_the_json(tmp_path, plain_recipe, store_path, reprise):
    chatty = tmp_path / "plain.py"
    chatty.write_text(plain_recipe.read_text().replace("    noise =", '    print("one moment")\n    noise ='))
    result = reprise("run", chatty, "--seeds", 1, "--store", store_path, "--json")
    assert json.loads(result.stdout)["recorded"] == 1
    assert "one moment" in result.stderr


@pytest.mark.parametrize(
    "seeds", ["99999999999999999999", "1,99999999999999999999", "9" * 5000, "9223372036854775808,1"]
)
def test_a_seed_that_no_table_holds_is_refused_before_anything_runs(store_path, plain_recipe, reprise, seeds):
    result = reprise("run", plain_recipe, "--seeds", seeds, "--store", store_path)
    assert (result.exit_code, "a seed is at most 4294967295" in result.stderr) == (2, True)
    assert not store_path.exists()


def test_more_replicates_than_anybody_measures_are_refused(store_path, plain_recipe, reprise):
    result = reprise("run", plain_recipe, "--seeds", 20_000, "--store", store_path)
    assert (result.exit_code, "20,000 replicates" in result.stderr) == (2, True)


def test_the_largest_seed_runs(store_path, plain_recipe, reprise):
    seed = 2**32 - 1
    assert reprise("run", plain_recipe, "--seeds", f"{seed},{seed}", "--store", store_path).exit_code == 0
    assert documents(store_path)[0]["replicate"]["seed"] == seed


@pytest.mark.parametrize("field", ["seed", "repeat"])
def test_a_record_with_a_number_beyond_64_bits_is_refused_with_a_sentence(filled_store, reprise, field):
    document = documents(filled_store)[0]
    document["replicate"][field] = 2**63
    document["id"] = encoding.record_id(document)
    records(filled_store)[0].write_bytes(encoding.pretty(document))
    result = reprise("check", "--store", filled_store)
    assert (result.exit_code, "is not a record" in result.output, "Traceback" in result.output) == (1, True, False)


def test_a_recipe_that_is_given_twice_is_run_once(reprise, store_path, plain_recipe, tmp_path):
    copy = tmp_path / "copy.py"
    copy.write_bytes(plain_recipe.read_bytes())
    words = (plain_recipe, copy, plain_recipe, "--seeds", 1, "--store", store_path, "--json")
    result = reprise("run", *words)
    assert (result.exit_code, json.loads(result.stdout)["recorded"]) == (0, 1), result.output
    assert f"{copy} measures what {plain_recipe} does; it is run once." in result.stderr


def test_two_recipes_of_one_name_that_measure_something_else_are_both_run(reprise, store_path, plain_recipe, tmp_path):
    other = tmp_path / "plain.py"
    other.write_text(plain_recipe.read_text().replace("0.01 * noise", "0.02 * noise"))
    result = reprise("run", plain_recipe, other, "--seeds", 1, "--store", store_path, "--json")
    assert (result.exit_code, json.loads(result.stdout)["recorded"]) == (0, 2), result.output


def test_what_summarise_gives_is_stored_under_numbers(reprise, store_path, plain_recipe, tmp_path):
    text = plain_recipe.read_text().replace("def value(arms", "def summarise(arms, scale):\n    return {'sum': sum(a.metrics['value'] for a in arms.values()), 'none': float('nan')}\n\n\ndef value(arms")  # fmt: skip
    mine = tmp_path / "mine.py"
    mine.write_text(text.replace("measure=measure,", "measure=measure,\n    summarise=summarise,"))
    result = reprise("run", mine, "--seeds", "1", "--store", store_path)
    assert result.exit_code == 0, result.output
    (path,) = (store_path / "records").rglob("*.json")
    document = json.loads(path.read_bytes())
    values = [arm["metrics"]["value"] for arm in document["arms"].values()]
    assert document["numbers"] == {"sum": sum(values), "none": "nan"}


def test_a_worker_refuses_to_measure_other_code_than_the_run_is_about(store_path, plain_recipe):
    from keras_reprise.run import messages
    from keras_reprise.run.worker import Worker

    replies: list = []
    worker = Worker(messages.Setup(str(store_path), {}), replies.append)
    source = messages.RecipeSource(str(plain_recipe), plain_recipe.read_bytes())
    worker.do(messages.Describe(source))
    measurement = replies[-1].measurements["quick"]
    for asked, answer in ((measurement, messages.Measured), ("0" * 64, messages.Refused)):
        worker.do(messages.Measure(messages.Replay(source, "quick", 1, 0, None, "x", asked), "one"))
        assert isinstance(replies[-1], answer)
    assert "imports code that changed since this run began" in replies[-1].text
