"""Running recipes: the request, the driver with its queue, and the workers. It is called as a function, too.

`keras_reprise.run("l1-l2-toy")` is `keras_reprise.run.calling.run`, whether this package was imported before or not:
Python binds the package to the name of the function then.
"""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *recipes: Any, **options: Any) -> Any:
        from keras_reprise.run.calling import run

        return run(*recipes, **options)


sys.modules[__name__].__class__ = _Callable
