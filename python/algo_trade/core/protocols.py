"""What a user may implement: where events come from, and what decides on them."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from algo_trade._native import Bar, Quote, SignalEvent, Trade

MarketEvent: TypeAlias = Bar | Trade | Quote
"""News from the market."""


@runtime_checkable
class DataProvider(Protocol):
    """Market events in time order.

    ``symbols`` must name every symbol that will occur, since instruments are ranked before the first event.
    """

    @property
    def symbols(self) -> Sequence[str]:
        """Every symbol that occurs."""
        ...

    def __iter__(self) -> Iterator[MarketEvent]:
        """Yield the events, each at or after the one before it."""
        ...


@runtime_checkable
class EventStrategy(Protocol):
    """The plain contract of a strategy: one market event in, perhaps a signal out."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    def on_market_event(self, event: MarketEvent) -> SignalEvent | None:
        """Answer an event with a target, or with nothing."""
        ...
