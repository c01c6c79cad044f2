"""Under every fault of a seed, and then none: all streams become good, and nothing was lost or told twice."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

import algo_trade as at
from algo_trade.hyperliquid.stream import (
    AccountFill,
    Gap,
    History,
    OpenOrders,
    OrderNews,
    Session,
    Subscription,
)
from tests.hyperliquid.stream.exchange import MINUTE_MS, MS, USER, Exchange
from tests.hyperliquid.stream.network import CALM, START_MS, Faults, Network

COINS = {"BTC": "BTC", "ETH": "ETH", "@107": "HYPE/USDC"}
SUBSCRIPTIONS = [
    *(Subscription("l2Book", coin=coin, is_fast=True) for coin in COINS),
    *(Subscription("bbo", coin=coin) for coin in COINS),
    *(Subscription("trades", coin=coin) for coin in COINS),
    *(Subscription("candle", coin=coin, interval="1m") for coin in COINS),
    Subscription("l2Book", coin="BTC"),
    Subscription("userFills", user=USER),
    Subscription("orderUpdates", user=USER),
    Subscription("userEvents", user=USER),
]
CHAOS_MS, CALM_MS = 600_000, 400_000


def world(seed: int) -> Network:
    random = Random(seed)
    chance = random.random
    faults = Faults(
        delay_ms=1 + random.randrange(2000),
        drop=0.05 * chance(),
        twice=0.3 * chance(),
        cut=0.002 * chance(),
        freeze=0.001 * chance(),
        refuse=0.5 * chance(),
        fail=0.5 * chance(),
    )
    session = Session(COINS, random=Random(seed + 1))
    network = Network(session, Exchange(), random, faults)
    for subscription in SUBSCRIPTIONS:
        session.subscribe(subscription, network.now_ns)
    exchange, until = network.exchange, START_MS + CHAOS_MS + CALM_MS
    for coin in COINS:
        network.every(500, lambda coin=coin: exchange.publish(coin), until)  # type: ignore[misc]
        network.every(2000, lambda coin=coin: exchange.move(coin), until)  # type: ignore[misc]
        network.every(3000, lambda coin=coin: exchange.trade(coin), until)  # type: ignore[misc]
        network.every(9000, lambda coin=coin: exchange.fill(coin), until)  # type: ignore[misc]
        network.every(9000, lambda coin=coin: exchange.order(coin), until)  # type: ignore[misc]

    def end_an_order() -> list[tuple[int, bytes]]:
        oids = sorted(exchange.orders)
        return exchange.order("BTC", status="canceled", oid=random.choice(oids)) if oids else []

    network.every(4000, end_an_order, until)
    return network


@pytest.mark.parametrize("seed", range(12))
def test_after_the_faults_every_stream_is_live_and_nothing_is_lost_or_told_twice(seed: int) -> None:
    network = world(seed)
    network.run(START_MS + CHAOS_MS)
    network.faults = CALM
    network.run(START_MS + CHAOS_MS + CALM_MS)
    assert network.states() == {str(subscription): "live" for subscription in SUBSCRIPTIONS}
    # Nothing moves any more: quotes are checked against the book, and stay good; books go stale.
    network.pass_time(130)
    exchange = network.exchange
    books = {str(s) for s in SUBSCRIPTIONS if s.kind == "l2Book"}
    assert {state for name, state in network.states().items() if name not in books} == {"live"}

    fills = Counter(fill.trade_id for fill in network.told(AccountFill))
    assert set(fills) == {fill["tid"] for fill in exchange.fills}
    assert set(fills.values()) <= {1}

    news = Counter((item.oid, item.status, item.time_ns) for item in network.told(OrderNews))
    assert set(news.values()) <= {1}
    assert {row["oid"] for row in network.told(OpenOrders)[-1].orders} == set(exchange.orders)

    told: Counter[int] = Counter()
    for event in network.events:
        if isinstance(event, at.Trade):
            told[event.trade_id] += 1
        elif isinstance(event, History):
            told.update(trade.trade_id for trade in event.trades)
    gaps = network.told(Gap)
    printed = [trade for trades in exchange.trades.values() for trade in trades]
    missed = [trade for trade in printed if trade["tid"] not in told]
    assert all(any(gap.from_ns <= trade["time"] * MS <= gap.to_ns for gap in gaps) for trade in missed)
    assert set(told.values()) <= {1}

    bars = [(bar.symbol, bar.open_time_ns // MS, bar.trades) for bar in network.told(at.Bar)]
    assert len(bars) == len(set(bars)) == len({bar[:2] for bar in bars})
    complete = [
        (COINS[coin], t, bar["n"])
        for coin, rows in exchange.bars.items()
        for t, bar in rows.items()
        if t + MINUTE_MS + 2000 < network.now_ms
    ]
    first = {symbol: min(bar[1] for bar in bars if bar[0] == symbol) for symbol in COINS.values()}
    assert sorted(bars) == sorted(bar for bar in complete if bar[1] >= first[bar[0]])


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_decides_everything(seed: int) -> None:
    runs = []
    for _ in range(2):
        network = world(seed)
        network.run(START_MS + 120_000)
        runs.append((network.opens, network.sends, [repr(event) for event in network.events]))
    assert runs[0] == runs[1]


def test_the_limits_of_the_exchange_hold_in_the_worst_minute() -> None:
    network = world(3)
    network.faults = Faults(refuse=1.0)
    network.pass_time(300)
    network.faults = Faults(cut=0.2, delay_ms=5)
    network.pass_time(600)
    for times, most in ((network.opens, 30), (network.sends, 2000)):
        assert all(later - earlier >= MINUTE_MS for earlier, later in zip(times, times[most:], strict=False))
    assert len(network.opens) > 30
