"""A database of rows of markets on a server of the tests' own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.storage.conftest import cluster, processes, server_store

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from algo_trade.storage import DatabaseClient
    from tests.storage.kinds import ServerStore

__all__ = ["cluster", "processes", "server_store"]


class Market:
    """A client and a loop to use it in."""

    def __init__(self, store: ServerStore | None, db: DatabaseClient, runner: asyncio.Runner) -> None:
        self._store = store
        self.db = db
        self._runner = runner
        self._count = 0

    @property
    def store(self) -> ServerStore:
        assert self._store is not None
        return self._store

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def venue(self) -> str:
        """Return the name of a venue of which there is nothing yet."""
        self._count += 1
        return f"venue {self._count}"

    def write(self, kind: str, rows: Any, venue: str, resolution: Any = None) -> int:
        count: int = self.run(self.db.write(kind, rows, venue=venue, resolution=resolution))
        return count

    def query(self, kind: str, symbols: Any = (), **options: Any) -> Any:
        return self.run(self.db.query(kind, symbols, **options))


@pytest.fixture
def market(server_store: ServerStore) -> Iterator[Market]:
    """Return an empty database."""
    with asyncio.Runner() as runner:
        db = server_store.client()
        runner.run(db.__aenter__())
        yield Market(server_store, db, runner)
        runner.run(db.__aexit__(None, None, None))
