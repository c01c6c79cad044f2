"""The face of the compiled core, written by hand and held to the binary by stubtest."""

from collections.abc import Callable, Sequence
from typing import final

__version__: str

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
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __len__(self) -> int: ...

def synthetic_bars(
    symbols: Sequence[str],
    rows: int,
    *,
    seed: int = 0,
    resolution_ns: int = 60_000_000_000,
    load_bytes_max: int = ...,
) -> BarData: ...
def parse_time_ns(text: str) -> int: ...
