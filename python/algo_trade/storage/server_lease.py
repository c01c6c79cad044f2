"""Leases of a store on a server: an advisory lock and a row for each, over a connection of their own.

A holder believes in its lease for some time after the server last answered, by its own clock. It renews the row all the time; whoever
comes next sees, by its own clock, that for as long nobody does, or waits as long after taking it by force. So there is no moment with
two holders, whatever connection breaks, and nobody has to trust the clock of another machine. The advisory lock refuses the next one at
once, and for as long as the connection lives, though the holder be slow.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from algo_trade.errors import LeaseError
from algo_trade.storage.lease import Holder, Lease, is_held_elsewhere
from algo_trade.storage.pool import Connection, hang_up
from algo_trade.storage.postgresql import FAILURES
from algo_trade.storage.statements import NEXT_EPOCH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from algo_trade.storage.postgresql import ServerStore

T = TypeVar("T")

# Whoever comes next waits longer than the holder believes, by more than two clocks come apart.
_MARGIN = 1.25
_RENEWALS = 5
_POLL_S = 0.25
_ASLEEP = "this process did nothing for so long"

# A host that died says nothing: its session, and with it the lock, would be kept for hours. The settings differ by version.
_SETTINGS = """
SELECT set_config(name, wanted.value, false)
FROM pg_settings JOIN unnest($1::text[], $2::text[]) AS wanted(setting, value) ON pg_settings.name = wanted.setting
"""
_LOCK = (
    "SELECT n FROM unnest($1::text[]) AS n WHERE pg_try_advisory_lock(hashtextextended('algo_trade lease ' || n, 0))"
)
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('algo_trade lease ' || n, 0)) FROM unnest($1::text[]) AS n"
_RENEW = """
UPDATE leases SET renewals = renewals + 1, renewed_at = clock_timestamp() FROM unnest($1::text[], $2::bigint[]) AS held(name, epoch)
WHERE leases.name = held.name AND leases.epoch = held.epoch
RETURNING leases.name
"""
_RELEASE = "UPDATE leases SET lasts_s = 0 WHERE name = $1 AND epoch = $2"
_HOLDER = """
SELECT owner, host, pid, epoch, since, clock_timestamp() < renewed_at + lasts_s * interval '1 second' AS is_fresh
FROM leases WHERE name = $1 AND epoch > 0
"""
_PLACE = """
INSERT INTO leases (name, epoch, owner, host, pid, since, renewed_at, renewals, lasts_s)
VALUES ($1, 0, '', '', 0, now(), now(), 0, 0) ON CONFLICT (name) DO NOTHING
"""
_LOOK = "SELECT owner, host, pid, epoch, since, renewals, lasts_s FROM leases WHERE name = $1 FOR UPDATE"
_CLAIM = """
UPDATE leases SET epoch = $2, owner = $3, host = $4, pid = $5, since = clock_timestamp(), renewed_at = clock_timestamp(), renewals = 0,
    lasts_s = $6
WHERE name = $1
"""


def awake_s() -> float:
    """Return a time in seconds that only goes on, also while the machine sleeps, where the system has one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ServerLease(Lease):
    """A row that is ours up to a time by our clock, which is moved on as long as the server answers."""

    def __init__(self, leases: ServerLeases, name: str, epoch: int, until_s: float) -> None:
        super().__init__(name, epoch)
        self.until_s = until_s
        self._leases = leases

    def _fault(self) -> str | None:
        return None if self._leases.clock() < self.until_s else self._leases.trouble()

    async def _give_back(self) -> None:
        await self._leases.give_back(self)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A row that is ours, and how long whom it was taken from may believe that it is theirs."""

    epoch: int
    until_s: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class _Sight:
    """A row that is another's."""

    holder: Holder
    renewals: int
    lasts_s: float


class ServerLeases:
    """The leases of one process.

    Parameters
    ----------
    store : the server's
    ttl_s : how long a lease is believed in after the server last answered
    clock : seconds that only go on
    """

    def __init__(self, store: ServerStore, *, ttl_s: float, clock: Callable[[], float] = awake_s) -> None:
        self.clock = clock
        self._store = store
        self._ttl_s = ttl_s
        self._client = uuid4().hex
        self._held: dict[str, ServerLease] = {}
        self._coming: set[str] = set()
        self._line: Connection = None
        self._turn = asyncio.Lock()
        self._locked: set[str] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._trouble = _ASLEEP

    async def acquire(self, name: str, owner: str, *, takeover: bool) -> Lease:
        """Return a lease; see :meth:`DatabaseClient.acquire_lease`."""
        mine = self._held.get(name)
        if name in self._coming or (mine is not None and mine.is_held() and not takeover):
            raise LeaseError(f"{name}: is held, or just being acquired, by this very process (pid {os.getpid()})")
        if mine is not None:
            mine.lose(f"was taken over by {owner} in this very process")
        self._coming.add(name)
        if self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())
        try:
            if not takeover:
                await self._lock(name)
            claim = await self._claim(name, owner, takeover=takeover)
            lease = self._held[name] = ServerLease(self, name, claim.epoch, claim.until_s)
        finally:
            # If nothing came of it, the next renewal unlocks it.
            self._coming.discard(name)
        try:
            # The keeper renews it meanwhile.
            await asyncio.sleep(claim.wait_s)
        except BaseException:
            # Not given up: the next one has to wait for the same.
            lease.lose("was not waited for")
            raise
        if not lease.is_held():
            raise LeaseError(f"{name}: {lease.lost_because}")
        return lease

    async def give_back(self, lease: ServerLease) -> None:
        """Let others have a lease at once; what cannot be told to the server ends by itself."""
        self._forget(lease)

        async def tell(line: Connection) -> None:
            await line.execute(_RELEASE, lease.name, lease.epoch)
            await self._unlock_others(line)

        with suppress(*FAILURES):
            await self._on_line(tell, self._ttl_s)

    async def close(self) -> None:
        """Give all of them back."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        for lease in list(self._held.values()):
            await lease.release()
        self._drop()
        if keeper is not None and not keeper.cancelled():
            keeper.result()

    def trouble(self) -> str:
        """Return why the time of a lease was not moved on."""
        return f"could not be renewed for {self._ttl_s:g} s: {self._trouble}"

    # --- acquiring ---

    async def _lock(self, name: str) -> None:
        async def lock(line: Connection) -> bool:
            await self._take_locks(line, {name})
            return name in self._locked

        # A lock whose row is not fresh is kept by a process that is stopped, or has not heard yet that it was taken over.
        until_s = self.clock() + self._ttl_s
        while not await self._store.patiently(partial(self._on_line, lock, self._ttl_s)):
            rows = await self._store.rows(_HOLDER, name)
            if not rows or rows[0][-1] or self.clock() >= until_s:
                raise is_held_elsewhere(name, Holder(*rows[0][:5]) if rows else None)
            await asyncio.sleep(_POLL_S)

    async def _claim(self, name: str, owner: str, *, takeover: bool) -> _Claim:
        first: _Sight | None = None
        is_over, until_s = False, 0.0
        while True:
            attempt = partial(
                self._claim_or_see, name=name, owner=owner, over=first if is_over else None, takeover=takeover
            )
            found = await self._store.transaction(attempt)
            if isinstance(found, _Claim):
                return found
            # Nothing holds its lock: whoever it is has died, or lost the connection and comes back.
            if first is None:
                first, until_s = found, self.clock() + found.lasts_s
            elif found != first:
                raise is_held_elsewhere(name, found.holder)
            await asyncio.sleep(max(min(until_s - self.clock(), _POLL_S), 0))
            is_over = self.clock() >= until_s

    async def _claim_or_see(
        self, connection: Connection, *, name: str, owner: str, over: _Sight | None, takeover: bool
    ) -> _Claim | _Sight:
        """Claim a row that was given up, that is still as the one known to be over, or by force; else return what it says."""
        await connection.execute(_PLACE, name)
        row = await connection.fetchrow(_LOOK, name)
        seen = _Sight(Holder(*tuple(row)[:5]), row["renewals"], row["lasts_s"])
        if seen.lasts_s > 0 and seen != over and not takeover:
            return seen
        epoch = await connection.fetchval(NEXT_EPOCH, name, seen.holder.epoch + 1)
        sent_s = self.clock()
        # Should we end before we waited, whoever comes next has to wait for the same.
        wait_s = seen.lasts_s if takeover else 0.0
        lasts_s = max(self._ttl_s * _MARGIN, wait_s)
        await connection.execute(_CLAIM, name, epoch, owner, socket.gethostname(), os.getpid(), lasts_s)
        return _Claim(epoch, sent_s + self._ttl_s, wait_s)

    # --- keeping ---

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._ttl_s / _RENEWALS)
            await self._renew()

    async def _renew(self) -> None:
        self._held = {name: lease for name, lease in self._held.items() if lease.is_held()}
        if not self._held and not self._locked:
            return
        leases = list(self._held.values())
        # No longer than the first of them lasts, so that `lost` is set when it is.
        left_s = min((lease.until_s - self.clock() for lease in leases), default=self._ttl_s)
        try:
            await self._on_line(self._renew_over, min(left_s, self._ttl_s / 2))
            self._trouble = _ASLEEP
        except FAILURES as error:
            self._trouble = self._store.reason(error)
        for lease in leases:
            if lease.is_held() and lease.until_s - self.clock() < self._ttl_s / 2:
                lease.soon_ends()

    async def _renew_over(self, line: Connection) -> None:
        # Looked up now that it is our turn: a lease that was released meanwhile must not be renewed.
        leases = [lease for lease in self._held.values() if lease.is_held()]
        await self._take_locks(line, {lease.name for lease in leases})
        sent_s = self.clock()
        names, epochs = [lease.name for lease in leases], [lease.epoch for lease in leases]
        renewed = {row[0] for row in await line.fetch(_RENEW, names, epochs)}
        for lease in leases:
            if lease.name in renewed:
                lease.until_s = sent_s + self._ttl_s
            else:
                row = await line.fetchrow(_HOLDER, lease.name)
                self._forget(lease)
                lease.lose(
                    f"was taken over by {Holder(*tuple(row)[:5])}" if row else "its row is gone from the table leases"
                )
        await self._unlock_others(line)

    def _forget(self, lease: ServerLease) -> None:
        # One that was acquired after it has its place by now.
        if self._held.get(lease.name) is lease:
            del self._held[lease.name]

    async def _take_locks(self, line: Connection, names: set[str]) -> None:
        # A lock is counted: what is ours already would have to be unlocked twice.
        wanted = sorted(names - self._locked)
        if wanted:
            self._locked |= {row[0] for row in await line.fetch(_LOCK, wanted)}

    async def _unlock_others(self, line: Connection) -> None:
        others = sorted(self._locked - self._held.keys() - self._coming)
        if others:
            await line.execute(_UNLOCK, others)
            self._locked.difference_update(others)

    # --- the connection ---

    async def _on_line(self, work: Callable[[Connection], Awaitable[T]], within_s: float) -> T:
        """Do something over the connection, alone; if anything goes wrong, the next one gets a new connection."""
        async with asyncio.timeout(within_s), self._turn:
            try:
                if self._line is None or self._line.is_closed():
                    self._drop()
                    self._line = await self._store.connect()
                    await self._line.fetch(_SETTINGS, *self._settings())
                return await work(self._line)
            except BaseException:
                self._drop()
                raise

    def _drop(self) -> None:
        if self._line is not None:
            hang_up(self._line)
        self._line = None
        self._locked.clear()

    def _settings(self) -> tuple[list[str], list[str]]:
        seconds = max(round(self._ttl_s), 1)
        settings: dict[str, Any] = {
            "idle_session_timeout": round(self._ttl_s * 2_000),
            "tcp_keepalives_idle": seconds,
            "tcp_keepalives_interval": 1,
            "tcp_keepalives_count": seconds,
            "tcp_user_timeout": round(self._ttl_s * 2_000),
        }
        return list(settings), [str(value) for value in settings.values()]
