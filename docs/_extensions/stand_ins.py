"""Keras by name only: enough to import what the reference describes where there is no backend, which Keras needs.

Sphinx has mocks of its own, whose objects are no types: annotations such as `Optimizer | None` fail on them.
"""

import sys
from collections.abc import Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Named(type):
    """A class whose every attribute is another one, named after where it was asked for."""

    def __getattr__(cls, name: str) -> type:
        return _attribute(f"{cls.__module__}.{cls.__qualname__}", name)


@cache
def _named(module: str, name: str) -> type:
    return _Named(name, (), {"__module__": module})


def _attribute(of: str, name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return _named(of, name)


class _Module(ModuleType):
    def __getattr__(self, name: str) -> type:
        return _attribute(self.__name__, name)


class _Finder(MetaPathFinder, Loader):
    """Finds the packages of these names, and whatever is imported from within them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self.names else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


def stand_in_for(*names: str) -> None:
    """Have these packages stood in for in this process from now on."""
    sys.meta_path.insert(0, _Finder(names))
