"""A backtest takes rows of all tiers as if they all lay in the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from algo_trade.data import HistoricalDataProvider
from algo_trade.errors import DataError
from algo_trade.storage.lake import ParquetStorage
from algo_trade.storage.tiers.storage import TieredStorage
from tests.lake.rows import bars, trades

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")


def recorded(kind: str, day: str) -> pa.Table:
    return bars("BTC", range(10), day=day) if kind == "bars" else trades("BTC", range(10), day=day)


@pytest.fixture(params=["bars", "trades"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tiers(tmp_path: Path, kind: str) -> TieredStorage:
    """Return a storage with a day in each tier, and a late row of the first one in memory."""
    resolution = "1m" if kind == "bars" else None
    storage = TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/lake-warm.db")
    storage.write(kind, recorded(kind, DAYS[0]).slice(0, 9), venue="v", resolution=resolution)
    storage.flush()
    storage.migrate(before=DAYS[1])
    storage.write(kind, recorded(kind, DAYS[1]), venue="v", resolution=resolution)
    storage.flush()
    storage.write(kind, recorded(kind, DAYS[2]), venue="v", resolution=resolution)
    storage.write(kind, recorded(kind, DAYS[0]).slice(8), venue="v", resolution=resolution)
    return storage


@pytest.fixture
def plain(tmp_path: Path, kind: str) -> ParquetStorage:
    """Return a lake with the same rows."""
    lake = ParquetStorage(tmp_path / "plain")
    for day in DAYS:
        lake.write(kind, recorded(kind, day), venue="v", resolution="1m" if kind == "bars" else None)
    return lake


@pytest.mark.parametrize(
    "span", [(None, None), ("2026-03-01", "2026-03-02"), ("2026-03-02", None), (None, "2026-03-03T00:00:00.000000005Z")]
)
def test_what_is_picked_of_all_tiers_runs_like_the_same_rows_in_a_lake(
    tiers: TieredStorage, plain: ParquetStorage, kind: str, span: tuple[str | None, str | None]
) -> None:
    start, end = span
    picked = tiers.select(kind, "BTC", start=start, end=end)
    tiers.migrate(before="2026-04-01")  # what was picked stays what it is
    found = HistoricalDataProvider(picked).read()
    wanted = HistoricalDataProvider(plain.select(kind, "BTC", start=start, end=end)).read()
    assert found.equals(wanted)
    assert found.height >= 10
    tiers.close()


def test_a_url_finds_what_was_recorded_beside_the_lake(tiers: TieredStorage, plain: ParquetStorage, kind: str) -> None:
    tiers.close()
    found = HistoricalDataProvider(f"lake://{kind}/BTC?lake={tiers.lake.files.name}").read()
    assert found.equals(HistoricalDataProvider(plain.select(kind, "BTC")).read())


def test_what_there_is_none_of_is_said(tiers: TieredStorage, kind: str) -> None:
    with pytest.raises(DataError, match="there are some of BTC"):
        tiers.select(kind, "DOGE")
    tiers.close()
