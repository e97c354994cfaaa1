"""A canonical form of Python source, the same on every version of Python: what a program says, not how it is written.

Two sources of one form compute the same. Left out are comments, layout, docstrings and other strings that stand
alone, `pass`, and annotations where nothing reads them. Only the standard library is used, so that frozen hashes are
compared on interpreters without packages.
"""

import ast
import hashlib
import json
from collections.abc import Sequence
from typing import TypeAlias, cast

# Decorators that do not read annotations; below others (`dataclass`, `singledispatch.register`) annotations are data.
BLIND_DECORATORS = frozenset(
    {"property", "cached_property", "setter", "getter", "deleter", "staticmethod", "classmethod", "abstractmethod"}
    | {"cache", "lru_cache", "contextmanager", "wraps", "override", "final"}
)
IGNORED_FIELDS = frozenset({"ctx", "type_comment", "kind", "type_params", "simple"})

Function = ast.FunctionDef | ast.AsyncFunctionDef
Form: TypeAlias = "str | int | None | Sequence[Form]"
"""Nested lists of names, numbers and text."""


def parse(source: str | bytes) -> ast.Module:
    """The syntax tree of `source` without what cannot change a result; SyntaxError, ValueError as `ast.parse`."""
    return cast(ast.Module, _Cleaner().visit(ast.parse(source)))


def sha256(form: Form) -> str:
    """The hash of a form, or of any JSON made of forms."""
    return hashlib.sha256(text(form).encode()).hexdigest()


def text(form: Form) -> str:
    """The form as JSON without spaces. Written here, since `json` nests less deep than Python's syntax may."""
    parts: list[str] = []
    _write(form, parts)
    return "".join(parts)


def _write(form: Form, parts: list[str]) -> None:
    if isinstance(form, list | tuple):
        parts.append("[")
        for number, item in enumerate(form):
            if number:
                parts.append(",")
            _write(item, parts)
        parts.append("]")
    else:
        parts.append(json.dumps(form, allow_nan=False))


def form(node: object) -> Form:
    """The form of a tree that `parse` gave: lists of a node's name and its fields that are not empty, by name."""
    if isinstance(node, list | tuple):
        return [form(item) for item in node]
    if isinstance(node, ast.Constant):
        return ["Constant", *constant(node.value)]
    if isinstance(node, ast.JoinedStr):
        return _joined(node)
    if isinstance(node, ast.AST):
        found: list[Form] = [type(node).__name__]
        for name in sorted(set(node._fields) - IGNORED_FIELDS):
            value = getattr(node, name, None)
            if value is not None and value != []:
                found += [name, form(value)]
        return found
    assert node is None or isinstance(node, str | int)  # a name, a number of dots, None in a list
    return node


def constant(value: object) -> tuple[str, str]:
    """A literal with its type: 1, 1.0 and True differ, however they are written."""
    if isinstance(value, bool | None.__class__ | type(...)):
        return type(value).__name__, repr(value)
    if isinstance(value, int):
        return "int", hex(value)  # decimal digits of huge numbers are limited
    if isinstance(value, bytes):
        return "bytes", value.hex()
    if isinstance(value, str):
        return "str", value
    return type(value).__name__, repr(value)


def _joined(node: ast.JoinedStr) -> Form:
    """An f-string: neighbouring texts joined, empty ones left out, since versions of Python cut them differently."""
    parts: list[Form] = []
    words = ""
    for value in _flat(node):
        if isinstance(value, ast.Constant):
            words += str(value.value)
            continue
        if words:
            parts.append(["Constant", "str", words])
        words = ""
        parts.append(form(value))
    if not parts:
        return ["Constant", "str", words]
    return ["JoinedStr", [*parts, ["Constant", "str", words]] if words else parts]


def _flat(node: ast.JoinedStr) -> list[ast.expr]:
    found: list[ast.expr] = []
    for value in node.values:
        found += _flat(value) if isinstance(value, ast.JoinedStr) else [value]
    return found


def stands_alone(statement: ast.stmt) -> bool:
    """Whether a statement does nothing: a docstring, a string or number on its own, `pass`."""
    alone = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return alone or isinstance(statement, ast.Pass)


def acts(node: ast.AST) -> bool:
    """Whether evaluating this annotation may do something."""
    active = (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
    return any(isinstance(child, active) for child in ast.walk(node))


class _Cleaner(ast.NodeTransformer):
    """Removes what `parse` leaves out.

    `place` is what the visited statements stand in; `read`, whether annotations there count.
    """

    def __init__(self) -> None:
        self.place, self.read = "module", False

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list):
                setattr(node, name, [one for one in statements if not stands_alone(one)])
        return node

    def _within(self, place: str, read: bool, node: ast.AST) -> ast.AST:
        before, (self.place, self.read) = (self.place, self.read), (place, read)
        self.generic_visit(node)
        self.place, self.read = before
        return node

    def _function(self, node: Function) -> ast.AST:
        if all(decorator_name(one) in BLIND_DECORATORS for one in node.decorator_list):
            arguments = node.args
            everyone = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            for one in filter(None, [*everyone, arguments.vararg, arguments.kwarg]):
                one.annotation = one.annotation if one.annotation and acts(one.annotation) else None
            node.returns = node.returns if node.returns and acts(node.returns) else None
        return self._within("function", False, node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._within("class", bool(node.decorator_list or node.bases or node.keywords), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if (self.place == "class" and self.read) or acts(node.annotation):
            return node
        if node.value is not None:
            return ast.copy_location(ast.Assign([node.target], node.value), node)
        if self.place == "function" and isinstance(node.target, ast.Name):
            node.annotation = ast.Constant(None)  # it still makes the name a local one
            return node
        return None


def decorator_name(node: ast.expr) -> str:
    """The last word of a decorator: `lru_cache` of `@functools.lru_cache(maxsize=4)`."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is written-out data, which can be evaluated anywhere with the same result."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return all(is_literal(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        return all(key is not None and is_literal(key) for key in node.keys) and all(map(is_literal, node.values))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Constant)


def are_literals(nodes: Sequence[ast.expr | None]) -> bool:
    return all(node is None or is_literal(node) for node in nodes)
