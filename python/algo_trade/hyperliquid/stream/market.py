"""Streams of a market: books and quotes, of which the newest counts; trades and bars, of which each counts once."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from algo_trade._native import Bar, Quote, Trade
from algo_trade.hyperliquid.stream.events import Gap, History, News, Plain
from algo_trade.hyperliquid.stream.fills import Seen
from algo_trade.hyperliquid.stream.settings import in_ns
from algo_trade.hyperliquid.stream.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade._native import BookSnapshot, HyperliquidMessage, MarketContext
    from algo_trade.hyperliquid.stream.subscription import Subscription

# What comes again after a gap are the newest: some dozens, or those of one block.
TRADES_SEEN_MAX = 1024
MS_NS = 1_000_000


class LatestStream(Stream):
    """Books, quotes or contexts. A message that is old by its own time does not keep the stream alive, and older ones are dropped."""

    __slots__ = ("time_ns",)

    def start(self, now_ns: int) -> None:
        """Subscribe."""
        self.time_ns = 0
        super().start(now_ns)

    def take(self, event: BookSnapshot | Quote | MarketContext, now_ns: int) -> None:
        """Take an event."""
        time_ns = event.time_ns
        if time_ns < self.time_ns:
            return
        self.time_ns = time_ns
        self._context.mailbox.latest(self, event)
        if self._limit_ns is None or now_ns - time_ns <= self._limit_ns + self._slack_ns:
            self.heard_ns = now_ns
            if self.state != "live":
                self.live(now_ns)

    def message(self, message: HyperliquidMessage, _now_ns: int) -> None:
        """Pass on what a context says besides its prices."""
        self._context.mailbox.latest((self, "news"), News(self.subscription, message.channel, message.data))


class QuoteStream(LatestStream):
    """Best prices, which come only when they change: silence is checked against the book itself before it counts."""

    __slots__ = ("_has_missed", "last")
    last: Quote | None

    def start(self, now_ns: int) -> None:
        """Subscribe."""
        self.last = None
        self._has_missed = False
        super().start(now_ns)

    def take(self, event: Plain, now_ns: int) -> None:
        """Take a quote; the first after subscribing may be as old as the last change."""
        is_first, self.last = self.last is None, event
        self._has_missed = False
        super().take(event, now_ns)
        if is_first:
            self.heard(now_ns)

    def doubt(self, now_ns: int) -> bool:
        """Ask for the book, unless it has already told of a change that the stream kept to itself."""
        if self._has_missed:
            return False
        self._questions.forget(self)
        self._questions.ask(self, {"type": "l2Book", "coin": self.subscription.coin}, self._compare, now_ns)
        return True

    def _compare(self, answer: Plain, _asked_ns: int, now_ns: int) -> None:
        if self.state not in {"stale", "subscribing"}:
            return
        bid, ask = (side[0] if side else {"price": 0, "quantity": 0} for side in answer["levels"])
        prices = (bid["price"], bid["quantity"], ask["price"], ask["quantity"])
        told = Quote(self.symbol, answer["time"], *prices, now_ns)
        last, self.last = self.last, told
        if last is not None and _prices(last) == prices:
            self.heard_ns = now_ns
            self.live(now_ns, "quiet: the book has not changed")
            return
        self._has_missed = last is not None
        self._context.mailbox.latest(self, told)


_prices = attrgetter("bid_price", "bid_quantity", "ask_price", "ask_quantity")


class TradeStream(Stream):
    """Public trades, each once. What comes first after subscribing is history; what was missed is looked for in it."""

    must_not_lose = True
    __slots__ = ("_began_ns", "_is_first", "_known_ns", "_last_ns", "_seen")

    def __init__(self, *args: Plain) -> None:
        super().__init__(*args)
        self._seen = Seen(TRADES_SEEN_MAX)
        self._last_ns = self._known_ns = self._began_ns = 0
        self._is_first = True

    def start(self, now_ns: int) -> None:
        """Subscribe."""
        self._began_ns, self._known_ns = now_ns, self._last_ns
        self._is_first = True
        super().start(now_ns)

    def take_all(self, trades: Sequence[Trade], now_ns: int) -> None:
        """Take the trades of a message."""
        self.heard_ns = now_ns
        is_first, self._is_first = self._is_first, False
        self._tell(self._new(trades))
        if is_first and not self._reaches_back(trades):
            self.ask_instead(now_ns)
        elif self.state not in {"live", "catching up"}:
            self.live(now_ns)

    def forget(self, trades: Sequence[Trade]) -> None:
        """Let trades be new again: nobody took them."""
        for trade in trades:
            self._seen.forget(trade.trade_id)
            self._last_ns = min(self._last_ns, trade.time_ns - 1)

    def ask_instead(self, now_ns: int) -> bool:
        """Ask for the last trades: a quiet market sends none, and what comes first may not reach back to what was known."""
        self.change("catching up", "", now_ns)
        self._context.timers.cancel(self.check)
        self._questions.ask(self, {"type": "recentTrades", "coin": self.subscription.coin}, self._recent, now_ns)
        return True

    def _reaches_back(self, trades: Sequence[Trade]) -> bool:
        return not self._known_ns or (bool(trades) and min(trade.time_ns for trade in trades) <= self._known_ns)

    def _recent(self, answer: Plain, _asked_ns: int, now_ns: int) -> None:
        trades = [
            Trade(self.symbol, row["time"], row["price"], row["quantity"], row["side"], row["trade_id"], now_ns)
            for row in answer
        ]
        if not self._reaches_back(trades):
            oldest_ns = min((trade.time_ns for trade in trades), default=self._began_ns)
            self._context.mailbox.keep(Gap(self.subscription, self._known_ns, oldest_ns))
        # Newer trades come by the stream, or have come.
        self._tell(self._new([trade for trade in trades if trade.time_ns < self._began_ns]))
        self.live(now_ns)

    def _new(self, trades: Sequence[Trade]) -> list[Trade]:
        add = self._seen.add
        return [trade for trade in trades if add(trade.trade_id)]

    def _tell(self, trades: list[Trade]) -> None:
        began_ns, keep = self._began_ns, self._context.mailbox.keep
        past = [trade for trade in trades if trade.time_ns < began_ns]
        if past:
            past.sort(key=attrgetter("time_ns"))
            keep(History(self.subscription, tuple(past)))
        for trade in trades:
            time_ns = trade.time_ns
            if time_ns >= began_ns:
                keep(trade)
            self._last_ns = max(self._last_ns, time_ns)


class BarStream(Stream):
    """Bars, each once, when it is complete: its end has passed, or the next one has begun."""

    must_not_lose = True
    __slots__ = ("_growing", "_told_ns")

    def __init__(self, subscription: Subscription, *args: Plain) -> None:
        super().__init__(subscription, *args)
        self._growing: dict[int, Bar] = {}
        self._told_ns = 0

    def interrupt(self, now_ns: int, reason: str) -> None:
        """Tell no bar of which the end may have been missed."""
        self._context.timers.cancel(self._tell)
        super().interrupt(now_ns, reason)

    def retire(self) -> None:
        """Want nothing any more."""
        self._context.timers.cancel(self._tell)
        super().retire()

    def confirmed(self, now_ns: int) -> None:
        """Ask for what was missed, if there was anything before."""
        if not self.is_confirmed and self.state == "subscribing" and (self._growing or self._told_ns):
            self.ask_instead(now_ns)
        super().confirmed(now_ns)

    def message(self, message: HyperliquidMessage, now_ns: int) -> None:
        """Take a bar as it grows."""
        bar: Bar = message.data
        self.confirmed(now_ns)
        self._grow(bar)
        self.heard_ns = now_ns
        if self.state not in {"live", "catching up"}:
            self.live(now_ns)
        self._tell(now_ns)

    def forget(self, bars: Sequence[Bar]) -> None:
        """Let bars be told again: nobody took them."""
        self._told_ns = min([self._told_ns, *(bar.open_time_ns - 1 for bar in bars)])

    def ask_instead(self, now_ns: int) -> bool:
        """Ask for the bars since the last one that was told, or the one that grew."""
        first = min(self._growing, default=0)
        since_ns = min(first, self._told_ns) if first and self._told_ns else first or self._told_ns or now_ns
        question = {
            "coin": self.subscription.coin,
            "interval": self.subscription.interval,
            "startTime": since_ns // MS_NS,
            "endTime": now_ns // MS_NS,
        }
        self.change("catching up", "", now_ns)
        self._context.timers.cancel(self.check)
        self._questions.ask(self, {"type": "candleSnapshot", "req": question}, self._snapshot, now_ns)
        return True

    def _grow(self, bar: Bar) -> None:
        open_ns = bar.open_time_ns
        if open_ns <= self._told_ns:
            return
        known = self._growing.get(open_ns)
        if known is None or bar.trades >= known.trades:
            self._growing[open_ns] = bar

    def _snapshot(self, answer: Plain, _asked_ns: int, now_ns: int) -> None:
        for row in answer:
            prices = (row["open"], row["high"], row["low"], row["close"])
            end_ns = row["last_time"] + MS_NS
            self._grow(Bar(self.symbol, row["open_time"], end_ns, *prices, row["volume"], row["trades"]))
        self.live(now_ns)
        self._tell(now_ns)

    def _tell(self, now_ns: int) -> None:
        """Tell every complete bar, in order, unless some before it may be missing."""
        if self.state not in {"live", "stale"} or not self._growing:
            return
        newest = max(self._growing)
        grace_ns = in_ns(self._context.settings.bar_grace_s)
        for open_ns in sorted(self._growing):
            bar = self._growing[open_ns]
            if open_ns == newest:
                settled_ns = bar.close_time_ns + grace_ns
                # A connection that died in silence says nothing either: word on it after the end shows that the bar is whole.
                if settled_ns > now_ns or self.connection.heard_ns < settled_ns:
                    self._context.timers.set(self._tell, max(settled_ns, now_ns + grace_ns // 2))
                    return
            del self._growing[open_ns]
            self._told_ns = open_ns
            self._context.mailbox.keep(bar)
