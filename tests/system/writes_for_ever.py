"""A process that appends to journals of a store and says how many orders are durable, until it is killed or its disk is full.

usage: python -m tests.system.writes_for_ever FOLDER NAME BOTS [BYTES]
"""

from __future__ import annotations

import resource
import select
import sys
from pathlib import Path

from algo_trade._native import JournalStore, System
from algo_trade.errors import JournalError
from tests.system.machine import Buys, bar, machine


def opened(store: JournalStore, name: str, path: Path) -> System:
    """Return a system with a journal, which goes on if it is there."""
    if not path.exists():
        return machine(Buys(), journal=store.create(name, "{}"))
    journal = store.resume(name)
    system = machine(Buys(), started=False, journal=journal)
    system.recover(path)
    return system


def main(folder: str, name: str, bots: str, size: str = "") -> None:
    if size:
        # Python ignores the signal, so that a write beyond it fails as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    store = JournalStore(folder, window_ms=5)
    names = [f"b{bot}/{name}" for bot in range(int(bots))]
    systems = [opened(store, name, Path(folder) / f"{name}.journal") for name in names]
    asked: dict[int, int] = {0: 0}
    minute = 0
    try:
        while True:
            for system in systems:
                # It answers each with an order.
                system.step(bar(minute))
            minute += 1
            asked[store.commit()] = len(systems[0].orders())
            select.select([store], [], [], 1)
            durable = store.drain()
            if durable:
                sys.stdout.write(f"{asked[durable]}\n")
                sys.stdout.flush()
    except JournalError as error:
        sys.stdout.write(f"refused: {error}\nfailure: {store.failure}\ndurable: {asked[store.durable]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
