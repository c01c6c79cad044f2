"""A lake keeps rows once, in order, whatever was written before, and shows its reader one moment of it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade._native import write_ticks
from algo_trade.core.times import time_ns
from algo_trade.data import HistoricalDataProvider
from algo_trade.errors import DataError, ParameterError, StorageError
from algo_trade.storage.kinds import KINDS
from algo_trade.storage.lake import ParquetStorage, Part
from algo_trade.storage.lake import manifest as log
from tests.lake.rows import DAY, MINUTE_NS, bars, trades

if TYPE_CHECKING:
    from pathlib import Path


def shown(table: pa.Table, venue: str = "v") -> pa.Table:
    """Return rows as a query shows them."""
    plain = table.set_column(table.schema.get_field_index("symbol"), "symbol", table["symbol"].cast(pa.string()))
    return plain.add_column(0, "venue", pa.repeat(pa.scalar(venue), table.num_rows))


def test_what_was_written_comes_back_exactly_in_order_and_in_files_of_a_month(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    first, second = bars("BTC", (2, 0, 1)), bars("BTC", (0,), day="2026-04-02")
    parts = lake.write("bars", pa.concat_tables([second, first]), venue="v", resolution="1m", source="a test")
    assert [(part.partition.date, part.rows) for part in parts] == [("2026-03", 3), ("2026-04", 1)]
    wanted = pa.concat_tables([bars("BTC", (0, 1, 2)), second])
    assert lake.query("bars").read_all().equals(shown(wanted))
    notes = pq.read_metadata(tmp_path / "lake" / parts[0].path).metadata
    assert (notes[b"algo_trade.source"], notes[b"algo_trade.schema"]) == (b"a test", b"1")


def test_ticks_that_were_written_are_those_that_the_tick_engine_reads(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    lake.write("trades", trades("BTC", (5, 3, 9)), venue="v")
    assert lake.query("trades").read_all().equals(shown(trades("BTC", (3, 5, 9))))
    provider = HistoricalDataProvider(tmp_path / "lake")
    assert provider.read()["order_id"].to_list() == [4, 6, 10]
    assert [trade.price for trade in provider] == trades("BTC", (3, 5, 9))["price"].to_pylist()  # type: ignore[union-attr]


def test_rows_that_are_there_are_not_written_again_and_late_ones_take_their_place(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    lake.write("trades", trades("BTC", (10, 20, 30)), venue="v")
    before = lake.version()
    assert lake.write("trades", trades("BTC", (20, 30)), venue="v") == []
    assert lake.version().number == before.number, "nothing was new"
    (part,) = lake.write("trades", trades("BTC", (15, 20, 40)), venue="v")
    assert part.rows == 5
    assert lake.parts() == [part]
    assert lake.query("trades").read_all().equals(shown(trades("BTC", (10, 15, 20, 30, 40))))
    lake.write("trades", trades("BTC", (50, 60)), venue="v")
    assert len(lake.parts()) == 2, "what comes after all is added beside it"


def test_of_two_bars_of_one_time_the_first_stays(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    lake.write("bars", bars("BTC", (0, 1)), venue="v", resolution="1m")
    lake.write("bars", bars("BTC", (1, 2), price=900), venue="v", resolution="1m")
    opens = lake.query("bars", columns=["open"]).read_all()["open"].to_pylist()
    assert [int(each) for each in opens] == [100, 101, 902]


def test_a_query_picks_times_symbols_venues_columns_and_lengths(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    for venue in ("a", "b"):
        for symbol in ("BTC", "ETH/USD"):
            lake.write("bars", bars(symbol, range(120)), venue=venue, resolution="1m")
    got = lake.query(
        "bars",
        "ETH/USD",
        venue="b",
        start=time_ns(DAY) + 10 * MINUTE_NS,
        end=time_ns(DAY) + 12 * MINUTE_NS,
        columns=["close", "symbol", "venue"],
    ).read_all()
    assert got.column_names == ["close", "symbol", "venue"]
    assert got["venue"].to_pylist() == ["b", "b"]
    assert [str(each) for each in got["close"].to_pylist()] == ["110.50000000", "111.50000000"]
    assert lake.query("bars", "BTC", start="2027-01-01").read_all().num_rows == 0
    lake.write("bars", bars("BTC", (0, 60), price=7), venue="a", resolution="1h")
    with pytest.raises(ParameterError, match="name one as resolution"):
        lake.query("bars", "BTC", venue="a")
    assert lake.query("bars", "BTC", venue="a", resolution="1h").read_all().num_rows == 2
    with pytest.raises(ParameterError, match="column 'clsoe' is unknown"):
        lake.query("bars", columns=["clsoe"])
    with pytest.raises(ParameterError, match="must be one of trades"):
        lake.query("candles")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t.drop_columns(["close"]), "column 'close' is missing"),
        (lambda t: t.append_column("vwap", t["close"]), "column 'vwap' is unknown"),
        (lambda t: t.set_column(5, "close", pa.array([1, None, 3])), "row 2 has no value"),
        (lambda t: t.set_column(5, "close", pa.array(["1", "x", "3"])), "bars.close"),
        (
            lambda t: t.set_column(5, "close", pa.array([1.5, 2.5, 3.5])),
            "bars.close: holds floats, which are not exact",
        ),
        (lambda t: t.set_column(5, "close", pa.array([1, 2, 10**13])), "bars.close"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path: Path, change, problem) -> None:  # type: ignore[no-untyped-def]
    lake = ParquetStorage(tmp_path / "lake")
    with pytest.raises(ParameterError, match=problem):
        lake.write("bars", change(bars()), venue="v", resolution="1m")
    with pytest.raises(ParameterError, match="bars have one, all others have none"):
        lake.write("bars", bars(), venue="v")
    assert not (tmp_path / "lake").exists()


def test_ticks_of_another_kind_are_refused_with_their_row(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    with pytest.raises(DataError, match=r"row 1: kind = 0: is none of quotes"):
        lake.write("quotes", trades(), venue="v")
    assert lake.parts() == []


def test_a_reader_sees_the_lake_of_one_moment_whatever_is_written_and_compacted_meanwhile(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    for minute in range(0, 30, 3):
        lake.write("bars", bars("BTC", range(minute, minute + 3)), venue="v", resolution="1m")
    reader = lake.query("bars")
    first = reader.read_next_batch()
    lake.write("bars", bars("BTC", (7, 500)), venue="v", resolution="1m")
    assert lake.compact() == (3, 1), "late rows have joined eight of eleven already"
    assert lake.sweep() == [], "somebody may read them"
    rest = reader.read_all()
    assert pa.concat_tables([pa.Table.from_batches([first]), rest]).equals(shown(bars("BTC", range(30))))
    assert lake.query("bars").read_all().equals(shown(bars("BTC", [*range(30), 500])))
    assert len(lake.sweep(after_s=0)) == 11
    assert len(list((tmp_path / "lake" / "bars").rglob("*.parquet"))) == 1
    assert lake.query("bars").read_all().num_rows == 31


def test_compacted_ticks_stay_what_they_were(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    for after in range(0, 100, 10):
        lake.write("trades", trades("BTC", range(after, after + 10)), venue="v")
    before = lake.query("trades").read_all()
    assert lake.compact() == (10, 1)
    assert lake.compact() == (0, 0)
    assert lake.query("trades").read_all().combine_chunks().equals(before.combine_chunks())
    assert len(HistoricalDataProvider(tmp_path / "lake")) == 100


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            lake = ParquetStorage(tmp_path / "lake")
            for step in range(5):
                # Each second one goes where another one writes.
                times = range(step * 100 + number * 10, step * 100 + number * 10 + 15)
                lake.write("trades", trades("BTC", times), venue="v")
        except BaseException as error:  # noqa: BLE001 -- told by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    wanted = sorted(
        {
            at
            for number in range(4)
            for step in range(5)
            for at in range(step * 100 + number * 10, step * 100 + number * 10 + 15)
        }
    )
    assert ParquetStorage(tmp_path / "lake").query("trades").read_all().equals(shown(trades("BTC", wanted)))


def test_checkpoints_stand_for_the_commits_before_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "CHECKPOINT_EVERY", 4)
    lake = ParquetStorage(tmp_path / "lake")
    for minute in range(10):  # after the first commit, which begins the log
        lake.write("bars", bars("BTC", (minute,)), venue="v", resolution="1m")
        assert lake.query("bars").read_all().equals(shown(bars("BTC", range(minute + 1))))
    names = sorted(path.name for path in (tmp_path / "lake" / "_manifest").iterdir())
    assert names == [
        "000000000005.json",
        "000000000006.json",
        "000000000007.json",
        "000000000008.arrow",
        "000000000008.json",
        "000000000009.json",
        "000000000010.json",
        "000000000011.json",
    ]


def test_a_folder_without_a_manifest_is_a_lake_and_gets_one_with_the_first_write(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    lake.write("trades", trades("BTC", (1, 2)), venue="v")
    lake.write("bars", bars("BTC", (0, 2)), venue="v", resolution="1m")
    whole = lake.parts()
    shutil.rmtree(tmp_path / "lake" / "_manifest")
    assert lake.query("trades").read_all().num_rows == 2
    lake.write("trades", trades("BTC", (7,)), venue="v")
    assert lake.query("trades").read_all().equals(shown(trades("BTC", (1, 2, 7))))
    assert set(whole) <= set(lake.parts()), "rows, lengths and digests are those that were there"
    lake.write("bars", bars("BTC", (1,)), venue="v", resolution="1m")
    assert lake.query("bars").read_all().equals(shown(bars("BTC", (0, 1, 2))))


def test_what_a_writer_brings_is_not_taken_for_something_that_was_there(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    with lake.staging() as folder:
        lake.lay(folder, "bars", bars(), venue="v", resolution="1m")
        (part,) = lake.adopt(folder)
    first, second = sorted((tmp_path / "lake" / "_manifest").iterdir())
    assert json.loads(first.read_text())["add"] == []
    assert [Part.of_json(each) for each in json.loads(second.read_text())["add"]] == [part]
    assert lake.parts() == [part]


def test_what_was_replaced_stays_for_a_day_however_old_it_is(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    for minute in range(3):
        for part in lake.write("bars", bars("BTC", (minute,)), venue="v", resolution="1m"):
            os.utime(tmp_path / "lake" / part.path, (0, 0))
    reader = lake.query("bars")
    assert lake.compact() == (3, 1)
    assert lake.sweep() == []
    assert reader.read_all().num_rows == 3


def test_bars_with_and_without_a_volume_do_not_mix_on_one_day(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    lake.write("bars", bars("BTC", (0, 2)).drop_columns(["volume"]), venue="v", resolution="1m")
    with pytest.raises(ParameterError, match=r"bars: volume: .* import the day anew"):
        lake.write("bars", bars("BTC", (1,)), venue="v", resolution="1m")
    lake.write("bars", bars("BTC", (5,)), venue="v", resolution="1m")
    assert lake.compact() == (0, 0)
    assert [volume is None for volume in lake.query("bars").read_all()["volume"].to_pylist()] == [True, True, False]


def test_a_log_of_the_future_or_with_a_hole_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    for minute in range(3):
        lake.write("bars", bars("BTC", (minute,)), venue="v", resolution="1m")
    second = tmp_path / "lake" / "_manifest" / "000000000002.json"
    whole = second.read_text()
    for content, problem in (
        (whole.replace('"schema":1', '"schema":9'), "has schema 9, written by algo_trade .*: run a newer one"),
        (whole[:50], "is damaged"),
    ):
        second.write_text(content)
        with pytest.raises(StorageError, match=problem):
            lake.query("bars")
        with pytest.raises(StorageError, match=problem):
            lake.write("bars", bars("BTC", (9,)), venue="v", resolution="1m")
    second.unlink()
    with pytest.raises(StorageError, match="commit 2 is missing"):
        lake.query("bars")
    second.write_text(whole)
    assert lake.query("bars").read_all().num_rows == 3


def test_a_damaged_file_is_named_and_the_others_are_still_read(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "lake")
    parts = lake.write("trades", pa.concat_tables([trades("BTC"), trades("ETH")]), venue="v")
    file = tmp_path / "lake" / parts[0].path
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(StorageError, match=rf"{parts[0].path}: cannot be read: .*; run `algo-trade data verify`"):
        lake.query("trades", "BTC").read_all()
    assert lake.query("trades", "ETH").read_all().num_rows == 3
    file.unlink()
    with pytest.raises(StorageError, match="is gone: the manifest names it; restore it from a backup"):
        lake.query("trades", "BTC").read_all()


ROWS = st.lists(
    st.tuples(st.sampled_from(["BTC", "ETH"]), st.integers(0, 3), st.integers(0, 60)), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(ROWS, st.just("compact"), st.just("sweep")), min_size=1, max_size=8))
def test_any_mix_of_writes_doubles_late_rows_and_compactions_answers_like_a_table_in_memory(deeds: list) -> None:  # type: ignore[type-arg]
    table: set[tuple[str, int, int]] = set()
    with tempfile.TemporaryDirectory() as folder:
        lake = ParquetStorage(f"{folder}/lake")
        for deed in deeds:
            if deed == "compact":
                lake.compact()
            elif deed == "sweep":
                lake.sweep(after_s=0)
            else:
                table |= set(deed)
                rows = [trades(symbol, (at,), day=f"2026-03-0{1 + day}") for symbol, day, at in deed]
                lake.write("trades", pa.concat_tables(rows, promote_options="default").unify_dictionaries(), venue="v")
        got = lake.query("trades", columns=["symbol", "exchange_time", "order_id"]).read_all().to_pylist()
        wanted = [(symbol, time_ns(f"2026-03-0{1 + day}") + at, at + 1) for symbol, day, at in sorted(table)]
        assert [(row["symbol"], row["exchange_time"].value, row["order_id"]) for row in got] == wanted
        assert set(KINDS) >= {part.partition.kind for part in lake.parts()}


@pytest.mark.parametrize(
    ("times_ns", "day_ns", "problem"),
    [
        ((5, 3), 0, "row 2: exchange_time = .*: lies before that of the row before"),
        ((3, 86_400 * 10**9), 0, "row 2: exchange_time = .*: lies on another day"),
        ((3, 5), 86_400 * 10**9, "row 1: exchange_time = .*: lies on another day"),
    ],
)
def test_a_file_of_ticks_takes_rows_of_one_day_in_order_only(
    tmp_path: Path, times_ns: tuple[int, int], day_ns: int, problem: str
) -> None:
    rows = trades("BTC", times_ns)
    start = time_ns(DAY) + day_ns
    with pytest.raises(DataError, match=problem):
        write_ticks(
            rows, str(tmp_path / "x.parquet"), kind="trades", venue="v", symbol="BTC", day_ns=start, source="a test"
        )
