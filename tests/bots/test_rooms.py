"""The threads in which strategies think."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# The strategy never comes back, and the process ends before anybody could have interrupted it.
HANGS = """
import asyncio
import algo_trade as at
from algo_trade.bots.room import ThreadRoom
from tests.system.machine import bar, machine

class Hangs(at.Strategy):
    def on_bar(self, ctx, bar):
        print("thinks", flush=True)
        while True:
            pass

async def main():
    room = ThreadRoom(lambda: machine(Hangs()), lambda _: None, lambda _: None, name="hangs")
    room.call(lambda system: system.step(bar(0)))
    while not room.stuck_s > 0.1:
        await asyncio.sleep(0.01)
    room.close()

asyncio.run(main())
"""


def test_a_process_ends_in_good_order_while_a_strategy_hangs() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", HANGS], cwd=root, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "thinks\n", "")
