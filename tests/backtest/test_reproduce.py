"""A run can be made again from its report, and proved from its journal; what was changed is found and named."""

from __future__ import annotations

import json
import re
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import algo_trade as at
from algo_trade.backtest import JournalFile
from algo_trade.errors import ParameterError

from .bars import frame
from .commands import SAMPLE, Answer, here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from algo_trade.core import Context

    Command = Callable[..., Answer]

MANIFEST = re.compile(r'(<script type="application/json" id="manifest">)(.*?)(</script>)', re.DOTALL)


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return lambda *arguments: here(capfd, monkeypatch, *arguments)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "bars.csv"
    path.write_bytes(SAMPLE.read_bytes())
    return path


def run(command: Command, data: Path, *more: str | Path) -> dict[str, Any]:
    answer = command("backtest", "--data", data, "--strategy", "ma_crossover", "--param", "fast=5", "--json", *more)
    assert answer.code == 0, answer.err
    document: dict[str, Any] = json.loads(answer.out)
    return document


def test_the_same_command_twice_prints_the_same_but_for_the_time_it_took(command: Command, data: Path) -> None:
    first, second = run(command, data), run(command, data)
    assert first.pop("elapsed_s") >= 0
    assert second.pop("elapsed_s") >= 0
    assert first == second
    assert re.fullmatch(r"[0-9a-f]{32,}", first["digest"])


@pytest.mark.parametrize("change", [("--param", "slow=31"), ("--slippage-bps", "2"), ("--initial-capital", "10000.01")])
def test_another_parameter_gives_another_digest(command: Command, data: Path, change: tuple[str, str]) -> None:
    assert run(command, data)["digest"] != run(command, data, *change)["digest"]


def test_files_in_another_order_and_split_otherwise_give_the_same_digest(command: Command, data: Path) -> None:
    header, *lines = data.read_text().splitlines()
    halves = [data.with_name(name) for name in ("z.csv", "a.csv")]
    halves[0].write_text("\n".join([header, *lines[:2_000]]) + "\n")
    halves[1].write_text("\n".join([header, *lines[2_000:]]) + "\n")
    whole = run(command, data)["digest"]
    assert run(command, halves[0], "--data", halves[1])["digest"] == whole
    assert run(command, halves[1], "--data", halves[0])["digest"] == whole


def test_a_report_is_reproduced_from_the_same_data_wherever_they_are(command: Command, data: Path) -> None:
    report = data.with_name("r.html")
    digest = run(command, data, "--report", report)["digest"]
    answer = command("reproduce", report)
    assert (answer.code, digest in answer.out) == (0, True)
    moved = data.rename(data.with_name("moved.csv"))
    document = json.loads(command("reproduce", report, "--data", moved, "--json").out)
    assert (document["reproduced"], document["digest"]) == (True, digest)
    gone = command("reproduce", report)
    assert (gone.code, gone.out) == (1, "")
    assert str(data) in gone.err


def test_one_changed_bar_is_named_by_its_symbol_and_day(command: Command, data: Path) -> None:
    report = data.with_name("r.html")
    run(command, data, "--report", report)
    header, *lines = data.read_text().splitlines()
    cells = lines[3_000].split(",")
    day, symbol = cells[0][:10], cells[1]
    cells[header.split(",").index("volume")] += "1"
    lines[3_000] = ",".join(cells)
    data.write_text("\n".join([header, *lines]) + "\n")
    answer = command("reproduce", report, "--json")
    assert (answer.code, answer.out) == (1, "")
    assert f"{symbol} on {day} (other values)" in answer.err
    assert answer.err.count(" on 20") == 1


@pytest.mark.parametrize("kept", [slice(0, -2), slice(2, None)], ids=["last left out", "first left out"])
def test_a_bar_left_out_is_named_by_its_day_and_counts(command: Command, data: Path, kept: slice) -> None:
    report = data.with_name("r.html")
    run(command, data, "--report", report)
    header, *lines = data.read_text().splitlines()
    data.write_text("\n".join([header, *lines[kept]]) + "\n")
    answer = command("reproduce", report)
    assert (answer.code, answer.out) == (1, "")
    assert re.search(r"BTC on \d{4}-\d\d-\d\d \(.* bars then, .* bars now\)", answer.err)


def edit(report: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest inside a report."""
    page = report.read_text()
    found = MANIFEST.search(page)
    assert found is not None
    manifest = json.loads(found[2])
    change(manifest)
    report.write_text(page[: found.start(2)] + json.dumps(manifest) + page[found.end(2) :])


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("params.fast", lambda m: m["params"].update(fast=6)),
        ("venue.slippage_bps", lambda m: m["venue"].update(slippage_bps="7")),
        ("risk.fraction", lambda m: m["risk"].update(fraction="0.2")),
        ("initial_capital", lambda m: m.update(initial_capital="20000")),
        ("seed", lambda m: m.update(seed=1)),
    ],
)
def test_a_changed_parameter_in_the_manifest_is_named(
    command: Command, data: Path, field: str, change: Callable[[dict[str, Any]], object]
) -> None:
    report = data.with_name("r.html")
    run(command, data, "--report", report)
    edit(report, change)
    answer = command("reproduce", report)
    assert (answer.code, answer.out) == (1, "")
    assert f"{field}: " in answer.err


def test_a_changed_digest_is_not_reproduced(command: Command, data: Path) -> None:
    report = data.with_name("r.html")
    digest = run(command, data, "--report", report)["digest"]
    edit(report, lambda m: m.update(digest="0" * 64))
    answer = command("reproduce", report)
    assert (answer.code, answer.out) == (1, "")
    assert digest in answer.err


def test_a_changed_strategy_file_is_named(command: Command, data: Path) -> None:
    report, file = data.with_name("r.html"), data.with_name("mine.py")
    source = "import algo_trade as at\n\nclass Mine(at.Strategy):\n    def on_bar(self, ctx, bar):\n        return at.Signal.long(bar.symbol)\n"
    file.write_text(source)
    answer = command("backtest", "--data", data, "--strategy", f"{file}:Mine", "--report", report)
    assert answer.code == 0, answer.err
    assert command("reproduce", report).code == 0
    file.write_text(source.replace("long", "short"))
    answer = command("reproduce", report)
    assert (answer.code, answer.out) == (1, "")
    assert f"{file}:Mine" in answer.err


@pytest.mark.parametrize(
    "content", ["", "<html>nothing</html>", '<script type="application/json" id="manifest">{</script>']
)
def test_what_is_no_report_is_refused_by_name(command: Command, tmp_path: Path, content: str) -> None:
    page = tmp_path / "page.html"
    page.write_text(content)
    answer = command("reproduce", page)
    assert (answer.code, answer.out) == (1, "")
    assert str(page) in answer.err
    assert "Traceback" not in answer.err


class Fixed:
    """A risk manager of one's own."""

    def target(self, ctx: Context, signal: at.SignalEvent) -> Decimal:
        return Decimal({"long": 1, "short": -1, "exit": 0}[signal.kind])

    def order_quantity(self, ctx: Context, symbol: str) -> Decimal:
        return Decimal(1)

    def check(self, ctx: Context, order: at.OrderEvent) -> None:
        return None


class Wrapped:
    """A data provider of one's own."""

    def __init__(self, path: Path) -> None:
        self.bars = at.HistoricalDataProvider(path).bars
        self.symbols = self.bars.symbols

    def __iter__(self) -> Iterator[at.Bar]:
        return iter(self.bars)


def test_a_run_with_parts_that_no_file_can_hold_is_refused_by_the_part(command: Command, data: Path) -> None:
    class Local(at.Strategy):
        def on_bar(self, ctx: Context, bar: at.Bar) -> at.Signal:
            return at.Signal.long(bar.symbol)

    report, journal = data.with_name("r.html"), data.with_name("r.journal")
    table = at.HistoricalDataProvider(data).read()
    runs: dict[str, Callable[[], at.BacktestResult]] = {
        "Fixed": lambda: at.backtest(data, "ma_crossover", risk=Fixed(), report=report, journal=journal),
        "Local": lambda: at.backtest(data, Local(), report=report, journal=journal),
        "Wrapped": lambda: at.backtest(Wrapped(data), "ma_crossover", report=report),
        "--data": lambda: at.backtest(table, "ma_crossover", report=report),
    }
    for part, run_again in runs.items():
        assert run_again().digest
        asked = [("reproduce", report)] + ([("replay", journal, "--verify")] if part in {"Fixed", "Local"} else [])
        for arguments in asked:
            answer = command(*arguments)
            assert (answer.code, answer.out) == (1, ""), arguments
            assert str(arguments[1]) in answer.err
            assert part in answer.err
            assert "Traceback" not in answer.err


def test_a_run_on_a_provider_is_reproduced_with_the_options_of_the_provider(command: Command, data: Path) -> None:
    report = data.with_name("r.html")
    read = at.HistoricalDataProvider(data, start=at.HistoricalDataProvider(data).read()["timestamp"][1_000])
    assert len(read) < len(at.HistoricalDataProvider(data))
    digest = at.backtest(read, "ma_crossover", report=report).digest
    document = json.loads(command("reproduce", report, "--json").out)
    assert (document["reproduced"], document["digest"]) == (True, digest)


def test_options_of_reading_beside_a_provider_are_refused(data: Path) -> None:
    with pytest.raises(ParameterError, match="provider itself"):
        at.backtest(at.HistoricalDataProvider(data), "ma_crossover", symbol="BTC")


@pytest.fixture
def journal(command: Command, data: Path) -> Path:
    path = data.with_name("run.journal")
    run(command, data, "--journal", path)
    return path


def test_a_journal_replays_to_the_same_commands(command: Command, journal: Path) -> None:
    document = json.loads(command("replay", journal, "--verify", "--json").out)
    assert document["identical"] is True
    assert document["events"] >= 5_000
    assert document["commands"] > 100


def frames(content: bytes) -> list[int]:
    """Where each frame starts, and where the last one ends."""
    starts = [8]
    while starts[-1] < len(content):
        starts.append(starts[-1] + 8 + struct.unpack_from("<I", content, starts[-1])[0])
    assert starts[-1] == len(content)
    return starts


@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999, 1.0])
def test_a_flipped_byte_in_a_journal_is_found(command: Command, journal: Path, part: float) -> None:
    content = bytearray(journal.read_bytes())
    content[min(int(len(content) * part), len(content) - 1)] ^= 0x10
    journal.write_bytes(content)
    answer = command("replay", journal, "--verify")
    assert (answer.code, answer.out) == (1, "")
    assert str(journal) in answer.err
    assert "damaged at byte" in answer.err or "not a journal" in answer.err


@pytest.mark.parametrize("cut", ["inside a frame", "at a frame's end", "the last byte", "all but the header"])
def test_a_cut_journal_is_found(command: Command, journal: Path, cut: str) -> None:
    content = journal.read_bytes()
    starts = frames(content)
    length = {
        "inside a frame": starts[len(starts) // 2] + 11,
        "at a frame's end": starts[-2],
        "the last byte": len(content) - 1,
        "all but the header": starts[1],
    }[cut]
    journal.write_bytes(content[:length])
    answer = command("replay", journal, "--verify")
    assert (answer.code, answer.out) == (1, "")
    assert str(journal) in answer.err


@pytest.mark.parametrize("content", [b"", b"ATJRNL", b"something else entirely"])
def test_what_is_no_journal_is_refused_by_name(command: Command, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.journal"
    path.write_bytes(content)
    for arguments in ([], ["--verify"], ["--events"]):
        answer = command("replay", path, *arguments)
        assert (answer.code, answer.out) == (1, "")
        assert str(path) in answer.err


PRICES = st.integers(90, 110)


@given(
    rows=st.lists(st.tuples(PRICES, PRICES, st.sampled_from([0, 3, 500])), min_size=3, max_size=60),
    strategy=st.sampled_from(
        [("ma_crossover", {"fast": 1, "slow": 3}), ("rsi", {"period": 2}), ("grid", {"levels": 6, "step": "0.01"})]
    ),
    sizing=st.sampled_from([{"quantity": "1.5"}, {"fraction": "0.7"}, {"fraction": "5", "max_position_size": "30"}]),
    venue=st.fixed_dictionaries(
        {
            "fill_on": st.sampled_from(["next_open", "close"]),
            "path": st.sampled_from(["pessimistic", "adaptive", "ohlc", "olhc"]),
            "leverage": st.sampled_from([1, 7]),
            "margin": st.sampled_from(["hyperliquid", "none"]),
            "max_participation": st.sampled_from(["0.1", "1"]),
        }
    ),
)
def test_a_replay_equals_the_run_whatever_the_bars_parameters_and_risk(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, int, int]],
    strategy: tuple[str, dict[str, Any]],
    sizing: dict[str, Any],
    venue: dict[str, Any],
) -> None:
    journal = tmp_path_factory.getbasetemp() / "property.journal"
    table = frame([(o, max(o, c) + 1, min(o, c) - 1, c, volume) for o, c, volume in rows])
    result = at.backtest(
        table,
        strategy[0],
        params=strategy[1],
        venue=at.VenueConfig(**venue),
        initial_capital=1_000,
        journal=journal,
        **sizing,
    )
    replayed = JournalFile(journal).verify()
    assert replayed.events >= len(rows)
    again = at.backtest(
        table,
        strategy[0],
        params=strategy[1],
        venue=at.VenueConfig(**venue),
        initial_capital=1_000,
        details=False,
        **sizing,
    )
    assert again.digest == result.digest
