"""Commands and code in the manual, run as written."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from algo_trade.data import synthetic_ticks
from algo_trade.execution.book import Queue
from algo_trade.venue.testing import running_venue
from tests.ticks.quoting import trade, venue

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = [
    "README.md",
    "docs/tutorial.md",
    "docs/cli.md",
    "docs/parts.md",
    "docs/strategies.md",
    "docs/data.md",
    "docs/tick-backtesting.md",
    "docs/hyperliquid.md",
]

SERVES = {"venue", "run", "server"}
"""Commands that end when they are interrupted: tests/bots/test_terminals.py types those of the README."""


def fences(page: str) -> list[tuple[str, str]]:
    return FENCE.findall((ROOT / page).read_text())


def recording() -> str:
    """A minute of a book whose best prices go up and down, as a recorder of level changes writes it."""
    rows = ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
    start = 1_704_067_200_000_000
    for second in range(60):
        middle = 50_000 + (second * 7) % 11
        for side, sign in (("bid", -1), ("ask", 1)):
            for level in range(1, 6):
                time = start + second * 1_000_000
                rows.append(f"deribit,BTC,{time},{time + 3_000},true,{side},{middle + sign * level},{level}.5")
    return "\n".join(rows) + "\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with what the manual speaks of: the sample, and files of one's own."""
    shutil.copytree(ROOT / "tests" / "data", tmp_path / "tests" / "data")
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "tests" / "data" / "sample_bars.csv", tmp_path / "btc.csv")
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "book.csv").write_text(recording())
    (tmp_path / "recording.gz").write_bytes(gzip.compress(recording().encode()))
    return tmp_path


def own_orders(place: Path) -> None:
    """A lake in which somebody has quoted, and his orders as a table."""
    shutil.rmtree(place / "lake", ignore_errors=True)
    synthetic_ticks("BTC", 20_000, place / "lake", density=20)
    trade(place / "lake", place / "own.journal", venue(Queue())).table.write_csv(place / "orders.csv")


@pytest.fixture(scope="module")
def exchange() -> Iterator[dict[str, str]]:
    """An exchange on this machine, as the environment names it to the commands."""
    with running_venue(seed=1, symbols=2, limits={"weight_a_minute": 100_000}) as local:
        yield {"APP_HYPERLIQUID__API_URL": local.url, "APP_HYPERLIQUID__WS_URL": local.ws_url}


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_manual_run_as_written(page: str, place: Path, exchange: dict[str, str]) -> None:
    blocks = fences(page)
    strategies = [body for language, body in blocks if language == "python" and "(at.Strategy)" in body]
    if strategies:
        (place / "breakout.py").write_text(strategies[0])
    environment = {
        **os.environ,
        **exchange,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NO_COLOR": "1",
    }
    if page == "docs/cli.md":
        # The page describes the commands one by one; the files that they read are written here.
        write = "algo-trade backtest --data btc.csv --strategy rsi --report report.html --journal run.journal --json"
        subprocess.run(write.split(), cwd=place, env=environment, check=True, capture_output=True)
    ran = 0
    for language, body in blocks:
        if language != "console":
            continue
        for command in body.replace("\\\n", " ").splitlines():
            words = shlex.split(command, comments=True)
            if not words or words[0] != "algo-trade":
                continue
            if words[1] in SERVES:
                continue
            if "calibrate" in words:
                own_orders(place)
            done = subprocess.run(
                words, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=300
            )
            assert done.returncode == 0, f"{command}\n{done.stderr}"
            ran += 1
    assert ran > 0 or page in {"docs/parts.md", "docs/strategies.md", "docs/hyperliquid.md"}


@pytest.mark.parametrize("page", PAGES)
def test_code_of_the_manual_runs_and_its_strategies_trade(page: str, place: Path) -> None:
    code = [body for language, body in fences(page) if language == "python"]
    if not code:
        return
    is_ticks = page == "docs/tick-backtesting.md"
    data = "lake" if is_ticks else "tests/data/sample_bars.csv"
    given = "from algo_trade.data import import_data\nimport_data(['recording.gz'], 'lake')\n" if is_ticks else ""
    trade = f"""
import algo_trade as at
{given}
for made in [c for c in list(globals().values()) if isinstance(c, type) and issubclass(c, at.Strategy) and c is not at.Strategy]:
    result = at.backtest("{data}", made(), symbol="BTC")
    assert result.metrics.num_orders > 0, made
"""
    script = place / "manual.py"
    script.write_text("\n".join(code) + trade)
    done = subprocess.run([sys.executable, script], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
