"""Where rows lie: ticks by day, bars by month or year, and what was once written otherwise is read all the same."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from algo_trade.data import HistoricalDataProvider, import_data
from algo_trade.errors import DataError
from algo_trade.storage.kinds import KINDS
from algo_trade.storage.lake import ParquetStorage
from algo_trade.storage.lake.check import verify
from algo_trade.storage.lake.coverage import coverage
from algo_trade.storage.lake.layout import DAY_NS, Part, span_ns
from tests.lake.rows import MINUTE_NS, bars

if TYPE_CHECKING:
    from pathlib import Path


def of_length(minutes: int, count: int, day: str = "2026-03-01") -> pa.Table:
    return bars("BTC", range(0, count * minutes, minutes), day=day)


@pytest.mark.parametrize(
    ("resolution", "minutes", "dates"),
    [
        ("1m", 1, ["2026-03", "2026-04"]),
        ("15m", 15, ["2026-03", "2026-04"]),
        ("1h", 60, ["2026"]),
        ("1d", 1440, ["2026"]),
    ],
)
def test_longer_bars_lie_in_larger_files(tmp_path: Path, resolution: str, minutes: int, dates: list[str]) -> None:
    lake = ParquetStorage(tmp_path)
    lake.write(
        "bars",
        pa.concat_tables([of_length(minutes, 3), of_length(minutes, 2, "2026-04-01")]),
        venue="v",
        resolution=resolution,
    )
    assert [part.partition.date for part in lake.parts()] == dates
    assert all(f"/date={part.partition.date}/" in part.path for part in lake.parts())
    assert lake.query("bars", start="2026-03-01", end="2026-04-01").read_all().num_rows == 3


def test_bars_shorter_than_a_minute_lie_by_day(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)
    (part,) = lake.write("bars", bars("BTC", (0, 1)), venue="v", resolution="10s")
    assert part.partition.date == "2026-03-01"


def test_a_date_says_when_it_begins_and_ends() -> None:
    for date, start, end in (
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2024", "2024-01-01", "2025-01-01"),
    ):
        days = [(dt.date.fromisoformat(each) - dt.date(1970, 1, 1)).days * DAY_NS for each in (start, end)]
        assert span_ns(date) == tuple(days)
    for date in ("", "2024-02-30", "2024-13", "today", "20240229", "NaT"):
        with pytest.raises(DataError, match=f"date={date}: is no day: give YYYY-MM-DD"):
            span_ns(date)


def by_day(lake: ParquetStorage, root: Path) -> None:
    """Make a lake what it was when bars lay in folders of a day, whatever their length."""
    for commit in sorted((root / "_manifest").glob("*.json")):
        said = json.loads(commit.read_text())
        for each in said["add"]:
            date = f"{dt.datetime.fromtimestamp(each['first_ns'] / 1e9, dt.UTC):%Y-%m-%d}"
            old = each["path"]
            each["path"] = old.replace(f"date={each['date']}", f"date={date}")
            each["date"] = date
            (root / each["path"]).parent.mkdir(exist_ok=True)
            (root / old).rename(root / each["path"])
        commit.write_text(json.dumps(said))
    assert {len(path.name) for path in root.glob("bars/*/*/*") if any(path.iterdir())} == {len("date=YYYY-MM-DD")}
    assert lake.parts()


def test_a_lake_of_folders_of_a_day_is_read_written_joined_and_compacted(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)
    for day in range(1, 4):
        lake.write("bars", bars("BTC", (0, 2), day=f"2026-03-0{day}"), venue="v", resolution="1m")
    before = lake.query("bars").read_all()
    by_day(lake, tmp_path)
    assert lake.query("bars").read_all().equals(before)
    assert HistoricalDataProvider(tmp_path).read().height == 6
    assert not [each for each in verify(lake, lake.parts()) if each.severity == "error"]
    assert lake.write("bars", bars("BTC", (0, 2), day="2026-03-02"), venue="v", resolution="1m") == []
    (new,) = lake.write("bars", bars("BTC", (1,), day="2026-03-02"), venue="v", resolution="1m")
    assert (new.rows, "/date=2026-03/" in new.path) == (3, True)
    assert lake.compact() == (3, 1)
    assert lake.query("bars").read_all().num_rows == 7
    assert [part.rows for part in lake.parts()] == [7]


def test_days_of_a_file_of_a_month_are_told_with_their_rows_and_gaps(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)
    rows = [bars("BTC", range(1440), day="2026-03-01"), bars("BTC", range(0, 1440, 2), day="2026-03-02")]
    rows += [bars("BTC", range(10), day="2026-03-05"), bars("BTC", range(1440), day="2026-04-01")]
    lake.write("bars", pa.concat_tables(rows), venue="v", resolution="1m")
    assert len(lake.parts()) == 2
    (series,) = coverage(lake.files, lake.parts())
    assert [(str(day.date), day.rows, day.share) for day in series.days] == [
        ("2026-03-01", 1440, 1.0),
        ("2026-03-02", 720, 0.5),
        ("2026-03-05", 10, 10 / 1440),
        ("2026-04-01", 1440, 1.0),
    ]
    assert abs(series.size - sum(part.size for part in lake.parts())) <= len(series.days)
    assert [str(first) for first, _ in series.gaps] == ["2026-03-03", "2026-03-06"]


def csv(path: Path, first: int, count: int, price: int) -> Path:
    frame = pl.DataFrame(bars("BTC", range(first, first + count), price=price))
    frame.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_csv(path)
    return path


def test_bars_that_are_imported_take_the_place_of_those_of_their_times_and_of_no_others(tmp_path: Path) -> None:
    out = tmp_path / "lake"
    import_data(csv(tmp_path / "a.csv", 0, 100, 100), out)
    import_data(csv(tmp_path / "b.csv", 40, 20, 5000), out)
    lake = ParquetStorage(out)
    opens = [int(each) for each in lake.query("bars", columns=["open"]).read_all()["open"].to_pylist()]
    assert opens == [*range(100, 140), *range(5040, 5060), *range(160, 200)]
    assert [part.rows for part in lake.parts()] == [40, 20, 40]
    assert not [each for each in verify(lake, lake.parts()) if each.severity == "error"]
    assert import_data(csv(tmp_path / "c.csv", 40, 20, 5000), out)["written"], "what is there already stays"
    assert [part.rows for part in lake.parts()] == [40, 20, 40]


def test_a_file_of_ten_thousand_parts_is_not_parsed_again_with_each_question(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)
    (part,) = lake.write("bars", bars("BTC", (0,)), venue="v", resolution="1m")
    many = [
        Part(part.partition._replace(symbol=f"S{number}"), part.first_ns, part.last_ns, f"{number}", 1, 1)
        for number in range(1_000)
    ]
    lake.manifest.commit(lambda _: (many, []))
    assert (tmp_path / "_manifest" / "000000000003.arrow").exists()
    assert len(lake.parts()) == 1_001
    assert lake.parts(symbols="S77")[0].first_ns == part.first_ns
    assert part.last_ns - part.first_ns < MINUTE_NS
    assert part.partition.kind in KINDS
