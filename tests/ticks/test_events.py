"""Ticks as events of Python: made by hand, iterated over, taken in by the machine and by the simulated venue."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import algo_trade as at
from algo_trade.core import ControlEvent, ScheduleCancel, SubmitOrder
from algo_trade.data import import_data, synthetic_ticks
from algo_trade.errors import DataError, ParameterError
from algo_trade.execution.book import ConstantLatency

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from algo_trade.core import Context, MarketEvent

SECOND = 1_000_000_000
NO_TIME = ConstantLatency(entry_ns=0, response_ns=0)
TRADE, SNAPSHOT, CONTEXT, FUNDING, DELTA = 0, 6, 9, 10, 5
FIRST = 1


def book(time: int, bids: str, asks: str, local_time: int | None = None) -> at.BookSnapshot:
    """Write a book as "price:quantity" a level."""

    def levels(text: str) -> list[tuple[str, str]]:
        return [(price, quantity) for price, _, quantity in (level.partition(":") for level in text.split())]

    return at.BookSnapshot("BTC", time, levels(bids), levels(asks), local_time)


class Given:
    """A data provider of one's own, with books of levels."""

    def __init__(self, events: Sequence[MarketEvent]) -> None:
        self.events = events
        self.symbols = ["BTC"]
        self.books = {"BTC": "l2"}

    def __iter__(self) -> Iterator[MarketEvent]:
        return iter(self.events)


def handler(**venue: Any) -> at.SimulatedExecutionHandler:
    config = at.VenueConfig(**{"latency": NO_TIME, "leverage": 10, **venue})
    return at.SimulatedExecutionHandler(["BTC"], venue=config, books={"BTC": "l2"}, initial_capital=100_000)


def system(strategy: object, events: Sequence[MarketEvent] = (), **venue: Any) -> at.TradingSystem:
    risk = at.SimpleRiskManager(quantity=1)
    return at.TradingSystem(Given(events), strategy, handler(**venue), risk, initial_capital=100_000)


def test_a_snapshot_gives_its_levels_best_first_and_exactly() -> None:
    event = book(10, "99:1 99.5:0.00000001", "101:3 100:2", 12)
    assert event.bids == [(Decimal("99.5"), Decimal("0.00000001")), (Decimal(99), Decimal(1))]
    assert event.asks == [(Decimal(100), Decimal(2)), (Decimal(101), Decimal(3))]
    assert (event.symbol, event.time_ns, event.local_time_ns) == ("BTC", 10, 12)
    assert repr(event) == "BookSnapshot(BTC, 1970-01-01T00:00:00.000000010Z, 2 bids, 2 asks)"


def test_a_delta_says_what_a_level_holds_and_whether_its_batch_ends() -> None:
    time = datetime(2024, 1, 1, tzinfo=UTC)
    event = at.BookDelta("BTC", time, "sell", "100.5", 0)
    assert (event.side, event.price, event.quantity, event.is_last) == ("sell", Decimal("100.5"), Decimal(0), True)
    assert (event.time, event.local_time) == (time, time)
    assert not at.BookDelta("BTC", 0, "buy", 1, 1, is_last=False).is_last


def test_a_context_and_a_funding_rate_know_what_they_were_given_and_no_more() -> None:
    context = at.MarketContext("BTC", 1, "100.1", impact_ask=101, local_time=2)
    assert (context.mark_price, context.oracle_price, context.impact_bid) == (Decimal("100.1"), None, None)
    assert (context.impact_ask, context.time_ns, context.local_time_ns) == (Decimal(101), 1, 2)
    rate = at.FundingRate("BTC", 3, "-0.000012345678", 99)
    assert (rate.rate, rate.oracle_price, rate.local_time_ns) == (Decimal("-0.000012345678"), Decimal(99), 3)


def test_prints_and_quotes_say_when_they_reached_us() -> None:
    assert at.Trade("BTC", 5, 100, 1, local_time=9).local_time_ns == 9
    assert at.Quote("BTC", 5, 99, 1, 100, 1).local_time == at.Quote("BTC", 5, 99, 1, 100, 1).time


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: at.BookDelta("BTC", 0, "buy", 100, -1), "quantity = -1"),
        (lambda: at.BookDelta("BTC", 0, "bid", 100, 1), "side = bid"),  # type: ignore[arg-type]
        (lambda: at.BookSnapshot("BTC", 0, [], [(100, -2)]), "asks: quantity = -2"),
        (lambda: at.FundingRate("BTC", 0, "0.0000000000001"), "0.0000000000001"),
    ],
)
def test_events_that_cannot_be_right_are_refused_with_their_value(make: Any, says: str) -> None:
    with pytest.raises(at.errors.InputError, match=says):
        make()


def test_events_are_frozen() -> None:
    with pytest.raises(AttributeError):
        book(0, "1:1", "2:1").symbol = "ETH"  # type: ignore[misc]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ticks") / "lake"
    synthetic_ticks(["BTC", "ETH"], 20_000, folder, seed=5, density=400, start="2024-01-01T00:59:48")
    return folder


def test_a_lake_is_iterated_over_in_the_order_in_which_it_reached_us_and_nothing_is_lost(lake: Path) -> None:
    data = at.HistoricalDataProvider(lake)
    events: list[Any] = list(data)
    rows = data.read()
    # A snapshot is one event, whatever the number of its levels.
    told = rows.filter((pl.col("kind") != SNAPSHOT) | (pl.col("flags") & FIRST != 0))
    assert [event.local_time_ns for event in events] == sorted(told["local_time"].dt.epoch("ns").to_list())
    kinds = dict(told.group_by("kind").len().iter_rows())
    assert Counter(type(event) for event in events) == {
        at.Trade: kinds[TRADE],
        at.BookDelta: kinds[DELTA],
        at.BookSnapshot: kinds[SNAPSHOT],
        at.MarketContext: kinds[CONTEXT],
        at.FundingRate: kinds[FUNDING],
    }
    deltas = rows.filter(kind=DELTA).sort("local_time", maintain_order=True)
    assert [e.price for e in events if isinstance(e, at.BookDelta)] == deltas["price"].to_list()
    assert data.books == {"BTC": "l2", "ETH": "l2"}


def test_a_range_and_kinds_are_kept_while_iterating(lake: Path) -> None:
    data = at.HistoricalDataProvider(lake, symbols="ETH", kinds=["trades"], start="2024-01-01T00:59:55")
    events: list[Any] = list(data)
    assert {(type(event), event.symbol) for event in events} == {(at.Trade, "ETH")}
    assert len(events) == data.read().height
    with pytest.raises(ParameterError, match="ETH: the data hold neither levels nor best prices"):
        _ = data.books


def test_a_book_of_orders_has_no_events_and_says_what_to_do(tmp_path: Path) -> None:
    synthetic_ticks("BTC", 2_000, tmp_path / "lake", orders=True)
    data = at.HistoricalDataProvider(tmp_path / "lake")
    with pytest.raises(DataError, match=r"BTC: .*order_add.*kinds = .*at.backtest"):
        list(data)


def test_quotes_come_whole_and_a_side_without_orders_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    header = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
    path.write_text(header + "x,BTC,1000000,1000500,2,101,100,3\nx,BTC,2000000,2000500,,,100,4\n")
    import_data([path], tmp_path / "lake")
    data = at.HistoricalDataProvider(tmp_path / "lake")
    quotes: list[Any] = list(data)
    assert [(q.bid_price, q.bid_quantity, q.ask_quantity) for q in quotes] == [(100, 3, 2), (100, 4, 0)]
    assert data.books == {"BTC": "quote"}


RECORDINGS = [
    "book_l2/xrpusdt-ob500.data.zip",
    "feeds_dual_time/binance_usdm_btcusdt_20240808.gz",
    "feeds_dual_time/hyperliquid_btcusd_20250126.gz",
]


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_told_as_events_leaves_the_books_that_its_rows_leave(
    name: str, shared_data: Path, tmp_path: Path
) -> None:
    class Remembers(at.Strategy):
        def on_stop(self, ctx: Context) -> None:
            books = [ctx.book(symbol) for symbol in ctx.symbols]
            self.left = [
                (book.levels("buy", 500), book.levels("sell", 500), book.last_trade, book.mark_price) for book in books
            ]

    import_data([shared_data / name], tmp_path / "lake")
    data = at.HistoricalDataProvider(tmp_path / "lake")
    by_rows, by_events = Remembers(), Remembers()
    # Rows of quotes drive no book of levels, but are told all the same.
    at.backtest(data, by_rows, venue=at.VenueConfig(book="l2"))
    config = at.VenueConfig(latency=NO_TIME, block_mode=False).for_data(data)
    venue = at.SimulatedExecutionHandler(data.symbols, venue=config, books=data.books)
    at.TradingSystem(data, by_events, venue, at.SimpleRiskManager(), instruments=config.rules()).run()
    assert all(bids and asks for bids, asks, *_ in by_rows.left)
    assert by_events.left == by_rows.left


class Sees(at.Strategy):
    """Notes what it is told and what the book then is."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Any, ...]] = []

    def on_book(self, ctx: Context, symbol: str) -> None:
        seen = ctx.book(symbol)
        self.seen.append((ctx.now_ns, seen.best_bid, seen.best_ask))

    def on_trade(self, ctx: Context, trade: at.Trade) -> None:
        self.seen.append((ctx.now_ns, ctx.book(trade.symbol).last_trade))


def test_a_strategy_sees_the_book_once_its_batch_is_whole_and_when_it_reaches_us() -> None:
    strategy = Sees()
    machine = system(strategy)
    machine.step(ControlEvent.start(0))
    machine.step(book(10, "99:1 98:1", "101:1", 15))
    machine.step(at.BookDelta("BTC", 20, "buy", 99, 0, is_last=False, local_time=25))
    machine.step(at.BookDelta("BTC", 20, "sell", "100.5", 2, local_time=25))
    machine.step(at.Trade("BTC", 30, 100, 1, "buy", local_time=35))
    machine.step(book(40, "", "", 45))
    assert strategy.seen == [(15, 99, 101), (25, 98, Decimal("100.5")), (35, 100), (45, None, None)]


def test_events_of_one_instant_are_answered_once_all_were_heard() -> None:
    class Answers(at.Strategy):
        def on_trade(self, ctx: Context, trade: at.Trade) -> None:
            if not ctx.orders("BTC").open:
                ctx.buy("BTC", 1, price=trade.price)

    trades: list[MarketEvent] = [at.Trade("BTC", 10, 100, 1), at.Trade("BTC", 10, 101, 1)]
    for together, orders in ((True, 2), (False, 1)):
        machine = system(Answers())
        machine.step(ControlEvent.start(0))
        machine.step(book(1, "99:1", "102:1"))
        commands = machine.step(trades) if together else [c for trade in trades for c in machine.step(trade)]
        assert sum(isinstance(command, SubmitOrder) for command in commands) == orders


def test_without_books_a_machine_and_a_venue_say_what_they_lack() -> None:
    bars = at.HistoricalDataProvider("tests/data/sample_bars.csv", symbols="BTC")
    venue = at.SimulatedExecutionHandler(["BTC"])
    machine = at.TradingSystem(bars, Sees(), venue, at.SimpleRiskManager())
    for take in (machine.step, venue.on_market_event):
        with pytest.raises(ParameterError, match=r"BookDelta\(BTC.*without books.*books=data.books"):
            take(at.BookDelta("BTC", 0, "buy", 1, 1))
    with pytest.raises(ParameterError, match="matches on books"):
        handler().on_market_event(next(iter(bars)))


@pytest.mark.parametrize(
    ("venue", "books", "says"),
    [
        ({"latency": None}, {"BTC": "l2"}, "latency"),
        ({"latency": ConstantLatency(entry_ns=0, response_ns=1)}, {"BTC": "l2"}, "latency"),
        ({"cancel_latency": ConstantLatency()}, {"BTC": "l2"}, "latency"),
        ({"block_mode": True}, {"BTC": "l2"}, "block_mode"),
        ({"book": "quote"}, {"BTC": "l2"}, "book = quote: the book of BTC is driven by l2"),
        ({"book": "l2"}, {}, "book = l2: .*books=data.books"),
        ({}, {"ETH": "l2"}, "nothing that drives the book of BTC"),
    ],
)
def test_a_venue_that_one_clock_cannot_be_is_refused(venue: dict[str, Any], books: Any, says: str) -> None:
    config = at.VenueConfig(**{"latency": NO_TIME, **venue})
    with pytest.raises(ParameterError, match=says):
        at.SimulatedExecutionHandler(["BTC"], venue=config, books=books)


def test_what_is_due_at_the_venue_happens_between_market_events() -> None:
    class Slices(at.Strategy):
        def on_start(self, ctx: Context) -> None:
            self.heard: list[tuple[int, str]] = []

        def on_book(self, ctx: Context, symbol: str) -> None:
            if not self.heard:
                self.heard.append((ctx.now_ns // SECOND, "book"))
                ctx.buy("BTC", 2, twap_ns=at.seconds(60))
                ctx.buy("BTC", 1, price=90)
                ctx.schedule_cancel(ctx.now_ns + at.seconds(10))

        def on_fill(self, ctx: Context, fill: at.FillEvent) -> None:
            self.heard.append((ctx.now_ns // SECOND, f"fill of {fill.quantity}"))

        def on_order(self, ctx: Context, update: at.OrderUpdate) -> None:
            if update.status == "cancelled":
                self.heard.append((ctx.now_ns // SECOND, str(update.reason)))

    strategy = Slices()
    books = [book(1 * SECOND, "99:9", "101:9"), book(50 * SECOND, "99:9", "101:9")]
    system(strategy, books).run()
    assert strategy.heard == [(1, "book"), (1, "fill of 1"), (11, "scheduled_cancel"), (31, "fill of 1")]


def test_a_driver_that_looks_rarely_loses_nothing_of_what_was_due() -> None:
    class Plans(at.Strategy):
        def on_book(self, ctx: Context, symbol: str) -> None:
            ctx.buy("BTC", 1, price=90)
            ctx.schedule_cancel(ctx.now_ns + at.seconds(10))

    machine, venue = system(Plans()), handler()
    machine.step(ControlEvent.start(0))
    snapshot = book(SECOND, "99:9", "101:9")
    assert venue.on_market_event(snapshot) == []
    commands = machine.step(snapshot)
    assert [type(command) for command in commands] == [SubmitOrder, ScheduleCancel]
    for command in commands:
        venue.execute(command, SECOND)
    assert venue.next_time_ns == 11 * SECOND
    (late,) = venue.on_market_event(book(60 * SECOND, "99:9", "101:9"))
    assert isinstance(late, at.OrderUpdate)
    assert (late.time_ns, late.reason) == (11 * SECOND, "scheduled_cancel")


def test_positions_are_valued_at_the_venues_mark_and_pay_its_funding() -> None:
    class Holds(at.Strategy):
        def on_trade(self, ctx: Context, trade: at.Trade) -> None:
            ctx.buy("BTC", 2)

    hour = 3_600 * SECOND
    events: list[MarketEvent] = [
        book(hour - 3, "99:9", "101:9"),
        at.Trade("BTC", hour - 2, 100, 1),
        at.MarketContext("BTC", hour - 1, 105, oracle_price=104),
        at.FundingRate("BTC", hour, "0.001"),
    ]
    machine = system(Holds(), events, fees={"maker_rate": 0, "taker_rate": 0})
    machine.run()
    assert machine.cash == 100_000 - Decimal("0.001") * 2 * 104
    assert machine.equity == machine.cash + 2 * (105 - 101)
