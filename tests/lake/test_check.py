"""``data verify`` finds what was done to a lake, and names file and row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from algo_trade.storage.lake import ParquetStorage
from algo_trade.storage.lake.check import verify
from tests.lake.rows import MINUTE_NS, bars, trades

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def found(lake: ParquetStorage) -> list[str]:
    return [f"{finding.severity}: {finding.problem}" for finding in verify(lake, lake.parts())]


def test_a_good_lake_has_nothing_to_be_found(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)
    lake.write("bars", bars("BTC", range(1440)), venue="v", resolution="1m")
    lake.write("trades", trades("ETH", range(0, 10_000, 7)), venue="v")
    looked_at: list[int] = []
    assert list(verify(lake, lake.parts(), looked_at.append)) == []
    assert looked_at[-1] == sum(part.rows for part in lake.parts())


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0x10
    file.write_bytes(content)


def rewrite(file: Path) -> None:
    table = pq.read_table(file)
    pq.write_table(table.slice(0, table.num_rows - 1), file)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (flip, "its bytes are not those that were written"),
        (lambda file: file.write_bytes(file.read_bytes()[:-9]), r"has [\d,]+ bytes; [\d,]+ were written"),
        (rewrite, "has 2 rows; 3 were written"),
        (lambda file: file.unlink(), "is gone"),
    ],
)
def test_damage_is_found_and_the_other_files_are_clean(
    tmp_path: Path, damage: Callable[[Path], object], problem: str
) -> None:
    lake = ParquetStorage(tmp_path)
    parts = lake.write("trades", pa.concat_tables([trades("BTC"), trades("ETH")]), venue="v")
    damage(tmp_path / parts[0].path)
    findings = list(verify(lake, lake.parts()))
    assert {finding.where for finding in findings} == {f"{tmp_path}/{parts[0].path}"}
    assert all(finding.severity == "error" for finding in findings)
    assert any(re.match(problem, finding.problem) for finding in findings), findings


def test_missing_bars_are_a_warning_and_prices_that_cannot_be_an_error(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)
    lake.write("bars", bars("BTC", (0, 1, 5, 6)), venue="v", resolution="1m")
    lake.write("bars", bars("ETH", (0, 1), length=-9), venue="v", resolution="1m")
    lake.write("bars", bars("SOL", (0,), price=0), venue="v", resolution="1m")
    texts = found(lake)
    assert any(text.startswith("warning: 3 bars are missing, the first after 2026-03-01 00:01:00") for text in texts)
    assert any(
        text.startswith("error: row 1, 2026-03-01 00:00:00+00:00: high is below low: open 100") for text in texts
    )
    assert any("row 1, 2026-03-01 00:00:00+00:00: is not above zero" in text for text in texts)


def test_bars_are_compared_with_the_trades_of_their_minutes(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)
    times = [minute * MINUTE_NS + second * 1_000_000_000 for minute in range(5) for second in (1, 30)]
    lake.write("trades", trades("BTC", times), venue="v")
    made = bars("BTC", range(5))
    lake.write("bars", made, venue="v", resolution="1m")
    (text,) = found(lake)
    assert text.startswith(
        "warning: 2026-03-01 00:01:00+00:00: open is 101.00000000, the trades make 100.00000000 (3 of 3"
    )
