"""Counts the machine instructions of each piece of the tick engine with callgrind: figures that no busy machine changes.

usage: instructions.py PROGRAM HISTORY      PROGRAM is the built bench ``tick_pieces``
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from history import append

OPERATIONS = 20_000
"""Operations of a round, as in ``native/engine/benches/tick_pieces.rs``."""
PIECES = ("l2_apply", "l3_apply", "queue_power", "queue_log", "match")
ROUNDS = (1, 3)
"""What preparation costs is in both runs, and falls out of their difference."""


def counted(program: str, piece: str, rounds: int) -> int:
    """Return how many instructions a run takes."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, piece, str(rounds)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if found is None:
        raise SystemExit(f"callgrind counted nothing: {run.stderr}")
    return int(found[1])


def main() -> None:
    program, history = sys.argv[1:]
    results = {}
    for piece in PIECES:
        few, many = (counted(program, piece, rounds) for rounds in ROUNDS)
        each = (many - few) / (OPERATIONS * (ROUNDS[1] - ROUNDS[0]))
        results[f"tick_pieces[{piece}]"] = {"instructions": round(each, 1)}
        print(f"{piece:50} {each:8.1f} instructions")
    append(results, Path(history))


if __name__ == "__main__":
    main()
