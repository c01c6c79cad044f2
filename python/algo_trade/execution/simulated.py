"""The simulated venue as an execution handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algo_trade._native import SimulatedVenue, resolve_capital
from algo_trade.execution.venue import VenueConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from algo_trade.core import Command, MarketEvent, Report


class SimulatedExecutionHandler:
    """Fills orders by the rules of the simulated venue, the very same that ``at.backtest`` uses.

    Parameters
    ----------
    symbols : sequence of str
        Every symbol that will occur, as in the data.
    initial_capital : number
        Deposit, in quote currency, from which margin is checked.
    venue : VenueConfig, optional
        The simulation's options.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        initial_capital: Decimal | int | str | float = 10_000,
        venue: VenueConfig | None = None,
    ) -> None:
        config = VenueConfig() if venue is None else venue
        self._venue = SimulatedVenue(
            config.options(),
            symbols=sorted(symbols),
            rules=config.rules(),
            initial_capital=resolve_capital(initial_capital),
        )

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        """Hear the market; orders may fill."""
        return self._venue.on_market_event(event)

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        """Carry out an order, change or cancel that arrives at ``now_ns``."""
        return self._venue.execute(command, now_ns)
