"""A claim's id means one value, premise and interval for ever, since papers cite it: what is mended gets a new id.

The lock keeps what a recipe no longer states as `retired`, with the reason: judged and citable, not counted.
"""

import msgspec

from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.base.slips import nearest_first
from keras_reprise.record.schema import Card, ClaimCard


def with_retired(before: Card, now: Card, file: str) -> Card:
    """The card of a recipe as it is now, with the retired claims of the one before.

    RecipeError when a claim is gone without being retired, is back, or is another under its old id.
    """
    stated = {claim.id: claim for claim in now.claims}
    kept = [claim for claim in before.claims if claim.retired is not None and claim.id not in stated]
    for claim in before.claims:
        found = stated.get(claim.id)
        if claim.retired is None and found is None:
            raise RecipeError(_gone(claim.id, before.slug, file))
        if claim.retired is not None and found is not None and found.retired is None:
            raise RecipeError(
                f"recipes/{file} states the claim {claim.id}, which is retired: {claim.retired}.\n"
                "Delete it from the file, or give what you claim another id."
            )
        if found is not None and claim.value is not None and _meaning(claim) != _meaning(found):
            raise RecipeError(
                f"recipes/{file} changed what the claim {claim.id} means: its value, premise or interval.\n"
                "An id means one thing for ever, since papers cite it. Give the mended claim an id of its own, and "
                f"retire this one: `reprise lock --retire {before.slug}/{claim.id} --why TEXT`; or undo the edit."
            )
    return msgspec.structs.replace(now, claims=[*now.claims, *kept])


def retired(card: Card, claim: str, why: str) -> Card:
    """The card with one claim retired; UserError where it has none of that id, or no reason is given."""
    ids = [one.id for one in card.claims]
    if claim not in ids:
        raise UserError(f"{card.slug} has no claim {claim!r}.\nIt has {', '.join(nearest_first(claim, ids))}.")
    if not why.strip():
        raise UserError(f"Why is the claim {claim} retired?\nGive a reason: --why TEXT.")
    claims = [msgspec.structs.replace(one, retired=why.strip()) if one.id == claim else one for one in card.claims]
    return msgspec.structs.replace(card, claims=claims)


def _meaning(claim: ClaimCard) -> tuple[object, ...]:
    return claim.value, claim.given, claim.interval


def _gone(claim: str, slug: str, file: str) -> str:
    return (
        f"recipes/{file} no longer states the claim {claim}, which may have been cited.\n"
        f"Bring it back, or retire it: `reprise lock --retire {slug}/{claim} --why TEXT`, then `reprise lock`."
    )
