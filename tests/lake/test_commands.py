"""``algo-trade data list|query|verify|compact``, as people type them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from algo_trade.cli.calendar import calendar
from algo_trade.data import synthetic_ticks
from algo_trade.storage.lake import ParquetStorage
from tests.backtest.commands import Answer, here, process
from tests.lake.rows import bars, trades

if TYPE_CHECKING:
    from pathlib import Path


def data(*arguments: str | Path) -> Answer:
    return process("data", *arguments)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    path = tmp_path / "lake"
    held = ParquetStorage(path)
    for day in ("2026-03-01", "2026-03-02", "2026-03-05"):
        held.write("bars", bars("BTC", range(1440 if day[-1] == "2" else 720), day=day), venue="v", resolution="1m")
    held.write("trades", trades("BTC", range(40)), venue="v")
    return path


def test_what_is_there_is_listed_and_drawn_with_its_gaps(lake: Path) -> None:
    done = data("list", lake, "--kind", "bars")
    assert done.code == 0, done.err
    assert "bars of 1m  BTC  v" in done.out
    assert "2,880 rows" in done.out
    assert "nothing on 2026-03-03 to 2026-03-04" in done.out
    document = json.loads(data("list", lake, "--json").out)
    assert [(each["kind"], each["rows"]) for each in document] == [("bars", 2880), ("trades", 40)]
    assert document[0]["gaps"] == [{"first": "2026-03-03", "last": "2026-03-04"}]


def test_a_calendar_never_draws_a_part_of_a_day_as_none_or_as_a_whole() -> None:
    first = dt.date(2026, 3, 2)
    shares = {
        first: 1.0,
        first + dt.timedelta(days=1): 0.001,
        first + dt.timedelta(days=2): 0.999,
        first + dt.timedelta(days=9): 0.5,
    }
    assert calendar(shares) == [
        "     Mar 2026",
        "Mon  █·",
        "     ░·",
        "Wed  ▓▒",
        "     ·",
        "Fri  ·",
        "     ·",
        "Sun  ·",
    ]


def test_rows_are_shown_written_and_resampled(lake: Path, tmp_path: Path) -> None:
    done = data(
        "query", lake, "--kind", "trades", "--symbol", "BTC", "--column", "price", "--column", "order_id", "--json"
    )
    assert json.loads(done.out)[1] == {"price": "100.12500000", "order_id": 2}
    for name in ("rows.csv", "rows.parquet", "rows.arrow"):
        done = data("query", lake, "--from", "2026-03-02", "--to", "2026-03-03", "--out", tmp_path / name)
        assert done.out == f"1,440 rows in {tmp_path / name}\n", done.err
    frame = pl.read_parquet(tmp_path / "rows.parquet")
    assert frame.schema["close"] == pl.Decimal(20, 8)
    assert frame.equals(pl.read_ipc(tmp_path / "rows.arrow"))
    text = (tmp_path / "rows.csv").read_text().splitlines()
    assert text[0] == "venue,timestamp,symbol,open,high,low,close,volume"
    assert len(text) == 1441
    hours = json.loads(
        data("query", lake, "--from", "2026-03-02", "--to", "2026-03-03", "--resample", "6h", "--json").out
    )
    assert [(row["open"], row["high"], row["close"], row["volume"]) for row in hours][:1] == [
        ("100.00000000", "460.00000000", "459.50000000", "450.00000000")
    ]
    assert data("query", lake, "--out", tmp_path / "rows.xlsx").code == 2


def test_sql_sees_the_lake_and_nothing_else(lake: Path) -> None:
    done = data(
        "query", lake, "--sql", "select symbol, count(*) as n, max(close) as top from bars group by symbol", "--json"
    )
    assert json.loads(done.out) == [{"symbol": "BTC", "n": 2880, "top": "1539.50000000"}]
    for question, problem in (
        ("select * from read_csv('/etc/hostname')", "file system operations are disabled"),
        ("select clsoe from bars", "clsoe"),
        ("", "it asks nothing"),
    ):
        done = data("query", lake, "--sql", question)
        assert (done.code, done.out) == (2, ""), done.err
        assert problem in done.err
        assert "Traceback" not in done.err


def test_verify_ends_with_one_where_rows_are_lost_and_compact_joins_and_deletes(lake: Path) -> None:
    ParquetStorage(lake).write("trades", trades("BTC", (100, 101)), venue="v")
    done = data("compact", lake, "--keep", "0")
    assert done.out == "5 files became 2; 5 that nobody needs were deleted\n", done.err
    assert data("verify", lake, "--kind", "trades").out == "1 files, 42 rows: 0 errors, 0 warnings\n"
    file = next((lake / "trades").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-3])
    done = data("verify", lake, "--json")
    assert done.code == 1
    assert json.loads(done.out)["findings"][-1]["severity"] == "error"
    assert data("list", lake.parent / "nowhere").code == 1


def test_a_table_of_another_program_goes_in_if_it_fits(lake: Path) -> None:
    frame = pl.DataFrame(ParquetStorage(lake).query("bars", start="2026-03-02", end="2026-03-03").read_all())
    moved = frame.drop("venue").with_columns(pl.col("timestamp") + pl.duration(days=30)).to_arrow()
    assert isinstance(moved, pa.Table)
    ParquetStorage(lake).write("bars", moved, venue="v", resolution="1m")
    assert data("verify", lake, "--kind", "bars").code == 0


def test_a_single_file_is_looked_at_like_a_lake(
    lake: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*arguments: str | Path) -> Answer:
        return here(capfd, monkeypatch, "data", *arguments)

    of_lake = next((lake / "trades").rglob("*.parquet"))
    moved = tmp_path / "moved.parquet"
    shutil.copy(of_lake, moved)
    arrow = tmp_path / "moved.arrow"
    recorded = tmp_path / "arrow"
    synthetic_ticks("ETH", 5_000, recorded, arrow=True)
    shutil.copy(next((recorded / "trades").rglob("*.arrow")), arrow)
    csv = tmp_path / "bars.csv"
    rows = pl.DataFrame(bars("BTC", (0, 1, 3))).drop("symbol")
    rows.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_csv(csv)
    for file, kind, count, more in (
        (of_lake, "trades", 40, ()),
        (moved, "trades", 40, ()),
        (arrow, "trades", None, ()),
        (csv, "bars", 3, ("--symbol", "BTC")),
    ):
        (series,) = json.loads(ask("list", file, "--json", *more).out)
        assert series["kind"] == kind
        assert series["rows"] == (count or series["rows"]) > 0
        shown = json.loads(ask("query", file, "--kind", kind, "--json", *more).out)
        assert len(shown) == series["rows"]
        done = ask("verify", file, "--json", *more)
        found = json.loads(done.out)
        assert (done.code, found["rows"], found["files"]) == (0, series["rows"], 1), done.err
        assert {finding["where"] for finding in found["findings"]} <= {str(file)}
    assert "1 bars are missing" in ask("verify", csv, "--symbol", "BTC").out
    assert "--symbol NAME" in ask("list", csv).err
    done = ask("query", csv, "--symbol", "BTC", "--sql", "select count(*) as n from bars", "--json")
    assert json.loads(done.out) == [{"n": 3}]


def test_a_single_file_that_is_damaged_or_nothing_of_ours_is_said(
    lake: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = next((lake / "trades").rglob("*.parquet"))
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[:-5])
    text = tmp_path / "notes.txt"
    text.write_text("nothing of that kind")
    for file, problem in ((cut, "cut.parquet: cannot be read"), (text, "notes.txt:1: there is no column `timestamp`")):
        done = here(capfd, monkeypatch, "data", "verify", file)
        assert (done.code, done.out) == (1, ""), done.out
        assert problem in done.err
        assert "Traceback" not in done.err
    whole.write_bytes(whole.read_bytes()[:-5])
    done = here(capfd, monkeypatch, "data", "verify", whole)
    assert done.code == 1
    assert f"error    {whole}: cannot be read" in done.out
    done = here(capfd, monkeypatch, "data", "compact", whole)
    assert done.code == 2
    assert "is a file: only a lake can be compacted" in done.err
