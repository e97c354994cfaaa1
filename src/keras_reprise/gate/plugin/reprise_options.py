"""What the processes of a gate set otherwise than a project's own settings of pytest, and why.

It stands alone, as the plugin does. PYTEST_DONT_REWRITE

A project's settings hold (its markers, `-m`, `-k`, import mode, plugins, timeouts, warnings as errors, and of
pytest-benchmark timer, warm-up, collection of garbage and the shortest round) but for these. They are set here and not
on the command line, where pytest refuses the options of plugins that an environment does not have.
"""

import math
import os
from collections.abc import Generator, Mapping
from typing import Any

import pytest

ALONE: dict[str, Any] = {
    "numprocesses": 0,
    "maxprocesses": None,
    "dist": "no",
    "distload": False,
    "tx": [],
    "looponfail": False,
}
"""pytest-xdist: what other processes compute meanwhile would be measured, and pytest-benchmark turns itself off."""

UNTRACED = {"cov_source": [], "no_cov": True, "cov_fail_under": None, "benchmark_cprofile": None}
"""pytest-cov, profiles: they make code slower, and some of it more than other."""

MEASURED = {"benchmark_disable": False, "benchmark_enable": True, "benchmark_skip": False}
"""pytest-benchmark, which many projects turn off in tests; how long it measures is the gate's choice."""

UNWRITTEN: dict[str, Any] = {
    "benchmark_save": None, "benchmark_autosave": None, "benchmark_compare": [], "benchmark_compare_fail": None,
    "benchmark_histogram": [], "benchmark_csv": [], "benchmark_cprofile_dump": [], "benchmark_group_by": "group",
    "benchmark_storage": f"file://{os.path.dirname(os.environ.get('REPRISE_SEEN', ''))}/stored",
    "xmlpath": None, "htmlpath": None, "report_log": None, "json_report": False, "allure_report_dir": None,
}  # fmt: skip
"""Reports of a project's tests stay what they are, and runs are compared by the gate."""

WHOLE = {
    "lf": False, "failedfirst": False, "newfirst": False, "stepwise": False, "randomly_reorganize": False,
    "usepdb": False, "trace": False, "forked": False,
}  # fmt: skip
"""Every benchmark in every process, in one order, whatever failed in the tests before."""

FEWEST_ROUNDS, BRIEF_S = 2, 1e-6

OPTIONS: dict[str, Any] = {**ALONE, **UNTRACED, **MEASURED, **UNWRITTEN, **WHOLE}


def overrule(options: object) -> None:
    """Set those that the environment's plugins know."""
    for name, value in OPTIONS.items():
        if hasattr(options, name):
            setattr(options, name, list(value) if isinstance(value, list) else value)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Before pytest-cov begins."""
    overrule(early_config.known_args_namespace)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Before pytest-xdist and pytest-benchmark look; pytest has parsed the options once more."""
    overrule(config.option)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a mark asks of a benchmark is of the whole process, so each of its runs has a share; a trial is brief."""
    passes = int(os.environ.get("REPRISE_PASSES", "1"))
    for item in items:
        mark = item.get_closest_marker("benchmark")
        if mark is not None and not mark.args:
            item.add_marker(pytest.mark.benchmark(**share(mark.kwargs, passes)), append=False)


def share(asked: Mapping[str, Any], passes: int) -> dict[str, Any]:
    """The options of a mark for one of so many runs."""
    found = {name: value for name, value in asked.items() if name != "cprofile"}
    if "max_time" in found:
        found["max_time"] = float(found["max_time"]) / passes if passes > 1 else BRIEF_S
    if "min_rounds" in found:
        found["min_rounds"] = max(FEWEST_ROUNDS, math.ceil(found["min_rounds"] / passes)) if passes > 1 else 1
    return found
