"""Commands and code in the manual, run as written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from algo_trade.data import synthetic_ticks
from algo_trade.execution.book import Queue
from tests.ticks.quoting import trade, venue
from tests.ticks.test_import import TRADES

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = ["README.md", "docs/tutorial.md", "docs/cli.md", "docs/parts.md", "docs/strategies.md"]


def fences(page: str) -> list[tuple[str, str]]:
    return FENCE.findall((ROOT / page).read_text())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with what the manual speaks of: the sample, and files of one's own."""
    shutil.copytree(ROOT / "tests" / "data", tmp_path / "tests" / "data")
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "tests" / "data" / "sample_bars.csv", tmp_path / "btc.csv")
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_manual_run_as_written(page: str, place: Path) -> None:
    blocks = fences(page)
    strategies = [body for language, body in blocks if language == "python" and "(at.Strategy)" in body]
    if strategies:
        (place / "breakout.py").write_text(strategies[0])
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    if page == "docs/cli.md":
        # The page describes the commands one by one; the files that they read are written here.
        write = "algo-trade backtest --data btc.csv --strategy rsi --report report.html --journal run.journal --json"
        subprocess.run(write.split(), cwd=place, env=environment, check=True, capture_output=True)
        (place / "recordings").mkdir()
        (place / "recordings" / "trades.csv").write_text(TRADES)
        synthetic_ticks("BTC", 20_000, place / "lake", density=20)
        trade(place / "lake", place / "own.journal", venue(Queue())).table.write_csv(place / "orders.csv")
    ran = 0
    for language, body in blocks:
        if language != "console":
            continue
        for command in body.replace("\\\n", " ").splitlines():
            words = command.split("#")[0].split()
            if not words or words[0] != "algo-trade":
                continue
            done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stderr}"
            ran += 1
    assert ran > 0 or page in {"docs/parts.md", "docs/strategies.md"}


@pytest.mark.parametrize("page", PAGES)
def test_code_of_the_manual_runs_and_its_strategies_trade(page: str, place: Path) -> None:
    code = [body for language, body in fences(page) if language == "python"]
    if not code:
        return
    trade = """
import algo_trade as at
for made in [c for c in list(globals().values()) if isinstance(c, type) and issubclass(c, at.Strategy) and c is not at.Strategy]:
    result = at.backtest("tests/data/sample_bars.csv", made(), symbol="BTC")
    assert result.metrics.num_orders > 0, made
"""
    script = place / "manual.py"
    script.write_text("\n".join(code) + trade)
    done = subprocess.run([sys.executable, script], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
