"""What is kept of an error: one sentence, nothing of Keras's internals, no path, host or user."""

import getpass
import json
import socket
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_reprise.base.failures import LONGEST, described, sentence, without_names

TEXTS = json.loads((Path(__file__).parents[1] / "data" / "error_texts.json").read_text("utf-8"))
INTERNALS = (
    "Exception encountered",
    "Graph execution",
    "Detected at node",
    "Arguments received",
    "Traceback",
    "File ",
    "{{",
    "[Op",
    "\x1b",
    "\n",
)


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: f"{case['backend']} {case['what']}")
def test_the_meaningful_line_of_a_librarys_message_is_kept(case):
    """The texts are those that Keras 3.15 gave with TensorFlow 2.21, JAX 0.10 and torch 2.13."""
    found = sentence(case["text"])
    assert case["words"] in found
    assert not [word for word in INTERNALS if word in found]
    assert len(found) <= LONGEST


def test_the_message_of_a_model_that_does_not_fit_its_data_is_one_sentence():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    with pytest.raises(Exception, match="incompatible") as caught:
        model(np.zeros((8, 5), "float32"))
    found = described(caught.value)
    assert found.startswith("Input 0")
    assert "expected axis -1 of input shape to have value 4" in found


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("cannot open '/home/me/my data/x.txt'", "cannot open '<path>'"),
        ("cannot open C:\\Users\\me\\x.txt", "cannot open <path>"),
        ("no answer from 10.0.0.17:8080", "no answer from <address>"),
        ("no file /home/Jane Doe/My Data/x.csv here", "no file <path> here"),
        ("no file /data/x.csv and a/b", "no file <path> and a/b"),
        (f"{Path.home()}/data is gone", "<path> is gone"),
        ("denied for jane.doe@cluster-7.example.org: key", "denied for <address>: key"),
        ("lost fe80::1ff:fe23:4567:890a at 12:30:15", "lost <address> at 12:30:15"),
        ("node-12.rack3.internal did not answer", "<host> did not answer"),
        ("cannot pickle threading.local of jax._src.internal, x[::2]", None),
        (f"{Path.cwd()}-other/data is gone", "<path> is gone"),
        ("GET http://proxy.example.org:3128/x failed", "GET http://<host>/x failed"),
        ("shape (2, 3) @ (3, 4) does not fit", None),
        ("3/4 of the loss, version 2.21.0", "3/4 of the loss, version 2.21.0"),
        (f"cannot reach {socket.gethostname()}.", "cannot reach <host>." if len(socket.gethostname()) > 4 else None),
        (f"no home of {getpass.getuser()}", "no home of <user>" if len(getpass.getuser()) > 4 else None),
    ],
)
def test_paths_hosts_and_users_are_taken_out(text, clean):
    assert without_names(text) == (clean or text)


def test_a_long_message_is_cut_between_words():
    found = sentence("word " * 500)
    assert len(found) <= LONGEST
    assert found.endswith("word ...")


def test_a_message_of_a_few_lines_is_kept_whole():
    assert sentence("Shapes differ.\nGot (3,) and (4,).") == "Shapes differ. Got (3,) and (4,)."


@pytest.mark.parametrize(
    "text", ["", "\n\n", "\x1b[1m\x1b[0m", "Graph execution error:\n\n", "'", '  File "x", line 3']
)
def test_a_text_that_says_nothing_gives_a_sentence_all_the_same(text):
    assert len(described(RuntimeError(text))) > 0
