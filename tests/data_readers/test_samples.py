"""Synthetic bars and the bundled sample."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from algo_trade.data import HistoricalDataProvider, synthetic_bars
from algo_trade.errors import ParameterError

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample_bars.csv"


def test_the_bundled_sample_is_what_its_seed_makes() -> None:
    made = synthetic_bars(["BTC", "ETH"], 5_000, seed=7)
    provider = HistoricalDataProvider(SAMPLE)
    assert provider.digest == made.fingerprint
    assert [(s.rows, s.gaps, s.snapped) for s in provider.summary.symbols] == [(2_500, 0, 0)] * 2


def test_a_seed_makes_the_same_bars_on_every_machine() -> None:
    made = synthetic_bars("BTC", 100_000, seed=1)
    assert made.fingerprint == "bd81e53cb58a5c231a782512b86536884360f826d55a7cb4c38b1a5ee5db33a9"


def test_synthetic_bars_move_like_a_market() -> None:
    bars = pl.DataFrame(synthetic_bars("BTC", 200_000, seed=5))
    close = bars["close"].cast(pl.Float64)
    returns = close.pct_change().drop_nulls()
    deviation = returns.std()
    assert isinstance(deviation, float)
    assert 1e-4 < deviation < 5e-3
    # Volatility comes in bursts: the size of a return tells something about the next.
    size = returns.abs()
    frame = pl.DataFrame({"size": size, "next": size.shift(-1)}).drop_nulls()
    assert frame.select(pl.corr("size", "next")).item() > 0.1


def test_synthetic_bars_need_a_symbol_and_a_row() -> None:
    for symbols, rows in [([], 5), (["A"], 0)]:
        with pytest.raises(ParameterError):
            synthetic_bars(symbols, rows)
