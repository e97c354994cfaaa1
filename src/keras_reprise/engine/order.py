"""In which order training sees its examples. The order of an epoch depends on the seed and the epoch alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds

KINDS = ("reshuffled", "shuffled-once", "stored", "sorted", "with-replacement")


@dataclass(frozen=True)
class Order:
    """What one epoch of training reads.

    `kind`: "reshuffled" (a new permutation every pass), "shuffled-once" (the first permutation in every pass), "stored"
    (no shuffling), "sorted" (by class, as stored within a class; labels of one number each, or one-hot) or
    "with-replacement" (independent draws).

    An epoch is `passes` passes over the examples; with `examples` it is so many examples of a pass, drawn anew every
    epoch (the first so many, where the kind does not draw). Evaluation follows an epoch, so `Order(examples=5_000)`
    with batches of 100 evaluates every 50 updates.
    """

    kind: str = "reshuffled"
    examples: int | None = None
    passes: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise RecipeError(f"There is no order {self.kind!r}.\nThere are {', '.join(KINDS)}.")
        if self.passes < 1 or (self.examples is not None and (self.examples < 1 or self.passes > 1)):
            raise RecipeError(
                f"An epoch of {self.passes} passes and {self.examples} examples cannot be trained.\n"
                "Give a number of passes, or a number of examples of one pass, 1 or more."
            )

    def of_epoch(self, seeds: Seeds, labels: np.ndarray, epoch: int) -> list[np.ndarray]:
        """The passes of `epoch` (counted from 1): indices into the examples, each of shape (n,), int32."""
        n = len(labels)
        if self.examples is not None and self.examples > n and self.kind != "with-replacement":
            raise RecipeError(f"An epoch of {self.examples} examples needs as many; the data set has {n}.")
        draw: dict[str, Callable[[int], np.ndarray]] = {
            "reshuffled": lambda number: seeds.permutation(n, number),
            "shuffled-once": lambda number: seeds.permutation(n, 1),
            "stored": lambda number: np.arange(n, dtype=np.int32),
            "sorted": lambda number: np.argsort(_classes(labels), kind="stable").astype(np.int32),
            "with-replacement": lambda number: seeds.generator("order", number).integers(
                0, n, self.examples or n, dtype=np.int32
            ),
        }
        first = (epoch - 1) * self.passes + 1
        return [draw[self.kind](number)[: self.examples] for number in range(first, first + self.passes)]

    def updates(self, n: int, batch_size: int) -> int:
        """Updates in an epoch over `n` examples; a pass ends with the remainder as a smaller batch."""
        return self.passes * -(-(self.examples or n) // batch_size)


def _classes(labels: np.ndarray) -> np.ndarray:
    """The class of each example (n,), of labels (n,) or (n, 1), or of one-hot ones (n, classes); RecipeError for
    others."""
    if labels.size == len(labels):
        return labels.reshape(-1)
    if labels.ndim == 2 and np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
        found: np.ndarray = labels.argmax(axis=1)
        return found
    raise RecipeError(
        f"The labels have the shape {labels.shape} and are not one-hot, so that there is no class to sort by.\n"
        "Use another order."
    )
