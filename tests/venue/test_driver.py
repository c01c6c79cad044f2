"""The driver alone: no sockets, the loop's own time and a clock that a test moves."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.errors import EngineError, ParameterError
from algo_trade.venue.clock import Clock
from algo_trade.venue.driver import Driver
from algo_trade.venue.machine import VenueMachine, open_machine
from algo_trade.venue.outbox import Allowance, Outbox
from tests.venue.memory import SECOND_NS, MemoryVenue

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

START_NS = 1_700_000_000 * SECOND_NS


class World:
    """A machine, and a driver that runs beside the test."""

    def __init__(self, *, speed: float = 1, allowance: Allowance | None = None) -> None:
        self.clock = Clock(speed=speed)
        self.machine = MemoryVenue("{}", self.clock.now_ns())
        self.driver = Driver(self.machine, self.clock, allowance=allowance)

    async def ask(self, **asked: object) -> Any:
        answer = await self.driver.request("info", json.dumps(asked).encode(), "127.0.0.1")
        return json.loads(answer.body)["said"] if answer.status == 200 and answer.body else answer

    def connect(self) -> Outbox:
        outbox = self.driver.connect("127.0.0.1")
        assert isinstance(outbox, Outbox)
        return outbox

    def send(self, outbox: Outbox, **asked: object) -> None:
        self.driver.receive(outbox.connection, json.dumps(asked).encode())


def running(test: Callable[[World], Coroutine[Any, Any, None]], world: Callable[[], World] = World) -> None:
    """Run a test beside the driver; 30 s is for ever."""

    async def main() -> None:
        w = world()
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            driving = tasks.create_task(w.driver.run())
            await test(w)
            driving.cancel()

    asyncio.run(main())


def test_the_memory_machine_has_the_face_of_the_machine() -> None:
    machine: VenueMachine = MemoryVenue("{}", 0)
    assert machine.broken is None


def test_an_answer_that_the_machine_has_later_comes_when_it_is_woken() -> None:
    async def test(w: World) -> None:
        assert await w.ask(say=1, in_ns=20_000_000) == 1
        # A later one first, so that the driver is already waiting for longer when the second comes.
        async with asyncio.TaskGroup() as tasks:
            late = tasks.create_task(w.ask(say="late", in_ns=60_000_000))
            early = tasks.create_task(w.ask(say="early", in_ns=5_000_000))
        assert (late.result(), early.result()) == ("late", "early")

    running(test)


def test_answers_leave_in_the_order_of_their_delays_not_of_their_requests() -> None:
    async def test(w: World) -> None:
        order: list[str] = []

        async def ask(name: str, delay_ns: int) -> None:
            order.append(await w.ask(say=name, delay_ns=delay_ns))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ask("slow", 300_000_000))
            tasks.create_task(ask("quick", 0))
        assert order == ["quick", "slow"]

    running(test)


def test_a_fast_clock_makes_hours_of_the_venue_short() -> None:
    async def test(w: World) -> None:
        started = w.driver.now_ns
        assert await w.ask(say=1, in_ns=3_600 * SECOND_NS, delay_ns=600 * SECOND_NS) == 1
        assert w.driver.now_ns - started >= 4_200 * SECOND_NS

    running(test, lambda: World(speed=10_000))


def test_the_clock_counts_from_its_start_at_its_speed() -> None:
    ticks = iter([50, 50, 60, 1_050])
    clock = Clock(speed=2, start_ns=START_NS, ticks_ns=lambda: next(ticks))
    assert [clock.now_ns() - START_NS for _ in range(3)] == [0, 20, 2_000]
    assert clock.seconds(SECOND_NS) == 0.5


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), 10_001])
def test_a_speed_out_of_range_is_refused_with_what_is_allowed(speed: float) -> None:
    with pytest.raises(ParameterError, match="must be above 0 and at most 10000"):
        Clock(speed=speed)


def test_options_go_to_the_machine_which_judges_them() -> None:
    clock = Clock(start_ns=START_NS)
    assert open_machine({"seed": 3}, clock, make=MemoryVenue).broken is None
    with pytest.raises(ParameterError, match="unknown field `sed`"):
        open_machine({"sed": 3}, clock, make=MemoryVenue)


def test_paths_and_decimals_among_the_options_become_texts() -> None:
    seen: list[object] = []

    def make(options_json: str, now_ns: int) -> MemoryVenue:
        seen.append(json.loads(options_json))
        return MemoryVenue("{}", now_ns)

    open_machine({"data": [Path("lake")], "faucet": Decimal("1.5")}, Clock(start_ns=START_NS), make=make)
    assert seen == [{"data": ["lake"], "faucet": "1.5"}]


def test_messages_of_a_connection_keep_their_order_whatever_their_delays() -> None:
    async def test(w: World) -> None:
        first, second = w.connect(), w.connect()
        w.send(first, say="held up", delay_ns=200_000_000)
        w.send(first, say="behind it")
        w.send(second, say="elsewhere")
        assert await second.take() == b'"elsewhere"'
        assert [await first.take(), await first.take()] == [b'"held up"', b'"behind it"']

    running(test)


def test_a_close_comes_after_what_was_said_before_it_and_nothing_after_it() -> None:
    async def test(w: World) -> None:
        outbox = w.connect()
        w.send(outbox, say="last", delay_ns=10_000_000)
        w.send(outbox, close=1000)
        w.send(outbox, say="never")
        assert [await outbox.take(), await outbox.take()] == [b'"last"', 1000]

    running(test)


@pytest.mark.parametrize("allowance", [Allowance(messages_max=10), Allowance(bytes_max=1_000)])
def test_a_reader_that_does_not_keep_up_is_ended_counted_and_forgotten_by_the_machine(allowance: Allowance) -> None:
    async def test(w: World) -> None:
        slow, other = w.connect(), w.connect()
        w.send(slow, burst=11, bytes=100)
        assert w.driver.slow_readers == 1
        assert w.machine.ended == [slow.connection]
        assert slow.hurried.is_set()
        assert await slow.take() == 1013
        w.send(slow, say="who?")  # a message that came before the close did
        w.driver.disconnect(slow.connection)  # as the socket ends
        assert w.machine.ended == [slow.connection]
        w.send(other, say="here")
        assert await other.take() == b'"here"'

    running(test, lambda: World(allowance=allowance))


def test_one_message_above_the_allowance_is_sent_if_nothing_else_waits() -> None:
    async def test(w: World) -> None:
        outbox = w.connect()
        w.send(outbox, burst=1, bytes=5_000)
        assert await outbox.take() == b'"' + b"x" * 4_998 + b'"'
        assert w.driver.slow_readers == 0

    running(test, lambda: World(allowance=Allowance(bytes_max=1_000)))


def test_a_machine_that_fails_ends_the_run_and_sends_everybody_home() -> None:
    async def main() -> None:
        w = World()
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            driving = tasks.create_task(w.driver.run())
            waiting = tasks.create_task(w.ask(hold=True))
            delayed = tasks.create_task(w.ask(delay_ns=3_600 * SECOND_NS))
            outbox = w.connect()
            while w.driver.requests < 1:
                await asyncio.sleep(0)
            with pytest.raises(EngineError, match="broken book"):
                await w.ask(fail="broken book")
            assert str(await driving) == "broken book"
            assert (await waiting).status == (await delayed).status == 503
            assert await outbox.take() == 1001
        assert isinstance(w.driver.connect("127.0.0.1"), str)
        assert (await w.ask(say=1)).status == w.driver.control(b"[]").status == 503

    asyncio.run(main())


def test_a_machine_that_fails_while_it_advances_ends_the_run() -> None:
    class Failing(MemoryVenue):
        def advance(self, now_ns: int) -> None:
            raise EngineError(f"no market at {self.now_ns > 0}")

    async def main() -> None:
        clock = Clock()
        machine = Failing("{}", clock.now_ns() - SECOND_NS)
        async with asyncio.timeout(30):
            assert str(await Driver(machine, clock).run()) == "no market at True"

    asyncio.run(main())


def test_a_machine_that_is_never_done_leaves_room_for_others() -> None:
    class Restless(MemoryVenue):
        def deadline(self) -> int:
            return 0

    async def main() -> None:
        clock = Clock()
        machine = Restless("{}", clock.now_ns())
        driver = Driver(machine, clock)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            driving = tasks.create_task(driver.run())
            for _ in range(20):
                answer = await driver.request("info", b'{"say":1,"delay_ns":1000000}', "127.0.0.1")
                assert answer.status == 200
            driving.cancel()

    asyncio.run(main())


def test_closing_waits_for_the_connections_that_end_and_not_for_the_others() -> None:
    async def test(w: World) -> None:
        polite, _stuck = w.connect(), w.connect()

        async def leave() -> None:
            assert await polite.take() == 1001
            w.driver.disconnect(polite.connection)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(leave())
            await w.driver.close(0.05)
        assert w.driver.connections == 1

    running(test)
