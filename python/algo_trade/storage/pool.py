"""Connections to a server that are kept for the next call.

asyncpg has a pool, which asks the server at each return, and parts from dead connections one second at a time. What we run leaves nothing
behind in a session, and where one connection has died, the idle ones are given up with it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

# asyncpg has no types.
Connection: TypeAlias = Any

# Firewalls forget connections on which nothing was said for long, without a word.
_IDLE_S_MAX = 60.0
_FAREWELL_S = 1.0


class Pool:
    """At most ``size`` connections at a time, made when they are wanted."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._room = asyncio.Semaphore(size)
        self._idle: list[tuple[Connection, float]] = []
        self._lent: set[Connection] = set()
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        """Return whether whoever comes now has to wait."""
        return self._room.locked()

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[Connection, None]:
        """Lend a connection; if anything but the server's no ends its use, it is given up."""
        async with self._room:
            # Whoever waited for room while the pool was closed must not connect again.
            connection = self._take() or (None if self._is_closed else await self._connect())
            if connection is None:
                raise ConnectionAbortedError("the store was closed")
            self._lent.add(connection)
            is_sound = False
            try:
                yield connection
                is_sound = True
            except Exception as error:
                # The server said no: outside a transaction, the connection is as good as before.
                is_sound = hasattr(error, "sqlstate") and not (connection.is_closed() or connection.is_in_transaction())
                raise
            finally:
                self._lent.discard(connection)
                if is_sound and not self._is_closed:
                    self._idle.append((connection, _now_s()))
                else:
                    hang_up(connection)

    def drop_idle(self) -> None:
        """Give up all connections that nobody uses."""
        while self._idle:
            hang_up(self._idle.pop()[0])

    async def close(self) -> None:
        """Say farewell to the server on idle connections, and end what is under way."""
        self._is_closed = True
        for connection in self._lent:
            hang_up(connection)
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_part(connection) for connection, _ in idle))

    def _take(self) -> Connection:
        """Return the idle connection that was used last, None if there is none."""
        while self._idle:
            connection, since_s = self._idle.pop()
            if not connection.is_closed() and _now_s() - since_s < _IDLE_S_MAX:
                return connection
            hang_up(connection)
        return None


def hang_up(connection: Connection) -> None:
    """Close a connection at once: asking the server to end a statement, as asyncpg would, may take as long again."""
    transport = getattr(connection, "_transport", None)
    line = transport.get_extra_info("socket") if transport is not None else None
    if line is not None and line.family != socket.AF_UNIX:
        # Closed already, in the words of either event loop.
        with suppress(OSError, ValueError):
            # What the system has not sent yet is forgotten: a statement that comes late would undo a newer one.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.terminate()


async def _part(connection: Connection) -> None:
    try:
        await connection.close(timeout=_FAREWELL_S)
    except Exception:  # noqa: BLE001 -- however it fails, nothing is lost with it
        hang_up(connection)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
