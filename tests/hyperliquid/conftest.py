"""The recorded signatures, and the official client that signs beside us."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def signing_vectors(shared_data: Path) -> dict[str, Any]:
    path = shared_data / "hyperliquid" / "signing_vectors.json"
    if not path.is_file():
        pytest.skip(f"no recorded signatures at {path}")
    read: dict[str, Any] = json.loads(path.read_text())
    return read
