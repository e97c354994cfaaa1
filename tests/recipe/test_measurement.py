"""What is part of a measurement: every edit that could change a number changes its hash, and no edit that could not does."""

import ast
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from keras_reprise import catalog
from keras_reprise.base import checkout
from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe import loading, measurement, numerics
from keras_reprise.recipe.source import modules, syntax

BASE = '''"""A rule in words

Source: tests
"""

import functools
import math

import numpy as np

import beside
from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Source, train
from keras_reprise.models import small_convnet
from keras_reprise.schedules import steps

RATE, PLANES = 0.1, 8
TABLE = {"a": 1, "b": 2.0}  # a comment
LABEL = "in words"
BYTES = b"abc"
BIG = 10**40
MINUS = -0.0
ERRATUM = "printed" " wrong"


class Schedule(object):
    """A class."""

    factor = 0.5

    def at(self, epoch: int = 3) -> float:
        """A docstring."""
        return self.factor**epoch


def cached(function):
    @functools.wraps(function)
    def inner(*arguments):
        return function(*arguments)

    return inner


@cached
def helper(x, power=PLANES):
    def nested(y):
        return y + 1

    text = """a string used as data"""
    match x:
        case 0:
            return len(text)
        case [first, *_] if first > RATE:
            return first
        case _:
            pass
    if (square := x**power) > 3:
        return nested(square)
    return f"{x:.3f} of {square!r}"


def count():
    global calls
    calls = calls + 1
    return calls


calls = 0


def unused(x):
    return x * 3


def statistic(arms, scale):
    return shift(arms["one"].metrics["value"]) + PRINTED


def shift(value):
    return value + 2


PRINTED = math.log(10)


def measure(arm, replicate):
    """What is measured."""
    shift = helper(arm.value) + count()
    model = small_convnet(replicate.seeds, (32, 32, 3), 10)
    history = train(model, None, replicate, optimizer=None, epochs=1, learning_rate=steps({0: RATE}))
    return Measurement({"value": beside.times(shift) + TABLE["a"] + Schedule().at(2) + len(BYTES) + BIG + MINUS})


def points():
    return tuple((n, n**2) for n in range(3))


CLAIMS = (
    Claim("is-two", "It is two.", "here", statistic, above=1.9, below=2.1, erratum=ERRATUM),
    Claim("is-three", "It is three.", "here", lambda arms, scale: statistic(arms, scale), above=1.9, below=2.1),
)

RECIPE = Recipe(
    slug="edited",
    version=1,
    question="What is it?",
    sources=(Source("tests", LABEL),),
    arms=(Arm("one", "the first", value=1.0), Arm("two", value=2.0)),
    scales=(Scale("quick", epochs=1), Scale("full", epochs=2, seeds=12)),
    measure=measure,
    claims=CLAIMS,
)

if __name__ == "__main__":
    print(measure(None, None))
'''
BESIDE = '''"""Shared by recipes."""

import other

FACTOR = 3
UNUSED = 4


def times(x):
    return other.double(x) * FACTOR
'''
OTHER = "def double(x):\n    return 2 * x\n\n\ndef triple(x):\n    return 3 * x\n"


def code(folder: Path, text: str = BASE, **files: str) -> measurement.RecipeCode:
    for name, content in {"beside": BESIDE, "other": OTHER, **files}.items():
        (folder / f"{name}.py").write_text(content)
    return measurement.read_code(folder / "edited.py", text.encode())


def edited(old: str, new: str, text: str = BASE) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def in_measure(line: str, *, before: str = "") -> str:
    """A recipe whose `measure` begins with a line."""
    return edited('"""What is measured."""', line, edited("RATE, PLANES", f"{before}\nRATE, PLANES"))


COUNTS = {
    "a constant": ("RATE, PLANES = 0.1", "RATE, PLANES = 0.2"),
    "a constant in a default": ("0.1, 8", "0.1, 9"),
    "a default": ("power=PLANES", "power=RATE"),
    "an integer that becomes a float": ('"a": 1,', '"a": 1.0,'),
    "an integer that becomes true": ('"a": 1,', '"a": True,'),
    "a key": ('{"a": 1, "b": 2.0}', '{"a": 1, "c": 2.0}'),
    "the order of a dict": ('{"a": 1, "b": 2.0}', '{"b": 2.0, "a": 1}'),
    "the sign of zero": ("MINUS = -0.0", "MINUS = 0.0"),
    "a digit of a large number": ("10**40", "1" + "0" * 40),
    "the bytes": ('b"abc"', 'b"abd"'),
    "bytes that become text": ('b"abc"', '"abc"'),
    "a helper": ("return y + 1", "return y + 2"),
    "a nested function": ("def nested(y):", "def nested(y, z=1):"),
    "what a walrus binds": ("square := x**power", "square := x**2"),
    "a case": ("case 0:", "case 1:"),
    "the guard of a case": ("if first > RATE", "if first > 3"),
    "an f-string": ("{x:.3f} of", "{x:.2f} of"),
    "the text in an f-string": (" of {square!r}", " on {square!r}"),
    "the conversion in an f-string": ("{square!r}", "{square!s}"),
    "a string used as data": ("a string used as data", "another string used as data"),
    "a decorator": ("    def inner(*arguments):\n        return", "    def inner(*arguments):\n        return 2 *"),
    "a decorator that is left out": ("@cached\n", ""),
    "an attribute of a class": ("factor = 0.5", "factor = 0.6"),
    "a method": ("self.factor**epoch", "self.factor * epoch"),
    "the default of a method": ("epoch: int = 3", "epoch: int = 4"),
    "a base class": ("Schedule(object)", "Schedule(dict)"),
    "a global that a function changes": ("calls = 0", "calls = 1"),
    "a function that changes a global": ("calls = calls + 1", "calls = calls + 2"),
    "what measure does": ("epochs=1,", "epochs=2,"),
    "an import": ("import numpy as np", "import keras as math"),
    "a name from elsewhere": ("from keras_reprise.schedules import steps", "from keras_reprise.schedules import constant as steps"),
    "a second definition": ("def points", "def helper(x):\n    return 1\n\n\ndef points"),
    "a side effect": ("RATE, PLANES", "np.seterr(all='raise')\nRATE, PLANES"),
    "a call at module level": ("RATE, PLANES", "state = np.random.seed(3)\nRATE, PLANES"),
    "a setting of a library": ("RATE, PLANES", "np.float_ = np.float32\nRATE, PLANES"),
    "a changed constant": ("LABEL =", "TABLE['a'] = 2\nLABEL ="),
    "an augmented constant": ("LABEL =", "TABLE |= {'a': 2}\nLABEL ="),
    "a conditional definition": ("calls = 0", "if RATE > 1:\n    def helper(x):\n        return 2\ncalls = 0"),
    "an import that is tried": ("calls = 0", "try:\n    import jax\nexcept ImportError:\n    jax = None\ncalls = 0"),
    "a loop": ("calls = 0", "for calls in range(3):\n    pass\ncalls = 0"),
    "a deleted name": ("calls = 0", "calls = 0\ndel math"),
    "a used function that takes over a name": ("def shift(value)", "def len(value)"),
    "an unused call that may do something": ("calls = 0", "model = train()\ncalls = 0"),
    "a registered class": ("def points", "@keras.saving.register()\nclass Layer:\n    pass\n\n\ndef points"),
    "an assertion": ("    shift = helper", "    assert arm\n    shift = helper"),
    "an else that runs": ('if __name__ == "__main__":', 'if __name__ == "__main__":\n    pass\nelse:'),
    "the body of a claim that acts": ("CLAIMS = (", "CLAIMS = (np.random.seed(1) or"),
    "the recipe as data of measure": ('    """What is measured."""', "    RECIPE"),
    "a star import": ("import functools", "from os.path import *\nimport functools"),
}  # fmt: skip
DECIDES_NOTHING = {
    "a comment": ("# a comment", "# another comment"),
    "the title": ("A rule in words", "The rule in other words"),
    "a docstring of a function": ("What is measured.", "All that is measured."),
    "no docstring": ('    """What is measured."""\n', ""),
    "a docstring of a class": ("A class.", "Some class."),
    "a docstring of a method": ("A docstring.", "Another docstring."),
    "a string that stands alone": ("RATE, PLANES", '"""Constants."""\nRATE, PLANES'),
    "a pass": ("def nested(y):", "def nested(y):\n        pass"),
    "layout": ("power=PLANES", "power = (PLANES)"),
    "quotes": ('"a": 1', "'a': 1"),
    "an underscore in a number": ("10**40", "1_0**4_0"),
    "another way to write a number": ("0.1, 8", "1e-1, 0x8"),
    "strings written side by side": ('"""a string used as data"""', '"a string " "used as data"'),
    "an f-string in parts": ('f"{x:.3f} of {square!r}"', 'f"{x:.3f}" " of " f"{square!r}"'),
    "an annotation": ("(self, epoch: int = 3) -> float", "(self, epoch: float = 3)"),
    "an annotated constant": ("calls = 0", "calls: int = 0"),
    "an annotation in a function": ("shift = helper(arm.value)", "shift: float = helper(arm.value)"),
    "a claim": ("It is two.", "Two it is."),
    "an interval": ("above=1.9", "above=1.8"),
    "a statistic": ('arms["one"]', 'arms["two"]'),
    "what only a claim reaches": ("return value + 2", "return value + 3"),
    "a constant of a claim": ("math.log(10)", "math.log(9)"),
    "an erratum": ('" wrong"', '" right"'),
    "a claim that is left out": ('    Claim("is-three", "It is three.", "here", lambda arms, scale: statistic(arms, scale), above=1.9, below=2.1),\n', ""),
    "the question": ("What is it?", "What is this?"),
    "the words of an arm": ("the first", "the first one"),
    "the number of seeds": ("seeds=12", "seeds=13"),
    "the slug and the version": ('slug="edited",\n    version=1', 'slug="other",\n    version=2'),
    "a source": ('LABEL = "in words"', 'LABEL = "there"'),
    "figures": ("claims=CLAIMS", "claims=CLAIMS,\n    figures=points()"),
    "suites": ("claims=CLAIMS", 'claims=CLAIMS,\n    suites=("gate",)'),
    "margins": ("claims=CLAIMS", 'claims=CLAIMS,\n    margins={"value": 0.1}'),
    "an unused helper": ("return x * 3", "return x * 4"),
    "a new helper": ("def points", "def more(x, y=[1]):\n    return x\n\n\ndef points"),
    "a new class": ("def points", "class More(Schedule):\n    x = 1\n\n\ndef points"),
    "an unused constant": ("LABEL =", "MORE = [n for n in range(3)]\nLABEL ="),
    "an unused import": ("import functools", "import functools\nimport random"),
    "an unused name of an import": ("import Arm, Claim", "import Arm, Box, Claim"),
    "an import from the future": ("import functools", "from __future__ import annotations\nimport functools"),
    "the order of imports": ("import functools\nimport math", "import math\nimport functools"),
    "imports in one line": ("import functools\nimport math", "import functools, math"),
    "the part for the command line": ("print(measure(None, None))", "print(3)"),
    "the order of functions": ("def count():\n    global calls", "def points():\n    return 3\n\n\ndef count():\n    global calls"),
    "the order of constants": ('MINUS = -0.0\nERRATUM = "printed" " wrong"', 'ERRATUM = "printed" " wrong"\nMINUS = -0.0'),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), COUNTS.values(), ids=COUNTS)
def test_an_edit_that_could_change_a_number_changes_the_hash(tmp_path, old, new):
    assert code(tmp_path, edited(old, new)).sha256 != code(tmp_path).sha256


@pytest.mark.parametrize(("old", "new"), DECIDES_NOTHING.values(), ids=DECIDES_NOTHING)
def test_an_edit_that_could_not_change_a_number_does_not_change_the_hash(tmp_path, old, new):
    changed = edited(old, new)
    ast.parse(changed)
    assert code(tmp_path, changed).sha256 == code(tmp_path).sha256


@pytest.mark.parametrize(
    "line",
    [
        "globals()['helper'](3)",
        "eval('helper(3)')",
        "exec('helper(3)')",
        "__import__('sys').modules[__name__]",
        "import sys; sys.modules[__name__].helper",
        "import importlib; importlib.import_module(arm.name)",
        "vars()[arm.name]",
        "measure.__globals__['unused']",
        "object.__subclasses__()",
        "from os.path import join; name_that_is_nowhere",
    ],
)
def test_where_a_name_cannot_be_resolved_the_whole_module_counts(tmp_path, line):
    text = in_measure(line)
    for old, new in (("return x * 3", "return x * 4"), ("It is two.", "Two it is.")):
        assert code(tmp_path, edited(old, new, text)).sha256 != code(tmp_path, text).sha256
    assert code(tmp_path, edited("# a comment", "# b", text)).sha256 == code(tmp_path, text).sha256


@pytest.mark.parametrize("line", ["len(measure.__doc__)", "import inspect; inspect.getsource(measure)"])
def test_where_a_recipe_reads_its_own_source_every_letter_counts(tmp_path, line):
    text = in_measure(line)
    assert code(tmp_path, edited("# a comment", "# b", text)).sha256 != code(tmp_path, text).sha256


@pytest.mark.parametrize(
    "measured",
    [
        "lambda arm, replicate: beside.times(RATE)",
        "functools.partial(measure, more=RATE)",
        "Schedule().at",
        "functools.partial(beside.times)",
        "beside.times",
        "TABLE.get('measure', measure)",
        "cached(measure)",
        "[measure][0]",
    ],
)
def test_measure_may_be_any_expression(tmp_path, measured):
    text = edited("    measure=measure,", f"    measure={measured},")
    before = code(tmp_path, text)
    ways = {"RATE": ("RATE, PLANES = 0.1", "RATE, PLANES = 0.2"), "measure": ("epochs=1,", "epochs=2,"), "Schedule": ("factor = 0.5", "factor = 3")}  # fmt: skip
    used = [edit for word, edit in ways.items() if word in measured]
    for old, new in used:
        assert code(tmp_path, edited(old, new, text)).sha256 != before.sha256
    if "beside" in measured:
        assert code(tmp_path, text, beside=edited("FACTOR = 3", "FACTOR = 4", BESIDE)).sha256 != before.sha256
    assert used or "beside" in measured
    assert code(tmp_path, edited("It is two.", "Two it is.", text)).sha256 == before.sha256


@pytest.mark.parametrize(
    "end",
    [
        "RECIPE = functools.partial(Recipe, measure=measure)(slug='x')",
        "SETTINGS = {'measure': measure}\nRECIPE = Recipe(**SETTINGS)",
        "if RATE:\n    RECIPE = Recipe(measure=measure)",
        "def make():\n    return Recipe(measure=measure)\n\n\nRECIPE = make()",
        "OTHER = RECIPE = Recipe(measure=measure)",
    ],
)
def test_a_recipe_that_is_made_in_another_way_counts_as_a_whole(tmp_path, end):
    text = BASE[: BASE.index("RECIPE = Recipe(")] + end + "\n"
    assert code(tmp_path, edited("return x * 3", "return x * 4", text)).sha256 != code(tmp_path, text).sha256


def test_of_files_beside_the_recipe_what_is_reached_counts(tmp_path):
    before = code(tmp_path)
    assert before.modules == ("beside", "keras_reprise.models", "keras_reprise.schedules", "other")
    assert code(tmp_path, beside=edited("FACTOR = 3", "FACTOR = 4", BESIDE)).sha256 != before.sha256
    assert code(tmp_path, other=edited("2 * x", "x * 2", OTHER)).sha256 != before.sha256
    assert code(tmp_path, other=edited("3 * x", "4 * x", OTHER)).sha256 == before.sha256
    assert code(tmp_path, beside=edited("UNUSED = 4", "UNUSED = 5", BESIDE)).sha256 == before.sha256
    assert code(tmp_path, other=f"{OTHER}\nprint(double)\nimport os\nos.environ['X'] = '1'\n").sha256 != before.sha256


def test_a_file_beside_that_only_claims_use_counts_where_it_does_something(tmp_path):
    text = edited("import functools", "import claims\nimport functools")
    before = code(tmp_path, text, claims="X = 1\n")
    assert code(tmp_path, text, claims="X = 2\n").sha256 == before.sha256
    assert (
        code(tmp_path, text, claims="X = 2\nimport keras\nkeras.config.set_floatx('float64')\n").sha256 != before.sha256
    )


@pytest.mark.parametrize(
    ("imported", "used"),
    [
        ("from package import inner", "inner.f(1)"),
        ("import package.inner", "package.inner.f(1)"),
        ("from package.inner import f", "f(1)"),
        ("import package", "package.g(1)"),
        ("import package as p", "p.inner.f(1)"),
        ("from package import g as h", "h(1)"),
        ("import package.inner as i", "getattr(i, 'f')(1)"),
        ("from package import *", "g(1)"),
    ],
)
def test_packages_beside_the_recipe_are_followed(tmp_path, imported, used):
    def made(text: str, number: int) -> str:
        (tmp_path / "package").mkdir(exist_ok=True)
        (tmp_path / "package" / "__init__.py").write_text("from . import inner\nfrom .inner import f as g\n")
        (tmp_path / "package" / "inner.py").write_text(
            f"def f(x):\n    return deep(x)\n\n\ndef deep(x):\n    return {number}\n"
        )
        return code(tmp_path, text).sha256

    outside = in_measure(used, before=imported)
    inside = in_measure(f"{imported}; {used}") if "*" not in imported else outside
    for text in (outside, inside):
        assert made(text, 1) != made(text, 2)
        assert made(text, 1) == made(text, 1)


@pytest.mark.parametrize(
    ("imported", "used"),
    [
        ("import late.deep", "late.deep.f()"),
        ("from late import deep", "deep.f()"),
        ("import late.deep", "getattr(late, 'deep').f()"),
        ("import package.inner", "package.inner.f()"),
        ("import package.inner", "getattr(package, 'inner').f()"),
        ("import package.late.deep", "package.late.deep.f()"),
        ("from package import *", "inner.f()"),
        ("import importlib", "importlib.import_module(f'variants.{arm.name}').f()"),
    ],
)
def test_modules_in_folders_beside_the_recipe_are_followed(tmp_path, imported, used):
    def made(text: str, number: int) -> str:
        for name in ("late/deep", "package/inner", "package/late/deep", "variants/one"):
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"VALUE = {number}\n\n\ndef f():\n    return VALUE\n")
        (tmp_path / "package" / "__init__.py").write_text("__all__ = ['inner']\n")
        return code(tmp_path, text).sha256

    outside = in_measure(used, before=imported)
    inside = in_measure(f"{imported}; {used}") if "*" not in imported else outside
    for text in (outside, inside):
        assert made(text, 1) != made(text, 2)
        assert made(text, 1) == made(text, 1)


def test_of_a_folder_beside_the_recipe_what_is_reached_counts(tmp_path):
    text = in_measure("late.deep.f()", before="import late.deep")
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "deep.py").write_text("def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    before = code(tmp_path, text)
    assert "late.deep" in before.modules
    (tmp_path / "late" / "deep.py").write_text("def f():\n    return 1\n\n\ndef g():\n    return 3\n")
    (tmp_path / "late" / "other.py").write_text("print(1)\n")
    assert code(tmp_path, text).sha256 == before.sha256


def test_modules_in_folders_that_lead_back_are_named_once(tmp_path):
    for folder in ("a", "no-name"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.py").write_text("")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert modules.Sources(tmp_path).beside() == ["a.one"]


def test_more_modules_than_a_recipe_has_of_its_own_are_refused_where_a_text_may_name_any(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "MOST_BESIDE", 3)
    for number in range(3):
        (tmp_path / f"m{number}.py").write_text("")
    assert len(modules.Sources(tmp_path).beside()) == 3
    (tmp_path / "m3.py").write_text("")
    with pytest.raises(RecipeError, match="more than 3 lie beside it"):
        modules.Sources(tmp_path).beside()


ACTING = {
    "a case of an own generic function": (
        "@functools.singledispatch\ndef penalty(kind):\n    return 0.2\n\n\n@penalty.register\ndef _(kind: str):\n    return 0.1\n",
        "penalty('x')", "return 0.1", "return 0.3",
    ),
    "an object whose base class notes it": (
        "LAYERS = []\n\n\nclass Block:\n    def __init__(self, width):\n        LAYERS.append(self)\n\n\nclass Wide(Block):\n    pass\n\n\nWIDE = Wide(8)\n",
        "LAYERS[0]", "Wide(8)", "Wide(9)",
    ),
    "an object whose base class is not known": (
        "import somewhere\n\n\nclass Wide(somewhere.Noted):\n    pass\n\n\nWIDE = Wide(8)\n",
        "somewhere.noted()", "Wide(8)", "Wide(9)",
    ),
    "an object that notes itself in its class": (
        "class Block:\n    known = {}\n\n    def __init__(self, width):\n        self.known[width] = self\n\n\nWIDE = Block(8)\n",
        "Block.known[8]", "= Block(8)", "= Block(9)",
    ),
    "a change of what a class holds": (
        "class Book:\n    pages = []\n\n\nFIRST = Book.pages.append(8)\n", "Book.pages", "append(8)", "append(9)",
    ),
    "a decorator that writes into what a function gives": (
        "KNOWN = {}\n\n\ndef table():\n    return KNOWN\n\n\ndef noted(f):\n    known = table()\n    known[f.__name__] = f\n    return f\n\n\n@noted\ndef half():\n    return 0.1\n",
        "KNOWN['half']()", "return 0.1", "return 0.3",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "used", "old", "new"), ACTING.values(), ids=ACTING)
def test_what_acts_on_what_measure_reaches_counts(tmp_path, before, used, old, new):
    text = in_measure(used, before=before)
    assert code(tmp_path, edited(old, new, text)).sha256 != code(tmp_path, text).sha256


def test_what_only_changes_what_it_made_itself_does_not_count(tmp_path):
    before = (
        "class Pair:\n    def __init__(self, a):\n        self.a = a\n\n\nclass Other(Pair):\n    pass\n\n\n"
        "def rows(n):\n    found, free = dict(a=n), np.zeros(3)\n    found['b'] = Other(n)\n    free[0] = n\n"
        "    total = len(found)\n    total += 1\n    return found\n\n\nUNREACHED = rows(3)\n"
    )
    text = in_measure("pass", before=before)
    assert code(tmp_path, edited("rows(3)", "rows(4)", text)).sha256 == code(tmp_path, text).sha256


def test_a_file_beside_counts_only_where_it_is_what_is_imported(tmp_path, monkeypatch):
    for folder in ("mine", "site"):
        (tmp_path / folder).mkdir()
    text = in_measure("import helpers_of_mine; helpers_of_mine.f()")

    def made(number: int) -> str:
        return code(tmp_path / "mine", text, helpers_of_mine=f"def f():\n    return {number}\n").sha256

    own = made(1)
    assert own != made(2)
    (tmp_path / "site" / "helpers_of_mine.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    assert made(1) == made(2) != own


def test_a_file_beside_that_is_named_like_a_library_is_not_taken_for_it(tmp_path):
    before = code(tmp_path, math="log = None\n")
    assert code(tmp_path, math="log = 1\nprint(2)\n").sha256 == before.sha256


def test_what_summarise_computes_with_is_hashed_apart(tmp_path):
    text = edited("    claims=CLAIMS,", "    claims=CLAIMS,\n    summarise=summarise,")
    text = edited("def points", "def summarise(arms, scale):\n    return {'x': shift(1)}\n\n\ndef points", text)
    before = code(tmp_path, text)
    assert before.summary
    assert before.sha256 == code(tmp_path).sha256
    assert code(tmp_path).summary is None
    other = code(tmp_path, edited("return value + 2", "return value + 3", text))
    assert (other.summary == before.summary, other.sha256 == before.sha256) == (False, True)
    other = code(tmp_path, edited("epochs=1,", "epochs=2,", text))
    assert (other.summary == before.summary, other.sha256 == before.sha256) == (True, False)


RECIPES = sorted(checkout.recipes_folder().rglob("*.py"))


def measurements(monkeypatch, changed: str = "", old: str = "", new: str = "") -> dict[str, str]:
    """The code of every recipe of the package, with an edit of one module of the vocabulary."""
    found = modules.Sources._read

    def read(self, name):
        module = found(self, name)
        if module is not None and name == f"keras_reprise.{changed}":
            return modules.Module(name, edited(old, new, module.source.decode()).encode(), "keras_reprise")
        return module

    with monkeypatch.context() as patch:
        patch.setattr(modules.Sources, "_read", read)
        return {path.stem: measurement.read_code(path, path.read_bytes()).sha256 for path in RECIPES}


@pytest.fixture(scope="module")
def before():
    """The code of every recipe of the package as it is."""
    return {path.stem: measurement.read_code(path, path.read_bytes()).sha256 for path in RECIPES}


@pytest.mark.parametrize(
    ("changed", "old", "new", "word"),
    [
        ("two_layer", "initialiser = keras.initializers.RandomNormal(0.0, 1e-4", "initialiser = keras.initializers.RandomNormal(0.0, 2e-4", "two_layer"),
        ("schedules", "def steps(", "def steps(*more, ", "steps("),
        ("whitening", "dtype=np.float64", "dtype=np.float32", "PrincipalComponents"),
    ],
)  # fmt: skip
def test_a_change_of_the_vocabulary_changes_the_recipes_that_use_it_and_no_other(
    monkeypatch, before, changed, old, new, word
):
    after = measurements(monkeypatch, changed, old, new)
    moved = {name for name in before if before[name] != after[name]}
    texts = {path.stem: path.read_text() for path in RECIPES}
    assert moved
    assert moved <= {name for name, text in texts.items() if word in text}
    if changed == "two_layer":
        uses = {"Trainer(", "two_layer(", "raw_pixels, two_layer"}
        assert moved == {name for name, text in texts.items() if any(use in text for use in uses)}


def test_every_module_at_the_top_of_the_package_is_read_as_vocabulary():
    package = Path(measurement.__file__).parents[1]
    modules_at_the_top = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    assert set(modules.VOCABULARY) == modules_at_the_top


def test_a_docstring_in_the_vocabulary_changes_no_recipe(monkeypatch, before):
    assert (
        measurements(monkeypatch, "two_layer", "Trains the network on one data set", "Trains it on one data set")
        == before
    )


def test_the_engine_counts_by_the_numbers_of_the_features_that_are_used(tmp_path, monkeypatch):
    found = code(tmp_path)
    assert found.features == ("train",)
    before = {name: measurement.measurement(found, "0" * 64, name) for name in numerics.NUMERICS}
    assert len(set(before.values())) == len(before)
    for feature, counts in (("train", True), ("evaluate", False), ("seeds", True)):
        with monkeypatch.context() as patch:
            patch.setitem(numerics.NUMERICS["jax"], feature, 2)
            assert (measurement.measurement(found, "0" * 64, "jax") != before["jax"]) == counts
            assert measurement.measurement(found, "0" * 64, "torch") == before["torch"]


def test_every_name_of_the_engine_has_its_features():
    engine = ast.parse((Path(measurement.__file__).parents[1] / "engine" / "__init__.py").read_text())
    (names,) = (ast.literal_eval(node.value) for node in engine.body if isinstance(node, ast.Assign))
    assert set(numerics.FEATURES) == set(names)
    for numbers in numerics.NUMERICS.values():
        assert set(numbers) == {*numerics.ALWAYS, *(one for used in numerics.FEATURES.values() for one in used)}


def loaded(folder: Path, **edits: str) -> loading.LoadedRecipe:
    """A recipe whose arms and scales are as given."""
    text = textwrap.dedent('''
        """Title"""
        import math
        import numpy as np
        from keras_reprise import Arm, Claim, Measurement, Recipe, Scale
        def measure(arm, replicate):
            return Measurement({"x": arm.x})
        def rising(x):
            return x + 1
        class Thing:
            def __call__(self, x):
                return x + 2
        RECIPE = Recipe(slug="x", version=1, question="?", sources=(), ARMS, SCALES, measure=measure, claims=(
            Claim("c", "C.", "here", lambda arms, scale: 0.0, above=0.0, measures="Nothing"),), TIMING)
    ''')
    default = {"ARMS": "arms=(Arm('one', x=1),)", "SCALES": "scales=(Scale('quick'), Scale('full'))", "TIMING": ""}
    for word, part in {**default, **edits}.items():
        text = text.replace(word, part)
    path = folder / "x.py"
    path.write_text(text)
    return loading.load(path)


@pytest.mark.parametrize(
    "arms",
    [
        "Arm('one', x=2)", "Arm('one', x=1.0)", "Arm('one', x=True)", "Arm('one', x='1')", "Arm('one', x=[1])", "Arm('one', x=(1,))",
        "Arm('uno', x=1)", "Arm('one', x=1, y=None)", "Arm('one', x={'a': 1})", "Arm('one', x=np.float32(1))",
        "Arm('one', x=np.arange(3))", "Arm('one', x=math.nan)", "Arm('one', x=-0.0)", "Arm('one', x=0.0)",
        "Arm('one', x=0.1 + 1e-9)", "Arm('one', x=0.1)",
        "Arm('two', x=1), Arm('one', x=1)", "Arm('one', x=1), Arm('two', x=1)",
    ],
)  # fmt: skip
def test_other_settings_of_an_arm_are_another_measurement(tmp_path, arms):
    others = [loaded(tmp_path), loaded(tmp_path, ARMS=f"arms=({arms},)")]
    first, second = (one.measurements("jax") for one in others)
    assert first["quick"] != second["quick"]
    again = loaded(tmp_path, ARMS=f"arms=({arms},)").measurements("jax")
    assert again == second


def test_all_kinds_of_settings_differ_from_each_other(tmp_path):
    kinds = ["1", "1.0", "True", "'1'", "[1]", "(1,)", "{1: 1}", "None", "0.0", "-0.0", "math.nan"]
    kinds += ["np.float32(1)", "np.int64(1)", "np.ones(1)"]
    found = [loaded(tmp_path, ARMS=f"arms=(Arm('one', x={kind}),)").measurements("jax")["quick"] for kind in kinds]
    assert len(set(found)) == len(kinds)


@pytest.mark.parametrize("kind", ["rising", "lambda x: x", "Thing()", "Thing", "{1, 2}", "1j", "b'1'", "10**5000"])
def test_a_setting_that_no_record_can_hold_is_refused(tmp_path, kind):
    with pytest.raises(RecipeError, match="x of the arm one is a"):
        loaded(tmp_path, ARMS=f"arms=(Arm('one', x={kind}),)")


def test_settings_that_are_computed_count_by_their_values(tmp_path):
    written = loaded(tmp_path, ARMS="arms=(Arm('a0', x=0), Arm('a1', x=1))").measurements("jax")
    computed = loaded(tmp_path, ARMS="arms=tuple(Arm(f'a{n}', x=n) for n in range(2))").measurements("jax")
    assert written == computed


def test_rounding_in_the_last_digit_of_a_computed_setting_is_no_other_measurement(tmp_path):
    def measured(number: str) -> str:
        return loaded(tmp_path, ARMS=f"arms=(Arm('one', x={number}),)").measurements("jax")["quick"]

    for kind in ("float", "np.float64"):
        assert measured(f"{kind}(1 / 3)") == measured(f"{kind}(np.nextafter(1 / 3, 1))")
        assert measured(f"{kind}(1 / 3)") != measured(f"{kind}(1 / 3 + 1e-9)")
    assert measured("0.1") != measured("0.100000000000001")  # as it is written


def test_only_the_scale_that_is_measured_counts(tmp_path):
    before = loaded(tmp_path).measurements("jax")
    assert before["quick"] != before["full"]
    after = loaded(tmp_path, SCALES="scales=(Scale('quick', epochs=3), Scale('full', seeds=3))").measurements("jax")
    assert (after["quick"] != before["quick"], after["full"] == before["full"]) == (True, True)


def test_whether_the_machine_is_measured_alone_counts(tmp_path):
    assert loaded(tmp_path, TIMING="timing=True").measurements("jax") != loaded(tmp_path).measurements("jax")
    assert loaded(tmp_path, TIMING="timing=False").measurements("jax") == loaded(tmp_path).measurements("jax")


def test_source_is_parsed_and_never_run(tmp_path):
    assert measurement.read_code(tmp_path / "x.py", b"raise SystemExit\nRECIPE = None\n").sha256


def test_source_that_is_nested_deeply_is_read(tmp_path):
    deep = f"x = {' + '.join(['1'] * 2000)}\nRECIPE = None\n"
    assert measurement.read_code(tmp_path / "x.py", deep.encode()) != measurement.read_code(
        tmp_path / "x.py", deep.replace("1 +", "2 +", 1).encode()
    )


def test_literals_differ_by_type_and_not_by_how_they_are_written():
    def form(text: str) -> str:
        return syntax.sha256(syntax.form(syntax.parse(f"x = {text}")))

    apart = [
        "1",
        "1.0",
        "True",
        "'1'",
        "b'1'",
        "1j",
        "-1",
        "None",
        "...",
        "0.0",
        "-0.0",
        "'\\ud800'",
        "f'{1}'",
        "f'{1}1'",
        "(1,)",
        "[1]",
    ]
    assert len({form(text) for text in apart}) == len(apart)
    for same in (
        ("1000", "1_000", "0x3e8", "(1000)"),
        ("'ab'", "'a' 'b'", '"ab"', "f'ab'", "'a' f'b'", "'''ab'''"),
        ("1e3", "1000.0"),
    ):
        assert len({form(text) for text in same}) == 1


CORPUS = Path(__file__).parents[1] / "data" / "measurements"


def interpreter(version: str) -> Path:
    """A Python of this version; skips where there is none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    for found in [*installed, *map(Path, filter(None, [shutil.which(f"python{version}")]))]:
        if subprocess.run([found, "-c", "import sys"], capture_output=True).returncode == 0:
            return found
    pytest.skip(f"there is no Python {version} here")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_frozen_hashes_and_those_of_the_lock_are_the_same_on_every_python(version):
    recipes = checkout.recipes_folder()
    command = [
        interpreter(version),
        CORPUS.parents[1] / "support" / "frozen.py",
        CORPUS,
        Path(measurement.__file__).parents[1],
        recipes,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    locked = found.pop("lock")
    assert found == json.loads((CORPUS / "hashes.json").read_text())
    assert locked == {entry.path: entry.code_sha256 for entry in catalog.read_lock().recipes}


def test_what_is_frozen_has_every_kind_of_syntax():
    snippets = (CORPUS / "snippets.txt").read_text().split("\n# ---\n")
    seen = {type(node).__name__ for text in snippets for node in ast.walk(ast.parse(text))}
    kinds = [kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)]
    written = {kind.__name__ for kind in kinds if not kind.__subclasses__() and kind.__module__ in ("ast", "_ast")}
    old = {
        "AugLoad",
        "AugStore",
        "Param",
        "Suite",
        "Index",
        "ExtSlice",
        "Num",
        "Str",
        "Bytes",
        "NameConstant",
        "Ellipsis",
    }
    never = {
        "FunctionType",
        "Interactive",
        "Expression",
        "TypeIgnore",
        "slice",
        "expr_context",
        "operator",
        "mod",
        "pattern",
    }
    newer = {"TypeAlias", "TypeVar", "ParamSpec", "TypeVarTuple", "TemplateStr", "Interpolation"}
    assert written - old - never - newer - seen == set()
