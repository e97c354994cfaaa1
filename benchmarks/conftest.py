"""What `bench_engine.py` needs of pytest: which pairs are measured here, once, and the table after them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine_speed import Outcome  # noqa: E402

OUTCOME = pytest.StashKey[Outcome]()
DEVICES = pytest.StashKey[dict]()


def pytest_generate_tests(metafunc):
    if metafunc.function.__name__ == "test_training_an_epoch":
        from engine_speed import pairs, process

        devices = process("contender.py", "devices")
        metafunc.config.stash[DEVICES] = devices
        metafunc.parametrize("pair", pairs(devices), ids="-".join)


def pytest_itemcollected(item):
    if getattr(item, "originalname", "") == "test_training_an_epoch":
        from bench_engine import REPLAY

        item.add_marker(pytest.mark.benchmark(timer=REPLAY))


@pytest.fixture(scope="session")
def outcome(request):
    """What all selected pairs gave."""
    from bench_engine import rounds
    from engine_speed import best, measure

    devices = request.config.stash[DEVICES]
    chosen = [item.callspec.params["pair"] for item in request.session.items if "pair" in _parameters(item)]
    found = measure(chosen, devices, rounds=rounds(best(devices)))
    request.config.stash[OUTCOME] = found
    return found


@pytest.fixture
def processes(outcome, pair):
    """What the processes of one pair printed."""
    if pair not in outcome.results:
        pytest.skip(outcome.left_out[pair])
    return outcome.results[pair]


def _parameters(item):
    return item.callspec.params if hasattr(item, "callspec") else {}


def pytest_terminal_summary(terminalreporter, config):
    if (found := config.stash.get(OUTCOME, None)) is not None:
        from engine_speed import table

        terminalreporter.write_line(table(found))
