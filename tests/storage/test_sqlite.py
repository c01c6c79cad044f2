"""The embedded store on a disk that is full, damaged, read-only, or changed underneath."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from algo_trade.errors import StorageError, StorageUnavailableError
from algo_trade.storage import DatabaseClient
from algo_trade.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from tests.storage.kinds import FileStore
    from tests.storage.processes import Processes


async def fill(db: DatabaseClient, count: int = 200, size: int = 500) -> None:
    for number in range(count):
        await db.put_value("grid", f"value {number}", {"filler": "x" * size})


async def filled(store: FileStore) -> None:
    """Make a store of some pages, and close it."""
    async with store.client() as db:
        await db.save_bot("grid", {"a": 1}, "running")
        await fill(db)


def test_the_file_is_made_with_its_folder_for_its_owner_alone_and_is_safe_from_a_loss_of_power(
    file_store: FileStore,
) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            assert file_store.path.stat().st_mode & 0o777 == 0o600
            assert file_store.path.parent.stat().st_mode & 0o777 == 0o700
            settings = [
                await db._store.rows(f"PRAGMA {name}")
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert settings == [[("wal",)], [(2,)], [(1,)], [(10_000,)]]

    asyncio.run(main())


def test_the_folder_of_a_relative_path_does_not_move_with_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def main() -> None:
        monkeypatch.chdir(tmp_path)
        db = DatabaseClient("sqlite:///state/x.db")
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        async with db:
            await db.next_epoch("grid")
        assert (tmp_path / "state" / "x.db").is_file()

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_page_is_found_and_the_store_is_named_and_not_served(file_store: FileStore, seed: int) -> None:
    async def main() -> None:
        await filled(file_store)
        content = bytearray(file_store.path.read_bytes())
        place = random.Random(seed).randrange(1, len(content) // 4096) * 4096
        content[place : place + 64] = random.Random(seed).randbytes(64)
        file_store.path.write_bytes(content)
        with pytest.raises(
            StorageError, match=r"algo_trade\.db: is damaged: .*: restore a backup, or save what can be read"
        ):
            async with file_store.client():
                pass

    asyncio.run(main())


@pytest.mark.parametrize(
    "content", [b"no database at all, but some text that is long enough" * 100, b"SQLite format 3\0" + b"x" * 5_000]
)
def test_a_file_of_something_else_is_refused_and_left_as_it_is(file_store: FileStore, content: bytes) -> None:
    async def main() -> None:
        file_store.path.parent.mkdir()
        file_store.path.write_bytes(content)
        with pytest.raises(StorageError, match="is damaged: file is not a database"):
            async with file_store.client():
                pass
        assert file_store.path.read_bytes() == content

    asyncio.run(main())


def test_a_store_that_is_damaged_while_it_is_open_is_served_no_more(file_store: FileStore) -> None:
    async def main() -> None:
        await filled(file_store)
        async with file_store.client() as db:
            # By another process: this one would take SQLite's locks away when it closes the file.
            pages = file_store.path.stat().st_size // 4096 - 1
            damage = f"import os; os.pwrite(os.open({str(file_store.path)!r}, os.O_RDWR), b'x' * {4096 * pages}, 4096)"
            subprocess.run([sys.executable, "-c", damage], check=True)
            await db._store.rows("PRAGMA shrink_memory")
            with pytest.raises(StorageError, match="is damaged"):
                await asyncio.gather(*(db.value("grid", f"value {number}") for number in range(200)))
            # Even what could be had without the page.
            with pytest.raises(StorageError, match="is damaged"):
                await db.audits()

    asyncio.run(main())


def test_a_torn_last_write_costs_only_what_was_not_acknowledged(file_store: FileStore, tmp_path: Path) -> None:
    async def main() -> None:
        copy = tmp_path / "copy.db"
        async with file_store.client() as db:
            await db.put_value("grid", "first", {"is": "kept"})
            await db.put_value("grid", "second", {"is": "torn"})
            # As after a loss of power: the file, and of its log all but the end.
            shutil.copy(file_store.path, copy)
            log = Path(f"{file_store.path}-wal").read_bytes()
        Path(f"{copy}-wal").write_bytes(log[:-100])
        async with DatabaseClient(f"sqlite:///{copy}") as db:
            assert await db.value("grid", "first") == {"is": "kept"}
            assert await db.value("grid", "second") is None

    asyncio.run(main())


@pytest.mark.parametrize("name", ["algo_trade.db", "algo_trade.db-wal"])
def test_a_file_that_is_removed_underneath_ends_all_acknowledgement(file_store: FileStore, name: str) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            await db.put_value("grid", "x", {})
            (file_store.path.parent / name).unlink()
            for _ in range(2):
                with pytest.raises(StorageError, match="was removed or replaced"):
                    await db.put_value("grid", "x", {"more": 1})

    asyncio.run(main())


def test_a_file_that_is_replaced_underneath_ends_all_acknowledgement(file_store: FileStore, tmp_path: Path) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            await db.backup(tmp_path / "backup.db")
            (tmp_path / "backup.db").replace(file_store.path)
            with pytest.raises(StorageError, match="was removed or replaced"):
                await db.next_epoch("grid")

    asyncio.run(main())


def test_a_full_disk_leaves_the_old_data_and_what_was_acknowledged(file_store: FileStore, processes: Processes) -> None:
    refusal, kept = processes.start("write_until_full", file_store.url, 400_000).everything()
    number, kind, text = refusal
    assert number > 3
    assert kind == "StorageError"
    assert text.startswith(f"{file_store.where}: the disk failed: ")
    assert "see to the disk, and start again" in kept

    async def main() -> None:
        async with file_store.client() as db:
            assert await db.value("grid", "first") == {"is": "kept"}
            for each in range(number):
                assert await db.value("grid", f"value {each}") == {"filler": "x" * 20_000}
            assert await db.value("grid", f"value {number}") is None

    asyncio.run(main())


def test_a_disk_without_room_is_told_and_all_goes_on_when_there_is_room_again(small_disk: Path) -> None:
    async def main() -> None:
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"x" * 700_000)
        async with DatabaseClient(f"sqlite:///{small_disk}/x.db") as db:
            await db.put_value("grid", "first", {"is": "kept"})
            with pytest.raises(StorageError, match=r"x\.db: the disk is full: nothing was changed; make room"):
                await fill(db, 1_000, 20_000)
            assert await db.value("grid", "first") == {"is": "kept"}
            with pytest.raises(StorageError, match=r"could not be copied there"):
                await db.backup(small_disk / "backup.db")
            assert not list(small_disk.glob("backup*"))
            ballast.unlink()
            await db.put_value("grid", "first", {"is": "changed"})
        async with DatabaseClient(f"sqlite:///{small_disk}/x.db") as db:
            assert await db.value("grid", "first") == {"is": "changed"}

    asyncio.run(main())


@pytest.mark.parametrize("place", ["state", "state/algo_trade.db/deeper.db", "state/algo_trade.db"])
def test_a_place_that_is_no_file_is_refused(file_store: FileStore, place: str) -> None:
    async def main() -> None:
        file_store.path.parent.mkdir()
        if place == "state/algo_trade.db":
            os.mkfifo(file_store.path)
        else:
            file_store.path.write_bytes(b"")
        with pytest.raises(StorageError, match=r"no file|Not a directory|no folder"):
            async with DatabaseClient(f"sqlite:///{file_store.path.parent.parent}/{place}"):
                pass

    asyncio.run(main())


def test_a_disk_that_cannot_be_written_is_refused(small_disk: Path) -> None:
    async def main() -> None:
        db = DatabaseClient(f"sqlite:///{small_disk}/x.db")
        async with db:
            await db.next_epoch("grid")
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        for name in ("x", "new"):
            with pytest.raises(StorageError, match=rf"{name}\.db: cannot be (written|made)"):
                async with DatabaseClient(f"sqlite:///{small_disk}/{name}.db"):
                    pass

    asyncio.run(main())


def test_another_process_that_keeps_the_file_locked_is_waited_for_and_no_longer(file_store: FileStore) -> None:
    async def main() -> None:
        async with file_store.client(timeout_s=0.3) as db:
            with closing(sqlite3.connect(file_store.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                began = time.monotonic()
                with pytest.raises(StorageUnavailableError, match=r"another process kept it locked for 0\.3 s"):
                    await db.put_value("grid", "x", {})
                assert time.monotonic() - began < 2
                # Whoever only reads is not kept out.
                assert await db.bots() == []
                other.execute("COMMIT")
            await db.put_value("grid", "x", {})

    asyncio.run(main())


def test_a_disk_that_hangs_ends_every_call_in_time_and_all_goes_on_when_it_answers(file_store: FileStore) -> None:
    async def main() -> None:
        answers = threading.Event()
        async with file_store.client(timeout_s=0.2) as db:
            assert isinstance(db._store, SqliteStore)
            hanging = asyncio.ensure_future(db._store._visit(answers.wait))
            began = time.monotonic()
            calls = await asyncio.gather(hanging, db.next_epoch("grid"), db.bots(), return_exceptions=True)
            assert [type(call) for call in calls] == [StorageUnavailableError] * 3
            assert "the disk did not answer within 0.2 s" in str(calls[1])
            assert time.monotonic() - began < 5
            answers.set()
            # A call that was given up before its turn was not done later.
            assert await db.next_epoch("grid") == 1

    asyncio.run(main())


def test_a_backup_is_a_whole_store_made_while_others_write(file_store: FileStore, tmp_path: Path) -> None:
    async def main() -> None:
        await filled(file_store)
        backup = tmp_path / "backup.db"
        async with file_store.client() as db:

            async def write() -> None:
                for number in range(100):
                    await db.put_value("grid", "last", {"number": number})

            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(write())
                for _ in range(3):
                    await db.backup(backup)
            await db.put_value("grid", "last", {"number": "after"})
        assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.db", "state"]
        assert backup.stat().st_mode & 0o777 == 0o600
        async with DatabaseClient(f"sqlite:///{backup}") as db:
            assert len(await db.bots()) == 1
            assert await db.value("grid", "value 199") is not None
            assert await db.value("grid", "last") != {"number": "after"}

    asyncio.run(main())


def test_a_backup_over_the_store_or_into_nowhere_is_refused(file_store: FileStore, tmp_path: Path) -> None:
    async def main() -> None:
        async with file_store.client() as db:
            await db.next_epoch("grid")
            with pytest.raises(StorageError, match="is the store itself"):
                await db.backup(file_store.path)
            with pytest.raises(StorageError, match="could not be copied there: No such file or directory"):
                await db.backup(tmp_path / "nowhere" / "backup.db")
            assert await db.next_epoch("grid") == 2
        with pytest.raises(StorageError, match="is not open"):
            await db.backup(tmp_path / "backup.db")

    asyncio.run(main())
