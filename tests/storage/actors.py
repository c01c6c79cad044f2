"""What other processes do in tests: `python -m tests.storage.actors NAME [[ARGUMENT, …], {OPTION: …}]`."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
import time
import warnings
from typing import Any

from algo_trade.errors import AlgoTradeError
from algo_trade.storage import DatabaseClient
from algo_trade.storage.kinds import SeriesId
from algo_trade.storage.schema import Migration, shipped
from algo_trade.storage.tiers.server import ServerWarm


def say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def hear() -> str:
    return await asyncio.to_thread(sys.stdin.readline)


def fork() -> int:
    with warnings.catch_warnings():
        # Newer Pythons warn of forks beside threads; the child does next to nothing.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


async def draw_epochs(url: str, name: str, count: int) -> None:
    """Draw epochs as fast as it goes, once told to."""
    async with DatabaseClient(url) as db:
        say("ready")
        await hear()
        for _ in range(count):
            say(await db.next_epoch(name))


async def write_on(url: str) -> None:
    """Write without end, saying what was acknowledged."""
    async with DatabaseClient(url) as db:
        number = 0
        while True:
            number += 1
            await db.put_value("grid", "last", {"number": number, "filler": "x" * 500})
            await db.audit("a", "b", "c", {"number": number})
            say([number, await db.next_epoch("grid")])


async def write_until_full(url: str, bytes_max: int) -> None:
    """Write until the disk (a limit to the size of files) is full, and say what was acknowledged and what was said then."""
    async with DatabaseClient(url) as db:
        await db.put_value("grid", "first", {"is": "kept"})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))
        for number in range(1_000):
            try:
                await db.put_value("grid", f"value {number}", {"filler": "x" * 20_000})
            except AlgoTradeError as error:
                say([number, type(error).__name__, str(error)])
                break
        try:
            say(await db.value("grid", "first"))
        except AlgoTradeError as error:
            say(str(error))


async def open_and_migrate(url: str, script: str) -> None:
    """Open with one migration more than the program has."""

    def more(dialect: Any) -> tuple[Migration, ...]:
        known = shipped(dialect)
        return (*known, Migration(known[-1].version + 1, script))

    say("ready")
    await hear()
    async with DatabaseClient(url, timeout_s=60, migrations=more):
        say("open")


async def hold_lease(url: str, name: str, *, takeover: bool = False, is_forked: bool = False, **options: Any) -> None:
    """Acquire a lease, say so, and say what is_held says whenever asked; `release` gives it up."""
    async with DatabaseClient(url, **options) as db:
        try:
            lease = await db.acquire_lease(name, f"actor {name}", takeover=takeover)
        except AlgoTradeError as error:
            say([type(error).__name__, str(error)])
            return
        if is_forked and fork() == 0:
            # A worker that outlives its parent.
            say(["forked", os.getpid(), lease.is_held()])
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            signal.pause()
        say(["held", lease.epoch])
        lost = asyncio.get_running_loop().create_task(lease.lost.wait())
        while (word := (await hear()).strip()) and word != "release":
            if word == "await lost":
                await lost
                say(["lost", lease.lost_because])
            elif word == "block":
                signal.pause()
            else:
                say([lease.is_held(), lease.lost.is_set(), lease.lost_because])
        lost.cancel()
        await lease.release()
        say(["released", lease.is_held(), lease.lost.is_set()])
        await hear()


async def take_and_wait(url: str, end_ns: int) -> None:
    """Take rows of a book, and never come to an end."""

    def take() -> None:
        warm = ServerWarm(url)
        warm.open()
        with warm.taking(SeriesId("book", "v", "BTC"), end_ns) as rows:
            say(rows.num_rows)
            time.sleep(60)

    await asyncio.to_thread(take)


ACTORS = {
    each.__name__: each
    for each in (draw_epochs, write_on, write_until_full, open_and_migrate, hold_lease, take_and_wait)
}

if __name__ == "__main__":
    actor: Any = ACTORS[sys.argv[1]]
    given, options = json.loads(sys.argv[2])
    asyncio.run(actor(*given, **options))
