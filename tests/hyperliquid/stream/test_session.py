"""The rules of the session, each where it was learnt. The numbers are those of the list of traps."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import algo_trade as at
from algo_trade.errors import ParameterError
from algo_trade.hyperliquid.reporting import fill_event
from algo_trade.hyperliquid.stream import (
    AccountFill,
    AccountFunding,
    AccountState,
    CatchUp,
    FillLog,
    Gap,
    History,
    Malformed,
    News,
    OpenOrders,
    OrderNews,
    Overflow,
    PostResult,
    Refused,
    Session,
    SessionSettings,
    StreamChange,
    Subscription,
)
from tests.hyperliquid.stream.exchange import MINUTE_MS, MS, USER, Exchange, message
from tests.hyperliquid.stream.network import START_MS, Network

if TYPE_CHECKING:
    from pathlib import Path

BOOK = Subscription("l2Book", coin="BTC", is_fast=True)
QUOTE = Subscription("bbo", coin="BTC")
TRADES = Subscription("trades", coin="BTC")
BARS = Subscription("candle", coin="BTC", interval="1m")
FILLS = Subscription("userFills", user=USER)
ORDERS = Subscription("orderUpdates", user=USER)
EVENTS = Subscription("userEvents", user=USER)


def network(*subscriptions: Subscription, settings: SessionSettings | None = None, **options: Any) -> Network:
    session = Session({"BTC": "BTC", "ETH": "ETH"}, random=Random(1), settings=settings)
    made = Network(session, Exchange(), Random(2))
    for subscription in subscriptions:
        session.subscribe(subscription, made.now_ns, **options)
    return made


def states(made: Network, subscription: Subscription) -> list[str]:
    return [event.state for event in made.told(StreamChange) if event.subscription == subscription]


def asked(made: Network) -> list[str]:
    return [question["type"] for question in made.exchange.asked]


def test_trap_07_a_connection_that_falls_silent_is_replaced_after_a_ping_without_an_answer() -> None:
    made = network(BOOK)
    made.every(500, lambda: made.exchange.publish("BTC"), START_MS + 200_000)
    made.pass_time(30)
    assert states(made, BOOK) == ["subscribing", "live"]
    made.frozen.update(made.sockets)
    made.pass_time(60)
    assert states(made, BOOK)[-1] == "live"
    assert "stale" in states(made, BOOK)
    assert len(made.opens) == 2


def test_trap_07_a_ping_leaves_at_least_every_20_seconds_however_much_is_sent() -> None:
    made = network(BOOK)
    made.every(500, lambda: made.exchange.publish("BTC"), START_MS + 200_000)
    made.pass_time(100)
    pings = [request for request in made.exchange.received if request["method"] == "ping"]
    assert 5 <= len(pings) <= 7
    with pytest.raises(ParameterError, match="at most 20"):
        SessionSettings(ping_every_s=30)


def test_trap_07_an_acknowledgement_proves_nothing() -> None:
    made = network(BOOK)
    made.exchange.muted.add("l2Book")
    made.pass_time(5)
    assert states(made, BOOK) == ["subscribing"]
    made.pass_time(60)
    assert "live" not in states(made, BOOK)
    assert len(made.opens) > 1


def test_trap_08_after_a_reconnection_the_account_is_looked_up_before_its_streams_are_live() -> None:
    made = network(FILLS, ORDERS, EVENTS)
    made.pass_time(5)
    assert set(asked(made)) == {"frontendOpenOrders", "userFillsByTime", "clearinghouseState"}
    made.exchange.asked.clear()
    made.events.clear()
    made.cut(next(iter(made.sockets)))
    made.exchange.order("BTC")
    made.pass_time(5)
    assert states(made, ORDERS) == ["waiting", "subscribing", "catching up", "live"]
    assert set(asked(made)) == {"frontendOpenOrders", "userFillsByTime", "clearinghouseState"}
    assert made.told(AccountState)
    assert len(made.told(OpenOrders)[-1].orders) == 1
    kinds = [(type(event), getattr(event, "subscription", None), getattr(event, "state", "")) for event in made.events]
    assert kinds.index((OpenOrders, None, "")) < kinds.index((StreamChange, ORDERS, "live"))


def test_trap_08_a_look_up_that_fails_is_asked_again_and_nothing_is_live_before() -> None:
    made = network(ORDERS)
    made.session.due(made.now_ns)
    (opened,) = made.session.actions()
    made.open(opened.socket, is_refused=False)  # type: ignore[union-attr]
    for send in made.session.actions():
        for socket, text in made.exchange.take(send.socket, send.message):  # type: ignore[union-attr]
            made.session.received(socket, text, made.now_ns)
    questions = [action for action in made.session.actions() if isinstance(action, CatchUp)]
    assert len(questions) == 3
    for question in questions:
        made.session.failed(question.request, made.now_ns)
    made.pass_time(40)
    assert states(made, ORDERS)[-1] == "live"
    assert len(made.exchange.asked) >= 3


def test_trap_09_a_fill_is_told_once_whether_by_snapshot_stream_or_look_up() -> None:
    made = network(FILLS, EVENTS)
    made.pass_time(2)
    made.push(made.exchange.fill("BTC"))
    made.pass_time(2)
    for _ in range(3):
        made.cut(next(iter(made.sockets)))
        made.exchange.fill("BTC")
        made.pass_time(10)
    assert [fill.trade_id for fill in made.told(AccountFill)] == [fill["tid"] for fill in made.exchange.fills]


def test_trap_09_what_was_known_of_fills_survives_a_restart() -> None:
    made = network(FILLS)
    made.pass_time(2)
    made.push(made.exchange.fill("BTC"))
    made.pass_time(2)
    log = made.session.fills(USER)
    assert log is not None
    stored = orjson.loads(orjson.dumps(log.dump()))
    again = Session({"BTC": "BTC"}, random=Random(5))
    again.subscribe(FILLS, made.now_ns, fills=FillLog.load(stored))
    later = Network(again, made.exchange, Random(6))
    later.now_ms = made.exchange.now_ms = made.now_ms + 60_000
    made.exchange.fill("BTC")
    later.pass_time(5)
    (fill,) = later.told(AccountFill)
    assert fill.trade_id == made.exchange.fills[-1]["tid"]


def test_trap_09_the_memory_of_fills_is_bounded_and_what_is_older_counts_as_known() -> None:
    log = FillLog(0, most=10)
    fills = [{"coin": "BTC", "trade_id": n, "time": n, "oid": 1} for n in range(1, 31)]
    assert all(log.add(fill) for fill in fills)
    assert len(log) == 10
    assert not any(log.add(fill) for fill in fills)


def test_trap_09_fills_beyond_a_page_are_asked_for_page_by_page() -> None:
    made = network(FILLS, settings=SessionSettings(fills_page=2000))
    made.pass_time(2)
    made.cut(next(iter(made.sockets)))
    for _ in range(4500):
        made.exchange.now_ms += 1
        made.exchange.fill("BTC")
    made.now_ms = made.exchange.now_ms
    made.pass_time(30)
    assert [fill.trade_id for fill in made.told(AccountFill)] == [fill["tid"] for fill in made.exchange.fills]


def test_trap_10_a_fill_is_told_though_its_order_was_never_acknowledged() -> None:
    made = network(FILLS, ORDERS)
    made.pass_time(2)
    made.push(made.exchange.fill("BTC"))
    made.pass_time(1)
    (fill,) = made.told(AccountFill)
    event = fill_event(fill, fill.cloid or "", made.now_ns)
    assert (event.cloid, event.quantity, event.time_ns) == (fill.cloid, Decimal(1), fill.time_ns)


def test_trap_26_an_unknown_status_and_an_unknown_channel_reach_the_user() -> None:
    made = network(ORDERS)
    made.pass_time(2)
    made.push(made.exchange.order("BTC", status="moonPhase"))
    socket = next(iter(made.sockets))
    made.session.received(socket, message("webData9", {}), made.now_ns)
    made.pass_time(1)
    assert [news.status for news in made.told(OrderNews)] == ["moonPhase"]
    assert [news.data for news in made.told(News)] == ["webData9"]
    assert made.session.unknown == {"webData9": 1}


def test_trap_31_already_subscribed_is_as_good_as_an_acknowledgement() -> None:
    made = network(ORDERS)
    made.exchange.is_answering_subscriptions = False
    made.pass_time(60)
    # The first request was never answered; the second was told that there is nothing to do.
    assert states(made, ORDERS)[-1] == "live"
    assert len(made.opens) == 1
    assert made.told(Refused) == []


def test_trap_31_a_stream_that_is_wanted_twice_is_asked_for_once() -> None:
    made = network(BOOK, BOOK)
    made.pass_time(2)
    assert [request["method"] for request in made.exchange.received] == ["subscribe"]
    made.session.unsubscribe(BOOK, made.now_ns)
    made.pass_time(1)
    assert len(made.sockets) == 1
    made.session.unsubscribe(BOOK, made.now_ns)
    made.pass_time(1)
    assert made.sockets == set()
    made.pass_time(100)
    assert len(made.opens) == 1


def test_trap_34_funding_belongs_to_its_hour_and_is_told_once() -> None:
    funding = Subscription("userFundings", user=USER)
    made = network(funding, EVENTS)
    made.pass_time(2)
    hour_ms = (START_MS // 3_600_000 + 1) * 3_600_000
    payment = {"time": hour_ms + 83, "coin": "BTC", "usdc": "-0.1", "szi": "1.0", "fundingRate": "0.0000125"}
    (socket,) = made.sockets
    texts = [
        message("userFundings", {"user": USER, "fundings": [payment]}),
        message("user", {"funding": payment | {"time": hour_ms + 91}}),
    ]
    for text in texts:
        made.session.received(socket, text, hour_ms * MS)
    made.pass_time(1)
    (told,) = made.told(AccountFunding)
    assert (told.hour_ns, told.amount) == (hour_ms * MS, Decimal("-0.1"))


def test_trap_35_a_bar_is_told_once_when_the_next_begins_or_its_end_has_passed() -> None:
    made = network(BARS, BOOK)
    made.every(500, lambda: made.exchange.publish("BTC"), START_MS + 400_000)
    made.run(START_MS + MINUTE_MS)
    for _ in range(3):
        made.push(made.exchange.trade("BTC"))
        made.pass_time(5)
    assert made.told(at.Bar) == []
    made.pass_time(70)
    (bar,) = made.told(at.Bar)
    assert bar.trades == 3
    made.push(made.exchange.push("candle", "BTC", message("candle", next(iter(made.exchange.bars["BTC"].values())))))
    made.pass_time(100)
    assert len(made.told(at.Bar)) == 1


def test_trap_35_bars_of_a_gap_are_fetched_and_the_unfinished_last_one_waits() -> None:
    made = network(BARS, BOOK)
    made.every(500, lambda: made.exchange.publish("BTC"), START_MS + 900_000)
    made.pass_time(2)
    made.push(made.exchange.trade("BTC"))
    made.pass_time(1)
    made.cut(next(iter(made.sockets)))
    made.session.due(made.now_ns)
    for _ in range(3):
        made.now_ms = made.exchange.now_ms = made.now_ms + MINUTE_MS
        made.exchange.trade("BTC")
    made.pass_time(5)
    assert len(made.told(at.Bar)) == 3
    made.pass_time(120)
    told = [bar.open_time_ns // MS for bar in made.told(at.Bar)]
    assert told == sorted(made.exchange.bars["BTC"])


def test_trap_39_what_cannot_fit_is_refused_at_once_and_changes_nothing() -> None:
    made = network(settings=SessionSettings(users_max=2, subscriptions_max=4, connections_max=2))
    users = ["0x" + f"{n:040x}" for n in range(3)]
    for user in users[:2]:
        made.session.subscribe(Subscription("orderUpdates", user=user), made.now_ns)
    with pytest.raises(ParameterError, match="beyond 2 users"):
        made.session.subscribe(Subscription("orderUpdates", user=users[2]), made.now_ns)
    made.session.subscribe(BOOK, made.now_ns)
    made.session.subscribe(QUOTE, made.now_ns)
    with pytest.raises(ParameterError, match="beyond 4 subscriptions"):
        made.session.subscribe(TRADES, made.now_ns)
    assert len(made.session.status(made.now_ns)) == 4
    # Messages of orders name no user: each of the two has a connection of its own, and the rest shares one.
    made.pass_time(1)
    assert len(made.opens) == 2


def test_trap_39_a_connection_too_many_is_refused() -> None:
    made = network(settings=SessionSettings(connections_max=1))
    made.session.subscribe(Subscription("l2Book", coin="BTC"), made.now_ns)
    with pytest.raises(ParameterError, match="needs a connection of its own"):
        made.session.subscribe(BOOK, made.now_ns)


def test_hundreds_of_streams_share_one_connection() -> None:
    coins = {f"C{n}": f"C{n}" for n in range(400)}
    session = Session(coins, random=Random(1))
    made = Network(session, Exchange(), Random(2))
    for coin in coins:
        session.subscribe(Subscription("l2Book", coin=coin, is_fast=True), made.now_ns)
        session.subscribe(Subscription("bbo", coin=coin), made.now_ns)
    made.pass_time(2)
    assert len(made.opens) == 1
    assert {status.state for status in session.status(made.now_ns)} == {"live"}


def test_trap_41_a_frozen_stream_is_stale_while_the_socket_lives_and_is_asked_for_again() -> None:
    made = network(BOOK, QUOTE)
    made.every(500, lambda: [*made.exchange.publish("BTC"), *made.exchange.move("BTC")], START_MS + 200_000)
    made.pass_time(10)
    made.exchange.muted.add("l2Book")
    made.pass_time(4)
    assert states(made, BOOK)[-1] == "stale"
    assert states(made, QUOTE)[-1] == "live"
    made.exchange.muted.clear()
    made.pass_time(2)
    assert states(made, BOOK)[-1] == "live"
    assert len(made.opens) == 1


def test_trap_41_messages_that_are_old_by_their_own_time_do_not_keep_a_stream_alive() -> None:
    made = network(BOOK)
    made.pass_time(1)
    (socket,) = made.sockets
    stuck = made.exchange.book_message("l2Book", "BTC")
    for _ in range(20):
        made.session.received(socket, stuck, made.now_ns)
        made.pass_time(0.5)
    assert "stale" in states(made, BOOK)


def test_trap_41_a_quote_that_does_not_change_is_checked_against_the_book() -> None:
    made = network(QUOTE)
    made.pass_time(300)
    assert set(asked(made)) == {"l2Book"}
    assert states(made, QUOTE)[-1] == "live"
    assert len(made.opens) == 1
    # It moves, and the stream keeps it to itself.
    made.exchange.muted.add("bbo")
    made.exchange.move("BTC")
    made.pass_time(33)
    assert "live" not in states(made, QUOTE)[-2:]
    assert "stale" in states(made, QUOTE)
    assert made.told(at.Quote)[-1].bid_price == Decimal(101)


def test_trades_of_the_past_are_history_and_a_gap_that_cannot_be_closed_is_told() -> None:
    made = network()
    for _ in range(5):
        made.exchange.now_ms += 100
        made.exchange.trade("BTC")
    made.now_ms = made.exchange.now_ms = made.now_ms + 60_000
    made.session.subscribe(TRADES, made.now_ns)
    made.pass_time(2)
    (history,) = made.told(History)
    assert len(history.trades) == 5
    assert made.told(at.Trade) == []
    made.push(made.exchange.trade("BTC"))
    made.pass_time(1)
    assert len(made.told(at.Trade)) == 1
    made.cut(next(iter(made.sockets)))
    for _ in range(1100):
        made.exchange.now_ms += 1
        made.exchange.trade("BTC")
    made.now_ms = made.exchange.now_ms
    made.pass_time(5)
    (gap,) = made.told(Gap)
    assert gap.from_ns < gap.to_ns
    past = [trade.trade_id for event in made.told(History) for trade in event.trades]
    assert len(past) == len(set(past)) == 1005


def test_books_coalesce_and_fills_never_drop() -> None:
    made = network(BOOK, FILLS)
    made.pass_time(2)
    made.is_taking = False
    for _ in range(50):
        made.push([*made.exchange.publish("BTC"), *made.exchange.fill("BTC")])
        made.pass_time(0.01)
    made.is_taking = True
    made.events.clear()
    made.pass_time(0.1)
    assert len(made.told(at.BookSnapshot)) == 1
    assert len(made.told(AccountFill)) == 50


def test_a_consumer_that_is_too_slow_is_told_and_then_gets_everything() -> None:
    made = network(FILLS, TRADES, settings=SessionSettings(queue_max=30))
    made.pass_time(2)
    made.is_taking = False
    for _ in range(40):
        made.push([*made.exchange.fill("BTC"), *made.exchange.trade("BTC")])
        made.pass_time(1)
    assert made.sockets == set()
    made.is_taking = True
    made.pass_time(60)
    assert len(made.told(Overflow)) == 1
    assert [fill.trade_id for fill in made.told(AccountFill)] == [fill["tid"] for fill in made.exchange.fills]
    assert states(made, FILLS)[-1] == "live"


def test_a_message_that_cannot_be_read_is_told_and_an_account_is_looked_up_for_it() -> None:
    made = network(FILLS)
    made.pass_time(2)
    made.exchange.fill("BTC")
    made.session.received(next(iter(made.sockets)), b'{"channel":"userFills","data":{"fills":', made.now_ns)
    made.pass_time(2)
    (malformed,) = made.told(Malformed)
    assert "userFills" in malformed.message.decode()
    assert states(made, FILLS)[-2:] == ["catching up", "live"]
    assert len(made.told(AccountFill)) == 1


def test_posts_are_answered_refused_not_sent_or_of_unknown_outcome() -> None:
    made = network()
    session = made.session
    numbers = [
        session.post(b'{"type":"l2Book","coin":"BTC"}', made.now_ns, is_action=False),
        session.post(b'{"action":{"type":"noop"}}', made.now_ns, is_action=True),
    ]
    made.pass_time(1)
    assert [(r.request, r.outcome) for r in made.results] == [(n, "answered") for n in numbers]
    made.exchange.is_answering_posts = False
    lost = session.post(b"{}", made.now_ns, is_action=True)
    made.pass_time(0.01)
    made.cut(next(iter(made.sockets)))
    made.settle()
    assert (made.results[-1].request, made.results[-1].outcome) == (lost, "unknown")
    made.pass_time(5)
    late = session.post(b"{}", made.now_ns, is_action=True)
    made.pass_time(11)
    assert (made.results[-1].request, made.results[-1].outcome) == (late, "unknown")
    refused = session.post(b"{}", made.now_ns, is_action=False)
    made.pass_time(0.01)
    text = f"too many pending post requests id={refused}"
    session.received(next(iter(made.sockets)), message("error", text), made.now_ns)
    made.settle()
    assert made.results[-1] == PostResult(refused, is_action=False, outcome="refused", data=text)


def test_a_post_without_a_connection_is_not_sent() -> None:
    session = Session({}, random=Random(1))
    session.post(b"{}", START_MS * MS, is_action=True)
    session.actions()
    session.due((START_MS + 60_000) * MS)
    assert [a.outcome for a in session.actions() if isinstance(a, PostResult)] == ["not sent"]


def test_no_more_posts_are_in_flight_than_the_exchange_allows() -> None:
    made = network(settings=SessionSettings(posts_max=3))
    made.exchange.is_answering_posts = False
    for _ in range(5):
        made.session.post(b"{}", made.now_ns, is_action=True)
    made.pass_time(1)
    assert sum(request["method"] == "post" for request in made.exchange.received) == 3
    made.pass_time(20)
    assert sorted(result.outcome for result in made.results) == ["not sent"] * 2 + ["unknown"] * 3


@pytest.mark.parametrize(
    ("kind", "parts", "error"),
    [
        ("webData2", {"user": USER}, "is not a stream"),
        ("l2Book", {}, "needs coin"),
        ("bbo", {"coin": "BTC", "user": USER}, "has no user"),
        ("candle", {"coin": "BTC", "interval": "7m"}, "interval = 7m"),
        ("userFills", {"user": "0x12"}, "40 hex digits"),
        ("trades", {"coin": "BTC", "is_fast": True}, "has no is_fast"),
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused(kind: Any, parts: dict[str, Any], error: str) -> None:
    with pytest.raises(ParameterError, match=error):
        Subscription(kind, **parts)


def test_the_recorded_fill_of_a_liquidation_is_told_from_the_fills_stream(shared_data: Path) -> None:
    path = shared_data / "hyperliquid" / "payloads" / "ws_user_fill_liquidation.json"
    if not path.is_file():
        pytest.skip(f"no recording at {path}")
    fills = orjson.loads(path.read_bytes())["data"]["fills"]
    made = network(FILLS, fills=FillLog(0))
    made.pass_time(1)
    text = message("userFills", {"user": USER, "fills": fills})
    for _ in range(2):
        made.session.received(next(iter(made.sockets)), text, made.now_ns)
    made.settle()
    (fill,) = made.told(AccountFill)
    assert fill.data["liquidation"]["method"] == fills[0]["liquidation"]["method"]
