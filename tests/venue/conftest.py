"""Venues for the tests of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from algo_trade.venue.testing import RunningVenue, running_venue
from tests.venue.memory import MemoryVenue

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def venue() -> Iterator[RunningVenue]:
    """Return a venue over real sockets whose machine does what it is asked."""
    with running_venue(make=MemoryVenue) as running:
        yield running


@pytest.fixture(scope="module")
def shared_venue() -> Iterator[RunningVenue]:
    """Return one venue for many tests of what it refuses: nothing of theirs reaches its machine."""
    with running_venue(make=MemoryVenue) as running:
        yield running


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """Return a client for single requests; one, since making it reads every certificate of the system."""
    with httpx.Client(timeout=30) as client:
        yield client
