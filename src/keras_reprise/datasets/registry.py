"""The data sets that the package can bring: those whose files lie in `providers/`. No list of them stands anywhere."""

import importlib
import pkgutil
from pathlib import Path

from keras_reprise.base.errors import DataError
from keras_reprise.datasets import providers as files
from keras_reprise.datasets.dataset import Dataset, arrays_sha256
from keras_reprise.datasets.interface import Provider
from keras_reprise.datasets.published import PublishedFiles


def providers() -> dict[str, Provider]:
    """Every data set of the package by its name, in the order of its files' names."""
    modules = [importlib.import_module(f"{files.__name__}.{one.name}") for one in pkgutil.iter_modules(files.__path__)]
    found: list[Provider] = [module.PROVIDER for module in modules]
    return {one.name: one for one in found}


def names() -> tuple[str, ...]:
    """What recipes and `--data` may ask for."""
    return tuple(providers())


def published() -> dict[str, PublishedFiles]:
    """Those that are files, which have to be fetched once to a machine, by name."""
    return {name: one for name, one in providers().items() if isinstance(one, PublishedFiles)}


def load(name: str, *, n_train: int | None = None, n_test: int | None = None, data_dir: Path | None = None) -> Dataset:
    """The named data set, limited to its first `n_train` and `n_test` images; DataError when it cannot be had."""
    provider = providers().get(name)
    if provider is None:
        *most, last = names()
        raise DataError(f"There is no data set {name!r}.\nThere are {', '.join(most)} and {last}.")
    x_train, y_train, x_test, y_test = provider.read(data_dir)
    parts = (x_train[:n_train], y_train[:n_train], x_test[:n_test], y_test[:n_test])
    data = Dataset(
        name, *parts, classes=provider.classes, fingerprint=arrays_sha256(parts), substitute=provider.substitute
    )
    data.__dict__["content_sha256"] = data.fingerprint  # taken of these very arrays
    return data
