"""Messages into tables: as an import of the same messages has them, each print once, whatever comes."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade._native import RecordBuffer, Trade
from algo_trade.data import import_data
from algo_trade.errors import ParameterError
from algo_trade.storage.kinds import KINDS
from algo_trade.storage.lake import ParquetStorage

if TYPE_CHECKING:
    from pathlib import Path

TICKS = ["trades", "book", "quotes", "contexts"]
TICK = KINDS["trades"]


def tables(buffer: RecordBuffer) -> dict[str, pa.Table]:
    return {kind: pa.table(table) for kind, table in buffer.drain()}


def prints(coin: str, *trades: tuple[int, int]) -> bytes:
    told = [
        {"coin": coin, "side": "B", "px": "10.5", "sz": "2", "hash": "0x", "time": time, "tid": tid}
        for time, tid in trades
    ]
    return json.dumps({"channel": "trades", "data": told}).encode()


def quote(coin: str, time: int, price: str) -> bytes:
    level = {"px": price, "sz": "1", "n": 1}
    return json.dumps({"channel": "bbo", "data": {"coin": coin, "time": time, "bbo": [level, None]}}).encode()


def as_told(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.select([name for name in TICK.schema.names if name != "symbol"]).rows()


def same_as_an_import(recording: bytes, folder: Path) -> None:
    path = folder / "recording.txt"
    path.write_bytes(recording)
    import_data([str(path)], folder / "imported", format="hyperliquid")
    buffer = RecordBuffer({"BTC": "BTC"}, kinds=TICKS)
    for line in recording.splitlines():
        local, _, message = line.partition(b" ")
        assert buffer.take(message, int(local))
    lake = ParquetStorage(folder / "recorded")
    for kind, table in tables(buffer).items():
        lake.write(kind, table, venue="hyperliquid")
    imported = ParquetStorage(folder / "imported")
    kinds = {part.partition.kind for part in imported.parts()}
    assert kinds == {part.partition.kind for part in lake.parts()}
    for kind in kinds:
        ours, theirs = (pl.DataFrame(each.query(kind).read_all()) for each in (lake, imported))
        assert as_told(ours) == as_told(theirs)


def test_a_recording_of_real_messages_has_the_rows_of_its_import(shared_data: Path, tmp_path: Path) -> None:
    recording = gzip.decompress((shared_data / "feeds_dual_time" / "hyperliquid_btcusd_20250126.gz").read_bytes())
    same_as_an_import(recording, tmp_path)


def test_quotes_contexts_and_empty_books_are_those_of_an_import(tmp_path: Path) -> None:
    context = {"funding": "0.0000125", "markPx": "10.5", "oraclePx": "10.4", "impactPxs": ["10", "11"]}
    messages = [
        quote("BTC", 1_700_000_000_000, "10"),
        json.dumps({"channel": "activeAssetCtx", "data": {"coin": "BTC", "ctx": context}}).encode(),
        json.dumps(
            {"channel": "l2Book", "data": {"coin": "BTC", "time": 1_700_000_000_100, "levels": [[], []]}}
        ).encode(),
        prints("BTC", (1_700_000_000_050, 7)),
    ]
    lines = [b"%d %s" % (1_700_000_000_200_000_000 + at, message) for at, message in enumerate(messages)]
    same_as_an_import(b"\n".join(lines) + b"\n", tmp_path)


def test_a_table_has_the_columns_of_its_kind_and_our_names() -> None:
    buffer = RecordBuffer({"BTC": "BTC", "@107": "HYPE/USDC"}, kinds=TICKS)
    assert buffer.take(prints("@107", (5, 1), (6, 2)), 9_000_000)
    assert buffer.take(prints("BTC", (5, 3)).decode(), 10_000_000)
    assert buffer.take(quote("BTC", 7, "10"), 11_000_000)
    assert repr(buffer) == "RecordBuffer(2 symbols, 5 rows)"
    assert (buffer.newest_ns("trades", "HYPE/USDC"), buffer.newest_ns("book", "BTC")) == (6_000_000, 0)
    found = tables(buffer)
    assert list(found) == ["trades", "quotes"]
    for table in found.values():
        assert [(field.name, field.type) for field in table.schema] == [
            (field.name, field.type) for field in TICK.schema
        ]
    assert found["trades"]["symbol"].to_pylist() == ["BTC", "HYPE/USDC", "HYPE/USDC"]
    assert found["trades"]["local_time"].cast("int64").to_pylist() == [10_000_000, 9_000_000, 9_000_000]
    assert (buffer.rows, buffer.drain()) == (0, [])


def test_what_was_missed_is_added_once_as_history_and_only_while_there_is_room() -> None:
    buffer = RecordBuffer({"BTC": "BTC"}, kinds=TICKS, rows_max=3)
    assert buffer.take(prints("BTC", (5, 1)), 9)
    missed = [Trade("BTC", 1_000_000 * time, 10, 1, "buy", tid) for time, tid in ((3, 8), (4, 9), (5, 1))]
    assert buffer.add(missed) == 2
    assert buffer.add(missed) is None
    assert not buffer.take(prints("BTC", (6, 2)), 10)
    assert tables(buffer)["trades"]["flags"].to_pylist() == [0, 4, 4]
    assert buffer.add(missed) == 0
    assert buffer.take(prints("BTC", (6, 2)), 10)
    assert buffer.counts == {
        "messages": 2,
        "bytes": buffer.counts["bytes"],
        "rows": 4,
        "repeated": 0,
        "refused": 0,
        "malformed": 0,
        "not_kept": 1,
    }


def test_what_cannot_be_asked_for_is_refused() -> None:
    with pytest.raises(ParameterError, match="kind = bars: must be one of trades, book, quotes, contexts"):
        RecordBuffer({"BTC": "BTC"}, kinds=["bars"])
    with pytest.raises(ParameterError, match="rows_max = 0: must be above 0"):
        RecordBuffer({"BTC": "BTC"}, kinds=TICKS, rows_max=0)
    buffer = RecordBuffer({"BTC": "BTC"}, kinds=TICKS)
    with pytest.raises(ParameterError, match="symbol = ETH: is not recorded"):
        buffer.newest_ns("trades", "ETH")
    with pytest.raises(ParameterError, match="symbol = ETH: is not recorded"):
        buffer.add([Trade("ETH", 1, 10, 1)])
    with pytest.raises(ParameterError, match="int: must be bytes or str"):
        buffer.take(7, 1)  # type: ignore[arg-type]


MESSAGES = st.one_of(
    st.builds(
        prints,
        st.sampled_from(["BTC", "ETH", "DOGE"]),
        st.tuples(st.integers(1, 9), st.integers(1, 6)),
        st.tuples(st.integers(1, 9), st.integers(1, 6)),
    ),
    st.builds(quote, st.sampled_from(["BTC", "ETH"]), st.integers(1, 9), st.sampled_from(["10", "-1", "x", "1e99"])),
    st.binary(max_size=40),
    st.recursive(st.none() | st.integers() | st.text(max_size=8), lambda of: st.lists(of, max_size=3)).map(
        lambda data: json.dumps({"channel": "trades", "data": data}).encode()
    ),
)


@given(messages=st.lists(MESSAGES, max_size=40), every=st.integers(1, 10))
def test_in_any_order_and_however_often_each_print_is_kept_once_and_what_is_hostile_is_counted(
    messages: list[bytes], every: int
) -> None:
    buffer = RecordBuffer({"BTC": "BTC", "ETH": "ETH"}, kinds=TICKS)
    kept: list[tuple[str, int]] = []
    rows = 0
    for number, message in enumerate(messages):
        assert buffer.take(message, number)
        if number % every == 0 or number == len(messages) - 1:
            for kind, table in tables(buffer).items():
                rows += table.num_rows
                if kind == "trades":
                    kept += zip(table["symbol"].to_pylist(), table["order_id"].to_pylist(), strict=True)
    assert len(kept) == len(set(kept))
    counts = buffer.counts
    assert (counts["messages"], counts["rows"], counts["not_kept"]) == (len(messages), rows, 0)
    assert (buffer.fault is None) == (counts["malformed"] == 0)
