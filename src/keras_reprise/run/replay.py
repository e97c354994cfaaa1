"""`reprise lock --replay`: the same seeds measured again, to show that changed code still gives a version's numbers.

It accepts a version's old measurement beside the new one only where every number of every record that was tried comes
out equal, bit for bit. Seconds never do, so recipes about seconds cannot be replayed.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.base.machine import machine_facts
from keras_reprise.catalog import read_lock
from keras_reprise.catalog.lockfile import AcceptedHash, LockEntry
from keras_reprise.recipe import locking
from keras_reprise.recipe.loading import load
from keras_reprise.record.schema import ArmData, Record
from keras_reprise.store.store import Store, document_id

NUMBERS = ("status", "metrics", "curves", "histograms", "trials")
SEEDS = 3  # that are measured again of every scale

Measure = Callable[[Path, Store, str, Sequence[int]], object]
"""Measures a recipe file into a store, at a scale, for these seeds."""


def replay(folder: Path, slug: str, version: int | None, store: Store, backend: str, measure: Measure) -> list[str]:
    """Measure stored seeds of a recipe again on `backend`, and lock what it measures now if the numbers are the same.

    Returns a line for each scale. RecipeError names the first number that differs, or a claim that is no longer what it
    was; the lock is then as before.
    """
    before = _entry(folder, slug, version)
    path = folder / before.path
    now = locking.entry_of(folder, load(path))
    _refuse_what_replays_nothing(before, now)
    now = locking.renewed(before, now)
    stored = _stored(store, before)
    measurements = {scale: dict(known) for scale, known in before.measurements.items() if scale in now.measurements}
    accepted, lines = list(before.accepted), []
    for scale, known in now.measurements.items():
        for name, sha256 in known.items():
            old = measurements.setdefault(scale, {}).get(name)
            records = stored.get((scale, name), [])
            if old == sha256 or (records and name != backend):
                continue
            measurements[scale][name] = sha256
            if records and old is not None:
                lines.append(_measured_again(path, scale, records[:SEEDS], measure))
                accepted.append(AcceptedHash(old, "measurement", "replay", scale))
    entry = msgspec.structs.replace(before, measurements=measurements, accepted=accepted)
    left = sorted(
        {
            name
            for scale, known in now.measurements.items()
            for name in known
            if known[name] != measurements[scale][name]
        }
    )
    if left:
        lines.append(
            f"There are records of {slug} on {', '.join(left)} too: run it again there, with --backend {left[0]}."
        )
    else:
        entry = msgspec.structs.replace(now, accepted=accepted)
    locking.write(folder, entry)
    return lines or [f"{slug} has no records that a change could touch; what it measures now is locked."]


def _refuse_what_replays_nothing(before: LockEntry, now: LockEntry) -> None:
    if now.version != before.version:
        raise UserError(
            f"{before.path} has version {now.version} now.\nA new version needs no replay: run `reprise lock`."
        )
    if now.card.timing:
        raise UserError(
            f"{now.slug} is about seconds, which never come out equal.\n"
            "A replay shows nothing. Give it a new version, or undo the change."
        )


def _entry(folder: Path, slug: str, version: int | None) -> LockEntry:
    found = [one for one in read_lock(folder).recipes if one.slug == slug and version in (None, one.version)]
    if not found:
        raise UserError(
            f"The lock has no recipe {slug!r}{f' version {version}' if version else ''}.\n"
            "`reprise list` shows those it has."
        )
    return max(found, key=lambda one: one.version)


def _stored(store: Store, entry: LockEntry) -> dict[tuple[str, str], list[Record]]:
    """By scale and backend the complete records that count for it, on the recipe's own data, one of each seed.

    Where there are some of this machine it is those, since another machine's bits differ without a change.
    """
    found: dict[tuple[str, str], dict[int, Record]] = {}
    here = document_id(machine_facts())
    ours: set[tuple[str, str]] = set()
    for summary in sorted(store.summaries()[0], key=lambda one: one.machine != here):
        recipe = summary.recipe
        substitute = summary.data is not None and summary.data.substitute
        if (recipe.slug, recipe.version) != (entry.slug, entry.version) or summary.status != "complete" or substitute:
            continue
        backend = store.document("environments", summary.environment)["backend"]["name"]
        key = recipe.scale, backend
        if entry.accepts(recipe.scale, backend, recipe.measurement, recipe.source_sha256):
            if summary.machine == here:
                ours.add(key)
            elif key in ours:
                continue
            record = store.read(store.root / summary.path)
            found.setdefault(key, {}).setdefault(record.replicate.seed, record)
    return {key: [records[seed] for seed in sorted(records)] for key, records in found.items()}


def _measured_again(path: Path, scale: str, records: Sequence[Record], measure: Measure) -> str:
    with tempfile.TemporaryDirectory(prefix="reprise-replay-") as folder:
        again = Store(Path(folder))
        seeds = [record.replicate.seed for record in records]
        measure(path, again, scale, seeds)
        found = {one.replicate.seed: again.read(again.root / one.path) for one in again.summaries()[0]}
    for record in records:
        seed = record.replicate.seed
        if seed not in found:
            raise RecipeError(f"Seed {seed} of {path.stem} at {scale} scale was not measured.\nNothing was accepted.")
        for arm, data in record.arms.items():
            differs = _difference(data, found[seed].arms.get(arm))
            if differs:
                raise RecipeError(
                    f"Seed {seed} of {path.stem} at {scale} scale gives other {differs} in arm {arm}"
                    f" than record {record.id[:12]}.\n"
                    "Nothing was accepted. On another machine or environment bits may differ without a change:"
                    " replay where the record was made, with as many --threads, or give the recipe a new version."
                )
    same = f"seeds {', '.join(map(str, seeds))} gave every number again"
    return f"{path.stem} at {scale} scale: {same}; the old measurement is accepted."


def _difference(stored: ArmData, again: ArmData | None) -> str | None:
    if again is None:
        return "arms"
    encode = msgspec.json.encode
    return next((name for name in NUMBERS if encode(getattr(stored, name)) != encode(getattr(again, name))), None)
