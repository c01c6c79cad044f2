"""The client over real connections: what a server does to them, and that an order goes out once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import SigningKey
from algo_trade.errors import CredentialError
from algo_trade.hyperliquid.answers import Resting, Unknown
from algo_trade.hyperliquid.client import HyperliquidClient
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.settings import HyperliquidConfig, LimitSettings
from tests.hyperliquid.loopback import Connection, http, serve
from tests.hyperliquid.simulated import ACCOUNT, META, SPOT_META

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

RESTING = {"status": "ok", "response": {"type": "order", "data": {"statuses": [{"resting": {"oid": 9}}]}}}
INFO: dict[str, Any] = {
    "meta": META,
    "spotMeta": SPOT_META,
    "userRateLimit": {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": 10_000},
    "frontendOpenOrders": [],
    "userFillsByTime": [],
    "orderStatus": {"status": "unknownOid"},
}


class Server:
    """Answers questions, and does to actions what ``act`` says."""

    def __init__(self, act: Callable[[Connection], Awaitable[None]]) -> None:
        self.actions: list[bytes] = []
        self._act = act

    async def handle(self, connection: Connection) -> None:
        while (body := await connection.request()) is not None:
            request = json.loads(body)
            if "type" in request:
                await connection.reply(http(json.dumps(INFO[request["type"]]).encode()))
            else:
                self.actions.append(body)
                await self._act(connection)


def place(act: Callable[[Connection], Awaitable[None]], state_dir: Path, **settings: Any) -> tuple[Any, Server]:
    server = Server(act)
    got: list[Any] = []

    async def scenario() -> None:
        async with serve(server.handle) as url:
            limits = LimitSettings(backoff_first_s=0.01)
            config = HyperliquidConfig(
                api_url=url, account_address=ACCOUNT, state_dir=state_dir, limits=limits, **settings
            )
            async with HyperliquidClient(config, SigningKey("0x" + "01" * 32)) as client:
                with pytest.raises(CredentialError, match="in use"):
                    HyperliquidClient(config, SigningKey("0x" + "01" * 32))
                order = NewOrder(coin="BTC", is_buy=True, price=Decimal(65_000), quantity=Decimal("0.001"))
                answer = await client.exchange.place(order)
                if isinstance(answer, Unknown):
                    got.append(await client.resolve(answer))
                got.append(answer)

    asyncio.run(scenario())
    if isinstance(got[-1], Unknown):
        assert got[0].state == "absent"
    return got[-1], server


def test_an_order_over_http(tmp_path: Path) -> None:
    async def act(connection: Connection) -> None:
        await connection.reply(http(json.dumps(RESTING).encode()))

    answer, server = place(act, tmp_path)
    assert answer == Resting(9)
    assert len(server.actions) == 1


def test_trap_20_a_429_over_http_is_paused_for_and_sent_again_as_it_was(tmp_path: Path) -> None:
    count = 0

    async def act(connection: Connection) -> None:
        nonlocal count
        count += 1
        await connection.reply(http(b"null", 429) if count < 3 else http(json.dumps(RESTING).encode()))

    answer, server = place(act, tmp_path)
    assert answer == Resting(9)
    assert len(server.actions) == 3
    assert len(set(server.actions)) == 1


@pytest.mark.parametrize("how", ["reset", "close", "half", "silence", "error page"])
def test_trap_11_whatever_happens_to_the_answer_the_order_goes_out_once_and_is_resolved(
    how: str, tmp_path: Path
) -> None:
    async def act(connection: Connection) -> None:
        if how == "reset":
            connection.reset()
        elif how == "close":
            connection.close()
        elif how == "half":
            await connection.reply(http(json.dumps(RESTING).encode())[:-20])
            connection.close()
        elif how == "error page":
            await connection.reply(http(b"<html>Bad gateway</html>"))

    answer, server = place(act, tmp_path, timeout_s=0.5, expires_after_ms=100, settle_margin_ms=50)
    assert isinstance(answer, Unknown)
    assert len(server.actions) == 1


def test_without_a_client_no_event_loop_and_no_network_library_is_loaded() -> None:
    code = "import sys, algo_trade; print(sorted({'asyncio', 'ssl', 'aiohttp'} & set(sys.modules)), algo_trade.HyperliquidClient)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[] <class 'algo_trade.hyperliquid.client.HyperliquidClient'>\n"
