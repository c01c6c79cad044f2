"""A local venue for tests, beside the test that uses it: its own thread, its own event loop, real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import secrets
import threading
from typing import TYPE_CHECKING, Any, Self

import orjson
import uvloop

from algo_trade.errors import EngineError, ParameterError
from algo_trade.venue.clock import Clock
from algo_trade.venue.driver import Driver
from algo_trade.venue.machine import open_machine
from algo_trade.venue.server import WHY, serve
from algo_trade.web import Address, listen

if TYPE_CHECKING:
    import socket
    from types import TracebackType

    from algo_trade.venue.machine import MachineMaker, VenueMachine
    from algo_trade.venue.outbox import Allowance

ANSWER_S_MAX = 30


class RunningVenue:
    """A venue on a free port of this machine, from `running_venue`. It runs inside ``with`` or ``async with``.

    Attributes
    ----------
    url, ws_url : str
        Where customers find it.
    control_token : str
        Opens ``/control``.
    """

    def __init__(
        self,
        options: dict[str, object],
        *,
        host: str,
        speed: float,
        allowance: Allowance | None,
        make: MachineMaker | None,
    ) -> None:
        self._options = options
        self._host = host
        self._speed = speed
        self._allowance = allowance
        self._make = make
        self._failure: BaseException | None = None
        self._thread: threading.Thread
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self.url = self.ws_url = ""
        self.control_token = secrets.token_urlsafe(24)

    def control(self, *wishes: str, **more: object) -> list[Any]:
        """Do what an operator can, in order: words such as ``"statistics"``, and wishes with a value, such as ``post_only=True``.

        Returns
        -------
        list
            An answer for each.

        Raises
        ------
        ParameterError
            One of them cannot be done; those before it were.
        EngineError
            The venue has died.
        """
        body = orjson.dumps([*wishes, *({name: value} for name, value in more.items())], default=str)
        headers = {"Authorization": f"Bearer {self.control_token}"}
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=ANSWER_S_MAX)
        try:
            with contextlib.closing(connection):
                connection.request("POST", "/control", body, headers)
                response = connection.getresponse()
                text = response.read()
        except OSError as error:
            raise self._died() from error
        if response.status != 200:
            raise self._died()
        document = orjson.loads(text)
        if "error" in document:
            raise ParameterError(f"control of the local venue: {document['error']}")
        done: list[Any] = document["done"]
        return done

    def __enter__(self) -> Self:
        clock = Clock(speed=self._speed)
        machine = open_machine(self._options, clock, make=self._make)
        listener = listen(self._host, 0, why=WHY)
        address = Address.of(listener)
        self.url, self.ws_url = address.url, address.ws_url
        self._thread = threading.Thread(
            target=self._run, args=(machine, clock, listener), name="local venue", daemon=True
        )
        self._loop = uvloop.new_event_loop()
        self._stop = asyncio.Event()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The loop is closed where the venue has died by itself.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None:
            raise self._died() from self._failure

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def _run(self, machine: VenueMachine, clock: Clock, listener: socket.socket) -> None:
        async def main() -> None:
            driver = Driver(machine, clock, allowance=self._allowance)
            await serve(driver, listener, control_token=self.control_token, stop=self._stop)

        try:
            with contextlib.closing(listener), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(main())
        except BaseException as failure:  # noqa: BLE001 -- it is raised where the test can see it
            self._failure = failure

    def _died(self) -> EngineError:
        return EngineError(f"the local venue at {self.url} has died: {self._failure or 'it does not answer'}")


def running_venue(
    *,
    host: str = "127.0.0.1",
    speed: float = 1,
    allowance: Allowance | None = None,
    make: MachineMaker | None = None,
    **options: object,
) -> RunningVenue:
    """Make a local venue that runs inside ``with`` or ``async with``, on a free port.

    Parameters
    ----------
    host : str
        A loopback address.
    speed : float
        Seconds of the venue in a second.
    allowance : Allowance
        What may wait for a slow reader.
    make : function, the compiled core's ``LocalVenue`` by default
    **options
        Of the machine, such as ``seed=1`` or ``local={"block_ms": 10}``; it checks them.

    Raises
    ------
    ParameterError
        On entering: an option does not fit.
    EngineError
        On leaving: the venue has died meanwhile.

    Examples
    --------
    >>> with running_venue(seed=7, symbols=2) as venue:  # doctest: +SKIP
    ...     exchange = Exchange(wallet, venue.url)
    """
    return RunningVenue(options, host=host, speed=speed, allowance=allowance, make=make)
