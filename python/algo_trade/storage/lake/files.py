"""The files of a lake, where they are: a folder of this machine."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pyarrow.fs as pafs

if TYPE_CHECKING:
    from collections.abc import Iterator


class Entry(NamedTuple):
    """A file that was found: its path below the lake, its bytes, and how long ago it was written."""

    path: str
    size: int
    age_s: float


class Files(Protocol):
    """What a lake needs of the place where it lies. Paths are below it, with slashes."""

    @property
    def name(self) -> str:
        """What to call the lake in messages."""

    @property
    def filesystem(self) -> pafs.FileSystem:
        """The files, for readers of Parquet."""

    def list(self, folder: str = "") -> Iterator[Entry]:
        """Give all files below a folder, those that are being written left out; none if there is no such folder."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; ``FileNotFoundError`` if it is gone."""

    def write(self, path: str, content: bytes) -> None:
        """Write a new file whole: it is there with all of its bytes, durable, or not at all. ``FileExistsError`` if there is one."""

    def adopt(self, path: str, file: Path) -> None:
        """Take a file of this machine over, as :meth:`write` would write it."""

    def touch(self, path: str) -> None:
        """Have the age of a file count from now; nothing happens if it is gone."""

    def delete(self, path: str) -> None:
        """Delete a file; nothing happens if it is gone."""


class Folder:
    """A folder of this machine."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self.name = str(root)

    @property
    def filesystem(self) -> pafs.FileSystem:
        """The files, for readers of Parquet."""
        return pafs.SubTreeFileSystem(str(self.root.absolute()), pafs.LocalFileSystem())

    def list(self, folder: str = "") -> Iterator[Entry]:
        """Give all files below a folder, hidden ones left out."""
        now = time.time()
        top = self.root / folder
        for at, folders, names in os.walk(top):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            below = Path(at).relative_to(self.root).as_posix()
            for name in sorted(names):
                if name.startswith("."):
                    continue
                try:
                    found = Path(at, name).stat()
                except FileNotFoundError:
                    continue
                yield Entry(name if below == "." else f"{below}/{name}", found.st_size, now - found.st_mtime)

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        return (self.root / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Write a new file whole."""
        target = self._made(path)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # Unlike a rename this fails where there is one already.
            target.hardlink_to(temporary)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(target.parent)

    def adopt(self, path: str, file: Path) -> None:
        """Take a file of this machine over: it is moved if that goes."""
        target = self._made(path)
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        file.rename(target)
        _sync(target.parent)

    def touch(self, path: str) -> None:
        """Have the age of a file count from now; nothing happens if it is gone."""
        with suppress(FileNotFoundError):
            os.utime(self.root / path)

    def delete(self, path: str) -> None:
        """Delete a file. Its folder stays: somebody may be about to write there."""
        (self.root / path).unlink(missing_ok=True)

    def _made(self, path: str) -> Path:
        target = self.root / path
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            for folder in target.parents:
                _sync(folder)
                if folder == self.root.parent:
                    break
        return target


def _sync(folder: Path) -> None:
    """Make what a folder lists durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
