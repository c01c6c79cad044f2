"""The journals of all bots, and who waits until what was written is safe."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from algo_trade._native import JournalStore
from algo_trade.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algo_trade._native import JournalWriter


class Journals:
    """A store of journals on the event loop: ``safe`` calls back once everything written so far would survive a crash.

    Parameters
    ----------
    folder : where they are
    failed : called once when the disk fails; nothing is safe from then on
    took : told how many seconds something took to be safe

    Raises
    ------
    JournalError
        Another process has the folder, or the disk fails.
    """

    def __init__(
        self, folder: Path, failed: Callable[[str], None], took: Callable[[float], None] = lambda _: None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = _lock(folder)
        self._store = JournalStore(folder)
        self._failed = failed
        self._took = took
        self._waiting: deque[tuple[int, float, Callable[[], None]]] = deque()
        self._has_failed = False

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._store.fileno(), self._moved)
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.get_running_loop().remove_reader(self._store.fileno())
        try:
            self._store.close()
        except JournalError:
            raise JournalError(self.failure) from None
        finally:
            os.close(self._lock)

    @property
    def failure(self) -> str | None:
        """What is wrong with the disk, if something is, and what to do about it."""
        why = self._store.failure
        return why and (
            f"{self._folder}: {why}: nothing is written and no order leaves any more; make room or mend the disk, then start the runner "
            "again"
        )

    def path(self, name: str) -> Path:
        """Return where a journal is, or would be."""
        return self._folder / f"{name}.journal"

    def create(self, name: str, header: str) -> JournalWriter:
        """Begin a journal.

        Raises
        ------
        JournalError
            There is one of that name, or the disk fails.
        """
        try:
            return self._store.create(name, header)
        except JournalError as error:
            raise self.reason(error) from None

    def resume(self, name: str) -> JournalWriter:
        """Go on with a journal, after its last whole record.

        Raises
        ------
        JournalError
            There is none, or it is none.
        """
        try:
            return self._store.resume(name)
        except JournalError as error:
            raise self.reason(error) from None

    def reason(self, error: Exception) -> Exception:
        """Return why nothing is written any more, for an error that is a consequence of it; else the error."""
        failure = self.failure
        return error if failure is None or not isinstance(error, JournalError) else JournalError(failure)

    def safe(self, then: Callable[[], None]) -> None:
        """Call back once all that was written so far is safe. It never does after the disk has failed."""
        try:
            self._waiting.append((self._store.commit(), time.perf_counter(), then))
        except JournalError as error:
            self._fail(str(self.reason(error)))

    def _moved(self) -> None:
        durable = self._store.drain()
        while self._waiting and self._waiting[0][0] <= durable:
            _, since_s, then = self._waiting.popleft()
            self._took(time.perf_counter() - since_s)
            then()
        if (failure := self.failure) is not None:
            self._fail(failure)

    def _fail(self, text: str) -> None:
        self._waiting.clear()
        if not self._has_failed:
            self._has_failed = True
            self._failed(text)


def _lock(folder: Path) -> int:
    """Keep the folder for this process, for as long as the descriptor is open."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 100).decode("ascii", "replace").strip() or "another process"
        os.close(descriptor)
        raise JournalError(
            f"{folder}: {holder} writes its journals there: end that runner first, or give this one a storage.state_dir of its own"
        ) from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()}\n".encode(), 0)
    return descriptor
