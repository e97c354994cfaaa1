"""The files of a store's folder: what is read is a plain file inside it, what is written stays inside it, and what is
remembered is this user's own. No link is followed, no pipe or device opened.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from keras_reprise.base import seals
from keras_reprise.base.errors import IntegrityError, StoreError, printable
from keras_reprise.base.files import TEMPORARY, read_plain, write_atomically
from keras_reprise.record.schema import MAX_RECORD_BYTES

T = TypeVar("T")

CACHE = ".cache"
MOST_KEPT = 2**32  # bytes of a file in the cache


class Folder:
    """A store's folder, which may have come from anywhere."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: set[Path] = set()  # that are known to be folders, not links

    def require_folder(self) -> None:
        """StoreError when something else is in its place."""
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(
                f"{self.root} is a file, not a results store.\n"
                "Give --store a folder; it is made when it does not exist."
            )

    @property
    def cache(self) -> Path:
        """Where commands keep what can be made again, each file sealed by the user whose command it was.

        What anybody else put there is not looked at.
        """
        return self.root / CACHE

    def name(self, path: Path) -> str:
        """A file of the store in messages."""
        return printable(path.relative_to(self.root).as_posix())

    def walk(self, top: str = "records") -> Iterator[tuple[str, os.stat_result | None]]:
        """Name and state of every file under `top`; links are named but never followed.

        A folder that cannot be listed is named too, and has no state: whoever reads it as a file hears why.
        """
        folders = [top]
        if self.link_to(self.root / top / "a file"):
            return  # `check` says so
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self.root / folder) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except FileNotFoundError:
                continue
            except OSError:
                yield folder, None
                continue
            folders += [f"{folder}/{e.name}" for e in reversed(found) if e.is_dir(follow_symlinks=False)]
            for entry in found:
                if not entry.is_dir(follow_symlinks=False) and not entry.name.startswith(TEMPORARY):
                    with contextlib.suppress(FileNotFoundError):
                        yield f"{folder}/{entry.name}", _status(entry)

    def link_to(self, path: Path) -> Path | None:
        """The first folder below the store's on the way to a file that is a link, or something else than a folder."""
        if path.parent in self._folders:
            return None
        for folder in reversed([one for one in path.parents if self.root in one.parents]):
            if folder not in self._folders:
                with contextlib.suppress(FileNotFoundError):
                    if not stat.S_ISDIR(folder.lstat().st_mode):
                        return folder
                    self._folders.add(folder)
        return None

    def require_own(self, path: Path) -> None:
        """StoreError when a folder of the store on the way to `path` is a link: nothing is written out of the store."""
        if link := self.link_to(path):
            raise StoreError(
                f"{self.name(link)} in the store {self.root} is a link; what is written there would leave the store.\n"
                "Replace it by a folder."
            )

    def read_bytes(self, path: Path) -> bytes:
        """The content of a plain file of the store; IntegrityError when it cannot be read, or lies elsewhere."""
        if link := self.link_to(path):
            raise IntegrityError(f"{self.name(link)} is a link, not a folder of the store.\nReplace it by the folder.")
        try:
            return read_plain(path, MAX_RECORD_BYTES)
        except OSError as error:
            raise IntegrityError(
                f"{self.name(path)} cannot be read: {error.strerror}.\nRestore it from git, or delete it."
            ) from error

    def write_once(self, path: Path, content: bytes) -> None:
        """Have the file at `path`, below the store's root, hold `content`; one that does is left as it is."""
        self.require_own(path)
        if not _holds(path, content):
            write_atomically(path, content)

    def remembered(self, name: str, kind: type[T]) -> T | None:
        """What `remember` kept under `name` in the cache; None when it is missing or of another form."""
        path = self.cache / f"{name}.msgpack"
        with contextlib.suppress(OSError, ValueError, RecursionError):
            if self.link_to(path) is None and (content := seals.opened(read_plain(path, MOST_KEPT), name)) is not None:
                return msgspec.msgpack.decode(content, type=kind)
        return None

    def remember(self, name: str, value: object) -> None:
        """Keep `value` in the cache, for speed alone; a read-only store is read without."""
        with contextlib.suppress(OSError, StoreError):
            self.make_cache()
            write_atomically(self.cache / f"{name}.msgpack", seals.seal(msgspec.msgpack.encode(value), name))

    def cached(self, *names: str) -> Path:
        """A folder below the cache, there or not; StoreError where a link on the way to it leads out of the store.

        Every folder of the cache is had by this before it is made, and before anything in it is written or removed.
        """
        folder = self.cache.joinpath(*names)
        self.require_own(folder / "a file")
        return folder

    def make_cache(self) -> None:
        """Have a cache folder that git ignores; StoreError where a link is in its place."""
        self.cached()
        self.cache.mkdir(parents=True, exist_ok=True)
        if not (ignore := self.cache / ".gitignore").exists():
            write_atomically(ignore, b"*\n")


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The state of a file, None where that cannot be known; FileNotFoundError when it is gone."""
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        return None


def _holds(path: Path, content: bytes) -> bool:
    with contextlib.suppress(OSError):
        return read_plain(path, len(content)) == content
    return False
