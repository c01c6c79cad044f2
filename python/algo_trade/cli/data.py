"""``algo-trade data``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from algo_trade.cli import lakes, recording
from algo_trade.cli.output import print_json, progress, show
from algo_trade.data import import_data

app = typer.Typer(
    name="data", help="Bring market data in, and look at it.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Bring market data in, and look at it."""


app.command("list")(lakes.list_command)
app.command("query")(lakes.query_command)
app.command("verify")(lakes.verify_command)
app.command("compact")(lakes.compact_command)
app.command("record")(recording.record_command)
app.command("download")(recording.download_command)


@app.command("import")
def import_command(
    paths: Annotated[list[Path], typer.Argument(help="Recordings of ticks or files of bars, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", help="The folder of the table. What the recordings cover is replaced.")],
    format: Annotated[  # noqa: A002
        str,
        typer.Option(help="auto, bars, hftbacktest, tardis, binance, bybit, databento or hyperliquid."),
    ] = "auto",
    symbol: Annotated[str | None, typer.Option(help="The symbol, where the file names none or another one.")] = None,
    venue: Annotated[str | None, typer.Option(help="The venue, where the file names none or another one.")] = None,
    arrow: Annotated[bool, typer.Option("--arrow", help="Arrow IPC: larger than Parquet, faster to read.")] = False,  # noqa: FBT002
    strict: Annotated[bool, typer.Option("--strict", help="Faults that are otherwise counted end the import.")] = False,  # noqa: FBT002
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """Write recordings into a table: clocks set right, rows in order, checked.

    Example: algo-trade data import recordings/ --out lake
    """
    with progress("import", None) as shown:
        document = import_data(
            [str(path) for path in paths],
            out,
            format=format,
            symbol=symbol,
            venue=venue,
            arrow=arrow,
            strict=strict,
            progress=shown,
        )
    if json:
        print_json(document)
        return
    for line in describe(document):
        show(line)
    show(f"\nNext: algo-trade backtest --data {out} --strategy NAME")


def describe(document: dict[str, Any]) -> list[str]:
    """Say for people what an import read, repaired, refused and wrote."""
    lines = [f"read     {file['file']}" + _of_file(file) for file in document["files"]]
    lines += [
        f"found    {symbol['symbol']} of {symbol['venue']}: {_of_symbol(symbol)}" for symbol in document["symbols"]
    ]
    lines += [
        f"repaired local times of {venue} shifted by {ns / 1e6:,.3f} ms: the clock of the recorder was behind"
        for venue, ns in document.get("shifts", {}).items()
    ]
    for name, text in (
        ("without_local_time", "rows without a local time got that of the venue and 1 ms"),
        ("batches_closed", "batches had no end of their own, and got one"),
    ):
        if document.get(name):
            lines.append(f"repaired {document[name]:,} {text}")
    lines += [f"refused  {count:,} rows: {_REFUSALS[reason]}" for reason, count in document.get("refused", {}).items()]
    if document.get("lone_history"):
        lines.append(f"refused  {document['lone_history']:,} rows from days before the recording")
    lines.append(f"written  {document['rows']:,} rows in {len(document['written']):,} files")
    return lines


_REFUSALS = {
    "no_time": "no time of the venue",
    "price": "a price that is not above zero",
    "quantity": "a quantity that cannot be",
    "state": "a state that is none",
}


def _of_file(file: dict[str, Any]) -> str:
    if "rows" not in file:
        return ""
    notes = "".join(f"; {count:,} × {what}" for what, count in file["notes"])
    return f": {file['rows']:,} rows{notes}"


def _of_symbol(symbol: dict[str, Any]) -> str:
    parts = [f"{count:,} {kind}" for kind, count in symbol["rows"].items()]
    text = ", ".join(parts)
    if "first" in symbol:
        first, last = (dt.datetime.fromtimestamp(symbol[end] / 1e9, tz=dt.UTC) for end in ("first", "last"))
        text += f", {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
    for name, words in (
        ("sequence_gaps", "gaps in the numbering"),
        ("crossed_books", "crossed books"),
        ("crossed_quotes", "crossed quotes"),
    ):
        if symbol.get(name):
            text += f"; {symbol[name]:,} {words}"
    rules = symbol.get("rules")
    if rules:
        text += "; " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in rules.items())
    return text
