"""What happened to users of other systems, each as a test: a bot on a local venue where the same thing goes wrong."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import Journal
from tests.bots.world import World, ask, strategy, until, venue_positions, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

ONCE = """
import algo_trade as at

class Once(at.Strategy):
    '''Does what the file beside it says, one wish at a time: it is read again with each quote.'''

    wishes = at.param("")

    def on_start(self, ctx):
        self.done = 0

    def on_quote(self, ctx, quote):
        with open(self.wishes) as file:
            lines = file.read().split("\\n")[:-1]
        for line in lines[self.done:]:
            self.done += 1
            exec(line, {"ctx": ctx, "quote": quote, "symbol": quote.symbol})
"""


class Hand:
    """A bot that is led by hand."""

    def __init__(self, it: World, folder: Path) -> None:
        self.it, self.file = it, folder / "wishes"

    def do(self, *lines: str) -> None:
        """Have the strategy run these lines with the next quote."""
        with self.file.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    async def control(self, *words: str, **more: Any) -> None:
        await asyncio.to_thread(partial(self.it.venue.control, *words, **more))

    @property
    def status(self) -> dict[str, Any]:
        return self.it.bot("hand")

    @property
    def held(self) -> Decimal:
        return sum((Decimal(each["quantity"]) for each in self.status["positions"]), Decimal(0))

    def venue_holds(self) -> Decimal:
        return venue_positions(self.it.venue, self.it.key.address).get("BTC", Decimal(0))

    def placed(self) -> list[dict[str, Any]]:
        """Return every order of the account that the venue knows, ended or not."""
        orders: list[dict[str, Any]] = ask(self.it.venue, "historicalOrders", user=self.it.key.address)
        return orders

    async def agrees(self) -> None:
        """Wait until the bot's books and the venue's are the same."""
        await until(lambda: self.status["open_orders"] == len(self.it.resting) and self.held == self.venue_holds())

    def written(self, word: str) -> list[str]:
        """Return the records of its journals that begin with a word."""
        found: list[str] = []
        for path in sorted((self.it.folder / "state" / "journals" / "hand").glob("*.journal")):
            Journal(path).dump(lambda text: found.append(text) if text.startswith(word) else None)
        return found


def config(folder: Path) -> dict[str, Any]:
    (folder / "wishes").touch()
    return {
        "bot_id": "hand",
        "symbol": "BTC",
        "strategy": strategy(folder, "Once", ONCE),
        "params": {"wishes": str(folder / "wishes")},
        "mode": "live",
        "capital": 50_000,
        "on_stale": "keep",
    }


def run(folder: Path, scenario: Callable[[Hand], Awaitable[None]], **tables: Any) -> None:
    async def main() -> None:
        async with world(folder, config(folder), **tables) as it:
            await it.start("hand")
            await scenario(Hand(it, folder))

    asyncio.run(asyncio.wait_for(main(), 90))


BUY = 'ctx.buy(symbol, "0.01")'
REST = 'ctx.buy(symbol, "0.01", price=quote.bid_price - 5000, time_in_force="alo")'


def test_an_order_that_was_reported_failed_and_was_filled_is_not_sent_again(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        for effect in ({"effect": "drop"}, {"effect": "status", "status": 502, "body": "bad gateway"}):
            await hand.control(faults=[{"at": "answer", "match": "order", "count": 1, **effect}])
            before = hand.venue_holds()
            hand.do(BUY)
            await until(lambda: hand.venue_holds() != before)  # noqa: B023
            await hand.agrees()
            assert hand.held == before + Decimal("0.01")
        cloids = Counter(row["order"]["cloid"] for row in hand.placed())
        assert set(cloids.values()) == {1}
        assert len(cloids) == 2

    run(tmp_path, scenario)


def test_a_reconnect_replays_old_reports_and_revives_no_order_and_counts_no_fill_twice(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        hand.do(REST, BUY)
        await until(lambda: hand.status["open_orders"] == 1 and hand.held)
        (before,) = hand.it.resting
        hand.do("[ctx.modify(order.cloid, price=order.price - 10) for order in ctx.orders(symbol).open]")
        await until(lambda: hand.it.resting and hand.it.resting[0]["oid"] != before["oid"])
        await hand.agrees()
        (resting,) = hand.it.resting
        await hand.control(faults=[{"at": "push", "per_mille": 500, "effect": "duplicate"}])
        for word in ("cut_connections", "repeat_snapshots", "cut_connections", "repeat_snapshots"):
            await hand.control(word)
            await asyncio.sleep(0.3)
        await hand.control(faults=[])
        await until(lambda: hand.status["is_live"])
        await hand.agrees()
        assert (hand.held, hand.status["open_orders"]) == (Decimal("0.01"), 1)
        assert hand.it.resting[0]["oid"] == resting["oid"]
        hand.do("[ctx.cancel(order.cloid) for order in ctx.orders(symbol).open]")
        await until(lambda: hand.it.resting == [])
        await hand.agrees()
        await hand.control("repeat_snapshots")
        await asyncio.sleep(0.3)
        assert hand.status["open_orders"] == 0
        assert len(hand.written("Fill(")) == len(ask(hand.it.venue, "userFills", user=hand.it.key.address))

    run(tmp_path, scenario)


def test_a_restart_invents_no_fill_and_a_second_one_changes_nothing(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        hand.do(BUY, REST)
        await until(lambda: hand.status["open_orders"] == 1 and hand.held)
        hand.do("[ctx.cancel(order.cloid) for order in ctx.orders(symbol).open]")
        await until(lambda: hand.it.resting == [])
        await hand.agrees()
        fills, held = hand.written("Fill("), hand.held
        hand.file.write_text("")
        for _ in range(2):
            await hand.it.runner.registry.find("hand").stop()
            await hand.it.start("hand")
            await asyncio.sleep(2.5)  # the exchange has been asked for everything by then
            assert (hand.written("Fill("), hand.held) == (fills, held)
        assert hand.it.told("reconcile.difference") == []

    run(tmp_path, scenario)


def test_a_book_that_is_stale_while_the_socket_lives_is_not_traded_on(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        quiet = [{"at": "push", "match": match, "effect": "drop"} for match in ("bbo", "activeAssetCtx")]
        await hand.control(faults=quiet)
        # Pings and pongs go on, and so do orders of ours: neither says anything of the market.
        await until(lambda: not hand.status["is_live"], within_s=50)
        assert "BTC" in hand.status["detail"]
        await until(lambda: hand.it.told("data.stale"))
        hand.do(BUY)
        await hand.control(faults=[])
        await until(lambda: hand.status["is_live"])
        await hand.agrees()

    run(tmp_path, scenario)


def test_what_was_filled_while_the_connection_was_away_is_caught_up_with(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        hand.do(*[BUY] * 3)
        await until(lambda: hand.held == Decimal("0.03"))
        await hand.control(faults=[{"at": "push", "match": "userFills", "effect": "drop"}])
        hand.do(BUY)
        await until(lambda: hand.venue_holds() == Decimal("0.04"))
        await hand.control("cut_connections")
        await hand.control(faults=[])
        await hand.agrees()
        assert hand.held == Decimal("0.04")

    run(tmp_path, scenario)


def test_many_orders_in_one_millisecond_have_each_a_nonce_of_their_own(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        # Each kind leaves as an action of its own, all in one turn of the loop.
        hand.do(*[REST, BUY] * 10, "[ctx.cancel(order.cloid) for order in ctx.orders(symbol).open_buys[:5]]")
        await until(lambda: hand.held == Decimal("0.1"))
        await hand.agrees()
        assert [line for line in hand.it.told("venue.trouble") if "nonce" in line["event"].lower()] == []

    run(tmp_path, scenario)


def test_no_price_or_size_reaches_the_exchange_with_the_digits_of_a_float(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        hand.do(
            'ctx.buy(symbol, 0.1 * 3 / 10, price=float(int(quote.bid_price * 9 // 10)) + 0.1 + 0.2, time_in_force="alo")'
        )
        await until(lambda: hand.it.resting != [])
        (order,) = hand.it.resting
        assert len(order["sz"]) <= len("0.03000")
        assert Decimal(order["limitPx"]) == Decimal(order["limitPx"]).to_integral_value()
        await hand.agrees()

    run(tmp_path, scenario)


def test_while_only_post_only_orders_are_taken_nothing_is_sent_in_a_tight_loop(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        await hand.control(post_only=True)
        hand.do(BUY)
        await asyncio.sleep(1.0)
        assert hand.venue_holds() == 0
        refused = [line for line in hand.written("Order(") if "Rejected" in line]
        assert len(refused) == 1, "it is told once, and the strategy decides"
        hand.do(REST)
        await until(lambda: len(hand.it.resting) == 1)
        await hand.control(post_only=False)
        hand.do(BUY)
        await until(lambda: hand.held == Decimal("0.01"))
        await hand.agrees()

    run(tmp_path, scenario)


def test_a_venue_that_is_away_for_long_is_come_back_to_and_nothing_hangs_meanwhile(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        await hand.control(maintenance=True)
        await until(lambda: not hand.status["is_live"])
        began_s = time.monotonic()
        assert (await hand.it.runner.registry.find("hand").pause()).state == "paused"
        assert time.monotonic() - began_s < 1
        await asyncio.sleep(4)  # many more than three attempts
        await hand.it.runner.registry.find("hand").resume()
        await hand.control(maintenance=False)
        await until(lambda: hand.status["is_live"])
        # What is known in the loop is known in the strategy's thread a little later.
        beat = hand.status["last_heartbeat"]
        await until(lambda: hand.status["last_heartbeat"] != beat)
        hand.do(BUY)
        await until(lambda: hand.held == Decimal("0.01"))
        await hand.agrees()

    run(tmp_path, scenario)


def test_an_exit_is_never_followed_by_an_order_the_other_way(tmp_path: Path) -> None:
    async def scenario(hand: Hand) -> None:
        hand.do(BUY, BUY)
        await until(lambda: hand.held == Decimal("0.02"))
        # Somebody else has closed half of it meanwhile, and the answers are late.
        await hand.control(faults=[{"at": "answer", "match": "order", "effect": "delay", "ms": 300}])
        for _ in range(3):
            hand.it.runner.registry.run_of("hand").kill(flatten=True)  # type: ignore[union-attr]
        await until(lambda: hand.venue_holds() == 0)
        await asyncio.sleep(1.0)
        assert hand.venue_holds() == hand.held == 0
        closing = [line for line in hand.written("Command(Submit") if "side: Sell" in line]
        assert closing
        assert all("reduce_only: true" in line for line in closing)

    run(tmp_path, scenario)


def test_every_incident_has_a_test() -> None:
    """RELIABILITY names ten; each is one of these."""
    from pathlib import Path

    source = Path(__file__).read_text()
    assert source.count("\ndef test_") - 1 == 10
