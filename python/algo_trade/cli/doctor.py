"""``algo-trade doctor``."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from algo_trade import _native
from algo_trade.cli.output import print_json, show


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Look at what a backtest needs of the machine."""
    python = sys.version_info
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    utc = time.gmtime()
    return [
        Finding("python", python >= (3, 11), platform.python_version(), "install Python 3.11 or newer"),
        Finding("engine", ok=True, found=f"{_native.__version__}, code {_native.__code_hash__[:12]}"),
        Finding("system", sys.platform != "win32", platform.platform(), "use Linux, macOS or WSL"),
        Finding("cores", ok=True, found=str(os.cpu_count() or 1)),
        Finding("memory", memory >= 1, f"{memory:.1f} GiB", "at least 1 GiB is needed"),
        Finding(
            "disk", free >= 1, f"{free:.1f} GiB free here", "free some space: journals and reports are written here"
        ),
        Finding(
            "clock",
            utc.tm_year >= 2024,
            time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
            "set the clock: orders are signed with it",
        ),
        Finding("folder", os.access(Path.cwd(), os.W_OK), str(Path.cwd()), "run it where you may write"),
    ]


def command(
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """Check the machine and say what to do.

    Example: algo-trade doctor
    """
    findings = examine()
    bad = [finding for finding in findings if not finding.ok]
    if json and not bad:
        print_json([{"name": f.name, "ok": f.ok, "found": f.found} for f in findings])
    else:
        for finding in findings:
            advice = "" if finding.ok else f"  → {finding.advice}"
            typer.echo(f"{'ok ' if finding.ok else 'BAD'} {finding.name:8} {finding.found}{advice}", err=bool(bad))
        if not bad:
            show("All is well. Next: algo-trade strategies")
    if bad:
        raise typer.Exit(1)
