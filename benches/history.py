"""Prints the ratios of a pytest-benchmark run and appends them to the history, one line a run.

A benchmark states its ratios in ``benchmark.extra_info``: every entry whose name starts with ``ratio`` is one,
e.g. ``benchmark.extra_info["ratio_vectorbt"] = 15.4`` (ours is 15.4 times as fast).
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path


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


def main() -> None:
    run = json.loads(Path(sys.argv[1]).read_text())
    results = {}
    for bench in run["benchmarks"]:
        ratios = {name: value for name, value in bench["extra_info"].items() if name.startswith("ratio")}
        results[bench["name"]] = {"median_s": bench["stats"]["median"], "iqr_s": bench["stats"]["iqr"], **ratios}
        shown = "  ".join(f"{name} {value:.2f}" for name, value in ratios.items())
        print(f"{bench['name']:50} median {bench['stats']['median']:.6f} s  {shown}")
    append(results, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
