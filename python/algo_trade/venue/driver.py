"""The one owner of the machine: it says what time it is, wakes it, and carries what it says to whoever waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from algo_trade.venue.outbox import Allowance, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.venue.clock import Clock
    from algo_trade.venue.machine import VenueMachine

T = TypeVar("T")

GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013

CLOSING = b"the venue is closing"

PAUSE_S_MIN = 0.001
"""Between two wakings: a machine that is late catches up in one, and one that never is done does not eat the processor."""

PAUSE_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets; without a body its connection is cut."""

    status: int
    body: bytes | None


@dataclass(frozen=True, slots=True)
class _Due:
    """An answer, and when it leaves, by the loop's clock."""

    answer: Answer
    time_s: float


class Driver:
    """A machine, a clock, and everybody who waits for something. Everything happens on one event loop.

    Parameters
    ----------
    machine : VenueMachine
    clock : Clock
    allowance : Allowance
        What may wait for the reader of a connection; then the connection is closed with 1013.

    Attributes
    ----------
    slow_readers : int
        Connections that were closed because their readers did not keep up.
    """

    def __init__(self, machine: VenueMachine, clock: Clock, *, allowance: Allowance | None = None) -> None:
        self.slow_readers = 0
        self._machine = machine
        self._clock = clock
        self._allowance = allowance or Allowance()
        self._waiting: dict[int, asyncio.Future[_Due]] = {}
        self._outboxes: dict[int, Outbox] = {}
        self._wake = asyncio.Event()
        self._awaited_ns = 0
        self._failure: BaseException | None = None
        self._stopped = asyncio.Event()
        self._emptied = asyncio.Event()

    @property
    def now_ns(self) -> int:
        """The venue's time."""
        return self._clock.now_ns()

    @property
    def broken(self) -> str | None:
        """Why the market stands still, if it does."""
        return self._machine.broken

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._outboxes)

    @property
    def requests(self) -> int:
        """How many requests wait for the machine's answer."""
        return len(self._waiting)

    async def run(self) -> BaseException:
        """Wake the machine whenever it wants to be, until it fails; return what it raised, here or in any other call."""
        while self._failure is None:
            if self._machine.deadline() <= self._clock.now_ns():
                try:
                    self._tell(self._machine.advance)
                except BaseException as error:  # noqa: BLE001 -- a panic of the core is no Exception; who runs us raises it
                    return error
            self._awaited_ns = self._machine.deadline()
            self._wake.clear()
            pause_s = self._clock.seconds(self._awaited_ns - self._clock.now_ns())
            try:
                async with asyncio.timeout(min(max(pause_s, PAUSE_S_MIN), PAUSE_S_MAX)):
                    await self._wake.wait()
            except TimeoutError:
                pass  # time to wake it
        return self._failure

    async def request(self, path: str, body: bytes, peer: str) -> Answer:
        """Ask the machine, and wait for its answer and for the answer's delay."""
        if self._stopped.is_set():
            return Answer(503, CLOSING)
        loop = asyncio.get_running_loop()
        due: asyncio.Future[_Due] = loop.create_future()

        def ask(now_ns: int) -> None:
            self._waiting[self._machine.request(path, body, peer, now_ns)] = due

        self._tell(ask)
        answered = await due
        delay_s = answered.time_s - loop.time()
        if delay_s <= 0:
            return answered.answer
        try:
            async with asyncio.timeout(delay_s):
                await self._stopped.wait()
        except TimeoutError:
            return answered.answer
        return Answer(503, CLOSING)

    def connect(self, peer: str) -> Outbox | str:
        """Open a connection: what is on its way to it, or the text of the refusal."""
        if self._stopped.is_set():
            return CLOSING.decode()

        def open_(now_ns: int) -> Outbox | str:
            connection = self._machine.connect(peer, now_ns)
            if isinstance(connection, str):
                return connection
            outbox = self._outboxes[connection] = Outbox(connection, self._allowance)
            return outbox

        return self._tell(open_)

    def receive(self, connection: int, message: bytes) -> None:
        """Hand a message over; one of a connection that has ended is dropped."""
        if connection in self._outboxes and not self._stopped.is_set():
            self._tell(lambda now_ns: self._machine.receive(connection, message, now_ns))

    def disconnect(self, connection: int) -> None:
        """Say that a connection has ended; only the first time counts."""
        if self._outboxes.pop(connection, None) is not None and self._failure is None:
            self._tell(lambda now_ns: self._machine.disconnect(connection, now_ns))
        if not self._outboxes:
            self._emptied.set()

    def control(self, body: bytes) -> Answer:
        """Pass on what an operator asks."""
        if self._stopped.is_set():
            return Answer(503, CLOSING)
        return Answer(200, self._tell(lambda now_ns: self._machine.control(body, now_ns)))

    def stop(self) -> None:
        """Answer every request with 503, and close every connection with 1001. From now on nobody is let in."""
        self._stopped.set()
        now_s = asyncio.get_running_loop().time()
        for due in self._waiting.values():
            if not due.done():
                due.set_result(_Due(Answer(503, CLOSING), now_s))
        self._waiting.clear()
        for outbox in self._outboxes.values():
            outbox.end(GOING_AWAY)

    async def close(self, grace_s: float) -> None:
        """Stop, and wait until every connection has ended, for so long at most."""
        self.stop()
        self._emptied.clear()
        try:
            async with asyncio.timeout(grace_s):
                while self._outboxes:
                    await self._emptied.wait()
        except TimeoutError:
            pass  # whoever is left does not read, and is cut

    def _tell(self, what: Callable[[int], T]) -> T:
        """Call the machine and carry out what it says. If it fails everything stops, and `run` returns."""
        try:
            result = what(self._clock.now_ns())
            self._carry_out()
            if self._machine.deadline() < self._awaited_ns:
                self._wake.set()
        except BaseException as error:  # a panic of the core is no Exception
            self._failure = error
            self.stop()
            self._wake.set()
            raise
        return result

    def _carry_out(self) -> None:
        now_s = asyncio.get_running_loop().time()
        # Closing the connection of a slow reader may cause something new.
        while outgoing := self._machine.drain():
            for out in outgoing:
                if out[0] == "answer":
                    _, ticket, status, body, delay_ns = out
                    due = self._waiting.pop(ticket, None)
                    if due is not None and not due.done():
                        due.set_result(_Due(Answer(status, body), now_s + self._clock.seconds(delay_ns)))
                elif out[0] == "message":
                    _, connection, text, delay_ns = out
                    outbox = self._outboxes.get(connection)
                    if outbox is not None and not outbox.put(text, self._clock.seconds(delay_ns)):
                        self._drop(outbox)
                else:
                    _, connection, code, delay_ns = out
                    outbox = self._outboxes.get(connection)
                    if outbox is not None:
                        outbox.close(code, self._clock.seconds(delay_ns))

    def _drop(self, outbox: Outbox) -> None:
        self.slow_readers += 1
        outbox.end(TRY_AGAIN_LATER)
        del self._outboxes[outbox.connection]
        self._machine.disconnect(outbox.connection, self._clock.now_ns())
