"""The socket on loopback: cut, closed, frozen, and with a consumer that is too slow."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade.hyperliquid.stream import (
    AccountFill,
    History,
    OpenOrders,
    Overflow,
    SessionSettings,
    StreamChange,
    Subscription,
)
from algo_trade.hyperliquid.websocket import HyperliquidWebSocket
from tests.hyperliquid.stream.exchange import USER, Exchange
from tests.hyperliquid.stream.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

pytest.importorskip("picows", reason="needs the extra `live`")
uvloop = pytest.importorskip("uvloop", reason="needs the extra `live`")

PATIENCE_S = 20
QUICK = SessionSettings(backoff_s=0.01, ping_every_s=0.2, pong_within_s=0.3, fill_overlap_s=1.0)
BOOK = Subscription("l2Book", coin="BTC", is_fast=True)
TRADES = Subscription("trades", coin="BTC")
FILLS = Subscription("userFills", user=USER)
ORDERS = Subscription("orderUpdates", user=USER)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def run(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.wait_for(main, PATIENCE_S))

    return run


class Reader:
    """Takes events until something holds of all that were taken."""

    def __init__(self, ws: HyperliquidWebSocket) -> None:
        self.ws = ws
        self.events: list[Any] = []

    async def until(self, holds: Callable[[Reader], bool]) -> None:
        while not holds(self):
            self.events.append(await anext(self.ws))

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def is_live(self, *subscriptions: Subscription) -> bool:
        states = {event.subscription: event.state for event in self.told(StreamChange)}
        return all(states.get(each) == "live" for each in subscriptions)


def test_books_come_and_an_answer_to_a_question_too(run: Any) -> None:
    async def main() -> None:
        async with Server(Exchange()) as server, HyperliquidWebSocket({"BTC": "BTC-PERP"}, url=server.url) as ws:
            ws.subscribe(BOOK)
            reader = Reader(ws)
            await reader.until(lambda r: r.is_live(BOOK) and bool(r.told(at.BookSnapshot)))
            assert reader.told(at.BookSnapshot)[0].symbol == "BTC-PERP"
            (status,) = ws.status()
            assert (status.subscription, status.state) == (BOOK, "live")
            result = await ws.ask({"type": "l2Book", "coin": "BTC"})
            assert result.outcome == "answered"
            assert result.data["coin"] == "BTC"
            assert (await ws.act(b'{"action":{"type":"noop"},"nonce":1}')).data["is_ok"]

    run(main())


@pytest.mark.parametrize("how", ["cut", "close", "freeze"])
def test_trap_07_a_dead_connection_is_replaced_and_what_was_missed_is_told_once(run: Any, how: str) -> None:
    async def main() -> None:
        exchange = Exchange()
        async with (
            Server(exchange) as server,
            HyperliquidWebSocket({"BTC": "BTC"}, url=server.url, settings=QUICK) as ws,
        ):
            for each in (BOOK, TRADES, FILLS, ORDERS):
                ws.subscribe(each)
            reader = Reader(ws)
            server.tick()
            exchange.trade("BTC")
            await reader.until(lambda r: r.is_live(BOOK, FILLS, ORDERS))
            server.tick()
            await server.push(exchange.fill("BTC"))
            await reader.until(lambda r: len(r.told(AccountFill)) == 1)
            if how == "freeze":
                server.is_frozen = True
            else:
                await (server.cut() if how == "cut" else server.close())
            # While nobody listens, an order is placed and filled.
            server.tick()
            exchange.fill("BTC")
            exchange.order("BTC")
            await reader.until(lambda r: not r.is_live(FILLS))
            server.is_frozen = False
            await reader.until(lambda r: r.is_live(BOOK, FILLS, ORDERS))
            assert [fill.trade_id for fill in reader.told(AccountFill)] == [fill["tid"] for fill in exchange.fills]
            assert len(reader.told(OpenOrders)[-1].orders) == 1
            assert server.accepted >= 2

    run(main())


def test_a_consumer_that_is_too_slow_is_told_and_loses_no_fill(run: Any) -> None:
    async def main() -> None:
        exchange = Exchange()
        settings = SessionSettings(backoff_s=0.01, queue_max=20, fill_overlap_s=1.0)
        async with (
            Server(exchange) as server,
            HyperliquidWebSocket({"BTC": "BTC"}, url=server.url, settings=settings) as ws,
        ):
            ws.subscribe(FILLS)
            ws.subscribe(TRADES)
            reader = Reader(ws)
            await reader.until(lambda r: r.is_live(FILLS))
            for _ in range(15):
                server.tick()
                await server.push(exchange.fill("BTC"))
                await server.push(exchange.trade("BTC"))
            while server.clients:
                await asyncio.sleep(0)
            await reader.until(lambda r: bool(r.told(Overflow)))
            await reader.until(lambda r: r.is_live(FILLS) and len(r.told(AccountFill)) == 15)
            assert [fill.trade_id for fill in reader.told(AccountFill)] == [fill["tid"] for fill in exchange.fills]
            printed = {trade["tid"] for trade in exchange.trades["BTC"]}

            def trades(r: Reader) -> list[int]:
                past = [trade.trade_id for event in r.told(History) for trade in event.trades]
                return sorted(past + [trade.trade_id for trade in r.told(at.Trade)])

            await reader.until(lambda r: trades(r) == sorted(printed))

    run(main())


def test_a_listener_is_called_in_the_order_of_arrival_and_its_error_ends_everything(run: Any) -> None:
    class BrokenError(Exception): ...

    async def main() -> None:
        told: list[Any] = []

        def listen(event: Any) -> None:
            told.append(event)
            if isinstance(event, at.Quote):
                raise BrokenError

        async def use() -> None:
            async with (
                Server(Exchange()) as server,
                HyperliquidWebSocket({"BTC": "BTC"}, url=server.url, listener=listen) as ws,
            ):
                ws.subscribe(Subscription("bbo", coin="BTC"))
                await asyncio.Event().wait()

        with pytest.raises(ExceptionGroup) as caught:
            await use()
        assert caught.group_contains(BrokenError)
        assert any(isinstance(event, at.Quote) for event in told)

    run(main())


def test_an_exchange_that_is_not_there_is_tried_again_until_it_is(run: Any) -> None:
    async def main() -> None:
        async with Server(Exchange()) as server:
            port, url = server.port, server.url
        async with HyperliquidWebSocket({"BTC": "BTC"}, url=url, settings=QUICK) as ws:
            ws.subscribe(BOOK)
            reader = Reader(ws)
            await reader.until(lambda r: bool(r.told(StreamChange)))
            assert reader.told(StreamChange)[0].state == "waiting"
            assert "Connect" in reader.told(StreamChange)[0].reason
            async with Server(Exchange(), port):
                await reader.until(lambda r: r.is_live(BOOK))

    run(main())


def test_cancellation_ends_it_whatever_it_waits_for(run: Any) -> None:
    async def main() -> None:
        async with Server(Exchange()) as server:
            server.is_frozen = True

            async def use() -> None:
                async with HyperliquidWebSocket({"BTC": "BTC"}, url=server.url) as ws:
                    ws.subscribe(BOOK)
                    await ws.ask({"type": "l2Book", "coin": "BTC"})

            task = asyncio.create_task(use())
            while not server.clients:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while server.clients:
                await asyncio.sleep(0)

    run(main())


class Deaf:
    """A connection that hears nothing of what is sent, and whose messages the test makes up."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def open(self, _url: str, received: Callable[[bytes], None]) -> Deaf:
        self.received = received
        return self

    def send(self, message: bytes) -> None: ...

    def close(self) -> None:
        self.gone.set()

    async def wait_closed(self) -> str:
        await self.gone.wait()
        return "closed"


def test_whoever_waits_gets_a_turn_while_a_burst_is_taken_and_nothing_of_it_is_lost_or_out_of_order(run: Any) -> None:
    async def main() -> None:
        deaf, told = Deaf(), list[Any]()
        async with HyperliquidWebSocket({"BTC": "BTC"}, connect=deaf.open, listener=told.append) as ws:
            ws.subscribe(Subscription("trades", coin="BTC"))
            while not hasattr(deaf, "received"):
                await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            deaf.received(
                b'{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}}'
            )
            deaf.received(trade(0))  # what comes first is history
            await asyncio.sleep(0.01)
            told.clear()
            seen: list[int] = []
            for number in range(1, 201):
                deaf.received(trade(number))
            asyncio.get_running_loop().call_soon(lambda: seen.append(len(told)))
            await asyncio.sleep(0.05)
            trades = [event.trade_id for event in told if isinstance(event, at.Trade)]
            assert trades == list(range(1, 201))
            assert 0 < seen[0] < 100
            for number in range(201, 301):
                deaf.received(trade(number))
            deaf.gone.set()
            await asyncio.sleep(0.01)
            assert [event.trade_id for event in told if isinstance(event, at.Trade)] == list(range(1, 301))

    run(main())


def trade(number: int) -> bytes:
    """Return the message of a trade of the present."""
    body = f'"px":"50000","sz":"0.1","time":{time.time_ns() // 1_000_000},"hash":"0x{0:064x}","tid":{number},"users":["0x{1:040x}","0x{2:040x}"]'
    return f'{{"channel":"trades","data":[{{"coin":"BTC","side":"B",{body}}}]}}'.encode()
