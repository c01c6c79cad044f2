"""A loop whose time passes at once, and an exchange in memory: it recovers signers, keeps nonces, and rests what it is told to."""

from __future__ import annotations

import asyncio
import json
import selectors
from collections import deque
from typing import TYPE_CHECKING, Any

from algo_trade._native import SigningKey, action_hash, l1_digest, recover, user_digest
from algo_trade.hyperliquid.client import HyperliquidClient
from algo_trade.hyperliquid.gate import Gate
from algo_trade.hyperliquid.nonces import MemoryNonces
from algo_trade.hyperliquid.settings import HyperliquidConfig
from algo_trade.hyperliquid.transport import AnswerLost, Reply, RequestNotSent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = SigningKey("0x" + "01" * 32)
ACCOUNT = "0x5e9ee1089755c3435139848e47e6635505d5a13a"
START_MS = 1_764_057_600_000


class _AtOnce(selectors.SelectSelector):
    """Never waits: when nothing is ready, time moves on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for something that cannot happen"
            self.now += timeout
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own, which starts at 0 and moves when nothing else does."""

    def __init__(self) -> None:
        self._at_once = _AtOnce()
        super().__init__(self._at_once)

    def time(self) -> float:
        return self._at_once.now


def simulate(scenario: Callable[[], Awaitable[None]]) -> float:
    """Run a scenario in simulated time; return how long it took there, in seconds."""

    async def bounded() -> None:
        await asyncio.wait_for(asyncio.ensure_future(scenario()), 86_400)

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(bounded())
        return runner.get_loop().time()


def clock_ms() -> int:
    """The time of the running simulation."""
    return START_MS + round(asyncio.get_running_loop().time() * 1_000)


META: dict[str, Any] = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 40},
        {"name": "ETH", "szDecimals": 4, "maxLeverage": 25, "marginTableId": 25},
        {"name": "OLD", "szDecimals": 1, "maxLeverage": 3, "marginTableId": 3, "isDelisted": True},
    ],
    "marginTables": [],
    "collateralToken": 0,
}
SPOT_META: dict[str, Any] = {"tokens": [], "universe": []}


class SmallVenue:
    """What an exchange must do for a client to be tried on it. ``faults`` strike one exchange request each, in order.

    A fault is ``"before"`` (the request is lost), ``"after"`` (it is executed, the answer is lost), ``"unsent"``, an HTTP status, which
    is answered without executing (``"429 after"``: after executing), or bytes, which are answered after executing.
    """

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.faults: deque[str | int | bytes] = deque()
        self.info_faults: deque[str | int] = deque()
        limit = {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": 10_000}
        self.info: dict[str, Any] = {"meta": META, "spotMeta": SPOT_META, "userRateLimit": limit}
        self.headers: dict[str, str] = {}
        self.signers: list[str] = []
        self.nonces: set[int] = set()
        self.open: dict[int, dict[str, Any]] = {}
        self.ended: dict[int, tuple[dict[str, Any], str]] = {}
        self.fills: list[dict[str, Any]] = []
        self.refusals: dict[str, str] = {}
        self.oid = 100
        self.delay_s = 0.05
        self.closed = False

    async def close(self) -> None:
        self.closed = True

    async def post(self, path: str, body: bytes, *, timeout_s: float) -> Reply:
        request = json.loads(body)
        if path == "/info":
            return await self._asked(request)
        fault = self.faults.popleft() if self.faults else None
        if fault == "unsent":
            raise RequestNotSent("nobody listens")
        self.posted.append(request)
        await asyncio.sleep(self.delay_s)
        if isinstance(fault, int):
            return Reply(fault, self.headers, b"null")
        if fault == "before":
            await asyncio.sleep(timeout_s)
            raise AnswerLost("no answer")
        answer = self.execute(request)
        if fault == "429 after":
            return Reply(429, {}, b"null")
        if fault == "after":
            await asyncio.sleep(timeout_s)
            raise AnswerLost("no answer")
        return Reply(200, {}, fault if isinstance(fault, bytes) else json.dumps(answer).encode())

    async def _asked(self, question: dict[str, Any]) -> Reply:
        self.asked.append(question)
        await asyncio.sleep(self.delay_s)
        fault = self.info_faults.popleft() if self.info_faults else None
        if isinstance(fault, int):
            return Reply(fault, self.headers, b"null")
        if fault is not None:
            raise AnswerLost("reset")
        answer = self.answer(question)
        return Reply(200, {}, json.dumps(answer).encode())

    def answer(self, question: dict[str, Any]) -> Any:
        kind = question["type"]
        if kind in self.info:
            told = self.info[kind]
            return told(question) if callable(told) else told
        if kind == "frontendOpenOrders":
            return list(self.open.values())
        if kind == "userFillsByTime":
            return [fill for fill in self.fills if fill["time"] >= question["startTime"]][:2000]
        if kind == "orderStatus":
            wanted = question["oid"]
            for order in reversed(self.open.values()):
                if wanted in (order["oid"], order["cloid"]):
                    return _status(order, "open")
            for order, status in reversed(self.ended.values()):
                if wanted in (order["oid"], order["cloid"]):
                    return _status(order, status)
            return {"status": "unknownOid"}
        raise AssertionError(f"nobody told me about {kind}")

    def execute(self, request: dict[str, Any]) -> dict[str, Any]:
        action, nonce = request["action"], request["nonce"]
        if action["type"] in USER_SIGNED:
            digest = user_digest(action)
        else:
            hashed = action_hash(action, nonce, request.get("vaultAddress"), request.get("expiresAfter"))
            digest = l1_digest(hashed, False)
        self.signers.append(recover(digest, request["signature"]))
        if self.signers[-1] != KEY.address:
            return _err(f"User or API Wallet {self.signers[-1]} does not exist.")
        if nonce in self.nonces:
            return _err(f"Invalid nonce: duplicate nonce {nonce}")
        if (text := self.refusals.get(action["type"])) is not None:
            return _err(text)
        self.nonces.add(nonce)
        if request.get("expiresAfter") is not None and request["expiresAfter"] < clock_ms():
            return _err("Action already expired")
        if action["type"] == "order":
            return _ok("order", {"statuses": [self.rest(order) for order in action["orders"]]})
        if action["type"] == "batchModify":
            return _ok("order", {"statuses": [self._modified(each) for each in action["modifies"]]})
        if action["type"] == "cancel":
            return _ok("cancel", {"statuses": [self._cancelled(each["o"]) for each in action["cancels"]]})
        if action["type"] == "cancelByCloid":
            return _ok("cancel", {"statuses": [self._cancelled(each["cloid"]) for each in action["cancels"]]})
        return _ok("default", None)

    def rest(self, order: dict[str, Any]) -> dict[str, Any]:
        self.oid += 1
        self.open[self.oid] = {
            "coin": META["universe"][order["a"]]["name"],
            "side": "B" if order["b"] else "A",
            "limitPx": order["p"],
            "sz": order["s"],
            "oid": self.oid,
            "timestamp": clock_ms(),
            "origSz": order["s"],
            "cloid": order.get("c"),
        }
        return {"resting": {"oid": self.oid, "cloid": order.get("c")}}

    def fill(self, oid: int, size: str, *, is_whole: bool = True, is_remembered: bool = True) -> None:
        order = self.open[oid]
        self.fills.append(
            {
                "coin": order["coin"],
                "px": order["limitPx"],
                "sz": size,
                "side": order["side"],
                "time": clock_ms(),
                "startPosition": "0.0",
                "dir": "Open Long",
                "closedPnl": "0.0",
                "hash": "0x0",
                "oid": oid,
                "crossed": False,
                "fee": "0.01",
                "feeToken": "USDC",
                "tid": len(self.fills) + 1,
                "cloid": order["cloid"],
            }
        )
        if is_whole:
            del self.open[oid]
            if is_remembered:
                self.ended[oid] = (order, "filled")

    def _cancelled(self, wanted: int | str) -> Any:
        for oid, order in self.open.items():
            if wanted in (oid, order["cloid"]):
                self.ended[oid] = (self.open.pop(oid), "canceled")
                return "success"
        return {"error": "Order was never placed, already canceled, or filled. asset=0"}

    def _modified(self, modify: dict[str, Any]) -> dict[str, Any]:
        if self._cancelled(modify["oid"]) != "success":
            return {"error": "Cannot modify canceled or filled order"}
        return self.rest(modify["order"])


USER_SIGNED = frozenset(
    ["usdSend", "spotSend", "withdraw3", "usdClassTransfer", "sendAsset", "approveAgent", "approveBuilderFee"]
)


def _status(order: dict[str, Any], status: str) -> dict[str, Any]:
    return {"status": "order", "order": {"order": order, "status": status, "statusTimestamp": clock_ms()}}


def _ok(kind: str, data: Any) -> dict[str, Any]:
    return {"status": "ok", "response": {"type": kind, **({} if data is None else {"data": data})}}


def _err(text: str) -> dict[str, Any]:
    return {"status": "err", "response": text}


def client(venue: SmallVenue, **settings: Any) -> HyperliquidClient:
    """A client of the small exchange, in simulated time."""
    config = HyperliquidConfig(**{"account_address": ACCOUNT, **settings})
    gate = Gate(config.limits)
    return HyperliquidClient(config, KEY, transport=venue, gate=gate, nonces=MemoryNonces(clock_ms), clock_ms=clock_ms)
