"""The real venue for clients that others have written, which trade on it unmodified."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from algo_trade.venue.testing import RunningVenue, running_venue

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = {"block_ms": 10, "fast_book_ms": 50, "book_ms": 100, "mids_ms": 100, "state_ms": 500}


@pytest.fixture(scope="module")
def exchange_venue() -> Iterator[RunningVenue]:
    """Return a venue with a made-up market, quick blocks, and no volume that has to be traded first."""
    local = {**QUICK, "schedule_volume_min": 0, "sub_account_volume_min": 0}
    limits = {"weight_a_minute": 1_000_000, "connections": 100, "new_connections_a_minute": 1_000, "users": 100}
    with running_venue(seed=1, symbols=4, local=local, limits=limits) as venue:
        yield venue


@pytest.fixture
def private_key() -> str:
    """Return a key that nobody has used."""
    return "0x" + secrets.token_hex(32)
