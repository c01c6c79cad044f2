"""The control API as a server: its resources, its guard, and uvicorn on the loop of the runner."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from algo_trade.api import bots, health, kill, socket
from algo_trade.api.guard import BODY_BYTES_MAX, Discreet, Guard
from algo_trade.api.problems import on_error, on_http_error
from algo_trade.errors import AlgoTradeError
from algo_trade.web import Address, ServerWithoutSignals, listen

if TYPE_CHECKING:
    import socket as sockets

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from algo_trade.bots import Runner
    from algo_trade.config import ServerConfig

WHY: Final = "The API knows no passwords yet"


class ApiServer:
    """The control API of a runner.

    Parameters
    ----------
    runner : whose bots these are
    config : where it listens, and who may call

    Raises
    ------
    ParameterError
        The host is not this machine alone, or the port is taken.
    """

    def __init__(self, runner: Runner, config: ServerConfig) -> None:
        self._runner = runner
        self._config = config
        self._listener: sockets.socket = listen(config.host, config.port, why=WHY)
        self.address = Address.of(self._listener)

    def app(self) -> ASGIApp:
        """Return the application."""
        runner, config = self._runner, self._config
        routes = [*bots.routes(runner), *kill.routes(runner), *health.routes(runner), *socket.routes(runner)]
        redact = runner.telemetry.secrets.redact
        middleware = [Middleware(Discreet, redact=redact), Middleware(Guard, origins=config.origins)]
        if config.origins:
            cors: dict[str, Any] = {"allow_origins": config.origins, "allow_methods": ["GET", "POST", "PUT", "DELETE"]}
            middleware.append(Middleware(CORSMiddleware, **cors))
        if config.request_log:
            middleware.insert(0, Middleware(RequestLog, tell=runner.telemetry.tell))
        handlers: dict[Any, Any] = {AlgoTradeError: on_error, HTTPException: on_http_error}
        return Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set."""
        server = ServerWithoutSignals(
            self.app(),
            body_bytes_max=BODY_BYTES_MAX,
            http="httptools",
            ws="websockets-sansio",
            h11_max_incomplete_event_size=65_536,
        )
        serving = asyncio.create_task(server.serve(sockets=[self._listener]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving

    def close(self) -> None:
        """Give the port up."""
        self._listener.close()


class RequestLog:
    """Logs each request with its status and how long it took; never its headers or its body."""

    def __init__(self, app: ASGIApp, tell: Any) -> None:  # noqa: ANN401 -- Telemetry.tell
        self._app = app
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            took_ms = round((time.perf_counter() - began_s) * 1e3, 3)
            # Who polls would drown the rest.
            level = "debug" if scope["method"] == "GET" and status < 400 else "info"
            self._tell("api.request", level, f"{scope['method']} {scope['path']}", status=status, took_ms=took_ms)
