"""Bad input to the command: one clear error on standard error, nothing on standard output, nothing left on the disk."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from .commands import SAMPLE, Answer, everything_under, here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = "timestamp,open,high,low,close,volume"
ROWS = [f"2022-01-01 00:{i:02d}:00,{10 + i % 3},13,9,{10 + (i + 1) % 3},50" for i in range(40)]
MA = ("--strategy", "ma_crossover", "--param", "fast=2", "--param", "slow=4")


def csv(
    path: Path, *, rows: list[str] | None = None, header: str = HEADER, line: tuple[int, str] | None = None
) -> Path:
    """Write good bars, with one line of the file (the header is 1) replaced."""
    lines = [header, *(ROWS if rows is None else rows)]
    if line is not None:
        lines[line[0] - 1] = line[1]
    path.write_text("\n".join(lines) + "\n")
    return path


class Shop:
    """A folder to work in, with earlier results in it that must survive, and the command."""

    def __init__(self, folder: Path, command: Callable[..., Answer]) -> None:
        self.folder = folder
        self.data = folder / "bars.csv"
        self._command = command
        self._targets = ("--report", folder / "r.html", "--out", folder / "out", "--journal", folder / "j.journal")

    def earlier_results(self) -> None:
        (self.folder / "out").mkdir()
        for name in ("r.html", "j.journal", "out/fills.parquet", "out/trades.parquet"):
            (self.folder / name).write_text("earlier")

    def refuses(self, *arguments: str | Path, code: int, says: list[str]) -> str:
        """Run a backtest that must fail, and return its message."""
        before = everything_under(self.folder)
        answer = self._command("backtest", "--data", self.data, "--json", *arguments, *self._targets)
        assert answer.out == ""
        assert answer.code == code, answer.err
        for part in says:
            assert part in answer.err
        assert "Traceback" not in answer.err
        assert everything_under(self.folder) == before
        return answer.err

    def succeeds(self, *arguments: str | Path) -> Answer:
        answer = self._command("backtest", "--data", self.data, "--json", *arguments, *self._targets)
        assert answer.code == 0, answer.err
        return answer


@pytest.fixture(params=["on a clean folder", "over earlier results"])
def shop(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    made = Shop(tmp_path, lambda *arguments: here(capfd, monkeypatch, *arguments))
    if request.param == "over earlier results":
        made.earlier_results()
    return made


def test_good_bars_are_taken_so_that_what_follows_is_refused_for_its_fault(shop: Shop) -> None:
    csv(shop.data)
    answer = shop.succeeds(*MA, "--symbol", "BTC")
    assert json.loads(answer.out)["events"] == 40
    assert {path.name for path in (shop.folder / "out").iterdir()} == {
        f"{name}.parquet" for name in ("trades", "fills", "orders", "equity")
    }
    assert (shop.folder / "r.html").read_bytes().lower().startswith(b"<!doctype html")
    assert not list(shop.folder.rglob(".*"))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2022-01-01 00:03:00,10,13,9,11,50", ["timestamp", "earlier"]),
        ("2022-01-01 00:04:00,10,13,9,11,50", ["timestamp", "one row"]),
        ("2022-01-01 00:05:00,,13,9,11,50", ["open", "empty"]),
        ("2022-01-01 00:05:00,10,13,9,11", ["5 fields"]),
        ("2022-01-01 00:05:00,10,13,9,NaN,50", ["close", "NaN"]),
        ("2022-01-01 00:05:00,10,13,-9,11,50", ["low", "-9"]),
        ("2022-01-01 00:05:00,10,13,9,11,-50", ["volume", "-50", "negative"]),
        ("2022-01-01 00:05:00,10,8,9,8.5,50", ["high", "8", "low"]),
        ("2022-01-01 00:05:00,10.123456789,13,9,11,50", ["open", "10.123456789", "1e-8"]),
        ("2022-01-01 00:05:00,10,13,9,abc,50", ["close", "abc"]),
        ("later,10,13,9,11,50", ["timestamp", "later"]),
    ],
)
def test_a_bad_row_is_named_by_file_line_column_and_value(shop: Shop, row: str, says: list[str]) -> None:
    csv(shop.data, line=(7, row))
    message = shop.refuses(*MA, "--symbol", "BTC", code=1, says=[f"{shop.data}:7: ", *says])
    assert len(message.strip().splitlines()) == 1


def test_a_float_within_four_units_in_the_last_place_of_a_step_is_that_step_and_is_counted(
    shop: Shop, shared_data: Path
) -> None:
    csv(shop.data, line=(7, "2022-01-01 00:05:00,10,13,9,11,0.30000000000000004"))
    assert "note: 1 numbers moved to the nearest 1e-8" in shop.succeeds(*MA, "--symbol", "BTC").err
    shop.data = shared_data / "bars" / "btc-perp-20211231-20220201_1m.csv"
    answer = shop.succeeds(*MA, "--symbol", "BTC", "--volume-unit", "quote")
    assert "note: 6 numbers moved to the nearest 1e-8" in answer.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ["empty"]),
        ((HEADER + "\n").encode(), ["no rows"]),
        (("time,open,high,low,close,volume\n" + ROWS[0] + "\n" + ROWS[1] + "\n").encode(), ["timestamp", "time"]),
        (("timestamp,open,high,low,last,volume\n" + ROWS[0] + "\n" + ROWS[1] + "\n").encode(), ["close"]),
        (gzip.compress("\n".join([HEADER, *ROWS]).encode())[:-20], ["gzip", "too early"]),
    ],
    ids=["empty", "header only", "wrong time column", "wrong close column", "cut gzip"],
)
def test_a_file_that_holds_no_bars_is_named(shop: Shop, content: bytes, says: list[str]) -> None:
    shop.data.write_bytes(content)
    shop.refuses(*MA, "--symbol", "BTC", code=1, says=[str(shop.data), *says])


def test_a_cut_parquet_file_is_named(shop: Shop) -> None:
    shop.data = shop.folder / "bars.parquet"
    pl.read_csv("\n".join([HEADER, *ROWS]).encode(), try_parse_dates=True).write_parquet(shop.data)
    shop.data.write_bytes(shop.data.read_bytes()[:-60])
    shop.refuses(*MA, "--symbol", "BTC", code=1, says=[str(shop.data), "cannot be read"])


def test_a_file_that_is_not_there_is_named(shop: Shop) -> None:
    shop.refuses(*MA, "--symbol", "BTC", code=1, says=[str(shop.data), "no such file"])


def test_a_symbol_without_data_is_answered_with_those_that_have_some(shop: Shop) -> None:
    shop.data = SAMPLE
    shop.refuses(*MA, "--symbol", "DOGE", code=1, says=["DOGE", "BTC, ETH"])


def test_a_range_without_data_says_where_the_data_are(shop: Shop) -> None:
    csv(shop.data)
    shop.refuses(*MA, "--symbol", "BTC", "--from", "2023-01-01", code=1, says=["2022-01-01T00:00:00Z"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--strategy", "ma_crossover", "--param", "fast=0"], ["ma_crossover.fast", "0"]),
        (["--strategy", "ma_crossover", "--param", "fast=30", "--param", "slow=10"], ["fast", "slow"]),
        (["--strategy", "ma_crossover", "--param", "fats=5"], ["fats", "fast"]),
        (["--strategy", "ma_crossover", "--param", "fast"], ["--param", "NAME=VALUE"]),
        (["--strategy", "ma_crossover", "--param", "fast=ten"], ["fast", "ten"]),
        (["--strategy", "ma_crossover", "--param", "direction=up"], ["direction", "up", "long_only"]),
        (["--strategy", "ma_crosover"], ["ma_crosover", "ma_crossover"]),
        (["--strategy", "rsi", "--param", "oversold=101"], ["oversold", "101"]),
        (["--strategy", "grid", "--param", "levels=5"], ["levels", "5", "even"]),
        (["--strategy", "nowhere.py:Thing"], ["nowhere.py"]),
        (["--strategy", "nowhere_at_all:Thing"], ["nowhere_at_all"]),
        ([*MA, "--quantity", "-1"], ["quantity", "-1"]),
        ([*MA, "--quantity", "0"], ["quantity", "0"]),
        ([*MA, "--quantity", "0.000000001"], ["0.000000001"]),
        ([*MA, "--quantity", "1", "--fraction", "0.1"], ["quantity", "fraction"]),
        ([*MA, "--initial-capital", "0"], ["initial_capital", "0"]),
        ([*MA, "--initial-capital", "lots"], ["lots"]),
        ([*MA, "--commission-rate", "2"], ["taker_rate", "2"]),
        ([*MA, "--slippage-bps", "-1"], ["slippage_bps", "-1"]),
        ([*MA, "--slippage-bps", "nan"], ["slippage_bps", "nan"]),
        ([*MA, "--fill-on", "open"], ["fill_on", "open", "next_open"]),
        ([*MA, "--leverage", "0"], ["leverage", "0"]),
        ([*MA, "--max-position-size", "-2"], ["max_position_size", "-2"]),
        ([*MA, "--volume-unit", "lots"], ["--volume-unit", "lots", "quote"]),
        ([*MA, "--stamp", "middle"], ["--stamp", "middle", "close"]),
        ([*MA, "--columns", "close"], ["--columns", "close"]),
        ([*MA, "--columns", "shut=close"], ["shut"]),
        ([*MA, "--from", "soon"], ["soon"]),
        ([*MA, "--venue", "nowhere.toml"], ["nowhere.toml"]),
        ([*MA, "--nonsense"], ["--nonsense"]),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else None,
)
def test_a_wrong_option_is_named_with_what_is_allowed(shop: Shop, arguments: list[str], says: list[str]) -> None:
    csv(shop.data)
    shop.refuses("--symbol", "BTC", *arguments, code=2, says=says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fill_onn = 'close'", ["fill_onn", "fill_on"]),
        ("slippage_bps = 'much'", ["slippage_bps", "much"]),
        ("[fees", ["TOML"]),
        ("path = 'zigzag'", ["path", "zigzag", "pessimistic"]),
        ("funding = 'daily'", ["funding", "daily", "formula"]),
        ("margin_mode = 'portfolio'", ["margin_mode", "portfolio", "isolated"]),
        ("fees = { taker = 0.001 }", ["fees.taker", "taker_rate"]),
        ("fees = { taker_rate = 'low' }", ["fees.taker_rate", "low"]),
        ("fees = { schedule = 'bybit' }", ["fees", "bybit", "hyperliquid"]),
        ("fees = { schedule = 'hyperliquid', taker_rate = 0.001 }", ["fees.taker_rate", "volume_14d"]),
        (
            "fees = { schedule = 'hyperliquid', tables = [{ valid_from = 'soon' }] }",
            ["fees.tables.0.valid_from", "soon"],
        ),
        ("[instruments.BTC]\nleverages = 2", ["instruments.BTC.leverages", "margin_mode"]),
    ],
)
def test_a_venue_file_with_a_mistake_is_named_with_its_field(shop: Shop, text: str, says: list[str]) -> None:
    csv(shop.data)
    venue = shop.folder / "venue.toml"
    venue.write_text(text + "\n")
    shop.refuses(*MA, "--symbol", "BTC", "--venue", venue, code=2, says=[str(venue), *says])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fees = { schedule = 'hyperliquid', staking = 1.5 }", ["fees.staking", "1.5"]),
        ("fees = { schedule = 'hyperliquid', volume_14d = -1 }", ["fees.volume_14d", "-1"]),
        ("fees = { schedule = 'hyperliquid', tables = [] }", ["fees.tables", "at least one"]),
        ("[instruments.BTC]\nleverage = 50\ntiers = [[0, 40]]", ["BTC.leverage", "50", "40"]),
    ],
)
def test_a_venue_option_out_of_its_range_is_named_with_its_value(shop: Shop, text: str, says: list[str]) -> None:
    csv(shop.data)
    venue = shop.folder / "venue.toml"
    venue.write_text(text + "\n")
    shop.refuses(*MA, "--symbol", "BTC", "--venue", venue, code=2, says=says)


STRATEGY = '''import algo_trade as at


class Late(at.Strategy):
    """Raises at a bar far into the run."""

    def on_start(self, ctx):
        self.seen = 0

    def on_bar(self, ctx, bar):
        self.seen += 1
        if self.seen == 20_000:
            raise ZeroDivisionError("nothing to divide")
        return at.Signal.long(bar.symbol)
'''


def test_a_strategy_that_raises_far_into_the_run_names_itself_the_bar_the_error_and_the_line(shop: Shop) -> None:
    rows = [f"{1_640_995_200 + 60 * i},10,11,9,10,50" for i in range(20_500)]
    csv(shop.data, rows=rows)
    file = shop.folder / "late.py"
    file.write_text(STRATEGY)
    says = ["Late", "on_bar", "ZeroDivisionError", "nothing to divide", "2022-01-14T21:20:00", "late.py, line 13"]
    shop.refuses("--symbol", "BTC", "--strategy", f"{file}:Late", code=1, says=says)


@pytest.mark.parametrize(
    ("source", "code", "says"),
    [
        ("import no_such_module_of_mine\n", 1, ["mine.py:1", "no_such_module_of_mine"]),
        ("class Mine(\n", 1, ["mine.py:1", "SyntaxError"]),
        ("x = 1\ny = x / 0\n", 1, ["mine.py:2", "ZeroDivisionError"]),
        ("class Other: pass\n", 2, ["mine.py", "Mine", "Other"]),
        ("class Mine: pass\n", 2, ["Mine", "on_market_event"]),
        ("import algo_trade as at\n\nclass Mine(at.Strategy):\n    pass\n", 2, ["Mine", "hook"]),
        (
            "import algo_trade as at\n\nclass Mine(at.Strategy):\n    def __init__(self):\n        raise OSError('no licence')\n",
            1,
            ["Mine", "mine.py:5", "OSError", "no licence"],
        ),
        (
            "import algo_trade as at\n\nclass Mine(at.Strategy):\n    def on_bar(self, ctx, bar):\n        return 'long'\n",
            1,
            ["Mine", "on_bar", "long"],
        ),
        (
            "import algo_trade as at\n\nclass Mine(at.Strategy):\n    def on_bar(self, ctx, bar):\n        ctx.buy('DOGE', 1)\n",
            1,
            ["Mine", "on_bar", "DOGE", "mine.py, line 5"],
        ),
    ],
    ids=["import", "syntax", "body", "no class", "no strategy", "no hook", "init", "answer", "symbol"],
)
def test_a_strategy_file_that_cannot_be_used_is_named_with_its_line(
    shop: Shop, source: str, code: int, says: list[str]
) -> None:
    csv(shop.data)
    file = shop.folder / "mine.py"
    file.write_text(source)
    shop.refuses("--symbol", "BTC", "--strategy", f"{file}:Mine", code=code, says=says)
