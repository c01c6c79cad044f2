"""``/ws``: how all bots are, once a second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from algo_trade.bots import Runner

EVERY_S: Final = 1.0
CONNECTIONS_MAX: Final = 100
# A reader that takes longer than this for one message is cut: nothing is kept for it.
SEND_S_MAX: Final = 5.0


def routes(runner: Runner) -> list[WebSocketRoute]:
    """Return the route of the socket."""
    connected: set[WebSocket] = set()

    async def socket(websocket: WebSocket) -> None:
        if len(connected) >= CONNECTIONS_MAX:
            await websocket.close(1013, f"{CONNECTIONS_MAX} are connected already")
            return
        await websocket.accept()
        connected.add(websocket)
        try:
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(_tell(websocket, runner))
                await _listen(websocket)
                telling.cancel()
        except* (WebSocketDisconnect, TimeoutError, RuntimeError):
            pass
        finally:
            connected.discard(websocket)

    return [WebSocketRoute("/ws", socket)]


async def _tell(websocket: WebSocket, runner: Runner) -> None:
    while True:
        statuses = [handle.status().document() for handle in runner.registry.all()]
        message = orjson.dumps({"topic": "bots", "bots": statuses}).decode()
        await asyncio.wait_for(websocket.send_text(message), SEND_S_MAX)
        await asyncio.sleep(EVERY_S)


async def _listen(websocket: WebSocket) -> None:
    """Wait for the end: nothing that is said has a meaning yet."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
