"""The source files that a recipe's numbers may hang on: its own, those beside it, and the package's vocabulary.

Sources are parsed, never imported or run.
"""

import ast
import builtins
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from keras_reprise.recipe.source import syntax
from keras_reprise.recipe.source.scopes import Reference, bound, references

PACKAGE = "keras_reprise"
VOCABULARY = (
    "activations", "callbacks", "digits", "flops", "models", "peak_memory", "rates", "residual", "schedules",
    "search", "transfer", "two_layer", "whitening",
)  # fmt: skip
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
    """Finds modules of the package's vocabulary and of the folder a recipe lies in; each is read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._found: dict[str, Module | None] = {}

    def find(self, name: str) -> Module | None:
        """The module of this dotted name; None when it is a library's, or one that the engine's numbers stand for."""
        if name not in self._found:
            self._found[name] = self._read(name)
        return self._found[name]

    def beside(self) -> list[str]:
        """The names of all modules beside the recipe."""
        files = [path.stem for path in self.folder.glob("*.py")]
        return sorted([*files, *(path.parent.name for path in self.folder.glob("*/__init__.py"))])

    def _read(self, name: str) -> Module | None:
        first, *rest = name.split(".")
        if first == PACKAGE:
            known = len(rest) == 1 and rest[0] in VOCABULARY
            path = Path(__file__).parents[2] / f"{rest[0]}.py" if known else None
            return parsed(name, path.read_bytes(), PACKAGE) if path and path.is_file() else None
        if first in sys.stdlib_module_names or not name:
            return None
        path = self.folder.joinpath(*name.split("."))
        for file, package in (
            (path / "__init__.py", name),
            (path.with_name(path.name + ".py"), name.rpartition(".")[0]),
        ):
            if file.is_file():
                return _module_or_none(name, file.read_bytes(), package)
        return None


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
