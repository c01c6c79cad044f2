"""Runs a report's backtest again and names what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from algo_trade.backtest import manifest as manifests
from algo_trade.backtest.remake import provider_of, risk_of, strategy_of
from algo_trade.backtest.run import backtest
from algo_trade.errors import InputError
from algo_trade.execution import VenueConfig

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
        For a file that is no report, data that cannot be read, or a run with parts that a report cannot hold: data from
        memory, a data provider or risk manager of one's own.
    """
    from algo_trade.backtest import report as reports  # noqa: PLC0415 -- pictures take their time to import

    manifest = reports.read_manifest(report)
    if manifest.get("format") != manifests.FORMAT:
        raise InputError(
            f"{report}: its manifest has format {manifest.get('format')}, this version reads {manifests.FORMAT}"
        )
    differences = [
        f"{path}: the report says {manifests.value_at(manifest, path)!r}, which is not what it was made with"
        for path in manifests.tampered(manifest)
    ]
    risk, strategy = risk_of(report, manifest), strategy_of(report, manifest)
    provider = provider_of(report, manifest, data)
    fingerprint = [list(day) for day in provider.fingerprint]
    changed = manifests.changed_days(manifest["data"]["fingerprint"], fingerprint)
    differences += [f"data: {day}" for day in changed[:20]]
    if len(changed) > 20:
        differences.append(f"data: {len(changed) - 20} more days")
    if manifests.strategy_spec(strategy)[1] != manifest["strategy_hash"]:
        differences.append(f"strategy: the source of {manifest['strategy_spec']} was changed")
    again = backtest(
        provider,
        strategy,
        initial_capital=manifest["initial_capital"],
        venue=VenueConfig.model_validate(manifest["venue"]),
        risk=risk,
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
