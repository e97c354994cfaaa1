"""Whether an expression is one that can be evaluated: its size, and rows and single numbers where they belong."""

import math
from collections.abc import Iterator

from keras_reprise.record.expressions import grammar
from keras_reprise.record.expressions.grammar import Expression, Form

MOST_FORMS = 128
DEEPEST = 24

NUMBER, ROW = "one number", "a row of numbers"
TAKES_ROW = {
    grammar.Window: ("of",), grammar.At: ("of",), grammar.Kept: ("of", "where"), grammar.Nearest: ("of",),
    grammar.Reduced: ("of",), grammar.Related: ("of", "over"),
}  # fmt: skip
TAKES_NUMBER = {
    grammar.Window: ("after", "since", "before", "width"), grammar.At: ("position",), grammar.Nearest: ("to",),
    grammar.Several: ("of",),
}  # fmt: skip
ROWS = (grammar.CurveOf, grammar.ColumnOf, grammar.TextIs, grammar.Several, grammar.Window, grammar.Kept)
EITHER = (grammar.Arithmetic, grammar.Compared, grammar.Both, grammar.Applied)
CONDITIONS = (grammar.Compared, grammar.Both, grammar.TextIs)


def children(expression: Expression | None) -> Iterator[Expression]:
    """What a form is made of."""
    if isinstance(expression, Form):
        for field in expression.__struct_fields__:
            value = getattr(expression, field)
            if isinstance(value, Form | float | int):
                yield value
            elif isinstance(value, tuple):
                if isinstance(expression, grammar.Several):
                    yield from value
                else:
                    yield value


def forms(expression: Expression | None) -> Iterator[Form]:
    """The form itself and all in it."""
    waiting = [expression]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Form):
            yield one
            waiting.extend(children(one))


def is_condition(expression: Expression) -> bool:
    """Whether it says of something that it holds."""
    return isinstance(expression, CONDITIONS) or (
        isinstance(expression, grammar.Applied) and expression.function == "is-finite"
    )


def require_sound(expression: Expression, *, number: bool = True) -> None:
    """ValueError that says what is wrong with an expression that should be one number."""
    _require_small(expression)
    shape = _shape(expression)
    if number and shape != NUMBER:
        raise ValueError(
            f"a value is one number for a replicate, and {name_of(expression)} is {shape}; "
            "take its mean, its last value, or another number of it"
        )
    _require_fair(expression)


def _require_small(expression: Expression) -> None:
    level: list[Expression] = [expression]
    count = depth = 0
    while level:
        depth, count = depth + 1, count + len(level)
        if depth > DEEPEST or count > MOST_FORMS:
            raise ValueError(
                f"an expression has at most {MOST_FORMS} forms, {DEEPEST} within each other; "
                "let summarise(arms, scale) compute it, and read it by number(name)"
            )
        for one in level:
            _require_finite(one)
        level = [child for one in level for child in children(one)]


def _require_finite(expression: Expression) -> None:
    literals = (expression,) if isinstance(expression, float) else expression if isinstance(expression, tuple) else ()
    if isinstance(expression, grammar.ColumnOf | grammar.SettingOf) and expression.default is not None:
        literals = (expression.default,)
    if not all(math.isfinite(one) for one in literals):
        raise ValueError("a number in an expression is finite")


def _shape(expression: Expression) -> str:
    """One number or a row; ValueError where something takes the other."""
    if not isinstance(expression, Form):
        return ROW if isinstance(expression, tuple) else NUMBER
    kind = type(expression)
    inner = {_shape(child) for child in children(expression)} if kind in EITHER else set()
    for wanted, fields in ((ROW, TAKES_ROW.get(kind, ())), (NUMBER, TAKES_NUMBER.get(kind, ()))):
        for field in fields:
            value = getattr(expression, field)
            for one in value if kind is grammar.Several else (value,):
                if one is not None and _shape(one) != wanted:
                    raise ValueError(f"{name_of(expression)} takes {wanted}, and {name_of(one)} is not")
    if kind in EITHER:
        return ROW if ROW in inner else NUMBER
    if isinstance(expression, grammar.Window):
        _require_window(expression)
    if isinstance(expression, grammar.Kept) and not is_condition(expression.where):
        raise ValueError(f"keep takes a condition, such as x > 0, and {name_of(expression.where)} is none")
    return ROW if kind in ROWS else NUMBER


def _require_window(window: grammar.Window) -> None:
    if window.after is not None and window.since is not None:
        raise ValueError("a window begins after a position or since it, not both")
    if all(end is None for end in (window.after, window.since, window.before, window.width)):
        raise ValueError("a window has after, since, before or width")


def _require_fair(expression: Expression) -> None:
    """ValueError where the best of several arms is set against the best of others, which a difference in their number
    decides."""
    for one in forms(expression):
        if isinstance(one, grammar.Arithmetic | grammar.Compared):
            left, right = _best_of(one.left), _best_of(one.right)
            if left and right and left != right:
                raise ValueError(
                    f"the best of {', '.join(sorted(left))} is set against the best of {', '.join(sorted(right))}, "
                    "and the best of more arms is better by chance; "
                    "make a claim for each arm with must=below_each(...) or above_each(...)"
                )


def _best_of(expression: Expression) -> frozenset[str]:
    """The arms of which an expression takes the best; none where it takes none of several."""
    rows = [
        row
        for one in forms(expression)
        if isinstance(one, grammar.Reduced) and one.by in ("minimum", "maximum")
        for row in forms(one.of)
        if isinstance(row, grammar.Several)
    ]
    return frozenset[str]().union(*(arms for row in rows if len(arms := arms_of(row)) > 1))


def arms_of(expression: Expression | None) -> frozenset[str]:
    """The arms that an expression reads."""
    return frozenset(one.arm for one in forms(expression) if hasattr(one, "arm"))


def name_of(expression: Expression) -> str:
    """A form as a recipe writes it, in short."""
    if isinstance(expression, float | int):
        return f"{expression:g}"
    if isinstance(expression, tuple):
        return f"({expression[0]:g}, ...)" if expression else "()"
    if isinstance(expression, grammar.Reduced):
        return expression.by
    if isinstance(expression, grammar.Related):
        return expression.by.replace("-", "_")
    if isinstance(expression, grammar.Arithmetic | grammar.Compared):
        return f"{name_of(expression.left)} {expression.sign} {name_of(expression.right)}"
    if isinstance(expression, grammar.MetricOf | grammar.CurveOf | grammar.ColumnOf):
        return f"{expression.__struct_config__.tag}({expression.arm!r}, {expression.name!r})"
    if isinstance(expression, grammar.Applied):
        return f"{expression.function.replace('-', '_')}(...)"
    return f"{expression.__struct_config__.tag}(...)"
