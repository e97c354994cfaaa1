"""The command `new`: a recipe to start from. The only place that knows the example which comes with the package."""

import os
import re
import shlex
import tempfile
from pathlib import Path

import click

from keras_reprise import catalog
from keras_reprise.base import checkout
from keras_reprise.base.errors import UserError
from keras_reprise.cli.console import say
from keras_reprise.cli.root import main

EXAMPLE = "xor-needs-hidden-units"
NOT_FAMILIES = ("superseded",)


@main.command()
@click.argument("slug")
@click.option("--family", help="Write it to this folder of recipes/ in the checkout that this folder lies in.")
def new(slug: str, family: str | None) -> None:
    """Write a recipe that runs as it is, to be changed into your own: ./SLUG.py, or the .py file that SLUG names.

    Examples: reprise new wide-beats-deep

              reprise new wide-beats-deep --family sanity
    """
    path = _place(slug, family)
    _refuse_taken(path.stem)
    text = example().read_text("utf-8")
    if family:  # which makes it one of the package's, known by its name
        text = text.replace(f"./{EXAMPLE}.py", path.stem)
        path.parent.mkdir(exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text.replace(EXAMPLE, path.stem))
    except FileExistsError as error:
        raise UserError(
            f"{_shown(path)} is there already.\nNothing was written. Choose another slug, or move that file away."
        ) from error
    say(_next_steps(path, family))


def example() -> Path:
    """The example recipe: the checkout's, or the copy that the wheel brings beside the recipes."""
    top = checkout.of_package()
    return top / "examples" / f"{EXAMPLE}.py" if top else checkout.recipes_folder() / "_example.py"


def _place(name: str, family: str | None) -> Path:
    """The file to write; UserError when what the user gave is no slug, or there is no checkout for a family."""
    from keras_reprise.recipe.settings import SLUG  # with NumPy, which `list` does without

    path = Path(name if catalog.is_path(name) else f"{name}.py")
    if not path.suffix:
        path = path.parent / f"{path.name}.py"
    for what, word in (("slug", path.stem if path.suffix == ".py" else path.name), ("family", family)):
        if word is not None and (not SLUG.fullmatch(word) or word in NOT_FAMILIES):
            better = "-".join(re.findall(r"[a-z0-9]+", word.lower()))
            hint = f"Write for example {better}." if SLUG.fullmatch(better) and better != word else "Choose another."
            raise UserError(f"The {what} {word!r} is not lower-case words joined by hyphens.\n{hint}")
    if family is None:
        return path
    if catalog.is_path(name):
        raise UserError(f"{name} is a path, and --family says where to write too.\nGive the slug alone.")
    top = checkout.of_current_folder()
    if top is None:
        raise UserError(
            "A family is a folder of recipes/ in a checkout, and this folder lies in none.\n"
            f"Clone the project and run the command there, or write ./{path} with `reprise new {name}`."
        )
    return top / "recipes" / family / path


def _refuse_taken(slug: str) -> None:
    for entry in catalog.current():
        if entry.slug == slug:
            raise UserError(
                f"There is a recipe {slug} already ({entry.path}).\n"
                "The records of two recipes of one slug could not be told apart by it. Choose another slug."
            )


def _shown(path: Path) -> str:
    """The path as one would type it here."""
    return os.path.relpath(path)


def _next_steps(path: Path, family: str | None) -> str:
    file, store = (shlex.quote(str(one)) for one in (_shown(path), Path(tempfile.gettempdir(), path.stem)))
    lines = [
        f"{_shown(path)} is an example that runs as it is; put your question in its place.",
        "Measure it, judge it, draw it:",
        f"  reprise run {file} --seeds 3 --store {store}",
        f"  reprise verdict --store {store}",
        f"  reprise report --store {store}",
        "Once it asks what you mean to ask, pin what it measures:" if family else "It becomes one of the package's in",
        "  reprise lock" if family else "recipes/<family>/ of a checkout: `reprise new` with --family writes it there.",
    ]
    return "\n".join(lines)
