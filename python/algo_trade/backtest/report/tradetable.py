"""The table of round trips: compact columns as JSON, which the page's script sorts, searches and pages."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from algo_trade.backtest.report import text
from algo_trade.backtest.report.embed import embed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algo_trade.backtest.report.result import Result

ROWS_MAX = 20_000

# Column, heading, whether a number. Their order is the order of the table.
COLUMNS = (
    ("symbol", "Symbol", False),
    ("side", "Side", False),
    ("entry_time", "Entry (UTC)", True),
    ("exit_time", "Exit (UTC)", True),
    ("duration_s", "Held", True),
    ("quantity", "Quantity", True),
    ("entry_price", "Entry price", True),
    ("exit_price", "Exit price", True),
    ("pnl", "PnL", True),
    ("return", "Return", True),
    ("fees", "Fees", True),
    ("funding", "Funding", True),
)


def markup(result: Result) -> str:
    """The empty table, its headings as buttons, and its controls."""
    columns = _columns(result)
    head = "".join(
        f'<th scope="col" data-column="{name}"{" class=number" if number else ""}><button type="button">{title}</button></th>'
        for name, title, number in columns
    )
    options = "".join(f'<option value="{name}">{title}</option>' for name, title, _ in columns)
    total = result.trades.height
    note = (
        f'<p class="hint">The table holds the first {text.count(ROWS_MAX)} of {text.count(total)} round trips; '
        "<code>--out</code> writes them all.</p>"
        if total > ROWS_MAX
        else ""
    )
    return (
        '<div class="controls"><input id="trades-search" type="search" placeholder="Search symbol or side" '
        'aria-label="Search symbol or side">'
        f'<label class="sort">Sort by <select id="trades-sort">{options}</select>'
        '<button type="button" id="trades-direction" aria-label="Reverse the order">↑</button></label></div>'
        f'<table class="trades" id="trades"><thead><tr>{head}</tr></thead><tbody></tbody></table>'
        '<div class="pager"><span id="trades-count" aria-live="polite"></span><span class="buttons">'
        '<button type="button" data-page="first" aria-label="First page">«</button>'
        '<button type="button" data-page="previous" aria-label="Previous page">‹</button>'
        '<button type="button" data-page="next" aria-label="Next page">›</button>'
        f'<button type="button" data-page="last" aria-label="Last page">»</button></span></div>{note}'
    )


def data(result: Result) -> str:
    """Columns as JSON, made small: names and sides by index, times as steps of the largest unit that holds them.

    Prices and quantities keep all their digits. Money is rounded two digits finer than the table shows it.
    """
    trades = result.trades.head(ROWS_MAX)
    symbols = trades["symbol"].unique(maintain_order=True).to_list()
    unit = _time_unit_ms(trades)
    entry, exit_ = (trades[name].dt.epoch("ms") // unit for name in ("entry_time", "exit_time"))
    columns = {
        "symbol": _join(trades["symbol"].replace_strict(symbols, range(len(symbols)), return_dtype=pl.Int64).to_list()),
        "side": _join((trades["side"] == "short").cast(pl.Int8).to_list()),
        "entry_time": _join(entry.diff().fill_null(entry.head(1)).to_list()),  # each from the row before
        "exit_time": _join((exit_ - entry).to_list()),  # each from its entry
        "return": _join(_number(value, 5) for value in trades["return"].to_list()),
    }
    for name in ("quantity", "entry_price", "exit_price"):
        columns[name] = _join(_digits(value) for value in trades[name].cast(pl.String).to_list())
    for name in ("pnl", "fees", "funding"):
        money = trades[name].cast(pl.Float64)
        digits = _digits_shown(max((abs(value) for value in money.to_list()), default=0.0)) + 2
        columns[name] = _join(_number(value, digits) for value in money.to_list())
    body = ",".join(f'"{name}":[{values}]' for name, values in columns.items())
    return f'{{"symbols":{embed(symbols)},"unit_ms":{unit},"rows":{trades.height},"columns":{{{body}}}}}'


def _digits_shown(largest: float) -> int:
    """Two, or as many as show three digits of the largest: the rule of the page's script."""
    return 2 if largest >= 1 or largest == 0 else min(6, 2 - math.floor(math.log10(largest)))


def _columns(result: Result) -> list[tuple[str, str, bool]]:
    """The funding column is left out where there was none."""
    funded = bool(result.trades.select((pl.col("funding") != 0).any()).item())
    return [(name, escape(title), number) for name, title, number in COLUMNS if funded or name != "funding"]


def _time_unit_ms(trades: pl.DataFrame) -> int:
    times = pl.concat([trades["entry_time"], trades["exit_time"]]).dt.epoch("ms")
    return next((unit for unit in (60_000, 1_000) if bool((times % unit == 0).all())), 1)


def _join(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _digits(value: str | None) -> str:
    if value is None:
        return "null"
    return value.rstrip("0").rstrip(".") if "." in value else value


def _number(value: float | None, digits: int) -> str:
    return "null" if value is None or not math.isfinite(value) else _digits(f"{value:.{digits}f}")
