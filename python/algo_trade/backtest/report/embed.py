"""JSON inside a page: inert, so that no text in it can end its element or open another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal


def embed(value: object) -> str:
    """JSON that is safe inside a script element. Decimals and times become strings; NaN is an error."""
    return inert(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_as_json, allow_nan=False))


def inert(document: str) -> str:
    r"""Write ``<``, ``>``, ``&`` and the two line separators of JSON text as ``\u`` escapes."""
    for character in "<>&\u2028\u2029":
        document = document.replace(character, f"\\u{ord(character):04x}")
    return document


def _as_json(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Mapping():
            return dict(value)
        case tuple() | set() | frozenset():
            return list(value)
        case Decimal():
            return f"{value:f}"
    return str(value)
