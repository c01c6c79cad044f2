"""Where lines of the log go: a queue that never waits, and a thread that writes."""

from __future__ import annotations

import os
import select
import stat
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STANDARD_ERROR = 2
_BATCH_BYTES = 262_144
# A terminal or pipe that another process has made non-blocking, and that takes nothing for so long, is given up on for this batch.
_WRITABLE_MS = 1_000


class Sink:
    """Takes lines from any thread and writes them in order. Nothing that happens to the file or pipe ends the process or holds it up.

    What finds no room, or cannot be written, is lost and counted; the next line that can be written says how many were.

    Parameters
    ----------
    path : of a file, which is made for its owner alone, and opened anew when logrotate has moved it; None: standard error
    notice : makes the line that tells of lost ones
    bytes_max : how much may wait; urgent lines have an eighth of it for themselves besides
    descriptor : in place of standard error
    """

    def __init__(
        self,
        path: Path | None,
        notice: Callable[[int], bytes],
        *,
        bytes_max: int = 8 << 20,
        descriptor: int = STANDARD_ERROR,
    ) -> None:
        self._path = path
        self._notice = notice
        self._room = {False: bytes_max, True: bytes_max + bytes_max // 8}
        self._standard = descriptor
        # Whoever logs may be a destructor that the garbage collector or a signal has called in the middle of these lines: the queue
        # and the lock let the same thread in again, which an Event or a Lock does not.
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = threading.RLock()
        self._bytes = 0
        self._unwritten = 0
        self._thread: threading.Thread | None = None
        self._descriptor = -1
        self._is_torn = False
        self._told_lost = 0
        self.lost = 0

    def start(self) -> None:
        """Open the file and begin to write.

        Raises
        ------
        ConfigError
            The file cannot be opened, is no file, or belongs to someone else.
        """
        if self._path is None:
            try:
                self._descriptor = os.dup(self._standard)
            except OSError:
                # A process without standard error is none the worse for it.
                self._descriptor = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        else:
            try:
                self._descriptor = _opened(self._path)
            except OSError as error:
                raise ConfigError(
                    f"telemetry.log_file = {str(self._path)!r}: cannot be opened: {error.strerror}"
                ) from None
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, line: bytes, *, is_urgent: bool) -> None:
        """Take a line, with its end. It never waits."""
        size = len(line)
        with self._lock:
            if self._bytes + size > self._room[is_urgent]:
                self.lost += 1
                return
            self._bytes += size
            self._unwritten += 1
        self._lines.put(line)

    def flush(self, deadline_s: float) -> None:
        """Wait until what was put is written or lost, no longer than told."""
        deadline = time.monotonic() + deadline_s
        while self._unwritten and self._thread is not None and time.monotonic() < deadline:
            time.sleep(0.001)

    def close(self, deadline_s: float) -> None:
        """Write what waits, as long as that takes no longer than told."""
        if self._thread is None:
            return
        self._lines.put(None)
        self._thread.join(deadline_s)
        if self._thread.is_alive():
            # It hangs in a write, and ends with the process: the descriptor stays its own.
            return
        self._thread = None
        os.close(self._descriptor)

    def _run(self) -> None:
        is_ending = False
        while not is_ending:
            batch, is_ending = self._taken()
            if batch:
                self._write(batch)
                with self._lock:
                    self._unwritten -= len(batch)

    def _taken(self) -> tuple[list[bytes], bool]:
        """Wait for a line; take those that wait with it. True: it was the end."""
        batch: list[bytes] = []
        size = 0
        line = self._lines.get()
        while line is not None:
            batch.append(line)
            size += len(line)
            if size >= _BATCH_BYTES:
                break
            try:
                line = self._lines.get_nowait()
            except Empty:
                break
        with self._lock:
            self._bytes -= size
        return batch, line is None

    def _write(self, batch: list[bytes]) -> None:
        self._follow()
        lost = self.lost
        notice = self._notice(lost - self._told_lost) if lost > self._told_lost else b""
        before = (b"\n" if self._is_torn else b"") + notice
        data = before + b"".join(batch)
        written = self._written(data)
        if written >= len(before):
            self._told_lost = lost
        if written == len(data):
            self._is_torn = False
            return
        if written > 0:
            self._is_torn = data[written - 1 : written] != b"\n"
        end = len(before)
        missing = len(batch)
        for line in batch:
            end += len(line)
            if end > written:
                break
            missing -= 1
        with self._lock:
            self.lost += missing

    def _written(self, data: bytes) -> int:
        """Write as much as can be; return how much that was."""
        view = memoryview(data)
        done = 0
        while done < len(data):
            try:
                done += os.write(self._descriptor, view[done:])
            except BlockingIOError:
                # Not select: it takes no descriptor past 1023.
                waiting = select.poll()
                waiting.register(self._descriptor, select.POLLOUT)
                if not waiting.poll(_WRITABLE_MS):
                    return done
            except OSError:
                return done
        return done

    def _follow(self) -> None:
        """Open the file anew if another one, or none, stands at its path."""
        if self._path is None:
            return
        ours = os.fstat(self._descriptor)
        try:
            there = self._path.stat()
            if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                return
        except FileNotFoundError:
            pass
        except OSError:
            return
        try:
            fresh = _opened(self._path)
        except (OSError, ConfigError):
            # The old one is still good to write to.
            return
        os.close(self._descriptor)
        self._descriptor = fresh


def _opened(path: Path) -> int:
    # A pipe would block the open; it is refused below.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    status = os.fstat(descriptor)
    wrong = None
    if not stat.S_ISREG(status.st_mode):
        wrong = "is not a regular file"
    elif status.st_uid != os.geteuid():
        wrong = f"belongs to user {status.st_uid}: it has to belong to the user who runs this ({os.geteuid()})"
    if wrong is not None:
        os.close(descriptor)
        raise ConfigError(f"telemetry.log_file = {str(path)!r}: {wrong}")
    if status.st_mode & 0o077:
        os.fchmod(descriptor, 0o600)
    return descriptor
