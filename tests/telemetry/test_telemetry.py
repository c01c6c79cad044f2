"""Log, metrics and alerts tied together."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.errors import ConfigError
from algo_trade.telemetry import AlertRule, Telemetry, TelemetryConfig
from tests.telemetry.receiver import receiver
from tests.telemetry.test_metrics import samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.telemetry.receiver import Receiver


def config(folder: Path, **more: Any) -> TelemetryConfig:
    return TelemetryConfig(**{"log_format": "json", "log_file": folder / "log", "instance": "desk-1", **more})


def told(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log").read_text().splitlines()]


def run(made: Telemetry, act: Callable[[Telemetry], None]) -> None:
    async def inside() -> None:
        async with made as telemetry:
            act(telemetry)

    asyncio.run(inside())


def operators(web: Receiver) -> tuple[AlertRule, dict[str, str]]:
    return AlertRule(name="operators", kinds=("bot.*",), url_env="URLS"), {"URLS": web.url}


def test_what_nobody_hears_is_not_worded(tmp_path: Path) -> None:
    worded: list[str] = []

    def wording(text: str) -> Callable[[], str]:
        def word() -> str:
            worded.append(text)
            return text

        return word

    def act(telemetry: Telemetry) -> None:
        telemetry.tell("venue.notice", "debug", wording("below the level"))
        telemetry.tell("bot.notice", "debug", wording("for people, though not logged"))
        telemetry.set_level("debug")
        telemetry.tell("venue.notice", "debug", wording("logged"))

    with receiver() as web:
        rule = AlertRule(name="all", kinds=("bot.*",), level="debug", url_env="URLS")
        run(Telemetry(config(tmp_path, alerts=(rule,)), environment={"URLS": web.url}), act)
    assert worded == ["for people, though not logged", "logged"]
    assert "logged" in [line["event"] for line in told(tmp_path)]
    assert web.texts == ["for people, though not logged"]


def test_what_is_told_is_logged_counted_and_sent(tmp_path: Path) -> None:
    with receiver() as web:
        rule, environment = operators(web)
        telemetry = Telemetry(config(tmp_path, alerts=(rule,)), environment=environment)
        run(telemetry, lambda each: each.tell("bot.error", "error", "it stopped", bot_id="b1", cloid="0x12"))
        run_ = samples(telemetry.metrics)
    (line,) = told(tmp_path)
    assert (line["level"], line["event"]) == ("error", "it stopped")
    assert (line["kind"], line["bot_id"], line["cloid"]) == ("bot.error", "b1", "0x12")
    assert web.texts == ["it stopped\ncloid: 0x12"]
    assert run_["algo_trade_alerts_total", "sent", "operators"] == 1
    assert run_["algo_trade_log_messages_total", "error"] == 1


def test_below_the_level_of_the_log_an_alert_goes_out_all_the_same(tmp_path: Path) -> None:
    with receiver() as web:
        rule, environment = operators(web)
        telemetry = Telemetry(config(tmp_path, log_level="error", alerts=(rule,)), environment=environment)
        run(telemetry, lambda each: each.tell("bot.halted", "warning", "x"))
    assert told(tmp_path) == []
    assert web.texts == ["x"]


def test_the_level_can_be_changed(tmp_path: Path) -> None:
    def act(telemetry: Telemetry) -> None:
        telemetry.tell("a", "debug", "1")
        telemetry.set_level("debug")
        telemetry.tell("a", "debug", "2")

    run(Telemetry(config(tmp_path)), act)
    assert [line["event"] for line in told(tmp_path) if line.get("kind") == "a"] == ["2"]


def test_any_name_is_good_for_a_field(tmp_path: Path) -> None:
    run(Telemetry(config(tmp_path)), lambda each: each.tell("a", "info", "x", event=1, time=2, message=3))
    (line,) = told(tmp_path)
    assert (line["event"], line["event_"], line["time_"], line["message"]) == ("x", 1, 2, 3)


def test_secret_variables_are_told_nowhere(tmp_path: Path) -> None:
    telemetry = Telemetry(config(tmp_path), environment={"HYPERLIQUID_PRIVATE_KEY": "not even hex"})
    run(telemetry, lambda each: each.tell("a", "info", "key is not even hex"))
    assert "not even hex" not in (tmp_path / "log").read_text()


def test_the_loop_is_watched(tmp_path: Path) -> None:
    async def inside() -> Telemetry:
        async with Telemetry(config(tmp_path, lag_warning_s=0.05)) as telemetry:
            await asyncio.sleep(0.1)
            time.sleep(0.2)
            await asyncio.sleep(0.1)
            return telemetry

    telemetry = asyncio.run(inside())
    assert [line["kind"] for line in told(tmp_path)] == ["runtime.lag"]
    assert samples(telemetry.metrics)["algo_trade_event_loop_lag_seconds_count",] >= 2


def test_messages_that_were_lost_are_measured(tmp_path: Path) -> None:
    telemetry = Telemetry(config(tmp_path))
    telemetry.logs.start()
    telemetry.logs.close()
    # Nobody writes any more: what comes now finds room until there is none.
    for _ in range(5_000):
        telemetry.tell("a", "info", "x" * 8_000)
    assert samples(telemetry.metrics)["algo_trade_log_messages_lost_total",] > 3_000


def test_a_rule_without_an_address_refuses_the_start_and_leaves_nothing_behind(tmp_path: Path) -> None:
    rule = AlertRule(name="operators", url_env="URLS")
    before = logging.getLogger().handlers[:]
    with pytest.raises(ConfigError, match="'operators': the environment variable URLS is not set"):
        run(Telemetry(config(tmp_path, alerts=(rule,)), environment={}), lambda _: None)
    assert logging.getLogger().handlers == before


def test_the_end_does_not_wait_for_ever(tmp_path: Path) -> None:
    with receiver() as web:
        web.hold.clear()
        rule, environment = operators(web)
        telemetry = Telemetry(config(tmp_path, alerts=(rule,), flush_s=0.2), environment=environment)
        start = time.monotonic()
        run(telemetry, lambda each: each.tell("bot.error", "error", "x"))
        assert time.monotonic() - start < 3
    assert told(tmp_path)[-1]["event"] == "an alert was not sent"


def test_thousands_of_messages_of_hundreds_of_bots_do_not_hold_up_the_loop(tmp_path: Path) -> None:
    async def inside() -> float:
        worst_s = 0.0
        async with Telemetry(config(tmp_path)) as telemetry:
            for _ in range(20):
                for bot in range(300):
                    telemetry.tell("bot.fill", "info", "filled", bot_id=f"b{bot}", symbol="BTC", price="65000.5")
                    if bot % 10 == 0:
                        start = time.perf_counter()
                        await asyncio.sleep(0)
                        worst_s = max(worst_s, time.perf_counter() - start)
        return worst_s

    assert asyncio.run(inside()) < 0.25
    assert len([line for line in told(tmp_path) if line.get("kind") == "bot.fill"]) == 6_000
