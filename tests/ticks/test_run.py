"""Backtests over ticks, from a folder to a report, through the same commands that people use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import algo_trade as at
from algo_trade.backtest import JournalFile, reproduce
from algo_trade.data import import_data, synthetic_ticks
from algo_trade.errors import ConfigError, ParameterError, StrategyError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
RECORDINGS = {
    "xrp": SHARED / "book_l2" / "xrpusdt-ob500.data.zip",
    "es": SHARED / "book_l3" / "esh4-glbx-mdp3-20231225.mbo.dbn.zst",
    "btc": SHARED / "feeds_dual_time" / "binance_usdm_btcusdt_20240808.gz",
    "hyperliquid": SHARED / "feeds_dual_time" / "hyperliquid_btcusd_20250126.gz",
}


class Quoter(at.Strategy):
    """Quotes the best prices on a timer."""

    size = at.param("0.01")

    def on_start(self, ctx: Any) -> None:
        ctx.set_timer(at.ms(100))

    def on_timer(self, ctx: Any, now_ns: int) -> None:
        for symbol in ctx.symbols:
            book, orders = ctx.book(symbol), ctx.orders(symbol)
            if book.best_bid is None or book.best_ask is None:
                continue
            for price, mine, place in (
                (book.best_bid, orders.open_buys, ctx.buy),
                (book.best_ask, orders.open_sells, ctx.sell),
            ):
                for order in mine:
                    if order.price != price:
                        ctx.cancel(order.cloid)
                if not mine:
                    place(symbol, self.size, price=price, time_in_force="alo")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ticks") / "lake"
    synthetic_ticks(["BTC", "ETH"], 60_000, folder, seed=3)
    return folder


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_is_imported_quoted_on_and_reported(name: str, tmp_path: Path) -> None:
    if not RECORDINGS[name].exists():
        pytest.skip("the recordings are not beside this clone")
    import_data([RECORDINGS[name]], tmp_path / "lake")
    runs = [
        at.backtest(
            tmp_path / "lake",
            "market_maker",
            report=tmp_path / "report.html",
            journal=tmp_path / "run.journal",
            out=tmp_path / "out",
        )
        for _ in range(2)
    ]
    assert runs[0].digest == runs[1].digest
    assert JournalFile(tmp_path / "run.journal").verify().events > 0
    assert reproduce(tmp_path / "report.html").is_same
    page = (tmp_path / "report.html").read_text()
    assert "How long messages took" in page
    assert "Where the profit came from" in page or runs[0].fills.height == 0
    assert pl.read_parquet(tmp_path / "out" / "orders.parquet").height == runs[0].orders.height


def test_the_same_run_has_the_same_digest_with_and_without_tables(lake: Path) -> None:
    full, short = (at.backtest(lake, Quoter(), details=details) for details in (True, False))
    assert full.fills.height > 50
    assert full.digest == short.digest
    latency: dict[str, Any] = {"kind": "feed", "a": 4, "c": 3}
    full, short = (
        at.backtest(lake, Quoter(), details=details, venue=at.VenueConfig().changed(latency=latency))
        for details in (True, False)
    )
    assert full.digest == short.digest


def test_one_symbol_or_both_give_the_same_fills_of_it(lake: Path) -> None:
    venue = at.VenueConfig(margin="none")
    both = at.backtest(lake, Quoter(), venue=venue).fills.filter(pl.col("symbol") == "BTC")
    one = at.backtest(lake, Quoter(), symbol="BTC", venue=venue).fills
    columns = ["time", "side", "price", "quantity", "reason"]
    assert one.select(columns).equals(both.select(columns))


def test_every_fill_says_why_and_none_is_larger_than_its_evidence(lake: Path) -> None:
    result = at.backtest(lake, Quoter(size="50"), initial_capital=10**8)
    fills = result.fills.filter(pl.col("reason").is_in(["queue", "through"]))
    trades = at.HistoricalDataProvider(lake, kinds=["trades"]).read()
    printed = trades.group_by(pl.col("exchange_time").alias("time"), pl.col("symbol").cast(pl.String)).agg(
        pl.col("quantity").sum().alias("printed")
    )
    ours = fills.group_by("time", "symbol").agg(pl.col("quantity").sum())
    joined = ours.join(printed, on=["time", "symbol"], how="left")
    assert joined.height > 20
    assert joined["printed"].null_count() == 0, "a print of that time and symbol filled us"
    assert joined.select((pl.col("quantity") <= pl.col("printed")).all()).item()


def test_a_changed_part_of_a_lake_is_named_by_reproduce(tmp_path: Path) -> None:
    synthetic_ticks(["BTC"], 20_000, tmp_path / "lake", seed=3)
    at.backtest(tmp_path / "lake", "market_maker", report=tmp_path / "r.html")
    synthetic_ticks(["BTC"], 20_000, tmp_path / "other", seed=4)
    outcome = reproduce(tmp_path / "r.html", data=[tmp_path / "other"])
    assert not outcome.is_same
    assert any("book/" in difference for difference in outcome.differences), outcome.differences


def test_a_book_is_a_view_that_ends_with_its_hook(lake: Path) -> None:
    class Keeps(at.Strategy):
        kept: Any = None

        def on_start(self, ctx: Any) -> None:
            ctx.set_timer(at.ms(500))

        def on_timer(self, ctx: Any, now_ns: int) -> None:
            book = ctx.book("BTC")
            if book.best_bid is None:
                return
            bids = book.levels("buy", 3)
            assert bids[0] == (book.best_bid, book.bid_quantity)
            assert book.quantity_at("buy", bids[1][0]) == bids[1][1]
            assert book.spread == book.best_ask - book.best_bid
            assert book.vwap("buy", book.ask_quantity) == book.best_ask
            assert -1 <= book.imbalance(5) <= 1
            assert float(book.best_bid) <= book.microprice <= float(book.best_ask)
            Keeps.kept = book

    at.backtest(lake, Keeps())
    with pytest.raises(StrategyError, match="outside a hook"):
        _ = Keeps.kept.best_bid


def test_hooks_wake_for_what_they_name(lake: Path) -> None:
    heard: dict[str, int] = {"trade": 0, "quote": 0, "book": 0}

    class Hears(at.Strategy):
        def on_trade(self, ctx: Any, trade: Any) -> None:
            heard["trade"] += 1
            assert trade.time_ns <= ctx.now_ns

        def on_quote(self, ctx: Any, quote: Any) -> None:
            heard["quote"] += 1
            assert (quote.bid_price, quote.ask_price) == (
                ctx.book(quote.symbol).best_bid,
                ctx.book(quote.symbol).best_ask,
            )

        def on_book(self, ctx: Any, symbol: str) -> None:
            heard["book"] += 1

    at.backtest(lake, Hears())
    trades = at.HistoricalDataProvider(lake, kinds=["trades"]).read().height
    assert heard["trade"] == trades
    assert heard["quote"] > 100
    assert heard["book"] > heard["quote"]


def test_orders_that_hang_together_come_from_python(lake: Path) -> None:
    class Bracket(at.Strategy):
        def on_start(self, ctx: Any) -> None:
            ctx.set_timer(at.seconds(2), repeat=False)

        def on_timer(self, ctx: Any, now_ns: int) -> None:
            ask = ctx.book("BTC").best_ask
            parent = ctx.buy("BTC", "0.01", price=ask)
            ctx.sell("BTC", "0.01", take_profit=ask * 2, reduce_only=True, parent=parent)
            ctx.sell("BTC", "0.01", stop=ask / 2, for_position=True)
            ctx.schedule_cancel(now_ns + at.seconds(10))

    orders = at.backtest(lake, Bracket(), symbol="BTC").orders
    assert orders["status"].to_list()[0] == "filled"
    assert orders["reason"].to_list()[1:] == ["scheduled_cancel", "scheduled_cancel"]


@pytest.mark.parametrize(
    ("venue", "error", "says"),
    [
        ({"queue": {"model": "power9"}}, ParameterError, "queue.model"),
        ({"latency": {"kind": "constant", "entry_ns": -1}}, ParameterError, "entry_ns"),
        ({"latency": {"kind": "table", "file": "none.csv"}}, ConfigError, "none.csv"),
        ({"book": "l3"}, ParameterError, "book = l3"),
    ],
)
def test_options_that_make_no_sense_are_named(
    lake: Path, venue: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        at.backtest(lake, Quoter(), venue=at.VenueConfig().changed(**venue))


def test_measured_latencies_come_from_a_file(lake: Path, tmp_path: Path) -> None:
    table = tmp_path / "latency.csv"
    table.write_text("req_ns,exch_ns,resp_ns\n0,3000000,7000000\n")
    config = tmp_path / "venue.toml"
    config.write_text(f'latency = {{ kind = "table", file = "{table}" }}\n')
    orders = at.backtest(lake, Quoter(), venue=config).orders.filter(pl.col("arrived").is_not_null())
    spans = (orders["arrived"] - orders["time"]).dt.total_nanoseconds().unique().to_list()
    assert spans == [3_000_000]
    assert (orders["heard"] - orders["arrived"]).dt.total_nanoseconds().unique().to_list() == [4_000_000]


def test_a_manifest_of_ticks_is_plain_json(lake: Path) -> None:
    manifest = at.backtest(lake, Quoter()).manifest
    assert json.loads(json.dumps(manifest))["books"] == ["l2", "l2"]


def test_rows_that_are_kept_are_named_by_what_the_files_held_then(tmp_path: Path) -> None:
    synthetic_ticks("AAA", 5_000, tmp_path / "lake", seed=1)
    kept = at.HistoricalDataProvider(tmp_path / "lake").load()
    before, first = kept.fingerprint, at.backtest(kept, Quoter(), initial_capital=10**8)
    (tmp_path / "lake").rename(tmp_path / "old")
    synthetic_ticks("AAA", 5_000, tmp_path / "lake", seed=2)
    assert kept.fingerprint == before
    assert at.HistoricalDataProvider(tmp_path / "lake").fingerprint != before
    assert at.backtest(kept, Quoter(), initial_capital=10**8).digest == first.digest
