"""Strategies that Numba compiles: callbacks as plain functions, in the form of ``algo_trade.h``.

The functions here (``now``, ``place``, …) are called inside callbacks, with the ``ctx`` that these are given. They mean what
the header says; prices, quantities and money are whole numbers in steps of 1e-8, times in nanoseconds.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from algo_trade._native import context_functions
from algo_trade.errors import ParameterError
from algo_trade.strategy.compiled import capsule

try:
    from numba import carray, cfunc, njit, types  # type: ignore[attr-defined, unused-ignore]
except ImportError as error:
    raise ImportError("strategies compiled by Numba need it: pip install numba") from error

if TYPE_CHECKING:
    from collections.abc import Callable

ABI_VERSION: Final = 1
ONE: Final = 100_000_000
BUY, SELL = 1, -1
MARKET, LIMIT, STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT = range(6)
GTC, IOC, ALO, FOK = range(4)
RESTING, WAITING, TRIGGERED, FILLED, CANCELLED, REJECTED, ACTION_REJECTED = range(7)


def _row(fields: str) -> np.dtype[Any]:
    return np.dtype([(name, np.int64) for name in fields.split()])


BAR = _row("instrument open_time close_time open high low close volume trades")
TRADE = _row("instrument exchange_time local_time aggressor price quantity")
QUOTE = _row("instrument exchange_time local_time bid_price bid_quantity ask_price ask_quantity")
FILL = _row("instrument order side price quantity fee is_maker exchange_time local_time")
ORDER_UPDATE = _row("instrument order status reason exchange_time local_time")
ORDER = _row("order side price trigger quantity leaves state is_cancelling")

_ADDRESSES = context_functions()


def _function(name: str, arguments: int) -> Any:  # noqa: ANN401 -- a pointer to a C function
    numbers = (ctypes.c_int64,) * arguments
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, *numbers)(_ADDRESSES[name])


now = _function("now", 0)
instruments = _function("instruments", 0)
tick_size = _function("tick_size", 2)
lot_size = _function("lot_size", 1)
level_price = _function("level_price", 3)
level_quantity = _function("level_quantity", 3)
last_price = _function("last_price", 1)
position = _function("position", 1)
equity = _function("equity", 0)
orders = _function("orders", 1)
# Its last argument is `order.ctypes` of an array `np.empty(1, ORDER)`.
order_at = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(
    _ADDRESSES["order_at"]
)
place = _function("place", 8)
modify = _function("modify", 4)
cancel = _function("cancel", 2)
signal = _function("signal", 3)
set_timer = _function("set_timer", 2)

_EVENTS: Final = {"on_bar": BAR, "on_trade": TRADE, "on_quote": QUOTE, "on_fill": FILL, "on_order": ORDER_UPDATE}
_NUMBERS: Final = {"on_start": 0, "on_book": 1, "on_timer": 2, "on_stop": 0}
_CALLBACKS: Final = (
    "on_start",
    "on_bar",
    "on_trade",
    "on_quote",
    "on_book",
    "on_fill",
    "on_order",
    "on_timer",
    "on_stop",
)


class _Table(ctypes.Structure):
    """An ``at_strategy``."""

    _fields_: ClassVar = [
        ("abi_version", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("state", ctypes.c_void_p),
        *((name, ctypes.c_void_p) for name in _CALLBACKS),
        ("describe", ctypes.c_void_p),
        ("drop", ctypes.c_void_p),
    ]


class NumbaStrategy:
    """A strategy whose callbacks are compiled by Numba, and called without the interpreter's lock.

    Each callback is a function that Numba can compile (``nopython``), or one that it has compiled. It takes the state, the
    context, and what it is told: ``on_start(state, ctx)``, ``on_bar(state, ctx, bar)``, ``on_book(state, ctx, instrument)``,
    ``on_timer(state, ctx, time, id)`` and so on; an event is a record with the fields of the header. It returns 0, or a number
    by which it failed. (Numba drops exceptions at this border, so raise none.)

    Parameters
    ----------
    name : str
        What it is called in reports.
    state : array of one dimension, any dtype
        Where each run starts: every run gets a copy, which the callbacks may change.
    callbacks : callable
        ``on_start``, ``on_bar``, ``on_trade``, ``on_quote``, ``on_book``, ``on_fill``, ``on_order``, ``on_timer``, ``on_stop``.

    Raises
    ------
    ParameterError
        For a callback of another name, or a state of more dimensions.
    """

    def __init__(self, name: str, *, state: np.ndarray[Any, Any], **callbacks: Callable[..., int]) -> None:
        unknown = sorted(callbacks.keys() - set(_CALLBACKS))
        if unknown:
            raise ParameterError(f"{name}: no callback is called {unknown[0]}. There are: {', '.join(_CALLBACKS)}")
        if state.ndim != 1:
            raise ParameterError(f"{name}: state has {state.ndim} dimensions, and must have 1")
        self._name = name
        self._state = state.copy()
        self._compiled = {hook: _compile(hook, function, state) for hook, function in callbacks.items()}
        self._runs: dict[int, tuple[_Table, np.ndarray[Any, Any]]] = {}
        self._drop = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda address: self._runs.pop(address, None))

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self._name

    def __algo_trade_strategy__(self) -> object:
        """Make a fresh strategy, in its capsule."""
        state = self._state.copy()
        addresses = {hook: compiled.address for hook, compiled in self._compiled.items()}
        drop = ctypes.cast(self._drop, ctypes.c_void_p).value
        table = _Table(abi_version=ABI_VERSION, state=state.ctypes.data, drop=drop, **addresses)
        self._runs[state.ctypes.data] = (table, state)
        return capsule(ctypes.addressof(table))

    def __repr__(self) -> str:
        return f"NumbaStrategy({self._name!r})"


def _compile(hook: str, function: Callable[..., int], state: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
    """Wrap a function so that it gets arrays and records instead of addresses, and compile it for C."""
    inner = function if hasattr(function, "py_func") else njit(function)
    count, dtype = len(state), state.dtype
    address, number = types.voidptr, types.int64
    if hook in _EVENTS:
        told = _EVENTS[hook]

        def with_event(state: Any, ctx: Any, event: Any) -> Any:  # noqa: ANN401
            return inner(carray(state, count, dtype), ctx, carray(event, 1, told)[0])

        return cfunc(types.int32(address, address, address))(with_event)

    def plain(state: Any, ctx: Any) -> Any:  # noqa: ANN401
        return inner(carray(state, count, dtype), ctx)

    def with_one(state: Any, ctx: Any, one: Any) -> Any:  # noqa: ANN401
        return inner(carray(state, count, dtype), ctx, one)

    def with_two(state: Any, ctx: Any, one: Any, two: Any) -> Any:  # noqa: ANN401
        return inner(carray(state, count, dtype), ctx, one, two)

    numbers = _NUMBERS[hook]
    return cfunc(types.int32(address, address, *(number,) * numbers))((plain, with_one, with_two)[numbers])
