"""What a client costs that trades: the markets of 200 symbols through it, and an order from the bytes of a book to the bytes of a signed request."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import math
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from benches.test_hyperliquid_decode import book

import algo_trade as at
from algo_trade._native import (
    CancelOrder,
    ControlEvent,
    HyperliquidDecoder,
    ModifyOrder,
    SetTimer,
    SubmitOrder,
    System,
    TimerEvent,
    resolve_capital,
    signed_cancels,
    signed_orders,
)
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.hyperliquid import NewOrder, SessionSettings, SigningKey, Subscription
from algo_trade.hyperliquid.commands import Reach, new_order
from algo_trade.hyperliquid.instruments import ListedInstrument
from algo_trade.hyperliquid.stream import News, Overflow
from algo_trade.risk import SimpleRiskManager

uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

HERE = Path(__file__).parent
SYMBOLS, RATE, SECONDS = 200, 20_000, 90
# A million, or what a hurried person gives.
TICKS = int(os.environ.get("BENCH_TICKS", "1_000_000"))


@contextlib.contextmanager
def market():
    command = [sys.executable, str(HERE / "market.py"), str(SYMBOLS), str(RATE), str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"ws://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.terminate()


async def follow(url):
    """Take everything; return what came, what was sent, the part of a core that it took, and by how much memory grew."""
    coins = {f"C{number}": f"C{number}" for number in range(SYMBOLS)}
    got, sent = Counter(), {}

    async def nothing(_question):
        return b"[]"

    async with at.HyperliquidWebSocket(
        coins, url=url, fetch=nothing, random=random.Random(0), settings=SessionSettings(stale_after_s={})
    ) as socket:
        for coin in coins:
            for more in ({"kind": "l2Book", "is_fast": True}, {"kind": "bbo"}, {"kind": "trades"}):
                socket.subscribe(Subscription(coin=coin, **more))
            socket.subscribe(Subscription("candle", coin=coin, interval="1m"))
        begun = None
        async for event in socket:
            got[type(event).__name__] += 1
            if isinstance(event, at.hyperliquid.stream.History):
                got["Trade"] += len(event.trades)
            if isinstance(event, News) and event.channel == "unknown":
                sent = event.data
                break
            # Until then streams are opened, and what remembers the newest trades of each fills, and has its last size.
            if begun is None and got["Trade"] > RATE * SECONDS // 6:
                begun = (time.perf_counter(), time.process_time(), rss_kib())
        wall_s, processor_s = time.perf_counter() - begun[0], time.process_time() - begun[1]
        return got, sent, processor_s / wall_s, rss_kib() - begun[2]


def rss_kib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_the_markets_of_two_hundred_symbols(benchmark):
    found = []

    def run():
        with market() as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found.append(runner.run(follow(url)))

    benchmark.pedantic(run, rounds=1)
    got, _, core, grown_kib = found[0]
    assert not got[Overflow.__name__]
    # Trades are never passed over: one message in five is one.
    assert got["Trade"] == RATE * SECONDS // 5
    assert grown_kib < 2_048, "memory grows with what has gone by"
    benchmark.extra_info["part_of_a_core"] = round(core, 3)
    benchmark.extra_info["grown_mib"] = round(grown_kib / 1024, 2)
    benchmark.extra_info["books_told"] = got["BookSnapshot"]
    benchmark.extra_info["quotes_told"] = got["Quote"]


class Trader:
    """A market maker from bytes to bytes: decoder, book, strategy, risk, the exchange's rules, and the signature."""

    def __init__(self):
        self.key, self.reach = SigningKey("0x" + "01" * 32), Reach()
        self.listed = ListedInstrument(asset=0, coin="BTC", symbol="BTC", kind="perp", size_decimals=5)
        self.decoder = HyperliquidDecoder({"BTC": "BTC"})
        self.system = System(
            # It looks at every second book, and wants to quote anew nearly each time.
            strategy_part(at.MarketMakerStrategy(interval=10, tolerance=0)),
            risk_part(SimpleRiskManager(quantity="0.01")),
            symbols=["BTC"],
            books=["l2"],
            rules=[self.listed.rules],
            initial_capital=resolve_capital(1_000_000),
            bot_id="bench",
        )
        self.timers = []
        self.follow_up(self.system.step(ControlEvent.start(1)), 1)

    def tick(self, text, now_ns):
        """Take a message; return what the system wants, and when its orders and then its cancels were signed, if there were any."""
        (event,) = self.decoder.decode(text, now_ns)
        commands = self.system.step(event)
        while self.timers and self.timers[0][0] <= now_ns:
            commands += self.system.step(TimerEvent(now_ns, heapq.heappop(self.timers)[1]))
        return commands, *self.sign(commands, now_ns // 1_000_000)

    def sign(self, commands, nonce):
        wires, cancels = [], []
        for command in commands:
            if isinstance(command, SubmitOrder):
                order = new_order(command.order, self.listed, lambda: None, self.reach)
                if isinstance(order, NewOrder):
                    wires.append(order.wire(self.listed))
            elif isinstance(command, CancelOrder):
                cancels.append((0, command.cloid))
        if wires:
            signed_orders(self.key, wires, nonce)
        ordered_ns = time.perf_counter_ns()
        if cancels:
            signed_cancels(self.key, cancels, nonce)
        return (ordered_ns, time.perf_counter_ns()) if wires else (None, ordered_ns)

    def follow_up(self, commands, now_ns):
        """Answer as a venue would at which nobody else trades, and set timers."""
        for command in commands:
            update = None
            match command:
                case SetTimer():
                    heapq.heappush(self.timers, (command.time_ns, command.id))
                case SubmitOrder():
                    update = {"cloid": command.order.cloid, "status": "resting"}
                case ModifyOrder():
                    update = {"cloid": command.cloid, "status": "resting"}
                case CancelOrder():
                    update = {"cloid": command.cloid, "status": "cancelled", "reason": "requested"}
            if update is not None:
                self.follow_up(self.system.step(at.OrderUpdate("BTC", time=now_ns, **update)), now_ns)


def wandering(count, first_ms):
    """Return messages of a book whose price goes up and down by hundreds, so that quotes are soon off."""
    texts = []
    for k in range(count):
        moved_by = int(400 * math.sin(k * math.tau * 3 / count)) + 40 * (k % 3)
        text = re.sub(rb'"px":"([0-9]+)', lambda px, by=moved_by: b'"px":"%d' % (int(px[1]) + by), book(k))
        texts.append(re.sub(rb'"time":[0-9]+', b'"time":%d' % (first_ms + k), text))
    return texts


def test_from_a_tick_to_a_signed_order(benchmark):
    """The bytes of a book are there; the bytes of signed requests follow: two orders in one, and two cancels in another.

    One in two books makes the strategy look.
    """
    trader, first_ms = Trader(), 1_737_918_843_542
    texts = wandering(1_024, first_ms)
    idle_ns, order_ns, all_ns = [], [], []

    def run():
        for tick in range(TICKS):
            text, now_ns = texts[tick % len(texts)], (first_ms + 5 * tick) * 1_000_000
            begun = time.perf_counter_ns()
            commands, ordered, done = trader.tick(text, now_ns)
            if ordered is None:
                idle_ns.append(done - begun)
            else:
                order_ns.append(ordered - begun)
                all_ns.append(done - begun)
            trader.follow_up(commands, now_ns)

    benchmark.pedantic(run, rounds=1)
    assert len(order_ns) > TICKS // 10, "too few orders to speak of"
    for name, figures in (("no_order", idle_ns), ("tick_to_orders", order_ns), ("and_to_cancels", all_ns)):
        ranked = sorted(figures)
        benchmark.extra_info[f"{name}_us"] = {
            "count": len(ranked),
            "median": round(statistics.median(ranked) / 1_000, 2),
            "p99": round(ranked[int(len(ranked) * 0.99)] / 1_000, 1),
            "p99.9": round(ranked[int(len(ranked) * 0.999)] / 1_000, 1),
            "worst": round(ranked[-1] / 1_000, 1),
        }
