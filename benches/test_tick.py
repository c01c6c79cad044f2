"""How fast ticks are: replayed, quoted on, in Python, as a command and in many markets, beside hftbacktest.

`ALGO_TRADE_BENCH_TICKS` is the number of rows (5,000,000), `ALGO_TRADE_BENCH_LONG_TICKS` that of the long file (10,000,000).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from benches.crossover import in_turn, process
from tests.peers import events, quoting
from tests.ticks import quoters

import algo_trade as at
from algo_trade.data import synthetic_ticks

ROWS = int(os.environ.get("ALGO_TRADE_BENCH_TICKS", "5_000_000"))
LONG_ROWS = int(os.environ.get("ALGO_TRADE_BENCH_LONG_TICKS", "10_000_000"))
ROUNDS = 5
DENSITY = 1_000
SYMBOL = "BENCH"


class Market:
    """One market in a lake, in memory, and as the peer's array."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.lake = folder / "lake"
        synthetic_ticks(SYMBOL, rows, self.lake, density=DENSITY, arrow=True)
        self.data = at.HistoricalDataProvider(self.lake, kinds=["trades", "book"]).load()
        frame = events.market(self.data.read())
        self.rows = frame.height
        self.events = events.events(frame)
        self.npz = folder / "events.npz"
        rules = quoting.rules(self.lake, SYMBOL)
        self.setting = quoting.Setting(rules["tick_size"], rules["lot_size"], size=str(rules["lot_size"]))
        prices = frame["price"].cast(pl.Float64)
        self.roi = (prices.min(), prices.max())

    def with_queue(self, queue: str, *, partial_fills: bool = False) -> quoting.Setting:
        return quoting.Setting(
            self.setting.tick_size, self.setting.lot_size, self.setting.size, queue=queue, partial=partial_fills
        )


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return Market(tmp_path_factory.mktemp("ticks"), ROWS)


def rows_per_second(benchmark, rows):
    benchmark.extra_info["rows_per_second"] = round(rows / benchmark.stats.stats.min)


class Nothing(at.Strategy):
    """Wakes for nothing before the end."""

    def on_stop(self, ctx):
        pass


class Everything(at.Strategy):
    """Wakes for every change of a book and every print, and does nothing."""

    def on_book(self, ctx, symbol):
        pass

    def on_trade(self, ctx, trade):
        pass


def ours(market, strategy, setting, **options):
    return at.backtest(
        market.data, strategy, venue=quoting.venue(setting), initial_capital=10**9, details=False, **options
    )


def maker(market, setting):
    """Quote with the built-in strategy: compiled, as the peer's is, and with more to compute at each look."""
    return ours(market, "market_maker", setting, quantity=setting.size)


def test_replay_beside_hftbacktest(benchmark, market):
    pytest.importorskip("hftbacktest")
    setting = market.setting
    replay = partial(quoting.replay_theirs, market.events, setting)
    assert replay() == replay(roi=market.roi) == quoting.last_best(market.data, setting)
    us, vector, hashed = in_turn(
        [lambda: ours(market, Nothing(), setting), lambda: replay(roi=market.roi), replay], ROUNDS
    )
    benchmark.extra_info["ratio_roi_vector"] = vector / us
    benchmark.extra_info["ratio_hash_map"] = hashed / us
    benchmark.pedantic(lambda: ours(market, Nothing(), setting), rounds=ROUNDS)
    rows_per_second(benchmark, market.rows)


def test_quoting_beside_hftbacktest(benchmark, market):
    pytest.importorskip("hftbacktest")
    checked = market.with_queue("risk_averse")
    theirs = quoting.run_theirs(market.events, checked)
    assert theirs
    assert (
        quoting.until_the_last_look(quoting.fills_of(quoting.run_ours(market.data, checked), checked), theirs) == theirs
    )
    setting = market.with_queue("power1")
    quoter = quoting.compiled_quoter(setting)
    in_both = [quoting.run_ours(market.data, setting, strategy, details=False) for strategy in (None, quoter)]
    assert in_both[0].digest == in_both[1].digest
    us, compiled, in_python, vector, hashed = in_turn(
        [
            lambda: maker(market, setting),
            lambda: quoting.run_ours(market.data, setting, quoter, details=False),
            lambda: quoting.run_ours(market.data, setting, details=False),
            lambda: quoting.run_theirs(market.events, setting, roi=market.roi),
            lambda: quoting.run_theirs(market.events, setting),
        ],
        ROUNDS,
    )
    benchmark.extra_info["ratio_roi_vector"] = vector / us
    benchmark.extra_info["ratio_hash_map"] = hashed / us
    benchmark.extra_info["ratio_roi_vector_same_quoter"] = vector / compiled
    benchmark.extra_info["ratio_hash_map_same_quoter"] = hashed / compiled
    benchmark.extra_info["ratio_roi_vector_in_python"] = vector / in_python
    benchmark.pedantic(lambda: maker(market, setting), rounds=ROUNDS)
    rows_per_second(benchmark, market.rows)


def test_quoting_with_partial_fills(benchmark, market):
    # Beside our own whole fills: the peer stops with an error when a fill equals the remainder exactly.
    whole, in_parts = (market.with_queue("power1", partial_fills=is_partial) for is_partial in (False, True))
    of_whole, of_parts = in_turn([lambda: maker(market, whole), lambda: maker(market, in_parts)], ROUNDS)
    benchmark.extra_info["ratio_cost_of_partial_fills"] = of_parts / of_whole
    benchmark.pedantic(lambda: maker(market, in_parts), rounds=ROUNDS)
    rows_per_second(benchmark, market.rows)


def test_compiled_strategies_beside_the_built_in_one(benchmark, market, tmp_path):
    size = Decimal(market.setting.size)
    made = {
        "numba": quoters.in_numba(size, 3 * size),
        "cython": quoters.in_cython(tmp_path, size, 3 * size),
        "c": quoters.in_c(tmp_path, size, 3 * size),
        "python": quoters.in_python(size, 3 * size),
    }
    runs = {name: partial(ours, market, strategy, market.setting) for name, strategy in made.items()}
    assert len({run().digest for run in runs.values()}) == 1
    built_in, *others = in_turn([lambda: maker(market, market.setting), *runs.values()], ROUNDS)
    for name, seconds in zip(runs, others, strict=True):
        benchmark.extra_info[f"ratio_cost_in_{name}"] = seconds / built_in
    benchmark.pedantic(runs["numba"], rounds=ROUNDS)
    rows_per_second(benchmark, market.rows)


def test_command(benchmark, market):
    command = [shutil.which("algo-trade", path=Path(sys.executable).parent), "backtest", "--data", market.lake]
    command += ["--strategy", "market_maker", "--quantity", market.setting.size, "--initial-capital", "1e9", "--json"]
    runs = []
    benchmark.pedantic(lambda: runs.append(process(*command)), rounds=3, warmup_rounds=1)
    assert json.loads(runs[-1].output)["metrics"]["num_fills"] > 0
    benchmark.extra_info["peak_mib"] = round(max(run.peak_mib for run in runs))
    best = min(run.seconds for run in runs)
    pytest.importorskip("hftbacktest")
    np.savez_compressed(market.npz, data=market.events)
    script = (
        "import sys; from tests.peers import quoting;"
        "tick, lot = map(float, sys.argv[2:4]);"
        "print(len(quoting.run_theirs(sys.argv[1], quoting.Setting(tick, lot, sys.argv[3]))))"
    )
    arguments = ("-c", script, market.npz, str(market.setting.tick_size), market.setting.size)
    peer = min((process(*arguments) for _ in range(2)), key=lambda run: run.seconds)
    benchmark.extra_info["ratio_hftbacktest_process"] = peer.seconds / best
    benchmark.extra_info["ratio_hftbacktest_peak"] = peer.peak_mib / benchmark.extra_info["peak_mib"]


def test_woken_by_everything_in_python(benchmark, market):
    result = benchmark.pedantic(lambda: ours(market, Everything(), market.setting), rounds=3, warmup_rounds=1)
    rows_per_second(benchmark, result.events)


def test_many_instruments(benchmark, tmp_path):
    rows, many = 2_000_000, 500
    lakes = [([f"S{i:03}" for i in range(many)], 20_000 // many), (["S000"], 20_000)]
    data = []
    for place, (symbols, density) in enumerate(lakes):
        synthetic_ticks(symbols, rows, tmp_path / str(place), density=density, arrow=True)
        data.append(at.HistoricalDataProvider(tmp_path / str(place)).load())

    def replay(provider):
        return at.backtest(provider, Nothing(), details=False)

    assert abs(replay(data[0]).events - replay(data[1]).events) <= 1  # a batch is not cut
    of_many, of_one = in_turn([lambda: replay(data[0]), lambda: replay(data[1])], ROUNDS)
    benchmark.extra_info["ratio_cost_of_500"] = of_many / of_one
    benchmark.pedantic(lambda: replay(data[0]), rounds=ROUNDS)
    rows_per_second(benchmark, rows)


def test_long_file_in_bounded_memory(benchmark, tmp_path):
    synthetic_ticks(SYMBOL, LONG_ROWS, tmp_path / "lake", density=DENSITY)
    script = (
        "import sys, algo_trade as at;"
        "print(at.backtest(sys.argv[1], 'market_maker', quantity=1, initial_capital=10**9, details=False).events)"
    )
    runs = []
    benchmark.pedantic(lambda: runs.append(process("-c", script, tmp_path / "lake")), rounds=1)
    assert int(runs[0].output) >= LONG_ROWS
    benchmark.extra_info["rows"] = LONG_ROWS
    benchmark.extra_info["peak_mib"] = round(runs[0].peak_mib)
    rows_per_second(benchmark, LONG_ROWS)
