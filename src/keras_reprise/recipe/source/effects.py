"""Whether a statement at module level can do anything but bind its names.

A definition that nothing reaches decides no number, unless making it did something else: registered a class, set a
default, drew a random number. Only what is known to do nothing passes; whatever is not known counts.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from keras_reprise.recipe.numerics import FEATURES
from keras_reprise.recipe.source.harmless import (
    MAKERS,
    MUTATING_METHODS,
    PURE_BUILTINS,
    PURE_LIBRARIES,
    PURE_METHODS,
    STATEFUL,
    STATING,
)
from keras_reprise.recipe.source.modules import BUILTINS, PACKAGE, VOCABULARY, Module, Sources
from keras_reprise.recipe.source.scopes import Comprehension, Reference, bound
from keras_reprise.recipe.source.syntax import decorator_name

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
FRESH = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.Constant, ast.BinOp)


@dataclass(frozen=True)
class _Place:
    """Where an expression stands: its module, the local names around it, those of them that hold objects made there."""

    module: Module
    local: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()

    def within(self, names: Iterable[str]) -> "_Place":
        return replace(self, local=self.local | frozenset(names))


@dataclass
class Effects:
    """Judges statements of modules found by `sources`."""

    sources: Sources
    busy: set[int] = field(default_factory=set)  # functions that are being judged

    def only_binds(self, module: Module, statement: ast.stmt) -> bool:
        """Whether a statement does nothing but bind names, so that it counts only where one is reached."""
        place = _Place(module)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return statement.names[0].name != "*"
        if isinstance(statement, FUNCTIONS):
            defaults = [one for one in (*statement.args.defaults, *statement.args.kw_defaults) if one is not None]
            return self._all(place, defaults) and self._decorators(place, statement.decorator_list)
        if isinstance(statement, ast.ClassDef):
            return self._class(place, statement)
        if isinstance(statement, ast.Assign):
            return all(map(_is_name, statement.targets)) and self._harmless(place, statement.value)
        if isinstance(statement, ast.AnnAssign):
            return _is_name(statement.target) and (statement.value is None or self._harmless(place, statement.value))
        return type(statement).__name__ == "TypeAlias"  # since Python 3.12

    def harmless(self, module: Module, node: ast.expr) -> bool:
        """Whether evaluating an expression at the module's top level does nothing."""
        return self._harmless(_Place(module), node)

    def _all(self, place: _Place, nodes: Iterable[ast.expr]) -> bool:
        for node in nodes:  # noqa: SIM110 (a loop nests deeper than `all` may)
            if not self._harmless(place, node):
                return False
        return True

    def _decorators(self, place: _Place, decorators: list[ast.expr]) -> bool:
        calls = [one if isinstance(one, ast.Call) else ast.Call(one, [], []) for one in decorators]
        return all(
            decorator_name(one) in ("setter", "getter", "deleter") or self._harmless(place, one) for one in calls
        )

    def _class(self, place: _Place, node: ast.ClassDef) -> bool:
        if node.keywords or not self._decorators(place, node.decorator_list):
            return False
        bases = all(self._base(place.module, base) for base in node.bases)
        return bases and all(self.only_binds(place.module, statement) for statement in node.body)

    def _base(self, module: Module, base: ast.expr) -> bool:
        """Whether deriving from `base` does nothing: own classes may take note of their heirs."""
        reference = _chain(base)
        found = self._own(module, reference) if reference else None
        if found is None or not self.harmless(module, base):
            return self.harmless(module, base)
        home, node, read = found
        if not isinstance(node, ast.ClassDef) or node.keywords or read:
            return False
        notes = any(isinstance(one, FUNCTIONS) and one.name == "__init_subclass__" for one in node.body)
        return not notes and all(self._base(home, one) for one in node.bases)

    def _harmless(self, place: _Place, node: ast.expr) -> bool:
        if isinstance(node, ast.Await):
            return False
        if isinstance(node, ast.Lambda):
            return self._all(place, node.args.defaults)
        if isinstance(node, ast.Call) and not self._call(place, node):
            return False
        if isinstance(node, Comprehension):
            place = place.within(bound(one.target for one in node.generators))
        return self._all(place, [one for child in ast.iter_child_nodes(node) for one in _expressions(child)])

    def _call(self, place: _Place, node: ast.Call) -> bool:
        reference = _chain(node.func)
        if reference is None:  # of what an expression gives
            if isinstance(node.func, ast.Lambda):
                return self._harmless(place, node.func.body)
            return isinstance(node.func, ast.Attribute) and (
                node.func.attr in PURE_METHODS or self._states(place.module, node.func.value)
            )
        if reference[0] in place.local:
            fresh = reference[0] in place.made and len(reference) == 2
            return len(reference) > 1 and reference[-1] in (PURE_METHODS | MUTATING_METHODS if fresh else PURE_METHODS)
        if self._is_word(place.module, reference):
            return True
        arguments = [*node.args, *(word.value for word in node.keywords)]
        return self._pure(place.module, reference) and all(self._passable(place, one) for one in arguments)

    def _is_word(self, module: Module, reference: Reference) -> bool:
        """Whether this is a word of the package that is no part of the engine: `Claim`, `near`, `log_grid`."""
        found = self._imported(module, reference)
        if found is None or found[0].split(".")[0] != PACKAGE:
            return False
        path = (*found[0].split(".")[1:], *found[1])
        return bool(path) and (path[0] in VOCABULARY or (path[0] != "engine" and not set(path) & set(FEATURES)))

    def _states(self, module: Module, node: ast.expr) -> bool:
        """Whether this is the beginning of a claim: `rule("id").says(...)`, whose methods only add to it."""
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        reference = _chain(node.func) if isinstance(node, ast.Call) else None
        return reference is not None and reference[-1] in STATING and self._is_word(module, reference)

    def _pure(self, module: Module, reference: Reference) -> bool:
        """Whether calling what is referred to does nothing, given arguments that may be called."""
        if reference[0] not in module.binders:
            return reference[0] in PURE_BUILTINS and (
                len(reference) == 1 or reference[-1] in PURE_METHODS | {"fromkeys"}
            )
        if imported := self._imported(module, reference):
            words = (*imported[0].split("."), *imported[1])
            if words[0] in PURE_LIBRARIES:
                return not any(word.startswith(STATEFUL) for word in words)
        home, node, read = self._own(module, reference) or (module, None, ())
        if isinstance(node, ast.ClassDef) and len(read) < 2:
            return self._makes(home, node) and set(read) <= {one.name for one in _methods(node)}
        if isinstance(node, ast.FunctionDef) and not read:
            return self._function(home, node)
        known = isinstance(node, ast.Assign | ast.FunctionDef | ast.ClassDef)
        return known and bool(read) and read[-1] in PURE_METHODS

    def _makes(self, module: Module, node: ast.ClassDef) -> bool:
        """Whether making an object of a class does nothing else, nor does any method that it has from own classes."""
        return (
            self._class(_Place(module), node)
            and all(self._function(module, one) for one in _methods(node))
            and all(self._inherits_nothing_else(module, base) for base in node.bases)
        )

    def _inherits_nothing_else(self, module: Module, base: ast.expr) -> bool:
        """Whether a class has nothing from `base` that does more: it is Python's, a pure library's or an own one."""
        reference = _chain(base.value if isinstance(base, ast.Subscript) else base)
        if reference is None:
            return False
        return (reference[0] in BUILTINS and reference[0] not in module.binders) or self._pure(module, reference)

    def _passable(self, place: _Place, node: ast.expr) -> bool:
        """Whether an argument does nothing when it is called."""
        if isinstance(node, ast.Lambda):
            return self._harmless(place.within(one.arg for one in (*node.args.args, *node.args.kwonlyargs)), node.body)
        reference = _chain(node)
        if reference is None or reference[0] in place.local or reference[0] not in place.module.binders:
            return True
        found = self._own(place.module, reference)
        return (
            found is None or not isinstance(found[1], (*FUNCTIONS, ast.ClassDef)) or self._pure(place.module, reference)
        )

    def _function(self, module: Module, node: ast.FunctionDef) -> bool:
        """Whether calling a function does nothing but compute its result."""
        if id(node) in self.busy:
            return True
        self.busy.add(id(node))
        arguments = node.args
        everyone = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        given = frozenset(one.arg for one in everyone if one is not None)
        itself = (
            {arguments.args[0].arg} if arguments.args and node.name in ("__init__", "__post_init__") else set[str]()
        )
        names = given | bound(node.body)
        handed_out, made = _handed_out(node), self._made(module, node, names) - given | itself
        place = _Place(module, names - handed_out, frozenset(made))
        body = [one for one in node.body if not (isinstance(one, FUNCTIONS) and one.name in handed_out)]
        result = all(self._does_nothing(place, one) for one in body)
        self.busy.discard(id(node))
        return result

    def _does_nothing(self, place: _Place, node: ast.AST) -> bool:
        """Whether a part of a function's body does nothing beyond the function and what it made."""
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom | ast.Delete | ast.ClassDef):
            return False
        if isinstance(node, FUNCTIONS):
            inner = place.within({one.arg for one in node.args.args} | bound(node.body))
            return not node.decorator_list and all(self._does_nothing(inner, one) for one in node.body)
        augmented = node.target if isinstance(node, ast.AugAssign) else None
        if augmented and (isinstance(augmented, ast.Attribute) or _root(augmented) not in place.made):
            return False
        if isinstance(node, ast.Tuple | ast.List) and not isinstance(node.ctx, ast.Load):
            return all(self._does_nothing(place, one) for one in node.elts)
        stored = isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
        if stored and _holder(node) not in place.made:
            return False
        if isinstance(node, ast.expr):
            return self._harmless(place, node)
        return all(self._does_nothing(place, one) for one in ast.iter_child_nodes(node))

    def _made(self, module: Module, function: ast.FunctionDef, local: frozenset[str]) -> set[str]:
        """The names of a function that are only ever bound to objects which it made itself."""
        made: set[str] = set()
        others: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.For | ast.comprehension | ast.NamedExpr | ast.withitem):
                others |= bound([node])
            for target in node.targets if isinstance(node, ast.Assign) else []:
                assert isinstance(node, ast.Assign)
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=False))
                for name, value in pairs:
                    fresh = isinstance(name, ast.Name) and self._is_fresh(module, local, value)
                    (made if fresh else others).update(bound([name]))
        return made - others

    def _is_fresh(self, module: Module, local: frozenset[str], node: ast.expr) -> bool:
        """Whether an expression gives an object that nothing else holds."""
        reference = _chain(node.func) if isinstance(node, ast.Call) else None
        if reference is None or reference[0] in local:
            return isinstance(node, FRESH)
        if reference[0] not in module.binders:
            return len(reference) == 1 and reference[0] in MAKERS
        if imported := self._imported(module, reference):
            words = (*imported[0].split("."), *imported[1])
            if words[0] in PURE_LIBRARIES:
                return words[-1] in MAKERS
        own = self._own(module, reference)
        return own is not None and isinstance(own[1], ast.ClassDef) and not own[2]

    def _imported(self, module: Module, reference: Reference) -> tuple[str, Reference] | None:
        """The module that the name was imported from, and what is read of it; None unless it is one import."""
        numbers = module.binders.get(reference[0], [])
        imports = module.imports(module.statements[numbers[0]]) if len(numbers) == 1 else []
        found = (imported for name, imported, _ in imports if name == reference[0])
        return next(((one.module, one.followed_by(reference[1:])) for one in found), None)

    def _own(self, module: Module, reference: Reference) -> tuple[Module, ast.stmt, Reference] | None:
        """The one statement that defines what is referred to, in this module or in one beside the recipe, and the
        attributes that are read of what it defines."""
        numbers = module.binders.get(reference[0], [])
        if len(numbers) != 1 or reference[0] in module.declared_global:
            return None
        imported = self._imported(module, reference)
        if imported is None:
            return module, module.statements[numbers[0]], reference[1:]
        home = self.sources.find(imported[0])
        return self._own(home, imported[1]) if home is not None and imported[1] and home is not module else None


def _expressions(node: ast.AST) -> list[ast.expr]:
    """The expressions directly within a node, those of keywords and comprehensions included."""
    if isinstance(node, ast.expr):
        return [node]
    return [one for child in ast.iter_child_nodes(node) for one in _expressions(child)]


def _is_name(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(_is_name, target.elts))
    return isinstance(target, ast.Name)


def _chain(node: ast.expr) -> Reference | None:
    """`("a", "b", "c")` of `a.b.c`; None of anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.insert(0, node.attr)
        node = node.value
    return (node.id, *attributes) if isinstance(node, ast.Name) else None


def _methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    return [one for one in node.body if isinstance(one, ast.FunctionDef)]


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _holder(node: ast.AST) -> str | None:
    """The name of the object whose own attribute or item this is."""
    value = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
    return value.id if isinstance(value, ast.Name) else None


def _handed_out(function: ast.FunctionDef) -> frozenset[str]:
    """The names of undecorated inner functions that are returned and not used otherwise."""
    inner = {one.name for one in function.body if isinstance(one, FUNCTIONS) and not one.decorator_list}
    names = [one for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]
    returned = [one.value for one in ast.walk(function) if isinstance(one, ast.Return)]
    return frozenset(name for name in inner if all(one in returned for one in names if one.id == name))
