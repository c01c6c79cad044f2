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


_QUEUES = {
    "risk_averse": "Cancels of others are thought to stand behind our orders: only trades move them up (conservative).",
    "fifo": "Cancels of others are thought to stand behind our orders: only trades move them up (conservative).",
}

_BOOKS = {
    "quote": "best bid and offer only: what stands behind them is not known, and no queue there fills",
    "l2": "levels: where in a level's queue others cancel is not known",
    "l3": "single orders: the place in each queue is known",
}


def tick_sentences(venue: VenueConfig, metrics: PerformanceMetrics, *, books: list[str]) -> list[str]:
    """Say what a reader of a run over tick data must know before the numbers."""
    step = "day" if metrics.sampling_step_s >= 86_400 else "hour"
    said = [f"The books are {'; '.join(_BOOKS[kind] for kind in dict.fromkeys(books))}."]
    if books != ["l3"] * len(books):
        queue = venue.queue
        model = f"{queue.model} with n = {queue.n:g}" if queue.model.startswith("power") else queue.model
        said.append(_QUEUES.get(queue.model, f"Which cancels of others move our orders up is a model: {model}."))
    said += [
        (
            "Fills are as large as the trades and quantities that bear them out; what we take is gone from the book until it is told again."
            if venue.partial_fills
            else "Optimistic: an order that is reached fills whole, whatever was traded (for comparisons)."
        ),
        f"{_latency(venue)} Our orders do not change what others do.",
        venue.fees.sentence(),
        f"{_margin(venue)} {_FUNDING[venue.funding]}",
    ]
    if venue.block_mode:
        said.append("Actions wait for the next block of the recording; cancels and post-only orders go first in it.")
    optimistic = [name for name in ("through_fill", "cross_fill") if getattr(venue, name) == "full"]
    said += [f"Optimistic: {name} = full fills whole orders on partial evidence." for name in optimistic]
    said.append(
        f"Sharpe and Sortino use returns sampled every {step} and {metrics.periods_per_year:,.0f} periods a year (a market that never closes); risk-free rate 0."
    )
    said.append("An open position at the end is valued at the last mark and not counted as a trade.")
    if metrics.short_sample:
        said.append("Short sample: the run covers less than 30 days, so annual figures mean little.")
    return said


_FUNDING = {
    "recorded": "Funding is settled from the rates that the data hold; without any there is none.",
    "formula": "Funding is settled hourly by the venue's formula from the premium, or from recorded rates.",
    "none": "No funding.",
}


def _latency(venue: VenueConfig) -> str:
    latency = venue.latency
    if latency is None or latency.kind == "constant":
        entry, response = (0, 0) if latency is None else (latency.entry_ns, latency.response_ns)
        said = f"Orders take {entry / 1e6:g} ms to the venue, answers {response / 1e6:g} ms back"
    elif latency.kind == "feed":
        said = f"Orders take {latency.a:g} times the feed's latency plus {latency.b_ns / 1e6:g} ms, answers {latency.c:g} times plus {latency.d_ns / 1e6:g} ms"
    else:
        said = f"Latencies of orders and answers are those measured in {latency.file}"
    jitter = "" if latency is None or not latency.jitter else f", with a random factor of deviation {latency.jitter:g}"
    return f"{said}{jitter}; market data take as long as they were recorded to."


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
