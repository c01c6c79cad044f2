"""The series of a metric: values under labels, and their lines as Prometheus reads them.

What is scraped with hundreds of bots has thousands of lines: the part of each before its value is made once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Literal

from prometheus_client.utils import floatToGoString

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER = "other"
"""What stands for the labels of a metric that has too many."""
LABEL_MAX: Final = 128


class Value:
    """A number that anybody may set or count up, from any thread."""

    __slots__ = ("_lock", "_number", "_text")

    def __init__(self, text: str, lock: threading.Lock) -> None:
        self._text = text
        self._lock = lock
        self._number = 0.0

    def set(self, number: float) -> None:
        """Set it."""
        self._number = float(number)

    def inc(self, amount: float = 1) -> None:
        """Count it up."""
        with self._lock:
            self._number += amount

    def line(self) -> str:
        """Return it as it is shown."""
        return f"{self._text} {floatToGoString(self._number)}\n"  # type: ignore[no-untyped-call]


class Series:
    """The series of one metric, found by the values of its labels; the first label is the one that is forgotten by.

    Parameters
    ----------
    name : as it is shown
    kind, meaning : as they are shown
    labels : their names
    series_max : what comes after so many is counted under ``other``
    """

    def __init__(
        self, name: str, kind: Literal["counter", "gauge"], meaning: str, labels: tuple[str, ...], series_max: int
    ) -> None:
        self._name = name
        self._labels = labels
        self._series_max = series_max
        self._lock = threading.Lock()
        self._values: dict[tuple[str, ...], Value] = {}
        self._head = f"# HELP {name} {_escaped(meaning)}\n# TYPE {name} {kind}\n"

    def __call__(self, *labels: str) -> Value:
        """Return the value of these labels; it begins with 0."""
        found = self._values.get(labels)
        return self._made(labels) if found is None else found

    def forget(self, value: str) -> None:
        """Take away every series whose first label has this value."""
        for labels in [each for each in list(self._values) if each[0] == value]:
            self._values.pop(labels, None)

    def keep(self, values: set[str]) -> None:
        """Take away every series whose first label has none of these values."""
        for value in {labels[0] for labels in list(self._values)} - values:
            self.forget(value)

    def rendered(self, lines_max: int) -> Iterator[bytes]:
        """Yield the metric as it is shown, so many lines at a time."""
        values = list(self._values.values())
        yield self._head.encode()
        for start in range(0, len(values), lines_max):
            yield "".join([value.line() for value in values[start : start + lines_max]]).encode()

    def _made(self, labels: tuple[str, ...]) -> Value:
        if any(len(value) > LABEL_MAX for value in labels):
            return self(*(value[:LABEL_MAX] for value in labels))
        with self._lock:
            other = (OTHER,) * len(labels)
            # One place is kept for what comes after.
            if labels and len(self._values) - (other in self._values) >= self._series_max - 1:
                labels = other
            text = self._name
            if labels:
                pairs = (f'{name}="{_quoted(value)}"' for name, value in zip(self._labels, labels, strict=True))
                text = f"{self._name}{{{','.join(pairs)}}}"
            return self._values.setdefault(labels, Value(text, self._lock))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
