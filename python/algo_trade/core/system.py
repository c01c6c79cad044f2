"""The generic wiring: data, strategy, risk and execution around one state machine, each part replaceable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algo_trade._native import ControlEvent, Position, System, resolve_capital
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.core.instants import NEVER, Instants
from algo_trade.errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from algo_trade._native import Instrument
    from algo_trade.core.protocols import Command, DataProvider, Event, ExecutionHandler, MarketEvent


class TradingSystem:
    """A deterministic state machine, ``step(event) -> commands``, and the plain loop that drives it through data.

    ``at.backtest`` runs the same machine in the same order inside the engine, and adds the measuring. This is the form in
    which every part can be one's own.

    The loop has one clock. Bars happen at their close. Ticks happen, for strategy and venue alike, when they reach us: a
    recording with two times is run as if one had been there and traded on paper.

    Parameters
    ----------
    data_provider : DataProvider
        Market events in time order; with ``books`` (:class:`DataProvider`) the strategy sees order books.
    strategy : Strategy or object with ``on_market_event``
        What decides.
    execution_handler : ExecutionHandler
        What carries out commands: the simulated venue, or one's own.
    risk_manager : SimpleRiskManager or RiskManager
        What sizes signals and watches over orders.
    initial_capital : number
        Deposit, in quote currency; the execution handler must have the same.
    bot_id : str
        Part of every order id.
    instruments : sequence of Instrument
        Tick and lot rules; symbols without an entry have none.

    Raises
    ------
    ParameterError
        For a part that lacks what its protocol asks for.
    """

    def __init__(
        self,
        data_provider: DataProvider,
        strategy: object,
        execution_handler: ExecutionHandler,
        risk_manager: object,
        *,
        initial_capital: Decimal | int | str | float = 10_000,
        bot_id: str = "backtest",
        instruments: Sequence[Instrument] = (),
    ) -> None:
        self._data = data_provider
        symbols = sorted(data_provider.symbols)
        books: Mapping[str, str] = getattr(data_provider, "books", {})
        missing = [symbol for symbol in symbols if symbol not in books]
        if books and missing:
            raise ParameterError(f"books: the data provider names nothing that drives the book of {', '.join(missing)}")
        self._has_books = bool(books)
        self._system = System(
            strategy_part(strategy),
            risk_part(risk_manager),
            symbols=symbols,
            books=[books[symbol] for symbol in symbols] if books else [],
            rules=list(instruments),
            initial_capital=resolve_capital(initial_capital),
            bot_id=bot_id,
        )
        self._instants = Instants(self.step, execution_handler, has_books=self._has_books)

    @property
    def equity(self) -> Decimal:
        """Cash and unrealised profit together, in quote currency."""
        return self._system.equity

    @property
    def cash(self) -> Decimal:
        """Equity without unrealised profit, in quote currency."""
        return self._system.cash

    def position(self, symbol: str) -> Position:
        """Return the position in a symbol, as it is now."""
        return self._system.position(symbol)

    def step(self, event: Event | list[MarketEvent]) -> list[Command]:
        """Take one event in, or the market events of one instant, and return what is to be done, in order.

        What a strategy answers to events of one instant is carried out once it has heard them all. After an exception it must
        not be called again.

        Raises
        ------
        StrategyError
            When the strategy or the risk manager raises; its exception is the cause.
        EngineError
            When a number leaves its range.
        """
        return self._system.step(event)

    def run(self) -> None:
        """Drive the machine through all data, from the start to the stop of trading.

        Raises
        ------
        DataError
            When there are no data, or they go back in time.
        StrategyError
            When the strategy raises, or talks with the venue without end.
        """
        events = iter(self._data)
        upcoming = next(events, None)
        if upcoming is None:
            raise DataError("there are no market data to run on")
        moment = self._moment(upcoming)
        now: int = getattr(upcoming, "open_time_ns", moment)
        commands = self.step(ControlEvent.start(now))
        due = NEVER
        while upcoming is not None:
            if moment < now:
                raise DataError(f"the data go back in time: {upcoming!r} comes after an event at {now} ns")
            now = min(moment, due)
            batch: list[MarketEvent] = []
            while upcoming is not None and moment == now:
                batch.append(upcoming)
                upcoming = next(events, None)
                if upcoming is not None:
                    moment = self._moment(upcoming)
            self._instants.happen(now, batch, commands)
            due, commands = self._instants.due_ns, []
        self.step(ControlEvent.stop(now))

    def _moment(self, event: MarketEvent) -> int:
        """When an event happens: ticks, when they reach us."""
        moment: int = getattr(event, "local_time_ns", event.time_ns) if self._has_books else event.time_ns
        return moment
