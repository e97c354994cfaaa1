"""The record: what one replicate measured, one write-once JSON file that explains itself (schemas 1 and 2).

Identity is content. A record's `id` is the sha256 of its canonical JSON (sorted keys, no spaces, UTF-8) without the
field `id`. Cards, machines and environments are named by the sha256 of their file's bytes, so `sha256sum` checks them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from keras_reprise.base.errors import IntegrityError
from keras_reprise.base.failures import shortened, without_names
from keras_reprise.base.seeds import LARGEST
from keras_reprise.record.encoding import canonical, parsed, record_id
from keras_reprise.record.expressions.checking import require_sound
from keras_reprise.record.expressions.grammar import Expression
from keras_reprise.record.fields import Id12, Number, Sha256, Slug, Strict, Timestamp
from keras_reprise.record.histogram import Histogram
from keras_reprise.record.metric import Metric

SCHEMA = 2
SCHEMAS = (1, 2)
MAX_RECORD_BYTES = 2**20  # of documents and cards, too


Role = Literal["rule", "detail", "table", ""]
Kind = Literal["continuous", "positive", "share", "discrete", "exact", ""]


class RecipeRef(Strict, frozen=True):
    """`measurement` is the hash of all that decides the numbers (see `measurement`); records of schema 1 have none."""

    slug: Slug
    version: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
    scale: Slug
    source_sha256: Sha256
    card: Sha256
    measurement: Sha256 | None = None


class ReplicateRef(Strict, frozen=True):
    seed: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
    repeat: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]


class DataRef(Strict, frozen=True):
    """`name`: the data set that the recipe declares, then those that its arms made, joined by " + "."""

    name: str
    fingerprint: Sha256
    n_train: int
    n_test: int
    substitute: bool

    @property
    def declared(self) -> str:
        """The name without those of data that arms made: what `--data` takes."""
        return self.name.partition(" + ")[0]


class Cost(Strict, frozen=True):
    """`flops`: floating-point operations of one example's forward and backward pass; the largest network of the arm.

    `gpu_energy_j`: what the GPU used while the arm was measured, in joules, by its own counter; of the whole GPU, so
    that it is the arm's only where the arm was alone (`Time.alone`). None: no GPU, or it does not count. An arm of a
    strict run was measured twice meanwhile.
    """

    params: int | None = None
    flops: float | None = None
    peak_memory_bytes: int | None = None
    gpu_energy_j: float | None = None


class StepTime(Strict, frozen=True):
    n: int
    median: Number
    p05: Number
    p95: Number


class Time(Strict, frozen=True):
    """`compile_s` and `evaluation_s` are sums over the arm's trainings, `first_step_s` is that of the first one.

    `flops_per_s` is what training achieved at the median step: `cost.flops` times examples per second. `alone`: no
    other run of the package was on the machine, and no other process on its GPU; None where that is not known.
    """

    compile_s: float | None = None
    first_step_s: float | None = None
    step_s: StepTime | None = None
    evaluation_s: float | None = None
    flops_per_s: float | None = None
    total_s: float | None = None
    alone: bool | None = None


class ArmError(Strict, frozen=True):
    type: str
    message: str


class ArmData(Strict, frozen=True):
    """One measured arm. `status` is complete, diverged (a result like any other) or failed (with `error`)."""

    params: dict[str, Any]
    metrics: dict[str, Number]
    curves: dict[str, list[Number]]
    histograms: dict[str, Histogram]
    trials: list[dict[str, Any]]
    cost: Cost
    time: Time
    status: Literal["complete", "diverged", "failed"]
    error: ArmError | None = None


class Determinism(Strict, frozen=True):
    """`unseeded`: layers and initializers that drew without a seed, so that the same seed may give other numbers."""

    mode: Literal["fast", "strict"]
    digest: Sha256 | None
    unseeded: list[str] = []


class Code(Strict, frozen=True):
    package_version: str
    git_commit: str | None
    dirty: bool | None
    diff_sha256: Sha256 | None


class Load(Strict, frozen=True):
    """What else the machine did meanwhile: mean of the one-minute load, the share of CPU time stolen by the host, and
    the largest number of other processes seen on the GPU (None: no GPU, or not known).
    """

    mean_1m: float | None
    steal_fraction: float | None
    gpu_processes: int | None = None


class Record(Strict, frozen=True):
    """See design: the names of the fields are fixed.

    `numbers` are what the recipe's `summarise` gave for this replicate.
    """

    schema: Literal[1, 2]
    id: Sha256
    recipe: RecipeRef
    replicate: ReplicateRef
    data: DataRef | None
    arms: dict[str, ArmData]
    claims: dict[str, Number]
    machine: Id12
    environment: Id12
    determinism: Determinism
    code: Code
    load: Load
    status: Literal["complete", "failed", "interrupted"]
    started_at: Timestamp
    finished_at: Timestamp
    duration_s: float
    numbers: dict[str, Number] = {}


class SourceCard(Strict, frozen=True):
    key: str
    where: str


class ClaimCard(Strict, frozen=True):
    """One claim as a card holds it; cards of before claims were data have neither role, kind nor value.

    `role` is "rule" (the sentence that is taught), "detail" or "table" (a printed value). `kind` is the statistic's,
    which decides how it is tested: "continuous", "positive", "share", "discrete" or "exact"; older cards say it by
    `exact`, `log` and `proportion`. `value` is the statistic as an expression over what the record stores, `given` the
    premise without which a replicate says nothing. `retired` says why a claim is kept but no longer counted.
    """

    id: Slug
    says: str
    where: str
    statistic: str
    unit: str
    interval: tuple[float | None, float | None]
    exact: bool
    log: bool = False
    proportion: bool = False
    expectation: str = ""
    printed: float | None = None
    erratum: str | None = None
    role: Role = ""
    kind: Kind = ""
    value: Expression | None = None
    given: Expression | None = None
    retired: str | None = None

    def __post_init__(self) -> None:
        """ValueError where an expression is none that can be evaluated, which decoding a card tells as its fault."""
        for expression in (self.value, self.given):
            if expression is not None:
                require_sound(expression)

    @property
    def tested_as(self) -> Kind:
        """The kind that decides how the claim is tested; an older card's flags say it."""
        flags: dict[Kind, bool] = {"exact": self.exact, "share": self.proportion, "positive": self.log}
        return self.kind or next((kind for kind, set_ in flags.items() if set_), "continuous")


class Card(Strict, frozen=True):
    """All that a reader needs to judge and draw a record without its recipe.

    `metrics` are those whose words and unit the recipe declares.
    """

    slug: Slug
    version: int
    title: str
    question: str
    sources: list[SourceCard]
    arms: dict[str, str]
    claims: list[ClaimCard]
    figures: list[dict[str, Any]]
    scales: dict[str, dict[str, Any]]
    data: str | None = None
    suites: list[str] = []
    timing: bool = False
    margins: dict[str, float] = {}
    metrics: list[Metric] = []

    def without_retired(self) -> "Card":
        """The card as its recipe's file states it: retired claims are kept by the lock alone."""
        return msgspec.structs.replace(self, claims=[one for one in self.claims if one.retired is None])


def decode(content: bytes, name: str) -> tuple[Record, dict[str, object]]:
    """The record in `content`, validated, its id recomputed; IntegrityError names the file `name` and the fault."""
    try:
        facts = parsed(content)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(
            f"{name} is truncated or not JSON: {error}.\nRestore it from git, or delete it."
        ) from error
    schema = facts.get("schema") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or schema not in SCHEMAS:
        raise IntegrityError(
            f"{name} has the schema {schema!r}; this version reads the schemas 1 and 2.\n"
            "Update keras-reprise to read it."
        )
    try:
        record = msgspec.convert(facts, Record)
        found = record_id(facts)
    except (
        ValueError,
        RecursionError,
    ) as error:  # of convert; and what has no canonical form: infinities, lone surrogates
        raise IntegrityError(f"{name} is not a record: {error}.\nRestore it from git, or delete it.") from error
    if (record.recipe.measurement is None) != (record.schema == 1):
        has = "has no" if record.schema == 2 else "has a"
        raise IntegrityError(
            f"{name} is not a record: it is of schema {record.schema} and {has} measurement.\n"
            "Restore it from git, or delete it."
        )
    if found != record.id:
        raise IntegrityError(
            f"{name} was edited: its content hashes to {found[:12]}, its id says {record.id[:12]}.\n"
            "Restore it from git, or delete it."
        )
    return record, facts


def decode_card(content: bytes, name: str) -> Card:
    """The card in `content`; IntegrityError names the file and the fault."""
    try:
        document = parsed(content)
        canonical(document)
        return msgspec.convert(document, Card)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{name} is not a recipe card: {error}.\nRestore it from git.") from error


def decode_document(content: bytes, name: str) -> dict[str, Any]:
    """The facts of a machine or an environment in `content`; IntegrityError names the file and the fault."""
    try:
        document = parsed(content)
        canonical(document)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{name} is truncated or not JSON: {error}.\nRestore it from git.") from error
    if not isinstance(document, dict):
        raise IntegrityError(f"{name} is not a JSON object.\nRestore it from git.")
    return document


def failed_arm(params: Mapping[str, object], kind: str, message: str, total_s: float) -> dict[str, Any]:
    """The arm of a record of which nothing is known but why it failed."""
    return {
        "params": dict(params),
        "metrics": {},
        "curves": {},
        "histograms": {},
        "trials": [],
        "cost": msgspec.to_builtins(Cost()),
        "time": msgspec.to_builtins(Time(total_s=total_s)),
        "status": "failed",
        "error": {"type": kind, "message": shortened(without_names(message))},
    }
