"""The command line as a user meets it: what it answered, and what it left on the disk."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample_bars.csv"


@dataclass(frozen=True, slots=True)
class Answer:
    """Exit code and both outputs of a command."""

    code: int
    out: str
    err: str


def here(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> Answer:
    """Run a command in this process."""
    capfd.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "argv", ["algo-trade", *map(str, arguments)])
        code = run()
    shown = capfd.readouterr()
    return Answer(code, shown.out, shown.err)


def process(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Answer:
    """Run a command as a process of its own."""
    program = Path(sys.executable).with_name("algo-trade")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120, env=env
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def everything_under(folder: Path) -> dict[str, bytes]:
    """Every file with its content, and every folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"<folder>"
        for path in sorted(folder.rglob("*"))
    }
