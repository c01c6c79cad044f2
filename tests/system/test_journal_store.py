"""Journals that are made durable together: what is acknowledged is there, whatever is killed, full or damaged."""

from __future__ import annotations

import random
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import ControlEvent, Journal, JournalStore
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.errors import JournalError, ParameterError
from algo_trade.risk import SimpleRiskManager
from tests.system.machine import Buys, bar, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HEADER = '{"bot_id": "bot"}'


def wait_for(store: JournalStore, ticket: int) -> None:
    """Wait as a loop would: by the file descriptor alone."""
    while store.durable < ticket:
        readable, _, _ = select.select([store], [], [], 10)
        assert readable, "ten seconds, and nothing is durable"
        assert store.failure is None
        store.drain()


def lines(path: Path) -> list[str]:
    shown: list[str] = []
    Journal(path).dump(shown.append)
    return shown


def replayed(path: Path) -> tuple[int, int, bool]:
    made: dict[str, Any] = {"symbols": ["BTC", "ETH"], "rules": [], "initial_capital": 10_000, "bot_id": "bot"}
    return Journal(path).replay(strategy_part(Buys()), risk=risk_part(SimpleRiskManager(quantity="1")), **made)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JournalStore]:
    store = JournalStore(tmp_path / "journals", window_ms=60_000)
    yield store
    store.close()


def test_what_a_ticket_stands_for_is_in_a_journal_like_any_other(store: JournalStore, tmp_path: Path) -> None:
    journal = store.create("b1/000001", HEADER)
    system = machine(Buys(), journal=journal)
    system.step(bar(0))
    assert store.durable == 0
    wait_for(store, store.commit())
    store.close()
    assert journal.path == tmp_path / "journals" / "b1" / "000001.journal"
    assert journal.cut is None
    assert Journal(journal.path).header == HEADER
    assert replayed(journal.path) == (2, 1, False)


def test_three_hundred_bots_ask_once(store: JournalStore) -> None:
    journals = [store.create(f"b{bot}/run", HEADER) for bot in range(300)]
    systems = [machine(Buys(), journal=journal) for journal in journals]
    for minute in range(3):
        for system in systems:
            system.step(bar(minute))
        wait_for(store, store.commit())
    store.close()
    assert {replayed(journal.path) for journal in journals} == {(4, 3, False)}


def test_news_are_told_by_the_descriptor_until_they_are_taken(store: JournalStore) -> None:
    def is_readable(timeout: float = 0) -> bool:
        return bool(select.select([store.fileno()], [], [], timeout)[0])

    machine(Buys(), journal=store.create("one", HEADER)).step(bar(0))
    assert not is_readable()
    tickets = [store.commit() for _ in range(3)]
    assert tickets == [1, 2, 3]
    wait_for(store, 3)
    assert store.drain() == 3
    assert not is_readable()
    ticket = store.commit()
    assert is_readable(10), "also if there was nothing to write"
    assert (store.drain(), is_readable()) == (ticket, False)


def test_what_nobody_asks_for_is_durable_after_the_window(tmp_path: Path) -> None:
    store = JournalStore(tmp_path, window_ms=10)
    journal = store.create("one", HEADER)
    machine(Buys(), journal=journal).step(bar(0))
    deadline = time.monotonic() + 10
    while not (journal.path.exists() and len(lines(journal.path)) == 3):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert store.durable == 0
    store.close()


def test_closing_commits_and_then_nothing_is_taken(tmp_path: Path) -> None:
    store = JournalStore(tmp_path, window_ms=60_000)
    journal = store.create("one", HEADER)
    system = machine(Buys(), journal=journal)
    store.close()
    store.close()
    assert (len(lines(journal.path)), store.failure) == (1, None)
    refused: list[Callable[[], object]] = [
        lambda: system.step(bar(0)),
        store.commit,
        lambda: store.create("two", HEADER),
    ]
    for call in refused:
        with pytest.raises(JournalError, match="the store was closed"):
            call()


def test_a_store_that_nobody_holds_any_more_is_closed(tmp_path: Path) -> None:
    store = JournalStore(tmp_path, window_ms=60_000)
    machine(Buys(), journal=store.create("one", HEADER))
    del store
    assert len(lines(tmp_path / "one.journal")) == 1


@pytest.mark.parametrize(
    "name", ["", "..", "../up", "/etc/x", "a/../../b", ".hidden", "a b", "a\\b", "ä", "a//b", "x" * 201]
)
def test_a_name_that_leads_elsewhere_is_refused(store: JournalStore, name: str) -> None:
    with pytest.raises(ParameterError, match="is no name for a journal: give at most 200"):
        store.create(name, HEADER)
    with pytest.raises(ParameterError, match="is no name for a journal"):
        store.resume(name)


def test_a_journal_is_made_once_and_resumed_once(store: JournalStore) -> None:
    journal = store.create("b1/one", HEADER)
    with pytest.raises(JournalError, match=r"b1/one\.journal: there is such a journal already: resume it"):
        store.create("b1/one", HEADER)
    with pytest.raises(JournalError, match="this journal is open already: close it first"):
        store.resume("b1/one")
    with pytest.raises(JournalError, match="there is no such journal: create it"):
        store.resume("two")
    journal.close()
    again = store.resume("b1/one")
    assert (again.path, again.cut) == (journal.path, None)
    with pytest.raises(ParameterError, match="window_ms = 0: must be 1 to 60000"):
        JournalStore("elsewhere", window_ms=0)


def test_a_run_goes_on_in_its_journal_which_replays_as_one(tmp_path: Path) -> None:
    store = JournalStore(tmp_path)
    system = machine(Buys(), journal=store.create("one", HEADER))
    system.step(bar(0))
    store.close()
    for epoch in (1, 2):
        store = JournalStore(tmp_path)
        journal = store.resume("one")
        system = machine(Buys(), started=False, journal=journal)
        found = system.recover(journal.path)
        assert (found.cut, journal.cut, len(system.orders())) == (None, None, epoch)
        system.step(ControlEvent.takeover(found.last_time_ns, epoch))
        system.step(bar(epoch))
        if epoch == 2:
            journal.end()
        store.close()
    assert replayed(tmp_path / "one.journal") == (6, 3, True)


def test_a_damaged_tail_is_cut_and_said_and_the_run_goes_on(tmp_path: Path) -> None:
    store = JournalStore(tmp_path)
    system = machine(Buys(), journal=store.create("one", HEADER))
    for minute in range(20):
        system.step(bar(minute))
        wait_for(store, store.commit())
    store.close()
    path = tmp_path / "one.journal"
    path.write_bytes(path.read_bytes()[:-5])
    store = JournalStore(tmp_path)
    journal = store.resume("one")
    assert journal.cut is not None
    assert "damaged at byte" in journal.cut
    assert "a frame is cut off" in journal.cut
    assert "bytes from there on were cut off" in journal.cut
    system = machine(Buys(), started=False, journal=journal)
    assert system.recover(path).cut is None, "it was cut already"
    assert len(system.orders()) == 19
    system.step(bar(19))
    store.close()
    assert replayed(path) == (21, 20, False)


def process(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.system.writes_for_ever", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def orders(journal: Path) -> int:
    """Return how many orders a system has that goes on with a journal."""
    system = machine(Buys(), started=False)
    assert system.recover(journal).cut is None
    return len(system.orders())


def test_what_a_killed_process_has_acknowledged_is_there(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    seeded = random.Random(5)
    for life in range(30 if request.config.getoption("--long") else 3):
        with process(tmp_path, f"life{life}", 5) as running:
            assert running.stdout is not None
            said = running.stdout.readline()
            time.sleep(seeded.random() * 0.3)
            running.kill()
            said += running.stdout.read()
        acknowledged = int(said.rsplit("\n", 2)[-2])
        # Opening the store is what brings it there.
        JournalStore(tmp_path).close()
        for bot in range(5):
            assert orders(tmp_path / f"b{bot}" / f"life{life}.journal") >= acknowledged > 0


@pytest.mark.parametrize("full", ["redo.", "b0/run.journal"])
def test_on_a_full_disk_nothing_is_acknowledged_and_what_was_is_there(tmp_path: Path, full: str) -> None:
    room = 50_000
    if full != "redo.":
        # A journal that is there already is larger than the log, which begins anew.
        with process(tmp_path, "run", 1, room) as running:
            running.communicate(timeout=60)
        JournalStore(tmp_path).close()
        room = (tmp_path / full).stat().st_size + 5_000
    with process(tmp_path, "run", 1, room) as running:
        said, _ = running.communicate(timeout=60)
    *durable, refused, failure, last = said.splitlines()
    assert refused.startswith("refused: nothing can be appended to the journal: ")
    assert failure.startswith(f"failure: {full}")
    assert "File too large" in failure
    assert "File too large" in refused
    acknowledged = int(last.removeprefix("durable: "))
    assert acknowledged >= int(durable[-1]) > 10
    JournalStore(tmp_path).close()
    assert orders(tmp_path / "b0" / "run.journal") >= acknowledged


def test_a_folder_that_cannot_be_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"file/journals: .*Not a directory"):
        JournalStore(tmp_path / "file" / "journals")
