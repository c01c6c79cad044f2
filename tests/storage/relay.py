"""A relay between a client and a server, on which the line can be cut, silenced, or refused."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from algo_trade.storage import DatabaseClient
    from tests.storage.kinds import ServerStore


class Relay:
    """Listens on a port of its own, and passes on what comes to another, as long as it is let."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = True
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    def silence(self) -> None:
        """Pass nothing on any more, in either direction, and close nothing; new connections fare no better."""
        self._flows.clear()

    def silence_old(self) -> None:
        """Pass nothing on for those who are connected now; new connections work."""
        self._flows.clear()
        self._flows = asyncio.Event()
        self._flows.set()

    def resume(self) -> None:
        self._flows.set()

    def refuse(self) -> None:
        """Reset every connection, and every new one."""
        self._is_open = False
        self.cut()

    def accept(self) -> None:
        self._is_open = True

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.get_running_loop().create_task(self._pass(source, sink, self._flows))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, flows: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                await flows.wait()
                sink.write(data)
        sink.transport.abort()
        self._writers.discard(sink)


@asynccontextmanager
async def relayed(store: ServerStore, **options: Any) -> AsyncGenerator[tuple[DatabaseClient, Relay], None]:
    """Open a store through a relay."""
    async with Relay(store.cluster.port) as relay, store.client(port=relay.port, **options) as db:
        yield db, relay
        relay.resume()
