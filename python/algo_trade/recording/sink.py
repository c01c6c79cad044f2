"""Where rows go: taken cheaply, durable when asked for, moved on now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import pyarrow as pa


class Migrated(Protocol):
    """What came of moving rows on."""

    @property
    def problems(self) -> Sequence[str]:
        """What could not be moved, and why."""


class Sink(Protocol):
    """Takes rows, as :class:`~algo_trade.storage.tiers.TieredStorage` does. All but ``write`` may take their time: they are called in a thread."""

    def write(
        self, kind: str, rows: pa.Table, *, venue: str, resolution: str | int | dt.timedelta | None = None
    ) -> object:
        """Take rows of a kind into memory. ``StorageError``: none of them was taken."""

    def flush(self) -> object:
        """Make durable all that was written before; ``StorageError``: it could not be, and stays for the next call."""

    def migrate(self) -> Migrated:
        """Move rows to where they stay."""

    def close(self) -> object:
        """Make all durable, and let go."""
