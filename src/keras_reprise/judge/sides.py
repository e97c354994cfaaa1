"""What `reprise compare A B` may name: a machine, environment, backend, version of Keras or a recipe, commit, store."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from keras_reprise.base import checkout
from keras_reprise.base.errors import UserError
from keras_reprise.base.git import git
from keras_reprise.judge.compare import Side
from keras_reprise.judge.groups import gather
from keras_reprise.record.facts import EnvironmentFacts
from keras_reprise.store.store import Store, Summary

Read = Callable[[Path | None], tuple[list[Summary], Store]]  # a store's records that count; None: the default one
KINDS = ("machine", "environment", "backend", "keras", "recipe", "commit", "store")


@dataclass(frozen=True)
class _Choice:
    """One reading of a name, and which records it means."""

    kind: str
    name: str
    means: Callable[[Summary], bool]


def side(name: str, read: Read, project: Callable[[], tuple[list[Summary], Store]]) -> Side:
    """The side that `name` means: `kind:value`, or a value that only one kind has. `read` opens a store, the
    default one only for a name that is looked for in it; `project` opens the project's own results.

    UserError when nothing or more than one thing is meant.
    """
    kind, colon, value = name.partition(":")
    if not colon or kind not in KINDS:
        kind, value = "", name
    if value == "reference" and kind in ("", "store"):
        known, ours = project()
        return Side("reference", tuple(gather(known, ours)), ours)
    if kind == "store" or (not kind and (Path(value) / "records").is_dir()):
        if not (Path(value) / "records").is_dir():
            raise UserError(f"{value} is no results store.\nGive the folder that holds records/.")
        found, other = read(Path(value))
        return Side(f"store {value}", tuple(gather(found, other)), other)
    summaries, store = read(None)
    choices = [choice for choice in _choices(value, store, summaries) if kind in ("", choice.kind)]
    if not choices:
        raise UserError(_nothing(name, store, summaries))
    if len(choices) > 1:
        readings = ", ".join(f"{choice.kind}:{choice.name}" for choice in choices)
        raise UserError(f"{name} could be {readings}.\nWrite the one that is meant.")
    chosen = choices[0]
    return Side(f"{chosen.kind} {chosen.name}", tuple(gather((s for s in summaries if chosen.means(s)), store)), store)


def _choices(value: str, store: Store, summaries: list[Summary]) -> list[_Choice]:
    found = []
    if re.fullmatch(r"[0-9a-f]{4,12}", value):
        for machine in sorted({s.machine for s in summaries if s.machine.startswith(value)}):
            found.append(_Choice("machine", machine, _having("machine", {machine})))
        for env in sorted({s.environment for s in summaries if s.environment.startswith(value)}):
            found.append(_Choice("environment", env, _having("environment", {env})))
    backends, versions = _software(store, summaries)
    for kind, known in (("backend", backends), ("keras", versions)):
        if value in known:
            found.append(_Choice(kind, value, _having("environment", known[value])))
    recipe = re.fullmatch(r"([a-z0-9-]+)@(\d+)", value)
    if recipe and any(s.recipe.slug == recipe[1] for s in summaries):
        key = (recipe[1], int(recipe[2]))
        found.append(_Choice("recipe", value, lambda s: (s.recipe.slug, s.recipe.version) == key))
    return found or _revision(value, store, summaries)


def _having(field: str, values: Collection[str]) -> Callable[[Summary], bool]:
    return lambda summary: getattr(summary, field) in values


def _software(store: Store, summaries: list[Summary]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The environments of each backend and of each Keras version."""
    backends: dict[str, set[str]] = {}
    versions: dict[str, set[str]] = {}
    for id12 in {s.environment for s in summaries}:
        facts = EnvironmentFacts.of(store.document("environments", id12))
        backends.setdefault(str(facts.backend), set()).add(id12)
        versions.setdefault(str(facts.keras), set()).add(id12)
    return backends, versions


def _revision(value: str, store: Store, summaries: list[Summary]) -> list[_Choice]:
    """Records measured by the code of a git revision; where there are none, those that the store held at it."""
    known = {s.code.git_commit for s in summaries if s.code.git_commit}
    commits = {commit for commit in known if len(value) >= 7 and commit.startswith(value)}
    top = checkout.of_current_folder() or checkout.of_package()
    resolved = git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{value}^{{commit}}")
    commits |= {resolved.strip()} if resolved else set()
    if not commits:
        return []
    if any(s.code.git_commit in commits for s in summaries):
        return [_Choice("commit", value, lambda s: s.code.git_commit in commits)]
    try:
        folder = store.root.resolve().relative_to(top or Path()).as_posix()
    except ValueError:
        return []
    listed = git(top, "ls-tree", "-r", "-z", "--name-only", next(iter(commits)), "--", f"{folder}/records")  # fmt: skip
    held = {name.removeprefix(f"{folder}/") for name in (listed or "").split("\0")}
    return [_Choice("commit", f"{value} (what the store held)", lambda s: s.path in held)] if len(held) > 1 else []


def _nothing(name: str, store: Store, summaries: list[Summary]) -> str:
    backends, versions = _software(store, summaries)
    have = {
        "machines": sorted({s.machine[:8] for s in summaries}),
        "environments": sorted({s.environment[:8] for s in summaries}),
        "backends": sorted(backends),
        "Keras versions": sorted(versions),
    }
    known = "; ".join(f"{kind} {', '.join(names[:8])}" for kind, names in have.items())
    return (
        f"{name} is no machine, environment, backend, Keras version, recipe version, git revision or store here.\n"
        f"The store has {known or 'nothing'}."
    )
