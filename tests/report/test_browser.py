"""The page in a real Chromium: it draws, it fits, it follows the theme, its table works, and the console stays empty."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from algo_trade.backtest import report
from tests.conftest import missing
from tests.report import worlds
from tests.report.browser import Page, browser

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTHS = {"laptop": (1280, 800), "phone": (390, 844)}
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    closes = {
        n: worlds.random_closes(60_000, seed=i, first=f)
        for i, (n, f) in enumerate([("BTC", 46e3), ("ETH", 3e3), (EVIL, 1.5)])
    }
    many = worlds.crossover(closes, step=timedelta(minutes=20), fast=10, slow=40)
    results = {
        "month": worlds.month(),
        "many": replace(many, warnings=["A warning with a long_unbroken_name_" + "x" * 120]),
        "untraded": worlds.untraded(),
        "empty": worlds.empty(),
    }
    return {name: report.write(result, folder / f"{name}.html") for name, result in results.items()}


@pytest.fixture(scope="module")
def page(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    driver = shutil.which("chromedriver")
    if driver is None:
        missing("chromedriver", "apt-get install chromium-driver, or run scripts/test as root")
    with browser(chromium, Path(str(driver)), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def show(page: Page, file: Path, device: str = "laptop", scheme: str = "light") -> None:
    page.resize(*WIDTHS[device], phone=device == "phone")
    page.prefer(scheme)
    page.open(file)
    page.run("try { localStorage.clear(); } catch {}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["laptop", "phone"])
@pytest.mark.parametrize("name", ["month", "many", "untraded", "empty"])
def test_the_page_draws_fits_and_says_nothing(
    page: Page, files: dict[str, Path], tmp_path: Path, name: str, device: str, scheme: str
) -> None:
    show(page, files[name], device, scheme)
    assert page.console() == []
    wanted, drawn = page.run(
        """const shown = [...document.querySelectorAll('[data-chart]')].filter((e) => !e.closest('[hidden]'));
           const marks = (e) => e.querySelectorAll('.scatterlayer path, .barlayer path').length;
           return [shown.length, shown.filter((e) => marks(e) > 0).length];"""
    )
    assert drawn == wanted == {"month": 5, "many": 5, "untraded": 3, "empty": 0}[name]
    width, inside, spilling = page.run(
        """const edge = document.documentElement.clientWidth;
           const spills = [...document.querySelectorAll('main *')].filter(
             (e) => e.getBoundingClientRect().right > edge + 1 && !e.closest('.chart'));
           return [edge, document.documentElement.scrollWidth, spills.map((e) => e.outerHTML.slice(0, 80))];"""
    )
    assert inside <= width
    assert spilling == []
    page.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 30_000


def test_no_text_of_a_chart_is_cut_off(page: Page, files: dict[str, Path]) -> None:
    for device in WIDTHS:
        show(page, files["many"], device)
        cut = page.run(
            """return [...document.querySelectorAll('.chart svg text')].filter((text) => {
                 const box = text.getBoundingClientRect(), chart = text.closest('.chart').getBoundingClientRect();
                 return box.width && (box.left < chart.left - 1 || box.right > chart.right + 1 || box.bottom > chart.bottom + 1);
               }).map((text) => text.textContent);"""
        )
        assert cut == [], device


def test_charts_follow_the_theme_and_its_switch(page: Page, files: dict[str, Path]) -> None:
    colours = """return [getComputedStyle(document.body).backgroundColor,
                         document.querySelector('[data-chart=equity]').data[1].line.color,
                         getComputedStyle(document.querySelector('[data-chart=equity] .ytick text')).fill]"""
    show(page, files["month"], scheme="light")
    light = page.run(colours)
    page.prefer("dark")
    page.until("return document.querySelector('[data-chart=equity]').data[1].line.color !== '#0c62b1'")
    dark = page.run(colours)
    assert all(one != other for one, other in zip(light, dark, strict=True))
    page.run("document.getElementById('theme').click()")
    page.until("return document.querySelector('[data-chart=equity]').data[1].line.color === '#0c62b1'")
    assert page.run(colours) == light
    page.open(files["month"])
    assert page.run(colours) == light, "the choice outlives a reload"
    page.run("localStorage.clear()")


def test_the_scale_of_the_equity_can_be_logarithmic(page: Page, files: dict[str, Path]) -> None:
    show(page, files["month"])
    page.run("document.querySelector('[data-scale=log]').click()")
    page.until("return document.querySelector('[data-chart=equity]').layout.yaxis.type === 'log'")
    assert page.run("return document.querySelector('[data-scale=log]').getAttribute('aria-pressed')") == "true"


def test_charts_over_time_zoom_together(page: Page, files: dict[str, Path]) -> None:
    show(page, files["month"])
    page.run(
        "Plotly.relayout(document.querySelector('[data-chart=equity]'), {'xaxis.range': ['2022-01-10', '2022-01-12']})"
    )
    page.run(
        """Plotly.relayout(document.querySelector('[data-chart=equity]'),
                           {'xaxis.range[0]': '2022-01-10', 'xaxis.range[1]': '2022-01-12'})"""
    )
    for name in ("drawdown", "rolling", "price-0"):
        page.until(f"return document.querySelector('[data-chart={name}]').layout.xaxis.range[0] === '2022-01-10'")
    assert page.run("return document.querySelector('[data-chart=pnl]').layout.xaxis.range[0]") != "2022-01-10"


def test_another_symbol_can_be_looked_at(page: Page, files: dict[str, Path]) -> None:
    show(page, files["many"])
    page.run("const p = document.getElementById('price-picker'); p.value = '1'; p.dispatchEvent(new Event('change'))")
    page.until("return document.querySelectorAll('[data-chart=price-1] .scatterlayer path').length > 0")
    assert page.run("return document.querySelector('[data-price=\"0\"]').hidden")


def cells(page: Page, column: str) -> list[str]:
    values: list[str] = page.run(
        "return [...document.querySelectorAll(`#trades td[data-column=${arguments[0]}]`)].map((c) => c.textContent)",
        column,
    )
    return values


def numbers(page: Page, column: str) -> list[float]:
    return [float(text.replace("−", "-").replace(",", "")) for text in cells(page, column)]


def test_the_table_sorts_searches_and_pages(page: Page, files: dict[str, Path]) -> None:
    show(page, files["many"])
    counted = "return document.getElementById('trades-count').textContent"
    total = page.run(counted).split(" of ")[1]
    assert page.run(counted).startswith("1–20 of ")
    assert len(cells(page, "symbol")) == 20

    heading = "document.querySelector('#trades th[data-column=pnl] button').click()"
    page.run(heading)
    worst = numbers(page, "pnl")
    assert worst == sorted(worst)
    page.run(heading)
    best = numbers(page, "pnl")
    assert best == sorted(best, reverse=True)
    assert best[0] > worst[-1]
    assert page.run("return document.querySelector('#trades th[data-column=pnl]').ariaSort") == "descending"

    page.run("document.querySelector('[data-page=last]').click()")
    assert page.run(counted).endswith(f"{total} of {total}")
    assert page.run("return document.querySelector('[data-page=next]').disabled")

    page.run(
        "const s = document.getElementById('trades-search'); s.value = 'eth SHORT'; s.dispatchEvent(new Event('input'))"
    )
    assert set(cells(page, "symbol")) == {"ETH"}
    assert set(cells(page, "side")) == {"short"}
    page.run(
        "const s = document.getElementById('trades-search'); s.value = 'onerror'; s.dispatchEvent(new Event('input'))"
    )
    assert set(cells(page, "symbol")) == {EVIL}
    page.run(
        "const s = document.getElementById('trades-search'); s.value = 'nothing'; s.dispatchEvent(new Event('input'))"
    )
    assert page.run(counted) == "none found"
    assert page.console() == []


def test_a_printed_page_is_light(page: Page, files: dict[str, Path]) -> None:
    show(page, files["month"], scheme="dark")
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    page.until("return document.querySelector('[data-chart=equity]').data[1].line.color === '#0c62b1'")
    page.prefer("dark", media="print")
    assert page.run("return getComputedStyle(document.querySelector('.panel')).backgroundColor") == "rgb(255, 255, 255)"
    page.prefer("light")


def test_the_page_names_itself_in_the_command_that_reproduces_it(page: Page, files: dict[str, Path]) -> None:
    show(page, files["month"])
    assert page.run("return document.getElementById('command').textContent") == "algo-trade reproduce month.html"
