"""Plotly figures of a result: for the page, for ``result.plot()``, and for a notebook. Each has labelled axes with units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from algo_trade.backtest.report import series
from algo_trade.backtest.report.palette import LIGHT

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from algo_trade.backtest.report.result import Result

FONT = 'Inter, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
MARKED_TRADES_MAX = 400
PNL_BINS = 40


def equity(result: Result) -> go.Figure:
    """Equity against buy-and-hold, in quote currency."""
    figure = blank("Equity (quote currency)", result)
    _add_equity(figure, result)
    return figure


def drawdown(result: Result) -> go.Figure:
    """How far below its highest value so far the equity is, in per cent."""
    figure = blank("Drawdown (% below the peak)", result, legend=False)
    _add_drawdown(figure, result)
    return figure


def price(result: Result, symbol: str, *, points_max: int = series.LINE_POINTS_MAX) -> go.Figure:
    """Closes of one symbol with the entries and exits of its round trips.

    Of more than 400 round trips, those with the largest gains and losses are marked.
    """
    figure = blank(f"{symbol} (quote currency)", result)
    _add_price(figure, result, symbol, points_max)
    return figure


def trade_pnl(result: Result) -> go.Figure:
    """Distribution of the PnL of round trips, in quote currency, net of fees.

    The bins are equal and zero is a border; what lies outside the middle 99 % is counted in the outermost bins.
    """
    figure = blank("Round trips (count)", None, legend=False)
    edges, counts = _bins(result.trades["pnl"].cast(pl.Float64).to_numpy())
    middles = (edges[:-1] + edges[1:]) / 2
    for sign, colour in ((-1, "loss"), (1, "gain")):
        side = middles * sign > 0
        figure.add_bar(
            x=middles[side],
            y=counts[side],
            width=np.diff(edges)[side],
            name=colour,
            marker={"color": LIGHT[colour], "line": {"color": LIGHT["surface"], "width": 1}},
            customdata=np.stack([edges[:-1][side], edges[1:][side]], axis=-1),
            hovertemplate="%{customdata[0]:,.4~f} to %{customdata[1]:,.4~f}<br>%{y:,} round trips<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": LIGHT["zero"], "width": 1})
    figure.update_xaxes(title_text="PnL per round trip (quote currency)", tickformat="~s" if edges[-1] >= 1e5 else ",")
    figure.update_layout(bargap=0, hovermode="closest", barmode="overlay")
    return figure


def rolling_sharpe(result: Result) -> go.Figure | None:
    """Sharpe ratio over a moving window, annualised; None where the run is too short."""
    rolling = series.rolling_sharpe(result)
    if rolling is None:
        return None
    figure = blank(f"Sharpe ratio, {rolling.window.days}-day window (annualised)", result, legend=False)
    line = series.thin(rolling.line, "sharpe")
    figure.add_scatter(
        x=_milliseconds(line),
        y=line["sharpe"].to_numpy(),
        name="Sharpe ratio",
        line={"color": LIGHT["rolling"], "width": 1.6},
        hovertemplate="%{y:.2f}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": LIGHT["zero"], "width": 1})
    return figure


def overview(result: Result) -> go.Figure:
    """Equity, drawdown and the price of the most traded symbol, one above the other, zoomed together: ``result.plot()``."""
    symbol = next(iter(series.symbols_by_trades(result)), "")
    titles = ("Equity (quote currency)", "Drawdown (% below the peak)", f"{symbol} (quote currency)")
    figure = make_subplots(
        3, 1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.45, 0.2, 0.35], subplot_titles=titles
    )
    _add_equity(figure, result, row=1, col=1)
    _add_drawdown(figure, result, row=2, col=1)
    _add_price(figure, result, symbol, series.LINE_POINTS_MAX, row=3, col=1)
    _dress(figure, legend=True)
    figure.update_annotations(x=0, xanchor="left", font={"size": 12, "color": LIGHT["muted"]})
    figure.update_xaxes(type="date")
    figure.update_xaxes(title_text="Time (UTC)", row=3)
    figure.update_layout(
        height=820, title={"text": f"{result.strategy}: {', '.join(result.symbols[:5])}", "x": 0.01}, margin={"t": 90}
    )
    return figure


def _add_equity(figure: go.Figure, result: Result, **where: int) -> None:
    held = series.thin(series.buy_and_hold(result), "value")
    line = series.thin(series.equity(result), "equity")
    figure.add_scatter(
        x=_milliseconds(held),
        y=held["value"].to_numpy(),
        name="buy and hold",
        line={"color": LIGHT["benchmark"], "width": 1.3, "dash": "dot"},
        hovertemplate="%{y:,.2f}",
        **where,
    )
    figure.add_scatter(
        x=_milliseconds(line),
        y=line["equity"].to_numpy(),
        name=result.strategy,
        mode="lines" if line.height > 1 else "markers",
        line={"color": LIGHT["equity"], "width": 2},
        hovertemplate="%{y:,.2f}",
        **where,
    )


def _add_drawdown(figure: go.Figure, result: Result, **where: int) -> None:
    line = series.thin(series.drawdown(result), "drawdown")
    figure.add_scatter(
        x=_milliseconds(line),
        y=line["drawdown"].to_numpy() * 100,
        name="drawdown",
        showlegend=False,
        fill="tozeroy",
        fillcolor=LIGHT["drawdown_fill"],
        line={"color": LIGHT["drawdown"], "width": 1.3},
        hovertemplate="%{y:.2f} %<extra></extra>",
        **where,
    )
    figure.update_yaxes(ticksuffix=" %", **where)
    if (line["drawdown"] == 0).all():
        figure.update_yaxes(range=[-1, 0.05], **where)


def _add_price(figure: go.Figure, result: Result, symbol: str, points_max: int, **where: int) -> None:
    closes = result.prices.filter(pl.col("symbol") == symbol).select("time", close=pl.col("close").cast(pl.Float64))
    closes = series.thin(closes, "close", points_max)
    figure.add_scatter(
        x=_milliseconds(closes),
        y=closes["close"].to_numpy(),
        name="close",
        line={"color": LIGHT["price"], "width": 1.2},
        hovertemplate="%{y:,.8~f}",
        **where,
    )
    trades = result.trades.filter(pl.col("symbol") == symbol)
    if trades.height > MARKED_TRADES_MAX:
        trades = trades.top_k(MARKED_TRADES_MAX, by=pl.col("pnl").abs()).sort("entry_time")
    # Exits lie below the entries: where a position is flipped, the entry is the news.
    _add_markers(figure, trades, "exit", name="exit", shape="circle-open", colour=LIGHT["exit"], **where)
    for side, shape in (("long", "triangle-up"), ("short", "triangle-down")):
        entries = trades.filter(pl.col("side") == side)
        _add_markers(figure, entries, "entry", name=f"enter {side}", shape=shape, colour=LIGHT[side], **where)


def _add_markers(
    figure: go.Figure, trades: pl.DataFrame, end: str, *, name: str, shape: str, colour: str, **where: int
) -> None:
    size = 10 if trades.height <= 60 else 8 if trades.height <= 300 else 6
    is_exit = end == "exit"
    figure.add_scatter(
        x=_milliseconds(trades, f"{end}_time"),
        y=trades[f"{end}_price"].cast(pl.Float64).to_numpy(),
        mode="markers",
        name=name,
        marker={
            "symbol": shape,
            "size": size * 0.7 if is_exit else size,
            "color": colour,
            "line": {"color": colour if is_exit else LIGHT["surface"], "width": 1.2 if is_exit else 0.7},
        },
        customdata=trades["pnl"].cast(pl.Float64).to_numpy(),
        hovertemplate="%{y:,.8~f}, PnL of the trade %{customdata:,.2f}",
        visible=True if trades.height else "legendonly",
        showlegend=trades.height > 0,
        **where,
    )


def blank(label: str, result: Result | None, *, legend: bool = True) -> go.Figure:
    """An empty figure whose vertical axis is labelled in words, above the plot, where a phone has room for it."""
    figure = go.Figure()
    _dress(figure, legend=legend)
    figure.add_annotation(
        text=label,
        x=0,
        y=1,
        yshift=22,
        xref="paper",
        yref="paper",
        xanchor="left",
        showarrow=False,
        font={"size": 12, "color": LIGHT["muted"]},
    )
    if result is not None:  # over time, all on the same stretch of it
        figure.update_xaxes(type="date", title_text="Time (UTC)", range=_range(result))
    return figure


def _dress(figure: go.Figure, *, legend: bool) -> None:
    axis = {
        "gridcolor": LIGHT["grid"],
        "linecolor": LIGHT["line"],
        "zeroline": False,
        "automargin": True,
        "tickfont": {"color": LIGHT["muted"], "size": 11},
        "title": {"font": {"size": 11, "color": LIGHT["muted"]}, "standoff": 8},
    }
    figure.update_layout(
        template="none",
        font={"family": FONT, "size": 12, "color": LIGHT["ink"]},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 12, "r": 12, "t": 38, "b": 12},
        hovermode="x unified",
        hoverlabel={
            "bgcolor": LIGHT["surface"],
            "bordercolor": LIGHT["line"],
            "font": {"size": 12, "color": LIGHT["ink"]},
        },
        showlegend=legend,
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom", "font": {"size": 12}},
    )
    figure.update_xaxes(**axis, showgrid=False, ticks="outside", ticklen=4, tickcolor=LIGHT["line"], showline=True)
    figure.update_yaxes(**axis)


def _range(result: Result) -> list[float] | None:
    """From the start to the end of the run, in milliseconds since the epoch."""
    begin, end = (time.timestamp() * 1_000 for time in (result.start, result.end))
    return [begin, end] if begin < end else None


def _milliseconds(frame: pl.DataFrame, column: str = "time") -> npt.NDArray[Any]:
    """Milliseconds since the epoch: a third of the size of text, and what a date axis takes as it is."""
    return frame[column].dt.epoch("ms").cast(pl.Float64).to_numpy()


def _bins(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Equal bins with zero as a border, and the count in each; outliers go to the outermost."""
    low, high = (float(np.quantile(values, q)) for q in (0.005, 0.995))
    low, high = min(low, 0.0), max(high, 0.0)
    wanted = min(PNL_BINS, max(8, round(2 * len(values) ** 0.5)))
    width = max((high - low) / wanted, 1e-8)
    first, last = int(np.floor(low / width)), int(np.ceil(high / width))
    edges = np.arange(first, max(last, first + 1) + 1) * width
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return edges, counts
