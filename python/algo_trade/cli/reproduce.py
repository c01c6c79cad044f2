"""``algo-trade reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from algo_trade.backtest import reproduce
from algo_trade.cli.output import print_json, progress, say, show
from algo_trade.cli.sources import named


def command(
    report: Annotated[Path, typer.Argument(help="A report written by --report.")],
    data: Annotated[
        list[str] | None, typer.Option("--data", help="Where the data are now; by default where they were.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """Run a report's backtest again and compare the digest; name what changed.

    Example: algo-trade reproduce report.html --data btc.csv
    """
    with progress("reproducing", None) as shown:
        outcome = reproduce(report, data=data and named(data), progress=shown)
    for note in outcome.notes:
        say(f"note: {note}")
    if outcome.is_same:
        if json:
            print_json(outcome.to_json())
        else:
            show(f"reproduced: the digest is {outcome.digest} again")
        return
    say(f"not reproduced: the report's digest is {outcome.expected}, now it is {outcome.digest}")
    for difference in outcome.differences:
        say(f"  {difference}")
    if not outcome.differences:
        say(
            "  data, parameters and strategy are the same, so the engine or the environment changed (see the notes above)"
        )
    raise typer.Exit(1)
