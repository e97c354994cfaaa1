"""Whatever `measure` does or returns is at worst a failed arm with a sentence; the other arm goes on."""

import json
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from faults import documents
from wrongs import write

from keras_reprise.base.failures import LONGEST
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store


@pytest.fixture
def run(tmp_path, store_path, reprise):
    """Measure a recipe whose arm `wrong` has this body; click's result and the arm as it was recorded."""

    def call(body, *options):
        result = reprise("run", write(tmp_path / "mine", body), "--store", store_path, *options)
        assert "Traceback" not in result.output, result.output
        (document,) = documents(store_path)
        assert check(Store(store_path))[1] == []
        assert document["arms"]["right"]["status"] == "complete"
        assert document["arms"]["right"]["params"] == {"rate": 0.25}
        assert document["arms"]["right"]["metrics"] == {"value": 1.0, "x": 3.0, "rate": 0.25}
        return result, document["arms"]["wrong"]

    return call


def failed(found) -> str:
    """The sentence of a failed arm, which was also printed."""
    result, arm = found
    assert (result.exit_code, arm["status"]) == (4, "failed"), result.output
    message: str = arm["error"]["message"]
    assert message in result.output
    assert len(message) <= LONGEST
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "returned nothing (None)"),
        ("pass", "end it with `return Measurement"),
        ("return {'value': 1.0}", "returned a dict; wrap it"),
        ("return np.zeros(3)", "returned an array of shape (3,)"),
        ("return 0.3", "returned a float"),
        ("return Measurement(metrics={'value': 1.0}), 2", "returned a tuple"),
        ("return Measurement", "the class Measurement itself"),
        ("yield 1.0", "without yield"),
        ("from keras_reprise.engine import History\nreturn History()", "the history of a training"),
        ("return Measurement(metrics=[1.0])", "metrics= of the Measurement is a list"),
        ("return Measurement(metrics={3: 1.0})", "the metric 3 could not be cited"),
        ("return Measurement(metrics={'p(x|y) %': 1.0})", "the metric 'p(x|y) %' could not be cited"),
        ("return Measurement(metrics={'a/b': 1.0})", "letters, digits and _ . + -"),
        ("return Measurement(metrics={'': 1.0})", "the metric '' could not be cited"),
        ("return Measurement(metrics={'e' * 101: 1.0})", "at most 100 characters"),
        ("return Measurement(metrics={'value': np.array([1.5])})", "shape (1,), not a number; take its one value"),
        ("return Measurement(metrics={'value': np.zeros((2, 3))})", "an array of shape (2, 3)"),
        ("return Measurement(metrics={'value': [1.0]})", "the metric 'value' is a list"),
        ("return Measurement(metrics={'value': None})", "the metric 'value' is None"),
        ("return Measurement(metrics={'value': '1,5'})", "a comma is no decimal point"),
        ("return Measurement(metrics={'value': '1.5'})", "is the text '1.5', not a number"),
        ("return Measurement(metrics={'value': 1 + 2j})", "the complex number (1+2j)"),
        ("return Measurement(metrics={'value': max})", "max, which can be called"),
        ("return Measurement(metrics={'value': 10**400})", "no float can hold"),
        ("return Measurement(curves={'loss': [[1.0], [2.0]]})", "value 1 of the curve 'loss' is a list"),
        ("return Measurement(curves={'loss': np.zeros((2, 1))})", "the curve 'loss' is an array of shape (2, 1)"),
        ("return Measurement(curves={'loss': []})", "the curve 'loss' is empty"),
        ("return Measurement(curves={'loss': 'falling'})", "the curve 'loss' is the text 'falling'"),
        ("return Measurement(curves={'loss': 1.0})", "the curve 'loss' is a float"),
        ("return Measurement(curves={'loss': np.array(1.0)})", "the curve 'loss' is an array of shape ()"),
        ("return Measurement(curves={'loss': [1.0, None]})", "value 2 of the curve 'loss' is None"),
        ("return Measurement(curves={'loss': np.array(['0,5'])})", "a comma is no decimal point"),
        ("return Measurement(curves={'tab\\t': [1.0]})", "a curve has the name 'tab\\t'"),
        ("return Measurement(curves={'loss': np.zeros(10**6)})", "the curve 'loss' has 1,000,000 values"),
        ("import itertools\nreturn Measurement(curves={'loss': itertools.count()})", "more than 262,144 values"),
        (
            "return Measurement(curves={'short': [1.0], 'long': np.random.rand(100_000)})",
            "the curve 'long' alone takes",
        ),
        ("return Measurement(histograms={'h': [1, 2]})", "the histogram 'h' is a list; write Histogram.of"),
        ("return Measurement(histograms={'h': Histogram(0.0, float('nan'), [1])})", "its ends are finite"),
        ("return Measurement(histograms={'h': Histogram(0.0, 1.0, [None])})", "no whole numbers"),
        ("return Measurement(trials={'a': 1})", "trials= of the Measurement is a dict"),
        ("return Measurement(trials=[3])", "trial 1 is an int"),
        ("return Measurement(trials=[{}, {'a': {'b': 1}}])", "'a' of trial 2 is a dict"),
        ("return Measurement(trials=[{'a': np.zeros((2, 2))}])", "an array of shape (2, 2)"),
        ("return Measurement(trials=[{'a': object()}])", "'a' of trial 1 is an object"),
        ("return Measurement(trials=[{float('nan'): 1}])", "trial 1 has the name nan"),
        ("return Measurement(diverged=np.zeros(2))", "diverged= of the Measurement is an array"),
        ("import asyncio\nasync def f(): pass\nreturn f()", "without yield and async"),
    ],
)
def test_what_measure_returns_by_mistake_is_a_failed_arm_with_a_sentence(run, body, words):
    assert words in failed(run(body))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise SystemExit", "called exit()"),
        ("sys.exit(3)", "called exit(3) (line"),
        ("quit()", "called exit"),
        ("os._exit(1)", "called exit(1)"),
        ("raise KeyboardInterrupt", "raised KeyboardInterrupt by itself"),
        ("raise GeneratorExit", "GeneratorExit without a word (line"),
        ("class Odd(BaseException): pass\nraise Odd('so')", "so"),
        ("class Odd(Exception):\n    def __str__(self): return 1 / 0\nraise Odd", "Odd without a word (line"),
        ("assert 1 == 2", "AssertionError without a word (line"),
        ("return replicate.nothing", "has no attribute 'nothing'"),
        ("return Measurement(metrics={'v': {}['test_error']})", "asked for 'test_error', which is not there (line"),
        ("def f(): return f()\nreturn f()", "maximum recursion depth exceeded"),
        ("replicate.dataset()", "declares none. Set data="),
        (
            "from keras_reprise.base.errors import DataError\nraise DataError('Nothing is here.\\nFetch it.')",
            "here. Fetch it.",
        ),
        ("open('/home/somebody/secret data/x.csv')", "No such file or directory: '<path>'"),
    ],
)
def test_whatever_measure_raises_ends_its_arm_alone(run, body, words):
    assert words in failed(run(body))


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("float('nan')", "nan"),
        ("-np.inf", "-inf"),
        ("True", 1.0),
        ("np.float32(0.5)", 0.5),
        ("np.array(0.5)", 0.5),
        ("np.int64(3)", 3.0),
        ("__import__('decimal').Decimal('0.5')", 0.5),
        ("__import__('fractions').Fraction(1, 2)", 0.5),
        ("__import__('keras').ops.convert_to_tensor(0.5)", 0.5),
        ("__import__('keras').Variable(0.5)", 0.5),
        ("__import__('keras').ops.cast(0.5, 'bfloat16')", 0.5),
    ],
)
def test_every_kind_of_number_is_a_number(run, value, stored):
    result, arm = run(f"return Measurement(metrics={{'value': {value}, 'größe_β_1': 1}}, curves={{'a': [{value}]}})")
    assert result.exit_code == 0, result.output
    assert arm["metrics"] == {"value": stored, "größe_β_1": 1.0}
    assert arm["curves"] == {"a": [stored]}


def test_curves_may_come_in_every_form_of_a_list_and_be_empty_in_an_arm_that_diverged(run):
    result, arm = run(
        "return Measurement(curves={'a': (i for i in range(2)), 'b': range(2), 'learning rate [10⁻³]': np.arange(2), 'c': []}, diverged=True)"
    )
    assert (result.exit_code, arm["status"]) == (0, "diverged")
    assert arm["curves"] == {name: [0.0, 1.0] for name in ("a", "b", "learning rate [10⁻³]")} | {"c": []}


def test_trials_hold_numbers_text_and_lists_of_them(run):
    _, arm = run(
        "return Measurement(trials=[{'a': np.float32(0.5), 'b': 'x', 'c': None, 'd': True, 'e': (1, float('nan')), 'f': np.arange(2), 'g': 2**70}])"
    )
    assert arm["trials"] == [
        {"a": 0.5, "b": "x", "c": None, "d": True, "e": [1, "nan"], "f": [0, 1], "g": pytest.approx(2.0**70)}
    ]


def test_a_replicate_whose_arms_do_not_fit_together_is_failed_and_names_the_biggest_curve(
    tmp_path, store_path, reprise
):
    path = write(tmp_path / "mine", "return Measurement(curves={'long': np.random.rand(30_000)})")
    path.write_text(
        path.read_text().replace('curves={"loss": [2.0, 1.0]}', 'curves={"longer": np.random.rand(29_000)}')
    )
    result = reprise("run", path, "--store", store_path)
    (document,) = documents(store_path)
    assert (result.exit_code, document["status"]) == (4, "failed")
    assert "all arms together do not fit into a record: the curve 'long' alone takes" in result.output
    assert document["arms"]["right"]["status"] == "complete"
    assert check(Store(store_path))[1] == []


def test_what_measure_does_to_the_process_is_undone(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEPT", "as it was")
    before = (
        Path.cwd(),
        dict(os.environ),
        list(sys.path),
        list(sys.argv),
        sys.getrecursionlimit(),
        np.geterr(),
        list(warnings.filters),
        {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)},
        os._exit,
    )
    result, arm = run(
        """
        import keras, threading, warnings
        os.chdir("/")
        os.environ.clear()
        os.environ["NEW"] = "1"
        sys.path[:] = []
        sys.path = ["/nowhere"]
        sys.argv = []
        sys.setrecursionlimit(4321)
        np.seterr(all="raise")
        warnings.simplefilter("error")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, lambda *_: None)
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        print("to nobody's table")
        os.write(1, b"nor this")
        os.system("echo nor that")
        sys.stdout.close()
        sys.stderr.close()
        os.close(1)
        os.close(2)
        arm.settings["rate"] = object()
        replicate.scale.settings["x"] = 4.0
        replicate.seeds = replicate.scale = replicate.data_name = None
        return Measurement(metrics={"value": 1.0})
        """,
        "--json",
    )
    assert json.loads(result.stdout) == {"recorded": 1, "present": 0, "failed": 0, "waiting": 0}
    assert (arm["status"], arm["params"]) == ("complete", {"rate": 0.5})
    import keras

    assert (keras.config.floatx(), keras.config.dtype_policy().name) == ("float32", "float32")
    after = (
        Path.cwd(),
        dict(os.environ),
        list(sys.path),
        list(sys.argv),
        sys.getrecursionlimit(),
        np.geterr(),
        list(warnings.filters),
        {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)},
        os._exit,
    )
    assert after == before


def test_a_store_by_a_relative_name_stays_where_it_was(tmp_path, reprise, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "mine", "os.chdir('/')\nreturn Measurement(metrics={'value': 1.0})")
    assert reprise("run", path, "--store", "here").exit_code == 0
    assert len(documents(tmp_path / "here")) == 1


@pytest.mark.filterwarnings("ignore:.*fork.*")
@pytest.mark.parametrize("end", ["pass", "raise ValueError", "sys.exit(1)", "os._exit(0)"])
def test_a_forked_child_that_leaves_measure_ends_there(run, end):
    result, arm = run(
        f"""
        child = os.fork()
        if child == 0:
            {end}
        else:
            _, status = os.waitpid(child, 0)
            assert os.WIFEXITED(status)
        return Measurement(metrics={{"value": 1.0}})
        """
    )
    assert (result.exit_code, arm["metrics"]) == (0, {"value": 1.0})


def test_a_thread_that_fails_leaves_one_line(run):
    result, _ = run(
        """
        import threading
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        return Measurement(metrics={"value": 1.0})
        """
    )
    assert "a thread of the recipe ended: ZeroDivisionError: division by zero" in result.output


def test_ctrl_c_while_measuring_is_the_users_whatever_measure_makes_of_it(tmp_path, store_path, reprise):
    body = """
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException:
            return Measurement(metrics={"value": 1.0})
    """
    assert threading.current_thread() is threading.main_thread()
    result = reprise("run", write(tmp_path / "mine", body), "--store", store_path)
    assert result.exit_code == 130
    assert documents(store_path) == []


def test_a_worker_does_the_same(tmp_path, reprise_process):
    """In a process of its own, among them what would end it."""
    for number, (body, words) in enumerate(
        [
            ("return {'value': 1.0}", "measure returned a dict"),
            ("os._exit(0)", "called exit(0)"),
            ("if os.fork() == 0:\n    return Measurement()\nos.close(2)\nquit()", "called exit"),
        ]
    ):
        path = write(tmp_path / f"mine{number}", body)
        done = reprise_process("run", path, "--store", tmp_path / f"s{number}", "--workers", 1)
        assert done.returncode == 4, done.stderr
        assert "Traceback" not in done.stderr
        (document,) = documents(tmp_path / f"s{number}")
        assert words in document["arms"]["wrong"]["error"]["message"]
        assert document["arms"]["right"]["status"] == "complete"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("measure=measure", "measure=measure, margins=3"), "its RECIPE cannot be written down"),
        (("rate=0.5", "rate=max"), "rate of the arm wrong is a builtin_function_or_method"),
        (("rate=0.5", "rate=2**70"), "rate of the arm wrong is a number beyond 64 bits"),
        (("import signal", "import signal\nsys = exit(3)"), "line 11: it called exit(3)"),
        (("import signal", "import nowhere_to_be_found"), "install it, or set PYTHONPATH"),
    ],
)
def test_a_recipe_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path, store_path, reprise, change, words):
    path = write(tmp_path / "mine")
    path.write_text(path.read_text().replace(*change))
    result = reprise("run", path, "--store", store_path)
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_infinite_settings_and_ends_of_intervals_are_carried(tmp_path, store_path, reprise):
    path = write(tmp_path / "mine")
    path.write_text(
        path.read_text()
        .replace("rate=0.5", "rate=float('inf')")
        .replace('above=0.0, measures="One', "above=0.0, below=float('inf'), measures=\"One")
    )
    result = reprise("run", path, "--store", store_path)
    assert result.exit_code == 0, result.output
    assert documents(store_path)[0]["arms"]["wrong"]["params"] == {"rate": "inf"}


@pytest.mark.parametrize("seeds", ["1,99999999999999999999999", "1," + "9" * 5000, "4294967296,1", "10001"])
def test_seeds_that_no_library_takes_are_refused(plain_recipe, store_path, reprise, seeds):
    result = reprise("run", plain_recipe, "--seeds", seeds, "--store", store_path)
    assert result.exit_code == 2
    assert "seed" in result.output


def test_the_largest_seed_is_measured(plain_recipe, store_path, reprise):
    assert reprise("run", plain_recipe, "--seeds", "1,4294967295", "--store", store_path).exit_code == 0


def test_an_arm_cannot_change_the_data_of_the_arms_after_it(tmp_path, store_path, reprise):
    path = write(
        tmp_path / "mine", "data = replicate.dataset()\ndata.y_train[:] = 0\nreturn Measurement(metrics={'value': 1.0})"
    )
    text = path.read_text().replace("version=1,", 'version=1,\n    data="digits",')
    path.write_text(text.replace('"value": 1.0, "x"', '"value": replicate.dataset().y_train.max(), "x"'))
    result = reprise("run", path, "--store", store_path)
    (document,) = documents(store_path)
    assert result.exit_code == 4
    assert "read-only" in document["arms"]["wrong"]["error"]["message"]
    assert document["arms"]["right"]["metrics"]["value"] == 9.0


def test_a_mistake_of_the_data_set_itself_ends_the_run(tmp_path, store_path, reprise):
    """It would fail every arm."""
    path = write(tmp_path / "mine")
    path.write_text(path.read_text().replace("version=1,", 'version=1,\n    data="nothing-of-the-kind",'))
    result = reprise("run", path, "--store", store_path)
    assert result.exit_code == 2
    assert documents(store_path) == []
    assert "Traceback" not in result.output
