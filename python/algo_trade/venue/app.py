"""The venue's face: HTTP and WebSocket in, the driver behind."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

import orjson
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from algo_trade.web import is_loopback

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from algo_trade.venue.driver import Driver
    from algo_trade.venue.outbox import Outbox

BODY_BYTES_MAX = 1 << 20

UNSENDABLE_CODES = (1005, 1006, 1015)
"""Close codes that stand for a connection that was cut: no close frame may carry them."""


def make_app(driver: Driver, *, control_token: str, close_grace_s: float = 0.5) -> ASGIApp:
    """Build the application.

    Parameters
    ----------
    driver : Driver
        What answers.
    control_token : str
        What ``/control`` wants to see as a bearer token.
    close_grace_s : float
        How long a reader that does not keep up may take for the last message before its connection is cut.
    """

    async def info(request: Request) -> Response:
        return await _pass_on(driver, request, "info")

    async def exchange(request: Request) -> Response:
        return await _pass_on(driver, request, "exchange")

    async def control(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not is_loopback(_peer(request)):
            return PlainTextResponse("the control of the venue takes loopback connections only", 403)
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), control_token.encode()):
            return PlainTextResponse(
                "wanted: Authorization: Bearer TOKEN, with the token that the venue gave at its start",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        body = await _body(request)
        if body is None:
            return _too_large()
        answer = driver.control(body)
        return Response(answer.body, answer.status, media_type="application/json")

    async def health(_: Request) -> Response:
        document = {
            "status": "ok" if driver.broken is None else "broken",
            "broken": driver.broken,
            "time_ns": driver.now_ns,
            "connections": driver.connections,
            "requests": driver.requests,
            "slow_readers": driver.slow_readers,
        }
        status = 200 if driver.broken is None else 503
        return Response(orjson.dumps(document), status, media_type="application/json")

    async def socket(websocket: WebSocket) -> None:
        outbox = driver.connect(_peer(websocket))
        if isinstance(outbox, str):
            await websocket.send_denial_response(PlainTextResponse(outbox, 429))
            return
        try:
            await _converse(driver, websocket, outbox, close_grace_s)
        finally:
            driver.disconnect(outbox.connection)
            if outbox.hurried.is_set():
                # It may yet read why, and answer the close frame; or it never reads, and would be kept for ever.
                asyncio.get_running_loop().call_later(close_grace_s, _cut, websocket.scope)

    routes = [
        Route("/info", info, methods=["POST"]),
        Route("/exchange", exchange, methods=["POST"]),
        Route("/control", control, methods=["POST"]),
        Route("/health", health, methods=["GET"]),
        WebSocketRoute("/ws", socket),
    ]
    return loopback_names_only(Starlette(routes=routes))


def loopback_names_only(app: ASGIApp) -> ASGIApp:
    """Refuse what was sent to another name: a web page whose name was made to lead here, for one."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
            if len(named) != 1 or not is_loopback(_without_port(named[0])):
                refusal = PlainTextResponse("Host: must be 127.0.0.1, [::1] or localhost", 403)
                if scope["type"] == "websocket":
                    await WebSocket(scope, receive, send).send_denial_response(refusal)
                else:
                    await refusal(scope, receive, send)
                return
        await app(scope, receive, send)

    return guarded


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _peer(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""


def _cut(scope: Scope) -> None:
    """End a connection without another word, and without what has not left yet. The server gives us the transport."""
    scope["state"]["transport"].abort()


async def _pass_on(driver: Driver, request: Request, path: str) -> Response:
    body = await _body(request)
    if body is None:
        return _too_large()
    answer = await driver.request(path, body, _peer(request))
    if answer.body is None:
        return _Cut()
    # The exchange's refusals are plain text, or a bare `null`.
    kind = "application/json" if answer.status == 200 else "text/plain"
    return Response(answer.body, answer.status, media_type=kind)


async def _body(request: Request) -> bytes | None:
    """Read the body; None if it is too large. The rest of such a body is dropped by the server, not kept."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _too_large() -> Response:
    return PlainTextResponse(f"the body is above {BODY_BYTES_MAX} bytes", 413)


class _Cut(Response):
    """The connection ends without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send
        _cut(scope)
        while (await receive())["type"] != "http.disconnect":
            pass


async def _converse(driver: Driver, websocket: WebSocket, outbox: Outbox, grace_s: float) -> None:
    """Accept a connection; read and write until one side closes it."""
    await websocket.accept()
    async with asyncio.TaskGroup() as tasks:
        jobs = [
            tasks.create_task(job)
            for job in (
                _read(driver, websocket, outbox),
                _write(websocket, outbox),
                _hurry(websocket, outbox, grace_s),
            )
        ]
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in jobs:
            job.cancel()


async def _read(driver: Driver, websocket: WebSocket, outbox: Outbox) -> None:
    while (event := await websocket.receive())["type"] == "websocket.receive":
        text = event.get("text")
        driver.receive(outbox.connection, event["bytes"] if text is None else text.encode())


async def _write(websocket: WebSocket, outbox: Outbox) -> None:
    try:
        while isinstance(item := await outbox.take(), bytes):
            await websocket.send_text(item.decode())
        if item in UNSENDABLE_CODES:
            _cut(websocket.scope)
        else:
            await websocket.close(item)
    except WebSocketDisconnect:
        pass  # it went while it was written to


async def _hurry(websocket: WebSocket, outbox: Outbox, grace_s: float) -> None:
    await outbox.hurried.wait()
    await asyncio.sleep(grace_s)
    _cut(websocket.scope)
