"""``algo-trade replay`` on the journal that a live bot left: what it saw and why it acted, and proof that it would do so again."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.bots.process import typed
from tests.bots.world import ask, strategy, until, world

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

JOURNAL = "state/journals/pulse/000001.journal"


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a live bot has traded and stopped."""
    folder = tmp_path_factory.mktemp("left")
    bot = {"bot_id": "pulse", "symbol": "BTC", "strategy": strategy(folder, "Pulse"), "mode": "live", "capital": 30_000}

    async def main() -> None:
        async with world(folder, bot) as it:
            await it.start("pulse")
            await until(lambda: len(ask(it.venue, "userFills", user=it.key.address)) > 3)
            await it.runner.registry.find("pulse").stop()

    asyncio.run(asyncio.wait_for(main(), 60))
    return folder


def replay(folder: Path, *words: str, journal: str = JOURNAL) -> subprocess.CompletedProcess[str]:
    return typed(folder, "replay", journal, *words)


def records(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_it_shows_what_the_bot_saw_and_what_it_asked_for_in_order(left: Path) -> None:
    what, _ = records(replay(left))
    assert what.startswith("pulse: Pulse (every_ms=100, size=0.01) on BTC, ")
    lines = records(replay(left, "--events"))
    assert f"{len(lines):,} records" in what
    words = [re.split(r"[({]", line, maxsplit=1)[0] for line in lines]
    assert {"Control", "Ticks", "Timer", "Command", "Fill", "Order"} <= set(words)
    assert lines[0].startswith("Control(Start ")
    assert (lines[-2][:13], lines[-1]) == ("Control(Stop ", "End"), "nothing is heard after the end"
    # What came before the first order is the timer that caused it.
    first = next(number for number, line in enumerate(lines) if line.startswith("Command(Submit"))
    assert [word for word in words[:first] if word != "Command"][-1] == "Timer"


def test_until_a_moment_it_shows_and_proves_that_part_alone(left: Path) -> None:
    lines = records(replay(left, "--events"))
    times = [int(found[1]) for line in lines if (found := re.search(r"Nanos\((\d+)\)", line))]
    # A time that people write has microseconds at most.
    middle = datetime.fromtimestamp((times[0] + times[-1]) // 2 // 1_000 / 1e6, UTC).isoformat()
    part = records(replay(left, "--events", "--until", middle))
    assert 1 < len(part) < len(lines)
    assert part == lines[: len(part)]
    done = orjson.loads(replay(left, "--verify", "--json", "--until", middle).stdout)
    assert done["identical"] is True
    assert done["events"] + done["commands"] == len(part)
    assert records(replay(left, "--events", "--until", "2020-01-31T12:00Z")) == []


def test_it_proves_that_the_bot_would_do_the_same_again(left: Path) -> None:
    (says,) = records(replay(left, "--verify"))
    assert re.fullmatch(r"identical: [\d,]+ events gave the same [\d,]+ commands, byte for byte", says)
    done = orjson.loads("".join(records(replay(left, "--verify", "--bot", "pulse", "--json"))))
    assert (done["bot_id"], done["strategy"], done["symbols"], done["identical"]) == ("pulse", "Pulse", ["BTC"], True)
    assert done["commands"] > 10


@pytest.mark.parametrize("word", ["--verify", "--events"])
def test_a_journal_that_was_changed_is_found_with_its_file_and_the_place(left: Path, word: str) -> None:
    whole = (left / JOURNAL).read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    for content, why in ((bytes(changed), "a wrong checksum"), (whole[:-5], "a frame is cut off")):
        (left / "changed.journal").write_bytes(content)
        done = replay(left, word, journal="changed.journal")
        assert done.returncode == 1
        found = re.fullmatch(
            rf"algo-trade: changed\.journal: the journal is damaged at byte (\d+): {why}; (\d+) records before it are whole\n",
            done.stderr,
        )
        assert found, done.stderr
        assert 0 < int(found[1]) < len(content)
        assert len(done.stdout.splitlines()) == (int(found[2]) if word == "--events" else 0)


def test_a_strategy_that_is_another_now_is_found_at_its_first_other_command(left: Path) -> None:
    source = left / "pulse.py"
    before = source.read_text()
    source.write_text(before.replace("self.number % 2", "self.number % 3"))
    try:
        done = replay(left, "--verify", "--json")
    finally:
        source.write_text(before)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match(
        rf"algo-trade: {JOURNAL}: the replay differs: record \d+, at .*Z: the journal has .*Sell", done.stderr
    )
