"""Every random stream of a replicate, derived from its seed; nothing else in the package draws randomness.

A stream is `numpy.random.SeedSequence([seed, stream])`. Streams do not touch each other, so an arm that adds a
Dropout layer keeps the initial weights and the data order of the arm beside it, and their difference is paired.
"""

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keras_reprise.base.errors import UserError
from keras_reprise.base.slips import nearest_first

if TYPE_CHECKING:
    import numpy as np  # not needed by who reads records

LARGEST = 2**63 - 1  # seed, and version of a recipe: what tables and databases of other programs hold

STREAMS = {"weights": 0, "order": 1, "dropout": 2, "augmentation": 3, "search": 4, "data": 5}


@dataclass(frozen=True)
class Seeds:
    """The random streams of the replicate with this seed (1, 2, 3, ...)."""

    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.seed <= LARGEST:
            raise UserError(
                f"Seed {self.seed} is not allowed: seeds are 1, 2, 3, ..., {LARGEST}.\n"
                "Some libraries take 0 for 'random', which would make the replicate unrepeatable.\n"
                "Use --seeds 6 for the seeds 1 to 6, or --seeds 1,4,7 for those."
            )

    def _sequence(self, stream: str, key: str | int | None) -> "np.random.SeedSequence":
        import numpy as np

        if stream not in STREAMS:
            raise UserError(
                f"There is no random stream {stream!r}.\nThere are {', '.join(nearest_first(stream, STREAMS))}."
            )
        words = [] if key is None else [zlib.crc32(key.encode()) if isinstance(key, str) else key]
        return np.random.SeedSequence([self.seed, STREAMS[stream]], spawn_key=words)

    def generator(self, stream: str, key: str | int | None = None) -> "np.random.Generator":
        """A NumPy generator for `stream`; `key` (a name or an index) selects an independent sub-stream."""
        import numpy as np

        return np.random.default_rng(self._sequence(stream, key))

    def integer(self, stream: str, key: str | int | None = None) -> int:
        """A seed in 1..2^31-1 for libraries that want one integer."""
        return int(self._sequence(stream, key).generate_state(1)[0] % (2**31 - 1)) + 1

    def weights(self, layer: str) -> int:
        """The initializer seed of the named layer: adding another layer leaves it unchanged."""
        return self.integer("weights", layer)

    def permutation(self, n: int, epoch: int) -> "np.ndarray":
        """The order of `n` training examples in `epoch` (counted from 1), shape (n,), int32."""
        return self.generator("order", epoch).permutation(n).astype("int32")
