"""Broken and hostile input: the short form of fuzzing.py, what it found, and values that hypothesis makes up."""

import io
import json
import os
import pickle
import re
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import fuzz_stores
import fuzzing
import pytest
from fuzz_commands import called
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_reprise.base.errors import DataError, IntegrityError, RecipeError, UserError
from keras_reprise.datasets import cifar10_batches
from keras_reprise.datasets.providers.cifar10 import PROVIDER as CIFAR10
from keras_reprise.gate.processes import read_benchmarks
from keras_reprise.recipe.claims import Claim
from keras_reprise.recipe.definition import Recipe, Source
from keras_reprise.recipe.numbers import Measurement
from keras_reprise.recipe.settings import Arm, Scale
from keras_reprise.record.encoding import pretty, record_id
from keras_reprise.record.schema import decode, decode_card
from keras_reprise.report.cite.checking import Checker
from keras_reprise.store.store import Store

pytestmark = pytest.mark.slow

COUNTS = {"store": 15, "words": 60, "archive": 60}
MADE_UP = settings(
    max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["nan", "inf", "-inf"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def guard():
    return fuzzing.Guard()


@pytest.mark.parametrize("target", sorted(fuzzing.SHARES))
def test_input_is_read_or_refused_and_nothing_else(target, guard, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert fuzzing.fuzz(target, COUNTS.get(target, 300), 11, guard)


def test_the_guard_sees_what_reading_never_does(guard, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "inside-not"
    inside.mkdir()
    before = tempfile.gettempdir(), os.environ.get("TMPDIR")
    with guard.watching(inside):
        (inside / "fine").write_text("x")
        assert Path(tempfile.mkdtemp()).parent == inside
        for escape in (
            lambda: outside.write_text("x"),
            lambda: os.system("true"),
            lambda: inside.rename(outside),
        ):
            with pytest.raises(fuzzing.Escape):
                escape()
    assert (tempfile.gettempdir(), os.environ.get("TMPDIR")) == before
    outside.write_text("x")


@pytest.mark.parametrize("words", fuzz_stores.READING, ids=" ".join)
def test_the_store_that_the_fuzzer_changes_is_read_by_every_command_as_it_was(tmp_path, words):
    store = shutil.copytree(fuzz_stores.small_store(), tmp_path / "store")
    assert called([*words, "--store", str(store)]) == 0


@pytest.fixture(scope="module")
def record():
    return fuzzing.records()[0]


@MADE_UP
@given(data=st.data())
def test_any_value_at_any_place_of_a_record_is_refused_or_read(record, data):
    part, document = None, json.loads(json.dumps(record))
    found = document
    while isinstance(found, dict | list) and found and data.draw(st.booleans()):
        part, key = (
            found,
            data.draw(st.sampled_from(list(found) if isinstance(found, dict) else list(range(len(found))))),
        )
        found = part[key]
    if part is not None:
        part[key] = data.draw(VALUES)
    document.pop("id", None)
    try:
        content = pretty(document | {"id": record_id(document)})
    except (ValueError, RecursionError):  # not JSON at all
        content = json.dumps(document).encode(errors="surrogatepass")
    try:
        read, _ = decode(content, "x")
    except IntegrityError:
        return
    assert read.recipe.slug == document["recipe"]["slug"]


@pytest.fixture(scope="module")
def card():
    path = min((fuzzing.TOP / "results" / "cards").glob("*.json"))
    return json.loads(path.read_bytes())


def test_a_card_is_refused_or_read(card):
    read: list[Any] = []
    refused: list[Any] = []

    @MADE_UP
    @given(st.dictionaries(st.sampled_from(sorted(card)), VALUES, max_size=2))
    def changed(values):
        document = card | values
        try:
            found = decode_card(json.dumps(document).encode(errors="surrogatepass"), "x")
        except IntegrityError:
            refused.append(values)
            return
        assert (found.slug, found.version, found.title) == (document["slug"], document["version"], document["title"])
        read.append(values)

    changed()
    assert read
    assert refused


def test_what_a_recipe_says_of_itself_is_refused_or_taken():
    taken: list[Recipe] = []
    claim = Claim("it-is-one", "It is one.", "b", lambda arms, scale: 1.0, above=0.0, measures="One")

    @MADE_UP
    @given(
        slug=st.sampled_from(["mine", "my-2nd"]) | st.text(),
        version=st.integers(),
        arms=st.lists(st.sampled_from(["one", "two"]) | st.text(), max_size=3),
        scales=st.just(["quick", "full"]) | st.lists(st.sampled_from(["quick", "full", "x"])),
    )
    def made(slug, version, arms, scales):
        try:
            recipe = Recipe(
                slug=slug, version=version, question="?", sources=(Source("a", "b"),), arms=tuple(Arm(name) for name in arms),
                scales=tuple(Scale(name) for name in scales), measure=lambda arm, replicate: Measurement(), claims=(claim,),
            )  # fmt: skip
        except RecipeError:
            return
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", recipe.slug)
        assert recipe.version >= 1
        assert {"quick", "full"} <= {scale.name for scale in recipe.scales}
        taken.append(recipe)

    made()
    assert taken


# What the fuzzer found


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_number_that_json_has_not_is_refused(record, number):
    content = json.dumps(record).replace(f'"duration_s": {json.dumps(record["duration_s"])}', f'"duration_s": {number}')
    assert number in content
    with pytest.raises(IntegrityError):
        decode(content.encode(), "x")


@pytest.mark.parametrize(
    ("field", "value"),
    [("slug", "plain\n"), ("scale", "quick\n"), ("started_at", "2026-13-01T00:00:00Z"), ("started_at", "2026-01-01T25:00:00Z"),
     ("started_at", "2026-01-01T00:00:00Z\n"), ("started_at", "２026-01-01T00:00:00Z"), ("machine", "0" * 12 + "\n")],
)  # fmt: skip
def test_names_and_times_are_read_to_the_end(record, field, value):
    document = json.loads(json.dumps(record))
    (document["recipe"] if field in ("slug", "scale") else document)[field] = value
    document.pop("id", None)
    with pytest.raises(IntegrityError):
        decode(pretty(document | {"id": record_id(document)}), "x")


@pytest.mark.parametrize("content", [b'{"\xff": 1}', b"\xff\xfe{}", b"[" * 100_000])
def test_text_that_is_no_utf_8_is_refused_by_every_reader(content, tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    for read in (lambda: decode(content, "x"), lambda: decode_card(content, "x"), lambda: read_benchmarks(path)):
        with pytest.raises(UserError):
            read()


def test_files_that_input_each_other_are_read_once(tmp_path):
    names = [f"f{number}" for number in range(30)]
    for name in names:
        (tmp_path / f"{name}.tex").write_text("".join(f"\\input{{{other}}}" for other in names) + "\\reprise{x/y}")
    checker = Checker([], Store(tmp_path))
    assert len(checker.check(tmp_path / "f0.tex")) == 30


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def test_a_pickle_that_calls_something_is_refused(tmp_path):
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({b"data": Evil()}, protocol=2))
    with pytest.raises(DataError, match=r"__builtin__\.exec"):
        cifar10_batches.read_batch(path)


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "climb", "long"])
def test_an_archive_writes_six_files_of_the_right_size_and_nothing_else(tmp_path, kind):
    (tmp_path / "secret").write_text("secret")
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as tar:
        for name in CIFAR10.md5:
            info = tarfile.TarInfo(f"{CIFAR10.folder}/{'../../' if kind == 'climb' else ''}{name}")
            if kind in ("symlink", "hardlink"):
                info.type = tarfile.SYMTYPE if kind == "symlink" else tarfile.LNKTYPE
                info.linkname = str(tmp_path / "secret")
            if kind == "long":
                info.size = CIFAR10.longest_file + 1
                tar.addfile(info, io.BytesIO(bytes(info.size)))
            else:
                tar.addfile(info)
    CIFAR10.unpack(tmp_path / "archive.tar.gz", tmp_path / "unpacked")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["archive.tar.gz", "secret"]


def test_running_a_file_that_is_no_recipe_of_the_package_is_said(plain_recipe, store_path, reprise):
    for words in (("run", plain_recipe, "--seeds", 1, "--store", store_path), ("show", plain_recipe)):
        assert "running it runs its code" in reprise(*words).stderr


@pytest.mark.parametrize(
    "words",
    [["status"], ["verdict"], ["check"], ["report"], ["cite", "plain"], ["merge"], ["status", "--missing"],
     ["compare", "backend:tensorflow", "backend:tensorflow"], ["history", "plain/two/value"]],
)  # fmt: skip
def test_reading_a_store_runs_no_recipe(filled_store, tmp_path, reprise, monkeypatch, words):
    """Neither that of the record, nor one that lies beside it."""
    (filled_store / "plain.py").write_text("raise SystemExit('executed')")
    monkeypatch.setattr("keras_reprise.recipe.loading.load", lambda *words: pytest.fail("a recipe was loaded"))
    store = ["--store", filled_store] if words != ["merge"] else [filled_store, "--store", tmp_path / "other"]
    result = reprise(*words, *store)
    assert (result.exit_code, "executed" in result.output) == (0, False), result.output
