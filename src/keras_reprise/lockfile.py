"""Keeping recipes.lock: what `reprise lock` does, and what tells that a recipe changed without a new version."""

import hashlib
import io
import subprocess
import tokenize
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keras_reprise.catalog import LOCK, LoadedRecipe, Lock, LockEntry, load, read_lock
from keras_reprise.errors import RecipeError, UserError
from keras_reprise.files import write_atomically
from keras_reprise.record import Card, pretty


@dataclass(frozen=True)
class Change:
    """One recipe file that differs from the lock: `new`, `cosmetic`, `version` (a new one), `unversioned` or `gone`."""

    path: str
    kind: str
    slug: str


def code_sha256(source: str) -> str:
    """sha256 of a recipe's source without comments, blank lines and the file's opening docstring.

    What it leaves out cannot change a result: two sources with the same hash measure the same.
    """
    lines = source.splitlines()
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    meaningful = [
        t for t in tokens if t.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING)
    ]
    if meaningful and meaningful[0].type == tokenize.STRING:
        for row in range(meaningful[0].start[0], meaningful[0].end[0] + 1):
            lines[row - 1] = ""
    text = "\n".join(line.rstrip() for line in lines if line.strip())
    return hashlib.sha256(text.encode()).hexdigest()


def recipe_files(folder: Path) -> list[Path]:
    """Every recipe file below `folder`, superseded versions included."""
    return sorted(path for path in folder.rglob("*.py") if not path.name.startswith("_"))


def changes(folder: Path) -> list[Change]:
    """How the recipe files differ from the lock, without running any of them."""
    lock = read_lock(folder) if (folder / LOCK).exists() else Lock(1, [])
    known = {entry.path: entry for entry in lock.recipes}
    found = []
    for path in recipe_files(folder):
        name = path.relative_to(folder).as_posix()
        entry = known.pop(name, None)
        content = path.read_bytes()
        if entry is None:
            found.append(Change(name, "new", path.stem))
        elif hashlib.sha256(content).hexdigest() != entry.sha256:
            cosmetic = code_sha256(content.decode()) == entry.code_sha256
            found.append(Change(name, "cosmetic" if cosmetic else "changed", entry.slug))
    return found + [Change(name, "gone", entry.slug) for name, entry in known.items()]


def relock(folder: Path, *, cosmetic: bool = False) -> list[Change]:
    """Bring the lock up to date; RecipeError when a recipe changed and its version did not.

    A change of comments or of the opening docstring alone is accepted with `cosmetic`.
    """
    lock = read_lock(folder) if (folder / LOCK).exists() else Lock(1, [])
    known = {entry.path: entry for entry in lock.recipes}
    found = changes(folder)
    touched = {change.path: change for change in found}
    entries = []
    for path in recipe_files(folder):
        name = path.relative_to(folder).as_posix()
        change = touched.get(name)
        if change is None:
            entries.append(known[name])
            continue
        loaded = load(path)
        before = known.get(name)
        if (
            before is not None
            and loaded.recipe.version == before.version
            and not (change.kind == "cosmetic" and cosmetic)
        ):
            raise RecipeError(_unversioned(name, before, change.kind))
        entries.append(_entry(folder, loaded))
    _refuse_twins(entries)
    entries.sort(key=lambda entry: (entry.slug, -entry.version))
    write_atomically(folder / LOCK, pretty(msgspec.to_builtins(Lock(1, entries))))
    read_lock.cache_clear()
    return found


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


def _entry(folder: Path, loaded: LoadedRecipe) -> LockEntry:
    source = loaded.path.read_bytes()
    return LockEntry(
        slug=loaded.recipe.slug,
        version=loaded.recipe.version,
        path=loaded.path.relative_to(folder).as_posix(),
        title=loaded.title,
        sources=[f"{source.key} {source.where}" for source in loaded.recipe.sources],
        sha256=loaded.source_sha256,
        code_sha256=code_sha256(source.decode()),
        card=msgspec.convert(loaded.card, Card),
    )


def _unversioned(name: str, before: LockEntry, kind: str) -> str:
    if kind == "cosmetic":
        return (
            f"recipes/{name} changed in comments or its docstring only; its version is still {before.version}.\n"
            "Results stay comparable. Accept it with `reprise lock --cosmetic`."
        )
    return (
        f"recipes/{name} changed but its version is still {before.version}.\n"
        f"Results stored under version {before.version} would stop being comparable.\n"
        f"Set version={before.version + 1}, keep the old file with `reprise lock --supersede {before.slug}`, then run `reprise lock`; or undo the edit."
    )


def _refuse_twins(entries: list[LockEntry]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for entry in entries:
        other = seen.setdefault((entry.slug, entry.version), entry.path)
        if other != entry.path:
            raise RecipeError(
                f"{other} and {entry.path} are both {entry.slug} version {entry.version}.\nRename one, or raise its version."
            )
