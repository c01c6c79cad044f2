"""On books too: the loop inside the engine and the plain loop in Python give the same fills, fees and equity, to the unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import algo_trade as at
from algo_trade.core import AccountEvent
from algo_trade.data import import_data, synthetic_ticks
from algo_trade.execution.book import ConstantLatency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from algo_trade.core import Command, Context, MarketEvent, Report
    from algo_trade.strategy import Runnable

CAPITAL = 1_000_000
NO_TIME = ConstantLatency(entry_ns=0, response_ns=0)
LATE_NS = 5_000_000


class Recorded:
    """The simulated venue as a handler that keeps what it reported."""

    def __init__(self, inner: at.SimulatedExecutionHandler) -> None:
        self.inner = inner
        self.reports: list[Report] = []

    def keep(self, reports: Sequence[Report]) -> Sequence[Report]:
        self.reports += reports
        return reports

    @property
    def next_time_ns(self) -> int | None:
        return self.inner.next_time_ns

    def on_time(self, now_ns: int) -> Sequence[Report]:
        return self.keep(self.inner.on_time(now_ns))

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        return self.keep(self.inner.on_market_event(event))

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        return self.keep(self.inner.execute(command, now_ns))


@dataclass
class Run:
    """What a run of the plain loop left behind."""

    fills: list[tuple[object, ...]] = field(default_factory=list)
    funding: Decimal = Decimal(0)
    equity: Decimal = Decimal(0)


def plain(
    lake: Path, strategy: Runnable, config: at.VenueConfig, capital: int = CAPITAL, kinds: Sequence[str] = ()
) -> Run:
    data = at.HistoricalDataProvider(lake, kinds=kinds)
    venue = config.for_data(data)
    inner = at.SimulatedExecutionHandler(data.symbols, venue=venue, books=data.books, initial_capital=capital)
    handler = Recorded(inner)
    risk = at.SimpleRiskManager(quantity="0.5")
    system = at.TradingSystem(data, strategy, handler, risk, initial_capital=capital, instruments=venue.rules())
    system.run()
    run = Run(equity=system.equity)
    for report in sorted(handler.reports, key=lambda report: report.time_ns):
        if isinstance(report, at.FillEvent):
            f = report
            run.fills.append((f.time_ns, f.symbol, f.side, f.price, f.quantity, f.fee, f.liquidity, f.reason, f.cloid))
        elif isinstance(report, AccountEvent):
            run.funding -= report.amount
    return run


def native(
    lake: Path, strategy: Runnable, config: at.VenueConfig, capital: int = CAPITAL, kinds: Sequence[str] = ()
) -> Run:
    data = at.HistoricalDataProvider(lake, kinds=kinds)
    risk = at.SimpleRiskManager(quantity="0.5")
    result = at.backtest(data, strategy, venue=config, risk=risk, initial_capital=capital)
    names = ["symbol", "side", "price", "quantity", "fee", "liquidity", "reason", "cloid"]
    rows = result.fills.select(pl.col("time").dt.epoch("ns"), *names).iter_rows()
    return Run(fills=list(rows), funding=result.metrics.funding, equity=result.final_equity)


def with_local_times(lake: Path, after_ns: int) -> None:
    """Let every row of a lake reach us so long after it happened."""
    for part in lake.rglob("*.parquet"):
        table = pq.read_table(part, partitioning=None)
        index = table.schema.get_field_index("local_time")
        times = pa.compute.add(table["exchange_time"].cast(pa.int64()), after_ns)
        column = times.cast(table.schema.field(index).type)
        notes = {key: value for key, value in pq.read_metadata(part).metadata.items() if key != b"ARROW:schema"}
        late = table.set_column(index, table.schema.field(index), column)
        pq.write_table(late.replace_schema_metadata(notes), part, compression="zstd")


def made(folder: Path, after_ns: int) -> Path:
    # A minute before a full hour and some seconds after it, so that funding is settled on the way.
    synthetic_ticks(["BTC", "ETH"], 60_000, folder, seed=11, density=400, start="2024-01-01T00:59:00")
    with_local_times(folder, after_ns)
    return folder


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("ticks") / "lake", 0)


class Joins(at.Strategy):
    """Quotes the best prices whenever a book has changed, and looks at its orders each time."""

    def on_book(self, ctx: Context, symbol: str) -> None:
        book, orders = ctx.book(symbol), ctx.orders(symbol)
        if book.best_bid is None or book.best_ask is None:
            return
        for order in orders.open:
            if order.price not in {book.best_bid, book.best_ask}:
                ctx.cancel(order.cloid)
        if not orders.open_buys and ctx.position(symbol).quantity < 20:
            ctx.buy(symbol, "1.5", price=book.best_bid, time_in_force="alo")
        if not orders.open_sells and ctx.position(symbol).quantity > -20:
            ctx.sell(symbol, "1.5", price=book.best_ask, time_in_force="alo")


class Everything(at.Strategy):
    """Hears everything, and uses orders that something happens to by the clock."""

    resolutions = ("5s",)

    def on_start(self, ctx: Context) -> None:
        self.step = 0
        ctx.set_timer(at.ms(700))
        ctx.buy("BTC", "0.3")

    def on_trade(self, ctx: Context, trade: at.Trade) -> at.SignalEvent | None:
        if trade.trade_id % 97 == 0:
            return at.Signal.long("ETH") if trade.aggressor == "buy" else at.Signal.short("ETH")
        return None

    def on_bar(self, ctx: Context, bar: at.Bar) -> None:
        ctx.sell(bar.symbol, "0.2", price=bar.close, time_in_force="ioc")

    def on_quote(self, ctx: Context, quote: at.Quote) -> None:
        self.step += 1
        if self.step % 50 == 0:
            bid = ctx.buy(quote.symbol, "0.4", price=quote.bid_price)
            ctx.sell(quote.symbol, "0.4", take_profit=quote.ask_price * Decimal("1.0005"), parent=bid, reduce_only=True)

    def on_order(self, ctx: Context, update: at.OrderUpdate) -> None:
        self.step += 1
        if update.status == "rejected" and self.step % 3 == 0:
            ctx.buy(update.symbol, "0.1")

    def on_fill(self, ctx: Context, fill: at.FillEvent) -> None:
        if fill.liquidity == "maker" and not ctx.position(fill.symbol).is_flat:
            ctx.sell(fill.symbol, "0.1", stop=fill.price * Decimal("0.9995"), for_position=True)

    def on_timer(self, ctx: Context, now_ns: int) -> None:
        self.step += 1
        match self.step % 40:
            case 3:
                ctx.buy("BTC", "6", twap_ns=at.minutes(5))
            case 9:
                ctx.schedule_cancel(now_ns + at.seconds(7))
            case 17:
                ctx.cancel_all("BTC")
            case 23:
                for order in ctx.orders("ETH").open_buys[:1]:
                    ctx.modify(order.cloid, quantity="0.7")
            case _:
                pass


def grid() -> Runnable:
    return at.GridStrategy(levels=20, step="0.0001")


STRATEGIES: list[Callable[[], Runnable]] = [at.MarketMakerStrategy, grid, Joins, Everything]


@pytest.mark.parametrize("make", STRATEGIES)
def test_the_loop_in_python_gives_the_fills_of_the_loop_in_the_engine_on_books(
    make: Callable[[], Runnable], lake: Path
) -> None:
    venue = at.VenueConfig(latency=NO_TIME)
    ours, theirs = plain(lake, make(), venue), native(lake, make(), venue)
    assert len(ours.fills) > 1_000
    assert ours == theirs


def test_margin_is_looked_after_by_the_same_rule(lake: Path) -> None:
    class Gambles(at.Strategy):
        def on_start(self, ctx: Context) -> None:
            ctx.set_timer(at.ms(50))

        def on_timer(self, ctx: Context, now_ns: int) -> None:
            if ctx.position("BTC").is_flat:
                ctx.buy("BTC", (ctx.equity * 300 / ctx.price("BTC")).quantize(Decimal("0.001")))

    rules = at.InstrumentRules(tiers=((Decimal(0), 400),), tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    venue = at.VenueConfig(latency=NO_TIME, leverage=400, instruments={"BTC": rules})
    ours, theirs = plain(lake, Gambles(), venue, 6), native(lake, Gambles(), venue, 6)
    assert "liquidation" in {reason for *_, reason, _ in ours.fills}
    assert ours == theirs


@pytest.mark.parametrize("funding", ["recorded", "formula", "none"])
def test_funding_is_settled_between_market_events_by_the_same_rule(funding: str, lake: Path) -> None:
    class Holds(at.Strategy):
        def on_start(self, ctx: Context) -> None:
            ctx.buy("BTC", 3)
            ctx.sell("ETH", 5)

    venue = at.VenueConfig(latency=NO_TIME, leverage=10, funding=funding)  # type: ignore[arg-type]
    ours, theirs = plain(lake, Holds(), venue), native(lake, Holds(), venue)
    assert ours == theirs
    assert (ours.funding != 0) == (funding != "none")


def test_what_reaches_us_late_happens_late_and_otherwise_the_same(lake: Path, tmp_path: Path) -> None:
    late = made(tmp_path / "late", LATE_NS)
    venue = at.VenueConfig(latency=NO_TIME, leverage=20)
    at_once, later = plain(lake, Joins(), venue), plain(late, Joins(), venue)
    assert later.fills == [(int(str(time)) + LATE_NS, *rest) for time, *rest in at_once.fills]
    assert later.equity == at_once.equity


@pytest.mark.parametrize("kinds", [["trades", "book"], ["trades", "quotes"]])
def test_a_recording_gives_the_same_whether_levels_or_best_prices_drive_its_book(
    kinds: list[str], shared_data: Path, tmp_path: Path
) -> None:
    import_data([shared_data / "feeds_dual_time" / "binance_usdm_btcusdt_20240808.gz"], tmp_path / "lake")
    with_local_times(tmp_path / "lake", 0)
    venue = at.VenueConfig(latency=NO_TIME, leverage=10)
    ours, theirs = (run(tmp_path / "lake", at.MarketMakerStrategy(), venue, kinds=kinds) for run in (plain, native))
    assert len(ours.fills) > 1_000
    assert ours == theirs
