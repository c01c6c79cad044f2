"""A configuration that changes while bots trade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algo_trade.bots.models import BotState
from algo_trade.config import ConfigChange
from algo_trade.errors import AlgoTradeError

if TYPE_CHECKING:
    import asyncio

    from algo_trade.bots.runner import Runner
    from algo_trade.config import AppConfig, ConfigWatcher
    from algo_trade.telemetry import Telemetry, TelemetryConfig


async def follow(runner: Runner, watcher: ConfigWatcher, stop: asyncio.Event) -> None:
    """Take over each valid change of the files until ``stop`` is set; of an invalid one, say what is wrong with it."""
    async for news in watcher.changes(stop):
        if isinstance(news, ConfigChange):
            runner.telemetry.metrics.config_reload("applied")
            await _take_over(runner, news)
        else:
            runner.telemetry.metrics.config_reload("refused")
            runner.telemetry.tell("config.refused", "error", news.text)


async def _take_over(runner: Runner, change: ConfigChange) -> None:
    before, after = change.before, change.after
    tell = runner.telemetry.tell
    if change.hot:
        tell("config.changed", "info", f"takes effect now: {', '.join(change.hot)}")
        await runner.store.audit("configuration", "change", "config", {"fields": list(change.hot)})
    if change.cold:
        tell("config.changed", "warning", f"takes effect at the next start: {', '.join(change.cold)}")
    await _change_telemetry(runner.telemetry, before.telemetry, after.telemetry)
    if before.risk != after.risk:
        runner.change_risk(after.risk)
    runner.config = after
    await _change_bots(runner, before, after)


async def _change_telemetry(telemetry: Telemetry, before: TelemetryConfig, after: TelemetryConfig) -> None:
    if before.log_level != after.log_level:
        telemetry.set_level(after.log_level)
    if before.alerts != after.alerts:
        try:
            await telemetry.change_alerts(after.alerts)
        except AlgoTradeError as error:
            telemetry.tell("config.refused", "error", f"telemetry.alerts: {error}: they stay as they were")


async def _change_bots(runner: Runner, before: AppConfig, after: AppConfig) -> None:
    old, new = ({bot.bot_id: bot for bot in config.bots} for config in (before, after))
    for bot_id in [bot_id for bot_id in old if bot_id not in new]:
        handle = runner.registry.find(bot_id)
        await handle.stop()
        await runner.registry.remove(bot_id)
    for bot_id, config in new.items():
        if config == old.get(bot_id):
            continue
        try:
            if bot_id not in old:
                handle = runner.registry.spawn(config)
            else:
                handle = runner.registry.find(bot_id)
                await handle.update(config)
            was_enabled = bot_id in old and old[bot_id].enabled
            if config.enabled and not was_enabled:
                runner.start_quietly(handle)
            elif was_enabled and not config.enabled and handle.state is not BotState.STOPPED:
                await handle.stop()
        except AlgoTradeError as error:
            runner.telemetry.tell("config.refused", "error", str(error), bot_id=bot_id)
