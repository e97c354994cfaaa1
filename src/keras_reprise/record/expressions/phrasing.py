"""Expressions in words, and the units of their numbers, made from their forms and the declared metrics."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keras_reprise.record.expressions import grammar
from keras_reprise.record.expressions.checking import arms_of, forms, is_condition
from keras_reprise.record.expressions.grammar import Expression
from keras_reprise.record.metric import Metric, by_name

FEW = 4  # literals that are shown one by one
SIGNS = {"+": "plus", "-": "minus", "*": "times", "/": "over", "**": "to the power of"}
COMPARISONS = {"<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least", "=": "is"}
REDUCTIONS = {
    "mean": "mean of the", "median": "median of the", "total": "sum of the", "minimum": "lowest", "maximum": "highest",
    "first": "first", "last": "last", "distinct": "number of distinct values of the",
}  # fmt: skip


def words(expression: Expression, metrics: Iterable[Metric] = (), *, one_arm: bool = False) -> str:
    """What an expression is, in words that begin in lower case: "mean of the training loss over the last 5 epochs".

    `metrics` are those that the recipe declares. The arm is named, at the end where all is of the same one; not at all
    where the recipe has but `one_arm`.
    """
    arms = arms_of(expression)
    told = _Words(by_name(metrics), named=len(arms) > 1).of(expression)
    return f"{told}, of `{next(iter(arms))}`" if len(arms) == 1 and not one_arm else told


def unit(expression: Expression, metrics: Iterable[Metric] = ()) -> str:
    """The unit of an expression's number, as far as the metrics' units say it; else ""."""
    return _unit(expression, by_name(metrics))


@dataclass(frozen=True)
class _Words:
    metrics: Mapping[str, Metric]
    named: bool

    def of(self, expression: Expression) -> str:
        if isinstance(expression, tuple):
            shown = ", ".join(f"{one:g}" for one in expression)
            return shown if len(expression) <= FEW else f"{len(expression)} given values"
        if not isinstance(expression, grammar.Form):
            return f"{expression:.10g}"
        return _FORMS[type(expression)](self, expression)

    def name(self, name: str) -> str:
        """A metric, curve, entry, number or setting in its declared words."""
        return self.metrics[name].words if name in self.metrics else name.replace("_", " ")

    def stored(self, form: grammar.MetricOf | grammar.CurveOf | grammar.ColumnOf | grammar.TextIs) -> str:
        """What an arm holds under a name."""
        return f"{self.name(form.name)} of `{form.arm}`" if self.named else self.name(form.name)

    def per(self, row: Expression | None) -> str:
        """What a row has a value for."""
        for one in forms(row):
            if isinstance(one, grammar.CurveOf):
                return (self.metrics[one.name].per if one.name in self.metrics else "") or "value"
            if isinstance(one, grammar.ColumnOf | grammar.TextIs):
                return "trial"
        return "value"

    def part(self, expression: Expression) -> str:
        """As a part of arithmetic: in brackets where it is arithmetic or a condition itself."""
        told = self.of(expression)
        return f"({told})" if isinstance(expression, grammar.Arithmetic) or is_condition(expression) else told

    def condition(self, expression: Expression) -> str:
        """As a clause: "the penalty is above 1000"."""
        if isinstance(expression, grammar.Compared):
            left, right = self.part(expression.left), self.part(expression.right)
            return f"the {left} {COMPARISONS[expression.sign]} {right}"
        if isinstance(expression, grammar.Both):
            return f"{self.condition(expression.left)} and {self.condition(expression.right)}"
        if isinstance(expression, grammar.TextIs):
            return f'the {self.stored(expression)} is "{expression.text}"'
        if isinstance(expression, grammar.Applied) and expression.function == "is-finite":
            return f"the {self.part(expression.to)} is finite"
        return f"{self.of(expression)} is not 0"

    def position(self, of: Expression, position: Expression) -> str:
        """A place in a row: "epoch 3", "the drop", "the epoch of the lowest test loss"."""
        if isinstance(position, float | int):
            return f"{self.per(of)} {position:g}"
        if isinstance(position, grammar.Reduced) and position.by == "count" and position.of == of:
            return f"the last {self.per(of)}"
        return f"the {self.of(position)}"

    def arithmetic(self, form: grammar.Arithmetic) -> str:
        if form.sign == "*" and 100.0 in (form.left, form.right):  # what the unit says: percent, points
            return self.of(form.right if form.left == 100.0 else form.left)
        if form.sign == "-" and form.left == 0.0:
            return f"minus {self.part(form.right)}"
        chained = isinstance(form.left, grammar.Arithmetic) and {form.sign, form.left.sign} <= {"+", "-"}
        left = self.of(form.left) if chained else self.part(form.left)
        right = self.part(form.right)
        return f"{left} {SIGNS[form.sign]} {'' if _bare(form.right) else 'the '}{right}"

    def applied(self, form: grammar.Applied) -> str:
        if form.function == "abs" and isinstance(form.to, grammar.Arithmetic) and form.to.sign == "-":
            left, right = self.part(form.to.left), self.part(form.to.right)
            return f"distance of the {left} from {'' if _bare(form.to.right) else 'the '}{right}"
        names = {"log": "logarithm of the", "exp": "exponential of the", "abs": "absolute value of the"}
        return f"{names[form.function]} {self.part(form.to)}"

    def window(self, form: grammar.Window) -> str:
        return f"{self.part(form.of)} {self.stretch(form)}"

    def stretch(self, form: grammar.Window) -> str:
        """Which part of a row: "over the 5 epochs after the drop"."""
        many, where = plural(self.per(form.of)), self.ends(form)
        if form.width is not None:
            way = "" if where else "last " if form.after is None and form.since is None else "first "
            return f"over the {way}{self.of(form.width)} {many}{where}"
        if isinstance(form.after, float) and isinstance(form.before, float):
            return f"over {many} {form.after + 1:g} to {form.before:g}"
        return f"over the {many}{where}" if where else f"over all {many}"

    def ends(self, form: grammar.Window) -> str:
        """Where a part of a row begins and ends: " after the drop"."""
        found = ""
        if form.after == 1.0 and form.width is None:
            found = " after the first"
        elif form.after is not None and form.after != 0.0:
            found = f" after {self.position(form.of, form.after)}"
        if form.since is not None:
            found = f" from {self.position(form.of, form.since)} on"
        if form.before is not None:
            up_to = "before" if isinstance(form.before, grammar.SettingOf) else "up to"
            found += f" {up_to} {self.position(form.of, form.before)}"
        return found

    def at(self, form: grammar.At) -> str:
        if isinstance(form.position, grammar.Nearest):
            to = form.position.to
            near = f"{to:g}" if isinstance(to, float | int) else f"the {self.of(to)}"
            return f"{self.part(form.of)} at the {self.of(form.position.of)} nearest to {near}"
        return f"{self.part(form.of)} at {self.position(form.of, form.position)}"

    def reduced(self, form: grammar.Reduced) -> str:
        row = form.of
        if form.by in ("argmin", "argmax"):
            return f"{self.per(row)} of the {'lowest' if form.by == 'argmin' else 'highest'} {self.part(row)}"
        if is_condition(row):
            what = {"count": f"number of {plural(self.per(row))}", "mean": f"share of {plural(self.per(row))}"}
            if form.by in what:
                return f"{what[form.by]} of which {self.condition(row)}"
        if form.by == "count":
            many = plural(self.per(row))
            return f"number of {many}{self.ends(row)}" if isinstance(row, grammar.Window) else f"number of {many}"
        if isinstance(row, grammar.Several):
            articles = ["" if _bare(one) else "the " for one in row.of]
            parts = [f"{article}{self.part(one)}" for article, one in zip(articles, row.of, strict=True)]
            of = "" if form.by in ("mean", "median", "total") else " of"
            return f"{REDUCTIONS[form.by].removesuffix(' the')}{of} {', '.join(parts[:-1])} and {parts[-1]}"
        return f"{REDUCTIONS[form.by]} {self.part(row)}"

    def related(self, form: grammar.Related) -> str:
        row = self.part(form.of)
        over = self.per(form.of) if form.over is None else self.part(form.over)
        if form.by == "slope":
            return f"slope of the {row} over the {over}"
        return f"rank correlation of the {row} and the {over}"

    def kept(self, form: grammar.Kept) -> str:
        if isinstance(form.where, grammar.Applied) and form.where.to == form.of:
            return f"finite {self.part(form.of)}"
        return f"{self.part(form.of)} where {self.condition(form.where)}"

    def several(self, form: grammar.Several) -> str:
        return ", ".join(self.part(one) for one in form.of)


def plural(word: str) -> str:
    """Of "epoch", "layer", "batch size", "entry"."""
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("ch", "s", "x")) and not word.endswith("och") else f"{word}s"


def _bare(expression: Expression) -> bool:
    """Whether no article stands before it."""
    return (
        not isinstance(expression, grammar.Form)
        or isinstance(expression, grammar.Arithmetic)
        or is_condition(expression)
    )


_FORMS: dict[type[grammar.Form], Callable[[_Words, Any], str]] = {
    grammar.MetricOf: _Words.stored,
    grammar.CurveOf: _Words.stored,
    grammar.ColumnOf: _Words.stored,
    grammar.TextIs: lambda self, form: f"whether {self.condition(form)}",
    grammar.NumberOf: lambda self, form: self.name(form.name),
    grammar.SettingOf: lambda self, form: self.name(form.name),
    grammar.Several: _Words.several,
    grammar.Arithmetic: _Words.arithmetic,
    grammar.Compared: lambda self, form: f"whether {self.condition(form)}",
    grammar.Both: lambda self, form: f"whether {self.condition(form)}",
    grammar.Applied: lambda self, form: (
        f"whether {self.condition(form)}" if form.function == "is-finite" else self.applied(form)
    ),
    grammar.Window: _Words.window,
    grammar.At: _Words.at,
    grammar.Kept: _Words.kept,
    grammar.Nearest: lambda self, form: f"place of the {self.part(form.of)} nearest to the {self.part(form.to)}",
    grammar.Reduced: _Words.reduced,
    grammar.Related: _Words.related,
}  # fmt: skip


def clause(given: Expression, metrics: Iterable[Metric] = ()) -> str:
    """A premise as a clause: "the number of epochs after the drop is above 5"."""
    return _Words(by_name(metrics), named=len(arms_of(given)) > 1).condition(given)


def _unit(expression: Expression | None, metrics: Mapping[str, Metric]) -> str:
    match expression:
        case grammar.MetricOf() | grammar.CurveOf() | grammar.ColumnOf() | grammar.NumberOf() | grammar.SettingOf():
            return metrics[expression.name].unit if expression.name in metrics else ""
        case grammar.Several():
            units = {_unit(one, metrics) for one in expression.of}
            return units.pop() if len(units) == 1 else ""
        case grammar.Arithmetic():
            return _unit_of_arithmetic(expression, metrics)
        case grammar.Window() | grammar.At() | grammar.Kept():
            return _unit(expression.of, metrics)
        case grammar.Applied():
            return _unit(expression.to, metrics) if expression.function == "abs" else ""
        case grammar.Reduced():
            return _unit_of_reduced(expression, metrics)
        case grammar.Related():
            return "rank correlation" if expression.by == "rank-correlation" else ""
    return ""


def _unit_of_reduced(form: grammar.Reduced, metrics: Mapping[str, Metric]) -> str:
    if form.by in ("argmin", "argmax"):
        return _Words(metrics, named=False).per(form.of)
    if form.by in ("count", "distinct"):
        return ""
    return "share" if form.by == "mean" and is_condition(form.of) else _unit(form.of, metrics)


def _unit_of_arithmetic(form: grammar.Arithmetic, metrics: Mapping[str, Metric]) -> str:
    left, right = _unit(form.left, metrics), _unit(form.right, metrics)
    plain_left, plain_right = (not isinstance(one, grammar.Form) for one in (form.left, form.right))
    if form.sign in "+-":
        same = right if plain_left else left if plain_right or left == right else ""
        return "points" if same == "percent" and _is_difference(form) else same
    if form.sign == "*" and 100.0 in (form.left, form.right):
        inner = form.right if form.left == 100.0 else form.left
        return ("points" if _is_difference(inner) else "percent") if _unit(inner, metrics) == "fraction" else ""
    if form.sign == "/" and left == right and not (plain_left or plain_right):
        return "ratio"
    return ""


def _is_difference(expression: Expression) -> bool:
    """Whether it is by how much one value lies above another, or a number of a row of such: of percentages, points."""
    match expression:
        case grammar.Arithmetic("-", grammar.Form(), grammar.Form()):
            return True
        case grammar.Several():
            return all(map(_is_difference, expression.of))
        case grammar.Window() | grammar.At() | grammar.Kept() | grammar.Reduced():
            return _is_difference(expression.of)
        case grammar.Applied("abs"):
            return _is_difference(expression.to)
    return False
