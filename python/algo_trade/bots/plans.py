"""From a bot's configuration to what its trader is made of, and to the header of its journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from algo_trade.backtest.manifest import build
from algo_trade.backtest.run import risk_to_json
from algo_trade.bots.trader import Plan
from algo_trade.execution import InstrumentRules, VenueConfig
from algo_trade.execution.book import ConstantLatency
from algo_trade.execution.fees import HyperliquidFees
from algo_trade.hyperliquid.instruments import NOTIONAL_MIN
from algo_trade.risk import SimpleRiskManager

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade.config import BotConfig
    from algo_trade.core.protocols import BookKind
    from algo_trade.hyperliquid.instruments import ListedInstrument
    from algo_trade.strategy import Needs, Runnable


def plan_of(config: BotConfig, listed: Sequence[ListedInstrument], needs: Needs, epoch: int) -> Plan:
    """Return what the trader of a bot is made of: on paper, with the exchange's fees, and messages that take no time."""
    book: BookKind = "l2" if needs.levels else "quote"
    return Plan(
        bot_id=config.bot_id,
        strategy=config.strategy,
        params=config.params,
        symbols=tuple(sorted(each.symbol for each in listed)),
        books={each.symbol: book for each in listed},
        capital=config.capital,
        risk=SimpleRiskManager(
            quantity=config.quantity, fraction=None if config.quantity is not None else config.fraction
        ),
        epoch=epoch,
        venue=VenueConfig(
            fees=HyperliquidFees(schedule="hyperliquid"),
            latency=ConstantLatency(entry_ns=0, response_ns=0),
            block_mode=False,
            leverage=config.leverage,
            instruments={each.symbol: _rules(each) for each in listed},
        ),
        is_paper=config.mode == "paper",
    )


def header_of(plan: Plan, strategy: Runnable) -> str:
    """Return the header of a journal: everything that a replay needs to make the same system again."""
    made = build(
        strategy,
        spec=plan.strategy,
        symbols=list(plan.symbols),
        data={},
        venue=plan.venue.model_dump(mode="json"),
        books=[plan.books[symbol] for symbol in plan.symbols],
        risk=risk_to_json(plan.risk),
        initial_capital=str(plan.capital),
        seed=0,
    )
    kind = "paper" if plan.is_paper else "live"
    return json.dumps({"kind": kind, "bot_id": plan.bot_id, "epoch": plan.epoch, "manifest": made})


def _rules(listed: ListedInstrument) -> InstrumentRules:
    tiers = tuple((tier.lower_bound, tier.max_leverage) for tier in listed.margin_tiers)
    return InstrumentRules(size_decimals=listed.size_decimals, min_notional=NOTIONAL_MIN, tiers=tiers or None)
