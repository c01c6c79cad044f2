"""Other processes: each runs a function of tests/storage/actors.py, and says what it did, a line at a time."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent.parent


class Actor:
    """A process that tells what it does on its standard output, and listens on its standard input."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._rest = b""

    @property
    def pid(self) -> int:
        return self.process.pid

    def hears(self, word: str = "go") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        self.process.stdin.flush()

    def says(self, *, within_s: float = 30) -> Any:
        """Return the next thing it says; it must say one."""
        assert self.process.stdout is not None
        until = time.monotonic() + within_s
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(until - time.monotonic(), 0))
            assert ready, f"it said nothing within {within_s} s"
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            assert more, f"it ended with {self.process.wait(5)} and said no more: {self._rest!r}"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def everything(self) -> list[Any]:
        """Return all it had said when it ended, but for a last line that was cut off."""
        assert self.process.stdout is not None
        lines = (self._rest + self.process.stdout.read()).split(b"\n")[:-1]
        self.process.wait(30)
        return [json.loads(line) for line in lines]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)


class Processes:
    """Starts actors, and ends those that are left at the end of the test."""

    def __enter__(self) -> Self:
        self._actors: list[Actor] = []
        return self

    def __exit__(self, *_: object) -> None:
        for actor in self._actors:
            actor.kill()
            for pipe in (actor.process.stdin, actor.process.stdout):
                if pipe is not None:
                    pipe.close()

    def start(self, actor: str, *arguments: Any, **options: Any) -> Actor:
        """Run a function of actors.py in a process of its own."""
        command = [sys.executable, "-W", "error", "-m", "tests.storage.actors", actor, json.dumps([arguments, options])]
        started = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._actors.append(Actor(started))
        return self._actors[-1]
