"""Where records come from: a machine with an environment, in the words of the report."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from keras_reprise.record import wording
from keras_reprise.record.facts import EnvironmentFacts, MachineFacts, flattened

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
NOISE = re.compile(r"\((?:R|TM|r|tm)\)|\b(?:Processor|CPU)\b")  # what makers put around a name


@dataclass(frozen=True)
class PlaceView:
    """A machine with an environment: where records come from, with its facts."""

    machine: str
    environment: str
    machine_facts: Mapping[str, object]
    environment_facts: Mapping[str, object]

    @property
    def short(self) -> str:
        return f"{self.machine[:8]}-{self.environment[:8]}"

    @cached_property
    def label(self) -> str:
        """The machine's short id and the backend."""
        return f"{self.machine[:8]} {wording.backend_name(self.environment_facts)}"

    @cached_property
    def backend(self) -> str:
        """What the environment calls its backend."""
        return wording.backend_name(self.environment_facts)

    @property
    def backend_words(self) -> str:
        return BACKENDS.get(self.backend, self.backend)

    @cached_property
    def device(self) -> str:
        """What computed: "CPU" or "GPU"."""
        return "GPU" if (EnvironmentFacts.of(self.environment_facts).device or "").startswith("gpu") else "CPU"

    @cached_property
    def computer(self) -> str:
        """What computed, by its name: the GPU, or the processor with its cores."""
        facts = MachineFacts.of(self.machine_facts)
        if self.device == "GPU" and facts.gpus:
            return facts.gpus[0]
        name = " ".join(NOISE.sub(" ", facts.cpu or "unknown processor").split())
        return f"{name}, {facts.cores} core{'' if facts.cores == '1' else 's'}"

    @cached_property
    def hardware(self) -> str:
        return wording.hardware(self.machine_facts)

    @cached_property
    def software(self) -> str:
        return wording.software(self.environment_facts)

    @property
    def flat(self) -> list[tuple[str, str]]:
        """Every fact of the environment by its name."""
        return list(flattened(self.environment_facts))
