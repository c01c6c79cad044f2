"""The small exchange of the tests behind a real WebSocket on loopback, which can cut, freeze or half-close it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Self

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from types import TracebackType

    from tests.hyperliquid.stream.exchange import Exchange, Push


class Server:
    """Serves an exchange. The clock is that of the machine."""

    def __init__(self, exchange: Exchange, port: int = 0) -> None:
        self.exchange = exchange
        self.port = port
        self.clients: dict[int, ServerConnection] = {}
        self.is_frozen = False
        self.accepted = 0

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._handle, "127.0.0.1", self.port, compression=None, ping_interval=None, close_timeout=1
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    async def _handle(self, client: ServerConnection) -> None:
        self.accepted += 1
        number = self.accepted
        self.clients[number] = client
        self.exchange.connect(number)
        try:
            await client.send("Websocket connection established.")
            async for message in client:
                if not self.is_frozen:
                    self.tick()
                    await self.push(
                        self.exchange.take(number, message.encode() if isinstance(message, str) else message)
                    )
        except ConnectionClosed:
            pass
        finally:
            self.exchange.disconnect(number)
            self.clients.pop(number, None)

    def tick(self) -> None:
        self.exchange.now_ms = time.time_ns() // 1_000_000

    async def push(self, pushes: list[Push]) -> None:
        if self.is_frozen:
            return
        for number, message in pushes:
            if number in self.clients:
                await self.clients[number].send(message.decode())

    async def cut(self) -> None:
        """Reset every connection, without a word."""
        for client in list(self.clients.values()):
            client.transport.abort()

    async def close(self) -> None:
        """Close every connection as the protocol says."""
        await asyncio.gather(*(client.close(1012, "restart") for client in list(self.clients.values())))
