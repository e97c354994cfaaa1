"""Whether a statement at module level can do anything but bind its names.

A definition that nothing reaches decides no number, unless making it did something else: registered a class, set a default,
drew a random number. Only what is known to do nothing passes; whatever is not known counts.
"""

import ast

from keras_reprise.numerics import FEATURES
from keras_reprise.source.modules import PACKAGE, VOCABULARY, Module, Sources
from keras_reprise.source.scopes import Reference, bound
from keras_reprise.source.syntax import decorator_name

PURE_BUILTINS = frozenset(
    [
        "abs",
        "all",
        "any",
        "ascii",
        "bin",
        "bool",
        "bytes",
        "callable",
        "chr",
        "classmethod",
        "complex",
        "dict",
        "divmod",
        "enumerate",
        "filter",
        "float",
        "format",
        "frozenset",
        "hash",
        "hex",
        "int",
        "isinstance",
        "issubclass",
        "iter",
        "len",
        "list",
        "map",
        "max",
        "min",
        "oct",
        "ord",
        "pow",
        "print",
        "property",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "slice",
        "sorted",
        "staticmethod",
        "str",
        "sum",
        "super",
        "tuple",
        "type",
        "zip",
        "ValueError",
        "TypeError",
        "KeyError",
        "RuntimeError",
    ]
)
PURE_LIBRARIES = frozenset(
    [
        "abc",
        "cmath",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "itertools",
        "math",
        "numpy",
        "pathlib",
        "re",
        "scipy",
        "statistics",
        "string",
        "textwrap",
        "types",
        "typing",
    ]
)
PURE_METHODS = frozenset(
    [
        "items",
        "keys",
        "values",
        "get",
        "copy",
        "index",
        "count",
        "join",
        "format",
        "split",
        "rsplit",
        "splitlines",
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "title",
        "capitalize",
        "replace",
        "startswith",
        "endswith",
        "zfill",
        "ljust",
        "rjust",
        "center",
        "partition",
        "rpartition",
        "removeprefix",
        "removesuffix",
        "encode",
        "decode",
        "mean",
        "sum",
        "std",
        "var",
        "min",
        "max",
        "argmin",
        "argmax",
        "argsort",
        "any",
        "all",
        "prod",
        "cumsum",
        "dot",
        "tolist",
        "item",
        "astype",
        "reshape",
        "ravel",
        "flatten",
        "transpose",
        "round",
        "clip",
        "is_integer",
        "union",
        "intersection",
        "difference",
        "issubset",
        "read_text",
        "read_bytes",
        "exists",
        "with_name",
        "with_suffix",
        "joinpath",
        "resolve",
        "bit_length",
        "as_integer_ratio",
        "conjugate",
    ]
)
MUTATING_METHODS = frozenset(["append", "extend", "add", "update", "setdefault", "insert", "pop", "sort", "reverse"])


class Effects:
    """Judges statements of modules found by `sources`."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.busy: set[int] = set()

    def only_binds(self, module: Module, statement: ast.stmt) -> bool:
        """Whether a statement of the module does nothing but bind names, so that it counts only where one is reached."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return statement.names[0].name != "*"
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            return self._defines(module, statement)
        if isinstance(statement, ast.ClassDef):
            return self._class(module, statement)
        if isinstance(statement, ast.Assign):
            return all(map(_is_name, statement.targets)) and self.harmless(module, statement.value)
        if isinstance(statement, ast.AnnAssign):
            return _is_name(statement.target) and (statement.value is None or self.harmless(module, statement.value))
        alias = getattr(ast, "TypeAlias", None)
        return alias is not None and isinstance(statement, alias)

    def _defines(self, module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        defaults = [one for one in (*node.args.defaults, *node.args.kw_defaults) if one is not None]
        return all(self.harmless(module, one) for one in defaults) and self._decorators(module, node.decorator_list)

    def _decorators(self, module: Module, decorators: list[ast.expr]) -> bool:
        own = ("setter", "getter", "deleter")
        return all(
            decorator_name(one) in own
            or self.harmless(module, one if isinstance(one, ast.Call) else ast.Call(one, [], []))
            for one in decorators
        )

    def _class(self, module: Module, node: ast.ClassDef) -> bool:
        if node.keywords or not self._decorators(module, node.decorator_list):
            return False
        return all(self._harmless_base(module, base) for base in node.bases) and all(
            self.only_binds(module, statement) for statement in node.body
        )

    def _harmless_base(self, module: Module, base: ast.expr) -> bool:
        """Whether deriving from `base` does nothing: own classes may count their heirs in `__init_subclass__`."""
        if not self.harmless(module, base):
            return False
        reference = _chain(base)
        found = self._own(module, reference) if reference else None
        if found is None:
            return True
        home, node = found
        if not isinstance(node, ast.ClassDef) or node.keywords:
            return False
        defined = any(isinstance(one, ast.FunctionDef) and one.name == "__init_subclass__" for one in node.body)
        return not defined and all(self._harmless_base(home, one) for one in node.bases)

    def harmless(
        self, module: Module, node: ast.expr, local: frozenset[str] = frozenset(), made: frozenset[str] = frozenset()
    ) -> bool:
        """Whether evaluating `node` does nothing. `local` are the names around it, of which `made` hold fresh objects."""
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            return False
        if isinstance(node, ast.Lambda):
            return all(self.harmless(module, one, local, made) for one in node.args.defaults)
        if isinstance(node, ast.Call) and not self._call(module, node, local, made):
            return False
        inner = frozenset(bound(one.target for one in ast.walk(node) if isinstance(one, ast.comprehension)))
        children = [one for child in ast.iter_child_nodes(node) for one in _expressions(child)]
        return all(self.harmless(module, child, local | inner, made) for child in children)

    def _call(self, module: Module, node: ast.Call, local: frozenset[str], made: frozenset[str]) -> bool:
        reference = _chain(node.func)
        if reference is None:  # of what an expression gives
            if isinstance(node.func, ast.Lambda):
                return self.harmless(module, node.func.body, local, made)
            return isinstance(node.func, ast.Attribute) and node.func.attr in PURE_METHODS
        if reference[0] in local:
            pure = PURE_METHODS | MUTATING_METHODS if reference[0] in made and len(reference) == 2 else PURE_METHODS
            return len(reference) > 1 and reference[-1] in pure
        words = self._is_word(module, reference)
        return words or (
            self._pure(module, reference)
            and all(self._passable(module, one, local) for one in (*node.args, *(word.value for word in node.keywords)))
        )

    def _is_word(self, module: Module, reference: Reference) -> bool:
        """Whether the reference is to a word of the package that is no part of the engine: `Claim`, `near`, `log_grid`."""
        found = self._imported(module, reference)
        if found is None or found[0].split(".")[0] != PACKAGE:
            return False
        name, attributes = found
        inside = name.split(".")[1:]
        if inside and inside[0] in VOCABULARY or attributes and attributes[0] in VOCABULARY:
            return True
        return not (inside and inside[0] == "engine") and not (attributes and attributes[0] in FEATURES)

    def _pure(self, module: Module, reference: Reference) -> bool:
        """Whether calling what is referred to does nothing, given arguments that may be called."""
        name = reference[0]
        if name not in module.binders:
            return name in PURE_BUILTINS and (len(reference) == 1 or reference[-1] in PURE_METHODS | {"fromkeys"})
        if imported := self._imported(module, reference):
            library, attributes = imported
            words = [*library.split("."), *attributes]
            if words[0] in PURE_LIBRARIES:
                return not any(
                    w == "random" or w.startswith(("set", "save", "put", "place", "fill", "copyto")) for w in words
                )
        found = self._own(module, reference)
        if found is None:
            return False
        home, node = found
        if isinstance(node, ast.FunctionDef):
            return self._function(home, node)
        if isinstance(node, ast.ClassDef):
            return self._class(home, node) and all(
                self._function(home, one) for one in node.body if isinstance(one, ast.FunctionDef)
            )
        return len(reference) > 1 and reference[-1] in PURE_METHODS

    def _passable(self, module: Module, node: ast.expr, local: frozenset[str]) -> bool:
        """Whether an argument does nothing when it is called."""
        if isinstance(node, ast.Lambda):
            arguments = frozenset(one.arg for one in (*node.args.args, *node.args.kwonlyargs))
            return self.harmless(module, node.body, local | arguments)
        reference = _chain(node)
        if reference is None or reference[0] in local or reference[0] not in module.binders:
            return True
        found = self._own(module, reference)
        callable_one = found is not None and isinstance(found[1], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        return not callable_one or self._pure(module, reference)

    def _function(self, module: Module, node: ast.FunctionDef) -> bool:
        """Whether calling a function does nothing but compute its result."""
        if id(node) in self.busy:
            return True
        self.busy.add(id(node))
        try:
            arguments = node.args
            everyone = [
                *arguments.posonlyargs,
                *arguments.args,
                *arguments.kwonlyargs,
                arguments.vararg,
                arguments.kwarg,
            ]
            given = frozenset(one.arg for one in everyone if one is not None)
            local = (frozenset(bound(node.body)) | given) - _handed_out(node)
            made = frozenset(_made(node)) - given
            itself = arguments.args[0].arg if arguments.args and node.name in ("__init__", "__post_init__") else None
            return all(self._does_nothing(module, one, local, made, itself) for one in node.body)
        finally:
            self.busy.discard(id(node))

    def _does_nothing(
        self, module: Module, node: ast.AST, local: frozenset[str], made: frozenset[str], itself: str | None
    ) -> bool:
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom | ast.Delete | ast.ClassDef):
            return False
        if isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef
        ):  # unless it is only handed out, it may be called here
            inner = local | frozenset(one.arg for one in node.args.args) | bound(node.body)
            return node.name not in local or all(
                self._does_nothing(module, one, inner, made, None) for one in node.body
            )
        if isinstance(node, ast.AugAssign) and _root(node.target) not in made:
            return False
        if isinstance(node, ast.Tuple | ast.List) and not isinstance(node.ctx, ast.Load):
            return all(self._does_nothing(module, one, local, made, itself) for one in node.elts)
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            root = _root(node)
            if root is None or root not in made | {itself}:
                return False
        if isinstance(node, ast.expr):
            return self.harmless(module, node, local, made)
        return all(self._does_nothing(module, one, local, made, itself) for one in ast.iter_child_nodes(node))

    def _imported(self, module: Module, reference: Reference) -> tuple[str, Reference] | None:
        """The module that the reference's name was imported from, and what is read of it; None unless it is one import."""
        numbers = module.binders.get(reference[0], [])
        if len(numbers) != 1:
            return None
        for name, imported, _ in module.imports(module.statements[numbers[0]]):
            if name == reference[0]:
                return imported.module, imported.followed_by(reference[1:])
        return None

    def _own(self, module: Module, reference: Reference) -> tuple[Module, ast.stmt] | None:
        """The one statement that defines what is referred to, in this module or in one beside the recipe."""
        numbers = module.binders.get(reference[0], [])
        if len(numbers) != 1 or reference[0] in module.declared_global:
            return None
        imported = self._imported(module, reference)
        if imported is None:
            return module, module.statements[numbers[0]]
        name, attributes = imported
        home = self.sources.find(name)
        return self._own(home, attributes) if home is not None and attributes and home is not module else None


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


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _handed_out(function: ast.FunctionDef) -> frozenset[str]:
    """The names of inner functions that are returned and not used otherwise."""
    inner = {one.name for one in function.body if isinstance(one, ast.FunctionDef)}
    returned = [
        one.value.id for one in ast.walk(function) if isinstance(one, ast.Return) and isinstance(one.value, ast.Name)
    ]
    read = [one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]
    return frozenset(name for name in inner if read.count(name) == returned.count(name))


def _made(function: ast.FunctionDef) -> set[str]:
    """The names of a function that are only ever bound to objects which it made itself."""
    fresh = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.Call, ast.Constant, ast.BinOp)
    made: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
            (made if isinstance(node.value, fresh) else others).update(bound(node.targets))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            for target in node.targets:
                pairs = zip(target.elts, node.value.elts, strict=False) if isinstance(target, ast.Tuple) else ()
                for name, value in pairs:
                    (made if isinstance(value, fresh) else others).update(bound([name]))
        elif isinstance(node, ast.For | ast.comprehension | ast.NamedExpr | ast.withitem):
            others |= bound([node])
    return made - others
