"""Rows in memory are counted as they come, are joined, and go."""

from __future__ import annotations

from algo_trade.core.times import time_ns
from algo_trade.storage.kinds import SeriesId
from algo_trade.storage.tiers.hot import FAN_IN, Hot
from tests.lake.rows import DAY, trades

BTC = SeriesId("trades", "v", "BTC")
START_NS = time_ns(DAY)


def held(hot: Hot) -> list[tuple[int, int]]:
    """Return the rows and bytes of each piece."""
    return [(piece.table.num_rows, piece.table.nbytes) for piece in hot.pieces(BTC)[0]]


def test_what_is_held_is_counted_whatever_becomes_of_it() -> None:
    hot = Hot()
    for number in range(3 * FAN_IN + 2):
        hot.add(BTC, trades("BTC", (10 * number, 10 * number + 1, 10 * number)), START_NS)
        if number % 2:
            hot.kept(hot.fresh())
        assert hot.size == sum(size for _, size in held(hot))
    assert hot.fresh_bytes == 0
    assert [rows for rows, _ in held(hot)] == [2 * FAN_IN] * 3 + [3] * 2, "many became few, each row once"
    assert hot.pieces(BTC)[1] == START_NS + 1
    hot.forget(START_NS + 10 * FAN_IN, 1 << 40)
    assert [rows for rows, _ in held(hot)] == [2 * FAN_IN] * 2 + [3] * 2
    assert hot.pieces(BTC)[1] == START_NS + 10 * (FAN_IN - 1) + 2, "from here on it knows all"
    hot.forget(0, held(hot)[-1][1])
    assert hot.size == held(hot)[-1][1]
    hot.add(BTC, trades("BTC", (99_999,)), START_NS)
    hot.forget(1 << 62, 0)
    assert [rows for rows, _ in held(hot)] == [1], "what is only here stays"
    assert hot.size == hot.fresh_bytes == held(hot)[0][1]
