"""Options of matching on order books: queue, latency, and what counts as evidence of a fill."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from algo_trade._native import LatencyOptions
from algo_trade.errors import ConfigError

_STRICT = ConfigDict(extra="forbid", frozen=True)
_Nanos = Annotated[int, Field(ge=0)]


class Queue(BaseModel):
    """Where in the queue the cancels of others are thought to be.

    Parameters
    ----------
    model : "risk_averse", "power1", "power2", "power3", "log1", "log2" or "fifo"
        Behind us all; by a power or a logarithm of what is ahead and behind; or, in a book of orders, as it is.
    n : float
        The exponent of the power models.
    log_unit : decimal
        The quantity that the logarithmic models count in, in base units.
    """

    model_config = _STRICT

    model: Literal["risk_averse", "power1", "power2", "power3", "log1", "log2", "fifo"] = "power1"
    n: float = Field(default=2.0, gt=0, le=100)
    log_unit: Decimal = Decimal(1)


class ConstantLatency(BaseModel):
    """Always the same, in nanoseconds."""

    model_config = _STRICT

    kind: Literal["constant"] = "constant"
    entry_ns: _Nanos = 500_000
    response_ns: _Nanos = 500_000
    jitter: float = Field(default=0.0, ge=0, le=5)

    def native(self) -> LatencyOptions:
        """As the engine takes it."""
        return LatencyOptions.constant(self.entry_ns, self.response_ns)


class TableLatency(BaseModel):
    """Between measured samples: a CSV or Parquet file with the columns req_ns, exch_ns and resp_ns (0: never arrived)."""

    model_config = _STRICT

    kind: Literal["table"]
    file: str
    jitter: float = Field(default=0.0, ge=0, le=5)

    def native(self) -> LatencyOptions:
        """As the engine takes it; raises ConfigError for a file that does not hold the columns."""
        import polars as pl  # noqa: PLC0415 -- only a table of latencies needs it, and it takes its time

        path = Path(self.file)
        names = ["req_ns", "exch_ns", "resp_ns"]
        try:
            frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
            columns = frame.select(pl.col(names).cast(pl.Int64))
        except FileNotFoundError:
            raise ConfigError(f"latency.file = {path}: no such file") from None
        except pl.exceptions.PolarsError as error:
            raise ConfigError(
                f"latency.file = {path}: wanted the columns {', '.join(names)} of integers: {error}"
            ) from None
        return LatencyOptions.table(columns.rows())


class FeedLatency(BaseModel):
    """Multiples of what the last market data took: ``entry = a * F + b_ns``, ``response = c * F + d_ns``."""

    model_config = _STRICT

    kind: Literal["feed"]
    a: float = Field(default=1.0, ge=0)
    b_ns: _Nanos = 0
    c: float = Field(default=1.0, ge=0)
    d_ns: _Nanos = 0
    jitter: float = Field(default=0.0, ge=0, le=5)

    def native(self) -> LatencyOptions:
        """As the engine takes it."""
        return LatencyOptions.feed(self.a, self.b_ns, self.c, self.d_ns)


AnyLatency: TypeAlias = Annotated[ConstantLatency | TableLatency | FeedLatency, Field(discriminator="kind")]

HYPERLIQUID_LATENCY = ConstantLatency(entry_ns=100_000_000, response_ns=100_000_000)
"""Each way, where the data are Hyperliquid's: half of the fastest answers that were measured from near its servers."""


def with_kind(value: Any) -> Any:  # noqa: ANN401 -- whatever somebody wrote
    """A latency without a kind is constant."""
    return {"kind": "constant", **value} if isinstance(value, dict) else value
