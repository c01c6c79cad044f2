"""What was tested is what trades: a live run, a backtest of what it heard, and its journal say the same."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade._native import Journal
from algo_trade.backtest import JournalFile
from algo_trade.bots.run import BotRun
from algo_trade.execution.book import ConstantLatency
from algo_trade.strategy import load
from tests.bots.world import strategy, until, world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from algo_trade.core import Command, MarketEvent, Report

pytest.importorskip("picows", reason="needs the extra `live`")

SIGNALS = """
import algo_trade as at

class Signals(at.Strategy):
    every_ms = at.param(300, low=1)

    def on_start(self, ctx):
        self.last_ns = None
        self.number = 0

    def on_quote(self, ctx, quote):
        # By the market's time, and not at once: what came while the bot began is heard a little later than it came.
        if self.last_ns is None:
            self.last_ns = quote.time_ns
        if quote.time_ns - self.last_ns < at.ms(self.every_ms):
            return None
        self.last_ns = quote.time_ns
        self.number += 1
        # Its decisions depend on the market, to the last digit.
        if self.number % 5 == 0:
            return at.Signal.exit(quote.symbol)
        middle = (quote.bid_price + quote.ask_price) * 1000
        return at.Signal.long(quote.symbol) if int(middle) % 7 < 3 else at.Signal.short(quote.symbol)
"""

SUBMIT = re.compile(r"^Command\(Submit\(OrderEvent \{(.*)\}\)\)$")


class Heard:
    """What a bot heard, as data."""

    symbols = ("BTC",)
    books = {"BTC": "quote"}  # noqa: RUF012

    def __init__(self, messages: Sequence[tuple[list[MarketEvent], int]]) -> None:
        self._messages = messages

    def __iter__(self) -> Iterator[MarketEvent]:
        for events, _ in self._messages:
            yield from events


class Watched:
    """An execution handler that keeps which orders were asked for."""

    def __init__(self, inner: at.SimulatedExecutionHandler) -> None:
        self.inner = inner
        self.asked: list[tuple[Any, ...]] = []

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        return self.inner.on_market_event(event)

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        order = getattr(command, "order", None)
        if order is not None:
            self.asked.append((now_ns, order.side, order.quantity, order.kind))
        return self.inner.execute(command, now_ns)

    @property
    def next_time_ns(self) -> int | None:
        return self.inner.next_time_ns

    def on_time(self, now_ns: int) -> Sequence[Report]:
        return self.inner.on_time(now_ns)


def asked_in(path: Path) -> list[str]:
    """Return the orders that a journal says were asked for."""
    found: list[str] = []

    def line(text: str) -> None:
        if (match := SUBMIT.match(text)) is not None:
            found.append(match[1])

    Journal(path).dump(line)
    return found


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_backtest_of_what_a_bot_heard_asks_for_the_same_orders_at_the_same_moments(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[list[MarketEvent], int]] = []
    hear = BotRun.hear

    def tap(self: BotRun, events: list[MarketEvent], now_ns: int) -> None:
        if self._pending is None:
            heard.append((list(events), now_ns))
        hear(self, events, now_ns)

    monkeypatch.setattr(BotRun, "hear", tap)
    spec = strategy(tmp_path, "Signals", SIGNALS)
    bot = {"bot_id": "bot", "symbol": "BTC", "strategy": spec, "mode": mode, "quantity": "0.001", "capital": 50_000}

    async def main() -> list[Any]:
        async with world(tmp_path, bot) as it:
            await it.start("bot")
            journal = tmp_path / "state" / "journals" / "bot" / "000001.journal"
            await until(lambda: journal.exists() and journal.stat().st_size > 1_000)
            await until(lambda: len(asked_in(journal)) >= 12, within_s=40)
            await it.runner.registry.find("bot").stop()
            instrument = await it.runner.gateway.instrument("BTC")
            return [instrument.rules]

    rules = asyncio.run(asyncio.wait_for(main(), 90))
    (journal,) = (tmp_path / "state" / "journals" / "bot").glob("*.journal")
    replayed = JournalFile(journal).verify()
    written = asked_in(journal)
    assert replayed.commands >= len(written) >= 12

    config = at.VenueConfig(
        latency=ConstantLatency(entry_ns=0, response_ns=0),
        block_mode=False,
        instruments={"BTC": {"size_decimals": 5, "min_notional": "10"}},  # type: ignore[dict-item]
    )
    execution = Watched(
        at.SimulatedExecutionHandler(["BTC"], initial_capital=50_000, venue=config, books={"BTC": "quote"})
    )
    system = at.TradingSystem(
        Heard(heard),
        load(spec, {}),
        execution,
        at.SimpleRiskManager(quantity="0.001"),
        initial_capital=50_000,
        bot_id="bot",
        instruments=rules,
    )
    system.run()
    # An order decided at a moment is asked for at that moment: the local time of the message that led to it.
    again = [f"{now_ns}:{side}:{quantity}" for now_ns, side, quantity, _ in execution.asked]
    live = [f"{_number(text, 'time')}:{_side(text)}:{_number(text, 'quantity')}" for text in written]
    assert [each.split(":")[:2] for each in again[: len(live)]] == [each.split(":")[:2] for each in live]


def _number(text: str, field: str) -> str:
    match = re.search(rf"\b{field}: (?:\w+\()?(-?[\d.]+)", text)
    assert match is not None, text
    return match[1]


def _side(text: str) -> str:
    match = re.search(r"\bside: (\w+)", text)
    assert match is not None, text
    return match[1].lower()
