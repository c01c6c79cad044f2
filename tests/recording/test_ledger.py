"""What the trading of bots came to, as the storage has it afterwards: beside what the venue says."""

from __future__ import annotations

import asyncio
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from algo_trade._native import FillEvent, OrderUpdate, SigningKey
from algo_trade.bots.ledger import BotLedger, Ledger
from algo_trade.bots.models import Books, BotPosition
from algo_trade.bots.trader import Owned
from algo_trade.hyperliquid.reporting import NOBODY
from algo_trade.risk.exposure import ENDS
from algo_trade.risk.limits import LossState
from algo_trade.storage.tiers.storage import TieredStorage
from algo_trade.venue.testing import running_venue
from tests.bots.process import Process, wait
from tests.bots.world import LIMITS, World, ask, resting_bot, strategy, until, world
from tests.bots.world import rests as rests_of

pytest.importorskip("picows", reason="needs the extra `live`")

if TYPE_CHECKING:
    from pathlib import Path

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
    # Has one order again when that is gone; its limit lets it have no two.
    again = strategy(tmp_path, "Again", rests_of("Again", 'self.has_bought = update.status == "resting"'))
    bots = [
        pulse(tmp_path),
        pulse(tmp_path, "paper", "pulse-paper"),
        rests,
        {
            **rests,
            "bot_id": "rests-paper",
            "mode": "paper",
            "strategy": again,
            "risk": {"max_position_notional": 1_000},
        },
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
        wait(lambda: states_of("rests-paper").count("resting") == 2, what="the simulated order is there again")
        assert runner.end() == 0
        told = sorted(map(of_venue, runner.venue_fills()))

    fills = kept(tmp_path, "fills")
    live = sorted(of_storage(row) for row in fills if row["venue"] == "hyperliquid")
    assert len(live) == len(set(live)), "each once"
    assert set(live) <= set(told)
    # What was not durable yet when the process was killed stands in its journal alone.
    assert {fill[0] for fill in told if fill not in live} <= before
    states = {bot_id: [each for each in states_of(bot_id) if each != "rejected"] for bot_id in ("rests", "rests-paper")}
    # An order rests on at an exchange, and dies with a simulated one.
    assert states == {"rests": ["resting", "cancelled"], "rests-paper": ["resting", "cancelled"] * 2}
    again_rows = [row for row in kept(tmp_path, "order_states") if row["bot_id"] == "rests-paper"]
    assert "risk" not in {row["reason"] for row in again_rows}, "what died does not count in limits"

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


CHANGES = """
import algo_trade as at

class Changes(at.Strategy):
    def on_start(self, ctx):
        self.asked = 0

    def on_quote(self, ctx, quote):
        if self.asked == 0:
            self.asked, self.price = 1, quote.bid_price * 9 // 10
            ctx.buy(quote.symbol, "0.02", price=self.price, time_in_force="alo")

    def on_order(self, ctx, update):
        if update.status == "rejected":
            self.asked = 0
        elif update.status == "resting" and self.asked == 1:
            self.asked = 2
            ctx.modify(update.cloid, price=self.price - 100, quantity="0.01")
"""


@pytest.mark.parametrize("mode", ["live", "paper"])
def test_an_order_that_is_changed_has_its_new_price_and_quantity_once_the_venue_says_so(
    tmp_path: Path, mode: str
) -> None:
    bot = pulse(tmp_path, mode) | {"strategy": strategy(tmp_path, "Changes", CHANGES), "params": {}, "on_stale": "keep"}

    def told() -> list[tuple[str, Decimal, Decimal]]:
        rows = sorted(kept(tmp_path, "order_states"), key=lambda row: row["local_time"])
        return [(row["status"], row["price"], row["quantity"]) for row in rows if row["status"] != "rejected"]

    async def main() -> None:
        async with world(tmp_path, bot, storage=storage_of(tmp_path)) as it:
            await it.start("pulse")
            await until(lambda: len(told()) == 2)
            if mode == "live":
                assert [(Decimal(each["limitPx"]), Decimal(each["sz"])) for each in it.resting] == [told()[-1][1:]]

    asyncio.run(main())
    price = told()[0][1]
    after = (price - 100, Decimal("0.01"))
    assert told() == [("resting", price, Decimal("0.02")), ("resting", *after), ("cancelled", *after)]


def forced(quantity: str) -> FillEvent:
    """Return a part of what the exchange sold to close a position."""
    return FillEvent(
        "BTC",
        cloid=NOBODY,
        side="sell",
        price="90000",
        quantity=quantity,
        fee="1",
        time=1_700_000_000_000_000_000,
        reason="liquidation",
        trade_id=7,
        oid=3,
    )


def test_a_forced_fill_that_two_bots_share_is_kept_with_both_parts(tmp_path: Path) -> None:
    ledger = Ledger(OWN)
    with TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/lake-warm.db") as storage:
        for bot_id, quantity in (("a", "0.02"), ("b", "0.01"), ("b", "0.01")):
            bot = BotLedger(ledger, bot_id, "0xabc", {"BTC": "USDC"}, lambda: 1_700_000_000_100_000_000)
            bot.told(forced(quantity))
        for each in ledger.take():
            storage.write(each.kind, each.rows, venue=each.venue)
    rows = [(row["trade_id"], row["bot_id"], row["quantity"]) for row in kept(tmp_path, "fills")]
    assert rows == [("7/a", "a", Decimal("0.02")), ("7/b", "b", Decimal("0.01"))]


def test_what_is_not_written_yet_is_bounded_and_what_is_not_kept_is_counted() -> None:
    ledger = Ledger(["fills"], rows_max=3)
    bot = BotLedger(ledger, "a", "0xabc", {"BTC": "USDC"}, lambda: 1_700_000_000_100_000_000)
    for number in range(5):
        bot.told(forced("0.01"))
        bot.told(OrderUpdate("BTC", cloid=f"0x{number:032x}", status="filled", time=1_700_000_000_000_000_000))
    (written,) = ledger.take()
    assert (written.kind, written.rows.num_rows, ledger.not_kept) == ("fills", 3, 2)
    assert ledger.take() == []
    bot.told(forced("0.01"))
    assert [each.rows.num_rows for each in ledger.take()] == [1]


def test_what_no_column_can_hold_is_not_kept_and_trading_goes_on() -> None:
    ledger = Ledger(OWN)
    bot = BotLedger(ledger, "a", None, {"BTC": "USDC"}, lambda: 9)
    vast = Decimal("92233720368.54775807")
    for number, side in enumerate(("buy", "sell")):
        price = vast if side == "sell" else 1
        bot.told(
            FillEvent(
                "BTC", cloid=NOBODY, side=side, price=price, quantity=vast, fee=0, time=9, trade_id=number, oid=number
            )
        )
    assert [written.rows.num_rows for written in ledger.take()] == [1]
    assert ledger.not_kept == 1


def test_equity_is_kept_once_a_minute_and_at_the_end() -> None:
    ledger, now_ns = Ledger(OWN), 1_700_000_000_000_000_000
    bot = BotLedger(ledger, "a", None, {"BTC": "USDC"}, lambda: now_ns)
    position = BotPosition("BTC", Decimal(1), Decimal(90_000), Decimal("-12.5"))
    books = Books(Decimal("987.5"), Decimal("-12.5"), (position,))
    owned = Owned(books, Decimal(1_000), None, LossState(-1, None, None), {})
    for _ in range(121):
        bot.owned(owned)
        now_ns += 1_000_000_000
    bot.owned(owned, is_last=True)
    (written,) = ledger.take()
    assert (written.kind, written.venue) == ("equity", "paper")
    began_s = 1_700_000_000
    assert [row["timestamp"].timestamp() - began_s for row in written.rows.to_pylist()] == [0, 60, 120, 121]
    row = written.rows.to_pylist()[-1]
    assert (row["symbol"], row["account"], row["bot_id"]) == ("USDC", "a", "a")
    assert [row[each] for each in ("equity", "cash", "unrealized_pnl")] == [
        books.equity,
        owned.cash,
        Decimal("-12.5"),
    ]
