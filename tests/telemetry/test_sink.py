"""Lines that are written in order, and trouble that ends nothing."""

from __future__ import annotations

import os
import resource
import stat
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from algo_trade.errors import ConfigError
from algo_trade.telemetry.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def notice(lost: int) -> bytes:
    return f"{lost} lost\n".encode()


@contextmanager
def sink(path: Path | None = None, **more: int) -> Iterator[Sink]:
    made = Sink(path, notice, **more)
    made.start()
    try:
        yield made
    finally:
        made.close(2.0)


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_lines_of_many_threads_are_all_written(tmp_path: Path) -> None:
    path = tmp_path / "log"

    def write(number: int) -> None:
        for line in range(1_000):
            made.put(f"{number} {line}\n".encode(), is_urgent=False)

    with sink(path) as made:
        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = path.read_text().splitlines()
    for number in range(4):
        assert [line for line in lines if line.startswith(f"{number} ")] == [f"{number} {n}" for n in range(1_000)]


def test_the_file_is_its_owners_alone_even_if_it_was_not(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with sink(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with sink(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_one_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"telemetry\.log_file = .*: cannot be opened: No such file"):
        Sink(tmp_path / "no" / "log", notice).start()
    with pytest.raises(ConfigError, match="cannot be opened: Is a directory"):
        Sink(tmp_path, notice).start()
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(ConfigError, match="is not a regular file"):
        Sink(tmp_path / "pipe", notice).start()
    os.close(reader)


def test_a_file_that_was_moved_is_opened_anew(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    with sink(path) as made:
        made.put(b"a\n", is_urgent=False)
        until(lambda: path.read_text() == "a\n")
        path.rename(old)
        made.put(b"b\n", is_urgent=False)
        until(path.exists)
        path.unlink()
        made.put(b"c\n", is_urgent=False)
        until(path.exists)
    assert (old.read_text(), path.read_text()) == ("a\n", "c\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_while_no_new_file_can_be_opened_the_old_one_is_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    with sink(folder / "log") as made:
        made.put(b"a\n", is_urgent=False)
        until(lambda: (folder / "log").read_text() == "a\n")
        moved = folder.rename(tmp_path / "moved")
        made.put(b"b\n", is_urgent=False)
        until(lambda: (moved / "log").read_text() == "a\nb\n")


def test_a_full_disk_loses_lines_and_counts_them() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with sink(descriptor=full) as made:
        for _ in range(10):
            made.put(b"x\n", is_urgent=True)
        until(lambda: made.lost == 10)
    os.close(full)


def test_after_a_full_disk_the_next_line_begins_anew_and_says_what_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "log"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with sink(path) as made:
        # As a disk that fills up in the middle of a line.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
        try:
            made.put(b"1\n", is_urgent=False)
            made.put(b"2" * 2_000 + b"\n", is_urgent=False)
            made.put(b"3\n", is_urgent=False)
            until(lambda: made.lost == 2)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        made.put(b"4\n", is_urgent=False)
        until(lambda: path.read_bytes().endswith(b"\n4\n"))
        made.put(b"5\n", is_urgent=False)
    lines = path.read_text().splitlines()
    assert lines == ["1", "2" * (1_000 - 2), "2 lost", "4", "5"]


def test_a_closed_pipe_ends_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with sink(descriptor=writer) as made:
        made.put(b"x\n", is_urgent=False)
        until(lambda: made.lost == 1)
    os.close(writer)


def test_a_pipe_that_nobody_reads_holds_up_neither_who_logs_nor_the_end() -> None:
    reader, writer = os.pipe()
    made = Sink(None, notice, bytes_max=100_000, descriptor=writer)
    made.start()
    start = time.monotonic()
    for _ in range(10_000):
        made.put(b"x" * 99 + b"\n", is_urgent=False)
    assert made.lost > 5_000
    lost = made.lost
    # What is urgent has room of its own.
    made.put(b"!\n", is_urgent=True)
    assert made.lost == lost
    made.close(0.1)
    assert time.monotonic() - start < 2
    os.close(reader)
    os.close(writer)


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    size = 300_000
    got = bytearray()

    def read() -> None:
        while len(got) < size:
            got.extend(os.read(reader, 65_536))

    with sink(descriptor=writer) as made:
        for _ in range(size // 100):
            made.put(b"x" * 99 + b"\n", is_urgent=False)
        time.sleep(0.05)
        thread = threading.Thread(target=read)
        thread.start()
        thread.join(5)
    assert (len(got), made.lost) == (size, 0)
    os.close(reader)
    os.close(writer)


def test_a_process_without_standard_error_logs_to_nowhere() -> None:
    with sink(descriptor=987) as made:
        made.put(b"x\n", is_urgent=False)
    assert made.lost == 0
