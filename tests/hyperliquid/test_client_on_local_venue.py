"""The client on the local venue, over real sockets: a life of orders, and the faults that hurt."""

from __future__ import annotations

import asyncio
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import SigningKey
from algo_trade.errors import CredentialError, RefusedError, SignatureError
from algo_trade.hyperliquid.answers import Cancelled, Filled, Refused, Resting, Unknown
from algo_trade.hyperliquid.client import HyperliquidClient
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.refusals import RefusalKind
from algo_trade.hyperliquid.settings import HyperliquidConfig
from algo_trade.venue.testing import RunningVenue, running_venue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    Scenario = Callable[[HyperliquidClient], Awaitable[None]]


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with running_venue(seed=3, symbols=2, local={"block_ms": 10}, limits={"weight_a_minute": 1_000_000}) as running:
        yield running


@pytest.fixture(autouse=True)
def without_faults(venue: RunningVenue) -> Iterator[None]:
    yield
    venue.control(faults=[])


def run(venue: RunningVenue, folder: Path, scenario: Scenario, key: SigningKey | None = None, **settings: Any) -> None:
    own = key or SigningKey("0x" + secrets.token_hex(32))
    config = HyperliquidConfig(
        **{"api_url": venue.url, "account_address": own.address, "state_dir": folder, **settings}
    )

    async def main() -> None:
        async with HyperliquidClient(config, own) as client:
            await client.info.clearinghouse_state(config.account_address)  # the faucet pays who is asked about
            await scenario(client)

    asyncio.run(main())


async def far_order(client: HyperliquidClient, **more: Any) -> NewOrder:
    mid = (await client.info.all_mids())["BTC"]
    price = Decimal(int(mid * Decimal("0.9")))
    return NewOrder(coin="BTC", is_buy=True, price=price, quantity=Decimal("0.01"), **more)


def test_an_order_rests_is_changed_and_cancelled_once(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        check = await client.check_account()
        assert (check.role, check.can_schedule_cancel) == ("user", False)
        order = await far_order(client, time_in_force="alo")
        resting = await client.exchange.place(order)
        assert isinstance(resting, Resting)
        (found,) = await client.info.open_orders()
        assert (found["oid"], found["cloid"]) == (resting.oid, order.cloid)
        to = NewOrder(coin="BTC", is_buy=True, price=order.price - 1, quantity=order.quantity, cloid=order.cloid)
        changed = await client.exchange.modify(resting.oid, to)
        assert isinstance(changed, Resting)
        assert changed.oid > resting.oid
        assert await client.exchange.cancel("BTC", order.cloid) == Cancelled()
        gone = await client.exchange.cancel("BTC", order.cloid)
        assert isinstance(gone, Refused)
        assert gone.kind is RefusalKind.GONE
        assert await client.info.open_orders() == []

    run(venue, tmp_path, scenario)


def test_a_cancel_may_ask_for_priority(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        order = await far_order(client)
        resting = await client.exchange.place(order)
        assert isinstance(resting, Resting)
        assert await client.exchange.cancel("BTC", resting.oid, is_fast=True) == Cancelled()
        assert isinstance(await client.exchange.place(again := await far_order(client)), Resting)
        assert await client.exchange.cancel("BTC", again.cloid, is_fast=True) == Cancelled()

    run(venue, tmp_path, scenario)


def test_an_immediate_order_fills_and_a_post_only_one_that_would_is_refused(
    venue: RunningVenue, tmp_path: Path
) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        mid = (await client.info.all_mids())["BTC"]
        across = {
            "coin": "BTC",
            "is_buy": True,
            "price": Decimal(int(mid * Decimal("1.02"))),
            "quantity": Decimal("0.01"),
        }
        filled = await client.exchange.place(NewOrder(**across, time_in_force="ioc"))  # type: ignore[arg-type]
        assert isinstance(filled, Filled)
        fills = await client.info.fills_by_time(start_ns=0)
        assert sum(fill["quantity"] for fill in fills if fill["oid"] == filled.oid) == filled.quantity
        refused = await client.exchange.place(NewOrder(**across, time_in_force="alo"))  # type: ignore[arg-type]
        assert isinstance(refused, Refused)
        assert refused.kind is RefusalKind.POST_ONLY
        (position,) = (await client.info.clearinghouse_state())["positions"]
        assert position["position"]["size"] == filled.quantity

    run(venue, tmp_path, scenario)


@pytest.mark.parametrize(
    ("at", "effect", "state"),
    [("answer", "drop", "resting"), ("answer", "cut", "resting"), ("request", "drop", "absent")],
)
def test_trap_11_a_lost_answer_is_resolved_and_the_order_lives_at_most_once(
    at: str, effect: str, state: str, venue: RunningVenue, tmp_path: Path
) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        order = await far_order(client)
        venue.control(faults=[{"at": at, "match": "order", "count": 1, "effect": effect}])
        answer = await client.exchange.place(order)
        assert isinstance(answer, Unknown)
        settled = await client.resolve(answer)
        assert settled.state == state
        assert [each["cloid"] for each in await client.info.open_orders()] == [order.cloid] * (state == "resting")

    run(venue, tmp_path, scenario, expires_after_ms=500, settle_margin_ms=500, timeout_s=2.0)


def test_a_no_op_voids_an_order_that_was_lost_on_its_way(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        order = await far_order(client)
        venue.control(faults=[{"at": "request", "match": "order", "count": 1, "effect": "drop"}])
        answer = await client.exchange.place(order)
        assert isinstance(answer, Unknown)
        assert await client.void(answer)
        assert not await client.void(answer), "its nonce is used"

    run(venue, tmp_path, scenario, timeout_s=2.0)


def test_trap_20_a_429_costs_a_pause_and_no_order(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        order = await far_order(client)
        venue.control(faults=[{"at": "request", "match": "order", "count": 1, "effect": "status", "status": 429}])
        assert isinstance(await client.exchange.place(order), Resting)

    run(venue, tmp_path, scenario)


def test_traps_5_and_6_an_api_wallet_trades_for_its_account_until_it_is_removed(
    venue: RunningVenue, tmp_path: Path
) -> None:
    agent, stranger = (SigningKey("0x" + secrets.token_hex(32)) for _ in range(2))
    master = SigningKey("0x" + secrets.token_hex(32))

    async def approve(client: HyperliquidClient) -> None:
        await client.account.approve_agent(agent.address, "bot")

    async def trade(client: HyperliquidClient) -> None:
        check = await client.check_account()
        assert check.role == "agent"
        assert isinstance(await client.exchange.place(await far_order(client)), Resting)
        venue.control(remove_agent={"user": master.address, "name": "bot"})
        with pytest.raises(SignatureError, match="does not exist"):
            await client.exchange.place(await far_order(client))

    async def refused(client: HyperliquidClient) -> None:
        with pytest.raises(CredentialError, match="no API wallet"):
            await client.check_account()

    run(venue, tmp_path, approve, master)
    run(venue, tmp_path, trade, agent, account_address=master.address)
    run(venue, tmp_path, refused, stranger, account_address=master.address)


def test_trap_21_after_an_upgrade_only_post_only_orders_are_taken(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        venue.control(post_only=True)
        try:
            refused = await client.exchange.place(await far_order(client))
            assert isinstance(refused, Refused)
            assert refused.kind is RefusalKind.RESTRICTED
            assert isinstance(await client.exchange.place(await far_order(client, time_in_force="alo")), Resting)
        finally:
            venue.control(post_only=False)

    run(venue, tmp_path, scenario)


def test_leverage_transfers_and_refusals_of_the_account(venue: RunningVenue, tmp_path: Path) -> None:
    other = SigningKey("0x" + secrets.token_hex(32)).address

    async def scenario(client: HyperliquidClient) -> None:
        await client.account.update_leverage("BTC", 5)
        assert (await client.info.active_asset("BTC"))["leverage"]["value"] == 5
        before = (await client.info.clearinghouse_state())["withdrawable"]
        await client.account.usd_send(other, Decimal(25))
        assert (await client.info.clearinghouse_state())["withdrawable"] == before - 25
        with pytest.raises(RefusedError):
            await client.account.usd_send(other, Decimal(10_000_000))

    run(venue, tmp_path, scenario)
