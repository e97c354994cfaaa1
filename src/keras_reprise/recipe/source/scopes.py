"""Which names of its module a piece of syntax refers to, by Python's own rules of scope.

A reference is the name with the attributes read from it (`keras.optimizers.SGD` is `("keras", "optimizers", "SGD")`),
so that names of imported modules can be followed. Names that are local to a function, a lambda or a comprehension are
none.
"""

import ast
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

Reference = tuple[str, ...]
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def references(*nodes: ast.AST, known: Container[str] = ()) -> set[Reference]:
    """The references of `nodes`, which stand at the module's top level, to names of the module or of Python.

    A class body's own name is also a reference where the module binds that name, as `known` tells.
    """
    finder = _Finder()
    for node in nodes:
        finder.visit(node)
    return finder.found | {(name,) for name in finder.uncertain if name in known}


def bound(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that `nodes` bind in the scope they stand in (also by `del`), those declared global left out."""
    names, declared = set(), set()
    for node in nodes:
        for one in _of_this_scope(node):
            names |= _binds(one)
            if isinstance(one, ast.Global | ast.Nonlocal):
                declared |= set(one.names)
    return names - declared


def _declared_global(nodes: Iterable[ast.AST]) -> set[str]:
    every = (one for node in nodes for one in _of_this_scope(node) if isinstance(one, ast.Global))
    return {name for one in every for name in one.names}


def _of_this_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes within `node` that are of the scope it stands in; of a comprehension what it assigns by `:=`."""
    yield node
    if isinstance(node, Comprehension):
        yield from (one for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
        return
    if isinstance(node, Function):
        outside: list[ast.AST | None] = [*node.args.defaults, *node.args.kw_defaults]
        outside += [] if isinstance(node, ast.Lambda) else node.decorator_list
    elif isinstance(node, ast.ClassDef):
        outside = [*node.decorator_list, *node.bases, *node.keywords]
    else:
        outside = list(ast.iter_child_nodes(node))
    for child in outside:
        if child is not None:
            yield from _of_this_scope(child)


def _binds(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    if isinstance(node, ast.NamedExpr):
        return {node.target.id}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return {node.name} if node.name else set()
    if isinstance(node, ast.MatchMapping):
        return {node.rest} if node.rest else set()
    return set()


@dataclass(frozen=True)
class _Around:
    """A scope around what is visited: the names it binds, those it declares global, and whether it is a class body."""

    names: set[str]
    declared: set[str]
    is_class: bool = False


class _Finder(ast.NodeVisitor):
    """Collects references. `uncertain` are those of a class body to a name that it binds itself, maybe later."""

    def __init__(self) -> None:
        self.found: set[Reference] = set()
        self.uncertain: set[str] = set()
        self.around: list[_Around] = []

    def _refer(self, name: str, attributes: Reference = ()) -> None:
        for distance, scope in enumerate(reversed(self.around)):
            if scope.is_class and distance > 0:
                continue  # functions do not see the names of the class they stand in
            if name in scope.declared:
                break
            if name in scope.names and scope.is_class:
                self.uncertain.add(name)
                return
            if name in scope.names:
                return
        self.found.add((name, *attributes))

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._refer(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        attributes: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            attributes.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._refer(inner.id, tuple(attributes))
        else:
            self.visit(inner)

    def visit_Global(self, node: ast.Global) -> None:
        self.found |= {(name,) for name in node.names}

    def _all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _within(self, scope: _Around, nodes: Iterable[ast.AST | None]) -> None:
        self.around.append(scope)
        self._all(nodes)
        self.around.pop()

    def _function(self, node: Function) -> None:
        arguments = node.args
        everyone = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        named = [one for one in everyone if one is not None]
        self._all([*arguments.defaults, *arguments.kw_defaults, *(one.annotation for one in named)])
        if not isinstance(node, ast.Lambda):
            self._all([*node.decorator_list, node.returns])
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        self._within(_Around(bound(body) | {one.arg for one in named}, _declared_global(body)), body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._all([*node.decorator_list, *node.bases, *node.keywords])
        self._within(_Around(bound(node.body), _declared_global(node.body), is_class=True), node.body)

    def _comprehension(self, node: Comprehension) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        targets = bound(generator.target for generator in node.generators)
        inner: list[ast.AST | None] = [first.target, *first.ifs, *others]
        inner += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._within(_Around(targets, set()), inner)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension
