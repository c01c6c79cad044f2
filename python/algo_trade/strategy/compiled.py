"""Strategies compiled in other languages: where the header is, and how a table in memory becomes a strategy."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Final

from algo_trade.errors import StrategyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CAPSULE: Final = b"algo_trade.strategy.v1"
"""The name of the capsule around an ``at_strategy``."""

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


def include_dir() -> str:
    """Return the folder of ``algo_trade.h``, for a compiler's ``-I``."""
    return str(Path(__file__).resolve().parent.parent / "include")


def capsule(address: int) -> object:
    """Put an ``at_strategy`` in the capsule that the engine takes.

    Parameters
    ----------
    address : int
        Where the table is. It must stay there until the engine has called its ``drop``, or until the run has ended.
    """
    made: object = _new_capsule(address, CAPSULE, None)
    return made


class PointerStrategy:
    """A strategy out of a library that was loaded with ctypes or cffi.

    Parameters
    ----------
    name : str
        What it is called in reports.
    make : callable
        Called once for each run; returns the address of a fresh ``at_strategy``, 0 or None if there is no memory.
    params : mapping, optional
        What to say about it in reports.
    """

    def __init__(
        self, name: str, make: Callable[[], int | None], *, params: Mapping[str, object] | None = None
    ) -> None:
        self._name = name
        self._make = make
        self._params = dict(params or {})

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self._name

    @property
    def params(self) -> dict[str, object]:
        """What reports say about it."""
        return dict(self._params)

    def __algo_trade_strategy__(self) -> object:
        """Make a fresh strategy, in its capsule."""
        address = self._make()
        if not address:
            raise StrategyError(f"{self._name}: its library made no strategy")
        return capsule(address)

    def __repr__(self) -> str:
        return f"PointerStrategy({self._name!r})"
