"""A machine of two symbols, stepped by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import algo_trade as at
from algo_trade._native import ControlEvent, System, resolve_capital
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.risk import SimpleRiskManager

if TYPE_CHECKING:
    from algo_trade._native import Context

MINUTE = 60_000_000_000


def machine(strategy: object, *, started: bool = True, **options: Any) -> System:
    system = System(
        strategy_part(strategy),
        risk_part(SimpleRiskManager(quantity="1")),
        **{
            "symbols": ["BTC", "ETH"],
            "rules": [],
            "initial_capital": resolve_capital(10_000),
            "bot_id": "bot",
            **options,
        },
    )
    if started:
        system.step(ControlEvent.start(0))
    return system


def bar(minute: int, close: object = 100, symbol: str = "BTC") -> at.Bar:
    """Return a flat bar that begins at a minute."""
    return at.Bar(symbol, minute * MINUTE, (minute + 1) * MINUTE, close, close, close, close, 10)  # type: ignore[arg-type]


class Buys(at.Strategy):
    """Buys one at each bar, at a price where it rests."""

    def on_bar(self, ctx: Context, bar: at.Bar) -> None:
        ctx.buy(bar.symbol, 1, price=90)
