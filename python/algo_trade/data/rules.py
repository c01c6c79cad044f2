"""``instruments.toml`` of a lake: the rules of its symbols, as far as their data give them away."""

from __future__ import annotations

import math
import os
import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from algo_trade.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_UNIT = Decimal("1e-8")
_HEADER = """\
# Rules of the symbols of this lake, inferred by `algo-trade data import`: no step is finer than these in the data seen.
# For the venue file: instruments = "instruments.toml". What you add here stays; steps only become finer.
"""


def update_rules(path: Path, symbols: Sequence[Mapping[str, Any]]) -> None:
    """Take the inferred rules of an import into the file; what else it says of a symbol stays.

    Raises
    ------
    DataError
        The file is there and is not TOML.
    """
    try:
        known = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not TOML: {error}") from None
    for found in symbols:
        if found["rules"] is not None:
            known[found["symbol"]] = _joined(known.get(found["symbol"], {}), found["rules"])
    tables = [f"[{_quoted(symbol)}]\n{_table(rules)}" for symbol, rules in sorted(known.items())]
    _write_whole(path, "\n".join([_HEADER, *tables]))


def _joined(known: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(known)
    if "size_decimals" in found and not {"tick_size", "lot_size"} & known.keys():
        joined["size_decimals"] = max(found["size_decimals"], known.get("size_decimals", 0))
    elif "tick_size" in found and "size_decimals" not in known:
        for name in ("tick_size", "lot_size"):
            joined[name] = _divisor(Decimal(found[name]), Decimal(known.get(name, 0)))
    return joined


def _divisor(a: Decimal, b: Decimal) -> Decimal:
    return math.gcd(int(a / _UNIT), int(b / _UNIT)) * _UNIT


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _table(rules: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_value(value)}\n" for name, value in rules.items())


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, Decimal):
        return f'"{value.normalize():f}"'
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value) if isinstance(value, str) else str(value)


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that at any time the old or the new one is there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
