"""What other processes compute: they run nothing but what they are asked, whoever asks and wherever that is."""

import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from keras_reprise.base.errors import StoreError
from keras_reprise.base.parallel import each

pytestmark = pytest.mark.slow  # it starts processes

MANY = """import os
from keras_reprise.base import parallel
parallel.CHUNK, parallel.WORTH_PROCESSES, os.cpu_count = 2, 1, lambda: 2  # six records are many
import keras_reprise as kr
"""


@pytest.fixture
def read(filled_store, tmp_path):
    """Run a script that reads a store's records by two processes, standing in a folder; the finished process."""
    shutil.rmtree(filled_store / ".cache")

    def run(script, folder):
        path = tmp_path / "mine.py"
        path.write_text(MANY + script.format(store=str(filled_store)))
        command = [sys.executable, str(path)]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_answers_come_in_order_and_errors_as_they_were():
    assert list(each(abs, [-1, -2, -3], 2)) == [1, 2, 3]
    with pytest.raises(ValueError, match="invalid literal") as raised:
        list(each(int, ["1", "x", "2"], 2))
    assert "Traceback" in raised.value.__notes__[0]


def test_what_is_printed_is_no_answer(capfd):
    assert list(each(print, ["said"], 1)) == [None]
    assert capfd.readouterr().out == ""


def test_a_process_that_ends_is_told_in_a_sentence():
    with pytest.raises(StoreError, match="has ended with exit code 7"):
        list(each(os._exit, [7, 7], 2))


def test_who_needs_no_more_answers_waits_for_none():
    begun, before = time.monotonic(), set(psutil.Process().children())
    answers = each(time.sleep, [0.0, 60.0, 60.0], 2)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 30
    assert set(psutil.Process().children()) <= before


def test_a_script_without_a_guard_is_not_run_again(read, tmp_path):
    done = read("print('begun')\nprint(len(kr.results({store!r})))\n", tmp_path)
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (0, "begun\n6\n", False), done.stderr


@pytest.mark.parametrize("name", ["signal", "types", "socket", "operator"])
def test_modules_of_the_current_folder_are_not_imported(read, tmp_path, name):
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / f"{name}.py").write_text("open('executed', 'w').close()\n")
    done = read("if __name__ == '__main__':\n    print(len(kr.results({store!r})))\n", stranger)
    assert (done.returncode, done.stdout) == (0, "6\n"), done.stderr
    assert [path.name for path in stranger.iterdir()] == [f"{name}.py"]


def test_ctrl_c_is_heard_by_the_program_alone():
    code = (
        "import signal, time\n"
        "from keras_reprise.base.parallel import each\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # which who runs tests in the background ignores\n"
        "list(each(time.sleep, [60.0] * 4, 2))\n"
    )
    program = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(workers := psutil.Process(program.pid).children()) < 2:
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(program.pid, signal.SIGINT)  # as a terminal sends it, to all of its programs
    _, errors = program.communicate(timeout=30)
    assert (errors.count("Traceback"), errors.rstrip().endswith("KeyboardInterrupt")) == (1, True), errors
    assert psutil.wait_procs(workers, timeout=5)[1] == []
