"""The schema of the state store: numbered files of SQL, and which of them a store still needs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from algo_trade._native import __version__
from algo_trade.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

Dialect = Literal["sqlite", "postgresql", "warm"]
"""Whose schema: of the state store in a file or on a server, or of the warm tier in a file."""

# The same for both, and made before the first migration: it says which come next.
VERSION_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, applied_at TEXT NOT NULL, program TEXT NOT NULL)"
FOUND = "SELECT version, program FROM schema_version ORDER BY version DESC LIMIT 1"
APPLIED = "INSERT INTO schema_version (version, applied_at, program) VALUES ($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Migration:
    """What brings a store from the version before to ``version``."""

    version: int
    script: str


def shipped(dialect: Dialect) -> tuple[Migration, ...]:
    """Return the migrations of this program, from version one on."""
    scripts = sorted(
        (
            each
            for each in (files("algo_trade.storage") / "migrations" / dialect).iterdir()
            if each.name.endswith(".sql")
        ),
        key=lambda each: each.name,
    )
    return tuple(Migration(int(each.name[:4]), each.read_text(encoding="utf-8")) for each in scripts)


def next_of(migrations: Sequence[Migration], found: tuple[int, str] | None, where: str) -> Migration | None:
    """Return the migration that a store needs next; None: it has all.

    Parameters
    ----------
    migrations : those that this program knows
    found : the version of the store, and the program that brought it there; None before the first migration
    where : the store, for the message

    Raises
    ------
    StorageError
        The store is newer than the program.
    """
    version, program = found or (0, "")
    newest = migrations[-1].version
    if version > newest:
        raise StorageError(
            f"{where}: its schema has version {version}, written by algo_trade {program}; this one ({__version__}) knows versions "
            f"up to {newest}: run algo_trade {program} or newer, or restore a backup that was made before"
        )
    return next((each for each in migrations if each.version == version + 1), None)
