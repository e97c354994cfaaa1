"""What a recipe says of itself is looked at when it is made, so that a slip is told before anything is measured."""

import inspect
from collections.abc import Collection, Iterable, Mapping

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.slips import nearest_first


def require_all(of: str, items: object, *kinds: type) -> None:
    """RecipeError unless `items` is a tuple or list of things of these kinds; `of` says whose."""
    if isinstance(items, kinds):
        name = type(items).__name__
        shown = f"{name}(...)" if str not in kinds else repr(items)
        raise RecipeError(f"{of} is one {name}, where several can stand.\nWrite ({shown},), with the comma.")
    if not isinstance(items, tuple | list):
        raise RecipeError(f"{of} is no tuple: {items!r}.\nWrite (a, b), or (a,) for one.")
    for item in items:
        if not isinstance(item, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise RecipeError(f"{of} holds {item!r}, which is no {names}.\nMake it one.")


def require_parameters(what: str, function: object, *names: str) -> None:
    """RecipeError when `function` cannot be called with arguments for these names, in this order."""
    given = f"({', '.join(names)})"
    if not callable(function):
        raise RecipeError(f"{what} is no function: {function!r}.\nGive one of {given}, without calling it.")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # one that is built in may not say
    try:
        signature.bind(*names)
    except TypeError:
        takes = ", ".join(str(one) for one in signature.parameters.values())
        raise RecipeError(f"{what} takes ({takes}), and is called with {given}.\nGive it these parameters.") from None


def require_names(of: str, kind: str, asked: Iterable[str], known: Collection[str]) -> None:
    """RecipeError when a name that `of` asks for is none of the known; names those there are, the nearest first."""
    for name in asked:
        if name not in known:
            there = ", ".join(f"`{one}`" for one in nearest_first(str(name), known))
            raise RecipeError(f"{of} asks for the {kind} `{name}`.\nThere is none of that name; there are {there}.")


def arms_of(figure: object) -> list[str]:
    """The arms that a figure names: those it is limited to, and those of printed values."""
    arms, printed = getattr(figure, "arms", ()), getattr(figure, "printed", {})
    found = list(arms) if isinstance(arms, tuple | list) else []
    if isinstance(printed, Mapping):
        by_curve = [one for one in printed.values() if isinstance(one, Mapping)]
        found += [arm for one in by_curve for arm in one] if by_curve else list(printed)
    return found
