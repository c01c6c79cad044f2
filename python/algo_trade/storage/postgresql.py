"""The store on a server: PostgreSQL through a pool of connections.

Whatever is asked is one transaction that may be asked again: what passes (no connection, a failover, too many clients) is tried again
within the time of a call, with pauses that spread those who wait.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from algo_trade._native import __version__
from algo_trade.errors import StorageError, StorageUnavailableError
from algo_trade.storage.address import shown
from algo_trade.storage.pool import Connection, Pool
from algo_trade.storage.schema import APPLIED, FOUND, VERSION_TABLE, Migration, next_of

try:
    import asyncpg
except ModuleNotFoundError as missing:
    raise StorageError("a state store on a server needs asyncpg: pip install 'algo-trade[storage]'") from missing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

T = TypeVar("T")
Row: TypeAlias = Any

SCHEMA = "algo_trade"
_MIGRATION_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('algo_trade migrations', 0))"
_IS_THERE = f"SELECT to_regclass('{SCHEMA}.schema_version') IS NOT NULL"
# A migration may have much to rewrite.
_MIGRATION_S = 300.0
_PAUSE_S = 0.05
_PAUSE_S_MAX = 2.0
# One attempt gets a part of the time of a call, so that a connection that died unnoticed leaves time for another.
_ATTEMPTS_MIN = 3

# Connections refused, lost or not yet taken; a server that shuts down, starts, stands by, has no room, or ended our statement.
PASSING = (
    OSError,
    TimeoutError,
    EOFError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OutOfMemoryError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
FAILURES = (*PASSING, asyncpg.PostgresError, ValueError)
_NOT_ALLOWED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


class ServerStore:
    """A schema ``algo_trade`` in a database of a server.

    Parameters
    ----------
    url : ``postgresql://…``, as libpq has it
    max_connections : of the pool
    timeout_s : how long a call may take, all attempts together
    migrations : of this dialect
    """

    def __init__(self, url: str, *, max_connections: int, timeout_s: float, migrations: Sequence[Migration]) -> None:
        self.where = shown(url)
        self._url = url
        self._max_connections = max_connections
        self._timeout_s = timeout_s
        self._migrations = migrations
        self._random = Random()  # noqa: S311 -- no secret
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Connect, and bring the schema up to date.

        Raises
        ------
        StorageUnavailableError
            The server does not answer.
        StorageError
            It does not let us in, or its schema is newer than this program.
        """
        self._pool = Pool(self.connect, self._max_connections)
        try:
            is_old = await self.transaction(self._is_old)
            while is_old:
                is_old = await self.transaction(self._migrate, within_s=max(self._timeout_s, _MIGRATION_S))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Give the connections back; statements under way are ended."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement, as a transaction of its own, and return its rows. It may be run more than once."""

        async def run(connection: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(statement, *values)]

        return await self.patiently(lambda: self._lend(run))

    async def backup(self, path: Path) -> None:
        """Refuse: the server has tools for it."""
        raise StorageError(
            f"{self.where}: no backup to {path}: a server is backed up with its own tools: "
            f"pg_dump --schema={SCHEMA} --format=custom --file=FILE ADDRESS"
        )

    async def work(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do what is one transaction by itself with a connection. It may be done more than once."""
        return await self.patiently(lambda: self._lend(work))

    async def transaction(
        self,
        work: Callable[[Connection], Awaitable[T]],
        *,
        within_s: float | None = None,
        attempt_s: float | None = 0.0,
    ) -> T:
        """Run several statements in one transaction, and return what they return. They may be run more than once."""

        async def run(connection: Connection) -> T:
            # Not asyncpg's own: on a line that is dead, it would wait for its ROLLBACK without end.
            await connection.execute("BEGIN")
            result = await work(connection)
            await connection.execute("COMMIT")
            return result

        return await self.patiently(lambda: self._lend(run), within_s=within_s, attempt_s=attempt_s)

    def lend(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection, for what is more than one transaction."""
        if self._pool is None:
            raise StorageError(f"{self.where}: the store is not open: use `async with DatabaseClient(…)`")
        return self._pool.lend()

    async def once(self, work: Callable[[], Awaitable[T]], *, within_s: float) -> T:
        """Do what cannot be done again, with the errors of :meth:`patiently`."""
        try:
            async with asyncio.timeout(within_s):
                return await work()
        except PASSING as error:
            raise StorageUnavailableError(f"{self.where}: {self.reason(error)}; a write may have been done") from error
        except asyncpg.PostgresError as error:
            raise self._told(error) from error

    async def connect(self) -> Connection:
        """Return a connection outside the pool."""
        return await asyncpg.connect(**self._options())

    async def patiently(
        self, attempt: Callable[[], Awaitable[T]], *, within_s: float | None = None, attempt_s: float | None = 0.0
    ) -> T:
        """Try until it succeeds, or fails for a reason that does not pass, or the time is over.

        Parameters
        ----------
        attempt : what is tried
        within_s : after so long nothing is tried any more
        attempt_s : how long one attempt may take, where that is more than its part of the time; None: it has bounds of its own

        Raises
        ------
        StorageUnavailableError
            It did not succeed in time.
        StorageError
            It failed for another reason.
        """
        clock = asyncio.get_running_loop().time
        within_s = self._timeout_s if within_s is None else within_s
        until = clock() + within_s
        tries = 0
        while True:
            tries += 1
            part_s = min(within_s / _ATTEMPTS_MIN, until - clock())
            try:
                async with asyncio.timeout(None if attempt_s is None else max(part_s, attempt_s)):
                    return await attempt()
            except ValueError:
                # Its text may quote a piece of the password. Whatever else is sent was checked before.
                raise StorageError(
                    f"{self.where}: the address cannot be read: postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
                ) from None
            except PASSING as error:
                reason = self.reason(error)
                if self._pool is not None:
                    # What killed one connection has killed the others.
                    self._pool.drop_idle()
            except asyncpg.PostgresError as error:
                raise self._told(error) from error
            # Full jitter: those who wait for one server do not come all at once.
            pause_s = self._random.uniform(0, min(_PAUSE_S_MAX, _PAUSE_S * 2.0**tries))
            if clock() + pause_s >= until:
                raise StorageUnavailableError(
                    f"{self.where}: no success within {within_s:g} s and {tries} tries: {reason}; a write may have been done"
                )
            await asyncio.sleep(pause_s)

    def reason(self, error: BaseException) -> str:
        """Return what went wrong, in words that hold no password."""
        if isinstance(error, TimeoutError):
            if self._pool is not None and self._pool.is_full:
                return f"all {self._max_connections} connections are busy, or the server does not answer"
            return "the server does not answer"
        return str(error) or type(error).__name__

    async def _lend(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self.lend() as connection:
            return await work(connection)

    async def _is_old(self, connection: Connection) -> bool:
        return not await connection.fetchval(_IS_THERE) or self._next(await connection.fetchrow(FOUND)) is not None

    async def _migrate(self, connection: Connection) -> bool:
        """Take the store one version on; False: it is up to date."""
        # Whoever comes second sees what the first has done.
        await connection.execute(_MIGRATION_LOCK)
        if not await connection.fetchval(_IS_THERE):
            if await connection.fetchval("SELECT to_regnamespace($1) IS NULL", SCHEMA):
                await connection.execute(f"CREATE SCHEMA {SCHEMA}")
            await connection.execute(VERSION_TABLE)
        migration = self._next(await connection.fetchrow(FOUND))
        if migration is None:
            return False
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(migration.script)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        await connection.execute(APPLIED, migration.version, now, __version__)
        return True

    def _next(self, found: Row | None) -> Migration | None:
        return next_of(self._migrations, None if found is None else (found[0], found[1]), self.where)

    def _options(self) -> dict[str, Any]:
        limit_ms = str(max(round(self._timeout_s / _ATTEMPTS_MIN * 1_000), 1))
        return {
            "dsn": self._url,
            "timeout": self._timeout_s,
            "server_settings": {
                "application_name": "algo_trade",
                "search_path": SCHEMA,
                # What we gave up must not be done later, after something newer, nor keep others waiting.
                "statement_timeout": limit_ms,
                "idle_in_transaction_session_timeout": limit_ms,
            },
        }

    def _told(self, error: asyncpg.PostgresError) -> StorageError:
        """Return our error for one of the server's that does not pass."""
        if isinstance(error, _NOT_ALLOWED):
            return StorageError(
                f"{self.where}: the server does not let us in: {error}: see to the address, user and password"
            )
        if isinstance(error, asyncpg.InsufficientPrivilegeError):
            return StorageError(
                f"{self.where}: {error}: the user needs the right to make a schema in the database, or to own the schema {SCHEMA}"
            )
        if isinstance(error, asyncpg.DiskFullError):
            return StorageError(f"{self.where}: the disk of the server is full: nothing was changed; make room")
        if isinstance(error, asyncpg.DataCorruptedError | asyncpg.IndexCorruptedError):
            return StorageError(f"{self.where}: is damaged: {error}: restore a backup")
        return StorageError(f"{self.where}: {error} ({type(error).__name__})")
