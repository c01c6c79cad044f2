"""Which exchange, which account, and within which limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from algo_trade.errors import ParameterError

MAINNET_URL = "https://api.hyperliquid.xyz"
TESTNET_URL = "https://api.hyperliquid-testnet.xyz"
MAINNET_WS_URL = "wss://api.hyperliquid.xyz/ws"
TESTNET_WS_URL = "wss://api.hyperliquid-testnet.xyz/ws"

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def address_of(name: str, text: str) -> str:
    """Return an address in lower case, as it is signed, sent and compared.

    Raises
    ------
    ParameterError
        It is not ``0x`` and 40 hex digits.
    """
    if not _ADDRESS.fullmatch(text):
        raise ParameterError(f"{name} = {text!r}: must be 0x and 40 hex digits")
    return text.lower()


# For who reads them from a file: a field that is misspelt is an error.
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """How much may be asked of the exchange. All defaults stay below what it documents.

    Of the weight that one IP address may use, at most ``ip_burst + 60 × rate`` goes out in any minute, whichever minute it is;
    the rate follows from that sum being ``ip_weight_per_minute - ip_margin``.
    """

    __pydantic_config__ = _STRICT

    ip_weight_per_minute: int = 1200
    ip_margin: int = 60
    """Never used: for what others behind the same address ask, and for clocks that differ."""
    ip_burst: int = 300
    ip_reserve: int = 60
    """The part of the burst that questions leave to actions, and half of it orders leave to what takes risk away."""
    batch_items_max: int = 100
    """The exchange refuses more than 200."""
    batch_window_s: float = 0.0
    """How long orders are gathered into one action; 0: those of one turn of the event loop."""
    budget_slow_from: float = 0.8
    """From this part of the address's budget on, orders are spaced."""
    budget_slow_interval_s: float = 1.0
    budget_reserve: int = 500
    """Requests of the address's budget that orders leave to cancels and reduce-only orders."""
    budget_spent_interval_s: float = 10.0
    """What the exchange lets through once the budget is spent: one request in this time."""
    budget_poll_s: float = 600.0
    """How old the exchange's count of requests may be while actions are sent; a tenth of it when little is left."""
    backoff_first_s: float = 1.0
    backoff_max_s: float = 60.0

    def __post_init__(self) -> None:
        room = self.ip_weight_per_minute - self.ip_margin - self.ip_burst
        if room <= 0:
            raise ParameterError(
                f"limits: ip_burst = {self.ip_burst}: with the margin of {self.ip_margin} it has to stay below "
                f"ip_weight_per_minute = {self.ip_weight_per_minute}"
            )
        if not 0 <= self.ip_reserve <= self.ip_burst - 120:
            raise ParameterError(
                f"limits: ip_reserve = {self.ip_reserve}: must be 0 to ip_burst - 120: a page of fills weighs 120"
            )
        if not 1 <= self.batch_items_max <= 200:
            raise ParameterError(f"limits: batch_items_max = {self.batch_items_max}: must be 1 to 200")
        if not 0 < self.budget_slow_from <= 1:
            raise ParameterError(f"limits: budget_slow_from = {self.budget_slow_from}: must be above 0, at most 1")
        for name in ("batch_window_s", "budget_slow_interval_s", "budget_reserve", "budget_poll_s", "backoff_first_s"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"limits: {name} = {getattr(self, name)}: must not be below 0")
        if not self.backoff_max_s >= self.backoff_first_s:
            raise ParameterError(f"limits: backoff_max_s = {self.backoff_max_s}: must not be below backoff_first_s")

    @property
    def ip_weight_per_s(self) -> float:
        """Weight that comes back in a second."""
        return (self.ip_weight_per_minute - self.ip_margin - self.ip_burst) / 60


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperliquidConfig:
    """Which exchange, which account, and how to deal with it.

    URL, socket and chain are three settings: an address does not say which chain's signatures it takes, and a proxy or a local
    venue has an address of its own.

    Parameters
    ----------
    network : whose signatures are made
    api_url, ws_url : where it is; the network's own, unless told otherwise
    account_address : the account that is traded, not that of an API wallet; None asks about no account
    vault_address : a vault or sub-account that the account trades for
    expires_after_ms : an order that has not been taken up so long after it was asked for can not be any more; None signs no expiry
    settle_margin_ms : how long after its expiry an order that is not found is believed to be nowhere
    timeout_s : how long an answer is waited for
    queue_timeout_s : how long there may be no room within the limits
    connections_max : how many questions and orders are under way at once; cancels and reduce-only orders find a connection besides
    read_retries : how often a question is asked again
    state_dir : where nonces are kept, one file for each key
    """

    __pydantic_config__ = _STRICT

    network: Literal["mainnet", "testnet"] = "testnet"
    api_url: str = ""
    ws_url: str = ""
    account_address: str | None = None
    vault_address: str | None = None
    expires_after_ms: int | None = 10_000
    settle_margin_ms: int = 5_000
    timeout_s: float = 10.0
    queue_timeout_s: float = 60.0
    connections_max: int = 16
    read_retries: int = 3
    state_dir: Path = field(default_factory=lambda: Path.home() / ".local" / "state" / "algo_trade")
    limits: LimitSettings = field(default_factory=LimitSettings)

    def __post_init__(self) -> None:
        if self.network not in ("mainnet", "testnet"):
            raise ParameterError(f"hyperliquid: network = {self.network!r}: must be 'mainnet' or 'testnet'")
        main = self.network == "mainnet"
        put = object.__setattr__
        put(self, "api_url", (self.api_url or (MAINNET_URL if main else TESTNET_URL)).rstrip("/"))
        put(self, "ws_url", self.ws_url or (MAINNET_WS_URL if main else TESTNET_WS_URL))
        for name, schemes in (("api_url", ("http://", "https://")), ("ws_url", ("ws://", "wss://"))):
            if not getattr(self, name).startswith(schemes):
                raise ParameterError(f"hyperliquid: {name} = {getattr(self, name)!r}: must start with {schemes[1]}")
        for name in ("account_address", "vault_address"):
            if getattr(self, name) is not None:
                put(self, name, address_of(f"hyperliquid: {name}", getattr(self, name)))
        if self.expires_after_ms is not None and self.expires_after_ms <= 0:
            raise ParameterError(f"hyperliquid: expires_after_ms = {self.expires_after_ms}: must be above 0, or None")
        for name in ("timeout_s", "queue_timeout_s", "connections_max"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"hyperliquid: {name} = {getattr(self, name)}: must be above 0")
        for name in ("read_retries", "settle_margin_ms"):
            if getattr(self, name) < 0:
                raise ParameterError(f"hyperliquid: {name} = {getattr(self, name)}: must not be below 0")

    @property
    def is_mainnet(self) -> bool:
        """Whether it is signed for the main network."""
        return self.network == "mainnet"

    @property
    def trader(self) -> str | None:
        """Whose orders, fills and positions these are: the vault or sub-account, or else the account."""
        return self.vault_address or self.account_address
