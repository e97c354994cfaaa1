"""What claims name must be there: arms, settings of the scales, a function that gives their numbers."""

from collections.abc import Sequence
from numbers import Real

from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe.checks import require_names
from keras_reprise.recipe.claims import Claim
from keras_reprise.recipe.settings import Arm, Scale
from keras_reprise.record.expressions import grammar
from keras_reprise.record.expressions.checking import arms_of, forms


def require_claims(
    slug: str, claims: Sequence[Claim], arms: Sequence[Arm], scales: Sequence[Scale], *, summarises: bool
) -> None:
    """RecipeError when a claim names what the recipe has not, or when none of them is its rule."""
    for claim in claims:
        for expression in (claim.value, claim.given):
            if expression is None:
                continue
            asked = sorted(arms_of(expression))
            require_names(f"The claim {claim.id!r}", "arm", asked, [arm.name for arm in arms])
            for form in forms(expression):
                if isinstance(form, grammar.SettingOf):
                    _require_setting(claim.id, form, scales)
                if isinstance(form, grammar.NumberOf) and not summarises:
                    raise RecipeError(
                        f"The claim {claim.id!r} reads the number {form.name!r}, and {slug} has no summarise.\n"
                        "Give Recipe(summarise=...), a function (arms, scale) that returns it by that name."
                    )
    data = [claim for claim in claims if claim.statistic is None and not claim.retired]
    if data and len(data) == sum(not claim.retired for claim in claims) and not any(c.role == "rule" for c in data):
        raise RecipeError(
            f"{slug} has no claim with the role rule, so that it could have no verdict.\n"
            'Say role="rule" of the one or two that state what the document teaches.'
        )


def _require_setting(claim: str, setting: grammar.SettingOf, scales: Sequence[Scale]) -> None:
    name, having = setting.name, [scale for scale in scales if setting.name in scale.settings]
    for scale in scales if setting.default is None or not having else having:
        require_names(f"The claim {claim!r}", f"setting of the scale {scale.name}", [name], list(scale.settings))
        if not isinstance(scale.settings[name], Real):
            raise RecipeError(
                f"The claim {claim!r} reads the setting {name!r}, which is no number in the scale {scale.name}: "
                f"{scale.settings[name]!r}.\nA claim reads settings that are numbers."
            )
