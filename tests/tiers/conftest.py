"""A server of the tests' own, as the tests of the state store have it."""

from tests.storage.conftest import cluster

__all__ = ["cluster"]
