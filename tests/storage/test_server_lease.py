"""Leases of a store on a server: what a connection that is lost, slow or dead does to them."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

import pytest

from algo_trade.errors import LeaseError
from tests.storage.relay import relayed

if TYPE_CHECKING:
    from algo_trade.storage import Lease
    from tests.storage.kinds import ServerStore
    from tests.storage.processes import Processes

TTL_S = 1.0
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


async def until_lost(lease: Lease, within_s: float) -> float:
    """Wait for the loss without asking, and return how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        await lease.lost.wait()
    return time.monotonic() - began


async def until_unlocked(store: ServerStore) -> None:
    async with asyncio.timeout(10):
        while await asyncio.to_thread(store.sql, LOCKS) != "0":
            await asyncio.sleep(0.02)


def test_a_connection_that_is_lost_and_found_again_costs_nothing(server_store: ServerStore) -> None:
    async def main() -> None:
        async with relayed(server_store) as (db, relay), server_store.client() as other:
            lease = await db.acquire_lease("grid", "one")
            until = time.monotonic() + 3 * TTL_S
            while time.monotonic() < until:
                relay.cut()
                await asyncio.sleep(0.3)
                assert lease.is_held()
            with pytest.raises(LeaseError, match="is held by one"):
                await other.acquire_lease("grid", "two")
            assert lease.is_held()
            assert server_store.sql(LOCKS) == "1"

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["refuse", "silence"])
def test_a_server_that_cannot_be_reached_ends_the_lease_and_says_so(server_store: ServerStore, fault: str) -> None:
    async def main() -> None:
        async with relayed(server_store, timeout_s=1) as (db, relay):
            lease = await db.acquire_lease("grid", "one")
            getattr(relay, fault)()
            why = await asyncio.wait_for(lease.ending(), 2 * TTL_S)
            assert why == "the store does not answer: soon another process might have it"
            assert lease.is_held(), "there is time to put things in order"
            took = await until_lost(lease, 2 * TTL_S)
            assert took <= TTL_S + 0.3
            assert not lease.is_held()
            assert lease.lost_because is not None
            assert lease.lost_because.startswith("could not be renewed for 1 s: ")
            # It is not regained, but may be acquired anew.
            relay.accept()
            relay.resume()
            await asyncio.sleep(0.5)
            assert not lease.is_held()
            again = await db.acquire_lease("grid", "one")
            assert again.is_held()
            assert again.epoch > lease.epoch

    asyncio.run(main())


@pytest.mark.parametrize(
    "jump",
    [
        "SELECT 1",
        "UPDATE leases SET renewed_at = renewed_at + interval '1 hour'",
        "UPDATE leases SET renewed_at = renewed_at - interval '1 hour'",
    ],
    ids=["none", "forward", "back"],
)
def test_no_one_else_has_it_while_one_without_a_connection_may_believe_in_it_whatever_the_clock_of_the_server_does(
    server_store: ServerStore, jump: str
) -> None:
    async def main() -> None:
        options = {"timeout_s": 1, "lease_ttl_s": 2}
        async with relayed(server_store, **options) as (db, relay), server_store.client(lease_ttl_s=2) as other:
            lease = await db.acquire_lease("grid", "one")
            relay.refuse()
            # The lock is free at once; the time is not over.
            await until_unlocked(server_store)
            server_store.sql(jump)
            coming = asyncio.ensure_future(other.acquire_lease("grid", "two"))
            asked = 0
            while not coming.done():
                asked += lease.is_held()
                await asyncio.sleep(0.001)
            assert not lease.is_held()
            assert coming.result().is_held()
            assert asked > 0

    asyncio.run(main())


def test_one_that_comes_back_in_time_keeps_it_and_who_waited_is_refused(server_store: ServerStore) -> None:
    async def main() -> None:
        async with relayed(server_store, lease_ttl_s=3) as (db, relay), server_store.client() as other:
            lease = await db.acquire_lease("grid", "one")
            relay.refuse()
            await until_unlocked(server_store)
            coming = asyncio.ensure_future(other.acquire_lease("grid", "two"))
            await asyncio.sleep(0.3)
            assert not coming.done()
            relay.accept()
            with pytest.raises(LeaseError, match="is held by one"):
                await coming
            # The lock, which the other had meanwhile, comes back too.
            await asyncio.sleep(2)
            assert lease.is_held()
            assert server_store.sql(LOCKS) == "1"

    asyncio.run(main())


def test_a_stopped_process_keeps_others_out_for_a_while_and_has_lost_it_afterwards(
    server_store: ServerStore, processes: Processes
) -> None:
    first = processes.start("hold_lease", server_store.url, "grid", lease_ttl_s=TTL_S)
    assert first.says() == ["held", 1]
    first.process.send_signal(signal.SIGSTOP)

    async def main() -> None:
        async with server_store.client() as db, asyncio.timeout(20):
            while True:
                try:
                    lease = await db.acquire_lease("grid", "two")
                except LeaseError:
                    await asyncio.sleep(0.1)
                else:
                    break
            first.process.send_signal(signal.SIGCONT)
            first.hears("ask")
            is_held, is_lost, _ = first.says()
            assert (is_held, is_lost) == (False, True)
            await asyncio.sleep(TTL_S)
            assert lease.is_held()

    asyncio.run(main())


def test_a_process_that_did_nothing_for_too_long_has_lost_it_before_it_acts(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client(lease_ttl_s=0.3) as db:
            lease = await db.acquire_lease("grid", "one")
            # As a strategy that blocks.
            time.sleep(0.4)
            assert not lease.is_held()
            assert lease.lost.is_set()
            assert lease.lost_because == "could not be renewed for 0.3 s: this process did nothing for so long"

    asyncio.run(main())


def test_a_lease_is_kept_through_hours_of_a_quiet_server(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client(lease_ttl_s=0.5) as db:
            lease = await db.acquire_lease("grid", "one")
            # Longer than the session may be idle.
            await asyncio.sleep(2.5)
            assert lease.is_held()

    asyncio.run(main())


def test_a_row_that_is_deleted_by_hand_ends_the_lease(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client() as db:
            lease = await db.acquire_lease("grid", "one")
            server_store.sql("DELETE FROM leases")
            await until_lost(lease, TTL_S)
            assert lease.lost_because == "its row is gone from the table leases"
            # The number goes on all the same.
            assert (await db.acquire_lease("grid", "one")).epoch == 2

    asyncio.run(main())


def test_giving_up_a_lease_without_a_server_takes_no_longer_than_it_lasts(server_store: ServerStore) -> None:
    async def main() -> None:
        async with relayed(server_store, timeout_s=1) as (db, relay):
            lease = await db.acquire_lease("grid", "one")
            relay.silence()
            async with asyncio.timeout(3 * TTL_S):
                await lease.release()
            assert not lease.is_held()
            assert not lease.lost.is_set()

    asyncio.run(main())


def test_a_restart_of_the_server_within_the_time_of_a_lease_leaves_it_where_it_is(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client(lease_ttl_s=15) as db:
            lease = await db.acquire_lease("grid", "one")
            try:
                await asyncio.to_thread(server_store.cluster.stop)
            finally:
                await asyncio.to_thread(server_store.cluster.start)
            renewed = "SELECT renewed_at > pg_postmaster_start_time() FROM leases"
            async with asyncio.timeout(14):
                while await asyncio.to_thread(server_store.sql, renewed) != "t":
                    await asyncio.sleep(0.1)
            assert lease.is_held()
            assert server_store.sql(LOCKS) == "1"

    asyncio.run(main())


def test_a_takeover_ends_no_connection_of_the_other(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client() as one, server_store.client() as two:
            lease, kept = await one.acquire_lease("grid", "one"), await one.acquire_lease("other", "one")
            sessions = "SELECT pid FROM pg_stat_activity WHERE application_name = 'algo_trade' ORDER BY pid"
            before = server_store.sql(sessions).split()
            await two.acquire_lease("grid", "two", takeover=True)
            assert not lease.is_held()
            assert kept.is_held()
            assert set(before) <= set(server_store.sql(sessions).split())

    asyncio.run(main())


def test_a_takeover_that_is_cancelled_leaves_the_lease_to_the_next(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client(lease_ttl_s=2) as one, server_store.client(lease_ttl_s=2) as two:
            lease = await one.acquire_lease("grid", "one")
            coming = asyncio.ensure_future(two.acquire_lease("grid", "two", takeover=True))
            await asyncio.sleep(0.5)
            coming.cancel()
            await asyncio.wait([coming])
            assert coming.cancelled()
            third = await two.acquire_lease("grid", "two")
            assert third.epoch == 3
            assert third.is_held()
            assert not lease.is_held()

    asyncio.run(main())
