"""Data of people's own: declared by a function, or made in `measure`; known by their content, never mixed, never skipped unread."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import documents

import keras_reprise
from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds
from keras_reprise.catalog import sources
from keras_reprise.datasets import Dataset
from keras_reprise.datasets.dataset import arrays_sha256
from keras_reprise.datasets.registry import load
from keras_reprise.judge.missing import missing
from keras_reprise.measure import own_data, rehearsal
from keras_reprise.measure.arm import measure_arm
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.beside import Beside
from keras_reprise.recipe.claims import Claim
from keras_reprise.recipe.definition import Recipe
from keras_reprise.recipe.numbers import Measurement
from keras_reprise.recipe.settings import Arm, Scale
from keras_reprise.record.schema import DataRef
from keras_reprise.report.phrases import replay
from keras_reprise.store.store import Store

RECIPE = '''"""A recipe on a table of one's own

Source: tests
Data:   made in the file
Cost:   nothing
Replay: reprise run ./recipe.py
"""

from pathlib import Path

import numpy as np

from keras_reprise import Arm, Claim, Dataset, Measurement, Recipe, Scale, Source
from keras_reprise.engine import History
from keras_reprise.engine.session import noted

TABLE = Path(__file__).with_name("table.csv")


class Model:
    def count_params(self):
        return 1


def train(data, replicate):
    """What the engine tells a replicate, without a network."""
    rehearsed = noted(replicate, data, 1)
    if rehearsed is not None:
        return rehearsed
    history = History(curves={"train_loss": [float(np.mean(data.x_train))]})
    replicate.note_training(history, "0" * 64, Model())
    return history


def table(name="flowers"):
    rows = np.loadtxt(TABLE, delimiter=",")
    return Dataset.of(name, rows[:4, :-1], rows[:4, -1].astype(int), rows[4:, :-1], rows[4:, -1].astype(int))


def log(arm):
    with Path(__file__).with_name("log").open("a") as file:
        print(arm.name, file=file)


def measure(arm, replicate):
    log(arm)
    BODY


RECIPE = Recipe(
    slug="own",
    version=1,
    question="What is in the table?",
    sources=(Source("tests", "here"),),
    arms=(Arm("one"), Arm("two")),
    scales=(Scale("quick", seeds=2), Scale("full")),
    measure=measure,
    claims=(Claim("small", "Small.", "tests", lambda arms, scale: arms["one"].metrics["value"], below=9.0, measures="V"),),
    DATA
)
'''
MADE = 'history = train(table(), replicate)\n    return Measurement(metrics={"value": history.last["train_loss"]})'
DECLARED = MADE.replace("table()", "replicate.dataset()")
DRAWN = """draw = replicate.seeds.generator("data").normal(size=(6, 2))
    history = train(Dataset("clusters", draw, draw[:, 0], draw, draw[:, 0], 1, "0" * 64), replicate)
    return Measurement(metrics={"value": 1.0 + replicate.seed / 100})"""


def recipe(folder: Path, body: str, data: str = "", scale: str = "", before: str = "") -> Path:
    path = folder / "recipe.py"
    text = RECIPE.replace("BODY", body).replace("DATA", data).replace("seeds=2", f"seeds=2{scale}")
    path.write_text(text.replace("\n\nRECIPE =", f"\n{before}\n\nRECIPE ="))
    return path


def write_table(folder: Path, first: float = 1.0) -> None:
    rows = np.arange(18.0).reshape(6, 3) / 18
    rows[:, -1] = [0, 1, 2, 0, 1, 2]
    rows[0, 0] = first
    np.savetxt(folder / "table.csv", rows, delimiter=",")


@pytest.fixture
def run(tmp_path, store_path, reprise):
    """Run the recipe of a test; returns what was recorded and what was found there."""

    def call(path, *options):
        result = reprise("run", path, "--store", store_path, "--json", *options)
        assert result.exit_code in (0, 4), result.output
        found = json.loads(result.stdout)
        return found["recorded"], found["present"]

    write_table(tmp_path)
    return call


def data_of(store_path):
    return [document["data"] for document in documents(store_path)]


@pytest.mark.parametrize(("body", "data"), [(MADE, ""), (DECLARED, "data=table,")], ids=["made in measure", "declared"])
def test_edited_data_are_measured_again_and_kept_apart(run, tmp_path, store_path, reprise, body, data):
    path = recipe(tmp_path, body, data)
    assert (run(path), run(path, "--seeds", "3")) == ((2, 0), (1, 2))
    write_table(tmp_path, first=2.0)
    assert (run(path), run(path)) == ((2, 0), (0, 2))
    write_table(tmp_path)
    assert run(path, "--seeds", "3") == (0, 3)
    rows = json.loads(reprise("verdict", "--store", store_path, "--json").stdout)
    assert sorted((row["n"], row["data"]) for row in rows) == [(2, "flowers"), (3, "flowers")]


def test_a_record_names_declared_data_by_their_content(run, tmp_path, store_path, reprise):
    path = recipe(tmp_path, DECLARED, "data=table,", ", n_train=3, n_test=1")
    run(path)
    rows = np.loadtxt(tmp_path / "table.csv", delimiter=",")
    whole = Dataset.of("flowers", rows[:3, :-1], rows[:3, -1].astype(int), rows[4:5, :-1], rows[4:5, -1].astype(int))
    assert (
        data_of(store_path)
        == [{"name": "flowers", "fingerprint": whole.content_sha256, "n_train": 3, "n_test": 1, "substitute": False}]
        * 2
    )
    assert json.loads(next((store_path / "cards").glob("*.json")).read_bytes())["data"] == "table"
    assert "quick scale on flowers" in reprise("cite", "own", "--store", store_path).output
    assert reprise("verdict", "--store", store_path, "--data", "flowers").exit_code == 0
    assert reprise("verdict", "--store", store_path, "--data", "digits").exit_code == 3
    assert "--data" not in replay(Store(store_path).summaries()[0], {})


def test_arms_measured_on_other_data_are_never_of_one_record(run, tmp_path, store_path):
    for number, (body, data) in enumerate(((MADE, ""), (DECLARED, "data=table,"))):
        write_table(tmp_path)
        path = recipe(tmp_path, body, data)
        path.write_text(path.read_text().replace('slug="own"', f'slug="own-{number}"'))
        assert run(path, "--seeds", "1", "--arm", "one") == (0, 0)
        write_table(tmp_path, first=2.0)
        assert run(path, "--seeds", "1", "--arm", "two") == (0, 0)
        assert run(path, "--seeds", "1") == (1, 0)
        document = next(one for one in documents(store_path) if one["recipe"]["slug"] == f"own-{number}")
        values = [arm["metrics"]["value"] for arm in document["arms"].values()]
        assert values[0] == values[1]


def test_kept_arms_are_used_where_their_data_are_the_same(run, tmp_path):
    path = recipe(tmp_path, MADE)
    run(path, "--seeds", "2,2", "--arm", "one")
    (tmp_path / "log").unlink()
    assert run(path, "--seeds", "2,2") == (1, 0)
    calls = (tmp_path / "log").read_text().split()
    assert calls.count("one") == 1  # to read its data
    assert calls.count("two") == 2  # measured, and its data read


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise FileNotFoundError(2, 'No such file', 'flowers.csv')", ("FileNotFoundError", "flowers.csv")),
        ("raise SystemExit(1)", ("SystemExit",)),
        ("return None", ("gave nothing, not a Dataset", "Dataset.of(")),
        ("return [[1.0]], [0], [[1.0]], [0]", ("a tuple, not a Dataset",)),
        ("return Dataset.of('a', [[1.0], [2.0]], [0], [[1.0]], [0])", ("2 training examples and 1 labels",)),
        ("return Dataset.of('a', np.array([[1.0, 'b']], object), [0], [[1.0, 2.0]], [0])", ("type object",)),
        ("return Dataset.of('a', [[1.0]], ['rose'], [[1.0]], ['rose'])", ("training labels", "np.unique")),
        ("return Dataset.of('a', [[1.0]], [0], [[float('nan')]], [0])", ("1 values of the test examples",)),
        ("return Dataset.of('a', [[1.0]], [0], [[1.0, 2.0]], [0])", ("(1,)", "(2,)")),
        ("return Dataset.of('a', [], [], [[1.0]], [0])", ("no training examples",)),
        ("return Dataset('a', [[1.0]], [0], [[1.0]], [0], 1)", ("a list, not an array",)),
        ("return Dataset.of('cifar10', [[1.0]], [0], [[1.0]], [0])", ("as a data set of the package",)),
        ("return Dataset.of('a' * 61, [[1.0]], [0], [[1.0]], [0])", ("60 characters",)),
    ],
)  # fmt: skip
def test_data_that_cannot_be_had_end_the_run_before_it_measures(tmp_path, store_path, reprise, body, words):
    path = recipe(tmp_path, DECLARED, "data=mine,", before=f"\ndef mine():\n    {body}\n")
    result = reprise("run", path, "--store", store_path)
    assert (result.exit_code, "Traceback" in result.output, documents(store_path)) == (2, False, [])
    assert not (tmp_path / "log").exists()
    for word in (*words, "mine()"):
        assert word in result.output


def test_an_arm_cannot_change_the_declared_data_of_the_arms_after_it(run, tmp_path, store_path):
    body = """data = replicate.dataset()
    value = float(data.y_train.max())
    if arm.name == "one":
        data.y_train[:] = 0
    return Measurement(metrics={"value": value})"""
    assert run(recipe(tmp_path, body, "data=table,"), "--seeds", "1") == (0, 0)
    (document,) = documents(store_path)
    assert "read-only" in document["arms"]["one"]["error"]["message"]
    assert document["arms"]["two"]["metrics"] == {"value": 2.0}


def test_a_function_for_data_has_a_name_that_tells_it_from_the_packages():
    def digits():
        raise AssertionError("it is not called before it is needed")

    claim = Claim("a", "A.", "tests", lambda arms, scale: 1.0, above=0.0, measures="One")
    scales = Scale("quick"), Scale("full")
    for data, words in ((digits, "name of a data set"), (lambda: None, "without a name"), ([1], "a list as data")):
        with pytest.raises(RecipeError, match=words):
            Recipe("own", 1, "?", (), (Arm("one"),), scales, lambda arm, replicate: Measurement(), (claim,), data=data)  # type: ignore[arg-type]


def test_own_data_have_no_substitute(run, tmp_path, store_path, reprise):
    result = reprise("run", recipe(tmp_path, DECLARED, "data=table,"), "--data", "digits", "--store", store_path)
    assert (result.exit_code, "cannot replace" in result.output, documents(store_path)) == (2, True, [])


def test_data_drawn_from_the_seed_are_one_group(run, tmp_path, store_path, reprise):
    path = recipe(tmp_path, DRAWN)
    assert (run(path, "--seeds", "3,5"), run(path, "--seeds", "5"), run(path, "--seeds", "5")) == (
        (2, 0),
        (3, 2),
        (0, 5),
    )
    assert len({data["fingerprint"] for data in data_of(store_path)} - {"0" * 64}) == 1
    (row,) = json.loads(reprise("verdict", "--store", store_path, "--json").stdout)
    assert (row["n"], row["data"]) == (5, "clusters")


def test_auto_looks_at_records_of_data_made_in_measure(run, tmp_path):
    path = recipe(tmp_path, DRAWN)
    assert (run(path, "--seeds", "auto"), run(path, "--seeds", "auto")) == ((6, 0), (0, 6))


def test_all_data_sets_of_an_arm_count_and_are_read_again(run, tmp_path, store_path):
    both = 'train(table(), replicate)\n    train(Dataset.of("more", [[BIG]], [0], [[2.0]], [0]), replicate)'
    body = f'{both}\n    return Measurement(metrics={{"value": 1.0}})'
    path = recipe(tmp_path, body.replace("BIG", 'float(TABLE.with_name("more").read_text())'))
    (tmp_path / "more").write_text("1.0")
    assert (run(path), run(path)) == ((2, 0), (0, 2))
    (tmp_path / "more").write_text("7.0")
    assert (run(path), run(path)) == ((2, 0), (0, 2))
    found = data_of(store_path)
    assert {data["name"] for data in found} == {"flowers + more"}
    assert len({data["fingerprint"] for data in found}) == 2


def test_what_is_used_beside_the_declared_data_is_said(run, tmp_path, store_path):
    beside = 'train(replicate.dataset() if arm.name == "one" else table("beside"), replicate)'
    path = recipe(
        tmp_path, f'{beside}\n    return Measurement(metrics={{"value": 1.0}})', 'data="digits",', ", n_train=9"
    )
    assert (run(path), run(path)) == ((2, 0), (0, 2))
    write_table(tmp_path, first=2.0)
    assert run(path) == (2, 0)
    found = data_of(store_path)
    assert {(data["name"], data["n_train"]) for data in found} == {("digits + beside", 9)}
    assert len({data["fingerprint"] for data in found} | {load("digits", n_train=9).fingerprint}) == 3


def test_parts_and_forms_of_the_declared_data_are_the_declared_data(run, tmp_path, store_path):
    body = """from dataclasses import replace
    data = replicate.dataset()
    for one in (data.standardised(), data.first(5), data.with_validation(2).mean_image_subtracted().flattened()):
        train(one, replicate)
    train(replace(data.first(5), stored_test=data.stored_train, y_test=data.y_train), replicate)
    return Measurement(metrics={"value": 1.0})"""
    path = recipe(tmp_path, body, 'data="digits",', ", n_train=9")
    assert (run(path), run(path)) == ((2, 0), (0, 2))
    assert data_of(store_path) == [load("digits", n_train=9).facts()] * 2
    assert (tmp_path / "log").read_text().split() == ["one", "two"] * 2  # nothing had to be read again


def test_a_recipe_without_data_has_none(run, tmp_path, store_path):
    path = recipe(tmp_path, 'return Measurement(metrics={"value": 1.0})')
    assert (run(path), run(path)) == ((2, 0), (0, 2))
    assert data_of(store_path) == [None, None]
    assert (tmp_path / "log").read_text().split() == ["one", "two"] * 2


def test_an_arm_that_does_not_train_is_never_called_for_its_data(run, tmp_path):
    body = f'if arm.name == "one":\n        return Measurement(metrics={{"value": 1.0}})\n    {MADE}'
    path = recipe(tmp_path, body)
    assert (run(path), run(path)) == ((2, 0), (0, 2))
    assert (tmp_path / "log").read_text().split().count("one") == 2


def test_what_measure_prints_is_heard_once(run, tmp_path, store_path, reprise):
    path = recipe(tmp_path, f'print("here", replicate.seed)\n    {DRAWN}')
    result = reprise("run", path, "--seeds", "2,2", "--store", store_path)
    assert (result.output.count("here 2"), result.output.count("here 1")) == (2, 0)


def test_data_that_cannot_be_made_at_seed_1_are_those_that_were_used(run, tmp_path, store_path, reprise):
    path = recipe(tmp_path, f'if replicate.seed == 1:\n        raise ValueError("odd")\n    {MADE}')
    result = reprise("run", path, "--seeds", "2,3", "--store", store_path)
    assert result.output.count("cannot be read at seed 1 (ValueError: odd)") == 2  # once for each arm
    assert {data["name"] for data in data_of(store_path)} == {"flowers"}
    result = reprise("run", path, "--seeds", "2,3", "--store", store_path)
    assert "cannot be read again (ValueError: odd), so nothing is skipped" in result.output


def test_failed_arms_that_came_to_train_are_not_measured_again_unasked(run, tmp_path, store_path):
    path = recipe(tmp_path, "train(table(), replicate)\n    raise ValueError('no')")
    assert (run(path), run(path)) == ((0, 0), (0, 2))
    assert [data["name"] for data in data_of(store_path)] == ["flowers"] * 2


def test_trials_kept_of_other_data_are_forgotten(tmp_path):
    table = {"x": 1.0}

    def measure(arm, replicate):
        def trial(rate):
            replicate.note_data(Dataset.of("t", [[table["x"]]], [0], [[1.0]], [0]), 1)
            return {"value": table["x"]}

        return Measurement(trials=replicate.sweep([{"rate": 1.0}, {"rate": 2.0}], trial))

    mine = Recipe.__new__(Recipe)
    object.__setattr__(mine, "measure", measure)

    class Loaded:
        recipe, beside, path = mine, Beside(tmp_path), tmp_path / "mine.py"

    def values():
        replicate = Replicate(Seeds(2), Scale("quick"), folder=tmp_path)
        result = measure_arm(Loaded(), Arm("one"), replicate)  # type: ignore[arg-type]
        return [trial["value"] for trial in result["arm"]["trials"]], result["made"]

    first = values()
    kept = sorted(path.stat().st_mtime_ns for path in (tmp_path / "trials").iterdir())
    assert values() == first
    assert sorted(path.stat().st_mtime_ns for path in (tmp_path / "trials").iterdir()) == kept
    table["x"] = 3.0
    assert values()[0] == [3.0, 3.0]


def test_the_content_counts_not_the_fingerprint_that_was_given():
    x, y = np.ones((3, 2)), np.arange(3)
    one, same, other = (Dataset("a", x, y, x, y, 3, text) for text in ("0" * 64, "1" * 64, ""))
    assert one.content_sha256 == same.content_sha256 == other.content_sha256
    assert one.content_sha256 != Dataset("a", x, y[::-1], x, y, 3, "0" * 64).content_sha256
    assert one.content_sha256 != Dataset("a", x.astype("float32"), y, x, y, 3).content_sha256
    digits = load("digits", n_train=9)
    assert digits.content_sha256 == digits.fingerprint == digits.standardised().flattened().content_sha256
    parts = [digits.first(3), digits.with_validation(3), digits.with_validation(4), digits]
    assert len({part.content_sha256 for part in parts}) == 4
    assert {part.origin.content_sha256 for part in parts} == {digits.fingerprint}


def test_words_objects_and_times_have_a_fingerprint_too():
    words = np.array(["rot", "grün"])
    found = [
        arrays_sha256((part,)) for part in (words, words.astype(object), np.array(["2020"], "M8[D]"), [[1], [2, 3]])
    ]  # type: ignore[list-item]
    assert len(set(found)) == 4
    assert found[1] == arrays_sha256((np.array(["rot", "grün"], object),))


def test_data_made_by_hand_are_not_taken_for_the_packages():
    x, y = np.ones((3, 2)), np.arange(3)
    assert own_data.made_facts(Dataset("cifar10", x, y, x, y, 3))["name"] == "cifar10 (made in measure)"
    assert own_data.made_facts(Dataset("/home/me/secret/x.csv", x, y, x, y, 3))["name"] == "<path>"
    digits = own_data.made_facts(load("digits"))
    assert (digits["name"], digits["fingerprint"], digits["substitute"]) == (
        "digits",
        load("digits").fingerprint,
        False,
    )
    DataRef(**digits)


@pytest.mark.parametrize(
    ("labels", "classes"), [([0, 2, 1], 3), ([[0], [4], [1]], 5), ([0.5, 1.5, 2.0], 0), (np.eye(3), 3)]
)
def test_classes_are_counted_where_labels_are_whole_numbers(labels, classes):
    assert keras_reprise.Dataset.of("a", np.ones((3, 2)), labels, np.ones((3, 2)), labels).classes == classes


def small_model(seeds):
    import keras

    initialiser = keras.initializers.GlorotUniform(seeds.weights("out"))
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, kernel_initializer=initialiser)])


def test_the_engine_tells_the_replicate_what_it_trains_on():
    import keras

    data = Dataset.of("a", np.random.default_rng(0).normal(size=(6, 2)), [0, 1, 2] * 2, np.ones((3, 2)), [0, 1, 2])
    replicate = Replicate(Seeds(1), Scale("quick"))
    models = [small_model(replicate.seeds) for _ in range(3)]
    options: dict[str, Any] = {"epochs": 1, "batch_size": 3}
    keras_reprise.train(models[0], data, replicate, optimizer=keras.optimizers.SGD(0.1), **options)
    assert replicate.noted == [own_data.made_facts(data)]
    replicate.begin("next")
    members = [keras_reprise.Member(model, keras.optimizers.SGD(0.1), replicate) for model in models[1:]]
    keras_reprise.train_together(members, data.first(3), **options)
    assert replicate.noted == [own_data.made_facts(data)]


def test_a_rehearsal_trains_nothing_and_leaves_no_trace():
    import keras

    random = np.random.default_rng(0)
    data = Dataset.of("a", random.normal(size=(6, 2)), [0, 1, 2] * 2, np.ones((3, 2)), [0, 1, 2])
    weights = []

    def measure(arm, replicate):
        model = small_model(replicate.seeds)
        weights.append(model.get_weights())
        np.random.random()
        for _ in range(100):
            history = keras_reprise.train(
                model, data, replicate, optimizer=keras.optimizers.SGD(0.1), epochs=2, batch_size=3
            )
            weights.append(model.get_weights())
            assert history.last["test_loss"] == 1.0
            assert history.curves["of a probe"] == [1.0, 1.0]
        raise AssertionError("a rehearsal ends before it has trained so often")

    mine = Recipe.__new__(Recipe)
    object.__setattr__(mine, "measure", measure)
    state = np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]
    replicate = Replicate(Seeds(2), Scale("quick"))
    assert rehearsal.rehearsed(mine, Arm("one"), replicate) == ([own_data.made_facts(data)], "")
    assert len(weights) == 1
    assert rehearsal.rehearsed(mine, Arm("one"), replicate, onward=True) == ([own_data.made_facts(data)], "")
    assert len(weights) == 1 + rehearsal.MOST_TRAININGS
    assert all(np.array_equal(found, weights[0][0]) for found, _ in weights)
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index, union-attr]


def test_status_counts_replicates_whose_data_measure_made(run, tmp_path, store_path, monkeypatch):
    monkeypatch.setattr(sources, "label", lambda recipe: "")  # as if this were the lock's own measurement
    path = recipe(tmp_path, DRAWN)
    path.write_text(path.read_text().replace('slug="own"', 'slug="toy-optimizer-golden"'))
    run(path, "--seeds", "1")
    summaries = Store(store_path).summaries()[0]
    rows = missing(summaries, "gate", summaries[0].machine)
    assert [row.complete for row in rows if row.recipe == "toy-optimizer-golden"] == [1]
