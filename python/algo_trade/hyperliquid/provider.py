"""Hyperliquid's markets as they happen."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final, Self

from algo_trade._native import Bar, BookSnapshot, MarketContext, Quote, Trade
from algo_trade.core.protocols import BookKind, FeedChange, MarketEvent
from algo_trade.hyperliquid.settings import MAINNET_WS_URL
from algo_trade.hyperliquid.stream.events import StreamChange, StreamEvent
from algo_trade.hyperliquid.stream.subscription import Subscription
from algo_trade.hyperliquid.websocket import HyperliquidWebSocket
from algo_trade.strategy import Needs, needs_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from types import TracebackType

    from algo_trade.hyperliquid.stream.settings import SessionSettings

_MARKET: Final = (BookSnapshot, Quote, Trade, MarketContext, Bar)
DEFAULT_INTERVAL: Final = "1m"


def streams_of(coin: str, needs: Needs, *, interval: str = DEFAULT_INTERVAL) -> list[Subscription]:
    """Return the streams of a coin that are needed: best prices, the prices of positions, and what strategies hear."""
    wanted = [Subscription("bbo", coin=coin), Subscription("activeAssetCtx", coin=coin)]
    if needs.trades:
        wanted.append(Subscription("trades", coin=coin))
    if needs.levels:
        # Five levels often, twenty now and then: each alone would leave the strategy blind in time or in depth.
        wanted += [Subscription("l2Book", coin=coin, is_fast=True), Subscription("l2Book", coin=coin)]
    if needs.bars:
        wanted.append(Subscription("candle", coin=coin, interval=interval))
    return wanted


class LiveDataProvider:
    """Market events of Hyperliquid, for the time of an ``async with``: an :class:`AsyncDataProvider`.

    A symbol is good to trade on while the last :class:`FeedChange` of it is live: all its streams speak and none is late. Trades from
    before a stream began are not given: they must not be acted on.

    Parameters
    ----------
    coins : our symbol for each of the exchange's names
    strategies : what is subscribed to is what they need
    interval : of the bars, for strategies that hear bars
    url, settings : of the socket
    notice : hears of everything else: history, gaps, refusals, what could not be read, states of streams
    options : ``fetch``, ``connect``, ``clock``, ``random``, ``dexes`` of :class:`HyperliquidWebSocket`
    """

    def __init__(
        self,
        coins: Mapping[str, str],
        *,
        strategies: Sequence[object] = (),
        interval: str = DEFAULT_INTERVAL,
        url: str = MAINNET_WS_URL,
        settings: SessionSettings | None = None,
        notice: Callable[[StreamEvent], None] | None = None,
        **options: Any,  # noqa: ANN401 -- those of HyperliquidWebSocket
    ) -> None:
        self._coins = dict(coins)
        self._notice = notice
        needs = reduce(or_, map(needs_of, strategies), Needs())
        self._streams = {
            symbol: dict.fromkeys(streams_of(coin, needs, interval=interval), "waiting")
            for coin, symbol in self._coins.items()
        }
        self._live: set[str] = set()
        self._market = HyperliquidWebSocket(self._coins, url=url, settings=settings, **options)

    @property
    def symbols(self) -> list[str]:
        """Every symbol, in the order of ``coins``."""
        return list(self._coins.values())

    @property
    def books(self) -> dict[str, BookKind]:
        """``l2`` where a strategy looks at levels, else ``quote``."""
        return {
            symbol: "l2" if any(stream.kind == "l2Book" for stream in streams) else "quote"
            for symbol, streams in self._streams.items()
        }

    @property
    def market(self) -> HyperliquidWebSocket:
        """The socket of the markets."""
        return self._market

    def is_live(self, symbol: str) -> bool:
        """Return whether a symbol may be traded on now."""
        return symbol in self._live

    async def __aenter__(self) -> Self:
        await self._market.__aenter__()
        for streams in self._streams.values():
            for stream in streams:
                self._market.subscribe(stream)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._market.__aexit__(kind, error, trace)

    async def __aiter__(self) -> AsyncIterator[MarketEvent | FeedChange]:
        """Yield what happens on the markets."""
        async for event in self._market:
            if isinstance(event, _MARKET):
                yield event
                continue
            if isinstance(event, StreamChange) and (change := self._changed(event)) is not None:
                yield change
            if self._notice is not None:
                self._notice(event)

    def _changed(self, event: StreamChange) -> FeedChange | None:
        """Return how a change of a stream changes its symbol."""
        symbol = self._coins[event.subscription.coin or ""]
        streams = self._streams[symbol]
        streams[event.subscription] = event.state
        is_live = all(state == "live" for state in streams.values())
        if is_live == (symbol in self._live):
            return None
        (self._live.add if is_live else self._live.discard)(symbol)
        return FeedChange(symbol, is_live, "" if is_live else f"{event.subscription}: {event.reason}", event.time_ns)
