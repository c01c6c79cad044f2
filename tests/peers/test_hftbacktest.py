"""The same quotes in hftbacktest and here, fill by fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import algo_trade as at
from algo_trade.data import import_data, synthetic_ticks
from tests.peers import events, quoting

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("hftbacktest", reason="the peer is in the dependency group bench")

ROWS = 200_000
SYMBOL = "PEER"


class Market:
    def __init__(self, lake: Path, symbol: str) -> None:
        self.data = at.HistoricalDataProvider(lake).load()
        self.frame = self.data.read()
        self.events = events.events(self.frame)
        found = quoting.rules(lake, symbol)
        self.tick_size, self.lot_size = found["tick_size"], found["lot_size"]

    def setting(self, queue: str, n: float = 2.0, lots: int = 1) -> quoting.Setting:
        size = f"{lots * self.lot_size:.8f}"
        return quoting.Setting(self.tick_size, self.lot_size, size, queue=queue, n=n)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Market:
    lake = tmp_path_factory.mktemp("synthetic")
    synthetic_ticks(SYMBOL, ROWS, lake, seed=3)
    return Market(lake, SYMBOL)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Market:
    lake = tmp_path_factory.mktemp("recorded")
    import_data(shared_data / "feeds_dual_time" / "binance_usdm_btcusdt_20240808.gz", lake, symbol="BTCUSDT")
    return Market(lake, "BTCUSDT")
