"""``algo-trade calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algo_trade.cli.output import print_json, progress, say, show
from algo_trade.cli.sources import DATA_HELP, named

if TYPE_CHECKING:
    from algo_trade.backtest.calibration import Calibration


def command(
    data: Annotated[list[str], typer.Option("--data", help=f"Folder of recorded ticks, {DATA_HELP}")],
    fills: Annotated[
        Path, typer.Option("--fills", help="One's own orders, filled or not: CSV, Parquet, or the journal of a run.")
    ],
    symbol: Annotated[list[str] | None, typer.Option("--symbol", help="Symbols to use; all by default.")] = None,
    venue: Annotated[Path | None, typer.Option("--venue", help="TOML file of what else is known of the venue.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for venue.toml, and latency.csv where it speaks of one.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """Find the queue model and latency that explain one's own fills, judged on the half not used.

    Example: algo-trade calibrate --data lake --fills orders.csv
    """
    from algo_trade.backtest.calibration import calibrate  # noqa: PLC0415 -- other commands do not pay for the import

    with progress("calibrating", None) as shown:
        found = calibrate(named(data), fills, symbol=symbol, venue=venue, progress=shown)
    written = [] if out is None else found.write(out)
    for note in notes(found):
        say(f"note: {note}")
    if json:
        print_json(found.to_json())
        return
    summarise(found)
    show("\nFor the venue's file (backtest --venue FILE.toml):\n")
    show(found.venue_toml(written[-1] if written else "latency.csv"))
    if written:
        show(f"Written: {', '.join(map(str, written))}")
    elif found.latency.kind == "table":
        show("Next: add --out DIR for these lines and the table of latency as files")


def notes(found: Calibration) -> list[str]:
    """What somebody who trusts a calibration should know."""
    said = []
    if found.unacknowledged:
        said.append(f"{found.unacknowledged:,} orders never reached the venue and were left out")
    if found.left_out:
        said.append(
            f"{found.left_out:,} orders of the journal were no limit orders, or were changed, and were left out"
        )
    said += [
        f"{count:,} orders that the venue took are refused in the simulation: {reason}; look at the rules of the instrument "
        "and at the clocks"
        for reason, count in found.best.refused.items()
    ]
    if not found.measured.is_response_known:
        said.append("no order has a response_ts: answers are taken to be as long on their way as orders")
    return said


def summarise(found: Calibration) -> None:
    """Print the held-out errors for a person."""
    from rich.console import Console  # noqa: PLC0415 -- `--json` does not wait for it
    from rich.table import Table  # noqa: PLC0415

    console = Console(highlight=False)
    exponents = f" ({found.n_range[0]:g} to {found.n_range[1]:g} fit as well)" if found.n_range else ""
    console.print(f"[bold]{found.best.name}[/bold]{exponents}", soft_wrap=True)
    console.print(
        f"{found.orders:,} orders of {', '.join(found.symbols)}, {len(found.trials)} runs; errors on the half not used:\n",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    columns = (("calibrated", found.best), ("as configured", found.configured), ("risk_averse", found.risk_averse))
    for name, _ in columns:
        table.add_column(name, justify="right")
    scores = [trial.test for _, trial in columns]
    for label, cells in (
        ("filled orders", [f"{score.fills_simulated:,} of {score.fills:,}" for score in scores]),
        ("fill count error", [f"{score.fill_count_error:+.2%}" for score in scores]),
        ("same orders filled", [f"{score.agreement:.2%}" for score in scores]),
        ("median fill time error", [_milliseconds(score.fill_time_error_ns) for score in scores]),
        ("mean fill time error", [_milliseconds(score.fill_time_error_mean_ns) for score in scores]),
        ("filled quantity error", [f"{score.quantity_error:+.2%}" for score in scores]),
        ("log-likelihood per order", [f"{score.log_likelihood:.4f}" for score in scores]),
    ):
        table.add_row(label, *cells)
    console.print(table)


def _milliseconds(ns: int | None) -> str:
    return "–" if ns is None else f"{ns / 1e6:,.3f} ms"
