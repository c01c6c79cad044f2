"""The same quotes in hftbacktest and here, fill by fill; every difference is named and computed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
import pytest

import algo_trade as at
from algo_trade.data import import_data, synthetic_ticks
from tests.peers import events, quoting

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("hftbacktest", reason="the peer is in the dependency group bench")

ROWS = 200_000


class Market:
    """What both engines run on."""

    def __init__(self, lake: Path, symbol: str) -> None:
        # The first row sets the clock of both, so neither has rows that the other has not.
        self.data = at.HistoricalDataProvider(lake, kinds=["trades", "book"]).load()
        self.frame = self.data.read()
        self.events = events.events(self.frame)
        found = quoting.rules(lake, symbol)
        self.tick_size, self.lot_size = found["tick_size"], found["lot_size"]

    def setting(self, queue: str, n: float = 2.0) -> quoting.Setting:
        return quoting.Setting(self.tick_size, self.lot_size, f"{self.lot_size:.8f}", queue=queue, n=n)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Market:
    lake = tmp_path_factory.mktemp("synthetic")
    synthetic_ticks("PEER", ROWS, lake, seed=3)
    return Market(lake, "PEER")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Market:
    lake = tmp_path_factory.mktemp("recorded")
    import_data(shared_data / "feeds_dual_time" / "binance_usdm_btcusdt_20240808.gz", lake, symbol="BTCUSDT")
    return Market(lake, "BTCUSDT")


@pytest.fixture(params=["synthetic", "recorded"])
def market(request: pytest.FixtureRequest) -> Market:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_without_a_guess_about_the_queue_every_fill_is_the_same(market: Market) -> None:
    setting = market.setting("risk_averse")
    theirs = quoting.run_theirs(market.events, setting)
    ours = quoting.until_the_last_look(quoting.fills_of(quoting.run_ours(market.data, setting), setting), theirs)
    assert len(theirs) > 400
    assert ours == theirs


@pytest.mark.parametrize(
    ("queue", "n"), [("power1", 2.0), ("power2", 2.0), ("power3", 2.0), ("log1", 1.0), ("log2", 1.0)]
)
def test_with_a_guess_only_the_named_rules_of_the_queue_differ(market: Market, queue: str, n: float) -> None:
    setting = market.setting(queue, n)
    theirs = quoting.run_theirs(market.events, setting)
    result = quoting.run_ours(market.data, setting)
    ours = quoting.until_the_last_look(quoting.fills_of(result, setting), theirs)
    only_ours, only_theirs = set(ours) - set(theirs), set(theirs) - set(ours)
    assert len(only_ours) < 0.05 * len(ours)
    placed = _placed(result, setting)
    reasons = dict(zip(quoting.fills_of(result, setting), result.fills["reason"], strict=True))
    # A cross needs no queue: where only one engine has it, the other was filled before, or had not quoted yet.
    for fill in sorted(fill for fill in only_ours if reasons[fill] == "queue"):
        order = placed[fill]
        assert _filled_at(market, setting, order, is_theirs=False) == fill.time_ns
    # The first difference is one of the rule itself; others may follow from it, as one engine quotes and the other still waits.
    first = min(only_ours | only_theirs, default=None)
    if first is not None:
        assert first not in reasons or reasons[first] == "queue"
        order = placed[first] if first in placed else _standing(placed, first)
        assert _filled_at(market, setting, order, is_theirs=True) != _filled_at(market, setting, order, is_theirs=False)


def test_our_reader_reads_the_events_back_row_for_row(recorded: Market, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "events.npz", data=recorded.events)
    import_data(tmp_path / "events.npz", tmp_path / "lake", symbol="BTCUSDT", venue="binance")
    back = at.HistoricalDataProvider(tmp_path / "lake").read()
    was = events.gone_first(events.changes(events.market(recorded.frame)))
    columns = ["exchange_time", "local_time", "kind", "side", "price", "quantity"]
    # Within an instant the import puts prints first and keeps the order of what changes the book.
    for kinds in ([events.TRADE], [events.DELTA, events.SNAPSHOT]):
        chosen = pl.col("kind").is_in(kinds)
        assert back.filter(chosen).select(columns).equals(was.filter(chosen).select(columns))


class _Order(NamedTuple):
    arrives_ns: int
    side: int
    price: float


def _placed(result: at.BacktestResult, setting: quoting.Setting) -> dict[quoting.Fill, _Order]:
    """Return what each of our fills was placed as."""
    orders = result.orders.select("cloid", pl.col("time").cast(pl.Int64), "side", pl.col("price").cast(pl.Float64))
    by_cloid = {cloid: (time, side, price) for cloid, time, side, price in orders.iter_rows()}
    found = {}
    for fill, cloid in zip(quoting.fills_of(result, setting), result.fills["cloid"], strict=True):
        time, side, price = by_cloid[cloid]
        found[fill] = _Order(time + setting.entry_ns, 1 if side == "buy" else 2, price)
    return found


def _standing(placed: dict[quoting.Fill, _Order], theirs: quoting.Fill) -> _Order:
    """Return our order that stood where theirs was filled."""
    same = [o for f, o in placed.items() if f.side == theirs.side and f.tick == theirs.tick]
    return max((o for o in same if o.arrives_ns < theirs.time_ns), key=lambda o: o.arrives_ns)


def _filled_at(market: Market, setting: quoting.Setting, order: _Order, *, is_theirs: bool) -> int | None:
    """Follow the queue of one order, by our rule or by theirs; returns when a print fills it.

    Ours: what was traded since the last word on the level is not behind the order, whenever the order came; it is filled
    once more is traded than stands ahead. Theirs: only what was traded since the order came is counted, it stays in what is
    behind, and the fill waits for half a lot more.
    """
    half_tick = market.tick_size / 2
    rows = market.frame.filter(
        (pl.col("side") == order.side)
        & (pl.col("kind") != events.TRADE)
        & ((pl.col("price").cast(pl.Float64) - order.price).abs() < half_tick)
        | (pl.col("side") == 3 - order.side) & (pl.col("kind") == events.TRADE)
    ).select(pl.col("exchange_time").cast(pl.Int64), "kind", pl.col("price", "quantity").cast(pl.Float64))
    held = traded = 0.0
    ahead: float | None = None
    for time, kind, price, quantity in rows.iter_rows():
        if ahead is None and time > order.arrives_ns:
            ahead, traded = held, 0.0 if is_theirs else traded
        if kind != events.TRADE:
            if ahead is not None:
                ahead = _moved(setting, ahead, held, quantity, traded, is_theirs=is_theirs)
            held, traded = quantity, 0.0
            continue
        beyond = (order.price - price) * (1 if order.side == 1 else -1)
        if beyond > half_tick:
            if ahead is not None:
                return int(time)
            traded = held
        elif beyond > -half_tick:
            traded = traded + quantity if is_theirs else min(held, traded + quantity)
            if ahead is not None:
                ahead -= quantity
                if ahead < (-setting.lot_size / 2 if is_theirs else -1e-9):
                    return int(time)
                ahead = ahead if is_theirs else max(ahead, 0.0)
    return None


def _moved(
    setting: quoting.Setting, ahead: float, before: float, after: float, traded: float, *, is_theirs: bool
) -> float:
    gone = before - after - traded
    if gone <= 1e-12 or (ahead <= 0 and not is_theirs):
        return min(ahead, after)
    behind = max(before - ahead - (0.0 if is_theirs else traded), 0.0)
    n = setting.n
    with np.errstate(all="ignore"):
        match setting.queue:
            case "power1":
                share = behind**n / (behind**n + ahead**n)
            case "power2":
                share = behind**n / (behind + ahead) ** n
            case "power3":
                share = 1 - (ahead / (ahead + behind)) ** n
            case "log1":
                share = np.log1p(behind) / (np.log1p(behind) + np.log1p(ahead))
            case _:
                share = np.log1p(behind) / np.log1p(behind + ahead)
    share = 1.0 if np.isnan(share) or np.isinf(share) else float(share)
    if behind == 0 and not is_theirs:
        share = 0.0
    moved = ahead - (1 - share) * gone - max(0.0, share * gone - behind)
    return min(moved, after) if is_theirs else min(max(moved, 0.0), after)
