"""Orders of a system as the exchange takes them, and what a system hears that no order of its own brought about."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade._native import ControlEvent, ModifyOrder, SubmitOrder, System, resolve_capital
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.errors import ParameterError
from algo_trade.hyperliquid import NewOrder, Reach, RefusalKind, Refused
from algo_trade.hyperliquid.commands import changed_order, new_order
from algo_trade.hyperliquid.instruments import ListedInstrument
from algo_trade.hyperliquid.reporting import NOBODY, fill_event, funding_event, is_forced
from algo_trade.hyperliquid.stream.events import AccountFill, AccountFunding
from algo_trade.risk import SimpleRiskManager
from tests.hyperliquid.desk import Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.core import Context

USER = "0x" + "ab" * 20
BTC = ListedInstrument(asset=0, coin="BTC", symbol="BTC", kind="perp", size_decimals=5, max_leverage=40)


class Floor:
    """A system whose strategy does what a test wishes."""

    def __init__(self) -> None:
        self.script = Script()
        self.system = System(
            strategy_part(self.script),
            risk_part(SimpleRiskManager(quantity="1")),
            symbols=["BTC"],
            books=["quote"],
            rules=[BTC.rules],
            initial_capital=resolve_capital(1_000_000),
            bot_id="test",
        )
        self.system.step(ControlEvent.start(1))
        self.system.step(at.Quote("BTC", 2, bid_price=99_990, bid_quantity=1, ask_price=100_010, ask_quantity=1))
        self.now_ns = 2

    def commands(self, wish: Callable[[Context], Any]) -> list[Any]:
        self.script.wishes.append(wish)
        self.now_ns += 1
        return self.system.step(at.Trade("BTC", self.now_ns, price=100_000, quantity=1))

    def placed(self, wish: Callable[[Context], Any], middle: object = 100_000, reach: Reach | None = None) -> Any:
        (command,) = self.commands(wish)
        assert isinstance(command, SubmitOrder)
        price = None if middle is None else Decimal(str(middle))
        return new_order(command.order, BTC, lambda: price, reach or Reach())


def test_a_market_order_is_an_immediate_one_within_reach_of_the_middle() -> None:
    bought = Floor().placed(lambda ctx: ctx.buy("BTC", "0.5"))
    assert (bought.is_buy, bought.price, bought.time_in_force) == (True, 105_000, "ioc")
    sold = Floor().placed(lambda ctx: ctx.sell("BTC", "0.5"), 100_000.5, Reach(market=Decimal("0.01")))
    assert (sold.is_buy, sold.price) == (False, 99_001)
    assert Floor().placed(lambda ctx: ctx.buy("BTC", "0.5"), None).kind is RefusalKind.NO_LIQUIDITY


@pytest.mark.parametrize(
    ("terms", "trigger", "price", "kind", "at_market"),
    [
        ({"stop": 90_000}, 90_000, 81_000, "sl", True),
        ({"stop": 90_000, "price": 89_000}, 90_000, 89_000, "sl", False),
        ({"take_profit": 110_000}, 110_000, 99_000, "tp", True),
        ({"take_profit": 110_000, "price": 109_000}, 110_000, 109_000, "tp", False),
    ],
)
def test_triggers_have_a_limit_of_their_own_or_one_within_reach(
    terms: dict[str, Any], trigger: int, price: int, kind: str, *, at_market: bool
) -> None:
    order = Floor().placed(lambda ctx: ctx.sell("BTC", "0.5", **terms))
    assert (order.trigger_price, order.price, order.trigger) == (trigger, price, kind)
    assert (order.trigger_market, order.is_buy) == (at_market, False)


def test_an_exit_of_a_position_has_no_size_and_only_reduces() -> None:
    order = Floor().placed(lambda ctx: ctx.sell("BTC", "0.5", stop=90_000, for_position=True))
    assert (order.quantity, order.reduce_only) == (0, True)


@pytest.mark.parametrize(
    ("terms", "to", "moved"),
    [
        ({"price": 120_000}, 121_000, (Decimal(121_000), None)),
        ({"stop": 90_000}, 80_000, (Decimal(72_000), Decimal(80_000))),
        ({"stop": 90_000, "price": 89_000}, 88_000, (Decimal(88_000), Decimal(90_000))),
    ],
)
def test_a_change_moves_the_limit_or_else_the_trigger_with_what_follows_from_it(
    terms: dict[str, Any], to: int, moved: tuple[Decimal, Decimal | None]
) -> None:
    floor = Floor()
    (submit,) = floor.commands(lambda ctx: ctx.sell("BTC", "0.5", **terms))
    placed = new_order(submit.order, BTC, lambda: None, Reach())
    assert isinstance(placed, NewOrder)
    (command,) = floor.commands(lambda ctx: ctx.modify(submit.order.cloid, price=to, quantity="0.2"))
    assert isinstance(command, ModifyOrder)
    changed = changed_order(placed, submit.order, command.price, command.quantity, BTC, Reach())
    assert isinstance(changed, NewOrder)
    assert (changed.cloid, changed.quantity) == (submit.order.cloid, Decimal("0.2"))
    assert (changed.price, changed.trigger_price) == moved
    too_little = changed_order(placed, submit.order, command.price, Decimal("0.00001"), BTC, Reach())
    assert isinstance(too_little, Refused)
    assert too_little.kind is RefusalKind.MIN_NOTIONAL


def test_a_reach_is_a_share() -> None:
    with pytest.raises(ParameterError, match="reach: market = 1"):
        Reach(market=Decimal(1))


def fill(**more: Any) -> AccountFill:
    data = {"direction": "Close Long", "liquidation": None} | more
    return AccountFill(
        USER, "BTC", "BTC", 7, None, 1, "sell", Decimal(10), Decimal(2), Decimal(1), "USDC", True, 5, data
    )


@pytest.mark.parametrize(
    ("more", "ours"),
    [
        ({}, False),
        ({"liquidation": {"liquidated_user": USER.upper().replace("0X", "0x")}}, True),
        ({"liquidation": {"liquidated_user": "0x" + "cd" * 20}}, False),
        ({"liquidation": {"liquidated_user": None}}, False),
        ({"direction": "Auto-Deleveraging"}, True),
        ({"direction": "Liquidated Isolated Long"}, True),
        ({"direction": "Settlement"}, True),
        ({"direction": "Something new"}, False),
    ],
)
def test_what_the_exchange_does_to_a_position_is_told_from_trades(more: dict[str, Any], *, ours: bool) -> None:
    assert is_forced(fill(**more)) is ours
    event = fill_event(fill(**more), NOBODY, 9)
    assert (event.reason, event.cloid, event.time_ns) == ("liquidation" if ours else "taker", NOBODY, 5)


def test_funding_that_is_paid_leaves_the_account_and_shows_the_price_that_it_came_from() -> None:
    data = {"size": Decimal(2)}
    event = funding_event(AccountFunding(USER, "BTC", Decimal("-2.5"), Decimal("0.0000125"), 3_600, data))
    assert (event.kind, event.symbol, event.amount, event.rate) == (
        "funding",
        "BTC",
        Decimal("2.5"),
        Decimal("0.0000125"),
    )
    assert event.oracle_price == 100_000
    free = funding_event(AccountFunding(USER, "BTC", Decimal(0), Decimal(0), 3_600, data))
    assert free.oracle_price == 0
