"""What `measure` depends on: definitions, statements that do something, whole modules, features of the engine."""

import ast
from collections.abc import Iterable

from keras_reprise.recipe import numerics
from keras_reprise.recipe.source import syntax
from keras_reprise.recipe.source.declared import Declaration
from keras_reprise.recipe.source.effects import Effects
from keras_reprise.recipe.source.modules import BUILTINS, DUNDERS, PACKAGE, RECIPE, VOCABULARY, Module, Sources
from keras_reprise.recipe.source.scopes import Reference

LOOKED_UP = frozenset({"globals", "eval", "exec", "compile", "__import__", "__builtins__", "breakpoint"})
DYNAMIC_LIBRARIES = frozenset({"importlib", "runpy", "pkgutil", "imp", "builtins", "gc"})
DYNAMIC_ATTRIBUTES = frozenset({"__globals__", "__subclasses__", "__builtins__", "f_globals", "__import__"})
SOURCE_LIBRARIES = frozenset({"inspect", "linecache", "tokenize", "dis"})
SOURCE_WORDS = frozenset({"__doc__", "__annotations__", "__code__", "get_type_hints", "getsource", "getdoc"})


class Dependencies:
    """What is reached from some roots: statements of modules, whole modules, features of the engine."""

    def __init__(self, sources: Sources, recipe: Module, declared: Declaration | None) -> None:
        self.sources, self.recipe, self.declared = sources, recipe, declared
        self.effects = Effects(sources)
        self.modules: dict[str, Module] = {}
        self.statements: dict[str, set[int]] = {}
        self.whole: set[str] = set()
        self.as_text: set[str] = set()
        self.roots: dict[str, syntax.Form] = {}
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

    def form(self) -> syntax.Form:
        """The canonical form of all that was reached."""
        parts = [self._module_form(self.modules[label]) for label in sorted(self.modules)]
        return [sorted(self.roots.items()), [part for part in parts if part]]

    def _module_form(self, module: Module) -> syntax.Form:
        if module.label in self.as_text:
            return [module.label, "text", syntax.sha256(module.source.hex())]
        numbers = sorted(self.statements[module.label])
        ordered: list[syntax.Form] = []
        free: list[syntax.Form] = []
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
        module = self.sources.find(name)
        if first == PACKAGE and module is None:
            return self._follow_package(importer, name, attributes)
        if module is None and self.sources.is_folder(name):
            return self._follow_folder(importer, name, attributes)
        if module is None:
            return self._follow_library(importer, name, attributes)
        self.touch(module)
        if not attributes or attributes[0] == "*":
            self.all_of(module)
            if module.package == name:
                self._all_in(name)
            return
        bound_here = attributes[0] in module.binders
        inner = f"{name}.{attributes[0]}"
        is_module = self.sources.find(inner) is not None
        if bound_here:
            self._reach(module, attributes)
        if is_module or self.sources.is_folder(inner):  # `from . import inner` binds the module to its own name
            self._follow(importer, inner, attributes[1:])
        if not (bound_here or is_module or attributes[0] in DUNDERS):
            self.all_of(module)

    def _follow_folder(self, importer: Module, name: str, attributes: Reference) -> None:
        """Reach what is read of a folder that is no package: one of its modules, or all where it is handed on."""
        if attributes:
            self._follow(importer, f"{name}.{attributes[0]}", attributes[1:])
        else:
            self._all_in(name)

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
        self._all_in()

    def _all_in(self, name: str = "") -> None:
        """All of every module beside the recipe counts; with a name, of every module in that folder."""
        for one in self.sources.beside(name):
            module = self.sources.find(one)
            if module is not None and module.source != self.recipe.source:
                self.all_of(module)

    def _text_of(self, module: Module) -> None:
        """The module reads its own source, in which then every letter counts."""
        if module.label.split(".")[0] != PACKAGE:
            self.as_text.add(module.label)
            self.all_of(module)


def _name_of(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


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
