"""Where a recipe file sets RECIPE, and from which expressions: what is read of a recipe without running it."""

import ast
from dataclasses import dataclass

from keras_reprise.recipe.source.modules import PACKAGE, Imported, Module

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


@dataclass(frozen=True)
class Declaration:
    """Where RECIPE is set, and the expression of each of its fields."""

    number: int
    parts: dict[str, ast.expr]


def declaration(module: Module) -> Declaration | None:
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
    return Declaration(numbers[0], parts) if "measure" in parts else None


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
