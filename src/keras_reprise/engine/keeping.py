"""What was made at some cost and may be wanted again: the latest of it is kept."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Keeping(Generic[T]):
    """What was made for a text, at most `most` of it; what was used longest ago goes first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._found: OrderedDict[str, T] = OrderedDict()

    def get(self, text: str | None, make: Callable[[], T]) -> T:
        """What is kept for `text`, else what `make` gives; for None it is made and not kept."""
        if text is None:
            return make()
        if text not in self._found:
            self._found[text] = make()
            if len(self._found) > self.most:
                self._found.popitem(last=False)
        self._found.move_to_end(text)
        return self._found[text]
