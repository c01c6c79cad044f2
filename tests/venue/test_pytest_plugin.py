"""The venue as a fixture of somebody else's tests."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import json, urllib.request
import pytest

def names(venue):
    request = urllib.request.Request(venue.url + "/info", b'{"type": "meta"}', {"Content-Type": "application/json"})
    return [row["name"] for row in json.load(urllib.request.urlopen(request))["universe"]]

@pytest.mark.venue(seed=7, symbols=2)
def test_as_it_was_asked_for(local_venue):
    assert len(names(local_venue)) == 2

def test_as_it_is_by_default(local_venue):
    assert "BTC" in names(local_venue)
"""


def test_a_test_gets_a_venue_of_its_own_as_its_marker_says(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["algo_trade.venue.pytest_plugin"]\n')
    (tmp_path / "test_bot.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "2 passed" in run.stdout
