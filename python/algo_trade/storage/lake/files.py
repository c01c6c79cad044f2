"""The files of a lake, where they are: a folder of this machine."""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import pyarrow.fs as pafs

from algo_trade.errors import ConfigError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")
R = TypeVar("R")

OBJECT_STORES = ("s3", "gs", "az", "abfss")
REQUESTS = 8
"""Of a store, at once."""
THREADS = min(8, os.cpu_count() or 1)


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
    def is_remote(self) -> bool:
        """Whether reading takes requests, which should be few and large."""

    @property
    def address(self) -> str:
        """What opens the lake from anywhere: a path from the root, or a URL."""

    @property
    def filesystem(self) -> pafs.FileSystem:
        """The files, for readers of Parquet."""

    def local(self, paths: Sequence[str]) -> list[Path]:
        """Return files of this machine with the bytes of these; ``FileNotFoundError`` if one is gone."""

    def list(self, folder: str = "") -> Iterator[Entry]:
        """Give all files below a folder, those that are being written left out; none if there is no such folder."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; ``FileNotFoundError`` if it is gone."""

    def write(self, path: str, content: bytes) -> None:
        """Write a new file whole: it is there with all of its bytes, durable, or not at all. ``FileExistsError`` if there is one."""

    def adopt(self, files: Mapping[str, Path]) -> None:
        """Take files of this machine over, by their new paths; all are durable when this returns."""

    def touch(self, path: str) -> None:
        """Have the age of a file count from now; nothing happens if it is gone."""

    def delete(self, path: str) -> None:
        """Delete a file; nothing happens if it is gone."""


class Folder:
    """A folder of this machine."""

    is_remote = False

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self.name = str(root)
        self.address = str(self.root.absolute())

    @property
    def filesystem(self) -> pafs.FileSystem:
        """The files, for readers of Parquet."""
        return pafs.SubTreeFileSystem(str(self.root.absolute()), pafs.LocalFileSystem())

    def local(self, paths: Sequence[str]) -> list[Path]:
        """Return the files themselves."""
        found = [self.root / path for path in paths]
        for path in found:
            path.stat()
        return found

    def list(self, folder: str = "") -> Iterator[Entry]:
        """Give all files below a folder, hidden ones left out."""
        now = time.time()
        top = self.root / folder
        for at, folders, names in os.walk(top, onerror=_not_there):
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
        target = self.root / path
        self._make({target.parent})
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

    def adopt(self, files: Mapping[str, Path]) -> None:
        """Take files of this machine over: they are moved if that goes."""
        at_once(_sync, files.values())
        targets = {self.root / path: file for path, file in files.items()}
        self._make({target.parent for target in targets})
        for target, file in targets.items():
            file.rename(target)
        at_once(_sync, {target.parent for target in targets})

    def touch(self, path: str) -> None:
        """Have the age of a file count from now; nothing happens if it is gone."""
        with suppress(FileNotFoundError):
            os.utime(self.root / path)

    def delete(self, path: str) -> None:
        """Delete a file. Its folder stays: somebody may be about to write there."""
        (self.root / path).unlink(missing_ok=True)

    def _make(self, folders: Collection[Path]) -> None:
        """Make folders, durably."""
        told: set[Path] = set()  # the folders above, which list new ones
        for folder in folders:
            if not folder.is_dir():
                above = folder.parents[: len(folder.parents) - len(self.root.parent.parents)]
                told.update(each for each in above if each not in told)
                folder.mkdir(parents=True, exist_ok=True)
        at_once(_sync, told)


def _not_there(error: OSError) -> None:
    """Pass over folders that are gone, and over no others: a lake that cannot be read is not an empty one."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


def files_of(path: str | os.PathLike[str]) -> Files:
    """Return the files of a folder, or of a place in an object store.

    Raises
    ------
    ParameterError
        The path is a file; a URL of another kind, or with credentials in it.
    ConfigError
        The library for object stores is not installed.
    """
    scheme, is_url, _ = os.fspath(path).partition("://")
    if is_url:
        if scheme not in OBJECT_STORES:
            raise ParameterError(
                f"{scheme}://: is no lake: give a folder, or {', '.join(f'{s}://' for s in OBJECT_STORES)}"
            )
        try:
            from algo_trade.storage.lake.objects import Objects  # noqa: PLC0415 -- an extra, and no folder waits for it
        except ModuleNotFoundError as error:
            raise ConfigError(f"{scheme}:// needs {error.name}: pip install 'algo-trade[storage]'") from None
        return Objects(os.fspath(path))
    root = Path(path)
    if root.exists() and not root.is_dir():
        raise ParameterError(f"{path}: is no folder: a lake is one")
    return Folder(root)


def at_once(work: Callable[[T], R], items: Iterable[T], threads: int = THREADS) -> list[R]:
    """Do something with each item, several at a time, and return what came of each, in order; the first error is raised."""
    items = list(items)
    if min(threads, len(items)) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(threads, len(items))) as pool:
        return list(pool.map(work, items))


def ahead(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Give what comes of each item, in order, while so many of the next ones are worked on."""
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _sync(path: Path) -> None:
    """Make the bytes of a file, or what a folder lists, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
