"""Puts the page together and writes it: one HTML file that loads nothing from outside.

Markup, style and script are the files in ``templates``; data travel beside them as inert JSON.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import polars as pl
from plotly.offline import get_plotlyjs

from algo_trade.backtest.report import execution, figures, palette, sections, series, text, tradetable
from algo_trade.backtest.report.embed import embed, inert
from algo_trade.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import plotly.graph_objects as go

    from algo_trade.backtest.report.result import Result

PRICE_CHARTS_MAX = 8
PRICE_POINTS_MAX_OF_MANY = 2_000
_OUTSIDE = re.compile(r"""(\bsrc=\\?["'])https?://[^"'\\]*""")


def _plotly() -> str:
    """Return the plotting library. Some versions would fetch the icons of maps from elsewhere: there are none here."""
    return _OUTSIDE.sub(r"\1", get_plotlyjs())


def render(result: Result) -> str:
    """Return the report as one HTML document, under 7 MB, that works offline."""
    rolling = figures.rolling_sharpe(result)
    drawn = result.equity.height > 1
    symbols = list(series.symbols_by_trades(result))
    charts: dict[str, go.Figure | None] = {
        "equity": figures.equity(result) if drawn else None,
        "drawdown": figures.drawdown(result) if drawn else None,
        "pnl": figures.trade_pnl(result) if result.trades.height else None,
        "rolling": rolling,
    }
    points_max = series.LINE_POINTS_MAX if len(symbols) == 1 else PRICE_POINTS_MAX_OF_MANY
    for index, symbol in enumerate(symbols[:PRICE_CHARTS_MAX]):
        charts[f"price-{index}"] = figures.price(result, symbol, points_max=points_max) if drawn else None
    if result.best.height:
        for index, symbol in enumerate(symbols[:PRICE_CHARTS_MAX]):
            charts[f"quotes-{index}"] = execution.quotes_figure(result, symbol)
        charts["latency"] = execution.latency_figure(result)
    months = sections.months(result)
    return Template(_resource("page.html")).substitute(
        title=escape(f"{result.strategy} on {', '.join(result.symbols)}"),
        palette_css=_palette_css(),
        style=_resource("style.css"),
        plotly=_plotly(),
        script=_resource("script.js"),
        strategy=escape(result.strategy),
        subtitle=_subtitle(result),
        given=_given(result),
        outcome=_outcome(result),
        warnings=_warnings(result),
        assumptions=sections.listing(result.assumptions),
        cards=sections.cards(result),
        scale_switch=_scale_switch(result),
        equity=_chart("equity", "Equity against buy and hold", charts, tall=True),
        drawdown=_chart("drawdown", "Drawdown", charts),
        price=_prices(symbols, charts),
        price_picker=_price_picker(symbols),
        price_note=_price_note(result, symbols),
        months=months or _nothing("No month has ended with data."),
        pnl=_chart("pnl", "Distribution of the PnL of round trips", charts) if result.trades.height else "",
        pnl_note='<p class="hint">Net of fees. The outermost bars hold the half per cent of round trips beyond them.</p>'
        if result.trades.height
        else "",
        rolling=_chart("rolling", "Rolling Sharpe ratio", charts, nothing="The run is too short for a rolling ratio."),
        rolling_note=_rolling_note(result) if rolling else "",
        trades=tradetable.markup(result) if result.trades.height else _nothing("No round trip was closed."),
        execution=_execution(result, symbols, charts),
        execution_link='<a href="#execution">Execution</a>' if result.best.height else "",
        costs=sections.costs(result),
        metrics=sections.all_metrics(result),
        params=sections.facts(result.params, verbatim=True) or _nothing("This strategy has no parameters."),
        data=sections.facts(result.data_summary) or _nothing("Nothing is known about the data."),
        manifest_facts=sections.facts(result.manifest),
        digest=escape(result.digest),
        palette_json=embed(palette.dark_for_light()),
        charts_json="{" + ",".join(f"{embed(k)}:{_figure_json(v)}" for k, v in charts.items() if v is not None) + "}",
        trades_json=tradetable.data(result),
        manifest_json=embed(result.manifest),
    )


def write(result: Result, path: str | os.PathLike[str]) -> Path:
    """Write the report whole or not at all: a temporary file beside it, flushed to the disk, takes its name."""
    target = Path(path)
    if not target.parent.is_dir():
        message = f"{path}: there is no folder {target.parent}: make it, or name another"
        raise InputError(message)
    document = render(result).encode()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the manifest of a written report; InputError where the file holds none."""
    document = Path(path).read_text(encoding="utf-8", errors="replace")
    found = re.search(r'<script type="application/json" id="manifest">(.*?)</script>', document, re.DOTALL)
    try:
        manifest = json.loads(found.group(1)) if found else None
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        message = f"{path}: holds no manifest: it is not a report of algo-trade, or it was cut short. Run the backtest again with --report."
        raise InputError(message)
    return manifest


def _figure_json(figure: go.Figure) -> str:
    return inert(figure.to_json(validate=False))


def _resource(name: str) -> str:
    return resources.files("algo_trade.backtest.report").joinpath("templates", name).read_text(encoding="utf-8")


def _palette_css() -> str:
    dark = f"color-scheme: dark; {palette.variables(palette.DARK)}"
    return (
        f":root {{ color-scheme: light; {palette.variables(palette.LIGHT)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme='light']) {{ {dark} }} }}\n"
        f"@media screen {{ :root[data-theme='dark'] {{ {dark} }} }}"
    )


def _subtitle(result: Result) -> str:
    names = ", ".join(result.symbols[:6]) + (f" and {len(result.symbols) - 6} more" if len(result.symbols) > 6 else "")
    return (
        f"<b>{escape(names)}</b> · {text.moment(result.start)} to {text.moment(result.end)} UTC"
        f" ({text.span(result.start, result.end)})"
    )


def _given(result: Result) -> str:
    """Name the first parameters; the section of parameters has them all."""
    shown = [f"{escape(name)} {escape(str(value))}" for name, value in result.params.items()]
    return " · ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")


def _outcome(result: Result) -> str:
    speed = f" in {text.duration(result.elapsed_s)}" if result.elapsed_s > 0 else ""
    return (
        f"{text.money(result.initial_capital)} became <b>{text.money(result.final_equity)}</b>"
        f" over {text.count(result.events, 'market event')}, computed{speed}."
    )


def _warnings(result: Result) -> str:
    return (
        f'<aside class="warnings" role="note"><h2>Read with care</h2>{sections.listing(result.warnings)}</aside>'
        if result.warnings
        else ""
    )


def _nothing(why: str) -> str:
    return f'<p class="nothing">{why}</p>'


def _chart(
    name: str, label: str, charts: Mapping[str, go.Figure | None], *, tall: bool = False, nothing: str = ""
) -> str:
    if charts.get(name) is None:
        return _nothing(nothing or "The run is too short to draw.")
    return f'<div class="chart{" tall" if tall else ""}" data-chart="{name}" role="img" aria-label="{escape(label)}"></div>'


def _execution(result: Result, symbols: list[str], charts: Mapping[str, go.Figure | None]) -> str:
    """Quality of execution and where the profit came from; nothing for a run over bars."""
    if not result.best.height:
        return ""
    drawn = "".join(
        _chart(name, f"Best prices and our fills: {symbol}", charts, tall=True)
        for index, symbol in enumerate(symbols[:PRICE_CHARTS_MAX])
        if charts.get(name := f"quotes-{index}") is not None
    )
    figures_of_fills = execution.markup(result) or _nothing("Nothing was filled.")
    latency = _chart("latency", "How long messages took", charts, nothing="No order was answered.")
    return (
        f'<section class="panel" id="execution"><h2>Execution</h2><div class="columns">{figures_of_fills}</div>'
        f"<h3>Best prices and our fills</h3>{drawn or _nothing('The run is too short to draw.')}"
        '<p class="hint">Best prices are sampled every second at most; fills are at their own prices.</p>'
        f"<h3>How long messages took</h3>{latency}</section>"
    )


def _scale_switch(result: Result) -> str:
    """A logarithmic scale needs equity above zero."""
    if result.equity.height < 2 or result.equity.select((pl.col("equity") <= 0).any()).item():
        return ""
    return (
        '<div class="switch" role="group" aria-label="Scale of the equity">'
        '<button type="button" data-scale="linear" aria-pressed="true">Linear</button>'
        '<button type="button" data-scale="log" aria-pressed="false">Log</button></div>'
    )


def _prices(symbols: list[str], charts: Mapping[str, go.Figure | None]) -> str:
    shown = [
        f'<div class="price" data-price="{index}"{" hidden" if index else ""}>'
        + _chart(f"price-{index}", f"Price of {symbol} with entries and exits", charts, tall=True)
        + "</div>"
        for index, symbol in enumerate(symbols[:PRICE_CHARTS_MAX])
    ]
    return "".join(shown) or _nothing("No symbol was traded.")


def _price_picker(symbols: list[str]) -> str:
    if len(symbols) < 2:
        return ""
    options = "".join(f'<option value="{i}">{escape(s)}</option>' for i, s in enumerate(symbols[:PRICE_CHARTS_MAX]))
    return f'<select id="price-picker" aria-label="Symbol">{options}</select>'


def _price_note(result: Result, symbols: list[str]) -> str:
    notes = []
    if len(symbols) > PRICE_CHARTS_MAX:
        notes.append(f"The {PRICE_CHARTS_MAX} most traded of {len(symbols)} symbols are drawn.")
    most = max(result.trades["symbol"].value_counts()["count"].to_list(), default=0)
    if most > figures.MARKED_TRADES_MAX:
        notes.append(
            f"The {text.count(figures.MARKED_TRADES_MAX)} round trips of a symbol with the largest gains and losses are marked."
        )
    return " ".join(notes)


def _rolling_note(result: Result) -> str:
    rolling = series.rolling_sharpe(result)
    if rolling is None:
        return ""
    return (
        f"Over a moving window of {rolling.window.days} day{'s' if rolling.window.days > 1 else ''}"
        f" ({rolling.samples} {text.step(result.metrics.sampling_step_s)} returns), annualised with"
        f" {text.count(round(result.metrics.periods_per_year))} periods a year. Short windows swing widely."
    )
