"""What the exchange means when it says no: its texts by their beginnings, in one table."""

from __future__ import annotations

import re
from enum import Enum

from algo_trade.errors import RefusedError, SignatureError


class Remedy(Enum):
    """What there is to do about a refusal."""

    RETRY = "retry"
    """It passes by itself: the same may be asked again, not at once."""
    EXPECTED = "expected"
    """Part of trading: look at the market or at the order, and decide anew."""
    FIX = "fix"
    """It is asked wrongly, and stays refused."""
    NOT_ALLOWED = "not allowed"
    """The account may not, or has not enough."""
    STOP = "stop"
    """Nothing that is signed this way is taken: stop, and call a person."""
    UNKNOWN = "unknown"
    """A text that is new to us."""


class RefusalKind(Enum):
    """Why something was refused; the value is how logs and tables call it."""

    TICK = "tick"
    SIZE = "size"
    MIN_NOTIONAL = "min_notional"
    MARGIN = "margin"
    BALANCE = "balance"
    REDUCE_ONLY = "reduce_only"
    POST_ONLY = "post_only"
    NO_LIQUIDITY = "no_liquidity"
    TRIGGER = "trigger"
    OPEN_INTEREST = "open_interest"
    PRICE_BAND = "price_band"
    MARGIN_TIER = "margin_tier"
    GONE = "gone"
    """Never placed, cancelled, or filled: which of them, only its fills tell."""
    MODIFY = "modify"
    """After this, nothing rests until it is seen to."""
    RESTRICTED = "restricted"
    """Minutes after an upgrade, only post-only orders are taken."""
    BUILDER = "builder"
    SIGNER = "signer"
    DEPOSIT = "deposit"
    NONCE = "nonce"
    EXPIRED = "expired"
    VAULT = "vault"
    BUDGET = "budget"
    BATCH = "batch"
    LEVERAGE = "leverage"
    SCHEDULE = "schedule"
    TWAP = "twap"
    AGENT = "agent"
    TRANSFER = "transfer"
    ACCOUNT_MODE = "account_mode"
    MALFORMED = "malformed"
    HALTED = "halted"
    NOT_SENT = "not_sent"
    """It never left us, or never arrived: not the exchange's word, but ours."""
    UNSUPPORTED = "unsupported"
    """The exchange has no such order: not its word, but ours."""
    OTHER = "other"

    @property
    def remedy(self) -> Remedy:
        """What there is to do about it."""
        return _REMEDIES.get(self, Remedy.FIX)

    @property
    def reason(self) -> str:
        """How a trading system calls it, as the reason of an :class:`OrderUpdate`."""
        return _REASONS.get(self, "other")


_REASONS = {
    RefusalKind.TICK: "tick",
    RefusalKind.SIZE: "lot",
    RefusalKind.MIN_NOTIONAL: "min_notional",
    RefusalKind.MARGIN: "perp_margin",
    RefusalKind.MARGIN_TIER: "perp_margin",
    RefusalKind.BALANCE: "spot_balance",
    RefusalKind.REDUCE_ONLY: "reduce_only",
    RefusalKind.POST_ONLY: "bad_alo_px",
    RefusalKind.NO_LIQUIDITY: "ioc_cancel",
    RefusalKind.TRIGGER: "bad_trigger_px",
    RefusalKind.OPEN_INTEREST: "open_interest",
    RefusalKind.PRICE_BAND: "price_band",
    RefusalKind.GONE: "not_found",
    RefusalKind.MODIFY: "not_found",
    RefusalKind.RESTRICTED: "post_only_period",
    RefusalKind.EXPIRED: "expired_action",
    RefusalKind.HALTED: "halted",
    RefusalKind.NOT_SENT: "gateway",
    RefusalKind.BUDGET: "gateway",
    RefusalKind.UNSUPPORTED: "unsupported",
}

_REMEDIES = {
    RefusalKind.NOT_SENT: Remedy.RETRY,
    RefusalKind.RESTRICTED: Remedy.RETRY,
    RefusalKind.BUDGET: Remedy.RETRY,
    RefusalKind.OPEN_INTEREST: Remedy.RETRY,
    RefusalKind.NONCE: Remedy.STOP,
    RefusalKind.SIGNER: Remedy.STOP,
    RefusalKind.POST_ONLY: Remedy.EXPECTED,
    RefusalKind.NO_LIQUIDITY: Remedy.EXPECTED,
    RefusalKind.REDUCE_ONLY: Remedy.EXPECTED,
    RefusalKind.GONE: Remedy.EXPECTED,
    RefusalKind.MODIFY: Remedy.EXPECTED,
    RefusalKind.EXPIRED: Remedy.EXPECTED,
    RefusalKind.PRICE_BAND: Remedy.EXPECTED,
    RefusalKind.MARGIN: Remedy.NOT_ALLOWED,
    RefusalKind.BALANCE: Remedy.NOT_ALLOWED,
    RefusalKind.MARGIN_TIER: Remedy.NOT_ALLOWED,
    RefusalKind.BUILDER: Remedy.NOT_ALLOWED,
    RefusalKind.DEPOSIT: Remedy.NOT_ALLOWED,
    RefusalKind.VAULT: Remedy.NOT_ALLOWED,
    RefusalKind.SCHEDULE: Remedy.NOT_ALLOWED,
    RefusalKind.AGENT: Remedy.NOT_ALLOWED,
    RefusalKind.TRANSFER: Remedy.NOT_ALLOWED,
    RefusalKind.ACCOUNT_MODE: Remedy.NOT_ALLOWED,
    RefusalKind.HALTED: Remedy.NOT_ALLOWED,
    RefusalKind.OTHER: Remedy.UNKNOWN,
}

# The beginnings of what the exchange says. Live texts end in ` asset=N`, some of its documents in a full stop.
TEXTS: tuple[tuple[str, RefusalKind], ...] = (
    ("Price must be divisible by tick size", RefusalKind.TICK),
    ("Order has invalid price", RefusalKind.TICK),
    ("Order has invalid size", RefusalKind.SIZE),
    ("Order has zero size", RefusalKind.SIZE),
    ("Order must have minimum value of", RefusalKind.MIN_NOTIONAL),
    ("Insufficient margin to place order", RefusalKind.MARGIN),
    ("Trading is halted", RefusalKind.HALTED),
    ("Insufficient spot balance", RefusalKind.BALANCE),
    ("Order has insufficient spot balance", RefusalKind.BALANCE),
    ("Reduce only order would increase position", RefusalKind.REDUCE_ONLY),
    ("Post only order would have immediately matched", RefusalKind.POST_ONLY),
    ("Order could not immediately match against any resting orders", RefusalKind.NO_LIQUIDITY),
    ("No liquidity available for market order", RefusalKind.NO_LIQUIDITY),
    ("Invalid TP/SL price", RefusalKind.TRIGGER),
    ("Unexpected number of trigger orders", RefusalKind.TRIGGER),
    ("Order would increase open interest", RefusalKind.OPEN_INTEREST),
    ("Order rejected due to price more aggressive than oracle", RefusalKind.OPEN_INTEREST),
    ("Order price too far from oracle", RefusalKind.PRICE_BAND),
    ("Price too far from oracle", RefusalKind.PRICE_BAND),
    ("Order price cannot be more than", RefusalKind.PRICE_BAND),
    ("Order would cause position to exceed margin tier limit", RefusalKind.MARGIN_TIER),
    ("Order was never placed, already canceled, or filled", RefusalKind.GONE),
    ("Cannot modify canceled or filled order", RefusalKind.MODIFY),
    ("Error placing new order during modify", RefusalKind.MODIFY),
    ("Only post-only orders allowed immediately after", RefusalKind.RESTRICTED),
    ("Builder fee has not been approved", RefusalKind.BUILDER),
    ("User or API Wallet ", RefusalKind.SIGNER),
    ("Must deposit before performing actions", RefusalKind.DEPOSIT),
    ("Invalid nonce", RefusalKind.NONCE),
    ("Nonce mismatch", RefusalKind.NONCE),
    ("Mainnet and testnet require different signature", RefusalKind.SIGNER),
    ("Unable to recover signer", RefusalKind.SIGNER),
    ("Action already expired", RefusalKind.EXPIRED),
    ("Vault not registered", RefusalKind.VAULT),
    ("Too many cumulative requests sent", RefusalKind.BUDGET),
    ("Signed action over weight limit", RefusalKind.BATCH),
    ("Cannot switch leverage type", RefusalKind.LEVERAGE),
    ("Position does not use isolated margin", RefusalKind.LEVERAGE),
    ("Cannot set scheduled cancel time", RefusalKind.SCHEDULE),
    ("TWAP was never placed, already canceled, or filled", RefusalKind.GONE),
    ("Invalid TWAP duration", RefusalKind.TWAP),
    ("TWAP order value too small", RefusalKind.TWAP),
    ("Extra agent already used", RefusalKind.AGENT),
    ("Too many extra agents", RefusalKind.AGENT),
    ("User has pending agent removal", RefusalKind.AGENT),
    ("Agent valid_until already expired", RefusalKind.AGENT),
    ("Insufficient balance for", RefusalKind.TRANSFER),
    ("Invalid send", RefusalKind.TRANSFER),
    ("Action disabled when unified account is active", RefusalKind.ACCOUNT_MODE),
    ("Multi-sig required", RefusalKind.ACCOUNT_MODE),
    ("Failed to deserialize the JSON body", RefusalKind.MALFORMED),
)

# Said before the text by older versions of the exchange.
_PREFIX = "L1 error: "
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def kind_of(text: str) -> RefusalKind:
    """Return why, from the exchange's text; ``OTHER`` for a text that is new to us."""
    told = text.removeprefix(_PREFIX)
    return next((kind for start, kind in TEXTS if told.startswith(start)), RefusalKind.OTHER)


def refused(action: str, text: str, ours: frozenset[str] = frozenset()) -> RefusedError:
    """Return the error for an action that was refused as a whole.

    An address in the text that is none of ``ours`` is what a wrong signature recovers to, whatever else the text says.
    """
    kind = kind_of(text)
    named = _ADDRESS.search(text)
    if kind is RefusalKind.DEPOSIT and ours and named and named[0].lower() not in ours:
        kind = RefusalKind.SIGNER
    shown = text if len(text) <= 300 else f"{text[:300]}…"
    error = SignatureError if kind is RefusalKind.SIGNER else RefusedError
    return error(f"{action}: the exchange refused it: {shown}", text=text, kind=kind)
