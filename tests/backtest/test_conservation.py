"""Whatever is ordered, the account adds up to the last unit, and no fill breaks a rule of the venue."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

import algo_trade as at
from algo_trade.data import synthetic_bars
from algo_trade.execution import Fees

from .bars import MINUTE_NS, UNIT, charged, equity_of, frame, notional, steps, times, units
from .orders import ACTS, Act, Anything

TICK, LOT = "0.1", "0.01"
MINUTE = timedelta(minutes=1)
MAKER, TAKER = Decimal("-0.0001"), Decimal("0.00045")
SYMBOLS = ("A", "B")
PRICE = st.integers(180, 220)


@st.composite
def markets(draw: st.DrawFn) -> pl.DataFrame:
    """Bars of two symbols, in steps of 0.5. Each is a minute long with a minute to the next, so that a time tells the bar."""
    count = draw(st.integers(3, 25))
    tables = []
    for symbol in SYMBOLS:
        rows = []
        for opened, closed, above, below in draw(
            st.lists(st.tuples(PRICE, PRICE, st.integers(0, 8), st.integers(0, 8)), min_size=count, max_size=count)
        ):
            high, low = max(opened, closed) + above, min(opened, closed) - below
            volume = draw(st.sampled_from([0, 1, 20, 1_000]))
            rows.append([*(value / 2 for value in (opened, high, low, closed)), volume])
        tables.append(frame(rows, symbol=symbol, step=2 * MINUTE))
    return pl.concat(tables).sort("timestamp", "symbol")


VENUES = st.fixed_dictionaries(
    {
        "fill_on": st.sampled_from(["next_open", "close"]),
        "path": st.sampled_from(["pessimistic", "adaptive", "ohlc", "olhc"]),
        "slippage_bps": st.sampled_from(["0", "1", "25"]),
        "leverage": st.sampled_from([1, 10, 20]),
        "margin": st.sampled_from(["hyperliquid", "none"]),
        "max_participation": st.sampled_from(["0.1", "1"]),
        "penetration_ticks": st.sampled_from([0, 1, 3]),
        "reserve_open_orders": st.booleans(),
    }
)


def run(market: pl.DataFrame, strategy: Anything, venue: dict[str, Any], capital: int) -> at.BacktestResult:
    instruments = {symbol: at.InstrumentRules(tick_size=Decimal(TICK), lot_size=Decimal(LOT)) for symbol in SYMBOLS}
    fees = Fees(maker_rate=MAKER, taker_rate=TAKER)
    config = at.VenueConfig(**venue, fees=fees, instruments=instruments)
    data = at.HistoricalDataProvider(market, resolution=MINUTE)
    return at.backtest(data, strategy, venue=config, initial_capital=capital, quantity="1.5")


ANY_RUN = {
    "market": markets(),
    "acts": st.lists(ACTS, max_size=40),
    "venue": VENUES,
    "capital": st.sampled_from([10, 150, 100_000]),
}


@given(**ANY_RUN)
def test_the_account_adds_up_and_no_fill_breaks_a_rule(
    market: pl.DataFrame, acts: list[Act], venue: dict[str, Any], capital: int
) -> None:
    strategy = Anything(acts, LOT, TICK)
    result = run(market, strategy, venue, capital)
    expect_account(result, market, capital)
    expect_rules(result, market, venue, strategy.modified)


def expect_account(result: at.BacktestResult, market: pl.DataFrame, capital: int) -> None:
    """At each close, equity is the deposit and what fills, fees and the last prices make of it; so is the sum of round trips."""
    closes: dict[int, dict[str, int]] = defaultdict(dict)
    for time, symbol, close in zip(times(market["timestamp"]), market["symbol"], steps(market["close"]), strict=True):
        closes[time * 1_000 + MINUTE_NS][symbol] = close
    shown = dict(equity_of(result))
    fills = result.fills
    fees = steps(fills["fee"])
    numbers = (steps(fills["price"]), steps(fills["quantity"]), fees)
    columns = (times(fills["time"]), fills["symbol"], fills["side"], *numbers, fills["reason"])
    left = deque(zip(*columns, strict=True))
    cash, held, lost = capital * UNIT, dict.fromkeys(SYMBOLS, 0), 0
    for time, last in closes.items():
        reasons = set()
        while left and left[0][0] <= time:
            _, symbol, side, price, quantity, fee, reason = left.popleft()
            sign = 1 if side == "buy" else -1
            cash -= sign * notional(price, quantity) + fee
            held[symbol] += sign * quantity
            reasons.add(reason)
        missing = cash + sum(notional(last[symbol], held[symbol]) for symbol in SYMBOLS) - shown[time]
        # Only a backstop, in a liquidation, takes what is left of an account, or forgives what is below zero.
        assert missing == lost or (shown[time] == 0 and "liquidation" in reasons)
        lost = missing
    assert not left
    assert shown[max(shown)] == units(result.final_equity)
    assert units(result.metrics.fees) == sum(fees)
    assert units(result.metrics.rebates) == -sum(fee for fee in fees if fee < 0)
    if not any(held.values()):
        assert units(result.final_equity) == capital * UNIT + sum(steps(result.trades["pnl"])) - lost


def expect_rules(result: at.BacktestResult, market: pl.DataFrame, venue: dict[str, Any], modified: set[str]) -> None:
    """Ticks, lots, limits, fees, volumes and the range of each bar."""
    tick, lot = units(TICK), units(LOT)
    bars = {(row["symbol"], row["timestamp"]): row for row in market.iter_rows(named=True)}
    orders = {row["cloid"]: row for row in result.orders.iter_rows(named=True)}
    filled: dict[str, Decimal] = defaultdict(Decimal)
    taken: dict[tuple[str, Any], Decimal] = defaultdict(Decimal)
    slack = 1 + Decimal(venue["slippage_bps"]) / 10_000
    for row in result.fills.iter_rows(named=True):
        price, quantity = row["price"], row["quantity"]
        is_buy, is_maker = row["side"] == "buy", row["liquidity"] == "maker"
        assert price > 0
        assert quantity > 0
        fee = charged(units(price), units(quantity), MAKER if is_maker else TAKER)
        if row["reason"] == "liquidation":
            # A backstop costs the account, and no fee.
            assert units(row["fee"]) in {0, fee}
            continue
        assert units(row["fee"]) == fee
        assert units(price) % tick == 0
        assert units(quantity) % lot == 0
        order = orders[row["cloid"]]
        assert (order["side"], order["symbol"]) == (row["side"], row["symbol"])
        filled[row["cloid"]] += quantity
        opened = row["time"] if (row["symbol"], row["time"]) in bars else row["time"] - MINUTE
        bar = bars[row["symbol"], opened]
        taken[row["symbol"], opened] += quantity
        # Of a modified order the table has the last limit, and an earlier fill had another.
        limit = None if row["cloid"] in modified else order["price"]
        if limit is not None:
            assert price <= limit if is_buy else price >= limit
        if is_maker:
            # What has a market to come to it: the price came to the limit, and it pays no slippage.
            assert limit in {None, price}
            assert bar["low"] <= price if is_buy else bar["high"] >= price
        else:
            worst = bar["high"] * slack + Decimal(TICK) if is_buy else bar["low"] / slack - Decimal(TICK)
            # A gain has no improvement: where the market jumps over its trigger, it gets no better than that.
            if not order["kind"].startswith("take_profit"):
                assert price <= worst if is_buy else price >= worst
            assert price >= bar["low"] if is_buy else price <= bar["high"]
            assert order["time_in_force"] != "alo"
    for cloid, quantity in filled.items():
        assert quantity == orders[cloid]["filled_quantity"]
        assert quantity <= orders[cloid]["quantity"]
    for key, quantity in taken.items():
        assert quantity <= bars[key]["volume"] * Decimal(venue["max_participation"])


def expect_reductions(result: at.BacktestResult) -> None:
    """A reduce-only order never adds to a position and never turns it."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    reduce_only = dict(zip(result.orders["cloid"], result.orders["reduce_only"], strict=True))
    for row in result.fills.iter_rows(named=True):
        before = held[row["symbol"]]
        after = before + (row["quantity"] if row["side"] == "buy" else -row["quantity"])
        if reduce_only.get(row["cloid"], False):
            assert before * after >= 0
            assert abs(after) < abs(before)
        held[row["symbol"]] = after


@given(**ANY_RUN)
def test_the_same_orders_give_the_same_digest_and_tables(
    market: pl.DataFrame, acts: list[Act], venue: dict[str, Any], capital: int
) -> None:
    first, second = (run(market, Anything(acts, LOT, TICK), venue, capital) for _ in range(2))
    assert first.digest == second.digest
    assert first.fills.equals(second.fills)
    assert first.orders.equals(second.orders)


def test_a_change_of_an_order_that_is_gone_is_answered_not_found() -> None:
    class TooLate(at.Strategy):
        def on_start(self, ctx: at.core.Context) -> None:
            self.answers: list[tuple[str, str | None]] = []
            self.cloid = ""

        def on_bar(self, ctx: at.core.Context, bar: at.Bar) -> None:
            if not self.cloid:
                self.cloid = ctx.buy(bar.symbol, "0.001")
            elif ctx.position(bar.symbol).is_long and len(self.answers) < 2:
                ctx.modify(self.cloid, price=bar.close)
                ctx.cancel(self.cloid)

        def on_order(self, ctx: at.core.Context, update: at.OrderUpdate) -> None:
            self.answers.append((update.status, update.reason))

    strategy = TooLate()
    at.backtest(synthetic_bars("BTC", 20), strategy, initial_capital=1_000_000)
    assert strategy.answers == [("filled", None), ("action_rejected", "not_found")]
