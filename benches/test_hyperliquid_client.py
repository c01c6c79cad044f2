"""What a client costs that trades: the markets of 200 symbols through it, and an order from the bytes of a book to the bytes of a signed request."""

from __future__ import annotations

import asyncio
import contextlib
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

import algo_trade as at
from algo_trade._native import ControlEvent, HyperliquidDecoder, SubmitOrder, System, resolve_capital, signed_orders
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.hyperliquid import NewOrder, SessionSettings, SigningKey, Subscription
from algo_trade.hyperliquid.commands import Reach, new_order
from algo_trade.hyperliquid.instruments import ListedInstrument
from algo_trade.hyperliquid.stream import News, Overflow
from algo_trade.risk import SimpleRiskManager
from test_hyperliquid_decode import book

uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

HERE = Path(__file__).parent
SYMBOLS, RATE, SECONDS = 200, 20_000, 15
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
            # The first seconds open streams and fill caches.
            if begun is None and got["Trade"] > RATE * 3 // 5:
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
    benchmark.extra_info["part_of_a_core"] = round(core, 3)
    benchmark.extra_info["grown_mib"] = round(grown_kib / 1024, 2)
    benchmark.extra_info["books_told"] = got["BookSnapshot"]
    benchmark.extra_info["quotes_told"] = got["Quote"]


def test_from_a_tick_to_a_signed_order(benchmark):
    """The bytes of a book are there; decoder, book, strategy, risk, instrument rules and signature follow, to the bytes of the request."""
    key, reach = SigningKey("0x" + "01" * 32), Reach()
    listed = ListedInstrument(asset=0, coin="BTC", symbol="BTC", kind="perp", size_decimals=5)
    system = System(
        strategy_part(at.MarketMakerStrategy()),
        risk_part(SimpleRiskManager(quantity="0.01")),
        symbols=["BTC"],
        books=["l2"],
        rules=[listed.rules],
        initial_capital=resolve_capital(1_000_000),
        bot_id="bench",
    )
    decoder = HyperliquidDecoder({"BTC": "BTC"})
    system.step(ControlEvent.start(1))
    first_ms = 1_737_918_843_542
    texts = [re.sub(rb'"time":[0-9]+', b'"time":%d' % (first_ms + k), book(k)) for k in range(1_024)]
    took_ns, orders_ns = [], []

    def trade(text, now_ns):
        begun = time.perf_counter_ns()
        (event,) = decoder.decode(text, now_ns)
        commands = system.step(event)
        wires = []
        for command in commands:
            if isinstance(command, SubmitOrder):
                order = new_order(command.order, listed, lambda: None, reach)
                if isinstance(order, NewOrder):
                    wires.append(order.wire(listed))
        if wires:
            signed_orders(key, wires, first_ms)
        done = time.perf_counter_ns() - begun
        took_ns.append(done)
        if wires:
            orders_ns.append(done)
        return commands

    def run():
        for tick in range(TICKS):
            now_ns = (first_ms + tick) * 1_000_000
            commands = trade(texts[tick % len(texts)], now_ns)
            # The venue takes each order and lets it go again, so that the strategy quotes anew.
            for command in commands:
                answer_to(system, command, now_ns)

    benchmark.pedantic(run, rounds=1)
    assert len(orders_ns) > TICKS // 100, "too few orders to speak of"
    for name, figures in (("tick", took_ns), ("tick_to_order", orders_ns)):
        ranked = sorted(figures)
        benchmark.extra_info[f"{name}_us"] = {
            "count": len(ranked),
            "median": round(statistics.median(ranked) / 1_000, 2),
            "p99": round(ranked[int(len(ranked) * 0.99)] / 1_000, 1),
            "p99.9": round(ranked[int(len(ranked) * 0.999)] / 1_000, 1),
            "worst": round(ranked[-1] / 1_000, 1),
        }


def answer_to(system, command, now_ns):
    """Answer a command as a venue would at which nobody trades."""
    kind = type(command).__name__
    update = None
    if kind == "SubmitOrder":
        update = at.OrderUpdate(command.order.symbol, cloid=command.order.cloid, status="resting", time=now_ns)
    elif kind == "ModifyOrder":
        update = at.OrderUpdate(command.symbol, cloid=command.cloid, status="resting", time=now_ns)
    elif kind == "CancelOrder":
        reason = {"status": "cancelled", "reason": "requested"}
        update = at.OrderUpdate(command.symbol, cloid=command.cloid, time=now_ns, **reason)
    if update is not None:
        for more in system.step(update):
            answer_to(system, more, now_ns)
