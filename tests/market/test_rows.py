"""What goes into a database comes out of it, exactly, in order, and once."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade.errors import ParameterError, StorageError
from algo_trade.storage import DatabaseClient
from algo_trade.storage.lake import ParquetStorage
from tests.market.rows import KINDS, LAST_NS, MINUTE_NS, NOW_NS, answer, kept, many, rows_of, table_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.market.conftest import Market

# Of each kind. The server is asked for each of them.
EXAMPLES = min(settings().max_examples // 8, 100)


def length_of(kind: str) -> str | None:
    return "1m" if KINDS[kind].has_resolution else None


def test_every_kind_comes_back_exactly_each_row_once_and_in_order(market: Market) -> None:
    @settings(max_examples=EXAMPLES * len(KINDS))
    @given(st.data(), st.sampled_from(sorted(KINDS)))
    def check(data: st.DataObject, name: str) -> None:
        kind, venue = KINDS[name], market.venue()
        batches = data.draw(st.lists(rows_of(kind), max_size=3))
        written = [row for rows in batches for row in rows]
        new = [market.write(name, table_of(kind, rows), venue, length_of(name)) for rows in batches]
        wanted = kept(kind, written)
        assert sum(new) == len(wanted)
        assert market.query(name, venue=venue) == answer(kind, wanted, venue)

    check()


def test_many_rows_come_back_as_few_do(market: Market) -> None:
    @settings(max_examples=EXAMPLES * 4)
    @given(st.data(), st.sampled_from(sorted(KINDS)))
    def check(data: st.DataObject, name: str) -> None:
        kind, venue = KINDS[name], market.venue()
        rows = data.draw(rows_of(kind))
        again = data.draw(rows_of(kind))
        filler = many(kind, 600, symbol="the others")
        # The first finds its place free, unless one of its rows is there twice; the second does not.
        market.write(name, pa.concat_tables([filler, table_of(kind, rows)]), venue, length_of(name))
        market.write(name, pa.concat_tables([filler, table_of(kind, again)]), venue, length_of(name))
        wanted = kept(kind, [*rows, *again])
        found = market.query(name, venue=venue)
        is_filler = pc.equal(found["symbol"], "the others")
        assert found.filter(pc.invert(is_filler)) == answer(kind, wanted, venue)
        assert found.filter(is_filler).num_rows == 600

    check()


@pytest.mark.parametrize("count", [3, 700], ids=["a few", "many"])
def test_of_two_rows_with_one_key_the_first_stays(market: Market, count: int) -> None:
    kind = KINDS["bars"]
    rows = many(kind, count)
    other = rows.set_column(2, "open", pa.array([Decimal("1.5")] * count, pa.decimal128(20, 8)))
    assert market.write("bars", pa.concat_tables([rows, other]), "v", "1m") == count
    assert market.write("bars", other, "v", "1m") == 0
    assert market.query("bars").drop_columns(["venue"]) == rows


@pytest.mark.parametrize("count", [5, 700], ids=["a few", "many"])
def test_rows_that_come_late_lie_where_they_belong(market: Market, count: int) -> None:
    rows = many(KINDS["trades"], 2 * count)
    late = pa.array([number % 2 == 0 for number in range(2 * count)])
    assert market.write("trades", rows.filter(pc.invert(late)), "v") == count
    assert market.write("trades", rows.filter(late), "v") == count
    assert market.query("trades")["sequence"].to_pylist() == list(range(2 * count))


@pytest.mark.parametrize("count", [20, 700], ids=["a few", "many"])
def test_levels_of_one_book_keep_the_order_in_which_they_were_written(market: Market, count: int) -> None:
    kind = KINDS["book"]
    row: dict[str, Any] = {
        "exchange_time": NOW_NS, "local_time": NOW_NS, "symbol": "BTC", "kind": 6, "side": 1, "quantity": Decimal(1),
        "order_id": 0, "sequence": 7, "flags": 0, "aux": 0,
    }  # fmt: skip
    prices = [Decimal(number * 7919 % 1009) for number in range(count)]
    levels = table_of(kind, [{**row, "price": price} for price in prices])
    for first in (0, count // 2):
        market.write("book", levels.slice(first, count // 2), "v")
    assert market.query("book", columns=["price"])["price"].to_pylist() == prices


def test_a_range_of_time_is_what_a_filter_would_leave(market: Market) -> None:
    kind = KINDS["trades"]
    times = [NOW_NS + 250 * number for number in range(40)]
    base = many(kind, 40)
    rows = base.set_column(0, "exchange_time", pa.array(times, kind.schema.field("exchange_time").type))
    market.write("trades", rows, "v")

    @settings(max_examples=40)
    @given(st.integers(-300, 10_500), st.integers(-300, 10_500))
    def check(start: int, end: int) -> None:
        start, end = NOW_NS + start, NOW_NS + end
        found = market.query("trades", "BTC", venue="v", start=start, end=end, columns=["exchange_time"])
        assert found["exchange_time"].cast(pa.int64()).to_pylist() == [at for at in times if start <= at < end]

    check()


def test_answers_are_those_of_a_lake(market: Market, tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    for venue in ("b", "a"):
        for symbol in ("ETH", "BTC", "₿"):
            for name in ("bars", "fills", "quotes"):
                rows = many(KINDS[name], 30, symbol=symbol)
                market.write(name, rows, venue, length_of(name))
                lake.write(name, rows, venue=venue, resolution=length_of(name))
    options: list[dict[str, Any]] = [
        {},
        {"symbols": "BTC"},
        {"symbols": ["₿", "ETH", "none"], "venue": "b"},
        {"venue": "none"},
        {"start": NOW_NS + 3 * MINUTE_NS, "end": NOW_NS + 9 * MINUTE_NS},
        {"columns": ["symbol"]},
    ]
    for name in ("bars", "fills", "quotes"):
        time = KINDS[name].time
        for option in [*options, {"columns": [time, "venue"], "symbols": "ETH"}]:
            assert market.query(name, **option) == lake.query(name, **option).read_all(), (name, option)
    for wrong in ({"kind": "candles"}, {"kind": "bars", "columns": ["colour"]}):
        with pytest.raises(ParameterError) as ours:
            market.query(**wrong)
        with pytest.raises(ParameterError) as theirs:
            lake.query(**wrong)
        assert str(ours.value) == str(theirs.value)


def test_bars_of_several_lengths_have_to_be_told_apart(market: Market, tmp_path: Path) -> None:
    kind, lake = KINDS["bars"], ParquetStorage(tmp_path / "lake")
    minutes, hour = many(kind, 30), many(kind, 1)
    for rows, length in ((minutes, "1m"), (hour, "1h")):
        market.write("bars", rows, "v", length)
        lake.write("bars", rows, venue="v", resolution=length)
    with pytest.raises(ParameterError) as ours:
        market.query("bars")
    with pytest.raises(ParameterError) as theirs:
        lake.query("bars")
    assert str(ours.value) == str(theirs.value)
    assert market.query("bars", resolution="1m").num_rows == 30
    assert market.query("bars", resolution="1h").num_rows == 1
    # Where only one length has rows, there is nothing to tell apart.
    assert market.query("bars", start=NOW_NS + 5 * MINUTE_NS).num_rows == 24


def test_bigger_bars_that_are_not_there_are_made_of_minutes(market: Market) -> None:
    kind = KINDS["bars"]
    start = NOW_NS // (24 * 60 * MINUTE_NS) * 24 * 60 * MINUTE_NS
    rows = many(kind, 3 * 24 * 60, start_ns=start)
    market.write("bars", rows, "v", "1m")
    for length, minutes in {"5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}.items():
        found = market.query("bars", "BTC", resolution=length)
        wanted = []
        for first in range(0, rows.num_rows, minutes):
            part = rows.slice(first, minutes)
            low, high = pc.min(part["low"]).as_py(), pc.max(part["high"]).as_py()
            ends = part["open"][0].as_py(), high, low, part["close"][-1].as_py()
            wanted.append((*ends, pc.sum(part["volume"]).as_py()))
        columns = ("open", "high", "low", "close", "volume")
        assert list(zip(*(found[name].to_pylist() for name in columns), strict=True)) == wanted
        at = found["timestamp"].cast(pa.int64()).to_pylist()
        assert at == [start + MINUTE_NS * first for first in range(0, rows.num_rows, minutes)]
    assert market.query("bars", resolution="2h").num_rows == 0


def test_bars_may_have_no_volume(market: Market) -> None:
    rows = many(KINDS["bars"], 3).drop_columns(["volume"])
    assert market.write("bars", rows, "v", "1m") == 3
    assert market.query("bars")["volume"].null_count == 3
    market.write("bars", pa.concat_tables([rows] * 300), "w", "1m")
    assert market.query("bars", venue="w")["volume"].null_count == 3


def test_rows_that_a_database_cannot_keep_are_refused_before_anything_is_written(market: Market) -> None:
    bars = many(KINDS["bars"], 3)
    at = pa.array([MINUTE_NS, 2 * MINUTE_NS, 3 * MINUTE_NS + 1], pa.timestamp("ns", tz="UTC"))
    with pytest.raises(
        ParameterError, match=r"bars\.timestamp: row 3 = 180000000001 ns: a bar begins at a whole microsecond"
    ):
        market.write("bars", bars.set_column(0, "timestamp", at), "v", "1m")
    with pytest.raises(ParameterError, match="resolution = None: bars have one"):
        market.write("bars", bars, "v")
    fills = many(KINDS["fills"], 2)
    text = fills.set_column(fills.column_names.index("bot_id"), "bot_id", pa.array(["a", "b\0"]))
    with pytest.raises(ParameterError, match=r"fills\.bot_id: holds a zero byte"):
        market.write("fills", text, "v")
    with pytest.raises(ParameterError, match="fills: venue: holds a zero byte"):
        market.write("fills", fills, "v\0")
    long = fills.set_column(fills.column_names.index("trade_id"), "trade_id", pa.array(["a", "b" * 401]))
    with pytest.raises(ParameterError, match=r"fills\.trade_id: 401 bytes: must be at most 400"):
        market.write("fills", long, "v")
    assert market.query("bars").num_rows == market.query("fills").num_rows == 0


def test_what_somebody_else_has_written_and_is_no_row_is_told(market: Market) -> None:
    market.write("bars", many(KINDS["bars"], 3), "v", "1m")
    market.store.sql("UPDATE ohlcv SET high = 'NaN'")
    with pytest.raises(
        StorageError, match=r"algo_trade\.ohlcv, v, BTC: row 1: high: is not a finite number: somebody else"
    ):
        market.query("bars")
    assert market.query("bars", columns=["low"]).num_rows == 3


def test_a_store_in_a_file_says_where_rows_of_markets_go(tmp_path: Path) -> None:
    db = DatabaseClient(f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(
        ParameterError, match=r"x\.db: a state store in a file keeps no rows of markets: use postgresql"
    ):
        _ = db.market


def test_a_write_of_nothing_writes_nothing(market: Market) -> None:
    assert market.write("bars", KINDS["bars"].schema.empty_table(), "v", "1m") == 0
    assert market.query("bars", start=LAST_NS) == answer(KINDS["bars"], [], "v")


def test_a_million_rows_may_come_again(market: Market, pytestconfig: pytest.Config) -> None:
    count = 1_000_000 if pytestconfig.getoption("--long") else 5_000
    rows = many(KINDS["bars"], count, start_ns=0)
    assert market.write("bars", rows, "v", "1m") == count
    assert market.write("bars", rows, "v", "1m") == 0
    assert market.query("bars").drop_columns(["venue"]) == rows
