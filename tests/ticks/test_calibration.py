"""Orders of a known venue are calibrated back to that venue; orders that cannot be right are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algo_trade.backtest.calibration import calibrate
from algo_trade.data import synthetic_bars, synthetic_ticks, write_csv
from algo_trade.errors import DataError, ParameterError
from algo_trade.execution import VenueConfig
from algo_trade.execution.book import ConstantLatency, Queue, TableLatency
from tests.backtest.commands import here
from tests.ticks.quoting import Traded, trade, venue

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 60_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market") / "lake"
    synthetic_ticks("BTC", ROWS, folder, seed=1, density=50)
    return folder


@pytest.fixture(scope="module")
def traded(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Traded:
    journal = tmp_path_factory.mktemp("orders") / "run.journal"
    return trade(lake, journal, venue(Queue(model="power1", n=3.0)))


@pytest.fixture
def orders(traded: Traded, tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    traded.table.write_csv(path)
    return path


@pytest.mark.parametrize(("seed", "n"), [(1, 3.0), (2, 1.5)])
def test_the_exponent_of_the_venue_comes_back_and_explains_the_fills_that_were_held_out(
    tmp_path: Path, seed: int, n: float
) -> None:
    market, file = tmp_path / "lake", tmp_path / "orders.parquet"
    synthetic_ticks("BTC", 80_000, market, seed=seed, density=20)
    kept = trade(market, tmp_path / "run.journal", venue(Queue(model="power1", n=n)))
    kept.table.write_parquet(file)
    found = calibrate(market, file)
    assert found.queue.model == "power1"
    assert found.queue.n == pytest.approx(n, rel=0.1)
    assert found.n_range is not None
    assert found.n_range[0] <= found.queue.n <= found.n_range[1]
    assert found.latency == ConstantLatency(entry_ns=2_000_000, response_ns=1_000_000)
    held_out = found.best.test
    assert held_out.fills > 500
    assert abs(held_out.fill_count_error) < 0.05
    assert held_out.agreement > 0.99
    assert abs(held_out.quantity_error) < 0.01
    assert held_out.log_likelihood > found.configured.test.log_likelihood
    assert held_out.log_likelihood > found.risk_averse.test.log_likelihood
    assert found.best.train.orders + held_out.orders == found.orders == kept.table.height - found.unacknowledged


def test_a_conservative_venue_is_found_to_be_one(lake: Path, tmp_path: Path) -> None:
    kept = trade(lake, tmp_path / "run.journal", venue(Queue(model="risk_averse")))
    found = calibrate(lake, kept.journal)
    assert found.best.test.agreement == 1
    assert found.best.test.fill_time_error_mean_ns == 0
    assert found.risk_averse.train.log_likelihood == found.best.train.log_likelihood


def test_a_journal_says_the_same_as_a_table_each_time(lake: Path, traded: Traded, orders: Path) -> None:
    by_table, by_journal = calibrate(lake, orders), calibrate(lake, traded.journal)
    assert by_table.to_json() == by_journal.to_json()


def test_latency_that_comes_and_goes_is_told_by_a_table_and_chance_by_its_median(lake: Path, tmp_path: Path) -> None:
    start, table = 1_704_067_200 * 10**9, tmp_path / "real.csv"
    rows = [(start + s * 10**9, (2_000 if s // 120 % 2 else 20) * 10**6) for s in range(1_500)]
    lines = [f"{sent},{sent + entry},{sent + entry + 10**6}" for sent, entry in rows]
    table.write_text("\n".join(["req_ns,exch_ns,resp_ns", *lines]))
    kept = trade(lake, tmp_path / "slow.journal", venue(Queue(), TableLatency(kind="table", file=str(table))))
    found = calibrate(lake, kept.journal)
    assert found.latency.kind == "table"
    assert found.best.test.log_likelihood > found.configured.test.log_likelihood
    assert found.best.test.orders == found.configured.test.orders
    written = found.write(tmp_path / "found")
    assert [path.name for path in written] == ["venue.toml", "latency.csv"]
    assert VenueConfig.from_file(written[0]).options() is not None

    random = ConstantLatency(entry_ns=100_000_000, response_ns=1_000_000, jitter=0.5)
    kept = trade(lake, tmp_path / "random.journal", venue(Queue(), random))
    found = calibrate(lake, kept.journal)
    took = kept.table.select((pl.col("ack_ts") - pl.col("sent_ts")).median()).item()
    assert isinstance(found.latency, ConstantLatency)
    assert found.latency.entry_ns == pytest.approx(took, rel=0.05)


def test_what_was_found_is_a_venue_file(lake: Path, traded: Traded, tmp_path: Path) -> None:
    found = calibrate(lake, traded.journal)
    assert found.write(tmp_path / "new" / "found") == [tmp_path / "new" / "found" / "venue.toml"]
    config = VenueConfig.from_file(tmp_path / "new" / "found" / "venue.toml")
    assert (config.queue, config.latency) == (found.queue, found.latency)


def test_the_command_answers_people_and_programs(
    lake: Path, orders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("calibrate", "--data", lake, "--fills", orders)
    shown = here(capfd, monkeypatch, *asked, "--out", tmp_path / "found")
    assert (shown.code, shown.err) == (0, "")
    assert "filled orders" in shown.out
    assert 'model = "power1"' in shown.out
    document = json.loads(here(capfd, monkeypatch, *asked, "--json").out)
    assert document["queue"]["model"] == "power1"
    assert document["calibrated"]["test"]["fills"] > 300
    assert document["venue_toml"] == (tmp_path / "found" / "venue.toml").read_text()


def test_an_interrupted_calibration_ends_at_once(lake: Path, traded: Traded) -> None:
    seen: list[int] = []

    def stop(done: int) -> None:
        seen.append(done)
        if done > 2 * ROWS:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(lake, traded.journal, progress=stop)
    assert seen == sorted(seen)
    assert seen[-1] <= 3 * ROWS


LINE = 40
COLUMN = {"sent_ts": 1_704_067_200_000_000_000}


def changed(orders: Path, column: str, value: str | None) -> None:
    """Write another value into a line of the file."""
    frame = pl.read_csv(orders, infer_schema=False)
    text = pl.when(pl.int_range(pl.len()) == LINE - 2).then(pl.lit(value)).otherwise(pl.col(column))
    frame.with_columns(text.alias(column)).write_csv(orders)


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("side", "hold", "must be one of buy, sell"),
        ("time_in_force", "day", "must be one of"),
        ("symbol", "ETH", "the data hold BTC"),
        ("symbol", None, "is empty"),
        ("price", "-1", "must be above zero"),
        ("price", "nan", "must be a decimal number"),
        ("price", "1e999999", "must be a decimal number"),
        ("quantity", "0.123456789", "steps of 1e-8"),
        ("filled_quantity", "7", "must be 0 to the quantity"),
        ("sent_ts", None, "is empty"),
        ("sent_ts", "1.5", "whole number of nanoseconds"),
        ("sent_ts", "9" * 30, "whole number of nanoseconds"),
        ("ack_ts", "1704067200000000000", "is before sent_ts"),
        ("done_ts", "1704067200000000000", "is before sent_ts"),
        ("response_ts", "1704067200000000000", "is before sent_ts"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    lake: Path, orders: Path, column: str, value: str | None, problem: str
) -> None:
    changed(orders, column, value)
    with pytest.raises(DataError, match=problem) as raised:
        calibrate(lake, orders)
    error = raised.value
    assert (error.file, error.line, error.column, error.value) == (str(orders), LINE, column, value or "")
    assert str(error).startswith(f"{orders}:{LINE}: {column} = ")


def test_orders_that_contradict_themselves_are_refused(lake: Path, traded: Traded, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    is_filled = pl.col("filled_quantity") > 0
    for column, value, problem in (
        ("first_fill_ts", None, "were filled: give the time"),
        ("filled_quantity", "0", "give the quantity"),
        ("cloid", "same", "one row for each order"),
    ):
        other = traded.table.with_columns(
            pl.when(is_filled).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
        )
        other.write_csv(path)
        with pytest.raises(DataError, match=problem):
            calibrate(lake, path)
    traded.table.with_columns(ack_ts=pl.lit(None), response_ts=pl.lit(None)).write_csv(path)
    with pytest.raises(DataError, match="give the time when the venue had it"):
        calibrate(lake, path)


@pytest.mark.parametrize("column", ["cloid", "side", "done_ts"])
def test_a_missing_column_is_named_with_those_that_are_there(
    lake: Path, traded: Traded, tmp_path: Path, column: str
) -> None:
    path = tmp_path / "orders.csv"
    traded.table.drop(column).write_csv(path)
    with pytest.raises(DataError, match=f"{column}: is missing. There are: .*symbol|{column}: is missing"):
        calibrate(lake, path)


def test_orders_outside_the_data_are_refused(lake: Path, traded: Traded, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    times = pl.col("sent_ts", "ack_ts", "first_fill_ts", "done_ts", "response_ts")
    for days in (-1, 1):
        traded.table.with_columns(times + days * 86_400 * 10**9).write_csv(path)
        with pytest.raises(DataError, match="lies outside the data, which go from 17040672") as raised:
            calibrate(lake, path)
        assert (raised.value.line, raised.value.column) == (2, "sent_ts")


def test_orders_without_fills_are_refused(lake: Path, traded: Traded, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    traded.table.filter(pl.col("filled_quantity") == 0).write_csv(path)
    with pytest.raises(DataError, match="was filled: there is nothing to calibrate with"):
        calibrate(lake, path)
    traded.table.filter(pl.col("filled_quantity") > 0).head(1).write_csv(path)
    with pytest.raises(DataError, match="only 1 of its orders were filled"):
        calibrate(lake, path)
    traded.table.head(0).write_csv(path)
    with pytest.raises(DataError, match="holds no order that reached the venue"):
        calibrate(lake, path)


def test_files_that_are_none_and_data_without_a_queue_are_refused(lake: Path, orders: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        calibrate(lake, tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="is a folder"):
        calibrate(lake, tmp_path)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="cannot be read as CSV or Parquet"):
        calibrate(lake, tmp_path / "broken.parquet")
    write_csv(synthetic_bars("BTC", 100), tmp_path / "bars.csv")
    with pytest.raises(ParameterError, match="bars, which know no queue"):
        calibrate(tmp_path / "bars.csv", orders)
    synthetic_ticks("BTC", 1_000, tmp_path / "l3", orders=True)
    with pytest.raises(ParameterError, match="nothing is to be calibrated"):
        calibrate(tmp_path / "l3", orders)
