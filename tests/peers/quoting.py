"""One market maker, written for both engines: best bid and offer every interval, post-only, one order a side."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

import algo_trade as at
from algo_trade.execution.book import ConstantLatency, Queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from algo_trade.backtest import BacktestResult


@dataclass(frozen=True, slots=True)
class Setting:
    """What both are told. The latencies are odd, so that no message of ours meets market data at one nanosecond."""

    tick_size: float
    lot_size: float
    size: str
    queue: str = "risk_averse"
    n: float = 2.0
    partial: bool = False
    interval_ns: int = 100_000_000
    entry_ns: int = 10_000_019
    response_ns: int = 5_000_023


class Fill(NamedTuple):
    """A fill of both: when at the venue (ns), which side, at which tick, how many lots."""

    time_ns: int
    side: str
    tick: int
    lots: int


class Quoter(at.Strategy):
    """Quotes the best prices, and leaves a price that is the best no longer."""

    size = at.param("1", help="base units")
    interval_ns = at.param(100_000_000, low=1, help="ns")

    def on_start(self, ctx: Any) -> None:
        ctx.set_timer(self.interval_ns)

    def on_timer(self, ctx: Any, now_ns: int) -> None:
        for symbol in ctx.symbols:
            book, orders = ctx.book(symbol), ctx.orders(symbol)
            bid, ask = book.best_bid, book.best_ask
            if bid is None or ask is None:
                continue
            buys, sells = orders.open_buys, orders.open_sells
            for order in buys:
                if order.price != bid:
                    ctx.cancel(order.cloid)
            for order in sells:
                if order.price != ask:
                    ctx.cancel(order.cloid)
            if not buys:
                ctx.buy(symbol, self.size, price=bid, time_in_force="alo")
            if not sells:
                ctx.sell(symbol, self.size, price=ask, time_in_force="alo")


def venue(setting: Setting) -> at.VenueConfig:
    """Return the venue as the peer has it."""
    return at.VenueConfig(
        book="l2",
        partial_fills=setting.partial,
        queue=Queue.model_validate({"model": setting.queue, "n": setting.n}),
        latency=ConstantLatency(entry_ns=setting.entry_ns, response_ns=setting.response_ns),
        margin="none",
        funding="none",
        block_mode=False,
        max_book_age_s=1e9,
    )


def compiled_quoter(setting: Setting) -> at.core.CompiledStrategy:
    """Return `Quoter` compiled by Numba, as the peer's is."""
    from numba import njit

    from algo_trade.strategy import numba as nb

    @njit
    def quote(state: Any, ctx: Any, instrument: Any, side: Any, best: Any) -> None:
        has_order = False
        order = np.empty(1, nb.ORDER)
        for index in range(nb.orders(ctx, instrument)):
            if nb.order_at(ctx, instrument, index, order.ctypes) == 0 and order[0].side == side:
                has_order = True
                if order[0].price != best and not order[0].is_cancelling:
                    nb.cancel(ctx, instrument, order[0].order)
        if not has_order:
            nb.place(ctx, instrument, side, nb.LIMIT, best, 0, state[0].size, nb.ALO, 0)

    def on_start(state: Any, ctx: Any) -> int:
        nb.set_timer(ctx, nb.now(ctx) + state[0].interval, 0)
        return 0

    def on_timer(state: Any, ctx: Any, time: Any, timer: Any) -> int:
        for instrument in range(nb.instruments(ctx)):
            bid, ask = nb.level_price(ctx, instrument, nb.BUY, 0), nb.level_price(ctx, instrument, nb.SELL, 0)
            if bid != 0 and ask != 0:
                quote(state, ctx, instrument, nb.BUY, bid)
                quote(state, ctx, instrument, nb.SELL, ask)
        nb.set_timer(ctx, time + state[0].interval, timer)
        return 0

    state = np.array([(int(Decimal(setting.size) * nb.ONE), setting.interval_ns)], [("size", "i8"), ("interval", "i8")])
    return nb.NumbaStrategy("Quoter", state=state, on_start=on_start, on_timer=on_timer)


def run_ours(
    data: at.HistoricalDataProvider,
    setting: Setting,
    strategy: at.core.CompiledStrategy | None = None,
    *,
    details: bool = True,
) -> BacktestResult:
    """Quote in our engine, with the plain `Quoter` unless told otherwise."""
    chosen = Quoter(size=setting.size, interval_ns=setting.interval_ns) if strategy is None else strategy
    return at.backtest(data, chosen, venue=venue(setting), initial_capital=10**9, details=details)


def fills_of(result: BacktestResult, setting: Setting) -> list[Fill]:
    """Return our fills in the terms of both."""
    tick, lot = Decimal(str(setting.tick_size)), Decimal(str(setting.lot_size))
    rows = result.fills.select(pl.col("time").cast(pl.Int64), "side", "price", "quantity").iter_rows()
    return [Fill(time, side, int(price / tick), int(quantity / lot)) for time, side, price, quantity in rows]


def asset(data: npt.NDArray[np.void] | str, setting: Setting, *, roi: tuple[float, float] | None = None) -> Any:
    """Return the peer's description of one instrument."""
    import hftbacktest

    found = (
        hftbacktest.BacktestAsset()
        .data(data)
        .linear_asset(1.0)
        .constant_order_latency(setting.entry_ns, setting.response_ns)
        .tick_size(setting.tick_size)
        .lot_size(setting.lot_size)
        .trading_value_fee_model(0.00015, 0.00045)
    )
    found = found.partial_fill_exchange() if setting.partial else found.no_partial_fill_exchange()
    match setting.queue:
        case "risk_averse":
            found = found.risk_adverse_queue_model()
        case "power1":
            found = found.power_prob_queue_model(setting.n)
        case "power2":
            found = found.power_prob_queue_model2(setting.n)
        case "power3":
            found = found.power_prob_queue_model3(setting.n)
        case "log1":
            found = found.log_prob_queue_model()
        case "log2":
            found = found.log_prob_queue_model2()
        case other:
            raise ValueError(other)
    return found if roi is None else found.roi_lb(roi[0]).roi_ub(roi[1])


@cache
def quoter() -> Callable[[Any, int, float, Any], int]:
    """Return the same market maker for the peer, compiled. Writes what was filled into the rows that it is given."""
    import numba
    from hftbacktest import BUY, FILLED, GTX, LIMIT, NONE

    @numba.njit
    def quote(hbt: Any, interval: int, size: float, out: Any) -> int:
        count, ids = 0, 1
        while hbt.elapse(interval) == 0:
            orders = hbt.orders(0)
            values = orders.values()
            while values.has_next():
                order = values.get()
                if order.status == FILLED and order.req == NONE:
                    out[count, 0] = order.exch_timestamp
                    out[count, 1] = 1 if order.side == BUY else -1
                    out[count, 2] = order.arr[0].exec_price_tick
                    out[count, 3] = round(order.qty / hbt.depth(0).lot_size)
                    count += 1
            hbt.clear_inactive_orders(0)
            depth = hbt.depth(0)
            bid, ask = depth.best_bid_tick, depth.best_ask_tick
            bid_price, ask_price = depth.best_bid, depth.best_ask
            if not (bid_price > 0.0 and ask_price > 0.0):
                continue
            has_buy, has_sell = False, False
            values = orders.values()
            while values.has_next():
                order = values.get()
                is_buy = order.side == BUY
                if is_buy:
                    has_buy = True
                else:
                    has_sell = True
                if order.price_tick != (bid if is_buy else ask) and order.cancellable:
                    hbt.cancel(0, order.order_id, False)
            if not has_buy:
                hbt.submit_buy_order(0, ids, bid_price, size, GTX, LIMIT, False)
                ids += 1
            if not has_sell:
                hbt.submit_sell_order(0, ids, ask_price, size, GTX, LIMIT, False)
                ids += 1
        return count

    compiled: Callable[[Any, int, float, Any], int] = quote
    return compiled


def run_theirs(
    data: npt.NDArray[np.void] | str,
    setting: Setting,
    *,
    roi: tuple[float, float] | None = None,
    fills_max: int = 100_000,
) -> list[Fill]:
    """Quote in the peer; with a range of interest on its vector of levels, else on its map."""
    import hftbacktest

    make = hftbacktest.HashMapMarketDepthBacktest if roi is None else hftbacktest.ROIVectorMarketDepthBacktest
    hbt = make([asset(data, setting, roi=roi)])
    out = np.zeros((fills_max, 4), np.int64)
    count = quoter()(hbt, setting.interval_ns, float(setting.size), out)
    hbt.close()
    found = [Fill(int(t), "buy" if side > 0 else "sell", int(tick), int(lots)) for t, side, tick, lots in out[:count]]
    return sorted(found)


def rules(lake: Path, symbol: str) -> dict[str, float]:
    """Return the steps of price and quantity that an import found."""
    table = tomllib.loads((lake / "instruments.toml").read_text())[symbol]
    return {"tick_size": float(table["tick_size"]), "lot_size": float(table["lot_size"])}


def until_the_last_look(fills: list[Fill], theirs: list[Fill]) -> list[Fill]:
    """Leave out what the peer had no time to hear of: it is asked at its looks alone, and not after the last."""
    last = theirs[-1].time_ns if theirs else 0
    return [fill for fill in fills if fill.time_ns <= last]


@cache
def replayer() -> Callable[[Any], None]:
    """Return a strategy of the peer that does nothing until the data end, compiled."""
    import numba

    @numba.njit
    def replay(hbt: Any) -> None:
        while hbt.elapse(60_000_000_000) == 0:
            pass

    compiled: Callable[[Any], None] = replay
    return compiled


def replay_theirs(
    data: npt.NDArray[np.void] | str, setting: Setting, *, roi: tuple[float, float] | None = None
) -> tuple[int, int]:
    """Let the peer keep both books to the end; returns the last best ticks."""
    import hftbacktest

    make = hftbacktest.HashMapMarketDepthBacktest if roi is None else hftbacktest.ROIVectorMarketDepthBacktest
    hbt = make([asset(data, setting, roi=roi)])
    replayer()(hbt)
    depth = hbt.depth(0)
    best = int(depth.best_bid_tick), int(depth.best_ask_tick)
    hbt.close()
    return best


class Last(at.Strategy):
    """Looks at the book at the end."""

    def on_stop(self, ctx: Any) -> None:
        book = ctx.book(ctx.symbols[0])
        self.best = book.best_bid, book.best_ask


def last_best(data: at.HistoricalDataProvider, setting: Setting) -> tuple[int, int]:
    """Return the last best ticks in our engine."""
    strategy = Last()
    at.backtest(data, strategy, venue=venue(setting), details=False)
    tick = Decimal(str(setting.tick_size))
    return int(strategy.best[0] / tick), int(strategy.best[1] / tick)
