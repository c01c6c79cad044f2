"""The page as text: complete, self-contained, inert, written whole or not at all."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from algo_trade.backtest import report
from algo_trade.backtest.report import tradetable
from algo_trade.errors import InputError
from tests.report import worlds

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "</script><script>alert('<b>&\u2028')</script>"


@pytest.fixture(scope="module")
def month() -> worlds.Result:
    return worlds.month()


@pytest.fixture(scope="module")
def page(month: worlds.Result) -> str:
    return report.render(month)


def json_of(page: str, name: str) -> Any:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1), parse_constant=pytest.fail)


def without_scripts(page: str) -> str:
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


class Outline(HTMLParser):
    """Collects what a browser would load or open, and checks that every element is closed."""

    VOID = frozenset({"meta", "link", "input", "br", "line", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.scripts += tag == "script"
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.loads += [str(given[name]) for name in ("src", "href", "srcset", "data", "action") if given.get(name)]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"


def outline(page: str) -> Outline:
    seen = Outline()
    seen.feed(page)
    assert seen.open == []
    return seen


def test_the_page_loads_nothing_from_outside(page: str) -> None:
    assert [target for target in outline(page).loads if not target.startswith(("#", "data:"))] == []
    # Of the plotting library too, whichever version it is; the policy below would forbid it anyway.
    assert not re.search(r"""src=["']?(https?:)?//""", page)
    assert "url(" not in page.split("<body>", maxsplit=1)[0]
    assert "default-src 'none'" in page


def test_the_page_stays_under_seven_megabytes_with_ten_thousands_of_trades() -> None:
    closes = {f"COIN{i}": worlds.random_closes(60_000, seed=i, first=46_000 / 3**i) for i in range(9)}
    busy = worlds.crossover(closes, fast=4, slow=12)
    assert busy.trades.height > 2 * tradetable.ROWS_MAX
    page = report.render(busy)
    assert len(page.encode()) < 7_000_000
    assert json_of(page, "trades-data")["rows"] == tradetable.ROWS_MAX
    assert "The table holds the first 20,000 of" in page


def test_every_section_is_there_and_ids_are_unique(page: str) -> None:
    ids = outline(page).ids
    assert len(ids) == len(set(ids))
    sections = {"equity", "price", "returns", "trades-section", "costs", "metrics", "data", "reproduce", "manifest"}
    assert sections <= set(ids)
    assert set(re.findall(r'href="#([\w-]+)"', page)) <= set(ids)


def test_the_assumptions_come_before_the_numbers_and_the_basis_stands_beside_the_sharpe_ratio(
    page: str, month: worlds.Result
) -> None:
    text = without_scripts(page)
    for sentence in month.assumptions:
        assert text.index(sentence.replace("'", "&#x27;")) < text.index("Sharpe ratio")
    assert re.search(r"Sharpe ratio</dt>.{0,80}</dd><dd class=\"note\">hourly returns, 8,760 periods a year", text)


def test_the_manifest_reads_back_as_it_was(tmp_path: Path, month: worlds.Result) -> None:
    manifest = {**month.manifest, "nested": {"name": EVIL, "seed": 2**63, "none": None}}
    path = report.write(replace(month, manifest=manifest), tmp_path / "report.html")
    assert report.read_manifest(path) == manifest
    assert "algo-trade reproduce" in path.read_text()


def test_decimals_and_times_in_a_manifest_become_text() -> None:
    manifest = {"rate": Decimal("0.00045"), "from": datetime(2022, 1, 1, tzinfo=UTC), "symbols": ("BTC", "ETH")}
    page = report.render(replace(worlds.untraded(), manifest=manifest))
    expected = {"rate": "0.00045", "from": "2022-01-01T00:00:00Z", "symbols": ["BTC", "ETH"]}
    assert json_of(page, "manifest") == expected


def test_a_file_without_a_manifest_is_refused_by_name(tmp_path: Path, page: str) -> None:
    for name, content in (("other.html", "<html></html>"), ("cut.html", page[: page.index('id="manifest"') + 60])):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=rf"{name}: holds no manifest"):
            report.read_manifest(tmp_path / name)


def test_names_from_users_cannot_become_markup() -> None:
    closes = {EVIL: worlds.random_closes(3_000, seed=2), "BTC": worlds.random_closes(3_000, seed=3)}
    result = replace(
        worlds.crossover(closes),
        strategy=EVIL,
        params={EVIL: EVIL},
        assumptions=[EVIL],
        warnings=[EVIL],
        data_summary={EVIL: EVIL, "files": [{"file": EVIL, EVIL: 1}], "list": [EVIL], "map": {EVIL: EVIL}},
        manifest={EVIL: EVIL},
        digest=EVIL,
    )
    page = report.render(result)
    harmless = report.render(worlds.crossover({"A": closes["BTC"], "B": closes["BTC"]}))
    assert outline(page).scripts == outline(harmless).scripts
    assert "<script>alert" not in page
    assert "'<b>" not in without_scripts(page)
    assert json_of(page, "manifest") == {EVIL: EVIL}
    assert EVIL in json_of(page, "trades-data")["symbols"]


@pytest.mark.parametrize("world", [worlds.untraded, worlds.empty], ids=["no trades", "one equity point"])
def test_a_run_with_nothing_to_show_still_makes_a_page(world: Any) -> None:
    page = report.render(world())
    outline(page)
    assert "No round trip was closed." in page
    assert json_of(page, "trades-data")["rows"] == 0


def test_a_run_without_any_equity_makes_a_page() -> None:
    bare = worlds.empty()
    page = report.render(replace(bare, equity=bare.equity.clear(), prices=bare.prices.clear(), symbols=[]))
    outline(page)
    assert "The run is too short to draw." in page


def test_a_run_that_loses_everything_makes_a_page_without_a_log_scale() -> None:
    ruin = worlds.month()
    fall = pl.col("equity") - pl.Series(range(ruin.equity.height)).cast(pl.Decimal(20, 8)) / 4
    equity = ruin.equity.with_columns(fall.cast(pl.Decimal(20, 8)))
    losses = ruin.trades.with_columns(pnl=-pl.col("pnl").abs())
    page = report.render(replace(ruin, equity=equity, trades=losses))
    outline(page)
    assert 'data-scale="log"' not in page
    assert 'data-scale="log"' in report.render(ruin)


@pytest.mark.parametrize(
    "world", [worlds.month, worlds.untraded, worlds.empty], ids=["month", "no trades", "one point"]
)
def test_nothing_is_ever_nan_or_infinite(world: Any) -> None:
    page = report.render(world())
    for name in ("manifest", "charts", "trades-data", "palette"):
        json_of(page, name)  # refuses NaN and Infinity
    assert not re.search(r"\b(nan|NaN|inf|Infinity|None)\b", re.sub(r"<[^>]*>", " ", without_scripts(page)))


def test_the_trade_table_holds_every_digit_of_prices_and_finds_its_way_back_in_time(
    page: str, month: worlds.Result
) -> None:
    data = json_of(page, "trades-data")
    columns, unit = data["columns"], data["unit_ms"]
    entries, exits, clock = [], [], 0
    for step, held in zip(columns["entry_time"], columns["exit_time"], strict=True):
        clock += step
        entries.append(clock * unit)
        exits.append((clock + held) * unit)
    assert entries == month.trades["entry_time"].dt.epoch("ms").to_list()
    assert exits == month.trades["exit_time"].dt.epoch("ms").to_list()
    assert [data["symbols"][i] for i in columns["symbol"]] == month.trades["symbol"].to_list()
    assert columns["entry_price"] == month.trades["entry_price"].cast(pl.Float64).to_list()
    assert columns["pnl"] == pytest.approx(month.trades["pnl"].cast(pl.Float64).to_list(), abs=6e-5)
    assert "funding" not in columns or "Funding</button>" not in page


def test_costs_add_up_and_receipts_are_negative() -> None:
    base = worlds.untraded()
    metrics = replace(
        base.metrics,
        volume=Decimal(1_000_000),
        fees_taker=Decimal(450),
        fees_maker=Decimal(150),
        fees_builder=Decimal(10),
        rebates=Decimal(30),
        slippage=Decimal(100),
        funding_paid=Decimal(20),
        funding_received=Decimal(50),
    )
    text = re.sub(
        r"<[^>]+>", " ", report.render(replace(base, metrics=metrics)).split('id="costs"')[1].split("</section>")[0]
    )
    assert " ".join(text.split("bps of volume")[1].split()) == (
        "Taker fees 450.00 4.50 Maker fees 150.00 1.50 Builder fees 10.00 0.10 Rebates −30.00 −0.30 Slippage 100.00 1.00 "
        "Funding paid 20.00 0.20 Funding received −50.00 −0.50 Sum 650.00 6.50"
    )


def test_writing_replaces_the_file_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    assert report.write(worlds.untraded(), target) == target
    assert target.read_text().startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_made_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    with pytest.raises(ValueError, match="JSON compliant"):
        report.write(replace(worlds.untraded(), manifest={"sharpe": float("nan")}), target)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_page_that_cannot_take_its_name_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(IsADirectoryError):
        report.write(worlds.untraded(), tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing/report\.html: there is no folder .*missing"):
        report.write(worlds.untraded(), tmp_path / "missing" / "report.html")


def test_the_same_result_makes_the_same_page(month: worlds.Result, page: str) -> None:
    assert report.render(month) == page
