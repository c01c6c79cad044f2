"""Small files of bars, and where the real recordings are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """timestamp,open,high,low,close,volume
2022-01-01 00:00:00,10,12,9,11,5
2022-01-01 00:01:00,11,13,10,12,6
2022-01-01 00:02:00,12,14,11,13,7
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Three sound bars."""
    path = tmp_path / "bars.csv"
    path.write_text(GOOD)
    return path


@pytest.fixture(scope="session")
def btc_bars(shared_data: Path) -> Path:
    """The recorded bars, which are not part of the repository."""
    return shared_data / "bars" / "btc-perp-20211231-20220201_1m.csv"
