"""Stores of both kinds, each empty; a server of the tests' own; processes and a line that can be cut."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import missing
from tests.storage.cluster import Cluster, programs
from tests.storage.kinds import FileStore, Kind, ServerStore
from tests.storage.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a running PostgreSQL, private to this session."""
    found = programs()
    if found is None:
        missing("PostgreSQL", "apt-get install postgresql, or run scripts/test as root")
    cluster = Cluster(Path(str(found)))
    try:
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def server_store(cluster: Cluster) -> Iterator[ServerStore]:
    """Return an empty database on the server."""
    store = ServerStore(cluster, cluster.make_database())
    yield store
    store.remove()


@pytest.fixture
def file_store(tmp_path: Path) -> FileStore:
    """Return a file that is not there yet."""
    return FileStore(tmp_path / "state" / "algo_trade.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Kind:
    """Return an empty store, of one kind and then of the other."""
    kind: Kind = request.getfixturevalue("file_store" if request.param == "sqlite" else "server_store")
    return kind


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Return what starts processes of this test, and ends them with it."""
    with Processes() as processes:
        yield processes
