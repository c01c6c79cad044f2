"""``algo-trade backtest``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algo_trade.backtest import backtest
from algo_trade.cli.output import print_json, progress, say, show
from algo_trade.cli.sources import DATA_HELP, named
from algo_trade.data import Stamp, VolumeUnit
from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from algo_trade.backtest import BacktestResult


def command(
    data: Annotated[list[str], typer.Option("--data", help=f"CSV or Parquet file, or a folder of them, {DATA_HELP}")],
    strategy: Annotated[str, typer.Option("--strategy", help="Built-in NAME, file.py:Class or module:Class.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", help="NAME=VALUE of the strategy; may be repeated.")
    ] = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option("--symbol", help="Symbols to use; names the one that a file without symbols holds."),
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First time, ISO 8601 (UTC without a zone).")] = None,
    to: Annotated[str | None, typer.Option("--to", help="End of the range, not included.")] = None,
    initial_capital: Annotated[str, typer.Option(help="Deposit in quote currency.")] = "10000",
    commission_rate: Annotated[str | None, typer.Option(help="Taker fee of notional.  [default: 0.00045]")] = None,
    maker_rate: Annotated[
        str | None, typer.Option(help="Maker fee of notional.  [default: 0.00015, or the commission rate]")
    ] = None,
    slippage_bps: Annotated[str | None, typer.Option(help="Taker fills are this much worse.  [default: 1]")] = None,
    fill_on: Annotated[str | None, typer.Option(help="next_open or close.  [default: next_open]")] = None,
    quantity: Annotated[str | None, typer.Option(help="Size in base units.")] = None,
    fraction: Annotated[str | None, typer.Option(help="Size as a fraction of equity.  [default: 0.1]")] = None,
    leverage: Annotated[int | None, typer.Option(help="Initial margin is notional over this.  [default: 1]")] = None,
    max_position_size: Annotated[str | None, typer.Option(help="Cap in base units.")] = None,
    columns: Annotated[str | None, typer.Option(help="NAME=HEADER,… where headers are not ours.")] = None,
    volume_unit: Annotated[VolumeUnit, typer.Option(help="base or quote.")] = "base",
    stamp: Annotated[Stamp, typer.Option(help="Whether time stamps are of the open or the close.")] = "open",
    venue: Annotated[Path | None, typer.Option(help="Options of the simulation, TOML.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random in the simulation.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for Parquet tables of trades, fills, orders, equity.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="HTML report, one file.")] = None,
    journal: Annotated[Path | None, typer.Option(help="Every event in and every command out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """Run a strategy over history on the simulated venue.

    Example: algo-trade backtest --data btc.csv --symbol BTC --strategy ma_crossover --param fast=5 --report report.html
    """
    with progress(f"backtest of {strategy}", None) as shown:
        result = backtest(
            named(data),
            strategy,
            params=pairs("--param", param or []),
            symbol=symbol,
            start=from_,
            end=to,
            initial_capital=initial_capital,
            commission_rate=commission_rate,
            maker_rate=maker_rate,
            slippage_bps=slippage_bps,
            fill_on=fill_on,
            quantity=quantity,
            fraction=fraction,
            leverage=leverage,
            max_position_size=max_position_size,
            columns=None if columns is None else pairs("--columns", columns.split(",")),
            volume_unit=volume_unit,
            stamp=stamp,
            venue=venue,
            seed=seed,
            out=out,
            report=report,
            journal=journal,
            details=False,
            progress=shown,
        )
    for warning in result.warnings:
        say(f"note: {warning}")
    if json:
        print_json(result.to_json())
    else:
        summarise(result)
        written = [
            f"{what} {path}" for what, path in (("tables in", out), ("report", report), ("journal", journal)) if path
        ]
        hints = (
            f"Written: {', '.join(written)}"
            if written
            else "Next: add --report report.html for pictures, --out DIR for tables"
        )
        show(f"\n{hints}")


def pairs(option: str, texts: list[str]) -> dict[str, str]:
    """Split NAME=VALUE texts."""
    split = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ParameterError(f"{option} {text}: must be NAME=VALUE")
        split[name.strip()] = value.strip()
    return split


def summarise(result: BacktestResult) -> None:
    """Print the headline numbers for a person."""
    from rich.console import Console  # noqa: PLC0415 -- `--json` does not wait for it
    from rich.table import Table  # noqa: PLC0415

    m = result.metrics

    def percent(value: float | None) -> str:
        return "–" if value is None else f"{value:.2%}"

    def ratio(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    console = Console(highlight=False)
    params = ", ".join(f"{name}={value}" for name, value in result.params.items())
    console.print(f"[bold]{result.strategy}[/bold] ({params}) on {', '.join(result.symbols)}", soft_wrap=True)
    speed = result.events / result.elapsed_s / 1e6 if result.elapsed_s else 0.0
    console.print(
        f"{result.start:%Y-%m-%d %H:%M} to {result.end:%Y-%m-%d %H:%M} UTC, {result.events:,} events in {result.elapsed_s:.2f} s ({speed:.2f} M/s)\n"
    )
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    rows = [
        ("final equity", f"{result.final_equity:,.2f}", "trades", f"{m.num_trades:,}"),
        ("total return", percent(m.total_return), "win rate", percent(m.win_rate)),
        ("annual return", percent(m.annual_return), "profit factor", ratio(m.profit_factor)),
        ("Sharpe", ratio(m.sharpe), "expectancy", f"{m.expectancy:,.4f}"),
        ("Sortino", ratio(m.sortino), "fees", f"{m.fees:,.2f}"),
        ("max drawdown", percent(m.max_drawdown), "slippage", f"{m.slippage:,.2f}"),
        ("exposure", percent(m.exposure), "turnover a day", ratio(m.turnover)),
    ]
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()
    for sentence in result.assumptions:
        console.print(f"· {sentence}", soft_wrap=True)
