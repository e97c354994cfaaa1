"""What two sides were measured on and with: what decides their numbers, side by side, and the other packages that differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_reprise.record import wording

THREADS = ("intra_op_threads", "inter_op_threads")
NOT_THREADS = ("XLA_FLAGS", "TF_XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS", "NVIDIA_TF32_OVERRIDE")
NONE = "-"


@dataclass(frozen=True)
class Difference:
    """One fact on both sides: of the machine, the environment, or a package. Several values of a side stand beside each other."""

    fact: str
    a: str
    b: str

    @property
    def same(self) -> bool:
        return self.a == self.b


@dataclass(frozen=True)
class Origin:
    """Where one side was measured: the documents of its machines and environments, and the commits of the code."""

    machines: Sequence[Mapping[str, Any]]
    environments: Sequence[Mapping[str, Any]]
    commits: Sequence[str]


@dataclass(frozen=True)
class Conditions:
    """`deciding` is what decides numbers and seconds, equal or not; `packages` are other packages that differ.

    `differences` are all the facts that differ, one by one.
    """

    deciding: tuple[Difference, ...]
    packages: tuple[Difference, ...]
    differences: tuple[Difference, ...]


def conditions(a: Origin, b: Origin) -> Conditions:
    """Both sides beside each other."""
    texts = [_deciding(side) for side in (a, b)]
    deciding = [Difference(fact, texts[0][fact], texts[1][fact]) for fact in texts[0]]
    told = {"keras"} | {name for side in (a, b) for one in side.environments for name in _backend_packages(one)}
    packages = [
        one
        for one in _compared(*(_together([_packages(e) for e in side.environments]) for side in (a, b)))
        if one.fact not in told
    ]
    found = []
    for kind in ("machine", "environment"):
        facts = [_together([dict(flatten(one)) for one in getattr(side, f"{kind}s")]) for side in (a, b)]
        found += [Difference(f"{kind} {one.fact}", one.a, one.b) for one in _compared(*facts)]
    if not deciding[-1].same:
        found.append(Difference("code (+ uncommitted changes)", deciding[-1].a, deciding[-1].b))
    return Conditions(tuple(deciding), tuple(packages), tuple(found))


def _deciding(side: Origin) -> dict[str, str]:
    """What decides, in words; the code comes last."""
    machines = {
        "hardware": [wording.hardware(one) for one in side.machines],
        "system": [f"{one.get('os')} {one.get('architecture')}" for one in side.machines],
    }
    software: dict[str, list[str]] = {}
    for one in side.environments:
        for fact, text in _software(one).items():
            software.setdefault(fact, []).append(text)
    texts = {fact: " | ".join(dict.fromkeys(values)) for fact, values in (machines | software).items()}
    return texts | {"code": ", ".join(side.commits)}


def _software(facts: Mapping[str, Any]) -> dict[str, str]:
    backend, python, settings, variables = (_mapped(facts, key) for key in ("backend", "python", "settings", "variables"))  # fmt: skip
    threads = {name.replace("_threads", "").replace("_", "-"): settings[name] for name in THREADS if settings.get(name)}
    threads |= {name: value for name, value in variables.items() if name not in NOT_THREADS}
    flags = {name: value for name, value in settings.items() if name not in THREADS}
    flags |= {name: value for name, value in variables.items() if name in NOT_THREADS}
    return {
        "backend": f"{backend.get('name')} {backend.get('version')}",
        "Keras": str(facts.get("keras")),
        "Python": f"{python.get('implementation')} {python.get('version')}",
        "device": str(facts.get("device")),
        "driver": str(facts.get("driver") or "none"),
        "threads": ", ".join(f"{name} {value}" for name, value in threads.items()) or "as the backend chooses",
        "precision": str(facts.get("precision")),
        "determinism": str(facts.get("determinism")),
        "flags": ", ".join(f"{name} {value}" for name, value in sorted(flags.items())) or "none",
    }


def _packages(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(version) for name, version in _mapped(facts, "packages").items()}


def _backend_packages(facts: Mapping[str, Any]) -> tuple[str, str]:
    """The names of the backend's own packages, whose version is told as the backend's."""
    name = str(_mapped(facts, "backend").get("name"))
    return name, f"{name}-cpu"


def _mapped(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = facts.get(key)
    return value if isinstance(value, dict) else {}


def _compared(a: Mapping[str, str], b: Mapping[str, str]) -> list[Difference]:
    """The facts that differ."""
    both = [Difference(name, a.get(name, NONE), b.get(name, NONE)) for name in dict.fromkeys([*a, *b])]
    return [one for one in both if not one.same]


def _together(facts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The facts of one or several documents; values that differ among them stand beside each other."""
    names = dict.fromkeys(name for one in facts for name in one)
    return {name: " | ".join(dict.fromkeys(one.get(name, NONE) for one in facts)) for name in names}


def flatten(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The facts of a nested document as names and texts; installed packages by their own names."""
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from flatten(value, "" if key == "packages" else f"{name} ")
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
