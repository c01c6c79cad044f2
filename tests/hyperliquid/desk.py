"""A trading system at the local venue: orders of a script or of a strategy go out, reports come in, as a live driver does it."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import algo_trade as at
from algo_trade._native import AccountEvent, ControlEvent, SigningKey, System, resolve_capital
from algo_trade.core import Context, FeedChange
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.hyperliquid import HyperliquidClient, HyperliquidConfig, LiveExecutionHandler, SessionSettings
from algo_trade.hyperliquid.settings import LimitSettings
from algo_trade.risk import SimpleRiskManager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from algo_trade.core import Command, MarketEvent
    from algo_trade.venue.testing import RunningVenue

PATIENCE_S = 30
SETTINGS = SessionSettings(
    opens_per_minute=10_000,
    sends_per_minute=100_000,
    ping_every_s=0.5,
    pong_within_s=1.0,
    answer_within_s=2.0,
    backoff_s=0.02,
    backoff_max_s=0.5,
    audit_every_s=2.0,
)


class Script(at.Strategy):
    """Does what it is told to at the next print, and keeps what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.wishes: list[Callable[[Context], object]] = []
        self.results: list[object] = []
        self.updates: list[at.OrderUpdate] = []
        self.fills: list[at.FillEvent] = []

    def on_trade(self, ctx: Context, trade: at.Trade) -> None:
        wishes, self.wishes = self.wishes, []
        self.results += [wish(ctx) for wish in wishes]

    def on_order(self, ctx: Context, update: at.OrderUpdate) -> None:
        self.updates.append(update)

    def on_fill(self, ctx: Context, fill: at.FillEvent) -> None:
        self.fills.append(fill)


class Desk:
    """A system around a handler. ``step`` gives it an event and carries out what it answers."""

    def __init__(
        self, handler: LiveExecutionHandler, client: HyperliquidClient, symbols: list[str], strategy: Any
    ) -> None:
        self.handler = handler
        self.client = client
        self.strategy = strategy
        self.changes: list[FeedChange] = []
        self.payments: list[AccountEvent] = []
        self.system = System(
            strategy_part(strategy),
            risk_part(SimpleRiskManager(quantity="0.01")),
            symbols=sorted(symbols),
            books=["quote" for _ in symbols],
            rules=[instrument.rules for symbol in symbols if (instrument := client.instruments.get(symbol))],
            initial_capital=resolve_capital(1_000_000),
            bot_id=secrets.token_hex(4),
        )
        self.clock_ns = 1
        self.carry_out(self.system.step(ControlEvent.start(self.now_ns())))

    def now_ns(self) -> int:
        """Return a moment after all others."""
        self.clock_ns = max(self.clock_ns + 1, self.handler._clock())
        return self.clock_ns

    def carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            assert self.handler.execute(command, self.now_ns()) == ()

    def step(self, event: MarketEvent) -> None:
        self.handler.on_market_event(event)
        self.carry_out(self.system.step(event))

    def do(self, *wishes: Callable[[Context], Any], symbol: str = "BTC") -> Any:
        """Let a script act, at the prices of now; return what the first wish gave."""
        self.strategy.wishes += wishes
        first = len(self.strategy.results)
        bid, ask = self.prices[symbol]
        self.step(at.Quote(symbol, self.now_ns(), bid_price=bid, bid_quantity=1, ask_price=ask, ask_quantity=1))
        self.step(at.Trade(symbol, self.now_ns(), price=ask, quantity=1))
        return self.strategy.results[first]

    async def look(self) -> None:
        """Learn the best prices."""
        self.prices = {}
        for symbol in self.handler._instruments:
            book = await self.client.info.book(symbol)
            assert book is not None
            bids, asks = book["levels"]
            self.prices[symbol] = (bids[0]["price"], asks[0]["price"])

    async def listen(self) -> None:
        """Take reports in, for ever."""
        async for report in self.handler.reports():
            if isinstance(report, FeedChange):
                self.changes.append(report)
                continue
            if isinstance(report, AccountEvent):
                self.payments.append(report)
            self.carry_out(self.system.step(report))

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)

    def statuses(self, cloid: str) -> list[str]:
        """Return what was told of an order, with reasons."""
        of = (update for update in self.strategy.updates if update.cloid == cloid)
        return [update.status + (f": {update.reason}" if update.reason else "") for update in of]

    def has_ended(self, cloid: str) -> bool:
        return any(
            update.cloid == cloid and update.status in {"filled", "cancelled"} for update in self.strategy.updates
        )

    def fills_of(self, cloid: str) -> list[at.FillEvent]:
        return [fill for fill in self.strategy.fills if fill.cloid == cloid]


@asynccontextmanager
async def desk(
    venue: RunningVenue,
    folder: Path,
    *,
    symbols: tuple[str, ...] = ("BTC",),
    strategy: Any = None,
    settings: SessionSettings = SETTINGS,
    notice: Callable[[Any], None] | None = None,
    **more: Any,
) -> AsyncIterator[Desk]:
    """Yield a desk with an account of its own, once its streams are live."""
    key = SigningKey("0x" + secrets.token_hex(32))
    config = HyperliquidConfig(
        **{
            "api_url": venue.url,
            "ws_url": venue.ws_url,
            "account_address": key.address,
            "state_dir": folder,
            "limits": LimitSettings(ip_weight_per_minute=1_000_000),
            **more,
        }
    )
    async with HyperliquidClient(config, key) as client:
        await client.info.clearinghouse_state(key.address)  # the faucet pays who is asked about
        coins = {symbol: symbol for symbol in symbols}
        async with LiveExecutionHandler(client, coins, settings=settings, notice=notice) as handler:
            made = Desk(handler, client, list(symbols), strategy or Script())
            listening = asyncio.create_task(made.listen())
            try:
                await made.until(lambda: handler.is_live)
                await made.look()
                yield made
            finally:
                listening.cancel()
