"""What the exchange sends: recorded answers and messages against a reading of the same text by Python's own JSON."""

from __future__ import annotations

import gzip
import json
import re
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import starmap
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade._native import HyperliquidDecoder, HyperliquidMessage
from algo_trade.errors import DataError, ParameterError

if TYPE_CHECKING:
    from pathlib import Path

# Our names, where they are not the exchange's in another spelling.
NAMES = {
    "price": "px",
    "quantity": "sz",
    "orders": "n",
    "trade_id": "tid",
    "direction": "dir",
    "is_taker": "crossed",
    "size": "szi",
    "entry_price": "entryPx",
    "value": "positionValue",
    "liquidation_price": "liquidationPx",
    "cumulative_funding": "cumFunding",
    "margin": "marginSummary",
    "cross_margin": "crossMarginSummary",
    "cross_maintenance_margin": "crossMaintenanceMarginUsed",
    "positions": "assetPositions",
    "total_notional": "totalNtlPos",
    "limit_price": "limitPx",
    "time": "timestamp",
    "original_quantity": "origSz",
    "kind": "type",
    "time_in_force": "tif",
    "trigger_price": "triggerPx",
    "status_time": "statusTimestamp",
    "payment": "delta",
    "amount": "usdc",
    "rate": "fundingRate",
    "samples": "nSamples",
    "size_decimals": "szDecimals",
    "margin_table": "marginTableId",
    "is_isolated_only": "onlyIsolated",
    "open_time": "t",
    "last_time": "T",
    "open": "o",
    "high": "h",
    "low": "l",
    "close": "c",
    "volume": "v",
    "trades": "n",
    "interval": "i",
    "entry_notional": "entryNtl",
    "used": "nRequestsUsed",
    "cap": "nRequestsCap",
    "surplus": "nRequestsSurplus",
    "vault": "vaultAddress",
    "locked_until": "lockedUntilTimestamp",
    "account_value": "accountValueHistory",
    "pnl": "pnlHistory",
    "previous_day_price": "prevDayPx",
    "day_notional": "dayNtlVlm",
    "day_volume": "dayBaseVlm",
    "funding_rate": "funding",
    "oracle_price": "oraclePx",
    "mark_price": "markPx",
    "mid_price": "midPx",
    "impact_prices": "impactPxs",
    "contexts": "ctxs",
}
ELSEWHERE = {"coin": ["s"], "kind": ["orderType"], "volume": ["vlm", "cumVlm"]}
SAME_NAME = {"time", "amount", "rate", "account_value", "value", "size", "kind"}
RATES = {"rate", "funding_rate", "premium"}
TIMES = {"time", "status_time", "valid_until", "locked_until", "open_time", "last_time"}
# Lists of a time and a number.
HISTORIES = {"account_value", "pnl"}
# What the exchange sends and we pass over.
PASSED_OVER = {"hash", "maxTradeSzs", "type"}


def wire_name(name: str, wire: dict[str, Any]) -> str:
    camel = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    if name in SAME_NAME and camel in wire:
        return camel
    options = [NAMES.get(name, camel), camel, *ELSEWHERE.get(name, ())]
    return next((option for option in options if option in wire), camel)


def same(ours: Any, wire: Any, name: str = "") -> None:
    """Both say the same, and nothing that the exchange said is lost unless it is known to be."""
    if isinstance(ours, dict) and "raw" in ours:
        assert ours["raw"] == wire
        assert ours["kind"] == wire["type"]
        assert ours["usdc"] == (Decimal(wire["usdc"]).quantize(Decimal("1e-8")) if "usdc" in wire else None)
    elif isinstance(ours, dict):
        names = {key: wire_name(key, wire) for key in ours}
        for key, theirs in names.items():
            same(ours[key], wire.get(theirs), key)
        assert set(wire) - set(names.values()) <= PASSED_OVER, name
    elif isinstance(ours, list):
        assert len(ours) == len(wire), name
        for one, other in zip(ours, wire, strict=True):
            same(one, other, name)
    elif isinstance(ours, Decimal):
        step = Decimal("1e-12" if name in RATES else "1e-8")
        assert ours == Decimal(wire).quantize(step, ROUND_HALF_EVEN), name
    elif name == "side":
        assert ours == {"B": "buy", "A": "sell"}[wire]
    elif (name in TIMES and ours is not None) or (name in HISTORIES and isinstance(ours, int)):
        assert ours == int(wire) * 1_000_000, name
    elif isinstance(ours, int) and not isinstance(ours, bool):
        assert ours == int(wire), name
    else:
        assert ours == wire, name


@pytest.fixture(scope="session")
def recorded(shared_data: Path) -> Path:
    path = shared_data / "hyperliquid"
    if not path.is_dir():
        pytest.skip(f"no recordings of Hyperliquid at {path}")
    return path


ANSWERS = {
    "meta": 28,
    "allMids": 28,
    "l2Book": 3,
    "candleSnapshot": 24,
    "fundingHistory": 1038,
    "fundingHistory_with_end": 34,
    "userFills": 500,
    "userFillsByTime": 500,
    "openOrders": 196,
    "clearinghouseState": 6,
    "frontendOpenOrders": 3,
    "userFunding": 218,
    "userFunding_with_end": 13,
    "historicalOrders": 5,
    "portfolio": 8,
    "userRole": 2,
    "userRateLimit": 4,
    "userVaultEquities": 2,
    "delegatorHistory": 4,
    "userNonFundingLedgerUpdates": 5,
    "userNonFundingLedgerUpdates_empty": 0,
    "userTwapSliceFills_empty": 0,
    "extraAgents": 2,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_recorded_answer_says_what_its_text_says(recorded: Path, name: str) -> None:
    text = json.loads((recorded / "info" / f"{name}.json").read_text())
    answer = HyperliquidDecoder.decode_info(text["request"]["type"], json.dumps(text["response"]))
    assert len(answer["universe"] if name == "meta" else answer) == ANSWERS[name]
    if name == "clearinghouseState":
        assert len(answer["positions"]) == 12
        value = sum(
            (p["position"]["value"] * (1 if p["position"]["size"] > 0 else -1) for p in answer["positions"]),
            answer["margin"]["total_raw_usd"],
        )
        assert value == answer["margin"]["account_value"]
    if name == "l2Book":
        bids, asks = answer["levels"]
        assert bids[0]["price"] < asks[0]["price"]
    same(answer, text["response"], name)


def test_every_recorded_answer_is_read(recorded: Path) -> None:
    assert {path.stem for path in (recorded / "info").glob("*.json")} == set(ANSWERS)


def payload(recorded: Path, name: str) -> tuple[bytes, Any]:
    text = (recorded / "payloads" / f"{name}.json").read_bytes()
    return text, json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("http_l2_book_btc", "l2Book"),
        ("ws_book_data", "l2Book"),
        ("http_meta_perp_sample", "meta"),
        ("http_recent_trades_btc", "recentTrades"),
        ("http_spot_clearinghouse_state", "spotClearinghouseState"),
    ],
)
def test_a_bare_body_says_what_its_text_says(recorded: Path, name: str, question: str) -> None:
    text, wire = payload(recorded, name)
    same(HyperliquidDecoder.decode_info(question, text), wire, name)


def test_lists_of_instruments_in_other_currencies_are_read(recorded: Path) -> None:
    text, wire = payload(recorded, "http_all_perp_metas_non_usdc_collateral")
    metas = HyperliquidDecoder.decode_info("allPerpMetas", text)
    told = [(m["meta"]["collateral_token"], m["meta"]["universe"][0]["name"]) for m in metas]
    assert told == [(m["collateralToken"], m["universe"][0]["name"]) for m in wire]
    text, wire = payload(recorded, "http_spot_meta_non_usdc_collateral")
    same(HyperliquidDecoder.decode_info("spotMeta", text), wire)


def only(decoder: HyperliquidDecoder, message: bytes | str) -> HyperliquidMessage:
    (news,) = decoder.decode(message, 7)
    assert isinstance(news, HyperliquidMessage)
    return news


def test_recorded_messages_say_what_their_text_says(recorded: Path) -> None:
    decoder = HyperliquidDecoder({"BTC": "BTC"})
    for name in ("ws_allmids", "ws_all_dexs_asset_ctxs"):
        text, wire = payload(recorded, name)
        news = only(decoder, text)
        assert news.channel == wire["channel"]
        same(news.data, wire["data"], name)
    text, wire = payload(recorded, "ws_user_fill_liquidation")
    news = only(decoder, text)
    same(news.data["fills"], wire["data"]["fills"])
    (fill,) = news.events
    assert isinstance(fill, at.FillEvent)
    assert (fill.symbol, fill.cloid, fill.side) == ("BTC", "0xe8d5fd7ebbb4c3cff4d1803472a11463", "sell")
    assert (fill.price, fill.fee, fill.liquidity) == (Decimal(66653), Decimal("0.009997"), "maker")
    assert decoder.unknown == {}


def test_the_recorded_stream_gives_the_events_that_its_text_holds(shared_data: Path) -> None:
    path = shared_data / "feeds_dual_time" / "hyperliquid_btcusd_20250126.gz"
    if not path.is_file():
        pytest.skip(f"no recording at {path}")
    decoder = HyperliquidDecoder({"BTC": "BTC-PERP"})
    books = trades = 0
    for line in gzip.decompress(path.read_bytes()).splitlines():
        local, _, message = line.partition(b" ")
        events = decoder.decode(message, int(local))
        wire = json.loads(message)
        data = wire["data"]
        if wire["channel"] == "l2Book":
            (book,) = events
            assert isinstance(book, at.BookSnapshot)
            for ours, theirs in zip((book.bids, book.asks), data["levels"], strict=True):
                assert ours == [(Decimal(level["px"]), Decimal(level["sz"])) for level in theirs]
            assert (book.symbol, book.time_ns, book.local_time_ns) == ("BTC-PERP", data["time"] * 1_000_000, int(local))
            books += 1
        elif wire["channel"] == "trades":
            told = [
                (t.trade_id, t.price, t.quantity, t.aggressor, t.time_ns) for t in events if isinstance(t, at.Trade)
            ]
            sides = {"B": "buy", "A": "sell"}
            assert told == [
                (t["tid"], Decimal(t["px"]), Decimal(t["sz"]), sides[t["side"]], t["time"] * 1_000_000) for t in data
            ]
            trades += len(told)
    assert (books, trades) == (46, 64)


BOOK = '{"channel":"l2Book","data":{"coin":"BTC","time":5,"levels":[[{"px":"10.0","sz":"1.5","n":1}],[]]}}'


def test_markets_give_events_and_all_else_messages() -> None:
    decoder = HyperliquidDecoder({"BTC": "BTC-PERP"})
    (book,) = decoder.decode(BOOK, 9)
    assert isinstance(book, at.BookSnapshot)
    assert (book.bids, book.asks, book.symbol) == ([(Decimal(10), Decimal("1.5"))], [], "BTC-PERP")
    (quote,) = decoder.decode(
        b'{"channel":"bbo","data":{"coin":"BTC","time":6,"bbo":[{"px":"10","sz":"2","n":1},null]}}', 9
    )
    assert isinstance(quote, at.Quote)
    assert (quote.bid_price, quote.ask_quantity, quote.time_ns) == (Decimal(10), Decimal(0), 6_000_000)
    context, message = decoder.decode(
        '{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"funding":"0.0000125","openInterest":"1.123456789",'
        '"prevDayPx":"9","dayNtlVlm":"1","premium":null,"oraclePx":"10","markPx":"10.5","midPx":null,"impactPxs":null}}}',
        9,
    )
    assert isinstance(context, at.MarketContext)
    assert isinstance(message, HyperliquidMessage)
    assert (context.mark_price, context.impact_bid, context.time_ns) == (Decimal("10.5"), None, 6_000_000)
    assert message.data["context"]["open_interest"] == Decimal("1.12345679")
    assert decoder.newest_ns == 6_000_000
    bar = only(
        decoder,
        '{"channel":"candle","data":{"t":60000,"T":119999,"s":"BTC","i":"1m","o":"1","h":"3","l":"1","c":"2","v":"5","n":4}}',
    )
    assert isinstance(bar.data, at.Bar)
    assert (bar.channel, bar.data.close, bar.data.close_time_ns) == ("candle", Decimal(2), 120_000_000_000)


def test_trades_of_the_past_make_no_event() -> None:
    decoder = HyperliquidDecoder({"BTC": "BTC"})
    decoder.set_history_before(6_000_000)
    trade = '{{"coin":"BTC","side":"A","px":"10","sz":"1","hash":"0x","time":{},"tid":{}}}'.format
    (event,) = decoder.decode(f'{{"channel":"trades","data":[{trade(5, 1)},{trade(6, 2)}]}}', 9)
    assert isinstance(event, at.Trade)
    assert (event.trade_id, event.aggressor) == (2, "sell")


def test_news_of_orders_become_events_where_they_have_an_id_of_ours() -> None:
    decoder = HyperliquidDecoder({"BTC": "BTC"})
    order = '{{"coin":"BTC","side":"B","limitPx":"10.0","sz":"0.0","oid":7,"timestamp":5,"origSz":"1.0"{}}}'.format
    news = '{{"order":{},"status":"{}","statusTimestamp":6}}'.format
    ours = order(',"cloid":"0x000000000000000000000000000000ff"')
    told = ",".join(starmap(news, [(ours, "badAloPxRejected"), (order(""), "open"), (ours, "moonRejected")]))
    message = only(decoder, f'{{"channel":"orderUpdates","data":[{told}]}}')
    update, unheard_of = message.events
    assert isinstance(update, at.OrderUpdate)
    assert (update.status, update.reason, update.time_ns) == ("rejected", "bad_alo_px", 6_000_000)
    # An end is an end, though we have no name for its reason.
    assert isinstance(unheard_of, at.OrderUpdate)
    assert (unheard_of.status, unheard_of.reason) == ("rejected", "other")
    assert [item["status"] for item in message.data] == ["badAloPxRejected", "open", "moonRejected"]
    assert message.data[1]["order"]["cloid"] is None


def test_answers_to_actions_are_plain() -> None:
    body = b'{"status":"ok","response":{"type":"order","data":{"statuses":[{"filled":{"totalSz":"0.02","avgPx":"1891.4","oid":77}},{"error":"no"},"waitingForFill"]}}}'
    answer = HyperliquidDecoder.decode_exchange(body)
    filled = {"quantity": Decimal("0.02"), "average_price": Decimal("1891.4"), "oid": 77, "cloid": None}
    assert answer["statuses"] == [{"filled": filled}, {"error": "no"}, {"word": "waitingForFill"}]
    refused = HyperliquidDecoder.decode_exchange(b'{"status":"err","response":"Must deposit"}')
    assert refused == {"is_ok": False, "error": "Must deposit"}


def test_what_is_not_known_is_named_and_counted() -> None:
    decoder = HyperliquidDecoder({})
    assert only(decoder, '{"channel":"webData9","data":{}}').data == "webData9"
    assert only(decoder, BOOK).data == "coin: BTC"
    assert only(decoder, "Websocket connection established.").channel == "greeting"
    assert decoder.unknown == {"coin: BTC": 1, "webData9": 1}
    assert repr(only(decoder, '{"channel":"pong"}')) == "HyperliquidMessage(pong, None)"


def test_what_is_wrong_names_the_field_and_its_value() -> None:
    decoder = HyperliquidDecoder({"BTC": "BTC"})
    with pytest.raises(DataError, match=r"`1\.123456789` is finer than 1e-8") as caught:
        decoder.decode(BOOK.replace("1.5", "1.123456789"), 9)
    assert (caught.value.column, caught.value.value) == ("sz", "1.123456789")
    with pytest.raises(DataError, match="message: is not the JSON"):
        decoder.decode(b"{", 9)
    with pytest.raises(DataError, match="status = perhaps: is not ok or err"):
        HyperliquidDecoder.decode_exchange(b'{"status":"perhaps","response":""}')
    with pytest.raises(ParameterError, match="int: must be bytes or str"):
        decoder.decode(5, 9)  # type: ignore[arg-type]
