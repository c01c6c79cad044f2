"""The way from a strategy to its venue, with the limits that stand on it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from algo_trade._native import Bar, FillEvent, ModifyOrder, Notice, OrderUpdate, RefuseOrder, SubmitOrder
from algo_trade.risk.exposure import ENDS, Exposure
from algo_trade.risk.limits import LimitCheck, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from algo_trade.bots.ledger import BotLedger
    from algo_trade.core.protocols import Command, MarketEvent, Report
    from algo_trade.execution import SimulatedExecutionHandler
    from algo_trade.risk.portfolio import Portfolio


class Way:
    """An :class:`~algo_trade.core.ExecutionHandler` to a venue far away: what may pass lies in ``commands``, for whoever takes it there.

    What a limit forbids, and what would open risk on a symbol that is blocked, does not pass: the strategy hears that it was rejected.

    Parameters
    ----------
    bot_id : whose
    equity : what the bot owns now
    limits, portfolio : its own limits, and those over all bots
    ledger : writes down what comes of orders
    """

    def __init__(
        self,
        bot_id: str,
        equity: Callable[[], Decimal],
        limits: Limits,
        portfolio: Portfolio | None,
        ledger: BotLedger | None = None,
    ) -> None:
        self._bot_id = bot_id
        self._ledger = ledger
        self._equity = equity
        self._check = LimitCheck(limits)
        self._portfolio = portfolio
        self.exposure = Exposure()
        self.blocked: dict[str, str] = {}
        """Symbols on which nothing may be opened now, and why; "" stands for all of them."""
        self.halted: str | None = None
        """Why nothing may be opened any more, since enough was lost."""
        self.has_filled = False
        """Whether anything was filled since that was last looked at."""
        self.counted: Counter[str] = Counter()
        """Fills, and orders that came to their end, by how."""
        self.commands: list[Command] = []
        self.refusals: list[str] = []
        self.notices: list[Notice] = []

    @property
    def limits(self) -> Limits:
        """Its own limits."""
        return self._check.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._check = LimitCheck(limits)

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        """Let the limits hear the prices."""
        self.exposure.hear(event)
        return ()

    def hear_reports(self, reports: Sequence[Report]) -> None:
        """Take what a far venue told."""
        self._told(reports)

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        """Pass a command on, or say why it may not pass."""
        match command:
            case Notice():
                self.notices.append(command)
                return ()
            case RefuseOrder():
                return ()
            case SubmitOrder() | ModifyOrder():
                if self._ledger is not None:
                    self._ledger.asked(command)
                refused = self._refused(command, now_ns)
                if refused is not None:
                    if self._ledger is not None:
                        self._ledger.told(refused)
                    return [refused]
            case _:
                pass
        return self._pass_on(command, now_ns)

    def _pass_on(self, command: Command, _now_ns: int) -> Sequence[Report]:
        self.commands.append(command)
        return ()

    def _refused(self, command: SubmitOrder | ModifyOrder, now_ns: int) -> OrderUpdate | None:
        wish = self.exposure.wish(command)
        if wish is None:
            return None
        why, reason = self.halted or self.blocked.get(wish.symbol) or self.blocked.get(""), "not_trading"
        if why is not None and wish.reduce_only:
            why = None
        if why is None:
            reason = "risk"
            why = self._check.refusal(wish, self.exposure, self._equity(), now_ns)
            if why is None and self._portfolio is not None:
                why = self._portfolio.refusal(self._bot_id, wish, self.exposure, now_ns)
        if why is None:
            self.exposure.asked(wish)
            return None
        side = "buy" if wish.is_buy else "sell"
        self.refusals.append(f"{side} {wish.quantity} {wish.symbol}: {why}")
        self.counted["refused"] += 1
        status = "rejected" if isinstance(command, SubmitOrder) else "action_rejected"
        return OrderUpdate(wish.symbol, cloid=wish.cloid, status=status, reason=reason, time=now_ns)

    def _told(self, reports: Sequence[Report]) -> Sequence[Report]:
        for report in reports:
            self.exposure.told(report)
            if self._ledger is not None:
                self._ledger.told(report)
            if isinstance(report, FillEvent):
                self.has_filled = True
                self.counted["fill"] += 1
            elif isinstance(report, OrderUpdate) and report.status in ENDS:
                self.counted[report.status] += 1
            if self._portfolio is not None and isinstance(report, FillEvent | OrderUpdate):
                self._portfolio.changed(self._bot_id, report.symbol, self.exposure)
        return reports


class PaperWay(Way):
    """A :class:`~algo_trade.core.TimedExecutionHandler`: the way to a simulated venue, which answers at once or when something falls due.

    Parameters
    ----------
    venue : the simulated one
    bot_id, equity, limits, portfolio, ledger : as :class:`Way` has them
    """

    def __init__(
        self,
        venue: SimulatedExecutionHandler,
        bot_id: str,
        equity: Callable[[], Decimal],
        limits: Limits,
        portfolio: Portfolio | None,
        ledger: BotLedger | None = None,
    ) -> None:
        super().__init__(bot_id, equity, limits, portfolio, ledger)
        self._venue = venue

    @property
    def next_time_ns(self) -> int | None:
        """When something falls due at the venue."""
        return self._venue.next_time_ns

    def on_time(self, now_ns: int) -> Sequence[Report]:
        """Let what is due happen at the venue."""
        return self._told(self._venue.on_time(now_ns))

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        """Let the venue hear the market, and the limits its prices."""
        self.exposure.hear(event)
        # Bars tell nothing of a book, which is what orders meet here.
        return () if isinstance(event, Bar) else self._told(self._venue.on_market_event(event))

    def _pass_on(self, command: Command, now_ns: int) -> Sequence[Report]:
        return self._told(self._venue.execute(command, now_ns))
