"""What a run was made of, so that it can be made again, and what differs if it comes out otherwise."""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algo_trade._native import __code_hash__, __version__
from algo_trade.strategy import ApartStrategy, BuiltinStrategy, name_of, params_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from algo_trade.strategy import Runnable

FORMAT = 1


def strategy_spec(strategy: Runnable) -> tuple[str, str]:
    """Return how to load a strategy again, and a hash of its source ("" for a built-in one)."""
    if isinstance(strategy, BuiltinStrategy):
        return strategy.name, ""
    if isinstance(strategy, ApartStrategy):
        return strategy.spec, strategy.source_hash
    cls = type(strategy)
    try:
        file = inspect.getsourcefile(cls)
        source = inspect.getsource(cls)
    except (OSError, TypeError):
        return f"{cls.__module__}:{cls.__qualname__}", "unknown"
    whole = Path(file).read_bytes() if file and Path(file).is_file() else source.encode()
    place = file if file and file.endswith(".py") else cls.__module__
    return f"{place}:{cls.__qualname__}", hashlib.blake2b(whole, digest_size=16).hexdigest()


def build(
    strategy: Runnable,
    *,
    spec: str | None,
    symbols: list[str],
    data: Mapping[str, Any],
    venue: Mapping[str, Any],
    books: list[str],
    risk: Mapping[str, Any],
    initial_capital: str,
    seed: int,
) -> dict[str, Any]:
    """Describe a run: everything that its outcome depends on."""
    found, source_hash = strategy_spec(strategy)
    manifest = {
        "format": FORMAT,
        "version": __version__,
        "code_hash": __code_hash__,
        "strategy": name_of(strategy),
        "strategy_spec": spec or found,
        "strategy_hash": source_hash,
        "params": plain_params(strategy),
        "symbols": symbols,
        "data": dict(data),
        "venue": dict(venue),
        "books": books,
        "risk": dict(risk),
        "initial_capital": initial_capital,
        "seed": seed,
    }
    return {**manifest, "checks": checks(manifest)}


def plain_params(strategy: Runnable) -> dict[str, bool | int | float | str]:
    """Return the parameters of a strategy as JSON has them: exact decimals as text."""
    return {name: _plain(value) for name, value in params_of(strategy).items()}


def _plain(value: object) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def checks(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return a short hash per field, so that a field that was changed afterwards can be named."""
    document = {name: value for name, value in manifest.items() if name not in {"checks", "digest"}}
    return {
        path: hashlib.blake2b(f"{path}={json.dumps(value, sort_keys=True)}".encode(), digest_size=6).hexdigest()
        for path, value in _leaves(document, "")
    }


def tampered(manifest: Mapping[str, Any]) -> list[str]:
    """Name the fields that are not as they were written."""
    written, found = manifest.get("checks", {}), checks(manifest)
    return sorted(path for path in written.keys() | found.keys() if written.get(path) != found.get(path))


def value_at(manifest: Mapping[str, Any], path: str) -> object:
    """Return the value of a field named by :func:`checks`."""
    value: Any = manifest
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def changed_days(before: list[list[Any]], after: list[list[Any]]) -> list[str]:
    """Name the days whose bars differ between two fingerprints of (symbol, day, rows, hash)."""
    old = {(symbol, day): (rows, digest) for symbol, day, rows, digest in before}
    new = {(symbol, day): (rows, digest) for symbol, day, rows, digest in after}
    found = []
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        symbol, day = key
        rows = [f"{side[key][0]:,} bars" if key in side else "none" for side in (old, new)]
        what = "other values" if rows[0] == rows[1] else f"{rows[0]} then, {rows[1]} now"
        found.append(f"{symbol} on {day} ({what})")
    return found
