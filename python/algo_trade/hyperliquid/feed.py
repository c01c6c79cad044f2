"""The markets for many at once: one socket, each stream once, and each hears what it asked for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

from algo_trade._native import Bar, BookSnapshot, MarketContext, Quote, Trade
from algo_trade.core.protocols import FeedChange
from algo_trade.errors import ParameterError
from algo_trade.hyperliquid.provider import streams_of
from algo_trade.hyperliquid.settings import MAINNET_WS_URL
from algo_trade.hyperliquid.stream.events import StreamChange
from algo_trade.hyperliquid.stream.subscription import INTERVALS_NS, Subscription, bar_length_ns
from algo_trade.hyperliquid.websocket import HyperliquidWebSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from algo_trade.core.protocols import MarketEvent
    from algo_trade.hyperliquid.stream.events import StreamEvent, StreamState
    from algo_trade.hyperliquid.stream.session import StreamStatus
    from algo_trade.hyperliquid.stream.settings import SessionSettings
    from algo_trade.strategy import Needs


class FeedListener(Protocol):
    """Who hears the markets."""

    def hear(self, events: list[MarketEvent], now_ns: int) -> None:
        """Take the events of one message, which came at ``now_ns``."""
        ...

    def feed_changed(self, change: FeedChange) -> None:
        """Take note whether a symbol may be traded on now."""
        ...


class Ear(Protocol):
    """Who hears everything: messages as they come, and what is made of them."""

    def hear(self, message: bytes, now_ns: int) -> None:
        """Take a message."""
        ...

    def told(self, event: StreamEvent) -> None:
        """Take an event, before the listeners."""
        ...


@dataclass(eq=False, slots=True)
class Seat:
    """A listener with what it asked for."""

    listener: FeedListener
    streams: dict[str, list[Subscription]]
    live: set[str] = field(default_factory=set)
    pending: list[MarketEvent] = field(default_factory=list)


class MarketFeed:
    """Market events for any number of listeners, for the time of an ``async with``.

    Parameters
    ----------
    coins : our symbol for each of the exchange's names that may be asked for
    url, settings : of the socket
    notice : hears of everything that is not for a listener: history, gaps, what could not be read, states of streams
    recorder : hears everything, for whoever writes it down
    options : ``fetch``, ``connect``, ``clock``, ``random``, ``dexes`` of :class:`HyperliquidWebSocket`
    """

    def __init__(
        self,
        coins: Mapping[str, str],
        *,
        url: str = MAINNET_WS_URL,
        settings: SessionSettings | None = None,
        notice: Callable[[StreamEvent], None] | None = None,
        recorder: Ear | None = None,
        **options: Any,  # noqa: ANN401 -- those of HyperliquidWebSocket
    ) -> None:
        self._names = {symbol: coin for coin, symbol in coins.items()}
        self._notice = notice
        self._socket = HyperliquidWebSocket(
            coins,
            url=url,
            settings=settings,
            listener=self._hear,
            after=self._told,
            tap=None if recorder is None else recorder.hear,
            **options,
        )
        self._recorder = recorder
        self._states: dict[Subscription, StreamState] = {}
        self._seats: dict[Subscription, list[Seat]] = {}
        # By kind of event and symbol; of bars, by their length too.
        self._by_kind: dict[type, dict[Any, list[Seat]]] = {
            kind: {} for kind in (Quote, Trade, BookSnapshot, MarketContext, Bar)
        }
        self._waiting: list[Seat] = []
        # For who comes later: prices are told when they change.
        self._latest: dict[tuple[type, str], MarketEvent] = {}
        self._clock: Callable[[], int] = options.get("clock", time.time_ns)

    async def __aenter__(self) -> Self:
        await self._socket.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.__aexit__(kind, error, trace)

    def status(self) -> list[StreamStatus]:
        """Return every stream with its state and age."""
        return self._socket.status()

    def join(self, listener: FeedListener, symbols: Sequence[str], needs: Needs, *, interval: str) -> Seat:
        """Begin to tell a listener of symbols what it needs; bars of this interval.

        Raises
        ------
        ParameterError
            A symbol is not listed.
        """
        unknown = [symbol for symbol in symbols if symbol not in self._names]
        if unknown:
            raise ParameterError(f"symbol = {unknown[0]!r}: the exchange lists no such perpetual")
        streams = {symbol: streams_of(self._names[symbol], needs, interval=interval) for symbol in symbols}
        seat = Seat(listener, streams)
        for symbol, wanted in streams.items():
            for kind, key in _keys(symbol, wanted):
                self._by_kind[kind].setdefault(key, []).append(seat)
                if (latest := self._latest.get((kind, key))) is not None:
                    seat.pending.append(latest)
            for stream in wanted:
                self._seats.setdefault(stream, []).append(seat)
                self._states.setdefault(stream, "waiting")
                self._socket.subscribe(stream)
            self._look(seat, symbol, "", 0)
        if seat.pending:
            self._waiting.append(seat)
            asyncio.get_running_loop().call_soon(lambda: self._told(self._clock()))
        return seat

    def leave(self, seat: Seat) -> None:
        """Tell a listener nothing any more, and give up streams that nobody else needs."""
        for symbol, wanted in seat.streams.items():
            for kind, key in _keys(symbol, wanted):
                self._by_kind[kind][key].remove(seat)
            for stream in wanted:
                self._seats[stream].remove(seat)
                self._socket.unsubscribe(stream)
                if not self._seats[stream]:
                    del self._seats[stream], self._states[stream]
            for place in [
                place for place in self._latest if place[1] == symbol and not self._by_kind[place[0]][symbol]
            ]:
                del self._latest[place]
        seat.streams, seat.pending = {}, []

    def _hear(self, event: StreamEvent) -> None:
        if self._recorder is not None:
            self._recorder.told(event)
        kind = type(event)
        seats = self._by_kind.get(kind)
        if seats is None:
            if isinstance(event, StreamChange):
                self._changed(event)
            if self._notice is not None:
                self._notice(event)
            return
        key: Any = event.symbol  # type: ignore[union-attr]
        if kind is Bar:
            key = (key, bar_length_ns(event.resolution_ns))  # type: ignore[union-attr]
        elif kind is not Trade:
            self._latest[kind, key] = event  # type: ignore[assignment]
        for seat in seats.get(key, ()):
            if not seat.pending:
                self._waiting.append(seat)
            seat.pending.append(event)  # type: ignore[arg-type]

    def _told(self, now_ns: int) -> None:
        waiting, self._waiting = self._waiting, []
        for seat in waiting:
            events, seat.pending = seat.pending, []
            if events:
                seat.listener.hear(events, now_ns)

    def _changed(self, event: StreamChange) -> None:
        stream = event.subscription
        if stream not in self._states:
            return
        self._states[stream] = event.state
        for seat in list(self._seats[stream]):
            for symbol, wanted in seat.streams.items():
                if stream in wanted:
                    self._look(seat, symbol, f"{stream}: {event.reason or event.state}", event.time_ns)

    def _look(self, seat: Seat, symbol: str, reason: str, time_ns: int) -> None:
        """Tell a listener if it may trade on a symbol now, and could not before, or the other way round."""
        is_live = all(self._states[stream] == "live" for stream in seat.streams[symbol])
        if is_live != (symbol in seat.live):
            (seat.live.add if is_live else seat.live.discard)(symbol)
            seat.listener.feed_changed(FeedChange(symbol, is_live, "" if is_live else reason, time_ns))


def _keys(symbol: str, wanted: Sequence[Subscription]) -> list[tuple[type, Any]]:
    """Return where events of these streams are looked up; the two streams of a book are one."""
    kinds: dict[str, type] = {"bbo": Quote, "activeAssetCtx": MarketContext, "trades": Trade, "l2Book": BookSnapshot}
    keys = {(kinds[stream.kind], symbol): None for stream in wanted if stream.kind in kinds}
    bars = [(Bar, (symbol, INTERVALS_NS[stream.interval])) for stream in wanted if stream.interval is not None]
    return [*keys, *bars]
