"""A customer of a local venue that signs what it sends itself, and sees the answers as they come: nothing is read for it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from algo_trade._native import SigningKey, signed_orders, signed_request, signed_user_request

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from algo_trade._native import WireOrder
    from algo_trade.venue.testing import RunningVenue


class Customer:
    """An account with a key of its own, and a connection to a venue. The venue's faucet pays it if it has one."""

    def __init__(self, venue: RunningVenue, http: httpx.Client) -> None:
        self.venue = venue
        self.key = SigningKey("0x" + secrets.token_hex(32))
        self.address = self.key.address
        self._http = http
        self._nonce = 0
        self.info("clearinghouseState")

    def nonce(self) -> int:
        """Give a nonce that this key has not used."""
        self._nonce = max(self._nonce + 1, time.time_ns() // 1_000_000)
        return self._nonce

    def info(self, kind: str, **fields: Any) -> Any:
        """Ask a question about this account, or another one if it is named."""
        answer = self._http.post(f"{self.venue.url}/info", json={"user": self.address, **fields, "type": kind})
        assert answer.status_code == 200, (kind, answer.status_code, answer.text)
        return answer.json()

    def post(self, body: bytes) -> httpx.Response:
        """Send a signed body."""
        return self._http.post(f"{self.venue.url}/exchange", content=body, headers={"Content-Type": "application/json"})

    def act(self, **action: Any) -> Any:
        """Do an L1 action; its answer."""
        return self._accepted(self.post(signed_request(self.key, action, self.nonce(), is_mainnet=False)))

    def send(self, kind: str, /, **fields: Any) -> Any:
        """Do an action that wallets sign; its answer. The nonce goes where the kind has it."""
        at = "time" if kind in {"usdSend", "spotSend", "withdraw3"} else "nonce"
        chain = {"hyperliquidChain": "Testnet", "signatureChainId": "0x66eee"}
        action = {"type": kind, **chain, **fields, at: self.nonce()}
        return self._accepted(self.post(signed_user_request(self.key, action)))

    def order(self, *orders: WireOrder, grouping: Any = "na") -> list[Any]:
        """Place orders; their statuses."""
        body = signed_orders(self.key, orders, self.nonce(), is_mainnet=False, grouping=grouping)
        statuses: list[Any] = self._accepted(self.post(body))["response"]["data"]["statuses"]
        return statuses

    @staticmethod
    def _accepted(answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["status"] == "ok", told
        return told


def once(is_there: Callable[[], Any], *, deadline_s: float = 30) -> Any:
    """Ask until there is something, and return it."""
    until = time.monotonic() + deadline_s
    while not (found := is_there()):
        assert time.monotonic() < until, f"nothing after {deadline_s} s"
        time.sleep(0.01)
    return found
