"""What every request has to pass: the right name, no foreign page, and a body that is not too large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.websockets import WebSocket

from algo_trade.api.problems import Problem
from algo_trade.web import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX: Final = 1 << 20


class Guard:
    """Refuses what was sent to another name (400), what another site's page sends (403), and bodies without end (413).

    A page may be made to lead here by its name, or to post here without reading the answer; neither can forge these two headers.

    Parameters
    ----------
    app : what is guarded
    origins : pages that may
    """

    def __init__(self, app: ASGIApp, origins: Collection[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        problem = self._problem(Headers(scope=scope))
        if problem is None:
            await self._app(scope, _bounded(receive), send)
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(problem)
        else:
            await problem(scope, receive, send)

    def _problem(self, headers: Headers) -> Problem | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not is_loopback(_without_port(hosts[0])):
            return Problem(400, "Host: must be 127.0.0.1, [::1] or localhost")
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins and not _is_same(origin, hosts[0]):
            return Problem(403, f"Origin: {origin[:200]} may not call this API: server.origins lists those that may")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            return Problem(413, f"the body is above {BODY_BYTES_MAX} bytes")
        return None


class Discreet:
    """Takes out of problem documents what is secret: they quote what was sent.

    Parameters
    ----------
    app : what answers
    redact : takes secrets out of a text
    """

    def __init__(self, app: ASGIApp, redact: Callable[[str], str]) -> None:
        self._app = app
        self._redact = redact

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        start: Message | None = None

        async def discreet(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
                return
            if start is not None and message["type"] == "http.response.body":
                body = self._redact(message["body"].decode()).encode()
                headers = MutableHeaders(raw=start["headers"])
                headers["content-length"] = str(len(body))
                await send(start)
                start, message = None, {**message, "body": body}
            await send(message)

        await self._app(scope, receive, discreet if scope["type"] == "http" else send)


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type") == Problem.media_type


def _bounded(receive: Receive) -> Receive:
    """End bodies that say nothing of their length and go on for too long."""
    total = 0

    async def bounded() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        return {"type": "http.disconnect"} if total > BODY_BYTES_MAX else message

    return bounded


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_same(origin: str, host: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc == host
