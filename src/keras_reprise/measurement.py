"""What the numbers of a record belong to: the hash of all that decides them.

`recipe.measurement` is the sha256 of
  - the definitions that `measure` reaches in the recipe, in files beside it and in the package's vocabulary, and all other
    statements at module level that do anything; the whole module where a name cannot be resolved;
  - the settings of the arms, and those of the scale;
  - the backend's name, and the numbers of the engine's features that are used (`numerics`).
Comments, layout, docstrings, annotations, words, claims and figures decide nothing. Source is parsed, never run, and only the
standard library is used: the same hash on every version of Python, without Keras.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_reprise import numerics
from keras_reprise.source import syntax
from keras_reprise.source.effects import Effects
from keras_reprise.source.modules import (
    BUILTINS,
    DUNDERS,
    PACKAGE,
    RECIPE,
    VOCABULARY,
    Imported,
    Module,
    Sources,
    parsed,
)
from keras_reprise.source.scopes import Reference

FORM = 1  # of what is hashed; another number makes another measurement of every recipe
FIELDS = (  # of `Recipe`, in their order
    *(
        "slug",
        "version",
        "question",
        "sources",
        "arms",
        "scales",
        "measure",
        "claims",
        "figures",
        "data",
        "suites",
        "timing",
    ),
    *("margins", "summarise"),
)
LOOKED_UP = frozenset({"globals", "eval", "exec", "compile", "__import__", "__builtins__", "breakpoint"})
DYNAMIC_LIBRARIES = frozenset({"importlib", "runpy", "pkgutil", "imp", "builtins", "gc"})
DYNAMIC_ATTRIBUTES = frozenset({"__globals__", "__subclasses__", "__builtins__", "f_globals", "__import__"})
SOURCE_LIBRARIES = frozenset({"inspect", "linecache", "tokenize", "dis"})
SOURCE_WORDS = frozenset({"__doc__", "__annotations__", "__code__", "get_type_hints", "getsource", "getdoc"})


@dataclass(frozen=True)
class Code:
    """What source says of a recipe's numbers: `sha256` of what `measure` reaches, of that with the expressions that make the
    settings (`source`), of what `summarise` reaches (None: it has none), which features of the engine are used, and which
    modules beside the recipe or of the vocabulary."""

    sha256: str
    source: str
    summary: str | None
    features: tuple[str, ...]
    modules: tuple[str, ...] = ()


def read_code(path: Path, source: bytes, *, made_settings: bool = False) -> Code:
    """Read the source of the recipe file at `path`, and what it imports from beside it and from the vocabulary.

    With `made_settings` the expressions of the arms and scales count too, for settings that are no plain data. SyntaxError,
    ValueError when `source` is no Python.
    """
    sources = Sources(path.parent)
    recipe = parsed(RECIPE, source)
    declared = _declaration(recipe)
    if declared is None:
        whole = _Reached(sources, recipe, None)
        whole.all_of(recipe)
        sha256 = syntax.sha256([FORM, whole.form()])
        return Code(sha256, sha256, sha256, tuple(sorted(whole.features)), whole.used())

    def reached(*names: str) -> _Reached:
        found = _Reached(sources, recipe, declared)
        found.touch(recipe)
        for name in names:
            found.root(recipe, name, declared.parts[name])
        return found

    parts = declared.parts
    active = [name for name in parts if name != "summarise" and not found_harmless(sources, recipe, parts[name])]
    settings = [name for name in ("arms", "scales") if name in parts]
    roots = {"measure", "data", *active, *(settings if made_settings else ())} & set(parts)
    measured = reached(*sorted(roots))
    everything = reached(*sorted(roots | set(settings)))
    summary = None
    if "summarise" in parts and not _is_none(parts["summarise"]):
        summary = syntax.sha256([FORM, reached("summarise").form()])
    return Code(
        syntax.sha256([FORM, measured.form()]),
        syntax.sha256([FORM, everything.form()]),
        summary,
        tuple(sorted(measured.features)),
        everything.used(),
    )


def found_harmless(sources: Sources, module: Module, node: ast.expr) -> bool:
    return Effects(sources).harmless(module, node)


def measurement(code: Code, settings: str, backend: str) -> str:
    """The measurement of a recipe's code with settings (`settings_sha256`) on a backend."""
    known = numerics.NUMERICS[backend]
    used = {name: known[name] for name in sorted({*numerics.ALWAYS, *code.features})}
    return syntax.sha256([FORM, code.sha256, settings, backend, list(used.items())])


def settings_sha256(
    arms: Sequence[tuple[str, Mapping[str, Any]]], scale: tuple[str, Mapping[str, Any]], timing: bool
) -> str:
    """The hash of the arms' names and settings, in order, of a scale's, and of whether the machine is measured alone."""
    name, settings = scale
    kept = {key: value for key, value in settings.items() if key != "seeds"}
    return syntax.sha256([_plain([[arm, dict(values)] for arm, values in arms]), name, _plain(kept), timing])


def is_plain(value: Any) -> bool:
    """Whether a setting is data that `settings_sha256` knows to write down; what is not is known by the code that makes it."""
    if isinstance(value, Mapping):
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(is_plain, value))
    return isinstance(value, bool | int | float | complex | str | bytes | None.__class__) or _is_array(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ["dict", [[_plain(key), _plain(item)] for key, item in value.items()]]
    if isinstance(value, list | tuple):
        return [type(value).__name__ if type(value) in (list, tuple) else "tuple", [_plain(item) for item in value]]
    if isinstance(value, set | frozenset):
        return ["set", sorted(syntax.text(_plain(item)) for item in value)]
    if type(value) is float:
        return ["float", _float(value)]
    if isinstance(value, bool | int | float | complex | str | bytes | None.__class__):
        return [*syntax.constant(value)]
    if _is_array(value):
        return ["array", str(value.dtype), _plain(value.tolist())]
    kind = value if isinstance(value, type) else type(value)
    return ["object", getattr(kind, "__module__", ""), kind.__qualname__]


def _float(value: float) -> str:
    """The number as it was written; one that was computed, to 12 digits: mathematical libraries differ in the last one."""
    exact = repr(value)
    short = f"{value:.15g}"
    return exact if float(short) == value or value != value else f"{value:.12g}"


def _is_array(value: Any) -> bool:
    """Whether this is an array or a number of NumPy, which is not imported here."""
    return hasattr(value, "dtype") and hasattr(value, "tolist") and getattr(value.dtype, "kind", "O") in "biufcSU"


@dataclass(frozen=True)
class _Declaration:
    """Where RECIPE is set, and the expression of each of its fields."""

    number: int
    parts: dict[str, ast.expr]


def _declaration(module: Module) -> _Declaration | None:
    """`RECIPE = Recipe(...)` as recipes have it; None when it is made in another way, which source does not tell."""
    numbers = module.binders.get("RECIPE", [])
    if module.star or len(numbers) != 1:
        return None
    statement = module.statements[numbers[0]]
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
        return None
    call = statement.value
    called = _resolved(module, call.func)
    if len(statement.targets) != 1 or called is None or (called.module, called.member) != (PACKAGE, "Recipe"):
        return None
    if any(isinstance(one, ast.Starred) for one in call.args) or any(word.arg is None for word in call.keywords):
        return None
    parts = dict(zip(FIELDS, call.args, strict=False)) | {str(word.arg): word.value for word in call.keywords}
    return _Declaration(numbers[0], parts) if "measure" in parts else None


def _resolved(module: Module, node: ast.expr) -> Imported | None:
    """What `Recipe` or `keras_reprise.Recipe` was imported from, when it is bound once."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.insert(0, node.attr)
        node = node.value
    numbers = module.binders.get(node.id, []) if isinstance(node, ast.Name) else []
    if len(numbers) != 1 or not isinstance(node, ast.Name):
        return None
    for name, imported, _ in module.imports(module.statements[numbers[0]]):
        path = imported.followed_by(tuple(attributes))
        if name == node.id and len(path) == 1:
            module_name = PACKAGE if imported.module == f"{PACKAGE}.recipe" else imported.module
            return Imported(module_name, path[0])
    return None


def _name_of(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


class _Reached:
    """What is reached from some roots: statements of modules, whole modules, features of the engine."""

    def __init__(self, sources: Sources, recipe: Module, declared: _Declaration | None) -> None:
        self.sources, self.recipe, self.declared = sources, recipe, declared
        self.effects = Effects(sources)
        self.modules: dict[str, Module] = {}
        self.statements: dict[str, set[int]] = {}
        self.whole: set[str] = set()
        self.as_text: set[str] = set()
        self.roots: dict[str, Any] = {}
        self.features: set[str] = set()
        self.followed: set[tuple[str, str, Reference]] = set()

    def root(self, module: Module, name: str, node: ast.expr) -> None:
        """Count an expression of the module, and what it reaches."""
        self.roots[name] = syntax.form(node)
        self._look_into(module, node)

    def touch(self, module: Module) -> None:
        """The module is run: all its statements that do more than bind a name count."""
        if module.label in self.modules:
            return
        self.modules[module.label], self.statements[module.label] = module, set()
        if module.star:
            return self.all_of(module)
        for number, statement in enumerate(module.statements):
            if module is self.recipe and self.declared and number == self.declared.number:
                continue
            for _, _, ran in module.imports(statement):
                self._run(ran)
            if not self.effects.only_binds(module, statement):
                self._include(module, number)

    def all_of(self, module: Module) -> None:
        """The whole module counts: what is used of it cannot be told."""
        self.touch(module)
        if module.label not in self.whole:
            self.whole.add(module.label)
            for number, statement in enumerate(module.statements):
                self._include(module, number)
                for _, imported, _ in module.imports(statement):
                    self._follow(module, imported.module, imported.followed_by(()))

    def used(self) -> tuple[str, ...]:
        """The modules of which something counts, without the recipe itself."""
        return tuple(sorted(label for label, numbers in self.statements.items() if numbers and label != RECIPE))

    def form(self) -> Any:
        """The canonical form of all that was reached."""
        parts = [self._module_form(self.modules[label]) for label in sorted(self.modules)]
        return [sorted(self.roots.items()), [part for part in parts if part]]

    def _module_form(self, module: Module) -> Any:
        if module.label in self.as_text:
            return [module.label, "text", syntax.sha256(module.source.hex())]
        numbers = sorted(self.statements[module.label])
        ordered: list[Any] = []
        free: list[Any] = []
        movable = module.label not in self.whole and not any(_may_catch(one) for one in module.statements)
        for number in numbers:
            statement = module.statements[number]
            loose = movable and _is_movable(module, statement)
            (free if loose else ordered).append(syntax.form(statement))
        return [module.label, sorted(free, key=syntax.text), ordered] if numbers else None

    def _run(self, names: Iterable[str]) -> None:
        for name in names:
            module = self.sources.find(name)
            if module is not None:
                self.touch(module)

    def _include(self, module: Module, number: int) -> None:
        if number not in self.statements[module.label]:
            self.statements[module.label].add(number)
            self._look_into(module, module.statements[number])

    def _look_into(self, module: Module, node: ast.AST) -> None:
        """Follow everything that a counted piece of source refers to."""
        attributes = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
        found = module.references(node)
        names = attributes | {reference[0] for reference in found}
        if names & SOURCE_WORDS:
            self._text_of(module)
        if attributes & DYNAMIC_ATTRIBUTES:
            self._anything(module)
        for one in ast.walk(node):
            for name, imported, ran in module.imports(one):
                self._run(ran)
                inside_function = name not in module.binders
                if inside_function or one is not node:
                    self._follow(module, imported.module, imported.followed_by(()))
            if isinstance(one, ast.Call) and not one.args and _name_of(one.func) in ("vars", "locals", "dir"):
                self.all_of(module)
        for reference in found:
            self._reach(module, reference)

    def _reach(self, module: Module, reference: Reference) -> None:
        name, *attributes = reference
        if name not in module.binders:
            if name in LOOKED_UP:
                self._anything(module)
            elif name not in BUILTINS and name not in DUNDERS:
                self.all_of(module)
            return
        for number in module.binders[name]:
            statement = module.statements[number]
            self._include(module, number)
            for bound_name, imported, _ in module.imports(statement):
                if bound_name == name:
                    self._follow(module, imported.module, imported.followed_by(tuple(attributes)))

    def _follow(self, importer: Module, name: str, attributes: Reference) -> None:
        """Reach what is read of the module `name`; all of it when nothing is, since then it is handed on."""
        first = name.split(".")[0]
        if (importer.label, name, attributes) in self.followed:
            return
        self.followed.add((importer.label, name, attributes))
        if first == PACKAGE and self.sources.find(name) is None:
            return self._follow_package(importer, name, attributes)
        module = self.sources.find(name)
        if module is None:
            return self._follow_library(importer, name, attributes)
        self.touch(module)
        if not attributes:
            self.all_of(module)
        else:
            bound_here = attributes[0] in module.binders
            inner = f"{name}.{attributes[0]}"
            if bound_here:
                self._reach(module, attributes)
            if self.sources.find(inner) is not None:  # `from . import inner` binds the module to its own name
                self._follow(importer, inner, attributes[1:])
            elif not bound_here and attributes[0] not in DUNDERS:
                self.all_of(module)

    def _follow_library(self, importer: Module, name: str, attributes: Reference) -> None:
        first, path = name.split(".")[0], (*name.split("."), *attributes)
        if first in DYNAMIC_LIBRARIES or path[:2] in (("sys", "modules"), ("sys", "_getframe")) or path == ("sys",):
            self._anything(importer)
        if first in SOURCE_LIBRARIES or (set(path) & SOURCE_WORDS):
            self._text_of(importer)

    def _follow_package(self, importer: Module, name: str, attributes: Reference) -> None:
        """Reach what is read of the package: a module of the vocabulary, a feature of the engine, or a word."""
        inside = (*name.split(".")[1:], *attributes)
        if inside and inside[0] in VOCABULARY:
            return self._follow(importer, f"{PACKAGE}.{inside[0]}", inside[1:])
        names = [one for one in inside if one in numerics.FEATURES]
        if names:
            self.features |= set(numerics.FEATURES[names[0]])
        elif not inside or inside[0] == "engine" or inside == ("*",):
            self.features |= {feature for used in numerics.FEATURES.values() for feature in used}
        if not inside:  # the package is handed on
            self._vocabulary()

    def _vocabulary(self) -> None:
        for one in VOCABULARY:
            module = self.sources.find(f"{PACKAGE}.{one}")
            if module is not None:
                self.all_of(module)

    def _anything(self, module: Module) -> None:
        """Names are looked up by text: all of the module counts, and all that it could import from here."""
        self.all_of(module)
        if module.label.split(".")[0] == PACKAGE:
            return
        self.features |= {feature for used in numerics.FEATURES.values() for feature in used}
        self._vocabulary()
        for name in self.sources.beside():
            other = self.sources.find(name)
            if other is not None and other.source != self.recipe.source:
                self.all_of(other)

    def _text_of(self, module: Module) -> None:
        """The module reads its own source, in which then every letter counts."""
        if module.label.split(".")[0] != PACKAGE:
            self.as_text.add(module.label)
            self.all_of(module)


def _may_catch(statement: ast.stmt) -> bool:
    """Whether a statement could notice that a name is not bound yet."""
    return isinstance(statement, ast.Try | ast.TryStar | ast.If | ast.With | ast.For | ast.While)


def _is_movable(module: Module, statement: ast.stmt) -> bool:
    """Whether a definition means the same wherever in its module it stands."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        names = [name for name, _, _ in module.imports(statement)]
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        names = [statement.name]
        if statement.decorator_list or not syntax.are_literals([*statement.args.defaults, *statement.args.kw_defaults]):
            return False
    elif isinstance(statement, ast.Assign) and syntax.is_literal(statement.value):
        names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        if len(names) != len(statement.targets):
            return False
    else:
        return False
    return all(
        len(module.binders.get(name, ())) == 1 and name not in BUILTINS and name not in module.declared_global
        for name in names
    )
