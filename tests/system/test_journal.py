"""A system writes its journal as it is stepped, and another one goes on where the journal ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade._native import (
    AccountEvent,
    ControlEvent,
    Journal,
    JournalWriter,
    Recovered,
    TimerEvent,
    journal_estate,
)
from algo_trade.core import SubmitOrder
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.errors import EngineError, JournalError, StrategyError
from algo_trade.risk import SimpleRiskManager
from tests.system.machine import MINUTE, Buys, bar, machine

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade._native import Context, System

HEADER = json.dumps({"bot_id": "bot"})


class Crosses(at.Strategy):
    """Buys at every even bar, changes and cancels at others."""

    def on_bar(self, ctx: Context, bar: at.Bar) -> None:
        minute = bar.time_ns // MINUTE
        for order in ctx.orders(bar.symbol).open[:1]:
            if minute % 3 == 0:
                ctx.modify(order.cloid, price=91)
            elif minute % 5 == 0:
                ctx.cancel(order.cloid)
        if minute % 2:
            ctx.buy(bar.symbol, 1, price=90)
            ctx.set_timer(at.seconds(1), repeat=False)


def run(system: System, minutes: range) -> None:
    """Step through bars, with news of every kind between them."""
    for minute in minutes:
        now = (minute + 1) * MINUTE
        commands = system.step(bar(minute, 100 + minute % 7))
        for number, command in enumerate(commands):
            if isinstance(command, SubmitOrder):
                cloid = command.order.cloid
                system.step(at.OrderUpdate("BTC", cloid=cloid, status="resting", time=now, oid=minute))
                fill: dict[str, Any] = {"side": "buy", "price": 90, "quantity": "0.5", "fee": "0.01"}
                trade: dict[str, Any] = {
                    "trade_id": 100 * minute + number,
                    "oid": minute,
                    "time": now,
                    "local_time": now + 5,
                }
                system.step(at.FillEvent("BTC", cloid=cloid, **fill, **trade))
        system.step(TimerEvent(now + 9, minute))
        system.step(AccountEvent.funding("BTC", now + 9, "0.5", "0.001", 100))


def state(system: System) -> tuple[Any, ...]:
    orders = [(order.cloid, order.leaves, order.price) for order in system.orders()]
    return (
        system.account(),
        orders,
        system.epoch,
        system.mode,
        [(s, p.quantity, p.entry_price) for s, p in system.positions()],
    )


def written(path: Path, *, strategy: object | None = None, minutes: int = 50, end: bool = False) -> System:
    journal = JournalWriter(path, HEADER)
    system = machine(Crosses() if strategy is None else strategy, journal=journal)
    run(system, range(minutes))
    if end:
        system.step(ControlEvent.stop(minutes * MINUTE))
        journal.end()
    journal.close()
    return system


def recovered(path: Path, strategy: object | None = None) -> tuple[System, Recovered]:
    system = machine(Crosses() if strategy is None else strategy, started=False)
    return system, system.recover(path)


def lines(path: Path) -> list[str]:
    shown: list[str] = []
    Journal(path).dump(shown.append)
    return shown


def test_every_event_and_every_command_is_written_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = JournalWriter(path, HEADER)
    system = machine(Buys(), journal=journal)
    system.step(bar(0))
    system.step(AccountEvent.position("ETH", MINUTE, 1, 5))
    journal.close()
    assert journal.path == path
    start, first, command, position = lines(path)
    assert start.startswith("Control(Start")
    assert first.startswith("Market(Bar")
    assert command.startswith("Command(Submit")
    assert position.startswith("Account(Position { time: ")
    assert "InstrumentId(1)" in position
    assert json.loads(Journal(path).header) == {"bot_id": "bot"}


def test_ticks_of_one_instant_are_one_record_and_replay(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = JournalWriter(path, HEADER)

    class Looks(at.Strategy):
        def on_trade(self, ctx: Context, trade: at.Trade) -> None:
            ctx.buy("BTC", 1, price=90)

    system = machine(Looks(), journal=journal, symbols=["BTC"], books=["l2"])
    book = at.BookSnapshot("BTC", 1, [(99, 1)], [(101, 1)])
    system.step([book, at.Trade("BTC", 2, 100, 1), bar(0), at.Trade("BTC", 3, 100, 1)])
    journal.close()
    shown = [line.split("(")[0] for line in lines(path)]
    assert shown == ["Control", "Ticks", "Command", "Command", "Market"]
    made: dict[str, Any] = {
        "symbols": ["BTC"],
        "rules": [],
        "initial_capital": 10_000,
        "bot_id": "bot",
        "books": ["l2"],
    }
    risk = risk_part(SimpleRiskManager(quantity="1"))
    assert Journal(path).replay(strategy_part(Looks()), risk=risk, **made) == (3, 2, False)


def test_a_fresh_system_is_brought_to_where_the_journal_ends_and_goes_on_alike(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    written(path)
    first = machine(Crosses())
    run(first, range(50))
    system, found = recovered(path)
    assert state(system) == state(first)
    assert (found.cut, found.has_ended, found.last_time_ns) == (None, False, 50 * MINUTE + 9)
    assert found.events == len([line for line in lines(path) if not line.startswith("Command(")])
    assert found.commands + found.events == len(lines(path))
    cloids = [order.cloid for order in first.orders()]
    assert len(found.fills) == 25
    last = found.fills[-1]
    assert (last.cloid, last.oid, last.trade_id, last.time_ns) == (cloids[-1], 48, 4_800, 49 * MINUTE)
    assert found.last_bar_ns == {"BTC": 50 * MINUTE}
    # Twenty-five were set, and one of those came due.
    assert len(found.timers) == 24
    assert "Recovered(events=" in repr(found)
    word = ControlEvent.takeover(found.last_time_ns, 1)
    for going_on in (first, system):
        going_on.step(word)
        run(going_on, range(50, 80))
    assert state(system) == state(first)


class Changes(Buys):
    """Changes the first order at the third bar."""

    def on_bar(self, ctx: Context, bar: at.Bar) -> None:
        super().on_bar(ctx, bar)
        if bar.time_ns == 2 * MINUTE:
            ctx.modify(ctx.orders(bar.symbol).open[0].cloid, price=91)


def in_doubt_after(path: Path, stages: int) -> list[str]:
    """Return what is in doubt after so many stages of a run that changes one order, cancels all, and hears of two."""
    journal = JournalWriter(path, HEADER)
    system = machine(Changes(), journal=journal)
    for minute in range(2):
        system.step(bar(minute))
    first, second = (order.cloid for order in system.orders())
    for cloid in (first, second):
        system.step(at.OrderUpdate("BTC", cloid=cloid, status="resting", time=2 * MINUTE))
    (third,) = (command.order.cloid for command in system.step(bar(2)) if isinstance(command, SubmitOrder))
    gone = at.OrderUpdate("BTC", cloid=first, status="cancelled", reason="requested", time=5 * MINUTE)
    kept = at.OrderUpdate("BTC", cloid=second, status="action_rejected", reason="other", time=5 * MINUTE)
    for stage in ([ControlEvent.cancel_all(4 * MINUTE)], [gone, kept])[:stages]:
        for event in stage:
            system.step(event)
    journal.close()
    names = {first: "changed first", second: "second", third: "third"}
    return [names[cloid] for cloid in recovered(path, Changes())[1].in_doubt]


def test_orders_are_in_doubt_of_which_the_end_or_a_change_was_asked_for_and_not_answered(tmp_path: Path) -> None:
    assert in_doubt_after(tmp_path / "0", 0) == ["changed first"]
    assert in_doubt_after(tmp_path / "1", 1) == ["changed first", "second", "third"]
    assert in_doubt_after(tmp_path / "2", 2) == ["third"]


@pytest.mark.parametrize("lost", [0, 1, 777])
def test_what_a_run_left_is_told_by_its_journal_alone_as_by_its_system(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "a.journal"
    written(path)
    if lost:
        path.write_bytes(path.read_bytes()[:-lost])
    system, found = recovered(path)
    left = journal_estate(path, symbols=["BTC", "ETH"], initial_capital=10_000)
    assert left.cash == system.cash
    assert left.positions == [(symbol, each.quantity, each.entry_price) for symbol, each in system.positions()]
    assert [(order.cloid, order.leaves) for order in left.orders] == sorted(
        (order.cloid, order.leaves) for order in system.orders()
    )
    assert {fill.trade_id for fill in left.fills} == {fill.trade_id for fill in found.fills}
    assert left.last_funding_ns == found.last_funding_ns
    assert not left.has_ended


def test_a_run_that_ended_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    written(path, end=True)
    assert recovered(path)[1].has_ended


def test_an_empty_journal_is_a_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    JournalWriter(path, HEADER).close()
    found = recovered(path)[1]
    assert (found.events, found.commands, found.last_time_ns, found.fills, found.cut) == (0, 0, 0, [], None)


@pytest.mark.parametrize("lost", [1, 100, 1_000])
def test_a_torn_end_is_passed_over_and_named(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "a.journal"
    written(path, minutes=3_000)
    whole = path.read_bytes()
    assert len(whole) > 3 * 65_536, "several frames"
    path.write_bytes(whole[:-lost])
    system, found = recovered(path)
    assert found.cut is not None
    assert "a frame is cut off" in found.cut
    assert "records before it are whole" in found.cut
    assert 0 < found.events < len(lines_until(path))
    made: dict[str, Any] = {"symbols": ["BTC", "ETH"], "rules": [], "initial_capital": 10_000, "bot_id": "bot"}
    replay = {"risk": risk_part(SimpleRiskManager(quantity="1")), **made}
    until = Journal(path).replay(strategy_part(Crosses()), until_ns=2**62, **replay)
    assert until[:2] == (found.events, found.commands)
    with pytest.raises(JournalError, match="a frame is cut off"):
        Journal(path).replay(strategy_part(Crosses()), **replay)
    run(system, range(3_000, 3_010))


def lines_until(path: Path) -> list[str]:
    shown: list[str] = []
    with pytest.raises(JournalError):
        Journal(path).dump(shown.append)
    return shown


def test_a_journal_of_another_strategy_is_refused_and_the_system_is_spent(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    written(path)
    system = machine(Buys(), started=False)
    with pytest.raises(JournalError, match=r"a\.journal: .*the journal has .*the replay gives"):
        system.recover(path)
    with pytest.raises(EngineError, match="make a new one"):
        system.step(bar(0))
    with pytest.raises(EngineError, match="stepped already"):
        system.recover(path)


def test_what_is_no_journal_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    for name, says in (("x", "not a journal"), ("y", "No such file")):
        with pytest.raises(JournalError, match=f"{name}: .*{says}"):
            machine(Buys(), started=False).recover(tmp_path / name)


def test_a_journal_that_takes_nothing_stops_the_machine_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = JournalWriter(path, HEADER)
    system = machine(Buys(), journal=journal)
    journal.close()
    for _ in range(2):
        with pytest.raises(JournalError, match="nothing can be appended to the journal: it was closed"):
            system.step(bar(0))
    assert system.orders() == []
    assert len(lines(path)) == 1


def test_a_step_that_fails_is_not_written(tmp_path: Path) -> None:
    class Fails(Buys):
        def on_bar(self, ctx: Context, bar: at.Bar) -> None:
            super().on_bar(ctx, bar)
            if bar.close == 13:
                raise ValueError("thirteen")

    path = tmp_path / "a.journal"
    journal = JournalWriter(path, HEADER)
    system = machine(Fails(), journal=journal)
    system.step(bar(0))
    with pytest.raises(StrategyError, match="thirteen"):
        system.step(bar(1, 13))
    journal.close()
    again, found = recovered(path, Fails())
    assert (found.events, len(again.orders())) == (2, 1)


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    JournalWriter(path, HEADER)
    with pytest.raises(JournalError, match=r"a\.journal: .*exists"):
        JournalWriter(path, HEADER)
