"""Every metric again, from the tables of a run and the formulas of docs/metrics.md."""

from __future__ import annotations

import math
from collections import deque
from decimal import Decimal
from itertools import pairwise
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from .bars import UNIT, decimal, equity_of, half_even, notional, steps, times

if TYPE_CHECKING:
    import algo_trade as at

YEAR_S = 365 * 86_400
NS = 10**9


def sampled(curve: list[tuple[int, int]]) -> tuple[int, list[int]]:
    """Return Δ in seconds and the equity at the start, at each multiple of Δ since the epoch, and at the end."""
    start, end = curve[0][0], curve[-1][0]
    delta_s = 86_400 if end - start >= 60 * 86_400 * NS else 3_600
    first = start // (delta_s * NS) + 1
    marks = [start, *(k * delta_s * NS for k in range(first, -(-end // (delta_s * NS)))), end]
    found, index = [], 0
    for mark in marks:
        while index + 1 < len(curve) and curve[index + 1][0] <= mark:
            index += 1
        found.append(curve[index][1])
    return delta_s, found


def ratios(curve: list[tuple[int, int]]) -> dict[str, Any]:
    """Return what follows from the equity alone."""
    delta_s, grid = sampled(curve)
    returns = [after / before - 1 for before, after in pairwise(grid)]
    per_year = YEAR_S / delta_s
    duration_s = (curve[-1][0] - curve[0][0]) / NS
    sigma = stdev(returns) if len(returns) > 1 else 0.0
    downside = math.sqrt(fmean(min(0.0, r) ** 2 for r in returns)) if len(returns) > 1 else 0.0
    annual = (grid[-1] / grid[0]) ** (YEAR_S / duration_s) - 1 if grid[-1] > 0 else None
    deepest, longest = drawdown(curve)
    return {
        "total_return": grid[-1] / grid[0] - 1,
        "annual_return": annual,
        "annual_volatility": sigma * math.sqrt(per_year) if len(returns) > 1 else None,
        "sharpe": fmean(returns) / sigma * math.sqrt(per_year) if sigma else None,
        "sortino": fmean(returns) / downside * math.sqrt(per_year) if downside else None,
        "max_drawdown": deepest,
        "max_drawdown_duration_s": longest,
        "calmar": annual / deepest if deepest and annual is not None else None,
        "sampling_step_s": float(delta_s),
        "periods_per_year": per_year,
        "short_sample": duration_s < 30 * 86_400,
    }


def drawdown(curve: list[tuple[int, int]]) -> tuple[float, float]:
    """Return the deepest fall from a peak as a fraction, and the longest time from a peak to its recovery or the end."""
    peak_ns, peak = curve[0]
    deepest, longest, is_under = 0.0, 0, False
    for time, value in curve[1:]:
        if value >= peak:
            longest = max(longest, time - peak_ns if is_under else 0)
            peak_ns, peak, is_under = time, value, False
        else:
            deepest, is_under = max(deepest, (peak - value) / peak), True
    return deepest, max(longest, curve[-1][0] - peak_ns if is_under else 0) / NS


def trade_figures(result: at.BacktestResult) -> dict[str, Any]:
    """Return what follows from the round trips."""
    profits = steps(result.trades["pnl"])
    costs = [
        notional(p, q) for p, q in zip(*(steps(result.trades[c]) for c in ("entry_price", "quantity")), strict=True)
    ]
    gains, losses = [p for p in profits if p > 0], [p for p in profits if p < 0]

    def mean(values: list[int]) -> Decimal:
        return decimal(half_even(sum(values), len(values))) if values else Decimal(0)

    return {
        "num_trades": len(profits),
        "win_rate": len(gains) / len(profits) if profits else None,
        "profit_factor": sum(gains) / -sum(losses) if losses else None,
        "payoff_ratio": fmean(gains) / -fmean(losses) if gains and losses else None,
        "expectancy": mean(profits),
        "expectancy_bps": sum(profits) / sum(costs) * 1e4 if profits else None,
        "avg_win": mean(gains),
        "avg_loss": mean(losses),
    }


def flow_figures(result: at.BacktestResult) -> dict[str, Any]:
    """Return what follows from the fills and the orders."""
    fills = result.fills.join(
        result.orders.select("cloid", "decision_price"), on="cloid", how="left", maintain_order="left"
    )
    prices, quantities, fees = (steps(fills[name]) for name in ("price", "quantity", "fee"))
    signs = [1 if side == "buy" else -1 for side in fills["side"]]
    volume = sum(notional(p, q) for p, q in zip(prices, quantities, strict=True))
    days = (times(result.equity["time"])[-1] - times(result.equity["time"])[0]) / NS / 86_400
    paid = {
        side: [f for f, s in zip(fees, fills["liquidity"], strict=True) if f > 0 and s == side]
        for side in ("taker", "maker")
    }
    decided = steps(fills["decision_price"])
    lost = sum(notional(p - d, s * q) for p, d, s, q in zip(prices, decided, signs, quantities, strict=True))
    return {
        "num_fills": len(prices),
        "num_orders": result.orders.height,
        "volume": decimal(volume),
        "fees": decimal(sum(fees)),
        "fees_taker": decimal(sum(paid["taker"])),
        "fees_maker": decimal(sum(paid["maker"])),
        "fees_builder": Decimal(0),
        "rebates": decimal(-sum(f for f in fees if f < 0)),
        "funding": Decimal(0),
        "funding_paid": Decimal(0),
        "funding_received": Decimal(0),
        "slippage": decimal(lost),
        "turnover": volume / mean_equity(equity_of(result)) / days,
    }


def mean_equity(curve: list[tuple[int, int]]) -> float:
    """Return the mean over time; a value holds until the next."""
    return sum(before * (end - start) for (start, before), (end, _) in pairwise(curve)) / (curve[-1][0] - curve[0][0])


def exposure(result: at.BacktestResult) -> float:
    """Return the time with any position over the time of the run."""
    start, end = (times(result.equity["time"])[i] for i in (0, -1))
    held = dict.fromkeys(result.symbols, 0)
    busy, before = 0, start
    for time, symbol, change in signed_fills(result):
        busy += time - before if any(held.values()) else 0
        held[symbol] += change
        before = time
    return (busy + (end - before if any(held.values()) else 0)) / (end - start)


def leverages(result: at.BacktestResult, *, is_filled_at_close: bool) -> dict[str, float]:
    """Return mean and largest leverage: gross notional over equity at each close, which holds until the next."""
    curve = equity_of(result)
    fills = deque(signed_fills(result))
    held, last = dict.fromkeys(result.symbols, 0), dict.fromkeys(result.symbols, 0)
    prices = sorted(
        zip(times(result.prices["time"]), result.prices["symbol"], steps(result.prices["close"]), strict=True)
    )
    closes = deque(prices)
    found = [0.0]
    for time, equity in curve[1:]:
        # A fill at the next open has the time of this close, and belongs to the next.
        while fills and fills[0][0] < time + is_filled_at_close:
            _, symbol, change = fills.popleft()
            held[symbol] += change
        while closes and closes[0][0] <= time:
            _, symbol, price = closes.popleft()
            last[symbol] = price
        found.append(sum(abs(held[s]) * last[s] for s in held) / UNIT / equity)
    weights = [end - start for (start, _), (end, _) in pairwise(curve)]
    mean = sum(w * value for w, value in zip(weights, found, strict=False)) / (curve[-1][0] - curve[0][0])
    return {"mean_leverage": mean, "max_leverage": max(found)}


def signed_fills(result: at.BacktestResult) -> list[tuple[int, str, int]]:
    signs = [1 if side == "buy" else -1 for side in result.fills["side"]]
    columns = (times(result.fills["time"]), result.fills["symbol"], signs, steps(result.fills["quantity"]))
    return [(time, symbol, sign * quantity) for time, symbol, sign, quantity in zip(*columns, strict=True)]


def all_figures(result: at.BacktestResult) -> dict[str, Any]:
    """Return every metric by name, but for the two of leverage."""
    figures = {**ratios(equity_of(result)), **trade_figures(result), **flow_figures(result)}
    return {**figures, "exposure": exposure(result)}
