"""Small files of bars, and where the real recordings are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
def btc_bars() -> Path:
    """The recorded bars, which are not part of the repository."""
    name = Path("bars/btc-perp-20211231-20220201_1m.csv")
    roots = [Path(os.environ["ALGO_TRADE_SHARED"])] if "ALGO_TRADE_SHARED" in os.environ else []
    roots += [parent / "shared" / "data" for parent in Path(__file__).resolve().parents]
    for root in roots:
        for place in (root / name, root / "data" / name):
            if place.exists():
                return place
    pytest.skip(f"{name} is not here: set ALGO_TRADE_SHARED to the folder of the recordings")
