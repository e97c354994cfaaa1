"""Keeping recipes.lock: what `reprise lock` does, and what tells that a recipe's numbers are no longer those of its version."""

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.base.files import write_atomically
from keras_reprise.catalog import read_lock, sources
from keras_reprise.catalog.lock import LOCK, SCHEMA, Lock, LockEntry
from keras_reprise.recipe import measurement, numerics
from keras_reprise.recipe.loading import LoadedRecipe, load
from keras_reprise.record.schema import Card, pretty


@dataclass(frozen=True)
class Change:
    """One recipe file that differs from the lock.

    `new` and `gone` are files; `words`: nothing that decides a number changed; `code`: something did, in the file, in what it
    uses of the package, or in the engine's `NUMERICS`, so that `reprise lock` has to look at it.
    """

    path: str
    kind: str
    slug: str


@dataclass(frozen=True)
class _Moved:
    """A recipe whose measurement is no longer that of its version."""

    before: LockEntry
    name: str
    edited: bool
    modules: tuple[str, ...]


def recipe_files(folder: Path) -> list[Path]:
    """Every recipe file below `folder`, superseded versions included."""
    return sorted(path for path in folder.rglob("*.py") if not path.name.startswith("_"))


def changes(folder: Path) -> list[Change]:
    """How the recipe files differ from the lock, without running any of them."""
    known = {entry.path: entry for entry in _lock(folder).recipes}
    found = []
    for path in recipe_files(folder):
        name = path.relative_to(folder).as_posix()
        entry = known.pop(name, None)
        if entry is None:
            found.append(Change(name, "new", path.stem))
        elif not _measures_as_locked(path, entry):
            found.append(Change(name, "code", entry.slug))
        elif hashlib.sha256(path.read_bytes()).hexdigest() != entry.sha256:
            found.append(Change(name, "words", entry.slug))
    return found + [Change(name, "gone", entry.slug) for name, entry in known.items()]


def describe(changes: Sequence[Change]) -> list[str]:
    """A line for each change, and what to do."""
    words = {
        "new": "is not in the lock: run `reprise lock`",
        "gone": "is in the lock and not there: run `reprise lock`, or bring the file back",
        "words": "changed in what decides no number: run `reprise lock`",
        "code": "or what it uses of the package changed in what may decide its numbers: run `reprise lock`, which says whether it needs a new version",
    }
    return [f"recipes/{change.path} {words[change.kind]}" for change in changes]


def relock(folder: Path) -> list[Change]:
    """Bring the lock up to date; RecipeError when a recipe would measure something else than its version does."""
    lock = _lock(folder)
    known = {entry.path: entry for entry in lock.recipes}
    found = changes(folder)
    touched = {change.path for change in found}
    entries, moved = [], []
    for path in recipe_files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in touched:
            entries.append(known[name])
            continue
        loaded = load(path)
        entry = entry_of(folder, loaded)
        before = lock.version(entry.slug, entry.version)
        if before is not None:
            if before.measurements != entry.measurements:
                moved.append(_Moved(before, name, before.sha256 != entry.sha256, loaded.code.modules))
            entry = msgspec.structs.replace(entry, accepted=before.accepted)
        entries.append(entry)
    if moved:
        raise RecipeError(_unversioned(moved))
    _refuse_twins(entries)
    write(folder, entries)
    return found


def write(folder: Path, entries: Sequence[LockEntry]) -> None:
    """Write the lock of these recipes."""
    ordered = sorted(entries, key=lambda entry: (entry.slug, -entry.version))
    write_atomically(folder / LOCK, pretty(msgspec.to_builtins(Lock(SCHEMA, ordered))))
    read_lock.cache_clear()
    sources.forget()


def supersede(folder: Path, slug: str) -> Path:
    """Move the committed version of a recipe to superseded/<slug>-v<N>.py; returns the file. Needs git."""
    entry = next(
        (
            entry
            for entry in read_lock(folder).recipes
            if entry.slug == slug and not entry.path.startswith("superseded/")
        ),
        None,
    )
    if entry is None:
        raise UserError(f"The lock has no current recipe {slug!r}.\n`reprise list` shows those it has.")
    try:
        done = subprocess.run(["git", "show", f"HEAD:./{entry.path}"], cwd=folder, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"git does not have {entry.path} at HEAD, so its old version cannot be kept.\nCommit the recipe before changing it."
        ) from error
    if hashlib.sha256(done.stdout).hexdigest() != entry.sha256:
        raise UserError(
            f"{entry.path} at HEAD is not the version {entry.version} that the lock knows.\nCheck out the commit in which both agree."
        )
    target = folder / "superseded" / f"{slug}-v{entry.version}.py"
    target.parent.mkdir(exist_ok=True)
    write_atomically(target, done.stdout)
    return target


def _lock(folder: Path) -> Lock:
    return read_lock(folder) if (folder / LOCK).exists() else Lock(SCHEMA, [])


def _measures_as_locked(path: Path, entry: LockEntry) -> bool:
    """Whether the source alone shows that a recipe still measures what its entry says: then its settings are the same too."""
    source = path.read_bytes()
    for made_settings in (False, True):
        try:
            code = measurement.read_code(path, source, made_settings=made_settings)
        except (SyntaxError, ValueError, RecursionError):
            return False
        now = {
            scale: {backend: measurement.measurement(code, settings, backend) for backend in numerics.NUMERICS}
            for scale, settings in entry.settings.items()
        }
        if code.source == entry.code_sha256 and now == entry.measurements:
            return True
    return False


def entry_of(folder: Path, loaded: LoadedRecipe) -> LockEntry:
    """What the lock says of a recipe that is new to it."""
    return LockEntry(
        slug=loaded.recipe.slug,
        version=loaded.recipe.version,
        path=loaded.path.relative_to(folder).as_posix(),
        title=loaded.title,
        sources=[f"{source.key} {source.where}" for source in loaded.recipe.sources],
        sha256=loaded.source_sha256,
        code_sha256=loaded.code.source,
        card=msgspec.convert(loaded.card, Card),
        settings=loaded.settings,
        measurements=loaded.measurements_everywhere(),
        summary=loaded.summary,
    )


def _unversioned(moved: Sequence[_Moved]) -> str:
    first = moved[0].before
    names = ", ".join(one.before.slug for one in moved)
    versions = f"their versions are still {', '.join(str(one.before.version) for one in moved)}"
    said = f"its version is still {first.version}" if len(moved) == 1 else versions
    if any(one.edited for one in moved):
        what = f"recipes/{moved[0].name} changed" if len(moved) == 1 else f"{names} changed"
        undo = "undo the edit"
    else:
        used = sorted({name for one in moved for name in one.modules})
        what = f"What {names} use{'s' if len(moved) == 1 else ''} of the package changed ({', '.join([*used, 'NUMERICS'])})"
        undo = f"undo that change, or show with `reprise lock --replay {first.slug}` that the numbers are the same"
    return (
        f"{what} in what decides numbers, but {said}.\n"
        "Results stored under a version would stop being comparable.\n"
        f"Set version={first.version + 1}, keep the old file with `reprise lock --supersede {first.slug}`, then run `reprise lock`; or {undo}."
    )


def _refuse_twins(entries: list[LockEntry]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for entry in entries:
        other = seen.setdefault((entry.slug, entry.version), entry.path)
        if other != entry.path:
            raise RecipeError(
                f"{other} and {entry.path} are both {entry.slug} version {entry.version}.\nRename one, or raise its version."
            )
