"""What must not be missed of an account: fills, orders, events. After each gap the account is looked up before its streams are good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algo_trade.hyperliquid.stream.events import (
    AccountFill,
    AccountFunding,
    AccountState,
    Gap,
    News,
    OpenOrders,
    OrderNews,
    Plain,
)
from algo_trade.hyperliquid.stream.fills import FillLog, Seen
from algo_trade.hyperliquid.stream.settings import SECOND_NS, in_ns
from algo_trade.hyperliquid.stream.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algo_trade._native import HyperliquidMessage
    from algo_trade.hyperliquid.stream.catch_up import Questions
    from algo_trade.hyperliquid.stream.context import SessionContext

ORDER_NEWS_MAX = 20_000
FUNDINGS_MAX = 10_000
HOUR_NS = 3600 * SECOND_NS
MS_NS = 1_000_000
# A fill this old that the stream has not told of will not come by it any more.
OVERDUE_NS = 5 * SECOND_NS

LOOKED_UP = frozenset({"userFills", "orderUpdates", "userEvents"})
"""The streams that are good only once the account was looked up."""


class Account:
    """One user: what is known of it, and the look-ups after a gap and now and then."""

    __slots__ = (
        "_again",
        "_complete_ns",
        "_context",
        "_fundings",
        "_held",
        "_open_questions",
        "_order_news",
        "_questions",
        "_running",
        "dexes",
        "log",
        "streams",
        "user",
    )

    def __init__(
        self, user: str, log: FillLog, dexes: tuple[str, ...], context: SessionContext, questions: Questions
    ) -> None:
        self.user = user
        self.log = log
        self.dexes = dexes
        self.streams: dict[str, AccountStream] = {}
        self._context = context
        self._questions = questions
        self._order_news = Seen(ORDER_NEWS_MAX)
        self._fundings = Seen(FUNDINGS_MAX)
        self._running: set[AccountStream] = set()
        self._again: set[AccountStream] = set()
        self._held: list[dict[str, Any]] = []
        self._open_questions = 0
        self._complete_ns = 0

    def look_up(self, stream: AccountStream, now_ns: int) -> None:
        """Ask for everything from before this moment, for a stream that has begun to speak."""
        self._again.add(stream)
        if not self._open_questions:
            self._run(now_ns)

    def leave(self, stream: AccountStream) -> None:
        """Ask no more for a stream that was interrupted."""
        self._running.discard(stream)
        self._again.discard(stream)
        if not self._running and not self._again:
            self._held.clear()
            self._questions.forget(self)
            self._open_questions = 0
            self._context.timers.cancel(self.audit)

    def _run(self, now_ns: int) -> None:
        self._running, self._again = self._again, set()
        self._open_questions = 1 + 2 * len(self.dexes)
        self._complete_ns = now_ns
        for dex in self.dexes:
            self._ask({"type": "frontendOpenOrders", "user": self.user, "dex": dex}, now_ns)
            self._ask({"type": "clearinghouseState", "user": self.user, "dex": dex}, now_ns)
        self._ask_fills(self.log.complete_ns - in_ns(self._context.settings.fill_overlap_s), now_ns)

    def _ask(self, question: dict[str, Any], now_ns: int) -> None:
        mailbox, dex, user = self._context.mailbox, question["dex"], self.user
        told = {key: value for key, value in question.items() if value != ""}

        def answer(data: Plain, asked_ns: int, now_ns: int) -> None:
            if question["type"] == "frontendOpenOrders":
                mailbox.latest((self, "orders", dex), OpenOrders(user, dex, tuple(data), asked_ns))
            else:
                mailbox.latest((self, "state", dex), AccountState(user, dex, data, asked_ns))
            self._answered(now_ns)

        self._questions.ask(self, told, answer, now_ns)

    def _ask_fills(self, since_ns: int, now_ns: int) -> None:
        since_ms = max(0, since_ns // MS_NS)
        question = {"type": "userFillsByTime", "user": self.user, "startTime": since_ms}

        def answer(fills: Plain, asked_ns: int, now_ns: int) -> None:
            told = self.fills(fills)
            newest_ms = max((fill["time"] for fill in fills), default=0) // MS_NS
            if len(fills) >= self._context.settings.fills_page:
                # A full page: the next begins with the last time of this one, since that may be incomplete.
                if newest_ms == since_ms:
                    first = next(iter(self.streams.values()))
                    gap = Gap(first.subscription, newest_ms * MS_NS, (newest_ms + 1) * MS_NS)
                    self._context.mailbox.keep(gap)
                    newest_ms += 1
                self._ask_fills(newest_ms * MS_NS, now_ns)
                return
            self.log.complete_ns = max(self.log.complete_ns, self._complete_ns)
            held, self._held = self._held, []
            self.fills(held)
            stream = self.streams.get("userFills")
            if stream is not None and stream.state == "live" and any(t < asked_ns - OVERDUE_NS for t in told):
                stream.change("stale", "a fill was found that it did not tell of", now_ns)
                stream.resubscribe(now_ns)
            self._answered(now_ns)

        self._questions.ask(self, question, answer, now_ns)

    def _answered(self, now_ns: int) -> None:
        self._open_questions -= 1
        if self._open_questions:
            return
        for stream in sorted(self._running, key=lambda stream: stream.subscription.kind):
            if stream.state == "catching up":
                stream.live(now_ns)
        if self._again:
            self._run(now_ns)
        else:
            self._context.timers.set(self.audit, now_ns + in_ns(self._context.settings.audit_every_s))

    def audit(self, now_ns: int) -> None:
        """Look the account up again, unless that is going on."""
        if not self._open_questions:
            self._again.update(self._running)
            self._run(now_ns)

    def hear(self, fills: list[dict[str, Any]], *, is_snapshot: bool, is_live: bool) -> None:
        """Take fills of the stream. While a look-up runs they wait for it, since it finds the older ones."""
        if is_live:
            self.fills(fills)
        elif not is_snapshot and len(self._held) < self._context.settings.queue_max:
            self._held += fills
        # A snapshot holds nothing that the look-up does not find, and neither does what is beyond the room for waiting.

    def fills(self, fills: Iterable[dict[str, Any]]) -> list[int]:
        """Tell fills that are new, oldest first; return their times."""
        new = sorted((fill for fill in fills if self.log.add(fill)), key=lambda fill: fill["time"])
        symbols, keep = self._context.symbols, self._context.mailbox.keep
        for fill in new:
            keep(AccountFill.of(fill, self.user, symbols.get(fill["coin"], fill["coin"])))
        return [fill["time"] for fill in new]

    def orders(self, news: Iterable[dict[str, Any]]) -> None:
        """Tell news of orders that were not told yet."""
        symbols, keep = self._context.symbols, self._context.mailbox.keep
        for item in news:
            order, status, time_ns = item["order"], item["status"], item["status_time"]
            if self._order_news.add((order["oid"], status, time_ns, order["quantity"])):
                symbol = symbols.get(order["coin"], order["coin"])
                keep(OrderNews(self.user, symbol, order["oid"], order["cloid"], status, time_ns, item))

    def forget_orders(self, news: Iterable[OrderNews]) -> None:
        """Let news of orders be new again: nobody took them."""
        for item in news:
            self._order_news.forget((item.oid, item.status, item.time_ns, item.data["order"]["quantity"]))

    def fundings(self, payments: Iterable[dict[str, Any]]) -> None:
        """Tell payments of funding that are new. They are stamped some milliseconds after their hour."""
        for payment in payments:
            hour_ns = payment["time"] // HOUR_NS * HOUR_NS
            coin: str = payment["coin"]
            if self._fundings.add((coin, hour_ns)) and payment["time"] >= self.log.since_ns:
                symbol = self._context.symbols.get(coin, coin)
                funding = AccountFunding(self.user, symbol, payment["amount"], payment["rate"], hour_ns, payment)
                self._context.mailbox.keep(funding)

    def forget_fundings(self, fundings: Iterable[AccountFunding]) -> None:
        """Let payments be new again: nobody took them."""
        for funding in fundings:
            self._fundings.forget((funding.data["coin"], funding.hour_ns))


class AccountStream(Stream):
    """Fills, orders, events or funding of an account. Silence is normal: only a look-up shows that nothing was missed."""

    must_not_lose = True
    __slots__ = ("_account",)

    def __init__(self, account: Account, *args: Plain) -> None:
        super().__init__(*args)
        self._account = account
        account.streams[self.subscription.kind] = self

    @property
    def account(self) -> Account:
        """Whose stream it is."""
        return self._account

    def interrupt(self, now_ns: int, reason: str) -> None:
        """Wait for another connection."""
        self._account.leave(self)
        super().interrupt(now_ns, reason)

    def retire(self) -> None:
        """Want nothing any more."""
        self._account.leave(self)
        self._account.streams.pop(self.subscription.kind, None)
        super().retire()

    def confirmed(self, now_ns: int) -> None:
        """Look the account up: what happens from now on is told by the stream."""
        if self.is_confirmed:
            return
        super().confirmed(now_ns)
        if self.subscription.kind in LOOKED_UP:
            self._context.timers.cancel(self.check)
            self.change("catching up", "", now_ns)
            self._account.look_up(self, now_ns)

    def message(self, message: HyperliquidMessage, now_ns: int) -> None:
        """Take a message. Fills are taken from ``userFills`` alone."""
        data, account = message.data, self._account
        self.confirmed(now_ns)
        self.heard_ns = now_ns
        kind = self.subscription.kind
        if kind == "userFills":
            account.hear(data["fills"], is_snapshot=bool(data["is_snapshot"]), is_live=self.state == "live")
        elif kind == "orderUpdates":
            account.orders(data)
        elif kind == "userFundings":
            account.fundings(data["payments"])
            self.heard(now_ns)
        else:
            if data["funding"]:
                account.fundings([data["funding"]])
            if data["cancels"] or data["liquidation"]:
                self._context.mailbox.keep(News(self.subscription, message.channel, data))

    def ask_instead(self, now_ns: int) -> bool:
        """Ask for payments when the stream, though taken up, begins with none."""
        if self.subscription.kind != "userFundings":
            return False

        def answer(rows: Plain, _asked_ns: int, now_ns: int) -> None:
            self._account.fundings(row["payment"] for row in rows)
            self.heard(now_ns)

        question = {"type": "userFunding", "user": self._account.user, "startTime": self._account.log.since_ns // MS_NS}
        self._questions.ask(self, question, answer, now_ns)
        self.change("catching up", "", now_ns)
        return True

    def suspect(self, now_ns: int) -> None:
        """Look the account up again: a message of it could not be read."""
        self.change("catching up", "a message could not be read", now_ns)
        if self.subscription.kind in LOOKED_UP:
            self._account.look_up(self, now_ns)
        else:
            self.resubscribe(now_ns)
