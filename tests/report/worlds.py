"""Results for the report's tests, made by a small simulation of a moving-average crossover. Floats are good enough here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

START = datetime(2022, 1, 1, tzinfo=UTC)
MONEY = pl.Decimal(20, 8)
TIME = pl.Datetime("ns", "UTC")
TRADES: dict[str, Any] = {
    "symbol": pl.String,
    "side": pl.String,
    "entry_time": TIME,
    "exit_time": TIME,
    "quantity": MONEY,
    "entry_price": MONEY,
    "exit_price": MONEY,
    "pnl": MONEY,
    "fees": MONEY,
    "funding": MONEY,
    "return": pl.Float64,
    "duration_s": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Metrics:
    total_return: float | None = 0.0
    annual_return: float | None = 0.0
    annual_volatility: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    max_drawdown: float | None = 0.0
    max_drawdown_duration_s: float | None = 0.0
    num_trades: int = 0
    num_fills: int = 0
    num_orders: int = 0
    win_rate: float | None = None
    profit_factor: float | None = None
    payoff_ratio: float | None = None
    expectancy: Decimal = Decimal(0)
    expectancy_bps: float | None = None
    avg_win: Decimal = Decimal(0)
    avg_loss: Decimal = Decimal(0)
    exposure: float | None = 0.0
    mean_leverage: float | None = 0.0
    max_leverage: float | None = 0.0
    turnover: float | None = 0.0
    volume: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    fees_taker: Decimal = Decimal(0)
    fees_maker: Decimal = Decimal(0)
    fees_builder: Decimal = Decimal(0)
    rebates: Decimal = Decimal(0)
    slippage: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)
    funding_paid: Decimal = Decimal(0)
    funding_received: Decimal = Decimal(0)
    sampling_step_s: float = 3_600.0
    periods_per_year: float = 8_760.0
    short_sample: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    strategy: str
    params: dict[str, object]
    symbols: list[str]
    start: datetime
    end: datetime
    equity: pl.DataFrame
    prices: pl.DataFrame
    trades: pl.DataFrame
    metrics: Metrics
    initial_capital: Decimal = Decimal(10_000)
    final_equity: Decimal = Decimal(10_000)
    events: int = 0
    elapsed_s: float = 0.31
    digest: str = "9f2c4b7a" * 8
    assumptions: list[str] = field(default_factory=list)
    data_summary: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    # Tables of a run over ticks: bars have none.
    fills: pl.DataFrame = field(default_factory=pl.DataFrame)
    orders: pl.DataFrame = field(default_factory=pl.DataFrame)
    marks: pl.DataFrame = field(default_factory=pl.DataFrame)
    best: pl.DataFrame = field(default_factory=pl.DataFrame)


ASSUMPTIONS = [
    "A market order fills at the next bar's open, moved 1 bps against us; nothing acts on a price it has just seen.",
    "Inside a bar the path is pessimistic: the extreme that hurts the position comes first.",
    "A limit order fills only where the price trades through it, by one tick; bars know no queue.",
    "All fills of a bar take at most 10 % of its volume; the rest works on.",
    "Volumes are in base units. Time stamps are the bars' opening times, in UTC because the file names no zone.",
    "Fees: 4.5 bps as taker, 1.5 bps as maker, on the notional of each fill.",
    "No funding: the data hold no funding rates.",
    "Margin at leverage 1; the last position is marked at the last close and not closed.",
]


def decimals(values: npt.NDArray[Any] | list[float]) -> pl.Series:
    return pl.Series(np.asarray(values, dtype=float)).round(8).cast(MONEY)


def random_closes(bars: int, seed: int, first: float = 46_000.0) -> npt.NDArray[Any]:
    moves = np.random.default_rng(seed).normal(0, 0.0009, bars)
    return np.round(first * np.exp(np.cumsum(moves)), 1)


def crossover(
    closes: dict[str, npt.NDArray[Any]],
    *,
    start: datetime = START,
    step: timedelta = timedelta(minutes=1),
    fast: int = 60,
    slow: int = 240,
) -> Result:
    """Run long and short on every cross of two averages, a tenth of the capital in each symbol."""
    capital, rate, slip = 10_000.0, 0.00045, 0.0001
    bars = len(next(iter(closes.values())))
    times = pl.datetime_range(
        start, start + step * (bars - 1), interval=step, time_unit="ns", time_zone="UTC", eager=True
    ).alias("time")
    equity = np.full(bars, capital)
    trades: list[dict[str, object]] = []
    volume = fees = slippage = 0.0
    fills = 0
    held_bars = np.zeros(bars, dtype=bool)
    for symbol, close in closes.items():
        sums = np.concatenate([[0.0], np.cumsum(close)])
        averages = [np.concatenate([np.full(n - 1, np.nan), (sums[n:] - sums[:-n]) / n]) for n in (fast, slow)]
        with np.errstate(invalid="ignore"):
            side = np.sign(averages[0] - averages[1])
        side = np.where(np.isnan(side), 0, side)
        held = np.concatenate([[0], side[:-1]])  # acts on the bar after the signal
        quantity = round(0.1 * capital / close[0], 4)
        changes = np.flatnonzero(np.diff(held)) + 1
        cost = np.zeros(bars)
        entered: tuple[int, float, float] | None = None
        for bar in changes:
            new, old = held[bar], held[bar - 1]
            price = close[bar] * (1 + slip * np.sign(new - old))
            notional = abs(new - old) * quantity * price
            volume, fees, fills = volume + notional, fees + notional * rate, fills + 1
            slippage += abs(new - old) * quantity * close[bar] * slip
            cost[bar] = notional * rate + abs(new - old) * quantity * close[bar] * slip
            if entered is not None:
                entry_bar, entry_price, direction = entered
                fee = quantity * rate * (entry_price + price)
                pnl = direction * quantity * (price - entry_price) - fee
                trades.append(
                    {
                        "symbol": symbol,
                        "side": "long" if direction > 0 else "short",
                        "entry_time": start + step * int(entry_bar),
                        "exit_time": start + step * int(bar),
                        "quantity": quantity,
                        "entry_price": entry_price,
                        "exit_price": price,
                        "pnl": pnl,
                        "fees": fee,
                        "funding": 0.0,
                        "return": pnl / (quantity * entry_price),
                        "duration_s": (bar - entry_bar) * step.total_seconds(),
                    }
                )
            entered = (int(bar), price, new) if new else None
        equity += np.cumsum(np.concatenate([[0], held[1:] * quantity * np.diff(close)]) - cost)
        held_bars |= held != 0
    amounts = [name for name, dtype in TRADES.items() if dtype == MONEY]
    frame = pl.DataFrame(trades, schema=TRADES | dict.fromkeys(amounts, pl.Float64)).sort("entry_time")
    frame = frame.with_columns(pl.col(name).round(8).cast(MONEY) for name in amounts)
    prices = pl.concat(
        pl.DataFrame({"time": times, "symbol": [symbol] * bars, "close": decimals(close)})
        for symbol, close in closes.items()
    ).sort("time", maintain_order=True)
    base = Result(
        strategy="ma_crossover",
        params={"fast": fast, "slow": slow, "direction": "both"},
        symbols=list(closes),
        start=start,
        end=start + step * (bars - 1),
        equity=pl.DataFrame({"time": times, "equity": decimals(equity)}),
        prices=prices,
        trades=frame,
        metrics=Metrics(),
        events=bars * len(closes),
        assumptions=ASSUMPTIONS,
        data_summary={
            "rows": bars * len(closes),
            "gaps": 2,
            "longest_gap": "12 min",
            "snapped_numbers": 6,
            "time_zone": "none given: read as UTC",
            "files": [
                {
                    "file": "btc.csv",
                    "rows": bars,
                    "first": START,
                    "columns": "timestamp, open, high, low, close, volume",
                }
            ],
        },
        manifest={
            "version": "0.1.0",
            "code_hash": "c0ffee12" * 8,
            "data": [{"path": "btc.csv", "fingerprint": "blake3:" + "ab12cd34" * 8}],
            "strategy": "ma_crossover",
            "params": {"fast": fast, "slow": slow, "direction": "both"},
            "seed": 0,
            "digest": "9f2c4b7a" * 8,
        },
    )
    return with_metrics(
        base, volume=volume, fees=fees, slippage=slippage, fills=fills, exposure=float(held_bars.mean())
    )


def with_metrics(result: Result, *, volume: float, fees: float, slippage: float, fills: int, exposure: float) -> Result:
    values = result.equity["equity"].cast(pl.Float64).to_numpy()
    hourly = values[
        :: max(int(3_600 / max((result.end - result.start).total_seconds() / max(len(values) - 1, 1), 1)), 1)
    ]
    returns = hourly[1:] / hourly[:-1] - 1
    peak = np.maximum.accumulate(values)
    days = (result.end - result.start).total_seconds() / 86_400
    pnl = result.trades["pnl"].cast(pl.Float64).to_numpy()
    wins, losses = pnl[pnl > 0], pnl[pnl < 0]
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    total = float(values[-1] / values[0] - 1)
    metrics = Metrics(
        total_return=total,
        annual_return=(1 + total) ** (365 / days) - 1 if days > 0 and total > -1 else None,
        annual_volatility=deviation * 8_760**0.5 or None,
        sharpe=float(returns.mean()) / deviation * 8_760**0.5 if deviation else None,
        sortino=float(returns.mean()) / float(np.sqrt(np.mean(np.minimum(returns, 0) ** 2))) * 8_760**0.5
        if (returns < 0).any()
        else None,
        calmar=None,
        max_drawdown=float(((peak - values) / peak).max()),
        max_drawdown_duration_s=11.4 * 86_400,
        num_trades=len(pnl),
        num_fills=fills,
        num_orders=fills,
        win_rate=len(wins) / len(pnl) if len(pnl) else None,
        profit_factor=float(wins.sum() / -losses.sum()) if len(losses) else None,
        payoff_ratio=float(wins.mean() / -losses.mean()) if len(losses) and len(wins) else None,
        expectancy=money(pnl.mean()) if len(pnl) else Decimal(0),
        expectancy_bps=float(pnl.mean()) / 10 if len(pnl) else None,
        avg_win=money(wins.mean()) if len(wins) else Decimal(0),
        avg_loss=money(losses.mean()) if len(losses) else Decimal(0),
        exposure=exposure,
        mean_leverage=0.1 * exposure,
        max_leverage=0.1124,
        turnover=volume / 10_000 / days if days else None,
        volume=money(volume),
        fees=money(fees),
        fees_taker=money(fees),
        slippage=money(slippage),
        short_sample=days < 30,
    )
    return replace(result, metrics=metrics, final_equity=money(values[-1]))


def money(value: float) -> Decimal:
    return Decimal(f"{value:.8f}")


def month() -> Result:
    """A month of minutes of one symbol: what the demo shows."""
    return crossover({"BTC": random_closes(44_640, seed=5)})


def untraded(points: int = 500) -> Result:
    """A run in which nothing was traded."""
    return crossover({"BTC": random_closes(points, seed=1)}, fast=points, slow=points + 1 if points > 1 else 1)


def empty() -> Result:
    """One equity point, no trade."""
    result = crossover({"BTC": random_closes(1, seed=1)}, fast=1, slow=1)
    return replace(result, warnings=["The run has a single bar."])
