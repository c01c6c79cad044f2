"""A small exchange for tests of streams: it speaks the protocol, keeps what was said, and answers questions about it. It has no clock."""

from __future__ import annotations

from typing import Any

import orjson

USER = "0x" + "ab" * 20
MS = 1_000_000
MINUTE_MS = 60_000
HISTORY = 30

Push = tuple[int, bytes]


def key_of(subscription: dict[str, Any]) -> str:
    return orjson.dumps(subscription, option=orjson.OPT_SORT_KEYS).decode()


def message(channel: str, data: Any) -> bytes:
    return orjson.dumps({"channel": channel, "data": data})


class Exchange:
    """What was said on every channel, and who listens. Times are milliseconds."""

    def __init__(self) -> None:
        self.listeners: dict[int, dict[str, dict[str, Any]]] = {}
        self.trades: dict[str, list[dict[str, Any]]] = {}
        self.bars: dict[str, dict[int, dict[str, Any]]] = {}
        self.fills: list[dict[str, Any]] = []
        self.news: list[dict[str, Any]] = []
        self.orders: dict[int, dict[str, Any]] = {}
        self.books: dict[str, int] = {}
        self.now_ms = 0
        self.number = 0
        self.asked: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.is_answering_subscriptions = True
        self.is_answering_posts = True
        self.muted: set[str] = set()

    def next(self) -> int:
        self.number += 1
        return self.number

    # --- connections ---

    def connect(self, socket: int) -> None:
        self.listeners[socket] = {}

    def disconnect(self, socket: int) -> None:
        self.listeners.pop(socket, None)

    def take(self, socket: int, text: bytes) -> list[Push]:
        """Take a message of a client; return what is sent to it."""
        request = orjson.loads(text)
        self.received.append(request)
        listening = self.listeners.get(socket)
        if listening is None:
            return []
        if request["method"] == "ping":
            return [(socket, b'{"channel":"pong"}')]
        if request["method"] == "post":
            if not self.is_answering_posts:
                return []
            kind, payload = request["request"]["type"], request["request"]["payload"]
            answer: Any = {"status": "ok", "response": {"type": "default"}}
            if kind == "info":
                answer = {"type": payload["type"], "data": self.info(payload)}
            return [(socket, message("post", {"id": request["id"], "response": {"type": kind, "payload": answer}}))]
        subscription = request["subscription"]
        key = key_of(subscription)
        if request["method"] == "unsubscribe":
            listening.pop(key, None)
            return self.acknowledge(socket, request)
        if key in listening:
            return [(socket, message("error", f"Already subscribed: {orjson.dumps(subscription).decode()}"))]
        listening[key] = subscription
        return [*self.acknowledge(socket, request), *self.begin(socket, subscription)]

    def acknowledge(self, socket: int, request: dict[str, Any]) -> list[Push]:
        if not self.is_answering_subscriptions:
            return []
        echo = dict(request["subscription"])
        if echo["type"] == "l2Book":
            echo |= {"nSigFigs": None, "mantissa": None}
        return [(socket, message("subscriptionResponse", {"method": request["method"], "subscription": echo}))]

    def begin(self, socket: int, subscription: dict[str, Any]) -> list[Push]:
        """Return what is sent first."""
        kind, coin = subscription["type"], subscription.get("coin", "")
        if kind in self.muted:
            return []
        if kind in {"l2Book", "bbo"}:
            return [(socket, self.book_message(kind, coin))]
        if kind == "trades" and self.trades.get(coin):
            return [(socket, message("trades", self.trades[coin][-HISTORY:]))]
        if kind == "userFills":
            data = {"isSnapshot": True, "user": subscription["user"], "fills": self.fills[-2000:]}
            return [(socket, message("userFills", data))]
        return []

    def push(self, kind: str, coin: str, text: bytes) -> list[Push]:
        """Return a message for everyone who listens."""
        if kind in self.muted:
            return []
        return [
            (socket, text)
            for socket, listening in self.listeners.items()
            for subscription in listening.values()
            if subscription["type"] == kind and subscription.get("coin", "") == coin
        ]

    # --- questions ---

    def info(self, question: dict[str, Any]) -> Any:
        self.asked.append(question)
        kind = question["type"]
        if kind == "l2Book":
            return orjson.loads(self.book_message("l2Book", question["coin"]))["data"]
        if kind == "recentTrades":
            return self.trades.get(question["coin"], [])[-1000:][::-1]
        if kind == "candleSnapshot":
            wanted = question["req"]
            bars = self.bars.get(wanted["coin"], {})
            return [
                bar for t, bar in sorted(bars.items()) if t + MINUTE_MS > wanted["startTime"] and t <= wanted["endTime"]
            ]
        if kind == "userFillsByTime":
            return [fill for fill in self.fills if fill["time"] >= question["startTime"]][:2000]
        if kind == "frontendOpenOrders":
            return list(self.orders.values())
        if kind == "clearinghouseState":
            summary = {"accountValue": "0.0", "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": "0.0"}
            return {
                "marginSummary": summary,
                "crossMarginSummary": summary,
                "crossMaintenanceMarginUsed": "0.0",
                "withdrawable": "0.0",
                "assetPositions": [],
                "time": self.now_ms,
            }
        raise AssertionError(f"nobody asks {kind}")

    # --- what happens on the market and to orders ---

    def book_message(self, kind: str, coin: str) -> bytes:
        step = self.books.get(coin, 0)
        bid = {"px": f"{100 + step % 7}.0", "sz": f"{step % 5 + 1}.0", "n": 1}
        ask = {"px": f"{101 + step % 7}.0", "sz": "1.0", "n": 1}
        if kind == "bbo":
            return message("bbo", {"coin": coin, "time": self.now_ms, "bbo": [bid, ask]})
        return message("l2Book", {"coin": coin, "time": self.now_ms, "levels": [[bid], [ask]]})

    def move(self, coin: str) -> list[Push]:
        """Move a book."""
        self.books[coin] = self.books.get(coin, 0) + 1
        return self.push("bbo", coin, self.book_message("bbo", coin))

    def publish(self, coin: str) -> list[Push]:
        """Send a book, as the clock of the exchange says."""
        return self.push("l2Book", coin, self.book_message("l2Book", coin))

    def trade(self, coin: str) -> list[Push]:
        """Print a trade, which also grows a bar."""
        number = self.next()
        trade = {
            "coin": coin,
            "side": "B",
            "px": f"{100 + number % 7}.0",
            "sz": "1.0",
            "hash": "0x",
            "time": self.now_ms,
            "tid": number,
            "users": ["0x1", "0x2"],
        }
        self.trades.setdefault(coin, []).append(trade)
        start = self.now_ms // MINUTE_MS * MINUTE_MS
        bars = self.bars.setdefault(coin, {})
        bar = bars.setdefault(
            start,
            {
                "t": start,
                "T": start + MINUTE_MS - 1,
                "s": coin,
                "i": "1m",
                "o": trade["px"],
                "h": trade["px"],
                "l": trade["px"],
                "c": trade["px"],
                "v": "0.0",
                "n": 0,
            },
        )
        bar["h"], bar["l"] = max(bar["h"], trade["px"]), min(bar["l"], trade["px"])
        bar["c"], bar["n"] = trade["px"], bar["n"] + 1
        bar["v"] = f"{bar['n']}.0"
        return [
            *self.push("trades", coin, message("trades", [trade])),
            *self.push("candle", coin, message("candle", bar)),
        ]

    def order(self, coin: str, *, status: str = "open", oid: int | None = None) -> list[Push]:
        """Place an order, or let one end."""
        oid = oid or self.next()
        order = {
            "coin": coin,
            "side": "B",
            "limitPx": "99.0",
            "sz": "1.0",
            "oid": oid,
            "timestamp": self.now_ms,
            "origSz": "1.0",
            "cloid": f"0x{oid:032x}",
        }
        item = {"order": order, "status": status, "statusTimestamp": self.now_ms}
        self.news.append(item)
        if status == "open":
            self.orders[oid] = order
        else:
            self.orders.pop(oid, None)
        return self.push("orderUpdates", "", message("orderUpdates", [item]))

    def fill(self, coin: str) -> list[Push]:
        """Fill an order of the user."""
        number = self.next()
        fill = {
            "coin": coin,
            "px": "100.0",
            "sz": "1.0",
            "side": "B",
            "time": self.now_ms,
            "startPosition": "0.0",
            "dir": "Open Long",
            "closedPnl": "0.0",
            "hash": "0x",
            "oid": number,
            "crossed": True,
            "fee": "0.01",
            "feeToken": "USDC",
            "tid": number,
            "cloid": f"0x{number:032x}",
        }
        self.fills.append(fill)
        return [
            *self.push("userFills", "", message("userFills", {"user": USER, "fills": [fill]})),
            *self.push("userEvents", "", message("user", {"fills": [fill]})),
        ]
