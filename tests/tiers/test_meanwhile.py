"""What happens while rows are flushed, moved or asked for neither loses nor doubles any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from algo_trade.core.times import time_ns
from algo_trade.storage.kinds import KINDS, SeriesId
from algo_trade.storage.tiers import TieredStorage
from algo_trade.storage.tiers.pieces import ordered, piece_of
from algo_trade.storage.tiers.sqlite import FAN_IN, SqliteWarm
from tests.lake.rows import trades

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pyarrow as pa

BTC = SeriesId("trades", "v", "BTC")


class Interrupted(SqliteWarm):
    """A warm tier that lets something happen when rows have just become durable."""

    then: Callable[[], object] | None = None

    def write(self, rows: Mapping[SeriesId, pa.Table]) -> None:
        super().write(rows)
        then, self.then = self.then, None
        if then is not None:
            then()


def ids(storage: TieredStorage) -> list[int]:
    found: list[int] = storage.query("trades", columns=["order_id"]).read_all()["order_id"].to_pylist()
    return found


def test_what_is_written_while_a_flush_is_under_way_is_kept_by_the_next_one(tmp_path: Path) -> None:
    warm = Interrupted(tmp_path / "warm.db")
    with TieredStorage(tmp_path / "lake", warm) as storage:
        storage.write("trades", trades("BTC", (0,)), venue="v")
        warm.then = lambda: storage.write("trades", trades("BTC", (1,)), venue="v")
        assert storage.flush() == 1
        assert ids(storage) == [1, 2]
        assert storage.flush() == 1
    with TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/warm.db") as again:
        assert ids(again) == [1, 2]


def test_what_is_written_while_a_day_is_moved_stays_and_what_was_moved_goes(tmp_path: Path) -> None:
    warm = SqliteWarm(tmp_path / "warm.db")
    warm.open()
    for number in range(3):
        warm.write({BTC: trades("BTC", (number,))})
    with warm.taking(BTC, time_ns("2026-03-02")) as taken:
        for number in range(3, FAN_IN + 3):
            warm.write({BTC: trades("BTC", (number,))})
        assert taken["order_id"].to_pylist() == [1, 2, 3]
    assert warm.read(BTC)["order_id"].to_pylist() == list(range(4, FAN_IN + 4))
    warm.write({BTC: trades("BTC", (99,))})
    assert len(warm.days()) == 1
    assert warm.read(BTC).num_rows == FAN_IN + 1, "and they are joined after it"
    warm.close()


def test_what_moves_to_the_lake_after_a_question_was_asked_is_in_its_answer(tmp_path: Path) -> None:
    where = tmp_path / "lake", f"sqlite:///{tmp_path}/warm.db"
    with TieredStorage(*where) as storage:
        storage.write("trades", trades("BTC", (0, 1)), venue="v")
    with TieredStorage(*where) as storage:
        answer = storage.query("trades", columns=["order_id"])
        storage.migrate(before="2026-04-01")
        assert answer.read_all()["order_id"].to_pylist() == [1, 2]


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), min_size=1, max_size=6))
def test_pieces_that_overlap_in_any_way_come_out_in_order_each_row_once(moments: list[list[int]]) -> None:
    kind = KINDS["trades"]
    found = ordered(kind, [piece_of(kind, trades("BTC", each)) for each in moments])
    assert found["order_id"].to_pylist() == sorted({moment + 1 for each in moments for moment in each})
