"""What recording costs: messages of 200 symbols into rows that are durable, on one core; and a recorder on a socket at the exchange's own rate.

`ALGO_TRADE_BENCH_MESSAGES` is how many messages are pushed (1,000,000), `ALGO_TRADE_BENCH_SECONDS` how long the socket speaks (10).
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import orjson
import pyarrow as pa
import pytest

from algo_trade._native import RecordBuffer
from algo_trade.recording import Recorder, RecordSettings
from algo_trade.storage.tiers.storage import TieredStorage

# It is a program of its own, too.
sys.path.append(str(Path(__file__).parent))
from market import KINDS, message

MESSAGES = int(os.environ.get("ALGO_TRADE_BENCH_MESSAGES", "1_000_000"))
SECONDS = int(os.environ.get("ALGO_TRADE_BENCH_SECONDS", "10"))
SYMBOLS = 200
# What Hyperliquid sends of 200 symbols, with twenty levels every five seconds, is below it on busy days.
RATE = 3_000
CHUNK = 100_000
TICKS = ["trades", "book", "quotes", "contexts"]
COINS = {f"C{number}": f"C{number}" for number in range(SYMBOLS)}


def chunk(number: int, now_ms: int) -> list[bytes]:
    """Return a second of messages, as the exchange sends them."""
    first = number * CHUNK + 1
    return [
        message(KINDS[each // SYMBOLS % len(KINDS)], f"C{each % SYMBOLS}", each, now_ms + each % CHUNK * 1_000 // CHUNK)
        for each in range(first, first + CHUNK)
    ]


def plainly(messages: list[bytes]) -> int:
    """Do what is written first: JSON into a list of rows of each kind, and that into a table. Nothing is exact, durable, or told once."""
    rows: dict[str, list[tuple[object, ...]]] = {"trades": [], "l2Book": [], "bbo": [], "activeAssetCtx": []}
    for text in messages:
        told = orjson.loads(text)
        channel, data = told["channel"], told["data"]
        if channel == "trades":
            rows[channel] += [(each["coin"], each["time"], each["px"], each["sz"], each["tid"]) for each in data]
        elif channel == "l2Book":
            rows[channel] += [
                (data["coin"], data["time"], level["px"], level["sz"], side)
                for side, levels in enumerate(data["levels"])
                for level in levels
            ]
        elif channel == "bbo":
            rows[channel] += [
                (data["coin"], data["time"], level["px"], level["sz"], side) for side, level in enumerate(data["bbo"])
            ]
        elif channel == "activeAssetCtx":
            ctx = data["ctx"]
            rows[channel].append((data["coin"], 0, ctx["markPx"], ctx["oraclePx"], 0))
    return sum(pa.table(list(zip(*each, strict=True)), names=list("abcde")).num_rows for each in rows.values())


def memory_mb() -> float:
    """Return what this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def test_messages_become_durable_rows(benchmark, tmp_path):
    # Of each second, an hour passes for what is kept in memory besides: nothing of the second before.
    hours = [time.time_ns()]
    storage = TieredStorage(
        tmp_path / "lake", f"sqlite:///{tmp_path}/warm.db", hot_for="1h", hot_bytes_max=1 << 27, clock=lambda: hours[0]
    )
    buffer = RecordBuffer(COINS, kinds=TICKS)
    begun_ms = time.time_ns() // 1_000_000
    spent = {"take": 0.0, "write": 0.0, "flush": 0.0, "cpu": 0.0, "wall": 0.0, "plainly": 0.0}
    memory: list[float] = []
    # Others have run in this process, too.
    before_mb = memory_mb()

    def second(number: int) -> None:
        messages = chunk(number, begun_ms + number * 1_000)
        wall, cpu = time.perf_counter(), time.process_time()
        for at, each in enumerate(messages):
            assert buffer.take(each, (begun_ms + number * 1_000) * 1_000_000 + at)
        taken = time.perf_counter()
        for kind, table in buffer.drain():
            storage.write(kind, pa.table(table), venue="hyperliquid")
        written = time.perf_counter()
        storage.flush()
        hours[0] += 3_600_000_000_000
        flushed = time.perf_counter()
        spent["take"] += taken - wall
        spent["write"] += written - taken
        spent["flush"] += flushed - written
        spent["wall"] += flushed - wall
        spent["cpu"] += time.process_time() - cpu
        memory.append(memory_mb())
        if number < 2:
            begun = time.perf_counter()
            plainly(messages)
            spent["plainly"] += (time.perf_counter() - begun) / 2

    def run() -> None:
        for number in range(MESSAGES // CHUNK):
            second(number)

    benchmark.pedantic(run, rounds=1, iterations=1)
    seconds = MESSAGES // CHUNK
    counts = buffer.counts
    assert counts["malformed"] == counts["not_kept"] == counts["repeated"] == 0
    storage.close()
    benchmark.extra_info |= {
        "messages_per_s": round(MESSAGES / spent["wall"]),
        "messages_per_cpu_s": round(MESSAGES / spent["cpu"]),
        "rows_per_s": round(counts["rows"] / spent["wall"]),
        "us_per_message_take": round(spent["take"] / MESSAGES * 1e6, 2),
        "us_per_message_write": round(spent["write"] / MESSAGES * 1e6, 2),
        "us_per_message_flush": round(spent["flush"] / MESSAGES * 1e6, 2),
        "memory_mb_second_half_over_first": round(max(memory[seconds // 2 :]) - max(memory[: max(1, seconds // 2)]), 1),
        "memory_mb_max": round(max(memory) - before_mb),
        "ratio_plain_tables": round(spent["plainly"] / (spent["wall"] / seconds), 2),
    }


def test_a_recorder_of_200_symbols(benchmark, tmp_path):
    pytest.importorskip("picows")

    async def record(port: int) -> tuple[float, int, int]:
        with TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/warm.db") as storage:
            recorder = Recorder(
                COINS,
                storage,
                kinds=[*TICKS, "bars"],
                url=f"ws://127.0.0.1:{port}",
                settings=RecordSettings(flush_every_s=1.0),
                random=Random(1),
            )
            stop = asyncio.Event()
            running = asyncio.create_task(recorder.run(stop))
            await asyncio.sleep(2)
            cpu, before = time.process_time(), recorder.status().messages
            await asyncio.sleep(SECONDS)
            spent = time.process_time() - cpu
            status = recorder.status()
            stop.set()
            await running
            assert status.malformed == status.not_kept == 0
            return spent, status.messages - before, status.rows

    def run() -> None:
        words = [sys.executable, "benches/market.py", str(SYMBOLS), str(RATE), str(SECONDS + 10)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                spent, messages, _ = asyncio.run(record(int(server.stdout.readline())))
            finally:
                server.kill()
        benchmark.extra_info["share_of_a_core"] = round(spent / SECONDS, 3)
        benchmark.extra_info["messages_per_s"] = round(messages / SECONDS)

    benchmark.pedantic(run, rounds=1, iterations=1)
