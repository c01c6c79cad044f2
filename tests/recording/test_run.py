"""A run that records what its bots hear."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algo_trade.storage.tiers.storage import TieredStorage
from tests.bots.world import strategy, until, world

pytest.importorskip("picows", reason="needs the extra `live`")

if TYPE_CHECKING:
    from pathlib import Path


def test_what_bots_hear_is_recorded_and_stands_in_the_metrics(tmp_path: Path) -> None:
    bot = {"bot_id": "pulse", "symbol": "BTC", "strategy": strategy(tmp_path, "Pulse"), "capital": 50_000}
    kinds = ["trades", "quotes", "contexts"]
    storage = {
        "state_dir": tmp_path / "state",
        "strategies": tmp_path,
        "lake": str(tmp_path / "lake"),
        "record": {"enabled": True, "kinds": kinds, "flush_every_s": 0.2},
    }

    async def main() -> str:
        async with world(tmp_path, bot, storage=storage) as it:
            await it.start("pulse")
            metrics = it.runner.telemetry.metrics

            def recorded() -> float:
                lines = metrics.render()[0].decode().splitlines()
                (line,) = [line for line in lines if line.startswith('algo_trade_recorded_total{what="rows"}')] or [
                    " 0"
                ]
                return float(line.rpartition(" ")[2])

            await until(lambda: recorded() > 50)
            return metrics.render()[0].decode()

    text = asyncio.run(main())
    assert "algo_trade_record_failed 0" in text
    with TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/lake-warm.db") as held:
        quotes = pl.DataFrame(held.query("quotes", "BTC").read_all())
        assert quotes.height > 10
        assert pl.DataFrame(held.query("contexts").read_all())["symbol"].unique().to_list() == ["BTC"]


def test_a_run_whose_storage_cannot_be_opened_trades_all_the_same(tmp_path: Path) -> None:
    bot = {"bot_id": "pulse", "symbol": "BTC", "strategy": strategy(tmp_path, "Pulse"), "capital": 50_000}
    (tmp_path / "warm.db").write_bytes(b"no database" * 1_000)
    storage = {
        "state_dir": tmp_path / "state",
        "strategies": tmp_path,
        "lake": str(tmp_path / "lake"),
        "warm": f"sqlite:///{tmp_path}/warm.db",
        "record": {"enabled": True},
    }

    async def main() -> None:
        async with world(tmp_path, bot, storage=storage) as it:
            await it.start("pulse")
            await until(lambda: it.bot("pulse")["positions"])
            (told,) = it.told("record.failed")
            assert told["event"].startswith("nothing is recorded in this run, trading goes on: ")

    asyncio.run(main())
