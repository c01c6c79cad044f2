"""The venue as a process: a listening socket, uvicorn on uvloop, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from algo_trade.venue.app import BODY_BYTES_MAX, make_app
from algo_trade.venue.clock import Clock
from algo_trade.venue.driver import Driver
from algo_trade.venue.machine import open_machine
from algo_trade.web import Address, ServerWithoutSignals, ends_by_signal, listen
from algo_trade.web.listening import CLOSE_S_MAX

if TYPE_CHECKING:
    import signal
    import socket
    from collections.abc import Callable, Mapping

    from algo_trade.venue.machine import MachineMaker

WHY: Final = "The local venue knows no passwords and no encryption, and gives money away"


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
    with contextlib.closing(listen(host, port, why=WHY)) as listener:
        clock = Clock(speed=speed)
        machine = open_machine(options, clock, make=make)

        async def main() -> signal.Signals:
            stop = asyncio.Event()
            with ends_by_signal(stop) as came:
                announce(Address.of(listener))
                await serve(Driver(machine, clock), listener, control_token=control_token, stop=stop)
            return came[0]

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())


async def serve(driver: Driver, listener: socket.socket, *, control_token: str, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, or until the machine fails: what it raised is raised here, once everybody was sent home."""
    server = ServerWithoutSignals(
        make_app(driver, control_token=control_token),
        body_bytes_max=BODY_BYTES_MAX,
        http=_Protocol,
        ws=WebSocketsSansIOProtocol,
        # The protocol has its own pings, and the machine its own patience; compression is not worth it on one machine.
        ws_ping_interval=None,
        ws_per_message_deflate=False,
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
