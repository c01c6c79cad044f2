"""The two kinds of store, with what a test has to do to each behind the back of the program."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from algo_trade.storage import DatabaseClient

if TYPE_CHECKING:
    from pathlib import Path

    from tests.storage.cluster import Cluster


class Kind(Protocol):
    """An empty store, and the way around the program."""

    dialect: Literal["sqlite", "postgresql"]

    @property
    def url(self) -> str: ...

    @property
    def where(self) -> str: ...

    def client(self, **options: Any) -> DatabaseClient:
        """Return a client that is in no hurry to give up, but in tests' time."""
        ...

    def sql(self, *commands: str) -> str:
        """Run commands of one's own, and return the last one's rows, a line each, columns between bars."""
        ...


@dataclass
class FileStore:
    path: Path
    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    @property
    def where(self) -> str:
        return str(self.path)

    def client(self, **options: Any) -> DatabaseClient:
        return DatabaseClient(self.url, **options)

    def sql(self, *commands: str) -> str:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            rows: list[tuple[Any, ...]] = []
            for command in commands:
                rows = connection.execute(command).fetchall()
        return "\n".join("|".join(str(value) for value in row) for row in rows)


@dataclass
class ServerStore:
    cluster: Cluster
    database: str
    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    @property
    def url(self) -> str:
        return self.cluster.url(self.database)

    @property
    def where(self) -> str:
        return f"postgresql://trader@127.0.0.1:{self.cluster.port}/{self.database}"

    def client(self, *, port: int | None = None, **options: Any) -> DatabaseClient:
        options.setdefault("lease_ttl_s", 1.0)
        return DatabaseClient(self.cluster.url(self.database, port=port), **options)

    def sql(self, *commands: str) -> str:
        return self.cluster.sql("SET search_path = algo_trade", *commands, database=self.database)

    def remove(self) -> None:
        self.cluster.sql(f"DROP DATABASE {self.database} WITH (FORCE)")
