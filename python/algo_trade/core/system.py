"""The generic wiring: data, strategy, risk and execution around one state machine, each part replaceable."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from algo_trade._native import ControlEvent, Position, SetTimer, System, TimerEvent, resolve_capital
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.errors import DataError, StrategyError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from algo_trade._native import Instrument
    from algo_trade.core.protocols import Command, DataProvider, Event, ExecutionHandler, MarketEvent, Report

ROUNDS_MAX = 1_000
"""More rounds than this at one instant are an endless conversation between strategy and venue."""


class TradingSystem:
    """A deterministic state machine, ``step(event) -> commands``, and the plain loop that drives it through data.

    ``at.backtest`` runs the same machine in the same order inside the engine, and adds the measuring. This is the form in
    which every part can be one's own.

    Parameters
    ----------
    data_provider : DataProvider
        Market events in time order.
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
        self._execution = execution_handler
        self._system = System(
            strategy_part(strategy),
            risk_part(risk_manager),
            symbols=sorted(data_provider.symbols),
            rules=list(instruments),
            initial_capital=resolve_capital(initial_capital),
            bot_id=bot_id,
        )
        self._timers: list[tuple[int, int, int]] = []
        self._timers_set = 0

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

    def step(self, event: Event) -> list[Command]:
        """Take one event in and return what is to be done, in order. After an exception it must not be called again.

        Raises
        ------
        StrategyError
            When the strategy or the risk manager raises; its exception is the cause.
        EngineError
            When a number leaves its range.
        """
        return list(self._system.step(event))

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
        now: int = getattr(upcoming, "open_time_ns", upcoming.time_ns)
        commands = self.step(ControlEvent.start(now))
        while upcoming is not None:
            if upcoming.time_ns < now:
                raise DataError(f"the data go back in time: {upcoming!r} comes after an event at {now} ns")
            now = min(upcoming.time_ns, self._timers[0][0]) if self._timers else upcoming.time_ns
            batch: list[MarketEvent] = []
            while upcoming is not None and upcoming.time_ns == now:
                batch.append(upcoming)
                upcoming = next(events, None)
            commands = self._instant(now, batch, commands)
        self.step(ControlEvent.stop(now))

    def _instant(self, now: int, batch: list[MarketEvent], commands: list[Command]) -> list[Command]:
        """Let all happen that happens at one moment: the venue hears the market before the strategy does."""
        reports = [report for event in batch for report in self._execution.on_market_event(event)]
        commands += self._deliver(reports)
        for event in batch:
            commands += self.step(event)
        while self._timers and self._timers[0][0] <= now:
            commands += self.step(TimerEvent(now, heapq.heappop(self._timers)[2]))
        for _ in range(ROUNDS_MAX):
            if not commands:
                return commands
            commands = self._arrive(now, commands)
        raise StrategyError(
            f"more than {ROUNDS_MAX} rounds at one instant: the strategy answers each report with an order"
        )

    def _arrive(self, now: int, commands: list[Command]) -> list[Command]:
        """Carry commands out; the answers come back in the same round."""
        reports: list[Report] = []
        for command in commands:
            if isinstance(command, SetTimer):
                self._timers_set += 1
                # A timer for a moment that has passed comes due at the next one.
                heapq.heappush(self._timers, (max(command.time_ns, now + 1), self._timers_set, command.id))
            else:
                reports += self._execution.execute(command, now)
        return self._deliver(reports)

    def _deliver(self, reports: list[Report]) -> list[Command]:
        """Tell the system what the venue said, by time."""
        commands: list[Command] = []
        for report in sorted(reports, key=lambda report: report.time_ns):
            commands += self.step(report)
        return commands
