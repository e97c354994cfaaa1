"""What this user's own commands kept, told from what came with a store: each file carries a mark that needs his key.

A cache is for speed; it is never evidence. The key lies in the user's own cache folder, never in a store. Without one
nothing that was kept is taken for his.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from functools import cache
from pathlib import Path

from keras_reprise.base.files import own_cache

KEY_BYTES = 32
MARK_BYTES = 32


def seal(content: bytes, *about: str) -> bytes:
    """`content` with the mark that this user kept it for what `about` says."""
    return _mark(content, about) + content


def opened(sealed: bytes, *about: str) -> bytes | None:
    """The content that `seal` was given, or None where this user did not seal it for `about`."""
    mark, content = sealed[:MARK_BYTES], sealed[MARK_BYTES:]
    return content if _key() is not None and hmac.compare_digest(mark, _mark(content, about)) else None


def _mark(content: bytes, about: tuple[str, ...]) -> bytes:
    digest = hashlib.blake2b("\0".join(about).encode(errors="surrogateescape"), key=_key() or secrets.token_bytes(32))
    return hashlib.blake2b(content, key=digest.digest(), digest_size=MARK_BYTES).digest()


@cache
def _key() -> bytes | None:
    """The user's key, made at the first use; None where nothing can be kept."""
    folder = own_cache()
    with contextlib.suppress(OSError):
        if folder is None:
            return None
        path = folder / "key"
        if not path.exists():
            _make(path)
        content = path.read_bytes()
        return content if len(content) == KEY_BYTES else None
    return None


def _make(path: Path) -> None:
    """Write a new key; where another process was first, its key stands."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        os.write(handle, secrets.token_bytes(KEY_BYTES))
        os.fsync(handle)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(temporary, path)
    finally:
        os.close(handle)
        Path(temporary).unlink(missing_ok=True)
