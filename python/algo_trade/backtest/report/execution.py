"""How orders were executed, for a run over ticks: queue, adverse selection, where the profit came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from algo_trade.backtest.report import series, text
from algo_trade.backtest.report.figures import blank
from algo_trade.backtest.report.palette import LIGHT
from algo_trade.backtest.report.sections import pairs

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from algo_trade.backtest.report.result import Result

HORIZONS = (("mid_1s", "1 s"), ("mid_10s", "10 s"), ("mid_60s", "60 s"))
FILLS_DRAWN_MAX = 2_000
BINS_A_DECADE = 8


@dataclass(frozen=True, slots=True)
class Execution:
    """What the tables of a run say of its execution. Money in quote currency, ratios and bps as numbers; None where undefined."""

    maker_share: float | None
    """Volume of maker fills over all volume."""
    fill_ratio: float | None
    """Quantity filled of what was posted, each order's at its price."""
    queue_time_s: float | None
    """Median time from resting to a maker fill."""
    ahead: float | None
    """Mean quantity ahead at arrival, of maker fills, in units of the fill."""
    markouts_bps: tuple[float | None, ...]
    """Mean move of the middle after a fill, in our favour, by volume; at 1, 10 and 60 s."""
    spread: float
    """Distance of fills from the middle, in our favour: what quoting earned."""
    inventory: float
    """What the position made or lost with the price."""
    fees: float
    funding: float


def execution_of(result: Result) -> Execution | None:
    """Work out how orders were executed; None for a run over bars, or one that filled nothing."""
    fills = marked_fills(result)
    if fills is None:
        return None
    volume = float(fills["notional"].sum())
    makers = fills.filter(pl.col("liquidity") == "maker")
    orders = result.orders.with_columns(
        posted=pl.col("quantity").cast(pl.Float64) * pl.col("price").cast(pl.Float64),
        met=pl.col("filled_quantity").cast(pl.Float64) * pl.col("price").cast(pl.Float64),
    ).filter(pl.col("rested").is_not_null() & pl.col("price").is_not_null())
    posted = float(orders["posted"].sum())
    rested = makers.join(result.orders.select("cloid", "rested"), on="cloid", how="left")
    waits = (rested["time"] - rested["rested"]).dt.total_nanoseconds().drop_nulls()
    spread = float((fills["sign"] * (fills["middle"] - fills["at"]) * fills["size"]).sum())
    fees, funding = float(result.metrics.fees), float(result.metrics.funding)
    total = float(result.final_equity) - float(result.initial_capital)
    ahead = (makers["ahead_at_arrival"].cast(pl.Float64) / makers["size"]).drop_nulls()
    return Execution(
        maker_share=float(makers["notional"].sum()) / volume if volume else None,
        fill_ratio=float(orders["met"].sum()) / posted if posted else None,
        queue_time_s=_number(waits.median(), 1e-9),
        ahead=_number(ahead.mean()),
        markouts_bps=tuple(_markout(fills, column) for column, _ in HORIZONS),
        spread=spread,
        inventory=total - spread + fees - funding,
        fees=-fees,
        funding=funding,
    )


def marked_fills(result: Result) -> pl.DataFrame | None:
    """Fills with the middle of the book around them, as floats; None where the run had no books."""
    marks = result.marks
    if marks.height == 0 or result.fills.height == 0:
        return None
    middles = [pl.col(name).cast(pl.Float64) for name in ("mid", *(column for column, _ in HORIZONS))]
    joined = result.fills.join(marks.with_columns(middles), on="trade_id", how="left")
    return joined.with_columns(
        sign=pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0),
        at=pl.col("price").cast(pl.Float64),
        size=pl.col("quantity").cast(pl.Float64),
    ).with_columns(notional=pl.col("at") * pl.col("size"), middle=pl.col("mid").fill_null(pl.col("at")))


def _markout(fills: pl.DataFrame, column: str) -> float | None:
    seen = fills.filter(pl.col(column).is_not_null())
    volume = float(seen["notional"].sum())
    if not volume:
        return None
    return float((seen["sign"] * (seen[column] - seen["middle"]) * seen["size"]).sum()) / volume * 1e4


def _number(value: object, unit: float = 1.0) -> float | None:
    return float(value) * unit if isinstance(value, int | float) else None


def markup(result: Result) -> str:
    """The section's tables, or nothing for a run over bars."""
    e = execution_of(result)
    if e is None:
        return ""
    moves = [
        (f"Middle {label} after a fill, bps in our favour", text.ratio(value))
        for (_, label), value in zip(HORIZONS, e.markouts_bps, strict=True)
    ]
    groups = {
        "Quality": (
            ("Maker share of the volume", text.percent(e.maker_share, 1)),
            ("Filled of what rested", text.percent(e.fill_ratio, 1)),
            ("Median time in the queue", "n/a" if e.queue_time_s is None else text.duration(e.queue_time_s)),
            ("Ahead at arrival, in fills (mean)", text.ratio(e.ahead)),
            *moves,
        ),
        "Where the profit came from": (
            ("Spread (fills against the middle)", f"{e.spread:,.2f}"),
            ("Inventory (the position with the price)", f"{e.inventory:,.2f}"),
            ("Fees, less rebates", f"{e.fees:,.2f}"),
            ("Funding", f"{e.funding:,.2f}"),
        ),
    }
    return "".join(f"<div><h3>{name}</h3>{pairs(rows)}</div>" for name, rows in groups.items())


def quotes_figure(result: Result, symbol: str) -> go.Figure | None:
    """Best bid and offer of a symbol with our fills; None for a run over bars."""
    best = result.best.filter(pl.col("symbol") == symbol)
    if best.height < 2:
        return None
    figure = blank(f"{symbol} (quote currency)", result)
    for name, colour in (("bid", "gain"), ("ask", "loss")):
        line = series.thin(best, name)
        figure.add_scatter(
            x=line["time"].dt.epoch("ms"),
            y=line[name].cast(pl.Float64),
            name=f"best {name}",
            mode="lines",
            line={"color": LIGHT[colour], "width": 1, "shape": "hv"},
        )
    fills = result.fills.filter(pl.col("symbol") == symbol)
    if fills.height > FILLS_DRAWN_MAX:
        fills = fills.gather_every(fills.height // FILLS_DRAWN_MAX + 1)
    for side, shape in (("buy", "triangle-up"), ("sell", "triangle-down")):
        of_side = fills.filter(pl.col("side") == side)
        figure.add_scatter(
            x=of_side["time"].dt.epoch("ms"),
            y=of_side["price"].cast(pl.Float64),
            name=f"we {'bought' if side == 'buy' else 'sold'}",
            mode="markers",
            marker={"symbol": shape, "size": 8, "color": LIGHT["gain" if side == "buy" else "loss"]},
            customdata=list(zip(of_side["quantity"].cast(pl.String), of_side["reason"], strict=True)),
            hovertemplate="%{y:,} × %{customdata[0]} (%{customdata[1]})<extra></extra>",
        )
    figure.update_layout(hovermode="closest")
    return figure


def latency_figure(result: Result) -> go.Figure | None:
    """How many orders took how long to the venue, and answers back, in classes of equal ratio; None for a run over bars."""
    known = result.orders.filter(pl.col("arrived").is_not_null() & pl.col("heard").is_not_null())
    if result.best.height == 0 or known.height == 0:
        return None
    figure = blank("Orders (count)", None)
    for name, start, end, colour in (
        ("to the venue", "time", "arrived", "long"),
        ("back", "arrived", "heard", "short"),
    ):
        spans = (known[end] - known[start]).dt.total_nanoseconds().cast(pl.Float64)
        bins = ((spans.clip(1).log10() * BINS_A_DECADE).floor() / BINS_A_DECADE).value_counts().sort(spans.name)
        figure.add_bar(x=(10 ** bins[spans.name]) / 1e6, y=bins["count"], name=name, marker={"color": LIGHT[colour]})
    figure.update_xaxes(type="log", title_text="Time (ms)")
    figure.update_layout(barmode="group")
    return figure
