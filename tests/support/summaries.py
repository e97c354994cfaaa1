"""Records as the store lists them, made for tests of what judges them."""

from keras_reprise.record.schema import Code, RecipeRef, ReplicateRef
from keras_reprise.store.store import Summary


def summary(seed, claims, status="complete", repeat=0, data=None, machine="m" * 12):
    recipe = RecipeRef("plain", 1, "quick", "0" * 64, "0" * 64)
    return Summary(
        f"{seed}",
        "0" * 64,
        recipe,
        ReplicateRef(seed, repeat),
        data,
        claims,
        machine,
        "e" * 12,
        status,
        "2026-01-01T00:00:00Z",
        f"2026-01-01T00:00:{seed:02d}Z",
        1.0,
        Code("0.1.0", None, None, None),
    )
