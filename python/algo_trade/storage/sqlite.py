"""The embedded store: one file of SQLite, in a thread of its own.

A statement is one visit to that thread and a transaction of its own, so nothing comes in between, and a caller that is cancelled
leaves it done or not done.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from algo_trade.errors import StorageError, StorageUnavailableError
from algo_trade.storage.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from algo_trade.storage.schema import Migration

T = TypeVar("T")

_NOT_OPEN = "{}: the store is not open: use `async with DatabaseClient(…)`"


class SqliteStore:
    """One file, which several processes may have open.

    Parameters
    ----------
    path : absolute; made if it is not there, with its folder
    timeout_s : how long a statement may take, and wait for another process
    migrations : of this dialect
    """

    def __init__(self, path: Path, *, timeout_s: float, migrations: Sequence[Migration]) -> None:
        self._file = SqliteFile(path, timeout_s=timeout_s, migrations=migrations)
        self.path = path
        self.where = self._file.where
        self._timeout_s = timeout_s
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Check the file, and bring it up to date.

        Raises
        ------
        StorageError
            It is damaged, newer than this program, or cannot be written.
        """
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="state-store")
        try:
            # Not bounded: a large file takes its time to be checked, and waiting for others is bounded within.
            await asyncio.get_running_loop().run_in_executor(self._thread, self._file.open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let statements under way finish, and close the file."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        closed = asyncio.get_running_loop().run_in_executor(thread, self._file.close)
        thread.shutdown(wait=False)
        # A disk that hangs hangs its thread, but not us.
        try:
            async with asyncio.timeout(self._timeout_s):
                await closed
        except TimeoutError:
            raise StorageUnavailableError(
                f"{self.where}: the disk did not answer within {self._timeout_s:g} s"
            ) from None

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement, as a transaction of its own, and return its rows."""
        bound = {str(number): _written(value) for number, value in enumerate(values, 1)}
        return await self._visit(lambda: self._file.run(statement, bound))

    async def backup(self, path: Path) -> None:
        """Write a copy of the store as it is now, while it is in use: whole and checked, or not at all."""
        if self._thread is None:
            raise StorageError(_NOT_OPEN.format(self.where))
        await asyncio.to_thread(self._file.backup, path.expanduser().resolve())

    async def _visit(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise StorageError(_NOT_OPEN.format(self.where))
        visit = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            # A little longer than SQLite waits for others, whose answer says more.
            async with asyncio.timeout(self._timeout_s * 1.2):
                return await visit
        except TimeoutError:
            raise StorageUnavailableError(
                f"{self.where}: the disk did not answer within {self._timeout_s:g} s; a write may have been done"
            ) from None


def _written(value: object) -> object:
    """Return a value as this dialect keeps it: times as text, all of one length, so that they sort."""
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
