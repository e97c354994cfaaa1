"""Facts of machines and environments, read from the store's JSON.

A store from elsewhere may hold anything: all of it reads as text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class MachineFacts:
    """The hardware; None is what the store's file does not say."""

    cpu: str | None
    cores: str | None
    memory_gib: str | None
    gpus: tuple[str, ...]
    system: str | None
    architecture: str | None

    @classmethod
    def of(cls, content: Mapping[str, object]) -> "MachineFacts":
        """The facts in a file of machines/."""
        gpus = content.get("gpus")
        return cls(
            cpu=_text(content.get("cpu")),
            cores=_text(content.get("cores")),
            memory_gib=_text(content.get("memory_gib")),
            gpus=tuple(map(str, gpus)) if isinstance(gpus, list) else (),
            system=_text(content.get("os")),
            architecture=_text(content.get("architecture")),
        )


@dataclass(frozen=True)
class EnvironmentFacts:
    """The software; None is what the store's file does not say."""

    backend: str | None
    backend_version: str | None
    keras: str | None
    python: str | None
    python_version: str | None
    device: str | None
    driver: str | None
    precision: str | None
    determinism: str | None
    settings: Mapping[str, object]
    variables: Mapping[str, object]
    packages: Mapping[str, str]

    @classmethod
    def of(cls, content: Mapping[str, object]) -> "EnvironmentFacts":
        """The facts in a file of environments/."""
        backend, python = _mapping(content.get("backend")), _mapping(content.get("python"))
        return cls(
            backend=_text(backend.get("name")),
            backend_version=_text(backend.get("version")),
            keras=_text(content.get("keras")),
            python=_text(python.get("implementation")),
            python_version=_text(python.get("version")),
            device=_text(content.get("device")),
            driver=_text(content.get("driver")),
            precision=_text(content.get("precision")),
            determinism=_text(content.get("determinism")),
            settings=_mapping(content.get("settings")),
            variables=_mapping(content.get("variables")),
            packages={name: str(version) for name, version in _mapping(content.get("packages")).items()},
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _mapping(value: object) -> Mapping[str, object]:
    """`value` where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def flattened(content: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """All facts of a machine or environment as names and texts; installed packages by their own names."""
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from flattened(value, "" if key == "packages" else f"{name} ")
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
