"""Modules that lie beside a recipe: the recipe may import them, and none of them stands in for a library.

The recipe's folder is the last place where Python looks, and only while the recipe's code runs. Modules from there
belong to one recipe: another one's of the same name is another module.
"""

import ast
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType, TracebackType


class Beside:
    """The folder of a recipe, on Python's path within `with`; use it within `guard.attempt`, which undoes the rest.

    What the recipe file itself adds to Python's path and to the variables, while it is loaded, is there again
    whenever its code runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder.resolve())
        self.modules: dict[str, ModuleType] = {}
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
        modules, path, variables = self.before
        if not self.loaded:
            known = [place for place, entry in enumerate(sys.path) if entry in path] or [0]
            new = [(place, entry) for place, entry in enumerate(sys.path) if entry not in path]
            self.path = [e for place, e in new if place < known[0]], [e for place, e in new if place >= known[0]]
            self.variables = {name: value for name, value in os.environ.items() if variables.get(name) != value}
            self.loaded = True
        sys.path[:] = path
        if self.folder in [str(Path(entry).resolve()) for entry in path]:
            return  # by the user's own wish; all recipes share its modules
        new_ones = set(sys.modules) - modules
        mine = {
            top for top in {name.partition(".")[0] for name in new_ones} if self._is_here(sys.modules.get(top), top)
        }
        self.modules = {name: sys.modules.pop(name) for name in new_ones if name.partition(".")[0] in mine}

    def _is_here(self, module: ModuleType | None, name: str) -> bool:
        """Whether a top-level module comes from a file or folder of its name in this very folder."""
        file = getattr(module, "__file__", None)
        if file is not None:
            folder = Path(self.folder)
            return Path(file).resolve() in (folder / f"{name}.py", folder / name / "__init__.py")
        return f"{self.folder}/{name}" in [str(Path(one).resolve()) for one in getattr(module, "__path__", ())]


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
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return ""
    places = [found.origin or "", *(found.submodule_search_locations or ())] if found else []
    here = str(folder.resolve())
    return (
        "the installed one"
        if found and not any(str(Path(place).resolve()).startswith(here + "/" + name) for place in places)
        else ""
    )
