"""What journals cost a live runner: records a second through one redo log, from an order to its being durable, and the way back after a restart.

What a disk takes to make something durable depends on the disk: the times beside each other are of the same one.
"""

from __future__ import annotations

import os
import select
import statistics
import time

import pytest

import algo_trade as at
from algo_trade._native import ControlEvent, JournalStore, JournalWriter, SubmitOrder, System, resolve_capital
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.risk import SimpleRiskManager

BOTS = 300
MINUTE = 60_000_000_000
# Ten million, or what a hurried person gives.
RECORDS = int(os.environ.get("BENCH_RECORDS", "10_000_000"))
ORDERS = int(os.environ.get("BENCH_ORDERS", "2_000"))


def system(journal=None, strategy=("ma_crossover", {}), number=0):
    return System(
        strategy,
        risk_part(SimpleRiskManager(quantity="0.01")),
        symbols=["BTC"],
        rules=[],
        initial_capital=resolve_capital(1_000_000),
        bot_id=f"bot{number}",
        journal=journal,
    )


def bars(first, count):
    """Return minute bars whose averages cross again and again."""
    closes = [f"{60_000 + (k * 7_919) % 613 + (k // 40 % 2) * 500}.5" for k in range(first, first + count)]
    return [
        at.Bar("BTC", k * MINUTE, (k + 1) * MINUTE, close, close, close, close, 10)
        for k, close in enumerate(closes, first)
    ]


def wait_for(store, ticket):
    while store.durable < ticket:
        select.select([store], [], [], 10)
        store.drain()
        assert store.failure is None


def show(benchmark, **figures):
    for name, figure in figures.items():
        benchmark.extra_info[name] = figure
        print(f"{name}: {figure}")


def spread(seconds):
    ranked = sorted(seconds)
    return {
        "count": len(ranked),
        "median": round(statistics.median(ranked) * 1e6, 1),
        "p99": round(ranked[int(len(ranked) * 0.99)] * 1e6, 1),
        "worst": round(ranked[-1] * 1e6, 1),
    }


def test_records_of_three_hundred_bots(benchmark, tmp_path):
    """Every bot takes fifty bars, then one commit for all: as fast as they can be stepped."""
    store = JournalStore(tmp_path)
    systems = [system(store.create(f"b{bot}/000001", "{}"), number=bot) for bot in range(BOTS)]
    chunks, records, seconds = [bars(50 * k, 50) for k in range(200)], 0, []

    def run():
        nonlocal records
        begun = time.perf_counter()
        for chunk in chunks:
            for bot in systems:
                records += len(chunk) + len(bot.step(chunk))
            ticket = store.commit()
        wait_for(store, ticket)
        seconds.append(time.perf_counter() - begun)

    benchmark.pedantic(run, rounds=1)
    store.close()
    written = sum(path.stat().st_size for path in tmp_path.glob("*/*.journal"))
    show(
        benchmark,
        records=records,
        records_a_second=round(records / seconds[0]),
        bytes_a_record=round(written / records, 1),
        mib_a_second=round(written / seconds[0] / 2**20, 1),
    )


class Buys(at.Strategy):
    def on_bar(self, ctx, bar):
        for order in ctx.orders("BTC").open:
            ctx.cancel(order.cloid)
        ctx.buy("BTC", price=bar.close)


@pytest.mark.parametrize("bots", [1, BOTS])
def test_from_an_order_to_its_being_durable(benchmark, tmp_path, bots):
    """A price comes, a bot orders, and waits; the others have something to write too. Beside it: a file synced for each of them."""
    store = JournalStore(tmp_path / "store")
    systems = [system(store.create(f"b{bot}/000001", "{}"), number=bot) for bot in range(1, bots)]
    trader = system(store.create("b0/000001", "{}"), strategy_part(Buys()))
    durable, ticks = [], bars(0, ORDERS)

    def run():
        for tick in ticks:
            for bot in systems:
                bot.step(tick)
            begun = time.perf_counter()
            assert isinstance(trader.step(tick)[-1], SubmitOrder)
            wait_for(store, store.commit())
            durable.append(time.perf_counter() - begun)

    benchmark.pedantic(run, rounds=1)
    store.close()
    show(benchmark, to_durable_us=spread(durable))
    files = [os.open(tmp_path / f"{bot}", os.O_WRONLY | os.O_CREAT) for bot in range(bots)]
    alone = []
    for _ in range(max(20, min(ORDERS, 4_000 // bots))):
        begun = time.perf_counter()
        for file in files:
            os.write(file, b"x" * 60)
            os.fdatasync(file)
        alone.append(time.perf_counter() - begun)
    show(benchmark, a_sync_for_each_file_us=spread(alone))
    benchmark.extra_info["ratio_sync_for_each_file"] = statistics.median(alone) / statistics.median(durable)


def test_recovery(benchmark, tmp_path):
    """A fresh system is brought to where a journal ends, and the journal looked through to go on with it."""
    journal = JournalWriter(tmp_path / "one.journal", "{}")
    writer, records = system(journal), 1
    writer.step(ControlEvent.start(0))
    first = 0
    while records < RECORDS:
        records += 10_000 + len(writer.step(bars(first, 10_000)))
        first += 10_000
    journal.close()
    fresh = system()
    benchmark.pedantic(fresh.recover, args=(tmp_path / "one.journal",), rounds=1)
    assert fresh.account() == writer.account()
    recovery_s = benchmark.stats.stats.median
    begun = time.perf_counter()
    store = JournalStore(tmp_path)
    assert store.resume("one").cut is None
    resumed_s = time.perf_counter() - begun
    store.close()
    show(
        benchmark,
        records=records,
        recovery_s=round(recovery_s, 2),
        records_a_second=round(records / recovery_s),
        resumed_in_s=round(resumed_s, 2),
        mib=(tmp_path / "one.journal").stat().st_size >> 20,
    )
