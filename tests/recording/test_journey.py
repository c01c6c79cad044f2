"""From the exchange into a backtest, by commands alone: fifty symbols are recorded, found, drawn, asked for, checked and run."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.backtest.commands import process
from tests.recording.test_commands import PROGRAM, wait_for_rows
from tests.recording.world import venue_of

pytest.importorskip("picows", reason="needs the extra `live`")

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"trades", "book", "quotes", "contexts", "bars"}


def backtest(lake: Path, what: str, strategy: str) -> dict[str, object]:
    done = process("backtest", "--data", f"lake://{what}?lake={lake}", "--strategy", strategy, "--json")
    assert done.code == 0, done.err
    told: dict[str, object] = json.loads(done.out)
    return told


def test_what_is_recorded_is_found_asked_for_and_run_while_it_is_recorded_and_after(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    with venue_of(seed=8, symbols=50, speed=30, density=4, local={"block_ms": 1_000}) as venue:
        words = [str(PROGRAM), "data", "record", str(lake), "--all", "--url", venue.url]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as recorder:
            wait_for_rows(lake, KINDS)
            asked = process("data", "query", lake, "--kind", "trades", "--symbol", "BTC", "--json")
            assert json.loads(asked.out), "what is on its way to the lake is told"
            recorder.send_signal(signal.SIGINT)
            _, err = recorder.communicate(timeout=120)
        assert recorder.returncode == 0, err
    listed = {(each["kind"], each["symbol"]): each for each in json.loads(process("data", "list", lake, "--json").out)}
    for kind in KINDS:
        assert sum(of == kind for of, _ in listed) == 50, kind
    assert all(len(each["days"]) in {1, 2} and each["gaps"] == [] for each in listed.values())
    drawn = process("data", "list", lake, "--kind", "trades", "--symbol", "BTC")
    assert "trades  BTC  hyperliquid" in drawn.out
    assert "█" in drawn.out, "the day is drawn as a whole one"
    checked = json.loads(process("data", "verify", lake, "--json").out)
    assert [each for each in checked["findings"] if each["severity"] == "error"] == []
    made = process("data", "query", lake, "--kind", "trades", "--symbol", "BTC", "--resample", "1m", "--json")
    assert json.loads(made.out)
    told = json.loads(
        process("data", "query", lake, "--sql", "select count(distinct symbol) as symbols from book", "--json").out
    )
    assert told == [{"symbols": 50}]
    ticks = backtest(lake, "book,trades/BTC", "market_maker")
    assert ticks["digest"] == backtest(lake, "book,trades/BTC", "market_maker")["digest"]
    assert backtest(lake, "bars/BTC", "ma_crossover")["digest"]
