"""Our client does on the local venue what the official one does there (tests/venue/clients), and is told the same."""

from __future__ import annotations

import asyncio
import secrets
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from algo_trade._native import SigningKey, WireOrder, signed_orders, signed_request
from algo_trade.errors import RefusedError, SignatureError
from algo_trade.hyperliquid import (
    Cancelled,
    Filled,
    HyperliquidClient,
    HyperliquidConfig,
    HyperliquidWebSocket,
    NewOrder,
    RefusalKind,
    Refused,
    Resting,
    Subscription,
    Waiting,
)
from algo_trade.hyperliquid.refusals import kind_of
from algo_trade.hyperliquid.stream import StreamChange
from algo_trade.hyperliquid.stream.subscription import KINDS
from algo_trade.venue.testing import RunningVenue, running_venue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    Scenario = Callable[[HyperliquidClient, SigningKey], Awaitable[None]]

pytest.importorskip("picows", reason="needs the extra `live`")

PATIENCE_S = 30


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    local = {"block_ms": 10, "schedule_volume_min": 0, "sub_account_volume_min": 0, "funding_ms": 200}
    limits = {"weight_a_minute": 1_000_000, "new_connections_a_minute": 10_000, "connections": 100}
    with running_venue(seed=1, symbols=4, local=local, limits=limits) as running:
        yield running


def run(venue: RunningVenue, folder: Path, scenario: Scenario, *, key: SigningKey | None = None, **more: Any) -> None:
    own = key or SigningKey("0x" + secrets.token_hex(32))
    settings: dict[str, Any] = {"api_url": venue.url, "ws_url": venue.ws_url, "account_address": own.address}

    async def main() -> None:
        async with HyperliquidClient(HyperliquidConfig(**(settings | {"state_dir": folder} | more)), own) as client:
            await client.info.clearinghouse_state(client.config.account_address)  # the faucet
            await scenario(client, own)

    asyncio.run(main())


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await condition()):
            await asyncio.sleep(0.01)
    return found


def limit(coin: str, price: object, quantity: str, **more: Any) -> NewOrder:
    return NewOrder(coin=coin, is_buy=True, price=Decimal(str(price)), quantity=Decimal(quantity), **more)


def test_every_stream_can_be_subscribed_to_and_tells(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient, key: SigningKey) -> None:
        wanted: set[Subscription] = set()
        for kind, parts in KINDS.items():
            values = {"coin": "BTC", "user": key.address, "interval": "1m"}
            wanted.add(Subscription(kind, **{part: values[part] for part in parts if part in values}))  # type: ignore[arg-type]
        live: set[Subscription] = set()
        async with HyperliquidWebSocket({"BTC": "BTC"}, url=venue.ws_url) as socket:
            for each in wanted:
                socket.subscribe(each)
            across = (await client.info.all_mids())["BTC"] * Decimal("1.02")
            assert isinstance(await client.exchange.place(limit("BTC", int(across), "0.01")), Filled)
            async with asyncio.timeout(PATIENCE_S):
                async for event in socket:
                    if isinstance(event, StreamChange) and event.state == "live":
                        live.add(event.subscription)
                        if live == wanted:
                            break

    run(venue, tmp_path, scenario)


def test_orders_are_placed_changed_and_taken_back_by_oid_by_cloid_and_in_bulk(
    venue: RunningVenue, tmp_path: Path
) -> None:
    async def scenario(client: HyperliquidClient, _: SigningKey) -> None:
        exchange = client.exchange
        order = limit("BTC", 80_000, "0.001")
        resting = await exchange.place(order)
        assert isinstance(resting, Resting)
        by_oid, by_cloid = await client.info.order_status(resting.oid), await client.info.order_status(order.cloid)
        assert by_oid == by_cloid
        changed = await exchange.modify(order.cloid, limit("BTC", 81_000, "0.002", cloid=order.cloid))
        assert isinstance(changed, Resting)
        assert [row["oid"] for row in await client.info.open_orders()] == [changed.oid]
        assert await exchange.cancel("BTC", order.cloid) == Cancelled()
        bulk = await exchange.place_together([limit("ETH", 2_700 - number, "0.01") for number in range(5)])
        oids = [each.oid for each in bulk if isinstance(each, Resting)]
        assert await asyncio.gather(*(exchange.cancel("ETH", oid) for oid in oids)) == [Cancelled()] * 5
        assert await client.info.open_orders() == []

    run(venue, tmp_path, scenario)


def test_a_position_is_opened_with_its_leverage_protected_and_closed(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient, _: SigningKey) -> None:
        await client.account.update_leverage("SOL", 5, is_cross=False)
        price = (await client.info.all_mids())["SOL"]
        opened = await client.exchange.place(limit("SOL", round(price * Decimal("1.02"), 1), "10", time_in_force="ioc"))
        assert isinstance(opened, Filled)
        await client.account.update_isolated_margin("SOL", Decimal(50))
        (row,) = (await client.info.clearinghouse_state())["positions"]
        assert (row["position"]["leverage"]["value"], row["position"]["size"]) == (5, Decimal(10))

        def exit_at(share: str, kind: Any) -> NewOrder:
            trigger, worst = (round(price * Decimal(part), 1) for part in (share, "0.7"))
            return NewOrder(
                coin="SOL",
                is_buy=False,
                price=worst,
                quantity=Decimal(0),
                reduce_only=True,
                trigger_price=trigger,
                trigger=kind,
            )

        exits = [exit_at("1.2", "tp"), exit_at("0.8", "sl")]
        answers = await client.exchange.place_together(exits, grouping="positionTpsl")
        assert answers == [Waiting("waitingForTrigger")] * 2
        shown = await client.info.open_orders()
        assert {order["kind"] for order in shown} == {"Take Profit Market", "Stop Market"}
        close = NewOrder(
            coin="SOL",
            is_buy=False,
            price=round(price * Decimal("0.9"), 1),
            quantity=Decimal(10),
            reduce_only=True,
            time_in_force="ioc",
        )
        assert isinstance(await client.exchange.place(close), Filled)
        assert await client.info.open_orders() == [], "they went with the position"

    run(venue, tmp_path, scenario)


def test_orders_over_time_and_a_scheduled_cancel(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient, _: SigningKey) -> None:
        twap = await client.account.twap_order("BTC", is_buy=True, quantity=Decimal("0.05"), minutes=5)

        async def slices() -> list[Any]:
            return list(await client.info.ask("userTwapSliceFills", user=client.config.trader))

        await until(slices)
        await client.account.twap_cancel("BTC", twap)
        with pytest.raises(RefusedError) as gone:
            await client.account.twap_cancel("BTC", twap)
        assert gone.value.kind is RefusalKind.GONE
        assert isinstance(await client.exchange.place(limit("BTC", 80_000, "0.001")), Resting)
        await client.account.schedule_cancel(time.time_ns() // 1_000_000 + 5_500)

        async def is_empty() -> bool:
            return await client.info.open_orders() == []

        await until(is_empty)
        assert "scheduledCancel" in {order["status"] for order in await client.info.historical_orders()}

    run(venue, tmp_path, scenario)


def test_money_moves(venue: RunningVenue, tmp_path: Path) -> None:
    other = SigningKey("0x" + secrets.token_hex(32)).address

    async def scenario(client: HyperliquidClient, key: SigningKey) -> None:
        account, info = client.account, client.info
        await account.usd_class_transfer(Decimal(1_000), to_perp=False)
        usdc = "USDC:" + (await info.spot_meta())["tokens"][0]["token_id"]
        await account.spot_send(other, usdc, Decimal(10))
        await account.usd_send(other, Decimal(20))
        await account.send_asset(other, usdc, Decimal(5), source_dex="", destination_dex="spot")
        await account.withdraw(other, Decimal(5))
        assert (await info.clearinghouse_state(other))["margin"]["account_value"] == 20
        bought = await client.exchange.place(limit("PURR/USDC", "0.3", "100", time_in_force="ioc"))
        assert isinstance(bought, Filled)
        sub = await account.create_sub_account("second")
        assert sub is not None
        await account.sub_account_transfer(sub, Decimal(30), is_deposit=True)
        (row,) = await info.sub_accounts()
        assert row["user"] == sub
        kinds = {entry["delta"]["kind"] for entry in await info.ledger(start_ns=0)}
        assert {"accountClassTransfer", "spotTransfer", "internalTransfer", "send", "withdraw"} <= kinds
        assert "subAccountTransfer" in kinds
        await client.close()
        settings: dict[str, Any] = {"api_url": venue.url, "state_dir": tmp_path, "account_address": key.address}
        async with HyperliquidClient(HyperliquidConfig(**settings, vault_address=sub), key) as trading:
            assert isinstance(await trading.exchange.place(limit("BTC", 80_000, "0.0005")), Resting)
            assert len(await trading.info.open_orders()) == 1

    run(venue, tmp_path, scenario)


def test_an_approved_api_wallet_trades_for_its_master_and_moves_nothing(venue: RunningVenue, tmp_path: Path) -> None:
    agent = SigningKey("0x" + secrets.token_hex(32))

    async def scenario(client: HyperliquidClient, key: SigningKey) -> None:
        await client.account.approve_agent(agent.address, "bot")
        settings: dict[str, Any] = {"api_url": venue.url, "state_dir": tmp_path, "account_address": key.address}
        async with HyperliquidClient(HyperliquidConfig(**settings), agent) as trading:
            assert isinstance(await trading.exchange.place(limit("BTC", 80_000, "0.001")), Resting)
            with pytest.raises(RefusedError, match="does not exist"):
                await trading.account.usd_send(key.address, Decimal(1))
        assert len(await client.info.open_orders()) == 1
        assert [each["name"] for each in await client.info.extra_agents()] == ["bot"]

    run(venue, tmp_path, scenario)


def test_what_our_client_would_not_send_is_refused_in_the_exchange_s_own_words(
    venue: RunningVenue, tmp_path: Path
) -> None:
    """Signed by us and sent past the client's own checks; the client knows each text."""

    async def scenario(client: HyperliquidClient, key: SigningKey) -> None:
        mid = (await client.info.all_mids())["BTC"]
        now_ms = time.time_ns() // 1_000_000 + 60_000
        async with httpx.AsyncClient(base_url=venue.url) as http:

            async def send(body: bytes) -> Any:
                return (await http.post("/exchange", content=body)).json()

            async def error(price: object, quantity: str, **more: Any) -> str:
                nonlocal now_ms
                now_ms += 1
                wire = WireOrder(0, True, Decimal(str(price)), Decimal(quantity), **more)
                answer = await send(signed_orders(key, [wire], now_ms, None, False))
                return str(answer["response"]["data"]["statuses"][0]["error"]).removesuffix(" asset=0")

            def noop(nonce: int) -> bytes:
                return signed_request(key, {"type": "noop"}, nonce, None, False)

            texts = {
                RefusalKind.TICK: await error("80000.5", "0.001"),
                RefusalKind.MIN_NOTIONAL: await error(80_000, "0.0001"),
                RefusalKind.SIZE: await error(80_000, "0.0010001"),
                RefusalKind.POST_ONLY: await error(int(mid * Decimal("1.05")), "0.001", time_in_force="alo"),
                RefusalKind.REDUCE_ONLY: await error(80_000, "0.001", reduce_only=True),
                RefusalKind.NO_LIQUIDITY: await error(80_000, "0.001", time_in_force="ioc"),
                RefusalKind.MARGIN: await error(80_000, "100"),
                RefusalKind.PRICE_BAND: await error(3_000, "0.1"),
            }
            assert (await send(noop(now_ms + 1)))["status"] == "ok"
            replayed = (await send(noop(now_ms + 1)))["response"]
            old = (await send(noop(now_ms - 3 * 86_400_000)))["response"]
            early = (await send(noop(now_ms + 2 * 86_400_000)))["response"]
        assert {kind_of(text) for text in (replayed, old, early)} == {RefusalKind.NONCE}
        assert (replayed, old[:28]) == (
            f"Invalid nonce: duplicate nonce {now_ms + 1}",
            "Invalid nonce: nonce too low",
        )
        assert {kind: kind_of(text) for kind, text in texts.items()} == {kind: kind for kind in texts}
        assert texts[RefusalKind.TICK] == "Price must be divisible by tick size."
        assert texts[RefusalKind.MIN_NOTIONAL] == "Order must have minimum value of $10."
        assert texts[RefusalKind.REDUCE_ONLY] == "Reduce only order would increase position."
        assert texts[RefusalKind.POST_ONLY].startswith("Post only order would have immediately matched, bbo was ")
        assert await client.exchange.cancel("BTC", 1) == Refused(
            RefusalKind.GONE, "Order was never placed, already canceled, or filled. asset=0"
        )
        assert await client.info.open_orders() == []

    run(venue, tmp_path, scenario)


def test_a_key_that_nobody_approved_is_taken_for_a_stranger(venue: RunningVenue, tmp_path: Path) -> None:
    account = SigningKey("0x" + secrets.token_hex(32)).address

    async def scenario(client: HyperliquidClient, key: SigningKey) -> None:
        with pytest.raises(SignatureError) as refused:
            await client.exchange.place(limit("BTC", 80_000, "0.001"))
        assert refused.value.text == f"User or API Wallet {key.address} does not exist."
        # What is signed this way fares no better: nothing more is sent.
        with pytest.raises(SignatureError):
            await client.exchange.cancel("BTC", 1)

    run(venue, tmp_path, scenario, account_address=account)
