"""The warm tier on a server: calls from any thread, and rows that are taken away once they are safe elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from algo_trade.errors import ParameterError, StorageError, StorageUnavailableError
from algo_trade.storage.kinds import KINDS, SeriesId
from algo_trade.storage.tiers.server import ServerWarm
from tests.market.rows import MINUTE_NS, NOW_NS, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algo_trade.storage.tiers.warm import Warm
    from tests.storage.kinds import ServerStore
    from tests.storage.processes import Processes

START_NS = NOW_NS // MINUTE_NS * MINUTE_NS
BOOK, BARS = SeriesId("book", "v", "BTC"), SeriesId("bars", "v", "BTC", MINUTE_NS)


@pytest.fixture
def warm(server_store: ServerStore) -> Iterator[ServerWarm]:
    warm = ServerWarm(server_store.url)
    warm.open()
    yield warm
    warm.close()


def test_rows_come_back_with_the_columns_of_their_kind(warm: ServerWarm) -> None:
    tier: Warm = warm
    rows = {BOOK: many(KINDS["book"], 700), BARS: many(KINDS["bars"], 20)}
    tier.write(rows)
    tier.write(rows)
    for series, table in rows.items():
        assert tier.read(series) == table
        part = tier.read(
            series, START_NS + 2 * MINUTE_NS, START_NS + 5 * MINUTE_NS, ["price", "symbol"][series == BARS :]
        )
        assert part.num_rows == 3
    last_ns = START_NS + 699 * MINUTE_NS
    assert tier.series() == {
        BOOK: (START_NS // 1_000 * 1_000, last_ns // 1_000 * 1_000 + 999),
        BARS: (START_NS, START_NS + 19 * MINUTE_NS),
    }
    assert set(tier.series(["bars"])) == {BARS}
    assert tier.series(symbols=["ETH"]) == {}
    assert tier.read(SeriesId("fills", "v", "BTC")).schema == KINDS["fills"].schema


def test_bars_that_were_never_told_a_volume_come_without_one(warm: ServerWarm) -> None:
    rows = many(KINDS["bars"], 3).drop_columns(["volume"])
    warm.write({BARS: rows})
    assert warm.read(BARS) == rows
    with warm.taking(BARS, START_NS + 2 * MINUTE_NS) as taken:
        assert taken == rows.slice(0, 2)


def test_a_write_is_done_wholly_or_not_at_all(warm: ServerWarm, server_store: ServerStore) -> None:
    server_store.sql("ALTER TABLE ohlcv ADD CHECK (high < 0) NOT VALID")
    with pytest.raises(StorageError, match="violates check constraint"):
        warm.write({BOOK: many(KINDS["book"], 700), BARS: many(KINDS["bars"], 3)})
    assert warm.series() == {}


def test_rows_that_are_taken_are_gone_and_those_written_meanwhile_stay(warm: ServerWarm) -> None:
    rows = many(KINDS["book"], 10)
    warm.write({BOOK: rows.filter([number != 3 for number in range(10)])})
    with warm.taking(BOOK, START_NS + 5 * MINUTE_NS) as taken:
        assert taken["sequence"].to_pylist() == [0, 1, 2, 4]
        warm.write({BOOK: rows})
        assert warm.read(BOOK).num_rows == 10
    assert warm.read(BOOK)["sequence"].to_pylist() == [3, 5, 6, 7, 8, 9]


def test_rows_stay_if_whoever_takes_them_fails(warm: ServerWarm) -> None:
    warm.write({BOOK: many(KINDS["book"], 10)})
    with pytest.raises(OSError, match="the lake is full"), warm.taking(BOOK, START_NS + 5 * MINUTE_NS):
        raise OSError("the lake is full")
    assert warm.read(BOOK).num_rows == 10
    with warm.taking(BOOK, START_NS + 5 * MINUTE_NS) as taken:
        assert taken.num_rows == 5
    assert warm.read(BOOK).num_rows == 5


def test_rows_stay_if_the_process_that_takes_them_is_killed(
    warm: ServerWarm, server_store: ServerStore, processes: Processes
) -> None:
    warm.write({BOOK: many(KINDS["book"], 10)})
    actor = processes.start("take_and_wait", server_store.url, START_NS + 5 * MINUTE_NS)
    assert actor.says() == 5
    actor.kill()
    assert warm.read(BOOK).num_rows == 10


def test_rows_stay_if_the_server_dies_while_they_are_taken_and_it_is_told(
    server_store: ServerStore, warm: ServerWarm
) -> None:
    warm.write({BOOK: many(KINDS["book"], 10)})
    with pytest.raises(StorageUnavailableError), warm.taking(BOOK, START_NS + 5 * MINUTE_NS):
        server_store.cluster.restart()
    assert warm.read(BOOK).num_rows == 10


def test_calls_of_many_threads_do_not_come_between_each_other(warm: ServerWarm) -> None:
    def use(number: int) -> int:
        series = SeriesId("trades", "v", f"S{number}")
        rows = many(KINDS["trades"], 600, symbol=series.symbol)
        for first in range(0, 600, 200):
            warm.write({series: rows.slice(first, 200)})
        with warm.taking(series, START_NS + 100 * MINUTE_NS) as taken:
            assert taken == rows.slice(0, 100)
        assert warm.read(series) == rows.slice(100)
        return len(warm.series(["trades"]))

    with ThreadPoolExecutor(8) as threads:
        assert max(threads.map(use, range(8))) <= 8
    assert len(warm.series()) == 8


def test_it_can_be_closed_and_opened_again_and_says_when_it_is_not_open(server_store: ServerStore) -> None:
    warm = ServerWarm(server_store.url)
    assert server_store.cluster.password[:16] not in f"{warm.name} {warm!r}"
    for _ in range(2):
        warm.open()
        warm.open()
        warm.write({BARS: many(KINDS["bars"], 3)})
        warm.close()
        warm.close()
        with pytest.raises(StorageError, match="is not open"):
            warm.read(BARS)
    with pytest.raises(ParameterError, match="must start with postgresql"):
        ServerWarm("sqlite:///x.db")
