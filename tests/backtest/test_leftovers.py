"""What cannot be written is refused by name, and then nothing is written; an end in the middle leaves nothing either."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .commands import SAMPLE, everything_under, here, process

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = ("backtest", "--data", SAMPLE, "--symbol", "BTC", "--strategy", "ma_crossover", "--json")

SLOW = """import time
import algo_trade as at


class Slow(at.Strategy):
    def on_bar(self, ctx, bar):
        print("awake", flush=True)
        time.sleep(0.05)
"""


def a_missing_folder(folder: Path) -> Path:
    return folder / "nowhere" / "x"


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("earlier")
    return folder / "file" / "x"


def a_place_of_the_system(folder: Path) -> Path:
    del folder
    return Path("/proc/x")


PLACES = [a_missing_folder, below_a_file, a_place_of_the_system]
# --out makes its folders, the others want them.
CASES = [(option, place) for option in ("--report", "--journal") for place in PLACES]


@pytest.mark.parametrize(("option", "place"), [*CASES, *[("--out", place) for place in PLACES[1:]]])
def test_a_place_that_cannot_be_written_is_named_and_nothing_else_is_written(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    place: Callable[[Path], Path],
) -> None:
    target = place(tmp_path)
    others = {"--report": tmp_path / "r.html", "--journal": tmp_path / "j.journal", "--out": tmp_path / "out"}
    chosen = [str(part) for pair in {**others, option: target}.items() for part in pair]
    before = everything_under(tmp_path)
    answer = here(capfd, monkeypatch, *RUN, *chosen)
    assert answer.out == ""
    assert answer.code in {1, 2}
    assert str(target) in answer.err
    assert "Traceback" not in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert everything_under(tmp_path) == before


@pytest.mark.parametrize("option", ["--report", "--journal"])
def test_a_folder_in_the_place_of_a_file_is_named_and_nothing_else_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    others = {"--report": tmp_path / "r.html", "--journal": tmp_path / "j.journal", "--out": tmp_path / "out"}
    others[option].mkdir()
    before = everything_under(tmp_path)
    answer = here(capfd, monkeypatch, *RUN, *[str(part) for pair in others.items() for part in pair])
    assert (answer.out, answer.code in {1, 2}) == ("", True)
    assert str(others[option]) in answer.err
    assert everything_under(tmp_path) == before


def test_a_process_says_the_same_with_its_exit_code(tmp_path: Path) -> None:
    good = process(*RUN, "--out", tmp_path / "out")
    assert good.code == 0
    assert good.err == ""
    assert json.loads(good.out)["events"] == 2_500
    before = everything_under(tmp_path)
    bad = process(*RUN, "--param", "fast=0", "--out", tmp_path / "out", "--report", tmp_path / "r.html")
    assert (bad.code, bad.out) == (2, "")
    assert bad.err.startswith("algo-trade: ")
    broken = tmp_path / "broken.csv"
    broken.write_text("timestamp,open,high,low,close,volume\n2022-01-01,1,2,3,2,5\n2022-01-02,1,2,1,2,5\n")
    before["broken.csv"] = broken.read_bytes()
    worse = process("backtest", "--data", broken, "--symbol", "X", "--strategy", "rsi", "--journal", tmp_path / "j")
    assert (worse.code, worse.out) == (1, "")
    assert f"{broken}:2: " in worse.err
    assert everything_under(tmp_path) == before


def test_an_interrupt_ends_it_cleanly_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    before = everything_under(tmp_path)
    program = Path(sys.executable).with_name("algo-trade")
    options = ["--strategy", f"{tmp_path}/slow.py:Slow", "--journal", tmp_path / "j", "--out", tmp_path / "o"]
    arguments = [str(part) for part in (program, *RUN, *options)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "awake\n"
        asked = time.monotonic()
        child.send_signal(signal.SIGINT)
        errors = child.stderr.read()
        code = child.wait(30)
    assert code in {130, -signal.SIGINT}
    assert time.monotonic() - asked < 5
    assert "Traceback" not in errors
    assert everything_under(tmp_path) == before
