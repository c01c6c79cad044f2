"""The local venue as a pytest fixture.

In a ``conftest.py``::

    pytest_plugins = ["algo_trade.venue.pytest_plugin"]

Then a test asks for ``local_venue``, and may say what it is to be like::

    @pytest.mark.venue(seed=7, symbols=2)
    def test_my_bot(local_venue):
        exchange = Exchange(wallet, local_venue.url)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from algo_trade.venue.testing import running_venue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algo_trade.venue.testing import RunningVenue


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "venue(**options): what the local venue of a test is like; see `running_venue`")


@pytest.fixture
def local_venue(request: pytest.FixtureRequest) -> Iterator[RunningVenue]:
    """Return a local venue that runs for the time of a test, on a free port of loopback."""
    marker = request.node.get_closest_marker("venue")
    with running_venue(**(marker.kwargs if marker else {})) as venue:
        yield venue
