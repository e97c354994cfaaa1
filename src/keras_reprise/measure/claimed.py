"""The numbers of claims when a record is made: their expressions, evaluated as whoever judges the record will do."""

import math
from collections.abc import Callable, Mapping, Sequence

from keras_reprise.base.slips import nearest_first
from keras_reprise.measure.evaluation import Arms, NotMeasured, NotThere
from keras_reprise.recipe.claims import Claim
from keras_reprise.recipe.numbers import ArmResult
from keras_reprise.record.expressions import grammar
from keras_reprise.record.expressions.checking import forms
from keras_reprise.record.expressions.evaluating import Stored, statistic


def claimed(
    claims: Sequence[Claim], stored: Stored, arms: Mapping[str, ArmResult], say: Callable[[str], None]
) -> dict[str, float]:
    """The number of every claim (nan: none, or its premise does not hold).

    Says of which one reads what is not there, where that is a slip and not an arm that was not measured.
    """
    found = {}
    seen = Arms(arms)
    for claim in claims:
        value = math.nan if claim.value is None else statistic(claim.value, claim.given, stored)
        found[claim.id] = math.nan if value is None else value
        wanting = claim.value is not None and value is not None and not math.isfinite(value)
        if wanting and (fault := _fault(claim, stored, seen)):
            say(f"the claim {claim.id} could not be evaluated: {fault}")
    return found


def _fault(claim: Claim, stored: Stored, arms: Arms) -> str:
    """Why a claim has no number; nothing where an arm that did not complete may be the reason."""
    read = [form for expression in (claim.value, claim.given) for form in forms(expression)]
    for form in read:
        try:
            if fault := _missing(form, stored, arms):
                return fault
        except NotMeasured:
            return ""
        except NotThere as error:
            return str(error)
    whole = all(arms[arm].status == "complete" for form in read if (arm := getattr(form, "arm", None)))
    return "its value is no finite number" if whole else ""


def _missing(form: grammar.Form, stored: Stored, arms: Arms) -> str:
    """What a form reads that is not there; NotThere where that is a name which its arm has not."""
    if isinstance(form, grammar.MetricOf):
        arms[form.arm].metrics[form.name]
    if isinstance(form, grammar.CurveOf):
        arms[form.arm].curves[form.name]
    if isinstance(form, grammar.NumberOf) and form.name not in stored.numbers:
        known = ", ".join(nearest_first(form.name, stored.numbers)) or "none"
        return f"summarise gave no number {form.name!r}; it gave {known}"
    if isinstance(form, grammar.ColumnOf | grammar.TextIs):
        trials = arms[form.arm].trials
        entries = sorted({name for trial in trials for name in trial})
        if trials and form.name not in entries:
            known = ", ".join(nearest_first(form.name, entries))
            return f"no trial of the arm {form.arm!r} has {form.name!r}; they have {known}"
    return ""
