"""A process that is killed while it records, moves rows between tiers and compacts: what it acknowledged is there, once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from algo_trade.storage.kinds import KINDS
from algo_trade.storage.lake.check import verify
from algo_trade.storage.tiers.storage import TieredStorage
from tests.tiers.model import Model
from tests.tiers.worker import SERIES, rows_of

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20_261_130
KINDS_WRITTEN = sorted({series.kind for series in SERIES})


def killed(folder: Path, first: int, after_s: float) -> int:
    """Let the worker go on from a step, kill it a while after its first acknowledgement, and return the step to go on from."""
    command = [sys.executable, "-m", "tests.tiers.worker", str(folder / "lake"), str(folder / "warm.db"), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        said = worker.stdout.readline()
        time.sleep(after_s)
        worker.kill()
        said += worker.stdout.read()
    # A line that was cut off acknowledges nothing.
    whole = [line for line in said.splitlines(keepends=True) if line.endswith("\n")]
    assert whole, "the worker never came to an acknowledgement"
    return int(whole[-1]) + 1


def test_killed_at_any_moment_what_was_acknowledged_is_there_once(tmp_path: Path, repeats: int) -> None:
    chance = random.Random(SEED)
    step = 0
    for _ in range(max(5, repeats // 10)):
        step = killed(tmp_path, step, chance.uniform(0, 0.7))
    model = Model()
    for number in range(step):
        for series in SERIES:
            model.write(series, rows_of(series, number))
    with TieredStorage(tmp_path / "lake", f"sqlite:///{tmp_path}/warm.db") as storage:
        for migrated in (False, True):
            if migrated:
                assert storage.migrate(before="2030-01-01").problems == []
                assert storage.warm.series() == {}
            for kind in KINDS_WRITTEN:
                found = storage.query(kind).read_all()
                wanted = model.query(KINDS[kind], [], None, None, None)
                # A step that was not acknowledged may be there: it is written again, and begins after all others.
                known = set(map(str, wanted.to_pylist()))
                told = list(map(str, found.to_pylist()))
                assert len(told) == len(set(told)), f"{kind}: rows are there twice"
                assert [row for row in told if row in known] == list(map(str, wanted.to_pylist()))
                assert len(told) - len(known) <= sum(len(rows_of(of, step)) for of in SERIES if of.kind == kind)
        findings = list(verify(storage.lake, storage.lake.parts()))
        assert [each for each in findings if each.severity == "error"] == []
    assert step > 10, "the workers came to something"
