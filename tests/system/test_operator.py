"""The operator's words and corrections at the border: what goes in, what comes out, what can be looked at."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import algo_trade as at
from algo_trade._native import AccountEvent, ControlEvent, Instrument, builtin_warm_up
from algo_trade.core import CancelOrder, RefuseOrder, SubmitOrder
from algo_trade.errors import EngineError, ParameterError
from tests.system.machine import MINUTE, Buys, bar, machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade._native import Context

WORDS: list[tuple[Callable[[int], ControlEvent], str]] = [
    (ControlEvent.start, "start"),
    (ControlEvent.stop, "stop"),
    (ControlEvent.warm_up, "warm_up"),
    (ControlEvent.pause, "pause"),
    (ControlEvent.resume, "resume"),
    (ControlEvent.cancel_all, "cancel_all"),
    (ControlEvent.flatten, "flatten"),
]


@pytest.mark.parametrize(("make", "kind"), WORDS)
def test_a_word_says_which_it_is_and_when(make: Callable[[int], ControlEvent], kind: str) -> None:
    word = make(7)
    assert (word.kind, word.time_ns, word.epoch) == (kind, 7, None)


def test_a_takeover_says_its_epoch_and_orders_then_have_it() -> None:
    word = ControlEvent.takeover(7, 3)
    assert (word.kind, word.time_ns, word.epoch) == ("takeover", 7, 3)
    system = machine(Buys(), epoch=1)
    system.step(bar(0))
    system.step(word)
    system.step(bar(1, symbol="ETH"))
    assert system.epoch == 3
    epochs = [int(order.cloid, 16) >> 64 & 0xFFFFFFFF for order in system.orders()]
    assert epochs == [1, 3]
    assert system.orders()[1].cloid == machine_first_cloid(epoch=3)
    with pytest.raises(EngineError, match=r"cannot go on in epoch 3: it is in epoch 3.*give a larger one"):
        system.step(word)


def machine_first_cloid(epoch: int) -> str:
    system = machine(Buys(), epoch=epoch)
    system.step(bar(0))
    return system.orders()[0].cloid


def test_the_mode_is_the_last_word_and_a_refusal_says_why() -> None:
    class Hears(Buys):
        def __init__(self) -> None:
            super().__init__()
            self.told: list[tuple[str, str | None]] = []

        def on_order(self, ctx: Context, update: at.OrderUpdate) -> None:
            self.told.append((update.status, update.reason))

    strategy = Hears()
    system = machine(strategy)
    assert system.mode == "trading"
    system.step(ControlEvent.warm_up(0))
    assert (system.mode, system.step(bar(0))) == ("warming_up", [])
    system.step(ControlEvent.pause(1))
    (refused,) = system.step(bar(1))
    assert isinstance(refused, RefuseOrder)
    assert (system.mode, refused.reason, refused.order.symbol) == ("paused", "not_trading", "BTC")
    assert strategy.told == [("rejected", "not_trading")] * 2
    system.step(ControlEvent.resume(1))
    assert [type(command) for command in system.step(bar(2))] == [SubmitOrder]


def test_a_refusal_by_risk_says_so() -> None:
    class BuysNothing(at.Strategy):
        def on_bar(self, ctx: Context, bar: at.Bar) -> None:
            ctx.buy("BTC", "0.1", price=90)

    (_, refused) = machine(BuysNothing(), rules=[Instrument("BTC", lot_size="1")]).step(bar(0))
    assert isinstance(refused, RefuseOrder)
    assert refused.reason == "risk"


def test_orders_are_all_that_are_not_done_and_flattening_takes_them_and_positions_away() -> None:
    system = machine(Buys())
    for event in (bar(0, symbol="ETH"), bar(1), bar(2, symbol="ETH")):
        system.step(event)
    assert [(order.symbol, order.leaves) for order in system.orders()] == [
        ("ETH", Decimal(1)),
        ("BTC", Decimal(1)),
        ("ETH", Decimal(1)),
    ]
    fill = at.FillEvent(
        "BTC", cloid=system.orders()[1].cloid, side="buy", price=90, quantity="0.25", fee="0.5", time=3 * MINUTE
    )
    system.step(fill)
    assert [order.leaves for order in system.orders()] == [Decimal(1), Decimal("0.75"), Decimal(1)]
    ((symbol, position),) = system.positions()
    assert (symbol, position.quantity, position.entry_price) == ("BTC", Decimal("0.25"), Decimal(90))
    commands = system.step(ControlEvent.flatten(3 * MINUTE))
    assert [type(command) for command in commands] == [CancelOrder] * 3 + [SubmitOrder]
    closing = commands[-1]
    assert isinstance(closing, SubmitOrder)
    assert (closing.order.side, closing.order.quantity, closing.order.reduce_only) == ("sell", Decimal("0.25"), True)
    assert (closing.order.kind, closing.order.time_in_force) == ("market", "ioc")
    assert [type(command) for command in system.step(ControlEvent.cancel_all(3 * MINUTE))] == [CancelOrder]


def test_the_venues_word_sets_positions_and_money_right() -> None:
    system = machine(Buys())
    told = AccountEvent.position("ETH", 5, "-2", "50")
    assert (told.kind, told.symbol, told.quantity, told.entry_price, told.amount) == (
        "position",
        "ETH",
        Decimal(-2),
        Decimal(50),
        Decimal(0),
    )
    system.step(told)
    assert [(symbol, held.quantity) for symbol, held in system.positions()] == [("ETH", Decimal(-2))]
    system.step(bar(0, 40, "ETH"))
    paid = AccountEvent.transfer(6, "-100")
    assert (paid.kind, paid.amount, paid.symbol, paid.quantity, paid.entry_price) == (
        "transfer",
        Decimal(-100),
        None,
        None,
        None,
    )
    system.step(paid)
    account = system.account()
    assert {name: account[name] for name in ("deposit", "unrealised", "gross_notional")} == {
        "deposit": 9_900,
        "unrealised": 20,
        "gross_notional": 80,
    }
    assert set(account) - {"deposit", "unrealised", "gross_notional"} == {
        "realised",
        "fees",
        "rebates",
        "builder",
        "funding",
        "backstop_loss",
    }
    assert (system.cash, system.equity) == (Decimal(9_900), Decimal(9_920))
    flat = AccountEvent.position("ETH", 7, 0, None)
    assert (flat.quantity, flat.entry_price) == (Decimal(0), None)
    system.step(flat)
    assert (len(system.positions()), system.equity) == (0, Decimal(9_900))


def test_a_position_without_its_price_or_of_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(ParameterError, match="ETH: entry_price = None with quantity = 1: must be above zero"):
        AccountEvent.position("ETH", 5, 1, None)
    with pytest.raises(ParameterError, match=r"entry_price = 5 with quantity = 0: .*None when flat"):
        AccountEvent.position("ETH", 5, 0, 5)
    system = machine(Buys())
    with pytest.raises(ParameterError, match="no symbol `DOGE` here"):
        system.step(AccountEvent.position("DOGE", 5, 1, 1))
    system.step(AccountEvent.funding("DOGE", 5, 1, "0.001", 1))
    assert system.account()["funding"] == -1


def test_builtin_strategies_say_how_many_bars_they_need() -> None:
    assert builtin_warm_up("ma_crossover", {"slow": 50}) == 50
    assert builtin_warm_up("rsi", {"period": 9}) == 10
    assert (builtin_warm_up("grid", {}), builtin_warm_up("market_maker", {})) == (0, 0)
    with pytest.raises(ParameterError, match="slow"):
        builtin_warm_up("ma_crossover", {"slow": 1})
