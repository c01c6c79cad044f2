"""How fast a backtest on bars is: built in, in Python, as a command and as a stream, beside its peers.

`ALGO_TRADE_BENCH_BARS=100000000` makes the stream as long as it is meant to be.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from benches import crossover
from benches.crossover import (
    Crossover,
    DecimalCrossover,
    EventCrossover,
    IndicatorCrossover,
    Nothing,
    in_turn,
    ours,
    process,
    walk,
)

import algo_trade as at

ROWS = 1_000_000
ROUNDS = 5
STREAMED = int(os.environ.get("ALGO_TRADE_BENCH_BARS", "10_000_000"))


@pytest.fixture(scope="module")
def frame():
    return walk(ROWS)


@pytest.fixture(scope="module")
def bars(frame):
    return at.HistoricalDataProvider(frame, symbols="BTC")


@pytest.fixture(scope="module")
def parquet(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("bars") / "bars.parquet"
    frame.write_parquet(path)
    return path


def bars_per_second(benchmark, rows=ROWS):
    benchmark.extra_info["bars_per_second"] = round(rows / benchmark.stats.stats.min)


def test_built_in(benchmark, bars):
    result = benchmark.pedantic(ours, (bars, "ma_crossover"), rounds=ROUNDS * 4, warmup_rounds=1)
    assert result.events == ROWS
    bars_per_second(benchmark)


@pytest.mark.parametrize(
    "strategy", [Nothing, IndicatorCrossover, Crossover, EventCrossover, DecimalCrossover], ids=lambda s: s.__name__
)
def test_in_python(benchmark, bars, strategy):
    result = benchmark.pedantic(ours, (bars, strategy()), rounds=ROUNDS, warmup_rounds=1)
    if strategy is not Nothing:
        assert result.digest == ours(bars, "ma_crossover").digest
    # The bound: what the same interpreter needs for a million calls that do nothing.
    (bare,) = in_turn([lambda: [None for _ in map(len, [()] * ROWS)]], ROUNDS)
    benchmark.extra_info["ratio_bare_call"] = bare / benchmark.stats.stats.min
    bars_per_second(benchmark)


def test_beside_vectorbt(benchmark, bars, frame):
    pytest.importorskip("vectorbt")
    result, theirs = ours(bars, "ma_crossover"), crossover.vectorbt(frame)
    assert len(theirs.orders.records) == result.metrics.num_fills
    assert theirs.final_value() == pytest.approx(float(result.final_equity), abs=1e-4)
    built_in, in_python, peer = in_turn(
        [
            lambda: ours(bars, "ma_crossover"),
            lambda: ours(bars, Crossover()),
            lambda: crossover.vectorbt(frame).final_value(),
        ],
        ROUNDS,
    )
    benchmark.extra_info["ratio_vectorbt"] = peer / built_in
    benchmark.extra_info["ratio_vectorbt_in_python"] = peer / in_python
    benchmark.pedantic(lambda: crossover.vectorbt(frame).final_value(), rounds=ROUNDS)


@pytest.mark.filterwarnings("ignore")
def test_beside_backtesting_py(benchmark, frame):
    pytest.importorskip("backtesting")
    rows = 100_000
    short = at.HistoricalDataProvider(frame.head(rows), symbols="BTC")
    result, theirs = ours(short, Crossover()), crossover.backtesting_py(frame.head(rows))
    # One trade more or less: it closes what is open at the end, and has no bar before its first.
    assert abs(theirs["# Trades"] - result.metrics.num_trades) <= 2
    built_in, in_python, peer = in_turn(
        [
            lambda: ours(short, "ma_crossover"),
            lambda: ours(short, Crossover()),
            lambda: crossover.backtesting_py(frame.head(rows)),
        ],
        3,
    )
    benchmark.extra_info["ratio_backtesting_py"] = peer / built_in
    benchmark.extra_info["ratio_backtesting_py_in_python"] = peer / in_python
    benchmark.pedantic(crossover.backtesting_py, (frame.head(rows),), rounds=1)


def test_command_from_parquet(benchmark, parquet):
    command = [shutil.which("algo-trade", path=Path(sys.executable).parent), "backtest", "--data", parquet]
    command += ["--symbol", "BTC", "--strategy", "ma_crossover", "--json"]
    runs = []
    benchmark.pedantic(lambda: runs.append(process(*command)), rounds=ROUNDS, warmup_rounds=1)
    assert json.loads(runs[-1].output)["events"] == ROWS
    benchmark.extra_info["peak_mib"] = round(max(run.peak_mib for run in runs))
    best = min(run.seconds for run in runs)
    pytest.importorskip("vectorbt")
    script = "import sys, polars; from benches.crossover import vectorbt; print(vectorbt(polars.read_parquet(sys.argv[1])).final_value())"
    # The second process finds whatever the first one compiled and kept.
    peer = min((process("-c", script, parquet) for _ in range(2)), key=lambda run: run.seconds)
    benchmark.extra_info["ratio_vectorbt_process"] = peer.seconds / best
    benchmark.extra_info["ratio_vectorbt_peak"] = peer.peak_mib / benchmark.extra_info["peak_mib"]


def test_stream_in_bounded_memory(benchmark):
    script = (
        "import algo_trade as at; from algo_trade.data import synthetic_bars;"
        f"bars = at.HistoricalDataProvider(synthetic_bars('BTC', {STREAMED}, seed=1));"
        "result = at.backtest(bars, 'ma_crossover', details=False); print(result.events)"
    )
    runs = []
    benchmark.pedantic(lambda: runs.append(process("-c", script)), rounds=1)
    assert int(runs[0].output) == STREAMED
    benchmark.extra_info["bars"] = STREAMED
    benchmark.extra_info["peak_mib"] = round(runs[0].peak_mib)
    benchmark.extra_info["ratio_of_300_mib"] = runs[0].peak_mib / 300
    bars_per_second(benchmark, STREAMED)
