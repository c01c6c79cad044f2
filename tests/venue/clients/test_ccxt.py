"""A client that speaks many exchanges' protocols, unmodified, on the local venue: REST and sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

ccxt = pytest.importorskip("ccxt.pro", reason="a client for many exchanges: pip install ccxt")
eth_account = pytest.importorskip("eth_account", reason="comes with the official client")

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from algo_trade.venue.testing import RunningVenue


def client(venue: RunningVenue, key: str) -> Any:
    """Return the client pointed at the venue, as on its test network."""
    exchange = ccxt.hyperliquid(
        {"walletAddress": eth_account.Account.from_key(key).address, "privateKey": key, "enableRateLimit": False}
    )
    exchange.urls["test"] = {"public": venue.url, "private": venue.url, "ws": {"public": venue.ws_url}}
    exchange.set_sandbox_mode(True)
    return exchange


def on_venue(venue: RunningVenue, key: str, act: Callable[[Any], Awaitable[None]]) -> None:
    """Run with a client that is closed whatever happens."""

    async def main() -> None:
        exchange = client(venue, key)
        try:
            await exchange.load_markets()
            async with asyncio.timeout(60):
                await act(exchange)
        finally:
            await exchange.close()

    venue.control(deposit={"user": eth_account.Account.from_key(key).address, "amount": "100000"})
    asyncio.run(main())


def test_orders_are_placed_seen_changed_and_taken_back(exchange_venue: RunningVenue, private_key: str) -> None:
    """By REST."""

    async def act(exchange: Any) -> None:
        order = await exchange.create_order("BTC/USDC:USDC", "limit", "buy", 0.001, 80000)
        assert [o["id"] for o in await exchange.fetch_open_orders("BTC/USDC:USDC")] == [order["id"]]
        seen = await exchange.fetch_order(order["id"], "BTC/USDC:USDC")
        assert (seen["status"], seen["price"], seen["amount"]) == ("open", 80000, 0.001)
        changed = await exchange.edit_order(order["id"], "BTC/USDC:USDC", "limit", "buy", 0.002, 81000)
        await exchange.cancel_order(changed["id"], "BTC/USDC:USDC")
        assert await exchange.fetch_open_orders("BTC/USDC:USDC") == []
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order(changed["id"], "BTC/USDC:USDC")
        with pytest.raises(ccxt.InvalidOrder):
            await exchange.create_order("BTC/USDC:USDC", "limit", "buy", 0.0001, 80000)

    on_venue(exchange_venue, private_key, act)


def test_a_position_is_opened_and_closed(exchange_venue: RunningVenue, private_key: str) -> None:
    """With leverage, balance and fills."""

    async def act(exchange: Any) -> None:
        symbol = "ETH/USDC:USDC"
        await exchange.set_leverage(10, symbol, {"marginMode": "cross"})
        price = (await exchange.fetch_ticker(symbol))["last"]
        await exchange.create_order(symbol, "market", "buy", 0.5, price)
        (position,) = await exchange.fetch_positions([symbol])
        assert (position["side"], position["contracts"], position["leverage"]) == ("long", 0.5, 10)
        assert 99_000 < (await exchange.fetch_balance())["USDC"]["total"] < 101_000
        await exchange.create_order(symbol, "market", "sell", 0.5, price, {"reduceOnly": True})
        assert await exchange.fetch_positions([symbol]) == []
        fills = await exchange.fetch_my_trades(symbol)
        assert {fill["side"] for fill in fills} == {"buy", "sell"}
        assert all(fill["fee"]["cost"] > 0 for fill in fills)

    on_venue(exchange_venue, private_key, act)


def test_the_market_is_read(exchange_venue: RunningVenue, private_key: str) -> None:
    """Books, bars, funding, status."""

    async def act(exchange: Any) -> None:
        book = await exchange.fetch_order_book("BTC/USDC:USDC")
        assert len(book["bids"]) == len(book["asks"]) == 20
        assert (await exchange.fetch_status())["status"] == "ok"
        assert await exchange.fetch_time() > 0
        rates = await exchange.fetch_funding_rates(["BTC/USDC:USDC"])
        assert "BTC/USDC:USDC" in rates
        # Bars begin with the venue's first print.
        async with asyncio.timeout(30):
            while not await exchange.fetch_ohlcv("BTC/USDC:USDC", "1m"):
                await asyncio.sleep(0.05)
        assert (await exchange.fetch_tickers())["PURR/USDC"]["last"] > 0

    on_venue(exchange_venue, private_key, act)


def test_streams_tell(exchange_venue: RunningVenue, private_key: str) -> None:
    """By the socket, orders too."""

    async def act(exchange: Any) -> None:
        symbol = "SOL/USDC:USDC"
        assert (await exchange.watch_order_book(symbol))["bids"]
        assert await exchange.watch_trades(symbol)
        assert (await exchange.watch_ticker(symbol))["last"] > 0
        assert await exchange.watch_ohlcv(symbol, "1m")
        watched = asyncio.create_task(exchange.watch_orders(symbol))
        fills = asyncio.create_task(exchange.watch_my_trades(symbol))
        order = await exchange.create_order_ws(symbol, "limit", "buy", 1, 100)
        assert (await watched)[0]["id"] == order["id"]
        await exchange.cancel_order_ws(order["id"], symbol)
        price = (await exchange.fetch_ticker(symbol))["last"]
        await exchange.create_order_ws(symbol, "market", "buy", 1, price)
        assert (await fills)[0]["symbol"] == symbol

    on_venue(exchange_venue, private_key, act)
