"""What ``/metrics`` shows of a runner that trades: all that the manual names, with what happened, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from algo_trade.api import ApiServer
from algo_trade.config import ServerConfig
from tests.bots.world import strategy, world

if TYPE_CHECKING:
    from prometheus_client import Metric

pytest.importorskip("picows", reason="needs the extra `live`")
pytest.importorskip("apprise", reason="needs the extra `server`")

MANUAL = Path(__file__).parents[2] / "docs" / "operations.md"
QUIET = {
    "algo_trade_journal_failed",
    "algo_trade_reconciliation_differences_total",
    "algo_trade_log_messages_lost_total",
    "algo_trade_config_reloads_total",
    "algo_trade_record_failed",
    "algo_trade_record_gaps_total",
    "algo_trade_record_waiting_rows",
}
"""Of what did not happen here: shown all the same, so that a rate sees the first one."""


def named_in_the_manual() -> set[str]:
    rows = (line.split("`")[1] for line in MANUAL.read_text().splitlines() if line.startswith("| `algo_trade_"))
    return set(rows)


def shown_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_every_metric_of_the_manual_is_fed_while_bots_trade_and_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is there; that alerts go to nobody is counted too.
    monkeypatch.setenv("NOBODY", "json://127.0.0.1:9")
    spec = strategy(tmp_path, "Pulse")
    bots: list[dict[str, Any]] = [
        {"bot_id": mode, "symbols": ["BTC", "ETH"], "strategy": spec, "mode": mode, "capital": 50_000}
        for mode in ("paper", "live")
    ]
    telemetry = {
        "log_format": "json",
        "log_file": tmp_path / "log.json",
        "flush_s": 0,
        "alerts": [{"name": "nobody", "kinds": ["bot.*"], "level": "info", "url_env": "NOBODY", "messages_max": 1}],
    }

    storage = {
        "state_dir": tmp_path / "state",
        "strategies": tmp_path,
        "lake": str(tmp_path / "lake"),
        "record": {"enabled": True},
    }

    async def main() -> None:
        async with world(tmp_path, *bots, telemetry=telemetry, storage=storage) as it:
            api = ApiServer(it.runner, ServerConfig(port=0))
            stop = asyncio.Event()
            serving = asyncio.create_task(api.serve(stop))
            await it.start("paper", "live")
            families: dict[str, Metric] = {}
            async with httpx.AsyncClient(base_url=api.address.url) as http:

                async def look() -> None:
                    text = (await http.get("/metrics")).text
                    families.clear()
                    families.update({shown_name(each): each for each in text_string_to_metric_families(text)})

                def of(name: str, **labels: str) -> list[float]:
                    samples = families[name].samples
                    return [each.value for each in samples if labels.items() <= each.labels.items()]

                async def both_have_traded() -> None:
                    while True:
                        await look()
                        if all(
                            any(of("algo_trade_orders_total", bot=mode, outcome="filled"))
                            and any(of("algo_trade_open_orders", bot=mode, state="resting"))
                            and any(of("algo_trade_bot_position", bot=mode))
                            for mode in ("paper", "live")
                        ):
                            return
                        await asyncio.sleep(0.1)

                await asyncio.wait_for(both_have_traded(), 30)
                assert families.keys() == named_in_the_manual()
                silent = {name for name, each in families.items() if not any(sample.value for sample in each.samples)}
                # The mailbox is empty whenever somebody looks from the same loop.
                assert silent <= QUIET | {"algo_trade_mailbox_depth"}
                for mode in ("paper", "live"):
                    assert of("algo_trade_fills_total", bot=mode)[0] >= 1
                    assert of("algo_trade_bot_state", bot=mode, state="running") == [1.0]
                streams = {sample.labels["stream"] for sample in families["algo_trade_stream_age_seconds"].samples}
                assert {"bbo BTC", "bbo ETH"} <= streams
                assert of("algo_trade_rate_limit_budget", limit="ip_weight")[0] > 0
                requests = of("algo_trade_rate_limit_budget", limit=f"requests {it.key.address}")
                assert requests[0] > 0
                assert of("algo_trade_journal_durable_seconds")
            stop.set()
            await serving
            api.close()

    asyncio.run(asyncio.wait_for(main(), 90))
