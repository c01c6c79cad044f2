"""What was assumed, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from algo_trade.backtest.metrics import PerformanceMetrics
    from algo_trade.execution import VenueConfig

_PATHS = {
    "pessimistic": "Inside a bar the extreme that hurts the open position is visited first; when flat, the one nearer to the open.",
    "adaptive": "Inside a bar the extreme nearer to the open is visited first.",
    "ohlc": "Inside a bar the high is visited before the low.",
    "olhc": "Inside a bar the low is visited before the high.",
}

_RESTING = {
    0: "Optimistic: a resting limit order fills as soon as the price touches it, as if there were no queue.",
    1: "Bars know no queue: a resting limit order fills only when the price goes a tick through it.",
}


def sentences(venue: VenueConfig, metrics: PerformanceMetrics, *, has_volume: bool, volume_unit: str) -> list[str]:
    """Say what a reader must know before the numbers."""
    step = "day" if metrics.sampling_step_s >= 86_400 else "hour"
    fill = (
        "Orders decided at a bar's close act from the next bar on: market orders fill at its open, so nothing looks ahead."
        if venue.fill_on == "next_open"
        else "Optimistic: market orders fill at the very close that they were decided on, which live trading cannot do."
    )
    said = [
        f"Sharpe and Sortino use returns sampled every {step} and {metrics.periods_per_year:,.0f} periods a year (a market that never closes); risk-free rate 0.",
        fill,
        _PATHS[venue.path],
        f"Taker fills are {venue.slippage_bps.normalize():f} bps worse than the price. {venue.fees.sentence()}",
        _RESTING.get(
            venue.penetration_ticks,
            f"Bars know no queue: a resting limit order fills only when the price goes {venue.penetration_ticks} ticks through it.",
        ),
        (
            f"All own orders together fill at most {venue.max_participation:.0%} of a bar's volume (volumes taken as {volume_unit} units)."
            if has_volume
            else "The data hold no volumes, so fills are not limited by volume."
        ),
        f"{_margin(venue)} No funding on bars.",
        "An open position at the end is valued at the last close and not counted as a trade.",
    ]
    if metrics.short_sample:
        said.append("Short sample: the run covers less than 30 days, so annual figures mean little.")
    return said


def _margin(venue: VenueConfig) -> str:
    if venue.margin == "none":
        return "Margin is not looked after: positions of any size are carried, and nothing is liquidated."
    said = f"Margin as on Hyperliquid at {venue.leverage}x, {venue.margin_mode}: orders beyond it are refused, positions below maintenance margin are liquidated."
    own = [
        f"{symbol} {rules.leverage or venue.leverage}x {rules.margin_mode or venue.margin_mode}"
        for symbol, rules in sorted(venue.instruments.items())
        if rules.leverage is not None or rules.margin_mode is not None
    ]
    return f"{said} Its own: {', '.join(own)}." if own else said
