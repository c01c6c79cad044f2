"""The session: all subscriptions over few connections. Bytes and times in; events, bytes to send and deadlines out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from algo_trade._native import Bar, HyperliquidDecoder, HyperliquidMessage, MarketContext, Trade
from algo_trade.errors import DataError, ParameterError
from algo_trade.hyperliquid.stream.account import LOOKED_UP, Account, AccountStream
from algo_trade.hyperliquid.stream.catch_up import Questions
from algo_trade.hyperliquid.stream.connection import Connection
from algo_trade.hyperliquid.stream.context import SessionContext
from algo_trade.hyperliquid.stream.events import (
    AccountFill,
    AccountFunding,
    Action,
    History,
    Malformed,
    News,
    OrderNews,
    Overflow,
    Plain,
    Refused,
    StreamEvent,
    StreamState,
)
from algo_trade.hyperliquid.stream.fills import FillLog
from algo_trade.hyperliquid.stream.market import BarStream, LatestStream, QuoteStream, TradeStream
from algo_trade.hyperliquid.stream.posts import Posts
from algo_trade.hyperliquid.stream.settings import SessionSettings
from algo_trade.hyperliquid.stream.stream import Stream
from algo_trade.hyperliquid.stream.subscription import Subscription, bar_length_ns, wire_route
from algo_trade.hyperliquid.stream.timers import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

MESSAGE_SHOWN_MAX = 2000
_DROPPED = (AccountFill, OrderNews, AccountFunding, Trade, Bar, History, News)
_MARKET_STREAMS: dict[str, type[Stream]] = {
    "l2Book": LatestStream,
    "activeAssetCtx": LatestStream,
    "bbo": QuoteStream,
    "trades": TradeStream,
    "candle": BarStream,
}
_ACCOUNT_STREAMS = LOOKED_UP | {"userFundings"}
# Bytes at which the channel of a message stands.
_CHANNEL_HEAD = 48


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A stream as it is now. ``age_ns`` is the time since its last fresh message; None before the first."""

    subscription: Subscription
    state: StreamState
    age_ns: int | None


class Session:
    """All streams of a process, without a clock or a socket.

    Its driver does what :meth:`actions` says (open, send, close, ask), reports with :meth:`opened`, :meth:`received`, :meth:`closed`,
    :meth:`answered` and :meth:`failed`, calls :meth:`due` once ``deadline_ns`` has come, and takes events with :meth:`next_event`.
    Times are nanoseconds since the epoch and never go back: an earlier one counts as the latest.

    Parameters
    ----------
    coins : our symbol for each name of the exchange that may be subscribed to
    random : spreads reconnections
    settings : limits and deadlines
    dexes : the lists of perpetuals on which accounts are looked up; "" is the first
    """

    def __init__(
        self,
        coins: Mapping[str, str],
        *,
        random: Random,
        settings: SessionSettings | None = None,
        dexes: Sequence[str] = ("",),
    ) -> None:
        settings = settings or SessionSettings()
        self._symbols = dict(coins)
        self._context = SessionContext(
            settings, random, self._symbols, Window(settings.opens_per_minute), Window(settings.sends_per_minute)
        )
        self._decoder = HyperliquidDecoder(self._symbols)
        self._questions = Questions(self._context)
        self._posts = Posts(self._context)
        self._dexes = tuple(dexes)
        self._streams: dict[Subscription, Stream] = {}
        self._accounts: dict[str, Account] = {}
        self._connections: list[Connection] = []
        self._sockets: dict[int, Connection] = {}
        self._now_ns = 0

    # --- what is wanted ---

    def subscribe(self, subscription: Subscription, now_ns: int, *, fills: FillLog | None = None) -> None:
        """Want a stream; wanted twice, it must be given up twice.

        ``fills`` is what a former session knew of the account's fills. Without it, fills from before this moment are history.

        Raises
        ------
        ParameterError
            If the coin is not one of the session's, or the exchange's limits leave no room: then nothing has changed.
        """
        now_ns = self._advance(now_ns)
        known = self._streams.get(subscription)
        if known is not None:
            known.references += 1
            return
        symbol = ""
        if subscription.coin is not None:
            if subscription.coin not in self._symbols:
                raise ParameterError(f"subscription: coin = {subscription.coin}: is not one of the session's coins")
            symbol = self._symbols[subscription.coin]
        connection = self._place(subscription, symbol)
        parts = (subscription, symbol, connection, self._context, self._questions)
        stream: Stream
        if subscription.user is not None and subscription.kind in _ACCOUNT_STREAMS:
            account = self._accounts.get(subscription.user)
            if account is None:
                log = FillLog(now_ns) if fills is None else fills
                account = Account(subscription.user, log, self._dexes, self._context, self._questions)
                self._accounts[subscription.user] = account
            stream = AccountStream(account, *parts)
        else:
            stream = _MARKET_STREAMS.get(subscription.kind, Stream)(*parts)
        self._streams[subscription] = stream
        connection.streams[stream.route] = stream
        if connection.is_open:
            stream.start(now_ns)
        elif connection.socket is None and not connection.is_waiting:
            connection.open(now_ns)

    def unsubscribe(self, subscription: Subscription, now_ns: int) -> None:
        """Give a stream up; an unknown one is passed over."""
        now_ns = self._advance(now_ns)
        stream = self._streams.get(subscription)
        if stream is None:
            return
        stream.references -= 1
        if stream.references:
            return
        del self._streams[subscription]
        connection = stream.connection
        del connection.streams[stream.route]
        stream.retire()
        if connection.streams:
            connection.send(subscription.request("unsubscribe"), now_ns)
        else:
            connection.close(now_ns, "nothing is subscribed to")
            connection.retire()
            self._connections.remove(connection)

    def fills(self, user: str) -> FillLog | None:
        """Return what is known of the fills of an account, to be kept over a restart."""
        account = self._accounts.get(user.lower())
        return account.log if account else None

    def look_up(self, user: str, now_ns: int) -> None:
        """Ask for everything of an account now, as is done now and then anyway."""
        account = self._accounts.get(user.lower())
        if account is not None:
            account.audit(self._advance(now_ns))

    def post(self, payload: bytes, now_ns: int, *, is_action: bool) -> int:
        """Ask or act over a socket; a :class:`PostResult` with the number that is returned follows in any case."""
        now_ns = self._advance(now_ns)
        if not self._connections:
            connection = Connection(self._context, self._lost)
            self._connections.append(connection)
            connection.open(now_ns)
        request = self._posts.post(payload, now_ns, is_action=is_action)
        self._posts.flush(self._connections, now_ns)
        return request

    # --- what happens ---

    def opened(self, socket: int, now_ns: int) -> None:
        """Take note that a socket is open."""
        now_ns = self._advance(now_ns)
        connection = self._connection(socket)
        if connection is not None and not connection.is_open:
            self._sockets[socket] = connection
            connection.opened(now_ns)
            self._posts.flush(self._connections, now_ns)

    def closed(self, socket: int, now_ns: int, reason: str = "closed") -> None:
        """Take note that a socket is gone, or could not be opened."""
        now_ns = self._advance(now_ns)
        connection = self._connection(socket)
        if connection is not None:
            connection.closed(now_ns, reason)

    def received(self, socket: int, message: bytes | str, now_ns: int) -> None:
        """Take a message."""
        connection = self._sockets.get(socket)
        if connection is None:
            return
        if now_ns < self._now_ns:
            now_ns = self._now_ns
        else:
            self._now_ns = now_ns
        connection.heard_ns = now_ns
        try:
            events = self._decoder.decode(message, now_ns)
        except DataError as error:
            self._malformed(connection, message, error, now_ns)
            return
        if not events:
            return
        first = events[0]
        kind = type(first)
        if kind is HyperliquidMessage:
            self._message(connection, first, now_ns)  # type: ignore[arg-type]
        else:
            stream: Any = connection.streams.get((kind, first.symbol))  # type: ignore[union-attr]
            if stream is None:
                pass
            elif kind is Trade:
                stream.take_all([event for event in events if type(event) is Trade], now_ns)
            else:
                stream.take(first, now_ns)
                if kind is MarketContext and len(events) > 1:
                    stream.message(events[1], now_ns)
        mailbox = self._context.mailbox
        if mailbox.kept > self._context.settings.queue_max + mailbox.allowance:
            self._overflow(now_ns)

    def answered(self, request: int, body: Plain, now_ns: int) -> None:
        """Take the answer to a :class:`CatchUp`: the body, or what the decoder made of it."""
        mailbox = self._context.mailbox
        before = mailbox.kept
        self._questions.answered(request, body, self._advance(now_ns))
        mailbox.allowance += mailbox.kept - before

    def failed(self, request: int, now_ns: int) -> None:
        """Take note that a :class:`CatchUp` failed; it will be asked again."""
        self._questions.failed(request, self._advance(now_ns))

    def due(self, now_ns: int) -> None:
        """Do what has fallen due."""
        now_ns = self._advance(now_ns)
        timers = self._context.timers
        while (call := timers.pop_due(now_ns)) is not None:
            call(now_ns)
        self._posts.flush(self._connections, now_ns)

    # --- what follows ---

    @property
    def deadline_ns(self) -> int | None:
        """When :meth:`due` is to be called next."""
        return self._context.timers.next_ns

    @property
    def has_actions(self) -> bool:
        """Whether there is something to do."""
        return bool(self._context.actions)

    def actions(self) -> list[Action]:
        """Take what is to be done, in order."""
        actions, self._context.actions = self._context.actions, []
        return actions

    def __len__(self) -> int:
        """Return how many events can be taken."""
        return len(self._context.mailbox)

    def next_event(self) -> StreamEvent | None:
        """Take the oldest event; None if there is none."""
        event = self._context.mailbox.pop()
        if event is None and self._context.is_choked:
            self._context.is_choked = False
            for connection in self._connections:
                connection.open(self._now_ns)
        return event

    def status(self, now_ns: int) -> list[StreamStatus]:
        """Return all streams as they are."""
        now_ns = self._advance(now_ns)
        return [
            StreamStatus(stream.subscription, stream.state, now_ns - stream.heard_ns if stream.heard_ns else None)
            for stream in self._streams.values()
        ]

    @property
    def unknown(self) -> dict[str, int]:
        """Return what the decoder did not know, and how often it came."""
        return self._decoder.unknown

    # --- inside ---

    def _advance(self, now_ns: int) -> int:
        self._now_ns = max(self._now_ns, now_ns)
        return self._now_ns

    def _connection(self, socket: int) -> Connection | None:
        return next((each for each in self._connections if each.socket == socket), None)

    def _place(self, subscription: Subscription, symbol: str) -> Connection:
        """Return the first connection that can take a stream."""
        settings = self._context.settings
        if len(self._streams) >= settings.subscriptions_max:
            raise ParameterError(f"subscription: {subscription}: is beyond {settings.subscriptions_max} subscriptions")
        users = {each.user for each in self._streams if each.user} | (
            {subscription.user} if subscription.user else set()
        )
        if len(users) > settings.users_max:
            raise ParameterError(f"subscription: {subscription}: is beyond {settings.users_max} users")
        route = subscription.route(symbol)
        for connection in self._connections:
            if route not in connection.streams and len(connection.streams) < settings.subscriptions_per_connection:
                return connection
        if len(self._connections) >= settings.connections_max:
            raise ParameterError(
                f"subscription: {subscription}: needs a connection of its own, beyond {settings.connections_max}"
            )
        connection = Connection(self._context, self._lost)
        self._connections.append(connection)
        return connection

    def _lost(self, socket: int, _now_ns: int) -> None:
        self._sockets.pop(socket, None)
        self._posts.lost(socket)

    def _message(self, connection: Connection, message: HyperliquidMessage, now_ns: int) -> None:
        channel, data = message.channel, message.data
        if channel == "pong":
            connection.pong()
        elif channel == "subscriptionResponse":
            if data["method"] == "subscribe":
                self._confirm(connection, data["subscription"], now_ns)
        elif channel == "post":
            if not self._posts.answered(data):
                self._context.mailbox.keep(News(None, channel, data))
            self._posts.flush(self._connections, now_ns)
        elif channel == "error":
            self._error(connection, data, now_ns)
        elif channel != "greeting":
            self._news(connection, message, now_ns)

    def _news(self, connection: Connection, message: HyperliquidMessage, now_ns: int) -> None:
        channel, data = message.channel, message.data
        if channel == "candle":
            stream = connection.streams.get(("candle", data.symbol, bar_length_ns(data.resolution_ns)))
        elif channel in {"orderUpdates", "user"}:
            stream = connection.streams.get((channel,))
        elif channel == "allMids":
            stream = connection.streams.get((channel, data["dex"] or ""))
        elif isinstance(data, dict) and data.get("user"):
            which = data.get("coin") or data.get("dex") or ""
            stream = connection.streams.get((channel, data["user"].lower(), which))
        else:
            stream = None
        if stream is not None:
            stream.message(message, now_ns)
        elif channel in {"unknown", "notification"}:
            self._context.mailbox.latest(("news", channel), News(None, channel, data))

    def _confirm(self, connection: Connection, wire: Plain, now_ns: int) -> None:
        route = wire_route(wire, self._symbols) if isinstance(wire, dict) else None
        stream = connection.streams.get(route) if route else None
        if stream is not None:
            stream.confirmed(now_ns)

    def _error(self, connection: Connection, text: str, now_ns: int) -> None:
        what, _, about = text.partition(": ")
        if what.startswith("Already "):
            try:
                wire = orjson.loads(about)
            except orjson.JSONDecodeError:
                return
            if what == "Already subscribed":
                self._confirm(connection, wire, now_ns)
            return
        number = text.rpartition("id=")[2]
        if "post requests" in text and number.isdecimal() and self._posts.refused(int(number), text):
            return
        self._context.mailbox.latest(("refused", text), Refused(text, now_ns))

    def _malformed(self, connection: Connection, message: bytes | str, error: DataError, now_ns: int) -> None:
        shown = message[:MESSAGE_SHOWN_MAX]
        shown = shown.encode() if isinstance(shown, str) else shown
        self._context.mailbox.latest("malformed", Malformed(str(error), shown, now_ns))
        head = shown[:_CHANNEL_HEAD]
        # What an account was told is in none of its other messages: it is looked up.
        for stream in list(connection.streams.values()):
            channel = "user" if stream.subscription.kind == "userEvents" else stream.subscription.kind
            if isinstance(stream, AccountStream) and b'"%s"' % channel.encode() in head:
                stream.suspect(now_ns)

    def _overflow(self, now_ns: int) -> None:
        """Drop what was not taken, say so, and fetch it again from the start once the rest has been taken."""
        context = self._context
        dropped = context.mailbox.drop(_DROPPED)
        by_stream: dict[object, list[Any]] = {}
        for event in dropped:
            if isinstance(event, Trade):
                by_stream.setdefault(("trades", event.symbol), []).append(event)
            elif isinstance(event, History):
                symbol = self._symbols[event.subscription.coin or ""]
                by_stream.setdefault(("trades", symbol), []).extend(event.trades)
            elif isinstance(event, Bar):
                by_stream.setdefault(("candle", event.symbol, bar_length_ns(event.resolution_ns)), []).append(event)
            elif isinstance(event, AccountFill | OrderNews | AccountFunding):
                by_stream.setdefault((type(event), event.user), []).append(event)
        for stream in self._streams.values():
            if isinstance(stream, TradeStream):
                stream.forget(by_stream.get(("trades", stream.symbol), ()))
            elif isinstance(stream, BarStream):
                stream.forget(by_stream.get(stream.route, ()))
        for user, account in self._accounts.items():
            account.log.forget(fill.data for fill in by_stream.get((AccountFill, user), ()))
            account.forget_orders(by_stream.get((OrderNews, user), ()))
            account.forget_fundings(by_stream.get((AccountFunding, user), ()))
        context.mailbox.keep(Overflow(len(dropped), now_ns))
        context.is_choked = True
        for connection in self._connections:
            if connection.must_not_lose:
                connection.close(now_ns, "the consumer is too slow")
