"""What the trading of bots came to, as the storage has it afterwards: beside what the venue says."""

from __future__ import annotations

import asyncio
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from algo_trade._native import SigningKey
from algo_trade.risk.exposure import ENDS
from algo_trade.storage.tiers.storage import TieredStorage
from algo_trade.venue.testing import running_venue
from tests.bots.process import Process, wait
from tests.bots.world import LIMITS, World, ask, resting_bot, strategy, until, world

pytest.importorskip("picows", reason="needs the extra `live`")

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade.bots.trader import Owned
    from algo_trade.venue.testing import RunningVenue

OWN = ("fills", "order_states", "equity")


def storage_of(folder: Path) -> dict[str, Any]:
    record = {"enabled": True, "kinds": list(OWN), "flush_every_s": 0.1}
    return {"state_dir": folder / "state", "strategies": folder, "lake": str(folder / "lake"), "record": record}


def pulse(folder: Path, mode: str = "live", bot_id: str = "pulse") -> dict[str, Any]:
    spec = strategy(folder, "Pulse")
    params = {"every_ms": 50}
    return {
        "bot_id": bot_id,
        "symbol": "BTC",
        "strategy": spec,
        "params": params,
        "mode": mode,
        "capital": 50_000,
    }


def kept(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Return the rows of a kind, of all venues, with the venue of each."""
    rows = []
    with TieredStorage(folder / "lake", f"sqlite:///{folder}/lake-warm.db") as storage:
        for venue in ("hyperliquid", "paper"):
            table = pl.DataFrame(storage.query(kind, venue=venue).read_all())
            rows += [{**row, "venue": venue} for row in table.to_dicts()]
    return rows


def of_venue(fill: dict[str, Any]) -> tuple[Any, ...]:
    """Return what tells a fill, and what it is, in the venue's words."""
    side = {"B": "buy", "A": "sell"}[fill["side"]]
    amounts = (Decimal(fill[name]) for name in ("px", "sz", "fee"))
    return (str(fill["tid"]), str(fill["oid"]), fill["coin"], side, *amounts, fill["crossed"], fill["cloid"])


def of_storage(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("trade_id", "order_id", "symbol", "side", "price", "quantity", "fee")
    return (*(row[name] for name in names), not row["is_maker"], row["client_id"])


async def trade(it: World, fills: int) -> Owned:
    """Let the bot trade, and stop it; return what it owned then."""
    await it.start("pulse")
    count = len(ask(it.venue, "userFills", user=it.key.address))
    await until(lambda: len(ask(it.venue, "userFills", user=it.key.address)) >= count + fills)
    run = it.runner.registry.run_of("pulse")
    assert run is not None
    await it.runner.registry.find("pulse").stop()
    assert run.owned is not None
    return run.owned


def run(folder: Path, venue: RunningVenue, key: SigningKey, fills: int) -> Owned:
    async def main() -> Owned:
        async with world(folder, pulse(folder), venue=venue, key=key, storage=storage_of(folder)) as it:
            return await trade(it, fills)

    return asyncio.run(main())


def test_fills_are_those_of_the_venue_orders_come_to_an_end_and_the_last_equity_is_the_bots_own(tmp_path: Path) -> None:
    key = SigningKey("0x" + secrets.token_hex(32))
    with running_venue(seed=3, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue:
        owned = run(tmp_path, venue, key, fills=12)
        told = ask(venue, "userFills", user=key.address)
        fills, states, equity = (kept(tmp_path, kind) for kind in OWN)
        assert sorted(map(of_storage, fills)) == sorted(map(of_venue, told))
        assert {(row["venue"], row["account"], row["bot_id"]) for row in fills} == {
            ("hyperliquid", key.address, "pulse")
        }
        assert {row["fee_currency"] for row in fills} == {"USDC"}
        won = {str(fill["tid"]): Decimal(fill["closedPnl"]) for fill in told}
        assert any(won.values())
        assert all(abs(row["realized_pnl"] - won[row["trade_id"]]) < Decimal("0.00001") for row in fills)

        last: dict[str, dict[str, Any]] = {}
        for row in sorted(states, key=lambda row: row["local_time"]):
            assert row["client_id"] not in last or last[row["client_id"]]["status"] not in ENDS, "an end is the end"
            last[row["client_id"]] = row
        assert {row["status"] for row in last.values()} <= ENDS
        assert {"filled", "cancelled"} <= {row["status"] for row in states}
        filled: dict[str, Decimal] = {}
        for row in fills:
            filled[row["client_id"]] = filled.get(row["client_id"], Decimal(0)) + row["quantity"]
        assert {each: row["filled_quantity"] for each, row in last.items() if row["filled_quantity"]} == filled
        assert all(row["quantity"] == row["filled_quantity"] for row in last.values() if row["status"] == "filled")
        assert all(row["quantity"] > 0 and row["side"] in {"buy", "sell"} for row in states)

        newest = max(equity, key=lambda row: row["timestamp"])
        assert newest["symbol"] == "USDC"
        held = sum((each.unrealised_pnl for each in owned.books.positions), Decimal(0))
        assert held
        assert [newest[name] for name in ("equity", "cash", "unrealized_pnl")] == [owned.books.equity, owned.cash, held]

        # Another run of the same bot adds what it did, and nothing else.
        run(tmp_path, venue, key, fills=5)
        told = ask(venue, "userFills", user=key.address)
        again = kept(tmp_path, "fills")
        assert sorted(map(of_storage, again)) == sorted(map(of_venue, told))
        won = {str(fill["tid"]): Decimal(fill["closedPnl"]) for fill in told}
        assert all(abs(row["realized_pnl"] - won[row["trade_id"]]) < Decimal("0.00001") for row in again)


def test_a_killed_run_that_goes_on_writes_nothing_twice_and_what_is_simulated_apart(tmp_path: Path) -> None:
    rests = resting_bot(tmp_path)
    bots = [
        pulse(tmp_path),
        pulse(tmp_path, "paper", "pulse-paper"),
        rests,
        {**rests, "bot_id": "rests-paper", "mode": "paper"},
    ]
    record = {"enabled": True, "kinds": list(OWN), "flush_every_s": 0.05}
    storage = {"strategies": str(tmp_path), "lake": str(tmp_path / "lake"), "record": record}

    def states_of(bot_id: str) -> list[str]:
        rows = [row for row in kept(tmp_path, "order_states") if row["bot_id"] == bot_id]
        return [row["status"] for row in sorted(rows, key=lambda row: row["local_time"])]

    with (
        running_venue(seed=3, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue,
        Process(tmp_path, venue, bots, storage=storage) as runner,
    ):
        runner.start()
        runner.ready()
        wait(lambda: len(runner.venue_fills()) > 8, what="it trades")
        wait(lambda: states_of("rests")[-1:] == states_of("rests-paper")[-1:] == ["resting"], what="both rest")
        runner.kill()
        before = {str(fill["tid"]) for fill in runner.venue_fills()}
        runner.start()
        runner.ready()
        wait(lambda: len(runner.venue_fills()) > len(before) + 5, what="it trades again")
        assert runner.end() == 0
        told = sorted(map(of_venue, runner.venue_fills()))

    fills = kept(tmp_path, "fills")
    live = sorted(of_storage(row) for row in fills if row["venue"] == "hyperliquid")
    assert len(live) == len(set(live)), "each once"
    assert set(live) <= set(told)
    # What was not durable yet when the process was killed stands in its journal alone.
    assert {fill[0] for fill in told if fill not in live} <= before
    for bot_id in ("rests", "rests-paper"):
        states = [status for status in states_of(bot_id) if status != "rejected"]
        assert states == ["resting", "cancelled"], bot_id

    simulated = [row for row in fills if row["venue"] == "paper"]
    assert {(row["account"], row["bot_id"]) for row in simulated} == {("pulse-paper", "pulse-paper")}
    assert {row["bot_id"] for row in fills if row["venue"] == "hyperliquid"} == {"pulse"}
    assert simulated
    names = {(row["venue"], row["bot_id"]) for row in kept(tmp_path, "equity")}
    assert names == {
        ("hyperliquid", "pulse"),
        ("hyperliquid", "rests"),
        ("paper", "pulse-paper"),
        ("paper", "rests-paper"),
    }
