"""Strategies that are not trusted, in a process each: whatever one does ends that bot alone, and the others trade on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import Journal
from algo_trade.backtest import JournalFile
from algo_trade.bots import BotState
from algo_trade.venue.testing import running_venue
from tests.bots.process import Process, wait
from tests.bots.world import LIMITS, PULSE, World, rests, strategy, until, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytest.importorskip("picows", reason="needs the extra `live`")

DEADLINE_S = 1.0


def pulse(folder: Path, bot_id: str, **more: Any) -> dict[str, Any]:
    spec = strategy(folder, "Pulse")
    return {
        "bot_id": bot_id,
        "symbols": ["BTC", "ETH"],
        "strategy": spec,
        "capital": 30_000,
        "isolation": "process",
        **more,
    }


def run(folder: Path, scenario: Callable[[World], Awaitable[None]], *bots: dict[str, Any], **tables: Any) -> None:
    async def main() -> None:
        async with world(folder, *bots, **tables) as it:
            await scenario(it)

    asyncio.run(asyncio.wait_for(main(), 90))


def workers(parent: int | None = None) -> list[int]:
    """Return the processes of strategies that a process has started, those that nobody waits for among them."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                words = (each / "cmdline").read_bytes().split(b"\0")
                status = (each / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if b"algo_trade.bots.worker" in words and words[words.index(b"algo_trade.bots.worker") + 2] == b"%d" % (
                parent or os.getpid()
            ):
                assert status[0] != "Z", "a zombie has no command line"
                found.append(int(each.name))
    return found


@pytest.mark.parametrize(
    ("does", "error"),
    [
        (
            "while True: pass",
            "the strategy has been thinking for 1 s about one event (deadline_s): its process was killed",
        ),
        # One that holds the lock of the interpreter would stop every thread.
        ("import re; re.match('(a+)+$', 'a' * 60 + 'b')", "the strategy has been thinking for 1 s"),
        ("import os; os._exit(3)", "the strategy's process ended by itself, with exit code 3"),
        ("import ctypes; ctypes.string_at(0)", "the strategy's process was ended by SIGSEGV (Segmentation fault)"),
        ("import os; os.kill(os.getpid(), 9)", "the strategy's process was ended by SIGKILL (Killed)"),
        ("import os; os.abort()", "the strategy's process was ended by SIGABRT (Aborted)"),
        ("self.kept = [bytearray(1 << 26) for _ in range(1_000)]", "Bad.on_order failed at "),
        ("raise ValueError('no idea')", "ValueError: no idea (bad.py, line 21)"),
        ("import os, sys; os.write(int(sys.argv[1]), b'x' * 100)", "does not keep to the protocol: a message of "),
        ("import os, sys; os.close(int(sys.argv[1]))", "the strategy's process ended by itself, with exit code 1"),
        ("import threading, os; threading.Timer(0.3, os._exit, [5]).start()", "exit code 5"),
    ],
)
def test_whatever_a_strategy_does_ends_that_bot_alone_and_its_orders_are_cancelled(
    tmp_path: Path, does: str, error: str
) -> None:
    async def scenario(it: World) -> None:
        await it.start("good")
        bad = it.runner.registry.find("bad")
        await bad.start()
        await until(lambda: it.bot("bad")["state"] == "error")
        assert error in it.bot("bad")["error"]
        await until(lambda: "SOL" not in {order["coin"] for order in it.resting})
        beat = it.bot("good")["last_heartbeat"]
        await until(lambda: it.bot("good")["last_heartbeat"] != beat)
        assert it.bot("good")["state"] == "running"
        assert (await bad.stop()).state is BotState.STOPPED
        assert len(workers()) == 1, "of the good one"

    bad = {
        "bot_id": "bad",
        "symbol": "SOL",
        "strategy": strategy(tmp_path, "Bad", rests("Bad", does)),
        "mode": "live",
        "deadline_s": DEADLINE_S,
        "isolation": "process",
        "memory_mb": 512,
    }
    run(tmp_path, scenario, pulse(tmp_path, "good", mode="live"), bad)
    assert workers() == []


def test_a_strategy_that_is_not_trusted_is_never_loaded_into_the_runner(tmp_path: Path) -> None:
    source = "import sys\nassert 'algo_trade.bots.runner' not in sys.modules\n" + PULSE

    async def scenario(it: World) -> None:
        await it.start("apart")
        await until(lambda: it.bot("apart")["positions"] != [])
        assert "algo_trade_strategy_secretive" not in sys.modules

    spec = strategy(tmp_path, "Secretive", source.replace("class Pulse", "class Secretive"))
    run(tmp_path, scenario, {**pulse(tmp_path, "apart"), "strategy": spec})


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_bot_in_a_process_is_paused_resumed_changed_and_stopped_as_any_other(tmp_path: Path, mode: str) -> None:
    async def scenario(it: World) -> None:
        handle = it.runner.registry.find("apart")
        await it.start("apart")
        (first,) = workers()
        await until(lambda: it.bot("apart")["positions"] != [])
        assert (await handle.pause()).state is BotState.PAUSED
        await until(lambda: it.bot("apart")["open_orders"] == 0)
        assert (await handle.resume()).state is BotState.RUNNING
        await until(lambda: it.bot("apart")["open_orders"] > 0)
        changed = handle.config.model_copy(update={"params": {"every_ms": 50}})
        await handle.update(changed)
        await until(lambda: it.bot("apart")["is_live"])
        (second,) = workers()
        assert second != first, "other parameters are another process"
        await until(lambda: it.bot("apart")["open_orders"] > 0)
        assert (await handle.stop()).state is BotState.STOPPED
        assert workers() == []
        assert it.bot("apart")["error"] is None
        assert it.resting == []
        await it.start("apart")
        assert len(workers()) == 1

    run(tmp_path, scenario, pulse(tmp_path, "apart", mode=mode))
    assert workers() == []
    for path in (tmp_path / "state" / "journals" / "apart").glob("*.journal"):
        assert JournalFile(path).verify().events > 0


def test_a_stop_during_its_start_leaves_no_process(tmp_path: Path) -> None:
    async def scenario(it: World) -> None:
        handle = it.runner.registry.find("apart")
        starting = asyncio.create_task(handle.start())
        await until(lambda: workers() != [])
        assert (await handle.stop()).state is BotState.STOPPED
        await asyncio.wait({starting})
        assert workers() == []

    run(tmp_path, scenario, pulse(tmp_path, "apart"))


def test_processes_go_with_a_runner_that_is_killed_and_bots_go_on_after_it(tmp_path: Path) -> None:
    hangs = rests("Bad", "import re; re.match('(a+)+$', 'a' * 60 + 'b')")
    bots = [
        pulse(tmp_path, "live", mode="live"),
        pulse(tmp_path, "paper"),
        {**pulse(tmp_path, "hangs"), "strategy": strategy(tmp_path, "Bad", hangs), "deadline_s": 60},
    ]
    with (
        running_venue(seed=5, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue,
        Process(tmp_path, venue, bots) as runner,
    ):
        runner.start()
        runner.ready()
        assert runner.process is not None
        pid = runner.process.pid
        assert len(workers(pid)) == 3
        wait(lambda: runner.bots()["live"]["positions"] and runner.bots()["paper"]["positions"])
        runner.kill()
        wait(lambda: workers(pid) == [], within_s=5, what="no process is left, not even one that hangs")
        runner.start()
        wait(lambda: runner.bots()["live"]["is_live"] and runner.bots()["paper"]["is_live"])
        told = (tmp_path / "log.json").read_text()
        assert told.count('"bot.recovered"') >= 2
        cloids = {fill["cloid"] for fill in runner.venue_fills()}
        wait(lambda: {fill["cloid"] for fill in runner.venue_fills()} > cloids, what="it trades on")
        runner("POST", "/api/kill", {"flatten": False})
        wait(lambda: runner.venue_orders() == [], what="nothing rests")
        wait(lambda: runner.holds_together() == runner.venue_holds(), what="positions agree")
        written = runner.fills_in_journals()
        assert {key: count for key, count in written.items() if count > 1} == {}
        assert runner.end() == 0
        for path in runner.journals():
            if path.parent.name != "hangs":
                assert JournalFile(path).verify().events > 0


def test_a_journal_of_a_bot_in_ours_is_gone_on_with_in_a_process(tmp_path: Path) -> None:
    """A process that dies is the same to the journal, wherever its strategy was."""
    with running_venue(seed=5, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue:
        with Process(tmp_path, venue, [pulse(tmp_path, "bot", isolation="thread")]) as runner:
            runner.start()
            wait(lambda: runner.bots()["bot"]["positions"])
            runner.kill()
        with Process(tmp_path, venue, [pulse(tmp_path, "bot")]) as runner:
            runner.start()
            wait(lambda: runner.bots()["bot"]["is_live"])
            assert '"bot.recovered"' in (tmp_path / "log.json").read_text()
            assert runner.end(signal.SIGTERM) == 0
    (path,) = runner.journals()
    lines: list[str] = []
    Journal(path).dump(lines.append)
    assert any("Takeover" in line for line in lines)
    assert JournalFile(path).verify().commands > 0


# A runner is made to look as one that anybody started: root may look into everything.
PEEK = """
import ctypes, os, sys
from algo_trade.cli.run import keep_out

libc = ctypes.CDLL(None)
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
    libc.prctl(4, 1, 0, 0, 0)  # as a process is that was begun by that user

def peek():
    reader, writer = os.pipe()
    if os.fork() == 0:
        found = []
        for name in ("environ", "mem"):
            try:
                with open(f"/proc/{os.getppid()}/{name}", "rb") as file:
                    found.append("read" if name == "mem" or b"0xsecret" in file.read() else "empty")
            except OSError as error:
                found.append(type(error).__name__)
        os.write(writer, " ".join(found).encode())
        os._exit(0)
    os.wait()
    return os.read(reader, 100).decode()

print(peek())
keep_out()
print(peek())
"""


def test_nobody_of_the_same_user_sees_the_key_in_a_runner() -> None:
    environment = {**os.environ, "HYPERLIQUID_PRIVATE_KEY": "0xsecret"}
    done = subprocess.run(
        [sys.executable, "-c", PEEK], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    before, after = done.stdout.splitlines()
    assert before.startswith("read"), f"without it anybody could: {done.stderr}"
    assert after == "PermissionError PermissionError"


@pytest.mark.parametrize("name", ["rsi", "market_maker"])
def test_what_is_built_in_needs_no_process(name: str) -> None:
    from algo_trade.config import BotConfig

    with pytest.raises(
        ValueError, match=f"isolation = 'process' is for strategies of a file or module: {name} is built in"
    ):
        BotConfig(bot_id="x", symbols=("BTC",), strategy=name, isolation="process")
