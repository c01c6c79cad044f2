"""The limits of the exchange, judged by the local venue, which counts every window itself: ten bots flood it through one queue."""

from __future__ import annotations

import asyncio
import secrets
import selectors
import time
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import SigningKey
from algo_trade.errors import NotSentError
from algo_trade.hyperliquid.answers import Cancelled, Filled, Refused, Resting
from algo_trade.hyperliquid.client import HyperliquidClient
from algo_trade.hyperliquid.exchange import NewOrder
from algo_trade.hyperliquid.gate import Gate
from algo_trade.hyperliquid.nonces import MemoryNonces
from algo_trade.hyperliquid.refusals import RefusalKind
from algo_trade.hyperliquid.settings import HyperliquidConfig, LimitSettings
from algo_trade.venue.testing import RunningVenue, running_venue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Clients = list[HyperliquidClient]

BOTS = 10
LIMIT = 1_200
FAST = 15
"""Seconds of venue and clients in a second: three of the venue's minutes pass in twelve seconds."""
OPTIONS: dict[str, Any] = {"seed": 6, "symbols": 2, "local": {"block_ms": 100}}


class FastSelector(selectors.DefaultSelector):
    """Waits as long as the clock of a fast loop takes."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self._speed)


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds pass as fast as those of a venue at ``speed``, over real sockets."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        super().__init__(FastSelector(speed))

    def time(self) -> float:
        return super().time() * self._speed


def run(
    venue: RunningVenue,
    scenario: Callable[[Clients], Awaitable[None]],
    *,
    speed: float = 1,
    clients: int = 1,
    limits: LimitSettings | None = None,
    **settings: Any,
) -> Gate:
    """Run a scenario with clients of accounts of their own behind one queue; return the queue."""
    limits = limits or LimitSettings()
    gate = Gate(limits)
    start_ms, start_s = time.time_ns() // 1_000_000, time.monotonic()

    def clock_ms() -> int:
        return start_ms + int((time.monotonic() - start_s) * speed * 1_000)

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            made = []
            for _ in range(clients):
                key = SigningKey("0x" + secrets.token_hex(32))
                config = HyperliquidConfig(
                    **{
                        "api_url": venue.url,
                        "account_address": key.address,
                        "limits": limits,
                        # A busy machine is no reason for a lost answer.
                        "timeout_s": 20.0 * speed,
                        "queue_timeout_s": 600.0,
                        "expires_after_ms": 600_000,
                        **settings,
                    }
                )
                nonces = MemoryNonces(clock_ms)
                made.append(HyperliquidClient(config, key, gate=gate, nonces=nonces, clock_ms=clock_ms))
            # The faucet pays who is asked about, and nobody reads lists in the middle of a test.
            for client in made:
                await client.info.clearinghouse_state()
                tasks.create_task(client.load_instruments())
        try:
            await scenario(made)
        finally:
            for client in made:
                await client.close()

    with asyncio.Runner(loop_factory=lambda: FastLoop(speed)) as runner:
        runner.run(main())
    return gate


def resting_order(price: int = 50_000, **more: Any) -> NewOrder:
    """An order far below the market."""
    return NewOrder(coin="BTC", is_buy=True, price=Decimal(price), quantity=Decimal("0.001"), **more)


async def place_alone(client: HyperliquidClient, order: NewOrder, caller: str = "main") -> object:
    """Place an order as an action of its own."""
    (answer,) = await client.exchange.place_together([order], caller=caller)
    return answer


async def position(client: HyperliquidClient) -> None:
    """Buy a little, so that there is something to reduce."""
    mid = (await client.info.all_mids())["BTC"]
    across = Decimal(int(mid * Decimal("1.02")))
    order = NewOrder(coin="BTC", is_buy=True, price=across, quantity=Decimal("0.05"), time_in_force="ioc")
    assert isinstance(await client.exchange.place(order), Filled)


def reducing_order() -> NewOrder:
    """An order far above the market that reduces what `position` has bought."""
    return NewOrder(coin="BTC", is_buy=False, price=Decimal(150_000), quantity=Decimal("0.001"), reduce_only=True)


def weights(venue: RunningVenue) -> tuple[int, int]:
    """Return the highest weight that the venue counted in any minute, and how often it said 429."""
    (statistics,) = venue.control("statistics")
    (peer,) = statistics["peers"].values()
    return peer["weight_highest"], peer["weight_refused"]


async def flood(bots: list[tuple[HyperliquidClient, str]], seconds: float) -> Counter[int]:
    """Let each bot do all it can, three things at a time; return how many requests of each were answered."""
    answered: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds

    async def work(number: int, client: HyperliquidClient, caller: str) -> None:
        info = client.info.as_caller(caller)
        asked: list[Callable[[], Awaitable[object]]] = [
            info.meta,
            info.all_mids,
            info.open_orders,
            lambda: info.book("BTC"),
            info.spot_meta,
            info.exchange_status,
            info.historical_orders,
        ]
        turn = 0
        while loop.time() < until_s:
            placed = await client.exchange.place(resting_order(), caller=caller)
            assert isinstance(placed, Resting), placed
            await asked[turn % len(asked)]()
            assert await client.exchange.cancel("BTC", placed.oid, caller=caller) == Cancelled()
            turn += 1
            answered[number] += 3

    async with asyncio.TaskGroup() as tasks:
        for number, (client, caller) in enumerate(bots):
            for _ in range(3):
                tasks.create_task(work(number, client, caller))
    return answered


def as_clients(clients: Clients) -> list[tuple[HyperliquidClient, str]]:
    return [(client, "main") for client in clients]


def as_callers(clients: Clients) -> list[tuple[HyperliquidClient, str]]:
    return [(clients[0], f"bot {number}") for number in range(BOTS)]


@pytest.mark.parametrize(("bots", "clients"), [(as_clients, BOTS), (as_callers, 1)], ids=["clients", "callers"])
def test_trap_20_ten_bots_that_flood_never_exceed_the_weight_in_any_window_and_get_equal_parts(
    bots: Callable[[Clients], list[tuple[HyperliquidClient, str]]], clients: int, *, repeats: int
) -> None:
    # At full count the clocks are the wall's.
    speed = FAST if repeats < 100 else 1
    answered: Counter[int] = Counter()

    async def scenario(made: Clients) -> None:
        answered.update(await flood(bots(made), 180))

    with running_venue(**OPTIONS, speed=speed) as venue:
        gate = run(venue, scenario, speed=speed, clients=clients)
        highest, refused = weights(venue)
    assert refused == 0
    assert highest <= LIMIT
    # The margin and what is held for answers that turn out small are never used.
    assert highest >= 0.8 * LIMIT, "it was a flood"
    assert gate.back_offs == 0
    # They take turns, so that equal bots differ by what each has begun, and by questions that are of another weight.
    assert len(answered) == BOTS
    assert min(answered.values()) >= 0.8 * answered.total() / BOTS, answered


def test_the_venue_does_count_a_client_that_believes_in_a_higher_limit() -> None:
    limits = LimitSettings(ip_weight_per_minute=10 * LIMIT, ip_burst=2 * LIMIT)

    async def scenario(made: Clients) -> None:
        await flood(as_clients(made), 30)

    with running_venue(**OPTIONS, speed=FAST) as venue:
        gate = run(venue, scenario, speed=FAST, clients=3, limits=limits, read_retries=100)
        highest, refused = weights(venue)
    assert highest > 0.9 * LIMIT
    assert refused > 0
    assert gate.back_offs > 0


def test_with_the_queue_full_cancels_and_what_reduces_are_on_the_wire_before_all_that_waited() -> None:
    connections = 4
    order_of_answers: list[str] = []
    times: dict[str, list[int]] = {}

    async def scenario(made: Clients) -> None:
        (client,) = made
        await position(client)
        resting = [await place_alone(client, resting_order()) for _ in range(5)]
        oids = [answer.oid for answer in resting if isinstance(answer, Resting)]
        assert len(oids) == 5

        async def noted(what: str, work: Awaitable[object]) -> object:
            answer = await work
            order_of_answers.append(what)
            return answer

        async def waiting() -> None:
            await asyncio.gather(
                *[noted("question", client.info.as_caller(f"{n}").meta()) for n in range(40)],
                *[noted("order", place_alone(client, resting_order(40_000), f"{n}")) for n in range(400)],
            )

        flooding = asyncio.create_task(waiting())
        # What fits into the burst leaves; the rest waits for weight.
        while len(order_of_answers) < 100:
            await asyncio.sleep(0.01)
        order_of_answers.clear()
        done = await asyncio.gather(
            *[noted("cancel", client.exchange.cancel("BTC", oid, caller=f"{oid}")) for oid in oids],
            *[noted("reduce", place_alone(client, reducing_order(), f"{n}")) for n in range(3)],
        )
        assert done[:5] == [Cancelled()] * 5
        assert all(isinstance(answer, Resting) for answer in done[5:]), done
        seen = list(order_of_answers)
        # Only what was under way already may have been answered before the last of them.
        assert len(seen) - len(done) <= connections, seen
        assert not flooding.done()
        flooding.cancel()
        await asyncio.wait([flooding])
        for news in await client.info.historical_orders():
            order = news["order"]
            if order["limit_price"] == 40_000:
                times.setdefault("orders", []).append(order["time"])
            elif order["oid"] in oids:
                times.setdefault("cancels", []).append(news["status_time"])
            elif order["limit_price"] == 150_000:
                times.setdefault("reducing", []).append(order["time"])

    with running_venue(**OPTIONS, speed=5) as venue:
        run(venue, scenario, speed=5, connections_max=connections)
    # By the venue's own time, too: what it took up after the first cancel, it took up after all of them, but for what was under way.
    first, last = min(times["cancels"]), max(*times["cancels"], *times["reducing"])
    assert sum(first < each < last for each in times["orders"]) <= connections


def test_a_cancel_does_not_wait_for_a_connection_behind_slow_questions() -> None:
    async def scenario(made: Clients) -> None:
        (client,) = made
        placed = await client.exchange.place(resting_order())
        assert isinstance(placed, Resting)
        answered = 0

        async def ask() -> None:
            nonlocal answered
            await client.info.all_mids()
            answered += 1

        asking = [asyncio.create_task(ask()) for _ in range(40)]
        await asyncio.sleep(0.1)
        assert await client.exchange.cancel("BTC", placed.oid) == Cancelled()
        assert answered <= 8, "the two that had begun, and those of one or two rounds more"
        venue.control(faults=[])
        await asyncio.gather(*asking)

    with running_venue(**OPTIONS) as venue:
        venue.control(faults=[{"at": "answer", "match": "allMids", "effect": "delay", "ms": 300}])
        run(venue, scenario, connections_max=2)


@pytest.mark.parametrize(("faults", "pauses"), [(1, 1), (BOTS, 1), (2 * BOTS + 1, 3)])
def test_trap_20_a_429_costs_one_back_off_and_no_order_and_so_does_a_burst_of_them(faults: int, pauses: int) -> None:
    each = 10

    async def scenario(made: Clients) -> None:
        fault = {"at": "request", "match": "order", "effect": "status", "status": 429, "body": "null"}
        await asyncio.to_thread(lambda: venue.control(faults=[{**fault, "count": faults}]))

        async def trade(client: HyperliquidClient) -> list[str]:
            orders = [resting_order() for _ in range(each)]
            for order in orders:
                assert isinstance(await client.exchange.place(order), Resting)
            return [order.cloid for order in orders]

        placed = await asyncio.gather(*[trade(client) for client in made])
        for client, cloids in zip(made, placed, strict=True):
            assert sorted(cloids) == sorted(order["cloid"] or "" for order in await client.info.open_orders())
            limit = await client.info.rate_limit()
            assert limit["used"] == client.budget.used == each, "what was refused costs nothing"

    with running_venue(**OPTIONS, limits={"weight_a_minute": 100_000}, speed=FAST) as venue:
        limits = LimitSettings(ip_weight_per_minute=100_000, ip_burst=5_000)
        gate = run(venue, scenario, speed=FAST, clients=BOTS, limits=limits)
    assert gate.back_offs == pauses


def test_trap_19_the_requests_of_an_account_are_never_overrun_and_both_count_the_same() -> None:
    cap = 200

    async def scenario(made: Clients) -> None:
        (client,) = made
        await client.poll_budget()
        assert client.budget.cap == cap
        oids = []

        async def trade(caller: str) -> None:
            while True:
                try:
                    answer = await client.exchange.place(resting_order(), caller=caller)
                except NotSentError:
                    return
                assert isinstance(answer, Resting), answer
                oids.append(answer.oid)

        await asyncio.wait_for(asyncio.gather(*[trade(f"bot {number}") for number in range(BOTS)]), 600)
        limit = await client.info.rate_limit()
        assert limit["used"] == client.budget.used == len(oids) == cap - cap // 10, "a tenth is left to cancels"
        cancelled = await asyncio.gather(*[client.exchange.cancel("BTC", oid) for oid in oids])
        assert cancelled == [Cancelled()] * len(oids)
        limit = await client.info.rate_limit()
        assert limit["used"] == client.budget.used == 2 * len(oids)

    with running_venue(**OPTIONS, limits={"requests": cap}, speed=FAST) as venue:
        run(venue, scenario, speed=FAST)


def test_trap_19_after_the_exchange_said_that_the_budget_is_spent_one_request_goes_in_ten_seconds() -> None:
    times: list[int] = []

    async def scenario(made: Clients) -> None:
        (client,) = made
        await position(client)
        user = client.config.account_address
        await asyncio.to_thread(lambda: venue.control(spend_requests={"user": user, "requests": 50_000}))
        # The client does not know yet. The first is the one that the exchange lets through, the second is refused as a whole.
        assert isinstance(await client.exchange.place(reducing_order()), Resting)
        told = await client.exchange.place(reducing_order())
        assert isinstance(told, Refused)
        assert told.kind is RefusalKind.BUDGET
        with pytest.raises(NotSentError, match="kept for cancels"):
            await client.exchange.place(resting_order())
        for answer in await asyncio.gather(*[place_alone(client, reducing_order(), f"{n}") for n in range(4)]):
            assert isinstance(answer, Resting), answer
        times.extend(sorted(order["time"] for order in await client.info.open_orders()))

    with running_venue(**OPTIONS, speed=FAST) as venue:
        run(venue, scenario, speed=FAST)
    assert len(times) == 5
    assert all(later - earlier >= 10_000_000_000 for earlier, later in pairwise(times)), times
