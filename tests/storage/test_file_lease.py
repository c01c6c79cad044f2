"""Leases of the embedded store: the kernel's lock, the file in its place, and what may happen to it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from algo_trade.errors import LeaseError, StorageError, StorageUnavailableError
from algo_trade.storage import DatabaseClient

if TYPE_CHECKING:
    from pathlib import Path

    from tests.storage.kinds import FileStore
    from tests.storage.processes import Processes


def lease_file(store: FileStore, name: str = "grid") -> Path:
    return store.path.with_name(f"{store.path.name}.leases") / f"{name}.lease"


def test_the_file_says_who_holds_it(file_store: FileStore) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            await db.acquire_lease("grid", "the runner")
            said = json.loads(lease_file(file_store).read_text())
            assert (said["owner"], said["pid"], said["epoch"]) == ("the runner", os.getpid(), 1)
            assert said["since"].endswith("+00:00")
            assert lease_file(file_store).stat().st_mode & 0o777 == 0o600
            assert [path.name for path in lease_file(file_store).parent.iterdir()] == ["grid.lease"]

    asyncio.run(main())


@pytest.mark.parametrize("what", ["removed", "moved away", "replaced", "its folder removed"])
def test_a_lease_whose_file_is_not_in_its_place_is_lost(file_store: FileStore, what: str) -> None:
    async def main() -> None:
        path = lease_file(file_store)
        async with file_store.client() as db:
            lease = await db.acquire_lease("grid", "one")
            if what == "removed":
                path.unlink()
            elif what == "moved away":
                path.rename(path.with_name("x"))
            elif what == "replaced":
                shutil.copy(path, path.with_name("x"))
                path.with_name("x").replace(path)
            else:
                shutil.rmtree(path.parent)
            assert not lease.is_held()
            assert lease.lost.is_set()
            assert lease.lost_because is not None
            # It is not regained, even if the file comes back.
            path.parent.mkdir(exist_ok=True)
            assert not lease.is_held()
            assert (await db.acquire_lease("grid", "two")).epoch == 2

    asyncio.run(main())


def test_a_child_that_outlives_a_killed_holder_keeps_nothing(file_store: FileStore, processes: Processes) -> None:
    first = processes.start("hold_lease", file_store.url, "grid", is_forked=True)
    said = {what: number for what, number, *_ in (first.says(), first.says())}
    assert said["held"] == 1
    child = said["forked"]
    try:
        first.kill()
        os.kill(child, 0)
        second = processes.start("hold_lease", file_store.url, "grid")
        assert second.says() == ["held", 2]
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_child_has_no_part_in_the_lease_of_its_parent(file_store: FileStore, processes: Processes) -> None:
    first = processes.start("hold_lease", file_store.url, "grid", is_forked=True)
    said = sorted([first.says(), first.says()])
    assert said[0][0] == "forked"
    try:
        assert said[0][2] is False
        first.hears("ask")
        assert first.says() == [True, False, None]
        assert processes.start("hold_lease", file_store.url, "grid").says()[0] == "LeaseError"
    finally:
        os.kill(said[0][1], signal.SIGKILL)


def test_a_database_restored_from_a_backup_gives_no_epoch_twice(file_store: FileStore, tmp_path: Path) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            await db.backup(tmp_path / "backup.db")
            for epoch in (1, 2, 3):
                lease = await db.acquire_lease("grid", "one")
                assert lease.epoch == epoch
                await lease.release()
        (tmp_path / "backup.db").replace(file_store.path)
        async with file_store.client() as db:
            assert (await db.acquire_lease("grid", "one")).epoch == 4
            assert await db.next_epoch("grid") == 5

    asyncio.run(main())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"owner": "x"}', b"\xff\xfe"])
def test_a_file_that_says_nothing_is_held_all_the_same_if_it_is_locked(file_store: FileStore, content: bytes) -> None:
    async def main() -> None:
        path = lease_file(file_store)
        async with file_store.client() as db:
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            with path.open() as other:
                fcntl.flock(other, fcntl.LOCK_EX)
                with pytest.raises(LeaseError, match="grid: is held by another process"):
                    await db.acquire_lease("grid", "one")
            assert (await db.acquire_lease("grid", "one")).is_held()

    asyncio.run(main())


def test_a_process_that_acquires_for_ever_is_not_waited_for_so_long(file_store: FileStore) -> None:
    async def main() -> None:
        async with file_store.client(timeout_s=0.2) as db:
            held = await db.acquire_lease("other", "one")
            turn = os.open(lease_file(file_store).parent, os.O_RDONLY)
            fcntl.flock(turn, fcntl.LOCK_EX)
            with pytest.raises(StorageUnavailableError, match=r"another process has been acquiring a lease for 0\.2 s"):
                await db.acquire_lease("grid", "one")
            os.close(turn)
            assert (await db.acquire_lease("grid", "one")).is_held()
            assert held.is_held()

    asyncio.run(main())


def test_bots_of_one_process_wait_for_each_other_as_long_as_it_takes(file_store: FileStore) -> None:
    async def main() -> None:
        async with file_store.client(timeout_s=0.05) as db:
            leases = await asyncio.gather(*(db.acquire_lease(f"bot{number}", "one") for number in range(200)))
            assert all(lease.is_held() for lease in leases)

    asyncio.run(main())


def test_who_gives_up_at_any_moment_leaves_the_lease_to_the_next(file_store: FileStore) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            for number in range(40):
                asked = asyncio.create_task(db.acquire_lease("grid", "one"))
                await asyncio.sleep(number / 10_000)
                asked.cancel()
                await asyncio.wait([asked])
                lease = await db.acquire_lease("grid", "another") if asked.cancelled() else asked.result()
                assert lease.is_held()
                await lease.release()

    asyncio.run(main())


def test_a_lease_that_cannot_be_written_is_not_acquired(file_store: FileStore) -> None:
    async def main() -> None:
        path = lease_file(file_store)
        async with file_store.client() as db:
            path.parent.write_text("no folder")
            with pytest.raises(StorageError, match="leases cannot be kept there: File exists"):
                await db.acquire_lease("grid", "one")
            path.parent.unlink()
            path.mkdir(parents=True)
            with pytest.raises(
                StorageError, match=r"grid\.lease: cannot be written: Is a directory: the lease was not acquired"
            ):
                await db.acquire_lease("grid", "one")
            path.rmdir()
            assert (await db.acquire_lease("grid", "one")).is_held()

    asyncio.run(main())


def test_a_program_started_by_the_holder_does_not_keep_the_lease(file_store: FileStore) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            lease = await db.acquire_lease("grid", "one")
            with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
                try:
                    await lease.release()
                    assert (await db.acquire_lease("grid", "two")).is_held()
                finally:
                    child.kill()

    asyncio.run(main())


def test_two_names_of_one_store_have_the_same_leases(file_store: FileStore, tmp_path: Path) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            await db.acquire_lease("grid", "one")
            (tmp_path / "link.db").symlink_to(file_store.path)
            async with DatabaseClient(f"sqlite:///{tmp_path}/link.db") as other:
                with pytest.raises(LeaseError):
                    await other.acquire_lease("grid", "two")

    asyncio.run(main())
