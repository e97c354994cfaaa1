"""What an environment's id is made of: what decides numbers, not what else happens to be installed or loaded."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from keras_reprise.engine.backends import start
from keras_reprise.measure import environment


@pytest.fixture
def started(monkeypatch) -> Iterator[str]:
    name = start.start()
    _forget()
    yield name
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for remembered in (environment.packages_behind, environment._providers, environment._installed_versions):
        remembered.cache_clear()


def install(folder: Path, name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that provides `module`, imported."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "top_level.txt").write_text(f"{module}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setitem(sys.modules, module, types.ModuleType(module))


def test_a_plotting_library_does_not_split_a_group(started, tmp_path, monkeypatch):
    before = environment.packages_behind(started)
    _forget()
    install(tmp_path, "plots", "plots", monkeypatch)
    assert environment.packages_behind(started) == before
    assert not {"matplotlib", "seaborn", "pytest"} & set(before)
    assert {"keras", "numpy"} <= set(before)


def test_what_brings_a_device_to_the_backend_counts(started, tmp_path, monkeypatch):
    install(tmp_path, "Fast_Chips", "jax_plugins", monkeypatch)
    assert environment.packages_behind(started)["fast-chips"] == "1.0"


def test_what_a_recipe_imports_later_changes_no_environment(started, monkeypatch):
    before = environment.environment_facts()
    monkeypatch.setitem(sys.modules, "google_pasta", types.ModuleType("google_pasta"))
    monkeypatch.setitem(sys.modules, "scipy.odr", types.ModuleType("scipy.odr"))
    assert environment.environment_facts() == before


def test_a_document_says_which_packages_it_lists(started):
    assert environment.environment_facts()["packages_are"].startswith("imported")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("--xla_dump_to=/home/me/dump --xla_gpu_deterministic_ops=true", "--xla_dump_to=<path> --xla_gpu_deterministic_ops=true"),
        ("--xla_gpu_cuda_data_dir=~/cuda", "--xla_gpu_cuda_data_dir=<path>"),
        ("--xla_force_host_platform_device_count=2", "--xla_force_host_platform_device_count=2"),
        (r"--xla_dump_to=C:\Users\me", "--xla_dump_to=<path>"),
        ("--xla_dump_to=/home/Jane Doe/my dump --a=1", "--xla_dump_to=<path> --a=1"),
        ("--xla_dump_to=dump of jane", "--xla_dump_to=<path>"),
        ("--x=jane@node", "--x=<path>"),
        ("2", "2"),
        ("{0,1},{2}", "{0,1},{2}"),
    ],
)  # fmt: skip
def test_variables_keep_flags_and_lose_paths(started, monkeypatch, text, kept):
    monkeypatch.setenv("XLA_FLAGS", text)
    assert environment.environment_facts()["variables"]["XLA_FLAGS"] == kept
