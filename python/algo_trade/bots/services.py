"""What all bots of a runner share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algo_trade.bots.gateway import Gateway
    from algo_trade.bots.journals import Journals
    from algo_trade.bots.record import MarketRecord
    from algo_trade.risk.portfolio import Portfolio
    from algo_trade.storage import DatabaseClient
    from algo_trade.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Services:
    """What bots need of the world outside, each behind a narrow face.

    Parameters
    ----------
    gateway : the exchange
    journals : where everything is written
    store : what is known of bots beside that
    telemetry : logs, metrics, alerts
    record : writes down what is heard, and what comes of trading
    portfolios : limits over all bots, those on paper and those live apart
    clock : the time in nanoseconds since the epoch
    owner : this process, for others who want its bots
    on_breach : what a limit of loss that is broken does: ``halt`` or ``flatten``
    """

    gateway: Gateway
    journals: Journals
    store: DatabaseClient
    telemetry: Telemetry
    record: MarketRecord
    portfolios: Mapping[str, Portfolio]
    clock: Callable[[], int]
    owner: str
    on_breach: Callable[[], str]
