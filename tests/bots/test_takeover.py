"""One bot, two runners: the second is refused, and after a forced takeover the first sends nothing more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import SigningKey
from algo_trade.bots import Runner
from algo_trade.errors import BotError, JournalError
from algo_trade.venue.testing import running_venue
from tests.bots.world import LIMITS, World, ask, config_of, strategy, until, venue_positions
from tests.hyperliquid.desk import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade.venue.testing import RunningVenue

pytest.importorskip("picows", reason="needs the extra `live`")


def runner_of(venue: RunningVenue, folder: Path, key: SigningKey, name: str, bots: list[dict[str, Any]]) -> Runner:
    """Make a runner with files of its own, and the store that all share. Nonces of one key come from one process."""
    own = folder / name
    own.mkdir(exist_ok=True)
    config = config_of(
        venue,
        own,
        key,
        *bots,
        database={"url": f"sqlite:///{folder / 'state.db'}"},
    )
    return Runner(config, key, settings=SETTINGS)


def pulse(folder: Path) -> dict[str, Any]:
    return {
        "bot_id": "pulse",
        "symbol": "BTC",
        "strategy": strategy(folder, "Pulse"),
        "mode": "live",
        "capital": 50_000,
    }


def test_a_second_runner_is_refused_and_after_a_takeover_the_first_is_fenced(tmp_path: Path) -> None:
    async def main() -> None:
        key, other = (SigningKey("0x" + f"{number:064x}") for number in (11, 12))
        with running_venue(seed=3, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue:
            for each in (key, other):
                ask(venue, "clearinghouseState", user=each.address)
            bots = [pulse(tmp_path)]
            async with (
                runner_of(venue, tmp_path, key, "first", bots) as first,
                runner_of(venue, tmp_path, other, "second", bots) as second,
            ):
                one, two = (
                    World(venue, key, first, tmp_path / "first"),
                    World(venue, other, second, tmp_path / "second"),
                )
                await one.start("pulse")
                await until(lambda: one.resting)
                with pytest.raises(BotError, match="is held by a runner"):
                    await second.registry.find("pulse").start()
                await second.registry.find("pulse").start(takeover=True)
                await until(lambda: one.bot("pulse")["state"] == "error", within_s=10)
                assert "another" in one.bot("pulse")["error"]
                # What the first left at its venue account stays as it is: nobody sends for it any more.
                await asyncio.sleep(0.5)
                fills = len(ask(venue, "userFills", user=key.address))
                await asyncio.sleep(1.0)
                assert len(ask(venue, "userFills", user=key.address)) == fills or one.resting
                await until(lambda: two.bot("pulse")["is_live"])
                await until(lambda: venue_positions(venue, other.address) != {})

    asyncio.run(asyncio.wait_for(main(), 90))


def test_two_runners_do_not_write_their_journals_into_one_folder(tmp_path: Path) -> None:
    async def main() -> None:
        key = SigningKey("0x" + f"{11:064x}")
        with running_venue(seed=3, symbols=2) as venue:
            async with runner_of(venue, tmp_path, key, "same", []):
                with pytest.raises(JournalError, match=r"process \d+ writes its journals there"):
                    async with runner_of(venue, tmp_path, key, "same", []):
                        pass
            async with runner_of(venue, tmp_path, key, "same", []):
                pass

    asyncio.run(asyncio.wait_for(main(), 60))
