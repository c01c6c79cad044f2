"""What breaks beneath a whole runner: disk, store, clock, mailbox. No order leaves that is not safe, nothing rests that nobody looks after,
and what was right before is right again afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sqlite3
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from algo_trade._native import Journal, SigningKey
from algo_trade.api import ApiServer
from algo_trade.backtest import JournalFile
from algo_trade.bots.actor import MAILBOX_MAX
from algo_trade.config import ServerConfig
from algo_trade.errors import BotError, JournalError, MailboxFullError
from algo_trade.venue.testing import running_venue
from tests.bots.process import Process, typed, wait
from tests.bots.test_runner import held, pulse, trades
from tests.bots.world import LIMITS, World, ask, resting_bot, until, venue_positions, world
from tests.hyperliquid.desk import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade.venue.testing import RunningVenue
    from tests.storage.cluster import Cluster
    from tests.storage.kinds import ServerStore

pytest.importorskip("picows", reason="needs the extra `live`")


def venue() -> RunningVenue:
    return running_venue(seed=3, symbols=3, local={"block_ms": 10}, limits=LIMITS)


def fills(it: World) -> int:
    return len(ask(it.venue, "userFills", user=it.key.address))


def orders(it: World) -> set[tuple[str, int]]:
    """Return every order that the venue ever took: our id and its own."""
    rows = ask(it.venue, "historicalOrders", user=it.key.address)
    return {(row["order"]["cloid"], row["order"]["oid"]) for row in rows}


async def agrees(it: World, *bot_ids: str) -> None:
    """Wait until bots that are paused hold together what the venue says."""
    for bot_id in bot_ids:
        await it.runner.command(bot_id, "pause")
    await until(lambda: it.resting == [])
    await until(lambda: held(it, *bot_ids) == venue_positions(it.venue, it.key.address))
    taken = orders(it)
    assert len({cloid for cloid, _ in taken}) == len(taken), "no order twice"


def fill_up(folder: Path) -> Path:
    """Leave no room on a disk; return the file that takes it."""
    ballast = folder / "ballast"
    file = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while True:
            os.write(file, b"x" * 4_096)
    os.close(file)
    return ballast


def test_on_a_full_disk_no_order_leaves_and_nothing_rests_and_with_room_it_goes_on(
    tmp_path: Path, small_disk: Path
) -> None:
    async def main() -> None:
        key = SigningKey("0x" + "07" * 32)
        bots = [pulse(tmp_path, mode="live"), resting_bot(tmp_path)]
        tables: dict[str, Any] = {
            "storage": {"state_dir": small_disk, "strategies": tmp_path},
            "database": {"url": f"sqlite:///{small_disk}/state.db"},
        }
        with venue() as at:
            async with world(tmp_path, *bots, venue=at, key=key, **tables) as it:
                await it.start("pulse", "rests")
                await until(lambda: trades(it, "pulse")() and it.bot("rests")["open_orders"])
                ballast = fill_up(small_disk)
                await until(lambda: {it.bot(name)["state"] for name in ("pulse", "rests")} == {"error"})
                await until(lambda: it.resting == [])
                count = len(orders(it))
                # Whichever file is to grow first.
                (says,) = {it.bot(name)["error"] for name in ("pulse", "rests")}
                assert re.fullmatch(
                    rf"{small_disk}/journals: (redo\.[ab]|\w+/\d+\.journal): No space left on device \(os error 28\): nothing is written and "
                    "no order leaves any more; make room or mend the disk, then start the runner again",
                    says,
                )
                assert f"journals: {says}" in it.runner.unready()
                assert [line["event"] for line in it.told("journal.failed")] == [says]
                await asyncio.sleep(1.5)
                assert len(orders(it)) == count, "nothing has left since"
                assert it.told("bot.restart") == [], "what cannot help is not tried"
            ballast.unlink()
            async with world(tmp_path, *bots, venue=at, key=key, **tables) as it:
                await it.start("pulse", "rests")
                before = fills(it)
                await until(lambda: fills(it) > before and it.bot("rests")["open_orders"])
                await agrees(it, "pulse", "rests")

    asyncio.run(asyncio.wait_for(main(), 90))


def damage(path: Path, how: str) -> None:
    """Do to a journal what a disk may do, and to the log beside it, so that it cannot be mended from there."""
    whole = path.read_bytes()
    lines: list[str] = []
    Journal(path).dump(lines.append)
    before = next(number for number, line in enumerate(lines) if line.startswith("Command(Submit"))
    for log in path.parents[1].glob("redo.*"):
        log.write_bytes(b"")
    if how == "torn":
        path.write_bytes(whole[:-3])
        return
    # A flipped bit in what was written before the order.
    for place in range(len(whole) - 1, 0, -1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        count = 0

        def one(_: str) -> None:
            nonlocal count
            count += 1

        with contextlib.suppress(JournalError):
            Journal(path).dump(one)
        if count < before:
            return
    raise AssertionError("no place found")


@pytest.mark.parametrize("how", ["torn", "flipped"])
def test_a_journal_that_is_damaged_is_cut_there_and_told_and_what_it_does_not_know_rests_no_more(
    tmp_path: Path, how: str
) -> None:
    with venue() as at, Process(tmp_path, at, [resting_bot(tmp_path)]) as runner:
        runner.start()
        runner.ready()
        wait(lambda: len(runner.venue_orders()) == 1, what="it rests")
        (before,) = runner.venue_orders()
        wait(lambda: any("Resting" in line or "Open" in line for line in dumped(runner)), what="it is written")
        runner.kill()
        (journal,) = runner.journals()
        damage(journal, how)
        runner.start()
        runner.ready()
        (cut,) = told(runner, "journal.cut")
        assert cut.startswith(f"{journal.relative_to(tmp_path)}: the journal was damaged at byte ")
        if how == "torn":
            assert [order["cloid"] for order in runner.venue_orders()] == [before["cloid"]], "it is as it was"
        else:
            wait(
                lambda: [order["cloid"] != before["cloid"] for order in runner.venue_orders()] == [True],
                what="the old one is gone, and there is one in its place",
            )
        assert runner.end() == 0
        assert runner.venue_orders() == []
        assert JournalFile(journal).verify().commands > 0


def test_a_journal_that_was_removed_keeps_its_bot_from_starting_and_says_what_to_do(tmp_path: Path) -> None:
    async def main() -> None:
        with venue() as at:
            async with world(tmp_path, resting_bot(tmp_path), venue=at) as it:
                await it.start("rests")
                # What is kept of a run that was cut off.
                kept = await it.runner.store.value("rests", "run")
            assert kept is not None
            (journal,) = (tmp_path / "state" / "journals" / "rests").glob("*.journal")
            journal.unlink()
            async with world(tmp_path, resting_bot(tmp_path), venue=at) as it:
                await it.runner.store.put_value("rests", "run", kept)
                says = f"{journal}: the journal of the run that was cut off is gone: what rests owns is not known. Put it back"
                with pytest.raises(BotError, match=says):
                    await it.runner.registry.find("rests").start()
                assert it.resting == []

    asyncio.run(asyncio.wait_for(main(), 60))


def dumped(runner: Process) -> list[str]:
    lines: list[str] = []
    for path in runner.journals():
        with contextlib.suppress(JournalError):
            Journal(path).dump(lines.append)
    return lines


def told(runner: Process, kind: str) -> list[str]:
    lines = map(orjson.loads, (runner.folder / "log.json").read_bytes().splitlines())
    return [line["event"] for line in lines if line.get("kind") == kind]


def test_a_state_directory_that_cannot_be_written_is_named_at_the_start(tmp_path: Path, small_disk: Path) -> None:
    with venue() as at:
        storage = {"state_dir": str(small_disk / "state"), "strategies": str(tmp_path)}
        runner = Process(tmp_path, at, [resting_bot(tmp_path)], storage=storage)
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        done = typed(tmp_path, "run", "--json", HYPERLIQUID_PRIVATE_KEY=runner.secret)
        assert (done.returncode, done.stdout) == (1, "")
        (says,) = (line for line in done.stderr.splitlines() if line.startswith("algo-trade: "))
        assert str(small_disk / "state") in says
        assert "Read-only file system" in says
        assert "Traceback" not in done.stderr


def test_a_store_that_another_process_keeps_locked_is_waited_for_and_trading_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, pulse(tmp_path, "a", mode="live"), pulse(tmp_path, "b", mode="live")) as it:
            await it.start("a")
            await until(trades(it, "a"))
            with contextlib.closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                before = fills(it)
                starting = asyncio.create_task(it.runner.registry.find("b").start())
                await asyncio.sleep(2.0)
                await until(lambda: fills(it) > before)
                assert it.bot("a")["state"] == "running"
                assert not starting.done(), "a bot whose start cannot be kept does not start"
                other.execute("COMMIT")
            assert str((await starting).state) == "running"
            assert it.told("storage.failed") == []
            await it.runner.registry.find("a").stop()
            assert it.bot("a")["error"] is None

    asyncio.run(asyncio.wait_for(main(), 90))


def test_a_store_that_is_gone_ends_trading_with_nothing_left_resting_and_back_again_it_goes_on(
    tmp_path: Path, cluster: Cluster, server_store: ServerStore
) -> None:
    async def main() -> None:
        bots = [pulse(tmp_path, mode="live"), resting_bot(tmp_path)]
        async with world(tmp_path, *bots, database={"url": server_store.url}) as it:
            await it.start("pulse", "rests")
            await until(lambda: trades(it, "pulse")() and it.bot("rests")["open_orders"])
            await asyncio.to_thread(cluster.stop, at_once=True)
            try:
                # Without the store nobody knows whether another process has the bots by now.
                await until(lambda: {it.bot(name)["state"] for name in ("pulse", "rests")} == {"error"})
                assert (
                    "pulse: the store does not answer: soon another process might have it" in it.bot("pulse")["error"]
                )
                await until(lambda: it.resting == [], within_s=5)
                count = len(orders(it))
                await asyncio.sleep(1.0)
                assert len(orders(it)) == count, "nothing has left since"
            finally:
                await asyncio.to_thread(cluster.start)
            await until(lambda: it.bot("pulse")["is_live"] and it.bot("rests")["is_live"])
            before = fills(it)
            await until(lambda: fills(it) > before)
            await agrees(it, "pulse", "rests")
            assert len(it.told("bot.recovered")) == 2, "they went on where they were"

    asyncio.run(asyncio.wait_for(main(), 90))


def test_the_command_that_finds_a_mailbox_full_is_refused_and_those_before_it_are_done(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, resting_bot(tmp_path)) as it:
            await it.start("rests")
            await until(lambda: it.resting != [])
            api = ApiServer(it.runner, ServerConfig(port=0))
            stop = asyncio.Event()
            serving = asyncio.create_task(api.serve(stop))
            limits = httpx.Limits(max_connections=100)
            async with httpx.AsyncClient(base_url=api.address.url, timeout=30, limits=limits) as http:
                # It stops for as long as its orders do not go.
                await asyncio.to_thread(
                    it.venue.control, faults=[{"at": "request", "match": "cancelByCloid", "effect": "drop"}]
                )
                stopping = asyncio.create_task(http.put("/api/bots/rests/stop"))
                actor = it.runner.registry._actors["rests"]
                await until(lambda: actor.run is None)
                waiting = [asyncio.create_task(http.put("/api/bots/rests/stop")) for _ in range(MAILBOX_MAX)]
                await until(lambda: it.runner.registry.find("rests").status().mailbox == MAILBOX_MAX)
                with pytest.raises(MailboxFullError, match="rests: 32 commands wait in its mailbox already: try again"):
                    await it.runner.command("rests", "stop")
                refused = await http.put("/api/bots/rests/stop")
                problem = refused.json()
                assert (refused.status_code, problem["error"]) == (503, "MailboxFullError")
                assert "32 commands wait in its mailbox already" in problem["detail"]
                assert (await http.get("/api/bots/rests")).status_code == 200, "who only asks does not wait"
                killed = await http.post("/api/kill")
                assert killed.status_code == 200, "the kill switch needs no mailbox"
                await asyncio.to_thread(it.venue.control, faults=[])
                done = await asyncio.gather(stopping, *waiting)
                assert {answer.status_code for answer in done} == {200}
            assert it.resting == []
            stop.set()
            await serving
            api.close()

    asyncio.run(asyncio.wait_for(main(), 90))


class Wall:
    """The wall's clock, which somebody sets."""

    def __init__(self) -> None:
        self.off_ns = 0

    def __call__(self) -> int:
        return time.time_ns() + self.off_ns


def test_a_clock_that_is_set_back_stops_no_timer_hides_no_silence_and_doubles_no_order(tmp_path: Path) -> None:
    async def main() -> None:
        wall, hasty = Wall(), replace(SETTINGS, stale_after_s=dict.fromkeys(SETTINGS.stale_after_s, 2.0))
        async with world(tmp_path, pulse(tmp_path, mode="live"), clock=wall, settings=hasty) as it:
            await it.start("pulse")
            await until(trades(it, "pulse"))
            wall.off_ns = -60_000_000_000
            before = fills(it)
            # Its timers are what it trades by: they must not wait until the clock is where it was.
            await until(lambda: fills(it) > before + 4)
            for word, state in (("pause", "paused"), ("resume", "running")):
                assert (await it.runner.command("pulse", word)).state == state
            before = fills(it)
            await until(lambda: fills(it) > before)
            # Nor may it be believed for so long that a market is fresh which says nothing.
            it.venue.control(faults=[{"at": "push", "match": "bbo", "effect": "drop"}])
            await until(lambda: not it.bot("pulse")["is_live"])
            it.venue.control(faults=[])
            await until(lambda: it.bot("pulse")["is_live"])
            await agrees(it, "pulse")
            assert it.told("reconcile.difference") == []
            await it.runner.registry.find("pulse").stop()
            (journal,) = (tmp_path / "state" / "journals" / "pulse").glob("*.journal")
            assert JournalFile(journal).verify().commands > 10

    asyncio.run(asyncio.wait_for(main(), 90))
