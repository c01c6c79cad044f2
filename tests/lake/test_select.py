"""Rows of a lake are run on as those of a file are, named by a URL or picked in Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest

import algo_trade as at
from algo_trade.data import HistoricalDataProvider, import_data, synthetic_bars, synthetic_ticks
from algo_trade.data.selections import Selection
from algo_trade.errors import DataError, ParameterError, StorageError
from algo_trade.storage.lake import ParquetStorage
from tests.backtest.commands import Answer, here
from tests.lake.rows import bars, trades

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    frame = pl.DataFrame(synthetic_bars("BTC", 5_000, seed=3))
    frame.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_csv(path)
    return path


@pytest.fixture(scope="module")
def root(csv: Path) -> Path:
    path = csv.parent / "lake"
    import_data(csv, path, venue="v")
    synthetic_ticks(["BTC", "ETH"], 20_000, path)
    return path


def test_a_backtest_of_bars_in_a_lake_is_that_of_their_file(csv: Path, root: Path) -> None:
    whole: dict[str, Any] = {"quantity": "0.01"}
    part: dict[str, Any] = {"start": "2024-01-02", "end": "2024-01-03T12:00"}
    of_file = at.backtest(csv, "ma_crossover", **whole).digest
    assert at.backtest(f"lake://bars/BTC?lake={root}", "ma_crossover", **whole).digest == of_file
    of_file = at.backtest(csv, "ma_crossover", **whole, **part).digest
    url = f"lake://bars/BTC?from={part['start']}&to={part['end']}&resolution=1m&venue=v&lake={root}"
    assert at.backtest(url, "ma_crossover", **whole).digest == of_file
    lake = ParquetStorage(root)
    assert at.backtest(lake.select("bars", "BTC", **part), "ma_crossover", **whole).digest == of_file
    assert at.backtest(lake.select("bars", "BTC"), "ma_crossover", **whole, **part).digest == of_file


def test_a_backtest_of_ticks_in_a_lake_is_that_of_its_folder(root: Path) -> None:
    def run(data: object, **options: Any) -> at.BacktestResult:
        return at.backtest(data, "market_maker", quantity=1, initial_capital=10**9, **options)

    of_folder = run(root, symbol="BTC")
    assert of_folder.metrics.num_fills > 0
    picked = ParquetStorage(root).select(["book", "trades", "contexts"], "BTC")
    assert run(picked).digest == of_folder.digest
    assert picked.rules() == [root / "instruments.toml"]
    part: dict[str, Any] = {"start": "2024-01-01T00:00:02", "end": "2024-01-01T00:00:06"}
    cut = run(ParquetStorage(root).select(["book", "trades"], ["BTC", "ETH"], **part), symbol="BTC")
    by_hand = HistoricalDataProvider(root, kinds=["book", "trades"], symbols="BTC", **part)
    assert cut.digest == run(by_hand).digest
    both = [f"lake://{kind}/BTC?lake={root}" for kind in ("book", "trades")]
    assert run(both).digest == run(HistoricalDataProvider(root, kinds=["book", "trades"], symbols="BTC")).digest


def test_what_was_picked_stays_whatever_is_written_and_compacted(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)
    for first in range(0, 200, 50):
        lake.write("bars", bars("BTC", range(first, first + 50)), venue="v", resolution="1m")
    picked = lake.select("bars", "BTC")
    assert isinstance(picked, Selection)
    lake.write("bars", bars("BTC", range(200, 300)), venue="v", resolution="1m")
    lake.compact()
    assert len(HistoricalDataProvider(picked)) == 200
    assert len(HistoricalDataProvider(picked.url)) == 300


def test_symbols_with_signs_of_addresses_are_found(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path / "a lake & more")
    for symbol in ("BTC/USDT", "A,B", "50%?"):
        lake.write("bars", bars(symbol, range(100)), venue="v", resolution="1m")
    picked = lake.select("bars", ["50%?", "A,B", "BTC/USDT"], start="2026-03-01", end="2026-03-02")
    assert HistoricalDataProvider(picked.url).symbols == ["50%?", "A,B", "BTC/USDT"]
    plain = f"lake://bars/BTC/USDT?lake={tmp_path}/a lake %26 more"
    assert HistoricalDataProvider(plain).symbols == ["BTC/USDT"]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("several")
    lake = ParquetStorage(path)
    for venue in ("binance", "hyperliquid"):
        lake.write("bars", bars("BTC", range(60)), venue=venue, resolution="1m")
        lake.write("trades", trades("BTC"), venue=venue)
    lake.write("bars", bars("ETH", range(60)), venue="binance", resolution="1m")
    lake.write("bars", bars("ETH", range(0, 60, 5)), venue="binance", resolution="5m")
    lake.write("fills", fill(), venue="binance")
    return path


def fill() -> pa.Table:
    from algo_trade.storage.kinds import KINDS

    schema = KINDS["fills"].schema
    values = {"symbol": "BTC", "account": "a", "bot_id": "b", "trade_id": "1", "side": "buy", "is_maker": True}
    texts = {field.name: "" for field in schema if pa.types.is_string(field.type)}
    return pa.table(
        [pa.array([(texts | values).get(field.name, 1)], type=field.type) for field in schema], schema=schema
    )


@pytest.mark.parametrize(
    ("url", "error", "problem"),
    [
        ("lake://barz/BTC", ParameterError, "kind = 'barz': must be one of trades"),
        ("lake:///BTC", ParameterError, "which kind of rows is not said: lake://bars/BTC"),
        ("lake://fills/BTC", ParameterError, "kind = 'fills': is nothing that a market tells"),
        ("lake://bars,trades/BTC", ParameterError, "bars and ticks at once"),
        ("lake://bars/BTX", DataError, "there are no bars of BTX: there are some of BTC, ETH"),
        ("lake://bars/ETH,DOGE", DataError, "there are no bars of DOGE: there are some of BTC, ETH"),
        ("lake://quotes/BTC", DataError, "there are no quotes: it holds bars, fills, trades"),
        ("lake://bars/BTC", ParameterError, "BTC: there is one at binance and one at hyperliquid: name one as venue"),
        ("lake://trades/BTC", ParameterError, "BTC: there is one at binance and one at hyperliquid: name one as venue"),
        ("lake://bars/BTC?venue=nasdaq", DataError, "there are no bars at nasdaq: there are some at binance, hyper"),
        ("lake://bars/ETH", ParameterError, "there are lengths of 1m, 5m: name one as resol"),
        ("lake://bars/ETH?resolution=1h", DataError, "no bars of that length: there are some of 1m, 5m"),
        ("lake://trades/BTC?resolution=1m&venue=binance", ParameterError, "bars have one, trades have none"),
        ("lake://bars/ETH?resolution=soon", ParameterError, "resolution: 'soon' is not a length of time"),
        ("lake://bars/ETH?from=soon&resolution=1m", ParameterError, "from: soon: is not a time"),
        ("lake://bars/ETH?from=2027&to=2026&resolution=1m", ParameterError, "lies not before to"),
        (
            "lake://bars/ETH?from=2027-01-01&resolution=1m",
            DataError,
            "no bars within that time: there are some from 2026-",
        ),
        ("lake://bars/ETH?form=2027", ParameterError, "option 'form' is unknown: options are from, to, venue"),
        ("lake://bars/ETH?from=", ParameterError, "option 'from' is empty"),
        ("lake://bars/ETH?venue=a&venue=b", ParameterError, "option 'venue' is there twice"),
    ],
)
def test_what_cannot_be_picked_is_said_with_what_there_is(
    several: Path, url: str, error: type[Exception], problem: str
) -> None:
    with pytest.raises(error, match=problem.replace("(", r"\(")):
        HistoricalDataProvider(f"{url}{'&' if '?' in url else '?'}lake={several}")


def test_a_lake_that_is_not_said_or_not_there_is_an_error(several: Path, tmp_path: Path) -> None:
    for data, problem in (
        ("lake://bars/BTC", "which lake is not said: add lake=PATH"),
        (f"lake://bars/BTC?lake={tmp_path}/none", "there is no such lake: make one with"),
        ("s3://bucket/lake", "name what of it is meant: lake://trades/BTC\\?lake=s3://bucket/lake"),
        ([f"lake://bars/BTC?venue=binance&lake={several}", "bars.csv"], "rows of a lake and files at once"),
        (
            [f"lake://trades/BTC?venue=binance{more}&lake={several}" for more in ("", "&from=2026-03-01")],
            "their ranges of time differ",
        ),
    ):
        with pytest.raises((ParameterError, DataError), match=problem):
            HistoricalDataProvider(data)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at_byte in range(100, len(content) - 4_000, 50):
        content[at_byte] ^= 0x55
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm", [damage, lambda file: file.write_bytes(file.read_bytes()[:-20]), lambda file: file.unlink()]
)
def test_damage_is_named_before_anything_runs_on_it(tmp_path: Path, harm: Callable[[Path], object]) -> None:
    lake = ParquetStorage(tmp_path)
    (part,) = lake.write("bars", bars("BTC", range(1440)), venue="v", resolution="1m")
    picked = lake.select("bars", "BTC")
    harm(tmp_path / part.path)
    with pytest.raises((DataError, StorageError), match=part.path):
        at.backtest(picked, "ma_crossover")


def test_commands_take_rows_of_the_configured_lake_and_a_report_finds_them_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> Answer:
        return here(capfd, monkeypatch, *arguments)

    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "Config.toml").write_text(f'[storage]\nlake = "{root}"\n')
    monkeypatch.chdir(tmp_path)
    url = "lake://bars/BTC?from=2024-01-02&to=2024-01-03"
    options = ("--strategy", "ma_crossover", "--quantity", "0.01", "--json", "--report", "report.html")
    done = run("backtest", "--data", url, *options)
    assert done.code == 0, done.err
    assert f"the lake of the configuration: {root}" in done.err
    assert run("reproduce", "report.html").code == 0
    assert run("reproduce", "report.html", "--data", f"{url}&lake={root}").code == 0
    assert json.loads(done.out)["symbols"] == ["BTC"]
    done = run("backtest", "--data", "lake://bars/XYZ", *options)
    assert (done.code, done.out) == (1, ""), done.err
    assert "there are no bars of XYZ: there are some of BTC" in done.err
    assert "Traceback" not in done.err
    done = run("venue", "--data", url, "--port", "0")
    assert done.code == 2
    assert "they are bars: a market is made of ticks" in done.err
