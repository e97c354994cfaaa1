"""Keeping the lock files: what `reprise lock` does, and what tells that numbers are no longer a version's."""

import hashlib
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.base.files import write_atomically
from keras_reprise.catalog import lockfile, sources
from keras_reprise.catalog.lockfile import LockEntry
from keras_reprise.recipe import measurement, numerics, retiring
from keras_reprise.recipe.loading import LoadedRecipe, load
from keras_reprise.record.schema import Card

WHAT_TO_DO = {
    "new": "is not locked: run `reprise lock`",
    "gone": "is locked and not there: run `reprise lock`, or bring the file back",
    "words": "changed in what decides no number: run `reprise lock`",
    "code": "or what it uses of the package changed in what may decide its numbers: run `reprise lock`, which says"
    " whether it needs a new version",
    "twin": "is a version that another file is too: rename one, or raise its version, then run `reprise lock`",
}


@dataclass(frozen=True)
class Unlocked:
    """One recipe file that is not as it is locked.

    `new` is a file without a lock, `gone` a lock without its file; `words`: nothing that decides a number changed;
    `code`: something did, in the file, in what it uses of the package, or in the engine's `NUMERICS`, so that
    `reprise lock` has to look at it; `twin`: two branches that were merged both brought this version.
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


def recipe_files(folder: Path) -> dict[str, Path]:
    """Every recipe file below `folder`, superseded versions included, by its path there."""
    files = sorted(path for path in folder.rglob("*.py") if not path.name.startswith((".", "_")))
    return {path.relative_to(folder).as_posix(): path for path in files}


def unlocked(folder: Path) -> list[Unlocked]:
    """Which recipe files are not as they are locked, without running any of them."""
    known = {entry.path: entry for entry in lockfile.read(folder).recipes}
    found = []
    as_locked: list[LockEntry] = []
    for name, path in recipe_files(folder).items():
        entry = known.pop(name, None)
        if entry is None:
            found.append(Unlocked(name, "new", path.stem))
        elif not _measures_as_locked(path, entry):
            found.append(Unlocked(name, "code", entry.slug))
        elif hashlib.sha256(path.read_bytes()).hexdigest() != entry.sha256:
            found.append(Unlocked(name, "words", entry.slug))
        else:
            as_locked.append(entry)
    found += [Unlocked(name, "gone", entry.slug) for name, entry in known.items()]
    return found + [Unlocked(later.path, "twin", later.slug) for _, later in _twins(as_locked)]


def describe(found: Sequence[Unlocked]) -> list[str]:
    """A line for each file that is not as it is locked, and what to do."""
    return [f"recipes/{one.path} {WHAT_TO_DO[one.kind]}" for one in found]


def relock(folder: Path) -> list[Unlocked]:
    """Bring the lock files up to date; RecipeError when a recipe would measure something else than its version does,
    or when a claim that may have been cited is no longer what it was."""
    lock = lockfile.read(folder)
    found = unlocked(folder)
    touched = {one.path for one in found}
    changed, moved = [], []
    for name, path in recipe_files(folder).items():
        loaded = load(path)
        entry = entry_of(folder, loaded)
        before = lock.version(entry.slug, entry.version)
        if before is not None:
            if before.measurements != entry.measurements:
                moved.append(_Moved(before, name, before.sha256 != entry.sha256, loaded.code.modules))
            entry = renewed(before, entry)
        if name not in touched and entry != before:  # the package makes other words of the same claims
            found.append(Unlocked(name, "words", entry.slug))
            touched.add(name)
        if name in touched:
            changed.append(entry)
    if moved:
        raise RecipeError(_unversioned(moved))
    for one, other in _twins([entry for entry in lock.recipes if entry.path not in touched] + changed):
        raise RecipeError(
            f"{one.path} and {other.path} are both {one.slug} version {one.version}.\nRename one, or raise its version."
        )
    for entry in changed:
        write(folder, entry)
    for name in [one.path for one in found if one.kind == "gone"]:
        lockfile.place(folder, name).unlink()  # last: it holds what was accepted of a file that was moved
    sources.forget()
    return found


def write(folder: Path, entry: LockEntry) -> None:
    """Write the lock file of one recipe."""
    write_atomically(lockfile.place(folder, entry.path), entry.content())
    sources.forget()


def supersede(folder: Path, slug: str, why: str = "") -> Path:
    """Move the committed version of a recipe to superseded/<slug>-v<N>.py; returns the file. Needs git.

    `why` there is a later one goes to the lock of the old one, whose page tells it.
    """
    current = (one for one in lockfile.read(folder).recipes if one.slug == slug and not one.superseded)
    entry = next(current, None)
    if entry is None:
        raise UserError(f"The lock has no current recipe {slug!r}.\n`reprise list` shows those it has.")
    try:
        done = subprocess.run(["git", "show", f"HEAD:./{entry.path}"], cwd=folder, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"git does not have {entry.path} at HEAD, so its old version cannot be kept.\n"
            "Commit the recipe before changing it."
        ) from error
    if hashlib.sha256(done.stdout).hexdigest() != entry.sha256:
        raise UserError(
            f"{entry.path} at HEAD is not the version {entry.version} that the lock knows.\n"
            "Check out the commit in which both agree."
        )
    target = folder / lockfile.SUPERSEDED / f"{slug}-v{entry.version}.py"
    target.parent.mkdir(exist_ok=True)
    write_atomically(target, done.stdout)
    if why:
        write(folder, msgspec.structs.replace(entry, replaced=why))  # `reprise lock` takes it along
    return target


def retire(folder: Path, slug: str, claim: str, why: str) -> LockEntry:
    """Have a claim of a recipe's current version judged and citable but no longer counted; UserError where it is not
    there."""
    entry = next((one for one in lockfile.read(folder).recipes if one.slug == slug and not one.superseded), None)
    if entry is None:
        raise UserError(f"The lock has no current recipe {slug!r}.\n`reprise list` shows those it has.")
    entry = msgspec.structs.replace(entry, card=retiring.retired(entry.card, claim, why))
    write(folder, entry)
    return entry


def entry_of(folder: Path, loaded: LoadedRecipe) -> LockEntry:
    """What is pinned of a recipe that is new."""
    return LockEntry(
        schema=lockfile.SCHEMA,
        path=loaded.path.relative_to(folder).as_posix(),
        card=msgspec.convert(loaded.card, Card),
        sha256=loaded.source_sha256,
        code_sha256=loaded.code.source,
        settings=loaded.settings,
        measurements=loaded.measurements_everywhere(),
        summary=loaded.summary,
        accepted=[],
    )


def renewed(before: LockEntry, now: LockEntry) -> LockEntry:
    """What is pinned of a recipe now, with what the lock keeps of it beside the file: retired claims, accepted hashes
    and why it was replaced. RecipeError when a claim that may have been cited is no longer what it was."""
    card = retiring.with_retired(before.card, now.card, now.path)
    kept = {"accepted": before.accepted, "unchanged": _unchanged(before, now), "replaced": before.replaced}
    return msgspec.structs.replace(now, card=card, **kept)


def _unchanged(before: LockEntry, now: LockEntry) -> list[str]:
    """The numbers that older records hold as claims: as long as `summarise` computes what it did."""
    return before.unchanged if before.summary == now.summary else []


def _measures_as_locked(path: Path, entry: LockEntry) -> bool:
    """Whether the source alone shows that a recipe measures what is locked: then its settings are the same too."""
    try:
        code = measurement.read_code(path, path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return False
    now = {
        scale: {backend: measurement.measurement(code, settings, backend) for backend in numerics.NUMERICS}
        for scale, settings in entry.settings.items()
    }
    return code.source == entry.code_sha256 and now == entry.measurements


def _unversioned(moved: Sequence[_Moved]) -> str:
    first = moved[0].before
    names = ", ".join(one.before.slug for one in moved)
    versions = f"their versions are still {', '.join(str(one.before.version) for one in moved)}"
    said = f"its version is still {first.version}" if len(moved) == 1 else versions
    if any(one.edited for one in moved):
        what = f"recipes/{moved[0].name} changed" if len(moved) == 1 else f"{names} changed"
        undo = "undo the edit"
    else:
        used = ", ".join([*sorted({name for one in moved for name in one.modules}), "NUMERICS"])
        what = f"What {names} use{'s' if len(moved) == 1 else ''} of the package changed ({used})"
        undo = f"undo that change, or show with `reprise lock --replay {first.slug}` that the numbers are the same"
    return (
        f"{what} in what decides numbers, but {said}.\n"
        "Results stored under a version would stop being comparable.\n"
        f"Set version={first.version + 1}, keep the old file with `reprise lock --supersede {first.slug} --why TEXT`,"
        f" then run `reprise lock`; or {undo}."
    )


def _twins(entries: Iterable[LockEntry]) -> list[tuple[LockEntry, LockEntry]]:
    """Entries of one version of one recipe that stand for two files."""
    seen: dict[tuple[str, int], LockEntry] = {}
    return [(first, one) for one in entries if (first := seen.setdefault((one.slug, one.version), one)) is not one]
