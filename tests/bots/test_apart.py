"""A strategy in a process of its own: it sees what it would see in ours, and asks for the same, to the last byte of the journal."""

from __future__ import annotations

import asyncio
import os
import signal
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade._native import (
    AccountEvent,
    Bar,
    BookSnapshot,
    ControlEvent,
    FillEvent,
    Journal,
    JournalWriter,
    OrderUpdate,
    Trade,
)
from algo_trade.bots.plans import header_of
from algo_trade.bots.process import StrategyProcess
from algo_trade.bots.room import ProcessRoom
from algo_trade.bots.trader import Outcome, Plan, Trader
from algo_trade.errors import ParameterError, StrategyError
from algo_trade.strategy import load, needs_of
from tests.bots.apart import START, config_of, plan_of, process_of, trader_of
from tests.bots.world import strategy

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000

# Whatever a strategy can look at or ask for; what it does depends on what it sees.
ALL = """
import hashlib
import algo_trade as at

class All(at.Strategy):
    size = at.param("0.01", help="of an order")
    every = at.param(3, low=1)
    word = at.param("on", choices=["on", "off"])

    resolutions = ("2s", "5 trades")

    def on_start(self, ctx):
        self.seen = hashlib.blake2b()
        self.number = 0
        self.mean = ctx.indicator(at.indicators.Sma(3), symbol="BTC", resolution="2s")
        ctx.set_timer(at.ms(700))
        ctx.set_timer(at.ms(1_500), repeat=False)
        self.note("start", ctx.now_ns, ctx.symbols, sorted(self.params.items()))

    def note(self, *words):
        self.seen.update(repr(words).encode())

    def look(self, ctx, symbol):
        book, held = ctx.book(symbol), ctx.position(symbol)
        self.note(
            ctx.now, ctx.price(symbol), ctx.equity, ctx.cash, held, held.unrealised_pnl, [repr(o) for o in ctx.orders(symbol).open],
            book.best_bid, book.spread, book.mid, book.tick_size, book.imbalance(3), book.levels("buy", 3), book.vwap("sell", 1),
            self.mean.ready and self.mean.value,
        )

    def on_book(self, ctx, symbol):
        self.number += 1
        self.look(ctx, symbol)
        book = ctx.book(symbol)
        if self.number % self.every == 0:
            digit = self.seen.digest()[0] % 7
            away = digit * book.tick_size
            if digit < 2:
                ctx.buy(symbol, self.size)
            elif digit < 4:
                (ctx.buy if digit == 2 else ctx.sell)(symbol, self.size, price=book.mid - away, time_in_force="alo")
            elif digit == 4:
                bought = ctx.buy(symbol, self.size, price=book.best_bid - away)
                ctx.sell(symbol, self.size, stop=book.best_bid - 9 * away, parent=bought)
            elif digit == 5:
                return at.Signal.short(symbol)
            else:
                ctx.signal(at.Signal.exit(symbol))
        for order in ctx.orders(symbol).open[:1]:
            if self.number % 5 == 0:
                ctx.modify(order.cloid, price=order.price - book.tick_size if order.price else None)
            elif self.number % 7 == 0:
                ctx.cancel(order.cloid)
        if self.number % 31 == 0:
            ctx.cancel_all()
            ctx.schedule_cancel(ctx.now_ns + at.seconds(60))

    def on_quote(self, ctx, quote):
        self.note(quote)

    def on_trade(self, ctx, trade):
        self.note(trade)

    def on_bar(self, ctx, bar):
        self.note(bar, self.mean.ready)

    def on_fill(self, ctx, fill):
        self.note(fill, ctx.position(fill.symbol))

    def on_order(self, ctx, update):
        self.note(update)

    def on_timer(self, ctx, now_ns):
        self.note(now_ns)
        if self.seen.digest()[1] % 3 == 0:
            ctx.sell("BTC", self.size)

    def on_stop(self, ctx):
        self.note("stop", ctx.equity)
"""


def messages(count: int) -> list[tuple[int, list[Any]]]:
    """Return what the market does, message by message."""
    found: list[tuple[int, list[Any]]] = []
    for number in range(count):
        now_ns = START + number * SECOND // 5
        symbol = "ETH" if number % 4 == 3 else "BTC"
        middle = 100 + (number * 7919) % 23
        bids = [(middle - away, 1 + (number + away) % 5) for away in range(1, 5)]
        asks = [(middle + away, 1 + (number * away) % 5) for away in range(1, 5)]
        events: list[Any] = [BookSnapshot(symbol, now_ns, bids, asks)]
        if number % 3 == 0:
            events.append(Trade(symbol, now_ns, middle, "0.5", "buy" if number % 2 else "sell", number))
        found.append((now_ns, events))
    return found


def traded(trader: Trader, *, is_paper: bool) -> list[Outcome | None]:
    """Lead a bot through a life."""
    outcomes: list[Outcome | None] = [trader.start(START, history(), [AccountEvent.transfer(START, Decimal(5))])]
    for number, (now_ns, events) in enumerate(messages(400)):
        outcomes.append(trader.hear(now_ns, events))
        if not is_paper:
            sent = [
                command.order
                for command in (outcomes[-1].commands if outcomes[-1] else [])
                if hasattr(command, "order")
            ]
            for order in sent:
                outcomes.append(
                    trader.told(now_ns, [OrderUpdate(order.symbol, cloid=order.cloid, status="resting", time=now_ns)])
                )
                if order.price is None:
                    outcomes.append(trader.told(now_ns, reports_of(order, now_ns, number)))
        if number == 200:
            outcomes.append(trader.control(now_ns, ControlEvent.pause(now_ns), ControlEvent.cancel_all(now_ns)))
        if number == 240:
            outcomes.append(trader.control(now_ns, ControlEvent.resume(now_ns)))
            trader.block(now_ns, "BTC", "a test")
        if number == 280:
            trader.block(now_ns, "BTC", None)
    outcomes.append(trader.control(now_ns, ControlEvent.flatten(now_ns)))
    return outcomes


def history() -> list[Bar]:
    return [Bar("BTC", START - (10 - n) * SECOND, START - (9 - n) * SECOND, 100, 110, 90, 100 + n, 5) for n in range(8)]


def reports_of(order: Any, now_ns: int, number: int) -> list[Any]:
    fill = FillEvent(
        order.symbol,
        cloid=order.cloid,
        side=order.side,
        quantity=order.quantity,
        price=101,
        fee="0.01",
        trade_id=number + 1,
        time=now_ns,
    )
    return [fill, OrderUpdate(order.symbol, cloid=order.cloid, status="filled", time=now_ns)]


@pytest.mark.parametrize("is_paper", [True, False])
def test_the_journals_of_a_strategy_in_a_process_and_of_one_in_ours_are_the_same_byte_for_byte(
    tmp_path: Path, *, is_paper: bool
) -> None:
    config = config_of(strategy(tmp_path, "All", ALL), params={"every": 2})
    plan = plan_of(config, is_paper=is_paper)

    def life(apart: StrategyProcess | None, name: str) -> list[str]:
        made = load(plan.strategy, plan.params) if apart is None else apart
        journal = JournalWriter(tmp_path / name, header_of(plan, made))
        trader = trader_of(plan, apart, journal)
        outcomes = traded(trader, is_paper=is_paper)
        outcomes.append(trader.stop(messages(400)[-1][0]))
        journal.close()
        return [repr(outcome) for outcome in outcomes] + [repr(trader.owned(0))]

    async def main() -> list[str]:
        async with process_of(config) as process:
            process.settle(header_of(plan, process))
            return life(process, "apart")

    apart = asyncio.run(main())
    here = life(None, "here")
    assert here == apart
    assert (tmp_path / "here").read_bytes() == (tmp_path / "apart").read_bytes()
    assert (tmp_path / "here").stat().st_size > 50_000
    lines: list[str] = []
    Journal(tmp_path / "here").dump(lines.append)
    for word in (
        "Fill(",
        "Command(Submit",
        "Command(Cancel ",
        "Command(Modify",
        "Command(Refuse",
        "Command(SetTimer",
        "Command(Schedule",
    ):
        assert any(line.startswith(word) for line in lines), word


COMPILED = """

class All:
    name = "All"

    def __algo_trade_strategy__(self):
        return quoter(Decimal("0.01"), Decimal("0.05"), 500).__algo_trade_strategy__()
"""


def test_a_compiled_strategy_does_the_same_in_a_process(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    example = Path(__file__).parents[2] / "docs/examples/quoter_numba.py"
    source = "from decimal import Decimal\n" + example.read_text() + COMPILED
    config = config_of(strategy(tmp_path, "All", source))

    async def main() -> list[str]:
        async with process_of(config) as process:
            process.settle(header_of(plan_of(config), process))
            return [repr(outcome) for outcome in traded(trader_of(plan_of(config), process, None), is_paper=True)]

    apart = asyncio.run(main())
    assert apart == [repr(outcome) for outcome in traded(trader_of(plan_of(config), None, None), is_paper=True)]


def test_a_strategy_in_a_process_goes_on_where_its_journal_ends_and_so_does_one_that_was_in_ours(
    tmp_path: Path,
) -> None:
    config = config_of(strategy(tmp_path, "All", ALL))
    plan = plan_of(config)
    journal = JournalWriter(tmp_path / "journal", header_of(plan, load(plan.strategy, plan.params)))
    traded(trader_of(plan, None, journal), is_paper=True)
    journal.close()
    later_ns = START + 1_000 * SECOND

    def go_on(apart: StrategyProcess | None) -> list[str]:
        trader = trader_of(plan, apart, None)
        recovered = trader.recover(later_ns, str(tmp_path / "journal"))
        outcomes: list[Any] = [recovered, trader.go_on(later_ns, 2, history()[:0], recovered.timers)]
        outcomes += [trader.hear(later_ns + now_ns - START, later(events, later_ns)) for now_ns, events in messages(60)]
        return [repr(outcome) for outcome in [*outcomes, trader.owned(later_ns)]]

    def later(events: list[Any], by_ns: int) -> list[Any]:
        return [
            BookSnapshot(each.symbol, each.time_ns - START + by_ns, each.bids, each.asks)
            for each in events
            if isinstance(each, BookSnapshot)
        ]

    async def main() -> list[str]:
        async with process_of(config) as process:
            process.settle(header_of(plan, process))
            return go_on(process)

    assert asyncio.run(main()) == go_on(None)


def test_what_a_strategy_says_of_itself_is_what_is_seen_here(tmp_path: Path) -> None:
    config = config_of(strategy(tmp_path, "All", ALL), params={"size": "0.5", "every": "4"})

    async def main() -> None:
        async with process_of(config) as process:
            here = load(config.strategy, config.params)
            plan = plan_of(config)
            assert needs_of(process) == needs_of(here)
            assert process.name == "All"
            assert header_of(plan, process) == header_of(plan, here)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("source", "params", "kind", "text"),
    [
        (ALL, {"evry": 3}, ParameterError, "evry"),
        ("x = 1", {}, ParameterError, "has no class `All`"),
        ("1 / 0", {}, StrategyError, "all.py:1: ZeroDivisionError"),
        ("def f(:", {}, StrategyError, "SyntaxError"),
        ("import os; os._exit(7)", {}, StrategyError, "the strategy's process ended by itself, with exit code 7"),
        ("x = bytearray(10 << 30)", {}, StrategyError, "MemoryError"),
        ("import ctypes; ctypes.string_at(0)", {}, StrategyError, "was ended by SIGSEGV"),
    ],
)
def test_what_does_not_load_says_why(
    tmp_path: Path, source: str, params: dict[str, Any], kind: type[Exception], text: str
) -> None:
    async def main() -> None:
        with pytest.raises(kind, match=text):
            async with process_of(config_of(strategy(tmp_path, "All", source), params=params)):
                pass

    asyncio.run(main())


def test_what_takes_too_long_to_load_is_killed(tmp_path: Path) -> None:
    async def main() -> None:
        config = config_of(strategy(tmp_path, "All", "while True:\n    pass"))
        process = StrategyProcess(config, load_s=2, deadline_s=lambda: 1)
        with pytest.raises(StrategyError, match="the strategy did not load within 2 s: its process was killed"):
            await process.load()
        await process.close()

    asyncio.run(main())


RAISES = """
import algo_trade as at

class All(at.Strategy):
    def on_bar(self, ctx, bar):
        self.deep()

    def deep(self):
        raise ValueError("no idea")
"""


def test_an_error_in_a_process_has_the_words_that_it_has_in_ours(tmp_path: Path) -> None:
    config = config_of(strategy(tmp_path, "All", RAISES))
    plan = plan_of(config)

    def error_of(apart: StrategyProcess | None) -> str:
        with pytest.raises(StrategyError) as caught:
            trader_of(plan, apart, None).start(START, history())
        return str(caught.value)

    async def main() -> str:
        async with process_of(config) as process:
            process.settle(header_of(plan, process))
            return error_of(process)

    apart = asyncio.run(main())
    assert apart == error_of(None)
    assert "All.on_bar failed at" in apart
    assert "ValueError: no idea (all.py, line 9)" in apart


ANY = """
import os
import algo_trade as at

class All(at.Strategy):
    def on_start(self, ctx):
        {does}
"""


def room_of(process: StrategyProcess, plan: Plan, failed: Callable[[Exception], None]) -> ProcessRoom:
    def make() -> Trader:
        process.settle(header_of(plan, process))
        return trader_of(plan, process, None)

    return ProcessRoom(process, make, lambda _: None, failed, name="bot")


def test_a_room_that_is_closed_ends_its_process_in_the_middle_of_a_thought(tmp_path: Path) -> None:
    config = config_of(strategy(tmp_path, "All", ANY.format(does="while True: pass")))

    async def main() -> None:
        failures: list[Exception] = []
        async with process_of(config, deadline_s=60) as process:
            room = room_of(process, plan_of(config), failures.append)
            room.call(Trader.start, START, [])
            while room.stuck_s < 0.5:
                await asyncio.sleep(0.01)
            room.close()
            await asyncio.to_thread(room._thread.join, 10)
            assert not room._thread.is_alive(), "nobody waits for it any more"
        assert failures == []

    asyncio.run(main())


def test_a_process_that_dies_while_nobody_asks_it_is_missed_at_once(tmp_path: Path) -> None:
    config = config_of(strategy(tmp_path, "All", ANY.format(does="pass")))

    async def main() -> None:
        failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        async with process_of(config) as process:
            room = room_of(process, plan_of(config), failed.set_result)
            await room.ask(Trader.start, START, [])
            os.kill(process._process.pid, signal.SIGTERM)
            text = str(await asyncio.wait_for(failed, 10))
            assert text == "the strategy's process was ended by SIGTERM (Terminated)"
            with pytest.raises(StrategyError, match="the bot has ended"):
                await room.ask(Trader.owned, START)
            room.close()

    asyncio.run(main())


def test_the_order_of_a_set_is_the_same_in_every_process(tmp_path: Path) -> None:
    config = config_of(strategy(tmp_path, "All", ANY.format(does="raise ValueError(list({*'abcdefgh'}))")))

    async def said() -> str:
        async with process_of(config) as process:
            process.settle(header_of(plan_of(config), process))
            with pytest.raises(StrategyError) as caught:
                trader_of(plan_of(config), process, None).start(START, [])
            return str(caught.value)

    assert len({asyncio.run(said()) for _ in range(3)}) == 1
