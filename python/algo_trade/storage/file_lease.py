"""Leases of the embedded store: a locked file for each, beside the database.

The lock is the kernel's, so it goes with the process that has it, however that ends. Who acquires a lease puts a new file, which it has
locked already, in the place of the old one: so the old holder of a lease that was taken over by force finds a file that is not its own,
and there is no moment at which a third could come in between.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import socket
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from algo_trade.errors import StorageError, StorageUnavailableError
from algo_trade.storage.lease import Holder, Lease, is_held_elsewhere

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

# How soon a holder that asks nothing hears that it is one no more.
_WATCH_S = 0.5
_TURN_S = 0.01


class FileLease(Lease):
    """A locked file, as long as it is the one in its place."""

    def __init__(self, path: Path, epoch: int, descriptor: int) -> None:
        super().__init__(path.stem, epoch)
        self._path = path
        self._descriptor = descriptor
        self._identity = _identity(os.fstat(descriptor))

    def lose(self, because: str) -> None:
        """Take it as lost, and let the file go."""
        super().lose(because)
        self._let_go()

    def _fault(self) -> str | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 -- half the time of Path.stat, before every order
        except OSError as error:
            return f"{self._path}: {error.strerror}"
        if _identity(found) == self._identity:
            return None
        return f"was taken over by {_read(self._path) or 'another process'}"

    async def _give_back(self) -> None:
        self._let_go()

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            # A process that is just being made from this one may have a copy of the descriptor.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.forget()

    def forget(self) -> None:
        """Close the file, which unlocks it unless another process has it open from before."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class FileLeases:
    """The leases of one process.

    Parameters
    ----------
    folder : where the files are; made if it is not there
    next_epoch : gives the next epoch of a name, above the one it is told
    timeout_s : how long others may take to acquire one
    """

    def __init__(self, folder: Path, next_epoch: Callable[[str, int], Awaitable[int]], *, timeout_s: float) -> None:
        self._folder = folder
        self._next_epoch = next_epoch
        self._timeout_s = timeout_s
        self._given: list[FileLease] = []
        self._own_turn = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        # A process forked off would keep the locks of one that was killed.
        os.register_at_fork(after_in_child=partial(_forget_all, ref(self)))

    async def acquire(self, name: str, owner: str, *, takeover: bool) -> Lease:
        """Return a lease; see :meth:`DatabaseClient.acquire_lease`."""
        path = self._folder / f"{name}.lease"
        # Bots of one process that begin together wait for each other as long as it takes: only strangers may be stuck.
        async with self._own_turn, self._turn():
            holder = _read(path)
            if not takeover and not _is_free(path):
                raise is_held_elsewhere(name, holder)
            # Above the file's too: a database that was restored from a backup knows less than the file.
            epoch = await self._next_epoch(name, holder.epoch if holder else 0)
            holder = Holder(owner, socket.gethostname(), os.getpid(), epoch, datetime.now(UTC))
            # A disk may take its time, and the loop has others to serve.
            put = asyncio.create_task(asyncio.to_thread(self._put, path, holder))
            try:
                lease = await asyncio.shield(put)
            except asyncio.CancelledError:
                (await put).lose("nobody waits for it any more")
                raise
        self._given = [each for each in self._given if each.is_held()]
        self._given.append(lease)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._watch_all())
        return lease

    async def close(self) -> None:
        """Give all of them back."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
            self._watch = None
        for lease in self._given:
            await lease.release()
        self._given.clear()

    def forget(self) -> None:
        """Close the files of all, in a process to which they do not belong."""
        for lease in self._given:
            lease.forget()

    async def _watch_all(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            for lease in self._given:
                lease.is_held()

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None, None]:
        """Keep every other process from acquiring any lease of this store meanwhile."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError(f"{self._folder}: leases cannot be kept there: {error.strerror}") from error
        try:
            try:
                async with asyncio.timeout(self._timeout_s):
                    while not _lock(folder):
                        await asyncio.sleep(_TURN_S)
            except TimeoutError:
                raise StorageUnavailableError(
                    f"{self._folder}: another process has been acquiring a lease for {self._timeout_s:g} s"
                ) from None
            yield
        finally:
            os.close(folder)

    def _put(self, path: Path, holder: Holder) -> FileLease:
        """Put a locked file in its place, whole and on the disk."""
        new = path.with_suffix(".new")
        descriptor = -1
        try:
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            # No one else has it: it was made just now, and it is our turn.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write(descriptor, _text(holder))
            new.replace(path)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            return FileLease(path, holder.epoch, descriptor)
        except BaseException as error:
            if descriptor >= 0:
                os.close(descriptor)
            if isinstance(error, OSError):
                raise StorageError(
                    f"{path}: cannot be written: {error.strerror}: the lease was not acquired"
                ) from error
            raise


def _forget_all(leases: ref[FileLeases]) -> None:
    ours = leases()
    if ours is not None:
        ours.forget()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise StorageError(f"{path}: cannot be opened: {error.strerror}") from error
    try:
        return _lock(descriptor)
    finally:
        os.close(descriptor)


def _text(holder: Holder) -> bytes:
    return json.dumps(
        {
            "owner": holder.owner,
            "host": holder.host,
            "pid": holder.pid,
            "epoch": holder.epoch,
            "since": holder.since.isoformat(timespec="seconds"),
        }
    ).encode()


def _write(descriptor: int, text: bytes) -> None:
    """Write all of it, on the disk."""
    if os.write(descriptor, text) < len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


def _read(path: Path) -> Holder | None:
    """Return what a file says of its holder, None if it says nothing that can be read. The lock decides, not this."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.read_bytes())
        since = datetime.fromisoformat(str(found["since"]))
        return Holder(str(found["owner"]), str(found["host"]), int(found["pid"]), int(found["epoch"]), since)
    return None
