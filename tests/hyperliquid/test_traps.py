"""What has bitten others, as far as no other file holds a test of it; and that every trap has one."""

from __future__ import annotations

import asyncio
import re
import secrets
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from algo_trade._native import HyperliquidDecoder, SigningKey, WireOrder, wire_decimal
from algo_trade.errors import DataError, InputError
from algo_trade.hyperliquid.answers import Filled, Resting
from algo_trade.hyperliquid.client import HyperliquidClient
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.settings import HyperliquidConfig
from algo_trade.venue.testing import RunningVenue, running_venue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

TRAPS = 42


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with running_venue(seed=4, symbols=2, local={"block_ms": 10}, limits={"weight_a_minute": 1_000_000}) as running:
        yield running


def on_venue(venue: RunningVenue, folder: Path, scenario: Callable[[HyperliquidClient], Awaitable[None]]) -> None:
    key = SigningKey("0x" + secrets.token_hex(32))
    config = HyperliquidConfig(api_url=venue.url, account_address=key.address, state_dir=folder)

    async def main() -> None:
        async with HyperliquidClient(config, key) as client:
            await client.info.clearinghouse_state(key.address)
            await scenario(client)

    asyncio.run(main())


def test_every_trap_has_a_test_that_bears_its_number() -> None:
    found: set[int] = set()
    for file in Path(__file__).parent.rglob("test_*.py"):
        for name in re.findall(r"def test_traps?_([0-9_and]+)", file.read_text()):
            found.update(int(number) for number in re.findall(r"[0-9]+", name))
    assert found >= set(range(1, TRAPS + 1)), sorted(set(range(1, TRAPS + 1)) - found)


@pytest.mark.parametrize("text", ["0.72094", "0.1", "123456", "0.00000001", "99999.9"])
def test_trap_22_a_decimal_goes_to_the_wire_digit_by_digit(text: str) -> None:
    assert wire_decimal(Decimal(text)) == text
    order = WireOrder(0, True, Decimal(text), Decimal(1))
    assert order.price == Decimal(text)


def test_trap_22_what_a_float_makes_of_a_price_is_refused_and_not_rounded() -> None:
    with pytest.raises(InputError, match=r"0\.72094000000000003"):
        wire_decimal(Decimal("0.72094000000000003"))


def test_trap_25_statistics_may_be_finer_than_money_and_money_may_not() -> None:
    context = (
        '[{"universe":[{"name":"BTC","szDecimals":5,"maxLeverage":40}],"marginTables":[],"collateralToken":0},[{"funding":'
        '"0.0000125","openInterest":"605822.2557999999","prevDayPx":"1.0","dayNtlVlm":"170043721737.450012207","premium":null,'
        '"oraclePx":"1.0","markPx":"1.0","midPx":"1.0","impactPxs":null,"dayBaseVlm":"281686.8234999999"}]]'
    )
    (read,) = HyperliquidDecoder.decode_info("metaAndAssetCtxs", context)["contexts"]
    assert read["open_interest"] == Decimal("605822.2558")
    book = '{"coin":"BTC","time":1,"levels":[[{"px":"1.000000001","sz":"1.0","n":1}],[]]}'
    with pytest.raises(DataError, match=r"1\.000000001"):
        HyperliquidDecoder.decode_info("l2Book", book)


def test_trap_27_a_stop_is_seen_to_be_one_among_open_orders(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        mid = (await client.info.all_mids())["BTC"]
        across = Decimal(int(mid * Decimal("1.01")))
        filled = await client.exchange.place(
            NewOrder(coin="BTC", is_buy=True, price=across, quantity=Decimal("0.01"), time_in_force="ioc")
        )
        assert isinstance(filled, Filled)
        stop = NewOrder(
            coin="BTC",
            is_buy=False,
            price=Decimal(int(mid * Decimal("0.8"))),
            quantity=Decimal("0.01"),
            reduce_only=True,
            trigger="sl",
            trigger_price=Decimal(int(mid * Decimal("0.9"))),
        )
        assert isinstance(await client.exchange.place(stop), Resting)
        (shown,) = await client.info.open_orders()
        assert (shown["is_trigger"], shown["kind"]) == (True, "Stop Market")
        (plain,) = await client.info.plain_open_orders()
        assert plain["is_trigger"] is None, "the short form hides it"

    on_venue(venue, tmp_path, scenario)


def test_trap_37_profit_is_made_of_fills_and_fees_and_the_exchanges_own_is_before_fees(
    venue: RunningVenue, tmp_path: Path
) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        before = (await client.info.clearinghouse_state())["margin"]["account_value"]
        mid = (await client.info.all_mids())["ETH"]
        for is_buy, share in ((True, "1.01"), (False, "0.99")):
            price = (mid * Decimal(share)).quantize(Decimal("0.1"))
            answer = await client.exchange.place(
                NewOrder(coin="ETH", is_buy=is_buy, price=price, quantity=Decimal("0.5"), time_in_force="ioc")
            )
            assert isinstance(answer, Filled)
        fills = await client.info.fills_by_time(start_ns=0)
        sign = {"buy": -1, "sell": 1}
        own = sum(sign[fill["side"]] * fill["price"] * fill["quantity"] - fill["fee"] for fill in fills)
        after = (await client.info.clearinghouse_state())["margin"]["account_value"]
        assert own == after - before
        gross = sum(fill["closed_pnl"] for fill in fills)
        assert gross - sum(fill["fee"] for fill in fills) == own

    on_venue(venue, tmp_path, scenario)


def test_trap_42_margin_comes_in_tiers_from_the_live_table(venue: RunningVenue, tmp_path: Path) -> None:
    async def scenario(client: HyperliquidClient) -> None:
        tiers = (await client.instrument("BTC")).margin_tiers
        assert [(tier.lower_bound, tier.max_leverage) for tier in tiers] == [
            (Decimal(0), 40),
            (Decimal(150_000_000), 20),
        ]

    on_venue(venue, tmp_path, scenario)
