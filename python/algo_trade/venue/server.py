"""The venue as a process: a listening socket, uvicorn on uvloop, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from algo_trade.errors import ParameterError
from algo_trade.venue.app import BODY_BYTES_MAX, is_loopback, make_app
from algo_trade.venue.clock import Clock
from algo_trade.venue.driver import Driver
from algo_trade.venue.machine import open_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from algo_trade.venue.machine import MachineMaker

CLOSE_S_MAX = 0.3
"""How long connections may take to end in good order, twice: for our close frames, and for the server's."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a venue listens."""

    url: str
    ws_url: str

    @classmethod
    def of(cls, listener: socket.socket) -> Address:
        """Return the address of a listening socket."""
        host, port = listener.getsockname()[:2]
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return cls(f"http://{name}", f"ws://{name}/ws")


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that customers connect to.

    Raises
    ------
    ParameterError
        The host is not this machine alone, or the port is taken or out of range.
    """
    if not is_loopback(host):
        raise ParameterError(
            f"host = {host}: must be 127.0.0.1, ::1 or localhost. The local venue knows no passwords and no encryption, "
            "and gives money away: nobody else may reach it"
        )
    if not 0 <= port <= 65_535:
        raise ParameterError(f"port = {port}: must be 1 to 65535, or 0 for any free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1_024)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ParameterError(f"port = {port}: {reason.lower()}; choose another, or 0 for any free one") from error


def run(
    options: Mapping[str, object],
    *,
    control_token: str,
    announce: Callable[[Address], None],
    host: str = "127.0.0.1",
    port: int = 3001,
    speed: float = 1,
    make: MachineMaker | None = None,
) -> signal.Signals:
    """Run a venue until SIGTERM or SIGINT; return which of them came.

    Parameters
    ----------
    options : mapping
        Of the machine, see `open_machine`.
    control_token : str
        Opens ``/control``.
    announce : function
        Called once customers may come.
    host, port : str, int
        Where to listen; port 0 is any free one.
    speed : float
        Seconds of the venue in a second.
    make : function, the compiled core's ``LocalVenue`` by default

    Raises
    ------
    AlgoTradeError
        The options do not fit, or the machine failed while it ran.
    """
    with contextlib.closing(listen(host, port)) as listener:
        clock = Clock(speed=speed)
        machine = open_machine(options, clock, make=make)

        async def main() -> signal.Signals:
            loop = asyncio.get_running_loop()
            stop = asyncio.Event()
            came: list[signal.Signals] = []

            def end(number: signal.Signals) -> None:
                came.append(number)
                stop.set()

            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, end, number)
            announce(Address.of(listener))
            await serve(Driver(machine, clock), listener, control_token=control_token, stop=stop)
            return came[0]

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())


async def serve(driver: Driver, listener: socket.socket, *, control_token: str, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, or until the machine fails: what it raised is raised here, once everybody was sent home."""
    server = _Server(
        uvicorn.Config(
            make_app(driver, control_token=control_token),
            http=_Protocol,
            ws=WebSocketsSansIOProtocol,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            # A customer's address is that of its socket, whatever it says.
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            ws_max_size=BODY_BYTES_MAX,
            # The protocol has its own pings, and the machine its own patience; compression is not worth it on one machine.
            ws_ping_interval=None,
            ws_per_message_deflate=False,
        )
    )
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listener]))
        driving = tasks.create_task(driver.run())
        stopping = tasks.create_task(stop.wait())
        try:
            await asyncio.wait({serving, driving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await driver.close(CLOSE_S_MAX)
            server.should_exit = True
            await asyncio.wait({serving})
            driving.cancel()
            stopping.cancel()
    if not driving.cancelled():
        raise driving.result()


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP, which also gives the application the transport: cutting a connection needs it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, and which does not wait for those who do not leave."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(CLOSE_S_MAX, self._cut)
        await super().shutdown(sockets)

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
