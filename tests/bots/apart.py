"""A trader whose strategy lives in a process of its own, without a runner around it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from algo_trade.bots.process import StrategyProcess
from algo_trade.bots.trader import Plan, Trader
from algo_trade.config import BotConfig
from algo_trade.execution import VenueConfig
from algo_trade.execution.book import ConstantLatency
from algo_trade.risk import SimpleRiskManager
from algo_trade.risk.limits import Limits, LossState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from algo_trade._native import JournalWriter

START = 1_700_000_000_000_000_000


def config_of(spec: str, **more: Any) -> BotConfig:
    return BotConfig(**{"bot_id": "bot", "symbols": ("BTC", "ETH"), "strategy": spec, "isolation": "process", **more})


def plan_of(config: BotConfig, *, is_paper: bool = True, epoch: int = 1) -> Plan:
    return Plan(
        bot_id=config.bot_id,
        strategy=config.strategy,
        params=config.params,
        symbols=config.symbols,
        books=dict.fromkeys(config.symbols, "l2"),
        capital=Decimal(10_000),
        # It refuses some, which is heard, too.
        risk=SimpleRiskManager(quantity="0.02", max_position_size="0.05"),
        epoch=epoch,
        venue=VenueConfig(latency=ConstantLatency(entry_ns=0, response_ns=0), block_mode=False),
        is_paper=is_paper,
    )


@asynccontextmanager
async def process_of(config: BotConfig, deadline_s: float = 10) -> AsyncIterator[StrategyProcess]:
    process = StrategyProcess(config, load_s=30, deadline_s=lambda: deadline_s)
    try:
        await process.load()
        yield process
    finally:
        await process.close()


def trader_of(plan: Plan, apart: StrategyProcess | None, journal: JournalWriter | None) -> Trader:
    limits = Limits.of(BotConfig(bot_id="x", symbols=("BTC",), strategy="rsi").risk)
    return Trader(plan, limits=limits, loss=LossState(-1, None, None), portfolio=None, journal=journal, apart=apart)
