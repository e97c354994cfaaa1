"""Identifiers: `reprise:slug@version/id12`, where id12 starts the hash of a group of records, or of one record.

Because a group's hash is that of its record ids in the order they were finished, the hash of an earlier state is found
again after records have joined that were finished later, and not when some were finished before its last one.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keras_reprise.base.errors import UserError
from keras_reprise.base.git import git
from keras_reprise.catalog import sources as sources_of
from keras_reprise.judge.comparable import as_finished, together
from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import of_group
from keras_reprise.store.store import Store, Summary

PATTERN = re.compile(
    r"reprise:(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)@(?P<version>\d{1,19})"
    r"/(?P<id>[0-9a-f]{12,64})(?:#(?P<name>[\w.+/-]*\w))?"
)


@dataclass(frozen=True)
class Found:
    """What an identifier names: a group as it is now, as it was once (`current` is what it became), or a record.

    `pooled` are the sources of a group of which several had been taken for one: they are told apart now.
    """

    group: Group
    current: Group
    record: Summary | None = None
    pooled: tuple[str, ...] = ()

    @property
    def outdated(self) -> bool:
        return self.record is None and self.group.digest != self.current.digest


def find(text: str, groups: Sequence[Group], store: Store) -> Found:
    """The group or record that `reprise:slug@version/id12`, or the start of a record's or group's id, names.

    UserError when there is none, or more than one.
    """
    match = PATTERN.fullmatch(text)
    start = match["id"] if match else text
    if not match and not re.fullmatch(r"[0-9a-f]{6,64}", text):
        raise UserError(
            f"{text!r} is no identifier.\n"
            "Write reprise:slug@version/id12 as `reprise cite` prints it, or the start of a record's id."
        )
    if match:
        groups = [g for g in groups if (g.slug, g.version) == (match["slug"], int(match["version"]))]
    found: dict[str, Found] = {}
    for group in groups:
        if group.digest.startswith(start):
            found.setdefault(group.digest, Found(group, group))
        for summary in group.members:
            if summary.id.startswith(start):
                found.setdefault(summary.id, Found(group, group, summary))
    for group in groups if not found else ():
        past = _as_it_was(group, start, store)
        if past is not None:
            found.setdefault(past.digest, Found(past, group))
    if not found:
        found = {one.group.digest: one for one in _as_pooled(groups, start, store)}
    if len(found) > 1:
        raise UserError(
            f"{text} is the start of {len(found)} ids: {', '.join(key[:16] for key in found)}.\nWrite more of it."
        )
    if not found:
        raise UserError(
            f"{text} is not in this store, nor are its records as they were cited.\n"
            "A record of it was edited or is missing (`reprise check`), it was measured elsewhere, or a merge brought "
            "records that were finished before its last one."
        )
    return next(iter(found.values()))


def _as_it_was(group: Group, start: str, store: Store) -> Group | None:
    """The group when its hash began with `start`, before later records joined it; None if it never did."""
    ordered = as_finished(group.members)
    running = hashlib.sha256()
    for n, summary in enumerate(ordered[:-1], start=1):
        running.update(summary.id.encode())
        if running.hexdigest().startswith(start):
            earlier = ordered[:n]
            return replace(group, members=tuple(earlier), verdicts=tuple(of_group(earlier, store)))
    return None


def _as_pooled(groups: Sequence[Group], start: str, store: Store) -> Iterator[Found]:
    """What was cited when records of several sources under one name counted as one group."""
    for mine in together(groups, lambda group: (group.slug, group.version, group.key_without_source)).values():
        if len(mine) > 1:
            whole = replace(mine[0], members=tuple(summary for group in mine for summary in group.members))
            past = whole if whole.digest.startswith(start) else _as_it_was(whole, start, store)
            if past is not None:
                judged = replace(past, verdicts=tuple(of_group(past.members, store)))
                sources = sorted({sources_of.label(s.recipe) or "the package's own" for s in past.members})
                yield Found(judged, max(mine, key=lambda group: group.rank), pooled=tuple(sources))


def swhid(store: Store, paths: Sequence[str]) -> str | None:
    """The SWHID of the git tree that holds these files of the store as they are; None when git does not have them so.

    Source: SWHID specification 1.2, "Directories": the hash is that of the git tree.
    """
    if not paths:
        return None
    root = store.root.resolve()
    files = [str(root / path) for path in paths]
    listed = git(root, "ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD")
    top = git(root, "rev-parse", "--show-toplevel")
    if listed is None or top is None or git(root, "status", "--porcelain", "--", "records") is None:
        return None
    held = set(listed.split("\0"))
    if any(Path(file).relative_to(top.strip()).as_posix() not in held for file in files):
        return None
    if git(root, "diff", "--quiet", "HEAD", "--", "records", "cards", "machines", "environments") is None:
        return None
    tree = git(root, "rev-parse", "HEAD^{tree}")
    return f"swh:1:dir:{tree.strip()}" if tree and len(tree.strip()) == 40 else None
