"""Runs a report's backtest again and names what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from algo_trade.backtest import manifest as manifests
from algo_trade.backtest import report as reports
from algo_trade.backtest.run import backtest
from algo_trade.data import HistoricalDataProvider
from algo_trade.errors import InputError
from algo_trade.execution import VenueConfig
from algo_trade.risk import SimpleRiskManager, VolatilityTarget
from algo_trade.strategy import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Whether a report came out the same, and what is different."""

    expected: str
    digest: str
    differences: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """The digest is the same and nothing in the report was changed."""
        return self.expected == self.digest and not self.differences

    def to_json(self) -> dict[str, object]:
        """As a document."""
        return {
            "reproduced": self.is_same,
            "expected": self.expected,
            "digest": self.digest,
            "differences": list(self.differences),
            "notes": list(self.notes),
        }


def risk_of(described: dict[str, Any]) -> SimpleRiskManager:
    """Make the risk manager that a manifest describes."""
    values = dict(described)
    target = values.pop("volatility", None)
    return SimpleRiskManager(**values, volatility=VolatilityTarget(**target) if target else None)


def reproduce(
    report: str | Path, *, data: Sequence[str | Path] | None = None, progress: Callable[[int], object] | None = None
) -> Reproduction:
    """Run the backtest of a report again.

    Parameters
    ----------
    report : path
        A report written by ``backtest --report``.
    data : sequence of paths, optional
        Where the data are now; by default where they were then.
    progress : callable, optional
        Called with the number of events done.

    Returns
    -------
    Reproduction

    Raises
    ------
    InputError
        For a file that is no report, or data that cannot be read.
    """
    manifest = reports.read_manifest(report)
    if manifest.get("format") != manifests.FORMAT:
        raise InputError(
            f"{report}: its manifest has format {manifest.get('format')}, this version reads {manifests.FORMAT}"
        )
    differences = [
        f"{path}: the report says {manifests.value_at(manifest, path)!r}, which is not what it was made with"
        for path in manifests.tampered(manifest)
    ]
    paths = list(data) if data else manifest["data"].get("paths")
    if not paths:
        raise InputError(f"{report}: was made from a table in memory: give the data with --data")
    provider = HistoricalDataProvider(paths, **manifest["data"]["options"])
    fingerprint = [list(day) for day in provider.fingerprint]
    changed = manifests.changed_days(manifest["data"]["fingerprint"], fingerprint)
    differences += [f"data: {day}" for day in changed[:20]]
    if len(changed) > 20:
        differences.append(f"data: {len(changed) - 20} more days")
    strategy = load(manifest["strategy_spec"], manifest["params"])
    if manifests.strategy_spec(strategy)[1] != manifest["strategy_hash"]:
        differences.append(f"strategy: the source of {manifest['strategy_spec']} was changed")
    again = backtest(
        provider,
        strategy,
        initial_capital=manifest["initial_capital"],
        venue=VenueConfig.model_validate(manifest["venue"]),
        risk=risk_of(manifest["risk"]),
        seed=manifest["seed"],
        details=False,
        progress=progress,
    )
    notes = [
        f"{field}: {manifest[field]} then, {again.manifest[field]} now"
        for field in ("version", "code_hash")
        if again.manifest[field] != manifest[field]
    ]
    return Reproduction(str(manifest["digest"]), again.digest, tuple(differences), tuple(notes))
