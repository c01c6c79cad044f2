"""The files of a lake in an object store: S3, Google Cloud Storage, Azure, or what speaks as they do.

Credentials come from the environment or the machine, as the store's own tools take them (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``,
``GOOGLE_APPLICATION_CREDENTIALS``, ``AZURE_STORAGE_ACCOUNT_NAME``…), never from the URL.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import secrets
import time
import urllib.parse
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import obstore
import pyarrow as pa
import pyarrow.fs as pafs
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url

from algo_trade.errors import ParameterError, StorageError, StorageUnavailableError
from algo_trade.storage.lake.files import REQUESTS, Entry, at_once
from algo_trade.storage.lake.layout import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

TIMEOUT_S = 30
"""For one request; what fails is tried again for as long."""
RETRIES = 3
KEPT_S = 7 * 86_400
"""Copies that nobody has used for so long are deleted."""
_CLOUDS = ("AWS", "GOOGLE", "AZURE")
# What stores say where there is no such bucket; of a file that is gone they say it with the same code.
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")


class Objects:
    """A place in an object store.

    A write that fails halfway leaves nothing. What was replaced keeps its age by being written anew: the store knows no other way.

    Parameters
    ----------
    url : ``s3://bucket/prefix``, ``gs://``, ``az://``

    Raises
    ------
    ParameterError
        The URL names no bucket, or holds credentials or options.
    """

    is_remote = True

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        shown = f"{parts.scheme}://{parts.hostname or ''}"
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ParameterError(
                f"{shown}: credentials and options do not belong into the URL: set them in the environment"
            )
        if not parts.netloc:
            raise ParameterError(f"{shown}: names no bucket: {parts.scheme}://BUCKET/PREFIX")
        self.name = self.address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._bucket = parts.netloc
        # What the library would take from the environment by itself, if it had no other options.
        is_plain = any(os.environ.get(f"{cloud}_ALLOW_HTTP", "").lower() in {"1", "true"} for cloud in _CLOUDS)
        with self._answering():
            self._store: Any = from_url(
                self.name,
                client_options={
                    "allow_http": is_plain,
                    "timeout": f"{TIMEOUT_S}s",
                    "connect_timeout": f"{min(TIMEOUT_S, 5)}s",
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": dt.timedelta(seconds=TIMEOUT_S)},
            )
        self.filesystem: pafs.FileSystem = pafs.PyFileSystem(_Reader(self._opened, self._info))

    def local(self, paths: Sequence[str]) -> list[Path]:
        """Return copies on this machine, which are kept for a while: parts never change."""
        root = _cache() / hashlib.sha256(self.address.encode()).hexdigest()[:16]
        _drop_old(root)

        def fetched(path: str) -> Path:
            target = root / path
            with self._answering():
                size = obstore.head(self._store, path)["size"]
                if place_of(path) is not None and target.exists() and target.stat().st_size == size:
                    os.utime(target)
                    return target
                target.parent.mkdir(parents=True, exist_ok=True)
                unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
                try:
                    with unfinished.open("wb") as file:
                        for chunk in obstore.get(self._store, path):
                            file.write(chunk)
                    unfinished.rename(target)
                finally:
                    unfinished.unlink(missing_ok=True)
            return target

        return at_once(fetched, paths, REQUESTS)

    def list(self, folder: str = "") -> Iterator[Entry]:
        """Give all files below a folder."""
        now = time.time()
        with self._answering():
            for batch in obstore.list(self._store, prefix=folder or None):
                for each in batch:
                    name: str = each["path"]
                    if not any(piece.startswith(".") for piece in name.split("/")):
                        yield Entry(name, each["size"], now - each["last_modified"].timestamp())

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        with self._answering():
            return bytes(obstore.get(self._store, path).bytes())

    def write(self, path: str, content: bytes) -> None:
        """Write a new file whole."""
        try:
            with self._answering():
                obstore.put(self._store, path, content, mode="create", use_multipart=False)
        except FileExistsError:
            # It may be ours: of a request whose answer was lost, and that was sent again.
            with suppress(FileNotFoundError):
                if self.read(path) == content:
                    return
            raise

    def adopt(self, files: Mapping[str, Path]) -> None:
        """Take files of this machine over."""

        def put(item: tuple[str, Path]) -> None:
            path, file = item
            with self._answering():
                obstore.put(self._store, path, file)
            file.unlink()

        at_once(put, files.items(), REQUESTS)

    def touch(self, path: str) -> None:
        """Have the age of a file count from now; nothing happens if it is gone."""
        with suppress(FileNotFoundError), self._answering():
            obstore.put(self._store, path, obstore.get(self._store, path).bytes())

    def delete(self, path: str) -> None:
        """Delete a file; nothing happens if it is gone."""
        with suppress(FileNotFoundError), self._answering():
            obstore.delete(self._store, path)

    def _opened(self, path: str) -> pa.NativeFile:
        with self._answering():
            size: int = obstore.head(self._store, path)["size"]
        return pa.PythonFile(_Ranges(self._range, path, size), mode="r")

    def _range(self, path: str, start: int, length: int) -> bytes:
        with self._answering():
            return bytes(obstore.get_range(self._store, path, start=start, length=length))

    def _info(self, path: str) -> pafs.FileInfo:
        try:
            with self._answering():
                size = obstore.head(self._store, path)["size"]
        except FileNotFoundError:
            return pafs.FileInfo(path, pafs.FileType.NotFound)
        return pafs.FileInfo(path, pafs.FileType.File, size=size)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn what the library raises into our errors, without the request."""
        try:
            yield
        except AlreadyExistsError as error:
            raise FileExistsError(str(error).splitlines()[0]) from None
        except (PermissionDeniedError, UnauthenticatedError):
            raise StorageError(
                f"{self.name}: the store refuses: check the credentials of the environment, and their rights"
            ) from None
        except (FileNotFoundError, BaseError) as error:
            text = str(error)
            if any(word in text for word in _NO_BUCKET):
                raise StorageError(
                    f"{self.name}: there is no bucket {self._bucket}: make it, or check its name"
                ) from None
            if isinstance(error, FileNotFoundError):
                raise
            if "builder error" in text:
                raise StorageError(
                    f"{self.name}: no request can be made: check the endpoint of the environment; http:// needs AWS_ALLOW_HTTP=true"
                ) from None
            raise StorageUnavailableError(
                f"{self.name}: the store does not answer: {_reason(text)}: try again"
            ) from None


class _Ranges(io.RawIOBase):
    """A file of which only what is asked for is fetched."""

    def __init__(self, fetch: Callable[[str, int, int], bytes], path: str, size: int) -> None:
        self._fetch, self._path, self._size, self._at = fetch, path, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self._at, 0)
        length = left if size < 0 else min(size, left)
        found = self._fetch(self._path, self._at, length) if length else b""
        self._at += len(found)
        return found


class _Reader(pafs.FileSystemHandler):  # type: ignore[misc]
    """The store as readers of Parquet see it: they open files, and do nothing else."""

    def __init__(self, opened: Callable[[str], pa.NativeFile], info: Callable[[str], pafs.FileInfo]) -> None:
        self._opened, self._info = opened, info

    def get_type_name(self) -> str:
        return "objects"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[pafs.FileInfo]:
        return [self._info(path) for path in paths]

    def open_input_file(self, path: str) -> pa.NativeFile:
        return self._opened(path)

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return self._opened(path)

    def _no(self, *_arguments: object, **_options: object) -> NoReturn:
        raise NotImplementedError("files of a lake are read here, and nothing else")

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _no
    delete_file = move = copy_file = open_output_stream = open_append_stream = _no


def _reason(text: str) -> str:
    """Return why a request failed, without its address and the library's own words around it."""
    first = text.splitlines()[0] if text else ""
    return first.rpartition(" - ")[2].removeprefix("HTTP error: ")[:200] or "nothing is said"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "algo-trade" / "lake"


def _drop_old(root: Path) -> None:
    before = time.time() - KEPT_S
    for file in root.rglob("*") if root.exists() else ():
        with suppress(OSError):
            if file.is_file() and file.stat().st_mtime < before:
                file.unlink()
