"""What a runner costs: 300 bots on 200 symbols at 20,000 messages a second, and twenty that have little to do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from algo_trade._native import CancelOrder, ModifyOrder, OrderUpdate, SubmitOrder
from algo_trade.bots import Runner
from algo_trade.bots.pauses import settle
from algo_trade.config import AppConfig
from algo_trade.core import FeedChange

uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

HERE = Path(__file__).parent
# A thousand streams are allowed: five for each of a hundred symbols with books, four or three for the others.
SYMBOLS, WITH_BOOKS, RATE = 200, 100, 20_000
SECONDS = int(os.environ.get("BENCH_SECONDS", "60"))
BOTS = 300
MiB = 1 << 20


@contextlib.contextmanager
def market(rate, seconds, symbols=SYMBOLS):
    command = [sys.executable, str(HERE / "market.py"), str(symbols), str(rate), str(seconds), str(WITH_BOOKS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


class Desk:
    """An account's desk with an exchange behind it that takes everything at once: what it costs to ask is measured, not what the exchange does."""

    def __init__(self):
        self.commands = 0

    def join(self, trader):
        trader.account_changed(FeedChange("", is_live=True, reason="", time_ns=0))

    def leave(self, trader): ...

    async def cancel_orphans(self, tag): ...

    def on_market_event(self, event): ...

    def execute(self, trader, commands):
        for command in commands:
            match command:
                case SubmitOrder():
                    order, answer = command.order, {"status": "resting"}
                case ModifyOrder():
                    order, answer = command, {"status": "resting"}
                case CancelOrder():
                    order, answer = command, {"status": "cancelled", "reason": "requested"}
                case _:
                    continue
            self.commands += 1
            news = OrderUpdate(order.symbol, cloid=order.cloid, time=time.time_ns(), oid=self.commands, **answer)
            asyncio.get_running_loop().call_soon(trader.told, news)

    async def quiet(self, trader, *, within_s):
        return True


def rss_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MiB


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))]


def bots(count, mode):
    made = []
    for number in range(count):
        symbol = f"C{number if number < WITH_BOOKS else (number - WITH_BOOKS) % SYMBOLS}"
        if number < WITH_BOOKS:
            strategy = {"strategy": "market_maker", "params": {"quantity": "0.01", "interval": 1000}}
        else:
            strategy = {"strategy": "ma_crossover", "warm_up": 0}
        made.append({"bot_id": f"b{number}", "symbol": symbol, "mode": mode, "capital": 1_000_000, **strategy})
    return made


@contextlib.asynccontextmanager
async def running(address, folder, made):
    config = AppConfig.model_validate(
        {
            "hyperliquid": {
                "api_url": f"http://{address}",
                "ws_url": f"ws://{address}/",
                "account_address": "0x" + "ab" * 20,
            },
            "database": {"url": f"sqlite:///{folder}/state.db"},
            "storage": {"state_dir": f"{folder}/state"},
            "telemetry": {"log_level": "warning", "log_file": f"{folder}/log.json"},
            "bots": made,
        }
    )
    async with Runner(config) as runner:
        yield runner


def test_three_hundred_bots_on_two_hundred_symbols(benchmark):
    desk, lags, sizes, took_s = Desk(), [], [], []

    async def main():
        with market(RATE, SECONDS + 20) as address, tempfile.TemporaryDirectory() as folder:
            async with running(address, folder, bots(BOTS, "live")) as runner:

                async def account(_address):
                    return desk

                runner.gateway.account = account
                runner.telemetry.metrics.tick_to_order = took_s.append
                await asyncio.gather(*(handle.start() for handle in runner.registry.all()))
                await asyncio.sleep(10)  # as long as it takes until all of it is warm
                settle()
                took_s.clear()
                began_s, cpu_s = time.monotonic(), time.process_time()
                while time.monotonic() - began_s < SECONDS:
                    due_s = time.perf_counter() + 0.02
                    await asyncio.sleep(0.02)
                    lags.append(time.perf_counter() - due_s)
                    if len(lags) % 50 == 0:
                        sizes.append(rss_mib())
                took = time.process_time() - cpu_s
                states = {handle.state for handle in runner.registry.all()}
                # The list goes on: three hundred bots that end at once are another matter.
                return took / (time.monotonic() - began_s), states, [each * 1e3 for each in took_s]

    core, states, took_ms = benchmark.pedantic(lambda: uvloop.run(main()), rounds=1, iterations=1)
    report = {
        "part_of_a_core": round(core, 3),
        "orders_and_changes": desk.commands,
        "tick_to_order_ms": {"median": round(quantile(took_ms, 0.5), 3), "p99": round(quantile(took_ms, 0.99), 3)},
        "loop_lag_ms": {"p99": round(quantile(lags, 0.99) * 1e3, 3), "worst": round(max(lags) * 1e3, 3)},
        "rss_mib": round(sizes[-1], 1),
        "grown_mib": round(sizes[-1] - sizes[len(sizes) // 2], 1),
    }
    benchmark.extra_info.update(report)
    print(report)
    assert {str(state) for state in states} == {"running"}
    assert desk.commands > 1_000, "they have quoted"


def test_an_idle_runner(benchmark):
    async def main():
        # Every symbol says something once a second.
        with market(20, SECONDS + 20, symbols=20) as address, tempfile.TemporaryDirectory() as folder:
            async with running(address, folder, bots(20, "paper")) as runner:
                await asyncio.gather(*(handle.start() for handle in runner.registry.all()))
                await asyncio.sleep(5)
                began_s, cpu_s = time.monotonic(), time.process_time()
                await asyncio.sleep(min(SECONDS, 20))
                return (time.process_time() - cpu_s) / (time.monotonic() - began_s)

    core = benchmark.pedantic(lambda: uvloop.run(main()), rounds=1, iterations=1)
    report = {"part_of_a_core": round(core, 4), "rss_mib": round(rss_mib(), 1)}
    benchmark.extra_info.update(report)
    print(report)
