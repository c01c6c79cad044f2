"""The simulated venue as an execution handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algo_trade._native import SimulatedVenue, resolve_capital
from algo_trade.errors import ParameterError
from algo_trade.execution.venue import VenueConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from algo_trade._native import AccountEvent
    from algo_trade.core import BookKind, Command, MarketEvent, Report


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
    books : mapping of symbol to "quote" or "l2", optional
        What drives the book of each symbol, as ``data.books`` says: orders meet these books, and what the market does happens
        when it reaches us. Without it orders meet bars.

    Raises
    ------
    ParameterError
        Options that make no sense, or that one clock cannot meet: on books, messages between us and the venue take no time, so
        that ``latency`` must be zero each way, and there is no ``block_mode``.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        initial_capital: Decimal | int | str | float = 10_000,
        venue: VenueConfig | None = None,
        books: Mapping[str, BookKind] | None = None,
    ) -> None:
        config = VenueConfig() if venue is None else venue
        self._venue = SimulatedVenue(
            config.options(),
            symbols=sorted(symbols),
            rules=config.rules(),
            initial_capital=resolve_capital(initial_capital),
            books=_chosen(config, sorted(symbols), books or {}),
        )

    def restore(self, event: AccountEvent) -> None:
        """Take over a position or money from another run, before the first event of this one."""
        self._venue.restore(event)

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        """Hear the market; orders may fill."""
        return self._venue.on_market_event(event)

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        """Carry out an order, change or cancel that arrives at ``now_ns``."""
        return self._venue.execute(command, now_ns)

    @property
    def next_time_ns(self) -> int | None:
        """When something falls due at the venue though nobody says anything; None if nothing does."""
        return self._venue.next_time_ns

    def on_time(self, now_ns: int) -> Sequence[Report]:
        """Do what is due by ``now_ns``: triggers, funding, liquidations of the instant, slices of a TWAP, scheduled cancels."""
        return self._venue.on_time(now_ns)


def _chosen(config: VenueConfig, symbols: Sequence[str], books: Mapping[str, BookKind]) -> list[str]:
    """What drives each book, in the order of the symbols; raises ParameterError where the options want something else."""
    wanted = None if config.book == "bar" else config.book
    if not books:
        if wanted is not None:
            raise ParameterError(f"book = {wanted}: say what drives each book, as the data do: books=data.books")
        return []
    missing = [symbol for symbol in symbols if symbol not in books]
    if missing:
        raise ParameterError(f"books: they name nothing that drives the book of {', '.join(missing)}")
    differing = [symbol for symbol in symbols if config.book not in {None, books[symbol]}]
    if differing:
        raise ParameterError(f"book = {config.book}: the book of {differing[0]} is driven by {books[differing[0]]}")
    return [books[symbol] for symbol in symbols]
