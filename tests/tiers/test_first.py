"""Of rows with one key the first that was written is told, whichever tiers they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algo_trade.storage.tiers import TieredStorage
from tests.lake.rows import bars

if TYPE_CHECKING:
    from pathlib import Path


def opens(storage: TieredStorage) -> list[int]:
    return [int(each) for each in storage.query("bars", columns=["open"]).read_all()["open"].to_pylist()]


def write(storage: TieredStorage, price: int, *minutes: int) -> None:
    storage.write("bars", bars("BTC", minutes, price=price), venue="v", resolution="1m")


def test_the_first_of_three_bars_stays_while_they_are_in_three_tiers_and_when_they_are_moved(tmp_path: Path) -> None:
    with TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/warm.db") as storage:
        write(storage, 100, 0)
        storage.flush()
        storage.migrate(before="2026-04-01")
    with TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/warm.db") as storage:
        write(storage, 200, 0, 1)
        storage.flush()
        write(storage, 300, 0, 1, 2)
        assert opens(storage) == [100, 201, 302]
        storage.flush()
        assert opens(storage) == [100, 201, 302]
        storage.migrate(before="2026-04-01")
        assert opens(storage) == [100, 201, 302]
        assert storage.warm.series() == {}
