"""A listening socket on this machine, a server that leaves signals to others, and the signals that end a process."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

CLOSE_S_MAX = 0.3
"""How long connections may take to end in good order."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    url: str
    ws_url: str

    @classmethod
    def of(cls, listener: socket.socket) -> Address:
        """Return the address of a listening socket."""
        host, port = listener.getsockname()[:2]
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return cls(f"http://{name}", f"ws://{name}/ws")


def is_loopback(host: str) -> bool:
    """Tell whether a host, as an address or a name, is this machine and nothing else."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int, *, why: str) -> socket.socket:
    """Open the socket that customers connect to.

    Parameters
    ----------
    host, port : where; port 0 is any free one
    why : why nobody else may reach it, for who tries

    Raises
    ------
    ParameterError
        The host is not this machine alone, or the port is taken or out of range.
    """
    if not is_loopback(host):
        raise ParameterError(f"host = {host}: must be 127.0.0.1, ::1 or localhost. {why}: nobody else may reach it")
    if not 0 <= port <= 65_535:
        raise ParameterError(f"port = {port}: must be 1 to 65535, or 0 for any free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1_024)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ParameterError(f"port = {port}: {reason.lower()}; choose another, or 0 for any free one") from error


@contextlib.contextmanager
def ends_by_signal(stop: asyncio.Event) -> Iterator[list[signal.Signals]]:
    """Set an event when SIGTERM or SIGINT comes; the list holds which of them came."""
    loop = asyncio.get_running_loop()
    came: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        came.append(number)
        stop.set()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, end, number)
    try:
        yield came
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


class ServerWithoutSignals(uvicorn.Server):
    """uvicorn's server without its signal handlers and its logs, and which does not wait for those who do not leave.

    Parameters
    ----------
    app : what it serves
    body_bytes_max : of a message of a WebSocket
    options : more for ``uvicorn.Config``
    """

    def __init__(self, app: ASGIApp, *, body_bytes_max: int, **options: Any) -> None:  # noqa: ANN401 -- as uvicorn takes them
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                # A customer's address is that of its socket, whatever it says.
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
                ws_max_size=body_bytes_max,
                **options,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the server."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all connections; those that have not ended in time are cut."""
        asyncio.get_running_loop().call_later(CLOSE_S_MAX, self._cut)
        await super().shutdown(sockets)

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
