"""The shapes of answers: dicts with our names, exact numbers, and times in nanoseconds, as the decoder makes them.

Described in ``native/engine/src/hyperliquid/message``, where they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from decimal import Decimal

Side = Literal["buy", "sell"]


class Level(TypedDict):
    """What stands at a price."""

    price: Decimal
    quantity: Decimal
    orders: int | None


class Book(TypedDict):
    """A book; bids, then offers, best first."""

    coin: str
    time: int
    levels: list[list[Level]]


class PublicTrade(TypedDict):
    """A public print; ``side`` took."""

    coin: str
    side: Side
    price: Decimal
    quantity: Decimal
    time: int
    trade_id: int
    users: list[str] | None


class Candle(TypedDict):
    """A bar; the last of an answer may be unfinished."""

    coin: str
    interval: str
    open_time: int
    last_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int


class FundingRate(TypedDict):
    """A settled rate, for one hour."""

    coin: str
    rate: Decimal
    premium: Decimal | None
    time: int


class Order(TypedDict):
    """An order as it stands. What it had filled is told by its fills alone."""

    coin: str
    side: Side
    limit_price: Decimal
    quantity: Decimal
    oid: int
    time: int
    original_quantity: Decimal | None
    cloid: str | None
    reduce_only: bool | None
    kind: str | None
    time_in_force: str | None
    is_trigger: bool | None
    trigger_price: Decimal | None
    trigger_condition: str | None
    is_position_tpsl: bool | None
    children: list[Order] | None


class OrderNews(TypedDict):
    """What became of an order. The set of statuses is open."""

    order: Order
    status: str
    status_time: int


class OrderStatus(TypedDict):
    """The answer about one order; ``unknownOid`` does not mean that it never filled."""

    status: str
    order: OrderNews | None


class Fill(TypedDict):
    """An execution. Its fee is signed: below zero it was earned."""

    coin: str
    price: Decimal
    quantity: Decimal
    side: Side
    time: int
    start_position: Decimal
    direction: str
    closed_pnl: Decimal
    hash: str
    oid: int
    is_taker: bool
    fee: Decimal
    fee_token: str | None
    trade_id: int | None
    cloid: str | None
    builder_fee: Decimal | None
    liquidation: dict[str, Any] | None
    twap_id: int | None


class FundingPayment(TypedDict):
    """Funding that was paid (below zero) or received."""

    time: int | None
    coin: str
    amount: Decimal
    size: Decimal
    rate: Decimal
    samples: int | None


class FundingUpdate(TypedDict):
    """A payment of funding in the history of an account."""

    time: int
    hash: str
    payment: FundingPayment


class LedgerDelta(TypedDict):
    """A movement of money; ``raw`` is all that it says."""

    kind: str
    usdc: Decimal | None
    amount: Decimal | None
    token: str | None
    raw: dict[str, Any]


class LedgerUpdate(TypedDict):
    """A movement of money in the history of an account."""

    time: int
    hash: str
    delta: LedgerDelta


class MarginSummary(TypedDict):
    """The sums of an account."""

    account_value: Decimal
    total_notional: Decimal
    total_raw_usd: Decimal
    total_margin_used: Decimal


class Leverage(TypedDict):
    """The leverage of a position."""

    kind: str
    value: int
    raw_usd: Decimal | None


class Position(TypedDict):
    """A position; ``size`` is below zero for a short."""

    coin: str
    size: Decimal
    leverage: Leverage
    entry_price: Decimal | None
    value: Decimal
    unrealized_pnl: Decimal
    return_on_equity: Decimal
    liquidation_price: Decimal | None
    margin_used: Decimal
    max_leverage: int | None
    cumulative_funding: dict[str, Decimal] | None


class AssetPosition(TypedDict):
    """A position, and how it nets."""

    kind: str
    position: Position


class ClearinghouseState(TypedDict):
    """The perpetuals of an account."""

    margin: MarginSummary
    cross_margin: MarginSummary
    cross_maintenance_margin: Decimal | None
    withdrawable: Decimal
    positions: list[AssetPosition]
    time: int | None


class Balance(TypedDict):
    """A balance of a token; orders hold a part of it."""

    coin: str
    token: int | None
    total: Decimal
    hold: Decimal
    entry_notional: Decimal | None


class SpotState(TypedDict):
    """The tokens of an account."""

    balances: list[Balance]


class UserFees(TypedDict):
    """The fee rates of an account."""

    taker: Decimal
    maker: Decimal
    spot_taker: Decimal | None
    spot_maker: Decimal | None
    referral_discount: Decimal | None
    schedule: dict[str, Any] | None


class UserRateLimit(TypedDict):
    """The budget of actions of an account."""

    volume: Decimal
    used: int
    cap: int
    surplus: int | None


class UserRole(TypedDict):
    """What an address is, and whom it acts for: an agent for ``user``, a sub-account for ``master``."""

    role: str
    data: dict[str, str | None] | None


class ExtraAgent(TypedDict):
    """A named API wallet."""

    name: str
    address: str
    valid_until: int | None


class ActiveAssetData(TypedDict):
    """What an account may trade of an instrument: to buy, and to sell."""

    user: str
    coin: str
    leverage: Leverage
    max_trade_quantities: list[Decimal]
    available_to_trade: list[Decimal]
    mark_price: Decimal


class ExchangeStatus(TypedDict):
    """The exchange's clock, and what is out of the ordinary."""

    special: Any
    time: int


class SubAccount(TypedDict):
    """An account under another."""

    name: str
    user: str
    master: str
    perps: ClearinghouseState
    spot: SpotState | None
