"""What ``algo-trade doctor`` looks at: the machine; and for a runner, configuration, store, exchange, key and guard."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade import _native
from algo_trade.cli.run import key_of_environment
from algo_trade.errors import AlgoTradeError

if TYPE_CHECKING:
    from algo_trade.config import AppConfig, ConfigLoader

CLOCK_MS_MAX = 1_000
ANSWER_S_MAX = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Look at what a backtest needs of the machine."""
    python = sys.version_info
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    utc = time.gmtime()
    return [
        Finding("python", python >= (3, 11), platform.python_version(), "install Python 3.11 or newer"),
        Finding("engine", ok=True, found=f"{_native.__version__}, code {_native.__code_hash__[:12]}"),
        Finding("system", sys.platform != "win32", platform.platform(), "use Linux, macOS or WSL"),
        Finding("cores", ok=True, found=str(os.cpu_count() or 1)),
        Finding("memory", memory >= 1, f"{memory:.1f} GiB", "at least 1 GiB is needed"),
        Finding(
            "disk", free >= 1, f"{free:.1f} GiB free here", "free some space: journals and reports are written here"
        ),
        Finding(
            "clock",
            utc.tm_year >= 2024,
            time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
            "set the clock: orders are signed with it",
        ),
        Finding("folder", os.access(Path.cwd(), os.W_OK), str(Path.cwd()), "run it where you may write"),
    ]


def examine_runner(loader: ConfigLoader) -> list[Finding]:
    """Look at what a runner needs; where one thing is wrong, go on with the others."""
    try:
        config = loader.load()
    except AlgoTradeError as error:
        return [Finding("config", ok=False, found=str(error).splitlines()[0], advice="algo-trade config check")]
    live = sum(bot.mode == "live" for bot in config.bots)
    found = [Finding("config", ok=True, found=f"{len(config.bots)} bots, {live} of them live")]
    return found + asyncio.run(_examine(config, has_live=live > 0))


async def _examine(config: AppConfig, *, has_live: bool) -> list[Finding]:
    found = [await _store(config), await _venue(config)]
    if has_live and found[-1].ok:
        found += await _account(config)
    return found


async def _store(config: AppConfig) -> Finding:
    from algo_trade.storage import DatabaseClient  # noqa: PLC0415 -- an extra

    try:
        async with asyncio.timeout(ANSWER_S_MAX), DatabaseClient(config.database.url) as store:
            bots = await store.bots()
    except (AlgoTradeError, TimeoutError) as error:
        return Finding("store", ok=False, found=str(error) or "no answer", advice="see database.url")
    return Finding("store", ok=True, found=f"opens; {len(bots)} bots made by hand")


async def _venue(config: AppConfig) -> Finding:
    from algo_trade.hyperliquid import HyperliquidClient  # noqa: PLC0415

    try:
        async with asyncio.timeout(ANSWER_S_MAX), HyperliquidClient(config.hyperliquid) as client:
            before_ns = time.time_ns()
            theirs_ns = (await client.info.exchange_status())["time"]
            after_ns = time.time_ns()
    except (AlgoTradeError, TimeoutError, OSError) as error:
        return Finding("venue", ok=False, found=str(error) or "no answer", advice="see hyperliquid.api_url")
    off_ms = max(before_ns - theirs_ns, theirs_ns - after_ns, 0) // 1_000_000
    answered = f"answers in {(after_ns - before_ns) / 1e6:.0f} ms"
    if off_ms > CLOCK_MS_MAX:
        return Finding("venue", ok=False, found=f"the clocks differ by {off_ms} ms", advice="set this machine's clock")
    return Finding("venue", ok=True, found=f"{config.hyperliquid.api_url}: {answered}, the clocks agree")


async def _account(config: AppConfig) -> list[Finding]:
    from algo_trade.hyperliquid import HyperliquidClient  # noqa: PLC0415

    try:
        key = key_of_environment()
        if key is None:
            return [
                Finding(
                    "key", ok=False, found="none", advice="set HYPERLIQUID_PRIVATE_KEY or …_FILE for bots that are live"
                )
            ]
        async with asyncio.timeout(ANSWER_S_MAX), HyperliquidClient(config.hyperliquid, key) as client:
            check = await client.check_account()
    except (AlgoTradeError, TimeoutError, OSError) as error:
        return [
            Finding(
                "key",
                ok=False,
                found=str(error) or "no answer",
                advice="docs/hyperliquid.md, 'An account and an API wallet'",
            )
        ]
    found = [Finding("key", ok=True, found=f"{check.signer} ({check.role}), {check.used} of {check.cap} requests used")]
    found.append(
        Finding("guard", ok=True, found="the exchange cancels all orders if this machine dies")
        if check.can_schedule_cancel
        else Finding(
            "guard", ok=True, found="the exchange does not cancel if this machine dies: run algo-trade watchdog"
        )
    )
    return found
