"""Whatever is written, late, twice or moved between tiers: the answers are those of a plain table."""

from __future__ import annotations

import shutil
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from algo_trade.core.times import time_ns
from algo_trade.storage.kinds import KINDS, SeriesId
from algo_trade.storage.lake.check import verify
from algo_trade.storage.lake.layout import DAY_NS
from algo_trade.storage.tiers import sqlite
from algo_trade.storage.tiers.storage import TieredStorage
from tests.storage.kinds import ServerStore
from tests.tiers.model import Model, Row, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.storage.cluster import Cluster

START_NS = time_ns("2026-03-01")
DAYS = 4
# So few that rows meet often: at one moment, in one key, on both sides of midnight.
MOMENTS = [day * DAY_NS + within for day in range(DAYS) for within in (0, 1, 60_000_000_000, DAY_NS // 2, DAY_NS - 1)]
AMOUNTS = st.sampled_from([Decimal("0.00000001"), Decimal(1), Decimal("2.5"), Decimal("92233720368.54775807")])
SERIES = [
    SeriesId("trades", "v", "BTC"),
    SeriesId("trades", "w", "BTC"),
    SeriesId("trades", "v", "ETH"),
    SeriesId("book", "v", "BTC"),
    SeriesId("bars", "v", "BTC", 60_000_000_000),
    SeriesId("fills", "v", "BTC"),
]


@st.composite
def row_of(draw: st.DrawFn, series: SeriesId) -> Row:
    """Draw a row of a series; its key is one of few."""
    kind = KINDS[series.kind]
    at = START_NS + draw(st.sampled_from(MOMENTS))
    row: Row = {}
    for column in kind.schema:
        if column.name == kind.time:
            row[column.name] = at
        elif column.name == "local_time":
            row[column.name] = at + draw(st.integers(0, 2))
        elif column.name == "kind":
            row[column.name] = 0 if series.kind == "trades" else draw(st.sampled_from([5, 6]))
        elif column.name == "symbol":
            continue
        elif str(column.type).startswith("decimal"):
            row[column.name] = draw(AMOUNTS) if column.name in kind.key or draw(st.booleans()) else Decimal(1)
        elif str(column.type) == "string":
            row[column.name] = draw(st.sampled_from(["", "a", "é"])) if column.name in kind.key else "x"
        elif str(column.type) == "bool":
            row[column.name] = True
        elif column.name == "side":
            row[column.name] = draw(st.sampled_from([1, 2]))
        elif column.name in {"sequence", "order_id"}:
            row[column.name] = draw(st.sampled_from([0, 1, (1 << 64) - 1]))
        else:
            row[column.name] = 0
    if series.kind == "bars":
        row["timestamp"] -= row["timestamp"] % 60_000_000_000
        row["low"], row["open"], row["close"], row["high"] = sorted(
            row[name] for name in ("low", "open", "close", "high")
        )
    return row


class Tiers(RuleBasedStateMachine):
    """A storage, and the plain table that it must be like."""

    def __init__(self, warm_url: Callable[[Path], str]) -> None:
        super().__init__()
        self.warm_url = warm_url

    @initialize(fan_in=st.sampled_from([2, 32]))
    def begin(self, fan_in: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.now_ns = START_NS + DAYS * DAY_NS
        self.model = Model()
        # Small enough that batches are joined, and rows go out of memory.
        sqlite.FAN_IN = fan_in
        self.storage = self.opened()

    def opened(self) -> TieredStorage:
        return TieredStorage(
            self.folder / "lake",
            self.warm_url(self.folder),
            hot_for="1h",
            warm_for="1d",
            clock=lambda: self.now_ns,
        )

    def teardown(self) -> None:
        if hasattr(self, "storage"):
            self.storage.close()
            sqlite.FAN_IN = 32
            shutil.rmtree(self.folder)

    @rule(data=st.data(), series=st.sampled_from(SERIES))
    def write(self, data: st.DataObject, series: SeriesId) -> None:
        rows = data.draw(st.lists(row_of(series), min_size=1, max_size=6))
        self.storage.write(
            series.kind, table(series, rows), venue=series.venue, resolution=series.resolution_ns or None
        )
        self.model.write(series, rows)

    @rule()
    def write_again(self) -> None:
        for series in SERIES:
            rows = [row for of, row in self.model.rows if of == series][-3:]
            if rows:
                self.storage.write(
                    series.kind, table(series, rows), venue=series.venue, resolution=series.resolution_ns or None
                )
                self.model.write(series, rows)

    @rule()
    def flush(self) -> None:
        self.storage.flush()
        self.model.flush()

    @rule(days=st.integers(1, DAYS))
    def migrate(self, days: int) -> None:
        moved = self.storage.migrate(before=START_NS + days * DAY_NS)
        assert not moved.problems

    @rule()
    def time_passes(self) -> None:
        self.now_ns += DAY_NS // 8

    @rule()
    def compact(self) -> None:
        self.storage.lake.compact()

    @rule()
    def restart(self) -> None:
        self.storage.close()
        self.model.flush()
        self.storage = self.opened()

    @rule()
    def crash(self) -> None:
        self.storage.warm.close()  # as a killed process does, with what is in memory lost
        self.model.crash()
        self.storage = self.opened()

    @rule(
        data=st.data(),
        series=st.sampled_from(SERIES),
        symbols=st.sampled_from([[], ["BTC"], ["BTC", "ETH"], ["XRP"]]),
        span=st.tuples(st.none() | st.sampled_from(MOMENTS), st.none() | st.sampled_from(MOMENTS)),
    )
    def ask(
        self, data: st.DataObject, series: SeriesId, symbols: list[str], span: tuple[int | None, int | None]
    ) -> None:
        kind = KINDS[series.kind]
        start, end = (None if after is None else START_NS + after for after in span)
        names = ("venue", *kind.schema.names)
        columns = data.draw(st.none() | st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple))
        found = self.storage.query(kind.name, symbols, start=start, end=end, columns=columns).read_all()
        wanted = self.model.query(kind, symbols, start, end, columns)
        assert found.equals(wanted), (found.to_pylist(), wanted.to_pylist())

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        if not hasattr(self, "storage"):
            return
        for name in ("trades", "book", "bars", "fills"):
            found, wanted = self.storage.query(name).read_all(), self.model.query(KINDS[name], [], None, None, None)
            assert found.equals(wanted), (found.to_pylist(), wanted.to_pylist())
        errors = [each for each in verify(self.storage.lake, self.storage.lake.parts()) if each.severity == "error"]
        assert errors == []


# Hypothesis takes whatever makes a machine, and says that it must be a class.
def test_over_a_file_any_mix_gives_the_answers_of_a_plain_table() -> None:
    run_state_machine_as_test(
        lambda: Tiers(lambda folder: f"sqlite:///{folder}/warm.db"),  # type: ignore[arg-type]
        settings=settings(max_examples=60, stateful_step_count=25, deadline=None),
    )


def test_over_a_server_any_mix_gives_the_answers_of_a_plain_table(cluster: Cluster) -> None:
    made: dict[Path, ServerStore] = {}

    def fresh(folder: Path) -> str:
        if folder not in made:
            made[folder] = ServerStore(cluster, cluster.make_database())
        return made[folder].url

    try:
        run_state_machine_as_test(
            lambda: Tiers(fresh),  # type: ignore[arg-type]
            settings=settings(max_examples=15, stateful_step_count=20, deadline=None),
        )
    finally:
        for store in made.values():
            store.remove()
