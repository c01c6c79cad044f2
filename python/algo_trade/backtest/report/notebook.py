"""What a notebook shows for a result: a few numbers and the equity as a small picture. Plain HTML and SVG, no script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from algo_trade.backtest.report import series, text

if TYPE_CHECKING:
    from algo_trade.backtest.report.result import Result

_WIDTH, _HEIGHT = 520, 90


def summary(result: Result) -> str:
    """HTML for ``_repr_html_``: headline metrics and a sparkline, in the colours of the surrounding page."""
    m = result.metrics
    rows = (
        ("Final equity", text.money(result.final_equity)),
        ("Total return", text.percent(m.total_return, plus=True)),
        (f"Sharpe ratio ({text.step(m.sampling_step_s)} returns)", text.ratio(m.sharpe)),
        ("Max drawdown", text.percent(m.max_drawdown)),
        ("Round trips", text.count(m.num_trades)),
        ("Won", text.percent(m.win_rate, 1)),
        ("Profit factor", text.ratio(m.profit_factor)),
        ("Fees", text.money(m.fees)),
    )
    cells = "".join(
        f'<div style="min-width:110px"><div style="opacity:.65;font-size:11px">{escape(name)}</div>'
        f'<div style="font-size:16px;font-variant-numeric:tabular-nums">{value}</div></div>'
        for name, value in rows
    )
    title = f"{escape(result.strategy)} · {escape(', '.join(result.symbols[:5]))} · {text.moment(result.start)} to {text.moment(result.end)} UTC"
    return (
        '<div style="font-family:sans-serif;max-width:560px;padding:8px 0">'
        f'<div style="font-weight:600;margin-bottom:8px">{title}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:10px 22px">{cells}</div>{sparkline(result)}</div>'
    )


def sparkline(result: Result) -> str:
    """The equity as an inline SVG line, with the initial capital as a dashed one."""
    line = series.thin(series.equity(result), "equity", points_max=240)
    if line.height < 2:
        return ""
    start = float(result.initial_capital)
    low = min(float(line.select(pl.col("equity").min()).item()), start)
    high = max(float(line.select(pl.col("equity").max()).item()), start)
    begin, end = line["time"][0], line["time"][-1]

    def height(value: float) -> float:
        return _HEIGHT - 4 - (value - low) / ((high - low) or 1) * (_HEIGHT - 8)

    points = " ".join(
        f"{(time - begin) / (end - begin) * _WIDTH:.1f},{height(value):.1f}" for time, value in line.iter_rows()
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img" aria-label="Equity over time" style="margin-top:8px">'
        f'<line x1="0" x2="{_WIDTH}" y1="{height(start):.1f}" y2="{height(start):.1f}" stroke="currentColor" '
        'stroke-opacity=".35" stroke-dasharray="3 4"/>'
        f'<polyline points="{points}" fill="none" stroke="#1b72b7" stroke-width="1.8" stroke-linejoin="round"/></svg>'
    )
