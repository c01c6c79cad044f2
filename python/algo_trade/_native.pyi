"""The face of the compiled core, written by hand and held to the binary by stubtest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from os import PathLike
from pathlib import Path
from types import GenericAlias
from typing import (
    Any,
    ClassVar,
    Generic,
    Literal,
    NamedTuple,
    NoReturn,
    Protocol,
    SupportsFloat,
    SupportsIndex,
    TypeAlias,
    TypedDict,
    final,
    overload,
)

import numpy as np
import numpy.typing as npt
from typing_extensions import TypeVar, disjoint_base

__version__: str
__code_hash__: str

_Number: TypeAlias = Decimal | int | str | float
_Time: TypeAlias = int | datetime
_Side: TypeAlias = Literal["buy", "sell"]
_TimeInForce: TypeAlias = Literal["gtc", "ioc", "alo", "fok"]
_I = TypeVar("_I", bound="Indicator[Any]")

class _ArrowTable(Protocol):
    """Any Arrow library reads it without a copy."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

# --- errors -----------------------------------------------------------------------------------------------------------

class AlgoTradeError(Exception): ...
class InputError(AlgoTradeError): ...
class NumberError(InputError): ...

class DataError(InputError):
    file: str | None
    line: int | None
    column: str | None
    value: str | None

class ParameterError(InputError): ...
class ConfigError(InputError): ...
class CredentialError(InputError): ...
class StrategyError(AlgoTradeError): ...
class JournalError(AlgoTradeError): ...
class EngineError(AlgoTradeError): ...

# --- events -----------------------------------------------------------------------------------------------------------

@final
class Bar:
    def __new__(
        cls,
        symbol: str,
        open_time: _Time,
        close_time: _Time,
        open: _Number,
        high: _Number,
        low: _Number,
        close: _Number,
        volume: _Number | None = None,
        trades: int = 0,
    ) -> Bar: ...
    @property
    def symbol(self) -> str: ...
    @property
    def open(self) -> Decimal: ...
    @property
    def high(self) -> Decimal: ...
    @property
    def low(self) -> Decimal: ...
    @property
    def close(self) -> Decimal: ...
    @property
    def volume(self) -> Decimal | None: ...
    @property
    def trades(self) -> int: ...
    @property
    def open_time(self) -> datetime: ...
    @property
    def close_time(self) -> datetime: ...
    @property
    def open_time_ns(self) -> int: ...
    @property
    def close_time_ns(self) -> int: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def resolution_ns(self) -> int: ...

@final
class Trade:
    def __new__(
        cls,
        symbol: str,
        time: _Time,
        price: _Number,
        quantity: _Number,
        aggressor: _Side | None = None,
        trade_id: int = 0,
        local_time: _Time | None = None,
    ) -> Trade: ...
    @property
    def symbol(self) -> str: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def aggressor(self) -> _Side | None: ...
    @property
    def trade_id(self) -> int: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def local_time(self) -> datetime: ...
    @property
    def local_time_ns(self) -> int: ...

@final
class Quote:
    def __new__(
        cls,
        symbol: str,
        time: _Time,
        bid_price: _Number,
        bid_quantity: _Number,
        ask_price: _Number,
        ask_quantity: _Number,
        local_time: _Time | None = None,
    ) -> Quote: ...
    @property
    def symbol(self) -> str: ...
    @property
    def bid_price(self) -> Decimal: ...
    @property
    def bid_quantity(self) -> Decimal: ...
    @property
    def ask_price(self) -> Decimal: ...
    @property
    def ask_quantity(self) -> Decimal: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def local_time(self) -> datetime: ...
    @property
    def local_time_ns(self) -> int: ...

@final
class BookSnapshot:
    """The whole visible book. Levels that it does not name, inside the span that it covers, are gone."""

    def __new__(
        cls,
        symbol: str,
        time: _Time,
        bids: Sequence[tuple[_Number, _Number]],
        asks: Sequence[tuple[_Number, _Number]],
        local_time: _Time | None = None,
    ) -> BookSnapshot: ...
    @property
    def symbol(self) -> str: ...
    @property
    def bids(self) -> list[tuple[Decimal, Decimal]]: ...
    @property
    def asks(self) -> list[tuple[Decimal, Decimal]]: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def local_time(self) -> datetime: ...
    @property
    def local_time_ns(self) -> int: ...

@final
class BookDelta:
    """A level of the book now holds this much; zero deletes it."""

    def __new__(
        cls,
        symbol: str,
        time: _Time,
        side: _Side,
        price: _Number,
        quantity: _Number,
        is_last: bool = True,
        local_time: _Time | None = None,
    ) -> BookDelta: ...
    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> _Side: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def is_last(self) -> bool: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def local_time(self) -> datetime: ...
    @property
    def local_time_ns(self) -> int: ...

@final
class MarketContext:
    """The prices by which the venue values positions, triggers orders and works out funding."""

    def __new__(
        cls,
        symbol: str,
        time: _Time,
        mark_price: _Number,
        oracle_price: _Number | None = None,
        impact_bid: _Number | None = None,
        impact_ask: _Number | None = None,
        local_time: _Time | None = None,
    ) -> MarketContext: ...
    @property
    def symbol(self) -> str: ...
    @property
    def mark_price(self) -> Decimal: ...
    @property
    def oracle_price(self) -> Decimal | None: ...
    @property
    def impact_bid(self) -> Decimal | None: ...
    @property
    def impact_ask(self) -> Decimal | None: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def local_time(self) -> datetime: ...
    @property
    def local_time_ns(self) -> int: ...

@final
class FundingRate:
    """Funding is settled, at this rate of the hour."""

    def __new__(
        cls,
        symbol: str,
        time: _Time,
        rate: _Number,
        oracle_price: _Number | None = None,
        local_time: _Time | None = None,
    ) -> FundingRate: ...
    @property
    def symbol(self) -> str: ...
    @property
    def rate(self) -> Decimal: ...
    @property
    def oracle_price(self) -> Decimal | None: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def local_time(self) -> datetime: ...
    @property
    def local_time_ns(self) -> int: ...

@final
class FillEvent:
    def __new__(
        cls,
        symbol: str,
        *,
        cloid: str,
        side: str,
        price: _Number,
        quantity: _Number,
        fee: _Number,
        time: _Time,
        local_time: _Time | None = None,
        liquidity: str = "taker",
        reason: str | None = None,
        trade_id: int = 0,
        oid: int = 0,
    ) -> FillEvent: ...
    @property
    def symbol(self) -> str: ...
    @property
    def cloid(self) -> str: ...
    @property
    def oid(self) -> int: ...
    @property
    def trade_id(self) -> int: ...
    @property
    def side(self) -> _Side: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def fee(self) -> Decimal: ...
    @property
    def liquidity(self) -> Literal["maker", "taker"]: ...
    @property
    def reason(self) -> str: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_ns(self) -> int: ...

@final
class OrderEvent:
    @property
    def symbol(self) -> str: ...
    @property
    def cloid(self) -> str: ...
    @property
    def side(self) -> _Side: ...
    @property
    def kind(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def leaves(self) -> Decimal: ...
    @property
    def price(self) -> Decimal | None: ...
    @property
    def trigger_price(self) -> Decimal | None: ...
    @property
    def duration_ns(self) -> int | None: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def for_position(self) -> bool: ...
    @property
    def expires_after_ns(self) -> int | None: ...
    @property
    def time_in_force(self) -> _TimeInForce: ...
    @property
    def reduce_only(self) -> bool: ...
    @property
    def time(self) -> datetime: ...

@final
class OrderUpdate:
    def __new__(
        cls,
        symbol: str,
        *,
        cloid: str,
        status: str,
        time: _Time,
        local_time: _Time | None = None,
        reason: str | None = None,
        oid: int = 0,
    ) -> OrderUpdate: ...
    @property
    def symbol(self) -> str: ...
    @property
    def cloid(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_ns(self) -> int: ...

@final
class SignalEvent:
    @property
    def symbol(self) -> str: ...
    @property
    def kind(self) -> Literal["long", "short", "exit"]: ...
    @property
    def strength(self) -> float: ...
    @classmethod
    def long(cls, symbol: str, strength: float = 1.0) -> SignalEvent: ...
    @classmethod
    def short(cls, symbol: str, strength: float = 1.0) -> SignalEvent: ...
    @classmethod
    def exit(cls, symbol: str) -> SignalEvent: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...

# --- what a strategy sees ---------------------------------------------------------------------------------------------

@final
class Position:
    @property
    def quantity(self) -> Decimal: ...
    @property
    def entry_price(self) -> Decimal | None: ...
    @property
    def unrealised_pnl(self) -> Decimal: ...
    @property
    def is_long(self) -> bool: ...
    @property
    def is_short(self) -> bool: ...
    @property
    def is_flat(self) -> bool: ...

@final
class Orders:
    @property
    def open(self) -> list[OrderEvent]: ...
    @property
    def open_buys(self) -> list[OrderEvent]: ...
    @property
    def open_sells(self) -> list[OrderEvent]: ...
    def __len__(self) -> int: ...

@final
class Book:
    """The book of a symbol as it is at the present event; a view, usable inside hooks only."""

    @property
    def symbol(self) -> str: ...
    @property
    def best_bid(self) -> Decimal | None: ...
    @property
    def best_ask(self) -> Decimal | None: ...
    @property
    def bid_quantity(self) -> Decimal | None: ...
    @property
    def ask_quantity(self) -> Decimal | None: ...
    @property
    def mid(self) -> Decimal | None: ...
    @property
    def spread(self) -> Decimal | None: ...
    @property
    def tick_size(self) -> Decimal: ...
    @property
    def last_trade(self) -> Decimal | None: ...
    @property
    def mark_price(self) -> Decimal | None: ...
    @property
    def oracle_price(self) -> Decimal | None: ...
    @property
    def is_crossed(self) -> bool: ...
    @property
    def microprice(self) -> float | None: ...
    def imbalance(self, depth: int = 1) -> float | None: ...
    def weighted_mid(self, depth: int = 5) -> float | None: ...
    def vwap(self, side: _Side, quantity: _Number) -> Decimal | None: ...
    def levels(self, side: _Side, depth: int = 10) -> list[tuple[Decimal, Decimal]]: ...
    def quantity_at(self, side: _Side, price: _Number) -> Decimal: ...

@final
class Context:
    @property
    def now(self) -> datetime: ...
    @property
    def now_ns(self) -> int: ...
    @property
    def symbols(self) -> list[str]: ...
    @property
    def equity(self) -> Decimal: ...
    @property
    def cash(self) -> Decimal: ...
    def price(self, symbol: str) -> Decimal: ...
    def position(self, symbol: str) -> Position: ...
    def orders(self, symbol: str) -> Orders: ...
    def book(self, symbol: str) -> Book: ...
    def schedule_cancel(self, time_ns: int | None) -> None: ...
    def indicator(
        self, indicator: _I, *, field: str = "close", symbol: str | None = None, resolution: str | None = None
    ) -> _I: ...
    def signal(self, signal: SignalEvent) -> None: ...
    def buy(
        self,
        symbol: str,
        quantity: _Number | None = None,
        *,
        price: _Number | None = None,
        stop: _Number | None = None,
        take_profit: _Number | None = None,
        trail: _Number | None = None,
        twap_ns: int | None = None,
        time_in_force: _TimeInForce = "gtc",
        reduce_only: bool = False,
        parent: str | None = None,
        for_position: bool = False,
        expires_after_ns: int | None = None,
    ) -> str: ...
    def sell(
        self,
        symbol: str,
        quantity: _Number | None = None,
        *,
        price: _Number | None = None,
        stop: _Number | None = None,
        take_profit: _Number | None = None,
        trail: _Number | None = None,
        twap_ns: int | None = None,
        time_in_force: _TimeInForce = "gtc",
        reduce_only: bool = False,
        parent: str | None = None,
        for_position: bool = False,
        expires_after_ns: int | None = None,
    ) -> str: ...
    def modify(self, cloid: str, *, price: _Number | None = None, quantity: _Number | None = None) -> None: ...
    def cancel(self, cloid: str) -> None: ...
    def cancel_all(self, symbol: str | None = None) -> None: ...
    def set_timer(self, interval_ns: int, *, repeat: bool = True) -> None: ...

# --- options ----------------------------------------------------------------------------------------------------------

@final
class ParamSpec:
    def __new__(
        cls,
        name: str,
        default: bool | float | str | Decimal,
        *,
        low: _Number | None = None,
        high: _Number | None = None,
        choices: Sequence[str] | None = None,
        help: str = "",
    ) -> ParamSpec: ...
    @property
    def name(self) -> str: ...
    @property
    def type_name(self) -> Literal["bool", "int", "decimal", "float", "str"]: ...
    @property
    def default(self) -> Any: ...
    @property
    def low(self) -> Any: ...
    @property
    def high(self) -> Any: ...
    @property
    def choices(self) -> list[str]: ...
    @property
    def help(self) -> str: ...

def resolve_params(strategy: str, specs: Sequence[ParamSpec], given: Mapping[str, object]) -> dict[str, Any]: ...
def builtin_strategies() -> list[tuple[str, str, list[ParamSpec]]]: ...
def builtin_params(name: str, given: Mapping[str, object]) -> dict[str, Any]: ...
def builtin_warm_up(name: str, params: Mapping[str, object]) -> int: ...
def resolve_capital(initial_capital: _Number) -> Decimal: ...

@final
class FeeSchedule:
    @staticmethod
    def plain(
        *, maker_rate: _Number, taker_rate: _Number, basis: str, buyer_rate: _Number, seller_rate: _Number
    ) -> FeeSchedule: ...
    @staticmethod
    def hyperliquid(
        *,
        volume_14d: _Number,
        maker_share: _Number,
        staking: _Number,
        referral: _Number,
        builder_rate: _Number,
        tables: Sequence[tuple[int, Sequence[tuple[_Number, _Number, _Number]], Sequence[tuple[_Number, _Number]]]]
        | None = None,
    ) -> FeeSchedule: ...

@final
class VenueOptions:
    def __new__(
        cls,
        *,
        fill_on: str,
        slippage_bps: _Number,
        path: str,
        penetration_ticks: int,
        max_participation: _Number,
        fees: FeeSchedule,
        funding: str,
        leverage: int,
        margin: str,
        margin_mode: str,
        reserve_open_orders: bool,
        book: BookOptions,
    ) -> VenueOptions: ...

@final
class RiskOptions:
    def __new__(
        cls,
        *,
        quantity: _Number | None = None,
        fraction: _Number | None = None,
        volatility: tuple[float, int, float] | None = None,
        max_position_size: _Number | None = None,
    ) -> RiskOptions: ...

@final
class Instrument:
    def __new__(
        cls,
        symbol: str,
        *,
        tick_size: _Number | None = None,
        lot_size: _Number | None = None,
        size_decimals: int | None = None,
        price_decimals: int | None = None,
        min_notional: _Number | None = None,
        tiers: Sequence[tuple[_Number, int]] | None = None,
        leverage: int | None = None,
        margin_mode: str | None = None,
    ) -> Instrument: ...
    @property
    def symbol(self) -> str: ...
    def allows_price(self, price: _Number) -> bool: ...
    def takes(self, price: _Number, quantity: _Number, trigger_price: _Number | None, reduces: bool) -> bool: ...
    def reach(self, price: _Number, share: _Number, side: _Side) -> Decimal: ...

# --- drivers ----------------------------------------------------------------------------------------------------------

@final
class Outcome:
    @property
    def digest(self) -> str: ...
    @property
    def events(self) -> int: ...
    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...
    @property
    def final_equity(self) -> Decimal: ...
    @property
    def equity_stride(self) -> int: ...
    def metrics(self) -> dict[str, Any]: ...
    def fills(self) -> _ArrowTable: ...
    def orders(self) -> _ArrowTable: ...
    def trades(self) -> _ArrowTable: ...
    def equity(self) -> _ArrowTable: ...
    def prices(self) -> _ArrowTable: ...
    def marks(self) -> _ArrowTable: ...
    def best(self) -> _ArrowTable: ...

_Strategy: TypeAlias = tuple[str, Mapping[str, object]] | Mapping[str, Any] | _Compiled
_Risk: TypeAlias = RiskOptions | Mapping[str, Callable[..., Any]]

@final
class TimerEvent:
    def __new__(cls, time: _Time, id: int) -> TimerEvent: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def id(self) -> int: ...

@final
class ControlEvent:
    @staticmethod
    def start(time: _Time) -> ControlEvent: ...
    @staticmethod
    def stop(time: _Time) -> ControlEvent: ...
    @staticmethod
    def warm_up(time: _Time) -> ControlEvent: ...
    @staticmethod
    def pause(time: _Time) -> ControlEvent: ...
    @staticmethod
    def resume(time: _Time) -> ControlEvent: ...
    @staticmethod
    def cancel_all(time: _Time) -> ControlEvent: ...
    @staticmethod
    def flatten(time: _Time) -> ControlEvent: ...
    @staticmethod
    def takeover(time: _Time, epoch: int) -> ControlEvent: ...
    @property
    def kind(
        self,
    ) -> Literal["start", "stop", "warm_up", "pause", "resume", "cancel_all", "flatten", "takeover"]: ...
    @property
    def epoch(self) -> int | None: ...
    @property
    def time_ns(self) -> int: ...

@final
class AccountEvent:
    @staticmethod
    def funding(symbol: str, time: _Time, amount: _Number, rate: _Number, oracle_price: _Number) -> AccountEvent: ...
    @staticmethod
    def position(symbol: str, time: _Time, quantity: _Number, entry_price: _Number | None) -> AccountEvent: ...
    @staticmethod
    def transfer(time: _Time, amount: _Number) -> AccountEvent: ...
    @property
    def kind(self) -> Literal["backstop", "funding", "builder_fee", "position", "transfer"]: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def entry_price(self) -> Decimal | None: ...
    @property
    def symbol(self) -> str | None: ...
    @property
    def rate(self) -> Decimal | None: ...
    @property
    def oracle_price(self) -> Decimal | None: ...
    @property
    def time_ns(self) -> int: ...

@final
class SubmitOrder:
    @property
    def order(self) -> OrderEvent: ...

@final
class RefuseOrder:
    @property
    def order(self) -> OrderEvent: ...
    @property
    def reason(self) -> Literal["risk", "not_trading"]: ...

@final
class ModifyOrder:
    @property
    def cloid(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def quantity(self) -> Decimal: ...

@final
class CancelOrder:
    @property
    def cloid(self) -> str: ...
    @property
    def symbol(self) -> str: ...

@final
class ScheduleCancel:
    """Take all orders away at a time, unless it is moved; without a time the plan is taken back."""

    @property
    def time_ns(self) -> int | None: ...

@final
class LatencyOptions:
    """How long messages take, checked; raises ParameterError."""

    @staticmethod
    def constant(entry_ns: int, response_ns: int) -> LatencyOptions: ...
    @staticmethod
    def table(rows: Sequence[tuple[Any, ...]]) -> LatencyOptions: ...
    @staticmethod
    def feed(a: float, b: int, c: float, d: int) -> LatencyOptions: ...

@final
class BookOptions:
    """Options of matching on books, checked; raises ParameterError."""

    def __new__(
        cls,
        *,
        queue_model: str,
        queue_n: float,
        log_unit: _Number,
        partial_fills: bool,
        through_fill: str,
        cross_fill: str,
        unknown_aggressor_fills: bool,
        modify_keeps_queue: bool,
        modify_keeps_old: bool,
        taken_decay_ns: int | None,
        price_band: _Number,
        market_reach: _Number,
        trigger_reach: _Number,
        open_orders_max: int,
        book_age_max_ns: int,
        block_mode: bool,
        block_interval_ns: int | None,
        latency: LatencyOptions,
        modify_latency: LatencyOptions | None,
        cancel_latency: LatencyOptions | None,
        jitter: float,
        independent_messages: bool,
        equity_step_ns: int,
        seed: int,
    ) -> BookOptions: ...

@final
class SetTimer:
    @property
    def time_ns(self) -> int: ...
    @property
    def id(self) -> int: ...

@final
class Notice:
    @property
    def level(self) -> Literal["info", "warning", "error"]: ...
    @property
    def text(self) -> str: ...

_Report: TypeAlias = FillEvent | OrderUpdate | AccountEvent
_Command: TypeAlias = SubmitOrder | RefuseOrder | ModifyOrder | CancelOrder | ScheduleCancel | SetTimer | Notice
_Tick: TypeAlias = Trade | Quote | BookSnapshot | BookDelta | MarketContext | FundingRate
_Market: TypeAlias = Bar | _Tick

@final
class System:
    def __new__(
        cls,
        strategy: _Strategy,
        risk: _Risk,
        *,
        symbols: Sequence[str],
        rules: Sequence[Instrument],
        initial_capital: _Number,
        bot_id: str,
        epoch: int = 0,
        books: Sequence[str] = ...,
        journal: JournalWriter | None = None,
    ) -> System: ...
    def step(
        self, event: _Market | _Report | TimerEvent | ControlEvent | list[_Market] | tuple[_Market, ...]
    ) -> list[_Command]: ...
    def recover(self, path: str | PathLike[str]) -> Recovered: ...
    @property
    def equity(self) -> Decimal: ...
    @property
    def cash(self) -> Decimal: ...
    def position(self, symbol: str) -> Position: ...
    def positions(self) -> list[tuple[str, Position]]: ...
    def orders(self) -> list[OrderEvent]: ...
    def account(self) -> dict[str, Decimal]: ...
    @property
    def epoch(self) -> int: ...
    @property
    def mode(self) -> Literal["trading", "warming_up", "paused"]: ...

@final
class SimulatedVenue:
    def __new__(
        cls,
        options: VenueOptions,
        *,
        symbols: Sequence[str],
        rules: Sequence[Instrument],
        initial_capital: _Number,
        books: Sequence[str] = ...,
    ) -> SimulatedVenue: ...
    def on_market_event(self, event: _Market) -> list[_Report]: ...
    def on_time(self, now_ns: int) -> list[_Report]: ...
    @property
    def next_time_ns(self) -> int | None: ...
    def execute(self, command: _Command, now_ns: int) -> list[_Report]: ...

class _Compiled(Protocol):
    def __algo_trade_strategy__(self) -> object: ...

def context_functions() -> dict[str, int]: ...
def run_backtest(
    data: Any,
    strategy: _Strategy,
    *,
    symbols: Sequence[str],
    rules: Sequence[Instrument],
    venue: VenueOptions,
    risk: _Risk,
    initial_capital: _Number,
    bot_id: str,
    full: bool,
    books: Sequence[str] = ...,
    journal: str | PathLike[str] | None = None,
    header: str = "{}",
    progress: Callable[[int], object] | None = None,
) -> Outcome: ...

@final
class Journal:
    def __new__(cls, path: str | PathLike[str]) -> Journal: ...
    @property
    def header(self) -> str: ...
    def replay(
        self,
        strategy: _Strategy,
        *,
        symbols: Sequence[str],
        rules: Sequence[Instrument],
        risk: _Risk,
        initial_capital: _Number,
        bot_id: str,
        epoch: int = 0,
        books: Sequence[str] = ...,
        until_ns: int | None = None,
    ) -> tuple[int, int, bool]: ...
    def dump(self, write: Callable[[str], object], *, until_ns: int | None = None) -> int: ...

@final
class JournalWriter:
    """A journal that is being written: what a `System` appends to."""

    def __new__(cls, path: str | PathLike[str], header: str) -> JournalWriter: ...
    @property
    def path(self) -> Path: ...
    @property
    def cut(self) -> str | None: ...
    def end(self) -> None: ...
    def close(self) -> None: ...

@final
class JournalStore:
    """Many journals in a folder, made durable together by a thread of its own."""

    def __new__(cls, folder: str | PathLike[str], *, window_ms: int = 100) -> JournalStore: ...
    def create(self, name: str, header: str) -> JournalWriter: ...
    def resume(self, name: str) -> JournalWriter: ...
    def commit(self) -> int: ...
    @property
    def durable(self) -> int: ...
    def fileno(self) -> int: ...
    def drain(self) -> int: ...
    @property
    def failure(self) -> str | None: ...
    def close(self) -> None: ...

@final
class Recovered:
    """What was found in a journal that a system was recovered from."""

    @property
    def events(self) -> int: ...
    @property
    def commands(self) -> int: ...
    @property
    def last_time_ns(self) -> int: ...
    @property
    def has_ended(self) -> bool: ...
    @property
    def cut(self) -> str | None: ...
    @property
    def fills(self) -> list[tuple[str, int, int, int]]: ...

# --- data -------------------------------------------------------------------------------------------------------------

@final
class BarData:
    """Bars of files and tables: checked and summed up when made; in memory unless they are too many."""

    def __new__(
        cls,
        inputs: Sequence[tuple[str, Callable[[], object] | None, str | None]],
        *,
        columns: Sequence[tuple[str, str]] = ...,
        symbols: Sequence[str] = ...,
        start_ns: int | None = None,
        end_ns: int | None = None,
        stamp: str = "open",
        volume_unit: str = "base",
        resolution_ns: int | None = None,
        load_bytes_max: int = ...,
    ) -> BarData: ...
    @property
    def symbols(self) -> list[str]: ...
    @property
    def is_loaded(self) -> bool: ...
    @property
    def fingerprint(self) -> str: ...
    def summary_json(self) -> str: ...
    def resample(self, rule: str) -> _ArrowTable: ...
    def __iter__(self) -> BarIterator: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __len__(self) -> int: ...

@final
class BarIterator:
    """The bars of all inputs in the order in which a run takes them: by close, then by symbol."""

    def __iter__(self) -> BarIterator: ...
    def __next__(self) -> Bar: ...

def synthetic_bars(
    symbols: Sequence[str],
    rows: int,
    *,
    seed: int = 0,
    resolution_ns: int = 60_000_000_000,
    load_bytes_max: int = ...,
) -> BarData: ...
def parse_time_ns(text: str) -> int: ...

@final
class TickData:
    """The tick tables of folders or files: found when made, read when a run or a frame wants them."""

    def __new__(
        cls,
        paths: Sequence[str],
        *,
        symbols: Sequence[str] = ...,
        kinds: Sequence[str] = ...,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> TickData: ...
    def load(self) -> None: ...
    @property
    def symbols(self) -> list[str]: ...
    @property
    def kinds(self) -> list[str]: ...
    @property
    def venues(self) -> list[str]: ...
    def books(self, symbol: str) -> list[str]: ...
    @property
    def fingerprint(self) -> str: ...
    def parts_json(self) -> str: ...
    def __iter__(self) -> TickIterator: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

@final
class TickIterator:
    """Ticks as events, in the order in which they reached us."""

    def __iter__(self) -> TickIterator: ...
    def __next__(self) -> _Tick: ...

def import_ticks(
    paths: Sequence[str],
    out: str,
    *,
    format: str = "auto",
    symbol: str | None = None,
    venue: str | None = None,
    is_arrow: bool = False,
    is_strict: bool = False,
    progress: Callable[[int], object] | None = None,
) -> str: ...
def synthetic_ticks(
    symbols: Sequence[str],
    rows: int,
    out: str,
    *,
    seed: int = 0,
    density: int = 1_000,
    is_orders: bool = False,
    is_arrow: bool = False,
    start_ns: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> str: ...

# --- Hyperliquid ------------------------------------------------------------------------------------------------------

@final
class LocalVenue:
    """The local venue, without a socket or a clock: requests, messages and times in; answers, messages and deadlines out."""

    def __new__(cls, options_json: str, now_ns: int) -> LocalVenue: ...
    def request(self, path: str, body: bytes, peer: str, now_ns: int) -> int: ...
    def connect(self, peer: str, now_ns: int) -> int | str: ...
    def receive(self, connection: int, message: bytes, now_ns: int) -> None: ...
    def disconnect(self, connection: int, now_ns: int) -> None: ...
    def advance(self, now_ns: int) -> None: ...
    def deadline(self) -> int: ...
    def drain(
        self,
    ) -> list[
        tuple[Literal["answer"], int, int, bytes | None, int]
        | tuple[Literal["message"], int, bytes, int]
        | tuple[Literal["close"], int, int, int]
    ]: ...
    def control(self, body: bytes, now_ns: int) -> bytes: ...
    @property
    def broken(self) -> str | None: ...

_Action: TypeAlias = Mapping[str, Any] | Sequence[Any]

class _Account(Protocol):
    """An account of `eth_account`."""

    @property
    def key(self) -> bytes: ...

_Key: TypeAlias = SigningKey | str | bytes | _Account

class _Signature(TypedDict):
    """As the official client writes it: `r` and `s` are hex without leading zero digits."""

    r: str
    s: str
    v: int

@final
class SigningKey:
    """The private key of an account or of an API wallet. It is never shown, copied or pickled, and wiped when it goes."""

    def __new__(cls, key: str | bytes | _Account) -> SigningKey: ...
    @property
    def address(self) -> str:
        """In lower case, as it is signed and sent."""
    @property
    def checksum_address(self) -> str:
        """With the mixed case that carries a checksum (EIP-55)."""
    def __reduce__(self) -> NoReturn: ...

@final
class WireOrder:
    """An order as the venue takes it. `trigger_price` with `trigger` ("tp" or "sl") makes it wait for the mark price."""

    def __new__(
        cls,
        asset: int,
        is_buy: bool,
        price: _Number,
        quantity: _Number,
        *,
        reduce_only: bool = False,
        time_in_force: Literal["gtc", "ioc", "alo"] = "gtc",
        trigger_price: _Number | None = None,
        trigger: Literal["tp", "sl"] | None = None,
        trigger_market: bool = True,
        cloid: str | None = None,
    ) -> WireOrder: ...
    @property
    def asset(self) -> int: ...
    @property
    def is_buy(self) -> bool: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def reduce_only(self) -> bool: ...
    @property
    def cloid(self) -> str | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __ge__(self, other: object, /) -> bool: ...
    def __gt__(self, other: object, /) -> bool: ...
    def __le__(self, other: object, /) -> bool: ...
    def __lt__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

def order_outcome(status: str) -> tuple[str, str | None] | None:
    """What a status of an order means, as a trading system says it, with the reason of an end; None for a word that is new."""

def wire_decimal(value: _Number) -> str:
    """Write a number as the venue does: plain, at most 8 decimals, no trailing zeros. A finer number is an error."""

def action_hash(
    action: _Action, nonce: int, vault_address: str | None = None, expires_after: int | None = None
) -> bytes:
    """Hash an L1 action with its terms. The order of its keys matters. Times are in ms."""

def l1_digest(action_hash: bytes, is_mainnet: bool = True) -> bytes:
    """What is signed for an L1 action of this hash."""

def user_digest(action: Mapping[str, Any], primary_type: str | None = None) -> bytes:
    """What is signed for a user-signed action. Its `type` says which it is, or else the primary type."""

def sign_l1_action(
    key: _Key,
    action: _Action,
    nonce: int,
    vault_address: str | None = None,
    is_mainnet: bool = True,
    expires_after: int | None = None,
) -> _Signature:
    """Sign an L1 action. `nonce` and `expires_after` are in ms since the epoch."""

def sign_user_action(key: _Key, action: Mapping[str, Any], primary_type: str | None = None) -> _Signature:
    """Sign a user-signed action, on the `hyperliquidChain` and `signatureChainId` that it names."""

def recover(digest: bytes, signature: Mapping[str, Any]) -> str:
    """The address, in lower case, whose key signed a digest. For another digest it is another, random one."""

def signed_request(
    key: _Key,
    action: _Action,
    nonce: int,
    vault_address: str | None = None,
    is_mainnet: bool = True,
    expires_after: int | None = None,
) -> bytes:
    """The body to post for any L1 action."""

def signed_user_request(key: _Key, action: Mapping[str, Any]) -> bytes:
    """The body to post for a user-signed action. Its own `nonce` or `time` is the request's."""

def signed_orders(
    key: _Key,
    orders: Sequence[WireOrder],
    nonce: int,
    vault_address: str | None = None,
    is_mainnet: bool = True,
    expires_after: int | None = None,
    *,
    grouping: Literal["na", "normalTpsl", "positionTpsl"] = "na",
    builder: tuple[str, int] | None = None,
) -> bytes:
    """The body to post for orders. `builder` is an address and its fee in tenths of a basis point."""

def signed_modifies(
    key: _Key,
    modifies: Sequence[tuple[int | str, WireOrder]],
    nonce: int,
    vault_address: str | None = None,
    is_mainnet: bool = True,
    expires_after: int | None = None,
) -> bytes:
    """The body to post to replace orders, each named by its oid or its cloid."""

def signed_cancels(
    key: _Key,
    cancels: Sequence[tuple[int, int | str]],
    nonce: int,
    vault_address: str | None = None,
    is_mainnet: bool = True,
    expires_after: int | None = None,
    *,
    fast: bool = False,
) -> bytes:
    """The body to post to cancel orders: assets, with all oids or all cloids. `fast` asks for priority; not for trigger orders."""

@final
class HyperliquidMessage:
    """What is no event of a market. `data` is plain: dicts with our names, lists, Decimal, int, str; times in nanoseconds."""

    @property
    def channel(self) -> str: ...
    @property
    def data(self) -> Any: ...
    @property
    def events(self) -> list[FillEvent | OrderUpdate]: ...

@final
class HyperliquidDecoder:
    """Messages of the socket and answers into events and plain values. A message that contradicts the protocol is a DataError."""

    def __new__(cls, coins: dict[str, str], *, quote_currency: str = "USDC") -> HyperliquidDecoder: ...
    def decode(
        self, message: bytes | str, local_time_ns: int
    ) -> list[BookSnapshot | Trade | Quote | MarketContext | HyperliquidMessage]: ...
    @staticmethod
    def decode_info(question: str, body: bytes | str) -> Any: ...
    @staticmethod
    def decode_exchange(body: bytes | str) -> dict[str, Any]: ...
    def set_history_before(self, time_ns: int) -> None: ...
    @property
    def newest_ns(self) -> int: ...
    @property
    def unknown(self) -> dict[str, int]: ...

# --- indicators -------------------------------------------------------------------------------------------------------

_V_co = TypeVar("_V_co", covariant=True, default=Any)
_N = TypeVar("_N", default=float)
_Real: TypeAlias = SupportsFloat | SupportsIndex
_Floats: TypeAlias = npt.NDArray[np.float64]
_Column: TypeAlias = npt.ArrayLike | _ArrowTable | _ArrowArray

class _ArrowArray(Protocol):
    """As `_ArrowTable`, in one piece."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

# Named tuples of floats from a class, of arrays from a batch function.
class MacdValue(NamedTuple, Generic[_N]):
    macd: _N
    signal: _N
    histogram: _N

class BandsValue(NamedTuple, Generic[_N]):
    upper: _N
    middle: _N
    lower: _N

class AdxValue(NamedTuple, Generic[_N]):
    adx: _N
    plus_di: _N
    minus_di: _N

class DmiValue(NamedTuple, Generic[_N]):
    plus_di: _N
    minus_di: _N

class StochasticValue(NamedTuple, Generic[_N]):
    k: _N
    d: _N

class SuperTrendValue(NamedTuple, Generic[_N]):
    line: _N
    direction: _N

class LinearRegressionValue(NamedTuple, Generic[_N]):
    slope: _N
    intercept: _N
    value: _N

@disjoint_base
class Indicator(Generic[_V_co]):
    @classmethod
    def __class_getitem__(cls, item: object) -> GenericAlias: ...
    @property
    def value(self) -> _V_co | None: ...
    @property
    def previous(self) -> _V_co | None: ...
    @property
    def ready(self) -> bool: ...
    @property
    def warm_up(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def params(self) -> dict[str, Any]: ...
    def reset(self) -> None: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Sma(Indicator[float]):
    def __new__(cls, period: int) -> Sma: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Ema(Indicator[float]):
    def __new__(cls, period: int, *, unstable_period: int = 0) -> Ema: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Wma(Indicator[float]):
    def __new__(cls, period: int) -> Wma: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Dema(Indicator[float]):
    def __new__(cls, period: int, *, unstable_period: int = 0) -> Dema: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Tema(Indicator[float]):
    def __new__(cls, period: int, *, unstable_period: int = 0) -> Tema: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Hma(Indicator[float]):
    def __new__(cls, period: int) -> Hma: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Kama(Indicator[float]):
    def __new__(cls, period: int, *, unstable_period: int = 0) -> Kama: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Macd(Indicator[MacdValue]):
    def __new__(cls, fast: int = 12, slow: int = 26, signal: int = 9, *, unstable_period: int = 0) -> Macd: ...
    def update(self, value: _Real | Bar, /) -> MacdValue | None: ...

@final
class Bollinger(Indicator[BandsValue]):
    def __new__(cls, period: int = 20, deviations: float = 2.0) -> Bollinger: ...
    def update(self, value: _Real | Bar, /) -> BandsValue | None: ...

@final
class Keltner(Indicator[BandsValue]):
    def __new__(cls, period: int = 20, range_period: int = 10, multiplier: float = 2.0) -> Keltner: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, /) -> BandsValue | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, /) -> BandsValue | None: ...

@final
class Donchian(Indicator[BandsValue]):
    def __new__(cls, period: int = 20) -> Donchian: ...
    @overload
    def update(self, high: Bar, low: None = None, /) -> BandsValue | None: ...
    @overload
    def update(self, high: _Real, low: _Real, /) -> BandsValue | None: ...

@final
class Atr(Indicator[float]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Atr: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, /) -> float | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, /) -> float | None: ...

@final
class Adx(Indicator[AdxValue]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Adx: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, /) -> AdxValue | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, /) -> AdxValue | None: ...

@final
class Dmi(Indicator[DmiValue]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Dmi: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, /) -> DmiValue | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, /) -> DmiValue | None: ...

@final
class SuperTrend(Indicator[SuperTrendValue]):
    def __new__(cls, period: int = 10, multiplier: float = 3.0, *, unstable_period: int = 0) -> SuperTrend: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, /) -> SuperTrendValue | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, /) -> SuperTrendValue | None: ...

@final
class ParabolicSar(Indicator[float]):
    def __new__(cls, acceleration: float = 0.02, maximum: float = 0.2) -> ParabolicSar: ...
    @overload
    def update(self, high: Bar, low: None = None, /) -> float | None: ...
    @overload
    def update(self, high: _Real, low: _Real, /) -> float | None: ...

@final
class Rsi(Indicator[float]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Rsi: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class StochRsi(Indicator[StochasticValue]):
    def __new__(cls, period: int = 14, fast_k: int = 5, fast_d: int = 3, *, unstable_period: int = 0) -> StochRsi: ...
    def update(self, value: _Real | Bar, /) -> StochasticValue | None: ...

@final
class Stochastic(Indicator[StochasticValue]):
    def __new__(cls, fast_k: int = 5, slow_k: int = 3, slow_d: int = 3) -> Stochastic: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, /) -> StochasticValue | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, /) -> StochasticValue | None: ...

@final
class Cci(Indicator[float]):
    def __new__(cls, period: int = 14) -> Cci: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, /) -> float | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, /) -> float | None: ...

@final
class WilliamsR(Indicator[float]):
    def __new__(cls, period: int = 14) -> WilliamsR: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, /) -> float | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, /) -> float | None: ...

@final
class Roc(Indicator[float]):
    def __new__(cls, period: int = 10) -> Roc: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Momentum(Indicator[float]):
    def __new__(cls, period: int = 10) -> Momentum: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Min(Indicator[float]):
    def __new__(cls, period: int) -> Min: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Max(Indicator[float]):
    def __new__(cls, period: int) -> Max: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Std(Indicator[float]):
    def __new__(cls, period: int) -> Std: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Zscore(Indicator[float]):
    def __new__(cls, period: int) -> Zscore: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class LinearRegression(Indicator[LinearRegressionValue]):
    def __new__(cls, period: int = 14) -> LinearRegression: ...
    def update(self, value: _Real | Bar, /) -> LinearRegressionValue | None: ...

@final
class EwmVariance(Indicator[float]):
    def __new__(cls, period: int) -> EwmVariance: ...
    def update(self, value: _Real | Bar, /) -> float | None: ...

@final
class Obv(Indicator[float]):
    def __new__(cls) -> Obv: ...
    @overload
    def update(self, price: Bar, volume: None = None, /) -> float | None: ...
    @overload
    def update(self, price: _Real, volume: _Real, /) -> float | None: ...

@final
class Mfi(Indicator[float]):
    def __new__(cls, period: int = 14) -> Mfi: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, volume: None = None, /) -> float | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, volume: _Real, /) -> float | None: ...

@final
class RollingVwap(Indicator[float]):
    def __new__(cls, period: int) -> RollingVwap: ...
    @overload
    def update(self, high: Bar, low: None = None, close: None = None, volume: None = None, /) -> float | None: ...
    @overload
    def update(self, high: _Real, low: _Real, close: _Real, volume: _Real, /) -> float | None: ...

@final
class Vwap(Indicator[float]):
    def __new__(cls, *, session: Literal["day"] | None = None) -> Vwap: ...
    @overload
    def update(
        self, high: Bar, low: None = None, close: None = None, volume: None = None, /, *, time: int | None = None
    ) -> float | None: ...
    @overload
    def update(
        self, high: _Real, low: _Real, close: _Real, volume: _Real, /, *, time: int | None = None
    ) -> float | None: ...

def sma(values: _Column, period: int) -> _Floats: ...
def ema(values: _Column, period: int, *, unstable_period: int = 0) -> _Floats: ...
def wma(values: _Column, period: int) -> _Floats: ...
def dema(values: _Column, period: int, *, unstable_period: int = 0) -> _Floats: ...
def tema(values: _Column, period: int, *, unstable_period: int = 0) -> _Floats: ...
def hma(values: _Column, period: int) -> _Floats: ...
def kama(values: _Column, period: int, *, unstable_period: int = 0) -> _Floats: ...
def macd(
    values: _Column, fast: int = 12, slow: int = 26, signal: int = 9, *, unstable_period: int = 0
) -> MacdValue[_Floats]: ...
def bollinger(values: _Column, period: int = 20, deviations: float = 2.0) -> BandsValue[_Floats]: ...
def keltner(
    high: _Column, low: _Column, close: _Column, period: int = 20, range_period: int = 10, multiplier: float = 2.0
) -> BandsValue[_Floats]: ...
def donchian(high: _Column, low: _Column, period: int = 20) -> BandsValue[_Floats]: ...
def atr(high: _Column, low: _Column, close: _Column, period: int = 14, *, unstable_period: int = 0) -> _Floats: ...
def adx(
    high: _Column, low: _Column, close: _Column, period: int = 14, *, unstable_period: int = 0
) -> AdxValue[_Floats]: ...
def dmi(
    high: _Column, low: _Column, close: _Column, period: int = 14, *, unstable_period: int = 0
) -> DmiValue[_Floats]: ...
def super_trend(
    high: _Column, low: _Column, close: _Column, period: int = 10, multiplier: float = 3.0, *, unstable_period: int = 0
) -> SuperTrendValue[_Floats]: ...
def parabolic_sar(high: _Column, low: _Column, acceleration: float = 0.02, maximum: float = 0.2) -> _Floats: ...
def rsi(values: _Column, period: int = 14, *, unstable_period: int = 0) -> _Floats: ...
def stoch_rsi(
    values: _Column, period: int = 14, fast_k: int = 5, fast_d: int = 3, *, unstable_period: int = 0
) -> StochasticValue[_Floats]: ...
def stochastic(
    high: _Column, low: _Column, close: _Column, fast_k: int = 5, slow_k: int = 3, slow_d: int = 3
) -> StochasticValue[_Floats]: ...
def cci(high: _Column, low: _Column, close: _Column, period: int = 14) -> _Floats: ...
def williams_r(high: _Column, low: _Column, close: _Column, period: int = 14) -> _Floats: ...
def roc(values: _Column, period: int = 10) -> _Floats: ...
def momentum(values: _Column, period: int = 10) -> _Floats: ...
def rolling_min(values: _Column, period: int) -> _Floats: ...
def rolling_max(values: _Column, period: int) -> _Floats: ...
def rolling_std(values: _Column, period: int) -> _Floats: ...
def zscore(values: _Column, period: int) -> _Floats: ...
def linear_regression(values: _Column, period: int = 14) -> LinearRegressionValue[_Floats]: ...
def ewm_variance(values: _Column, period: int) -> _Floats: ...
def obv(price: _Column, volume: _Column) -> _Floats: ...
def mfi(high: _Column, low: _Column, close: _Column, volume: _Column, period: int = 14) -> _Floats: ...
def rolling_vwap(high: _Column, low: _Column, close: _Column, volume: _Column, period: int) -> _Floats: ...
def vwap(
    high: _Column,
    low: _Column,
    close: _Column,
    volume: _Column,
    *,
    session: Literal["day"] | None = None,
    time: npt.ArrayLike | None = None,
) -> _Floats: ...
