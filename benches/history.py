"""Prints the ratios of a pytest-benchmark run and appends them to the history, one line a run.

A benchmark states its figures in ``benchmark.extra_info``: ``ratio_…`` says how many times as fast as a peer ours is, e.g.
``benchmark.extra_info["ratio_vectorbt"] = 15.4``; of what has no peer, other numbers stand there.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def machine_class() -> str:
    """Describe the kind of machine, in words that hold on another of its kind and name no one machine."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        )
        if Path("/proc/cpuinfo").exists()
        else iter(()),
        platform.processor() or platform.machine(),
    )
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {model}"


def append(results: dict[str, dict[str, float]], history: Path) -> None:
    """Add a line to the history: when, of which commit, on what kind of machine, and the results."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    line = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or None,
        "machine": machine_class(),
        "results": results,
    }
    with history.open("a") as lines:
        lines.write(json.dumps(line) + "\n")


def numbers(info: dict[str, object], before: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of a benchmark's notes, those inside another under both names."""
    for name, value in info.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{before}{name}.")
        elif isinstance(value, int | float):
            yield f"{before}{name}", value


def main() -> None:
    run = json.loads(Path(sys.argv[1]).read_text())
    results = {}
    for bench in run["benchmarks"]:
        figures = dict(numbers(bench["extra_info"]))
        results[bench["name"]] = {"median_s": bench["stats"]["median"], "iqr_s": bench["stats"]["iqr"], **figures}
        shown = "  ".join(f"{name} {value:.2f}" for name, value in figures.items())
        print(f"{bench['name']:50} median {bench['stats']['median']:.6f} s  {shown}")
    append(results, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
