"""Limits outside a strategy's reach: each one refuses what it should, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import algo_trade as at
from algo_trade.risk.exposure import Exposure, Wish
from algo_trade.risk.limits import LimitCheck, Limits, LossState, LossWatch
from algo_trade.risk.portfolio import Portfolio

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
EQUITY = Decimal(10_000)
ONE = f"0x{1:032x}"
OTHER = f"0x{9:032x}"


def wish(
    quantity: Any,
    price: Any = 100,
    *,
    side: str = "buy",
    cloid: str = ONE,
    symbol: str = "BTC",
    reduce_only: bool = False,
) -> Wish:
    at_price = None if price is None else Decimal(price)
    return Wish(cloid, symbol, side == "buy", Decimal(quantity), at_price, reduce_only)


def fill(quantity: Any, *, side: str = "buy", cloid: str = ONE, symbol: str = "BTC") -> at.FillEvent:
    return at.FillEvent(symbol, cloid=cloid, side=side, price=100, quantity=quantity, fee=0, time=1)


def ended(cloid: str = ONE, symbol: str = "BTC") -> at.OrderUpdate:
    return at.OrderUpdate(symbol, cloid=cloid, status="cancelled", time=1, reason="requested")


def priced(**prices: int) -> Exposure:
    exposure = Exposure()
    for symbol, price in (prices or {"BTC": 100}).items():
        exposure.hear(at.MarketContext(symbol, 1, price))
    return exposure


def refusal(limits: Limits, asked: Wish, exposure: Exposure | None = None, now_ns: int = 0) -> str | None:
    return LimitCheck(limits).refusal(asked, exposure or priced(), EQUITY, now_ns)


def test_without_limits_everything_passes_that_has_a_price() -> None:
    assert refusal(Limits(), wish(10**6)) is None
    assert refusal(Limits(), wish(1, None)) is None
    assert refusal(Limits(), wish(1, None), Exposure()) == "there is no price yet to judge it by"


def test_an_order_may_be_worth_so_much_and_no_more() -> None:
    limits = Limits(max_order_notional=Decimal(1000))
    assert refusal(limits, wish(10)) is None
    assert refusal(limits, wish("10.1")) == "it is worth 1010.00, above max_order_notional = 1000"
    assert refusal(limits, wish(10, None, side="sell")) is None
    assert "1010.00" in str(refusal(limits, wish("10.1", 50, side="sell"))), "it would be filled at the market"
    assert refusal(limits, wish(100, reduce_only=True)) is None, "what takes risk away always passes"


def test_a_limit_may_be_so_far_from_the_mark_even_where_it_reduces() -> None:
    limits = Limits(max_price_distance=Decimal("0.05"))
    assert refusal(limits, wish(1, 105)) is None
    assert refusal(limits, wish(1, 95)) is None
    assert refusal(limits, wish(1, "105.01")) == "price 105.01 is more than max_price_distance = 0.05 from 100"
    assert refusal(limits, wish(1, 90, reduce_only=True)) is not None
    assert refusal(limits, wish(1, None)) is None


def test_a_position_counts_with_all_that_is_on_its_way() -> None:
    limits, exposure = Limits(max_position_notional=Decimal(1000)), priced()
    check = LimitCheck(limits)
    for number in range(3):
        one = wish(3, cloid=f"0x{number:032x}")
        assert check.refusal(one, exposure, EQUITY, 0) is None
        exposure.asked(one)
    assert check.refusal(wish(3, cloid=OTHER), exposure, EQUITY, 0) == (
        "with it BTC could come to 1200.00, above max_position_notional = 1000"
    )
    # The other way there is room, and what was filled is held as it was asked for.
    assert check.refusal(wish(10, cloid=OTHER, side="sell"), exposure, EQUITY, 0) is None
    exposure.told(fill(3, cloid=f"0x{0:032x}"))
    exposure.told(ended())
    assert exposure.position("BTC") == 3
    assert exposure.furthest("BTC") == 6
    assert check.refusal(wish(4, cloid=OTHER), exposure, EQUITY, 0) is None
    assert check.refusal(wish("4.1", cloid=OTHER), exposure, EQUITY, 0) is not None


def test_a_change_is_judged_by_what_it_makes_of_the_order() -> None:
    exposure = priced()
    exposure.asked(wish(9))
    check = LimitCheck(Limits(max_position_notional=Decimal(1000)))
    assert check.refusal(wish(10), exposure, EQUITY, 0) is None, "it replaces the nine"
    assert check.refusal(wish(11), exposure, EQUITY, 0) is not None
    exposure.asked(wish(2))
    assert exposure.furthest("BTC") == 9, "until the change is answered, the larger of both may be filled"


def test_leverage_counts_all_symbols_over_equity() -> None:
    exposure = priced(BTC=100, ETH=10)
    exposure.told(fill(100, symbol="BTC", side="sell"))
    limits = Limits(max_leverage=Decimal("1.5"))
    assert refusal(limits, wish(500, 10, symbol="ETH"), exposure) is None
    assert refusal(limits, wish(501, 10, symbol="ETH"), exposure) == (
        "with it 15010.00 could be in the market, above max_leverage = 1.5 times 10000.00"
    )


def test_so_many_orders_pass_in_a_second_and_what_reduces_is_free() -> None:
    check, exposure = LimitCheck(Limits(max_orders_per_second=Decimal(5))), priced()

    def passes(now_ns: int, *, reduce_only: bool = False) -> bool:
        return check.refusal(wish(1, reduce_only=reduce_only), exposure, EQUITY, now_ns) is None

    assert [passes(0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert passes(0, reduce_only=True)
    assert [passes(SECOND // 5) for _ in range(2)] == [True, False]
    assert sum(passes(10 * SECOND) for _ in range(20)) == 5, "what was not used does not add up"


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(1, 50), st.booleans()), max_size=40))
def test_no_sequence_of_orders_fills_and_ends_leaves_the_limit_behind(steps: list[tuple[int, bool, int, bool]]) -> None:
    """Whatever passes: if all of it is filled, the position is within its limit at every instant."""
    exposure, check = priced(), LimitCheck(Limits(max_position_notional=Decimal(5_000)))
    open_orders: dict[str, Wish] = {}
    for number, (what, is_buy, quantity, _) in enumerate(steps):
        if what < 2 or not open_orders:
            one = wish(quantity, cloid=f"0x{number:032x}", side="buy" if is_buy else "sell")
            if check.refusal(one, exposure, EQUITY, 0) is None:
                exposure.asked(one)
                open_orders[one.cloid] = one
        else:
            cloid, one = open_orders.popitem()
            if what == 2:
                exposure.told(fill(one.quantity, cloid=cloid, side="buy" if one.is_buy else "sell"))
            exposure.told(ended(cloid))
        buys = sum(o.quantity for o in open_orders.values() if o.is_buy)
        sells = sum(o.quantity for o in open_orders.values() if not o.is_buy)
        held = exposure.position("BTC")
        assert abs(held + buys) <= 50
        assert abs(held - sells) <= 50


def test_a_loss_counts_from_the_beginning_of_its_day() -> None:
    watch = LossWatch(Limits(max_daily_loss=Decimal(500)))
    assert watch.breach(Decimal(10_000), 1) is None
    assert watch.breach(Decimal(10_900), 2) is None, "what was won before does not count"
    assert watch.breach(Decimal(9_501), 3) is None
    assert watch.breach(Decimal(9_500), 4) == "500.00 were lost today, max_daily_loss = 500"
    assert watch.breach(Decimal(9_500), DAY) is None, "another day"
    assert watch.breach(Decimal(9_000), DAY + 1) is not None


def test_a_drawdown_counts_from_the_highest_there_was() -> None:
    watch = LossWatch(Limits(max_drawdown=Decimal("0.1")))
    assert [watch.breach(Decimal(equity), DAY * day) for day, equity in enumerate((100, 200, 181))] == [None] * 3
    assert watch.breach(Decimal(180), 3 * DAY) == "equity is 10.00% below its highest, max_drawdown = 0.1"


def test_a_restart_forgives_nothing() -> None:
    limits = Limits(max_daily_loss=Decimal(500), max_drawdown=Decimal("0.5"))
    watch = LossWatch(limits)
    watch.breach(Decimal(10_000), 1)
    watch.breach(Decimal(9_600), 2)
    again = LossWatch(limits, watch.state)
    assert again.state == LossState(0, Decimal(10_000), Decimal(10_000))
    assert again.breach(Decimal(9_500), 3) is not None


def joined(limits: Limits) -> Portfolio:
    portfolio = Portfolio(limits)
    for bot_id in ("a", "b"):
        portfolio.join(bot_id)
    return portfolio


def test_all_bots_together_have_limits_and_what_one_asks_for_counts_at_once_for_the_others() -> None:
    portfolio = joined(Limits(max_position_notional=Decimal(1000), max_leverage=Decimal(1)))
    portfolio.owns("a", Decimal(1_000), Decimal(1_000))
    portfolio.owns("b", Decimal(500), Decimal(1_000))
    first, second = priced(BTC=100, ETH=10), priced(BTC=100, ETH=10)
    asked = wish(7)
    assert portfolio.refusal("a", asked, first, 0) is None
    first.asked(asked)
    assert portfolio.refusal("b", wish(4, side="sell"), second, 0) == (
        "with it all bots could come to 1100.00 of BTC, above max_position_notional = 1000 of all bots"
    )
    assert portfolio.refusal("b", wish(3), second, 0) is None
    second.asked(wish(3))
    assert portfolio.refusal("b", wish(51, 10, symbol="ETH", cloid=OTHER), second, 0) == (
        "with it all bots could have 1510.00 in the market, above max_leverage = 1 times 1500.00 of all bots"
    )
    first.told(ended())
    portfolio.changed("a", "BTC", first)
    assert portfolio.refusal("b", wish(51, 10, symbol="ETH", cloid=OTHER), second, 0) is None
    portfolio.forget("b")
    assert portfolio.refusal("a", wish(10), first, 0) is None


def test_what_one_order_may_be_is_the_same_for_a_bot_and_for_all() -> None:
    portfolio = Portfolio(Limits(max_order_notional=Decimal(1000), max_price_distance=Decimal("0.05")))
    assert portfolio.refusal("a", wish("10.1", None), priced(), 0) == (
        "it is worth 1010.00, above max_order_notional = 1000 of all bots"
    )
    assert portfolio.refusal("a", wish(1, 90, reduce_only=True), priced(), 0) == (
        "price 90 is more than max_price_distance = 0.05 from 100 of all bots"
    )
    assert portfolio.refusal("a", wish(10), priced(), 0) is None


def test_all_bots_together_lose_only_so_much() -> None:
    portfolio = joined(Limits(max_daily_loss=Decimal(100)))
    assert portfolio.breach(0) is None
    portfolio.owns("a", Decimal(1_000), Decimal(1_000))
    portfolio.owns("b", Decimal(1_000), Decimal(1_000))
    assert portfolio.breach(1) is None
    portfolio.owns("a", Decimal(880), Decimal(1_000))
    portfolio.owns("b", Decimal(1_030), Decimal(1_000))
    assert portfolio.breach(2) is None
    portfolio.owns("b", Decimal(1_020), Decimal(1_000))
    assert portfolio.breach(3) == "100.00 were lost today, max_daily_loss = 100"


def test_what_a_bot_comes_with_is_no_profit_and_what_it_takes_along_no_loss() -> None:
    portfolio = joined(Limits(max_daily_loss=Decimal(100), max_drawdown=Decimal("0.5")))
    portfolio.owns("a", Decimal(1_000), Decimal(1_000))
    assert portfolio.breach(0) is None
    portfolio.owns("a", Decimal(950), Decimal(1_000))
    portfolio.owns("b", Decimal(5_000), Decimal(1_000))
    assert portfolio.breach(1) is None
    portfolio.owns("b", Decimal(4_960), Decimal(1_000))
    portfolio.forget("b")
    assert portfolio.breach(2) is None
    portfolio.owns("b", Decimal(4_000), Decimal(1_000))
    assert portfolio.breach(3) is None, "a strategy that hung and goes on after its end does not count"
    portfolio.limits = Limits(max_daily_loss=Decimal(90))
    assert portfolio.breach(4) == "90.00 were lost today, max_daily_loss = 90", "other limits forgive nothing"


def restarted(portfolio: Portfolio, limits: Limits) -> Portfolio:
    """Return the portfolio of the next process, once its bots are there."""
    for bot_id in ("a", "b"):
        portfolio.forget(bot_id)
    again = Portfolio(limits, portfolio.loss)
    for bot_id in ("a", "b"):
        again.join(bot_id)
    return again


def test_a_restart_forgives_all_bots_together_nothing() -> None:
    limits = Limits(max_daily_loss=Decimal(100), max_drawdown=Decimal("0.06"))
    portfolio = joined(limits)
    for equity in (1_000, 960):
        for bot_id in ("a", "b"):
            portfolio.owns(bot_id, Decimal(equity), Decimal(1_000))
        assert portfolio.breach(0) is None
    for _ in range(2):
        portfolio = restarted(portfolio, limits)
        assert portfolio.breach(1) is None
        portfolio.owns("a", Decimal(960), Decimal(1_000))
        assert portfolio.breach(1) is None, "who is there first is judged as all were together"
        portfolio.owns("b", Decimal(960), Decimal(1_000))
        assert portfolio.breach(1) is None
    portfolio.limits = Limits(max_daily_loss=Decimal(100))
    portfolio.owns("b", Decimal(940), Decimal(1_000))
    assert portfolio.breach(2) == "100.00 were lost today, max_daily_loss = 100"
    portfolio.limits = Limits(max_drawdown=Decimal("0.05"))
    assert portfolio.breach(2) == "equity is 5.00% below its highest, max_drawdown = 0.05"


def test_what_a_bot_loses_while_nobody_looks_counts_and_other_capital_does_not() -> None:
    limits = Limits(max_daily_loss=Decimal(100))
    portfolio = joined(limits)
    portfolio.owns("a", Decimal(1_000), Decimal(1_000))
    assert portfolio.breach(0) is None
    again = restarted(portfolio, limits)
    again.owns("a", Decimal(4_901), Decimal(5_000))
    assert again.breach(1) is None
    again = restarted(again, limits)
    again.owns("a", Decimal(900), Decimal(1_000))
    assert again.breach(2) == "100.00 were lost today, max_daily_loss = 100"
    again.forget("a")
    again.drop("a")
    again = restarted(again, limits)
    again.owns("a", Decimal(500), Decimal(1_000))
    assert again.breach(3) == "100.00 were lost today, max_daily_loss = 100", "another bot begins with what it has"


def test_each_day_begins_anew_for_all_bots_together_after_a_restart_too() -> None:
    day_ns = 86_400 * 1_000_000_000
    limits = Limits(max_daily_loss=Decimal(100))
    portfolio = joined(limits)
    portfolio.owns("a", Decimal(1_000), Decimal(1_000))
    assert portfolio.breach(day_ns - 2) is None
    portfolio.owns("a", Decimal(900), Decimal(1_000))
    for now_ns, is_broken in ((day_ns - 1, True), (day_ns, False)):
        again = restarted(portfolio, limits)
        again.owns("a", Decimal(900), Decimal(1_000))
        assert (again.breach(now_ns) is not None) is is_broken
        portfolio = again


@pytest.mark.parametrize("limit", list(Limits.__dataclass_fields__))
def test_every_limit_of_the_configuration_is_known_here(limit: str) -> None:
    from algo_trade.config.models import RiskLimits

    assert limit in RiskLimits.model_fields
    assert set(RiskLimits.model_fields) == set(Limits.__dataclass_fields__)
