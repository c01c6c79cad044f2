"""The state store as the runner sees it."""

from __future__ import annotations

import json
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_args
from uuid import uuid4

from algo_trade.core.times import duration_ns, time_ns
from algo_trade.errors import ParameterError, StorageError
from algo_trade.storage import statements as sql
from algo_trade.storage.address import is_server, sqlite_path
from algo_trade.storage.file_lease import FileLeases
from algo_trade.storage.kinds import kind_of
from algo_trade.storage.market.tables import TABLES
from algo_trade.storage.records import AuditRecord, BotRecord, Wanted
from algo_trade.storage.schema import shipped
from algo_trade.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence
    from types import TracebackType

    import pyarrow as pa

    from algo_trade.storage.lease import Lease, Leases
    from algo_trade.storage.market.room import MarketRows
    from algo_trade.storage.postgresql import ServerStore
    from algo_trade.storage.schema import Dialect, Migration

    Time = str | int | dt.datetime | dt.date

_NAME_MAX = 200
_JSON_MAX = 1 << 20
_PAGE_MAX = 1_000
_EPOCH_MAX = 2**32 - 1
# Names of leases are names of files too.
_LEASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def utc_now() -> datetime:
    """Return the time of this machine, in UTC."""
    return datetime.now(UTC)


class DatabaseClient:
    """Where the runner keeps its state: bots, epochs, leases, small values, and who did what; on a server, rows of markets too.

    Use it in ``async with``. Every call is one transaction: it is done, on the disk, when it returns, and is done or not done when
    it raises or is cancelled. Calls may be made at the same time, and several processes may use one store.

    Parameters
    ----------
    url : ``sqlite:///PATH`` (relative to the working directory; four slashes for an absolute path) or ``postgresql://…``
    max_connections : of a server's, at most at a time; leases use one more
    timeout_s : how long a call may take, with all its attempts
    lease_ttl_s : how long a lease of a server's store is believed in after the server last answered
    clock : the time that is written down, in UTC
    migrations : the schema of each dialect

    Raises
    ------
    ParameterError
        What was given is no address, or out of range.
    """

    def __init__(
        self,
        url: str,
        max_connections: int = 10,
        *,
        timeout_s: float = 10.0,
        lease_ttl_s: float = 5.0,
        clock: Callable[[], datetime] = utc_now,
        migrations: Callable[[Dialect], Sequence[Migration]] = shipped,
    ) -> None:
        if max_connections < 1:
            raise ParameterError(f"max_connections = {max_connections}: must be at least 1")
        if not (timeout_s > 0 and lease_ttl_s > 0):
            raise ParameterError(f"timeout_s = {timeout_s}, lease_ttl_s = {lease_ttl_s}: must be above 0")
        self._clock = clock
        self._store: SqliteStore | ServerStore
        self._market: MarketRows | None = None
        self._leases: Leases
        if is_server(url):
            # Who keeps state in a file needs no asyncpg.
            from algo_trade.storage.market.room import MarketRows  # noqa: PLC0415
            from algo_trade.storage.postgresql import ServerStore  # noqa: PLC0415
            from algo_trade.storage.server_lease import ServerLeases  # noqa: PLC0415

            server = ServerStore(
                url, max_connections=max_connections, timeout_s=timeout_s, migrations=migrations("postgresql")
            )
            self._store, self._leases = server, ServerLeases(server, ttl_s=lease_ttl_s)
            self._market = MarketRows(server)
        else:
            file = SqliteStore(sqlite_path(url), timeout_s=timeout_s, migrations=migrations("sqlite"))
            folder = file.path.with_name(file.path.name + ".leases")
            self._store, self._leases = file, FileLeases(folder, self._epoch_above, timeout_s=timeout_s)

    def __repr__(self) -> str:
        return f"DatabaseClient({self._store.where})"

    async def __aenter__(self) -> Self:
        """Open the store, make it if it is not there, and bring it up to date.

        Raises
        ------
        StorageUnavailableError
            It does not answer.
        StorageError
            It is damaged, newer than this program, or not to be had: the message says what to do.
        """
        await self._store.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._store.close)
            await self._leases.close()

    # --- bots ---

    async def save_bot(self, bot_id: str, config: dict[str, Any], wanted: Wanted) -> BotRecord:
        """Keep a bot, in the place of what was kept of it before, and return it as kept."""
        row = (_name("bot_id", bot_id), _text("config", config), _wanted(wanted), self._clock())
        (saved,) = await self._store.rows(sql.SAVE_BOT, *row)
        return self._bot(saved)

    async def bot(self, bot_id: str) -> BotRecord | None:
        """Return a bot; None: there is none of this id."""
        rows = await self._store.rows(sql.BOT, _name("bot_id", bot_id))
        return self._bot(rows[0]) if rows else None

    async def bots(self) -> list[BotRecord]:
        """Return all bots, by their ids."""
        return [self._bot(row) for row in await self._store.rows(sql.BOTS)]

    async def remove_bot(self, bot_id: str) -> None:
        """Forget a bot and its values, if it is there. Its epochs go on where they were, should it come back."""
        await self._store.rows(sql.REMOVE_BOT, _name("bot_id", bot_id))

    async def set_wanted(self, bot_id: str, wanted: Wanted) -> BotRecord:
        """Keep what a bot should be doing, and return the bot.

        Raises
        ------
        ParameterError
            There is no such bot.
        """
        rows = await self._store.rows(sql.SET_WANTED, _name("bot_id", bot_id), _wanted(wanted), self._clock())
        if not rows:
            raise ParameterError(f"bot_id = {bot_id!r}: there is no such bot in {self._store.where}")
        return self._bot(rows[0])

    # --- values ---

    async def put_value(self, bot_id: str, name: str, value: dict[str, Any]) -> None:
        """Keep a small value of a bot, in the place of the one before. The bot need not have been saved."""
        key = (_name("bot_id", bot_id), _name("name", name))
        await self._store.rows(sql.PUT_VALUE, *key, _text("value", value), self._clock())

    async def value(self, bot_id: str, name: str) -> dict[str, Any] | None:
        """Return a value of a bot; None: there is none of this name."""
        rows = await self._store.rows(sql.VALUE, _name("bot_id", bot_id), _name("name", name))
        return self._read(rows[0][0], f"bot_values, {bot_id!r}, {name!r}") if rows else None

    async def remove_value(self, bot_id: str, name: str) -> None:
        """Forget a value of a bot, if it is there."""
        await self._store.rows(sql.REMOVE_VALUE, _name("bot_id", bot_id), _name("name", name))

    # --- epochs and leases ---

    async def next_epoch(self, bot_id: str, *, above: int = 0) -> int:
        """Return a number that is larger than all that were given out for this bot, by whichever process.

        Parameters
        ----------
        bot_id : or the name of a lease, whose epochs come from the same counter
        above : an epoch known to be in use, such as the last one in a journal: a store restored from a backup may not know of it
        """
        if not 0 <= above < _EPOCH_MAX:
            raise ParameterError(f"above = {above}: must be 0 to {_EPOCH_MAX - 1}")
        return await self._epoch_above(_name("bot_id", bot_id), above)

    async def acquire_lease(self, name: str, owner: str, *, takeover: bool = False) -> Lease:
        """Acquire the right to run something in this process alone.

        Of a server's store, a lease that was not given up by its holder takes 1.25 times ``lease_ttl_s`` to be had, by force or
        not: for so long the holder may believe in it.

        Parameters
        ----------
        name : of the bot
        owner : this program, for whoever is refused; process and host are added
        takeover : take it from a holder that lives. It is told no by its next ``is_held()``, or within ``lease_ttl_s``

        Raises
        ------
        LeaseError
            It is held by another process (or this one), which the message names.
        """
        if not _LEASE_NAME.fullmatch(name):
            raise ParameterError(
                f"name = {name[:_NAME_MAX]!r}: must be letters, digits, - _ and ., at most 128, and begin with a letter or digit"
            )
        return await self._leases.acquire(name, _name("owner", owner), takeover=takeover)

    async def _epoch_above(self, name: str, above: int) -> int:
        ((epoch,),) = await self._store.rows(sql.NEXT_EPOCH, name, above + 1)
        return int(epoch)

    # --- audits ---

    async def audit(self, who: str, action: str, target: str, details: dict[str, Any]) -> None:
        """Write down what somebody did. Nothing of it is ever changed or deleted."""
        names = (_name("who", who), _name("action", action), _name("target", target))
        await self._store.rows(sql.AUDIT, uuid4().hex, self._clock(), *names, _text("details", details))

    async def audits(self, after: int | None = None, limit: int = 100) -> list[AuditRecord]:
        """Return what was done, in the order of writing, a page at a time.

        Parameters
        ----------
        after : the ``id`` of the last record of the page before; None: from the beginning
        limit : 1 to 1,000
        """
        if not 1 <= limit <= _PAGE_MAX:
            raise ParameterError(f"limit = {limit}: must be 1 to {_PAGE_MAX}")
        rows = await self._store.rows(sql.AUDITS, 0 if after is None else min(max(after, 0), 2**63 - 1), limit)
        return [
            AuditRecord(number, _time(at), who, action, target, self._read(details, f"audits, {number}"))
            for number, at, who, action, target, details in rows
        ]

    # --- rows of markets ---

    @property
    def market(self) -> MarketRows:
        """The tables of markets, on a server.

        Raises
        ------
        ParameterError
            The store is a file.
        """
        if self._market is None:
            raise ParameterError(
                f"{self._store.where}: a state store in a file keeps no rows of markets: use postgresql://…, or a lake (ParquetStorage)"
            )
        return self._market

    async def write(
        self, kind: str, rows: pa.Table, *, venue: str, resolution: str | int | dt.timedelta | None = None
    ) -> int:
        """Keep rows of any symbols and days, in any order, all of them or none; return how many are new.

        Rows that are there already are left out: of two with the same key (:attr:`Kind.key`) the first one stays. If the answer to a write
        was lost, it is written again, and what was new then does not count.

        Parameters
        ----------
        kind : which rows: one of :data:`~algo_trade.storage.kinds.KINDS`
        rows : a table with the columns of the kind (docs/data.md)
        venue : where they are from
        resolution : the length of bars, which they must have

        Raises
        ------
        ParameterError
            A column or an option that does not fit; the store is a file.
        StorageUnavailableError
            The server does not answer.
        StorageError
            It cannot keep them: the message says why.
        """
        market, of = self.market, kind_of(kind)
        if of.has_resolution != (resolution is not None):
            raise ParameterError(f"{kind}: resolution = {resolution}: bars have one, all others have none")
        from algo_trade.storage.market.rows import checked  # noqa: PLC0415

        length_ns = 0 if resolution is None else duration_ns(resolution)
        return await market.write([checked(TABLES[kind], rows, venue, length_ns)])

    async def query(
        self,
        kind: str,
        symbols: str | Sequence[str] = (),
        *,
        venue: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        columns: Sequence[str] | None = None,
        resolution: str | int | dt.timedelta | None = None,
    ) -> pa.Table:
        """Return the rows of a kind: venue by venue, symbol by symbol, each in order of time. All are of one moment.

        Bars of 5m, 15m, 1h, 4h and 1d that are not there are made of those of a minute; the last of them may be unfinished.

        Parameters
        ----------
        kind : which rows
        symbols : of which symbols; all if none is named
        venue : of which venue; all if none is named
        start, end : rows within [start, end)
        columns : which columns, in this order; by default all, with ``venue`` first
        resolution : the length of bars, where there are several

        Raises
        ------
        ParameterError
            An unknown kind or column; bars of several lengths, and none is named; the store is a file.
        StorageUnavailableError
            The server does not answer.
        StorageError
            Something in the table is no row.
        """
        market = self.market
        kind_of(kind)
        return await market.query(
            TABLES[kind],
            [symbols] if isinstance(symbols, str) else list(symbols),
            venue=venue,
            start_ns=None if start is None else time_ns(start),
            end_ns=None if end is None else time_ns(end),
            columns=columns,
            resolution_ns=None if resolution is None else duration_ns(resolution),
        )

    # --- backup ---

    async def backup(self, path: str | Path) -> None:
        """Write a copy of an embedded store as it is now, while it is in use: whole and checked, or not at all.

        A backup of the same name is replaced.

        Raises
        ------
        StorageError
            It could not be written, or the store is on a server, which has tools of its own (``pg_dump``).
        """
        await self._store.backup(Path(path))

    # --- reading what is kept ---

    def _bot(self, row: tuple[Any, ...]) -> BotRecord:
        bot_id, config, wanted, version, created_at, changed_at = row
        kept = self._read(config, f"bots, {bot_id!r}")
        return BotRecord(bot_id, kept, wanted, version, _time(created_at), _time(changed_at))

    def _read(self, text: str, place: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise StorageError(
                f"{self._store.where}: {place}: no JSON object: {text[:80]!r}: it is damaged, or was changed by hand"
            )
        return found


def _name(what: str, name: str) -> str:
    if not (0 < len(name) <= _NAME_MAX and name.isprintable()):
        raise ParameterError(f"{what} = {name[:_NAME_MAX]!r}: must be 1 to {_NAME_MAX} characters that can be printed")
    return name


def _wanted(wanted: Wanted) -> Wanted:
    if wanted not in get_args(Wanted):
        raise ParameterError(f"wanted = {wanted!r}: must be one of {', '.join(get_args(Wanted))}")
    return wanted


def _text(what: str, value: dict[str, Any]) -> str:
    """Return JSON from which the very same comes back."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(f"{what}: cannot be kept as JSON: {error}") from error
    if json.loads(text) != value:
        raise ParameterError(
            f"{what}: would not come back from JSON as it is: only text as keys, and lists in place of tuples"
        )
    if len(text) > _JSON_MAX:
        raise ParameterError(f"{what}: {len(text)} bytes of JSON: must be at most {_JSON_MAX}")
    return text


def _time(kept: datetime | str) -> datetime:
    """Return a time as either dialect gives it."""
    return datetime.fromisoformat(kept) if isinstance(kept, str) else kept
