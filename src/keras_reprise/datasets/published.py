"""Data sets that are files of a publisher: found on this machine, verified, fetched, unpacked.

A file is opened only after its md5 equals the publisher's.
"""

import contextlib
import hashlib
import os
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from keras_reprise.base.errors import DataError
from keras_reprise.base.files import write_atomically
from keras_reprise.datasets.interface import Arrays, Provider


@dataclass(frozen=True, kw_only=True)
class PublishedFiles(Provider):
    """A data set that is a folder of files, which its publisher offers as one archive with that folder in it.

    `title` is what people call it; `md5` the publisher's sum of each file, by name; `archive` the archive's address,
    `archive_md5` its sum, and `download` its size in words. `files_in_words` counts the files. No file that is longer
    than `longest_file` bytes is unpacked. `stand_in` is the substitute that runs its recipes where it cannot be had.
    """

    title: str
    folder: str
    md5: Mapping[str, str]
    files_in_words: str
    archive: str
    archive_md5: str
    download: str
    stand_in: str
    longest_file: int

    @abstractmethod
    def read_files(self, folder: Path) -> Arrays:
        """All examples and labels of verified files."""

    def read(self, data_dir: Path | None = None) -> Arrays:
        return self.read_files(self.find(data_dir))

    def state(self, data_dir: Path | None = None) -> tuple[str, str]:
        try:
            return "verified", str(self.find(data_dir))
        except DataError as error:
            return "not usable", str(error).split("\n")[0]

    @property
    def fetching(self) -> str:
        """The command that fetches it."""
        return f"reprise data fetch {self.name}"

    @property
    def cache(self) -> Path:
        """The folder of the files in the Keras cache, where fetched ones are put."""
        return _keras_cache() / self.folder

    def places(self, data_dir: Path | None = None) -> list[Path]:
        """The folders in which the files are looked for, in order."""
        given = data_dir or (Path(os.environ["REPRISE_DATA"]) if os.environ.get("REPRISE_DATA") else None)
        by_keras = _keras_cache() / f"{self.folder}-target" / self.folder
        return [*([given / self.folder] if given else []), self.cache, by_keras]

    def find(self, data_dir: Path | None = None) -> Path:
        """The folder with the official files, each verified; DataError says what is missing or wrong and where.

        A damaged folder hides no good one after it: what `fetch` brings is found.
        """
        places = self.places(data_dir)
        wrong: DataError | None = None
        for place in places:
            if place.is_dir():
                try:
                    self.verify(place)
                except DataError as error:
                    wrong = wrong or error
                else:
                    return place
        if wrong is not None:
            raise wrong
        looked = "\n".join(f"  {place}" for place in places)
        raise DataError(
            f"{self.title} is not on this machine. Looked for:\n{looked}\n"
            f"Fetch it ({self.download}) with `{self.fetching}`, "
            "or set REPRISE_DATA (or --data-dir) to a folder that holds\n"
            f"{self.folder}/. Offline, `--data {self.stand_in}` runs the recipe on a marked substitute, and\n"
            "`reprise list --no-data` names the recipes that need no data."
        )

    def verify(self, folder: Path) -> None:
        """Compare the md5 of all files with the publisher's; DataError names the first that differs."""
        for name, official in self.md5.items():
            path = folder / name
            if not path.is_file():
                raise DataError(
                    f"{path} is missing.\n{self.title} has {self.files_in_words}; fetch it anew with `{self.fetching}`."
                )
            found = _md5(path, path.stat().st_mtime_ns, path.stat().st_size)
            if found != official:
                raise DataError(
                    f"{path} is not the official {self.title} file.\n"
                    f"Its md5 is {found}, the publisher's is {official} ({path.stat().st_size:,} bytes read).\n"
                    f"It was not opened. Delete it and fetch it anew with `{self.fetching}`."
                )

    def fetch(self) -> Path:
        """Download the files into the Keras cache, verified and unpacked; returns their folder."""
        import pooch
        import requests

        try:
            archive = pooch.retrieve(
                self.archive,
                known_hash=f"md5:{self.archive_md5}",
                fname=self.archive.rpartition("/")[2],
                path=self.cache.parent,
                downloader=pooch.HTTPDownloader(progressbar=True, timeout=30),
            )
        except (requests.RequestException, ValueError, OSError) as error:
            raise DataError(
                f"{self.title} could not be fetched from {self.archive}: {type(error).__name__}.\n"
                "Bring the file by other means, unpack it, and set REPRISE_DATA to the folder that holds it.\n"
                f"Meanwhile `--data {self.stand_in}` runs a recipe on a marked substitute."
            ) from error
        self.unpack(Path(archive), self.cache)
        self.verify(self.cache)
        return self.cache

    def unpack(self, archive: Path, folder: Path) -> None:
        """Write the files of an archive to `folder`, and nothing else; DataError when it is not such an archive.

        Links and devices are no files, and a file that is longer than the official ones is not unpacked. What is not
        in the archive is missed by `verify`.
        """
        import lzma
        import tarfile
        import zlib

        try:
            with tarfile.open(archive) as tar:
                for name in self.md5:
                    with contextlib.suppress(KeyError):
                        member = tar.getmember(f"{self.folder}/{name}")
                        file = tar.extractfile(member) if member.isreg() and member.size <= self.longest_file else None
                        if file is not None:
                            write_atomically(folder / name, file.read(self.longest_file))
        except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, lzma.LZMAError, OverflowError) as error:
            raise DataError(
                f"{archive} is not the archive of {self.title}: {type(error).__name__}.\n"
                f"Delete it, and fetch it anew with `{self.fetching}`."
            ) from error


def _keras_cache() -> Path:
    """As Keras has it: in the temporary folder for a user without a home."""
    home = os.path.expanduser("~")
    default = os.path.join(home if os.path.isabs(home) else "/tmp", ".keras")
    return Path(os.environ.get("KERAS_HOME", default)) / "datasets"


@lru_cache(maxsize=32)
def _md5(path: Path, _modified_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
