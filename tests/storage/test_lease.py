"""Leases: one process at a time, whichever store keeps them; the loser knows."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from algo_trade.errors import LeaseError, ParameterError

if TYPE_CHECKING:
    from tests.storage.kinds import Kind
    from tests.storage.processes import Processes

# Of a server's store; a file's needs none.
TTL_S = 1.0


def test_a_second_process_is_refused_with_the_name_of_the_first(store: Kind, processes: Processes) -> None:
    first = processes.start("hold_lease", store.url, "grid", lease_ttl_s=TTL_S)
    assert first.says() == ["held", 1]
    second = processes.start("hold_lease", store.url, "grid", lease_ttl_s=TTL_S)
    kind, text = second.says()
    assert kind == "LeaseError"
    assert text.startswith(f"grid: is held by actor grid (pid {first.pid} on {socket.gethostname()}) since 2")
    assert text.endswith("Z, epoch 1: stop it there; if it cannot be reached, take the lease over (takeover=True)")
    first.hears("ask")
    assert first.says() == [True, False, None]


def test_a_killed_process_leaves_its_lease_to_the_next(store: Kind, processes: Processes) -> None:
    first = processes.start("hold_lease", store.url, "grid", lease_ttl_s=TTL_S)
    assert first.says() == ["held", 1]
    first.kill()
    second = processes.start("hold_lease", store.url, "grid", lease_ttl_s=TTL_S)
    assert second.says() == ["held", 2]
    second.hears("ask")
    assert second.says() == [True, False, None]


def test_a_takeover_by_force_fences_the_first(store: Kind, processes: Processes) -> None:
    first = processes.start("hold_lease", store.url, "grid", lease_ttl_s=TTL_S)
    assert first.says() == ["held", 1]
    second = processes.start("hold_lease", store.url, "grid", takeover=True, lease_ttl_s=TTL_S)
    assert second.says() == ["held", 2]
    first.hears("ask")
    is_held, is_lost, because = first.says()
    assert (is_held, is_lost) == (False, True)
    assert because.startswith(f"was taken over by actor grid (pid {second.pid} on ")
    second.hears("ask")
    assert second.says() == [True, False, None]
    # The first is of no more account: giving up what it has not changes nothing, nor does its end.
    first.hears("release")
    assert first.says() == ["released", False, True]
    first.kill()
    third = processes.start("hold_lease", store.url, "grid", lease_ttl_s=TTL_S)
    kind, text = third.says()
    assert kind == "LeaseError"
    assert f"pid {second.pid} " in text
    second.hears("ask")
    assert second.says() == [True, False, None]


def test_who_waits_for_the_loss_hears_of_it_without_asking(store: Kind, processes: Processes) -> None:
    first = processes.start("hold_lease", store.url, "grid", lease_ttl_s=TTL_S)
    assert first.says() == ["held", 1]
    first.hears("await lost")
    second = processes.start("hold_lease", store.url, "grid", takeover=True, lease_ttl_s=TTL_S)
    told, because = first.says()
    assert told == "lost"
    assert because.startswith("was taken over by actor grid")
    assert second.says() == ["held", 2]


def test_of_many_that_come_at_once_one_gets_it(store: Kind, processes: Processes) -> None:
    actors = [processes.start("hold_lease", store.url, "grid", lease_ttl_s=TTL_S) for _ in range(5)]
    said = [actor.says()[0] for actor in actors]
    assert sorted(said) == ["LeaseError"] * 4 + ["held"]


def test_of_many_that_take_it_over_at_once_one_has_it(store: Kind, processes: Processes) -> None:
    actors = [processes.start("hold_lease", store.url, "grid", takeover=True, lease_ttl_s=TTL_S) for _ in range(4)]
    epochs = {}
    for actor in actors:
        kind, what = actor.says()
        if kind == "held":
            epochs[actor] = what
        else:
            assert "was taken over by actor grid" in what
    assert len(set(epochs.values())) == len(epochs)
    for actor in epochs:
        actor.hears("ask")
    held = [epochs[actor] for actor in epochs if actor.says()[0]]
    assert held == [max(epochs.values())]


def test_a_lease_that_is_given_up_is_had_at_once_and_is_not_lost(store: Kind) -> None:
    async def main() -> None:
        async with store.client(lease_ttl_s=60) as one, store.client(lease_ttl_s=60) as two:
            first = await one.acquire_lease("grid", "one")
            assert first.is_held()
            assert "held" in repr(first)
            await first.release()
            await first.release()
            assert not first.is_held()
            assert not first.lost.is_set()
            assert first.lost_because is None
            async with asyncio.timeout(10):
                second = await two.acquire_lease("grid", "two")
            assert second.is_held()
            assert second.epoch == 2
            assert not first.is_held()

    asyncio.run(main())


def test_leaving_the_block_gives_all_leases_up(store: Kind) -> None:
    async def main() -> None:
        async with store.client(lease_ttl_s=60) as one:
            leases = [await one.acquire_lease(f"bot-{number}", "one") for number in range(20)]
            assert all(lease.is_held() for lease in leases)
        assert not any(lease.is_held() for lease in leases)
        async with store.client(lease_ttl_s=60) as two, asyncio.timeout(10):
            again = await asyncio.gather(*(two.acquire_lease(lease.name, "two") for lease in leases))
            assert [lease.epoch for lease in again] == [2] * 20

    asyncio.run(main())


def test_one_process_does_not_get_it_twice_unless_by_force(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as one, store.client() as two:
            first = await one.acquire_lease("grid", "the runner")
            for client in (one, two):
                with pytest.raises(LeaseError, match=rf"grid: is held.* \(?pid {os.getpid()}"):
                    await client.acquire_lease("grid", "the runner")
            assert first.is_held()
            second = await one.acquire_lease("grid", "the runner", takeover=True)
            assert second.is_held()
            assert not first.is_held()
            assert first.lost.is_set()
            # What the first does not have, it cannot give up.
            await first.release()
            assert second.is_held()

    asyncio.run(main())


def test_epochs_of_leases_come_from_the_counter_of_the_bot(store: Kind) -> None:
    async def main() -> None:
        async with store.client() as db:
            assert await db.next_epoch("grid") == 1
            lease = await db.acquire_lease("grid", "one")
            assert lease.epoch == 2
            assert await db.next_epoch("grid") == 3
            await lease.release()
            assert (await db.acquire_lease("grid", "one")).epoch == 4
            assert (await db.acquire_lease("other", "one")).epoch == 1

    asyncio.run(main())


def test_no_two_hold_it_at_any_moment_while_it_goes_from_hand_to_hand(store: Kind) -> None:
    async def main() -> None:
        async with store.client(lease_ttl_s=0.5) as one, store.client(lease_ttl_s=0.5) as two:
            held = await one.acquire_lease("grid", "one")
            for number in range(4):
                coming = asyncio.ensure_future((two, one)[number % 2].acquire_lease("grid", "next", takeover=True))
                was_held = True
                while not coming.done():
                    is_held = held.is_held()
                    assert was_held or not is_held
                    was_held = is_held
                    await asyncio.sleep(0.001)
                assert not held.is_held()
                assert coming.result().epoch > held.epoch
                held = coming.result()
                assert held.is_held()

    asyncio.run(main())


def test_asking_costs_microseconds(store: Kind) -> None:
    async def main() -> None:
        async with store.client(lease_ttl_s=60) as db:
            lease = await db.acquire_lease("grid", "one")
            count = 10_000
            fastest = float("inf")
            for _ in range(5):
                began = time.perf_counter()
                for _ in range(count):
                    lease.is_held()
                fastest = min(fastest, time.perf_counter() - began)
            assert fastest / count < 20e-6

    asyncio.run(main())


def test_a_holder_that_was_stopped_for_long_does_not_go_on_as_if_nothing_had_been(
    store: Kind, processes: Processes
) -> None:
    first = processes.start("hold_lease", store.url, "grid", lease_ttl_s=3 * TTL_S)
    assert first.says() == ["held", 1]
    first.process.send_signal(signal.SIGSTOP)
    second = processes.start("hold_lease", store.url, "grid", lease_ttl_s=3 * TTL_S)
    # A process that lives is not dead: only force takes it from there.
    assert second.says()[0] == "LeaseError"
    third = processes.start("hold_lease", store.url, "grid", takeover=True, lease_ttl_s=3 * TTL_S)
    assert third.says() == ["held", 2]
    first.process.send_signal(signal.SIGCONT)
    first.hears("ask")
    is_held, is_lost, _ = first.says()
    assert (is_held, is_lost) == (False, True)


@pytest.mark.parametrize("name", ["", "../grid", "a/b", ".hidden", "a b", "x" * 129])
def test_a_name_that_could_be_a_path_is_refused(store: Kind, name: str) -> None:
    async def main() -> None:
        async with store.client() as db:
            with pytest.raises(ParameterError, match=r"name = .*: must be letters, digits"):
                await db.acquire_lease(name, "one")

    asyncio.run(main())
