"""Machine and environment: stable hardware facts, and the software that ran. Never a path, user,
host name or address."""

import contextlib
import importlib.metadata
import os
import platform
import re
import sys
from functools import lru_cache
from typing import Any

from keras_reprise.base.machine import THREAD_VARIABLES, _gpus

PACKAGES_ARE = "imported, of those that Keras and its backend require"
PLUGINS = ("jax_plugins", "tensorflow-plugins", "torch_xla")  # name spaces of what brings a device to a backend
COMPUTING_LATER = ("keras-tuner", "scikit-learn", "scipy")  # imported once a recipe needs them: never a matter of order


def environment_facts(determinism: str = "fast", precision: str = "float32") -> dict[str, Any]:
    """Software facts of this process, after the backend was started with this determinism and precision.

    `packages_are` says which packages are listed; in older documents, which lack it, they are all that were installed.
    """
    import keras
    import numpy as np

    from keras_reprise.engine.backends.start import current_backend

    name = keras.backend.backend()
    backend = current_backend()
    versions = packages_behind(name)
    gpus = _gpus()
    return {
        "backend": {"name": name, "version": versions.get(name) or versions.get(f"{name}-cpu")},
        "determinism": determinism,
        "device": backend.device(),
        "driver": gpus[0]["driver"] if gpus else None,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "packages": versions,
        "packages_are": PACKAGES_ARE,
        "precision": precision,
        "python": {"implementation": platform.python_implementation(), "version": platform.python_version()},
        "settings": dict(backend.settings()),
        "variables": _variables(),
    }


@lru_cache(maxsize=3)  # taken once, soon after the backend was started: what a recipe imports later is another matter
def packages_behind(backend: str) -> dict[str, str]:
    """The distributions that this process imported of those that Keras and its backend require, with their versions.

    Keras imports whatever it finds (matplotlib, pandas, the other backends), which changes no number, hence the second
    condition. What loads a backend's device, and what the package itself computes with only now and then, counts
    always.
    """
    installed = _installed_versions()
    providing = _providers()
    imported = {name for module in tuple(sys.modules) for name in providing.get(module.partition(".")[0], ())}
    plugins = {name for space in PLUGINS for name in providing.get(space, ())}
    roots = {"keras", *providing.get(backend, ()), *plugins}
    required = _required(roots)
    libraries = {name for name in _required(roots, extras="*") if name.startswith("nvidia-")}  # loaded, not imported
    always = libraries | plugins | set(COMPUTING_LATER)
    return {name: installed[name] for name in sorted((imported & required) | always) if name in installed}


@lru_cache(maxsize=1)
def _providers() -> dict[str, list[str]]:
    """The distributions that a top-level module's name belongs to."""
    found = importlib.metadata.packages_distributions()
    return {module: [_normal(name) for name in names] for module, names in found.items()}


def _required(roots: set[str], extras: str = "") -> set[str]:
    """What these distributions require, and what that requires; with `extras` "*" every extra of theirs included."""
    from packaging.requirements import InvalidRequirement, Requirement

    seen: dict[str, set[str]] = {}
    waiting = [(name, {extras}) for name in roots]
    while waiting:
        name, wanted = waiting.pop()
        if name in seen and wanted <= seen[name]:
            continue
        seen[name] = seen.get(name, set()) | wanted
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            distribution = importlib.metadata.distribution(name)
            offered = distribution.metadata.get_all("Provides-Extra") or () if "*" in wanted else wanted
            for line in distribution.requires or ():
                with contextlib.suppress(InvalidRequirement):
                    needed = Requirement(line)
                    marker = needed.marker
                    if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *offered}):
                        waiting.append((_normal(needed.name), set(needed.extras)))
    return set(seen)


@lru_cache(maxsize=1)
def _installed_versions() -> dict[str, str]:
    """Every installed distribution and its version; this package is in the record's `code` instead."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = _normal(distribution.metadata["Name"] or "")
        if name and name != "keras-reprise":
            found.setdefault(name, distribution.version)  # of two of one name Python imports the first
    return found


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


_VALUE = re.compile(r"[\w.,:+{}()*-]*")
_PLACE = re.compile(r"(dir|to|path|file|files|dirs|paths)$")


def _variables() -> dict[str, str]:
    """The variables that change how a process computes, as flags and numbers: of a place only that one is named."""
    return {name: _flags(os.environ[name]) for name in THREAD_VARIABLES if name in os.environ}


def _flags(text: str) -> str:
    """`--a=1 --b_dir=/home/me/my data 2` as `--a=1 --b_dir=<path>`: what follows a flag's place may be more of it."""
    words, kept, after_flag = text.split(), list[str](), False
    for word in words:
        flag, sign, value = word.partition("=")
        if word.startswith("-"):
            place = not _VALUE.fullmatch(value) or _PLACE.search(flag)
            kept.append(f"{flag}=<path>" if sign and place else word if _VALUE.fullmatch(flag) else "<path>")
            after_flag = True
        elif not after_flag:
            kept.append(word if _VALUE.fullmatch(word) else "<path>")
    return " ".join(kept)
