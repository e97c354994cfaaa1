"""What two sides were measured on and with: what decides their numbers, and the other packages that differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_reprise.record import wording
from keras_reprise.record.facts import EnvironmentFacts, MachineFacts, flattened

THREADS = ("intra_op_threads", "inter_op_threads")
NOT_THREADS = ("XLA_FLAGS", "TF_XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS", "NVIDIA_TF32_OVERRIDE")
NONE = "-"


@dataclass(frozen=True)
class Difference:
    """One fact on both sides, of machine, environment or package. Several values of a side stand beside each other."""

    fact: str
    a: str
    b: str

    @property
    def same(self) -> bool:
        return self.a == self.b


@dataclass(frozen=True)
class Origin:
    """Where one side was measured: what the store holds of its machines and environments, and the code's commits."""

    machines: Sequence[Mapping[str, object]]
    environments: Sequence[Mapping[str, object]]
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
    environments = [[EnvironmentFacts.of(one) for one in side.environments] for side in (a, b)]
    told = {"keras"} | {
        name for side in environments for one in side for name in (str(one.backend), f"{one.backend}-cpu")
    }
    packages = _compared(*(_together([one.packages for one in side]) for side in environments))
    found = []
    for kind, contents in (("machine", (a.machines, b.machines)), ("environment", (a.environments, b.environments))):
        facts = [_together([dict(flattened(one)) for one in side]) for side in contents]
        found += [Difference(f"{kind} {one.fact}", one.a, one.b) for one in _compared(*facts)]
    if not deciding[-1].same:
        found.append(Difference("code (+ uncommitted changes)", deciding[-1].a, deciding[-1].b))
    return Conditions(tuple(deciding), tuple(one for one in packages if one.fact not in told), tuple(found))


def _deciding(side: Origin) -> dict[str, str]:
    """What decides, in words; the code comes last."""
    texts: dict[str, list[str]] = {}
    for told in (*map(_hardware, side.machines), *map(_software, side.environments)):
        for fact, text in told.items():
            texts.setdefault(fact, []).append(text)
    joined = {fact: " | ".join(dict.fromkeys(values)) for fact, values in texts.items()}
    return joined | {"code": ", ".join(side.commits)}


def _hardware(content: Mapping[str, object]) -> dict[str, str]:
    facts = MachineFacts.of(content)
    return {"hardware": wording.hardware(content), "system": f"{facts.system} {facts.architecture}"}


def _software(content: Mapping[str, object]) -> dict[str, str]:
    facts = EnvironmentFacts.of(content)
    settings, variables = facts.settings, facts.variables
    threads = {name.replace("_threads", "").replace("_", "-"): settings[name] for name in THREADS if settings.get(name)}
    threads |= {name: value for name, value in variables.items() if name not in NOT_THREADS}
    flags = {name: value for name, value in settings.items() if name not in THREADS}
    flags |= {name: value for name, value in variables.items() if name in NOT_THREADS}
    return {
        "backend": f"{facts.backend} {facts.backend_version}",
        "Keras": str(facts.keras),
        "Python": f"{facts.python} {facts.python_version}",
        "device": str(facts.device),
        "driver": facts.driver or "none",
        "threads": ", ".join(f"{name} {value}" for name, value in threads.items()) or "as the backend chooses",
        "precision": str(facts.precision),
        "determinism": str(facts.determinism),
        "flags": ", ".join(f"{name} {value}" for name, value in sorted(flags.items())) or "none",
    }


def _compared(a: Mapping[str, str], b: Mapping[str, str]) -> list[Difference]:
    """The facts that differ."""
    both = [Difference(name, a.get(name, NONE), b.get(name, NONE)) for name in dict.fromkeys([*a, *b])]
    return [one for one in both if not one.same]


def _together(facts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The facts of one or several machines or environments; values that differ among them stand beside each other."""
    names = dict.fromkeys(name for one in facts for name in one)
    return {name: " | ".join(dict.fromkeys(one.get(name, NONE) for one in facts)) for name in names}
