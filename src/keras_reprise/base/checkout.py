"""Checkouts of this project: that of the running code, that of the current folder, and their recipes."""

import tomllib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
PACKAGED_RECIPES = "_recipes"  # of PACKAGE: the wheel's copy
PACKAGED_DOCUMENTS = "_documents"


def is_checkout(folder: Path) -> bool:
    """Whether `folder` is the top of a checkout of this project."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return False
    return (folder / "recipes").is_dir() and project.get("name") == "keras-reprise"


def of_package() -> Path | None:
    """The top of the checkout that this package's code lies in; None for a copy that was installed."""
    top = PACKAGE.parents[1]
    return top if top / "src" / "keras_reprise" == PACKAGE and is_checkout(top) else None


def recipes_folder() -> Path:
    """The checkout's recipes/, or the copy that the wheel brings."""
    top = of_package()
    return top / "recipes" if top else PACKAGE / PACKAGED_RECIPES


def documents_folder() -> Path:
    """The checkout's documents/, or the copy that the wheel brings."""
    top = of_package()
    return top / "documents" if top else PACKAGE / PACKAGED_DOCUMENTS


def of_current_folder() -> Path | None:
    """The top of the checkout that the current folder lies in, whatever code runs.

    Its results/ is the default store.
    """
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if is_checkout(folder)), None)


def default_store() -> Path:
    """results/ of the checkout that the current folder lies in, else ./results."""
    top = of_current_folder()
    return top / "results" if top else Path("results")
