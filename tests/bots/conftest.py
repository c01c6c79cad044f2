"""A server's store for bots, as tests of the store itself have it."""

from __future__ import annotations

from tests.storage.conftest import cluster, server_store

__all__ = ["cluster", "server_store"]
