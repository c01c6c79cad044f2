"""Recordings in, a lake out, the same rows back: by the command and from Python."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from algo_trade.data import HistoricalDataProvider, import_data, synthetic_bars, synthetic_ticks, write_csv
from algo_trade.errors import DataError, ParameterError
from algo_trade.execution import VenueConfig
from algo_trade.storage.lake import ParquetStorage
from tests.backtest.commands import Answer, process

TRADES = """exchange,symbol,timestamp,local_timestamp,id,side,price,amount
deribit,BTC-PERP,1577836800000000,1577836800100000,1,buy,7200.5,10
deribit,BTC-PERP,1577836802000000,1577836802100000,3,sell,7201,20
deribit,BTC-PERP,1577836801000000,1577836801100000,2,buy,7200,30
"""


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    path = tmp_path / "trades.csv"
    path.write_text(TRADES)
    return path


def command(*arguments: str | Path) -> Answer:
    return process("data", "import", *arguments)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_recording_becomes_a_lake_in_venue_order(trades: Path, tmp_path: Path) -> None:
    out = tmp_path / "lake"
    done = command(trades, "--out", out)
    assert done.code == 0, done.err
    assert "3 trades" in done.out
    assert "tick size 0.5, lot size 10" in done.out
    first, last = 1577836800000000000, 1577836802000000000
    day = "trades/venue=deribit/symbol=BTC-PERP/date=2020-01-01"
    *others, part = files(out)
    assert others == ["_manifest/000000000001.json", "_manifest/000000000002.json", "instruments.toml"]
    assert re.fullmatch(rf"{day}/part-{first}-{last}-[0-9a-f]{{8}}\.parquet", part)
    frame = HistoricalDataProvider(out).read()
    assert frame["price"].to_list() == [pl.Series(["7200.5"]).cast(pl.Decimal(20, 8))[0], 7200, 7201]
    assert frame["symbol"].to_list() == ["BTC-PERP"] * 3
    assert frame["side"].to_list() == [1, 1, 2]


def test_the_rules_of_a_lake_are_those_of_a_venue_file(trades: Path, tmp_path: Path) -> None:
    out = tmp_path / "lake"
    import_data(trades, out)
    rules = out / "instruments.toml"
    venue = tmp_path / "venue.toml"
    venue.write_text('instruments = "lake/instruments.toml"\n')
    found = VenueConfig.from_file(venue).instruments["BTC-PERP"]
    assert (str(found.tick_size), str(found.lot_size)) == ("0.5", "10")
    rules.write_text(rules.read_text() + 'min_notional = "10"\ntiers = [["0", 50]]\n')
    import_data(trades, out)
    kept = VenueConfig.from_file(venue).instruments["BTC-PERP"]
    assert (str(kept.min_notional), kept.tick_size) == ("10", found.tick_size)
    assert kept.tiers is not None


def test_json_is_one_document_and_says_what_was_done(trades: Path, tmp_path: Path) -> None:
    done = command(trades, "--out", tmp_path / "lake", "--json", "--venue", "here", "--symbol", "BTC")
    document = json.loads(done.out)
    assert document["rows"] == 3
    assert document["symbols"][0]["symbol"] == "BTC"
    assert document["symbols"][0]["venue"] == "here"
    assert document["symbols"][0]["rules"] == {"tick_size": "0.5", "lot_size": "10"}


def test_bad_input_is_one_line_and_leaves_nothing(trades: Path, tmp_path: Path) -> None:
    trades.write_text(TRADES.replace("7201", "-1"))
    out = tmp_path / "lake"
    done = command(trades, "--out", out, "--strict", "--json")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("algo-trade: ")
    assert "-1" in done.err
    assert not out.exists()
    foreign = tmp_path / "foreign.txt"
    foreign.write_text("hello\n")
    with pytest.raises(DataError, match="hftbacktest"):
        import_data(foreign, out)
    with pytest.raises(DataError, match="there is no such file"):
        import_data(tmp_path / "nowhere", out)
    assert not out.exists()


def test_an_interrupted_import_leaves_nothing(trades: Path, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_data(trades, tmp_path / "lake", progress=stop)
    assert not (tmp_path / "lake").exists()


def test_a_second_import_replaces_the_first(trades: Path, tmp_path: Path) -> None:
    out = tmp_path / "lake"
    import_data(trades, out)
    before, digest = files(out), HistoricalDataProvider(out).digest
    import_data(trades, out)
    assert files(out) == before
    import_data(trades, out, arrow=True)
    assert [Path(part.path).suffix for part in ParquetStorage(out).parts()] == [".arrow"]
    assert HistoricalDataProvider(out).digest == digest


@pytest.mark.parametrize("orders", [False, True])
def test_synthetic_ticks_are_the_same_on_every_machine(tmp_path: Path, *, orders: bool) -> None:
    document = synthetic_ticks(["BTC", "ETH"], 50_000, tmp_path, seed=3, orders=orders)
    provider = HistoricalDataProvider(tmp_path)
    assert len(provider) == document["rows"] >= 50_000
    assert provider.symbols == ["BTC", "ETH"]
    assert provider.ticks is not None
    assert ("orders" in provider.ticks.kinds) is orders
    assert all(symbol["crossed_books"] == 0 for symbol in document["symbols"])
    kinds = {name.split("/")[0] for name, _, _, _ in provider.fingerprint}
    assert kinds == set(provider.ticks.kinds)


def test_a_provider_of_ticks_picks_symbols_kinds_and_times(tmp_path: Path) -> None:
    synthetic_ticks(["BTC", "ETH"], 20_000, tmp_path)
    whole = HistoricalDataProvider(tmp_path).read()
    start = whole["exchange_time"][5_000]
    picked = HistoricalDataProvider(tmp_path, symbols="ETH", kinds=["trades"], start=start.replace(microsecond=0))
    expected = whole.filter(
        (pl.col("symbol").cast(pl.String) == "ETH")
        & (pl.col("kind") == 0)
        & (pl.col("exchange_time") >= start.replace(microsecond=0))
    )
    assert picked.read().equals(expected)
    with pytest.raises(ParameterError, match="they are ticks"):
        _ = picked.bars


def test_bars_in_a_lake_have_the_digest_of_their_file(tmp_path: Path) -> None:
    path, out = tmp_path / "bars.csv", tmp_path / "lake"
    write_csv(synthetic_bars(["BTC", "ETH/USD"], 5_000, seed=2), path)
    document = import_data(path, out, venue="binance")
    assert document["rows"] == 5_000
    assert HistoricalDataProvider(out).digest == HistoricalDataProvider(path).digest
    assert HistoricalDataProvider(out / "bars").digest == HistoricalDataProvider(path).digest
    before = files(out)
    import_data(path, out, venue="binance")
    assert files(out) == before


def test_bars_of_a_day_in_a_lake_keep_their_length(tmp_path: Path) -> None:
    path, out = tmp_path / "bars.csv", tmp_path / "lake"
    write_csv(synthetic_bars("BTC", 30, resolution="1d"), path)
    import_data(path, out)
    assert HistoricalDataProvider(out).digest == HistoricalDataProvider(path).digest


RECORDINGS = (
    "book_l2/xrpusdt-ob500.data.zip",
    "book_l3/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
    "feeds_dual_time/binance_usdm_btcusdt_20240808.gz",
    "feeds_dual_time/hyperliquid_btcusd_20250126.gz",
)


@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_import_by_the_command(shared_data: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "lake"
    done = command(shared_data / name, "--out", out, "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    frame = HistoricalDataProvider(out).read()
    assert frame.height == document["rows"] > 0
    assert frame["exchange_time"].is_sorted()
    assert (frame["local_time"] >= frame["exchange_time"]).all()
    if "binance" in name:
        # The clock of the recorder was about 1.27 s behind.
        assert 1.27e9 < document["shifts"]["binance"] < 1.28e9
