"""The source files that a recipe's numbers may hang on: its own, those beside it, and the package's vocabulary.

Sources are parsed, never imported or run.
"""

import ast
import builtins
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe.source import syntax
from keras_reprise.recipe.source.scopes import Reference, bound, references

PACKAGE = "keras_reprise"
VOCABULARY = (
    "activations", "callbacks", "digits", "flops", "models", "peak_memory", "rates", "residual", "schedules",
    "search", "transfer", "two_layer", "whitening",
)  # fmt: skip
MOST_BESIDE = 500  # modules of which a text may name any
RECIPE = "recipe"  # what the recipe's own file is called here: its name decides nothing
BUILTINS = frozenset(dir(builtins)) | {"PythonFinalizationError"}  # the last since 3.13
DUNDERS = frozenset({"__name__", "__file__", "__package__", "__spec__", "__loader__", "__path__", "__debug__"})


@dataclass(frozen=True)
class Imported:
    """What an import binds a name to: a module, or the `member` of one."""

    module: str
    member: str | None = None

    def followed_by(self, attributes: Reference) -> Reference:
        """The attributes that are read from the module when `attributes` are read from the name."""
        return attributes if self.member is None else (self.member, *attributes)


@dataclass
class Module:
    """A parsed source file: its statements at module level, each import by itself, and which of them bind a name."""

    label: str
    source: bytes
    package: str = ""  # what its relative imports start from
    statements: list[ast.stmt] = field(default_factory=list)
    binders: dict[str, list[int]] = field(default_factory=dict)
    star: bool = False
    declared_global: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        tree = syntax.parse(self.source)
        self.statements = [one for statement in tree.body for one in _split(statement) if not _never_runs(one)]
        nodes = list(ast.walk(tree))
        self.star = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in nodes)
        self.declared_global = frozenset(name for node in nodes if isinstance(node, ast.Global) for name in node.names)
        for number, statement in enumerate(self.statements):
            for name in bound([statement]):
                self.binders.setdefault(name, []).append(number)

    def references(self, *nodes: ast.AST) -> set[Reference]:
        return references(*nodes, known=self.binders)

    def imports(self, node: ast.AST) -> list[tuple[str, Imported, list[str]]]:
        """Of an import: the names it binds, what to, and the modules that it runs."""
        found = []
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                target = Imported(alias.name if alias.asname else first)
                found.append((alias.asname or first, target, _with_parents(alias.name)))
        elif isinstance(node, ast.ImportFrom):
            module = self._absolute(node)
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                found.append((alias.asname or alias.name, Imported(module, alias.name), _with_parents(inner)))
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.package.split(".")
        base = parts[: len(parts) - node.level + 1]
        return ".".join([*base, *([node.module] if node.module else [])])


@lru_cache(maxsize=128)
def parsed(label: str, source: bytes, package: str = "") -> Module:
    """The module with this source; SyntaxError, ValueError when it is no Python."""
    return Module(label, source, package)


class Sources:
    """Finds modules of the package's vocabulary and of the folders that a recipe's own lie in; each is read once."""

    def __init__(self, *folders: Path) -> None:
        self.folders = [folder.resolve() for folder in folders]
        self._found: dict[str, Module | None] = {}

    def find(self, name: str) -> Module | None:
        """The module of this dotted name; None when it is a library's, or one that the engine's numbers stand for."""
        if name not in self._found:
            self._found[name] = self._read(name)
        return self._found[name]

    def beside(self, name: str = "") -> list[str]:
        """The names of all modules beside the recipe and in folders there; with a name, of those in its folder.

        RecipeError where there are more than a recipe has of its own.
        """
        top, found = name.split(".") if name else [], set[str]()
        for one in (one for folder in self.folders for one in _modules_in(folder, top)):
            found.add(one)
            if len(found) > MOST_BESIDE:
                raise RecipeError(
                    f"The recipe finds modules by text, and more than {MOST_BESIDE} lie beside it, each of which would "
                    "decide its numbers.\nPut it in a folder of its own, with what it needs."
                )
        return sorted(found)

    def is_folder(self, name: str) -> bool:
        """Whether the name is that of a folder beside the recipe, which may hold modules without being one."""
        first = name.split(".")[0]
        if first in sys.stdlib_module_names or first == PACKAGE or not name:
            return False
        folders = (folder.joinpath(*name.split(".")) for folder in self.folders)
        return any(folder.is_dir() for folder in folders) and not is_installed(first, self.folders)

    def _read(self, name: str) -> Module | None:
        first, *rest = name.split(".")
        if first == PACKAGE:
            known = len(rest) == 1 and rest[0] in VOCABULARY
            path = Path(__file__).parents[2] / f"{rest[0]}.py" if known else None
            return parsed(name, path.read_bytes(), PACKAGE) if path and path.is_file() else None
        if first in sys.stdlib_module_names or not name:
            return None
        for path in (folder.joinpath(*name.split(".")) for folder in self.folders):
            init, plain = path / "__init__.py", path.with_name(path.name + ".py")
            for file, package in ((init, name), (plain, name.rpartition(".")[0])):
                if file.is_file() and not is_installed(first, self.folders):
                    return _module_or_none(name, file.read_bytes(), package)
        return None


def is_installed(name: str, folders: Iterable[Path]) -> bool:
    """Whether `import name` gives a module that lies elsewhere than in these folders."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    if found is None or found.origin is None:  # a folder without `__init__.py` gives way to a module
        return False
    place = Path(found.origin).resolve().parent
    return not any(place in (folder, folder / name) for folder in folders)


def _modules_in(folder: Path, top: list[str]) -> Iterator[str]:
    """The names of the modules in a folder, or in the one that `top` leads to, and in those within."""
    seen: set[str] = set()
    for place, inner, files in os.walk(folder.joinpath(*top), followlinks=True):
        known = os.path.realpath(place) in seen
        seen.add(os.path.realpath(place))
        inner[:] = [] if known else sorted(one for one in inner if one.isidentifier())
        parts = Path(place).relative_to(folder).parts
        stems = [] if known else [file.removesuffix(".py") for file in files if file.endswith(".py")]
        yield from (".".join(parts if parts and stem == "__init__" else (*parts, stem)) for stem in stems)


def _module_or_none(name: str, source: bytes, package: str) -> Module | None:
    try:
        return parsed(name, source, package)
    except (SyntaxError, ValueError, RecursionError):
        return None  # importing it fails as well, which is then the arm's fault


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: number + 1]) for number in range(len(parts))]


def _split(statement: ast.stmt) -> list[ast.stmt]:
    """An import of several names as imports of one; imports from `__future__` decide nothing."""
    if isinstance(statement, ast.Import):
        return [ast.Import([alias]) for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        if statement.module == "__future__":
            return []
        module = statement.module if statement.level else _without_folder(statement.module or "")
        return [ast.ImportFrom(module, [alias], statement.level) for alias in statement.names]
    return [statement]


def _without_folder(module: str) -> str:
    """A module that is imported from, without where the package keeps it: of all but the vocabulary no matter."""
    first, *rest = module.split(".")
    return PACKAGE if first == PACKAGE and rest and rest[0] not in VOCABULARY else module


def _never_runs(statement: ast.stmt) -> bool:
    """Whether a statement is the part of a file that runs only where the file is the program."""
    if not isinstance(statement, ast.If) or statement.orelse or not isinstance(statement.test, ast.Compare):
        return False
    test = statement.test
    sides = [test.left, *test.comparators]
    names = [one.id for one in sides if isinstance(one, ast.Name)]
    values = [one.value for one in sides if isinstance(one, ast.Constant)]
    return names == ["__name__"] and values == ["__main__"] and isinstance(test.ops[0], ast.Eq)
