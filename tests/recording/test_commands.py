"""``algo-trade data record|download``, as people type them, at a venue with real sockets."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.storage.lake import ParquetStorage
from tests.backtest.commands import Answer, process
from tests.recording.world import venue_of

pytest.importorskip("picows", reason="needs the extra `live`")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algo_trade.venue.testing import RunningVenue

PROGRAM = Path(sys.executable).with_name("algo-trade")


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with venue_of(seed=4, symbols=3, density=60) as running:
        yield running


def data(*arguments: str | Path) -> Answer:
    return process("data", *arguments)


def counted(lake: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in ParquetStorage(lake).parts():
        found[part.partition.kind] = found.get(part.partition.kind, 0) + part.rows
    return found


def wait_for_rows(lake: Path, kinds: set[str]) -> None:
    """Wait until rows of these kinds are durable."""
    warm = Path(f"{lake}-warm.db")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        time.sleep(0.1)
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(f"file:{warm}?mode=ro", uri=True)) as held,
        ):
            if {kind for (kind,) in held.execute("SELECT DISTINCT kind FROM batches")} >= kinds:
                return
    raise AssertionError(f"no rows of {kinds}")


def test_a_recording_ends_by_itself_and_its_rows_are_in_the_lake(venue: RunningVenue, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    done = data("record", lake, "--symbols", "BTC,ETH", "--for", "3s", "--url", venue.url, "--json")
    assert done.code == 0, done.err
    told: dict[str, Any] = json.loads(done.out)
    rows = counted(lake)
    assert sum(rows.values()) == told["rows"] + told["bars"] + told["funding"] > 100
    assert {"trades", "book", "quotes", "contexts"} <= set(rows)
    assert {part.partition.symbol for part in ParquetStorage(lake).parts()} == {"BTC", "ETH"}
    assert (told["failure"], told["not_kept"], told["gaps"], told["malformed"]) == (None, 0, {}, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_interrupts_a_recording_loses_nothing_and_is_told_what_it_heard(
    venue: RunningVenue, tmp_path: Path, number: signal.Signals
) -> None:
    lake = tmp_path / "lake"
    words: list[str | Path] = [PROGRAM, "data", "record", lake, "--all", "--kinds", "trades,quotes", "--url", venue.url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        wait_for_rows(lake, {"trades", "quotes"})
        child.send_signal(number)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out.startswith("recorded ")
    assert f"Next: algo-trade data list {lake}" in out
    rows = counted(lake)
    assert set(rows) == {"trades", "quotes"}
    assert f"recorded {sum(rows.values()):,} ticks" in out


def test_a_recording_that_is_killed_goes_on_with_what_was_durable(venue: RunningVenue, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    words: list[str | Path] = [
        PROGRAM,
        "data",
        "record",
        lake,
        "--symbols",
        "BTC",
        "--kinds",
        "trades,quotes",
        "--url",
        venue.url,
    ]
    with subprocess.Popen([*words, "--flush", "100ms"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        wait_for_rows(lake, {"trades", "quotes"})
        child.kill()
    assert not lake.exists()
    done = data("record", lake, "--symbols", "BTC", "--kinds", "trades", "--for", "1s", "--url", venue.url)
    assert done.code == 0, done.err
    assert set(counted(lake)) == {"trades", "quotes"}, "what the first one heard is there, too"


def test_bars_and_prices_are_downloaded_once(venue: RunningVenue, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    arguments = (
        "download",
        lake,
        "--symbols",
        "BTC",
        "--kinds",
        "bars,funding,contexts",
        "--interval",
        "1m",
        "--url",
        venue.url,
    )
    done = data(*arguments, "--json")
    assert done.code == 0, done.err
    bars, funding, contexts = json.loads(done.out)["fetched"]
    assert (bars["kind"], bars["symbol"], bars["wanted"] - bars["missing"]) == ("bars", "BTC", bars["rows"])
    assert (funding["kind"], contexts["rows"]) == ("funding", 1)
    again = data(*arguments)
    assert again.code == 0, again.err
    assert f"{bars['rows']} were there" in again.out
    assert "the exchange does not have" in again.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["record"], "name symbols with --symbols BTC,ETH, or take all perpetuals with --all"),
        (["record", "--symbols", "BTC", "--all"], "name symbols with --symbols"),
        (["record", "--symbols", "NONE"], "'NONE': the exchange lists no such instrument"),
        (["record", "--all", "--kinds", "ticks"], "kinds = 'ticks': can be recorded: trades, book"),
        (["record", "--all", "--book", "half"], "--book = 'half': must be full or fast"),
        (["record", "--all", "--for", "soon"], "'soon' is not a length of time"),
        (["download", "--all", "--kinds", "trades"], "--kinds = 'trades': the exchange serves bars, funding, contexts"),
        (["download", "--all", "--interval", "2m"], "--interval = '2m': must be one of 1m, 3m"),
        (
            ["download", "--all", "--from", "2026-03-02", "--to", "2026-03-01"],
            "--from = 2026-03-02: must lie before --to",
        ),
    ],
)
def test_wrong_use_is_told_in_one_line(venue: RunningVenue, tmp_path: Path, arguments: list[str], told: str) -> None:
    word, *rest = arguments
    done = data(word, tmp_path / "lake", *rest, "--url", venue.url)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("algo-trade: ")
    assert told in done.err
    assert "Traceback" not in done.err


def test_an_exchange_that_does_not_answer_is_told(tmp_path: Path) -> None:
    done = data("download", tmp_path / "lake", "--symbols", "BTC", "--url", "http://127.0.0.1:9")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert done.err.startswith("algo-trade: ")
