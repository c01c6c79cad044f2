"""The socket of Hyperliquid: the session of streams on asyncio."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Self

import orjson

from algo_trade.errors import AlgoTradeError, EngineError
from algo_trade.hyperliquid.settings import MAINNET_WS_URL
from algo_trade.hyperliquid.stream.events import CatchUp, Close, Open, PostResult, Send, StreamEvent
from algo_trade.hyperliquid.stream.session import Session, StreamStatus
from algo_trade.hyperliquid.stream.transport import Transport, connect_picows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
    from types import TracebackType

    from algo_trade.hyperliquid.stream.fills import FillLog
    from algo_trade.hyperliquid.stream.settings import SessionSettings
    from algo_trade.hyperliquid.stream.subscription import Subscription
    from algo_trade.hyperliquid.stream.transport import Connect


async def leave(
    group: asyncio.TaskGroup,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    """Leave a group of tasks that serve somebody, who is told of their errors as a group, and of one of theirs as it is."""
    if kind is not None and issubclass(kind, asyncio.CancelledError):
        await group.__aexit__(kind, error, trace)
    else:
        await group.__aexit__(None, None, None)


# After this many events taken without a pause, others get their turn.
TURN = 256
BURST = 16
"""So many messages are taken at once; then others get their turn: what has become durable has to be sent, however many wait to be read."""
BACKLOG_MAX = 4_096
"""With more messages than this waiting, nothing is read meanwhile: the exchange is to notice."""


class HyperliquidWebSocket:
    """Streams of Hyperliquid that come back by themselves, over as few connections as its limits allow.

    It works between ``async with``, and gives events with ``async for``. What was missed while a connection was away is asked for
    and told once; a stream may be traded on only while a :class:`StreamChange` says that it is ``live``.

    Parameters
    ----------
    coins : our symbol for each name of the exchange that may be subscribed to
    url : of the socket; mainnet, unless told otherwise
    settings : limits and deadlines
    fetch : asks a question of ``/info`` and returns the body; raises OSError or AlgoTradeError when it cannot. None asks over the
        socket
    listener : called with each event as soon as its message has come, instead of ``async for``: some microseconds sooner
    after : called with the time once the listener was told all events of a message, if there were any
    tap : called with each message as it came and the time, before anything is made of it
    dexes : the lists of perpetuals on which accounts are looked up
    connect, clock, random : the socket, the time in nanoseconds since the epoch, and what spreads reconnections

    Examples
    --------
    ::

        async with HyperliquidWebSocket({"BTC": "BTC"}) as ws:
            ws.subscribe(Subscription("l2Book", coin="BTC", is_fast=True))
            async for event in ws:
                print(event)
    """

    def __init__(
        self,
        coins: Mapping[str, str],
        *,
        url: str = MAINNET_WS_URL,
        settings: SessionSettings | None = None,
        fetch: Callable[[dict[str, Any]], Awaitable[bytes]] | None = None,
        listener: Callable[[StreamEvent], None] | None = None,
        after: Callable[[int], None] | None = None,
        tap: Callable[[bytes, int], object] | None = None,
        dexes: Sequence[str] = ("",),
        connect: Connect = connect_picows,
        clock: Callable[[], int] = time.time_ns,
        random: Random | None = None,
    ) -> None:
        self._session = Session(coins, random=random or Random(), settings=settings, dexes=dexes)  # noqa: S311 -- no secret
        self._url = url
        self._fetch = fetch
        self._listener = listener
        self._after = after
        self._tap = tap
        self._connect = connect
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sockets: dict[int, asyncio.Task[None]] = {}
        self._transports: dict[int, Transport] = {}
        self._posts: dict[int, asyncio.Future[PostResult]] = {}
        self._news = asyncio.Event()
        self._earlier = asyncio.Event()
        self._until_ns: int | None = None
        self._is_telling = False
        self._taken = 0
        self._inbox: deque[tuple[int, bytes, int]] = deque()
        self._at_once = BURST
        self._has_turn = False

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._start(self._keep_time())
        self._work()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        for task in list(self._tasks):
            task.cancel()
        for post in self._posts.values():
            post.cancel()
        self._news.set()
        if group is not None:
            await leave(group, kind, error, trace)

    def subscribe(self, subscription: Subscription, *, fills: FillLog | None = None) -> None:
        """Want a stream; see :meth:`Session.subscribe`."""
        self._session.subscribe(subscription, self._clock(), fills=fills)
        self._work()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Give a stream up."""
        self._session.unsubscribe(subscription, self._clock())
        self._work()

    def status(self) -> list[StreamStatus]:
        """Return every stream with its state and age."""
        return self._session.status(self._clock())

    def fills(self, user: str) -> FillLog | None:
        """Return what is known of the fills of an account, to be kept over a restart."""
        return self._session.fills(user)

    def look_up(self, user: str) -> None:
        """Ask for everything of an account now; see :meth:`Session.look_up`."""
        self._session.look_up(user, self._clock())
        self._work()

    async def ask(self, question: dict[str, Any]) -> PostResult:
        """Ask a question of ``/info`` over the socket."""
        return await self._post(orjson.dumps(question), is_action=False)

    async def act(self, body: bytes) -> PostResult:
        """Send a signed action over the socket. If its outcome is unknown, it must not be sent again."""
        return await self._post(body, is_action=True)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        """Return the next event; the end comes when ``async with`` is left."""
        self._taken += 1
        if self._taken % TURN == 0:
            await asyncio.sleep(0)
        session = self._session
        while (event := session.next_event()) is None:
            if session.has_actions:
                self._work()
            if self._group is None:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return event

    # --- inside ---

    async def _post(self, payload: bytes, *, is_action: bool) -> PostResult:
        request = self._session.post(payload, self._clock(), is_action=is_action)
        answer: asyncio.Future[PostResult] = asyncio.get_running_loop().create_future()
        self._posts[request] = answer
        try:
            self._work()
            return await answer
        finally:
            del self._posts[request]

    def _received(self, socket: int, message: bytes) -> None:
        if self._at_once:
            self._at_once -= 1
            self._take(socket, message, self._clock())
        else:
            self._inbox.append((socket, message, self._clock()))
            if len(self._inbox) > BACKLOG_MAX:
                self._take_waiting(BACKLOG_MAX)
        if not self._has_turn:
            self._has_turn = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._take_waiting(BURST)
        self._has_turn = bool(self._inbox)
        if self._has_turn:
            asyncio.get_running_loop().call_soon(self._turn)
        else:
            self._at_once = BURST

    def _take_waiting(self, count: int) -> None:
        inbox = self._inbox
        for _ in range(min(count, len(inbox))):
            self._take(*inbox.popleft())

    def _take(self, socket: int, message: bytes, now_ns: int) -> None:
        session = self._session
        if self._tap is not None:
            self._tap(message, now_ns)
        session.received(socket, message, now_ns)
        if session.has_actions:
            self._work(now_ns)
        elif self._listener is None:
            self._news.set()
        else:
            self._tell(now_ns)

    def _tell(self, now_ns: int) -> None:
        listener, session = self._listener, self._session
        if listener is None or self._is_telling:
            return
        self._is_telling = True
        try:
            if (event := session.next_event()) is None:
                return
            while event is not None:
                listener(event)
                event = session.next_event()
            if self._after is not None:
                self._after(now_ns)
        finally:
            self._is_telling = False
        if session.has_actions:
            self._work()

    def _work(self, now_ns: int | None = None) -> None:
        """Do what the session asks for, pass on what it tells, and keep its next deadline."""
        if self._group is None:
            return
        session = self._session
        for action in session.actions():
            match action:
                case Send(socket, message):
                    transport = self._transports.get(socket)
                    if transport is not None:
                        transport.send(message)
                case Open(socket):
                    self._sockets[socket] = self._start(self._hold(socket))
                case Close(socket):
                    task = self._sockets.pop(socket, None)
                    if task is not None:
                        task.cancel()
                case CatchUp(request, question):
                    self._start(self._answer(request, question))
                case PostResult(request=request):
                    answer = self._posts.get(request)
                    if answer is not None and not answer.done():
                        answer.set_result(action)
        self._news.set()
        self._tell(self._clock() if now_ns is None else now_ns)
        due_ns = session.deadline_ns
        if due_ns is not None and (self._until_ns is None or due_ns < self._until_ns):
            self._earlier.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._group is None:
            raise EngineError("HyperliquidWebSocket: works inside `async with` only")
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _keep_time(self) -> None:
        session = self._session
        while True:
            self._until_ns = due_ns = session.deadline_ns
            self._earlier.clear()
            delay = None if due_ns is None else max(0.0, (due_ns - self._clock()) / 1e9)
            try:
                async with asyncio.timeout(delay):
                    await self._earlier.wait()
            except TimeoutError:
                session.due(self._clock())
                self._work()

    async def _hold(self, socket: int) -> None:
        """Open a socket and keep it until it is gone."""
        session = self._session
        try:
            transport = await self._connect(self._url, partial(self._received, socket))
        except OSError as error:
            self._sockets.pop(socket, None)
            session.closed(socket, self._clock(), str(error))
            self._work()
            return
        self._transports[socket] = transport
        try:
            session.opened(socket, self._clock())
            self._work()
            reason = await transport.wait_closed()
        finally:
            self._sockets.pop(socket, None)
            del self._transports[socket]
            transport.close()
        self._take_waiting(len(self._inbox))
        session.closed(socket, self._clock(), reason)
        self._work()

    async def _answer(self, request: int, question: dict[str, Any]) -> None:
        """Ask what a stream missed."""
        answer: Any
        try:
            if self._fetch is not None:
                answer = await self._fetch(question)
            else:
                result = await self.ask(question)
                if result.outcome != "answered":
                    raise ConnectionError(f"{question['type']}: {result.outcome}: {result.data}")
                answer = result.data
        except (OSError, AlgoTradeError):
            self._session.failed(request, self._clock())
        else:
            self._session.answered(request, answer, self._clock())
        self._work()
