"""The face of the compiled core, written by hand and held to the binary by stubtest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from os import PathLike
from typing import Any, Generic, Literal, NamedTuple, Protocol, SupportsFloat, SupportsIndex, TypeAlias, TypeVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import disjoint_base

__version__: str
__code_hash__: str

_Number: TypeAlias = Decimal | int | str | float
_Time: TypeAlias = int | datetime
_Side: TypeAlias = Literal["buy", "sell"]
_TimeInForce: TypeAlias = Literal["gtc", "ioc", "alo"]
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

# --- indicators -------------------------------------------------------------------------------------------------------

_Float: TypeAlias = SupportsFloat | SupportsIndex
_Column: TypeAlias = ArrayLike | _ArrowTable
_Floats: TypeAlias = NDArray[np.float64]
_T = TypeVar("_T")
_V_co = TypeVar("_V_co", covariant=True)

class MacdValue(NamedTuple, Generic[_T]):
    macd: _T
    signal: _T
    histogram: _T

class BandsValue(NamedTuple, Generic[_T]):
    upper: _T
    middle: _T
    lower: _T

class AdxValue(NamedTuple, Generic[_T]):
    adx: _T
    plus_di: _T
    minus_di: _T

class DmiValue(NamedTuple, Generic[_T]):
    plus_di: _T
    minus_di: _T

class StochasticValue(NamedTuple, Generic[_T]):
    k: _T
    d: _T

class SuperTrendValue(NamedTuple, Generic[_T]):
    line: _T
    direction: _T

class LinearRegressionValue(NamedTuple, Generic[_T]):
    slope: _T
    intercept: _T
    value: _T

@disjoint_base
class Indicator(Generic[_V_co]):
    def update(
        self,
        first: _Float | Bar,
        second: _Float | None = None,
        third: _Float | None = None,
        fourth: _Float | None = None,
        /,
        *,
        time: int | None = None,
    ) -> _V_co | None: ...
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

@final
class Ema(Indicator[float]):
    def __new__(cls, period: int, *, unstable_period: int = 0) -> Ema: ...

@final
class Wma(Indicator[float]):
    def __new__(cls, period: int) -> Wma: ...

@final
class Dema(Indicator[float]):
    def __new__(cls, period: int, *, unstable_period: int = 0) -> Dema: ...

@final
class Tema(Indicator[float]):
    def __new__(cls, period: int, *, unstable_period: int = 0) -> Tema: ...

@final
class Hma(Indicator[float]):
    def __new__(cls, period: int) -> Hma: ...

@final
class Kama(Indicator[float]):
    def __new__(cls, period: int, *, unstable_period: int = 0) -> Kama: ...

@final
class Rsi(Indicator[float]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Rsi: ...

@final
class StochRsi(Indicator[StochasticValue[float]]):
    def __new__(cls, period: int = 14, fast_k: int = 5, fast_d: int = 3, *, unstable_period: int = 0) -> StochRsi: ...

@final
class Macd(Indicator[MacdValue[float]]):
    def __new__(cls, fast: int = 12, slow: int = 26, signal: int = 9, *, unstable_period: int = 0) -> Macd: ...

@final
class Bollinger(Indicator[BandsValue[float]]):
    def __new__(cls, period: int = 20, deviations: float = 2.0) -> Bollinger: ...

@final
class EwmVariance(Indicator[float]):
    def __new__(cls, period: int) -> EwmVariance: ...

@final
class Roc(Indicator[float]):
    def __new__(cls, period: int = 10) -> Roc: ...

@final
class Momentum(Indicator[float]):
    def __new__(cls, period: int = 10) -> Momentum: ...

@final
class Min(Indicator[float]):
    def __new__(cls, period: int) -> Min: ...

@final
class Max(Indicator[float]):
    def __new__(cls, period: int) -> Max: ...

@final
class Std(Indicator[float]):
    def __new__(cls, period: int) -> Std: ...

@final
class Zscore(Indicator[float]):
    def __new__(cls, period: int) -> Zscore: ...

@final
class LinearRegression(Indicator[LinearRegressionValue[float]]):
    def __new__(cls, period: int = 14) -> LinearRegression: ...

@final
class Keltner(Indicator[BandsValue[float]]):
    def __new__(cls, period: int = 20, range_period: int = 10, multiplier: float = 2.0) -> Keltner: ...

@final
class Donchian(Indicator[BandsValue[float]]):
    def __new__(cls, period: int = 20) -> Donchian: ...

@final
class Atr(Indicator[float]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Atr: ...

@final
class Adx(Indicator[AdxValue[float]]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Adx: ...

@final
class Dmi(Indicator[DmiValue[float]]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Dmi: ...

@final
class SuperTrend(Indicator[SuperTrendValue[float]]):
    def __new__(cls, period: int = 10, multiplier: float = 3.0, *, unstable_period: int = 0) -> SuperTrend: ...

@final
class ParabolicSar(Indicator[float]):
    def __new__(cls, acceleration: float = 0.02, maximum: float = 0.2) -> ParabolicSar: ...

@final
class Stochastic(Indicator[StochasticValue[float]]):
    def __new__(cls, fast_k: int = 5, slow_k: int = 3, slow_d: int = 3) -> Stochastic: ...

@final
class Cci(Indicator[float]):
    def __new__(cls, period: int = 14) -> Cci: ...

@final
class WilliamsR(Indicator[float]):
    def __new__(cls, period: int = 14) -> WilliamsR: ...

@final
class Obv(Indicator[float]):
    def __new__(cls) -> Obv: ...

@final
class Mfi(Indicator[float]):
    def __new__(cls, period: int = 14, *, unstable_period: int = 0) -> Mfi: ...

@final
class RollingVwap(Indicator[float]):
    def __new__(cls, period: int) -> RollingVwap: ...

@final
class Vwap(Indicator[float]):
    def __new__(cls, *, session: Literal["day"] | None = None) -> Vwap: ...

def sma(values: _Column, period: int) -> _Floats: ...
def ema(values: _Column, period: int, *, unstable_period: int = 0) -> _Floats: ...
def wma(values: _Column, period: int) -> _Floats: ...
def dema(values: _Column, period: int, *, unstable_period: int = 0) -> _Floats: ...
def tema(values: _Column, period: int, *, unstable_period: int = 0) -> _Floats: ...
def hma(values: _Column, period: int) -> _Floats: ...
def kama(values: _Column, period: int, *, unstable_period: int = 0) -> _Floats: ...
def rsi(values: _Column, period: int = 14, *, unstable_period: int = 0) -> _Floats: ...
def stoch_rsi(
    values: _Column, period: int = 14, fast_k: int = 5, fast_d: int = 3, *, unstable_period: int = 0
) -> StochasticValue[_Floats]: ...
def macd(
    values: _Column, fast: int = 12, slow: int = 26, signal: int = 9, *, unstable_period: int = 0
) -> MacdValue[_Floats]: ...
def bollinger(values: _Column, period: int = 20, deviations: float = 2.0) -> BandsValue[_Floats]: ...
def ewm_variance(values: _Column, period: int) -> _Floats: ...
def roc(values: _Column, period: int = 10) -> _Floats: ...
def momentum(values: _Column, period: int = 10) -> _Floats: ...
def rolling_min(values: _Column, period: int) -> _Floats: ...
def rolling_max(values: _Column, period: int) -> _Floats: ...
def rolling_std(values: _Column, period: int) -> _Floats: ...
def zscore(values: _Column, period: int) -> _Floats: ...
def linear_regression(values: _Column, period: int = 14) -> LinearRegressionValue[_Floats]: ...
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
def stochastic(
    high: _Column, low: _Column, close: _Column, fast_k: int = 5, slow_k: int = 3, slow_d: int = 3
) -> StochasticValue[_Floats]: ...
def cci(high: _Column, low: _Column, close: _Column, period: int = 14) -> _Floats: ...
def williams_r(high: _Column, low: _Column, close: _Column, period: int = 14) -> _Floats: ...
def obv(price: _Column, volume: _Column) -> _Floats: ...
def mfi(
    high: _Column, low: _Column, close: _Column, volume: _Column, period: int = 14, *, unstable_period: int = 0
) -> _Floats: ...
def rolling_vwap(high: _Column, low: _Column, close: _Column, volume: _Column, period: int) -> _Floats: ...
def vwap(
    high: _Column,
    low: _Column,
    close: _Column,
    volume: _Column,
    *,
    session: Literal["day"] | None = None,
    time: ArrayLike | None = None,
) -> _Floats: ...
