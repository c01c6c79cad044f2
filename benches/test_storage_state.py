"""What the state store costs: asking whether a lease is held, before every order; a write and a read, beside aiosqlite."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

import algo_trade as at

aiosqlite = pytest.importorskip("aiosqlite", reason="aiosqlite is not installed")

CALLS = 500
PUT = "INSERT INTO bot_values VALUES ($1, $2, $3, $4) ON CONFLICT (bot_id, name) DO UPDATE SET value = excluded.value"
GET = "SELECT value FROM bot_values WHERE bot_id = $1 AND name = $2"


def value(number):
    """Return a value unlike the one before: SQLite writes nothing where nothing changes."""
    return {"equity": str(time.perf_counter_ns()), "filler": "x" * 100, "number": number}


async def put_and_get(db):
    for number in range(CALLS):
        await db.put_value("grid", str(number % 10), value(number))
    for number in range(CALLS):
        assert (await db.value("grid", str(number % 10)))["number"] % 10 == number % 10


async def put_and_get_with_aiosqlite(connection):
    """Do the same, without checks: the least that aiosqlite takes."""
    for number in range(CALLS):
        values = {
            "1": "grid",
            "2": str(number % 10),
            "3": json.dumps(value(number)),
            "4": "2025-11-25T08:00:00.000000+00:00",
        }
        await connection.execute_fetchall(PUT, values)
    for number in range(CALLS):
        ((found,),) = await connection.execute_fetchall(GET, {"1": "grid", "2": str(number % 10)})
        assert json.loads(found)["number"] % 10 == number % 10


def test_a_write_and_a_read_beside_aiosqlite(benchmark, tmp_path):
    with asyncio.Runner() as runner:
        db = runner.run(at.DatabaseClient(f"sqlite:///{tmp_path}/ours.db").__aenter__())
        benchmark.pedantic(lambda: runner.run(put_and_get(db)), rounds=5, warmup_rounds=1)
        runner.run(db.__aexit__(None, None, None))

        async def connect():
            connection = await aiosqlite.connect(tmp_path / "ours.db", isolation_level=None)
            await connection.execute("PRAGMA synchronous = FULL")
            return connection

        connection = runner.run(connect())
        took = []
        for _ in range(6):
            began = time.perf_counter()
            runner.run(put_and_get_with_aiosqlite(connection))
            took.append(time.perf_counter() - began)
        runner.run(connection.close())
    benchmark.extra_info["ratio_aiosqlite"] = sorted(took[1:])[2] / benchmark.stats.stats.median


def test_asking_whether_a_lease_is_held(benchmark, tmp_path):
    with asyncio.Runner() as runner:
        db = runner.run(at.DatabaseClient(f"sqlite:///{tmp_path}/x.db").__aenter__())
        lease = runner.run(db.acquire_lease("grid", "bench"))
        assert benchmark(lease.is_held)
        runner.run(db.__aexit__(None, None, None))
