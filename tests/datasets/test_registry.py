"""A data set is one file: dropped into the package's folder it can be listed, asked for, loaded and told from others."""

import json
import sys

import numpy as np
import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.datasets import providers, registry
from keras_reprise.datasets.dataset import arrays_sha256
from keras_reprise.recipe.definition import Recipe
from keras_reprise.store.store import Store

RAMP = '''"""Pixels that rise from one image to the next."""

import numpy as np

from keras_reprise.datasets.interface import Provider


class Ramp(Provider):
    def state(self, data_dir=None):
        return "verified", "made here"

    def read(self, data_dir=None):
        pixels = np.arange(12, dtype=np.uint8).repeat(16).reshape(12, 4, 4, 1)
        labels = np.arange(12, dtype=np.int32) % 3
        return pixels[:8], labels[:8], pixels[8:], labels[8:]


PROVIDER = Ramp(name="ramp", content="8 + 4 rising images, 3 classes", classes=3)
'''

RECIPE = '''"""The mean of the pixels"""
from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Source


def measure(arm, replicate):
    data = replicate.dataset()
    return Measurement({"mean": float(data.stored_train.mean()), "classes": data.classes})


RECIPE = Recipe(
    slug="pixels",
    version=1,
    question="How bright?",
    sources=(Source("tests", "here"),),
    arms=(Arm("only", "all"),),
    scales=(Scale("quick", n_train=6), Scale("full")),
    measure=measure,
    claims=(Claim("a", "A.", "tests", lambda arms, scale: arms["only"].metrics["mean"], above=0.0, measures="Mean"),),
    data="DATA",
)
'''


@pytest.fixture
def ramp(tmp_path, monkeypatch):
    """A third file in the folder of data sets, that is all."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "ramp.py").write_text(RAMP)
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(folder)])
    yield
    sys.modules.pop("keras_reprise.datasets.providers.ramp", None)


@pytest.fixture
def pixels(tmp_path):
    """Writes a recipe on the named data set."""

    def write(data):
        path = tmp_path / "pixels.py"
        path.write_text(RECIPE.replace("DATA", data))
        return path

    return write


def record_of(store_path):
    store = Store(store_path)
    (summary,) = store.summaries()[0]
    return store.read(store_path / summary.path)


@pytest.mark.usefixtures("ramp")
def test_a_file_in_the_folder_is_listed(reprise):
    rows = json.loads(reprise("data", "list", "--json").stdout)
    assert [row["name"] for row in rows] == ["cifar10", "digits", "ramp"]
    assert rows[2] == {
        "name": "ramp", "state": "verified", "where": "made here", "content": "8 + 4 rising images, 3 classes",
    }  # fmt: skip


@pytest.mark.usefixtures("ramp")
def test_a_recipe_may_ask_for_it_and_its_record_has_its_fingerprint(reprise, pixels, store_path):
    result = reprise("run", pixels("ramp"), "--seeds", 1, "--store", store_path)
    assert result.exit_code == 0, result.output
    record = record_of(store_path)
    assert record.data is not None
    pixel, labels = np.arange(12, dtype=np.uint8).repeat(16).reshape(12, 4, 4, 1), np.arange(12, dtype=np.int32) % 3
    assert record.data.fingerprint == arrays_sha256((pixel[:6], labels[:6], pixel[8:], labels[8:]))
    assert (record.data.name, record.data.n_train, record.data.substitute) == ("ramp", 6, False)
    assert record.arms["only"].metrics == {"mean": 2.5, "classes": 3}


@pytest.mark.usefixtures("ramp")
def test_a_run_may_be_given_it_in_the_place_of_the_recipes_own(reprise, pixels, store_path):
    result = reprise("run", pixels("digits"), "--data", "ramp", "--seeds", 1, "--store", store_path)
    assert result.exit_code == 0, result.output
    data = record_of(store_path).data
    assert data is not None
    assert data.name == "ramp"


@pytest.mark.usefixtures("ramp")
def test_no_function_of_a_recipe_may_take_its_name(pixels):
    def ramp():
        raise AssertionError

    scope: dict[str, Recipe] = {}
    source = pixels("ramp").read_text().replace('data="ramp"', "data=ramp")
    with pytest.raises(RecipeError, match="which is the name of a data set of the package"):
        exec(source, scope | {"ramp": ramp})


def test_an_unknown_data_set_names_the_known_ones(reprise, plain_recipe, store_path):
    result = reprise("run", plain_recipe, "--data", "mnist", "--store", store_path)
    assert (result.exit_code, "cifar10, digits" in result.output) == (2, True)


def test_a_recipe_on_an_unknown_data_set_is_told_the_known_ones(reprise, pixels, store_path):
    result = reprise("run", pixels("mnist"), "--seeds", 1, "--store", store_path)
    assert result.exit_code != 0
    assert "There are cifar10 and digits." in result.output


def test_names_are_known_before_anything_is_read():
    assert registry.names() == ("cifar10", "digits")
    assert list(registry.published()) == ["cifar10"]
    assert [name for name, one in registry.providers().items() if one.substitute] == ["digits"]
