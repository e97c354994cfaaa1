"""Modules that lie beside a recipe: the recipe may import them, and none of them stands in for a library.

The recipe's folder is the last place where Python looks, and only while the recipe's code runs. Modules from there,
and from folders that the recipe itself puts on Python's path, belong to one recipe: another one's of the same name is
another module.
"""

import ast
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType, TracebackType

from keras_reprise.recipe.source.modules import is_installed

INSTALLED = frozenset({"site-packages", "dist-packages"})
LIBRARIES = ("keras", "keras_reprise", "numpy", "jax", "tensorflow", "torch")


class Beside:
    """The folder of a recipe, on Python's path within `with`; use it within `guard.attempt`, which undoes the rest.

    What the recipe file itself adds to Python's path and to the variables, while it is loaded, is there again
    whenever its code runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder.resolve())
        self.modules: dict[str, ModuleType] = {}
        self.folders = [self.folder]
        self.path: tuple[list[str], list[str]] = [], [self.folder]
        self.variables: dict[str, str] = {}
        self.loaded = False
        self.before: tuple[set[str], list[str], dict[str, str]] = set(), [], {}

    def __enter__(self) -> None:
        self.before = set(sys.modules), list(sys.path), dict(os.environ)
        sys.modules.update(self.modules)
        sys.path[:] = [*self.path[0], *sys.path, *self.path[1]]
        os.environ.update(self.variables)
        importlib.invalidate_caches()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        modules, path, _ = self.before
        self.settle()
        sys.path[:] = path
        shared = {str(Path(entry).resolve()) for entry in path}  # by the user's own wish, by all recipes
        own = [Path(folder) for folder in self.folders if folder not in shared]
        new_ones = set(sys.modules) - modules
        tops = {name.partition(".")[0] for name in new_ones} - modules
        mine = {top for top in tops if _is_here(sys.modules.get(top), top, own)}
        self.modules = {name: sys.modules.pop(name) for name in new_ones if name.partition(".")[0] in mine}

    def settle(self) -> bool:
        """Keep what the recipe file has added to Python's path and to the variables, once it has run.

        Returns whether its own modules may lie elsewhere than beside it, or come before installed ones.
        """
        _, path, variables = self.before
        if not self.loaded:
            known = [place for place, entry in enumerate(sys.path) if entry in path] or [0]
            new = [(place, entry) for place, entry in enumerate(sys.path) if entry not in path]
            self.path = [e for place, e in new if place < known[0]], [e for place, e in new if place >= known[0]]
            self.variables = {name: value for name, value in os.environ.items() if variables.get(name) != value}
            first, last = ([str(Path(e).resolve()) for e in part if isinstance(e, str)] for part in self.path)
            self.folders = [one for one in dict.fromkeys([*first, self.folder, *last]) if self._is_own(Path(one))]
            self.loaded = True
        return bool(self.path[0]) or self.folders != [self.folder]

    def _is_own(self, folder: Path) -> bool:
        """Whether a folder holds modules of the recipe, and not libraries or their sources."""
        held = any((folder / one / "__init__.py").is_file() for one in LIBRARIES)
        return str(folder) == self.folder or not (held or INSTALLED & set(folder.parts))


def _is_here(module: ModuleType | None, name: str, folders: list[Path]) -> bool:
    """Whether a top-level module comes from a file or folder of its name in one of these folders."""
    file = getattr(module, "__file__", None)
    if file is not None:
        files = [one for folder in folders for one in (folder / f"{name}.py", folder / name / "__init__.py")]
        return Path(file).resolve() in files
    places = {Path(one).resolve() for one in getattr(module, "__path__", ())}
    return any(folder / name in places for folder in folders)


def unused(recipe: Path) -> list[str]:
    """A sentence for each file beside the recipe which it seems to import, but whose name is that of a library."""
    try:
        tree = ast.parse(recipe.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    found = []
    for name in sorted(names):
        files = [one for one in (recipe.parent / f"{name}.py", recipe.parent / name / "__init__.py") if one.is_file()]
        if files and not files[0].samefile(recipe) and (whose := _whose(name, recipe.parent)):
            shown = files[0].relative_to(recipe.parent).as_posix()
            found.append(
                f"{shown} beside {recipe.name} is not used: `import {name}` gives {whose}."
                " Rename the file to import it."
            )
    return found


def _whose(name: str, folder: Path) -> str:
    """Whose module of that name Python finds; empty where it is that of the folder itself."""
    if name in sys.stdlib_module_names:
        return "Python's own"
    return "the installed one" if is_installed(name, [folder.resolve()]) else ""
