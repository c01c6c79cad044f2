"""A network without a wire: one seed decides what is late, cut, silent, or told twice."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson

from algo_trade.hyperliquid.stream import CatchUp, Close, Open, PostResult, Send, StreamChange
from tests.hyperliquid.stream.exchange import MS, Exchange, Push

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from algo_trade.hyperliquid.stream import Session

# Nobody can see that one of these was lost within a connection that lives: nothing counts them, and nothing says them again.
UNREPEATED = {"trades", "candle"}
START_MS = 1_700_000_000_000


@dataclass(frozen=True)
class Faults:
    """Chances, of each message, socket or answer."""

    delay_ms: int = 1
    drop: float = 0.0
    twice: float = 0.0
    cut: float = 0.0
    freeze: float = 0.0
    refuse: float = 0.0
    fail: float = 0.0


CALM = Faults()


class Network:
    """Drives a session against an exchange in simulated time, and keeps every event that it told."""

    def __init__(self, session: Session, exchange: Exchange, random: Random, faults: Faults = CALM) -> None:
        self.session = session
        self.exchange = exchange
        self.random = random
        self.faults = faults
        self.now_ms = exchange.now_ms = START_MS
        self.events: list[Any] = []
        self.results: list[PostResult] = []
        self.is_taking = True
        self.sockets: set[int] = set()
        self.frozen: set[int] = set()
        self.opens: list[int] = []
        self.sends: list[int] = []
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._lanes: dict[object, int] = {}

    @property
    def now_ns(self) -> int:
        return self.now_ms * MS

    def at(self, delay_ms: int, call: Callable[[], None], lane: object = None) -> None:
        """Let something happen later; what shares a lane keeps its order."""
        when = self.now_ms + delay_ms
        if lane is not None:
            when = self._lanes[lane] = max(when, self._lanes.get(lane, 0))
        heapq.heappush(self._queue, (when, next(self._order), call))

    def every(self, period_ms: int, act: Callable[[], list[Push]], until_ms: int) -> None:
        """Let the exchange act again and again."""

        def again() -> None:
            self.push(act())
            if self.now_ms < until_ms:
                self.at(1 + self.random.randrange(2 * period_ms), again)

        self.at(self.random.randrange(period_ms), again)

    def run(self, until_ms: int) -> None:
        """Let time pass."""
        self.settle()
        while True:
            due = self.session.deadline_ns
            next_ms = min(self._queue[0][0] if self._queue else until_ms + 1, until_ms + 1)
            if due is not None:
                next_ms = min(next_ms, max(self.now_ms, -(-due // MS)))
            if next_ms > until_ms:
                break
            self.now_ms = self.exchange.now_ms = max(self.now_ms, next_ms)
            while self._queue and self._queue[0][0] <= self.now_ms:
                heapq.heappop(self._queue)[2]()
            self.session.due(self.now_ns)
            self.settle()
        self.now_ms = self.exchange.now_ms = until_ms

    def pass_time(self, seconds: float) -> None:
        self.run(self.now_ms + round(seconds * 1000))

    def settle(self) -> None:
        """Do what the session asks for, and take its events."""
        while True:
            if self.is_taking:
                while (event := self.session.next_event()) is not None:
                    self.events.append(event)
            if not self.session.has_actions:
                return
            for action in self.session.actions():
                self.carry_out(action)

    def carry_out(self, action: Any) -> None:
        chance, faults = self.random.random, self.faults
        match action:
            case Open(socket):
                self.opens.append(self.now_ms)
                refused = chance() < faults.refuse
                self.at(self.delay(), lambda: self.open(socket, is_refused=refused))
            case Close(socket):
                self.sockets.discard(socket)
                self.frozen.discard(socket)
                self.exchange.disconnect(socket)
            case Send(socket, message):
                self.sends.append(self.now_ms)
                self.at(self.delay(), lambda: self.arrive(socket, message), ("up", socket))
            case PostResult():
                self.results.append(action)
            case CatchUp(request, question):
                if chance() < faults.drop:
                    return
                fails = chance() < faults.fail
                self.at(self.delay(), lambda: self.answer(request, question, fails=fails))

    def delay(self) -> int:
        return self.random.randrange(self.faults.delay_ms) + 1

    def open(self, socket: int, *, is_refused: bool) -> None:
        if is_refused:
            self.session.closed(socket, self.now_ns, "refused")
            return
        self.sockets.add(socket)
        self.exchange.connect(socket)
        self.session.opened(socket, self.now_ns)

    def arrive(self, socket: int, message: bytes) -> None:
        if socket in self.sockets and socket not in self.frozen:
            self.push(self.exchange.take(socket, message))

    def answer(self, request: int, question: dict[str, Any], *, fails: bool) -> None:
        if fails:
            self.session.failed(request, self.now_ns)
            return
        body = orjson.dumps(self.exchange.info(question))
        self.at(self.delay(), lambda: self.session.answered(request, body, self.now_ns))

    def push(self, pushes: list[Push]) -> None:
        """Send messages on their way. Each channel of a socket keeps its order, channels do not wait for each other."""
        chance, faults = self.random.random, self.faults
        for socket, message in pushes:
            if socket in self.frozen or socket not in self.sockets:
                continue
            if chance() < faults.freeze:
                self.frozen.add(socket)
                continue
            if chance() < faults.cut:
                self.cut(socket)
                continue
            channel = orjson.loads(message)["channel"]
            if chance() < faults.drop and channel not in UNREPEATED:
                continue
            for _ in range(2 if chance() < faults.twice else 1):
                self.at(self.delay(), lambda s=socket, m=message: self.deliver(s, m), (socket, channel))  # type: ignore[misc]

    def deliver(self, socket: int, message: bytes) -> None:
        if socket in self.sockets and socket not in self.frozen:
            self.session.received(socket, message, self.now_ns)

    def cut(self, socket: int) -> None:
        self.sockets.discard(socket)
        self.exchange.disconnect(socket)
        self.session.closed(socket, self.now_ns, "cut")

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def states(self) -> dict[str, str]:
        """The last state that was told of each stream."""
        return {str(event.subscription): event.state for event in self.told(StreamChange)}
