"""What the driver of a run and its workers say to each other: msgpack messages, so that a worker can be anywhere.

A worker is told its `Setup` first and answers `Ready`. Every task carries all it needs, the recipe's source included, so any
worker can take any task; it is answered by reports and one last word.
"""

from typing import Any, ClassVar

import msgspec

from keras_reprise.base import package_code
from keras_reprise.record.schema import DataRef


class Message(msgspec.Struct, frozen=True, tag=True):
    """The base of all messages; `last` marks those that end a task."""

    last: ClassVar[bool] = False


class Setup(Message, frozen=True):
    """How a worker computes.

    `code` is what records say of the package's code, `code_sha256` the hash of that code, which the worker's own must have
    (empty: any), `cache` the folder for training states and finished trials. Its threads and its GPU are in its environment.
    """

    cache: str
    code: package_code.Facts
    code_sha256: str = ""
    backend: str | None = None
    precision: str = "float32"
    determinism: str = "fast"
    data_dir: str | None = None
    debug: bool = False


class RecipeSource(msgspec.Struct, frozen=True):
    """A recipe file as the driver read it: where it lies, and what it says."""

    path: str
    content: bytes


class Replay(msgspec.Struct, frozen=True):
    """One replicate: a recipe at one scale, seed and data set; `folder` is its own within the worker's cache.

    `measurement` is what its numbers are to belong to: a worker that would measure something else refuses.
    """

    recipe: RecipeSource
    scale: str
    seed: int
    repeat: int
    data: str | None
    folder: str
    measurement: str
    fingerprint: str | None = None  # of data that the recipe declares itself: others are not measured on


class Describe(Message, frozen=True):
    """Load a recipe file and say what is in it."""

    recipe: RecipeSource


class ReadData(Message, frozen=True):
    """Say which data a recipe uses at a scale: those it declares, and those that these arms make in `measure`.

    `onward`: not only those of an arm's first training.
    """

    recipe: RecipeSource
    scale: str
    data: str | None
    arms: list[str]
    onward: bool = False


class Measure(Message, frozen=True):
    """Measure one arm of a replicate, with the machine `alone` where that is needed."""

    replay: Replay
    arm: str
    alone: bool = False


class Assemble(Message, frozen=True):
    """Make the record of a replicate from all its measured arms."""

    replay: Replay
    arms: dict[str, dict[str, Any]]


class Ready(Message, frozen=True):
    """The worker has imported Keras; the facts of its machine and environment."""

    machine: dict[str, object]
    environment: dict[str, object]


class Described(Message, frozen=True):
    """A recipe's card, the sha256 of its source, every arm's settings; by scale what its numbers belong to on the worker's
    backend; and the hash of what `summarise` computes with (None: it has none)."""

    card: dict[str, object]
    source_sha256: str
    params: dict[str, dict[str, object]]
    measurements: dict[str, str]
    summary: str | None = None
    last: ClassVar[bool] = True


class DataRead(Message, frozen=True):
    """What records would say of a recipe's data: of those it declares, of those that each arm makes, of all together."""

    declared: DataRef | None
    made: dict[str, list[DataRef]]
    combined: DataRef | None
    last: ClassVar[bool] = True


class Began(Message, frozen=True):
    """The measurement of the arm begins; what was waited for before does not count."""


class Progressed(Message, frozen=True):
    """`done` of `total` epochs or trials of the arm have ended."""

    done: float
    total: float
    detail: str


class Said(Message, frozen=True):
    """A line for the user; of several workers' lines with the same `once` the first."""

    text: str
    once: str = ""


class Measured(Message, frozen=True):
    """The arm as the record stores it, with digest, load and times."""

    result: dict[str, object]
    last: ClassVar[bool] = True


class Assembled(Message, frozen=True):
    """The bytes of the record."""

    content: bytes
    last: ClassVar[bool] = True


class Refused(Message, frozen=True):
    """The task cannot be done, as it would be for any worker: the name of the error's class and its text."""

    kind: str
    text: str
    last: ClassVar[bool] = True


class Crashed(Message, frozen=True):
    """The worker is gone, by what it computed or by what befell it; `why` says all that is known."""

    why: str
    last: ClassVar[bool] = True


class Lost(Message, frozen=True):
    """The worker's machine is gone."""

    why: str
    last: ClassVar[bool] = True


Task = Describe | ReadData | Measure | Assemble
Reply = Ready | Described | DataRead | Began | Progressed | Said | Measured | Assembled | Refused | Crashed | Lost

_decode_task = msgspec.msgpack.Decoder(Setup | Task)
_decode_reply = msgspec.msgpack.Decoder(Reply)


def encode(message: Message) -> bytes:
    return msgspec.msgpack.encode(message)


def decode_task(content: bytes) -> Setup | Task:
    task: Setup | Task = _decode_task.decode(content)
    return task


def decode_reply(content: bytes) -> Reply:
    reply: Reply = _decode_reply.decode(content)
    return reply
