"""A configuration that changes while bots trade: what is valid takes effect, what is not is told, and nothing is missed."""

from __future__ import annotations

import asyncio
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import SigningKey
from algo_trade.backtest import JournalFile
from algo_trade.bots import Runner
from algo_trade.bots.reload import follow
from algo_trade.config import ConfigLoader, ConfigWatcher
from algo_trade.venue.testing import running_venue
from tests.bots.world import LIMITS, World, ask, strategy, until
from tests.hyperliquid.desk import SETTINGS
from tests.telemetry.receiver import receiver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")
pytest.importorskip("watchfiles", reason="needs the extra `live`")

HEAD = """
[hyperliquid]
api_url = "{url}"
ws_url = "{ws_url}"
account_address = "{address}"
state_dir = "{folder}/nonces"

[database]
url = "sqlite:///{folder}/state.db"

[storage]
state_dir = "{folder}/state"

[telemetry]
log_format = "json"
log_file = "{folder}/log.json"
log_level = "{level}"

[risk]
{risk}
"""
BOT = """
[[bots]]
bot_id = "{bot_id}"
symbol = "{symbol}"
strategy = "{spec}"
params = {{ every_ms = {every_ms} }}
capital = 50_000
risk = {{ {limits} }}
enabled = {enabled}
"""


def reloads(it: World, outcome: str) -> float:
    """Return how many changes of the configuration came to that, by the metrics."""
    head = f'algo_trade_config_reloads_total{{outcome="{outcome}"}} '
    lines = it.runner.telemetry.metrics.render()[0].decode().splitlines()
    return next(float(line.removeprefix(head)) for line in lines if line.startswith(head))


class File:
    """The file of a configuration, written anew as a person would."""

    def __init__(self, path: Path, **values: Any) -> None:
        self.path = path
        self.values = {"level": "debug", "risk": "", **values}

    def write(self, *bots: dict[str, Any], raw: str = "", **more: Any) -> None:
        values = {**self.values, **more}
        text = HEAD.format(**values)
        for bot in bots:
            text += BOT.format(
                **{"spec": values["spec"], "every_ms": 100, "limits": "", "enabled": "true", "symbol": "BTC", **bot}
            )
        fresh = self.path.with_suffix(".new")
        fresh.write_text(raw or text)
        fresh.replace(self.path)


def run(folder: Path, scenario: Callable[[World, File], Awaitable[None]]) -> None:
    async def main() -> None:
        key = SigningKey("0x" + f"{21:064x}")
        with running_venue(seed=3, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue:
            ask(venue, "clearinghouseState", user=key.address)
            file = File(
                folder / "Config.toml",
                url=venue.url,
                ws_url=venue.ws_url,
                address=key.address,
                folder=folder,
                spec=strategy(folder, "Pulse"),
            )
            file.write({"bot_id": "a"})
            loader = ConfigLoader(file.path, environment={}, folder=folder)
            config = loader.load()
            stop = asyncio.Event()
            async with Runner(config, key, settings=SETTINGS) as runner, asyncio.TaskGroup() as tasks:
                it = World(venue, key, runner, folder)
                tasks.create_task(follow(runner, ConfigWatcher(loader, config), stop))
                await it.start("a")
                try:
                    await scenario(it, file)
                finally:
                    stop.set()

    asyncio.run(asyncio.wait_for(main(), 90))


def test_limits_change_at_once_and_no_event_is_missed(tmp_path: Path) -> None:
    async def scenario(it: World, file: File) -> None:
        run_before = it.runner.registry.run_of("a")
        file.write({"bot_id": "a", "limits": "max_order_notional = 1"})
        await until(lambda: it.told("risk.refused"))
        assert it.runner.registry.run_of("a") is run_before, "the same run goes on"
        assert "max_order_notional = 1" in it.told("risk.refused")[0]["event"]
        file.write({"bot_id": "a"})
        await until(lambda: len(it.told("config.changed")) == 2)
        await asyncio.sleep(0.3)
        count = len(it.told("risk.refused"))
        await asyncio.sleep(0.5)
        assert len(it.told("risk.refused")) == count
        await it.runner.registry.find("a").stop()
        (journal,) = (tmp_path / "state" / "journals" / "a").glob("*.journal")
        assert JournalFile(journal).verify().events > 10

    run(tmp_path, scenario)


def test_limits_over_all_bots_and_the_log_level_change_at_once(tmp_path: Path) -> None:
    async def scenario(it: World, file: File) -> None:
        file.write({"bot_id": "a"}, risk="max_position_notional = 1")
        await until(lambda: it.told("risk.refused"))
        assert "of all bots" in it.told("risk.refused")[0]["event"]
        file.write({"bot_id": "a"}, level="error")
        await asyncio.sleep(0.5)
        count = len(it.told("venue.notice"))
        await asyncio.sleep(0.5)
        assert len(it.told("venue.notice")) == count
        assert reloads(it, "applied") == 2

    run(tmp_path, scenario)


def test_parameters_change_by_a_new_run_that_keeps_what_is_held(tmp_path: Path) -> None:
    async def scenario(it: World, file: File) -> None:
        await until(lambda: it.bot("a")["positions"])
        file.write({"bot_id": "a", "every_ms": 300})
        await until(lambda: len(list((tmp_path / "state" / "journals" / "a").glob("*.journal"))) == 2)
        await until(lambda: it.bot("a")["is_live"] and it.bot("a")["positions"])
        assert it.bot("a")["state"] == "running"

    run(tmp_path, scenario)


def test_bots_come_and_go_with_the_file(tmp_path: Path) -> None:
    async def scenario(it: World, file: File) -> None:
        file.write({"bot_id": "a"}, {"bot_id": "b", "symbol": "ETH"}, {"bot_id": "c", "enabled": "false"})
        await until(lambda: len(it.runner.registry) == 3 and it.bot("b")["is_live"])
        assert it.bot("c")["state"] == "stopped"
        file.write({"bot_id": "a", "enabled": "false"}, {"bot_id": "c"})
        await until(lambda: len(it.runner.registry) == 2 and it.bot("c")["is_live"])
        assert it.bot("a")["state"] == "stopped"

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"limits": "max_order_notional = -1"}, "max_order_notional"),
        ({"symbol": "BTC", "every_ms": '"x'}, "Config.toml"),
        ({"bot_id": "../a"}, "bot_id"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_last_good_one_stays(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    async def scenario(it: World, file: File) -> None:
        before = it.runner.config
        file.write({"bot_id": "a", **change})
        await until(lambda: it.told("config.refused"))
        told = it.told("config.refused")[0]["event"]
        assert says in told
        assert "Config.toml:" in told
        assert it.runner.config == before
        assert it.bot("a")["state"] == "running"
        file.write({"bot_id": "a", "limits": "max_order_notional = 100_000"})
        await until(lambda: it.told("config.changed"))
        assert tomllib.loads(file.path.read_text())["bots"][0]["bot_id"] == "a"
        assert (reloads(it, "applied"), reloads(it, "refused")) == (1, len(it.told("config.refused")))

    run(tmp_path, scenario)


RULE = """
[[telemetry.alerts]]
name = "people"
kinds = ["bot.*", "config.*"]
level = "info"
url_{source} = "{place}"
"""


def test_rules_of_alerts_change_at_once_and_those_that_cannot_be_followed_are_refused(tmp_path: Path) -> None:
    async def scenario(it: World, file: File) -> None:
        (tmp_path / "urls").write_text(web.url)
        (tmp_path / "urls").chmod(0o600)
        file.write({"bot_id": "a"}, risk=RULE.format(source="file", place=tmp_path / "urls"))
        await until(lambda: it.runner.telemetry.alerts.rules != ())
        assert "takes effect now: telemetry.alerts" in it.told("config.changed")[0]["event"]
        await it.runner.command("a", "pause")
        await until(lambda: any("paused" in text for text in web.texts))
        file.write({"bot_id": "a"}, risk=RULE.format(source="env", place="NOT_SET"))
        await until(lambda: it.told("config.refused"))
        assert "NOT_SET" in it.told("config.refused")[0]["event"]
        # It is told by the rule that stays.
        await until(lambda: any("NOT_SET" in text for text in web.texts))
        file.write({"bot_id": "a"})
        await until(lambda: it.runner.telemetry.alerts.rules == ())
        await it.runner.command("a", "resume")
        await asyncio.sleep(0.5)
        assert not any("running" in text for text in web.texts)

    with receiver() as web:
        run(tmp_path, scenario)
