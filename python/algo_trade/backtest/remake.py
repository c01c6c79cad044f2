"""Makes the parts of a run again from its manifest, or says which part cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algo_trade.data import HistoricalDataProvider
from algo_trade.errors import InputError
from algo_trade.risk import SimpleRiskManager, VolatilityTarget
from algo_trade.strategy import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from algo_trade.strategy import Runnable


def risk_of(source: str | Path, manifest: Mapping[str, Any]) -> SimpleRiskManager:
    """Make the risk manager; ``source`` is the file to name in an error."""
    values = dict(manifest["risk"])
    if "class" in values:
        raise InputError(
            f"{source}: its risk manager was {values['class']}, an object whose parameters no file holds: "
            "run it again from Python, and compare the digests"
        )
    target = values.pop("volatility", None)
    return SimpleRiskManager(**values, volatility=VolatilityTarget(**target) if target else None)


def strategy_of(source: str | Path, manifest: Mapping[str, Any]) -> Runnable:
    """Make the strategy; ``source`` is the file to name in an error."""
    spec: str = manifest["strategy_spec"]
    if spec.startswith("__main__:") or "<locals>" in spec:
        raise InputError(
            f"{source}: its strategy was {spec}, which cannot be found again: put the class at the top of a file of its own"
        )
    return load(spec, manifest["params"])


def provider_of(
    source: str | Path, manifest: Mapping[str, Any], data: Sequence[str | Path] | None
) -> HistoricalDataProvider:
    """Read the data again, from where they were or from ``data``; ``source`` is the file to name in an error."""
    described = manifest["data"]
    if "source" in described:
        raise InputError(
            f"{source}: its data came from {described['source']}, a provider whose parameters no file holds: "
            "run it again from Python, and compare the digests"
        )
    paths = list(data) if data else described["paths"]
    if not paths:
        raise InputError(f"{source}: was made from a table in memory: give the data with --data")
    return HistoricalDataProvider(paths, **described["options"])
