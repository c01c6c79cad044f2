"""What every test may ask for, and the rule for what a machine lacks: skipped by name, an error in CI where we could have installed it."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("long", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the repeated tests at full count")
    parser.addoption("--update", action="store_true", help="rewrite the golden files; review the diff")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("--long") else "quick")
    # A shell that starts tests in the background has them ignore interrupts, and so would all programs that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section(f"{len(skipped)} skipped tests, by name", sep="-")
        for report in skipped:
            terminalreporter.write_line(report.nodeid)


THREADED = {"api", "bots", "hyperliquid", "parity", "recording", "venue"}
"""Folders of tests beside which threads run: those of venues, and of bots."""


@pytest.fixture(autouse=True)
def _nothing_is_left_to_other_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect what is left in cycles: a trading system has to end in its own thread, and another's may be the one that collects."""
    if not THREADED & set(request.node.path.parts):
        yield
        return
    gc.collect()
    # Each time, only what came since is looked at: all that the tests before have left takes half a second.
    gc.freeze()
    yield
    gc.collect()


def missing(what: str, remedy: str) -> None:
    """Skip the test, or fail it in CI, because a system package is not there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must have it: {remedy}", pytrace=False)
    pytest.skip(f"{what} is missing: {remedy}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of one megabyte of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="session")
def repeats(pytestconfig: pytest.Config) -> int:
    """How often a seeded test runs: 20, or 1,000 with ``--long``."""
    return 1_000 if pytestconfig.getoption("--long") else 20


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of market recordings beside the clone, which not every machine has."""
    path = Path(os.environ.get("ALGO_TRADE_SHARED", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no market recordings at {path}; ALGO_TRADE_SHARED names another folder")
    return path


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Return the path of a Chromium that runs headless."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        missing("chromium", "apt-get install chromium chromium-driver, or run scripts/test as root")
    return Path(str(found))
