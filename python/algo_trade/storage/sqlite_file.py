"""A file of SQLite as everything here keeps one: checked when it is opened, brought up to date, durable, and told in our own errors.

Nothing may open the file but SQLite: closing it would take SQLite's locks away.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from algo_trade._native import __version__
from algo_trade.errors import StorageError, StorageUnavailableError
from algo_trade.storage.schema import APPLIED, FOUND, VERSION_TABLE, Migration, next_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# STRICT tables; RETURNING is older.
_OLDEST = (3, 37, 0)
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REMEDY = "restore a backup, or save what can be read with `sqlite3 FILE .recover`"


class SqliteFile:
    """One file, which several processes may have open. One thread at a time may call.

    Parameters
    ----------
    path : absolute; made if it is not there, with its folder
    timeout_s : how long a statement waits for another process
    migrations : of this dialect
    """

    def __init__(self, path: Path, *, timeout_s: float, migrations: Sequence[Migration]) -> None:
        self.path = path
        self.where = str(path)
        self._timeout_s = timeout_s
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)
        # Why nothing is served any more: what is read or written after it could not be relied on.
        self._refused = ""

    def run(self, statement: str, bound: dict[str, object] | tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, a transaction of its own outside of :meth:`transaction`, and return its rows."""
        if self._refused:
            raise StorageError(self._refused)
        if self._connection is None:
            raise StorageError(f"{self.where}: the store is closed")
        try:
            rows = self._connection.execute(statement, bound).fetchall()
        except sqlite3.Error as error:
            raise self._told(error) from error
        self._check_place()
        return rows

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that is run in it, or nothing."""
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state in all that is read in it, whatever other processes write meanwhile."""
        self.run("BEGIN")
        try:
            yield
        finally:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def open(self) -> None:
        """Check the file, and bring it up to date.

        Raises
        ------
        StorageError
            It is damaged, newer than this program, or cannot be written.
        """
        self._refused = ""
        if sqlite3.sqlite_version_info < _OLDEST:
            raise StorageError(
                f"{self.where}: this Python has SQLite {sqlite3.sqlite_version}, and {'.'.join(map(str, _OLDEST))} is the oldest "
                "that will do: use another Python, or a server (postgresql://…)"
            )
        self._make()
        try:
            self._connection = sqlite3.connect(
                self.path, timeout=self._timeout_s, isolation_level=None, check_same_thread=False
            )
            self._check_content(self._connection)
            self._set_up(self._connection)
            self._migrate(self._connection)
            status = self.path.stat()
        except sqlite3.Error as error:
            raise self._told(error) from error
        except OSError as error:
            raise StorageError(f"{self.where}: {error.strerror}") from error
        self._identity = (status.st_dev, status.st_ino)

    def close(self) -> None:
        """Close the file; nothing happens if it is not open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _make(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError as error:
            if not self.path.is_file():
                raise StorageError(f"{self.where}: is there, and no file, or {error.filename} is no folder") from None
        except OSError as error:
            raise StorageError(f"{self.where}: cannot be made: {error.strerror}") from error

    def _check_content(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("PRAGMA quick_check(1)").fetchall()
        if found != [("ok",)]:
            finding = found[0][0].removeprefix("*** in database main ***\n").replace("\n", "; ")
            raise StorageError(f"{self.where}: is damaged: {finding}: {_REMEDY}")

    def _set_up(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait by itself where two processes turn the log on at once.
        for _ in self._attempts():
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if _code(error) not in _BUSY:
                    raise
            else:
                break
        else:
            raise StorageUnavailableError(f"{self.where}: another process kept it locked for {self._timeout_s:g} s")
        if mode != "wal":
            raise StorageError(f"{self.where}: no write-ahead log can be kept there: it must be on a local disk")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        while True:
            # The lock: whoever comes second sees what the first has done.
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(VERSION_TABLE)
                migration = next_of(self._migrations, connection.execute(FOUND).fetchone(), self.where)
                if migration is not None:
                    for statement in _statements(migration.script):
                        connection.execute(statement)
                    now = datetime.now(UTC).isoformat(timespec="seconds")
                    connection.execute(APPLIED, {"1": migration.version, "2": now, "3": __version__})
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if migration is None:
                return

    def _check_place(self) -> None:
        """Refuse to go on if the file was removed or replaced: what is written to the old one is lost."""
        try:
            # Twice at every statement: half the time of Path.stat.
            status = os.stat(self.where)  # noqa: PTH116
            is_there = (status.st_dev, status.st_ino) == self._identity
            os.stat(f"{self.where}-wal")  # noqa: PTH116
        except OSError:
            is_there = False
        if not is_there:
            self._refused = (
                f"{self.where}: was removed or replaced, or its -wal file was, while it was in use: what was written since is "
                "lost; stop, put the right file in its place, and start again"
            )
            raise StorageError(self._refused)

    def _attempts(self) -> Iterator[None]:
        until = time.monotonic() + self._timeout_s
        while time.monotonic() < until:
            yield
            time.sleep(0.02)

    def backup(self, path: Path) -> None:
        """Write a copy of the file as it is now, while it is in use: whole and checked, or not at all."""
        if path == self.path:
            raise StorageError(f"{path}: is the store itself: name another file for its backup")
        unfinished = path.with_name(path.name + ".unfinished")
        try:
            unfinished.unlink(missing_ok=True)
            os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            # A connection of its own, so that the store is not kept waiting; in one step, so that it begins again for no writer.
            source = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, timeout=self._timeout_s)
            with closing(source), closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
                source.backup(copy)
                # One file, not two: a log beside it would be left behind by whoever moves it.
                copy.execute("PRAGMA journal_mode = DELETE")
                self._check_content(copy)
            _to_disk(unfinished)
            unfinished.replace(path)
            _to_disk(path.parent)
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise StorageError(f"{path}: {self.where} could not be copied there: {reason}") from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _told(self, error: sqlite3.Error) -> StorageError:
        """Return our error for one of SQLite's; after some of them nothing is served any more."""
        code = _code(error)
        if code in _BUSY:
            return StorageUnavailableError(
                f"{self.where}: another process kept it locked for {self._timeout_s:g} s: {error}"
            )
        if code == sqlite3.SQLITE_FULL:
            return StorageError(f"{self.where}: the disk is full: nothing was changed; make room")
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
            return StorageError(f"{self.where}: cannot be written by this user: {error}")
        if code in _DAMAGED:
            self._refused = f"{self.where}: is damaged: {error}: {_REMEDY}"
            return StorageError(self._refused)
        if code == sqlite3.SQLITE_IOERR:
            # After a failed fsync a later one may succeed although the data never reached the disk.
            self._refused = (
                f"{self.where}: the disk failed: {error} ({_name(error)}): the last write was not acknowledged; see to the disk, "
                "and start again"
            )
            return StorageError(self._refused)
        return StorageError(f"{self.where}: {error} ({_name(error)})")


def _code(error: sqlite3.Error) -> int:
    """Return the primary code of SQLite, 0 if it is an error of the module alone."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", type(error).__name__)


def _statements(script: str) -> Iterator[str]:
    """Split a script; the module's own way to run one would commit in between."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems do not know it of folders.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
