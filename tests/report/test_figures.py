"""Figures and the notebook summary."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from algo_trade.backtest import report
from algo_trade.backtest.report import figures, palette
from tests.report import worlds


@pytest.fixture(scope="module")
def month() -> worlds.Result:
    return worlds.month()


def test_every_axis_names_its_quantity_and_unit(month: worlds.Result) -> None:
    drawn = [figures.equity(month), figures.drawdown(month), figures.price(month, "BTC"), figures.trade_pnl(month)]
    rolling = figures.rolling_sharpe(month)
    assert rolling is not None
    for figure in [*drawn, rolling]:
        assert "(" in figure.layout.annotations[0].text
        assert figure.layout.xaxis.title.text in {"Time (UTC)", "PnL per round trip (quote currency)"}


def test_the_distribution_counts_every_round_trip_once_and_parts_at_zero(month: worlds.Result) -> None:
    bars = figures.trade_pnl(month).data
    pnl = month.trades["pnl"].cast(pl.Float64)
    assert sum(int(np.sum(bar.y)) for bar in bars) == month.trades.height
    losses, gains = (int(np.sum(bar.y)) for bar in bars)
    assert losses == (pnl < 0).sum()
    assert gains == (pnl >= 0).sum()


def test_many_trades_are_marked_by_the_largest(month: worlds.Result) -> None:
    many = replace(month, trades=pl.concat([month.trades] * 3))
    marked = next(trace for trace in figures.price(many, "BTC").data if trace.name == "exit")
    assert many.trades.height > figures.MARKED_TRADES_MAX
    assert len(marked.x) == figures.MARKED_TRADES_MAX


def test_the_overview_has_three_panels_over_one_time_axis(month: worlds.Result) -> None:
    figure = figures.overview(month)
    assert {trace.yaxis for trace in figure.data} == {"y", "y2", "y3"}
    assert figure.layout.xaxis.matches == figure.layout.xaxis2.matches == "x3"


def test_an_untraded_or_single_bar_run_can_be_drawn() -> None:
    for world in (worlds.untraded(), worlds.empty()):
        figures.overview(world)


def test_every_colour_has_one_role_and_a_dark_partner() -> None:
    assert palette.LIGHT.keys() == palette.DARK.keys()
    assert len(set(palette.LIGHT.values())) == len(palette.LIGHT)


@pytest.mark.parametrize("table", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_text_and_marks_stand_out_from_the_surface(table: dict[str, str]) -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(one: str, other: str) -> float:
        light, dark = sorted((luminance(table[one]), luminance(table[other])), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for name in ("ink", "muted", "accent"):
        assert contrast(name, "surface") > 4.5, name
    for name in ("equity", "benchmark", "drawdown", "price", "long", "short", "gain", "loss", "rolling"):
        assert contrast(name, "surface") > 3, name
    assert contrast("warning", "warning_fill") > 4.5


def test_the_notebook_summary_is_well_formed_and_escaped(month: worlds.Result) -> None:
    html = report.summary(replace(month, strategy="<i>", symbols=["<b>&"]))
    tree = ET.fromstring(html)
    assert "<i>" in "".join(tree.itertext())
    assert "<script" not in html
    points = tree.find(".//polyline")
    assert points is not None
    assert 100 < len(points.attrib["points"].split()) <= 240


def test_the_notebook_summary_of_a_single_bar_has_no_picture() -> None:
    assert "<svg" not in report.summary(worlds.empty())
