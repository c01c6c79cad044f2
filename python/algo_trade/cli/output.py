"""What commands print: JSON for programs, progress and tables for people."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def print_json(document: object) -> None:
    """Print one document on standard output."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """Print a line for a person on standard error."""
    sys.stderr.write(text + "\n")


def show(text: str) -> None:
    """Print a line of the answer on standard output."""
    sys.stdout.write(text + "\n")


def show_now(text: str) -> None:
    """Print a line of the answer now: of a command that goes on, and may write into a pipe."""
    show(text)
    sys.stdout.flush()


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[[int], object] | None]:
    """Show a bar with events per second on a terminal, nothing elsewhere; it vanishes when done."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 -- programs do not wait for it
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{(task.finished_speed or task.speed or 0) / 1e6:.2f} M events/s")

    columns = (TextColumn("{task.description}"), BarColumn(), Speed(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)
