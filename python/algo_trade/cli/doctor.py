"""``algo-trade doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from algo_trade.cli.config import ConfigPath, Profile
from algo_trade.cli.examination import examine, examine_runner
from algo_trade.cli.output import print_json, show

DEFAULT = Path("config/Config.toml")


def command(
    config: ConfigPath = None,
    profile: Profile = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """Check the machine, and with a configuration the store, the exchange, key and clock; say what to do.

    Example: algo-trade doctor --config config/Config.toml
    """
    findings = examine()
    if config is not None or DEFAULT.exists():
        from algo_trade.config import ConfigLoader  # noqa: PLC0415 -- who only backtests does not wait for it

        findings += examine_runner(ConfigLoader(config, profile=profile))
    bad = [finding for finding in findings if not finding.ok]
    if json and not bad:
        print_json([{"name": f.name, "ok": f.ok, "found": f.found} for f in findings])
    else:
        for finding in findings:
            advice = "" if finding.ok else f"  → {finding.advice}"
            typer.echo(f"{'ok ' if finding.ok else 'BAD'} {finding.name:8} {finding.found}{advice}", err=bool(bad))
        if not bad:
            show("All is well. Next: algo-trade strategies")
    if bad:
        raise typer.Exit(1)
