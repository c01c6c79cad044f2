"""Orders whose venue is known: a strategy that quotes on synthetic ticks, and its orders as one's own would be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

import algo_trade as at
from algo_trade.execution import VenueConfig
from algo_trade.execution.book import ConstantLatency, Queue

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade._native import Context, OrderUpdate
    from algo_trade.execution.book import AnyLatency

FEES = {"maker_rate": "0", "taker_rate": "0"}
LIVES_S = (1, 3, 8, 20)
LEVELS = 4


class Quoter(at.Strategy):
    """One order every half second, on levels and for lives that go round; it notes when its messages went and came."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0
        self.ends: dict[str, int] = {}
        self.cancels: dict[str, int] = {}
        self.acks: dict[str, tuple[int, int]] = {}

    def on_start(self, ctx: Context) -> None:
        ctx.set_timer(at.ms(500))

    def on_order(self, ctx: Context, update: OrderUpdate) -> None:
        if update.status in {"resting", "filled"}:
            self.acks.setdefault(update.cloid, (update.time_ns, ctx.now_ns))

    def on_timer(self, ctx: Context, now_ns: int) -> None:
        for symbol in ctx.symbols:
            self.quote(ctx, symbol, now_ns)

    def quote(self, ctx: Context, symbol: str, now_ns: int) -> None:
        book = ctx.book(symbol)
        for order in ctx.orders(symbol).open:
            if self.ends[order.cloid] <= now_ns:
                ctx.cancel(order.cloid)
                self.cancels.setdefault(order.cloid, now_ns)
        if book.best_bid is None or book.best_ask is None:
            return
        away, life = self.turn // 2 % LEVELS * book.tick_size, LIVES_S[self.turn // 8 % len(LIVES_S)]
        if self.turn % 2:
            cloid = ctx.buy(symbol, "0.5", price=book.best_bid - away, time_in_force="alo")
        else:
            cloid = ctx.sell(symbol, "0.5", price=book.best_ask + away, time_in_force="alo")
        self.ends[cloid] = now_ns + at.seconds(life)
        self.turn += 1


@dataclass(frozen=True, slots=True)
class Traded:
    """What was left by a run: the journal, and the table of its orders."""

    journal: Path
    table: pl.DataFrame


def venue(queue: Queue, latency: AnyLatency | None = None) -> VenueConfig:
    """The real venue of these tests."""
    latency = latency or ConstantLatency(entry_ns=2_000_000, response_ns=1_000_000)
    return VenueConfig.model_validate({"queue": queue, "latency": latency, "margin": "none", "fees": FEES})


def trade(lake: Path, journal: Path, real: VenueConfig) -> Traded:
    """Quote on a recorded market, and keep the orders as a table in the form that people bring."""
    strategy = Quoter()
    result = at.backtest(lake, strategy, venue=real, initial_capital=1_000_000, journal=journal)
    first = result.fills.group_by("cloid").agg(first_fill_ts=pl.col("time").min().dt.epoch("ns"))
    notes = pl.DataFrame(
        [(cloid, *times, strategy.cancels.get(cloid)) for cloid, times in strategy.acks.items()],
        schema={"cloid": pl.String, "ack_ts": pl.Int64, "response_ts": pl.Int64, "cancel_ts": pl.Int64},
        orient="row",
    )
    done = pl.when(pl.col("status") == "filled").then(pl.col("updated").dt.epoch("ns")).otherwise(pl.col("cancel_ts"))
    kept = result.orders.join(first, on="cloid", how="left").join(notes, on="cloid", how="left", maintain_order="left")
    table = kept.select(
        "cloid",
        "symbol",
        "side",
        "price",
        "quantity",
        "ack_ts",
        "first_fill_ts",
        "filled_quantity",
        "response_ts",
        "time_in_force",
        sent_ts=pl.col("time").dt.epoch("ns"),
        done_ts=done,
    )
    return Traded(journal, table)
