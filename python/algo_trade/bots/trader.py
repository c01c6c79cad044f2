"""A bot's trading system with its timers and its way to the venue: everything of a bot that thinks, and that one thread may call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from algo_trade._native import AccountEvent, ControlEvent, OrderUpdate, SetTimer, System
from algo_trade.bots.models import Books, BotPosition
from algo_trade.bots.way import PaperWay, Way
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.core.instants import NEVER, Instants
from algo_trade.execution import SimulatedExecutionHandler
from algo_trade.risk.exposure import Wish
from algo_trade.risk.limits import LossWatch
from algo_trade.strategy import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from algo_trade._native import Bar, JournalWriter, Notice, OrderEvent, Recovered
    from algo_trade.bots.ledger import BotLedger
    from algo_trade.core.protocols import BookKind, Command, Event, MarketEvent, Report
    from algo_trade.execution import VenueConfig
    from algo_trade.risk import SimpleRiskManager
    from algo_trade.risk.limits import Limits, LossState
    from algo_trade.risk.portfolio import Portfolio
    from algo_trade.strategy import ApartStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a trader is made of.

    Parameters
    ----------
    strategy, params : as :func:`algo_trade.strategy.load` takes them
    symbols, books : what is traded, and what drives each book
    capital : what it may think it has, in quote currency
    epoch : how often the bot was started before: part of its order ids
    venue : rules of the instruments, and of the simulated venue
    is_paper : whether orders go to the simulated venue; else commands are handed out
    """

    bot_id: str
    strategy: str
    params: Mapping[str, object]
    symbols: tuple[str, ...]
    books: Mapping[str, BookKind]
    capital: Decimal
    risk: SimpleRiskManager
    epoch: int
    venue: VenueConfig
    is_paper: bool


def system_of(plan: Plan, strategy: object, *, journal: JournalWriter | None = None) -> System:
    """Return the machine of a plan, around this strategy."""
    symbols = sorted(plan.symbols)
    return System(
        strategy_part(strategy),
        risk_part(plan.risk),
        symbols=symbols,
        books=[plan.books[symbol] for symbol in symbols],
        rules=plan.venue.rules(),
        initial_capital=plan.capital,
        bot_id=plan.bot_id,
        epoch=plan.epoch,
        journal=journal,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call.

    Parameters
    ----------
    commands : what is to be sent
    notices, refusals : what a person should hear: of the strategy's risk manager, and of the limits outside it
    due_ns : when the next thing falls due
    """

    commands: list[Command]
    notices: list[Notice]
    refusals: list[str]
    due_ns: int


@dataclass(frozen=True, slots=True)
class Owned:
    """What is owned, whether too much was lost, and how many fills and ended orders there were since the start."""

    books: Books
    cash: Decimal
    breach: str | None
    loss: LossState
    counted: Mapping[str, int]


class Trader:
    """One trading system on the wall clock: what happens goes in, what is to be done comes out.

    What happens at one moment goes through :class:`~algo_trade.core.instants.Instants`, as in a backtest. Timers that fell due before
    a message came are heard before it, at the moment for which they were set.

    Parameters
    ----------
    plan : what it is made of
    limits, loss : its own limits, and what it had lost before
    portfolio : limits over all bots
    journal : where everything is written
    apart : the strategy, if it lives elsewhere; else it is made here
    ledger : writes down what its trading comes to

    Raises
    ------
    AlgoTradeError
        The strategy cannot be made.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        limits: Limits,
        loss: LossState,
        portfolio: Portfolio | None,
        journal: JournalWriter | None = None,
        apart: ApartStrategy | None = None,
        ledger: BotLedger | None = None,
    ) -> None:
        symbols = sorted(plan.symbols)
        self._symbols = symbols
        strategy = apart or load(plan.strategy, plan.params)
        # Nothing that it holds may hold it in turn: it has to go in its own thread, and a cycle may go in any.
        self._system = system = system_of(plan, strategy, journal=journal)
        venue = None
        if plan.is_paper:
            venue = SimulatedExecutionHandler(symbols, initial_capital=plan.capital, venue=plan.venue, books=plan.books)
        self._venue, self._is_paper, self._capital = venue, plan.is_paper, plan.capital
        rest = (plan.bot_id, lambda: system.equity, limits, portfolio, ledger)
        self._way = Way(*rest) if venue is None else PaperWay(venue, *rest)
        self._watch, self._portfolio, self._bot_id = LossWatch(limits, loss), portfolio, plan.bot_id
        self._ledger = ledger
        self._instants = Instants(system.step, self._way, has_books=True)
        self._now_ns = 0
        self._due_ns = NEVER
        # What was asked for before there were prices, as in a backtest.
        self._early: list[Command] = []

    def start(self, now_ns: int, history: Sequence[Bar], estate: Sequence[AccountEvent] = ()) -> Outcome:
        """Begin to trade, with what another run left and with bars of the past first: on those nothing is traded."""
        for event in estate:
            self._system.step(event)
        self._carry_over()
        began_ns = history[0].open_time_ns if history else now_ns
        self._early = self._learn(began_ns, now_ns, history, [ControlEvent.start(began_ns)])
        self._now_ns = now_ns
        self._judge(now_ns)
        return self._outcome()

    def recover(self, _now_ns: int, journal: str) -> Recovered:
        """Become what the trader was that wrote a journal, and see that it would do the same again.

        Raises
        ------
        JournalError
            It would not; or there is no journal.
        """
        return self._system.recover(journal)

    def go_on(
        self,
        now_ns: int,
        epoch: int,
        history: Sequence[Bar],
        timers: Sequence[tuple[int, int]],
    ) -> Outcome:
        """Go on where another process was stopped, after :meth:`recover`: with another epoch, and with the bars that were missed."""
        self._now_ns = now_ns
        step = self._system.step
        step(ControlEvent.takeover(now_ns, epoch))
        self._carry_over()
        self._early = self._learn(now_ns, now_ns, history, []) if history else []
        self._instants.set_timers(timers, now_ns)
        if self._is_paper:
            # The simulated venue has died with the process, and every order on it.
            for order in self._system.orders():
                gone = OrderUpdate(order.symbol, cloid=order.cloid, status="cancelled", reason="requested", time=now_ns)
                self._way.hear_reports([gone])
                self._instants.happen(now_ns, [], [], [gone])
        self._judge(now_ns)
        return self._outcome()

    def open_orders(self, _now_ns: int) -> list[OrderEvent]:
        """Return all orders that are not done."""
        return self._system.orders()

    def _learn(self, began_ns: int, now_ns: int, history: Sequence[Bar], first: list[ControlEvent]) -> list[Command]:
        """Let the strategy hear bars of the past; return what it asked for before there is a price of now: timers, after bars."""
        step = self._system.step
        if not history:
            return [command for event in first for command in step(event)]
        commands: list[Command] = []
        events: list[Event] = [ControlEvent.warm_up(began_ns), *first, *history, ControlEvent.resume(now_ns)]
        for event in events:
            commands += step(event)
        return [command for command in commands if isinstance(command, SetTimer)]

    def _carry_over(self) -> None:
        """Let the venue and the limits know what is held already."""
        exposure, venue = self._way.exposure, self._venue
        for symbol, position in self._system.positions():
            exposure.positions[symbol] = position.quantity
            if venue is not None:
                venue.restore(AccountEvent.position(symbol, 0, position.quantity, position.entry_price))
        for order in self._system.orders():
            price = order.price if order.price is not None else order.trigger_price
            exposure.asked(Wish(order.cloid, order.symbol, order.side == "buy", order.leaves, price, order.reduce_only))
        if self._ledger is not None:
            self._ledger.carry_over(self._system.positions())
            for order in self._system.orders():
                self._ledger.adopt(order, order.quantity - order.leaves)
        won = self._system.cash - self._capital
        if venue is not None and won:
            venue.restore(AccountEvent.transfer(0, won))

    def hear(self, now_ns: int, events: list[MarketEvent]) -> Outcome | None:
        """Take the market events of one message."""
        self._catch_up(now_ns)
        early, self._early = self._early, []
        self._instants.happen(self._now_ns, events, early)
        return self._news()

    def told(self, now_ns: int, reports: list[Report]) -> Outcome | None:
        """Take what a venue far away told."""
        self._catch_up(now_ns)
        self._way.hear_reports(reports)
        self._instants.happen(self._now_ns, [], [], reports)
        return self._news()

    def due(self, now_ns: int) -> Outcome:
        """Do what has fallen due by now."""
        self._catch_up(now_ns + 1)
        return self._outcome()

    def control(self, now_ns: int, *events: ControlEvent) -> Outcome:
        """Take the operator's word."""
        self._catch_up(now_ns)
        for event in events:
            self._instants.happen(self._now_ns, [], self._system.step(event))
        return self._outcome()

    def stop(self, now_ns: int) -> Outcome:
        """End trading: the strategy is told, and asks for nothing more."""
        self._catch_up(now_ns)
        self._system.step(ControlEvent.stop(self._now_ns))
        return self._outcome()

    def block(self, _now_ns: int, symbol: str, why: str | None) -> None:
        """Let nothing be opened on a symbol (on any, if it is empty), or again, if there is no reason any more."""
        if why is None:
            self._way.blocked.pop(symbol, None)
        else:
            self._way.blocked[symbol] = why

    def change_limits(self, _now_ns: int, limits: Limits) -> None:
        """Be bound by other limits from now on."""
        self._way.limits = self._watch.limits = limits

    def owned(self, now_ns: int) -> Owned:
        """Return what is owned, and whether too much was lost."""
        system = self._system
        held = ((symbol, system.position(symbol)) for symbol in self._symbols)
        positions = tuple(
            BotPosition(symbol, each.quantity, each.entry_price, each.unrealised_pnl)
            for symbol, each in held
            if not each.is_flat
        )
        equity = system.equity
        books = Books(equity, equity - self._capital, positions, len(system.orders()))
        return Owned(books, system.cash, self._judge(now_ns), self._watch.state, dict(self._way.counted))

    def _judge(self, now_ns: int) -> str | None:
        """Return which limit of loss of its own is broken; from then on, and if one over all is, nothing is opened."""
        way, portfolio, equity = self._way, self._portfolio, self._system.equity
        way.has_filled = False
        way.halted = breach = self._watch.breach(equity, now_ns)
        if portfolio is not None:
            portfolio.owns(self._bot_id, equity, self._capital)
            way.halted = way.halted or portfolio.breach(now_ns)
        return breach

    def _catch_up(self, now_ns: int) -> None:
        """Let everything happen that fell due before a moment; time never goes back."""
        instants = self._instants
        while (due_ns := instants.due_ns) < now_ns:
            self._now_ns = max(self._now_ns, due_ns)
            instants.happen(self._now_ns, [], [])
        self._now_ns = max(self._now_ns, now_ns)

    def _news(self) -> Outcome | None:
        way = self._way
        if way.has_filled or way.commands or way.notices or way.refusals or self._instants.due_ns != self._due_ns:
            return self._outcome()
        return None

    def _outcome(self) -> Outcome:
        way = self._way
        # Whoever looks once a second only would let a strategy lose for that long.
        if way.has_filled:
            self._judge(self._now_ns)
        self._due_ns = self._instants.due_ns
        outcome = Outcome(way.commands, way.notices, way.refusals, self._due_ns)
        way.commands, way.notices, way.refusals = [], [], []
        return outcome
