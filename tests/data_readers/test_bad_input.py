"""Data that cannot be trusted are refused, with the place and what to do."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import polars as pl
import pytest
import zstandard

from algo_trade.data import HistoricalDataProvider, synthetic_bars, write_csv
from algo_trade.errors import DataError, ParameterError

from .conftest import GOOD

if TYPE_CHECKING:
    from pathlib import Path

BAD_ROWS = [
    ("2021-12-31 23:50:00,11,13,10,12,6", "timestamp", "2021-12-31 23:50:00", "is earlier than the row before"),
    ("2022-01-01 00:00:00,11,13,10,12,6", "timestamp", "2022-01-01 00:00:00", "keep one row for each time"),
    ("soon,11,13,10,12,6", "timestamp", "soon", "is not a time"),
    ("2022-01-01 00:01:00,,13,10,12,6", "open", "", "is empty"),
    ("2022-01-01 00:01:00,NaN,13,10,12,6", "open", "NaN", "is not a finite number"),
    ("2022-01-01 00:01:00,11,inf,10,12,6", "high", "inf", "is not a finite number"),
    ("2022-01-01 00:01:00,11,13,ten,12,6", "low", "ten", "is not a number"),
    ("2022-01-01 00:01:00,11,13,0,12,6", "low", "0", "is not above zero"),
    ("2022-01-01 00:01:00,11,13,10,-12,6", "close", "-12", "is not above zero"),
    ("2022-01-01 00:01:00,11,13,10,12,-6", "volume", "-6", "is negative"),
    ("2022-01-01 00:01:00,11,9,10,9.5,6", "high", "9", "is below the low"),
    ("2022-01-01 00:01:00,11,11.5,10,12,6", "high", "11.5", "is below the close"),
    ("2022-01-01 00:01:00,11,13,11.5,12,6", "low", "11.5", "is above the open"),
    ("2022-01-01 00:01:00,11.123456789,13,10,12,6", "open", "11.123456789", "finer than 1e-8"),
    ("2022-01-01 00:01:00,1e30,13,10,12,6", "open", "1e30", "out of range"),
    ("2022-01-01 00:01:00,11,13,10,12", None, None, "has 5 fields, the header has 6"),
    ('"2022-01-01 00:01:00,11,13,10,12,6', None, None, "not closed"),
]


def refused(data: object, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        HistoricalDataProvider(data, **{"symbols": "BTC", **options})  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(("row", "column", "value", "part"), BAD_ROWS)
def test_a_bad_row_is_refused_with_file_line_column_and_value(
    tmp_path: Path, row: str, column: str | None, value: str | None, part: str
) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(GOOD.replace("2022-01-01 00:01:00,11,13,10,12,6", row))
    error = refused(path)
    assert (error.file, error.line, error.column, error.value) == (str(path), 3, column, value)
    assert "bars.csv:3: " in str(error)
    assert part in str(error)


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [
        ("open", float("nan"), "is not a finite number"),
        ("open", None, "is empty"),
        ("low", -1.0, "is not above zero"),
        ("high", 1.5, "is below the low"),
        ("volume", -1.0, "is negative"),
        ("close", 12.123456789, "finer than 1e-8"),
    ],
)
@pytest.mark.parametrize("kind", ["table", "parquet"])
def test_a_bad_row_of_a_table_is_refused_with_its_number(
    tmp_path: Path, kind: str, column: str, value: float | None, part: str
) -> None:
    frame = pl.read_csv(GOOD.encode(), try_parse_dates=True).with_columns(pl.col(pl.Int64).cast(pl.Float64))
    row = pl.int_range(pl.len()) == 1
    frame = frame.with_columns(pl.when(row).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))
    path = tmp_path / "bars.parquet"
    frame.write_parquet(path)
    error = refused(path if kind == "parquet" else frame)
    assert (error.line, error.column) == (2, column)
    assert part in str(error)
    assert error.file == (str(path) if kind == "parquet" else "DataFrame table")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "the file is empty"),
        (b"timestamp,open,high,low,close,volume\n", "there are no rows, only a header"),
        (b"timestamp,open,high,low,close\n2022-01-01,1,2,1,1\n", "give the resolution"),
        (b"date,open,high,low,close\n2022-01-01,1,2,1,1\n", "Did you mean date? Then map it: timestamp=date"),
        (b"1640995200000,1,2,1,1\n1640995260000,1,2,1,1\n", "put a line with the column names on top"),
        (b"\x00\x01\x02\x03" * 100, "there is no column `timestamp`"),
    ],
)
def test_a_file_without_bars_is_refused_by_name(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(content)
    error = refused(path)
    assert error.file == str(path)
    assert str(error).startswith(f"{path}:")
    assert part in str(error)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_cut_file_is_refused_by_name(tmp_path: Path, packing: str) -> None:
    plain = tmp_path / "plain.csv"
    write_csv(synthetic_bars("BTC", 2_000), plain)
    packed = gzip.compress(plain.read_bytes()) if packing == "gzip" else zstandard.compress(plain.read_bytes())
    path = tmp_path / f"bars.csv.{packing}"
    path.write_bytes(packed[: len(packed) // 2])
    error = refused(path)
    assert error.file == str(path)
    assert f"{packing} data end too early" in str(error)


def test_a_cut_or_damaged_parquet_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    pl.DataFrame(synthetic_bars("BTC", 5_000)).write_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    error = refused(path)
    assert error.file == str(path)
    assert "cannot be read" in str(error)
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(200) + content[middle + 200 :])
    assert refused(path).file == str(path)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path / "nothing.csv")
    assert error.file == str(tmp_path / "nothing.csv")
    assert "there is no such file" in str(error)
    assert "holds no data files" in str(refused(tmp_path))


def test_a_symbol_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    write_csv(synthetic_bars(["BTC", "ETH"], 20), path)
    assert "there are no rows of DOGE: the data hold BTC, ETH" in str(refused(path, symbols=["BTC", "DOGE"]))


def test_data_without_a_symbol_column_need_exactly_one_symbol(good: Path) -> None:
    assert "name the symbol" in str(refused(good, symbols=None))
    assert "but 2 were given" in str(refused(good, symbols=["A", "B"]))


def test_a_range_without_rows_says_where_the_rows_are(good: Path) -> None:
    error = refused(good, start="2023-01-01")
    assert "its rows reach from 2022-01-01T00:00:00Z to 2022-01-01T00:02:00Z" in str(error)


def test_the_same_bars_twice_are_refused(tmp_path: Path, good: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_text(good.read_text())
    error = refused([good, copy])
    assert error.file in (str(copy), str(good))
    assert "give each bar once" in str(error)


def test_a_table_column_of_a_wrong_type_is_named() -> None:
    frame = pl.read_csv(GOOD.encode(), try_parse_dates=True).with_columns(pl.lit([1.0]).alias("open"))
    error = refused(frame)
    assert error.column == "open"
    assert "it must hold numbers" in str(error)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"stamp": "middle"}, "stamp = middle: must be open or close"),
        ({"volume_unit": "lots"}, "volume_unit = lots: must be base or quote"),
        ({"resolution": "soon"}, "is not a length of time"),
        ({"start": "yesterday"}, "yesterday"),
        ({"columns": {"opne": "o"}}, "`opne` is not a column of bars"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(good: Path, options: dict[str, object], part: str) -> None:
    with pytest.raises(ParameterError, match=r".") as caught:
        HistoricalDataProvider(good, **{"symbols": "BTC", **options})  # type: ignore[arg-type]
    assert part in str(caught.value)


def test_what_is_neither_path_nor_table_is_refused() -> None:
    with pytest.raises(ParameterError, match="neither a path nor a table"):
        HistoricalDataProvider(3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="the list is empty"):
        HistoricalDataProvider([])
