"""The face of the compiled core, written by hand and held to the binary by stubtest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, final

__version__: str
__code_hash__: str

_Number: TypeAlias = Decimal | int | str | float
_Time: TypeAlias = int | datetime
_Side: TypeAlias = Literal["buy", "sell"]
_TimeInForce: TypeAlias = Literal["gtc", "ioc", "alo"]
_I = TypeVar("_I", bound="Indicator")

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
        liquidity: str = "taker",
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
        time_in_force: _TimeInForce = "gtc",
        reduce_only: bool = False,
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
        time_in_force: _TimeInForce = "gtc",
        reduce_only: bool = False,
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
def resolve_capital(initial_capital: _Number) -> Decimal: ...

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
        maker_rate: _Number,
        taker_rate: _Number,
        leverage: int,
        margin: str,
        reserve_open_orders: bool,
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
        min_notional: _Number | None = None,
        tiers: Sequence[tuple[_Number, int]] | None = None,
    ) -> Instrument: ...
    @property
    def symbol(self) -> str: ...

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

_Strategy: TypeAlias = tuple[str, Mapping[str, object]] | Mapping[str, Any]
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
    @property
    def kind(self) -> Literal["start", "stop"]: ...
    @property
    def time_ns(self) -> int: ...

@final
class AccountEvent:
    @property
    def kind(self) -> Literal["backstop"]: ...
    @property
    def loss(self) -> Decimal: ...
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
_Command: TypeAlias = SubmitOrder | RefuseOrder | ModifyOrder | CancelOrder | SetTimer | Notice

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
    ) -> System: ...
    def step(self, event: Bar | Trade | Quote | _Report | TimerEvent | ControlEvent) -> list[_Command]: ...
    @property
    def equity(self) -> Decimal: ...
    @property
    def cash(self) -> Decimal: ...
    def position(self, symbol: str) -> Position: ...

@final
class SimulatedVenue:
    def __new__(
        cls,
        options: VenueOptions,
        *,
        symbols: Sequence[str],
        rules: Sequence[Instrument],
        initial_capital: _Number,
    ) -> SimulatedVenue: ...
    def on_market_event(self, event: Bar | Trade | Quote) -> list[_Report]: ...
    def execute(self, command: _Command, now_ns: int) -> list[_Report]: ...

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
        until_ns: int | None = None,
    ) -> tuple[int, int, bool]: ...
    def dump(self, write: Callable[[str], object], *, until_ns: int | None = None) -> int: ...

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
