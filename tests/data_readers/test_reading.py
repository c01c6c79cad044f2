"""Bars are read exactly, whatever they are kept in."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import os
import signal
import tempfile
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from algo_trade import _native
from algo_trade.data import HistoricalDataProvider, synthetic_bars, write_csv

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = 60 * 10**9


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return pl.DataFrame(synthetic_bars(["BTC", "ETH", "SOL"], 6_000, seed=3))


def test_the_columns_are_open_time_symbol_and_decimals(good: Path) -> None:
    bars = HistoricalDataProvider(good, symbols="BTC").read()
    assert bars.schema == {
        "timestamp": pl.Datetime("ns", "UTC"),
        "symbol": pl.String,
        **dict.fromkeys(["open", "high", "low", "close", "volume"], pl.Decimal(20, 8)),
    }
    assert bars.row(1)[1:] == ("BTC", Decimal(11), Decimal(13), Decimal(10), Decimal(12), Decimal(6))


def test_every_container_gives_the_same_bars_and_fingerprint(tmp_path: Path, frame: pl.DataFrame) -> None:
    write_csv(synthetic_bars(["BTC", "ETH", "SOL"], 6_000, seed=3), tmp_path / "bars.csv")
    text = (tmp_path / "bars.csv").read_bytes()
    (tmp_path / "bars.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "bars.csv.zst").write_bytes(zstandard.compress(text))
    floats = frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64))
    frame.write_parquet(tmp_path / "decimal.parquet", row_group_size=500)
    floats.write_parquet(tmp_path / "float.parquet")
    frame.write_ipc(tmp_path / "bars.arrow")
    frame.write_ipc_stream(tmp_path / "stream.arrow")
    pyarrow.feather.write_feather(floats.to_arrow(), str(tmp_path / "bars.feather"))
    text_times = frame.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%d %H:%M:%S%.6f"))
    epochs = frame.with_columns(pl.col("timestamp").dt.epoch("ms"), pl.col("symbol").cast(pl.Categorical))
    naive = frame.with_columns(pl.col("timestamp").dt.replace_time_zone(None).dt.cast_time_unit("us"))
    data: list[Any] = [
        *sorted(tmp_path.iterdir()),
        frame,
        floats,
        floats.to_pandas(),
        frame.to_arrow(),
        pa.table(floats.to_arrow()).cast(
            pa.schema([(f.name, pa.string() if f.name == "symbol" else f.type) for f in floats.to_arrow().schema])
        ),
        frame.with_columns(pl.col(pl.Decimal).cast(pl.String)),
        text_times,
        epochs,
        naive,
    ]
    assert len(data) == 17
    for item in data:
        provider = HistoricalDataProvider(item)
        assert_frame_equal(provider.read(), frame)
        assert provider.digest == HistoricalDataProvider(frame).digest, item
        assert provider.symbols == ["BTC", "ETH", "SOL"]


def test_a_frame_with_its_times_in_the_index_is_read(good: Path) -> None:
    indexed = pd.read_csv(good, parse_dates=["timestamp"]).set_index("timestamp")
    expected = HistoricalDataProvider(good, symbols="BTC")
    assert HistoricalDataProvider(indexed, symbols="BTC").digest == expected.digest


def test_a_directory_and_a_list_stand_for_their_files(tmp_path: Path, frame: pl.DataFrame) -> None:
    folder = tmp_path / "bars"
    folder.mkdir()
    for symbol in ["SOL", "BTC", "ETH"]:
        frame.filter(symbol=symbol).write_parquet(folder / f"{symbol}.parquet")
    (folder / "notes.txt").write_text("not data")
    whole = HistoricalDataProvider(folder)
    assert_frame_equal(whole.read(), frame)
    assert whole.digest == HistoricalDataProvider(frame).digest
    assert len(HistoricalDataProvider([folder / "ETH.parquet", folder / "BTC.parquet"])) == 4_000


def test_a_mapping_names_the_symbols_of_files_without_them(tmp_path: Path, frame: pl.DataFrame) -> None:
    for symbol in ["BTC", "ETH"]:
        frame.filter(symbol=symbol).drop("symbol").with_columns(pl.col(pl.Decimal).cast(pl.Float64)).write_csv(
            tmp_path / f"{symbol}.csv"
        )
    provider = HistoricalDataProvider({"ETH": tmp_path / "ETH.csv", "BTC": tmp_path / "BTC.csv"})
    assert_frame_equal(provider.read(), frame.filter(pl.col("symbol") != "SOL"))


def test_symbols_and_times_select(frame: pl.DataFrame) -> None:
    start = dt.datetime(2024, 1, 1, 1, tzinfo=dt.UTC)
    end = start + dt.timedelta(hours=2)
    for first, last in [(start, end), ("2024-01-01T01:00", "2024-01-01 03:00:00Z"), (1_704_070_800, 1_704_078_000_000)]:
        provider = HistoricalDataProvider(frame, symbols=["SOL", "BTC"], start=first, end=last)  # type: ignore[arg-type]
        assert provider.symbols == ["BTC", "SOL"]
        assert len(provider) == 240
        times = provider.read()["timestamp"]
        assert times.min() == start
        assert times.max() == end - dt.timedelta(minutes=1)


def test_columns_under_other_names_are_mapped(tmp_path: Path, good: Path) -> None:
    frame = pl.read_csv(good).rename({"timestamp": "Date", "close": "last", "volume": "Vol."})
    names = {"timestamp": "date", "close": "last", "volume": "Vol."}
    frame.write_csv(tmp_path / "other.csv")
    frame.write_parquet(tmp_path / "other.parquet")
    expected = HistoricalDataProvider(good, symbols="BTC").digest
    containers: list[Any] = [tmp_path / "other.csv", tmp_path / "other.parquet", frame]
    for data in containers:
        assert HistoricalDataProvider(data, symbols="BTC", columns=names).digest == expected


def test_quote_volume_and_stamps_at_the_close_are_converted(good: Path) -> None:
    provider = HistoricalDataProvider(good, symbols="BTC", volume_unit="quote", stamp="close")
    first = provider.read().row(0, named=True)
    assert first["timestamp"] == dt.datetime(2021, 12, 31, 23, 59, tzinfo=dt.UTC)
    assert first["volume"] == Decimal("0.45454545")


def test_a_file_without_volume_has_none(tmp_path: Path, good: Path) -> None:
    pl.read_csv(good).drop("volume").write_csv(tmp_path / "bars.csv")
    provider = HistoricalDataProvider(tmp_path / "bars.csv", symbols="BTC")
    assert provider.read()["volume"].to_list() == [None] * 3
    assert not provider.summary.symbols[0].has_volume


def test_the_summary_says_what_was_found_and_assumed(good: Path) -> None:
    with good.open("a") as file:
        file.write("2022-01-01 00:05:00,11,13,10,12,0.30000000000000004\n")
    summary = HistoricalDataProvider(good, symbols="BTC").summary
    found = summary.symbols[0]
    assert (found.rows, found.gaps, found.resolution_ns, found.snapped) == (4, 1, MINUTE, 1)
    assert found.longest_gap is not None
    assert found.longest_gap.length_ns == 2 * MINUTE
    assert summary.files == (str(good),)
    assert summary.is_utc_assumed
    assert str(summary).splitlines() == [
        "BTC: 4 bars of 0:01:00, 2022-01-01 00:00 to 2022-01-01 00:05, 1 gap, the longest 0:02:00 from 2022-01-01 00:03",
        "time stamps without a zone: read as UTC",
        "volume: taken as base units",
        "time stamps: taken as the open of the bar",
        "1 numbers moved to the nearest 1e-8 (prints of floats)",
    ]


def test_a_changed_bar_changes_the_digest_of_its_day_alone(frame: pl.DataFrame) -> None:
    late = pl.col("timestamp") == dt.datetime(2024, 1, 2, 5, tzinfo=dt.UTC)
    is_changed = late & (pl.col("symbol") == "ETH")
    changed = frame.with_columns(pl.when(is_changed).then(pl.col("volume") * 2).otherwise(pl.col("volume")))
    changed = changed.with_columns(pl.col("volume").cast(pl.Decimal(20, 8)))
    one, other = (HistoricalDataProvider(bars).fingerprint for bars in (frame, changed))
    differing = [day[:3] for day, again in zip(one, other, strict=True) if day != again]
    assert differing == [("ETH", "2024-01-02", 560)]


def test_bars_beyond_the_limit_are_read_again_and_are_the_same(tmp_path: Path, frame: pl.DataFrame) -> None:
    frame.write_parquet(tmp_path / "bars.parquet")
    write_csv(synthetic_bars(["BTC", "ETH", "SOL"], 6_000, seed=3), tmp_path / "bars.csv")
    for inputs in [
        [(str(tmp_path / "bars.csv"), None, None)],
        [("frame", lambda: frame, None)],
    ]:
        streamed = _native.BarData(inputs, load_bytes_max=1_000)  # type: ignore[arg-type]
        assert not streamed.is_loaded
        for _ in range(2):
            assert_frame_equal(pl.DataFrame(streamed), frame)
    small = _native.synthetic_bars(["SOL", "ETH", "BTC"], 6_000, seed=3, load_bytes_max=1_000)
    assert not small.is_loaded
    assert_frame_equal(pl.DataFrame(small), frame)


def test_chunks_are_the_whole_in_pieces(frame: pl.DataFrame) -> None:
    assert_frame_equal(pl.concat(HistoricalDataProvider(frame).chunks()), frame)


def test_the_real_recording_is_read_whole(btc_bars: Path) -> None:
    provider = HistoricalDataProvider(btc_bars, symbols="BTC", volume_unit="quote")
    found = provider.summary.symbols[0]
    assert (found.rows, found.gaps, found.snapped, found.resolution_ns) == (45_031, 0, 6, MINUTE)
    floats = pl.read_csv(btc_bars, try_parse_dates=True)
    table = HistoricalDataProvider(floats, symbols="BTC", volume_unit="quote")
    assert table.digest == provider.digest
    base = provider.read()["volume"].cast(pl.Float64)
    assert ((base - floats["volume"] / floats["close"]).abs().max() or 0.0) < 1e-8  # type: ignore[operator]


PRICES = st.integers(min_value=1, max_value=10**15)


@st.composite
def bars(draw: st.DrawFn) -> list[tuple[int, int, int, int, int, int]]:
    """Rows of time in minutes, open, high, low, close and volume in steps of 1e-8."""
    count = draw(st.integers(2, 30))
    steps = draw(st.lists(st.integers(1, 5000), min_size=count, max_size=count))
    rows, time = [], 0
    for step in steps:
        time += step
        low, first, last, high = sorted(draw(st.tuples(PRICES, PRICES, PRICES, PRICES)))
        opens, closes = (first, last) if draw(st.booleans()) else (last, first)
        rows.append((time, opens, high, low, closes, draw(st.integers(0, 10**15))))
    return rows


def text_of(steps: int) -> str:
    return format(Decimal(steps).scaleb(-8), "f")


@settings(max_examples=60, deadline=None)
@given(bars(), st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_written_is_what_is_read(
    rows: list[tuple[int, int, int, int, int, int]], delimiter: str, end: str, shorten: bool
) -> None:
    out = io.StringIO()
    out.write(delimiter.join(["timestamp", "open", "high", "low", "close", "volume"]) + end)
    for minute, *numbers in rows:
        time = dt.datetime(2020, 1, 1) + dt.timedelta(minutes=minute)  # noqa: DTZ001
        texts = [text_of(n).rstrip("0").rstrip(".") if shorten else text_of(n) for n in numbers]
        out.write(delimiter.join([str(time), *(text or "0" for text in texts)]) + end)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(out.getvalue().encode())
        file.flush()
        frame = HistoricalDataProvider(file.name, symbols="BTC").read()
    read = [
        (
            int((row[0] - dt.datetime(2020, 1, 1, tzinfo=dt.UTC)).total_seconds()) // 60,
            *(int(n.scaleb(8)) for n in row[2:]),
        )
        for row in frame.rows()
    ]
    assert read == rows


def test_reading_ends_on_an_interrupt_and_leaves_other_threads_running() -> None:
    # What a shell starts in the background ignores interrupts, the tests perhaps among it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            _native.synthetic_bars(["BTC"], 10**12, load_bytes_max=0)
        assert time.monotonic() - start < 2
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_provider_says_how_to_read_the_same_data_again(good: Path) -> None:
    containers: list[Any] = [good, [str(good)], {"BTC": good}]
    for data in containers:
        provider = HistoricalDataProvider(data, symbols="BTC")
        assert provider.paths is not None
        assert HistoricalDataProvider(provider.paths, symbols="BTC").fingerprint == provider.fingerprint
    assert HistoricalDataProvider(pl.read_csv(good), symbols="BTC").paths is None


def test_gaps_and_missing_volumes_are_warned_of(good: Path) -> None:
    assert HistoricalDataProvider(good, symbols="BTC").warnings == []
    frame = pl.read_csv(good).drop("volume")[[0, 2]]
    provider = HistoricalDataProvider(frame, symbols="BTC", resolution="1m")
    assert not provider.has_volume
    assert provider.warnings == [
        "BTC: 1 gap, the longest 0:01:00 from 2022-01-01 00:01",
        "BTC: the bars have no volume, so fills are not limited by it",
    ]
    assert dict(provider.summary)["bars"] == 2


def test_bars_come_one_by_one_in_the_order_of_a_run(frame: pl.DataFrame) -> None:
    parts = [frame.filter(symbol=symbol) for symbol in ["SOL", "BTC", "ETH"]]
    read = [(bar.open_time, bar.symbol, bar.open, bar.volume) for bar in HistoricalDataProvider(parts).bars]
    expected = frame.select("timestamp", "symbol", "open", "volume").rows()
    assert read == expected
